"""Repeat business: our statements against a walk through every member's days, on drawn worlds and real purchases."""

import itertools
import random
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from hutong import insight
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.insight import Around, Coming, Flow
from hutong.kit.money import Amount
from tests import repeat_oracle as oracle
from tests.conftest import audit_clean
from tests.db.test_insight_repeat import PUBLISHED, SAMPLE
from tests.insight_play import at_noon

pytestmark = pytest.mark.anyio
CITY, ZONE = 1, "Asia/Shanghai"
START = date(2026, 3, 1)


def a_coming(
    member: UUID, merchant: UUID, day: date, *, units: int = 1_000, minute: int = 720, kind: str = "purchase",
    own: bool = False, undone: bool = False,
) -> Coming:  # fmt: skip
    at = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(ZONE)).astimezone(UTC)
    return Coming(
        coming_id=new_id(), kind=kind, merchant_id=merchant, store_id=merchant, member_id=member, day=day, at=at,  # type: ignore[arg-type]
        asset="CNY", units=units, own=own, undone_at=at + timedelta(minutes=5) if undone else None,
    )  # fmt: skip


def a_world(seed: int, *, merchants: int = 5, members: int = 25, days: int = 120, count: int = 400) -> list[Coming]:
    """Members who wander between merchants; some of it bills, some undone, some by the merchants' own staff."""
    draw = random.Random(seed)
    shops, guests = [new_id() for _ in range(merchants)], [new_id() for _ in range(members)]
    return [
        a_coming(
            draw.choice(guests), draw.choice(shops), START + timedelta(days=draw.randrange(days)),
            units=draw.randrange(5_000), minute=draw.randrange(1_440), kind=draw.choice(["purchase", "bill"]),
            own=draw.random() < 0.05, undone=draw.random() < 0.08,
        )
        for _ in range(count)
    ]  # fmt: skip


async def kept(db: Database, comings: list[Coming]) -> None:
    async with db.city(CITY) as tx:
        assert all(await insight.come(tx, comings, city_id=CITY))
        assert not any(await insight.come(tx, comings, city_id=CITY)), "told twice is told once"


def shops_of(comings: list[Coming]) -> list[UUID]:
    return sorted({one.merchant_id for one in comings})


@pytest.mark.parametrize("seed", range(6))
async def test_a_merchants_figures_are_those_of_the_walk(db: Database, seed: int):
    comings = a_world(seed)
    await kept(db, comings)
    shops = shops_of(comings)
    for since, until, today in ((0, 60, 60), (30, 90, 119), (100, 200, 300)):
        begin, end, now = (START + timedelta(days=n) for n in (since, until, today))
        async with db.reading(CITY) as tx:
            where = {"city_id": CITY, "asset": "CNY", "since": begin, "until": end, "today": now, "alliance": shops}
            every = await insight.business(tx, shops, **where)  # type: ignore[arg-type]
            alone = await insight.business(tx, shops[:1], sure=True, **where)  # type: ignore[arg-type]
        for shop in shops:
            sums, backs = oracle.business(comings, shop, begin, end, now)
            one = every.get(shop)
            if one is None:
                assert sums["members"] == 0
                continue
            assert (one.members, one.new, one.comings, one.elsewhere) == (
                sums["members"], sums["new"], sums["comings"], sums["elsewhere"],
            )  # fmt: skip
            assert (one.money.units, one.returning_money.units, one.elsewhere_money.units) == (
                sums["money"], sums["returning_money"], sums["elsewhere_money"],
            )  # fmt: skip
            assert {back.days: (back.rate.hits, back.rate.of) for back in one.backs} == backs
            assert all(back.waiting + back.rate.of == one.new for back in one.backs)
        if shops[0] in alone:
            assert structs.replace(alone[shops[0]], sure=None) == every[shops[0]], "groups add up to the whole"


@pytest.mark.parametrize("seed", range(6))
async def test_flows_are_those_of_the_walk_and_nothing_gets_lost(db: Database, seed: int):
    comings = a_world(seed)
    await kept(db, comings)
    shops = shops_of(comings)
    for within in (0, 7, 30):
        begin, end = START + timedelta(days=20), START + timedelta(days=95)
        where = {"city_id": CITY, "asset": "CNY", "since": begin, "until": end, "alliance": shops, "within": within}
        async with db.reading(CITY) as tx:
            found = await insight.flows(tx, **where)  # type: ignore[arg-type]
            mine = await insight.flows(tx, merchants=shops[:1], **where)  # type: ignore[arg-type]
            every = await insight.business(
                tx, shops, city_id=CITY, asset="CNY", since=begin, until=end, today=end, alliance=shops
            )
            whole = await insight.as_one(tx, shops, found, city_id=CITY, asset="CNY", since=begin, until=end)
        cells = {(f.source, f.target): (f.comings, f.members, f.introduced, f.money.units) for f in found}
        assert cells == oracle.flows(comings, begin, end, within)
        for shop in shops:  # every visit comes from one place: the columns are the visits, and their money the money
            column = [f for f in found if f.target == shop]
            assert sum(f.comings for f in column) == every[shop].comings
            assert sum(f.money.units for f in column) == every[shop].money.units
            assert sum(f.introduced for f in column) <= every[shop].new
        left = _leaving(comings, begin, end, within)
        for shop in shops:  # and the rows are the visits that were followed by another in time
            assert sum(f.comings for f in found if f.source == shop) == left[shop]
        assert whole.comings == sum(one.comings for one in every.values())
        assert whole.money.units == sum(one.money.units for one in every.values())
        assert whole.crossings == sum(insight.crossing(found).values()) / 2
        ours = {(f.source, f.target): f for f in found if shops[0] in (f.source, f.target)}
        assert {(f.source, f.target): f for f in mine} == ours, "a merchant's page says what the matrix says"


def _leaving(comings: list[Coming], begin: date, end: date, within: int) -> dict[UUID, int]:
    """How often somebody was at a merchant and then came anywhere within the days, the second time in the period."""
    left: dict[UUID, int] = defaultdict(int)
    for walked in oracle.walks(comings, end).values():
        for one, then in itertools.pairwise(walked):
            if then[0] >= begin and (then[0] - one[0]).days <= within:
                left[one[2]] += 1
    return left


@pytest.mark.parametrize("seed", range(4))
async def test_before_and_after_are_those_of_the_walk(db: Database, seed: int):
    comings = a_world(seed, merchants=7, members=30, count=900, days=200)
    await kept(db, comings)
    shops, draw = shops_of(comings), random.Random(seed)
    joined = {shop: START + timedelta(days=draw.randrange(60, 160)) for shop in shops[:4]}
    today = START + timedelta(days=draw.randrange(150, 240))
    async with db.reading(CITY) as tx:
        where = {"city_id": CITY, "asset": "CNY", "joined": joined, "today": today}
        found = await insight.around(tx, shops, **where)  # type: ignore[arg-type]
        alone = await insight.around(tx, shops[:1], sure=True, **where)  # type: ignore[arg-type]
    ripe = {shop for shop in joined if (today - joined[shop]).days >= 7 * insight.LEAST_WEEKS}
    assert set(found) == ripe
    for shop, one in found.items():
        assert one.weeks == min(insight.WEEKS, (today - joined[shop]).days // 7)
        counts = (one.before, one.after, one.others_before, one.others_after)
        assert counts == oracle.returning(comings, shop, joined, one.weeks * 7)
    for shop, one in alone.items():
        assert structs.replace(one, sure=None) == found[shop]


async def test_the_trend_adds_up_to_the_period(db: Database):
    """New members of all stretches are those of the period; with weeks and with months."""
    comings = a_world(3)
    await kept(db, comings)
    shops = shops_of(comings)
    begin, end = date(2026, 3, 2), date(2026, 6, 29)  # Mondays
    async with db.reading(CITY) as tx:
        where = {"city_id": CITY, "asset": "CNY", "since": begin, "until": end, "alliance": shops}
        every = await insight.business(tx, shops, today=end, **where)  # type: ignore[arg-type]
        for shop in shops:
            for stretch in ("week", "month"):
                steps = await insight.trend(tx, [shop], stretch=stretch, **where)  # type: ignore[arg-type]
                assert sum(step.new for step in steps) == every[shop].new
                assert all(0 <= step.introduced <= step.new <= step.members for step in steps)
                assert [step.day for step in steps] == sorted({step.day for step in steps})


async def test_a_shop_that_brings_people_back_is_seen_and_one_that_does_not_is_not(db: Database):
    """Thirty regulars come weekly everywhere; after joining, one shop's regulars come twice a week, the other's not."""
    more, same, others = new_id(), new_id(), [new_id() for _ in range(3)]
    joining, comings = START + timedelta(days=84), list[Coming]()
    for shop in (more, same, *others):
        for _ in range(30):
            member = new_id()
            for week in range(-1, 24):
                day = START + timedelta(days=7 * week)
                comings.append(a_coming(member, shop, day))
                if shop == more and day >= joining:
                    comings.append(a_coming(member, shop, day + timedelta(days=3)))
    await kept(db, comings)
    joined, today = dict.fromkeys((more, same), joining), START + timedelta(days=24 * 7)
    async with db.reading(CITY) as tx:
        where = {"city_id": CITY, "asset": "CNY", "joined": joined, "today": today}
        found = await insight.around(tx, [more, same], sure=True, **where)  # type: ignore[arg-type]
        pooled = await insight.around(tx, [more, same], pooled=True, **where)  # type: ignore[arg-type]
        again = await insight.around(tx, [more, same], sure=True, **where)  # type: ignore[arg-type]
    assert found == again, "the same question has the same answer"
    assert (found[more].before, found[more].after, found[more].expected) == (360, 720, 360.0)
    assert found[more].change == 10_000
    assert insight.answer(found[more].sure, enough=found[more].enough) == "yes"
    assert found[same].change == 0
    assert insight.answer(found[same].sure, enough=found[same].enough) == "unclear"
    assert found[more].others == 3, "who joined in the same weeks is no control"
    change, sure = insight.together(list(pooled.values()), insight.seeded("both"))
    assert change == 5_000, "720 and 360 where 360 and 360 were to be expected"
    assert sure is not None
    assert 0 < sure.low < 5_000 < sure.high


async def test_too_little_is_called_too_little(db: Database):
    """Nineteen returning visits are compared with nothing, and twenty-nine members have no interval of money."""
    shop, other, guests = new_id(), new_id(), [new_id() for _ in range(29)]
    comings = [
        a_coming(g, s, START + timedelta(days=7 * w)) for g in guests[:19] for s in (shop, other) for w in (0, 1)
    ]
    comings += [a_coming(g, shop, START + timedelta(days=30)) for g in guests]
    await kept(db, comings)
    joining, today = START + timedelta(days=28), START + timedelta(days=60)
    async with db.reading(CITY) as tx:
        found = await insight.around(
            tx, [shop], city_id=CITY, asset="CNY", joined={shop: joining}, today=today, sure=True
        )
        mine = await insight.business(
            tx, [shop], city_id=CITY, asset="CNY", since=START, until=today, today=today, alliance=[shop, other],
            sure=True,
        )  # fmt: skip
        early = await insight.around(
            tx, [shop], city_id=CITY, asset="CNY", joined={shop: joining}, today=joining + timedelta(days=27)
        )
    assert found[shop].before == 19
    assert not found[shop].enough
    assert found[shop].change is None
    assert found[shop].sure is None
    assert mine[shop].members == 29
    assert mine[shop].sure is None
    assert early == {}, "four weeks after joining are waited for"


async def test_an_undone_bill_is_no_coming_and_stays_undone(db: Database):
    ann, shop = new_id(), new_id()
    came = a_coming(ann, shop, START, kind="bill")
    await kept(db, [came])
    async with db.city(CITY) as tx:
        undone = structs.replace(came, undone_at=came.at + timedelta(minutes=2))
        assert await insight.come(tx, [undone], city_id=CITY) == [True]
        assert await insight.come(tx, [came, undone], city_id=CITY) == [False, False]
        where = {"city_id": CITY, "asset": "CNY", "since": START, "until": START + timedelta(days=9)}
        assert await insight.business(tx, [shop], today=START, alliance=[], **where) == {}  # type: ignore[arg-type]


@pytest.mark.skipif(not SAMPLE.exists(), reason=f"no CDNOW sample at {SAMPLE}")
async def test_second_visits_of_cdnow_are_those_of_the_known_table(db: Database):
    """6,919 purchases of 2,357 customers as comings of one shop: the table that result sheets are held to, too."""
    rows = [line.split() for line in SAMPLE.read_text(encoding="ascii").splitlines() if line.strip()]
    shop, ids = new_id(), defaultdict[str, UUID](new_id)
    comings = [
        structs.replace(
            a_coming(ids[row[1]], shop, day, units=round(float(row[4]) * 100)), at=at_noon(day)
        )
        for row in rows
        for day in [date(int(row[2][:4]), int(row[2][4:6]), int(row[2][6:]))]
    ]  # fmt: skip
    await kept(db, comings)
    for today, figures in PUBLISHED.items():
        async with db.reading(CITY) as tx:
            found = await insight.business(
                tx, [shop], city_id=CITY, asset="CNY", since=date(1997, 1, 1), until=today + timedelta(days=1),
                today=today, alliance=[],
            )  # fmt: skip
        assert {back.days: (back.rate.hits, back.rate.of) for back in found[shop].backs} == figures
    assert await audit_clean(db)


def test_small_cells_are_hidden_and_do_not_follow_from_a_total():
    """A row with one small cell loses its next smallest, too; the diagonal and what comes from nowhere are no cells."""
    a, b, c, d = (UUID(int=n) for n in range(1, 5))

    def flow(source: UUID | None, target: UUID, members: int) -> Flow:
        return Flow(
            source=source, target=target, comings=members, members=members, introduced=0, money=Amount(1, "CNY")
        )

    few = [flow(a, b, 4), flow(a, c, 9), flow(a, d, 20), flow(a, a, 2), flow(None, a, 1)]
    gone = insight.hidden(few)
    assert gone == {(a, b), (a, c)}
    assert insight.hidden([flow(a, b, 5), flow(a, c, 6)]) == set()
    assert insight.crossing([*few, flow(b, a, 3)]) == {a: 36, b: 7, c: 9, d: 20}


def test_a_bootstrap_holds_its_share_and_is_the_same_twice():
    draw = random.Random(7)
    groups = [(part, part + draw.randrange(2_000)) for part in (draw.randrange(900) for _ in range(200))]
    from hutong.insight.repeats import share_bps, share_interval

    point = share_bps(sum(one for one, _ in groups), sum(two for _, two in groups))
    one, two = (share_interval(groups, insight.seeded("x", 1)) for _ in range(2))
    assert one == two
    assert one is not None
    assert one.low < point < one.high
    # the delta method says the same to a hair: a normal interval of a ratio of sums
    share, whole = point / 10_000, sum(two for _, two in groups)
    spread = 1.96 * sum((part - share * all_) ** 2 for part, all_ in groups) ** 0.5 / whole * 10_000
    assert one.high - one.low == pytest.approx(2 * spread, rel=0.15)


def test_the_alliance_speaks_from_eight_merchants_on():
    made = [
        Around(merchant_id=UUID(int=n), joined=START, weeks=8, before=50, after=60 + n, others_before=100,
               others_after=100, others=4)
        for n in range(8)
    ]  # fmt: skip
    change, sure = insight.together(made, insight.seeded("y"))
    assert change == 2_700  # 508 of 400
    assert sure is not None
    assert 2_000 < sure.low < 2_700 < sure.high < 3_400
    assert insight.together(made[:7], insight.seeded("y")) == (2_600, None), "of fewer, members must be asked for"
    assert insight.together([], insight.seeded("y")) == (None, None)
