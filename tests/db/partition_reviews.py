"""Reviews within the journey of tests/db/partition_journey.py: every verb and every list, once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import reviews, settlement
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import EVERYTHING, Scope
from hutong.reviews import Appeal, Content, Decide, Edit, Moderate, Reply, Report, Withdraw
from hutong.vouchers import Reverse
from tests.db.reviews_help import PICTURE, a_write, do, one, visited
from tests.lane import CITY, Lane


async def say(db: Database, lane: Lane, now: datetime) -> None:
    """Written, changed, answered, reported, hidden, appealed, shown, taken back; and undone at the counter."""
    used = [await visited(db, lane, now) for _ in range(3)]
    writes = [a_write(voucher, 4, photos=(PICTURE,), tags=("tasty",)) for voucher, _ in used]
    await do(db, reviews.write, writes, now)
    first, second, third = (ask.review_id for ask in writes)
    guest = writes[0].member_id
    await one(db, reviews.edit, Edit(review_id=first, member_id=guest, content=Content(stars=2)), now)
    await one(db, reviews.reply, Reply(review_id=first, by=new_id(), words="谢谢"), now)
    await one(db, reviews.report, Report(review_id=first, by=new_id(), reason="untrue"), now)
    await _look(db, lane, guest, first, now)
    for verb in ("keep", "hide"):
        await one(db, reviews.moderate, Moderate(review_id=first, by=new_id(), verb=verb, reason="untrue"), now)
    await one(db, reviews.appeal, Appeal(review_id=first, side="author", by=guest, words="真的"), now)
    await _look(db, lane, guest, first, now)
    yes = Decide(review_id=first, side="author", by=new_id(), granted=True, reason="rules_kept")
    await one(db, reviews.decide, yes, now)
    await one(db, reviews.withdraw, Withdraw(review_id=second, member_id=writes[1].member_id), now)
    gone = used[2][1].redemption_id
    back = Reverse(redemption_id=gone, merchant_id=lane.merchant, by=new_id(), reason="mistake", manager=True)
    await db.run_city(CITY, lambda tx: settlement.reverse(tx, [back], city_id=CITY, now=now))
    async with db.city(CITY) as tx:
        assert await reviews.withdraw_reversed(tx, [gone], city_id=CITY, now=now) == [1]
        await reviews.forget(tx, [writes[2].member_id], city_id=CITY, now=now)
    assert third


async def _look(db: Database, lane: Lane, guest: UUID, review: UUID, now: datetime) -> None:
    """Every list, its first page and the next."""
    here: dict[str, Any] = {"city_id": CITY}
    async with db.reading(CITY) as tx:
        await reviews.ratings(tx, store_ids=[lane.store], **here)
        await reviews.offer_ratings(tx, offer_ids=[lane.offer.offer_id], **here)
        for after in (None, review):
            for order in ("newest", "best"):
                await reviews.of_store(tx, lane.store, order=order, after=after, stars=4, photos=True, **here)
                await reviews.of_offer(tx, lane.offer.offer_id, order=order, after=after, **here)
            await reviews.of_member(tx, guest, after=after, **here)
            for scope in (EVERYTHING, Scope(merchants=frozenset({lane.merchant}))):
                await reviews.for_staff(tx, scope, unanswered=True, stars=3, after=after, **here)
                await reviews.standing(tx, scope, store_id=lane.store, **here)
        city = Scope(cities=frozenset({CITY}))
        await reviews.to_write(tx, guest, now=now, **here)
        await reviews.by_ids(tx, [review], **here)
        await reviews.versions(tx, review, **here)
        for query in (reviews.reported, reviews.hidden, reviews.open_appeals, reviews.waiting):
            await query(tx, city, **here)
        for query in (reviews.reports_of, reviews.appeals_of, reviews.changes_of):
            await query(tx, [review], **here)
