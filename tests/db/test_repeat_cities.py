"""Repeat business over several cities: each asked by itself and put together is what one city with all of it says."""

import random
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from hutong import insight
from hutong.infra.db import Database
from hutong.insight import Around, Coming, Flow, Question, Summary
from hutong.kit.money import Amount
from tests.db.test_repeat_business import CITY, START, a_coming, a_world, shops_of

pytestmark = pytest.mark.anyio
PARTS = (2, 3, 4)


async def kept(db: Database, comings: list[Coming], seed: int) -> dict[int, list[Coming]]:
    """All comings in city 1, and the same ones in cities 2 to 4: most merchants have one city, some have two."""
    draw, parts = random.Random(seed), dict[int, list[Coming]]((city, []) for city in PARTS)
    home = {shop: draw.sample(PARTS, draw.choice([1, 1, 2])) for shop in shops_of(comings)}
    for one in comings:
        parts[draw.choice(home[one.merchant_id])].append(one)
    for city, its in {CITY: comings, **parts}.items():
        async with db.city(city) as tx:
            assert all(await insight.come(tx, its, city_id=city))
    return parts


async def joined(db: Database, asked: Question) -> tuple[Summary, set[UUID], list[Summary]]:
    """As the desk does it: who came in which city, the travellers' comings, the summaries."""
    came, summaries, alone, every = list[set[UUID]](), list[Summary](), list[Summary](), list[insight.Came]()
    async with db.reading() as tx:
        guests = None
        if asked.merchants is not None:
            guests = set().union(*[await insight.members_of(tx, asked, city_id=city) for city in PARTS])
        for city in PARTS:
            came.append(await insight.members_of(tx, asked, city_id=city, members=guests))
        travel = insight.travellers(came)
        for city in PARTS:
            its = await insight.comings_of(tx, travel, asked, city_id=city)
            every += its
            summaries.append(await insight.summary(tx, asked, city_id=city))
            alone.append(insight.walked(its, asked))
    return insight.added([insight.less(insight.added(summaries), insight.added(alone)),
                          insight.walked(every, asked)]), travel, summaries  # fmt: skip


def question(comings: list[Coming], *, since: int, until: int, today: int, **more: Any) -> Question:
    return Question(
        alliance=tuple(shops_of(comings)), asset="CNY", since=START + timedelta(days=since),
        until=START + timedelta(days=until), today=START + timedelta(days=today), **more,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
async def test_cities_put_together_are_one_city_with_all_of_it(db: Database, seed: int):
    comings = a_world(seed, merchants=6, members=30, count=500)
    await kept(db, comings, seed)
    shops = shops_of(comings)
    for since, until, today in ((30, 90, 119), (0, 121, 120)):
        for merchants in (None, tuple(shops[:1])):
            asked = question(comings, since=since, until=until, today=today, merchants=merchants, groups=insight.GROUPS)
            made, travel, summaries = await joined(db, asked)
            async with db.reading() as tx:
                one = await insight.summary(tx, asked, city_id=CITY)
            assert made == one
            assert travel, "somebody came in two cities"
            assert insight.added(summaries) != one, "the control: cities that are only added count him twice"
            both, all_ = insight.businesses(made, asked), insight.businesses(one, asked)
            assert both == all_
            assert any(found.sure for found in both.values()) == any(found.members >= 30 for found in all_.values())
            assert insight.whole_of(made, "CNY") == insight.whole_of(one, "CNY")


async def test_a_summary_says_what_the_pages_of_the_city_say(db: Database):
    comings = a_world(11)
    await kept(db, comings, 11)
    asked = question(comings, since=20, until=100, today=110)
    where: dict[str, Any] = {
        "city_id": CITY, "asset": "CNY", "since": asked.since, "until": asked.until, "alliance": asked.alliance,
    }  # fmt: skip
    async with db.reading() as tx:
        made = await insight.summary(tx, asked, city_id=CITY)
        every = await insight.comings_of(tx, {one.member_id for one in comings}, asked, city_id=CITY)
        flows = await insight.flows(tx, **where)
        assert insight.businesses(made, asked) == await insight.business(tx, asked.alliance, today=asked.today, **where)
        steps = await insight.trend(tx, asked.alliance, stretch="week", **where)
        span = {name: value for name, value in where.items() if name != "alliance"}
        whole = await insight.as_one(tx, asked.alliance, flows, **span)
    assert insight.walked(every, asked) == made, "walked by hand and by statement"
    assert {(f.source, f.target): f for f in insight.flows_of(made, "CNY")} == {(f.source, f.target): f for f in flows}
    assert (insight.steps_of(made), insight.whole_of(made, "CNY")) == (steps, whole)


async def test_one_member_in_two_cities_is_one_who_was_met_elsewhere(db: Database):
    """Ann comes to a shop in city 2 and ten days later to another in city 3, which then has a member first met
    elsewhere; alone, each city thinks that it met her first."""
    ann, here, there = UUID(int=1), UUID(int=2), UUID(int=3)
    first, then = a_coming(ann, here, START), a_coming(ann, there, START + timedelta(days=10))
    for city, coming in ((2, first), (3, then)):
        async with db.city(city) as tx:
            assert await insight.come(tx, [coming], city_id=city) == [True]
    asked = question([first, then], since=0, until=30, today=29)
    made, travel, summaries = await joined(db, asked)
    assert travel == {ann}
    whole, found = insight.whole_of(made, "CNY"), insight.businesses(made, asked)
    assert (whole.members, whole.new, whole.several.hits, whole.crossings) == (1, 1, 1, 1)
    assert (found[there].elsewhere, found[there].elsewhere_money) == (1, Amount(1_000, "CNY"))
    assert insight.whole_of(insight.added(summaries), "CNY").members == 2
    assert [(f.source, f.target) for f in insight.flows_of(made, "CNY") if f.source] == [(here, there)]


def an_around(city: int, before: int, after: int, others: tuple[int, int]) -> Around:
    share = tuple((before // 10, after // 10, others[0] // 10, others[1] // 10) for _ in range(10))
    return Around(
        merchant_id=UUID(int=7), joined=date(2026, 3, 1) + timedelta(days=city), weeks=8 + city, before=before,
        after=after, others_before=others[0], others_after=others[1], others=3, groups=share,
    )  # fmt: skip


def test_before_and_after_is_summed_up_and_no_mean_of_changes():
    """A small city in which it doubled beside a large one in which nothing changed: 220 of 210, not one half more."""
    small, large = an_around(1, 20, 40, (100, 100)), an_around(2, 200, 200, (50, 50))
    one = insight.over_cities([small, large])
    assert (one.before, one.after, one.expected, one.others) == (220, 240, 220.0, 6)
    assert one.change == 909
    assert one.enough
    assert one.sure is not None
    assert one.sure.low <= 909 <= one.sure.high
    tiny = structs.replace(small, before=3)
    assert insight.over_cities([tiny, large]).before == 200, "a city of which nothing can be said says nothing"
    assert not insight.over_cities([tiny]).enough


def test_what_a_city_hides_its_sum_hides_too():
    a, b, c = (UUID(int=n) for n in range(1, 4))

    def flow(source: UUID, target: UUID, members: int) -> Flow:
        return Flow(
            source=source, target=target, comings=members, members=members, introduced=0, money=Amount(1, "CNY")
        )

    flows = [flow(a, b, 13), flow(a, c, 20)]
    assert insight.hidden(flows) == set()
    assert insight.hidden(flows, also={(a, b)}) == {(a, b), (a, c)}, "nor does it follow from the total"
