"""The wallet: what a member holds, by what has become of it."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response, get
from litestar.params import FromQuery
from msgspec import Struct, structs

from hutong import catalog, merchants, orders, places, reviews, vouchers
from hutong.catalog import Stamp, StoreCard
from hutong.infra.db import Tx
from hutong.kit.ids import VOUCHER
from hutong.kit.text import Text
from hutong.vouchers import TABS, Tab, Voucher
from hutong.web.consumer.here import Cursor, Here, InCity
from hutong.web.consumer.shelves import Shelves
from hutong.web.shared.guards import signed_in
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE = 20
AT_THE_DOOR = 500  # metres within which a located reader is taken to stand at the shop
GIFTED = "gifted"
ALL_TABS = (*TABS, GIFTED)
SOON = 7  # days before its end from which a voucher says so


class Ticket(Struct, frozen=True):
    """A voucher with the name of the shop. `near`: the store that accepts it nearest to the reader. `stamps`: what it
    counts are stamps that fill up, not uses that are left."""

    voucher: Voucher
    merchant: Text
    category: str = ""
    near: StoreCard | None = None
    stamps: bool = False

    @property
    def at_the_door(self) -> bool:
        """Whether the reader stands before a store that accepts it."""
        return self.near is not None and (self.near.distance_m or 0) <= AT_THE_DOOR


@get("/c/{city:str}/vouchers", guards=[signed_in])
async def wallet(visit: Visiting, here: InCity, tab: FromQuery[str] = "unused", after: Cursor = None) -> Response[str]:
    """The member's vouchers of this city. What can be used: here first, then what ends first; the rest newest first."""
    if tab == GIFTED:
        return await _gifted(visit, here)
    shown: Tab = tab if tab in TABS else "unused"  # type: ignore[assignment]
    member, now = visit.member.member_id, visit.house.clock.now()
    last = here.read(VOUCHER, after) if after else None
    async with visit.house.db.reading(here.city_id) as tx:
        counts = await vouchers.wallet_counts(tx, member, city_id=here.city_id)
        given = await vouchers.count_given(tx, member, city_id=here.city_id)
        page = {"city_id": here.city_id, "after": last, "limit": ON_PAGE + 1}
        if shown == "unused":
            found = await vouchers.ending_first(tx, member, **page)  # type: ignore[arg-type]
        else:
            found = await vouchers.wallet(tx, member, tab=shown, **page)  # type: ignore[arg-type]
        tickets = await tickets_of(tx, found[:ON_PAGE])
        if shown == "unused":
            tickets = await _with_stores(tx, tickets, here, visit)
        shelves = Shelves(await catalog.categories(tx))
        used = [ticket.voucher.line_id for ticket in tickets if shown == "used"]
        unreviewed = await reviews.unreviewed(tx, used, city_id=here.city_id) if used else set()
        elsewhere = await _elsewhere(tx, member, here)
    visit.frame["tab"] = "vouchers"
    more = VOUCHER.show(found[ON_PAGE - 1].voucher_id, here.city_id) if len(found) > ON_PAGE else None
    return visit.page(
        "consumer/wallet.html", tabs=ALL_TABS, shown=shown, counts=counts | {GIFTED: given}, more=more, now=now,
        elsewhere=elsewhere,
        here_now=[t for t in tickets if t.at_the_door], tickets=[t for t in tickets if not t.at_the_door],
        shelves=shelves, soon=SOON, unreviewed=unreviewed,
    )  # fmt: skip


async def _gifted(visit: Visit, here: Here) -> Response[str]:
    """What the member has given away, or has on its way to a friend."""
    member, now = visit.member.member_id, visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        counts = await vouchers.wallet_counts(tx, member, city_id=here.city_id)
        gifts = await vouchers.given_by(tx, member, city_id=here.city_id)
        names = await merchants.merchants(tx, [gift.merchant_id for gift in gifts])
    visit.frame["tab"] = "vouchers"
    return visit.page(
        "consumer/wallet.html", tabs=ALL_TABS, shown=GIFTED, counts=counts | {GIFTED: len(gifts)}, gifts=gifts,
        shops={i: merchant.name for i, merchant in names.items()}, now=now, here_now=[], tickets=[], elsewhere=[],
    )  # fmt: skip


async def tickets_of(tx: Tx, found: Sequence[Voucher]) -> list[Ticket]:
    """The vouchers with the names of their merchants and the shelves they stand on."""
    names = await merchants.merchants(tx, [voucher.merchant_id for voucher in found])
    city_id = found[0].city_id if found else 0
    offers = await catalog.offers(tx, [voucher.offer_id for voucher in found], city_id=city_id) if found else []
    return [
        Ticket(
            voucher,
            names[voucher.merchant_id].name,
            offer.category if offer else "",
            stamps=offer is not None and isinstance(offer.form, Stamp),
        )
        for voucher, offer in zip(found, offers, strict=True)
    ]


async def _with_stores(tx: Tx, tickets: Sequence[Ticket], here: Here, visit: Visiting) -> list[Ticket]:
    """Of a reader who has told where he is: with the nearest store of each voucher that can be used."""
    if not here.located:
        return list(tickets)
    wanted = {store_id for ticket in tickets for store_id in ticket.voucher.store_ids}
    cards = await catalog.storefronts(
        tx, sorted(wanted), city_id=here.city_id, now=visit.house.clock.now(), point=here.point
    )
    known = {card.store_id: card for card in cards if card is not None}
    return [_near(ticket, known) for ticket in tickets]


def _near(ticket: Ticket, known: dict[UUID, StoreCard]) -> Ticket:
    mine = [known[store_id] for store_id in ticket.voucher.store_ids if store_id in known]
    if not mine or ticket.voucher.state != "valid":
        return ticket
    return structs.replace(ticket, near=min(mine, key=lambda card: card.distance_m or 0))


async def _elsewhere(tx: Tx, member: UUID, here: Here) -> list[places.City]:
    """The other cities in which the member has bought: their vouchers lie there."""
    others = {city.city_id: city for city in await places.cities(tx) if city.city_id != here.city_id}
    return [others[city_id] for city_id in await orders.cities_of_member(tx, member, list(others))]


ROUTES = (wallet,)
