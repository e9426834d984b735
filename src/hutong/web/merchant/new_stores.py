"""A further store: the owner says what it is and sets its pin; then it waits for who runs the district."""

import re
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect

from hutong import catalog, merchants, places
from hutong.desk import siting
from hutong.desk.siting import Site
from hutong.kit.access import Permission
from hutong.kit.geo import Point
from hutong.kit.ids import NEW_STORE
from hutong.kit.refusals import BadInput, Refusal
from hutong.merchants import BadHours, Hours, parse_spans
from hutong.people import BadPhone, normalise
from hutong.recruiting import NewStore, NewStoreUnknown, StoreSaid
from hutong.web.merchant.stores import DAYS, both, spans_typed
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.maps import allow_tiles
from hutong.web.shared.uploads import AnyRequest, Sent, most_bytes, read_form
from hutong.web.shared.visit import Visit, Visiting

OWNS = permission(Permission.EDIT_MERCHANT)
FIELDS = ("name_zh", "name_en", "address_zh", "address_en", "category", "district", "place", "phone", *DAYS)
PLACE = re.compile(r"\s*(-?\d{1,2}(?:\.\d+)?)\s*[,，\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*")


class BackForm(KeyedForm, frozen=True, kw_only=True):
    """Take it back: the version that was looked at."""

    version: int


def understood(visit: Visit, sent: Sent) -> tuple[Site | None, dict[str, str]]:
    """The form as values, or what is wrong with which field."""
    wrongs: dict[str, str] = {}
    name, address = (both(sent.text(f"{one}_zh"), sent.text(f"{one}_en")) for one in ("name", "address"))
    for field, said, most in (("name_zh", name, 60), ("address_zh", address, 120)):
        if not said.zh or max(len(said.zh), len(said.en)) > most:
            wrongs[field] = visit.t("stores.wrong.words")
    point, place = None, sent.text("place").strip()
    if place:
        match = PLACE.fullmatch(place)
        try:
            point = Point(float(match[1]), float(match[2])) if match else None
        except ValueError:
            point = None
        if point is None:
            wrongs["place"] = visit.t("stores.wrong.place")
    typed = sent.text("phone").strip()
    phone = normalise(typed) if typed else None
    if typed and phone is None:
        wrongs["phone"] = BadPhone().sentence().in_(visit.language)
    week = []
    for day in DAYS:
        try:
            week.append(parse_spans(sent.text(day)))
        except BadHours as wrong:
            wrongs[day] = wrong.sentence().in_(visit.language)
    if not wrongs and not any(week):
        wrongs["mon"] = visit.t("new_store.wrong.hours")
    if wrongs:
        return None, wrongs
    return Site(
        name=name, address=address, category=sent.text("category"), point=point, phone=phone, hours=Hours(tuple(week)),
        district_id=int(sent.text("district")) if sent.text("district").isdigit() else 0,
    ), {}  # fmt: skip


def typed_of(said: StoreSaid) -> dict[str, str]:
    """What stands in the fields of a store that was sent back."""
    week = Hours.of(said.hours)
    return {
        "name_zh": said.name.zh, "name_en": said.name.en, "address_zh": said.address.zh,
        "address_en": said.address.en, "category": said.category, "district": str(said.district_id),
        "place": f"{said.place.lat:.6f}, {said.place.lon:.6f}" if said.pinned else "", "phone": said.phone or "",
        **{day: spans_typed(week.days[n]) for n, day in enumerate(DAYS)},
    }  # fmt: skip


async def page(
    visit: Visit, till: Till, *, one: NewStore | None = None, status: int = 200, typed: dict[str, str] | None = None,
    wrongs: dict[str, str] | None = None, wrong: Refusal | None = None,
) -> Response[str]:  # fmt: skip
    """The form; `one` is a store that was sent back."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    visit.frame["tab"] = "stores"
    async with visit.house.db.reading(till.city_id) as tx:
        city = await places.city(tx, till.city_id)
        districts = await places.districts(tx, till.city_id)
        shelves = [shelf for shelf in await catalog.categories(tx) if shelf.parent]
        here = (await merchants.stores(tx, till.city_id, [till.store_id]))[till.store_id]
    first = {"category": here.category, "district": str(here.district_id or "")}
    answer = visit.page(
        "merchant/new_store.html", status=status, one=one, typed=typed or (typed_of(one.said) if one else first),
        wrongs=wrongs or {}, wrong=wrong, city=city, districts=districts, shelves=shelves, days=DAYS,
        shown=NEW_STORE.show(one.new_store_id, till.city_id) if one else "", tiles=visit.house.settings.tiles,
        credit=visit.house.settings.tiles_credit, demo=visit.house.settings.demo, file_url=visit.house.files.url,
    )  # fmt: skip
    return allow_tiles(answer, visit.house.settings.tiles)


@get("/{store:str}/stores/new", guards=[OWNS])
async def blank(visit: Visiting, till: AtTill) -> Response[str]:
    """The form of a further store."""
    return await page(visit, till)


async def _sent(visit: Visit, till: Till, request: AnyRequest, one: NewStore | None) -> Response:
    sent = await read_form(request, fields={"key", *FIELDS}, files="picture", most=1)
    raw = {name: sent.text(name) for name in FIELDS}
    typed, wrongs = understood(visit, sent)
    if typed is None:
        return await page(visit, till, one=one, status=422, typed=raw, wrongs=wrongs)
    try:
        await siting.ask_store(
            visit.house, till.city_id, till.actor, till.merchant_id, typed, key=sent.key,
            picture=sent.files[0] if sent.files else None, again=one,
        )  # fmt: skip
    except Refusal as refusal:
        field = str(refusal.facts.get("field", "")) if isinstance(refusal, BadInput) else ""
        at = {"place": "place", "district_id": "district", "name": "name_zh", "address": "address_zh"}.get(field, field)
        if at in FIELDS:
            words = visit.t("new_store.wrong.outside") if at == "place" else refusal.sentence().in_(visit.language)
            return await page(visit, till, one=one, status=422, typed=raw, wrongs={at: words})
        return await page(visit, till, one=one, status=refusal.status, typed=raw, wrong=refusal)
    return Redirect(till.to("/stores", done="asked"), status_code=303)


@post("/{store:str}/stores/new", guards=[OWNS], status_code=303, request_max_body_size=most_bytes(1))
async def ask(visit: Visiting, till: AtTill, request: AnyRequest) -> Response:
    """Ask for it; sent twice it is one."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    return await _sent(visit, till, request, None)


def _read(till: Till, shown: str) -> UUID:
    return till.read(NEW_STORE, shown)


@get("/{store:str}/new-stores/{target:str}", guards=[OWNS])
async def again(visit: Visiting, till: AtTill, target: FromPath[str]) -> Response[str]:
    """A store that was sent back: its form, with the reason."""
    one = await siting.own(visit.house, till.city_id, till.merchant_id, _read(till, target))
    if one.state != "returned":
        raise NewStoreUnknown()
    return await page(visit, till, one=one)


@post("/{store:str}/new-stores/{target:str}", guards=[OWNS], status_code=303, request_max_body_size=most_bytes(1))
async def ask_again(visit: Visiting, till: AtTill, target: FromPath[str], request: AnyRequest) -> Response:
    """Ask again, with better words."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    one = await siting.own(visit.house, till.city_id, till.merchant_id, _read(till, target))
    return await _sent(visit, till, request, one)


@post("/{store:str}/new-stores/{target:str}/end", guards=[OWNS], status_code=303)
async def take_back(visit: Visiting, till: AtTill, target: FromPath[str], data: URLEncodedBody[BackForm]) -> Response:
    """Take it back."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    one = await siting.own(visit.house, till.city_id, till.merchant_id, _read(till, target))
    await siting.withdraw(visit.house, till.city_id, till.actor, one.new_store_id, version=data.version)
    return Redirect(till.to("/stores", done="taken"), status_code=303)


ROUTES = (blank, ask, again, ask_again, take_back)
