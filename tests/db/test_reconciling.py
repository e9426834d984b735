"""A provider's bill line by line, and the three sides of a day: orders, the bill, the ledger."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hutong import settlement
from hutong.desk import bills, reconciling
from hutong.infra.audit import queries
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import PAYMENT, REFUND
from hutong.kit.money import Amount
from hutong.orders import Placed
from hutong.payments import BillLine, OpenPayment
from hutong.places import City, city
from tests.conftest import audit_clean, fires
from tests.db.breaking import break_it
from tests.db.payouts_help import Shop, a_shop
from tests.lane import CITY, a_place, captured, hear, place, refund, refund_is
from tests.pocket import PocketPay
from tests.provider import SandboxProcess

pytestmark = pytest.mark.anyio
ZONE = "Asia/Shanghai"
NOON = timedelta(hours=12)


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Shop]:
    made = await a_shop(db, PocketPay())
    yield made
    await made.house.close()


def line(number: str, units: int, at: datetime, kind: Any = "capture") -> BillLine:
    return BillLine(
        kind=kind, number=number, provider_no=f"P{number}", amount=Amount(units, "CNY"), fee=Amount(0, "CNY"), at=at
    )


async def here(db: Database) -> City:
    async with db.reading(CITY) as tx:
        found = await city(tx, CITY)
    assert found is not None
    return found


async def buys(db: Database, shop: Shop, now: datetime) -> Placed:
    """An order of 68.00 that we heard paid at that instant."""
    (placed,) = await place(db, [a_place(shop.lane)], now)
    assert isinstance(placed, Placed), placed
    await hear(db, [captured(placed)], now)
    return placed


async def gives_back(db: Database, placed: Placed, now: datetime) -> UUID:
    refund_id = new_id()
    asked = await refund(db, placed.order_id, now, refund_id=refund_id)
    await hear(db, [refund_is(refund_id, "done", asked.amount)], now)
    return refund_id


def number(placed: Placed) -> str:
    return PAYMENT.show(placed.payment_id, CITY)


async def book(db: Database, shop: Shop, day: date, *lines: BillLine) -> int:
    return await bills.book(shop.house, await here(db), "sandbox", day, lines)


async def kept(db: Database) -> list[tuple[str, date, bool]]:
    """What is kept, of which day, and whether it has not ended."""
    async with db.reading(CITY) as tx:
        found = await settlement.differences(
            tx, "sandbox", city_id=CITY, since=date(2000, 1, 1), until=date(9000, 1, 1)
        )
    return [(one.what, one.day, one.open) for one in found]


async def tasks(db: Database) -> dict[UUID, str]:
    async with db.reading(CITY) as tx:
        return {one.ref: one.note for one in await settlement.tasks_open(tx, city_id=CITY)}


async def seen(db: Database, shop: Shop) -> dict[date, reconciling.Day]:
    return {one.bill.day: one for one in await reconciling.days(shop.house, shop.root, await here(db))}


async def test_a_day_on_which_all_agree_is_green(db: Database, shop: Shop):
    """The shop's own use was bought on this day, too: the bill has it."""
    now = shop.clock.now()
    day = local_day(now, ZONE)
    one, two = await buys(db, shop, now), await buys(db, shop, now)
    back = await gives_back(db, two, now)
    async with db.reading(CITY) as tx:
        rows = await tx.rows("select payment_id from payments.payments where city_id = %(city)s", city=CITY)
    lines = [line(PAYMENT.show(row["payment_id"], CITY), 6_800, now) for row in rows]
    assert number(one) in {each.number for each in lines}
    await book(db, shop, day, *lines, line(REFUND.show(back, CITY), 6_800, now, "refund"))
    it = (await seen(db, shop))[day]
    assert it.orders == it.provider == it.ledger
    assert (it.provider.captured.units, it.provider.refunded.units) == (3 * 6_800, 6_800)
    assert (it.green, it.difference.units, await kept(db), await tasks(db)) == (True, 0, [], {})
    assert await audit_clean(db)


async def days_of(shop: Shop) -> tuple[date, datetime]:
    """A day some time ahead, on which only this test moves money, and its noon."""
    day = local_day(shop.clock.now(), ZONE) + timedelta(days=3)
    return day, day_start(day, ZONE) + NOON


async def test_each_way_to_differ_is_kept_and_is_one_task(db: Database, shop: Shop):
    day, noon = await days_of(shop)
    good, wrong, unbilled = [await buys(db, shop, noon) for _ in range(3)]
    strange = new_id()
    odd = line(PAYMENT.show(strange, CITY), 500, noon)
    lines = [line(number(good), 6_800, noon), line(number(wrong), 6_700, noon), odd]
    assert await book(db, shop, day, *lines) == 1
    assert sorted(await kept(db)) == [("amount", day, True), ("bill_only", day, True), ("ours_only", day, True)]
    notes = await tasks(db)
    assert set(notes) == {wrong.payment_id, strange}  # the next day's bill may still have the third
    assert notes[wrong.payment_id].endswith("67.00 / 68.00")
    it = (await seen(db, shop))[day]
    assert (it.green, it.lines, it.provider.captures, it.ledger.captures) == (False, 3, 3, 3)
    assert it.difference.units == 3 * 6_800 - (6_800 + 6_700 + 500)
    await book(db, shop, day + timedelta(days=1))
    assert set(await tasks(db)) == {wrong.payment_id, strange, unbilled.payment_id}
    await book(db, shop, day + timedelta(days=2))
    assert len(await tasks(db)) == 3
    assert await audit_clean(db)


async def test_midnight_is_no_difference(db: Database, shop: Shop):
    """The provider moved it at half a second to twelve and we heard of it a second later; and the other way round."""
    day, _ = await days_of(shop)
    midnight = day_start(day + timedelta(days=1), ZONE)
    second = timedelta(seconds=1)
    early, late = await buys(db, shop, midnight - second), await buys(db, shop, midnight + second)
    await book(db, shop, day, line(number(late), 6_800, midnight - timedelta(seconds=1)))
    assert sorted(await kept(db)) == [("other_day", day, False), ("ours_only", day, True)]
    assert await tasks(db) == {}
    await book(db, shop, day + timedelta(days=1), line(number(early), 6_800, midnight))
    assert not [one for one in await kept(db) if one[2]]
    assert await tasks(db) == {}
    found = await seen(db, shop)
    assert [(found[one].green, found[one].ledger.captures) for one in sorted(found)] == [(True, 1), (True, 1)]
    assert await audit_clean(db)


async def test_what_we_hear_of_at_last_ends_its_difference_and_its_task(db: Database, shop: Shop):
    day, noon = await days_of(shop)
    (placed,) = await place(db, [a_place(shop.lane)], noon)
    assert isinstance(placed, Placed)
    await book(db, shop, day, line(number(placed), 6_800, noon))
    assert set(await tasks(db)) == {placed.payment_id}
    await hear(db, [captured(placed)], noon + timedelta(days=1))
    await book(db, shop, day + timedelta(days=1))
    assert await tasks(db) == {}
    assert sorted(await kept(db)) == [("bill_only", day, False), ("other_day", day, False)]
    found = await seen(db, shop)
    assert [found[one].green for one in sorted(found)] == [True, True]
    assert await audit_clean(db)


async def test_a_bill_that_is_corrected_later_is_not_booked_twice(db: Database, shop: Shop):
    day, noon = await days_of(shop)
    placed = await buys(db, shop, noon)
    assert await book(db, shop, day, line(number(placed), 6_800, noon)) == 1
    assert (
        await book(db, shop, day, line(number(placed), 9_900, noon), line(PAYMENT.show(new_id(), CITY), 1, noon)) == 0
    )
    assert (await seen(db, shop))[day].green
    assert await tasks(db) == {}
    assert await audit_clean(db)


async def test_the_bill_of_the_real_provider(db: Database, tmp_path: Path):
    """A payer pays at SandboxPay; what it says and its bill of the day agree with orders and the ledger."""
    company = await SandboxProcess(tmp_path).start()
    shop = await a_shop(db, company.adapter())
    now = shop.clock.now()
    day = local_day(now, ZONE)
    (placed,) = await place(db, [a_place(shop.lane)], now)
    assert isinstance(placed, Placed)
    provider = shop.house.providers["sandbox"]
    opened = await provider.open_payment(
        OpenPayment(
            out_no=number(placed), amount=placed.total, description="deal", notify_url="http://127.0.0.1:9/none",
            return_url="http://127.0.0.1:9/", expires_at=now + timedelta(minutes=15),
        )
    )  # fmt: skip
    assert (await company.pay(opened.pay_url)).status_code == 303
    await hear(db, [await provider.payment(number(placed))], shop.clock.now())
    lines = [one for one in await provider.bill(day) if one.number == number(placed)]
    assert [one.kind for one in lines] == ["capture"]
    await book(db, shop, day, *lines)
    async with db.reading(CITY) as tx:
        found = await settlement.differences(tx, "sandbox", city_id=CITY, since=day, until=day + timedelta(days=1))
    assert placed.payment_id not in {one.ref for one in found}  # the use of the shop was never paid at SandboxPay
    assert {one.what for one in found} == {"ours_only"}
    assert await audit_clean(db)
    await shop.house.close()
    await company.stop()


SEEDS = {
    "T20": ["update settlement.bill_differences set day = day - 400"],
    "T21": ["update settlement.bills set captured_matched = captured_matched + 1 where captured_matched > 0"],
    "T22": ["delete from settlement.tasks where kind = 'bill_differs'"],
    "T23": ["update settlement.bill_differences set our_units = our_units + 1 where what = 'ours_only'"],
}


@pytest.mark.parametrize("code", sorted(SEEDS))
async def test_the_invariant_fires(db: Database, database_url: str, shop: Shop, code: str):
    day, noon = await days_of(shop)
    good, _ = await buys(db, shop, noon), await buys(db, shop, noon)
    await book(db, shop, day, line(number(good), 6_800, noon), line(PAYMENT.show(new_id(), CITY), 500, noon))
    assert await audit_clean(db)
    break_it(database_url, SEEDS[code])
    assert await fires(db, code)


def test_no_invariant_from_t20_on_is_without_its_violation():
    assert {q.code for q in queries() if q.package == "settlement" and q.code >= "T20"} == set(SEEDS)
