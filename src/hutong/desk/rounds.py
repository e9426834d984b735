"""What the house does by itself: on facts, and from time to time. `app.py` gives these to the worker."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import catalog, inventory, ledger, orders, people, places, reviews
from hutong.catalog import Step
from hutong.desk import leaving, telling
from hutong.desk.finding import KEEP
from hutong.desk.house import House
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.relay import Errand, Handler, Registry
from hutong.infra.tasks import Periodic
from hutong.ledger import Book

ROUNDS = 50  # sets in one turn of one city; what is left waits for the next turn


async def cities(db: Database) -> list[int]:
    """The ids of all cities."""
    async with db.reading() as tx:
        return [city.city_id for city in await places.cities(tx)]


async def drain(db: Database, city_id: int, work: Callable[[Tx], Awaitable[Any]]) -> int:
    """Run `work` in transaction after transaction until it finds nothing; how many rounds did something."""
    for done in range(ROUNDS):
        if not await db.run_city(city_id, work):
            return done
    return ROUNDS


async def expire_unpaid(db: Database, city_id: int, now: datetime) -> int:
    """End orders whose time to pay is over."""
    return await drain(db, city_id, lambda tx: orders.expire_unpaid(tx, city_id=city_id, now=now))


async def close_deals(db: Database, city_id: int, now: datetime) -> int:
    """Judge deals with a minimum whose sale has ended; refund those that failed."""

    async def work(tx: Tx) -> int:
        closed = await orders.close_offers(tx, city_id=city_id, now=now)
        return closed.tipped + closed.failed + closed.refunds

    return await drain(db, city_id, work)


async def expire_vouchers(db: Database, city_id: int, now: datetime) -> int:
    """End vouchers whose validity is over, and give back what they promise."""
    return await drain(db, city_id, lambda tx: orders.expire_vouchers(tx, city_id=city_id, now=now))


async def end_sales(db: Database, city_id: int, now: datetime) -> int:
    """Offers whose sale is over leave the shelf."""

    async def work(tx: Tx) -> int:
        due = await catalog.due_to_end(tx, city_id=city_id, now=now)
        steps = [Step(offer_id=offer_id, by=None, reason="sale_over") for offer_id in due]
        return len(await catalog.end(tx, steps, city_id=city_id, now=now)) if steps else 0

    return await drain(db, city_id, work)


async def forget_searches(db: Database, city_id: int, now: datetime) -> int:
    """Counts of searches older than a month go."""
    before = now.date() - KEEP

    async def work(tx: Tx) -> int:
        return await catalog.forget_searches(tx, city_id=city_id, before=before)

    return await drain(db, city_id, work)


async def lapse(db: Database, city_id: int, now: datetime) -> int:
    """Holds and reserves that nobody ended (their owners do it first; this is the net below)."""
    done = await drain(db, city_id, lambda tx: inventory.expire(tx, city_id=city_id, now=now))
    return done + await drain(db, city_id, lambda tx: ledger.expire(tx, book=Book.city(city_id), now=now))


def periodics(house: House) -> list[Periodic]:
    """The rounds of the house with their pauses in seconds."""

    def everywhere(name: str, every_s: float, work: Callable[[Database, int, datetime], Awaitable[Any]]) -> Periodic:
        async def do(db: Database, now: datetime) -> None:
            for city_id in await cities(db):
                await work(db, city_id, now)

        return Periodic(name=name, every_s=every_s, do=do)

    async def courier(db: Database, city_id: int, now: datetime) -> None:
        del db, now
        while await house.courier.round(city_id):
            pass

    async def remind(db: Database, city_id: int, now: datetime) -> None:
        del db
        await telling.remind(house, city_id, now)

    async def leave(db: Database, now: datetime) -> None:
        while await leaving.leave_due(db, now):
            pass

    async def forget(db: Database, now: datetime) -> None:
        async with db.central() as tx:
            await people.forget(tx, now=now)

    return [
        everywhere("payments.courier", 2, courier),
        everywhere("orders.expire_unpaid", 5, expire_unpaid),
        everywhere("orders.close_deals", 10, close_deals),
        everywhere("orders.expire_vouchers", 30, expire_vouchers),
        everywhere("catalog.end_sales", 30, end_sales),
        everywhere("inventory.lapse", 60, lapse),
        everywhere("catalog.forget_searches", 3_600, forget_searches),
        everywhere("messages.remind", 600, remind),
        Periodic(name="people.leave", every_s=300, do=leave),
        Periodic(name="people.forget", every_s=3600, do=forget),
    ]


def registry(house: House) -> Registry:
    """What follows from facts: refunds go out at once, undone visits lose their reviews, members are told."""

    async def send_refund(db: Database, fact: Fact, /, *, city_id: int, now: datetime) -> None:
        del db, now
        await house.courier.send_refunds(city_id, [UUID(fact.payload["refund"])])

    topics = frozenset({"orders.refund_asked"})

    async def withdraw_reviews(tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        await reviews.withdraw_reversed(tx, [fact.subject for fact in facts], city_id=city_id, now=now)

    return Registry(
        [
            Errand(name="payments.send_refund", topics=topics, do=send_refund),
            Handler(name="reviews.withdraw", topics=frozenset({"vouchers.reversed"}), do=withdraw_reviews),
            telling.errand(house),
        ]
    )
