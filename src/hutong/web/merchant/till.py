"""The till: the counter of the address, checked on every request, and what the visitor may see from there."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from hutong.desk import counter
from hutong.desk.counter import Counter
from hutong.kit.access import Actor, Permission
from hutong.kit.ids import STORE, BadId, IdKind
from hutong.kit.refusals import NotAllowed
from hutong.web.shared.visit import Visit

COUNTER = "hutong_counter"  # the counter chosen last: a preference, never a permission


class Tab:
    """A part of the console. `whole`: it is about the merchant, not about one of his stores."""

    def __init__(self, name: str, icon: str, permission: Permission, *, whole: bool = False) -> None:
        self.name, self.icon, self.permission, self.whole = name, icon, permission, whole


TABS = (
    Tab("scan", "scan", Permission.PREPARE_VOUCHER),
    Tab("history", "history", Permission.VIEW_REDEMPTIONS),
    Tab("today", "sun", Permission.VIEW_ORDERS),
    Tab("statement", "wallet", Permission.VIEW_STATEMENT, whole=True),
)


class Till:
    """A store's counter with somebody of its staff behind it."""

    def __init__(self, actor: Actor, here: Counter) -> None:
        self.actor, self.here = actor, here
        self.shown = STORE.show(here.store_id, here.city_id)
        self.tabs = [tab for tab in TABS if (self.owns if tab.whole else self.can)(tab.permission)]

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


async def provide_till(visit: Visit, store: str) -> Till:
    """The dependency `till` of every page under /m/{store}/. Raises bad_id, not_found, not_allowed."""
    city_id, store_id = STORE.read_local(store)
    here = await counter.counter(visit.house, city_id, visit.member, store_id, Permission.PREPARE_VOUCHER)
    till = Till(visit.member, here)
    visit.zone = here.zone
    visit.frame |= {"till": till, "base": "merchant/base.html", "home": till.to(), "tab": ""}
    visit.keep(COUNTER, till.shown)
    return till
