"""The merchant's pages: scan, verify, redeem, undo, and what it all comes to."""

from litestar import Router
from litestar.di import Provide

from hutong.web.merchant import (
    applying,
    bills,
    board,
    books,
    campaign_lists,
    campaigns,
    cards,
    chain,
    clearings,
    contracts,
    counters,
    deals,
    editor,
    flows,
    forecast,
    gifts,
    history,
    joining,
    new_stores,
    offline,
    orders,
    parcels,
    past,
    payouts,
    points,
    repeat,
    results,
    reviews,
    scan,
    shutting,
    staff,
    stores,
)
from hutong.web.merchant.till import provide_till


def router() -> Router:
    """All routes of the merchant's console."""
    handlers = [*counters.ROUTES, *scan.ROUTES, *past.ROUTES, *history.ROUTES, *board.ROUTES, *books.ROUTES]
    handlers += [*bills.ROUTES, *points.ROUTES, *cards.ROUTES, *clearings.ROUTES, *gifts.ROUTES, *parcels.ROUTES]
    handlers += [*deals.ROUTES, *editor.ROUTES, *campaigns.ROUTES, *campaign_lists.ROUTES]
    handlers += [*offline.ROUTES, *results.ROUTES, *forecast.ROUTES, *repeat.ROUTES]
    handlers += [*orders.ROUTES, *reviews.ROUTES, *flows.ROUTES, *payouts.ROUTES]
    handlers += [*new_stores.ROUTES, *stores.ROUTES, *shutting.ROUTES, *staff.ROUTES, *joining.ROUTES, *applying.ROUTES]
    handlers += [*contracts.ROUTES, *chain.ROUTES]
    return Router("/m", route_handlers=handlers, dependencies={"till": Provide(provide_till)})


__all__ = ["router"]
