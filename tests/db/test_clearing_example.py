"""The worked example of docs/algorithms/clearing.md: done as its tables say, compared to the unit."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct, field

from hutong import clearing, programmes
from hutong.clearing import Case, Decide, Dispute
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.programmes import ClawBack, ClawedBack, GiveBack, GivenBack
from tests.clearing_help import RULES, at, bought, burnt, cleared, payable, statement, sweep
from tests.db.own_audit import sound
from tests.programmes_help import CITY, Alliance, an_alliance

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "algorithms" / "clearing.md"


def table(head: str, number: int = 1) -> list[list[str]]:
    """The cells of the n-th table below a heading, without its head."""
    text = PAGE.read_text(encoding="utf-8").split(f"### {head}\n")[1].split("\n### ")[0]
    tables = re.findall(r"(?:^\|.*\|\n?)+", text, re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in tables[number - 1].strip().splitlines()]
    return rows[2:]


class Play(Struct, kw_only=True):
    """The example as it goes along."""

    it: Alliance
    people: dict[str, UUID] = field(default_factory=dict)
    done: dict[str, Any] = field(default_factory=dict)  # by step: the purchase, the burn, the run, the case
    began: str = "2026-01-01"

    async def step(self, row: list[str]) -> None:
        number, day, who, does, where, much = row
        now, member = at(day), self.people.setdefault(who, new_id())
        await sweep(self.it, now)
        if does == "buys for yuan":
            self.done[number] = await bought(self.it, member, where, int(much) * 100, now)
        elif does == "spends points":
            self.done[number] = await burnt(self.it, member, where, int(much), now)
        elif found := re.match(r"gets points back of step (\d+)", does):
            await self._give_back(member, self.done[found[1]], int(much), now)
        elif found := re.match(r"is refunded step (\d+)", does):
            await self._refund(member, self.done[found[1]], now)
        elif does.endswith("is closed"):
            self.done[does.split()[0]] = (await cleared(self.it, at(self.began, 0), at(day, 0), now)).run.run_id
            self.began = day
        elif "disputes what step" in does:
            self.done["case"] = await self._dispute(where, now)
        elif "the platform says" in does:
            await self._decide(int(much), now)
        else:
            raise AssertionError(f"nobody knows how to do this: {does}")

    async def _give_back(self, member: UUID, burn: UUID, points: int, now: Any) -> None:
        ask = GiveBack(
            back_id=new_id(), programme_id=self.it.programme_id, member_id=member, burn_id=burn, points=points
        )
        (result,) = await self.it.run(lambda tx: programmes.give_back(tx, [ask], now=now))
        assert isinstance(result, GivenBack), result

    async def _refund(self, member: UUID, earn: Any, now: Any) -> None:
        ask = ClawBack(
            back_id=new_id(), programme_id=self.it.programme_id, member_id=member, source=earn.source,
            kept=Amount(0, "CNY"),
        )  # fmt: skip
        (result,) = await self.it.run(lambda tx: programmes.claw_back(tx, [ask], now=now))
        assert isinstance(result, ClawedBack), result
        assert (result.available, result.debt) == (400, 600)

    async def _dispute(self, where: str, now: Any) -> Case:
        found = await statement(self.it, self.done["January"], where)
        async with self.it.db.reading() as tx:
            lines = await clearing.lines(
                tx, self.it.programme_id, run_id=found.run.run_id, party_id=found.party_id, kind="given_back"
            )
        ask = Dispute(
            dispute_id=new_id(), programme_id=self.it.programme_id, party_id=found.party_id,
            transfer_id=lines[0].entry.transfer_id, reason="Only half of it came back", by=new_id(),
        )  # fmt: skip
        (case,) = await self.it.run(lambda tx: clearing.dispute(tx, [ask], city_id=CITY, now=now))
        assert isinstance(case, Case), case
        assert await payable(self.it, where) == 450
        return case

    async def _decide(self, units: int, now: Any) -> None:
        ask = Decide(
            dispute_id=self.done["case"].dispute_id, programme_id=self.it.programme_id, state="corrected",
            correct_units=units, note="Half of it", by=new_id(),
        )  # fmt: skip
        (case,) = await self.it.run(lambda tx: clearing.decide(tx, [ask], city_id=CITY, now=now))
        assert isinstance(case, Case), case


async def the_example(db: Database) -> Play:
    play = Play(it=await an_alliance(db, **RULES))
    await play.it.join("Noodle Bar", blocks=5_000)
    await play.it.join("Bakery", blocks=2_000)
    await play.it.join("Tea House", mode="postpaid", limit_units=2_000)
    await play.it.join("Barber", mode="postpaid", limit_units=500)
    for row in table("What happens"):
        await play.step(row)
    return play


async def test_the_page_says_what_the_house_does(db: Database):
    play = await the_example(db)
    for month in ("January", "February"):
        run_id = play.done[month]
        wanted: dict[str, set[tuple[str, str, int, int]]] = {}
        for party, kind, way, points, units in table(month, 1):
            wanted.setdefault(party, set()).add((kind, way, int(points), int(units)))
        sums = {row[0]: row[1:] for row in table(month, 2)}
        assert sums.keys() == wanted.keys()
        assert sum(int(cells[0]) for cells in sums.values()) == 0
        assert sum(int(cells[1]) for cells in sums.values()) == 0
        for party, parts in wanted.items():
            found = await statement(play.it, run_id, party)
            assert {(p.kind, p.via, p.points, p.units) for p in found.parts} == parts, (month, party)
            assert [found.units, found.net_units] == [int(cell) for cell in sums[party][:2]], (month, party)
            if sums[party][2]:
                assert found.payable_units == int(sums[party][2]), (month, party)
    february = await statement(play.it, play.done["February"], "Barber")
    assert february.carried_units == -400
    assert february.run.reserve_units == 100
    async with db.reading() as tx:
        months = await clearing.months(tx, play.it.programme_id, asset="CNY", face_units=1)
        assert len(await clearing.statements_of_run(tx, play.it.programme_id, run_id=play.done["February"])) == 4
    running, second, first = months
    assert (first.opening, first.reserve, first.issued, first.burnt, first.margin) == (0, 800, 2_000, 1_170, 120)
    assert (second.opening, second.reserve, second.liability, second.breakage) == (800, 100, 100, 400)
    assert second.breakage_bps == 6_666
    assert (running.run, running.opening, running.reserve) == (None, 100, 100)
    assert await sound(db, "clearing")
    assert await sound(db, "ledger")


async def test_the_months_can_be_computed_again_to_the_same_bytes(db: Database):
    play = await the_example(db)
    async with db.reading() as tx:
        runs = await clearing.runs(tx, play.it.programme_id)
        assert await clearing.recompute(tx, runs, now=at("2026-06-01")) == [run.digest for run in runs]
        for run in runs:
            for one in await clearing.statements_of_run(tx, run.programme_id, run_id=run.run_id):
                text = await clearing.text(tx, run.programme_id, run_id=run.run_id, party_id=one.party_id)
                assert text is not None
                assert clearing.digest(text) == one.digest
    assert len(runs) == 2
