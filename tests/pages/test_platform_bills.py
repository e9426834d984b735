"""Three-way reconciliation on the platform's pages: the days of a city, one day line by line, and as a file."""

from datetime import timedelta

import pytest
from litestar import Litestar

from hutong import payments, places
from hutong.desk import bills
from hutong.infra.ids import new_id
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import PAYMENT
from hutong.kit.money import Amount
from hutong.payments import BillLine
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import tao
from tests.pages.test_merchant_past import redeemed

pytestmark = pytest.mark.anyio
__all__ = ["tao"]
BILLS = "/platform/payouts/qinghe/bills"


@pytest.fixture
async def pat(app: Litestar, house: TestHouse) -> Reader:
    return await Reader(app, house, language="en").sign_in("pat")


async def booked(house: TestHouse, *, more: int = 0, strange: bool = False) -> str:
    """Today's bill of what was paid today, each in `more` units than we hold; `strange`: with one of nobody's. Gives
    the number of the last that was paid."""
    city_id = house.town.city_id
    async with house.db.reading(city_id) as tx:
        city = await places.city(tx, city_id)
        assert city is not None
        since = day_start(local_day(house.clock.now(), city.zone), city.zone)
        until = since + timedelta(days=1)
        held = await payments.moved(tx, "sandbox", city_id=city_id, since=since, until=until, captures=[], refunds=[])
    said = [(one.id, one.amount + Amount(more, one.amount.asset)) for one in held]
    said += [(new_id(), Amount(500, "CNY"))] if strange else []
    lines = [
        BillLine(
            kind="capture", number=PAYMENT.show(ref, city_id), provider_no=f"P{ref}", amount=amount,
            fee=Amount(0, "CNY"), at=since,
        )
        for ref, amount in said
    ]  # fmt: skip
    await bills.book(house, city, "sandbox", local_day(since, city.zone), lines)
    return PAYMENT.show(held[-1].id, city_id)


async def the_day(pat: Reader) -> Page:
    return await pat.get((await pat.get(BILLS)).link("/bills/sandbox/"))


async def test_without_a_bill_the_page_says_when_there_will_be_one(pat: Reader):
    page = await pat.get((await pat.get("/platform/payouts/qinghe")).link("/payouts/qinghe/bills"))
    assert "No bill yet" in page.text
    for wrong in (
        f"{BILLS}?before=x",
        f"{BILLS}/sandbox/2026-01-01",
        f"{BILLS}/sandbox/x",
        f"{BILLS}/sandbox/x/files/x",
    ):
        assert (await pat.get(wrong)).status == 404


async def test_a_day_that_is_even(pat: Reader, ann: Reader, tao: Reader, house: TestHouse):
    await redeemed(tao, ann)
    await booked(house)
    assert "Even" in (await pat.get(BILLS)).text
    day = await the_day(pat)
    assert "Every line agrees" in day.text
    assert await audit_clean(house.db)


async def test_a_day_that_differs_down_to_the_payment_and_as_a_file(
    pat: Reader, ann: Reader, tao: Reader, house: TestHouse
):
    await redeemed(tao, ann)
    paid = await booked(house, more=100, strange=True)
    assert "2 lines differ" in (await pat.get(BILLS)).text
    day = await the_day(pat)
    for words in ("Amounts differ", "On the bill only", "Open the payment", paid):
        assert words in day.text
    flow = await pat.get(day.link(f"number={paid}"))
    assert flow.status == 200
    text = (await pat.get(day.link("/files/csv"))).text
    assert paid in text
    assert "Amounts differ" in text
    sheet = await pat.get(day.link("/files/xlsx"))
    assert sheet.headers["content-type"].startswith("application/vnd.")
    assert "bill differs" in (await pat.get("/platform/payouts/qinghe")).text
    assert await audit_clean(house.db)


async def test_only_the_platform_sees_it(ann: Reader):
    assert (await ann.get(BILLS)).status in (303, 403, 404)
