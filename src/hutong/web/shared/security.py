"""What stands around every answer: security headers, the CSRF check, the origin of writes."""

from typing import Any

from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware.csrf import CSRFMiddleware, generate_csrf_token
from litestar.types import Empty, Message, Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

from hutong.desk.house import House

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")
SAFE = ("GET", "HEAD", "OPTIONS")
_FORMS, _NEW = "hutong.forms", "hutong.form_token"
# Paths that do not live from cookies: they authenticate each request by themselves.
WITHOUT_COOKIES = ("/api/", "/callbacks/")


def headers_of(house: House | None) -> list[tuple[bytes, bytes]]:
    """The headers of every answer."""
    https = house is not None and house.settings.address.startswith("https:")
    return [*_HEADERS, _HTTPS_ONLY] if https else _HEADERS


async def security_headers(message: Message, scope: Scope) -> None:
    """For `before_send`: on every answer, errors included. What an answer says by itself stays."""
    if message["type"] != "http.response.start":
        return
    headers = list(message.get("headers") or ())
    said = {name.lower() for name, _ in headers}
    house: House | None = scope["litestar_app"].state.get("house")
    message["headers"] = headers + [header for header in headers_of(house) if header[0] not in said]


def csrf_config(house: House) -> CSRFConfig:
    """A write without the token of its form is refused, on every route that nobody has excluded here."""
    return CSRFConfig(
        secret=house.settings.key("csrf").hex(),
        cookie_name="hutong_csrf",
        cookie_httponly=True,
        cookie_samesite="lax",
        cookie_secure=house.settings.address.startswith("https:"),
        exclude=[f"^{path}" for path in WITHOUT_COOKIES],
    )


class Forms(CSRFMiddleware):
    """Litestar's check of forms. Whoever reads a page without a form needs no token and gets no cookie, which cost a
    fifth of a page that is kept. `form_token` makes it when a form wants it; then its cookie goes with the answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in SAFE:
            await super().__call__(scope, receive, send)
            return
        state: dict[str, Any] = scope["state"]
        state[_FORMS] = self.config

        async def told(message: Message) -> None:
            if _NEW in state and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"set-cookie", self._cookie(state[_NEW]))]
            await send(message)

        await self.app(scope, receive, told)

    def _cookie(self, token: str) -> bytes:
        config = self.config
        cookie = f"{config.cookie_name}={token}; HttpOnly; Path={config.cookie_path}; SameSite={config.cookie_samesite}"
        return (cookie + ("; Secure" if config.cookie_secure else "")).encode()


def form_token(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The token of this reader's forms, made when he has none; "" where no forms are checked."""
    known, state = ScopeState.from_scope(connection.scope), connection.scope["state"]
    if known.csrf_token is Empty:
        config: CSRFConfig | None = state.get(_FORMS)
        if config is None:
            return ""
        brought = connection.cookies.get(config.cookie_name)
        known.csrf_token = brought or generate_csrf_token(secret=config.secret)
        if not brought:
            state[_NEW] = known.csrf_token
    return str(known.csrf_token)


async def own_origin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard for all pages: a write that a browser says comes from another site is not ours.

    It waits for nothing, but a guard that could not wait would be given a thread for each request.
    """
    if connection.scope.get("method") in SAFE:
        return
    if connection.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise PermissionDeniedException("cross-site write")
    origin = connection.headers.get("origin")
    house: House = connection.app.state.house
    host = connection.headers.get("host", "")
    if origin is not None and origin not in (house.settings.address, f"http://{host}", f"https://{host}"):
        raise PermissionDeniedException("foreign origin")
