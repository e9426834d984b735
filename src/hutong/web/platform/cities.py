"""The cities of the platform: what stands in each, and a form that opens one, as `hutong city open` does."""

from typing import Any
from zoneinfo import available_timezones

from litestar import Response, get, post
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong.desk import opening
from hutong.desk.opening import CityFile, Fees, Named, Pair, Spot
from hutong.kit.money import SCALES
from hutong.kit.refusals import BadInput, Refusal
from hutong.web.platform.frame import RUNS, AtFloor, Floor
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.visit import Visit, Visiting

CURRENCIES = tuple(sorted(one for one in SCALES if len(one) == 3))


class OpenForm(KeyedForm, frozen=True, kw_only=True):
    """What a city is. A corner, a district and a landmark stand on a line of their own each."""

    slug: str = ""
    name_zh: str = ""
    name_en: str = ""
    zone: str = "Asia/Shanghai"
    currency: str = "CNY"
    edge: str = ""
    centre: str = ""
    districts: str = ""
    landmarks: str = ""
    percent: str = "8"
    operators_percent: str = "25"


def _lines(text: str) -> list[list[str]]:
    """What stands between commas, line by line; empty lines are nothing."""
    plain = text.replace("，", ",").replace("；", ",")
    return [[part.strip() for part in line.split(",")] for line in plain.splitlines() if line.strip()]


def _pair(parts: list[str], field: str) -> Pair:
    try:
        lat, lon = (float(part) for part in parts)
    except ValueError:
        raise BadInput(field=field, why=f"30.2000, 120.2000 ≠ {', '.join(parts)[:60]}") from None
    return lat, lon


def _spots(text: str, field: str) -> tuple[Spot, ...]:
    found = []
    for parts in _lines(text):
        if len(parts) != 5 or not all(0 < len(name) <= 60 for name in parts[1:3]):
            raise BadInput(field=field, why=", ".join(parts)[:60])
        slug, zh, en, *at = parts
        found.append(Spot(slug=slug, name=Named(zh=zh, en=en), at=_pair(at, field)))
    return tuple(found)


def said(data: OpenForm) -> CityFile:
    """The city that the form describes. Raises bad_input with the field."""
    for field in ("name_zh", "name_en"):
        if not 0 < len(getattr(data, field).strip()) <= 60:
            raise BadInput(field=field, why="1-60")
    return CityFile(
        slug=data.slug.strip(), name=Named(zh=data.name_zh, en=data.name_en), zone=data.zone.strip(),
        currency=data.currency, edge=tuple(_pair(parts, "edge") for parts in _lines(data.edge)),
        centre=_pair(data.centre.replace("，", ",").split(","), "centre") if data.centre.strip() else None,
        districts=_spots(data.districts, "districts"), landmarks=_spots(data.landmarks, "landmarks"),
        commission=Fees(percent=data.percent, operators_percent=data.operators_percent),
    )  # fmt: skip


def _field_of(wrong: Refusal | None) -> str:
    """Under which field a refusal stands: `districts.old-town.centre` belongs to the districts."""
    if wrong is None:
        return ""
    by_code = {"city_taken": "slug", "district_taken": "districts", "landmark_taken": "landmarks"}
    name = str(wrong.facts.get("field", by_code.get(wrong.code, "")))
    first, _, second = name.partition(".")
    named = {"city": {"boundary": "edge", "city_id": "slug"}.get(second, second), "commission": second}
    return named.get(first, first)


@get("/cities", guards=[RUNS])
async def cities(visit: Visiting, floor: AtFloor, done: FromQuery[str] = "") -> Response[str]:
    """All cities, with how much is in each, and the way to who runs them."""
    visit.frame["tab"] = "cities"
    found = await opening.standing(visit.house.db)
    return visit.page("platform/cities.html", found=found, done=done[:40])


async def page(
    visit: Visit, floor: Floor, *, status: int = 200, typed: Any = None, wrong: Refusal | None = None
) -> Response[str]:
    """The form, with what was typed and what is wrong beside its field."""
    del floor
    visit.frame["tab"] = "cities"
    return visit.page(
        "platform/city_new.html", status=status, typed=typed or OpenForm(key=""), wrong=wrong, at=_field_of(wrong),
        zones=sorted(available_timezones()), currencies=CURRENCIES,
    )  # fmt: skip


@get("/cities/new", guards=[RUNS])
async def blank(visit: Visiting, floor: AtFloor) -> Response[str]:
    """The form that opens a city."""
    return await page(visit, floor)


@post("/cities/new", guards=[RUNS], status_code=303)
async def make(visit: Visiting, floor: AtFloor, data: URLEncodedBody[OpenForm]) -> Response:
    """Open it; sent twice it is open once."""
    try:
        opened = await opening.open_city(
            visit.house.db, said(data), by=visit.member.member_id, now=visit.house.clock.now()
        )
    except Refusal as refusal:
        return await page(visit, floor, status=refusal.status, typed=data, wrong=refusal)
    return Redirect(floor.to("/cities", done=opened.city.slug), status_code=303)


ROUTES = (cities, blank, make)
