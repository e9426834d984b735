"""Where does the operator begin? With what waits in his city."""

from litestar import Response, get
from litestar.response import Redirect

from hutong import catalog, places, recruiting, reviews
from hutong.insight.model import ENOUGH
from hutong.kit.access import Permission
from hutong.places import City
from hutong.web.operator.board import board_of
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

OPERATES = permission(Permission.VIEW_CITY)


async def own_cities(visit: Visit) -> list[City]:
    """The cities that the visitor runs or sees."""
    async with visit.house.db.reading() as tx:
        return [
            city for city in await places.cities(tx) if visit.member.can(Permission.VIEW_CITY, city=city.city_id)
        ]  # fmt: skip


async def counted(visit: Visit, desk: Desk) -> dict[str, int]:
    """How much waits in each queue, for the nav and the tiles; a further queue adds its number here."""
    counts: dict[str, int] = {}
    async with visit.house.db.reading(desk.city_id) as tx:
        if desk.can(Permission.MODERATE_REVIEWS):
            waiting = await reviews.waiting(tx, desk.scope, city_id=desk.city_id)
            counts |= {"reported": waiting.reported, "appeals": waiting.appeals}
        if desk.can(Permission.REVIEW_OFFERS):
            counts["deals"] = await catalog.count_waiting(tx, desk.scope, city_id=desk.city_id)
        if desk.can(Permission.RECRUIT):
            counts["applications"] = await recruiting.count_waiting(tx, desk.reach, city_id=desk.city_id)
            counts["new_stores"] = await recruiting.count_new_stores(tx, desk.reach, city_id=desk.city_id)
        if desk.can(Permission.RUN_PLATFORM):
            counts["claims"] = await recruiting.count_open(tx, city_id=desk.city_id)
    visit.frame["waiting"] = counts
    return counts


@get("/", guards=[OPERATES])
async def choose(visit: Visiting) -> Response:
    """The city of the operator; whoever sees several chooses."""
    cities = await own_cities(visit)
    if len(cities) == 1:
        return Redirect(f"/o/{cities[0].slug}/", status_code=303)
    visit.frame["face"] = "operator"
    return visit.page("operator/cities.html", cities=cities)


@get("/{city:str}", guards=[OPERATES])
async def home(visit: Visiting, desk: AtDesk) -> Response[str]:
    """What waits."""
    visit.frame["tab"] = "home"
    counts = await counted(visit, desk)
    board = await board_of(visit, desk)
    several = len(await own_cities(visit)) > 1
    return visit.page("operator/home.html", counts=counts, board=board, enough=ENOUGH, several=several)


ROUTES = (choose, home)
