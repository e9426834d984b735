"""Where do I stand? One counter: straight to it. Several: choose, and the choice is remembered.

A cashier begins at the scanner, who leads the store at the day's board.
"""

from litestar import Response, get
from litestar.response import Redirect
from msgspec import Struct

from hutong import merchants, places
from hutong.kit.access import Permission
from hutong.kit.ids import STORE
from hutong.merchants import Store
from hutong.places import City
from hutong.web.merchant.till import COUNTER, AtTill
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

STAFF = permission(Permission.PREPARE_VOUCHER)


class Choice(Struct, frozen=True):
    """A counter that the visitor may stand at."""

    shown: str
    store: Store
    city: City
    to: str


async def choices(visit: Visit) -> list[Choice]:
    """All counters of the visitor, city by city: somebody works in one city, a chain in a handful."""
    async with visit.house.db.reading() as tx:
        city_ids = await merchants.cities_of_staff(tx, visit.member)
        known = {city.city_id: city for city in await places.cities(tx)}
    found: list[Choice] = []
    for city_id in city_ids:
        async with visit.house.db.reading(city_id) as tx:
            stores = await merchants.counters_of(tx, city_id, visit.member)
        found += [_choice(visit, store, known[city_id]) for store in stores]
    return found


def _choice(visit: Visit, store: Store, city: City) -> Choice:
    """A counter and where one begins there."""
    shown = STORE.show(store.store_id, city.city_id)
    leads = visit.member.can(
        Permission.VIEW_ORDERS, city=city.city_id, merchant=store.merchant_id, store=store.store_id
    )
    return Choice(shown, store, city, f"/m/{shown}/{'today' if leads else 'scan'}")


@get("/", guards=[STAFF])
async def landing(visit: Visiting) -> Redirect:
    """The counter chosen last, or the only one; else the choice."""
    found = await choices(visit)
    last = visit.connection.cookies.get(COUNTER, "")
    there = next((one for one in found if one.shown == last), found[0] if len(found) == 1 else None)
    return Redirect(there.to if there else "/m/counters", status_code=303)


@get("/counters", guards=[STAFF])
async def chooser(visit: Visiting) -> Response[str]:
    """The counters of the visitor, the one chosen last marked; and the way out."""
    visit.frame["face"] = "merchant"
    last = visit.connection.cookies.get(COUNTER, "")
    return visit.page("merchant/counters.html", choices=await choices(visit), last=last, actor=visit.member)


@get("/{store:str}", guards=[STAFF])
async def door(till: AtTill) -> Redirect:
    """A counter without a page: where its visitor begins."""
    return Redirect(till.landing, status_code=303)


@get("/{store:str}/more", guards=[STAFF])
async def more(visit: Visiting, till: AtTill) -> Response[str]:
    """Every part of the console that has no place at the thumb; the language, the other counters, the way out."""
    visit.frame["tab"] = "more"
    rest = [(group, [one for one in parts if one not in till.thumbs]) for group, parts in till.groups]
    return visit.page("merchant/more.html", groups=[one for one in rest if one[1]], actor=visit.member)


ROUTES = (landing, chooser, door, more)
