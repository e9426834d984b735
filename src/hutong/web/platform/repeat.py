"""Repeat business of the whole house and of each programme over its cities: the alliance as one."""

from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from hutong import merchants, places, programmes
from hutong.desk import repeating as desk_of
from hutong.desk import repeating_cities as wide
from hutong.desk.repeating import OfCity
from hutong.insight import tellable as told
from hutong.kit.ids import MERCHANT, PROGRAMME
from hutong.kit.refusals import NotFound
from hutong.programmes import Programme
from hutong.web.platform.frame import RUNS, AtFloor, Floor
from hutong.web.shared import repeat_files, repeating
from hutong.web.shared.repeating import Reach, shop_names
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE = 30


class Asked(Struct, frozen=True, kw_only=True):
    """The figures (None: there is no city yet), the names of shops, the city in which each can be looked at, and what
    there is to choose from."""

    found: OfCity | None
    names: dict[UUID, str]
    slugs: dict[UUID, str]
    programmes: list[Programme]
    chosen: Programme | None
    assets: list[str]
    asset: str


async def _found(visit: Visit, days: int, programme: str, asset: str) -> Asked:
    """All cities of one currency, or those of a programme with its partners alone. Raises bad_id, not_found."""
    visit.frame["tab"] = "repeat"
    now, house = visit.house.clock.now(), visit.house
    async with house.db.reading() as tx:
        every = await places.cities(tx)
        known = [one for one in await programmes.programmes(tx, at=now) if one.state == "live"]
    chosen = None
    if programme:
        wanted = PROGRAMME.read(programme)
        chosen = next((one for one in known if one.programme_id == wanted), None)
        if chosen is None:
            raise NotFound()
    among = None if chosen is None else frozenset({chosen.programme_id})
    cities = wide.of_one_currency([one for one in every if chosen is None or one.city_id in chosen.cities], asset)
    found = await wide.of_cities(house, cities, days=days, now=now, among=among) if cities else None
    async with house.db.reading() as tx:
        names = await shop_names(tx, visit, found.merchants if found else ())
        presence = await merchants.presence(tx, list(names))
    by = {city.city_id: city.slug for city in cities}
    slugs = {one: by[min(its & set(by))] for one, its in presence.items() if its & set(by)}
    return Asked(
        found=found, names=names, slugs=slugs, programmes=known, chosen=chosen,
        assets=sorted({city.currency for city in every}), asset=cities[0].currency if cities else "",
    )  # fmt: skip


def _choices(visit: Visit, floor: Floor, it: Asked, days: int) -> list[Reach]:
    """All of the house, or one programme; and one currency of several."""
    f, t = visit.formats(), visit.t
    found = [Reach(t("platform.repeat.all"), floor.to("/repeat", days=days, asset=it.asset), it.chosen is None)]
    found += [
        Reach(f.say(one.name), floor.to("/repeat", days=days, programme=PROGRAMME.show(one.programme_id)),
              it.chosen is not None and it.chosen.programme_id == one.programme_id)
        for one in it.programmes
    ]  # fmt: skip
    if len(it.assets) > 1 and it.chosen is None:
        found += [Reach(one, floor.to("/repeat", days=days, asset=one), one == it.asset) for one in it.assets]
    return found if len(found) > 1 else []


@get("/repeat", guards=[RUNS])
async def repeat(
    visit: Visiting, floor: AtFloor, days: FromQuery[int] = 90, programme: FromQuery[str] = "",
    asset: FromQuery[str] = "", after: FromQuery[int] = 0
) -> Response[str]:  # fmt: skip
    """The alliance of all cities; `programme`: of one programme in its cities; `asset`: of cities that count in it."""
    it = await _found(visit, days, programme, asset)
    if it.found is None:
        return visit.page("platform/repeat.html", it=None)
    page, chosen = repeating.city(it.found, it.names, visit.t, visit.formats()), it.found.company.days
    begin = max(0, after)
    where: dict[str, Any] = {"programme": programme} if it.chosen else {"asset": it.asset}
    more = begin + ON_PAGE < len(page.lines)

    def link(one: UUID) -> str:
        slug = it.slugs.get(one)
        return f"/o/{slug}/repeat/{MERCHANT.show(one)}?days={chosen}&over=all" if slug else ""

    return visit.page(
        "platform/repeat.html", it=page, lines=page.lines[begin : begin + ON_PAGE], periods=desk_of.PERIODS, told=told,
        more=floor.to("/repeat", days=chosen, after=begin + ON_PAGE, **where) if more else "", link=link,
        to=lambda n: floor.to("/repeat", days=n, **where), reaches=_choices(visit, floor, it, chosen),
        files=[floor.to(f"/repeat/files/{kind}", days=chosen, **where) for kind in ("xlsx", "csv")],
        signed=repeating.signed,
    )  # fmt: skip


@get("/repeat/files/{kind:str}", guards=[RUNS])
async def repeat_file(
    visit: Visiting,
    floor: AtFloor,
    kind: FromPath[str],
    days: FromQuery[int] = 90,
    programme: FromQuery[str] = "",
    asset: FromQuery[str] = "",
) -> Response[bytes]:
    """The same figures as a workbook (xlsx) or plain lines (csv)."""
    repeat_files.known(kind)
    it = await _found(visit, days, programme, asset)
    if it.found is None:
        raise NotFound()
    return await repeat_files.answer(kind, repeat_files.of_city(it.found, it.names, visit.t), it.found.company)


ROUTES = (repeat, repeat_file)
