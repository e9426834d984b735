"""The gift mall of the demo: eight gifts of three partners, a member whose points end soon, a parcel to send."""

import asyncio
from datetime import datetime, timedelta
from secrets import token_bytes
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import catalog, inventory, mall, merchants, programmes
from hutong.catalog import Draft, Gift, Span
from hutong.cli.demo.alliance import CITY, CURRENCY, GRAINS
from hutong.cli.demo.gift_paint import gift_picture
from hutong.cli.demo.load import member_id, merchant_id, store_id
from hutong.infra.db import Database, Tx
from hutong.infra.files import Files
from hutong.inventory import OpenQuota
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.mall import Address, Exchange, Way
from hutong.orders import Place, Schemes
from hutong.programmes import Earn, Partner, Source

ZONE = "Asia/Shanghai"
LONG_AGO = timedelta(days=353)  # points of then end in twelve days
HOLD = timedelta(minutes=15)


class Offered(Struct, frozen=True, kw_only=True):
    """A gift: whose, what, for how many points and how much cash (fen), what its supplier is paid."""

    slug: str
    merchant: str
    stores: tuple[str, ...]
    title: Text
    summary: Text
    points: int
    cash: int = 0
    cost: int
    stock: int = 60
    ways: tuple[Way, ...] = ("pickup",)
    most: int | None = None
    span: Span = "ever"


NOODLES = {"merchant": "noodle-bar", "stores": ("noodle-bar-lantern",)}
EAVES = {"merchant": "under-eaves", "stores": ("under-eaves-flagstone", "under-eaves-academy")}
JOYS = {"merchant": "four-joys", "stores": ("four-joys-drum",)}
OFFERED = (
    Offered(
        slug="paper", title=Text(zh="手剪窗花一张", en="A paper-cut for your window"), points=40, cost=200, stock=2,
        summary=Text(zh="隔壁陈奶奶剪的，每张不一样。", en="Cut by Grandma Chen next door; no two are alike."), **JOYS,
    ),
    Offered(
        slug="egg", title=Text(zh="卤蛋加一份", en="A braised egg on top"), points=60, cost=300, most=1, span="day",
        summary=Text(zh="任意一碗面加一份老卤卤蛋。", en="With any bowl of noodles."), **NOODLES,
    ),
    Offered(
        slug="coffee", title=Text(zh="现磨美式一杯", en="A cup of coffee"), points=190, cost=900, most=4, span="month",
        summary=Text(zh="热的冰的都行，自家烘的豆。", en="Hot or iced, from our own roast."), **EAVES,
    ),
    Offered(
        slug="tote", title=Text(zh="屋檐帆布袋", en="Canvas bag with the eaves"), points=260, cash=500, cost=1_700,
        summary=Text(zh="十二安帆布，装得下一周的菜。", en="Heavy canvas that holds a week of vegetables."),
        ways=("pickup", "delivery"), most=2, span="year", **EAVES,
    ),
    Offered(
        slug="noodles", title=Text(zh="红烧牛肉面一碗", en="A bowl of braised beef noodles"), points=360, cost=1_800,
        summary=Text(zh="现拉的面，慢炖的牛腩。", en="Pulled to order, with slow-cooked brisket."), **NOODLES,
    ),
    Offered(
        slug="drip", title=Text(zh="挂耳咖啡十包", en="Ten drip bags of coffee"), points=380, cash=990, cost=2_800,
        summary=Text(zh="下单当周烘，随手一杯。", en="Roasted in the week you order."),
        ways=("pickup", "delivery"), **EAVES,
    ),
    Offered(
        slug="bowl", title=Text(zh="青花大面碗", en="The big blue-and-white bowl"), points=480, cost=2_400, stock=24,
        summary=Text(zh="店里用的同款，景德镇手绘。", en="Just as in the shop, painted by hand."),
        ways=("pickup", "delivery"), most=2, span="year", **NOODLES,
    ),
    Offered(
        slug="box", title=Text(zh="四喜年礼盒", en="Four Joys hamper"), points=900, cash=1_900, cost=6_200, stock=12,
        summary=Text(zh="四样卤味，冷链寄到家。", en="Four braised dishes, sent chilled."), ways=("delivery",), **JOYS,
    ),
)  # fmt: skip


async def hang_gifts(db: Database, files: Files, schemes: Schemes, *, key: bytes, now: datetime) -> int:
    """The gifts of the alliance, with their pictures, and what Ann has had of them; how many gifts. `key` seals
    addresses. Call it once, after the alliance was formed."""
    names: dict[str, str] = {}
    for one in OFFERED:
        names[one.slug] = await files.put(await asyncio.to_thread(gift_picture, one.slug), "image/webp")
    await db.run_city(CITY, lambda tx: _publish(tx, names, now))
    await db.run_city(CITY, lambda tx: _long_ago(tx, now))
    await db.run_city(CITY, lambda tx: _have(tx, schemes, key, now))
    return len(OFFERED)


def gift_id(slug: str) -> UUID:
    return derive(GRAINS, f"gift/{slug}")


async def _publish(tx: Tx, pictures: dict[str, str], now: datetime) -> None:
    today = local_day(now, ZONE)
    homes = await merchants.merchants(tx, [merchant_id(one.merchant) for one in OFFERED])
    shops = await merchants.stores(tx, CITY, [store_id(store) for one in OFFERED for store in one.stores])
    quotas = [OpenQuota(quota_id=derive(gift_id(o.slug), "quota"), label=o.title.zh, total=o.stock) for o in OFFERED]
    drafts = [
        Draft(
            offer_id=gift_id(one.slug), merchant_id=merchant_id(one.merchant), by=None, scheme="alliance",
            category=shops[store_id(one.stores[0])].category, trade=homes[merchant_id(one.merchant)].trade,
            title=one.title, summary=one.summary, price=Amount(one.cash, CURRENCY),
            list_price=Amount(max(one.cash, one.cost), CURRENCY), terms=Terms(valid_days=90),
            form=Gift(
                programme_id=GRAINS, points=one.points, cost_units=one.cost, pickup="pickup" in one.ways,
                delivery="delivery" in one.ways, most=one.most, span=one.span, picture=pictures[one.slug],
            ),
            store_ids=tuple(store_id(store) for store in one.stores), quota_id=quota.quota_id, per_order_max=5,
            sale_from=day_start(today - timedelta(days=14), ZONE), sale_to=day_start(today + timedelta(days=150), ZONE),
        )
        for one, quota in zip(OFFERED, quotas, strict=True)
    ]  # fmt: skip
    await inventory.open_quotas(tx, quotas, city_id=CITY, now=now)
    _sure(await catalog.publish(tx, drafts, city_id=CITY, now=now))


async def _long_ago(tx: Tx, now: datetime) -> None:
    """A laundry that has been in it from the first year, where Ann earned what ends soon; and a rescue for animals."""
    then = now - LONG_AGO
    partners = [
        Partner(
            programme_id=GRAINS, partner_id=merchant_id("white-cloud"), name=Text(zh="白云洗衣", en="White Cloud"),
            home_city=CITY, mode="postpaid", limit_units=100_000, joined_at=then - timedelta(days=30),
        ),
        Partner(
            programme_id=GRAINS, partner_id=merchant_id("furball"), home_city=CITY, mode="postpaid",
            name=Text(zh="毛球流浪猫之家", en="Furball cat rescue"), accrues=False, charity=True,
            joined_at=then - timedelta(days=30),
        ),
    ]  # fmt: skip
    _sure(await programmes.join_partners(tx, partners, by=member_id("pat"), now=then - timedelta(days=30)))
    earns = [
        Earn(
            movement_id=derive(GRAINS, f"old/{n}"), programme_id=GRAINS, member_id=member_id("ann"),
            partner_id=merchant_id("white-cloud"), city_id=CITY, store_id=None,
            source=Source("grant", derive(GRAINS, f"old/{n}/source")), amount=Amount(units, CURRENCY),
            at=then + timedelta(days=days),
        )
        for n, (units, days) in enumerate(((96_000, 0), (38_000, 21)))
    ]  # fmt: skip
    _sure(await programmes.earn(tx, earns, now=then + timedelta(days=22)))
    while await programmes.mature(tx, programme_id=GRAINS, now=now):
        pass


async def _have(tx: Tx, schemes: Schemes, key: bytes, now: datetime) -> None:
    """Ann took the last two paper-cuts; a bowl is to be sent to her."""
    there = Address(name="安小姐", phone="199 0000 0001", line="清河市老城区青石板路 21 号院 3 单元 402")
    bowl = derive(GRAINS, "had/bowl")
    sealed = mall.seal(there, key=key, order_id=bowl, nonce=token_bytes(12))
    asks = [_wish("paper", 2), _wish("bowl", 1, sealed=sealed)]
    _sure(await mall.exchange(tx, asks, city_id=CITY, now=now, schemes=schemes, hold_for=HOLD))


def _wish(slug: str, units: int, *, sealed: bytes | None = None) -> Exchange:
    order_id = derive(GRAINS, f"had/{slug}")
    place = Place(
        order_id=order_id, payment_id=derive(order_id, "payment"), member_id=member_id("ann"), member_name="小安",
        phone_tail="0001", wants=(),
    )  # fmt: skip
    way: Way = "delivery" if sealed else "pickup"
    return Exchange(place=place, offer_id=gift_id(slug), units=units, way=way, sealed=sealed)


def _sure(results: list[Any]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            raise result
