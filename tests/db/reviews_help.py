"""What the tests of reviews share: vouchers that were used on the lane, and what is said about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import reviews, settlement
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.reviews import Content, Done, Photo, Rating, Review, Write
from hutong.vouchers import Redeemed, Reverse, Voucher
from tests.lane import CITY, Lane, a_redeem, bought, redeem

PICTURE = Photo("a" * 64 + ".webp", "b" * 64 + ".webp")


async def visited(db: Database, lane: Lane, now: datetime, **changes: Any) -> tuple[Voucher, Redeemed]:
    """A voucher that was bought and used."""
    voucher = (await bought(db, lane, now, **changes))[0]
    done = (await redeem(db, [a_redeem(lane, voucher, now)], now))[0]
    assert isinstance(done, Redeemed), done
    return voucher, done


def a_write(voucher: Voucher, stars: int = 5, words: str = "汤很鲜", **changes: Any) -> Write:
    content = {"stars": stars, "words": words} | {k: changes.pop(k) for k in ("tags", "photos") if k in changes}
    fields: dict[str, Any] = {
        "review_id": new_id(), "voucher_id": voucher.voucher_id, "member_id": voucher.member_id, "author": "A**",
        "language": "zh", "content": Content(**content),
    }  # fmt: skip
    return Write(**fields | changes)


async def do(db: Database, verb: Any, asks: Sequence[Any], now: datetime) -> list[Any]:
    return await db.run_city(CITY, lambda tx: verb(tx, asks, city_id=CITY, now=now))


async def one(db: Database, verb: Any, ask: Any, now: datetime) -> Any:
    return (await do(db, verb, [ask], now))[0]


async def reviewed(db: Database, lane: Lane, now: datetime, stars: int = 5, **changes: Any) -> Review:
    """Bought, used and reviewed."""
    voucher, _ = await visited(db, lane, now)
    ask = a_write(voucher, stars, **changes)
    done = await one(db, reviews.write, ask, now)
    assert isinstance(done, Done), done
    return await read(db, ask.review_id)


async def read(db: Database, review_id: UUID) -> Review:
    async with db.reading(CITY) as tx:
        found = (await reviews.by_ids(tx, [review_id], city_id=CITY))[0]
    assert found is not None
    return found


async def rating(db: Database, lane: Lane) -> Rating:
    """The rating of the store; the offer's must be the same, as it is sold there alone."""
    async with db.reading(CITY) as tx:
        stores = await reviews.ratings(tx, city_id=CITY, store_ids=[lane.store])
        offers = await reviews.offer_ratings(tx, city_id=CITY, offer_ids=[lane.offer.offer_id])
    found = stores.get(lane.store, Rating())
    assert offers.get(lane.offer.offer_id, Rating()) == found
    return found


async def undo(db: Database, lane: Lane, redemption_id: UUID, now: datetime) -> Any:
    ask = Reverse(redemption_id=redemption_id, merchant_id=lane.merchant, by=new_id(), reason="mistake", manager=True)
    return (await db.run_city(CITY, lambda tx: settlement.reverse(tx, [ask], city_id=CITY, now=now)))[0]
