"""Who may come in. Every route names one of these; a test walks all routes and fails for one without.

    @get("/c/{city:str}/orders", guards=[signed_in])

`permission(...)` asks whether the visitor may do it anywhere at all; for which object is the command's question.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from hutong.kit.access import Permission
from hutong.kit.refusals import NotAllowed, NotSignedIn
from hutong.web.shared.visit import Visit

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]


async def public(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Everybody, signed in or not."""
    del connection


async def signed_in(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Whoever has a living session. What is shown may be personal, so nobody on the way keeps it."""
    visit = Visit.of(connection)
    visit.personal = True
    if await visit.who() is None:
        raise NotSignedIn()


def permission(*needed: Permission) -> Guard:
    """Whoever is signed in and has one of the permissions somewhere."""

    async def allowed(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        await signed_in(connection, handler)
        actor = Visit.of(connection).actor
        if actor is None or not any(actor.scope(one) for one in needed):
            raise NotAllowed()

    allowed.states_permission = True  # type: ignore[attr-defined]
    allowed.needed = needed  # type: ignore[attr-defined]
    return allowed


def states_permission(guard: object) -> bool:
    """Whether this guard says who may come in."""
    return guard in (public, signed_in) or getattr(guard, "states_permission", False)


def needed_by(guard: object) -> tuple[Permission, ...]:
    """The permissions of which a guard wants one; none for a guard that asks for nobody, or for any member."""
    return getattr(guard, "needed", ())
