"""Reports, the operator's word, and the one word against it."""

import pytest

from hutong import reviews
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Scope
from hutong.kit.refusals import BadInput
from hutong.reviews import (
    Appeal,
    AppealedAlready,
    Decide,
    Edit,
    Moderate,
    NoAppeal,
    NothingToAppeal,
    Rating,
    Reply,
    Report,
    Review,
    ReviewHidden,
    ReviewUnknown,
    Waiting,
    Withdraw,
)
from tests.conftest import audit_clean
from tests.db.reviews_help import do, one, rating, read, reviewed
from tests.lane import CITY, a_lane

pytestmark = pytest.mark.anyio

LIN = new_id()
HERE = Scope(cities=frozenset({CITY}))


async def waiting(db: Database) -> Waiting:
    async with db.reading(CITY) as tx:
        return await reviews.waiting(tx, HERE, city_id=CITY)


def a_report(review: Review, **changes) -> Report:
    return Report(**{"review_id": review.review_id, "by": new_id(), "reason": "insult"} | changes)


async def test_a_report_hides_nothing_and_waits(db: Database, now):
    lane = await a_lane(db, now)
    review = await reviewed(db, lane, now, 1)
    same = a_report(review, words="粗口")
    results = await do(db, reviews.report, [same, same, a_report(review), a_report(review, reason="x")], now)
    assert [getattr(r, "state", r) for r in results][:3] == ["shown"] * 3
    assert isinstance(results[3], BadInput)
    assert await one(db, reviews.report, same, now) == results[0]
    found = await read(db, review.review_id)
    assert (found.state, found.open_reports) == ("shown", 2)
    assert (await rating(db, lane)).count == 1
    async with db.reading(CITY) as tx:
        assert [r.review_id for r in await reviews.reported(tx, HERE, city_id=CITY)] == [review.review_id]
        assert await reviews.reported(tx, Scope(cities=frozenset({CITY + 1})), city_id=CITY) == []
        told = (await reviews.reports_of(tx, [review.review_id], city_id=CITY))[review.review_id]
        assert {(r.reason, r.words) for r in told} == {("insult", "粗口"), ("insult", "")}
    assert await waiting(db) == Waiting(reported=1, appeals=0)
    assert await audit_clean(db)


@pytest.mark.parametrize(("verb", "state", "count"), [("keep", "shown", 1), ("hide", "hidden", 0)])
async def test_the_operator_keeps_or_hides(db: Database, now, verb, state, count):
    lane = await a_lane(db, now)
    review = await reviewed(db, lane, now, 1)
    await one(db, reviews.report, a_report(review), now)
    ask = Moderate(review_id=review.review_id, by=LIN, verb=verb, reason="insult")
    for _ in range(2):
        assert (await one(db, reviews.moderate, ask, now)).state == state
    assert (await rating(db, lane)).count == count
    assert await waiting(db) == Waiting(reported=0, appeals=0)
    async with db.reading(CITY) as tx:
        assert len(await reviews.of_store(tx, lane.store, city_id=CITY)) == count
        changes = (await reviews.changes_of(tx, [review.review_id], city_id=CITY)).get(review.review_id, [])
        assert [(c.state, c.by, c.reason) for c in changes] == ([("hidden", LIN, "insult")] if verb == "hide" else [])
    assert await audit_clean(db)


async def test_a_hidden_review_stands_still(db: Database, now):
    lane = await a_lane(db, now)
    review = await reviewed(db, lane, now)
    assert isinstance(
        await one(db, reviews.moderate, Moderate(review_id=review.review_id, by=LIN, verb="hide", reason="rude"), now),
        BadInput,
    )
    await one(db, reviews.moderate, Moderate(review_id=review.review_id, by=LIN, verb="hide", reason="advert"), now)
    edit = Edit(review_id=review.review_id, member_id=review.member_id, content=review.content)
    assert await one(db, reviews.edit, edit, now) == ReviewHidden()
    assert await one(db, reviews.reply, Reply(review_id=review.review_id, by=LIN, words="?"), now) == ReviewHidden()
    assert await one(db, reviews.report, a_report(review), now) == ReviewUnknown()
    await one(db, reviews.moderate, Moderate(review_id=review.review_id, by=LIN, verb="restore"), now)
    assert await rating(db, lane) == Rating((0, 0, 0, 0, 1))
    assert await audit_clean(db)


async def test_the_author_appeals_once(db: Database, now):
    lane = await a_lane(db, now)
    review = await reviewed(db, lane, now)
    mine = Appeal(review_id=review.review_id, side="author", by=review.member_id, words="都是真的")
    assert await one(db, reviews.appeal, mine, now) == NothingToAppeal()
    await one(db, reviews.moderate, Moderate(review_id=review.review_id, by=LIN, verb="hide", reason="untrue"), now)
    stranger = Appeal(review_id=review.review_id, side="author", by=new_id(), words="我也这么看")
    empty = Appeal(review_id=review.review_id, side="author", by=review.member_id, words="  ")
    results = await do(db, reviews.appeal, [stranger, empty, mine, mine], now)
    assert [getattr(r, "code", "done") for r in results] == ["review_not_found", "no_words", "done", "appealed_already"]
    assert await waiting(db) == Waiting(reported=0, appeals=1)
    yes = Decide(review_id=review.review_id, side="author", by=LIN, granted=True, reason="rules_kept")
    assert (await one(db, reviews.decide, yes, now)).state == "shown"
    assert await one(db, reviews.decide, yes, now) == NoAppeal()
    assert (await rating(db, lane)).count == 1
    await one(db, reviews.moderate, Moderate(review_id=review.review_id, by=LIN, verb="hide", reason="untrue"), now)
    assert await one(db, reviews.appeal, mine, now) == AppealedAlready()
    assert await audit_clean(db)


async def test_the_merchant_appeals_once_and_may_be_refused(db: Database, now):
    lane = await a_lane(db, now)
    kept, gone = await reviewed(db, lane, now, 1), await reviewed(db, lane, now, 2)
    for review, granted in ((kept, False), (gone, True)):
        await one(db, reviews.report, a_report(review), now)
        asks = [Appeal(review_id=review.review_id, side="merchant", by=LIN, words="他没来过")]
        await do(db, reviews.appeal, asks, now)
        no = Decide(review_id=review.review_id, side="merchant", by=LIN, granted=granted, reason="rules_broken")
        assert (await one(db, reviews.decide, no, now)).state == ("hidden" if granted else "shown")
        assert await one(db, reviews.appeal, asks[0], now) == AppealedAlready()
    assert await rating(db, lane) == Rating((1, 0, 0, 0, 0))
    async with db.reading(CITY) as tx:
        appeals = await reviews.appeals_of(tx, [kept.review_id, gone.review_id], city_id=CITY)
    assert [appeals[r.review_id]["merchant"].granted for r in (kept, gone)] == [False, True]
    assert await audit_clean(db)


async def test_what_was_withdrawn_waits_for_nobody(db: Database, now):
    lane = await a_lane(db, now)
    review = await reviewed(db, lane, now, 1)
    await one(db, reviews.report, a_report(review), now)
    await one(db, reviews.appeal, Appeal(review_id=review.review_id, side="merchant", by=LIN, words="不实"), now)
    await one(db, reviews.withdraw, Withdraw(review_id=review.review_id, member_id=review.member_id), now)
    assert await waiting(db) == Waiting(reported=0, appeals=0)
    async with db.reading(CITY) as tx:
        assert await reviews.open_appeals(tx, HERE, city_id=CITY) == []
    late = Decide(review_id=review.review_id, side="merchant", by=LIN, granted=True, reason="rules_broken")
    assert (await one(db, reviews.decide, late, now)).state == "withdrawn"
    assert await audit_clean(db)


async def test_every_queue_goes_on_where_the_page_before_ended(db: Database, now):
    """Also when several came at one instant; a page of one each."""
    lane = await a_lane(db, now)
    found = [await reviewed(db, lane, now, 1) for _ in range(3)]
    ids = {one.review_id for one in found}
    await do(db, reviews.report, [a_report(review) for review in found], now)
    await do(db, reviews.appeal, [Appeal(review_id=i, side="merchant", by=LIN, words="不实") for i in ids], now)
    async with db.reading(CITY) as tx:
        seen: list = []
        for _ in range(4):
            end = (now, seen[-1]) if seen else None
            seen += [r.review_id for r in await reviews.reported(tx, HERE, city_id=CITY, after=end, limit=1)]
        assert (len(seen), set(seen)) == (3, ids)
        asked: list = []
        for _ in range(4):
            end = (asked[-1].at, asked[-1].review_id) if asked else None
            asked += await reviews.open_appeals(tx, HERE, city_id=CITY, after=end, limit=1)
        assert (len(asked), {one.review_id for one in asked}) == (3, ids)
    await do(db, reviews.moderate, [Moderate(review_id=i, by=LIN, verb="hide", reason="insult") for i in ids], now)
    async with db.reading(CITY) as tx:
        gone: list[Review] = []
        for _ in range(4):
            last = (gone[-1].written_at, gone[-1].review_id) if gone else None
            gone += await reviews.hidden(tx, HERE, city_id=CITY, after=last, limit=1)
    assert (len(gone), {one.review_id for one in gone}) == (3, ids)
