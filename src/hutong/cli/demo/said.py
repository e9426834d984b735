"""What neighbours say in the demo: bought, paid, used and reviewed through the operations, on the days before it began.

Pages look alive at once, and nothing about it is drawn: each review has its order, its voucher and its redemption in
the books. The money is what the provider is said to have captured; SandboxPay itself was not asked.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from importlib.resources import files
from uuid import UUID

from msgspec import Struct

from hutong import orders, people, reviews, settlement, vouchers
from hutong.cli.demo.city_data import CityData
from hutong.cli.demo.load import member_id, merchant_id, offer_id, store_id
from hutong.infra.db import Database, Tx
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import PAYMENT, derive
from hutong.kit.masks import mask_name
from hutong.orders import Place, Placed, Schemes, Wanted
from hutong.payments import ProviderPayment
from hutong.people import AddMember
from hutong.reviews import Content, Reply, Write
from hutong.trades.load import decode
from hutong.vouchers import Redeem, Redeemed

CITY = "qinghe"
NOON, EVENING = time(12, 20), timedelta(hours=6)  # of use; from there to the review


class Guest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A neighbour who buys and says what it was like."""

    key: str
    name: str
    phone: str

    @property
    def language(self) -> str:
        return "en" if self.name.isascii() else "zh"


class Visited(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A visit so many days before the demo began, and what was said of it."""

    guest: str
    merchant: str
    offer: str
    days: int
    stars: int
    words: str
    tags: tuple[str, ...] = ()
    reply: str = ""

    @property
    def key(self) -> str:
        return f"{self.guest}/{self.merchant}/{self.offer}"


class Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file `city/said.toml`."""

    guests: tuple[Guest, ...]
    visits: tuple[Visited, ...]


def read_said() -> Told:
    """What was said. Raises BadData."""
    path = files("hutong.cli.demo").joinpath("city/said.toml")
    return decode(path.read_bytes(), Told, source="said.toml")


async def tell(db: Database, data: CityData, schemes: Schemes, *, now: datetime) -> int:
    """Let the visits of the demo have happened; how many reviews there are afterwards. For a freshly loaded demo."""
    told, city = read_said(), data.city(CITY)
    asks = [
        AddMember(member_id=member_id(g.key), phone=g.phone, name=g.name, language=g.language) for g in told.guests
    ]  # fmt: skip
    async with db.central() as tx:
        await people.add_members(tx, asks, now=now)
    today, count = local_day(now, city.zone), 0
    for days in sorted({visit.days for visit in told.visits}, reverse=True):
        at = day_start(today - timedelta(days=days), city.zone) + timedelta(hours=NOON.hour, minutes=NOON.minute)
        visits = [visit for visit in told.visits if visit.days == days]
        async with db.city(city.city_id) as tx:
            count += await _one_day(tx, data, told, visits, schemes, at)
    return count


async def _one_day(
    tx: Tx, data: CityData, told: Told, visits: Sequence[Visited], schemes: Schemes, at: datetime
) -> int:
    city_id, guests = data.city(CITY).city_id, {guest.key: guest for guest in told.guests}
    where = {"city_id": city_id, "now": at}
    places = [_place(visit, guests[visit.guest]) for visit in visits]
    placed = await orders.place(tx, places, schemes=schemes, hold_for=timedelta(minutes=15), **where)
    heard = [
        ProviderPayment(
            out_no=PAYMENT.show(one.payment_id, city_id), state="captured", amount=one.total,
            provider_no=f"D{one.payment_id.hex}",
        )
        for one in placed if isinstance(one, Placed)
    ]  # fmt: skip
    await orders.receive(tx, heard, **where)
    held = {unit.order_id: unit for unit in await vouchers.of_orders(tx, [p.order_id for p in places], city_id=city_id)}
    uses = [_use(data, visit, unit) for visit in visits if (unit := held.get(_id(visit, "order"))) is not None]
    used = {one.order_id for one in await settlement.redeem(tx, uses, **where) if isinstance(one, Redeemed)}
    writes = [
        _write(visit, guests[visit.guest], held[_id(visit, "order")].voucher_id)
        for visit in visits if _id(visit, "order") in used
    ]  # fmt: skip
    done = await reviews.write(tx, writes, city_id=city_id, now=at + EVENING)
    answers = [
        Reply(review_id=_id(visit, "review"), by=_owner(visit), words=visit.reply)
        for visit in visits if visit.reply and _id(visit, "order") in used
    ]  # fmt: skip
    await reviews.reply(tx, answers, city_id=city_id, now=at + EVENING + timedelta(hours=2))
    return sum(isinstance(one, reviews.Done) for one in done)


def _id(visit: Visited, what: str) -> UUID:
    return derive(member_id(visit.guest), f"{what}/{visit.key}")


def _owner(visit: Visited) -> UUID:
    return member_id("mei") if visit.merchant == "noodle-bar" else derive(merchant_id(visit.merchant), "staff")


def _place(visit: Visited, guest: Guest) -> Place:
    return Place(
        order_id=_id(visit, "order"), payment_id=_id(visit, "payment"), member_id=member_id(guest.key),
        member_name=guest.name, phone_tail=guest.phone[-4:], wants=(Wanted(offer_id(visit.merchant, visit.offer), 1),),
        provider="sandbox", channel="web",
    )  # fmt: skip


def _use(data: CityData, visit: Visited, unit: vouchers.Voucher) -> Redeem:
    """At the first store of the merchant that takes the deal."""
    merchant = next(m for m in data.merchants if m.slug == visit.merchant)
    offer = next(o for o in merchant.offers if o.slug == visit.offer)
    store = data.stores_for(merchant, offer)[0]
    return Redeem(
        redemption_id=_id(visit, "redemption"), request_no=f"demo-{_id(visit, 'redemption').hex}",
        merchant_id=merchant_id(merchant.slug), store_id=store_id(store.slug), staff_id=_owner(visit),
        presented=unit.code, staff_name=merchant.name.zh, store_name=store.name.zh,
    )  # fmt: skip


def _write(visit: Visited, guest: Guest, voucher_id: UUID) -> Write:
    return Write(
        review_id=_id(visit, "review"), voucher_id=voucher_id, member_id=member_id(guest.key),
        author=mask_name(guest.name), language=guest.language,
        content=Content(stars=visit.stars, tags=visit.tags, words=visit.words),
    )  # fmt: skip
