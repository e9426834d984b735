"""The past of a few demo deals: bought and used through the operations on the days before the demo began, so that a
result sheet and a forecast have something to say. Nothing is drawn: the file `city/past.toml` says who came when."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from importlib.resources import files
from uuid import UUID

from msgspec import Struct

from hutong import catalog, insight, inventory, orders, people, settlement, vouchers
from hutong.catalog import Draft, Step
from hutong.cli.demo.city_data import CityData, CityInfo, OfferData
from hutong.cli.demo.load import member_id, merchant_id, offer_id, store_id
from hutong.desk import insights, waves
from hutong.infra.db import Database, Tx
from hutong.insight import Capacity, Plan
from hutong.inventory import OpenQuota
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import PAYMENT, derive
from hutong.kit.money import Amount
from hutong.orders import Place, Placed, Schemes, Wanted
from hutong.payments import ProviderPayment
from hutong.people import AddMember
from hutong.trades.load import decode
from hutong.vouchers import Redeem

CITY, OWNER = "qinghe", "mei"
NOON = time(12, 40)
NAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"


class PastDeal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deal, how many guests took it (each `units`), the days ago on which they came in turn (only the first `early`
    of them, when given), the days on which `back` of them came again, and what the owner says of cost and hopes."""

    merchant: str
    offer: OfferData
    guests: int
    came: tuple[int, ...]
    units: int = 1
    early: int | None = None
    again: tuple[int, ...] = ()
    back: int = 0
    cost: int | None = None
    expected: int | None = None


class StoreRoom(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many vouchers a store can serve from Monday to Sunday."""

    store: str
    guests: tuple[int, int, int, int, int, int, int]


class Past(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file `city/past.toml`."""

    deals: tuple[PastDeal, ...]
    capacity: tuple[StoreRoom, ...]


class Bought(Struct, frozen=True, kw_only=True):
    """A guest buys on a day, and uses one unit at once unless he keeps them all."""

    deal: PastDeal
    guest: int
    turn: int
    use: bool

    @property
    def key(self) -> str:
        return f"past/{self.deal.offer.slug}/{self.guest}/{self.turn}"

    @property
    def member(self) -> UUID:
        return member_id(guest_key(self.deal, self.guest))

    def id(self, what: str) -> UUID:
        return derive(self.member, f"{what}/{self.key}")


def guest_key(deal: PastDeal, number: int) -> str:
    return f"past-{deal.offer.slug}-{number}"


def read_past() -> Past:
    """What happened. Raises BadData."""
    path = files("hutong.cli.demo").joinpath("city/past.toml")
    return decode(path.read_bytes(), Past, source="past.toml")


def days_of(past: Past) -> dict[int, list[Bought]]:
    """Who buys how many days ago, the longest ago first."""
    found: dict[int, list[Bought]] = {}
    for deal in past.deals:
        for guest in range(deal.guests):
            day = deal.came[guest % len(deal.came)]
            use = deal.early is None or guest < deal.early
            found.setdefault(day, []).append(Bought(deal=deal, guest=guest, turn=0, use=use))
        for guest in range(deal.back):
            day = deal.again[guest % len(deal.again)]
            found.setdefault(day, []).append(Bought(deal=deal, guest=guest, turn=1, use=True))
    return dict(sorted(found.items(), reverse=True))


async def live_through(db: Database, data: CityData, schemes: Schemes, *, now: datetime) -> int:
    """Let it have happened; how many guests came. For a freshly loaded demo."""
    past, city = read_past(), data.city(CITY)
    today, count = local_day(now, city.zone), 0
    async with db.central() as tx:
        await people.add_members(tx, _members(past), now=now)
    for deal in past.deals:
        begins = day_start(today + timedelta(days=deal.offer.sale.from_days), city.zone)
        async with db.city(city.city_id) as tx:
            await _publish(tx, data, city, deal, begins)
    for days, bought in days_of(past).items():
        at = day_start(today - timedelta(days=days), city.zone) + timedelta(hours=NOON.hour, minutes=NOON.minute)
        async with db.city(city.city_id) as tx:
            count += await _one_day(tx, bought, schemes, city, at)
    async with db.city(city.city_id) as tx:
        await _said(tx, past, city, now)
    over = [deal for deal in past.deals if deal.offer.sale.to_days <= 0]
    async with db.city(city.city_id) as tx:
        steps = [Step(offer_id=offer_id(d.merchant, d.offer.slug), by=None, reason="sale_over") for d in over]
        await catalog.end(tx, steps, city_id=city.city_id, now=now)
    await insights.rebuild(db, city.city_id, now)
    await insights.judge_deals(db, city.city_id, now)
    await waves.watch(db, city.city_id, now)
    return count


def _members(past: Past) -> list[AddMember]:
    keys = [guest_key(deal, number) for deal in past.deals for number in range(deal.guests)]
    return [
        AddMember(
            member_id=member_id(key), phone=f"+861990008{number:04d}", name=f"{NAMES[number % len(NAMES)]}街坊",
            language="zh",
        )
        for number, key in enumerate(keys)
    ]  # fmt: skip


async def _publish(tx: Tx, data: CityData, city: CityInfo, deal: PastDeal, at: datetime) -> None:
    """The deal with its stock, on sale from the day on which it was."""
    merchant = next(m for m in data.merchants if m.slug == deal.merchant)
    offer, own = deal.offer, offer_id(deal.merchant, deal.offer.slug)
    first = local_day(at, city.zone) - timedelta(days=offer.sale.from_days)  # the day of loading
    draft = Draft(
        offer_id=own, merchant_id=merchant_id(deal.merchant), by=member_id(OWNER), category=merchant.category,
        trade=merchant.trade, title=offer.title, summary=offer.summary, included=offer.included.lines(),
        price=Amount(offer.price, city.currency), list_price=Amount(offer.list_price, city.currency),
        terms=data.terms(merchant, offer).dated(first), quota_id=derive(own, "quota"), sale_from=at,
        sale_to=day_start(first + timedelta(days=offer.sale.to_days), city.zone),
        store_ids=tuple(store_id(store.slug) for store in data.stores_for(merchant, offer)),
    )  # fmt: skip
    quota = OpenQuota(quota_id=derive(own, "quota"), label=offer.title.zh, total=offer.quota)
    await inventory.open_quotas(tx, [quota], city_id=city.city_id, now=at)
    await catalog.publish(tx, [draft], city_id=city.city_id, now=at)


async def _one_day(tx: Tx, bought: Sequence[Bought], schemes: Schemes, city: CityInfo, at: datetime) -> int:
    where = {"city_id": city.city_id, "now": at}
    places = [
        Place(
            order_id=one.id("order"), payment_id=one.id("payment"), member_id=one.member,
            member_name=f"{NAMES[one.guest % len(NAMES)]}街坊", phone_tail="0000",
            wants=(Wanted(offer_id(one.deal.merchant, one.deal.offer.slug), one.deal.units),), provider="sandbox",
        )
        for one in bought
    ]  # fmt: skip
    placed = await orders.place(tx, places, schemes=schemes, hold_for=timedelta(minutes=15), **where)
    heard = [
        ProviderPayment(
            out_no=PAYMENT.show(one.payment_id, city.city_id), state="captured", amount=one.total,
            provider_no=f"D{one.payment_id.hex}",
        )
        for one in placed if isinstance(one, Placed)
    ]  # fmt: skip
    await orders.receive(tx, heard, **where)
    units = await vouchers.of_orders(tx, [one.order_id for one in places], city_id=city.city_id)
    held = {unit.order_id: unit for unit in reversed(units)}
    uses = [_use(one, held[one.id("order")]) for one in bought if one.use and one.id("order") in held]
    done = await settlement.redeem(tx, uses, **where)
    return sum(isinstance(one, vouchers.Redeemed) for one in done)


def _use(one: Bought, unit: vouchers.Voucher) -> Redeem:
    return Redeem(
        redemption_id=one.id("redemption"), request_no=f"demo-{one.id('redemption').hex}",
        merchant_id=merchant_id(one.deal.merchant), store_id=store_id(one.deal.offer.stores[0]),
        staff_id=member_id(OWNER), presented=unit.code, staff_name="小梅", store_name="巷口面吧",
    )  # fmt: skip


async def _said(tx: Tx, past: Past, city: CityInfo, now: datetime) -> None:
    """What the owner says of his deals and his stores."""
    plans = [
        Plan(
            offer_id=offer_id(deal.merchant, deal.offer.slug), merchant_id=merchant_id(deal.merchant),
            cost_units=deal.cost, expected_bps=None if deal.expected is None else deal.expected * 100,
            by=member_id(OWNER),
        )
        for deal in past.deals
    ]  # fmt: skip
    rooms = [
        Capacity(
            store_id=store_id(room.store), merchant_id=merchant_id(past.deals[0].merchant), weekday=day, guests=guests,
            by=member_id(OWNER),
        )
        for room in past.capacity
        for day, guests in enumerate(room.guests)
    ]  # fmt: skip
    await insight.plan(tx, plans, city_id=city.city_id, now=now)
    await insight.set_capacities(tx, rooms, city_id=city.city_id, now=now)
