"""Mei's money as files: they add up to the ledger, and what people wrote is never a formula."""

import csv
import io
from datetime import datetime, timedelta

import pytest
from python_calamine import CalamineWorkbook

from hutong import ledger, settlement
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.ledger import Book
from hutong.settlement import AskPayout, PayoutResult
from hutong.web.merchant import sheets
from hutong.web.shared.words import Words
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.pages.test_merchant_counter import at, held, mei, shown, tao

pytestmark = pytest.mark.anyio
__all__ = ["mei", "tao"]


async def used(ann: Reader, tao: Reader) -> None:
    """Four bought; three used, one of them undone; the fourth given back."""
    units = await held(ann, quantity=4)
    for unit in units[:2]:
        await tao.send(await shown(tao, unit.code), "/redemptions")
    undone = await tao.send_and_follow(await shown(tao, units[2].code), "/redemptions")
    await tao.send(undone, "/reversals")


async def payable(house: TestHouse) -> Amount:
    path = ledger.chart.payable_merchant(house.town.noodle_bar).path
    async with house.db.reading(house.town.city_id) as tx:
        (found,) = await ledger.balances(tx, Book.city(house.town.city_id), paths=[path], asset="CNY")
    return found.available


async def test_the_workbook_adds_up_to_the_ledger(ann: Reader, tao: Reader, mei: Reader, house: TestHouse):
    await used(ann, tao)
    answer = await mei.web.get(at(mei, "/statement/files/xlsx?period=month"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    assert "attachment" in answer.headers["content-disposition"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    assert book.sheet_names == ["Summary", "Lines", "Refunds", "Payouts"]
    lines = book.get_sheet_by_name("Lines").to_python()
    head, rows = lines[0], lines[1:]
    assert len(rows) == 3
    column = {name: number for number, name in enumerate(head)}
    live = [row for row in rows if row[column["Undone"]] == ""]
    yours = round(sum(row[column["Yours"]] for row in live) * 100)
    assert Amount(yours, "CNY") == await payable(house)
    assert all(isinstance(row[column["Redeemed"]], datetime) for row in rows)
    assert rows[0][column["Redeemed"]].hour == 12, "the clocks of the city"
    for row in live:
        assert round(row[column["Due"]] * 100) == round((row[column["Commission"]] + row[column["Yours"]]) * 100)
    total = next(row for row in book.get_sheet_by_name("Summary").to_python() if row[0] == "Total")
    assert (total[1], round(total[5] * 100), total[6]) == (2, yours, 1)
    plain = await mei.web.get(at(mei, "/statement/files/csv?period=month"))
    read = list(csv.DictReader(io.StringIO(plain.content.decode("utf-8-sig"))))
    assert sum(round(float(row["Yours"]) * 100) for row in read if not row["Undone"]) == yours
    assert (await mei.get(at(mei, "/statement/files/pdf"))).status == 404
    assert await audit_clean(house.db)


async def test_every_view_and_every_line_can_be_opened(ann: Reader, tao: Reader, mei: Reader, house: TestHouse):
    await used(ann, tao)
    for view in ("day", "week", "month"):
        page = await mei.get(at(mei, f"/statement?period=month&view={view}"))
        assert page.status == 200, view
        assert "¥125.12" in page.text
        assert "1 undone" in page.text
    page = await mei.get(at(mei, "/statement"))
    line = await mei.get(page.link("/statement/red_"))
    for words in ("Paid by the buyer ¥68", "Commission −¥5.44", "the operator's share", "Yours ¥62.56"):
        assert words in line.text
    own = await mei.get(at(mei, "/statement?first=2026-11-01&last=2026-11-30&of=" + mei.store("noodle-bar-ferry")))
    assert "0 redeemed" in own.text
    here = await mei.get(at(mei, "/statement?first=2026-11-01&last=2026-11-30&of=" + mei.store("noodle-bar-lantern")))
    assert "2 redeemed" in here.text
    assert (await mei.get(at(mei, "/statement?first=yesterday"))).status == 422
    for view, words in (("refunds", "Nothing was refunded"), ("payouts", "No payouts yet")):
        assert words in (await mei.get(at(mei, f"/statement?view={view}"))).text
    order = (await ann.get(ann.at("/orders"))).link("/orders/ord_")
    await ann.send(await ann.get(f"{order}/refund"), "/refunds")
    assert "under way" in (await mei.get(at(mei, "/statement?view=refunds"))).text
    from hutong.infra.ids import new_id

    town, now = house.town, house.clock.now()
    ask = AskPayout(payout_id=new_id(), merchant_id=town.noodle_bar, provider="sandbox", asset="CNY")
    async with house.db.city(town.city_id) as tx:
        await settlement.ask_payouts(tx, [ask], city_id=town.city_id, now=now)
        done = [PayoutResult(payout_id=ask.payout_id, state="done")]
        await settlement.payout_results(tx, done, city_id=town.city_id, now=now + timedelta(hours=1))
    assert "¥125.12" in (await mei.get(at(mei, "/statement?view=payouts"))).text
    assert (await payable(house)).units == 0
    assert await audit_clean(house.db)


def test_words_that_look_like_formulas_stay_words(tmp_path):
    evil = ['=HYPERLINK("http://x")', "+1+1", "-2", "@SUM(A1)", "\t=1"]
    book = sheets.Workbook(
        tmp_path / "b.xlsx", Words("en"), asset="CNY", zone="Asia/Shanghai", language="en", city_id=1
    )
    for words in evil:
        book.row("lines", [words, Amount(-1234, "CNY")])
    book.close(facts=[("=1+1", "=2+2")])
    read = CalamineWorkbook.from_path(str(tmp_path / "b.xlsx"))
    rows = read.get_sheet_by_name("Lines").to_python()[1:]
    assert [row[0] for row in rows] == evil
    assert rows[0][1] == -12.34
    assert read.get_sheet_by_name("Summary").to_python()[0][:2] == ["=1+1", "=2+2"]
    assert [sheets.safe(words)[0] for words in evil] == ["'"] * 5
    assert sheets.csv_cell(Amount(-1234, "CNY")) == "-12.34"
    assert Text.both("x").zh == "x"
