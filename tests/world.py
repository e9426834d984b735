"""A lived-in small town: weeks of buying, using, giving back and being refused, done by the cast through the house.

Pages are crawled over it, so that no page is seen only while it is empty. Money comes as findings of a provider (what
it would say), so that any provider may stand behind the house.

world = await make_world(house)          # a TestHouse whose clock is a TownClock
world.orders["unpaid"], world.vouchers["used"], world.tokens["ann"]
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from hutong import catalog, inventory, orders, people, vouchers
from hutong.catalog import Draft, Offer, Step
from hutong.desk import counter, insights, reviewing, rounds, selling, signing, waves
from hutong.infra import delivery
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.inventory import OpenQuota
from hutong.kit.access import Actor, Role
from hutong.kit.clock import SystemClock
from hutong.kit.ids import PAYMENT, REFUND
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.orders import AskRefund, Cancel, Choice, Place, Placed, Wanted
from hutong.payments import ProviderPayment, ProviderRefund
from hutong.people import AddMember, GiveRole
from hutong.reviews import Content
from hutong.vouchers import Redeemed, Voucher
from tests.house import TestHouse
from tests.offline_play import Phone, Till, switch_on
from tests.world_cards import live_with_cards
from tests.world_clearing import clear_the_alliance
from tests.world_house import run_the_house
from tests.world_mall import live_with_points
from tests.world_recruiting import recruit_some
from tests.world_selling import sell_in_many_ways

MANAGER, MANAGERS_PHONE = "wen", "+8619900000021"
BRIEF, TIPPING, DRAFT, WAITS, TURNED_DOWN, PAUSED = "brief", "tipping", "draft", "waits", "turned-down", "paused"


class TownClock:
    """The machine's clock, that can be read as if it were days ago while the town gets its past."""

    def __init__(self) -> None:
        self.back = timedelta(0)

    def now(self) -> datetime:
        return SystemClock().now() - self.back

    def ago(self, **by: float) -> datetime:
        """From now on it is so long ago; without an argument it is today again."""
        self.back = timedelta(**by)
        return self.now()


class World(Struct, kw_only=True):
    """The house and what has become of things in it, by name."""

    house: TestHouse
    actors: dict[str, Actor] = {}
    tokens: dict[str, str] = {}
    orders: dict[str, UUID] = {}
    vouchers: dict[str, UUID] = {}
    redemptions: dict[str, UUID] = {}
    reviews: dict[str, UUID] = {}
    paths: dict[str, str] = {}
    invitation: str = ""

    @property
    def city(self) -> int:
        return self.house.town.city_id

    @property
    def clock(self) -> TownClock:
        assert isinstance(self.house.clock, TownClock)
        return self.house.clock

    async def run(self, work: Any) -> Any:
        """One transaction in the city; refusals are raised."""
        results = await self.house.db.run_city(self.city, work)
        for result in results if isinstance(results, list) else []:
            if isinstance(result, Refusal):
                raise result
        return results

    async def signs_in(self, who: str) -> None:
        """A session of that person, as the sign-in page makes it."""
        house, phone = self.house, self.house.town.phones[who]
        await signing.request_code(house, phone, address=who, language="zh")
        code = house.messages.last_code(phone)
        assert code is not None
        done = await signing.sign_in(house, phone, code, address=who, agent="Mozilla/5.0", language="zh")
        actor = await signing.actor(house, done.token)
        assert actor is not None
        self.tokens[who], self.actors[who] = done.token, actor

    async def orders_some(
        self, name: str, who: str, slug: str, quantity: int = 1, *, choice: Choice | None = None
    ) -> Placed:
        """An order that waits to be paid."""
        actor = self.actors[who]
        ask = Place(
            order_id=new_id(), payment_id=new_id(), member_id=actor.member_id, member_name=actor.name,
            phone_tail=actor.phone_tail, wants=(Wanted(self.house.town.offers[slug], quantity, choice),),
        )  # fmt: skip
        house, now = self.house, self.clock.now()
        (placed,) = await self.run(
            lambda tx: orders.place(
                tx, [ask], city_id=self.city, now=now, schemes=house.schemes, hold_for=timedelta(minutes=15)
            )
        )
        self.orders[name] = placed.order_id
        return placed

    async def buys(
        self, name: str, who: str, slug: str, quantity: int = 1, *, choice: Choice | None = None
    ) -> list[Voucher]:
        """Ordered, and the provider says that it was paid."""
        placed, now = await self.orders_some(name, who, slug, quantity, choice=choice), self.clock.now()
        paid = ProviderPayment(
            out_no=PAYMENT.show(placed.payment_id, self.city), state="captured", provider_no=f"P{placed.payment_id}",
            amount=placed.total,
        )  # fmt: skip
        await self.run(lambda tx: orders.receive(tx, [paid], city_id=self.city, now=now))
        return await self.units(name)

    async def units(self, name: str) -> list[Voucher]:
        async with self.house.db.reading(self.city) as tx:
            return await vouchers.of_orders(tx, [self.orders[name]], city_id=self.city)

    async def refunds(self, name: str, *, units: Sequence[UUID] = (), by: UUID | None = None) -> None:
        """Money is asked back, and the provider says that it went."""
        ask = AskRefund(
            refund_id=new_id(), order_id=self.orders[name], by=by, reason="changed_mind", voucher_ids=tuple(units)
        )
        now = self.clock.now()
        (asked,) = await self.run(lambda tx: orders.ask_refunds(tx, [ask], city_id=self.city, now=now))
        await self.gone(ask.refund_id, asked.amount)

    async def gone(self, refund_id: UUID, amount: Amount) -> None:
        number, now = REFUND.show(refund_id, self.city), self.clock.now()
        said = ProviderRefund(refund_no=number, state="done", provider_no=f"R{refund_id}", amount=amount)
        await self.run(lambda tx: orders.receive(tx, [said], city_id=self.city, now=now))

    async def submits(self, slug: str) -> None:
        """Mei writes a deal and sends it to be looked at."""
        words = Text(zh=f"新菜 {slug}", en=f"New dish {slug}")
        mei = self.actors["mei"]
        offer = await selling.draft_offer(self.house, self.city, mei, _draft(self, slug, words), units=50)
        await step(self, mei, "submit", offer)

    async def uses(self, unit: Voucher, name: str = "", *, store: str = "noodle-bar-lantern") -> Redeemed:
        """Tao scans and confirms."""
        house, number = self.house, new_id().hex
        presented = vouchers.qr_text(unit, self.clock.now())
        done = await counter.redeem(
            house, self.city, self.actors["tao"], house.town.stores[store], request_no=number, presented=presented
        )
        if name:
            self.redemptions[name] = done.redemption_id
        return done

    async def tries(self, presented: str) -> None:
        """Tao scans what is refused."""
        try:
            await counter.redeem(
                self.house, self.city, self.actors["tao"], self.house.town.stores["noodle-bar-lantern"],
                request_no=new_id().hex, presented=presented,
            )  # fmt: skip
        except Refusal:
            return
        raise AssertionError("the counter accepted what it should refuse")


async def make_world(house: TestHouse) -> World:
    """Live the weeks. The clock of the house must be a TownClock; it shows today when this returns."""
    world = World(house=house)
    await _manager(world)
    for who in house.town.phones:
        await world.signs_in(who)
    await _weeks_ago(world)
    await _days_ago(world)
    await _without_network(world)
    world.clock.ago()
    await _today(world)
    await _desk(world)
    await live_with_cards(world)
    await sell_in_many_ways(world)
    await live_with_points(world)
    await clear_the_alliance(world)
    await recruit_some(world)
    await run_the_house(world)
    await _said(world)
    await delivery.catch_up(house.db, registry=rounds.registry(house), now=world.clock.now())
    await insights.judge_deals(house.db, house.town.city_id, world.clock.now())
    await waves.watch(house.db, house.town.city_id, world.clock.now())
    return world


async def _manager(world: World) -> None:
    """Wen manages Noodle Bar in Lantern Lane: a role that the cast of the demo does not have."""
    town, now, member_id = world.house.town, world.clock.now(), new_id()
    town.people[MANAGER], town.phones[MANAGER] = member_id, MANAGERS_PHONE
    async with world.house.db.central() as tx:
        ask = AddMember(member_id=member_id, phone=MANAGERS_PHONE, name="文姐", language="zh")
        await people.add_members(tx, [ask], now=now)
        give = GiveRole(
            grant_id=new_id(), member_id=member_id, role=Role.STORE_MANAGER, by=None, city_id=town.city_id,
            merchant_id=town.noodle_bar, store_id=town.stores["noodle-bar-lantern"],
        )  # fmt: skip
        await people.grant(tx, [give], now=now)


def _draft(world: World, slug: str, title: Text, **changes: Any) -> Draft:
    """A deal of Noodle Bar's."""
    town, now = world.house.town, world.clock.now()
    town.offers[slug] = new_id()
    given: dict[str, Any] = {
        "offer_id": town.offers[slug], "merchant_id": town.noodle_bar, "by": None, "category": "noodles",
        "trade": "restaurant", "title": title, "price": Amount(1800, "CNY"), "list_price": Amount(2600, "CNY"),
        "summary": Text(zh="一碗热汤面，配一碟小菜。", en="A bowl of hot noodle soup with a side dish."),
        "included": (Text(zh="热汤面 1 碗", en="Noodle soup, 1 bowl"),), "terms": Terms(valid_days=30),
        "store_ids": (town.stores["noodle-bar-lantern"],), "sale_from": now - timedelta(days=1),
        "sale_to": now + timedelta(days=20),
    }  # fmt: skip
    return Draft(**given | changes)


async def _published(world: World, draft: Draft, total: int = 100) -> None:
    now, quota_id = world.clock.now(), new_id()
    stock = OpenQuota(quota_id=quota_id, label=draft.title.zh, total=total)

    async def work(tx: Tx) -> Any:
        await inventory.open_quotas(tx, [stock], city_id=world.city, now=now)
        stocked = structs.replace(draft, quota_id=quota_id)
        return await catalog.publish(tx, [stocked], city_id=world.city, now=now)

    await world.run(work)


async def _weeks_ago(world: World) -> None:
    """A short deal ran out: what was not used is expired."""
    house, clock = world.house, world.clock
    clock.ago(days=35)
    terms = Terms(valid_days=5, refund_on_expiry=False)
    soup = Text(zh="冬至羊汤面", en="Midwinter lamb noodles")
    draft = _draft(world, BRIEF, soup, terms=terms, sale_to=clock.now() + timedelta(days=3))
    await _published(world, draft)
    (unit,) = await world.buys("expired", "ann", BRIEF)
    world.vouchers["expired"] = unit.voucher_id
    clock.ago(days=28)
    await rounds.expire_vouchers(house.db, world.city, clock.now())
    await rounds.end_sales(house.db, world.city, clock.now())


async def _days_ago(world: World) -> None:
    """One order that has seen everything, one wholly given back, two that nobody paid."""
    clock, ann = world.clock, world.actors["ann"].member_id
    clock.ago(days=2, hours=1)
    units = await world.buys("part-refunded", "ann", "two-bowls", 4)
    await world.uses(units[0], "used")
    undone = await world.uses(units[1], "undone")
    await counter.reverse(
        world.house, world.city, world.actors["tao"], world.house.town.stores["noodle-bar-lantern"],
        undone.redemption_id, key=new_id().hex, reason="wrong_guest",
    )  # fmt: skip
    world.vouchers |= {"used": units[0].voucher_id, "unused": units[1].voucher_id, "refunded": units[2].voucher_id}
    await world.refunds("part-refunded", units=[units[2].voucher_id], by=ann)
    clock.ago(days=1)
    await world.buys("refunded", "ann", "two-bowls", 2)
    await world.refunds("refunded", by=ann)
    await world.orders_some("cancelled", "ann", "two-bowls")
    asks, now = [Cancel(order_id=world.orders["cancelled"], by=ann, reason="member")], clock.now()
    await world.run(lambda tx: orders.cancel(tx, asks, city_id=world.city, now=now))
    await world.orders_some("run-out", "ann", "two-bowls")
    clock.ago(hours=20)
    await rounds.expire_unpaid(world.house.db, world.city, clock.now())


async def _without_network(world: World) -> None:
    """Two tills without a network accepted the same code: one redemption, one conflict that Mei has to look at."""
    house, clock = world.house, world.clock
    clock.ago(hours=5)
    await switch_on(house)
    left, right = [await Till.enrol(house, name=name) for name in ("前台平板", "收银台手机")]
    for till in (left, right):
        await till.pull()
    (unit,) = await world.buys("offline", "bo", "two-bowls")
    world.vouchers["bos-offline"] = unit.voucher_id
    phone = Phone(house, "bo")
    await phone.fetch(unit.voucher_id)
    for till, minutes in ((left, 290), (right, 280)):
        at = clock.ago(minutes=minutes)
        assert till.accept(phone.text(unit.voucher_id, at), at) == "accepted"
    clock.ago(minutes=270)
    assert [one.outcome for till in (left, right) for one in await till.upload()] == ["redeemed", "conflict"]


async def _said(world: World) -> None:
    """Reviews: praised and answered, reported, hidden and appealed against."""
    house, city, mei, lin = world.house, world.city, world.actors["mei"], world.actors["lin"]
    for name, who, stars, words in (
        ("used", "ann", 5, "面很劲道，汤也浓，下次还来。"),
        ("bos-used", "bo", 2, "Waited for half an hour, soup was cold."),
        ("bos-offline", "bo", 1, "骗子，大家别来！"),
    ):
        content = Content(stars=stars, tags=("tasty",) if stars > 3 else (), words=words)
        voucher = world.vouchers[name]
        done = await reviewing.write(
            house, city, world.actors[who], voucher, content, key=new_id().hex, language="zh"
        )  # fmt: skip
        world.reviews[name] = done.review_id
    key = {name: new_id().hex for name in ("reply", "report", "hide", "appeal", "report-2")}
    await reviewing.reply(house, city, mei, world.reviews["used"], key=key["reply"], words="谢谢您，欢迎再来！")
    await reviewing.report(
        house, city, mei, world.reviews["bos-used"], key=key["report"], reason="untrue", words="当天没有排队"
    )
    await reviewing.moderate(
        house, city, lin, world.reviews["bos-offline"], verb="hide", reason="insult", key=key["hide"]
    )
    await reviewing.appeal(
        house, city, world.actors["bo"], world.reviews["bos-offline"], side="author", key=key["appeal"],
        words="我说的是实话",
    )  # fmt: skip


async def _today(world: World) -> None:
    """The counter is busy; some scans are refused; a deal waits for more guests; Ann has not paid yet."""
    units = await world.buys("today", "bo", "two-bowls", 3)
    await world.uses(units[0], "today")
    await world.uses(units[1], "fresh")
    world.vouchers |= {"bos-used": units[0].voucher_id, "bos": units[2].voucher_id}
    elsewhere = await world.buys("elsewhere", "ann", "campus-breakfast", 2)
    world.vouchers["elsewhere"] = elsewhere[0].voucher_id
    await world.tries(elsewhere[0].code)
    await world.tries(units[0].code)
    await world.tries("100000000000")
    feast = Text(zh="十人长桌宴", en="Long table for ten")
    await _published(world, _draft(world, TIPPING, feast, min_units=10, sale_to=world.clock.now() + timedelta(days=5)))
    waiting = await world.buys("waiting", "ann", TIPPING, 2)
    world.vouchers["waiting"] = waiting[0].voucher_id
    await world.orders_some("unpaid", "ann", "two-bowls", 2)


async def _desk(world: World) -> None:
    """Mei's deals in every state of their lives; somebody is invited; a till has a key."""
    house, city, mei, lin = world.house, world.city, world.actors["mei"], world.actors["lin"]
    for slug, zh, en in (
        (DRAFT, "葱油拌面", "Scallion oil noodles"), (WAITS, "酸辣粉", "Hot and sour noodles"),
        (TURNED_DOWN, "秘制凉皮", "Secret cold noodles"),
    ):  # fmt: skip
        offer = await selling.draft_offer(house, city, mei, _draft(world, slug, Text(zh=zh, en=en)), units=50)
        if slug != DRAFT:
            await step(world, mei, "submit", offer)
        if slug == TURNED_DOWN:
            await step(world, lin, "reject", offer, reason="请写清楚菜品的分量")
    invited = await selling.invite(
        house, city, mei, merchant_id=house.town.noodle_bar, store_id=house.town.stores["noodle-bar-lantern"],
        role=Role.STORE_CASHIER, label="周末兼职小顾",
    )  # fmt: skip
    world.invitation = invited.text
    await selling.make_key(house, mei, house.town.noodle_bar, label="一号收银机", permissions=["vouchers:redeem"])


async def step(world: World, actor: Actor, what: str, offer: Offer, *, reason: str = "") -> None:
    """One step of a deal's life through the desk."""
    ask = Step(offer_id=offer.offer_id, by=actor.member_id, reason=reason)
    await selling.step_offer(world.house, world.city, actor, what, ask)
