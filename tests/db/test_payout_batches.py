"""Batches of a day, bills of a provider, and what must never be about payouts and shares: each is seen firing."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from hutong import settlement
from hutong.desk import bills, payouts
from hutong.infra.audit import queries
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.ids import PAYMENT, PAYOUT
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.payments import BillLine, ProviderUnknown
from hutong.settlement import Chain, Share
from tests.conftest import audit_clean, fires
from tests.db.breaking import break_it
from tests.db.payouts_help import Shop, a_shop, earn, ended, homed, owed, seen, withdraw
from tests.lane import CITY
from tests.pocket import PocketPay

pytestmark = pytest.mark.anyio


class Billing(PocketPay):
    """A provider with a bill."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[BillLine] = []
        self.asked: list[date] = []

    async def bill(self, day: date) -> list[BillLine]:
        self.asked.append(day)
        if self.silent:
            raise ProviderUnknown("told to be silent")
        return [line for line in self.lines if line.at.date() == day]


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Shop]:
    made = await a_shop(db, Billing(), payout_limit_units=6_300)
    yield made
    await made.house.close()


async def refused(doing: Any) -> str:
    """The code of the refusal that it ends with."""
    with pytest.raises(Refusal) as caught:
        await doing
    return caught.value.code


async def test_a_batch_pays_everybody_who_has_enough_once_a_day(db: Database):
    shop = await a_shop(db, Billing(), payout_least_units=1_000)
    made = await payouts.make_batch(shop.house, shop.root, CITY)
    assert (made.count, made.amount.units, made.state) == (1, 6_256, "sent")  # Lin's 1.36 is kept for the next one
    again = await payouts.make_batch(shop.house, shop.ruth, CITY)
    assert again.batch_id == made.batch_id
    async with db.reading(CITY) as tx:
        (one,) = await settlement.payouts_in(tx, city_id=CITY, batch_id=made.batch_id)
    (done,) = await ended(db, shop, [one.payout_id])
    assert (done.state, await owed(db, shop.payee), await owed(db, shop.operator)) == ("done", 0, 136)
    assert await audit_clean(db)
    await shop.house.close()


async def test_a_batch_above_the_limit_waits_for_a_second_person(db: Database, shop: Shop):
    await homed(shop, shop.operator, shop.lin)
    made = await payouts.make_batch(shop.house, shop.root, CITY)
    assert (made.count, made.amount.units, made.state) == (2, 6_392, "waiting")
    await payouts.carry(shop.house, CITY)
    async with db.reading(CITY) as tx:
        found = await settlement.payouts_in(tx, city_id=CITY, batch_id=made.batch_id)
    assert {one.state for one in found} == {"waiting"}
    decide = payouts.decide_batch
    assert await refused(decide(shop.house, shop.lin, made.batch_id, city_id=CITY, approve=True)) == "not_allowed"
    own = decide(shop.house, shop.root, made.batch_id, city_id=CITY, approve=True)
    assert await refused(own) == "second_person_needed"
    assert (await decide(shop.house, shop.ruth, made.batch_id, city_id=CITY, approve=True)).state == "sent"
    assert await refused(decide(shop.house, shop.ruth, made.batch_id, city_id=CITY, approve=True)) == "batch_not_found"
    assert {one.state for one in await ended(db, shop, [one.payout_id for one in found])} == {"done"}
    assert (await owed(db, shop.payee), await owed(db, shop.operator)) == (0, 0)
    assert await audit_clean(db)


async def test_a_declined_batch_is_payable_again(db: Database, shop: Shop):
    await homed(shop, shop.operator, shop.lin)
    made = await payouts.make_batch(shop.house, shop.root, CITY)
    done = await payouts.decide_batch(shop.house, shop.ruth, made.batch_id, city_id=CITY, approve=False, why="too soon")
    assert (done.state, done.why) == ("declined", "too soon")
    assert (await withdraw(shop)).amount.units == 6_256
    assert await audit_clean(db)


async def test_who_has_no_account_is_a_task_and_is_left_out(db: Database, shop: Shop):
    made = await payouts.make_batch(shop.house, shop.root, CITY)
    assert (made.count, made.amount.units) == (1, 6_256)
    async with db.reading(CITY) as tx:
        (task,) = await settlement.tasks_open(tx, city_id=CITY)
    assert (task.kind, task.payee) == ("no_account", shop.operator)


async def test_the_batch_of_the_day_makes_itself_when_its_hour_has_come(db: Database):
    shop = await a_shop(db, Billing(), payout_hour=0)
    made = await payouts.pay_day(shop.house, CITY)
    assert made is not None
    assert (made.made_by, made.count) == (None, 1)
    again = await payouts.pay_day(shop.house, CITY)
    assert again is not None
    assert again.batch_id == made.batch_id
    none = await a_shop_without_an_hour(shop)
    assert none is None
    await shop.house.close()


async def a_shop_without_an_hour(shop: Shop) -> object:
    """Nobody said an hour: no batch makes itself."""
    shop.house.settings = shop.house.settings.model_copy(update={"payout_hour": None})
    return await payouts.pay_day(shop.house, CITY)


async def test_the_bill_of_a_day_is_booked_once_for_its_city(db: Database, shop: Shop):
    provider = shop.house.providers["sandbox"]
    assert isinstance(provider, Billing)
    asked = await withdraw(shop)
    await ended(db, shop, [asked.payout_id])
    at = shop.clock.now() - timedelta(days=3)
    other = PAYMENT.show(new_id(), CITY + 1)
    lines = [("capture", PAYMENT.show(new_id(), CITY), 6_800, 41), ("capture", other, 9_900, 59),
             ("payout", PAYOUT.show(asked.payout_id, CITY), 6_256, 0),
             ("payout", PAYOUT.show(new_id(), CITY), 700, 0)]  # fmt: skip
    provider.lines = [
        BillLine(kind=kind, number=number, provider_no="P", amount=Amount(units, "CNY"), fee=Amount(fee, "CNY"), at=at)  # type: ignore[arg-type]
        for kind, number, units, fee in lines
    ]
    provider.silent = True
    assert await bills.fetch(shop.house, CITY) == 0  # asked again at the next round
    provider.silent = False
    assert await bills.fetch(shop.house, CITY) == bills.LOOK_BACK
    assert await bills.fetch(shop.house, CITY) == 0
    async with db.reading(CITY) as tx:
        rows = await tx.rows(
            """select fee_units, captured_units, paid_out_units from settlement.bills
               where city_id = %(city)s and captured_units > 0""", city=CITY,
        )  # fmt: skip
        tasks = await settlement.tasks_open(tx, city_id=CITY)
    assert rows == [{"fee_units": 41, "captured_units": 6_800, "paid_out_units": 6_956}]
    day = (at.date()).isoformat()  # a payout and a capture that we never made
    assert sorted(task.note for task in tasks) == ["7.00", f"sandbox {day}: 68.00 / —"]
    assert {task.kind for task in tasks} == {"bill_differs"}
    assert await audit_clean(db)


async def test_what_we_still_ask_about_is_done_when_the_bill_has_it(db: Database, shop: Shop):
    asked = await withdraw(shop)
    now = shop.clock.now()
    await db.run_city(CITY, lambda tx: settlement.claim_payouts(tx, city_id=CITY, now=now))
    line = settlement.PaidOut(asked.payout_id, asked.amount)
    await db.run_city(CITY, lambda tx: settlement.compare_payouts(tx, [line], city_id=CITY, now=now))
    assert (await seen(db, asked.payout_id)).state == "done"
    assert await audit_clean(db)


SEEDS: dict[str, list[str]] = {
    "T09": ["update settlement.shares set units = units + 1 where at = (select min(at) from settlement.shares)"],
    "T10": ["update settlement.earnings set operator_units = operator_units - 1 where reversed_at is null"],
    "T11": ["""update settlement.earnings set lines = '[["base", 1]]'::jsonb"""],
    "T12": ["update settlement.chains set valid_from = valid_from + interval '1 year'"],
    "T13": ["update settlement.payouts set state = 'unknown', ended_at = null where state = 'done'"],
    "T14": ["update settlement.payout_changes set state = 'asked' where state = 'done'"],
    "T15": ["update settlement.payout_changes c set cause = 'approved', by = p.asked_by from settlement.payouts p"
            " where p.payout_id = c.payout_id and p.asked_by is not null"],
    "T16": ["update settlement.batches set units = units + 1"],
    "T17": ["delete from settlement.tasks where kind = 'refused'"],
    "T18": ["update settlement.bills set fee_units = fee_units + 1"],
    "T19": ["update settlement.payouts set account = 'bank:0000' where first_sent_at is not null"],
}  # fmt: skip


async def a_full_world(db: Database) -> None:
    """Shares of a chain, a batch that went, a withdrawal that came back, a bill."""
    provider = Billing()
    shop = await a_shop(db, provider)
    now = shop.clock.now()
    chain = Chain(merchant_id=shop.lane.merchant, version=0, shares=(Share(new_id(), 10_000),), valid_from=now)
    async with db.central() as tx:
        await settlement.set_chains(tx, [chain], now=now)
    await earn(db, shop, 1)
    made = await payouts.make_batch(shop.house, shop.root, CITY)
    async with db.reading(CITY) as tx:
        found = await settlement.payouts_in(tx, city_id=CITY, batch_id=made.batch_id)
    await ended(db, shop, [one.payout_id for one in found])
    await earn(db, shop, 1)
    asked = await withdraw(shop)
    back = settlement.PayoutResult(payout_id=asked.payout_id, state="refused", failure="account_closed")
    await db.run_city(CITY, lambda tx: settlement.payout_results(tx, [back], city_id=CITY, now=now))
    fee = Amount(41, "CNY")
    provider.lines = [
        BillLine(
            kind="capture", number=PAYMENT.show(new_id(), CITY), provider_no="P", amount=Amount(6_800, "CNY"), fee=fee,
            at=now - timedelta(days=3),
        )
    ]  # fmt: skip
    await bills.fetch(shop.house, CITY)
    assert await audit_clean(db)
    await shop.house.close()


@pytest.mark.parametrize("code", sorted(SEEDS))
async def test_the_invariant_fires(db: Database, database_url: str, code: str):
    await a_full_world(db)
    break_it(database_url, SEEDS[code])
    assert await fires(db, code)


def test_no_invariant_from_t09_on_is_without_its_violation():
    ours = {q.code for q in queries() if q.package == "settlement" and "T09" <= q.code <= "T19"}
    assert ours == set(SEEDS)
