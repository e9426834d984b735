"""A line that a partner disputes: nobody's money until it is decided; what was wrong stands on the next statement."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hutong import clearing
from hutong.clearing import (
    Case,
    CorrectionBad,
    Decide,
    Dispute,
    DisputeDecided,
    DisputeEmpty,
    DisputeLate,
    DisputeUnknown,
    LineDisputed,
    LineUnknown,
    RunUnposted,
)
from hutong.desk import clearings
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.ledger import chart
from tests.clearing_help import (
    FEBRUARY,
    JANUARY,
    MARCH,
    a_month,
    at,
    cleared,
    closed,
    in_programme,
    payable,
    statement,
)
from tests.db.own_audit import sound
from tests.programmes_help import CITY, Alliance

pytestmark = pytest.mark.anyio

DAY = at("2026-02-03")


async def line_of(it: Alliance, run_id: UUID, name: str, kind: str) -> UUID:
    async with it.db.reading() as tx:
        found = await clearing.lines(tx, it.programme_id, run_id=run_id, party_id=it.partners[name], kind=kind)
    return found[0].entry.transfer_id


def a_dispute(it: Alliance, name: str, transfer_id: UUID, **changes: Any) -> Dispute:
    given: dict[str, Any] = {
        "dispute_id": new_id(), "programme_id": it.programme_id, "party_id": it.partners[name],
        "transfer_id": transfer_id, "reason": "Not at our shop", "by": new_id(),
    }  # fmt: skip
    return Dispute(**given | changes)


async def dispute(it: Alliance, *asks: Dispute, now: Any = DAY) -> list[Any]:
    return await it.run(lambda tx: clearing.dispute(tx, list(asks), city_id=CITY, now=now))


async def decide(it: Alliance, case: UUID, units: int | None, now: Any = DAY, note: str = "We looked at it") -> Any:
    ask = Decide(
        dispute_id=case, programme_id=it.programme_id, state="upheld" if units is None else "corrected",
        correct_units=units, note=note, by=new_id(),
    )  # fmt: skip
    return (await it.run(lambda tx: clearing.decide(tx, [ask], city_id=CITY, now=now)))[0]


async def january(db: Database) -> tuple[Alliance, UUID]:
    it, _, _ = await a_month(db)
    return it, (await cleared(it, JANUARY, FEBRUARY)).run.run_id


async def test_what_is_disputed_is_neither_paid_nor_charged_until_it_is_cleared(db: Database):
    it, run_id = await january(db)
    tea, held = it.partners["tea"], chart.disputed(it.partners["tea"]).path
    assert await payable(it, "tea") == -420  # 180 for what was spent there, 600 for what it gave
    issued, burnt = await line_of(it, run_id, "tea", "issued"), await line_of(it, run_id, "tea", "burnt")
    asks = [a_dispute(it, "tea", issued), a_dispute(it, "tea", burnt)]
    first, second = await dispute(it, *asks)
    assert [first.held_units, second.held_units] == [-600, 180]
    assert [await payable(it, "tea"), *await in_programme(it, [held])] == [0, -420]
    assert await dispute(it, *asks) == [first, second]  # the same again
    assert await sound(db, "clearing")
    assert isinstance(await decide(it, first.dispute_id, None), Case)
    assert isinstance(await decide(it, second.dispute_id, 90), Case)
    assert await payable(it, "tea") == 0  # a decision moves nothing
    second_run = (await cleared(it, FEBRUARY, MARCH)).run
    found = await statement(it, second_run.run_id, "tea")
    assert {(p.kind, p.units) for p in found.parts} == {("released", -420), ("correction", -90)}
    assert [found.net_units, await payable(it, "tea"), *await in_programme(it, [held])] == [-510, -510, 0]
    own = await statement(it, second_run.run_id, "programme")
    assert {(p.kind, p.units) for p in own.parts} == {("held", 420), ("correction", 90), ("reserve", 0)}
    assert (await statement(it, run_id, "tea")).net_units == -420  # the closed run stays as it was
    async with db.reading() as tx:
        cases = await clearing.disputes(tx, party_id=tea)
        runs = await clearing.runs(tx, it.programme_id)
        assert await clearing.recompute(tx, runs, now=MARCH) == [run.digest for run in runs]
    assert {case.settled_run for case in cases} == {second_run.run_id}
    assert await sound(db, "clearing")
    assert await sound(db, "ledger")


async def test_an_open_case_waits_and_is_cleared_by_a_later_run(db: Database):
    it, run_id = await january(db)
    (case,) = await dispute(it, a_dispute(it, "tea", await line_of(it, run_id, "tea", "burnt")))
    await cleared(it, FEBRUARY, MARCH)
    assert await payable(it, "tea") == -600
    await decide(it, case.dispute_id, None, now=at("2026-03-10"))
    third = (await cleared(it, MARCH, at("2026-04-01", 0))).run
    assert (await statement(it, third.run_id, "tea")).net_units == 180
    assert await payable(it, "tea") == -420
    assert await sound(db, "clearing")


async def test_why_a_line_cannot_be_disputed(db: Database):
    it, _, _ = await a_month(db)
    run_id = (await closed(it, JANUARY, FEBRUARY)).run.run_id
    line = await line_of(it, run_id, "tea", "burnt")
    assert isinstance((await dispute(it, a_dispute(it, "tea", line)))[0], RunUnposted)
    await clearings.book(db, FEBRUARY)
    assert isinstance((await dispute(it, a_dispute(it, "tea", line, reason=" ?")))[0], DisputeEmpty)
    assert isinstance((await dispute(it, a_dispute(it, "noodles", line)))[0], LineUnknown)
    assert isinstance((await dispute(it, a_dispute(it, "tea", new_id())))[0], LineUnknown)
    late = FEBRUARY + timedelta(days=61)
    assert isinstance((await dispute(it, a_dispute(it, "tea", line), now=late))[0], DisputeLate)
    one, two = await dispute(it, a_dispute(it, "tea", line), a_dispute(it, "tea", line))
    assert isinstance(one, Case)
    assert isinstance(two, LineDisputed)
    assert isinstance((await dispute(it, a_dispute(it, "tea", line)))[0], LineDisputed)
    assert await sound(db, "clearing")


async def test_why_a_case_cannot_be_decided(db: Database):
    it, run_id = await january(db)
    (case,) = await dispute(it, a_dispute(it, "tea", await line_of(it, run_id, "tea", "burnt")))
    assert isinstance(await decide(it, new_id(), None), DisputeUnknown)
    assert isinstance(await decide(it, case.dispute_id, None, note=""), DisputeEmpty)
    assert isinstance(await decide(it, case.dispute_id, 180), CorrectionBad)  # that is what it was
    assert isinstance(await decide(it, case.dispute_id, 10**9), CorrectionBad)
    decided = await decide(it, case.dispute_id, 100)
    assert (decided.state, decided.correct_units) == ("corrected", 100)
    assert await decide(it, case.dispute_id, 100) == decided
    assert isinstance(await decide(it, case.dispute_id, None), DisputeDecided)
    assert await sound(db, "clearing")


async def test_money_that_moved_elsewhere_is_not_held_but_can_be_made_good(db: Database):
    it, run_id = await january(db)
    line = await line_of(it, run_id, "noodles", "issued")  # out of a prepaid block
    (case,) = await dispute(it, a_dispute(it, "noodles", line))
    assert (case.via, case.held_units, await payable(it, "noodles")) == ("prepaid", 0, 0)
    await decide(it, case.dispute_id, -900)
    second = (await cleared(it, FEBRUARY, MARCH)).run
    assert (await statement(it, second.run_id, "noodles")).net_units == 100
    assert await payable(it, "noodles") == 100
    assert await sound(db, "clearing")
