"""Who came back, by our query and by hand: on real purchases (CDNOW), on drawn ones, and when the clocks change."""

import os
import random
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from hutong import insight
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.insight import Rate, Visit
from hutong.kit.clock import local_day
from tests.insight_play import a_visit, at_noon, repeats

pytestmark = pytest.mark.anyio
CITY = 1
# Fader and Hardie's sample of CDNOW: set HUTONG_TEST_CDNOW to its folder, or keep it beside the working copy.
CDNOW = Path(os.environ.get("HUTONG_TEST_CDNOW", Path(__file__).parents[3] / "shared" / "data" / "cdnow"))
SAMPLE = CDNOW / "CDNOW_sample.txt"


async def kept(db: Database, visits: list[Visit]) -> None:
    async with db.city(CITY) as tx:
        assert all(await insight.record(tx, visits, city_id=CITY))
        assert not any(await insight.record(tx, visits, city_id=CITY)), "told twice is told once"


async def ours(db: Database, merchant: UUID, today: date) -> dict[int, tuple[int, int]]:
    """What a sheet would expect of a deal of this merchant."""
    offer: Any = SimpleNamespace(offer_id=new_id(), merchant_id=merchant, trade="?", category="?")
    async with db.reading(CITY) as tx:
        found = (await insight.expected(tx, [offer], city_id=CITY, today=today))[offer.offer_id]
    return {one.days: (one.rate.hits, one.rate.of) for one in found.backs}


@pytest.mark.skipif(not SAMPLE.exists(), reason=f"no CDNOW sample at {SAMPLE}")
async def test_repeat_rates_of_cdnow_are_those_computed_by_hand(db: Database):
    """6,919 purchases of 2,357 customers 1997-98 as visits: our query against a walk through each customer's days."""
    rows = [line.split() for line in SAMPLE.read_text(encoding="ascii").splitlines() if line.strip()]
    purchases = [(row[1], datetime.strptime(row[2], "%Y%m%d").date()) for row in rows]  # noqa: DTZ007
    assert len(purchases) == 6_919
    assert len({guest for guest, _ in purchases}) == 2_357
    merchant = new_id()
    await kept(
        db,
        [
            a_visit(uuid5(merchant, guest), at_noon(day), merchant=merchant, offer=uuid5(merchant, f"{day}"))
            for guest, day in purchases
        ],
    )
    # on the last day every window is over; on the others a part of the guests is not yet known
    for today, figures in PUBLISHED.items():
        by_hand = repeats([(guest, day) for guest, day in purchases if day <= today], today)
        assert await ours(db, merchant, today) == by_hand == figures


# (came back, known) within 30, 60 and 90 days, as walked through by hand on three days of the sample.
PUBLISHED = {
    date(1998, 6, 30): {30: (410, 2357), 60: (601, 2357), 90: (687, 2357)},
    date(1997, 5, 1): {30: (410, 2357), 60: (446, 1664), 90: (225, 759)},
    date(1997, 3, 20): {30: (232, 1300), 60: (112, 414), 90: (0, 0)},
}


@given(
    days=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 130)), min_size=1, max_size=60),
    today=st.integers(0, 140),
    start=st.sampled_from([date(2026, 2, 20), date(2026, 9, 10), date(2027, 12, 1)]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Shanghai"]),
    minute=st.integers(0, 1439),
)
@settings(max_examples=60, deadline=None)
def test_days_are_the_citys_also_when_the_clocks_change(
    days: list[tuple[int, int]], today: int, start: date, zone: str, minute: int
):
    """A visit at any minute of a local day is on that day, and so the windows are whole local days."""
    for _, offset in days:
        day = start + timedelta(days=offset)
        at = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(zone)).astimezone(UTC)
        # an hour that the clocks jump over is shown by the hour after it: still the same day
        assert local_day(at, zone) == day
    counts = repeats([(guest, start + timedelta(days=offset)) for guest, offset in days], start + timedelta(days=today))
    assert all(back <= known for back, known in counts.values())
    assert counts[30][1] >= counts[60][1] >= counts[90][1]


async def test_drawn_guests_come_back_as_often_as_by_hand(db: Database):
    """Thirty shops with a few hundred visits each, over two changes of the clocks: query and walk agree."""
    draw = random.Random(20_261_120)
    start = date(2026, 2, 20)
    shops: dict[UUID, list[tuple[UUID, date]]] = {}
    for _ in range(30):
        guests = [new_id() for _ in range(draw.randint(1, 60))]
        shops[new_id()] = [
            (draw.choice(guests), start + timedelta(days=int(draw.triangular(0, 200, 20))))
            for _ in range(draw.randint(1, 250))
        ]
    for zone in ("Europe/Berlin",):
        visits = [
            a_visit(guest, _some_minute(draw, day, zone), merchant=shop, offer=uuid5(shop, str(number)), zone=zone)
            for shop, all_of_it in shops.items()
            for number, (guest, day) in enumerate(all_of_it)
        ]
        await kept(db, visits)
    for today in (start, start + timedelta(days=45), start + timedelta(days=111), start + timedelta(days=300)):
        for shop, all_of_it in list(shops.items())[:12]:
            assert await ours(db, shop, today) == repeats([one for one in all_of_it if one[1] <= today], today)


def _some_minute(draw: random.Random, day: date, zone: str) -> datetime:
    at = datetime.combine(day, time(draw.randint(0, 23), draw.randint(0, 59)), ZoneInfo(zone)).astimezone(UTC)
    assert local_day(at, zone) == day
    return at


async def test_what_was_bought_before_the_first_visit_brings_nobody_back(db: Database):
    """Two units bought at once and used on two days are one purchase; a third one bought later is a return."""
    merchant, deal, ann, bo = new_id(), new_id(), new_id(), new_id()
    first = at_noon(date(2026, 3, 1))
    later = first + timedelta(days=10)
    await kept(
        db,
        [
            a_visit(ann, first, merchant=merchant, offer=deal),
            a_visit(ann, later, merchant=merchant, offer=deal, bought_at=first - timedelta(minutes=1)),
            a_visit(bo, first, merchant=merchant, offer=deal),
            a_visit(bo, later, merchant=merchant, offer=deal, bought_at=later - timedelta(hours=1)),
        ],
    )
    assert (await ours(db, merchant, date(2026, 12, 1)))[30] == (1, 2)


async def test_an_undone_visit_is_none_and_stays_undone(db: Database):
    merchant, deal, ann = new_id(), new_id(), new_id()
    first = at_noon(date(2026, 3, 1))
    came = a_visit(ann, first, merchant=merchant, offer=deal)
    again = a_visit(ann, first + timedelta(days=5), merchant=merchant, offer=new_id())
    await kept(db, [came, again])
    assert (await ours(db, merchant, date(2026, 12, 1)))[30] == (1, 1)
    undone = structs.replace(again, undone_at=again.at + timedelta(minutes=3))
    async with db.city(CITY) as tx:
        assert await insight.record(tx, [undone], city_id=CITY) == [True]
        assert await insight.record(tx, [again], city_id=CITY) == [False], "an old telling does not make it stand up"
    assert (await ours(db, merchant, date(2026, 12, 1)))[30] == (0, 1)


@given(of=st.integers(1, 400), share=st.floats(0, 1))
def test_an_interval_holds_its_share_and_narrows(of: int, share: float):
    """Wilson: never outside 0..1, always around the share, symmetric, and narrower with four times the guests."""
    hits = round(share * of)
    low, high = insight.wilson(hits, of)
    assert 0 <= low <= hits / of <= high <= 1
    assert low < high
    mirrored = insight.wilson(of - hits, of)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high))
    wide = insight.wilson(hits * 4, of * 4)
    assert wide[1] - wide[0] < high - low


def test_the_interval_is_the_one_of_the_book():
    """Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 is 0.2553 to 0.3662; 0 of 20 is 0 to 0.1611."""
    assert insight.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert insight.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert Rate(1, 29).interval == (61, 1718)
    assert Rate(0, 0).interval == (0, 10_000)
