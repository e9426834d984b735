"""Each invariant of clearing fires when its violation is made on purpose."""

import pytest

from hutong import programmes
from hutong.infra.db import Database
from tests.clearing_help import FEBRUARY, JANUARY, MARCH, a_month, at, bought, cleared, closed
from tests.conftest import fires
from tests.db.breaking import break_it
from tests.db.own_audit import codes, sound
from tests.db.test_clearing_disputes import a_dispute, decide, dispute, line_of
from tests.programmes_help import Alliance

pytestmark = pytest.mark.anyio

R, S, P, E, D = (f"clearing.{name}" for name in ("runs", "statements", "parts", "entries", "disputes"))
CITY = "ledger.city_transfers"
BREAK = {
    "CL01": [
        [f"update {R} set since = since - interval '1 day' where number = 2"],
        ["update clearing.heads set number = 7"],
    ],
    "CL02": [
        [f"update {P} set units = units + 1 where kind = 'margin'"],
        [f"update {S} set net_units = net_units + 1 where party_id <> programme_id and net_units <> 0"],
    ],
    "CL03": [
        [f"update {S} set units = units + 1 where party_id <> programme_id"],
        [f"update {P} set points = points + 1 where kind = 'issued'"],
        [f"delete from {E} where kind = 'burnt'"],
    ],
    "CL04": [
        [f"update {E} set units = units - 1 where kind = 'issued'"],
        [f"delete from {E} where kind = 'issued' and via = 'prepaid'"],
        [f"update {E} set transfer_id = movement_id where kind = 'burnt'"],
    ],
    "CL05": [
        [f"update {E} set rule = rule || 'x' where kind = 'burnt'"],
        [f"update {E} set store_id = movement_id where kind = 'issued'"],
        [f"update {R} set until = until + interval '1 hour' where number = 1"],
    ],
    "CL06": [
        [f"update {R} set digest = '0' where number = 1"],
        [f"update {R} set entries = entries + 1 where number = 1"],
    ],
    "CL07": [
        [f"update {S} set posted_at = null, payable_units = null where net_units < 0"],
        [f"update {CITY} set ref = transfer_id where city_id = 1 and debit_path like 'payable/%' and rule <> ''"],
    ],
    "CL08": [
        ["update ledger.book_accounts set credits_posted = credits_posted + 1 where path like 'due/%'"],
        [f"update {S} set posted_at = null, payable_units = null where net_units < 0"],
    ],
    "CL09": [
        [f"update {D} set held_units = 0 where state = 'open'"],
        [f"update {D} set settled_run = null where state = 'corrected'"],
    ],
    "CL10": [[f"update {R} set reserve_units = reserve_units + 1 where number = 1"]],
    "CL11": [
        [f"update {D} set units = units + 1, held_units = held_units + 1 where state = 'open'"],
        [f"update {D} set correct_units = correct_units + 1 where state = 'corrected'"],
        [f"update {D} set settled_run = run_id where state = 'corrected'"],
    ],
    "CL12": [
        [f"update {R} set posted_at = closed_at where number = 3"],
        [f"update {S} s set posted_at = null, payable_units = null from {R} r "
         "where r.run_id = s.run_id and r.number = 1 and s.party_id <> s.programme_id"],
    ],
}  # fmt: skip


async def a_little_history(db: Database) -> Alliance:
    """Two booked months with a dispute decided in between, one open; a third one that waits to be booked."""
    it, ann, _ = await a_month(db)
    run_id = (await cleared(it, JANUARY, FEBRUARY)).run.run_id
    one, two = await dispute(
        it, a_dispute(it, "tea", await line_of(it, run_id, "tea", "burnt")),
        a_dispute(it, "tea", await line_of(it, run_id, "tea", "issued")),
    )  # fmt: skip
    await decide(it, one.dispute_id, 90)
    await cleared(it, FEBRUARY, MARCH)
    assert two.state == "open"
    await bought(it, ann, "tea", 1_000, at("2026-03-02"))
    await it.run(lambda tx: programmes.expire(tx, programme_id=it.programme_id, now=at("2026-03-05")))
    await closed(it, MARCH, at("2026-04-01", 0))
    return it


@pytest.mark.parametrize(
    ("code", "steps"), [(code, steps) for code, ways in BREAK.items() for steps in ways], ids=str
)  # fmt: skip
async def test_it_fires(db: Database, database_url: str, code: str, steps: list[str]):
    await a_little_history(db)
    assert await sound(db, "clearing")
    break_it(database_url, [*_unchecked(), *steps])
    assert await fires(db, code)


def _unchecked() -> list[str]:
    return [
        f"alter table {table} drop constraint {name}"
        for table, name in ((R, "runs_chain_check"), (R, "runs_period_check"), (P, "parts_own_check"))
    ]


def test_every_invariant_of_clearing_has_its_test():
    assert codes("clearing") == set(BREAK)
