"""The frame of the operator's pages: the city of the address, checked on every request, and the queues he may see."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from hutong import places, recruiting
from hutong.kit.access import Actor, Permission, Scope
from hutong.kit.ids import BadId, IdKind
from hutong.kit.refusals import NotAllowed, NotFound
from hutong.places import City
from hutong.recruiting import Reach
from hutong.web.shared.visit import Visiting


class Entry(Struct, frozen=True, kw_only=True):
    """A part of the operator's desk. `path` stands below /o/{city}; `count`: its name among the counts of what waits.

    Words: `operator.nav.<name>`. A page lights its entry by `visit.frame["tab"] = name`.
    """

    name: str
    path: str
    icon: str
    permission: Permission
    count: str = ""


ENTRIES = (
    Entry(name="home", path="/", icon="home", permission=Permission.VIEW_CITY),
    Entry(name="applications", path="/applications", icon="store", permission=Permission.RECRUIT, count="applications"),
    Entry(name="new_stores", path="/new-stores", icon="pin", permission=Permission.RECRUIT, count="new_stores"),
    Entry(name="deals", path="/deals", icon="ticket", permission=Permission.REVIEW_OFFERS, count="deals"),
    Entry(name="shops", path="/merchants", icon="receipt", permission=Permission.RECRUIT),
    Entry(name="visits", path="/visits", icon="footprints", permission=Permission.RECRUIT),
    Entry(name="claims", path="/claims", icon="shield", permission=Permission.RECRUIT, count="claims"),
    Entry(name="crew", path="/people", icon="users", permission=Permission.RECRUIT),
    Entry(name="campaigns", path="/campaigns", icon="gift", permission=Permission.REVIEW_OFFERS),
    Entry(name="results", path="/results", icon="chart", permission=Permission.VIEW_STATEMENT),
    Entry(name="earnings", path="/earnings", icon="wallet", permission=Permission.VIEW_CITY),
    Entry(name="flow", path="/flow", icon="trend", permission=Permission.VIEW_CITY),
    Entry(name="repeat", path="/repeat", icon="sync", permission=Permission.VIEW_STATEMENT),
    Entry(name="clearings", path="/clearings", icon="receipt", permission=Permission.VIEW_STATEMENT),
    Entry(name="odd", path="/odd", icon="shield", permission=Permission.VIEW_STATEMENT),
    Entry(name="reported", path="/reviews", icon="flag", permission=Permission.MODERATE_REVIEWS, count="reported"),
    Entry(name="appeals", path="/appeals", icon="message", permission=Permission.MODERATE_REVIEWS, count="appeals"),
    Entry(name="hidden", path="/hidden", icon="lock", permission=Permission.MODERATE_REVIEWS),
)


class Desk:
    """A city with somebody of its operator at the desk."""

    def __init__(self, actor: Actor, city: City, reach: Reach | None = None) -> None:
        self.actor, self.city, self.reach = actor, city, reach or Reach()
        self.scope = Scope(cities=frozenset({city.city_id}))  # whatever he may see elsewhere, this page is about here
        self.parts = [one for one in ENTRIES if self.can(one.permission)]

    @property
    def city_id(self) -> int:
        return self.city.city_id

    @property
    def field(self) -> Reach:
        """Whose visits are seen: one's own operators', however much of the city one runs; the platform sees all."""
        return self.reach if self.can(Permission.RUN_PLATFORM) else Reach(operators=self.reach.operators)

    def can(self, permission: Permission) -> bool:
        """Whether the visitor may do this in this city."""
        return self.actor.can(permission, city=self.city_id)

    def must(self, permission: Permission) -> None:
        """Raises not_allowed unless he may: the city is known to the visitor, this page is not for him."""
        if not self.can(permission):
            raise NotAllowed()

    def to(self, path: str = "/", **query: Any) -> str:
        """An address of this desk; what is None or empty is left out of the query."""
        asked = urlencode([(name, value) for name, value in query.items() if value not in (None, "")])
        return f"/o/{self.city.slug}{path}" + (f"?{asked}" if asked else "")

    def read(self, kind: IdKind, text: str) -> UUID:
        """The id of a thing of this city; another city's is not found here."""
        city_id, value = kind.read_local(text)
        if city_id != self.city_id:
            raise BadId(text=text[:60])
        return value


AtDesk = NamedDependency[Desk]
"""How a handler asks for the desk: `desk: AtDesk`."""


async def provide_desk(visit: Visiting, city: FromPath[str]) -> Desk:
    """The dependency `desk` of every page under /o/{city}/. A city that he may not see is as unknown as one that is
    not there: raises not_found."""
    async with visit.house.db.reading() as tx:
        found = await places.city_by_slug(tx, city)
        if found is None or not visit.member.can(Permission.VIEW_CITY, city=found.city_id):
            raise NotFound()
        reach = await recruiting.reach(tx, visit.member, city_id=found.city_id, at=visit.house.clock.now())
    desk = Desk(visit.member, found, reach)
    visit.zone = found.zone
    visit.frame |= {
        "face": "operator", "desk": desk, "base": "operator/base.html", "home": desk.to(), "tab": "", "waiting": {},
        "TRANSFERS": Permission.RUN_PLATFORM,
    }  # fmt: skip
    return desk
