"""The main job and what the house does by itself, once through every door: for tests that watch its statements."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2

from hutong import catalog, inventory, ledger, merchants, orders, payments, settlement, vouchers
from hutong.catalog import Revise, Step
from hutong.desk import rounds, selling, signing
from hutong.desk.house import House
from hutong.infra import answers, delivery
from hutong.infra.db import Database
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.infra.relay import Delivery, Handler, Registry, relay_all
from hutong.infra.tasks import Queue
from hutong.inventory import Resize
from hutong.kit.access import EVERYTHING, Role, Scope
from hutong.kit.clock import ManualClock
from hutong.kit.ids import MERCHANT, OFFER, ORDER, PAYMENT, STORE
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.ledger import Book
from hutong.merchants import (
    AddPhoto,
    CloseStore,
    Hours,
    RemovePhoto,
    RevokeInvitation,
    SetException,
    SetHours,
    Span,
)
from hutong.settlement import AskPayout, DayBill, PayoutResult
from tests.api.house import Cast, a_cast, make_application, make_house, web_client
from tests.catalog_town import CENTRE, a_draft, published
from tests.db.partition_finding import find_things
from tests.db.partition_reviews import say
from tests.db.partition_staff import give_back
from tests.lane import CITY, Lane, a_lane
from tests.pocket import PocketPay


class Journey:
    """One house on one database, with the cast, a pocket provider and an HTTP client."""

    def __init__(self, house: House, pay: PocketPay, lane: Lane, cast: Cast, web: httpx2.AsyncClient) -> None:
        self.house, self.pay, self.lane, self.cast, self.web = house, pay, lane, cast, web
        self.clock: ManualClock = house.clock  # type: ignore[assignment]
        self._keys = 0

    @property
    def db(self) -> Database:
        return self.house.db

    async def call(self, who: str | None, method: str, path: str, **body: Any) -> Any:
        """One request of the API as somebody of the cast, with a fresh key; what it answered."""
        self._keys += 1
        headers = (self.cast.bearer(who) if who else {}) | {"idempotency-key": f"k{self._keys}"}
        answer = await self.web.request(method, f"/api/v1{path}", headers=headers, json=body or None)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    async def bought(self, quantity: int, offer: str) -> dict[str, Any]:
        """Ann orders and pays; the order as she sees it."""
        order = (await self.call("ann", "POST", "/orders", lines=[{"offer": offer, "quantity": quantity}]))["id"]
        await self.call("ann", "POST", f"/orders/{order}/payments")
        async with self.db.reading(CITY) as tx:
            found = await orders.order(tx, self.cast.members["ann"], ORDER.read_local(order)[1], city_id=CITY)
        assert found is not None
        self.pay.pay(PAYMENT.show(found.payment_id, CITY))
        await self.house.courier.ask(CITY, payments=[found.payment_id])
        return await self.call("ann", "GET", f"/orders/{order}")

    async def tend(self) -> None:
        """Everything that the house does by itself, each once."""
        for periodic in rounds.periodics(self.house):
            await periodic.do(self.db, self.clock.now())
        registry = rounds.registry(self.house)
        await relay_all(
            self.db, registry=registry, defer=Queue(self.db, registry, self.clock).defer, now=self.clock.now()
        )
        await delivery.catch_up(self.db, registry=registry, now=self.clock.now())


@asynccontextmanager
async def a_journey(db: Database, clock: ManualClock, folder: Path) -> AsyncIterator[Journey]:
    """Noodle Bar's first day."""
    pay = PocketPay()
    lane = await a_lane(db, clock.now(), terms=Terms(valid_days=30, per_member=50))
    house = make_house(db, clock, folder, {"sandbox": pay})
    cast = await a_cast(house, lane)
    async with web_client(make_application(house)) as web:
        yield Journey(house, pay, lane, cast, web)
    await house.batches.close()


async def whole(it: Journey) -> None:
    """From the shelf to the payout, with every wrong turn that is not a fault."""
    await look_around(it)
    await find_things(it.house, it.db, it.clock)
    await buy_and_use(it)
    await at_the_desk(it)
    await give_back(it)
    await turn_back(it)
    await tip(it)
    await say(it.db, it.lane, it.clock.now())
    await keep_shop(it)
    await on_a_bad_day(it)
    await end_of_term(it)
    await pay_out(it)


async def look_around(it: Journey) -> None:
    """The shelf, from all sides."""
    offer, store = OFFER.show(it.lane.offer.offer_id, CITY), STORE.show(it.lane.store, CITY)
    near = f"city={CITY}&lat={CENTRE.lat}&lon={CENTRE.lon}"
    for path in (
        f"/stores?{near}", f"/stores?{near}&category=noodles&district=1", f"/stores?city={CITY}", f"/stores/{store}",
        f"/offers?{near}&q=niurou", f"/offers?city={CITY}&q=牛肉面", f"/offers?city={CITY}&q=noodle",
        f"/offers/{offer}",
    ):  # fmt: skip
        await it.call(None, "GET", path)
    await it.call(None, "POST", "/quotes", lines=[{"offer": offer, "quantity": 2}])
    now = it.clock.now()
    async with it.db.reading(CITY) as tx:
        await catalog.category_counts(tx, city_id=CITY)
        await catalog.suggest(tx, city_id=CITY, prefix="niu", now=now)
        await catalog.history(tx, it.lane.offer.offer_id, city_id=CITY)
        await catalog.price_history(tx, it.lane.offer.offer_id, city_id=CITY)
        await merchants.nearby(tx, CITY, CENTRE, limit=5)
        await merchants.stores_of(tx, CITY, it.lane.merchant)
        shown = list((await merchants.stores(tx, CITY, [it.lane.store])).values())
        await merchants.open_states(tx, CITY, shown, here=now)
        await merchants.photos(tx, CITY, [it.lane.store])


async def buy_and_use(it: Journey) -> None:
    """Bought, shown, used by QR and by typed code, undone."""
    store = STORE.show(it.lane.store, CITY)
    seen = await it.bought(3, OFFER.show(it.lane.offer.offer_id, CITY))
    first, second, _ = seen["vouchers"]
    await it.call("ann", "GET", f"/vouchers?city={CITY}")
    await it.call("ann", "GET", f"/orders?city={CITY}")
    shown = (await it.call("ann", "GET", f"/vouchers/{first['id']}"))["qr"]
    await it.call("tao", "POST", "/redemptions/preparations", store=store, presented=shown)
    await it.call("tao", "POST", "/redemptions", store=store, presented=shown)
    typed = await it.call("tao", "POST", "/redemptions", store=store, presented=second["code"])
    wrong = {"store": store, "presented": "000000000000"}
    headers = it.cast.bearer("tao") | {"idempotency-key": "wrong"}
    assert (await it.web.post("/api/v1/redemptions", headers=headers, json=wrong)).status_code >= 400
    await it.call("tao", "POST", f"/redemptions/{typed['id']}/reversal", store=store, reason="wrong guest")
    await it.call("tao", "GET", f"/redemptions?store={store}")
    await it.call("mei", "GET", f"/merchants/{MERCHANT.show(it.lane.merchant)}/statements?city={CITY}")
    async with it.db.reading(CITY) as tx:
        found = await vouchers.of_orders(tx, [ORDER.read_local(seen["id"])[1]], city_id=CITY)
        await vouchers.steps(tx, found[0].voucher_id, city_id=CITY)
        await vouchers.uses_of(tx, [unit.voucher_id for unit in found], city_id=CITY)
        await vouchers.wallet_counts(tx, it.cast.members["ann"], city_id=CITY)
        await vouchers.ending_first(tx, it.cast.members["ann"], after=found[0].voucher_id, city_id=CITY)
        await answers.told(
            tx, it.cast.members["ann"], "k1", city_id=CITY, operation="orders.place", result=orders.Placed
        )
        until = it.clock.now() + timedelta(days=1)
        period = {"since": until - timedelta(days=14), "until": until}
        seen_by = Scope(stores=frozenset({it.lane.store}))
        uses = await vouchers.uses(tx, seen_by, city_id=CITY)
        await vouchers.uses_by_ids(tx, seen_by, [use.redemption_id for use in uses], city_id=CITY)
        await vouchers.uses_by_day(tx, seen_by, city_id=CITY, zone="Asia/Shanghai", **period)
        await vouchers.uses_by_hour(tx, seen_by, city_id=CITY, zone="Asia/Shanghai", **period)
        await vouchers.redeemers(tx, seen_by, city_id=CITY, **period)
        await vouchers.expiring(tx, seen_by, city_id=CITY, **period)
        await vouchers.just_used(
            tx, seen_by, city_id=CITY, staff_id=found[0].member_id, since=period["since"], presented=found[0].code
        )
        await vouchers.failures(tx, seen_by, city_id=CITY)
        await orders.sales(tx, it.lane.merchant, city_id=CITY, asset="CNY", **period)
        await orders.of_merchant(tx, [it.lane.merchant], city_id=CITY)
        for group in orders.GROUPS:
            await orders.for_staff(tx, it.lane.merchant, city_id=CITY, store_id=it.lane.store, group=group)
        await orders.counts_for_staff(tx, it.lane.merchant, city_id=CITY)
        await vouchers.order_of_code(tx, it.lane.merchant, found[0].code, city_id=CITY)
        await orders.bought(tx, it.cast.members["ann"], it.lane.offer.offer_id, city_id=CITY)
        ann = [it.cast.members["ann"]]
        await orders.still_open(tx, ann, city_id=CITY)
        await orders.buyers_of(tx, it.lane.offer.offer_id, city_id=CITY)
        await vouchers.still_good(tx, ann, city_id=CITY)
        soon = it.clock.now() + timedelta(days=40)
        await vouchers.ending_soon(tx, city_id=CITY, since=it.clock.now(), until=soon)
    async with it.db.city(CITY) as tx:
        nobody = [it.lane.offer.offer_id]
        await orders.forget_members(tx, nobody, city_id=CITY)
        await vouchers.forget_members(tx, nobody, city_id=CITY)
    await it.tend()


async def at_the_desk(it: Journey) -> None:
    """The manager reads his books, his deals and who did what."""
    until = it.clock.now() + timedelta(days=1)
    period = {"since": until - timedelta(days=14), "until": until}
    async with it.db.reading(CITY) as tx:
        mine = Scope(merchants=frozenset({it.lane.merchant}))
        books = {"city_id": CITY, "asset": "CNY", **period}
        await orders.figures(tx, [it.lane.offer.offer_id], city_id=CITY)
        await orders.refunds_of_merchant(tx, it.lane.merchant, **books)
        await settlement.sums(tx, it.lane.merchant, zone="Asia/Shanghai", step="day", **books)
        async for chunk in settlement.earnings(tx, it.lane.merchant, **books):
            await settlement.earning(tx, it.lane.merchant, chunk[0].redemption_id, city_id=CITY)
        await settlement.payouts(tx, it.lane.merchant, city_id=CITY, asset="CNY")
        await catalog.counts_by_status(tx, mine, city_id=CITY, merchant_id=it.lane.merchant)
        await catalog.waiting(tx, mine, city_id=CITY)
        await catalog.count_waiting(tx, mine, city_id=CITY)
        since = until - timedelta(days=90)
        await catalog.deeds(tx, mine, city_id=CITY, merchant_id=it.lane.merchant, since=since)
        await merchants.changes(tx, mine, city_id=CITY, merchant_id=it.lane.merchant, since=since)
        await merchants.invitation_deeds(tx, mine, city_id=CITY, merchant_id=it.lane.merchant, since=since)


async def turn_back(it: Journey) -> None:
    """Refunded by the buyer, cancelled, run out of time, paid with another amount, paid too late."""
    offer = OFFER.show(it.lane.offer.offer_id, CITY)
    seen = await it.bought(2, offer)
    await it.call("ann", "POST", f"/orders/{seen['id']}/refunds", vouchers=[seen["vouchers"][0]["id"]])
    await it.tend()
    await it.call("ann", "POST", f"/orders/{seen['id']}/refunds", vouchers=[])
    await it.tend()
    again = {"lines": [{"offer": offer, "quantity": 1}]}
    headers = it.cast.bearer("ann") | {"idempotency-key": "twice"}
    for _ in range(2):
        assert (await it.web.post("/api/v1/orders", headers=headers, json=again)).is_success
    placed = [(await it.call("ann", "POST", "/orders", lines=[{"offer": offer, "quantity": 1}]))["id"] for _ in "abcd"]
    for order in placed:
        await it.call("ann", "POST", f"/orders/{order}/payments")
    await it.call("ann", "POST", f"/orders/{placed[0]}/cancellation")
    async with it.db.reading(CITY) as tx:
        found = [
            await orders.order(tx, it.cast.members["ann"], ORDER.read_local(o)[1], city_id=CITY) for o in placed[:2]
        ]
        await payments.of_orders(tx, [o.order_id for o in found if o], city_id=CITY)
    for order, amount in zip(found, (6_800, 6_799), strict=True):
        assert order is not None
        number = PAYMENT.show(order.payment_id, CITY)
        it.pay.paid[number] = Amount(amount, "CNY")
        await it.house.courier.ask(CITY, payments=[order.payment_id])
    it.clock.move(timedelta(seconds=1_000))
    await it.tend()
    it.clock.move(timedelta(seconds=100))
    await it.tend()


async def tip(it: Journey) -> None:
    """A deal that tips and one that does not; drafts, their steps and their end."""
    now = it.clock.now()
    drafts = []
    for _ in range(2):
        quota = new_id()
        async with it.db.city(CITY) as tx:
            await inventory.open_quotas(
                tx, [inventory.OpenQuota(quota_id=quota, label="tip", total=50)], city_id=CITY, now=now
            )
        drafts.append(
            a_draft(it.lane.merchant, it.lane.store, now=now, min_units=3, quota_id=quota,
                    sale_to=now + timedelta(hours=1), terms=Terms(valid_days=30), list_price=Amount(9_800, "CNY"))
        )  # fmt: skip
    both = await published(it.db, *drafts, now=now)
    await it.bought(2, OFFER.show(both[0].offer_id, CITY))
    await it.bought(1, OFFER.show(both[0].offer_id, CITY))
    await it.bought(2, OFFER.show(both[1].offer_id, CITY))
    async with it.db.reading(CITY) as tx:
        await orders.progress(tx, [offer.offer_id for offer in both], city_id=CITY)
    draft = a_draft(it.lane.merchant, it.lane.store, now=now, list_price=Amount(9_800, "CNY"))
    async with it.db.city(CITY) as tx:
        await catalog.draft(tx, [draft], city_id=CITY, now=now)
        step = [Step(offer_id=draft.offer_id, by=it.cast.members["mei"])]
        for verb in (catalog.submit, catalog.withdraw, catalog.submit, catalog.approve):
            await verb(tx, step, city_id=CITY, now=now)
        await catalog.revise(tx, [Revise(offer_id=draft.offer_id, by=None, price=Amount(6_700, "CNY"))], city_id=CITY,
                             now=now)  # fmt: skip
        await inventory.resize(tx, [Resize(quota_id=drafts[0].quota_id or new_id(), total=60)], city_id=CITY)
    it.clock.move(timedelta(seconds=4_000))
    await it.tend()
    await it.tend()


async def end_of_term(it: Journey) -> None:
    """Validities end and what is unused goes back; what is old is forgotten."""
    it.clock.move(timedelta(seconds=45 * 86_400))
    await it.tend()
    await it.tend()
    now = it.clock.now()
    async with it.db.city(CITY) as tx:
        await answers.forget(tx, city_id=CITY, now=now)
        await delivery.forget(tx, city_id=CITY, now=now)


async def pay_out(it: Journey) -> None:
    """The merchant's money leaves, the provider's bill is booked."""
    now = it.clock.now()
    async with it.db.city(CITY) as tx:
        ask = AskPayout(payout_id=new_id(), merchant_id=it.lane.merchant, provider="sandbox", asset="CNY")
        await settlement.ask_payouts(tx, [ask], city_id=CITY, now=now)
        done = PayoutResult(payout_id=ask.payout_id, state="done")
        assert await settlement.payout_results(tx, [done], city_id=CITY, now=now) == [True]
        nothing = Amount(0, "CNY")
        bill = DayBill(
            provider="sandbox", day=date(2026, 11, 20), fee=Amount(80, "CNY"), captured=nothing, refunded=nothing,
            paid_out=nothing,
        )  # fmt: skip
        assert await settlement.book_bills(tx, [bill], city_id=CITY, now=now) == [True]


async def keep_shop(it: Journey) -> None:
    """What Mei does behind the counter: hours, pictures, staff, and her books."""
    now, store, city = it.clock.now(), it.lane.other_store, CITY
    mei = await signing.actor(it.house, it.cast.tokens["mei"])
    assert mei is not None
    photo, day = new_id(), now.date()
    spans, words = (Span(600, 720),), Text(zh="门口", en="The door")
    async with it.db.city(city) as tx:
        await merchants.set_hours(
            tx, [SetHours(store_id=store, hours=Hours.parse("09:00-21:00"))], city_id=city, scope=EVERYTHING, now=now
        )
        for there in (spans, None):
            asks = [SetException(store_id=store, day=day, spans=there, note=words)]
            await merchants.set_exceptions(tx, asks, city_id=city, scope=EVERYTHING)
        pictures = [AddPhoto(photo_id=photo, store_id=store, file="door.webp", alt=words)]
        await merchants.add_photos(tx, pictures, city_id=city, scope=EVERYTHING, now=now)
        await merchants.remove_photos(tx, [RemovePhoto(photo_id=photo)], city_id=city, scope=EVERYTHING)
        path = ledger.chart.payable_merchant(it.lane.merchant).path
        await ledger.statement(tx, Book.city(city), path=path, asset="CNY")
        await ledger.trial_balance(tx, Book.city(city))
        await inventory.close_quotas(tx, [it.lane.offer.quota_id or new_id()], city_id=city, now=now)
    for _ in range(2):
        invited = await selling.invite(
            it.house, city, mei, merchant_id=it.lane.merchant, store_id=store, role=Role.STORE_CASHIER, label="Bo"
        )
    _, invitation, secret = merchants.read_invitation(invited.text)
    bo = await signing.actor(it.house, it.cast.tokens["bo"])
    assert bo is not None
    async with it.db.reading(city) as tx:
        await merchants.invitation(tx, city, invitation, secret)
        await merchants.pending_invitations(tx, city, EVERYTHING, now=now)
    await selling.accept(it.house, city, bo, invitation, secret)
    async with it.db.city(city) as tx:
        revoke = [RevokeInvitation(invitation_id=invitation, by=mei.member_id)]
        await merchants.revoke_invitations(tx, revoke, city_id=city, scope=EVERYTHING, now=now)
        closing = [CloseStore(store_id=store, by=mei.member_id, reason="moved")]
        await merchants.close_stores(tx, closing, city_id=city, scope=EVERYTHING, now=now)


async def on_a_bad_day(it: Journey) -> None:
    """Facts that fail, are tried again, die and are revived; an event before its payment."""
    now = it.clock.now()

    async def fail(tx: Any, facts: Any, *, city_id: int, now: Any) -> None:
        if broken:
            raise ValueError("not today")

    broken = [True]
    handler = Handler(name="fails", topics=frozenset({"test"}), do=fail, tries=2)
    registry = Registry([handler])
    queue = Queue(it.db, registry, it.clock)
    fact = Fact(fact_id=new_id(), city_id=CITY, topic="test", subject=new_id(), at=now)
    async with it.db.city(CITY) as tx:
        await tx.record([fact])
    one = Delivery(handler="fails", city_id=CITY, facts=[fact.fact_id], retry=True)
    for _ in range(2):
        await delivery.deliver(it.db, handler, one, attempts=0, defer=queue.defer, now=now)
    async with it.db.city(CITY) as tx:
        assert await delivery.revive(tx, city_id=CITY, defer=queue.defer, now=now) == 1
    broken.clear()
    await delivery.deliver(it.db, handler, one, attempts=0, defer=queue.defer, now=now)
    event = payments.ProviderEvent(
        provider="sandbox", event_id="E1", kind="payment.captured", number=PAYMENT.show(new_id(), CITY),
        provider_no="P1", amount=Amount(1, "CNY"), at=now, body=b"{}",
    )  # fmt: skip
    async with it.db.city(CITY) as tx:
        await payments.receive(tx, [event], city_id=CITY, now=now)
        await orders.receive(tx, [event], city_id=CITY, now=now)
        await tx.run("delete from payments.events where city_id = %(city)s", city=CITY)  # else P06 would fire
