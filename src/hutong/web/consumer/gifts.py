"""Giving a voucher to a friend: the giver's page with the link, and the present as the friend sees it."""

from typing import Annotated

from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta

from hutong import catalog, merchants, vouchers
from hutong.desk import giving
from hutong.kit.ids import VOUCHER
from hutong.kit.refusals import NotFound, Refusal
from hutong.kit.text import Text
from hutong.vouchers import KEEPS, LONGEST_NOTE, GiftOver
from hutong.web.consumer.here import Here, InCity
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.voucher import own_voucher
from hutong.web.shared.codes import qr_svg
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting

Note = Annotated[str, Meta(max_length=1000)]


class GiveForm(KeyedForm, frozen=True, kw_only=True):
    """What the friend reads, and for how many days the link is good."""

    note: Note = ""
    days: int = 3


@get("/c/{city:str}/vouchers/{voucher:str}/gift", guards=[signed_in])
async def give_page(visit: Visiting, here: InCity, voucher: FromPath[str]) -> Response[str]:
    """A few words and how long the link is good; once it is on its way, the link itself."""
    return await _give_page(visit, here, voucher)


async def _give_page(
    visit: Visit, here: Here, voucher: str, *, wrong: Refusal | None = None, form: GiveForm | None = None
) -> Response[str]:
    async with visit.house.db.reading(here.city_id) as tx:
        it = await giving.standing(visit.house, tx, here.city_id, visit.member, here.read(VOUCHER, voucher))
        names = await merchants.merchants(tx, [it.voucher.merchant_id])
    visit.frame["tab"] = "vouchers"
    if it.gift is None and not it.may and wrong is None:
        wrong = vouchers.NotGiftable()
    owner = names.get(it.voucher.merchant_id)
    return visit.page(
        "consumer/give.html", status=wrong.status if wrong else 200, voucher=it.voucher, shown=voucher, gift=it.gift,
        link=it.link, wrong=wrong, form=form, keeps=KEEPS, longest=LONGEST_NOTE, may=it.may,
        merchant=owner.name if owner else Text("", ""), drawing=qr_svg(it.link).decode() if it.link else "",
    )  # fmt: skip


@post("/c/{city:str}/vouchers/{voucher:str}/gift", guards=[signed_in], status_code=303)
async def give(visit: Visiting, here: InCity, voucher: FromPath[str], data: URLEncodedBody[GiveForm]) -> Response:
    """Send it on its way; the page with the link comes next. What cannot be is said beside what was typed."""
    try:
        await giving.give(
            visit.house, here.city_id, visit.member, here.read(VOUCHER, voucher), note=data.note, days=data.days,
            key=data.key,
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return await _give_page(visit, here, voucher, wrong=refusal, form=data)
    return Redirect(here.to(f"/vouchers/{voucher}/gift"), status_code=303)


@post("/c/{city:str}/vouchers/{voucher:str}/gift/back", guards=[signed_in], status_code=303)
async def take_back(visit: Visiting, here: InCity, voucher: FromPath[str], data: URLEncodedBody[KeyedForm]) -> Response:
    """The giver wants it back; his voucher shows its code again."""
    async with visit.house.db.reading(here.city_id) as tx:
        held = await own_voucher(tx, visit, here, voucher)
    if held.held_for == "gift" and held.held_ref is not None:
        try:
            await giving.take_back(visit.house, here.city_id, visit.member, held.held_ref, key=data.key)
        except GiftOver:
            return Redirect(here.to("/vouchers", tab="gifted"), status_code=303)
    return Redirect(here.to(f"/vouchers/{voucher}"), status_code=303)


@get("/gifts/{token:str}", guards=[public])
async def gift_page(visit: Visiting, token: FromPath[str]) -> Response[str]:
    """The present, for whoever has its link: from whom, what, until when; and one button."""
    return await _gift_page(visit, token)


async def _gift_page(visit: Visit, token: str, wrong: Refusal | None = None) -> Response[str]:
    visit.personal = True  # a link that gives something away is kept nowhere on the way
    actor, now = await visit.who(), visit.house.clock.now()
    city, seen = await giving.seen(visit.house, token)
    visit.zone = city.zone
    async with visit.house.db.reading(city.city_id) as tx:
        names = await merchants.merchants(tx, [seen.merchant_id])
        (offer,) = await catalog.offers(tx, [seen.offer_id], city_id=city.city_id)
        shelves = Shelves(await catalog.categories(tx))
    return visit.page(
        "consumer/gift.html", status=wrong.status if wrong else 200, seen=seen, gift=seen.gift, city=city, token=token,
        wrong=wrong, actor=actor, open=seen.gift.open_at(now), shelves=shelves, offer=offer,
        mine=actor is not None and seen.gift.taker_id == actor.member_id,
        own=actor is not None and seen.gift.giver_id == actor.member_id,
        merchant=names[seen.merchant_id].name if seen.merchant_id in names else Text("", ""),
    )  # fmt: skip


@post("/gifts/{token:str}", guards=[signed_in], status_code=303)
async def claim(visit: Visiting, token: FromPath[str], data: URLEncodedBody[KeyedForm]) -> Response:
    """Accept it: the voucher itself comes next."""
    try:
        city, gift = await giving.claim(visit.house, token, visit.member, key=data.key)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _gift_page(visit, token, refusal)
    shown = VOUCHER.show(gift.voucher_id, city.city_id)
    return Redirect(f"/c/{city.slug}/vouchers/{shown}?gift=1", status_code=303)


ROUTES = (give_page, give, take_back, gift_page, claim)
