"""How does the house do? What waits, what failed, what is in doubt."""

from litestar import Response, get

from hutong.desk import overseeing
from hutong.web.platform.frame import RUNS, AtFloor
from hutong.web.shared.visit import Visiting


@get("/", guards=[RUNS])
async def home(visit: Visiting, floor: AtFloor) -> Response[str]:
    """Health at one glance, and the ways on."""
    visit.frame["tab"] = "home"
    health = await overseeing.health(visit.house, floor.actor)
    return visit.page("platform/home.html", health=health, most=overseeing.MOST_DOUBTS)


ROUTES = (home,)
