"""The API: /api/v1 for members, staff, tills and integrators; health and callbacks beside it."""

from litestar import Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.types import ControllerRouterHandler

from hutong import __version__
from hutong.api import (
    auth,
    browse,
    buying,
    campaigns,
    clearing,
    counter,
    flows,
    gifts,
    mall,
    offline,
    points,
    repeat,
    results,
    system,
    till,
    together,
    waiting,
)
from hutong.api.described import Described
from hutong.api.glue import (
    on_fault,
    on_http,
    on_refusal,
    provide_actor,
    provide_house,
    provide_key,
    provide_token,
)
from hutong.kit.refusals import Refusal

__all__ = ["api_routes", "openapi"]


def openapi() -> OpenAPIConfig:
    """The description of the API as JSON at /schema/openapi.json; nothing is loaded from elsewhere to show it."""
    return OpenAPIConfig(
        title="Hutong API", version=__version__, path="/schema", render_plugins=[Described()],
        use_handler_docstrings=True,
        description="Local commerce: sold online, enjoyed in the lane. Ids carry their city; writes carry a key.",
    )  # fmt: skip


def api_routes() -> list[ControllerRouterHandler]:
    """The routes of the API. It knows no cookies, so it needs no CSRF token; every route names its guard."""
    v1 = Router(
        "/api/v1",
        route_handlers=[
            auth.router,
            browse.router,
            buying.router,
            campaigns.router,
            clearing.router,
            counter.router,
            flows.router,
            gifts.router,
            mall.router,
            offline.router,
            points.router,
            repeat.router,
            results.router,
            till.router,
            together.router,
            waiting.router,
        ],
        dependencies={
            "house": Provide(provide_house, sync_to_thread=False),
            "actor": Provide(provide_actor),
            "key": Provide(provide_key, sync_to_thread=False),
            "token": Provide(provide_token, sync_to_thread=False),
        },
        exception_handlers={Refusal: on_refusal, HTTPException: on_http, Exception: on_fault},
        opt={"exclude_from_csrf": True},
    )
    outside = Router(
        "/",
        route_handlers=[system.live, system.ready, system.numbers, system.callback],
        exception_handlers={Refusal: on_refusal, HTTPException: on_http, Exception: on_fault},
        opt={"exclude_from_csrf": True},
    )
    return [v1, outside]
