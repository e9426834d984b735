"""Today: what was sold and used, how it went these two weeks, what is still to come in."""

from datetime import date, timedelta

from litestar import Response, get
from msgspec import Struct

from hutong import orders, settlement, vouchers
from hutong.desk import selling
from hutong.infra.db import Tx
from hutong.kit.access import Permission
from hutong.kit.clock import day_start, local_day
from hutong.orders import Sales
from hutong.settlement import Statement
from hutong.vouchers import DayUses
from hutong.web.merchant.periods import Period, period_of
from hutong.web.merchant.scan import here_only
from hutong.web.merchant.till import Till
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit

DAYS = 14
LATEST = 8
WIDE, HIGH = 280, 56  # of the curve's own grid
_REFUSED_SEEN = 20


class Bar(Struct, frozen=True):
    """A day of the little chart: where its bar stands, how high it is."""

    day: date
    count: int
    x: float
    y: float
    height: float


class Books(Struct, frozen=True):
    """What only those see who may see the merchant's orders and money."""

    sales: Sales
    statement: Statement


def bars(found: list[DayUses], today: date) -> list[Bar]:
    """One bar for each of the last days, oldest first; the highest fills the grid, a day with something is seen."""
    counts = {one.day: one.count for one in found}
    most, step = max([*counts.values(), 1]), WIDE / DAYS
    made = []
    for number in range(DAYS):
        day = today - timedelta(days=DAYS - 1 - number)
        count = counts.get(day, 0)
        height = max(3.0, HIGH * count / most) if count else 1.5
        made.append(Bar(day, count, round(number * step + step * 0.18, 1), round(HIGH - height, 1), round(height, 1)))
    return made


@get("/{store:str}/today", guards=[permission(Permission.VIEW_ORDERS)])
async def today(visit: Visit, till: Till) -> Response[str]:
    """The board of a manager: this counter. The owner's shows what was sold and what is still to be used, too."""
    till.must(till.can(Permission.VIEW_ORDERS))
    visit.frame["tab"] = "today"
    now, zone, city_id = visit.house.clock.now(), till.here.zone, till.city_id
    day, scope = local_day(now, zone), here_only(till)
    period = period_of("today", now, zone)
    since = day_start(day - timedelta(days=DAYS - 1), zone)
    async with visit.house.db.reading(city_id) as tx:
        found = await vouchers.uses_by_day(tx, scope, city_id=city_id, zone=zone, since=since, until=period.until)
        latest = await vouchers.uses(tx, scope, city_id=city_id, since=period.since, limit=LATEST)
        failures = await vouchers.failures(tx, scope, city_id=city_id, since=period.since, limit=_REFUSED_SEEN)
        books = await _books(tx, till, period)
    here = next((one for one in found if one.day == day), DayUses(day=day, count=0, undone=0))
    return visit.page(
        "merchant/today.html", here=here, bars=bars(found, day), latest=latest, refused=len(failures), books=books,
        refused_most=_REFUSED_SEEN, day=day, total=sum(one.count for one in found), wide=WIDE, high=HIGH,
    )  # fmt: skip


async def _books(tx: Tx, till: Till, period: Period) -> Books | None:
    """Orders and money belong to the merchant, not to one of his stores."""
    if not (till.owns(Permission.VIEW_ORDERS) and till.owns(Permission.VIEW_STATEMENT)):
        return None
    asset = await selling.currency(tx, till.city_id)
    sales = await orders.sales(
        tx, till.merchant_id, city_id=till.city_id, asset=asset, since=period.since, until=period.until
    )
    statement = await settlement.statement(
        tx, till.merchant_id, city_id=till.city_id, asset=asset, since=period.since, until=period.until, limit=1
    )
    return Books(sales, statement)


ROUTES = (today,)
