"""The till: the counter of the address, checked on every request, and what the visitor may see from there."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import FromPath

from hutong.desk import counter
from hutong.desk.counter import Counter
from hutong.kit.access import Actor, Permission
from hutong.kit.ids import STORE, BadId, IdKind
from hutong.kit.refusals import NotAllowed
from hutong.web.merchant.nav import AT_THE_THUMB, ENTRIES, GROUPS, Entry
from hutong.web.shared.visit import Visiting

COUNTER = "hutong_counter"  # the counter chosen last: a preference, never a permission


class Till:
    """A store's counter with somebody of its staff behind it."""

    def __init__(self, actor: Actor, here: Counter) -> None:
        self.actor, self.here = actor, here
        self.shown = STORE.show(here.store_id, here.city_id)
        self.parts = [one for one in ENTRIES if one.live and (self.owns if one.whole else self.can)(one.permission)]

    @property
    def city_id(self) -> int:
        return self.here.city_id

    @property
    def store_id(self) -> UUID:
        return self.here.store_id

    @property
    def merchant_id(self) -> UUID:
        return self.here.merchant_id

    def can(self, permission: Permission) -> bool:
        """Whether the visitor may do this in this store."""
        return self.actor.can(permission, city=self.city_id, merchant=self.merchant_id, store=self.store_id)

    def owns(self, permission: Permission) -> bool:
        """Whether the visitor may do this for the whole merchant."""
        return self.actor.can(permission, city=self.city_id, merchant=self.merchant_id)

    def must(self, allowed: bool) -> None:
        """Raises not_allowed unless it is: the store is known to the visitor, this page is not for him."""
        if not allowed:
            raise NotAllowed()

    @property
    def thumbs(self) -> list[Entry]:
        """The parts that stand in the bar of a phone."""
        return [one for one in self.parts if one.thumb][:AT_THE_THUMB]

    @property
    def groups(self) -> list[tuple[str, list[Entry]]]:
        """The parts under their heads, heads without a part left out."""
        found = [(group, [one for one in self.parts if one.group == group]) for group in GROUPS]
        return [(group, parts) for group, parts in found if parts]

    @property
    def landing(self) -> str:
        """Where the visitor begins: who leads the store at its day, who works at the counter at the scanner."""
        return self.to("/today" if self.can(Permission.VIEW_ORDERS) else "/scan")

    @property
    def manages(self) -> bool:
        """Whether the visitor leads this store: sees more days, undoes for longer."""
        return self.can(Permission.EDIT_STORE)

    def to(self, path: str = "/scan", **query: Any) -> str:
        """An address at this counter; what is None or empty is left out of the query."""
        asked = urlencode([(name, value) for name, value in query.items() if value not in (None, "")], doseq=True)
        return f"/m/{self.shown}{path}" + (f"?{asked}" if asked else "")

    def read(self, kind: IdKind, text: str) -> UUID:
        """The id of a thing of this city; another city's is not found here."""
        city_id, value = kind.read_local(text)
        if city_id != self.city_id:
            raise BadId(text=text[:60])
        return value


AtTill = NamedDependency[Till]
"""How a handler asks for the till: `till: AtTill`."""


async def provide_till(visit: Visiting, store: FromPath[str]) -> Till:
    """The dependency `till` of every page under /m/{store}/. Raises bad_id, not_found, not_allowed."""
    city_id, store_id = STORE.read_local(store)
    here = await counter.counter(visit.house, city_id, visit.member, store_id, Permission.PREPARE_VOUCHER)
    till = Till(visit.member, here)
    visit.zone = here.zone
    visit.frame |= {"face": "merchant", "till": till, "base": "merchant/base.html", "home": till.landing, "tab": ""}
    visit.keep(COUNTER, till.shown)
    return till
