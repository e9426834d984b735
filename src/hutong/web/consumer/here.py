"""Where the reader is: the city of the address, and the point from which distances are told."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from hutong import places
from hutong.desk import signing
from hutong.kit.geo import Point
from hutong.kit.ids import BadId, IdKind
from hutong.kit.refusals import NotFound
from hutong.places import City, UnknownCity
from hutong.web.shared.visit import Visit, Visiting

AT = "hutong_at"  # set by near.js when the reader allows it: "lat,lon", rounded to about a hundred metres
CITY = "hutong_city"
NO_CITY = 0  # what is kept for all cities alike
CITY_BYTES = 20_000


class Here:
    """A city as the pages use it. `located`: the reader has told where he is, and that is in this city."""

    def __init__(self, city: City, point: Point | None) -> None:
        self.city, self.located = city, point is not None
        self.point = point or city.centre

    @property
    def city_id(self) -> int:
        return self.city.city_id

    @property
    def seen(self) -> tuple[float, float] | None:
        """What a common page looks at here besides the city: the point of a reader who told it."""
        return (self.point.lat, self.point.lon) if self.located else None

    def to(self, path: str = "/", **query: Any) -> str:
        """An address in this city; what is None or empty is left out of the query."""
        if not query:
            return f"/c/{self.city.slug}{path}"
        asked = urlencode([(name, value) for name, value in query.items() if value not in (None, "")])
        return f"/c/{self.city.slug}{path}" + (f"?{asked}" if asked else "")

    def read(self, kind: IdKind, text: str) -> UUID:
        """The id of a thing of this city; another city's is not found here."""
        city_id, value = kind.read_local(text)
        if city_id != self.city_id:
            raise BadId(text=text[:60])
        return value


def point_of(text: str | None, city: City) -> Point | None:
    """The point in the cookie, when it is one and lies in the city."""
    try:
        lat, lon = (float(part) for part in (text or "").split(","))
        point = Point(lat, lon)
    except ValueError:
        return None
    return point if city.contains(point) else None


Short = Annotated[str | None, QueryParameter(max_length=80)]
Cursor = Annotated[str | None, QueryParameter(max_length=200)]

InCity = NamedDependency[Here]
"""How a handler asks for the city: `here: InCity`."""


async def provide_here(request: Request[Any, Any, Any], visit: Visiting, city: FromPath[str]) -> Here:
    """The dependency `here` of every page under /c/{city}/. Raises unknown_city."""
    found = await _city(visit, city)
    if found is None or found.opened_at is None:
        raise UnknownCity()
    here = Here(found, point_of(request.cookies.get(AT), found))
    visit.zone = found.zone
    visit.frame |= {"here": here, "base": "consumer/base.html", "home": here.to(), "tab": ""}
    visit.keep(CITY, found.slug)
    if visit.actor is not None and not visit.partial:
        visit.frame["unread"] = await signing.unread(visit.house, visit.actor)
    return here


async def _city(visit: Visit, slug: str) -> City | None:
    """The city of an address: read once in the life of what is kept."""

    async def read() -> City | None:
        async with visit.house.db.reading() as tx:
            return await places.city_by_slug(tx, slug)

    return await visit.house.kept.get(
        "city", slug, read, city_id=NO_CITY, weigh=lambda city: CITY_BYTES if city is not None else None
    )


def sure_found(value: Any) -> Any:
    """The value, or not_found for None: absent and another's look the same."""
    if value is None:
        raise NotFound()
    return value
