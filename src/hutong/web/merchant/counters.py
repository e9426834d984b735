"""Where do I stand? One counter: straight to its scanner. Several: choose, and the choice is remembered."""

from litestar import Response, get
from litestar.response import Redirect
from msgspec import Struct

from hutong import merchants, places
from hutong.kit.access import Permission
from hutong.kit.ids import STORE
from hutong.merchants import Store
from hutong.places import City
from hutong.web.merchant.till import COUNTER
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit

STAFF = permission(Permission.PREPARE_VOUCHER)


class Choice(Struct, frozen=True):
    """A counter that the visitor may stand at."""

    shown: str
    store: Store
    city: City


async def choices(visit: Visit) -> list[Choice]:
    """All counters of the visitor, city by city: somebody works in one city, a chain in a handful."""
    async with visit.house.db.reading() as tx:
        city_ids = await merchants.cities_of_staff(tx, visit.member)
        known = {city.city_id: city for city in await places.cities(tx)}
    found: list[Choice] = []
    for city_id in city_ids:
        async with visit.house.db.reading(city_id) as tx:
            stores = await merchants.counters_of(tx, city_id, visit.member)
        found += [Choice(STORE.show(store.store_id, city_id), store, known[city_id]) for store in stores]
    return found


@get("/", guards=[STAFF])
async def landing(visit: Visit) -> Redirect:
    """The scanner of the counter chosen last, or of the only one; else the choice."""
    shown = [choice.shown for choice in await choices(visit)]
    last = visit.connection.cookies.get(COUNTER, "")
    there = last if last in shown else shown[0] if len(shown) == 1 else None
    return Redirect(f"/m/{there}/scan" if there else "/m/counters", status_code=303)


@get("/counters", guards=[STAFF])
async def chooser(visit: Visit) -> Response[str]:
    """The counters of the visitor, the one chosen last marked; and the way out."""
    last = visit.connection.cookies.get(COUNTER, "")
    return visit.page("merchant/counters.html", choices=await choices(visit), last=last, actor=visit.member)


ROUTES = (landing, chooser)
