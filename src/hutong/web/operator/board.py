"""The city at a glance (O1): thirty days against the thirty before, and what needs somebody today."""

from datetime import date, datetime, timedelta

from msgspec import Struct

from hutong import insight, merchants, orders, places, recruiting, reviews, settlement
from hutong.desk import admitting, repeating
from hutong.infra.db import Tx
from hutong.insight import Alliance
from hutong.insight.model import ENOUGH
from hutong.kit.access import Permission
from hutong.kit.clock import day_start, local_day
from hutong.orders import Sales
from hutong.settlement import Activity
from hutong.web.operator import heat
from hutong.web.operator.frame import Desk
from hutong.web.operator.heat import HeatMap
from hutong.web.shared.sheeting import Row, row_of
from hutong.web.shared.visit import Visit

PERIOD = timedelta(days=30)
OF_ALLIANCE = 90  # days: those with which the page of repeat business begins


class Half(Struct, frozen=True):
    """One period: what was sold and what was used."""

    sales: Sales
    activity: Activity

    @property
    def used(self) -> int | None:
        """Rights used for a hundred sold; None when none was sold."""
        return round(100 * self.activity.uses / self.sales.units) if self.sales.units else None

    @property
    def refunded(self) -> int | None:
        """Money asked back for a hundred paid."""
        return round(100 * self.sales.refunded.units / self.sales.paid.units) if self.sales.paid.units else None


class Alert(Struct, frozen=True):
    """Something that needs somebody: `city_board.alert.<kind>` with n, and where it is done."""

    kind: str
    n: int
    to: str


class Repeat(Struct, frozen=True):
    """The alliance in one figure: members who have been to two shops or more, of all who came. `row`: as it is drawn;
    None as long as too few came."""

    whole: Alliance
    row: Row | None


class Board(Struct, frozen=True, kw_only=True):
    """The figures of a city, for who runs it."""

    now: Half
    before: Half
    merchants: int
    complaints: int
    alerts: list[Alert]
    repeat: Repeat
    heat: HeatMap


async def board_of(visit: Visit, desk: Desk) -> Board | None:
    """The board; None for who recruits in the city and does not run it."""
    if not desk.can(Permission.VIEW_STATEMENT):
        return None
    now = visit.house.clock.now()
    today = local_day(now, desk.city.zone)
    end = day_start(today + timedelta(days=1), desk.city.zone)
    async with visit.house.db.reading(desk.city_id) as tx:
        half = await _half(tx, desk, end - PERIOD, end)
        before = await _half(tx, desk, end - 2 * PERIOD, end - PERIOD)
        waiting = await reviews.waiting(tx, desk.scope, city_id=desk.city_id)
        due = await recruiting.expiring(tx, desk.reach, city_id=desk.city_id, before=admitting.soon(today))
        late = [
            one
            for one in await recruiting.queue(tx, desk.reach, city_id=desk.city_id, limit=100)
            if now - one.changed_at > recruiting.SLA
        ]
        steps = await recruiting.steps_due(tx, desk.field, city_id=desk.city_id, until=today)
        repeat = await _repeat(tx, desk, now)
        hot = await heat_of(tx, desk, since=today + timedelta(days=1) - PERIOD, until=today + timedelta(days=1))
    found = (
        ("late", len(late), "/applications"),
        ("papers", len(due), "/merchants"),
        ("visits", len(steps), "/visits"),
    )
    return Board(
        now=half, before=before, merchants=half.activity.merchants, complaints=waiting.reported + waiting.appeals,
        alerts=[Alert(kind, n, desk.to(to)) for kind, n, to in found if n], repeat=repeat, heat=hot,
    )  # fmt: skip


async def _half(tx: Tx, desk: Desk, since: datetime, until: datetime) -> Half:
    period = {"city_id": desk.city_id, "asset": desk.city.currency, "since": since, "until": until}
    return Half(await orders.turnover(tx, desk.scope, **period), await settlement.activity(tx, desk.scope, **period))


async def _repeat(tx: Tx, desk: Desk, now: datetime) -> Repeat:
    whole = await repeating.whole_of(tx, await repeating.company(tx, desk.city, days=OF_ALLIANCE, now=now))
    enough = whole.members >= ENOUGH
    return Repeat(whole, row_of(insight.Back(OF_ALLIANCE, whole.several, 0)) if enough else None)


async def heat_of(tx: Tx, desk: Desk, *, since: date, until: date) -> HeatMap:
    """The heat map of the desk's city on its days [since, until)."""
    grid = heat.Grid(desk.city)
    numbers, cells = heat.numbered(grid, await merchants.places_of(tx, desk.city_id))
    found = await insight.heat(tx, numbers, city_id=desk.city_id, since=since, until=until)
    return heat.draw(desk.city, await places.districts(tx, desk.city_id), grid, cells, found)
