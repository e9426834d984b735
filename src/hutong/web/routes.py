"""All pages joined: `routes` for whoever builds the application himself, `make_app` for everybody else."""

from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.types import ControllerRouterHandler

from hutong.desk.house import House
from hutong.desk.packing import Packing
from hutong.web import consumer, merchant, operator, platform
from hutong.web.shared.errors import HANDLERS
from hutong.web.shared.files import picture
from hutong.web.shared.security import Forms, csrf_config, own_origin, security_headers
from hutong.web.shared.sign_in import SIGN_IN
from hutong.web.shared.static import static
from hutong.web.shared.style import style
from hutong.web.shared.visit import provide_visit


def routes(house: House) -> list[Router]:
    """The routers of all faces. Each route states who may come in; each write is checked for its token and origin."""
    around = [
        Packing,
        DefineMiddleware(Forms, config=csrf_config(house)),
    ]
    shared = Router("/", route_handlers=[static, picture, style, *SIGN_IN])
    pages = Router(
        "/",
        route_handlers=[shared, consumer.router(), merchant.router(), operator.router(), platform.router()],
        guards=[own_origin], middleware=around, dependencies={"visit": Provide(provide_visit)},
        exception_handlers=HANDLERS,
        include_in_schema=False,
    )  # fmt: skip
    return [pages]


def make_app(
    house: House, *, lifespan: Sequence[Any] = (), more: Sequence[ControllerRouterHandler] = (), **options: Any
) -> Litestar:
    """The whole application: the pages, and `more` (the API, callbacks, health) beside them."""
    return Litestar(
        route_handlers=[*routes(house), *more], state=State({"house": house}), lifespan=list(lifespan),
        before_send=[security_headers], exception_handlers=HANDLERS,
        **{"logging_config": None, **options},
    )  # fmt: skip
