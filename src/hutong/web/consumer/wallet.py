"""What a member holds: the wallet, and the voucher that is shown at the counter."""

import io
from collections.abc import Sequence
from uuid import UUID

import segno
from litestar import Response, get
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from hutong import catalog, merchants, orders, places, vouchers
from hutong.infra.db import Tx
from hutong.kit.ids import VOUCHER
from hutong.kit.refusals import NotFound
from hutong.kit.text import Text
from hutong.vouchers import TABS, Tab, Voucher
from hutong.web.consumer.here import Cursor, Here, InCity, sure_found
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.shops import Shop, shops_of
from hutong.web.shared.guards import signed_in
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE = 20
STEP_SECONDS = 30


class Ticket(Struct, frozen=True):
    """A voucher with the name of the shop."""

    voucher: Voucher
    merchant: Text


@get("/c/{city:str}/vouchers", guards=[signed_in])
async def wallet(visit: Visiting, here: InCity, tab: FromQuery[str] = "unused", after: Cursor = None) -> Response[str]:
    """The member's vouchers of this city, by what has become of them."""
    shown: Tab = tab if tab in TABS else "unused"  # type: ignore[assignment]
    member = visit.member.member_id
    last = here.read(VOUCHER, after) if after else None
    async with visit.house.db.reading(here.city_id) as tx:
        counts = await vouchers.wallet_counts(tx, member, city_id=here.city_id)
        found = await vouchers.wallet(tx, member, city_id=here.city_id, tab=shown, after=last, limit=ON_PAGE + 1)
        tickets = await tickets_of(tx, found[:ON_PAGE])
        elsewhere = await _elsewhere(tx, member, here)
    visit.frame["tab"] = "vouchers"
    more = VOUCHER.show(found[ON_PAGE - 1].voucher_id, here.city_id) if len(found) > ON_PAGE else None
    return visit.page(
        "consumer/wallet.html", tabs=tuple(TABS), shown=shown, counts=counts, tickets=tickets, more=more,
        elsewhere=elsewhere, now=visit.house.clock.now(),
    )  # fmt: skip


async def tickets_of(tx: Tx, found: Sequence[Voucher]) -> list[Ticket]:
    """The vouchers with the names of their merchants."""
    names = await merchants.merchants(tx, [voucher.merchant_id for voucher in found])
    return [Ticket(voucher, names[voucher.merchant_id].name) for voucher in found]


async def _elsewhere(tx: Tx, member: UUID, here: Here) -> list[places.City]:
    """The other cities in which the member has bought: their vouchers lie there."""
    others = {city.city_id: city for city in await places.cities(tx) if city.city_id != here.city_id}
    return [others[city_id] for city_id in await orders.cities_of_member(tx, member, list(others))]


@get("/c/{city:str}/vouchers/{voucher:str}", guards=[signed_in])
async def voucher_page(
    visit: Visiting, here: InCity, voucher: FromPath[str], new: FromQuery[bool] = False
) -> Response[str]:
    """The right itself: a code to be scanned, digits to be read aloud, where and until when."""
    now = visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        held = await own_voucher(tx, visit, here, voucher)
        units = [v for v in await vouchers.of_orders(tx, [held.order_id], city_id=here.city_id)
                 if v.line_id == held.line_id]  # fmt: skip
        (ticket,) = await tickets_of(tx, [held])
        (offer,) = await catalog.offers(tx, [held.offer_id], city_id=here.city_id)
        shelves = Shelves(await catalog.categories(tx))
        shops = await _shops(tx, held, visit, here)
        uses = await vouchers.uses_of(tx, [held.voucher_id], city_id=here.city_id)
        progress = (await orders.progress(tx, [held.offer_id], city_id=here.city_id)).get(held.offer_id)
    visit.frame["tab"] = "vouchers"
    return visit.page(
        "consumer/voucher.html", ticket=ticket, voucher=held, units=units, shops=shops, uses=uses, new=new,
        shelves=shelves, category=offer.category if offer else "", progress=progress,
        shows=shows_code(held, now), left=STEP_SECONDS - now.timestamp() % STEP_SECONDS, step=STEP_SECONDS,
        expired=now >= held.valid_to,
    )  # fmt: skip


def shows_code(voucher: Voucher, now: object) -> bool:
    """Whether there is a code to show: of what is used, given back or waits there is none."""
    return voucher.state == "valid" and now < voucher.valid_to  # type: ignore[operator]


async def _shops(tx: Tx, held: Voucher, visit: Visit, here: Here) -> list[Shop]:
    """Where it may be used, the nearest first."""
    now, stores = visit.house.clock.now(), held.store_ids
    if not stores:
        stores = tuple(s.store_id for s in await merchants.stores_of(tx, here.city_id, held.merchant_id))
    cards = await catalog.storefronts(tx, stores, city_id=here.city_id, now=now, point=here.point)
    near = sorted((card for card in cards if card is not None), key=lambda card: card.distance_m or 0)
    return await shops_of(tx, near, here=here, now=now)


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


def qr_svg(text: str) -> bytes:
    """A QR code that fills its box, black on white: scanners want it so in dark rooms too."""
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(
        picture, kind="svg", border=2, dark="#000", light="#fff", xmldecl=False, svgclass=None, lineclass=None,
        omitsize=True,
    )  # fmt: skip
    return picture.getvalue()


async def own_voucher(tx: Tx, visit: Visit, here: Here, voucher: str) -> Voucher:
    """The member's own voucher. Raises not_found for another's, as for one that does not exist."""
    voucher_id = here.read(VOUCHER, voucher)
    return sure_found(await vouchers.of_member(tx, visit.member.member_id, voucher_id, city_id=here.city_id))


ROUTES = (wallet, voucher_page, code)
