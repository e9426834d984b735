"""The stores of the merchant, for who leads them: words and place, hours, holidays, pictures, posters."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect
from msgspec import field

from hutong import merchants, places, recruiting
from hutong.desk import closing, shops
from hutong.kit.access import Permission
from hutong.kit.clock import local, local_day
from hutong.kit.geo import Point
from hutong.kit.ids import NEW_STORE, PHOTO, STORE
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.kit.terms import clock_face
from hutong.kit.text import Text
from hutong.merchants import (
    ArrangePhoto,
    BadHours,
    EditStore,
    Hours,
    SetException,
    SetHours,
    Span,
    Store,
    StoreChanged,
    parse_spans,
)
from hutong.web.merchant import posters
from hutong.web.merchant.deal_form import Many, many
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.files import attachment
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.maps import allow_tiles
from hutong.web.shared.uploads import AnyRequest, most_bytes, read_form
from hutong.web.shared.visit import Visit, Visiting

Posted = RequestEncodingType.URL_ENCODED
LEADS = permission(Permission.EDIT_STORE)
AT_ONCE = 6
HOLIDAYS_AHEAD = 400
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PLACE = re.compile(r"^\s*(-?\d{1,2}(?:\.\d+)?)\s*[,，\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$")


class WordsForm(KeyedForm, frozen=True, kw_only=True):
    """What a store is called and where it is; `place` is "latitude, longitude" (WGS-84)."""

    version: str
    over: str = ""
    name_zh: str = ""
    name_en: str = ""
    address_zh: str = ""
    address_en: str = ""
    phone: str = ""
    place: str = ""
    district: str = ""


class HoursForm(KeyedForm, frozen=True, kw_only=True):
    """Seven days as people write them."""

    version: str
    over: str = ""
    mon: str = ""
    tue: str = ""
    wed: str = ""
    thu: str = ""
    fri: str = ""
    sat: str = ""
    sun: str = ""


class HolidayForm(KeyedForm, frozen=True, kw_only=True):
    """Other hours on one day; `gone` takes them away."""

    day: str
    hours: str = ""
    note_zh: str = ""
    note_en: str = ""
    gone: str = ""


class PhotosForm(KeyedForm, frozen=True, kw_only=True):
    """The pictures in their order with their words; `gone` is one to take away, `up` one to show earlier."""

    photo: Many = field(default_factory=list)
    alt_zh: Many = field(default_factory=list)
    alt_en: Many = field(default_factory=list)
    gone: str = ""
    up: str = ""


def scope_of(till: Till) -> Any:
    return till.actor.scope(Permission.EDIT_STORE)


async def the_store(visit: Visit, till: Till, shown: str) -> Store:
    """A store of this merchant that the visitor leads. Raises not_found for any other."""
    store_id = till.read(STORE, shown)
    async with visit.house.db.reading(till.city_id) as tx:
        store = (await merchants.stores(tx, till.city_id, [store_id])).get(store_id)
    if store is None or store.merchant_id != till.merchant_id or store.status != "open":
        raise NotFound()
    if not scope_of(till).covers(city=till.city_id, merchant=store.merchant_id, store=store_id):
        raise NotFound()
    return store


@get("/{store:str}/stores", guards=[LEADS])
async def stores(visit: Visiting, till: AtTill, done: FromQuery[str] = "") -> Response[str]:
    """The stores that the visitor leads here; for the owner also those that wait to be let in."""
    till.must(till.can(Permission.EDIT_STORE))
    owner = till.owns(Permission.EDIT_MERCHANT)
    visit.frame["tab"] = "stores"
    async with visit.house.db.reading(till.city_id) as tx:
        found = await merchants.stores_of(tx, till.city_id, till.merchant_id)
        mine = [s for s in found if scope_of(till).covers(city=till.city_id, merchant=s.merchant_id, store=s.store_id)]
        here = local(visit.house.clock.now(), till.here.zone)
        doors = await merchants.open_states(tx, till.city_id, mine, here=here)
        photos = await merchants.photos(tx, till.city_id, [one.store_id for one in mine])
        coming = await recruiting.new_stores_of(tx, till.merchant_id, city_id=till.city_id) if owner else []
        shut = await closing.shut_stores(tx, till.merchant_id, city_id=till.city_id) if owner else []
    words = {key: merchants.state_in_words(state, here) for key, state in doors.items()}
    return visit.page(
        "merchant/stores.html", stores=mine, doors=doors, words=words, photos=photos, file_url=visit.house.files.url,
        coming=coming, owner=owner, shut=shut, NEW_STORE=NEW_STORE,
        done=done if done in ("asked", "taken", "closed") else "",
    )  # fmt: skip


async def page(visit: Visit, till: Till, store: Store, *, status: int = 200, **more: Any) -> Response[str]:
    """Everything about one store. `typed` holds what was typed where something was wrong."""
    visit.frame["tab"] = "stores"
    today = local_day(visit.house.clock.now(), till.here.zone)
    async with visit.house.db.reading(till.city_id) as tx:
        districts = await places.districts(tx, till.city_id)
        found = await merchants.exceptions(
            tx, till.city_id, [store.store_id], first=today, last=today + timedelta(days=HOLIDAYS_AHEAD)
        )
        photos = (await merchants.photos(tx, till.city_id, [store.store_id])).get(store.store_id, [])
        city = await places.city(tx, till.city_id)
    assert city is not None
    holidays = [found[store.store_id][day] for day in sorted(found.get(store.store_id, {}))]
    context: dict[str, Any] = {"wrongs": {}, "wrong": None, "conflict": None, "typed": {}, "done": ""}
    answer = visit.page(
        "merchant/store.html", status=status, store=store, shown=STORE.show(store.store_id, till.city_id),
        now_is=values_of(store), days=DAYS, districts=districts, holidays=holidays, photos=photos, PHOTO=PHOTO,
        file_url=visit.house.files.url, in_words=merchants.spans_in_words, today=today, most=shops.MOST_PHOTOS,
        fonts=posters.fonts(visit.house.settings.font) is not None, city=city,
        owner=till.owns(Permission.EDIT_MERCHANT), **(context | more),
    )  # fmt: skip
    return allow_tiles(answer, visit.house.settings.tiles)


def values_of(store: Store) -> dict[str, str]:
    """What stands in the fields of a store as it is."""
    hours = {name: spans_typed(store.hours.days[n]) for n, name in enumerate(DAYS)}
    return {
        "name_zh": store.name.zh, "name_en": store.name.en, "address_zh": store.address.zh,
        "address_en": store.address.en, "phone": store.phone or "",
        "place": f"{store.place.lat:.6f}, {store.place.lon:.6f}", "district": str(store.district_id or ""), **hours,
    }  # fmt: skip


def spans_typed(spans: tuple[Span, ...]) -> str:
    """The hours of a day as people write them; an empty field is a closed day."""
    return ", ".join(f"{clock_face(s.start)}-{s.end // 60:02d}:{s.end % 60:02d}" for s in spans)


@get("/{store:str}/stores/{target:str}", guards=[LEADS])
async def one_store(visit: Visiting, till: AtTill, target: FromPath[str], done: FromQuery[str] = "") -> Response[str]:
    """A store with everything that may be changed."""
    return await page(
        visit,
        till,
        await the_store(visit, till, target),
        done=done if done in ("words", "hours", "days", "photos") else "",
    )


def back(till: Till, store: Store, done: str) -> Redirect:
    shown = STORE.show(store.store_id, till.city_id)
    return Redirect(till.to(f"/stores/{shown}", done=done) + f"#{done}", status_code=303)


def both(zh: str, en: str) -> Text:
    """Words in both languages; the one that was left out is the other."""
    zh, en = " ".join(zh.split()), " ".join(en.split())
    return Text(zh=zh or en, en=en or zh)


def version_of(data: WordsForm | HoursForm) -> int:
    text = data.over if data.over.isdigit() else data.version
    if not text.isdigit():
        raise BadInput(field="version", why="0-9")
    return int(text)


@post("/{store:str}/stores/{target:str}/words", guards=[LEADS], status_code=303)
async def edit_words(
    visit: Visiting, till: AtTill, target: FromPath[str], data: Annotated[WordsForm, Body(media_type=Posted)]
) -> Response:
    """New words or another place."""
    store = await the_store(visit, till, target)
    typed = {name: getattr(data, name) for name in WordsForm.__struct_fields__}
    match = _PLACE.match(data.place)
    wrongs = {} if match else {"place": visit.t("stores.wrong.place")}
    for name in ("name", "address"):
        if not both(typed[f"{name}_zh"], typed[f"{name}_en"]).zh:
            wrongs[f"{name}_zh"] = visit.t("stores.wrong.words")
    if match is None or wrongs:
        return await page(visit, till, store, status=422, wrongs=wrongs, typed=typed)
    there = Point(float(match[1]), float(match[2]))
    ask = EditStore(
        store_id=store.store_id, by=None, version=version_of(data), name=both(data.name_zh, data.name_en),
        address=both(data.address_zh, data.address_en), phone=data.phone.strip() or None,
        # What nobody touched stays exact: the field shows fewer digits than are kept.
        place=store.place if data.place.strip() == values_of(store)["place"] else there,
        district_id=int(data.district) if data.district.isdigit() else None,
    )  # fmt: skip
    return await _saved(
        visit, till, store, typed, "words", lambda: shops.edit_store(visit.house, till.city_id, till.actor, ask)
    )


async def _saved(
    visit: Visit, till: Till, store: Store, typed: Mapping[str, str], part: str, do: Any
) -> Response:  # fmt: skip
    """Do it and go back; a refusal stands in place with what was typed."""
    try:
        await do()
    except StoreChanged as refusal:
        stands = await the_store(visit, till, STORE.show(store.store_id, till.city_id))
        now = values_of(stands)
        fields = [name for name in now if name in typed and typed[name].strip() != now[name]]
        conflict = {"part": part, "version": refusal.facts["version"], "fields": fields, "theirs": now}
        return await page(visit, till, stands, status=409, typed=typed, conflict=conflict)
    except Refusal as refusal:
        at = {"store_outside_city": "place"}.get(refusal.code, "")
        if at:
            return await page(
                visit, till, store, status=refusal.status, typed=typed,
                wrongs={at: refusal.sentence().in_(visit.language)},
            )  # fmt: skip
        return await page(visit, till, store, status=refusal.status, typed=typed, wrong=refusal)
    return back(till, store, part)


@post("/{store:str}/stores/{target:str}/hours", guards=[LEADS], status_code=303)
async def edit_hours(
    visit: Visiting, till: AtTill, target: FromPath[str], data: Annotated[HoursForm, Body(media_type=Posted)]
) -> Response:
    """New hours of the week."""
    store = await the_store(visit, till, target)
    typed = {name: getattr(data, name) for name in HoursForm.__struct_fields__}
    week, wrongs = [], {}
    for name in DAYS:
        try:
            week.append(parse_spans(typed[name]))
        except BadHours as wrong:
            wrongs[name] = wrong.sentence().in_(visit.language)
    if wrongs:
        return await page(visit, till, store, status=422, wrongs=wrongs, typed=typed)
    ask = SetHours(store_id=store.store_id, hours=Hours(tuple(week)), version=version_of(data))
    return await _saved(
        visit, till, store, typed, "hours", lambda: shops.set_hours(visit.house, till.city_id, till.actor, ask)
    )


@post("/{store:str}/stores/{target:str}/days", guards=[LEADS], status_code=303)
async def edit_day(
    visit: Visiting, till: AtTill, target: FromPath[str], data: Annotated[HolidayForm, Body(media_type=Posted)]
) -> Response:
    """Other hours on one day, or none, or as always."""
    store = await the_store(visit, till, target)
    typed = {"day": data.day, "hours": data.hours, "note_zh": data.note_zh, "note_en": data.note_en}
    wrongs = {}
    try:
        day = date.fromisoformat(data.day)
    except ValueError:
        day, wrongs["day"] = date.min, visit.t("editor.wrong.date")
    try:
        spans = None if data.gone else parse_spans(data.hours)
    except BadHours as wrong:
        spans, wrongs["day_hours"] = None, wrong.sentence().in_(visit.language)
    if wrongs:
        return await page(visit, till, store, status=422, wrongs=wrongs, typed=typed)
    note = both(data.note_zh[:60], data.note_en[:60])
    ask = SetException(store_id=store.store_id, day=day, spans=spans, note=note if note.zh and not data.gone else None)
    return await _saved(
        visit,
        till,
        store,
        typed,
        "days",
        lambda: shops.set_exceptions(visit.house, till.city_id, till.actor, store, [ask]),
    )


@post(
    "/{store:str}/stores/{target:str}/pictures", guards=[LEADS], status_code=303,
    request_max_body_size=most_bytes(AT_ONCE),
)  # fmt: skip
async def add_pictures(visit: Visiting, till: AtTill, target: FromPath[str], request: AnyRequest) -> Response:
    """Pictures from the phone or the desk; each is written anew before it is kept."""
    store = await the_store(visit, till, target)
    sent = await read_form(request, fields={"key", "alt_zh", "alt_en"}, files="picture", most=AT_ONCE)
    alt = both(sent.text("alt_zh")[:120], sent.text("alt_en")[:120])
    if not alt.zh:
        alt = store.name
    if not sent.files:
        return await page(visit, till, store, status=422, wrongs={"picture": visit.t("stores.wrong.picture")})
    return await _saved(
        visit, till, store, {}, "photos",
        lambda: shops.add_photos(visit.house, till.city_id, till.actor, store, sent.files, alt=alt),
    )  # fmt: skip


@post("/{store:str}/stores/{target:str}/photos", guards=[LEADS], status_code=303)
async def edit_photos(
    visit: Visiting, till: AtTill, target: FromPath[str], data: Annotated[PhotosForm, Body(media_type=Posted)]
) -> Response:
    """Another order, other words, one less."""
    store = await the_store(visit, till, target)
    order = [till.read(PHOTO, one) for one in many(data.photo)]
    zh, en = many(data.alt_zh), many(data.alt_en)
    alts = {one: both(zh[n] if n < len(zh) else "", en[n] if n < len(en) else "") for n, one in enumerate(order)}
    gone: list[UUID] = [till.read(PHOTO, data.gone)] if data.gone else []
    if data.up:
        up = till.read(PHOTO, data.up)
        at = order.index(up) if up in order else 0
        if at > 0:
            order[at - 1], order[at] = order[at], order[at - 1]
    asks = [
        ArrangePhoto(photo_id=one, position=n, alt=alts[one] if alts[one].zh else store.name)
        for n, one in enumerate(order)
        if one not in gone
    ]
    return await _saved(
        visit, till, store, {}, "photos",
        lambda: shops.arrange_photos(visit.house, till.city_id, till.actor, store, asks, gone),
    )  # fmt: skip


@get("/{store:str}/stores/{target:str}/poster", guards=[LEADS])
async def poster(
    visit: Visiting, till: AtTill, target: FromPath[str], size: FromQuery[str] = "a4", page_too: FromQuery[bool] = False
) -> Response:
    """The QR of a store to print: a PDF, or a page to print where no font with Chinese letters is found."""
    store = await the_store(visit, till, target)
    if size not in posters.SIZES:
        raise NotFound()
    async with visit.house.db.reading(till.city_id) as tx:
        city = await places.city(tx, till.city_id)
        merchant = await merchants.merchant(tx, till.merchant_id)
    assert city is not None
    assert merchant is not None
    link = posters.address_of(visit.house.settings.address, city.slug, STORE.show(store.store_id, till.city_id))
    found = None if page_too else posters.fonts(visit.house.settings.font)
    if found is None:
        visit.frame["tab"] = "stores"
        return visit.page(
            "merchant/poster.html", store=store, merchant=merchant, size=size, drawing=posters.drawing(link), link=link
        )
    drawn = posters.draw(
        store, merchant.name.in_(visit.language), link, size=size, t=visit.t, language=visit.language, with_fonts=found
    )
    return attachment(drawn, "application/pdf", f"qr-{size}-{visit.language}.pdf")


ROUTES = (stores, one_store, edit_words, edit_hours, edit_day, add_pictures, edit_photos, poster)
