"""The frame of the platform's pages: who runs the whole house, and its parts."""

from typing import Any
from urllib.parse import urlencode

from litestar.di import NamedDependency
from msgspec import Struct

from hutong.kit.access import Actor, Permission
from hutong.kit.refusals import NotAllowed
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visiting

RUNS = permission(Permission.RUN_PLATFORM)


class Entry(Struct, frozen=True, kw_only=True):
    """A part of the platform's pages. `path` stands below /platform. Words: `platform.nav.<name>`."""

    name: str
    path: str
    icon: str


ENTRIES = (
    Entry(name="home", path="", icon="home"),
    Entry(name="cities", path="/cities", icon="map"),
    Entry(name="programmes", path="/programmes", icon="sparkles"),
    Entry(name="clearings", path="/clearings", icon="refund"),
    Entry(name="payouts", path="/payouts", icon="wallet"),
    Entry(name="repeat", path="/repeat", icon="sync"),
    Entry(name="books", path="/books", icon="receipt"),
    Entry(name="flow", path="/flow", icon="trend"),
    Entry(name="audit", path="/audit", icon="shield"),
    Entry(name="access", path="/access", icon="key"),
)


class Floor:
    """Somebody who runs the platform, at the desk."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.parts = ENTRIES

    def to(self, path: str = "", /, **query: Any) -> str:
        """An address of these pages; what is None or empty is left out of the query."""
        asked = urlencode([(name, value) for name, value in query.items() if value not in (None, "")])
        return f"/platform{path}" + (f"?{asked}" if asked else "")


AtFloor = NamedDependency[Floor]
"""How a handler asks for it: `floor: AtFloor`."""


async def provide_floor(visit: Visiting) -> Floor:
    """The dependency `floor` of every page under /platform. Raises not_allowed."""
    if not visit.member.can(Permission.RUN_PLATFORM):
        raise NotAllowed()
    floor = Floor(visit.member)
    visit.frame |= {"face": "platform", "floor": floor, "base": "platform/base.html", "home": floor.to(), "tab": ""}
    return floor
