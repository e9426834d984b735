"""Each invariant of reviews fires when its violation is made on purpose."""

from datetime import timedelta

import pytest

from hutong import reviews
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.reviews import Appeal, Content, Edit, Moderate, Reply, Report
from tests.conftest import audit_clean, fires
from tests.db.own_audit import codes
from tests.db.reviews_help import one, reviewed, undo, visited
from tests.lane import CITY, a_lane

pytestmark = pytest.mark.anyio

R = "reviews.reviews"
BREAK = {
    "RV01": [
        ["update reviews.ratings set n5 = n5 + 1, count = count + 1, total = total + 5 where city_id = 1"],
        ["delete from reviews.ratings where city_id = 1 and kind = 'offer'"],
        ["update reviews.ratings set kind = 'offer' where city_id = 1 and kind = 'store'"],
    ],
    "RV02": [
        [f"update {R} set words = 'nobody said so' where city_id = 1"],
        ["delete from reviews.versions where city_id = 1 and version = 1"],
    ],
    "RV03": [
        [f"update {R} set state = 'withdrawn' where city_id = 1 and state = 'shown'"],
        ["update reviews.changes set was = 'hidden', state = 'shown' where city_id = 1"],
        ["delete from reviews.changes where city_id = 1"],
    ],
    "RV04": [["drop index reviews.reviews_line_key",
              f"update {R} set line_id = (select line_id from {R} limit 1) where city_id = 1"]],
    "RV05": [
        [f"update {R} set member_id = review_id where city_id = 1"],
        [f"update {R} set offer_id = review_id where city_id = 1"],
        [f"update {R} set used_at = used_at - interval '1 hour' where city_id = 1"],
    ],
    "RV07": [[f"update {R} set reply = 'nobody' where city_id = 1 and reply is not null"]],
    "RV08": [
        [f"update {R} set open_reports = open_reports + 1 where city_id = 1 and open_reports > 0"],
        ["update reviews.reports set closed_at = at, outcome = 'kept' where city_id = 1"],
    ],
    "RV09": [
        [f"update {R} set edited_at = written_at + interval '8 days' where city_id = 1 and edited_at is not null"],
        [f"update {R} set written_at = used_at + interval '91 days', edited_at = null, version = 1 where city_id = 1"],
    ],
    "RV10": [["update reviews.changes set at = at + interval '1 day' where city_id = 1"]],
}  # fmt: skip


async def a_little_history(db: Database, now) -> None:
    """An edited one with a reply and an open report; a hidden one under appeal."""
    lane = await a_lane(db, now)
    said, hidden = await reviewed(db, lane, now, 4), await reviewed(db, lane, now, 1)
    edit = Edit(review_id=said.review_id, member_id=said.member_id, content=Content(stars=5))
    await one(db, reviews.edit, edit, now)
    await one(db, reviews.reply, Reply(review_id=said.review_id, by=new_id(), words="谢谢"), now)
    await one(db, reviews.report, Report(review_id=said.review_id, by=new_id(), reason="advert"), now)
    await one(
        db, reviews.moderate, Moderate(review_id=hidden.review_id, by=new_id(), verb="hide", reason="insult"), now
    )
    appeal = Appeal(review_id=hidden.review_id, side="author", by=hidden.member_id, words="真的")
    await one(db, reviews.appeal, appeal, now)


def test_every_invariant_has_its_test():
    assert codes("reviews") == {*BREAK, "RV06"}


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


async def test_a_review_of_an_undone_visit_fires_after_a_while(db: Database, now):
    lane = await a_lane(db, now)
    review = await reviewed(db, lane, now)
    await undo(db, lane, review.redemption_id, now)
    assert not await fires(db, "RV06")  # its handler is on the way
    await visited(db, lane, now + timedelta(minutes=11))
    assert await fires(db, "RV06")
    async with db.city(CITY) as tx:
        await reviews.withdraw_reversed(tx, [review.redemption_id], city_id=CITY, now=now)
    assert await audit_clean(db)
