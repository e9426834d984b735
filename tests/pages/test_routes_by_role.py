"""The inventory of routes: every route of every face, asked by everybody.

Each route says who may come in; here each is really asked, as nobody, a member, a cashier, a manager, an owner, the
operator of this city, a recruiter, the platform, a till's key - and as the owner, the operator and the key of another
place, who must never get an answer about what is not theirs.
"""

import re
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

import httpx2
import msgspec
import pytest
from litestar import Litestar
from msgspec import Struct

from hutong import people, recruiting
from hutong.desk import signing
from hutong.infra.ids import new_id
from hutong.kit import ids
from hutong.kit.access import Actor, Permission, Role
from hutong.kit.clock import ManualClock, local_day
from hutong.kit.geo import Point
from hutong.kit.text import Text
from hutong.people import AddMember, GiveRole, MakeKey
from hutong.recruiting import Apply, Bring, Move, Words
from hutong.web.shared.guards import needed_by, public, signed_in
from hutong.web.shared.visit import SESSION
from tests.house import TestHouse
from tests.pages.test_gates import handlers
from tests.towns import application

pytestmark = pytest.mark.anyio

OTHER_CITY = 2
HERE = ("cashier", "manager", "owner", "operator", "platform")  # who belongs to this city and shop
AWAY = ("member", "other owner", "other operator", "other recruiter")
PLACED = ("{city", "{store", "{merchant", "{target")
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
CLOSED = {401, 403, 404}
# Whose page it is follows from a secret in its address, not from a role: whoever was given the link may open it.
BY_LINK = ("/m/join/", "/o/join/", "/m/invited/")


class Cast(Struct, kw_only=True):
    """Who asks, with tokens and roles; and the things of this shop that they ask for."""

    tokens: dict[str, str] = {}
    actors: dict[str, Actor] = {}
    names: dict[str, str] = {}
    key: str = ""
    other_key: str = ""


@pytest.fixture
def app(house: TestHouse) -> Any:
    """Pages and API together."""
    with application(house, api=True) as made:
        yield made


@pytest.fixture
async def cast(house: TestHouse, clock: ManualClock) -> Cast:
    """The cast with roles here, and their likes in the next city and the next shop."""
    made, town, now = Cast(), house.town, clock.now()
    more = ("manager", "other owner", "other operator", "other recruiter")
    shop, store = town.noodle_bar, town.stores["noodle-bar-lantern"]
    rights: dict[str, dict[str, Any]] = {
        "manager": {
            "role": Role.STORE_MANAGER, "city_id": town.city_id, "merchant_id": shop, "store_id": store,
        },
        "other owner": {"role": Role.MERCHANT_OWNER, "merchant_id": town.merchants["four-joys"]},
        "other operator": {"role": Role.CITY_OPERATOR, "city_id": OTHER_CITY},
        "other recruiter": {"role": Role.CITY_RECRUITER, "city_id": OTHER_CITY},
    }  # fmt: skip
    async with house.db.central() as tx:
        for number, name in enumerate(more):
            town.people[name], town.phones[name] = new_id(), f"+861990000900{number}"
            ask = AddMember(member_id=town.people[name], phone=town.phones[name], name=name)
            await people.add_members(tx, [ask], now=now)
            give = GiveRole(grant_id=new_id(), member_id=town.people[name], by=None, **rights[name])
            assert not any(isinstance(one, Exception) for one in await people.grant(tx, [give], now=now))
    whos = {"member": "bo", "applicant": "ann", "cashier": "tao", "owner": "mei", "operator": "lin", "platform": "pat"}
    for name, who in {**whos, **{one: one for one in more}}.items():
        await signing.request_code(house, town.phones[who], address=who, language="zh")
        code = house.messages.last_code(town.phones[who])
        assert code is not None
        done = await signing.sign_in(house, town.phones[who], code, address=who, agent="test", language="zh")
        actor = await signing.actor(house, done.token)
        assert actor is not None
        made.tokens[name], made.actors[name] = done.token, actor
    made.key = await _key(house, town.noodle_bar, now)
    made.other_key = await _key(house, town.merchants["four-joys"], now)
    made.names = await _things(house, made, clock)
    return made


async def _key(house: TestHouse, merchant_id: UUID, now: Any) -> str:
    ask = MakeKey(
        key_id=new_id(), secret=people.new_secret(), merchant_id=merchant_id, label="till", made_by=new_id(),
        permissions=frozenset({Permission.VIEW_ORDERS, Permission.VIEW_STATEMENT, Permission.REDEEM_VOUCHER}),
    )  # fmt: skip
    async with house.db.central() as tx:
        (done,) = await people.make_keys(tx, [ask], scope=people.EVERYTHING, now=now)
    assert isinstance(done, people.KeyMade)
    return done.text


async def _things(house: TestHouse, cast: Cast, clock: ManualClock) -> dict[str, str]:
    """What stands in the addresses: things that are there wherever a route is about one."""
    town, city = house.town, house.town.city_id
    application_id, document_id = await _an_application(house, cast.actors["applicant"].member_id, clock)
    known = {kind.prefix: kind for kind in ids.IdKind.known.values()}
    found = {
        "city": town.slug, "store": ids.STORE.show(town.stores["noodle-bar-lantern"], city),
        "offer": ids.OFFER.show(town.offers["two-bowls"], city), "merchant": ids.MERCHANT.show(town.noodle_bar),
        "application": ids.APPLICATION.show(application_id, city), "document": ids.DOCUMENT.show(document_id, city),
        "slug": "old-town", "language": "zh", "name": "x.js", "kind": "business_licence", "provider": "sandbox",
    }  # fmt: skip
    found["target"] = found["store"]
    for name, kind in (("order", "ord"), ("voucher", "vch"), ("review", "rvw"), ("redemption", "red"),
                       ("promotion", "prm"), ("campaign", "prm"), ("case", "cas"), ("bill", "bil")):  # fmt: skip
        found[name] = known[kind].show(new_id(), city)
    for name, kind in (("key", "key"), ("operator", "opr"), ("seat", "sea"), ("member", "mem"), ("programme", "prg"),
                       ("run", "clr"), ("movement", "mov")):  # fmt: skip
        found[name] = known[kind].show(new_id())
    found["number"] = found["order"]
    return found


async def _an_application(house: TestHouse, member_id: UUID, clock: ManualClock) -> tuple[UUID, UUID]:
    now, city, application_id, document_id = clock.now(), house.town.city_id, new_id(), new_id()
    words = Words(
        name=Text(zh="新店", en="New"), trade="restaurant", category="noodles", district_id=1, phone="+8619900003333",
        address=Text(zh="街 1 号", en="1 Road"), place=Point(30.842, 112.715),
    )  # fmt: skip
    ask = Apply(application_id=application_id, member_id=member_id, words=words, demands=("business_licence",))
    name = await house.files.put(b"%PDF-1.4 secret paper", "application/pdf")
    paper = Bring(
        document_id=document_id, application_id=application_id, kind="business_licence", file=name, by=member_id
    )
    async with house.db.city(city) as tx:
        await recruiting.apply(tx, [ask], city_id=city, now=now)
        today = local_day(now, "Asia/Shanghai") - timedelta(days=1)
        await recruiting.bring(tx, [paper], city_id=city, today=today, now=now)
        send = Move(application_id=application_id, by=member_id, version=1)
        await recruiting.submit(tx, [send], city_id=city, now=now)
    return application_id, document_id


def address(path: str, names: dict[str, str]) -> str:
    """A route's path with what is there in its gaps."""
    return re.sub(r"\{([a-z_]+)[^}]*\}", lambda gap: names.get(gap[1], "x"), path)


def body_of(handler: Any) -> dict[str, Any]:
    """A form that the route can read: what it asks for is there, so that the answer is about who asks."""
    field = handler.parsed_fn_signature.parameters.get("data")
    shape = field.annotation if field else None
    shape = next((one for one in (shape, *get_args(shape)) if isinstance(one, type) and issubclass(one, Struct)), None)
    given: dict[str, Any] = {}
    for one in msgspec.structs.fields(shape) if shape else ():
        if one.required and one.encode_name != "key":
            numeric = one.type is int or int in get_args(one.type)
            given[one.encode_name] = 1 if numeric else "x"
    return given | {"key": "0" * 32}


def browser(app: Any, house: TestHouse, token: str | None) -> httpx2.AsyncClient:
    """Somebody's browser; nobody's without a token."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=("203.0.113.7", 4711))
    cookies = {SESSION: token} if token else {}
    return httpx2.AsyncClient(transport=transport, base_url=house.settings.address, cookies=cookies)


async def ask(web: httpx2.AsyncClient, method: str, path: str, handler: Any) -> httpx2.Response:
    """The route, with the token of forms and a form that it can read."""
    if method == "GET":
        return await web.get(path)
    if "csrftoken" not in web.cookies:
        await web.get("/sign-in")
    token = next((value for name, value in web.cookies.items() if "csrf" in name), "")
    return await web.request(method, path, data={**body_of(handler), "_csrf_token": token})


def pages(app: Litestar) -> list[tuple[str, str, Any]]:
    """(method, path, handler) of every page; streams, which never end, are asked only by who is turned away."""
    return [
        (method, path, handler)
        for path, methods, handler in handlers(app)
        for method in sorted(methods & {"GET", "POST"})
        if not path.startswith(("/api", "/callbacks", "/healthz", "/readyz", "/metrics"))
    ]


def wants(handler: Any) -> tuple[Permission, ...]:
    return tuple(one for guard in handler.guards or () for one in needed_by(guard))


async def test_a_route_of_the_staff_states_a_permission(app: Litestar):
    """A page of the console, the desk or the platform that any member could open is a hole or has a reason here."""
    free = {
        path for _, path, handler in pages(app)
        if path.startswith(("/m", "/o", "/platform")) and not wants(handler)
    }  # fmt: skip
    meant = {path for path in free if path.startswith((*BY_LINK, "/m/apply", "/m/applications/", "/m/sw.js"))}
    assert free == meant


async def test_nobody_gets_what_needs_a_member(app: Litestar, house: TestHouse, cast: Cast):
    """401 and the way to sign in, on every route that is not open to all."""
    web = browser(app, house, None)
    for method, path, handler in pages(app):
        if public in (handler.guards or ()):
            continue
        answer = await ask(web, method, address(path, cast.names), handler)
        assert answer.status_code == 401, (method, path, answer.status_code)


@pytest.mark.parametrize("who", [*HERE, *AWAY])
async def test_who_lacks_the_permission_is_refused(app: Litestar, house: TestHouse, cast: Cast, who: str):
    """On every route and before anything is looked up: 403, whatever the address names."""
    web, actor, refused = browser(app, house, cast.tokens[who]), cast.actors[who], 0
    for method, path, handler in pages(app):
        needed = wants(handler)
        if not needed or any(actor.scope(one) for one in needed):
            continue
        answer = await ask(web, method, address(path, cast.names), handler)
        assert answer.status_code == 403, (method, path, answer.status_code)
        refused += 1
    assert who == "platform" or refused > 20


@pytest.mark.parametrize("who", AWAY)
async def test_who_is_at_home_elsewhere_finds_nothing_here(app: Litestar, house: TestHouse, cast: Cast, who: str):
    """The same role in another city, or of another shop: every route about this city and shop is closed to him."""
    web, tried = browser(app, house, cast.tokens[who]), 0
    for method, path, handler in pages(app):
        if not wants(handler) or not any(part in path for part in PLACED):
            continue
        answer = await ask(web, method, address(path, cast.names), handler)
        assert answer.status_code in CLOSED, (method, path, answer.status_code)
        assert "secret paper" not in answer.text
        tried += 1
    assert tried > 60


async def test_who_belongs_here_comes_in(app: Litestar, house: TestHouse, cast: Cast):
    """The other half of the proof: the same addresses open for those whose they are."""
    opened: dict[str, int] = {}
    for who in HERE:
        web, actor = browser(app, house, cast.tokens[who]), cast.actors[who]
        for method, path, handler in pages(app):
            there = re.findall(r"\{([a-z_]+)", path)
            whole = {"city", "store", "target", "offer", "merchant", "application"}.issuperset(there)
            if method != "GET" or not wants(handler) or not there or not whole:
                continue
            if not any(actor.scope(one) for one in wants(handler)):
                continue
            answer = await ask(web, method, address(path, cast.names), handler)
            assert answer.status_code < 500, (who, path, answer.status_code)
            opened[who] = opened.get(who, 0) + (answer.status_code in (200, 303))
    assert all(opened.get(who, 0) >= 4 for who in HERE), opened


@pytest.mark.parametrize("who", ["member", "owner", "other owner", "other operator", "other recruiter", "cashier"])
async def test_an_application_is_its_members_and_its_reviewers(
    app: Litestar, house: TestHouse, cast: Cast, who: str
):  # fmt: skip
    """Papers with somebody's identity card: neither a stranger nor another shop or city opens them."""
    web, tried = browser(app, house, cast.tokens[who]), 0
    for method, path, handler in pages(app):
        if not path.startswith("/m/applications/"):
            continue
        answer = await ask(web, method, address(path, cast.names), handler)
        assert answer.status_code in CLOSED, (method, path, answer.status_code)
        tried += 1
    assert tried >= 7
    for reader in ("applicant", "operator", "platform"):
        paper = await browser(app, house, cast.tokens[reader]).get(
            address("/m/applications/{application}/documents/{document}", cast.names)
        )
        assert (paper.status_code, b"secret paper" in paper.content) == (200, True), reader
        assert "attachment" in paper.headers["content-disposition"]


def calls(app: Litestar) -> list[tuple[str, str, Any]]:
    """(method, path, handler) of the API."""
    return [
        (method, path, handler) for path, methods, handler in handlers(app) for method in sorted(methods - {"OPTIONS"})
        if path.startswith("/api/v1")
    ]  # fmt: skip


OURS = tuple(
    f"/api/v1/{part}" for part in ("redemptions", "bills", "programmes", "clearings", "money", "repeat")
)  # fmt: skip


@pytest.mark.parametrize("who", ["nobody", "member", "other owner", "other operator", "other recruiter", "other key"])
async def test_the_api_answers_no_stranger(app: Litestar, house: TestHouse, cast: Cast, who: str):
    """Every call about this shop and city: 401 without a token, never an answer for who is at home elsewhere."""
    token = cast.other_key if who == "other key" else cast.tokens.get(who)
    headers, tried = {"authorization": f"Bearer {token}"} if token else {}, 0
    web = browser(app, house, None)
    for method, path, handler in calls(app):
        if {guard.__name__ for guard in handler.guards or ()} == {"open_to_all"}:
            continue
        there = address(path, cast.names)
        asked = {"city": str(house.town.city_id), "store": cast.names["store"], "merchant": cast.names["merchant"]}
        if who == "nobody":
            answer = await web.request(method, there, params=asked, json={})
            assert answer.status_code == 401, (method, path, answer.status_code)
        elif "{merchant" in path or "{store" in path or path.startswith(OURS):
            answer = await web.request(method, there, params=asked, json={}, headers=headers)
            if method == "GET" and answer.status_code == 200:  # a list of what he may see: nothing
                assert answer.json().get("items") == [], (path, answer.text)
                tried += 1
                continue
            assert 400 <= answer.status_code < 500, (method, path, answer.status_code)
            assert method != "GET" or answer.status_code in {400, *CLOSED}, (method, path, answer.status_code)
        else:
            continue
        tried += 1
    assert tried >= (60 if who == "nobody" else 25), tried


def test_the_guards_tell_what_they_want():
    assert needed_by(public) == needed_by(signed_in) == ()
