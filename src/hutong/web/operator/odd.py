"""Bills of the city's shops that somebody should look at: a cashier's own code, one guest too often."""

from datetime import timedelta

from litestar import Response, get

from hutong import till as tills
from hutong.kit.access import Permission
from hutong.kit.clock import day_start, local_day
from hutong.web.operator.frame import AtDesk
from hutong.web.operator.landing import counted
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visiting

DAYS = 30


@get("/{city:str}/odd", guards=[permission(Permission.VIEW_STATEMENT)])
async def odd(visit: Visiting, desk: AtDesk) -> Response[str]:
    """The last days of all shops here: hints, and no verdicts."""
    desk.must(Permission.VIEW_STATEMENT)
    visit.frame["tab"] = "odd"
    await counted(visit, desk)
    now, zone = visit.house.clock.now(), desk.city.zone
    until = day_start(local_day(now, zone) + timedelta(days=1), zone)
    since = day_start(local_day(now, zone) - timedelta(days=DAYS - 1), zone)
    async with visit.house.db.reading(desk.city_id) as tx:
        found = await tills.odd_ones(tx, desk.scope, city_id=desk.city_id, zone=zone, since=since, until=until)
    return visit.page("operator/odd.html", found=found)


ROUTES = (odd,)
