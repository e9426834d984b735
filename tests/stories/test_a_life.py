"""One whole life of a deal over six weeks: drafted, tipped, used, undone, part refunded, run out, paid out, billed.

Everybody acts through the desk; the provider is the real SandboxPay, whose clock is turned along with ours; what the
house does by itself is its own rounds. At the end the books are at zero where they must be.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from msgspec import Struct

from hutong import catalog, orders, settlement, vouchers
from hutong.catalog import Offer, Step
from hutong.desk import buying, counter, rounds, selling, signing
from hutong.desk.house import House
from hutong.infra import delivery
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.clock import ManualClock, local_day
from hutong.kit.ids import PAYOUT
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms
from hutong.ledger import chart
from hutong.orders import Wanted
from hutong.payments import BillLine, OpenPayout, PaymentProvider
from hutong.settlement import AskPayout, DayBill, PayoutResult
from hutong.vouchers import Voucher, qr_text
from tests.api.house import a_cast, make_house
from tests.catalog_town import a_draft
from tests.conftest import audit_clean
from tests.lane import CITY, Lane, a_lane, account
from tests.provider import SandboxProcess

pytestmark = pytest.mark.anyio
ZONE = "Asia/Shanghai"


def yuan(units: int) -> Amount:
    return Amount(units, "CNY")


def by_kind(lines: list[BillLine]) -> dict[str, int]:
    """What moved, by the provider's word, in units."""
    kinds = ("capture", "refund", "payout")
    return {kind: sum(line.amount.units for line in lines if line.kind == kind) for kind in kinds}


class Life(Struct, kw_only=True):
    """The house, its people, and the provider; time passes for all of them together."""

    house: House
    lane: Lane
    people: dict[str, Actor]
    company: SandboxProcess
    provider: PaymentProvider
    clock: ManualClock

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def later(self, **by: float) -> None:
        """Time passes, and the house does what is due."""
        self.clock.move(timedelta(**by))
        await self.company.web.post("/clock", json={"now": self.now.isoformat()})
        for _ in range(2):
            for periodic in rounds.periodics(self.house):
                await periodic.do(self.house.db, self.now)
            await delivery.catch_up(self.house.db, registry=rounds.registry(self.house), now=self.now)

    async def buys(self, who: str, offer: Offer, quantity: int) -> UUID:
        """Ordered and paid at the provider's page; the house hears of it when it asks."""
        wants = [Wanted(offer.offer_id, quantity)]
        quote = await buying.quote(self.house, CITY, wants)
        placed = await buying.place(
            self.house, CITY, self.people[who], wants, key=f"{who}/{self.now}", expect=quote.quote.total
        )
        payment = await buying.pay(self.house, CITY, self.people[who], placed.order_id)
        assert payment.pay_url is not None
        await self.company.pay(payment.pay_url)
        await self.later(seconds=30)
        return placed.order_id

    async def units(self, order_id: UUID) -> list[Voucher]:
        async with self.house.db.reading(CITY) as tx:
            return await vouchers.of_orders(tx, [order_id], city_id=CITY)

    async def states(self, order_id: UUID) -> list[str]:
        return [unit.state for unit in await self.units(order_id)]

    async def stands(self, path: str) -> int:
        return await account(self.house.db, path)

    async def pay_out(self) -> Amount:
        """Everything that Mei has earned goes to her account, by the provider."""
        ask = AskPayout(payout_id=new_id(), merchant_id=self.lane.merchant, provider="sandbox", asset="CNY")
        async with self.house.db.city(CITY) as tx:
            (asked,) = await settlement.ask_payouts(tx, [ask], city_id=CITY, now=self.now)
        assert not isinstance(asked, Refusal), asked
        number = PAYOUT.show(ask.payout_id, CITY)
        await self.provider.pay_out(OpenPayout(payout_no=number, account="mei-0001", amount=asked.amount))
        said = await self.provider.payout(number)
        assert said.state == "done"
        async with self.house.db.city(CITY) as tx:
            result = PayoutResult(payout_id=ask.payout_id, state="done")
            assert await settlement.payout_results(tx, [result], city_id=CITY, now=self.now) == [True]
        return asked.amount

    async def book_bills(self, days: int) -> list[BillLine]:
        """The provider's bills of the last days, each booked once though it is read twice; their lines."""
        lines: list[BillLine] = []
        for back in range(days + 1):
            day = local_day(self.now - timedelta(days=back), ZONE)
            bill = await self.provider.bill(day)
            lines += bill
            total = {
                kind: sum(b.amount.units for b in bill if b.kind == kind) for kind in ("capture", "refund", "payout")
            }
            booked = DayBill(
                provider="sandbox", day=day, fee=yuan(sum(b.fee.units for b in bill)), captured=yuan(total["capture"]),
                refunded=yuan(total["refund"]), paid_out=yuan(total["payout"]),
            )  # fmt: skip
            async with self.house.db.city(CITY) as tx:
                await settlement.book_bills(tx, [booked], city_id=CITY, now=self.now)  # unless its round was faster
                assert await settlement.book_bills(tx, [booked], city_id=CITY, now=self.now) == [False]
        return lines


@pytest.fixture
async def life(db: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Life]:
    company = await SandboxProcess(tmp_path).start()
    await company.web.post("/clock", json={"now": clock.now().isoformat()})
    async with company.adapter(clock) as provider:
        lane = await a_lane(db, clock.now())
        house = make_house(db, clock, tmp_path, {"sandbox": provider})
        cast = await a_cast(house, lane)
        people = {}
        for name, token in cast.tokens.items():
            actor = await signing.actor(house, token)
            assert actor is not None
            people[name] = actor
        yield Life(house=house, lane=lane, people=people, company=company, provider=provider, clock=clock)
        await house.batches.close()
    await company.stop()


async def on_the_shelf(life: Life) -> Offer:
    """Mei drafts a deal for at least five guests, Lin looks at it and approves."""
    mei, lin = life.people["mei"], life.people["lin"]
    draft = a_draft(
        life.lane.merchant, life.lane.store, now=life.now, min_units=5, list_price=yuan(9_800),
        sale_to=life.now + timedelta(days=7), terms=Terms(valid_days=30, per_member=5),
    )  # fmt: skip
    offer = await selling.draft_offer(life.house, CITY, mei, draft, units=20)
    step = Step(offer_id=offer.offer_id, by=mei.member_id)
    assert (await selling.step_offer(life.house, CITY, mei, "submit", step)).status == "in_review"
    with pytest.raises(Refusal):
        await selling.step_offer(life.house, CITY, mei, "approve", step)
    return await selling.step_offer(life.house, CITY, lin, "approve", step)


async def test_six_weeks_of_a_deal(life: Life):
    offer = await on_the_shelf(life)
    assert offer.status == "published"
    anns = await life.buys("ann", offer, 3)
    await forgotten(life, offer)
    assert await life.states(anns) == ["waiting"] * 3
    bos = await life.buys("bo", offer, 2)
    assert await life.states(anns) + await life.states(bos) == ["valid"] * 5
    assert await life.stands(chart.escrow(life.lane.merchant).path) == 5 * 6_800
    assert await audit_clean(life.house.db)

    await life.later(days=1)
    await at_the_counter(life, anns)
    await typed_in(life, bos)
    await part_refunded(life, anns)
    assert await life.states(anns) == ["used", "refunded", "valid"]
    assert await life.states(bos) == ["used", "valid"]
    assert await audit_clean(life.house.db)

    await life.later(days=7)
    async with life.house.db.reading(CITY) as tx:
        (ended,) = await catalog.offers(tx, [offer.offer_id], city_id=CITY)
    assert ended is not None
    assert ended.status == "ended"
    assert await life.pay_out() == yuan(2 * 6_256)  # 8 % of 68.00 is 5.44, twice

    await life.later(days=31)
    assert await life.states(anns) == ["used", "refunded", "refunded"]
    assert await life.states(bos) == ["used", "refunded"]
    assert await audit_clean(life.house.db)
    await the_end(life)


async def forgotten(life: Life, offer: Offer) -> None:
    """Bo orders first without paying; the units come back and nothing is owed."""
    bo = life.people["bo"]
    placed = await buying.place(life.house, CITY, bo, [Wanted(offer.offer_id, 5)], key="forgotten")
    await buying.pay(life.house, CITY, bo, placed.order_id)
    await life.later(minutes=16)
    async with life.house.db.reading(CITY) as tx:
        seen = await orders.order(tx, bo.member_id, placed.order_id, city_id=CITY)
    assert seen is not None
    assert seen.state == "expired"


async def at_the_counter(life: Life, order_id: UUID) -> None:
    """Tao scans Ann's code, takes it back because it was the wrong table, and scans it again."""
    tao, store, house = life.people["tao"], life.lane.store, life.house
    shown = qr_text((await life.units(order_id))[0], life.now)
    prepared = await counter.prepare(house, CITY, tao, store, shown)
    assert prepared.uses_left == 1
    done = await counter.redeem(house, CITY, tao, store, request_no="t1", presented=shown)
    assert await life.stands(chart.payable_merchant(life.lane.merchant).path) == 6_256
    await life.later(minutes=10)
    await counter.reverse(house, CITY, tao, store, done.redemption_id, key="u1", reason="wrong table")
    assert await life.stands(chart.payable_merchant(life.lane.merchant).path) == 0
    with pytest.raises(Refusal):
        await counter.redeem(house, CITY, tao, store, request_no="t2", presented=shown)
    again = qr_text((await life.units(order_id))[0], life.now)
    final = await counter.redeem(house, CITY, tao, store, request_no="t3", presented=again)
    await life.later(hours=2)
    with pytest.raises(Refusal):  # the window is over
        await counter.reverse(house, CITY, tao, store, final.redemption_id, key="u2", reason="too late")


async def typed_in(life: Life, order_id: UUID) -> None:
    """Bo's phone is broken: he reads his code out."""
    code = (await life.units(order_id))[0].code
    await counter.redeem(life.house, CITY, life.people["tao"], life.lane.store, request_no="t4", presented=code)


async def part_refunded(life: Life, order_id: UUID) -> None:
    """Ann gives one of her units back; the house sends the money, the provider pays it."""
    second = (await life.units(order_id))[1]
    asked = await buying.ask_refund(
        life.house, CITY, life.people["ann"], order_id, key="back", voucher_ids=[second.voucher_id]
    )
    assert asked.amount == yuan(6_800)
    await life.later(minutes=1)


async def the_end(life: Life) -> None:
    """Everything is used, refunded or paid out: what is left at the provider is what the house and Lin have earned."""
    lines = await life.book_bills(days=45)
    moved = {
        kind: sum(line.amount.units for line in lines if line.kind == kind) for kind in ("capture", "refund", "payout")
    }
    fees = sum(line.fee.units for line in lines)
    assert moved == {"capture": 5 * 6_800, "refund": 3 * 6_800, "payout": 2 * 6_256}
    assert fees > 0
    merchant = life.lane.merchant
    assert await life.stands(chart.escrow(merchant).path) == 0
    assert await life.stands(chart.payable_merchant(merchant).path) == 0
    assert await life.stands(chart.payable_operator(life.lane.lin).path) == 2 * 136
    assert await life.stands(chart.revenue_commission().path) == 2 * 408
    assert -await life.stands(chart.expense_provider_fee().path) == fees
    held = -await life.stands(chart.provider("sandbox").path)
    assert held == moved["capture"] - moved["refund"] - moved["payout"] - fees == 2 * 136 + 2 * 408 - fees
    assert await audit_clean(life.house.db)
