"""Coming in: somebody applies for his business, brings its documents, answers a round, sees how far it is."""

import re
from datetime import date
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct

from hutong import catalog, places, recruiting
from hutong.desk import admitting
from hutong.kit.clock import local_day
from hutong.kit.geo import Point
from hutong.kit.ids import APPLICATION, DOCUMENT, OPERATOR, STORE, BadId
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.kit.text import Text
from hutong.places import City
from hutong.recruiting import Application, Calling, CallingOver, Words
from hutong.web.shared.errors import refusal_page
from hutong.web.shared.files import attachment
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.maps import allow_tiles
from hutong.web.shared.uploads import AnyRequest, most_bytes, read_form
from hutong.web.shared.visit import Visit, Visiting

Posted = RequestEncodingType.URL_ENCODED
PLACE = re.compile(r"\s*(-?\d{1,3}\.\d+)\s*[,，\s]\s*(-?\d{1,3}\.\d+)\s*")
OPEN = ("draft", "returned")
ENDINGS = {"application/pdf": "pdf", "image/webp": "webp", "image/jpeg": "jpg", "image/png": "png"}


class WordsForm(KeyedForm, frozen=True, kw_only=True):
    """What a business is called, what it is, where it stands and who can be called there."""

    name_zh: str = ""
    name_en: str = ""
    trade: str = ""
    category: str = ""
    district: str = ""
    address_zh: str = ""
    address_en: str = ""
    place: str = ""
    phone: str = ""
    by: str = ""
    operator: str = ""
    version: str = ""


class StepForm(KeyedForm, frozen=True, kw_only=True):
    """Send it in, or take it back: the version that was looked at."""

    version: str = "0"
    reason: str = ""


class Mine(Struct, frozen=True):
    """An own application in the list."""

    shown: str
    city: City
    one: Application


async def the_city(visit: Visit, slug: str) -> City:
    """The city of the address. Raises not_found."""
    async with visit.house.db.reading() as tx:
        city = await places.city_by_slug(tx, slug)
    if city is None:
        raise NotFound()
    visit.zone = city.zone
    return city


async def called(visit: Visit, text: str) -> tuple[Calling | None, str]:
    """The invitation for shops in a link, and its secret. Raises recruiting_invitation_over."""
    if not text:
        return None, ""
    try:
        city_id, invitation_id, secret = recruiting.read_calling(text)
    except BadId:
        raise CallingOver from None
    async with visit.house.db.reading(city_id) as tx:
        found = await recruiting.calling(tx, invitation_id, secret, city_id=city_id, now=visit.house.clock.now())
    if found is None or found.part != "merchant":
        raise CallingOver
    return found, secret


@get("/apply", guards=[public])
async def begin(visit: Visiting) -> Response[str]:
    """What it takes to come in, one's own applications, and the cities to begin in."""
    visit.personal = True
    actor = await visit.who()
    async with visit.house.db.reading() as tx:
        cities = await places.cities(tx)
    mine: list[Mine] = []
    for city in cities if actor is not None else []:  # a handful, each a shard of its own
        async with visit.house.db.reading(city.city_id) as tx:
            found = await recruiting.applications_of(tx, visit.member.member_id, city_id=city.city_id)
        visit.zone = city.zone if found else visit.zone
        mine += [Mine(APPLICATION.show(one.application_id, city.city_id), city, one) for one in found]
    return visit.page("merchant/apply.html", face="merchant", cities=cities, mine=mine, actor=actor)


@get("/invited/{text:str}", guards=[public])
async def invited(visit: Visiting, text: FromPath[str]) -> Response[str]:
    """What an operator's QR code leads to: who invites, and where to begin."""
    visit.personal = True
    actor = await visit.who()
    try:
        found, _ = await called(visit, text)
    except CallingOver as refusal:
        return refusal_page(visit, refusal, to="/m/apply")
    assert found is not None
    city_id, *_ = recruiting.read_calling(text)
    async with visit.house.db.reading() as tx:
        who = await recruiting.operators(tx, [found.operator_id], at=visit.house.clock.now())
        city = await places.city(tx, city_id)
    return visit.page(
        "merchant/invited_shop.html", face="merchant", who=who[found.operator_id], city=city, text=text, actor=actor
    )


async def form(
    visit: Visit, city: City, *, status: int = 200, typed: Any = None, wrong: Refusal | None = None, by: str = "",
    one: Application | None = None,
) -> Response[str]:  # fmt: skip
    """The form; `one` is the application that is changed, if there is one."""
    async with visit.house.db.reading(city.city_id) as tx:
        districts = await places.districts(tx, city.city_id)
        shelves = await catalog.categories(tx)
        areas = await recruiting.territories(tx, city_id=city.city_id)
        who = await recruiting.operators(tx, [area.operator_id for area in areas], at=visit.house.clock.now())
    field = str(wrong.facts.get("field", "")) if isinstance(wrong, BadInput) else ""
    answer = visit.page(
        "merchant/apply_form.html", face="merchant",
        status=status, city=city, districts=districts, trades=admitting.known_trades(),
        shelves=[one for one in shelves if one.parent], typed=typed or {}, wrong=wrong, field=field, by=by, one=one,
        operators=list(who.values()),
    )  # fmt: skip
    return allow_tiles(answer, visit.house.settings.tiles)


@get("/apply/{city:str}", guards=[signed_in])
async def blank(visit: Visiting, city: FromPath[str], by: FromQuery[str] = "") -> Response[str]:
    """An empty form; `by` is the invitation that somebody came by."""
    where = await the_city(visit, city)
    try:
        await called(visit, by)
    except CallingOver as refusal:
        return refusal_page(visit, refusal, to=f"/m/apply/{where.slug}")
    return await form(visit, where, by=by)


def words_of(data: WordsForm) -> Words:
    """What the form says. Raises bad_input, bad_phone."""
    there = PLACE.fullmatch(data.place)
    if there is None:
        raise BadInput(field="place", why="30.842, 112.715")
    try:
        place = Point(float(there[1]), float(there[2]))
    except ValueError:
        raise BadInput(field="place", why="30.842, 112.715") from None
    name = Text(zh=data.name_zh.strip(), en=data.name_en.strip() or data.name_zh.strip())
    address = Text(zh=data.address_zh.strip(), en=data.address_en.strip() or data.address_zh.strip())
    trade = admitting.known_trades().get(data.trade)
    return Words(
        name=name, trade=data.trade, category=data.category or (trade.category if trade else ""), address=address,
        district_id=int(data.district) if data.district.isdigit() else 0, place=place,
        phone=admitting.phone_of(data.phone),
    )  # fmt: skip


@post("/apply/{city:str}", guards=[signed_in], status_code=303)
async def start(visit: Visiting, city: FromPath[str], data: Annotated[WordsForm, Body(media_type=Posted)]) -> Response:
    """Begin: a draft, and the way to its documents."""
    where = await the_city(visit, city)
    typed = {name: getattr(data, name) for name in WordsForm.__struct_fields__}
    try:
        found, secret = await called(visit, data.by)
        named = people_chosen(data.operator)
        one = await admitting.apply(
            visit.house, where.city_id, visit.member, words_of(data), key=data.key,
            call=(found.invitation_id, secret) if found else None, operator_id=named,
        )  # fmt: skip
    except Refusal as refusal:
        return await form(visit, where, status=refusal.status, typed=typed, wrong=refusal, by=data.by)
    return Redirect(f"/m/applications/{APPLICATION.show(one.application_id, where.city_id)}", status_code=303)


def people_chosen(shown: str) -> Any:
    """The operator whom the applicant names; none when he names nobody."""
    return OPERATOR.read(shown) if shown else None


async def page(
    visit: Visit, shown: str, *, status: int = 200, wrong: Refusal | None = None, done: str = ""
) -> Response[str]:
    """How far an own application is: its steps, what was said, what is to be brought."""
    city_id, application_id = APPLICATION.read_local(shown)
    one, asked, steps, _ = await admitting.seen(visit.house, city_id, visit.member, application_id, own=True)
    async with visit.house.db.reading(city_id) as tx:
        city = await places.city(tx, city_id)
        districts = {d.district_id: d for d in await places.districts(tx, city_id)}
        documents = await recruiting.documents(tx, [application_id], city_id=city_id)
    assert city is not None
    visit.zone = city.zone
    today = _today(visit, city)
    missing = sum(r.state in ("open", "rejected") for r in asked)
    return visit.page(
        "merchant/application.html", face="merchant",
        status=status, one=one, asked=asked, steps=steps, city=city, shown=shown,
        documents=documents, DOCUMENT=DOCUMENT, wrong=wrong, missing=missing, is_open=one.state in OPEN, today=today,
        district=districts.get(one.words.district_id), sla=recruiting.SLA, done=done,
        store=STORE.show(one.store_id, city_id), trade=admitting.known_trades().get(one.words.trade),
    )  # fmt: skip


def _today(visit: Visit, city: City) -> date:
    return local_day(visit.house.clock.now(), city.zone)


@get("/applications/{application:str}", guards=[signed_in])
async def status(visit: Visiting, application: FromPath[str], done: FromQuery[str] = "") -> Response[str]:
    """An own application."""
    return await page(visit, application, done=done if done in ("sent", "brought", "changed", "withdrawn") else "")


@get("/applications/{application:str}/words", guards=[signed_in])
async def change(visit: Visiting, application: FromPath[str]) -> Response[str]:
    """The form of an own application that may be changed."""
    city_id, application_id = APPLICATION.read_local(application)
    one, *_ = await admitting.seen(visit.house, city_id, visit.member, application_id, own=True)
    async with visit.house.db.reading() as tx:
        city = await places.city(tx, city_id)
    if city is None or one.state not in OPEN:
        raise NotFound()
    w = one.words
    typed = {
        "name_zh": w.name.zh, "name_en": w.name.en, "trade": w.trade, "category": w.category,
        "district": str(w.district_id), "address_zh": w.address.zh, "address_en": w.address.en, "phone": w.phone,
        "place": f"{w.place.lat:.6f}, {w.place.lon:.6f}",
    }  # fmt: skip
    return await form(visit, city, typed=typed, one=one)


@post("/applications/{application:str}/words", guards=[signed_in], status_code=303)
async def rework(
    visit: Visiting, application: FromPath[str], data: Annotated[WordsForm, Body(media_type=Posted)]
) -> Response:
    """Change what it says, while it is with the applicant."""
    city_id, application_id = APPLICATION.read_local(application)
    one, *_ = await admitting.seen(visit.house, city_id, visit.member, application_id, own=True)
    version = int(data.version) if data.version.isdigit() else 0
    try:
        await admitting.rework(visit.house, city_id, visit.member, application_id, words_of(data), version=version)
    except Refusal as refusal:
        async with visit.house.db.reading() as tx:
            city = await places.city(tx, city_id)
        assert city is not None
        typed = {name: getattr(data, name) for name in WordsForm.__struct_fields__}
        return await form(visit, city, status=refusal.status, typed=typed, wrong=refusal, one=one)
    return Redirect(f"/m/applications/{application}?done=changed", status_code=303)


@post(
    "/applications/{application:str}/documents", guards=[signed_in], status_code=303,
    request_max_body_size=most_bytes(1),
)  # fmt: skip
async def bring(visit: Visiting, application: FromPath[str], request: AnyRequest) -> Response:
    """A document: a photo or a PDF."""
    city_id, application_id = APPLICATION.read_local(application)
    sent = await read_form(request, fields={"key", "kind", "expires"}, files="file", most=1)
    try:
        expires = date.fromisoformat(sent.text("expires")) if sent.text("expires") else None
        await admitting.bring(
            visit.house, city_id, visit.member, application_id, sent.text("kind")[:40],
            sent.files[0] if sent.files else b"", key=sent.key, expires_on=expires,
        )  # fmt: skip
    except ValueError:
        return await page(visit, application, status=422, wrong=BadInput(field="expires", why="2027-01-31"))
    except Refusal as refusal:
        return await page(visit, application, status=refusal.status, wrong=refusal)
    return Redirect(f"/m/applications/{application}?done=brought#documents", status_code=303)


@get("/applications/{application:str}/documents/{document:str}", guards=[signed_in])
async def paper(visit: Visiting, application: FromPath[str], document: FromPath[str]) -> Response[bytes]:
    """A document, for its applicant and for who reviews it; as a download, and kept nowhere on the way."""
    city_id, application_id = APPLICATION.read_local(application)
    other, document_id = DOCUMENT.read_local(document)
    if other != city_id:
        raise NotFound()
    found = await admitting.document(visit.house, city_id, visit.member, application_id, document_id)
    return attachment(found.data, found.content_type, f"{document}.{ENDINGS.get(found.content_type, 'bin')}")


@post("/applications/{application:str}/submit", guards=[signed_in], status_code=303)
async def submit(
    visit: Visiting, application: FromPath[str], data: Annotated[StepForm, Body(media_type=Posted)]
) -> Response:
    """Send it in."""
    city_id, application_id = APPLICATION.read_local(application)
    version = int(data.version) if data.version.isdigit() else 0
    try:
        await admitting.submit(visit.house, city_id, visit.member, application_id, version=version)
    except Refusal as refusal:
        return await page(visit, application, status=refusal.status, wrong=refusal)
    return Redirect(f"/m/applications/{application}?done=sent", status_code=303)


@post("/applications/{application:str}/withdraw", guards=[signed_in], status_code=303)
async def withdraw(
    visit: Visiting, application: FromPath[str], data: Annotated[StepForm, Body(media_type=Posted)]
) -> Response:
    """Take it back."""
    city_id, application_id = APPLICATION.read_local(application)
    try:
        await admitting.withdraw(visit.house, city_id, visit.member, application_id, reason=data.reason)
    except Refusal as refusal:
        return await page(visit, application, status=refusal.status, wrong=refusal)
    return Redirect(f"/m/applications/{application}?done=withdrawn", status_code=303)


ROUTES = (begin, invited, blank, start, status, change, rework, bring, paper, submit, withdraw)
