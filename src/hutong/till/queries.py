"""Reads of the till. Staff see bills within their scope; a member his own; packages above see all."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.orders import Past
from hutong.till.model import Bill, Discount, Earnt, Pay, Used

_BILL = """
select b.*, u.at as undone_at, u.points_back, u.clawed, u.debt,
       coalesce((select jsonb_agg(to_jsonb(x) order by x.redemption_id) from till.uses x
                 where x.city_id = %(city)s and x.bill_id = b.bill_id), '[]') as uses,
       coalesce((select jsonb_agg(to_jsonb(d) order by d.promotion_id) from till.discounts d
                 where d.city_id = %(city)s and d.bill_id = b.bill_id), '[]') as discounts,
       (select to_jsonb(e) from till.earns e where e.city_id = %(city)s and e.bill_id = b.bill_id) as earned,
       (select to_jsonb(p) from till.pays p where p.city_id = %(city)s and p.bill_id = b.bill_id) as pay
from till.bills b
left join till.undos u on u.city_id = %(city)s and u.bill_id = b.bill_id
where b.city_id = %(city)s
"""


def as_bill(row: dict[str, Any], *, replayed: bool = False) -> Bill:
    """A row of _BILL as a value."""
    asset = row["asset"]
    plain = (
        "city_id", "bill_id", "event_id", "merchant_id", "store_id", "store_name", "staff_id", "staff_name",
        "member_id", "holder", "at", "bought_at", "undo_until", "undone_at", "way", "source", "category", "points",
        "programme_id", "burn_id", "points_back", "clawed", "debt",
    )  # fmt: skip
    return Bill(
        **{name: row[name] for name in plain if row[name] is not None}, amount=Amount(row["amount_units"], asset),
        discounted=Amount(row["discount_units"], asset), paid=Amount(row["card_units"], asset),
        collect=Amount(row["collect_units"], asset), points_off=Amount(row["points_units"], asset), replayed=replayed,
        earned=_earnt(row["earned"], asset) if row["earned"] else None, pay=_pay(row["pay"]) if row["pay"] else None,
        uses=tuple(_used(one, asset) for one in row["uses"]),
        discounts=tuple(_discount(one, asset) for one in row["discounts"]),
    )  # fmt: skip


async def past_bills(tx: Tx, pairs: Iterable[tuple[UUID, UUID]], *, city_id: int) -> dict[tuple[UUID, UUID], Past]:
    """For each member and merchant: his bills in this city that stand, how many of them here, and what he paid for
    those beside what discounts and points took off. For the house."""
    wanted = sorted(set(pairs))
    if not wanted:
        return {}
    rows = await tx.rows(
        """select k.member_id, k.merchant_id, count(b.bill_id)::int as bills,
                  count(b.bill_id) filter (where b.merchant_id = k.merchant_id)::int as here,
                  coalesce(sum(b.card_units + b.collect_units)
                           filter (where b.merchant_id = k.merchant_id), 0)::bigint as spent
           from unnest(%(members)s::uuid[], %(merchants)s::uuid[]) as k(member_id, merchant_id)
           left join till.bills b on b.city_id = %(city)s and b.member_id = k.member_id
             and not exists (select 1 from till.undos u where u.city_id = %(city)s and u.bill_id = b.bill_id)
           group by k.member_id, k.merchant_id""",
        city=city_id, members=[member for member, _ in wanted], merchants=[merchant for _, merchant in wanted],
    )  # fmt: skip
    return {(row["member_id"], row["merchant_id"]): Past(row["bills"], row["here"], row["spent"]) for row in rows}


def _earnt(one: dict[str, Any], asset: str) -> Earnt:
    return msgspec.convert(one | {"amount": Amount(one["amount_units"], asset)}, Earnt, strict=False)


def _pay(one: dict[str, Any]) -> Pay:
    return msgspec.convert(one | {"amount": Amount(one["units"], one["asset"])}, Pay, strict=False)


def _used(one: dict[str, Any], asset: str) -> Used:
    return Used(
        redemption_id=UUID(one["redemption_id"]), voucher_id=UUID(one["voucher_id"]), offer_id=UUID(one["offer_id"]),
        role=one["role"], title=msgspec.convert(one["title"], Text), code_tail=one["code_tail"],
        amount=Amount(one["units"], asset), count=one["count"], uses_left=one["uses_left"],
    )  # fmt: skip


def _discount(one: dict[str, Any], asset: str) -> Discount:
    return Discount(
        promotion_id=UUID(one["promotion_id"]), redemption_id=UUID(one["redemption_id"]),
        name=msgspec.convert(one["name"], Text), amount=Amount(one["units"], asset),
        shares=tuple((payer, units) for payer, units in one["shares"]),
        budgeted=one["budgeted"],
    )  # fmt: skip


async def in_full(tx: Tx, bill_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Bill]:
    """These bills. For the house: no scope."""
    rows = await tx.rows(f"{_BILL} and b.bill_id = any(%(ids)s::uuid[])", city=city_id, ids=sorted(set(bill_ids)))
    return {row["bill_id"]: as_bill(row) for row in rows}


async def by_events(
    tx: Tx, keys: Sequence[tuple[UUID, str]], *, city_id: int
) -> dict[tuple[UUID, str], Bill]:  # fmt: skip
    """The bills of these (merchant, event), marked as replayed. For the house: no scope."""
    rows = await tx.rows(
        f"""{_BILL} and (b.merchant_id, b.event_id) in (
              select k.merchant_id, k.event_id from unnest(%(merchants)s::uuid[], %(events)s::text[])
                as k(merchant_id, event_id))""",
        city=city_id, merchants=[merchant for merchant, _ in keys], events=[event for _, event in keys],
    )  # fmt: skip
    return {(row["merchant_id"], row["event_id"]): as_bill(row, replayed=True) for row in rows}


async def by_ids(tx: Tx, scope: Scope, bill_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Bill]:
    """These bills, as far as they lie within the scope."""
    allowed, params = scope.sql(city="b.city_id", merchant="b.merchant_id", store="b.store_id")
    rows = await tx.rows(
        f"{_BILL} and {allowed} and b.bill_id = any(%(ids)s::uuid[])", city=city_id, ids=sorted(set(bill_ids)), **params
    )
    return {row["bill_id"]: as_bill(row) for row in rows}


async def bills(
    tx: Tx, scope: Scope, *, city_id: int, since: datetime | None = None, until: datetime | None = None,
    after: UUID | None = None, limit: int = 50,
) -> list[Bill]:  # fmt: skip
    """A page of the bills within the scope, newest first, in [since, until); undone ones are marked."""
    allowed, params = scope.sql(city="b.city_id", merchant="b.merchant_id", store="b.store_id")
    rows = await tx.rows(
        f"""{_BILL} and {allowed}
            and (%(since)s::timestamptz is null or b.at >= %(since)s)
            and (%(until)s::timestamptz is null or b.at < %(until)s)
            and (%(after)s::uuid is null or (b.at, b.bill_id) < (
              select a.at, a.bill_id from till.bills a where a.city_id = %(city)s and a.bill_id = %(after)s))
            order by b.at desc, b.bill_id desc limit %(limit)s""",
        city=city_id, since=since, until=until, after=after, limit=limit, **params,
    )  # fmt: skip
    return [as_bill(row) for row in rows]


async def of_member(tx: Tx, member_id: UUID, *, city_id: int, limit: int = 50) -> list[Bill]:
    """The member's own bills in one city, newest first."""
    rows = await tx.rows(
        f"{_BILL} and b.member_id = %(member)s order by b.at desc, b.bill_id desc limit %(limit)s",
        city=city_id, member=member_id, limit=limit,
    )  # fmt: skip
    return [as_bill(row) for row in rows]


async def bill_of_redemptions(tx: Tx, redemption_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, UUID]:
    """Which bill each redemption belongs to; absent when it was none of a bill. For the house: no scope."""
    rows = await tx.rows(
        """select redemption_id, bill_id from till.uses
           where city_id = %(city)s and redemption_id = any(%(ids)s::uuid[])""",
        city=city_id,
        ids=sorted(set(redemption_ids)),
    )
    return {row["redemption_id"]: row["bill_id"] for row in rows}


class Saved(Struct, frozen=True, kw_only=True):
    """What a voucher took off the bills of its holder, and how many of them; undone ones are left out."""

    units: int = 0
    bills: int = 0


async def saved_with(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Saved]:
    """What each of these vouchers has saved at tills, in the smallest unit; absent when it was never shown."""
    rows = await tx.rows(
        """select x.voucher_id, coalesce(sum(x.units), 0)::bigint as units, count(*)::int as bills
           from till.uses x
           where x.city_id = %(city)s and x.voucher_id = any(%(ids)s::uuid[]) and x.role in ('coupon', 'pass')
             and not exists (select 1 from till.undos u where u.city_id = %(city)s and u.bill_id = x.bill_id)
           group by x.voucher_id""",
        city=city_id,
        ids=sorted(set(voucher_ids)),
    )
    return {row["voucher_id"]: Saved(units=row["units"], bills=row["bills"]) for row in rows}
