"""Today: what was used, sold and given back, against the same weekday last week; the hours; and what is to be done."""

from datetime import datetime, timedelta

from litestar import Response, get
from msgspec import Struct

from hutong import orders, reviews, settlement, vouchers
from hutong.desk import selling
from hutong.infra.db import Tx
from hutong.kit.access import Permission, Scope
from hutong.kit.clock import day_start, local, local_day
from hutong.orders import Sales
from hutong.reviews import Standing
from hutong.settlement import Statement
from hutong.vouchers import HourUses
from hutong.web.merchant.scan import here_only
from hutong.web.merchant.till import AtTill, Till
from hutong.web.merchant.todo import jobs
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visiting

LATEST = 6
WIDE, HIGH = 400, 110  # of the hours' own grid
EARLY, LATE = 9, 21  # the hours that are drawn even when nothing happened in them
_REFUSED_SEEN = 20
WEEK = timedelta(days=7)


class Bar(Struct, frozen=True):
    """An hour of the chart: last week's bar behind, today's in front; heights in the grid of the chart."""

    hour: int
    count: int
    before: int
    x: float
    width: float
    height: float
    before_height: float


class Day(Struct, frozen=True, kw_only=True):
    """Today so far and the same weekday a week ago, up to the same time; the hours of both days whole."""

    redeemed: int
    redeemed_before: int
    undone: int
    bars: list[Bar]
    total_before: int


class Books(Struct, frozen=True):
    """What only those see who may see the merchant's orders and money."""

    sales: Sales
    before: Sales
    statement: Statement


def bars(found: list[HourUses], before: list[HourUses]) -> list[Bar]:
    """One pair of bars for each hour from the first to the last that matters; the highest fills the grid."""
    counts, old = {one.hour: one.count for one in found}, {one.hour: one.count for one in before}
    hours = range(min([EARLY, *counts, *old]), max([LATE, *counts, *old]) + 1)
    most, step = max([1, *counts.values(), *old.values()]), WIDE / len(hours)

    def high(count: int) -> float:
        return round(max(3.0, HIGH * count / most), 1) if count else 0.0

    return [
        Bar(
            hour, counts.get(hour, 0), old.get(hour, 0), round(number * step + step * 0.14, 1), round(step * 0.72, 1),
            high(counts.get(hour, 0)), high(old.get(hour, 0)),
        )
        for number, hour in enumerate(hours)
    ]  # fmt: skip


@get("/{store:str}/today", guards=[permission(Permission.VIEW_ORDERS)])
async def today(visit: Visiting, till: AtTill) -> Response[str]:
    """The board of a manager: this counter. The owner's shows what was sold and what is still to be used, too."""
    till.must(till.can(Permission.VIEW_ORDERS))
    visit.frame["tab"] = "today"
    now, zone = visit.house.clock.now(), till.here.zone
    day = local_day(now, zone)
    begin, old = day_start(day, zone), day_start(day - WEEK, zone)
    async with visit.house.db.reading(till.city_id) as tx:
        here = await _day(tx, till, begin, old, now)
        latest = await vouchers.uses(tx, here_only(till), city_id=till.city_id, since=begin, limit=LATEST)
        failures = await vouchers.failures(tx, here_only(till), city_id=till.city_id, since=begin, limit=_REFUSED_SEEN)
        books = await _books(tx, till, begin, old, now)
        standing = await _standing(tx, till)
        todo = await jobs(tx, till, now=now)
    return visit.page(
        "merchant/today.html", here=here, latest=latest, refused=len(failures), books=books, standing=standing,
        refused_most=_REFUSED_SEEN, day=day, wide=WIDE, high=HIGH, todo=todo, hour=local(now, zone).hour,
    )  # fmt: skip


async def _day(tx: Tx, till: Till, begin: datetime, old: datetime, now: datetime) -> Day:
    scope, city_id, zone = here_only(till), till.city_id, till.here.zone
    end, old_end = begin + timedelta(days=1, hours=2), day_start(local_day(begin, zone) - timedelta(days=6), zone)
    found = await vouchers.uses_by_hour(tx, scope, city_id=city_id, zone=zone, since=begin, until=end)
    before = await vouchers.uses_by_hour(tx, scope, city_id=city_id, zone=zone, since=old, until=old_end)
    until = old + (now - begin) + timedelta(seconds=1)
    so_far = await vouchers.uses_by_hour(tx, scope, city_id=city_id, zone=zone, since=old, until=until)
    days = await vouchers.uses_by_day(tx, scope, city_id=city_id, zone=zone, since=begin, until=end)
    return Day(
        redeemed=sum(one.count for one in found), redeemed_before=sum(one.count for one in so_far),
        undone=sum(one.undone for one in days), bars=bars(found, before),
        total_before=sum(one.count for one in before),
    )  # fmt: skip


async def _books(tx: Tx, till: Till, begin: datetime, old: datetime, now: datetime) -> Books | None:
    """Orders and money belong to the merchant, not to one of his stores. Last week up to the same time of the day."""
    if not (till.owns(Permission.VIEW_ORDERS) and till.owns(Permission.VIEW_STATEMENT)):
        return None
    city_id, until = till.city_id, now + timedelta(seconds=1)
    asset = await selling.currency(tx, city_id)
    sales, before = [
        await orders.sales(tx, till.merchant_id, city_id=city_id, asset=asset, since=since, until=to)
        for since, to in ((begin, until), (old, old + (until - begin)))
    ]
    statement = await settlement.statement(
        tx, till.merchant_id, city_id=city_id, asset=asset, since=begin, until=until, limit=1
    )
    return Books(sales, before, statement)


async def _standing(tx: Tx, till: Till) -> Standing | None:
    """What guests think of this store; None until somebody has said so."""
    found = await reviews.standing(tx, Scope(stores=frozenset({till.store_id})), city_id=till.city_id)
    return found if found.rating.count else None


ROUTES = (today,)
