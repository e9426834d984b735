"""The platform's pages: how the house does, its books, audits, programmes, clearing, payouts, access. A further part is
a module with ROUTES, one line here and one `Entry` in `frame.py`."""

from litestar import Router
from litestar.di import Provide

from hutong.web.platform import (
    access,
    audits,
    bills,
    books,
    cities,
    clearings,
    flows,
    landing,
    payouts,
    programmes,
    repeat,
)
from hutong.web.platform.frame import provide_floor


def router() -> Router:
    """All routes of the platform's pages."""
    handlers = [*landing.ROUTES, *cities.ROUTES, *programmes.ROUTES, *clearings.ROUTES, *payouts.ROUTES]
    handlers += [*bills.ROUTES]
    handlers += [*books.ROUTES, *flows.ROUTES]
    handlers += [*repeat.ROUTES, *audits.ROUTES, *access.ROUTES]
    return Router("/platform", route_handlers=handlers, dependencies={"floor": Provide(provide_floor)})


__all__ = ["router"]
