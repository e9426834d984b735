"""One request as the pages see it: the house, who asks, in which language, from where."""

import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.enums import MediaType
from markupsafe import escape

from hutong.desk import signing
from hutong.desk.house import House
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.clock import local
from hutong.kit.text import LANGUAGES
from hutong.web.shared.formats import Formats
from hutong.web.shared.looks import TEXTS, THEMES, old_browser
from hutong.web.shared.paths import client_address
from hutong.web.shared.render import render
from hutong.web.shared.security import form_token
from hutong.web.shared.words import Words

SESSION = "hutong_session"
LANGUAGE = "hutong_lang"
THEME, TEXT = "hutong_theme", "hutong_text"
DEVICE = "hutong_device"  # random, given to members who are about to buy or claim; for budgets per device only
_DEVICE_DIGITS = 32
_YEAR = 365 * 24 * 3600
_KEY = "hutong.visit"

Connection = ASGIConnection[Any, Any, Any, Any]


class Visit:
    """Made once per request. `actor` is known after `who()`; guards ask before handlers run.

    A face adds to `frame` what its base template wants on every page (the city, the tab that is lit).
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.house: House = connection.app.state.house
        self.language = language_of(connection, self.house.settings.language)
        self.t = Words(self.language)
        self.zone = "UTC"
        self.actor: Actor | None = None
        self.personal = False
        self.own = False  # whether the page looked at anything that is this reader's alone
        self.noted: Any = None  # what the handler wants to know of a page, also when it is given again
        self.frame: dict[str, Any] = {}
        self._asked = False
        self._keep: dict[str, str] = {}

    @classmethod
    def of(cls, connection: Connection) -> "Visit":
        """The visit of this request; the same one wherever it is asked for."""
        state = connection.scope["state"]
        if _KEY not in state:
            state[_KEY] = cls(connection)
        return state[_KEY]

    async def who(self) -> Actor | None:
        """The member whose session came with the request; asked of the database once."""
        if not self._asked:
            self.actor = await signing.actor(self.house, self.token)
            self._asked = True
        return self.actor

    @property
    def member(self) -> Actor:
        """The member, on a route that only members reach."""
        if self.actor is None:
            raise RuntimeError("the route must be guarded by signed_in")
        return self.actor

    @property
    def token(self) -> str | None:
        """What the session cookie holds."""
        return self.connection.cookies.get(SESSION)

    @property
    def secure(self) -> bool:
        """Whether people reach us by https: then cookies never travel otherwise."""
        return self.house.settings.address.startswith("https:")

    @property
    def address(self) -> str:
        """The network address of the client, past proxies of ours."""
        self.own = True
        peer = self.connection.client.host if self.connection.client else ""
        forwarded = self.connection.headers.get("x-forwarded-for")
        return client_address(peer, forwarded, self.house.settings.trusts)

    @property
    def agent(self) -> str:
        self.own = True
        return self._agent()

    def _agent(self) -> str:
        return self.connection.headers.get("user-agent", "")[:300]

    @property
    def device(self) -> str:
        """A digest that tells this browser from others, for budgets per device; "" while it has not brought back the
        number that it was given. Nobody else is told either, and no page is counted by it."""
        held = self.connection.cookies.get(DEVICE, "")
        if len(held) != _DEVICE_DIGITS or not held.isalnum():
            return ""
        return hmac.digest(self.house.settings.key("device"), held.encode(), hashlib.sha256).hex()[:32]

    def name_device(self) -> None:
        """Give this browser a random number, if it has none: for a member who is about to buy or claim, nobody else."""
        if self.actor is not None and not self.device:
            self.keep(DEVICE, secrets.token_hex(_DEVICE_DIGITS // 2))

    @property
    def theme(self) -> str:
        """The look the reader chose: auto (as the device says), lane or lane-dark."""
        return self._chosen("theme", THEME, THEMES)

    @property
    def text_size(self) -> str:
        """normal or large."""
        return self._chosen("text", TEXT, TEXTS)

    @property
    def partial(self) -> bool:
        """Whether htmx asks for a piece to put into the page, and not the browser for the whole."""
        headers = self.connection.headers
        return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"

    def style(self, face: str) -> str:
        """The stylesheet of a face that this browser can read."""
        return f"{face}-legacy.css" if old_browser(self._agent()) else f"{face}.css"

    @property
    def here(self) -> str:
        """Path and query of this request."""
        query = self.connection.scope["query_string"].decode("latin-1")
        return self.connection.scope["path"] + (f"?{query}" if query else "")

    def formats(self) -> Formats:
        """How values are written for this reader, on the clocks of the city that the page is about."""
        return Formats(self.language, self.zone, local(self.house.clock.now(), self.zone).year)

    def page(self, template: str, /, *, status: int = 200, **context: Any) -> Response[str]:
        """The template as an answer. Templates get `t`, `f`, `visit` and what the face put into `frame`."""
        made = {
            "visit": self, "t": self.t, "f": self.formats(), "csrf": _FormToken(self), "base": "shared/plain.html",
            "home": "/", "face": "shared",
        }  # fmt: skip
        body = render(template, {**made, **self.frame, **context})
        return Response(
            body, status_code=status, media_type=MediaType.HTML, headers=self.headers(), cookies=self.kept()
        )

    def headers(self) -> dict[str, str]:
        """What every page says of itself: who may keep it, its language, what it depends on."""
        return {
            "cache-control": "no-store" if self.personal else "private, no-cache",
            "content-language": "zh-CN" if self.language == "zh" else "en",
            "vary": "Cookie, Accept-Language, HX-Request, User-Agent",
        }

    def cookie(self, name: str, value: str, *, seconds: int | None) -> Cookie:
        """A cookie of ours: unreadable for scripts, not sent along by other sites."""
        return Cookie(
            key=name, value=value, path="/", max_age=seconds, httponly=True, samesite="lax", secure=self.secure
        )

    def other_language(self) -> str:
        """This page in the other language, as a link."""
        asked = {k: v for k, v in self.connection.query_params.dict().items() if k != "lang"}
        asked["lang"] = ["en" if self.language == "zh" else "zh"]
        return f"{self.connection.scope['path']}?{urlencode(asked, doseq=True)}"

    def new_key(self) -> str:
        """A fresh idempotency key: made once per rendered form, so that sending the form twice is one write."""
        self.own = True
        return new_id().hex

    def keep(self, name: str, value: str) -> None:
        """Remember a choice in a cookie for a year; said again only when it changes."""
        if self.connection.cookies.get(name) != value:
            self._keep[name] = value

    def _chosen(self, name: str, cookie: str, known: tuple[str, ...]) -> str:
        """What the reader says now or has said before; else the first that is known."""
        for said in (self.connection.query_params.get(name), self.connection.cookies.get(cookie)):
            if said in known:
                return said
        return known[0]

    def kept(self) -> list[Cookie]:
        """The choices that this answer lets the browser remember."""
        asked = self.connection.query_params
        for name, cookie, known in (("lang", LANGUAGE, LANGUAGES), ("theme", THEME, THEMES), ("text", TEXT, TEXTS)):
            chosen = asked.get(name)
            if chosen is not None and chosen in known:
                self.keep(cookie, chosen)
        return [self.cookie(name, value, seconds=_YEAR) for name, value in self._keep.items()]


class _FormToken:
    """The token of this reader's forms; a page that shows it is his alone."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def __str__(self) -> str:
        self._visit.own = True
        return form_token(self._visit.connection)

    def __html__(self) -> str:
        return str(escape(str(self)))


def language_of(connection: Connection, default: str) -> str:
    """What the reader chose now, chose before, or has told the browser; else the language of the house."""
    for said in (connection.query_params.get("lang"), connection.cookies.get(LANGUAGE)):
        if said in LANGUAGES:
            return said
    wanted = []
    for part in connection.headers.get("accept-language", "").split(",")[:10]:
        tag, _, quality = part.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), tag.lower()))
        except ValueError:
            continue
    for _, tag in sorted(wanted, key=lambda one: one[0]):
        for language in LANGUAGES:
            if tag.split("-")[0] == language:
                return language
    return default


Visiting = NamedDependency[Visit]
"""How a handler asks for the visit: `visit: Visiting`."""


async def provide_visit(request: Request[Any, Any, Any]) -> Visit:
    """The dependency `visit` of every page; knows who asks."""
    visit = Visit.of(request)
    await visit.who()
    return visit
