"""The operator's pages: what waits for a decision in his city. A further queue is a module with ROUTES, one line here
and one `Entry` in `frame.py`."""

from litestar import Router
from litestar.di import Provide

from hutong.web.operator import deals, landing, moderation
from hutong.web.operator.frame import provide_desk


def router() -> Router:
    """All routes of the operator's desk."""
    handlers = [*landing.ROUTES, *moderation.ROUTES, *deals.ROUTES]
    return Router("/o", route_handlers=handlers, dependencies={"desk": Provide(provide_desk)})


__all__ = ["router"]
