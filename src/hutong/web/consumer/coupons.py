"""Coupons: the claim centre, one tap to claim, a code that is typed, and what a coupon is good for."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, Struct

from hutong import catalog, pricing, vouchers
from hutong.desk import coupons
from hutong.desk.coupons import OnOffer
from hutong.desk.pointing import purse_of
from hutong.infra.db import Tx
from hutong.kit.ids import OFFER, STORE, VOUCHER
from hutong.kit.refusals import NotFound, Refusal
from hutong.kit.text import Text
from hutong.pricing import Offers, Rule
from hutong.vouchers import Voucher
from hutong.web.consumer.alliances import asked
from hutong.web.consumer.here import Here, InCity
from hutong.web.consumer.tiers import ladder_of
from hutong.web.shared.coupons import Figure, asks_of, figure
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting

OfStore = Annotated[str | None, QueryParameter(name="store", max_length=60)]


class ClaimForm(KeyedForm, frozen=True, kw_only=True):
    """`store`: the shop on whose list the coupon was claimed; empty: the whole city's."""

    store: Annotated[str, Meta(max_length=60)] = ""


class CodeForm(KeyedForm, frozen=True, kw_only=True):
    """A code as it was typed."""

    code: Annotated[str, Meta(max_length=80)] = ""


class Facing(Struct, frozen=True):
    """A coupon with everything that its ticket shows."""

    one: OnOffer
    figure: Figure
    prize: Text
    asks: tuple[Text, ...]
    use_at: str


def use_at(here: Here, rule: Rule, store_ids: Sequence[UUID]) -> str:
    """Where the coupon can be used: the deal it is for, when it is one; else a shop of its merchant."""
    for condition in rule.conditions:
        if isinstance(condition, Offers) and not condition.excluded and len(condition.ids) == 1:
            return here.to(f"/deals/{OFFER.show(condition.ids[0], here.city_id)}")
    return here.to(f"/stores/{STORE.show(store_ids[0], here.city_id)}") if store_ids else here.to("/nearby")


def facing(visit: Visit, here: Here, found: Sequence[OnOffer]) -> list[Facing]:
    return [
        Facing(
            one, figure(visit, one.live.rule), pricing.in_words(one.live.rule.benefit, one.live.rule.asset),
            asks_of(one.live.rule), use_at(here, one.live.rule, () if one.wide else one.offer.store_ids),
        )
        for one in found
    ]  # fmt: skip


@get("/c/{city:str}/coupons", guards=[public])
async def centre(visit: Visiting, here: InCity, store: OfStore = None, got: FromQuery[str] = "") -> Response[str]:
    """What can be claimed in this city, or at one shop of it: each with one tap."""
    return await _centre(visit, here, store=store or "", got=got)


async def _centre(
    visit: Visit, here: Here, *, store: str = "", got: str = "", wrong: Refusal | None = None, at: UUID | None = None,
    typed: str | None = None,
) -> Response[str]:  # fmt: skip
    now, actor = visit.house.clock.now(), visit.actor or await visit.who()
    store_id = here.read(STORE, store) if store else None
    async with visit.house.db.reading(here.city_id) as tx:
        found = await coupons.on_offer(
            tx, here.city_id, now, member_id=actor.member_id if actor else None, store_id=store_id
        )
        purse = None
        if actor is not None and not store:
            purse = await purse_of(tx, here.city_id, actor.member_id, now, asked=asked(visit))
        shop = None
        if store_id is not None:
            (shop,) = await catalog.storefronts(tx, [store_id], city_id=here.city_id, now=now, point=here.point)
    visit.personal = visit.personal or actor is not None
    visit.name_device()
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/coupons.html", status=wrong.status if wrong else 200, found=facing(visit, here, found), shop=shop,
        store=store, got=got, wrong=wrong, at=at, typed=typed, signed=actor is not None, now=now, purse=purse,
        ladder=ladder_of(purse) if purse else None,
    )  # fmt: skip


@post("/c/{city:str}/coupons/{offer:str}/claim", guards=[signed_in], status_code=303)
async def claim(visit: Visiting, here: InCity, offer: FromPath[str], data: URLEncodedBody[ClaimForm]) -> Response:
    """Claim a coupon. What cannot be is said on its ticket."""
    offer_id = here.read(OFFER, offer)
    try:
        await coupons.claim(visit.house, here.city_id, visit.member, offer_id, key=data.key, device=visit.device)
    except NotFound:
        raise
    except Refusal as refusal:
        if refusal.status in (404, 503):
            raise
        return await _centre(visit, here, store=data.store, wrong=refusal, at=offer_id)
    return Redirect(here.to("/coupons", store=data.store, got=offer) + f"#{offer}", status_code=303)


@post("/c/{city:str}/coupons/code", guards=[signed_in], status_code=303)
async def by_code(visit: Visiting, here: InCity, data: URLEncodedBody[CodeForm]) -> Response:
    """Claim with a code that was typed; the coupon itself is the answer."""
    try:
        if not data.code.strip():
            raise pricing.CodeUnknown()
        done = await coupons.claim_by_code(
            visit.house, here.city_id, visit.member, data.code, key=data.key, address=visit.address,
            device=visit.device,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status == 503:
            raise
        return await _centre(visit, here, wrong=refusal, typed=data.code)
    async with visit.house.db.reading(here.city_id) as tx:
        (held,) = await vouchers.of_orders(tx, [done.order_id], city_id=here.city_id)
    return Redirect(here.to(f"/vouchers/{VOUCHER.show(held.voucher_id, here.city_id)}", new=1), status_code=303)


class Good(Struct, frozen=True):
    """What a coupon in the wallet is good for. `shown`: the third party's code that came with it."""

    figure: Figure
    prize: Text
    asks: tuple[Text, ...]
    use_at: str
    why: Refusal | None
    shown: str | None


async def good_for(tx: Tx, visit: Visit, here: Here, held: Voucher) -> Good | None:
    """What the member's own coupon takes off and what it asks for; None for any other voucher."""
    if held.kind != "coupon":
        return None
    (live,) = await pricing.promotions(tx, [held.offer_id], city_id=here.city_id)
    if live is None:
        return None
    shown = await pricing.shown_codes(tx, [held.order_id], city_id=here.city_id)
    rule = live.rule
    return Good(
        figure(visit, rule), pricing.in_words(rule.benefit, rule.asset), asks_of(rule),
        use_at(here, rule, held.store_ids), pricing.why_not_usable(live, visit.house.clock.now(), zone=here.city.zone),
        shown.get(held.order_id),
    )  # fmt: skip


ROUTES = (centre, claim, by_code)
