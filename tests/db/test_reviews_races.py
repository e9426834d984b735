"""The same visit, many hands, one moment. Each race has a control without the guard."""

import asyncio
from uuid import UUID

import psycopg
import pytest

from hutong import reviews, vouchers
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.reviews import Content, Done, Edit, Moderate, NotUsedYet, Reply, Report, ReviewExists
from hutong.vouchers import Reversed
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.db.reviews_help import a_write, one, rating, read, reviewed, undo, visited
from tests.lane import CITY, a_lane

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def eight_connections(db: Database) -> None:
    await crowd(db)


async def test_a_double_tap_writes_one_review(db: Database, now):
    lane = await a_lane(db, now)
    for _ in range(10):
        voucher, _ = await visited(db, lane, now)
        results = await asyncio.gather(*(one(db, reviews.write, a_write(voucher, n), now) for n in (1, 3, 5)))
        assert sorted(getattr(r, "code", "done") for r in results) == ["done", "review_exists", "review_exists"]
    assert (await rating(db, lane)).count == 10
    assert await audit_clean(db)


async def test_control_without_the_lock_only_the_index_stands_in_the_way(db: Database, now):
    """Looking first and writing after, as a naive page does it: both find nothing, and the second is a fault."""
    lane = await a_lane(db, now)
    voucher, _ = await visited(db, lane, now)
    looked = asyncio.Barrier(2)

    async def naive(review_id: UUID) -> str:
        try:
            async with db.city(CITY) as tx:
                there = await reviews.of_lines(tx, [voucher.line_id], city_id=CITY)
                await looked.wait()
                assert not there
                await tx.run(
                    """insert into reviews.reviews (city_id, review_id, member_id, author, language, merchant_id,
                           store_id, offer_id, line_id, voucher_id, redemption_id, title, stars, words, tags, photos,
                           small, worth, version, state, step, used_at, written_at, reply_version, open_reports)
                       select r.city_id, %(id)s, v.member_id, '', 'zh', r.merchant_id, r.store_id, v.offer_id,
                              v.line_id, v.voucher_id, r.redemption_id, v.title, 5, '', '{}', '{}', '{}', 0, 1,
                              'shown', 0, r.at, r.at, 0, 0
                       from vouchers.redemptions r
                       join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id
                       where r.city_id = %(city)s and r.voucher_id = %(voucher)s""",
                    city=CITY, id=review_id, voucher=voucher.voucher_id,
                )  # fmt: skip
            return "done"
        except psycopg.errors.UniqueViolation:
            return "fault"

    assert sorted(await asyncio.gather(naive(new_id()), naive(new_id()))) == ["done", "fault"]


async def test_writing_while_the_visit_is_undone(db: Database, now):
    """Whoever comes first: no review is left of a visit that was undone, once its fact is handled."""
    lane = await a_lane(db, now)
    seen = set()
    for n in range(20):
        voucher, done = await visited(db, lane, now)
        ask = a_write(voucher)
        both = [one(db, reviews.write, ask, now), undo(db, lane, done.redemption_id, now)]
        written, undone = await asyncio.gather(*(both if n % 2 else [*reversed(both)]))
        if not n % 2:
            written, undone = undone, written
        assert isinstance(undone, Reversed)
        assert isinstance(written, Done | NotUsedYet)
        seen.add(type(written))
        async with db.city(CITY) as tx:
            gone = await reviews.withdraw_reversed(tx, [done.redemption_id], city_id=CITY, now=now)
        assert gone == [int(isinstance(written, Done))]
    assert (await rating(db, lane)).count == 0
    assert await audit_clean(db)


async def test_control_a_look_without_the_lock_reviews_what_is_undone(db: Database, now):
    lane = await a_lane(db, now)
    voucher, done = await visited(db, lane, now)
    async with db.city(CITY) as tx:
        uses = await vouchers.uses_of(tx, [voucher.voucher_id], city_id=CITY)
        assert uses[0].reversed_at is None
        assert isinstance(await undo(db, lane, done.redemption_id, now), Reversed)  # nothing held it up
        again = await vouchers.uses_of(tx, [voucher.voucher_id], city_id=CITY)
        assert again[0].reversed_at is not None


async def test_many_hands_on_many_reviews_of_one_shop(db: Database, now):
    """Writes, edits, reports and decisions meet in the ratings; they add up and nobody waits for ever."""
    lane = await a_lane(db, now)
    made = [await reviewed(db, lane, now, 1 + n % 5) for n in range(8)]
    fresh = [(await visited(db, lane, now))[0] for _ in range(8)]
    tasks = [one(db, reviews.write, a_write(voucher, 5), now) for voucher in fresh]
    for n, review in enumerate(made):
        mine = {"review_id": review.review_id}
        tasks.append(one(db, reviews.edit, Edit(**mine, member_id=review.member_id, content=Content(stars=5)), now))
        tasks.append(one(db, reviews.report, Report(**mine, by=new_id(), reason="untrue"), now))
        verb = "hide" if n % 2 else "keep"
        tasks.append(one(db, reviews.moderate, Moderate(**mine, by=new_id(), verb=verb, reason="untrue"), now))
        tasks.append(one(db, reviews.reply, Reply(**mine, by=new_id(), words="谢谢"), now))
    await asyncio.gather(*tasks)
    assert (await rating(db, lane)).count == 8 + 4
    states = {(await read(db, review.review_id)).state for review in made}
    assert states == {"shown", "hidden"}
    assert await audit_clean(db)


async def test_two_sets_with_the_same_visits_in_other_orders(db: Database, now):
    lane = await a_lane(db, now)
    used = [(await visited(db, lane, now))[0] for _ in range(6)]

    async def all_of(order):
        asks = [a_write(voucher) for voucher in order]
        return await db.run_city(CITY, lambda tx: reviews.write(tx, asks, city_id=CITY, now=now))

    first, second = await asyncio.gather(all_of(used), all_of(used[::-1]))
    assert sum(isinstance(r, Done) for r in [*first, *second]) == 6
    assert sum(isinstance(r, ReviewExists) for r in [*first, *second]) == 6
    assert await audit_clean(db)
