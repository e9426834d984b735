"""Reads for a counter and its board: what was used hour by hour, by whom, a moment ago, and what runs out soon."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.kit.masks import mask_name
from hutong.kit.text import Text
from hutong.vouchers.codes import Qr, Typed, read_presented


class HourUses(Struct, frozen=True):
    """How many uses were made in one hour of the day, undone ones left out."""

    hour: int
    count: int


class Redeemer(Struct, frozen=True):
    """Somebody who redeemed; the name is the one of his last redemption."""

    staff_id: UUID
    name: str


class Expiring(Struct, frozen=True, kw_only=True):
    """Usable vouchers of one offer that run out soon: how many, and when the first one does."""

    offer_id: UUID
    title: Text
    count: int
    first: datetime


def _scoped(scope: Scope) -> tuple[str, dict[str, Any]]:
    return scope.sql(city="r.city_id", merchant="r.merchant_id", store="r.store_id")


async def uses_by_hour(
    tx: Tx, scope: Scope, *, city_id: int, zone: str, since: datetime, until: datetime
) -> list[HourUses]:
    """What was redeemed within the scope in [since, until), by the hour on the clocks of `zone`; empty hours are
    left out. Over more than one day the hours of all days are added up."""
    allowed, params = _scoped(scope)
    rows = await tx.rows(
        f"""select extract(hour from r.at at time zone %(zone)s)::int as hour,
                   sum(case when v.value or left(r.request_no, 5) = 'term/' then 1 else r.count end)::int as count
            from vouchers.redemptions r
            join vouchers.vouchers v on v.city_id = %(city)s and v.voucher_id = r.voucher_id
            left join vouchers.reversals u on u.city_id = %(city)s and u.redemption_id = r.redemption_id
            where r.city_id = %(city)s and {allowed} and r.at >= %(since)s and r.at < %(until)s
              and u.redemption_id is null
            group by 1 order by 1""",
        city=city_id, zone=zone, since=since, until=until, **params,
    )  # fmt: skip
    return [HourUses(**row) for row in rows]


async def redeemers(
    tx: Tx, scope: Scope, *, city_id: int, since: datetime, until: datetime, limit: int = 100
) -> list[Redeemer]:
    """Who redeemed within the scope in [since, until), by name."""
    allowed, params = _scoped(scope)
    rows = await tx.rows(
        f"""select s.staff_id, s.name from (
              select distinct on (r.staff_id) r.staff_id, r.staff_name as name from vouchers.redemptions r
              where r.city_id = %(city)s and {allowed} and r.at >= %(since)s and r.at < %(until)s
              order by r.staff_id, r.at desc) s
            order by s.name, s.staff_id limit %(limit)s""",
        city=city_id, since=since, until=until, limit=limit, **params,
    )  # fmt: skip
    return [Redeemer(**row) for row in rows]


async def just_used(
    tx: Tx, scope: Scope, *, city_id: int, staff_id: UUID, since: datetime, presented: str = "",
    voucher_id: UUID | None = None,
) -> UUID | None:  # fmt: skip
    """The redemption of this very voucher that the same person made within the scope since then and that stands.

    The voucher is named by its id, or by what was presented; None for anything unreadable. A till asks before it
    frightens a cashier with "already used" for his own tap of a moment ago.
    """
    seen = read_presented(presented) if voucher_id is None else None
    if voucher_id is None and seen is None:
        return None
    meant = seen.voucher_id if isinstance(seen, Qr) else voucher_id
    code = seen.code if isinstance(seen, Typed) else None
    allowed, params = _scoped(scope)
    return await tx.value(
        f"""select r.redemption_id from vouchers.redemptions r
            join vouchers.vouchers v on v.city_id = %(city)s and v.voucher_id = r.voucher_id
            left join vouchers.reversals u on u.city_id = %(city)s and u.redemption_id = r.redemption_id
            where r.city_id = %(city)s and {allowed} and r.staff_id = %(staff)s and r.at >= %(since)s
              and (v.voucher_id = %(meant)s::uuid or v.code = %(code)s::text) and u.redemption_id is null
            order by r.at desc, r.redemption_id desc limit 1""",
        city=city_id, staff=staff_id, since=since, meant=meant, code=code, **params,
    )  # fmt: skip


async def expiring(
    tx: Tx, scope: Scope, *, city_id: int, since: datetime, until: datetime, limit: int = 20
) -> list[Expiring]:
    """Usable vouchers of the merchants in the scope whose validity ends in [since, until), by offer, soonest first."""
    allowed, params = scope.sql(city="v.city_id", merchant="v.merchant_id")
    rows = await tx.rows(
        f"""select v.offer_id, (array_agg(v.title order by v.valid_to))[1] as title, count(*)::int as count,
                   min(v.valid_to) as first
            from vouchers.vouchers v
            where v.city_id = %(city)s and v.state = 'valid' and {allowed}
              and v.valid_to > %(since)s and v.valid_to <= %(until)s
            group by v.offer_id order by first, v.offer_id limit %(limit)s""",
        city=city_id, since=since, until=until, limit=limit, **params,
    )  # fmt: skip
    return [msgspec.convert(row, Expiring) for row in rows]


class OwnUse(Struct, frozen=True, kw_only=True):
    """A redemption of a right that somebody of that merchant's staff held: a colleague's, or one's own (`own`)."""

    redemption_id: UUID
    merchant_id: UUID
    store_id: UUID
    store_name: str
    staff_name: str
    holder: str
    title: Text
    count: int
    due_units: int
    asset: str
    own: bool
    at: datetime
    reversed_at: datetime | None


async def own_uses(
    tx: Tx, staff: Sequence[tuple[UUID, UUID]], *, city_id: int, since: datetime, until: datetime, limit: int = 200
) -> list[OwnUse]:
    """Redemptions in [since, until) at merchants whose own staff held the right, newest first; undone ones are marked.

    `staff`: (merchant, member) of those who work there; who may see is the caller's. Holders are masked.
    """
    if not staff:
        return []
    rows = await tx.rows(
        """select r.redemption_id, r.merchant_id, r.store_id, r.store_name, r.staff_name, v.holder_name, v.title,
                  r.count, r.due_units, v.asset, r.own, r.at, u.at as reversed_at
           from unnest(%(merchants)s::uuid[], %(members)s::uuid[]) as s(merchant_id, member_id)
           join vouchers.vouchers v on v.city_id = %(city)s and v.member_id = s.member_id
           join vouchers.redemptions r on r.city_id = %(city)s and r.voucher_id = v.voucher_id
             and r.merchant_id = s.merchant_id and r.at >= %(since)s and r.at < %(until)s
           left join vouchers.reversals u on u.city_id = %(city)s and u.redemption_id = r.redemption_id
           order by r.at desc, r.redemption_id desc limit %(limit)s""",
        city=city_id, merchants=[merchant for merchant, _ in staff], members=[member for _, member in staff],
        since=since, until=until, limit=limit,
    )  # fmt: skip
    return [msgspec.convert(row | {"holder": mask_name(row["holder_name"])}, OwnUse) for row in rows]
