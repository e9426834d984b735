"""Accepting a gift: the right changes hands once, and everything that could show it before is dead."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.vouchers.codes import fresh_codes, fresh_secrets
from hutong.vouchers.gifts import Claim, Gift, token_hash
from hutong.vouchers.operations.give import under_lock, write_ends
from hutong.vouchers.refusals import GiftIsYours, GiftOver, GiftUnknown

ROUNDS = 6  # as in issue: a code of twelve digits is taken once in millions of draws


async def claim_gifts(
    tx: Tx, requests: Sequence[Claim], *, city_id: int, now: datetime, draw: Callable[[int], list[str]] = fresh_codes
) -> list[Gift | Refusal]:
    """Accept gifts, in list order: the voucher has a new holder, a new secret and new digits, and its lock ends.

    Exactly one member gets it, however many have the link; the same member again gets the same answer. Capsules of the
    giver's phones are forgotten. Records `vouchers.gift_claimed`.
    Refusals: gift_not_found, gift_is_yours, gift_over (`state`: claimed by somebody else, taken_back, expired - also
    when its voucher is no longer on its way: the merchant gives the money back).
    """
    hashes = [token_hash(r.token) for r in requests]
    found = await tx.rows(
        "select gift_id, token_hash from vouchers.gifts where city_id = %(city)s and token_hash = any(%(h)s::bytea[])",
        city=city_id, h=hashes,
    )  # fmt: skip
    ids = {bytes(row["token_hash"]): row["gift_id"] for row in found}
    gifts = await under_lock(tx, sorted(ids.values()), city_id=city_id)
    results: list[Gift | Refusal] = []
    taken: dict[UUID, Gift] = {}
    for request, of in zip(requests, hashes, strict=True):
        gift = gifts.get(ids.get(of, UUID(int=0)))
        refusal = _why_not(request, gift, now)
        if gift is not None and refusal is None and gift.state == "open":
            gift = gifts[gift.gift_id] = taken[gift.gift_id] = structs.replace(
                gift, state="claimed", ended_at=now, taker_id=request.member_id, taker_name=request.member_name
            )
        results.append(refusal or gift or GiftUnknown())
    moved = await _hand_over(tx, list(taken.values()), draw, city_id=city_id)
    mine = [gift for gift in taken.values() if gift.voucher_id in moved]
    await write_ends(tx, mine, city_id=city_id)
    await tx.record([_fact(gift, now) for gift in mine])
    lost = taken.keys() - {gift.gift_id for gift in mine}  # the next round writes down that they are over
    return [GiftOver(state="expired") if isinstance(r, Gift) and r.gift_id in lost else r for r in results]


def _why_not(request: Claim, gift: Gift | None, now: datetime) -> Refusal | None:
    if gift is None:
        return GiftUnknown()
    if gift.giver_id == request.member_id:
        return GiftIsYours()
    if gift.state == "claimed" and gift.taker_id == request.member_id:
        return None
    return None if gift.open_at(now) else GiftOver(state="expired" if gift.state == "open" else gift.state)


async def _hand_over(
    tx: Tx, gifts: Sequence[Gift], draw: Callable[[int], list[str]], *, city_id: int
) -> frozenset[UUID]:
    """The vouchers become the takers'; which. One that is no longer on its way by this gift stays where it is: its
    merchant gives the money back, its deal failed."""
    if not gifts:
        return frozenset()
    codes = await _free_codes(tx, len(gifts), draw, city_id=city_id)
    moved = await tx.rows(
        load(__package__, "hand_over"), city=city_id, ids=[g.voucher_id for g in gifts],
        refs=[g.gift_id for g in gifts], members=[g.taker_id for g in gifts], names=[g.taker_name for g in gifts],
        secrets=fresh_secrets(len(gifts)), codes=codes,
    )  # fmt: skip
    gone = frozenset(row["voucher_id"] for row in moved)
    await tx.run(
        "delete from vouchers.capsules where city_id = %(city)s and voucher_id = any(%(ids)s::uuid[])",
        city=city_id, ids=sorted(gone),
    )  # fmt: skip
    return gone


async def _free_codes(tx: Tx, count: int, draw: Callable[[int], list[str]], *, city_id: int) -> list[str]:
    codes: list[str] = []
    for _ in range(ROUNDS):
        codes = list(dict.fromkeys([*codes, *draw(count - len(codes))]))
        rows = await tx.rows(
            "select code from vouchers.vouchers where city_id = %(city)s and code = any(%(codes)s::text[])",
            city=city_id, codes=codes,
        )  # fmt: skip
        codes = [code for code in codes if code not in {row["code"] for row in rows}]
        if len(codes) == count:
            return codes
    raise RuntimeError("no free codes could be drawn")


def _fact(gift: Gift, now: datetime) -> Fact:
    return Fact(
        fact_id=derive(gift.gift_id, "fact/claimed"), city_id=gift.city_id, topic="vouchers.gift_claimed",
        subject=gift.gift_id, payload={"voucher": str(gift.voucher_id)}, at=now,
    )  # fmt: skip
