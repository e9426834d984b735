"""A bargain on its own page: what it has come to, who helped, and for how long; helping, and beginning one."""

from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect

from hutong import groups
from hutong.desk import bargaining
from hutong.groups import BargainState
from hutong.infra.db import Tx
from hutong.kit.ids import BARGAIN, OFFER
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound, Refusal
from hutong.web.consumer.deal import shops_for, shown_offer
from hutong.web.consumer.here import Here, InCity, sure_found
from hutong.web.consumer.shelves import shelves_of
from hutong.web.consumer.standing import standing_of
from hutong.web.shared.forms import Form
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting


@get("/c/{city:str}/bargains/{bargain:str}", guards=[public])
async def bargain_page(visit: Visiting, here: InCity, bargain: FromPath[str]) -> Response[str]:
    """What it costs now, what it may come to, who has helped; its owner buys, friends cut."""
    return await _page(visit, here, bargain)


async def _page(visit: Visit, here: Here, bargain: str, wrong: Refusal | None = None) -> Response[str]:
    now, actor = visit.house.clock.now(), visit.actor
    async with visit.house.db.reading(here.city_id) as tx:
        one = await _found(tx, here, here.read(BARGAIN, bargain))
        deal = await shown_offer(tx, one.offer_id, here)
        shops = await shops_for(tx, deal, visit, here)
        standing = await standing_of(tx, deal, here=here, now=now)
    visit.personal = visit.personal or actor is not None
    asset = deal.price.asset
    mine = actor is not None and actor.member_id == one.member_id
    return visit.page(
        "consumer/bargain.html", status=wrong.status if wrong else 200, one=one, deal=deal, shops=shops, wrong=wrong,
        standing=standing, shelves=await shelves_of(visit.house), shown=bargain, mine=mine,
        helped=actor is not None and any(friend.member_id == actor.member_id for friend in one.friends),
        open=one.state == "open" and now < one.closes_at, price=Amount(one.now_units, asset),
        first=Amount(one.price_units, asset), floor=Amount(one.floor_units, asset),
        cut=Amount(one.cut_units, asset), cuts=[(friend.face, Amount(friend.units, asset)) for friend in one.friends],
        percent=one.cut_units * 100 // (one.price_units - one.floor_units),
    )  # fmt: skip


async def _found(tx: Tx, here: Here, bargain_id: UUID) -> BargainState:
    return sure_found((await groups.bargains(tx, [bargain_id], city_id=here.city_id)).get(bargain_id))


@post("/c/{city:str}/deals/{offer:str}/bargain", guards=[signed_in], status_code=303)
async def begin(visit: Visiting, here: InCity, offer: FromPath[str], data: URLEncodedBody[Form]) -> Redirect:
    """Begin a bargain for this deal; the same member gets the same one again."""
    del data
    found = await bargaining.begin(visit.house, here.city_id, visit.member, here.read(OFFER, offer))
    return Redirect(here.to(f"/bargains/{BARGAIN.show(found, here.city_id)}"), status_code=303)


@post("/c/{city:str}/bargains/{bargain:str}/cuts", guards=[signed_in], status_code=303)
async def help_out(visit: Visiting, here: InCity, bargain: FromPath[str], data: URLEncodedBody[Form]) -> Response:
    """Cut the price for a friend. A second time says that it was done."""
    del data
    try:
        await bargaining.help_out(visit.house, here.city_id, visit.member, here.read(BARGAIN, bargain))
    except NotFound:
        raise
    except Refusal as refusal:
        return await _page(visit, here, bargain, refusal)
    return Redirect(here.to(f"/bargains/{bargain}"), status_code=303)


ROUTES = (bargain_page, begin, help_out)
