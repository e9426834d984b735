"""Who may do what: the people of the platform and of its cities, and what each role is allowed."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong import people, places
from hutong.desk import overseeing
from hutong.kit.access import PERMISSIONS, Role
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.places import City
from hutong.web.platform.frame import RUNS, AtFloor, Floor
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.visit import Visit, Visiting

DONE = ("given", "taken")


class GiveForm(KeyedForm, frozen=True, kw_only=True):
    """Whom to give which role: the number, the role, and for an operator the city's slug."""

    phone: str = ""
    role: str = ""
    city: str = ""


async def page(
    visit: Visit, floor: Floor, *, status: int = 200, wrong: Refusal | None = None, typed: GiveForm | None = None,
    done: str = "",
) -> Response[str]:  # fmt: skip
    """The people, the form, and the table of what each role may do."""
    visit.frame["tab"] = "access"
    held = await overseeing.people_of(visit.house, floor.actor)
    async with visit.house.db.reading() as tx:
        cities = await places.cities(tx)
    return visit.page(
        "platform/access.html", status=status, wrong=wrong, typed=typed, done=done, held=held, cities=cities,
        names={city.city_id: city.name for city in cities}, given=overseeing.GIVEN, roles=list(Role),
        may={role: sorted(PERMISSIONS[role]) for role in Role}, me=floor.actor.member_id,
    )  # fmt: skip


@get("/access", guards=[RUNS])
async def show(visit: Visiting, floor: AtFloor, done: FromQuery[str] = "") -> Response[str]:
    """Who holds a role of the platform or of a city."""
    return await page(visit, floor, done=done if done in DONE else "")


@post("/access/give", guards=[RUNS])
async def give(visit: Visiting, floor: AtFloor, data: URLEncodedBody[GiveForm]) -> Response:
    """Give a role to the member with this number."""
    async with visit.house.db.reading() as tx:
        cities = await places.cities(tx)
    try:
        phone = people.normalise(data.phone)
        if phone is None:
            raise people.BadPhone()
        await overseeing.give_role(
            visit.house, floor.actor, phone=phone, role=_role(data.role), city_id=_city(data, cities)
        )
    except Refusal as refusal:
        return await page(visit, floor, status=refusal.status, wrong=refusal, typed=data)
    return Redirect(floor.to("/access", done="given"), status_code=303)


def _role(text: str) -> Role:
    for role in overseeing.GIVEN:
        if role.value == text:
            return role
    raise BadInput(field="role", why=text[:40])


def _city(data: GiveForm, cities: Sequence[City]) -> int | None:
    """The city of an operator's role. Raises bad_input."""
    if data.role != Role.CITY_OPERATOR:
        return None
    for city in cities:
        if city.slug == data.city:
            return city.city_id
    raise BadInput(field="city", why=data.city[:40])


@post("/access/{grant:str}/end", guards=[RUNS])
async def take(
    visit: Visiting, floor: AtFloor, grant: FromPath[str], data: URLEncodedBody[KeyedForm]
) -> Response:  # fmt: skip
    """Take a role away; it is over at the next request of whoever had it."""
    del data
    try:
        grant_id = UUID(hex=grant)
    except ValueError:
        raise NotFound() from None
    try:
        await overseeing.take_role(visit.house, floor.actor, grant_id)
    except overseeing.LastOfPlatform as refusal:
        return await page(visit, floor, status=refusal.status, wrong=refusal)
    return Redirect(floor.to("/access", done="taken"), status_code=303)


ROUTES = (show, give, take)
