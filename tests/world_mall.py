"""The town's alliance: Noodle Bar gives grains and offers gifts for them, Four Joys takes donations, Ann is rich.

Also a set of its own for tests of pages: `an_alliance_in(house)`.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import catalog, inventory, ledger, mall, merchants, programmes
from hutong.catalog import Draft, Gift, Offer
from hutong.desk import malling
from hutong.infra.ids import new_id
from hutong.inventory import OpenQuota
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.ledger import Account, Book, Transfer, chart
from hutong.mall import Address
from hutong.merchants import FormChain, InChain
from hutong.programmes import Caps, Earn, Partner, Policy, Programme, Source, Tier

THERE = Address(name="安小姐", phone="19900000001", line="清河市青石板路 21 号院 3 单元 402")
FACE = 5


async def an_alliance_in(house: Any, **caps: Any) -> UUID:
    """Grains (five fen each) at Noodle Bar and, as a charity, Four Joys. The gifts stand in `town.offers`."""
    town, now = house.town, house.clock.now()
    began = now - timedelta(days=30)
    programme = Programme(
        programme_id=new_id(), asset="GRAIN", currency="CNY", face_units=FACE, name=Text(zh="麦粒", en="Grains"),
        zone="Asia/Shanghai", cities=frozenset({town.city_id}), state="draft",
    )  # fmt: skip
    names = (Text(zh="常客", en="Regular"), Text(zh="老友", en="Old friend"))
    policy = Policy(
        programme_id=programme.programme_id, version=1, pending_days=0, life_days=40, valid_from=began,
        tiers=tuple(Tier(name=name, growth=1_500 * n, earn_bps=10_000 + 2_000 * n) for n, name in enumerate(names)),
        caps=Caps(**{"send_points_a_day": 500, "sends_a_day": 3} | caps),
    )  # fmt: skip
    partners = [
        Partner(
            programme_id=programme.programme_id, partner_id=merchant, name=name, home_city=town.city_id,
            mode="prepaid", charity=charity, joined_at=began,
        )
        for merchant, name, charity in (
            (town.noodle_bar, Text(zh="巷口面吧", en="Noodle Bar"), False),
            (town.merchants["four-joys"], Text(zh="四喜", en="Four Joys"), True),
        )
    ]  # fmt: skip
    block = Transfer(
        id=new_id(), book=Book.programme(programme.programme_id), amount=Amount(1_000_000, "CNY"), event="test",
        debit=Account("test/till", "debit", may_overdraw=True), credit=chart.funding(town.noodle_bar), ref=new_id(),
    )  # fmt: skip

    async def work(tx: Any) -> None:
        await programmes.save_programmes(tx, [programme], by=None, now=began)
        await programmes.set_policies(tx, [policy], now=began)
        await programmes.open_programmes(tx, [programme.programme_id], now=began)
        for joined in await programmes.join_partners(tx, partners, by=None, now=began):
            assert isinstance(joined, Partner), joined
        await ledger.post(tx, [block], now=began)

    await house.db.run_city(town.city_id, work)
    for slug, fields in GIFTS.items():
        await a_gift_in(house, programme.programme_id, slug, **fields)
    return programme.programme_id


GIFTS: dict[str, dict[str, Any]] = {
    "gift-egg": {"title": Text(zh="卤蛋一份", en="A braised egg"), "points": 60, "cost": 300},
    "gift-bowl": {
        "title": Text(zh="青花大面碗", en="The blue-and-white bowl"), "points": 300, "cost": 1_500, "delivery": True,
        "most": 2, "span": "month",
    },
    "gift-bag": {"title": Text(zh="帆布袋", en="Canvas bag"), "points": 200, "cash": 500, "cost": 1_400},
    "gift-sent": {
        "title": Text(zh="礼盒", en="Hamper"), "points": 900, "cost": 4_000, "pickup": False, "delivery": True,
    },
    "gift-dear": {"title": Text(zh="四人宴", en="A feast for four"), "points": 50_000, "cost": 20_000},
}  # fmt: skip


async def a_gift_in(
    house: Any, programme_id: UUID, slug: str, *, title: Text, points: int, cost: int, cash: int = 0, stock: int = 20,
    **form: Any,
) -> Offer:  # fmt: skip
    """A gift of Noodle Bar on the shelf, in `town.offers`."""
    town, now = house.town, house.clock.now()
    async with house.db.city(town.city_id) as tx:
        (bowls,) = await catalog.offers(tx, [town.offers["two-bowls"]], city_id=town.city_id)
        assert bowls is not None
        quota = OpenQuota(quota_id=new_id(), label=slug, total=stock)
        await inventory.open_quotas(tx, [quota], city_id=town.city_id, now=now)
        draft = Draft(
            offer_id=new_id(), merchant_id=bowls.merchant_id, by=None, scheme="alliance", category=bowls.category,
            title=title, price=Amount(cash, "CNY"), list_price=Amount(max(cash, cost), "CNY"),
            terms=Terms(valid_days=30), store_ids=bowls.store_ids, quota_id=quota.quota_id,
            form=Gift(programme_id=programme_id, points=points, cost_units=cost, **form), per_order_max=5,
            sale_from=now - timedelta(days=1), sale_to=now + timedelta(days=60),
        )  # fmt: skip
        (offer,) = await catalog.publish(tx, [draft], city_id=town.city_id, now=now)
    assert isinstance(offer, Offer), offer
    town.offers[slug] = offer.offer_id
    return offer


async def earns(house: Any, programme_id: UUID, member: UUID, points: int, at: datetime | None = None) -> None:
    """So many points of Noodle Bar, to be used at once."""
    town, when = house.town, at or house.clock.now()
    ask = Earn(
        movement_id=new_id(), programme_id=programme_id, member_id=member, partner_id=town.noodle_bar,
        city_id=town.city_id, store_id=None, source=Source("grant", new_id()), amount=Amount(points * 100, "CNY"),
        at=when,
    )  # fmt: skip

    async def work(tx: Any) -> None:
        (earned,) = await programmes.earn(tx, [ask], now=when)
        assert isinstance(earned, programmes.Earned), earned
        while await programmes.mature(tx, programme_id=programme_id, now=house.clock.now()):
            pass

    await house.db.run_city(town.city_id, work)


async def live_with_points(world: Any) -> None:
    """Ann has points, some of which end soon; a bowl is to be sent to her, another one is on its way."""
    house, town, city = world.house, world.house.town, world.city
    programme_id = await an_alliance_in(house)
    ann = world.actors["ann"]
    await earns(house, programme_id, ann.member_id, 900, world.clock.now() - timedelta(days=20))
    await earns(house, programme_id, ann.member_id, 1_400)
    for n in range(2):
        placed = await malling.exchange(
            house, city, ann, town.offers["gift-bowl"], units=1, way="delivery", address=THERE,
            key=f"worldmallbowl{n:03d}", expect=Amount(0, "CNY"),
        )  # fmt: skip
        world.orders[f"bowl-{n}"] = placed.order_id
    await _chain(world)
    await malling.send_out(
        house, city, world.actors["mei"], merchant_id=town.noodle_bar, store_id=town.stores["noodle-bar-lantern"],
        order_id=world.orders["bowl-1"], carrier="顺丰速运", number="SF1020304050",
    )  # fmt: skip


async def parcel_of(house: Any, order_id: UUID) -> mall.Delivery:
    async with house.db.reading(house.town.city_id) as tx:
        return (await mall.deliveries_of(tx, [order_id], city_id=house.town.city_id))[order_id]


async def _chain(world: Any) -> None:
    """Noodle Bar heads a chain that Four Joys has let in."""
    house, town, now = world.house, world.house.town, world.clock.now()
    mei, chain_id = world.actors["mei"].member_id, new_id()
    name = Text(zh="小巷厨房", en="Lane Kitchens")
    shop = InChain(chain_id=chain_id, merchant_id=town.merchants["four-joys"], by=mei)
    form = FormChain(chain_id=chain_id, head_id=town.noodle_bar, name=name, by=mei)
    async with house.db.central() as tx:
        await merchants.form_chains(tx, [form], now=now)
        await merchants.ask_shops(tx, [shop], now=now)
        await merchants.join_chains(tx, [shop], now=now)
