"""Reads. Holders see their own vouchers whole; staff see uses within their scope, masked; packages above see all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.kit.masks import mask_name
from hutong.vouchers.history import DayUses, Failure, Step, Use
from hutong.vouchers.model import TABS, Tab, Voucher


def as_voucher(row: dict[str, Any]) -> Voucher:
    """A row of vouchers.vouchers as a value."""
    return msgspec.convert(row, Voucher)


async def by_ids(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int) -> list[Voucher]:
    """The vouchers with these ids, in their order; unknown ids are left out. For the packages above: no scope."""
    rows = await tx.rows(
        "select * from vouchers.vouchers where city_id = %(city)s and voucher_id = any(%(ids)s::uuid[])",
        city=city_id, ids=list(voucher_ids),
    )  # fmt: skip
    found = {row["voucher_id"]: as_voucher(row) for row in rows}
    return [found[voucher_id] for voucher_id in voucher_ids if voucher_id in found]


async def of_orders(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> list[Voucher]:
    """All vouchers of these orders, by line and unit. For the packages above: no scope."""
    rows = await tx.rows(
        """select * from vouchers.vouchers where city_id = %(city)s and order_id = any(%(ids)s::uuid[])
           order by order_id, line_id, unit_no""",
        city=city_id, ids=list(order_ids),
    )  # fmt: skip
    return [as_voucher(row) for row in rows]


async def order_of_code(tx: Tx, merchant_id: UUID, code: str, *, city_id: int) -> UUID | None:
    """The order of this merchant that the voucher with these twelve digits came from. For the packages above: who
    asks must be kept from trying codes until one fits."""
    return await tx.value(
        """select order_id from vouchers.vouchers
           where city_id = %(city)s and code = %(code)s and merchant_id = %(merchant)s""",
        city=city_id, code=code, merchant=merchant_id,
    )  # fmt: skip


async def valid_besides(
    tx: Tx, order_ids: Sequence[UUID], known: Sequence[UUID], *, city_id: int
) -> list[Voucher]:  # fmt: skip
    """The valid vouchers of these orders except the known ones. For a counter that has the latter in hand."""
    rows = await tx.rows(
        """select * from vouchers.vouchers
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and state = 'valid'
             and voucher_id <> all(%(known)s::uuid[])""",
        city=city_id, ids=list(order_ids), known=list(known),
    )  # fmt: skip
    return [as_voucher(row) for row in rows]


async def of_member(tx: Tx, member_id: UUID, voucher_id: UUID, *, city_id: int) -> Voucher | None:
    """The member's own voucher; None when there is none or it is somebody else's."""
    row = await tx.row(
        """select * from vouchers.vouchers
           where city_id = %(city)s and member_id = %(member)s and voucher_id = %(id)s""",
        city=city_id, member=member_id, id=voucher_id,
    )  # fmt: skip
    return None if row is None else as_voucher(row)


async def wallet(
    tx: Tx, member_id: UUID, *, city_id: int, tab: Tab = "unused", after: UUID | None = None, limit: int = 20
) -> list[Voucher]:
    """A page of the member's own vouchers in one city, newest first; `after`: the last voucher of the page before."""
    rows = await tx.rows(
        """select v.* from vouchers.vouchers v
           where v.city_id = %(city)s and v.member_id = %(member)s and v.state = any(%(states)s::text[])
             and (%(after)s::uuid is null or (v.issued_at, v.voucher_id) < (
               select a.issued_at, a.voucher_id from vouchers.vouchers a
               where a.city_id = %(city)s and a.member_id = %(member)s and a.voucher_id = %(after)s))
           order by v.issued_at desc, v.voucher_id desc limit %(limit)s""",
        city=city_id, member=member_id, states=list(TABS[tab]), after=after, limit=limit,
    )  # fmt: skip
    return [as_voucher(row) for row in rows]


async def wallet_counts(tx: Tx, member_id: UUID, *, city_id: int) -> dict[Tab, int]:
    """How many vouchers the member has on each tab of the wallet, in one city."""
    rows = await tx.rows(
        """select state, count(*) as n from vouchers.vouchers
           where city_id = %(city)s and member_id = %(member)s group by state""",
        city=city_id, member=member_id,
    )  # fmt: skip
    counts = {row["state"]: row["n"] for row in rows}
    return {tab: sum(counts.get(state, 0) for state in states) for tab, states in TABS.items()}


async def steps(tx: Tx, voucher_id: UUID, *, city_id: int) -> list[Step]:
    """The changes of state of a voucher, oldest first. For the packages above: no scope."""
    rows = await tx.rows(
        """select was, state, at, by, reason from vouchers.changes
           where city_id = %(city)s and voucher_id = %(id)s order by version""",
        city=city_id, id=voucher_id,
    )  # fmt: skip
    return [msgspec.convert(row, Step) for row in rows]


_USES = """
select r.redemption_id, r.voucher_id, r.request_no, v.title, v.holder_name, right(v.code, 4) as code_tail,
       r.merchant_id, r.store_id, r.store_name, r.staff_id, r.staff_name, r.count, r.uses_left, v.asset,
       r.paid_units, r.due_units, r.at, r.undo_until, r.own, u.at as reversed_at, u.by as reversed_by, u.reason,
       v.value
from vouchers.redemptions r
join vouchers.vouchers v on v.city_id = %(city)s and v.voucher_id = r.voucher_id
left join vouchers.reversals u on u.city_id = %(city)s and u.redemption_id = r.redemption_id
where r.city_id = %(city)s
"""


def _as_use(row: dict[str, Any]) -> Use:
    return msgspec.convert(row | {"holder": mask_name(row["holder_name"])}, Use)


async def uses(
    tx: Tx, scope: Scope, *, city_id: int, since: datetime | None = None, until: datetime | None = None,
    store_id: UUID | None = None, staff_id: UUID | None = None, undone: bool | None = None,
    after: UUID | None = None, limit: int = 50,
) -> list[Use]:  # fmt: skip
    """A page of the redemptions within the scope, newest first, in [since, until); undone ones are marked.

    `undone`: only those that were (True) or were not (False). `after`: the last redemption of the page before.
    Holders are masked.
    """
    allowed, params = scope.sql(city="r.city_id", merchant="r.merchant_id", store="r.store_id")
    rows = await tx.rows(
        f"""{_USES} and {allowed}
            and (%(since)s::timestamptz is null or r.at >= %(since)s)
            and (%(until)s::timestamptz is null or r.at < %(until)s)
            and (%(store)s::uuid is null or r.store_id = %(store)s)
            and (%(staff)s::uuid is null or r.staff_id = %(staff)s)
            and (%(undone)s::boolean is null or (u.redemption_id is not null) = %(undone)s)
            and (%(after)s::uuid is null or (r.at, r.redemption_id) < (
              select a.at, a.redemption_id from vouchers.redemptions a
              where a.city_id = %(city)s and a.redemption_id = %(after)s))
            order by r.at desc, r.redemption_id desc limit %(limit)s""",
        city=city_id, since=since, until=until, store=store_id, staff=staff_id, undone=undone, after=after,
        limit=limit, **params,
    )  # fmt: skip
    return [_as_use(row) for row in rows]


async def use(tx: Tx, scope: Scope, redemption_id: UUID, *, city_id: int) -> Use | None:
    """One redemption within the scope; None when it is not there or not for these eyes."""
    allowed, params = scope.sql(city="r.city_id", merchant="r.merchant_id", store="r.store_id")
    row = await tx.row(f"{_USES} and {allowed} and r.redemption_id = %(id)s", city=city_id, id=redemption_id, **params)
    return None if row is None else _as_use(row)


async def uses_by_ids(tx: Tx, scope: Scope, redemption_ids: Sequence[UUID], *, city_id: int) -> list[Use]:
    """The redemptions with these ids within the scope, in their order; others are left out."""
    allowed, params = scope.sql(city="r.city_id", merchant="r.merchant_id", store="r.store_id")
    rows = await tx.rows(
        f"{_USES} and {allowed} and r.redemption_id = any(%(ids)s::uuid[])",
        city=city_id, ids=list(redemption_ids), **params,
    )  # fmt: skip
    found = {row["redemption_id"]: _as_use(row) for row in rows}
    return [found[one] for one in dict.fromkeys(redemption_ids) if one in found]


async def uses_by_day(
    tx: Tx, scope: Scope, *, city_id: int, zone: str, since: datetime, until: datetime
) -> list[DayUses]:
    """How much was redeemed within the scope on each day of `zone` in [since, until); days without are left out. A bill
    paid from stored value is one."""
    allowed, params = scope.sql(city="r.city_id", merchant="r.merchant_id", store="r.store_id")
    rows = await tx.rows(
        f"""select (r.at at time zone %(zone)s)::date as day,
                   coalesce(sum(case when v.value or left(r.request_no, 5) = 'term/' then 1 else r.count end)
                            filter (where u.redemption_id is null), 0)::int as count,
                   count(u.redemption_id)::int as undone
            from vouchers.redemptions r
            join vouchers.vouchers v on v.city_id = %(city)s and v.voucher_id = r.voucher_id
            left join vouchers.reversals u on u.city_id = %(city)s and u.redemption_id = r.redemption_id
            where r.city_id = %(city)s and {allowed} and r.at >= %(since)s and r.at < %(until)s
            group by 1 order by 1""",
        city=city_id, zone=zone, since=since, until=until, **params,
    )  # fmt: skip
    return [DayUses(**row) for row in rows]


async def uses_of(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int) -> list[Use]:
    """All redemptions of these vouchers, oldest first. For the holder's page and the packages above: no scope."""
    rows = await tx.rows(
        f"{_USES} and r.voucher_id = any(%(ids)s::uuid[]) order by r.at, r.redemption_id",
        city=city_id, ids=list(voucher_ids),
    )  # fmt: skip
    return [_as_use(row) for row in rows]


async def failures(
    tx: Tx, scope: Scope, *, city_id: int, since: datetime | None = None, limit: int = 50
) -> list[Failure]:
    """Scans that were refused within the scope, newest first."""
    allowed, params = scope.sql(city="s.city_id", merchant="s.merchant_id", store="s.store_id")
    rows = await tx.rows(
        f"""select s.at, s.reason, s.way, s.presented, s.store_id, s.staff_id, s.voucher_id from vouchers.scans s
            where s.city_id = %(city)s and {allowed} and (%(since)s::timestamptz is null or s.at >= %(since)s)
            order by s.at desc, s.scan_id desc limit %(limit)s""",
        city=city_id, since=since, limit=limit, **params,
    )  # fmt: skip
    return [msgspec.convert(row, Failure) for row in rows]
