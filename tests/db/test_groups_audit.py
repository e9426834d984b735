"""Each invariant of groups fires when its violation is made on purpose."""

from datetime import timedelta

import pytest

from hutong.infra.db import Database
from tests.conftest import audit_clean, fires
from tests.db.own_audit import codes
from tests.db.teams_help import a_team_lane, close, joined, opened, placed, wish
from tests.lane import CITY

pytestmark = pytest.mark.anyio

T, S = "groups.teams", "groups.seats"
SET = "where city_id = 1"
BREAK = {
    "GR01": [
        [f"update {T} set taken = taken - 1 {SET} and state = 'failed'"],
        [f"update {S} set state = 'held', taken_at = null, ended_at = null {SET} and state = 'taken'"],
    ],
    "GR02": [
        [f"update {S} set state = 'failed' {SET} and state = 'kept'"],
        [f"update {S} set state = 'kept', ended_at = held_at {SET} and state = 'taken'"],
    ],
    "GR03": [["drop index groups.seats_running_key",
              f"update {S} set member_id = team_id, offer_id = team_id {SET} and state in ('held', 'taken')",
              f"update {S} set member_id = (select min(member_id::text)::uuid from {S} {SET}), "
              f"offer_id = (select min(offer_id::text)::uuid from {S} {SET}) {SET} and state in ('held', 'taken')"]],
    "GR04": [
        [f"update {S} set offer_id = member_id {SET} and state = 'kept'"],
        [f"update {S} set member_id = team_id {SET} and state = 'kept'"],
    ],
    "GR05": [[f"update {T} set closes_at = closes_at - interval '2 days' {SET} and state = 'open'"]],
    "GR06": [[f"update {S} set state = 'failed', ended_at = held_at - interval '1 day' {SET} and state = 'sent_back'"]],
    "GR07": [[f"update {T} set ended_at = closes_at + interval '2 hours' {SET} and state = 'clinched'"]],
}  # fmt: skip


async def a_little_history(db: Database, now) -> None:
    """A team that clinched, one that failed, one that is open with somebody who is paying."""
    lane = await a_team_lane(db, now, size=2)
    await opened(db, lane, now)
    await close(db, now + timedelta(hours=24))
    later = now + timedelta(hours=24)
    team_id, _ = await opened(db, lane, later)
    await joined(db, lane, team_id, later)
    other, _ = await opened(db, lane, later)
    await placed(db, wish(lane, other), later)


@pytest.mark.parametrize(
    ("code", "steps"), [(code, steps) for code, ways in BREAK.items() for steps in ways], ids=str
)  # fmt: skip
async def test_it_fires(db: Database, now, code: str, steps: list[str]):
    await a_little_history(db, now)
    assert await audit_clean(db)
    assert not await fires(db, code)
    async with db.city(CITY) as tx:
        for step in steps:
            await tx.run(step)
    assert await fires(db, code)


def test_every_invariant_of_teams_has_its_test():
    assert {code for code in codes("groups") if code <= "GR07"} == set(BREAK)
