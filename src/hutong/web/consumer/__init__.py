"""The consumer's pages: find, buy, show, give back."""

from litestar import Router
from litestar.di import Provide

from hutong.web.consumer import (
    bargains,
    bill_pay,
    carding,
    checkout,
    cities,
    coupons,
    deal,
    flows,
    gifts,
    home,
    mall,
    maps,
    me,
    me_privacy,
    me_settings,
    mine,
    nearby,
    paying,
    points,
    points_out,
    pwa,
    refunds,
    reviewing,
    reviews,
    searching,
    stores,
    teams,
    tokens,
    voucher,
    waiting,
    wallet,
)
from hutong.web.consumer.here import provide_here


def router() -> Router:
    """All routes of the consumer."""
    handlers = [
        *cities.ROUTES, *home.ROUTES, *nearby.ROUTES, *searching.ROUTES, *maps.ROUTES, *stores.ROUTES,
        *deal.ROUTES, *checkout.ROUTES, *paying.ROUTES, *wallet.ROUTES, *voucher.ROUTES, *mine.ROUTES,
        *refunds.ROUTES, *reviews.ROUTES, *reviewing.ROUTES, *pwa.ROUTES, *me.ROUTES, *me_settings.ROUTES,
        *me_privacy.ROUTES, *gifts.ROUTES, *waiting.ROUTES, *teams.ROUTES, *bargains.ROUTES, *tokens.ROUTES,
        *coupons.ROUTES, *carding.ROUTES, *bill_pay.ROUTES, *mall.ROUTES, *points.ROUTES, *points_out.ROUTES,
        *flows.ROUTES,
    ]  # fmt: skip
    return Router("/", route_handlers=handlers, dependencies={"here": Provide(provide_here)})


__all__ = ["router"]
