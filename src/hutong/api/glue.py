"""Between HTTP and the desk: who asks, idempotency keys, ids in paths, refusals as problem+json."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.serialization import encode_json
from msgspec import Struct

from hutong.api.shapes import TenderIn
from hutong.desk import signing
from hutong.desk.house import House
from hutong.infra import metrics
from hutong.infra.faults import as_refusal, of_the_house, unwritable
from hutong.infra.logs import get_logger
from hutong.kit.access import Actor
from hutong.kit.ids import PROGRAMME, VOUCHER, BadId, IdKind
from hutong.kit.refusals import BadInput, NotSignedIn, Refusal
from hutong.kit.text import Text
from hutong.orders import Pay

PROBLEM = "application/problem+json"
log = get_logger("hutong.api")
T = TypeVar("T")


class KeyMissing(Refusal):
    """A write came without its Idempotency-Key."""

    code = "key_missing"
    status = 400
    say = Text(zh="缺少 Idempotency-Key 请求头。", en="The header Idempotency-Key is missing.")
    step = Text(
        zh="为每个写操作生成一个唯一编号，重试时使用同一个编号。",
        en="Make one unique key for each write, and send the same key when you try again.",
    )


def house_of(connection: ASGIConnection[Any, Any, Any, Any]) -> House:
    return connection.app.state.house


def provide_house(request: Request[Any, Any, Any]) -> House:
    return house_of(request)


def bearer(header: str) -> str:
    """The token of an Authorization header; empty when it carries none."""
    kind, _, token = header.partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def key_of(header: str) -> str:
    """The Idempotency-Key as it counts."""
    return header.strip()


async def actor_of(house: House, token: str) -> Actor | None:
    """The member or till that holds the token; None when nobody does."""
    return await (signing.key_actor if token.startswith("hutong_") else signing.actor)(house, token)


async def who(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    """The member or till behind the bearer token; None without a valid one. Looked up once for each request."""
    state = connection.scope.setdefault("hutong_api", {})  # type: ignore[typeddict-item]
    if "actor" not in state:
        token = bearer(connection.headers.get("authorization", ""))
        found = await actor_of(house_of(connection), token) if token else None
        state["actor"], state["token"] = found, token if found else None
    return state["actor"]


# Each of these names the one before: what hangs together is made one after the other, what does not in a group of
# tasks of its own for each request, and that costs more than all of them.
async def provide_actor(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Actor:
    del house
    found = await who(request)
    if found is None:
        raise NotSignedIn()
    return found


def provide_token(request: Request[Any, Any, Any], actor: NamedDependency[Actor]) -> str:
    del actor
    return request.scope["hutong_api"]["token"]  # type: ignore[typeddict-item]


def provide_key(request: Request[Any, Any, Any], actor: NamedDependency[Actor]) -> str:
    """The Idempotency-Key of a write."""
    del actor
    key = key_of(request.headers.get("idempotency-key", ""))
    if not key:
        raise KeyMissing()
    return key


async def open_to_all(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Everybody may ask this."""
    del connection


async def with_token(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Members and tills with a valid token; what each may do to which object is the desk's question."""
    if await who(connection) is None:
        raise NotSignedIn()


for _guard in (open_to_all, with_token):
    _guard.states_permission = True  # type: ignore[attr-defined]


def local_id(kind: IdKind, text: str) -> tuple[int, UUID]:
    """(city, id) of a public id in a path or body. Raises bad_id."""
    return kind.read_local(text)


def local_ids(kind: IdKind, texts: list[str], city_id: int) -> list[UUID]:
    """The ids of a body that belong to this city. Raises bad_id, also for one of another city."""
    found = [kind.read_local(text) for text in texts]
    for (city, _), text in zip(found, texts, strict=True):
        if city != city_id:
            raise BadId(text=text)
    return [one for _, one in found]


def pays_of(tenders: Sequence[TenderIn], city_id: int) -> list[Pay]:
    """The tenders of a body. Raises bad_id, also for a card of another city."""
    return [
        Pay(
            kind=one.kind, most=one.most,
            id=local_ids(VOUCHER, [one.id], city_id)[0] if one.kind == "card" else PROGRAMME.read(one.id),
        )
        for one in tenders
    ]  # fmt: skip


def one_city(pairs: list[tuple[int, UUID]], field: str) -> tuple[int, list[UUID]]:
    """The city that all ids share, and the ids. Raises bad_input when they do not share one or there is none."""
    cities = {city for city, _ in pairs}
    if len(cities) != 1:
        raise BadInput(field=field, why="all must be of one city")
    return cities.pop(), [found for _, found in pairs]


def language_in(header: str) -> str:
    """The language of an Accept-Language header."""
    return "zh" if header.lower().startswith("zh") else "en"


def language_of(request: Request[Any, Any, Any]) -> str:
    return language_in(request.headers.get("accept-language", ""))


class Said(Struct, frozen=True):
    """An answer as it goes out."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: dict[str, str] = {}

    def response(self) -> Response[bytes]:
        return Response(self.body, status_code=self.status, media_type=self.media_type, headers=self.headers)


def refusal_said(refusal: Refusal, language: str) -> Said:
    """RFC 9457: the code, the sentence in the reader's language, the next step, the facts."""
    body = {
        "type": f"urn:hutong:refusal:{refusal.code}", "title": type(refusal).__name__, "status": refusal.status,
        "code": refusal.code, "detail": refusal.sentence().in_(language), "next": refusal.next_step().in_(language),
        "facts": refusal.facts,
    }  # fmt: skip
    headers = {}
    wait = refusal.facts.get("retry_after") or refusal.facts.get("wait_seconds")
    if refusal.status in (429, 503) and wait:
        headers["retry-after"] = str(wait)
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Said(refusal.status, encode_json(body), PROBLEM, headers)


def refused(refusal: Refusal, language: str) -> Said:
    """A refusal, counted."""
    metrics.refusals.labels(refusal.code).inc()
    return refusal_said(refusal, language)


def fault_said(error: Exception, path: str, language: str) -> Said:
    """A defect of ours: logged with its trace, told without it. When only the database was away: try again."""
    if of_the_house(error):
        log.warning("database_away", path=path, error=type(error).__name__)
        return refusal_said(as_refusal(error), language)
    if (bad := unwritable(error)) is not None:
        return refused(bad, language)
    metrics.faults.labels("api").inc()
    log.error("fault", path=path, exc_info=error)
    body = {"type": "about:blank", "title": "A defect on our side. Nothing half-done is kept.", "status": 500}
    return Said(500, encode_json(body), PROBLEM)


def on_refusal(request: Request[Any, Any, Any], error: Refusal) -> Response[bytes]:
    return refused(error, language_of(request)).response()


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What the framework refuses: bodies that do not fit, unknown paths, wrong methods."""
    if isinstance(error, ValidationException):
        extra = error.extra if isinstance(error.extra, list) else []
        named = [e for e in extra if isinstance(e, dict)]
        field = str(named[0].get("key", "body")) if named else "body"
        why = str(named[0].get("message", error.detail)) if named else str(error.detail)
        return refusal_said(BadInput(field=field, why=why[:300]), language_of(request)).response()
    body = {"type": "about:blank", "title": str(error.detail)[:200], "status": error.status_code}
    return Response(body, status_code=error.status_code, media_type=PROBLEM, headers=dict(error.headers or {}))


def on_fault(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return fault_said(error, request.url.path, language_of(request)).response()


# What handlers ask for by name, marked as Litestar 3 will want it.
Home = NamedDependency[House]
Who = NamedDependency[Actor]
Key = NamedDependency[str]
Token = NamedDependency[str]
