"""What it comes to: the board of the day, the statement, and who may see which."""

from datetime import UTC, datetime, timedelta

import pytest

from hutong import catalog
from hutong.kit.clock import ManualClock
from hutong.vouchers import HourUses
from hutong.web.merchant.board import EARLY, HIGH, LATE, WIDE, bars
from hutong.web.merchant.periods import period_of, span
from hutong.web.shared.assets import assets
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.pages.test_merchant_counter import at, held, mei, shown, tao
from tests.pages.test_merchant_past import manager, redeemed

pytestmark = pytest.mark.anyio
__all__ = ["mei", "tao"]
ZONE = "Asia/Shanghai"


async def test_the_statement_shows_each_code_each_fee_and_the_sums(
    ann: Reader, tao: Reader, mei: Reader, house: TestHouse
):
    units = await held(ann, quantity=4)  # 68.00 each, 8 % commission
    await tao.send(await shown(tao, units[0].code), "/redemptions", count="2")
    undone = await tao.send_and_follow(await shown(tao, units[2].code), "/redemptions")
    await tao.send(undone, "/reversals")
    page = await mei.get(at(mei, "/statement"))
    assert page.status == 200
    assert "2 redeemed ¥136 Commission −¥10.88 Yours ¥125.12" in page.text
    assert "Payable redeemed, not paid out yet ¥125.12" in page.text
    assert "Held sold, not yet used ¥136" in page.text
    for unit in units[:3]:
        assert f"…{unit.code_tail}" in page.text
    assert page.text.count("−¥5.44") == 3
    assert "Undone" in page.text
    assert "小安" not in page.text
    assert await audit_clean(house.db)


async def test_the_statement_keeps_to_its_period(ann: Reader, tao: Reader, app, house: TestHouse, clock: ManualClock):
    await redeemed(tao, ann)
    clock.move(timedelta(days=3))
    mei = await Reader(app, house, language="en").sign_in("mei")
    assert "0 redeemed" in (await mei.get(at(mei, "/statement?period=today"))).text
    for period in ("week", "days30", "month"):
        assert "1 redeemed ¥68" in (await mei.get(at(mei, f"/statement?period={period}"))).text
    assert (await mei.get(at(mei, "/statement?after=rubbish"))).status == 422
    assert (await mei.get(at(mei, "/statement?after=2026-11-20T00:00:00~x"))).status == 422


async def test_money_is_for_the_owner_and_the_board_for_who_leads(ann: Reader, tao: Reader, mei: Reader, app, house):
    await redeemed(tao, ann)
    for path in ("/today", "/statement"):
        assert (await tao.get(at(tao, path))).status == 403
        assert (await mei.get(at(mei, path, "four-joys-drum"))).status == 404
    leader = await manager(app, house)
    assert (await leader.get(at(leader, "/statement"))).status == 403
    board = await leader.get(at(leader, "/today"))
    assert "今日核销 1" in board.text
    assert "¥" not in board.text
    assert "今日售出" not in board.text
    for who in ("lin", "pat"):
        outsider = await Reader(app, house).sign_in(who)
        assert (await outsider.get(at(outsider, "/statement"))).status in (403, 404)


async def test_the_board_of_the_owner_counts_today(ann: Reader, tao: Reader, mei: Reader, house: TestHouse):
    [first, *_] = await held(ann, quantity=3)
    await tao.send(await shown(tao, first.code), "/redemptions")
    await shown(tao, first.code)  # refused: used already
    [other] = await held(ann, "solo-lunch")
    order = (await ann.get(ann.at("/orders"))).link("/orders/ord_")
    await ann.send(await ann.get(f"{order}/refund"), "/refunds")
    page = await mei.get(at(mei, "/today"))
    assert "Redeemed 1 1 more" in page.text
    assert "Sold 4" in page.text
    assert "Refunds 1" in page.text
    assert "Still to be used" in page.text
    assert "Earned ¥62.56" in page.text
    assert "Refused scans 1" in page.text
    assert "Rating – no review yet" in page.text
    assert page.html.count('class="bar"') == 1
    assert page.inline == []
    assert other.code not in page.text


async def test_the_board_compares_with_the_same_weekday_up_to_the_same_time(
    ann: Reader, tao: Reader, app, house: TestHouse, clock: ManualClock
):
    """Last week one at noon and one in the evening: at noon a week later only the first one counts against today."""
    await redeemed(tao, ann)
    clock.move(timedelta(hours=6))
    await redeemed(tao, ann)
    clock.move(timedelta(days=7) - timedelta(hours=6))
    mei = await Reader(app, house, language="en").sign_in("mei")
    page = await mei.get(at(mei, "/today"))
    assert "Redeemed 0 1 fewer" in page.text
    assert "Sold 0 ¥0 1 fewer" in page.text
    assert "Last week (2 in all)" in page.text
    assert page.html.count('class="was-bar"') == 2
    assert "12:00: 0 today, 1 last week" in page.text


async def test_the_board_says_what_is_to_be_done(ann: Reader, mei: Reader, app, house: TestHouse, clock: ManualClock):
    await held(ann)
    assert "run out" not in (await mei.get(at(mei, "/today"))).text
    async with house.db.reading(house.town.city_id) as tx:
        offer = (await catalog.offers(tx, [house.town.offers["two-bowls"]], city_id=house.town.city_id))[0]
    assert offer is not None
    clock.set(offer.sale_to - timedelta(hours=30))
    mei = await Reader(app, house, language="en").sign_in("mei")
    assert "A deal ends soon" in (await mei.get(at(mei, "/today"))).text
    leader = await manager(app, house)
    board = await leader.get(at(leader, "/today"))
    assert "商品即将下架" in board.text
    assert "到期" not in board.text  # who may come is the merchant's business, not one store's


def test_bars_stand_side_by_side_and_the_highest_fills_the_grid():
    made = bars([HourUses(12, 4), HourUses(23, 1)], [HourUses(7, 2)])
    assert [bar.hour for bar in made] == list(range(7, 24))
    assert max(bar.height for bar in made) == HIGH
    assert [bar.count for bar in made if bar.height] == [4, 1]
    assert all(bar.x + bar.width <= WIDE for bar in made)
    assert [bar.hour for bar in bars([], [])] == list(range(EARLY, LATE + 1))
    assert all(bar.height == 0 for bar in bars([], []))


@pytest.mark.parametrize(
    ("name", "first"), [("today", 20), ("week", 14), ("month", 1), ("nonsense", 20)], ids=lambda value: str(value)
)
def test_periods_are_whole_days_of_the_city(name: str, first: int):
    """At 00:30 in Shanghai it is still yesterday in UTC."""
    period = period_of(name, datetime(2026, 11, 19, 16, 30, tzinfo=UTC), ZONE)
    assert period.since == datetime(2026, 11, first, tzinfo=UTC) - timedelta(hours=8)
    assert period.until == datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


def test_any_days_are_whole_days_and_end_today():
    now = datetime(2026, 11, 19, 16, 30, tzinfo=UTC)  # the 20th in Shanghai
    day = datetime(2026, 11, 20, tzinfo=UTC).date()

    def days(first, last):
        chosen = span(first, last, now, ZONE)
        return (chosen.since + timedelta(hours=8)).date(), (chosen.last + timedelta(hours=8)).date()

    assert days(day - timedelta(days=5), day - timedelta(days=3)) == (day - timedelta(days=5), day - timedelta(days=3))
    assert days(day - timedelta(days=3), day - timedelta(days=5)) == (day - timedelta(days=5), day - timedelta(days=3))
    assert days(day, day + timedelta(days=9)) == (day, day)
    assert days(day - timedelta(days=4000), day) == (day - timedelta(days=366), day)
    yesterday = period_of("yesterday", now, ZONE)
    assert yesterday.until == period_of("today", now, ZONE).since


def test_the_reader_of_codes_has_the_wasm_that_it_pins():
    """Another version's wasm ends in "memory access out of bounds"."""
    import hashlib

    known = assets()
    wasm = hashlib.sha256(known["merchant/zxing_reader.wasm"].body).hexdigest()
    assert wasm.encode() in known["merchant/barcode-detector.js"].body


async def test_only_the_scanner_may_run_wasm(mei: Reader):
    for path in ("/history", "/today", "/statement"):
        assert "wasm" not in (await mei.get(at(mei, path))).headers["content-security-policy"]
    policy = (await mei.get(at(mei))).headers["content-security-policy"]
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "'unsafe-eval'" not in policy
