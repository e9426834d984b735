"""The operator's pages: what waits for a decision in his city. A further queue is a module with ROUTES, one line here
and one `Entry` in `frame.py`."""

from litestar import Router
from litestar.di import Provide

from hutong.web.operator import (
    applications,
    campaigns,
    clearings,
    court,
    crew,
    deals,
    flows,
    landing,
    moderation,
    new_stores,
    odd,
    purse,
    repeat,
    results,
    shops,
    visits,
)
from hutong.web.operator.frame import provide_desk


def router() -> Router:
    """All routes of the operator's desk."""
    handlers = [*landing.ROUTES, *moderation.ROUTES, *deals.ROUTES, *results.ROUTES, *repeat.ROUTES]
    handlers += [*clearings.ROUTES, *odd.ROUTES, *purse.ROUTES, *flows.ROUTES, *campaigns.ROUTES]
    handlers += [*applications.ROUTES, *new_stores.ROUTES, *shops.ROUTES, *visits.ROUTES, *court.ROUTES, *crew.ROUTES]
    return Router("/o", route_handlers=handlers, dependencies={"desk": Provide(provide_desk)})


__all__ = ["router"]
