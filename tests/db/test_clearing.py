"""Closing and booking periods: whole days, without gap, once; what comes late is in the next one."""

from datetime import timedelta
from typing import Any

import pytest

from hutong import clearing, ledger
from hutong.clearing import (
    Closed,
    PeriodDays,
    PeriodGap,
    PeriodOpen,
    Post,
    RunTaken,
    RunUnposted,
    StatementUnknown,
)
from hutong.clearing.model import Leg, classify, points_of
from hutong.desk import clearings
from hutong.desk.clearings import month_end
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.ledger import Book, Transfer, chart
from hutong.programmes import FundingExhausted, ProgrammeUnknown
from tests.clearing_help import (
    FEBRUARY,
    JANUARY,
    MARCH,
    a_month,
    at,
    bought,
    burnt,
    cleared,
    closed,
    in_programme,
    payable,
    posts,
    statement,
    sweep,
)
from tests.db.own_audit import sound
from tests.programmes_help import CITY, ZONE, Alliance, an_alliance

pytestmark = pytest.mark.anyio

HALF = timedelta(hours=12)


async def test_a_period_is_whole_days_follows_the_last_one_and_is_over(db: Database):
    it, _, _ = await a_month(db)
    stranger = Alliance(db=db, programme_id=new_id())
    assert isinstance(await closed(stranger, JANUARY, FEBRUARY), ProgrammeUnknown)
    assert isinstance(await closed(it, JANUARY + HALF, FEBRUARY), PeriodDays)
    assert isinstance(await closed(it, FEBRUARY, JANUARY), PeriodDays)
    early = await closed(it, JANUARY, FEBRUARY, FEBRUARY - timedelta(seconds=1))
    assert early == PeriodOpen(until="2026-02-01 00:00"), "as the programme's clock says it"
    run_id = new_id()
    first = await closed(it, JANUARY, FEBRUARY, run_id=run_id)
    assert isinstance(first, Closed)
    assert (first.statements, first.replayed, first.run.number) == (3, False, 1)
    again = await closed(it, JANUARY, FEBRUARY, now=MARCH, run_id=run_id)
    assert again.replayed
    assert again.run == first.run
    assert isinstance(await closed(it, JANUARY, MARCH, run_id=run_id), RunTaken)
    assert await closed(it, FEBRUARY + HALF * 2, MARCH) == PeriodGap(until="2026-02-01")
    assert isinstance(await closed(it, JANUARY, FEBRUARY, now=MARCH), PeriodGap)
    assert isinstance(await closed(it, FEBRUARY, MARCH), RunUnposted)
    await clearings.book(db, FEBRUARY)
    assert isinstance(await closed(it, FEBRUARY, MARCH), Closed)
    assert await sound(db, "clearing")


async def test_what_is_booked_later_belongs_to_the_later_period(db: Database):
    it, ann, _ = await a_month(db)
    run = (await cleared(it, JANUARY, FEBRUARY)).run
    before = await statement(it, run.run_id, "tea")
    # A till without a network brings January's bill in February.
    await bought(it, ann, "tea", 5_000, at("2026-02-03"), bought=at("2026-01-30"))
    second = (await cleared(it, FEBRUARY, MARCH)).run
    assert await statement(it, run.run_id, "tea") == before
    assert (await statement(it, second.run_id, "tea")).of("issued") == -50
    assert await sound(db, "clearing")


async def test_what_was_on_its_way_when_a_period_closed_is_in_the_next_one(db: Database):
    it, ann, _ = await a_month(db)
    run = (await cleared(it, JANUARY, FEBRUARY)).run
    # Its clock was read before midnight; its commit came after the run.
    await bought(it, ann, "tea", 7_000, FEBRUARY - timedelta(seconds=2))
    second = (await cleared(it, FEBRUARY, MARCH)).run
    assert (await statement(it, second.run_id, "tea")).of("issued") == -70
    # Far too late for the day that is read again: all of the history is.
    await bought(it, ann, "tea", 3_000, JANUARY + timedelta(days=3))
    third = (await cleared(it, MARCH, at("2026-04-01", 0))).run
    assert (await statement(it, third.run_id, "tea")).of("issued") == -30
    async with db.reading() as tx:
        runs = await clearing.runs(tx, it.programme_id)
        assert await clearing.recompute(tx, runs, now=MARCH) == [one.digest for one in runs]
    assert run.number == 1
    assert await sound(db, "clearing")


async def test_an_amount_is_booked_once_and_what_met_in_the_book_is_gone(db: Database):
    it, _, _ = await a_month(db)
    tea = it.partners["tea"]
    paths = [chart.due(tea).path, chart.receivable(tea).path]
    assert await in_programme(it, paths) == [180, 600]
    run = (await closed(it, JANUARY, FEBRUARY)).run
    wanted = await posts(it, run.run_id)
    for replayed in (False, True):
        results = await it.run(lambda tx: clearing.post(tx, wanted, city_id=CITY, now=FEBRUARY))
        assert {(r.net_units, r.payable_units, r.replayed) for r in results} == {
            (0, 0, replayed), (-420, -420, replayed),
        }  # fmt: skip
        assert await in_programme(it, paths) == [0, 0]
        assert await payable(it, "tea") == -420
    other = Post(programme_id=it.programme_id, run_id=run.run_id, party_id=new_id())
    assert isinstance(
        (await it.run(lambda tx: clearing.post(tx, [other], city_id=CITY, now=MARCH)))[0], StatementUnknown
    )
    elsewhere = await db.run_city(2, lambda tx: clearing.post(tx, wanted, city_id=2, now=MARCH))
    assert all(isinstance(one, StatementUnknown) for one in elsewhere)
    assert await it.run(lambda tx: clearing.finish(tx, [it.programme_id], now=FEBRUARY)) == [1]
    assert await sound(db, "clearing")
    assert await sound(db, "ledger")


async def test_partners_are_paid_in_the_city_where_they_are_at_home(db: Database):
    it = await an_alliance(db, pending_days=0, life_days=30)
    await it.join("here", mode="postpaid", limit_units=5_000)
    await it.join("there", mode="postpaid", limit_units=5_000, home_city=2)
    ann = new_id()
    await bought(it, ann, "here", 50_000, at("2026-01-03"))
    await sweep(it, at("2026-01-10"))
    await burnt(it, ann, "there", 300, at("2026-01-10"))
    await cleared(it, JANUARY, FEBRUARY)
    assert [await payable(it, "here"), await payable(it, "here", 2)] == [-500, 0]
    assert [await payable(it, "there"), await payable(it, "there", 2)] == [0, 300]
    assert await sound(db, "clearing")
    assert await sound(db, "ledger")


async def test_a_debt_is_carried_until_it_is_earned_back_and_told_when_it_is_above_the_limit(db: Database):
    it = await an_alliance(db, pending_days=0, life_days=300)
    await it.join("tea", mode="postpaid", limit_units=500)
    await it.join("noodles", blocks=5_000)
    ann = new_id()
    await bought(it, ann, "tea", 50_000, at("2026-01-03"))
    (refused,) = await it.earns(it.buy(ann, "tea", 100, at("2026-01-04")))
    assert isinstance(refused, FundingExhausted)  # paused at his limit
    await cleared(it, JANUARY, FEBRUARY)
    assert await payable(it, "tea") == -500
    async with db.reading(CITY) as tx:
        facts = await tx.rows("select topic, payload from infra.facts where city_id = 1 and topic like 'clearing.%%'")
    assert [one["topic"] for one in facts] == ["clearing.posted"]
    await bought(it, ann, "tea", 40_000, at("2026-02-03"))
    second = (await cleared(it, FEBRUARY, MARCH)).run
    tea = await statement(it, second.run_id, "tea")
    assert (tea.carried_units, tea.net_units, tea.payable_units) == (-500, -400, -900)
    async with db.reading(CITY) as tx:
        facts = await tx.rows("select payload from infra.facts where city_id = 1 and topic = 'clearing.over_limit'")
    assert [(one["payload"]["payable"], one["payload"]["limit"]) for one in facts] == [(-900, 500)]
    await sweep(it, at("2026-03-04"))
    await burnt(it, ann, "tea", 700, at("2026-03-04"))
    third = (await cleared(it, MARCH, at("2026-04-01", 0))).run
    tea = await statement(it, third.run_id, "tea")
    assert (tea.carried_units, tea.net_units, tea.payable_units) == (-900, 700, -200)
    assert await sound(db, "clearing")


async def test_a_month_without_anything_is_closed_as_well(db: Database):
    it, _, _ = await a_month(db)
    await cleared(it, JANUARY, FEBRUARY)
    empty = await cleared(it, FEBRUARY, MARCH)
    assert (empty.statements, empty.run.entries, empty.run.partners_net) == (1, 0, 0)
    async with db.reading() as tx:
        assert (await clearing.run_of(tx, it.programme_id)).posted_at is not None  # type: ignore[union-attr]
    assert await sound(db, "clearing")


async def test_nothing_is_closed_when_the_lines_do_not_explain_the_reserve(db: Database):
    it, _, _ = await a_month(db)
    await cleared(it, JANUARY, FEBRUARY)
    # Money that came to the reserve by a way that nobody knows.
    stray = Transfer(
        id=new_id(), book=Book.programme(it.programme_id), debit=chart.issued(), credit=chart.reserve(),
        amount=Amount(5, "CNY"), event="stray", ref=new_id(),
    )  # fmt: skip
    await it.run(lambda tx: ledger.post(tx, [stray], now=at("2026-02-03")))
    with pytest.raises(ValueError, match="does not know"):
        await closed(it, FEBRUARY, MARCH)
    async with db.reading() as tx:
        assert (await clearing.run_of(tx, it.programme_id)).number == 1  # type: ignore[union-attr]


async def test_the_round_closes_and_books_every_month_that_is_over(db: Database):
    it, ann, _ = await a_month(db)
    grace = timedelta(minutes=10)
    assert (await clearings.clear(db, FEBRUARY + timedelta(minutes=9), grace=grace)).closed == 0
    assert await clearings.clear(db, FEBRUARY + grace, grace=grace) == clearings.Cleared(1, 2)
    assert await clearings.clear(db, FEBRUARY + grace, grace=grace) == clearings.Cleared(0, 0)
    await bought(it, ann, "tea", 1_000, at("2026-03-03"))
    assert await clearings.clear(db, at("2026-05-09"), grace=grace) == clearings.Cleared(3, 1)  # February to April
    async with db.reading() as tx:
        runs = await clearing.runs(tx, it.programme_id)
    assert [run.number for run in runs] == [4, 3, 2, 1]
    assert all(run.posted_at for run in runs)
    assert runs[-1].since == at("2026-01-03", 0)  # the day of the first point
    assert await sound(db, "clearing")


def test_a_period_ends_on_the_day_of_the_month():
    assert month_end(at("2026-01-03", 0), ZONE, 1) == FEBRUARY
    assert month_end(FEBRUARY, ZONE, 1) == MARCH
    assert month_end(at("2026-01-03", 0), ZONE, 28) == at("2026-01-28", 0)
    assert month_end(at("2026-12-28", 0), ZONE, 28) == at("2027-01-28", 0)
    assert month_end(at("2026-10-20", 0), "Europe/Berlin", 25) == at("2026-10-25", 6)  # summer time: 22:00 UTC


def a_leg(other: str, change: int, event: str = "programmes.earn", **given: Any) -> Leg:
    return Leg(transfer_id=new_id(), other=other, change=change, event=event, rule="r/1", at=JANUARY,
               **{"ref": new_id()} | given)  # fmt: skip


def test_each_leg_of_the_reserve_has_its_kind_and_way():
    own, m = new_id(), new_id()
    for other, change, event, wanted in (
        (f"due/{m}", -90, "burn", (m, "burnt", "due")),
        (f"due/{m}", 90, "unburn", (m, "given_back", "due")),
        (f"funding/{m}", 10, "earn", (m, "issued", "prepaid")),
        (f"funding/{m}/postpaid", 10, "earn", (m, "issued", "postpaid")),
        (f"funding/{m}", -10, "debt_paid", (m, "clawed_back", "prepaid")),
        (f"funding/{m}/postpaid", -10, "claw_back", (m, "clawed_back", "postpaid")),
        (f"funding/{m}", -10, "expire", (m, "expired", "prepaid")),
        ("funding/own", -10, "expire", (own, "expired", "programme")),
        (f"campaign/{m}", 10, "earn", (own, "campaign", "programme")),
        ("revenue/expired-points", -10, "expire", (own, "expired", "programme")),
        ("revenue/expired-points", -10, "burn", (own, "margin", "programme")),
        ("revenue/expired-points", 10, "unburn", (own, "margin", "programme")),
        ("clearing/city/1", -10, "burn", (None, "burnt", "escrow")),
        ("clearing/city/1", 10, "unburn", (None, "given_back", "escrow")),
    ):
        assert classify(a_leg(other, change, f"programmes.{event}"), own) == wanted, other
    with pytest.raises(ValueError, match="does not know"):
        classify(a_leg("provider/sandbox", 10), own)


def test_the_points_of_a_burn_stand_where_its_money_went():
    m, burn, gift = new_id(), new_id(), new_id()
    legs = [
        a_leg("revenue/expired-points", -20, "programmes.burn", ref=burn),
        a_leg(f"due/{m}", -180, "programmes.burn", ref=burn),
        a_leg("revenue/expired-points", -50, "programmes.burn", ref=gift), a_leg(f"funding/{m}", 30),
    ]  # fmt: skip
    points = points_of(legs, 2)
    assert [points[leg.transfer_id] for leg in legs] == [0, 100, 25, 15]


async def test_a_run_that_two_ask_for_answers_both(db: Database):
    it, _, _ = await a_month(db)
    first = await clearings.close(db, it.programme_id, JANUARY, FEBRUARY, now=FEBRUARY)
    second = await clearings.close(db, it.programme_id, JANUARY, FEBRUARY, now=FEBRUARY)
    assert first is not None
    assert second is not None
    assert (first.replayed, second.replayed, first.run) == (False, True, second.run)
    assert await clearings.close(db, it.programme_id, JANUARY, MARCH, now=MARCH) is None
    results = await it.run(lambda tx: clearing.post(tx, [], city_id=CITY, now=FEBRUARY))
    assert results == []
