"""Giving a voucher to a friend: send it on its way, take it back, look at a present, accept it."""

from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from hutong import vouchers
from hutong.api.browse import City, Limit
from hutong.api.glue import Home, Key, Who, local_id, open_to_all, with_token
from hutong.api.shapes import In, PageOut, voucher_out
from hutong.desk import giving
from hutong.desk.buying import member_of
from hutong.kit.ids import MERCHANT, OFFER, VOUCHER
from hutong.vouchers import LONGEST_NOTE, Gift, GiftSeen


class GiveIn(In, frozen=True):
    """What the friend reads, and for how many days the link is good: 1, 3 or 7."""

    note: Annotated[str, Meta(max_length=LONGEST_NOTE)] = ""
    days: int = 3


def gift_out(gift: Gift) -> dict[str, Any]:
    """A gift as its giver may see it."""
    return {
        "voucher": VOUCHER.show(gift.voucher_id, gift.city_id), "state": gift.state, "note": gift.note,
        "made_at": gift.made_at, "expires_at": gift.expires_at, "ended_at": gift.ended_at, "to": gift.taker_name,
    }  # fmt: skip


def present_out(seen: GiftSeen) -> dict[str, Any]:
    """A gift as whoever has its link may see it: what, from whom, until when; never where its code is."""
    city_id = seen.gift.city_id
    return {
        "title": seen.title, "offer": OFFER.show(seen.offer_id, city_id), "merchant": MERCHANT.show(seen.merchant_id),
        "from": seen.gift.giver_name, "note": seen.gift.note, "state": seen.gift.state,
        "expires_at": seen.gift.expires_at, "valid_from": seen.valid_from, "valid_to": seen.valid_to,
    }  # fmt: skip


@get("/vouchers/{voucher:str}/gift", guards=[with_token], summary="Whether I can give my voucher away, and its link")
async def standing(voucher: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """`gift` is the one on its way, null when there is none; `link` is for the friend and follows from the voucher: it
    is kept nowhere, and dead once the gift is accepted or taken back."""
    city_id, voucher_id = local_id(VOUCHER, voucher)
    async with house.db.reading(city_id) as tx:
        it = await giving.standing(house, tx, city_id, actor, voucher_id)
    return {"may": it.may, "gift": gift_out(it.gift) if it.gift else None, "link": it.link or None}


@post("/vouchers/{voucher:str}/gift", guards=[with_token], summary="Give my voucher to a friend")
async def give(
    voucher: FromPath[str], data: JSONBody[GiveIn], key: Key, actor: Who, house: Home
) -> dict[str, Any]:  # fmt: skip
    """Nobody can use it until the friend accepts, or it comes back. Deals, cards for visits, gift cards, and coupons
    whose campaign says so. Needs an Idempotency-Key."""
    city_id, voucher_id = local_id(VOUCHER, voucher)
    gift = await giving.give(house, city_id, actor, voucher_id, note=data.note, days=data.days, key=key)
    async with house.db.reading(city_id) as tx:
        held = await vouchers.of_member(tx, member_of(actor), voucher_id, city_id=city_id)
    link = giving.link(house, city_id, held.secret, gift.gift_id) if held and held.held_ref == gift.gift_id else None
    return {**gift_out(gift), "link": link}


@post("/vouchers/{voucher:str}/gift/return", guards=[with_token], summary="Take my gift back")
async def take_back(voucher: FromPath[str], key: Key, actor: Who, house: Home) -> dict[str, Any]:
    """Before it is accepted; afterwards gift_over. Needs an Idempotency-Key."""
    city_id, voucher_id = local_id(VOUCHER, voucher)
    return gift_out(await giving.take_voucher_back(house, city_id, actor, voucher_id, key=key))


@get("/gifts", guards=[with_token], summary="What I gave away, or have on its way")
async def given(actor: Who, house: Home, city_id: City, limit: Limit = 50) -> PageOut:
    """The latest first; what came back is left out."""
    async with house.db.reading(city_id) as tx:
        found = await vouchers.given_by(tx, member_of(actor), city_id=city_id, limit=limit)
    return PageOut([gift_out(one.gift) | {"title": one.title} for one in found], None)


@get("/gifts/{link:str}", guards=[open_to_all], summary="A present, for whoever has its link")
async def present(link: FromPath[str], house: Home) -> dict[str, Any]:
    """`link` is the last part of the address. It gives something away, so keep it as a secret."""
    _, seen = await giving.seen(house, link)
    return present_out(seen)


@post("/gifts/{link:str}/claims", guards=[with_token], summary="Accept a present")
async def claim(link: FromPath[str], key: Key, actor: Who, house: Home) -> dict[str, Any]:
    """The voucher is the asker's, with a new code; old ones are dead. Needs an Idempotency-Key."""
    city, gift = await giving.claim(house, link, actor, key=key)
    async with house.db.reading(city.city_id) as tx:
        held = await vouchers.of_member(tx, member_of(actor), gift.voucher_id, city_id=city.city_id)
    return {
        "state": gift.state, "from": gift.giver_name, "note": gift.note,
        "voucher": voucher_out(held, city.city_id) if held else None,
    }  # fmt: skip


router = Router("/", route_handlers=[standing, give, take_back, given, present, claim], tags=["gifts"])
