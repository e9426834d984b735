"""Reviews: who may say what of which visit, for how long, and what it does to the ratings."""

from datetime import timedelta

import pytest

from hutong import reviews
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.infra.pictures import TooManyPictures
from hutong.kit.access import EVERYTHING, NOTHING, Scope
from hutong.kit.refusals import BadInput
from hutong.reviews import (
    Content,
    Done,
    Edit,
    NoStars,
    NotUsedYet,
    Photo,
    Rating,
    Reply,
    ReviewExists,
    ReviewUnknown,
    TooLateToEdit,
    TooLateToReview,
    TooManyWords,
    Withdraw,
)
from hutong.vouchers import Redeemed, VoucherUnknown
from tests.conftest import audit_clean
from tests.db.reviews_help import PICTURE, a_write, do, one, rating, read, reviewed, undo, visited
from tests.lane import CITY, a_lane, a_redeem, bought, redeem

pytestmark = pytest.mark.anyio


async def test_a_used_voucher_is_reviewed_once(db: Database, now):
    lane = await a_lane(db, now)
    voucher, done = await visited(db, lane, now)
    ask = a_write(voucher, 4, " 汤很鲜\r\n\r\n\r\n面劲道\u202e ", tags=("tasty", "fast", "tasty"), photos=(PICTURE,))
    assert await one(db, reviews.write, ask, now) == Done(review_id=ask.review_id, state="shown", version=1)
    found = await read(db, ask.review_id)
    assert found.content == Content(stars=4, tags=("tasty", "fast"), words="汤很鲜\n\n面劲道", photos=(PICTURE,))
    assert (found.store_id, found.offer_id, found.redemption_id) == (
        lane.store, lane.offer.offer_id, done.redemption_id,
    )  # fmt: skip
    assert await one(db, reviews.write, a_write(voucher), now) == ReviewExists()
    assert await rating(db, lane) == Rating((0, 0, 0, 1, 0))
    assert await audit_clean(db)


async def test_who_may_not_write(db: Database, now):
    lane = await a_lane(db, now)
    unused = (await bought(db, lane, now))[0]
    used, _ = await visited(db, lane, now)
    late = now + timedelta(days=90)
    asks = [
        a_write(unused), a_write(used, member_id=new_id()), a_write(used, voucher_id=new_id()), a_write(used, 0),
        a_write(used, 6), a_write(used, words="字" * 2001), a_write(used, tags=("nonsense",)),
        a_write(used, photos=tuple(Photo(f"{n}", f"{n}") for n in range(7))),
    ]  # fmt: skip
    assert await do(db, reviews.write, asks, now) == [
        NotUsedYet(), VoucherUnknown(), VoucherUnknown(), NoStars(), NoStars(), TooManyWords(length=2001, most=2000),
        BadInput(field="tags", why="at most 8 of the list"), TooManyPictures(most=6),
    ]  # fmt: skip
    assert await one(db, reviews.write, a_write(used), late) == TooLateToReview(days=90)
    assert isinstance(await one(db, reviews.write, a_write(used), late - timedelta(seconds=1)), Done)
    assert await audit_clean(db)


async def test_units_of_one_line_are_one_voice(db: Database, now):
    """Ten bought at once do not make ten reviews, not even in one set."""
    lane = await a_lane(db, now)
    first, second, third = await bought(db, lane, now, 3)
    for unit in (first, second, third):
        assert isinstance((await redeem(db, [a_redeem(lane, unit, now)], now))[0], Redeemed)
    results = await do(db, reviews.write, [a_write(first, 1), a_write(second, 1)], now)
    assert [type(result) for result in results] == [Done, ReviewExists]
    assert await one(db, reviews.write, a_write(third, 1), now) == ReviewExists()
    assert (await rating(db, lane)).count == 1


async def test_editing_keeps_history_and_ratings(db: Database, now):
    lane = await a_lane(db, now)
    review = await reviewed(db, lane, now, 5)
    mine = {"review_id": review.review_id, "member_id": review.member_id}
    later = now + timedelta(days=7) - timedelta(seconds=1)
    better = Content(stars=2, words="第二次再看，其实不好")
    edits = [
        Edit(**mine, content=review.content), Edit(**mine, content=better), Edit(**mine, content=better),
        Edit(review_id=review.review_id, member_id=new_id(), content=better),
    ]  # fmt: skip
    results = await do(db, reviews.edit, edits, later)
    assert [getattr(one, "version", one) for one in results] == [1, 2, 2, ReviewUnknown()]
    assert await rating(db, lane) == Rating((0, 1, 0, 0, 0))
    assert await one(db, reviews.edit, Edit(**mine, content=review.content), now + timedelta(days=7)) == TooLateToEdit(
        days=7
    )
    async with db.reading(CITY) as tx:
        said = await reviews.versions(tx, review.review_id, city_id=CITY)
    assert [content for _, content in said] == [review.content, better]
    assert await audit_clean(db)


async def test_a_reply_and_its_new_wording(db: Database, now):
    lane = await a_lane(db, now)
    review = await reviewed(db, lane, now)
    for words in ("谢谢光临", "谢谢光临", "谢谢，欢迎再来"):
        assert isinstance(
            await one(db, reviews.reply, Reply(review_id=review.review_id, by=new_id(), words=words), now), Done
        )
    found = await read(db, review.review_id)
    assert (found.reply, found.reply_version) == ("谢谢，欢迎再来", 2)
    for words in (" ", "字" * 1001):
        refused = await one(db, reviews.reply, Reply(review_id=review.review_id, by=new_id(), words=words), now)
        assert refused.code in ("no_words", "too_many_words")
    assert await audit_clean(db)


async def test_a_review_that_was_taken_back_makes_room(db: Database, now):
    lane = await a_lane(db, now)
    voucher, _ = await visited(db, lane, now)
    ask = a_write(voucher, 1)
    await one(db, reviews.write, ask, now)
    for _ in range(2):
        back = Withdraw(review_id=ask.review_id, member_id=voucher.member_id)
        assert (await one(db, reviews.withdraw, back, now)).state == "withdrawn"
    assert (
        await one(db, reviews.withdraw, Withdraw(review_id=ask.review_id, member_id=new_id()), now) == ReviewUnknown()
    )
    assert (await rating(db, lane)).count == 0
    assert isinstance(await one(db, reviews.write, a_write(voucher, 3), now), Done)
    assert await rating(db, lane) == Rating((0, 0, 1, 0, 0))
    assert await audit_clean(db)


async def test_a_visit_that_was_undone_has_no_review(db: Database, now):
    lane = await a_lane(db, now)
    voucher, done = await visited(db, lane, now)
    ask = a_write(voucher, 5)
    await one(db, reviews.write, ask, now)
    await undo(db, lane, done.redemption_id, now)
    async with db.city(CITY) as tx:
        assert await reviews.withdraw_reversed(tx, [done.redemption_id, new_id()], city_id=CITY, now=now) == [1, 0]
        assert await reviews.withdraw_reversed(tx, [done.redemption_id], city_id=CITY, now=now) == [0]
    assert (await read(db, ask.review_id)).state == "withdrawn"
    assert (await rating(db, lane)).count == 0
    assert await one(db, reviews.write, a_write(voucher), now) == NotUsedYet()
    again = (await redeem(db, [a_redeem(lane, voucher, now, presented=voucher.code)], now))[0]
    assert isinstance(again, Redeemed)
    assert isinstance(await one(db, reviews.write, a_write(voucher), now), Done)
    assert await audit_clean(db)


async def test_lists_are_paged_by_key(db: Database, now):
    lane = await a_lane(db, now)
    made = [
        await reviewed(db, lane, now + timedelta(minutes=n), stars, words="味" * length, photos=photos)
        for n, (stars, length, photos) in enumerate(
            [(5, 5, ()), (1, 200, ()), (4, 0, ()), (5, 60, (PICTURE,)), (1, 9, ())]
        )
    ]
    async with db.reading(CITY) as tx:

        async def pages(**how):
            found, after = [], None
            while page := await reviews.of_store(tx, lane.store, city_id=CITY, after=after, limit=2, **how):
                found += page
                after = page[-1].review_id
            return [made.index(review) for review in found]

        assert await pages() == [4, 3, 2, 1, 0]
        assert await pages(order="best") == [1, 3, 4, 2, 0]
        assert await pages(stars=1) == [4, 1]
        assert await pages(photos=True) == [3]
        assert len(await reviews.of_offer(tx, lane.offer.offer_id, city_id=CITY)) == 5
        assert await reviews.of_store(tx, lane.other_store, city_id=CITY) == []
        mine = await reviews.of_member(tx, made[2].member_id, city_id=CITY)
        assert mine == [made[2]]
        lines = [made[0].line_id, new_id()]
        assert await reviews.unreviewed(tx, lines, city_id=CITY) == {lines[1]}


async def test_staff_see_what_lies_in_their_scope(db: Database, now):
    lane = await a_lane(db, now)
    review = await reviewed(db, lane, now, 2)
    shop = Scope(merchants=frozenset({lane.merchant}))
    async with db.reading(CITY) as tx:
        for scope, there in (
            (shop, True), (EVERYTHING, True), (Scope(stores=frozenset({lane.store})), True), (NOTHING, False),
            (Scope(merchants=frozenset({new_id()})), False), (Scope(stores=frozenset({lane.other_store})), False),
        ):  # fmt: skip
            assert (await reviews.for_staff(tx, scope, city_id=CITY) == [review]) is there
            assert (await reviews.standing(tx, scope, city_id=CITY)).rating.count == int(there)
        assert await reviews.for_staff(tx, shop, city_id=CITY, stars=1) == []
        assert (await reviews.standing(tx, shop, city_id=CITY)).unanswered == 1


async def test_a_member_who_leaves_takes_the_name_along(db: Database, now):
    lane = await a_lane(db, now)
    review = await reviewed(db, lane, now)
    async with db.city(CITY) as tx:
        assert await reviews.forget(tx, [review.member_id, new_id()], city_id=CITY, now=now) == [1, 0]
    assert (await read(db, review.review_id)).author == ""
    assert await audit_clean(db)
