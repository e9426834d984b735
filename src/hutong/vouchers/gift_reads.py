"""Reads of gifts: by whoever has the link, by the giver, and for the packages above."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from hutong.infra.db import Tx
from hutong.kit.text import Text
from hutong.vouchers.gifts import Gift, GiftSeen, token_hash

_COLUMNS = """g.city_id, g.gift_id, g.voucher_id, g.giver_id, g.giver_name, g.note, g.state, g.made_at, g.expires_at,
              g.ended_at, g.taker_id, g.taker_name"""
_SEEN = f"""select {_COLUMNS}, v.title, v.merchant_id, v.order_id, v.offer_id, v.valid_from, v.valid_to
            from vouchers.gifts g join vouchers.vouchers v on v.city_id = %(city)s and v.voucher_id = g.voucher_id
            where g.city_id = %(city)s"""


def as_gift(row: dict[str, Any]) -> Gift:
    """A row of vouchers.gifts as a value."""
    return msgspec.convert({name: row[name] for name in Gift.__struct_fields__}, Gift)


def _as_seen(row: dict[str, Any]) -> GiftSeen:
    rest = {name: row[name] for name in GiftSeen.__struct_fields__ if name not in ("gift", "title")}
    return GiftSeen(gift=as_gift(row), title=msgspec.convert(row["title"], Text), **rest)


async def gift_by_token(tx: Tx, token: bytes, *, city_id: int) -> GiftSeen | None:
    """The gift of this link, for whoever has it; None when there is none."""
    row = await tx.row(f"{_SEEN} and g.token_hash = %(hash)s", city=city_id, hash=token_hash(token))
    return None if row is None else _as_seen(row)


async def gifts_by_ids(tx: Tx, gift_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, GiftSeen]:
    """The gifts with these ids. For the packages above: no scope."""
    rows = await tx.rows(f"{_SEEN} and g.gift_id = any(%(ids)s::uuid[])", city=city_id, ids=list(gift_ids))
    return {row["gift_id"]: _as_seen(row) for row in rows}


async def gifts_of_vouchers(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int) -> list[Gift]:
    """All gifts of these vouchers, the latest first. For the packages above: no scope."""
    rows = await tx.rows(
        f"""select {_COLUMNS} from vouchers.gifts g
            where g.city_id = %(city)s and g.voucher_id = any(%(ids)s::uuid[]) order by g.made_at desc, g.gift_id""",
        city=city_id, ids=list(voucher_ids),
    )  # fmt: skip
    return [as_gift(row) for row in rows]


async def given_by(tx: Tx, giver_id: UUID, *, city_id: int, limit: int = 50) -> list[GiftSeen]:
    """What a member has given away in this city, or has on its way; the latest first. What came back is left out."""
    rows = await tx.rows(
        f"""{_SEEN} and g.giver_id = %(giver)s and g.state in ('open', 'claimed')
            order by g.made_at desc, g.gift_id desc limit %(limit)s""",
        city=city_id, giver=giver_id, limit=limit,
    )  # fmt: skip
    return [_as_seen(row) for row in rows]


async def count_given(tx: Tx, giver_id: UUID, *, city_id: int) -> int:
    """How many of a member's vouchers are on their way or accepted, in this city."""
    return await tx.value(
        """select count(*)::int from vouchers.gifts
           where city_id = %(city)s and giver_id = %(giver)s and state in ('open', 'claimed')""",
        city=city_id, giver=giver_id,
    )  # fmt: skip
