"""What it comes to: the board of the day, the statement, and who may see which."""

from datetime import UTC, datetime, timedelta

import pytest

from hutong.kit.clock import ManualClock
from hutong.web.merchant.board import DAYS, HIGH, bars
from hutong.web.merchant.periods import period_of
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
    assert "Redeemed 1" in page.text
    assert "Sold 4" in page.text
    assert "2 orders" in page.text
    assert "Refunds 1" in page.text
    assert "Still to be used" in page.text
    assert "Earned ¥62.56" in page.text
    assert "Refused scans 1" in page.text
    assert page.html.count("<rect") == DAYS
    assert page.inline == []
    assert other.code not in page.text


def test_bars_stand_in_their_order_and_empty_days_are_drawn_low():
    today = datetime(2026, 11, 20, tzinfo=UTC).date()
    made = bars([], today)
    assert [bar.day for bar in made] == [today - timedelta(days=DAYS - 1 - n) for n in range(DAYS)]
    assert all(0 < bar.height < 3 and bar.y + bar.height == pytest.approx(HIGH) for bar in made)


@pytest.mark.parametrize(
    ("name", "first"), [("today", 20), ("week", 14), ("month", 1), ("nonsense", 20)], ids=lambda value: str(value)
)
def test_periods_are_whole_days_of_the_city(name: str, first: int):
    """At 00:30 in Shanghai it is still yesterday in UTC."""
    period = period_of(name, datetime(2026, 11, 19, 16, 30, tzinfo=UTC), ZONE)
    assert period.since == datetime(2026, 11, first, tzinfo=UTC) - timedelta(hours=8)
    assert period.until == datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


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
