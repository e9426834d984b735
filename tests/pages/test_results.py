"""The result sheet as merchant and operator read it, and the forecast with its taps."""

import io
import re
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook

from hutong import vouchers
from hutong.cli.demo.city_data import read_city
from hutong.desk import waves
from hutong.desk.insights import judge_deals, rebuild
from hutong.kit.clock import ManualClock
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import at, held, mei, shown, tao
from tests.pages.test_operator_queues import lin

pytestmark = pytest.mark.anyio
__all__ = ["lin", "mei", "tao"]
DAY = timedelta(days=1)


async def told(house: TestHouse) -> None:
    """As the worker does after a while: visits are fed, deals judged, waves watched."""
    city, now = house.town.city_id, house.clock.now()
    await rebuild(house.db, city, now)
    await judge_deals(house.db, city, now)
    await waves.watch(house.db, city, now)


def figures(page: Page) -> list[tuple[str, str]]:
    """Every name with its figure on a sheet, in order."""
    pairs = re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", page.html, re.S)
    return [
        (" ".join(re.sub(r"<[^>]+>", " ", one).split()), " ".join(re.sub(r"<[^>]+>", " ", two).split()))
        for one, two in pairs
    ]


async def test_merchant_and_operator_read_the_same_figures(
    ann: Reader, bo: Reader, tao: Reader, mei: Reader, lin: Reader, house: TestHouse
):
    """Ann uses two units, Bo one: two guests, three uses, 62.56 each; equal on both pages, the file, the books."""
    units = await held(ann, quantity=2) + await held(bo, quantity=1)
    for unit in units:
        await tao.send(await shown(tao, unit.code), "/redemptions", count="1")
    await told(house)
    path = f"/deals/{ann.deal('two-bowls')}/result"
    ours = await mei.get(at(mei, path))
    theirs = await lin.get(f"/o/qinghe/results/{ann.deal('two-bowls')}")
    assert ours.status == theirs.status == 200
    assert figures(ours) == figures(theirs)
    found = dict(figures(ours))
    assert (found["New"], found["Sold"], found["Used"]) == ("2 100%", "3", "3")
    assert (found["Paid by guests"], found["Commission"], found["Yours"]) == ("¥204", "−¥16.32", "¥62.56")
    assert "Too early to say" in ours.text
    assert "There is no data yet, and we do not guess" in ours.text
    books = await mei.get(at(mei, "/statement"))
    assert "Yours ¥187.68" in books.text
    listed = await lin.get("/o/qinghe/results")
    assert "Too early to say" in listed.text
    assert any(link.endswith(ann.deal("two-bowls")) for link in listed.links)
    file = await mei.get(ours.link("/xlsx"))
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.answer.content)).get_sheet_by_index(0).to_python()
    assert ["Used", 3.0] in [row[:2] for row in rows]
    assert ["Paid by guests", 204.0] in [row[:2] for row in rows]
    assert (await lin.get(theirs.link("/xlsx"))).answer.content[:2] == b"PK"
    assert await audit_clean(house.db)


async def test_the_owner_says_his_cost_and_reads_how_many_must_come_back(mei: Reader, ann: Reader):
    page = await mei.get(at(mei, f"/deals/{ann.deal('two-bowls')}/result"))
    assert "Give your cost of one unit" in page.text
    done = await mei.send_and_follow(page, "/plan", cost="70", expected="25")
    # 2,000 units lose 7.44 each; a guest at 98.00 leaves 28.00
    assert "If all 2000 are sold, 532 guests must come back once" in done.text
    assert "Saved" in done.text
    copy = await mei.get((await mei.send(await mei.get(at(mei, "/deals")), "/copies")).headers["location"])
    assert "One unit" in copy.text, "the editor says it while one writes"
    assert "Commission (rule in force) −¥" in copy.text
    for wrong in ("-1", "much", "1e99", "NaN"):
        refused = await mei.send(done, "/plan", cost=wrong)
        assert refused.status == 422
        assert "cannot be" in refused.text


async def test_a_sheet_is_for_the_owner_and_his_operator(
    tao: Reader, bo: Reader, mei: Reader, lin: Reader, ann: Reader
):
    path = f"/deals/{ann.deal('two-bowls')}/result"
    assert (await tao.get(at(tao, path))).status == 403
    assert (await bo.get(at(bo, path))).status in (403, 404)
    other = next(m for m in read_city().merchants if m.slug == "four-joys").offers[0].slug
    assert (await mei.get(at(mei, f"/deals/{ann.deal(other)}/result"))).status in (403, 404)
    assert (await tao.get("/o/qinghe/results")).status in (403, 404)
    assert (await lin.get("/o/qinghe/results?after=rubbish")).status == 422


async def test_the_forecast_warns_and_its_taps_work(
    app, ann: Reader, mei: Reader, tao: Reader, house: TestHouse, clock: ManualClock
):
    await held(ann, quantity=6)
    empty = await mei.get(at(mei, "/forecast"))
    assert "We do not know how many you can serve" in empty.text
    done = await mei.send_and_follow(empty, "/capacity", **{f"d{n}": "0" for n in range(7)})
    assert "Saved" in done.text
    await told(house)
    assert "More will come than you can serve" in (await mei.get(at(mei, "/today"))).text
    assert (await tao.get(at(tao, "/forecast"))).status == 403
    clock.move(80 * DAY)  # ten days before they end
    mei = await Reader(app, house, language="en").sign_in("mei")
    page = await mei.get(at(mei, "/forecast"))
    assert "not everybody can be served" in page.text
    assert page.html.count('<rect class="bar') >= 5
    asked = await mei.send_and_follow(page, "/nudges")
    assert "1 guest will be invited" in asked.text
    assert "nobody left to remind" in (await mei.send(asked, "/nudges")).text
    longer = await mei.send_and_follow(asked, "/extensions", days="14")
    assert "6 vouchers are good for longer" in longer.text
    refused = await mei.send(longer, "/capacity", d0="many")
    assert refused.status == 422
    assert await vouchers_end_later(house)
    assert await audit_clean(house.db)


async def vouchers_end_later(house: TestHouse) -> bool:
    now = house.clock.now()
    async with house.db.reading(house.town.city_id) as tx:
        found = await vouchers.outstanding(
            tx, city_id=house.town.city_id, zone="Asia/Shanghai", now=now, until=now + 365 * DAY
        )
    return all(lot.valid_to > now + 20 * DAY for lot in found)
