"""Repeat business as merchant and operator read it: the same figures, nothing about few, files, who may see it."""

import io
import re
from datetime import timedelta
from uuid import UUID

import pytest
from python_calamine import CalamineWorkbook

from hutong import insight, people, places
from hutong.infra.ids import new_id
from hutong.insight import Coming
from hutong.kit.access import Role
from hutong.kit.clock import local_day
from hutong.kit.geo import Point
from hutong.kit.ids import MERCHANT
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.people import GiveRole
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.insight_play import a_visit
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import at, mei, tao
from tests.pages.test_operator_queues import lin
from tests.pages.test_platform_programmes import pat

pytestmark = pytest.mark.anyio
__all__ = ["lin", "mei", "pat", "tao"]
DAY = timedelta(days=1)
ZONE = "Asia/Shanghai"


async def lived(house: TestHouse, walks: list[tuple[str, int]], members: int, units: int = 1_000) -> list[UUID]:
    """So many members walk from shop to shop: (short name, days ago)."""
    town, now, guests = house.town, house.clock.now(), [new_id() for _ in range(members)]
    comings = [
        Coming(
            coming_id=new_id(), kind="purchase", merchant_id=town.merchants[slug], store_id=town.merchants[slug],
            member_id=guest, day=local_day(now - days * DAY, ZONE), at=now - days * DAY, asset="CNY", units=units,
        )
        for guest in guests
        for slug, days in walks
    ]  # fmt: skip
    async with house.db.city(town.city_id) as tx:
        assert all(await insight.come(tx, comings, city_id=town.city_id))
    return guests


def figures(page: Page) -> list[tuple[str, str]]:
    """Every name with its figure, in order."""
    pairs = re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", page.html, re.S)
    return [
        (" ".join(re.sub(r"<[^>]+>", " ", one).split()), " ".join(re.sub(r"<[^>]+>", " ", two).split()))
        for one, two in pairs
    ]


def shop(house: TestHouse, slug: str) -> str:
    return MERCHANT.show(house.town.merchants[slug])


async def test_merchant_and_operator_read_the_same(mei: Reader, lin: Reader, house: TestHouse):
    """Twenty came from Four Joys, twelve began here and went there, eight stayed: 40 members, half of the money is
    that of members first met elsewhere."""
    await lived(house, [("four-joys", 20), ("noodle-bar", 10)], 20)
    await lived(house, [("noodle-bar", 30), ("four-joys", 25)], 12)
    await lived(house, [("noodle-bar", 5)], 8)
    ours, theirs = await mei.get(at(mei, "/repeat")), await lin.get(f"/o/qinghe/repeat/{shop(house, 'noodle-bar')}")
    assert ours.status == theirs.status == 200
    assert figures(ours) == figures(theirs)
    found = dict(figures(ours))
    assert (found["Members"].split()[0], found["First met elsewhere"], found["Their share"]) == ("40", "20", "50%")
    assert "20 of 40 members first met the alliance elsewhere; they left 50%" in ours.text
    assert "We are 95% sure that this share of the money is" in ours.text
    for page in (ours, theirs):
        assert "20 members from" in page.text
        assert "12 members to" in page.text
        assert page.inline == [], "no inline style or script"
    assert await audit_clean(house.db)


async def test_the_operator_sees_who_sends_whom(lin: Reader, house: TestHouse):
    await lived(house, [("four-joys", 20), ("noodle-bar", 10)], 20)
    await lived(house, [("noodle-bar", 30), ("four-joys", 25)], 4)
    page = await lin.get("/o/qinghe/repeat")
    assert page.status == 200
    assert "100% of members have been to two shops or more" in page.text
    assert 'class="num heat-5"' in page.html
    assert "few" in page.text
    assert ">4<" not in page.html, "four members are told nowhere"
    assert any(link.endswith(f"{shop(house, 'noodle-bar')}?days=90") for link in page.links)
    assert "Nobody" not in page.text
    longer = await lin.get("/o/qinghe/repeat?days=365")
    assert longer.status == 200
    assert "24" in dict(figures(longer))["Members"]


async def test_fewer_than_five_are_few_on_the_page_and_in_the_files(mei: Reader, lin: Reader, house: TestHouse):
    await lived(house, [("four-joys", 20), ("noodle-bar", 10)], 4)
    await lived(house, [("noodle-bar", 5)], 20)
    page = await mei.get(at(mei, "/repeat"))
    assert "Fewer than 5 of 24 members first met the alliance elsewhere" in page.text
    assert dict(figures(page))["First met elsewhere"] == "few"
    assert "1 more shop with too few members to be told" in page.text
    for text in (
        (await mei.get(page.link("/files/csv"))).answer.content.decode("utf-8-sig"),
        (await lin.get("/o/qinghe/repeat/files/csv")).answer.content.decode("utf-8-sig"),
    ):
        assert "few (fewer than 5)" in text
        assert not re.search(r"Noodle Bar,4,", text)
    tables = CalamineWorkbook.from_filelike(io.BytesIO((await mei.get(page.link("/files/xlsx"))).answer.content))
    assert tables.sheet_names == ["Figures", "Flows", "Trend"]
    rows = tables.get_sheet_by_index(0).to_python()
    assert ["Members", 24.0] in [row[:2] for row in rows]
    assert ["First met elsewhere", "few (fewer than 5)"] in [row[:2] for row in rows]
    assert (await lin.get("/o/qinghe/repeat/files/xlsx")).answer.content[:2] == b"PK"


async def test_a_merchant_reads_no_money_of_others_and_no_member(mei: Reader, lin: Reader, house: TestHouse):
    guests = await lived(house, [("noodle-bar", 30), ("four-joys", 25)], 12, units=123_456)
    page = await mei.get(at(mei, "/repeat/files/csv"))
    rows = page.answer.content.decode("utf-8-sig").splitlines()
    out = next(row for row in rows if row.startswith(("Noodle Bar,", "Hutong Noodle Bar,")) and row.count(",") == 5)
    assert out.endswith(",12,12,12,"), out
    for other in (page, await lin.get("/o/qinghe/repeat/files/csv"), await mei.get(at(mei, "/repeat"))):
        assert not any(str(guest) in other.html or guest.hex in other.html for guest in guests)


async def test_before_and_after_a_day_of_his_own(mei: Reader, house: TestHouse):
    """Twenty-five regulars come weekly to both shops; from the day named on, those of Noodle Bar come twice a week."""
    weekly = [7 * n + 1 for n in range(16)]
    await lived(house, [("noodle-bar", days) for days in weekly] + [("noodle-bar", 7 * n + 4) for n in range(8)], 25)
    await lived(house, [("four-joys", days) for days in weekly], 25)
    joined = local_day(house.clock.now(), ZONE) - 57 * DAY
    page = await mei.get(at(mei, f"/repeat?joined={joined}"))
    assert "Members come back more often since you joined: +" in page.text
    assert "had they changed as at the 1 shops that had not joined" in page.text
    assert 'class="rate change"' in page.html
    soon = await mei.get(at(mei, f"/repeat?joined={joined + 40 * DAY}"))
    assert "Joined less than four weeks ago" in soon.text
    assert (await mei.get(at(mei, "/repeat?joined=yesterday"))).status == 422


async def test_an_empty_page_says_how_it_begins(mei: Reader, lin: Reader, house: TestHouse):
    assert "No member came in these days" in (await mei.get(at(mei, "/repeat"))).text
    assert "No member came to any shop in these days" in (await lin.get("/o/qinghe/repeat")).text
    await lived(house, [("noodle-bar", 3)], 3)
    assert "3 members came: too early to say" in (await mei.get(at(mei, "/repeat"))).text
    assert "Not enough members came yet" in (await lin.get("/o/qinghe/repeat")).text


async def test_it_is_for_the_owner_and_the_operator_of_the_city(
    tao: Reader, bo: Reader, mei: Reader, lin: Reader, house: TestHouse
):
    await lived(house, [("noodle-bar", 3)], 12)
    for path in ("/repeat", "/repeat/files/csv", "/repeat/files/xlsx"):
        assert (await tao.get(at(tao, path))).status == 403
        assert (await bo.get(at(bo, path))).status in (403, 404)
    one = shop(house, "noodle-bar")
    for path in ("", "/files/csv", f"/{one}", f"/{one}/files/xlsx"):
        assert (await tao.get(f"/o/qinghe/repeat{path}")).status in (403, 404)
        assert (await mei.get(f"/o/qinghe/repeat{path}")).status in (403, 404)
        assert (await lin.get(f"/o/nowhere/repeat{path}")).status == 404
    assert (await lin.get(f"/o/qinghe/repeat/{shop(house, 'four-joys')}")).status == 404, "nobody came there"
    assert (await lin.get(f"/o/qinghe/repeat/{MERCHANT.show(new_id())}")).status == 404
    assert (await lin.get("/o/qinghe/repeat/rubbish")).status == 404
    assert (await lin.get("/o/qinghe/repeat/files/pdf")).status == 404
    assert (await mei.get(at(mei, "/repeat/files/pdf"))).status == 404


async def test_the_city_board_says_it_in_one_figure_and_where_vouchers_are_used(lin: Reader, house: TestHouse):
    """Twelve of forty went to both; a part of the city that four used is on no map, one that five used is."""
    empty = await lin.get("/o/qinghe/")
    assert empty.status == 200
    assert "Not enough members came yet" in empty.text
    assert "No part of the city has had five members yet." in empty.text
    await lived(house, [("noodle-bar", 30), ("four-joys", 25)], 12)
    await lived(house, [("noodle-bar", 5)], 28)
    page = await lin.get("/o/qinghe/")
    assert "30% of members have been to two shops or more" in page.text
    assert "95% sure: 18%–45%" in page.text
    assert "12 of 40 members" in page.text
    assert "/o/qinghe/repeat" in page.html

    town, now = house.town, house.clock.now()
    store, merchant = town.stores["noodle-bar-lantern"], town.merchants["noodle-bar"]

    async def used(members: int) -> str:
        visits = [a_visit(new_id(), now, merchant=merchant, store=store, offer=new_id()) for _ in range(members)]
        async with house.db.city(town.city_id) as tx:
            await insight.record(tx, visits, city_id=town.city_id)
        return (await lin.get("/o/qinghe/")).html

    few = await used(4)
    assert "city-heat" not in few
    assert "One more cell with fewer than five members is not shown." in few
    seen = await used(1)
    assert 'class="city-heat"' in seen
    assert "5 uses" in seen
    assert "style=" not in seen


OTHER = 7


async def two_cities(house: TestHouse) -> None:
    """Noodle Bar opens in a second city: twelve go from Four Joys here to Noodle Bar there, eight know only there."""
    town, now = house.town, house.clock.now()
    city = places.AddCity(
        city_id=OTHER, slug="baishan", name=Text(zh="白山", en="Baishan"), zone=ZONE, currency="CNY",
        centre=Point(41.9, 126.4),
    )  # fmt: skip
    async with house.db.central() as tx:
        assert not isinstance((await places.add_cities(tx, [city]))[0], Refusal)
    bar = town.merchants["noodle-bar"]
    async with house.db.central() as tx:
        await tx.run(
            """insert into merchants.presence (merchant_id, city_id) values (%(merchant)s, %(city)s)""",
            merchant=bar, city=OTHER,
        )  # fmt: skip
    guests = await lived(house, [("four-joys", 20)], 12)
    comings = [
        Coming(
            coming_id=new_id(), kind="purchase", merchant_id=bar, store_id=bar, member_id=guest,
            day=local_day(now - 10 * DAY, ZONE), at=now - 10 * DAY, asset="CNY", units=1_000,
        )
        for guest in [*guests, *(new_id() for _ in range(8))]
    ]  # fmt: skip
    async with house.db.city(OTHER) as tx:
        assert all(await insight.come(tx, comings, city_id=OTHER))


async def test_several_cities_are_one_for_merchant_operator_and_platform(
    mei: Reader, lin: Reader, pat: Reader, house: TestHouse
):
    """Twelve of twenty were first met in the other city; no page says 32 members."""
    await two_cities(house)
    await lived(house, [("noodle-bar", 3)], 5)
    here = await mei.get(at(mei, "/repeat"))
    assert dict(figures(here))["Members"] == "5"
    ours = await mei.get(here.link("over=all"))
    found = dict(figures(ours))
    assert (found["Members"], found["First met elsewhere"], found["Visits"]) == ("25", "12", "25")
    assert "put together. Who comes in two cities is one member" in ours.text
    assert "12 members from" in ours.text
    csv = (await mei.get(ours.link("/files/csv"))).answer
    assert "hutong-repeat-cities-" in csv.headers["content-disposition"]
    assert "Members,25" in csv.content.decode("utf-8-sig")
    assert "over=all" not in (await lin.get("/o/qinghe/repeat")).html, "his territory is one city"
    assert dict(figures(await lin.get("/o/qinghe/repeat?over=all")))["Members"] == "17"

    grant = GiveRole(
        grant_id=new_id(), member_id=house.town.people["lin"], role=Role.CITY_OPERATOR, by=None, city_id=OTHER
    )
    async with house.db.central() as tx:
        assert await people.grant(tx, [grant], now=house.clock.now())
    theirs = await lin.get((await lin.get("/o/qinghe/repeat")).link("over=all"))
    whole = await pat.get("/platform/repeat")
    for page in (theirs, whole):
        assert page.status == 200
        assert dict(figures(page))["Members"] == "25"
        assert "12 of 25 members have been to two shops or more" in page.text
    assert (await pat.get(whole.link("over=all"))).status == 200, "a shop's own page, from the platform's list"
    assert (await pat.get(whole.link("/files/xlsx"))).answer.content[:2] == b"PK"
    assert (await pat.get("/platform/repeat?programme=rubbish")).status == 404
    assert (await lin.get("/platform/repeat")).status == 403
    assert theirs.inline == whole.inline == []
