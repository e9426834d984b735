"""What stands around every answer: security headers, the CSRF check, the origin of writes."""

from typing import Any

from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.types import Message, Scope

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
# Paths that do not live from cookies: they authenticate each request by themselves.
WITHOUT_COOKIES = ("/api/", "/callbacks/")


async def security_headers(message: Message, scope: Scope) -> None:
    """For `before_send`: on every answer, errors included. What an answer says by itself stays."""
    if message["type"] != "http.response.start":
        return
    headers = list(message.get("headers") or ())
    said = {name.lower() for name, _ in headers}
    headers += [header for header in _HEADERS if header[0] not in said]
    house: House | None = scope["litestar_app"].state.get("house")
    if house is not None and _HTTPS_ONLY[0] not in said and house.settings.address.startswith("https:"):
        headers.append(_HTTPS_ONLY)
    message["headers"] = headers


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


def own_origin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard for all pages: a write that a browser says comes from another site is not ours."""
    if connection.scope.get("method") in SAFE:
        return
    if connection.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise PermissionDeniedException("cross-site write")
    origin = connection.headers.get("origin")
    house: House = connection.app.state.house
    host = connection.headers.get("host", "")
    if origin is not None and origin not in (house.settings.address, f"http://{host}", f"https://{host}"):
        raise PermissionDeniedException("foreign origin")
