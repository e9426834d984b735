"""The alliance of the demo: one programme, three partners, and a few days of bills at their counters.

Mei's Noodle Bar has paid a block in, Four Joys has almost used its own up, Under the Eaves pays later. Ann and Bo
collect and spend; one purchase misses its points, one bill is undone, and Tao puts his own code on guests' bills.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import merchants, people, programmes, till
from hutong.cli.demo.load import BEGINNING, ROOT, member_id, merchant_id, store_id
from hutong.infra.db import Database, Tx
from hutong.kit.ids import PAYMENT, derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.merchants import FormChain, InChain
from hutong.payments import ProviderPayment
from hutong.people import Present, TakeBadge, badge_text, fresh_badge_secret
from hutong.programmes import Partner, Policy, Programme, Rate, Tier
from hutong.till import Bill, BuyBlock, Guest, Settle, Undo

CITY, CURRENCY = 1, "CNY"
GRAINS = derive(ROOT, "programme/grains")
ALERT = 2_000


class Joined(Struct, frozen=True, kw_only=True):
    """A partner: what he pays in (prepaid), or may owe."""

    merchant: str
    name: Text
    block: int = 0
    limit: int = 0


class Sold(Struct, frozen=True, kw_only=True):
    """A bill of so many days and hours ago: where, for whom (by code, or by number), with how many points."""

    ago: tuple[int, int]
    store: str
    merchant: str
    staff: str
    guest: str
    units: int
    points: int = 0
    by_number: bool = False
    undone: bool = False


JOINED = (
    Joined(merchant="noodle-bar", name=Text(zh="巷口面吧", en="Noodle Bar"), block=18_000),
    Joined(merchant="four-joys", name=Text(zh="四喜饺子铺", en="Four Joys Dumplings"), block=1_200),
    Joined(merchant="under-eaves", name=Text(zh="檐下咖啡", en="Under the Eaves Coffee"), limit=30_000),
)
COUNTERS = {
    "noodle-bar-lantern": "巷口面吧（灯笼巷店）", "four-joys-drum": "四喜饺子铺（鼓楼店）",
    "under-eaves-flagstone": "檐下咖啡（青石板店）",
}  # fmt: skip
LANTERN: dict[str, Any] = {"store": "noodle-bar-lantern", "merchant": "noodle-bar", "staff": "tao"}
SOLD = (
    Sold(ago=(9, 5), guest="ann", units=16_800, **LANTERN),
    Sold(ago=(8, 3), guest="bo", units=8_850, **LANTERN),
    Sold(ago=(6, 4), guest="ann", units=12_000, by_number=True, **LANTERN),
    Sold(ago=(5, 3), guest="tao", units=9_900, **LANTERN),
    Sold(ago=(5, 2), guest="tao", units=7_600, **LANTERN),
    Sold(ago=(4, 4), guest="ann", units=5_600, points=120, **LANTERN),
    Sold(ago=(3, 5), guest="bo", units=6_600, undone=True, **LANTERN),
    Sold(ago=(2, 4), guest="bo", units=4_200, points=60, **LANTERN),
    Sold(ago=(1, 7), store="four-joys-drum", merchant="four-joys", staff="mei", guest="ann", units=8_800),
    Sold(ago=(1, 5), guest="ann", units=13_900, **LANTERN),
)


async def form_alliance(db: Database, *, now: datetime) -> int:
    """The programme with its partners, and what happened at their counters; how many bills. Call it once, after the
    cities are loaded."""
    await db.run_city(CITY, lambda tx: _form(tx, now))
    for joined in JOINED:
        if joined.block:
            await db.run_city(CITY, lambda tx, one=joined: pay_in(tx, one, now - timedelta(days=10)))
    done = 0
    for sold in SOLD:
        days, hours = sold.ago
        at = now - timedelta(days=days, hours=hours)
        await sell(db, sold, at)
        await mature(db, at + timedelta(days=1))
        done += 1
    await _chain(db, now)
    return done


async def _chain(db: Database, now: datetime) -> None:
    """Noodle Bar is the head office of a small chain: Four Joys has let it in, Under the Eaves has been asked."""
    mei, chain_id = member_id("mei"), derive(ROOT, "chain/lane")
    name = Text(zh="灯笼巷小馆", en="Lantern Lane Kitchens")
    ask = FormChain(chain_id=chain_id, head_id=merchant_id("noodle-bar"), name=name, by=mei)
    shops = [InChain(chain_id=chain_id, merchant_id=merchant_id(one), by=mei) for one in ("four-joys", "under-eaves")]
    async with db.central() as tx:
        await merchants.form_chains(tx, [ask], now=now - timedelta(days=20))
        await merchants.ask_shops(tx, shops, now=now - timedelta(days=19))
        await merchants.join_chains(tx, shops[:1], now=now - timedelta(days=18))


async def _form(tx: Tx, now: datetime) -> None:
    programme = Programme(
        programme_id=GRAINS, asset="GRAIN", currency=CURRENCY, face_units=5, name=Text(zh="麦粒", en="Grains"),
        zone="Asia/Shanghai", cities=frozenset({CITY}), state="draft",
    )  # fmt: skip
    policy = Policy(
        programme_id=GRAINS, version=1, rate=Rate(points=1, per_units=100), pending_days=0, life_days=365,
        redemption_bps=9_500, valid_from=BEGINNING,
        tiers=(
            Tier(name=Text(zh="常客", en="Regular"), growth=0, earn_bps=10_000),
            Tier(name=Text(zh="老友", en="Old friend"), growth=500, earn_bps=12_000),
        ),
    )  # fmt: skip
    _sure(await programmes.save_programmes(tx, [programme], by=member_id("pat"), now=BEGINNING))
    _sure(await programmes.set_policies(tx, [policy], now=BEGINNING))
    _sure(await programmes.open_programmes(tx, [GRAINS], by=member_id("pat"), now=BEGINNING))
    partners = [
        Partner(
            programme_id=GRAINS, partner_id=merchant_id(one.merchant), name=one.name, home_city=CITY,
            mode="prepaid" if one.block else "postpaid", limit_units=one.limit, alert_units=ALERT,
            joined_at=now - timedelta(days=56),
        )
        for one in JOINED
    ]  # fmt: skip
    joined = await programmes.join_partners(tx, partners, by=member_id("pat"), now=now - timedelta(days=56))
    _sure(joined)


async def pay_in(tx: Tx, joined: Joined, at: datetime, name: str = "") -> None:
    """A block, paid at the provider as everything is."""
    merchant = merchant_id(joined.merchant)
    block, amount = derive(GRAINS, f"block/{joined.merchant}{name}"), Amount(joined.block, CURRENCY)
    payment = derive(block, "payment")
    ask = BuyBlock(
        block_id=block, programme_id=GRAINS, merchant_id=merchant, by=member_id("mei"), amount=amount,
        provider="sandbox", payment_id=payment,
    )  # fmt: skip
    _sure(await till.buy_blocks(tx, [ask], city_id=CITY, now=at))
    paid = ProviderPayment(
        out_no=PAYMENT.show(payment, CITY), state="captured", provider_no=f"D{payment}", amount=amount, at=at
    )
    await till.receive(tx, [paid], city_id=CITY, now=at)


async def sell(db: Database, sold: Sold, at: datetime) -> None:
    """A bill at a counter, with the points it gave and took."""
    member, staff = member_id(sold.guest), member_id(sold.staff)
    guest = Guest(way="phone", member_id=member) if sold.by_number else await _shows(db, sold, member, staff, at)
    bill_id = derive(GRAINS, f"bill/{sold.merchant}/{sold.ago}")
    ask = Settle(
        bill_id=bill_id, event_id=f"demo/{sold.ago[0]}/{sold.ago[1]}", merchant_id=merchant_id(sold.merchant),
        store_id=store_id(sold.store), staff_id=staff, staff_name="小涛",
        store_name=COUNTERS.get(sold.store, sold.store), amount=Amount(sold.units, CURRENCY), guest=guest,
        points=sold.points,
    )  # fmt: skip

    async def work(tx: Tx) -> None:
        (bill,) = await till.settle(tx, [ask], city_id=CITY, now=at)
        if not isinstance(bill, Bill):
            raise TypeError(bill)
        await till.earn_due(tx, [bill.bill_id], city_id=CITY, now=at)
        if sold.undone:
            undo = Undo(bill_id=bill_id, merchant_id=bill.merchant_id, by=staff, reason="mistake")
            _sure(await till.undo(tx, [undo], city_id=CITY, now=at + timedelta(minutes=4)))

    await db.run_city(CITY, work)


async def _shows(db: Database, sold: Sold, member: UUID, staff: UUID, at: datetime) -> Guest:
    """The guest shows the code of that moment."""
    async with db.central() as tx:
        (badge,) = await people.take_badges(tx, [TakeBadge(member, fresh_badge_secret())], now=at)
    ask = Present(presented=badge_text(badge, at), store_id=store_id(sold.store), staff_id=staff)
    async with db.reading(CITY) as tx:
        (found,) = await people.present_badges(tx, [ask], now=at)
    if isinstance(found, Refusal):
        raise found
    return Guest(way="code", member_id=member, proof=found.proof)


async def mature(db: Database, at: datetime) -> None:
    """Points that were pending become available, as they do every night."""
    while await db.run_city(CITY, lambda tx: programmes.mature(tx, programme_id=GRAINS, now=at)):
        pass


def _sure(results: Sequence[Any]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            raise result
