"""Repeat business of the city's alliance: who sends whom customers, and each merchant's page as he reads it himself."""

from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from hutong.desk import repeating as desk_of
from hutong.desk import repeating_cities as of_cities
from hutong.desk.repeating import OfCity, OfMerchant
from hutong.insight import tellable as told
from hutong.kit.access import Permission
from hutong.kit.ids import MERCHANT
from hutong.kit.refusals import NotFound
from hutong.places import City
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.shared import repeat_files, repeating
from hutong.web.shared.guards import permission
from hutong.web.shared.repeating import ALL, shop_names
from hutong.web.shared.visit import Visit, Visiting

SEES = permission(Permission.VIEW_STATEMENT)
ON_PAGE = 30


class Asked(Struct, frozen=True, kw_only=True):
    """Figures of the city, or of all `cities` of the operator when `wide`, with the names of the shops in them."""

    found: OfCity | OfMerchant
    names: dict[UUID, str]
    cities: list[City]

    @property
    def wide(self) -> str:
        return ALL if self.found.company.cities else ""

    @property
    def days(self) -> int:
        return self.found.company.days


async def _all(visit: Visit, desk: Desk, days: int, over: str) -> tuple[OfCity, Asked]:
    """The whole city, or with `over` = "all" every city that he may see. Raises not_allowed."""
    desk.must(Permission.VIEW_STATEMENT)
    visit.frame["tab"] = "repeat"
    now, found = visit.house.clock.now(), None
    async with visit.house.db.reading(desk.city_id) as tx:
        own = await of_cities.cities_of_actor(tx, visit.member, desk.city.currency)
        if over != ALL or len(own) < 2:
            found = await desk_of.of_city(tx, await desk_of.company(tx, desk.city, days=days, now=now))
    if found is None:
        found = await of_cities.of_cities(visit.house, own, days=days, now=now)
    async with visit.house.db.reading(desk.city_id) as tx:
        return found, Asked(found=found, names=await shop_names(tx, visit, found.merchants), cities=own)


async def _one(visit: Visit, desk: Desk, merchant: str, days: int, over: str) -> tuple[OfMerchant, Asked]:
    """One merchant of this city; `over` = "all": in all cities of both. Raises not_allowed, bad_id, not_found."""
    desk.must(Permission.VIEW_STATEMENT)
    visit.frame["tab"] = "repeat"
    merchant_id, now, found = MERCHANT.read(merchant), visit.house.clock.now(), None
    async with visit.house.db.reading(desk.city_id) as tx:
        own = await of_cities.cities_of_merchant(tx, visit.member, merchant_id, desk.city.currency)
        it = await desk_of.company(tx, desk.city, days=days, now=now)
        if merchant_id not in it.merchants and desk.city not in own:
            raise NotFound()  # whoever is no merchant of this city's alliance, wherever else he may be
        if over != ALL or len(own) < 2:
            if merchant_id not in it.merchants:
                raise NotFound()
            found = await desk_of.of_merchant(tx, merchant_id, it)
    if found is None:
        found = await of_cities.of_merchant(visit.house, merchant_id, own, days=days, now=now)
    async with visit.house.db.reading(desk.city_id) as tx:
        shops = {one for flow in found.flows for one in (flow.source, flow.target)}
        names = await shop_names(tx, visit, {merchant_id, *shops})
    return found, Asked(found=found, names=names, cities=own)


def _frame(visit: Visit, desk: Desk, it: Asked, path: str) -> dict[str, Any]:
    """What both pages need: days, cities and files to choose from. `path`: of the page below the desk."""

    def to(n: int, over: str = it.wide) -> str:
        return desk.to(path, days=n, over=over)

    f = visit.formats()
    return {
        "periods": desk_of.PERIODS, "signed": repeating.signed, "told": told, "to": to, "over": it.wide,
        "reaches": repeating.reaches(
            it.cities, desk.city, wide=bool(it.wide), to=lambda over: to(it.days, over), t=visit.t, f=f
        ),
        "files": [desk.to(f"{path}/files/{kind}", days=it.days, over=it.wide) for kind in ("xlsx", "csv")],
    }  # fmt: skip


@get("/{city:str}/repeat", guards=[SEES])
async def repeat(
    visit: Visiting, desk: AtDesk, days: FromQuery[int] = 90, after: FromQuery[int] = 0, over: FromQuery[str] = ""
) -> Response[str]:
    """The alliance of the city, or of all his cities; `after`: how many merchants of the list were seen."""
    await counted(visit, desk)
    found, asked = await _all(visit, desk, days, over)
    it = repeating.city(found, asked.names, visit.t, visit.formats())
    begin = max(0, after)
    more = begin + ON_PAGE < len(it.lines)
    return visit.page(
        "operator/repeat.html", it=it, lines=it.lines[begin : begin + ON_PAGE],
        more=desk.to("/repeat", days=asked.days, after=begin + ON_PAGE, over=asked.wide) if more else "",
        link=lambda one: desk.to(f"/repeat/{MERCHANT.show(one)}", days=asked.days, over=asked.wide),
        **_frame(visit, desk, asked, "/repeat"),
    )  # fmt: skip


@get("/{city:str}/repeat/files/{kind:str}", guards=[SEES])
async def repeat_file(
    visit: Visiting, desk: AtDesk, kind: FromPath[str], days: FromQuery[int] = 90, over: FromQuery[str] = ""
) -> Response[bytes]:
    """All merchants and the whole matrix as a workbook (xlsx) or plain lines (csv)."""
    repeat_files.known(kind)
    found, asked = await _all(visit, desk, days, over)
    return await repeat_files.answer(kind, repeat_files.of_city(found, asked.names, visit.t), found.company)


@get("/{city:str}/repeat/{merchant:str}", guards=[SEES])
async def repeat_shop(
    visit: Visiting, desk: AtDesk, merchant: FromPath[str], days: FromQuery[int] = 90, over: FromQuery[str] = ""
) -> Response[str]:
    """One merchant, as he reads it himself."""
    await counted(visit, desk)
    found, asked = await _one(visit, desk, merchant, days, over)
    return visit.page(
        "operator/repeat_shop.html", it=repeating.shown(found, asked.names, visit.t, visit.formats()),
        name=asked.names.get(found.merchant_id, visit.t("repeat.a_shop")),
        **_frame(visit, desk, asked, f"/repeat/{merchant}"),
    )  # fmt: skip


@get("/{city:str}/repeat/{merchant:str}/files/{kind:str}", guards=[SEES])
async def repeat_shop_file(
    visit: Visiting,
    desk: AtDesk,
    merchant: FromPath[str],
    kind: FromPath[str],
    days: FromQuery[int] = 90,
    over: FromQuery[str] = "",
) -> Response[bytes]:
    """One merchant's figures as a file."""
    repeat_files.known(kind)
    found, asked = await _one(visit, desk, merchant, days, over)
    return await repeat_files.answer(kind, repeat_files.of_merchant(found, asked.names, visit.t), found.company)


ROUTES = (repeat, repeat_file, repeat_shop, repeat_shop_file)
