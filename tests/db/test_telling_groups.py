"""What members of a team hear: complete, nearly over, failed; each once."""

from datetime import timedelta

import pytest

from hutong import groups
from hutong.desk import telling_groups
from hutong.infra.db import Database
from hutong.kit.ids import derive
from tests.db.teams_help import a_team_lane, joined, opened
from tests.lane import CITY

pytestmark = pytest.mark.anyio


async def test_both_members_of_a_team_are_told_once(db: Database, now):
    lane = await a_team_lane(db, now)
    team_id, _ = await opened(db, lane, now)
    async with db.reading(CITY) as tx:
        soon = await groups.nearly_over(tx, city_id=CITY, since=now, until=now + timedelta(hours=24))
        nobody = await groups.nearly_over(tx, city_id=CITY, since=now, until=now + timedelta(hours=23))
        lines = await telling_groups._lines(tx, soon, "team_ending", None, city_id=CITY, zone="Asia/Shanghai")
        again = await telling_groups._lines(tx, soon, "team_ending", None, city_id=CITY, zone="Asia/Shanghai")
    assert nobody == []
    assert [(one.kind, one.facts["n"], one.facts["time"]) for one in lines] == [("team_ending", 1, "12:00")]
    assert lines[0].message_id == again[0].message_id
    await joined(db, lane, team_id, now)
    async with db.reading(CITY) as tx:
        facts = await tx.rows("select * from infra.facts where city_id = 1 and topic = 'groups.clinched'")
        found = list((await groups.teams(tx, [team_id], city_id=CITY)).values())
        told = await telling_groups._lines(tx, found, "deal_tipped", facts[0]["fact_id"], city_id=CITY)
    assert [row["fact_id"] for row in facts] == [derive(team_id, "groups.clinched")]
    assert len({one.member_id for one in told}) == 2
    assert len({one.message_id for one in told}) == 2
