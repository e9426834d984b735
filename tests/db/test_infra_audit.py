"""Each invariant of infra fires when its violation is there."""

import pytest

from hutong.infra.audit import queries
from hutong.infra.db import Database
from tests.conftest import audit_clean, fires

pytestmark = pytest.mark.anyio

ID = "'00000000-0000-7000-8000-000000000001'"
FACT = f"""insert into infra.facts (city_id, fact_id, topic, subject, payload, at, relayed_at)
           values (1, {ID}, 't', {ID}, '{{}}', '2026-11-20 10:00Z', null)"""
WORKER = "insert into infra.periodics (name, every_s, started_at, failures) values ('x', 5, '2026-11-20 10:11Z', {})"
JOB = (
    "insert into procrastinate.procrastinate_jobs (queue_name, task_name, status, args) values ('q', 't', '{}', '{{}}')"
)
LONG_AGO = "update procrastinate.procrastinate_events set at = '2020-01-01'"
STARTED = """insert into procrastinate.procrastinate_events (job_id, type, at)
             select id, 'started', '2020-01-01' from procrastinate.procrastinate_jobs"""
FAILURE = f"insert into infra.failures values (1, {ID}, 'keep', 2, 'E', '2026-11-20', {{}})"

VIOLATIONS = {
    "I01": [
        f"insert into infra.answers values (1, {ID}, 'k', 'buy', 'x'::bytea, null, true, '2026-11-20')",
    ],
    "F01": [FACT, WORKER.format(0)],
    "F02": [f"insert into infra.handled values (1, {ID}, 'keep', '2026-11-20')"],
    "F03": [FACT, FAILURE.format("true")],
    "F04": [FACT, FAILURE.format("false")],
    "J01": [JOB.format("doing"), STARTED],
    "J02": [JOB.format("failed")],
    "J03": [JOB.format("todo"), LONG_AGO],
    "J04": [WORKER.format(3)],
}


async def seed(db: Database, statements: list[str]) -> None:
    async with db.central() as tx:
        for sql in statements:
            await tx.run(sql)


@pytest.mark.parametrize("code", VIOLATIONS)
async def test_it_fires(db: Database, code: str):
    assert not await fires(db, code)
    await seed(db, VIOLATIONS[code])
    assert await fires(db, code)


def test_every_invariant_of_infra_is_shown_to_fire():
    assert {query.code for query in queries() if query.package == "infra"} == set(VIOLATIONS)


async def test_a_young_fact_and_a_beating_worker_break_nothing(db: Database):
    await seed(
        db,
        [
            FACT,
            "insert into infra.periodics values ('x', 5, '2026-11-20 10:09Z', null, 2, 'E')",
            JOB.format("doing"),
            """with w as (insert into procrastinate.procrastinate_workers (last_heartbeat)
                          values (clock_timestamp()) returning id)
               update procrastinate.procrastinate_jobs set worker_id = (select id from w)""",
            STARTED,
            JOB.format("todo"),
        ],
    )
    assert await audit_clean(db)
