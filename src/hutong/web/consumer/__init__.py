"""The consumer's pages: find, buy, show, give back."""

from litestar import Router
from litestar.di import Provide

from hutong.web.consumer import checkout, deal, home, mine, wallet
from hutong.web.consumer.here import provide_here


def router() -> Router:
    """All routes of the consumer."""
    handlers = [*home.ROUTES, *deal.ROUTES, *checkout.ROUTES, *wallet.ROUTES, *mine.ROUTES]
    return Router("/", route_handlers=handlers, dependencies={"here": Provide(provide_here)})


__all__ = ["router"]
