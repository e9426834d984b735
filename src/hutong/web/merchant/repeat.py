"""Repeat business of a merchant: who came back, who sends him customers, and whether joining changed it."""

from datetime import date
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from hutong import places
from hutong.desk import repeating as desk
from hutong.desk import repeating_cities as wide
from hutong.desk.repeating import OfMerchant
from hutong.insight import tellable as told
from hutong.kit.access import Permission
from hutong.kit.refusals import BadInput, NotFound
from hutong.places import City
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared import repeat_files, repeating
from hutong.web.shared.guards import permission
from hutong.web.shared.repeating import ALL, shop_names
from hutong.web.shared.visit import Visit, Visiting

SEES = permission(Permission.VIEW_STATEMENT)


class Asked(Struct, frozen=True, kw_only=True):
    """The figures, the names of the shops in them, and the merchant's cities, of which these may be the sum."""

    found: OfMerchant
    names: dict[UUID, str]
    cities: list[City]
    here: City


async def _found(visit: Visit, till: Till, days: int, joined: str, over: str) -> Asked:
    """What the page says; `over`: "all" for all cities of the merchant. Raises not_allowed, bad_input."""
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "repeat"
    try:
        day = date.fromisoformat(joined) if joined else None
    except ValueError:
        raise BadInput(field="joined", why=joined[:20]) from None
    now, house, found = visit.house.clock.now(), visit.house, None
    async with house.db.reading(till.city_id) as tx:
        city = await places.city(tx, till.city_id)
        if city is None:
            raise NotFound()
        own = await wide.cities_of_merchant(tx, till.actor, till.merchant_id, city.currency)
        if over != ALL or len(own) < 2:
            it = await desk.company(tx, city, days=days, now=now)
            found = await desk.of_merchant(tx, till.merchant_id, it, joined=day)
    if found is None:
        found = await wide.of_merchant(house, till.merchant_id, own, days=days, now=now, joined=day)
    async with house.db.reading(till.city_id) as tx:
        names = await shop_names(tx, visit, {one for flow in found.flows for one in (flow.source, flow.target)})
    return Asked(found=found, names=names, cities=own, here=city)


@get("/{store:str}/repeat", guards=[SEES])
async def repeat(
    visit: Visiting, till: AtTill, days: FromQuery[int] = 90, joined: FromQuery[str] = "", over: FromQuery[str] = ""
) -> Response[str]:
    """The page. `joined`: a day (YYYY-MM-DD) to compare around, for whoever is no partner of a programme. `over`: "all"
    for all cities in which the merchant has shops."""
    it = await _found(visit, till, days, joined, over)
    chosen, f = it.found.company.days, visit.formats()
    wanted = ALL if it.found.company.cities else ""

    def to(n: int, over: str = wanted) -> str:
        return till.to("/repeat", days=n, joined=joined, over=over)

    return visit.page(
        "merchant/repeat.html", it=repeating.shown(it.found, it.names, visit.t, f), periods=desk.PERIODS, to=to,
        reaches=repeating.reaches(it.cities, it.here, wide=bool(wanted), to=lambda o: to(chosen, o), t=visit.t, f=f),
        files=[till.to(f"/repeat/files/{kind}", days=chosen, joined=joined, over=wanted) for kind in ("xlsx", "csv")],
        signed=repeating.signed, told=told, joined=joined, over=wanted,
        partner=till.merchant_id in it.found.company.joined,
    )  # fmt: skip


@get("/{store:str}/repeat/files/{kind:str}", guards=[SEES])
async def repeat_file(
    visit: Visiting,
    till: AtTill,
    kind: FromPath[str],
    days: FromQuery[int] = 90,
    joined: FromQuery[str] = "",
    over: FromQuery[str] = "",
) -> Response[bytes]:
    """The same figures as a workbook (xlsx) or plain lines (csv)."""
    repeat_files.known(kind)
    it = await _found(visit, till, days, joined, over)
    return await repeat_files.answer(kind, repeat_files.of_merchant(it.found, it.names, visit.t), it.found.company)


ROUTES = (repeat, repeat_file)
