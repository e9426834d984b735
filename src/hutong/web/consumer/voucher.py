"""One voucher: shown at the counter, followed while it is used, and kept in the pocket for places without a network."""

import base64
from datetime import datetime
from typing import Annotated

from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from hutong import catalog, mall, merchants, orders, reviews, vouchers
from hutong.desk import giving, malling
from hutong.infra.db import Tx
from hutong.kit.ids import VOUCHER, to_crockford
from hutong.kit.refusals import NotFound
from hutong.vouchers import Voucher
from hutong.web.consumer.cards import card_face
from hutong.web.consumer.coupons import good_for
from hutong.web.consumer.here import Here, InCity, sure_found
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.shops import Shop, shops_of
from hutong.web.consumer.together import company_of
from hutong.web.consumer.tokens import pocket_part
from hutong.web.consumer.wallet import tickets_of
from hutong.web.shared.codes import qr_svg
from hutong.web.shared.guards import signed_in
from hutong.web.shared.visit import Visit, Visiting

STEP_SECONDS = 30
NOTHING_NEW = 204

Seen = Annotated[int, QueryParameter(ge=0, le=1_000_000)]


@get("/c/{city:str}/vouchers/{voucher:str}", guards=[signed_in])
async def voucher_page(
    visit: Visiting, here: InCity, voucher: FromPath[str], new: FromQuery[bool] = False,
    gift: FromQuery[bool] = False,
) -> Response[str]:  # fmt: skip
    """The right itself: a code to be scanned, digits to be read aloud, where and until when."""
    return await _voucher_page(visit, here, voucher, new=new, gift=gift)


async def _voucher_page(
    visit: Visit, here: Here, voucher: str, *, new: bool, part: bool = False, gift: bool = False
) -> Response[str]:
    now = visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        held = await own_voucher(tx, visit, here, voucher)
        units = [v for v in await vouchers.of_orders(tx, [held.order_id], city_id=here.city_id)
                 if v.line_id == held.line_id and v.member_id == held.member_id]  # fmt: skip
        (ticket,) = await tickets_of(tx, [held])
        shelves = Shelves(await catalog.categories(tx))
        shops = await _shops(tx, held, visit, here)
        good = await good_for(tx, visit, here, held)
        free = await vouchers.rooms_now(
            tx, [s.card.store_id for s in shops], terms=held.terms, offer_id=held.offer_id, city_id=here.city_id,
            now=now, zone=here.city.zone,
        )  # fmt: skip
        gifts = await vouchers.gifts_of_vouchers(tx, [held.voucher_id], city_id=here.city_id)
        may_give = held.state in ("valid", "waiting") and await giving.giftable(tx, held, gifts)
        uses = [u for u in await vouchers.uses_of(tx, [held.voucher_id], city_id=here.city_id) if not u.reversed_at]
        face = await card_face(tx, held, uses)
        parcel, taken = None, None
        if held.kind == "gift":
            parcel = (await mall.deliveries_of(tx, [held.order_id], city_id=here.city_id)).get(held.order_id)
            taken = await mall.exchanged(tx, held.member_id, held.order_id, city_id=here.city_id)
        where = await merchants.stores(tx, here.city_id, sorted({use.store_id for use in uses}))
        unreviewed = held.state == "used" and await reviews.unreviewed(tx, [held.line_id], city_id=here.city_id)
        progress = (await orders.progress(tx, [held.offer_id], city_id=here.city_id)).get(held.offer_id)
        company = None
        if held.state == "waiting":
            company = await company_of(tx, held.order_id, held.offer_id, held.member_id, here, now)
    visit.frame["tab"] = "vouchers"
    expired = now >= held.valid_to
    place = next((n for n, unit in enumerate(units) if unit.voucher_id == held.voucher_id), 0)
    return visit.page(
        "consumer/voucher_part.html" if part else "consumer/voucher.html", ticket=ticket, voucher=held, units=units,
        place=place, shops=shops, gift=gift, good=good, may_give=may_give, on_its_way=on_its_way(held, now),
        received=any(one.taker_id == held.member_id for one in gifts),
        free=free if held.state == "valid" else {}, uses=uses, card_face=face,
        where={i: s.name for i, s in where.items()}, new=new, shelves=shelves,
        progress=progress, company=company, unreviewed=bool(unreviewed),
        shows=shows_code(held, now) and (parcel is None or parcel.state == "cancelled"), taken=taken,
        parcel=parcel, to=malling.address_of(visit.house, parcel) if parcel is not None else None,
        left=STEP_SECONDS - now.timestamp() % STEP_SECONDS,
        step=STEP_SECONDS, state="expired" if held.state == "valid" and expired else held.state, changed=part,
    )  # fmt: skip


@get("/c/{city:str}/vouchers/{voucher:str}/live", guards=[signed_in])
async def live(visit: Visiting, here: InCity, voucher: FromPath[str], seen: Seen = 0) -> Response:
    """For the open page, every few seconds: nothing while the voucher is as it was `seen`, else how it looks now."""
    now = visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        held = await own_voucher(tx, visit, here, voucher)
    if held.version == seen and (held.state != "valid" or now < held.valid_to):
        return Response(None, status_code=NOTHING_NEW, headers={"cache-control": "no-store"})
    return await _voucher_page(visit, here, voucher, new=False, part=True)


@get("/c/{city:str}/vouchers/{voucher:str}/code.svg", guards=[signed_in])
async def code(visit: Visiting, here: InCity, voucher: FromPath[str]) -> Response[bytes]:
    """The QR code of this half minute. Gone (404) once the voucher is used or given back: the page then reloads."""
    now = visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        held = await own_voucher(tx, visit, here, voucher)
    if not shows_code(held, now):
        raise NotFound()
    return Response(
        qr_svg(vouchers.qr_text(held, now)), media_type="image/svg+xml", headers={"cache-control": "no-store"}
    )


@get("/c/{city:str}/vouchers/{voucher:str}/pocket", guards=[signed_in])
async def pocket(visit: Visiting, here: InCity, voucher: FromPath[str]) -> Response[dict]:
    """What the phone of its owner needs to show a fresh code without a network; times in milliseconds since 1970.

    The secret goes to the session of the owner only, and no cache on the way keeps it: the page puts it away as a
    key that can sign and cannot be read. Gone (404) once there is no code to show.
    """
    now = visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        held = await own_voucher(tx, visit, here, voucher)
        far = await pocket_part(tx, here, held)
    if not shows_code(held, now):
        raise NotFound()
    body = {
        "id": voucher, "city": here.city_id, "short": to_crockford(held.voucher_id.bytes).upper(),
        "secret": base64.urlsafe_b64encode(held.secret).decode().rstrip("="), "after": held.last_step,
        "version": held.version, "now": _ms(now), "from": _ms(held.valid_from), "to": _ms(held.valid_to),
        "step": STEP_SECONDS * 1000, "offline": far,
    }  # fmt: skip
    return Response(body, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def shows_code(voucher: Voucher, now: datetime) -> bool:
    """Whether there is a code to show: of what is used, given back or waits there is none."""
    return voucher.state == "valid" and now < voucher.valid_to and not on_its_way(voucher, now)


def on_its_way(voucher: Voucher, now: datetime) -> bool:
    """Whether it is being given to a friend who has not accepted it yet."""
    return voucher.held_for == "gift" and now < (voucher.held_until or now)


async def _shops(tx: Tx, held: Voucher, visit: Visit, here: Here) -> list[Shop]:
    """Where it may be used, the nearest first."""
    now, stores = visit.house.clock.now(), held.store_ids
    if not stores:
        stores = tuple(s.store_id for s in await merchants.stores_of(tx, here.city_id, held.merchant_id))
    cards = await catalog.storefronts(tx, stores, city_id=here.city_id, now=now, point=here.point)
    near = sorted((card for card in cards if card is not None), key=lambda card: card.distance_m or 0)
    return await shops_of(tx, near, here=here, now=now)


async def own_voucher(tx: Tx, visit: Visit, here: Here, voucher: str) -> Voucher:
    """The member's own voucher. Raises not_found for another's, as for one that does not exist."""
    voucher_id = here.read(VOUCHER, voucher)
    return sure_found(await vouchers.of_member(tx, visit.member.member_id, voucher_id, city_id=here.city_id))


ROUTES = (voucher_page, live, code, pocket)
