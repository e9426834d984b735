"""Extend: what was sold stays good for longer. Never for shorter: a promise is not taken back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.kit.refusals import Refusal
from hutong.vouchers.refusals import ExtensionTooShort


class Extend(Struct, frozen=True, kw_only=True):
    """The usable vouchers of an offer that end in (ends_after, ends_by] are good until `valid_to` (exclusive).

    `member_id`: only those that this member holds. `by` is who decided, `reason` a word for the history.
    """

    extension_id: UUID
    offer_id: UUID
    merchant_id: UUID
    ends_after: datetime
    ends_by: datetime
    valid_to: datetime
    by: UUID
    reason: str = "wave"
    member_id: UUID | None = None


class Extended(Struct, frozen=True, kw_only=True):
    """How many vouchers were extended (none: the same extension was made before, or nothing was left) and who holds
    them: member -> one of his vouchers."""

    extension_id: UUID
    count: int
    holders: dict[UUID, UUID]


async def extend(
    tx: Tx, requests: Sequence[Extend], *, city_id: int, now: datetime
) -> list[Extended | Refusal]:  # fmt: skip
    """Lengthen validities, each with a row of history. Vouchers that end later already are left as they are.

    Refusals: extension_too_short (not after what is to be extended). The same extension again changes nothing, as its
    vouchers end later by then. Two requests that name one voucher: the later end counts.
    """
    good = [r for r in requests if r.valid_to > r.ends_by and r.valid_to > now]
    held: dict[UUID, dict[UUID, UUID]] = {r.extension_id: {} for r in good}
    counts = dict.fromkeys(held, 0)
    rows = await tx.rows(
        load(__package__, "extend"), city=city_id, now=now, extensions=[r.extension_id for r in good],
        offers=[r.offer_id for r in good], merchants=[r.merchant_id for r in good],
        afters=[max(r.ends_after, now) for r in good], bys=[r.ends_by for r in good], tos=[r.valid_to for r in good],
        authors=[r.by for r in good], reasons=[r.reason for r in good], members=[r.member_id for r in good],
    ) if good else []  # fmt: skip
    for row in rows:
        counts[row["extension_id"]] += 1
        held[row["extension_id"]].setdefault(row["member_id"], row["voucher_id"])
    return [
        Extended(extension_id=r.extension_id, count=counts[r.extension_id], holders=held[r.extension_id])
        if r.extension_id in counts
        else ExtensionTooShort()
        for r in requests
    ]
