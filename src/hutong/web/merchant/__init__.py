"""The merchant's pages: scan, verify, redeem, undo, and what it all comes to."""

from litestar import Router
from litestar.di import Provide

from hutong.web.merchant import (
    board,
    books,
    counters,
    deals,
    editor,
    history,
    joining,
    offline,
    orders,
    past,
    reviews,
    scan,
    staff,
    stores,
)
from hutong.web.merchant.till import provide_till


def router() -> Router:
    """All routes of the merchant's console."""
    handlers = [*counters.ROUTES, *scan.ROUTES, *past.ROUTES, *history.ROUTES, *board.ROUTES, *books.ROUTES]
    handlers += [*deals.ROUTES, *editor.ROUTES, *offline.ROUTES]
    handlers += [*orders.ROUTES, *reviews.ROUTES]
    handlers += [*stores.ROUTES, *staff.ROUTES, *joining.ROUTES]
    return Router("/m", route_handlers=handlers, dependencies={"till": Provide(provide_till)})


__all__ = ["router"]
