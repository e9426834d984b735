"""What the house does by itself: on facts, and from time to time. `app.py` gives these to the worker."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import cards, catalog, inventory, ledger, orders, people, places, reviews, till, vouchers, waitlist
from hutong.catalog import Step
from hutong.desk import (
    asking,
    bargaining,
    bills,
    campaigns,
    chains,
    clearings,
    closing,
    earning,
    insights,
    leaving,
    lining,
    malling,
    memberships,
    overseeing,
    repeating,
    rewards,
    sharing,
    telling,
    telling_applications,
    telling_campaigns,
    telling_gifts,
    telling_groups,
    telling_parcels,
    waves,
)
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


async def close_teams(db: Database, city_id: int, now: datetime) -> int:
    """Fail teams whose time is over; refund their members."""

    async def work(tx: Tx) -> int:
        closed = await orders.close_teams(tx, city_id=city_id, now=now)
        return closed.failed + closed.refunds

    return await drain(db, city_id, work)


async def close_ladders(db: Database, city_id: int, now: datetime) -> int:
    """End ladders whose sale is over; give the difference back."""

    async def work(tx: Tx) -> int:
        closed = await orders.close_ladders(tx, city_id=city_id, now=now)
        return closed.settled + closed.orders

    return await drain(db, city_id, work)


async def expire_vouchers(db: Database, city_id: int, now: datetime) -> int:
    """End vouchers whose validity is over, and give back what they promise. What is left of the price of a pass (a
    membership) is earned with its last day: it was for the time."""
    await drain(db, city_id, lambda tx: memberships.earn_passes(tx, city_id=city_id, now=now))
    return await drain(db, city_id, lambda tx: orders.expire_vouchers(tx, city_id=city_id, now=now))


async def take_turns(db: Database, city_id: int, now: datetime) -> int:
    """People who wait are called, or their turn is over."""
    return await drain(db, city_id, lambda tx: waitlist.turn(tx, city_id=city_id, now=now))


async def return_gifts(db: Database, city_id: int, now: datetime) -> int:
    """Gifts that nobody accepted in time come back to their givers."""
    return await drain(db, city_id, lambda tx: vouchers.lapse_gifts(tx, city_id=city_id, now=now))


async def give_back(db: Database, city_id: int, now: datetime) -> int:
    """What shops that close still owe goes back."""
    return await drain(db, city_id, lambda tx: cards.give_back(tx, city_id=city_id, now=now))


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


# What is on its way, who waits, what lapses: (name, seconds between two rounds, the work of one city).
LINES = (
    ("vouchers.gifts", 30, return_gifts), ("waitlist.turn", 5, take_turns), ("mall.confirm", 600, malling.confirm_old),
    ("mall.forget", 3_600, malling.forget_addresses), ("cards.give_back", 20, give_back),
    ("inventory.lapse", 60, lapse), ("catalog.forget_searches", 3_600, forget_searches),
)  # fmt: skip

TOLD = (  # what members are told from time to time: name, seconds between two rounds, the round
    ("messages.remind", 600, telling.remind),
    ("messages.remind_teams", 300, telling_groups.remind),
    ("messages.ask_for_reviews", 600, asking.ask_for_reviews),
)


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

    def telling_of(work: Callable[[House, int, datetime], Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def do(db: Database, city_id: int, now: datetime) -> None:
            del db
            await work(house, city_id, now)

        return do

    async def leave(db: Database, now: datetime) -> None:
        while await leaving.leave_due(db, now):
            pass

    async def sweep_points(db: Database, now: datetime) -> None:
        await earning.sweep(db, now)

    async def forget(db: Database, now: datetime) -> None:
        async with db.central() as tx:
            await people.forget(tx, now=now)

    async def audit(db: Database, now: datetime) -> None:
        del db, now
        await overseeing.run_audits(house)

    return [
        everywhere("payments.courier", 2, courier),
        everywhere("orders.expire_unpaid", 5, expire_unpaid),
        everywhere("orders.close_deals", 10, close_deals),
        everywhere("pricing.alarm", 10, telling_of(campaigns.watch)),
        everywhere("orders.close_teams", 10, close_teams),
        everywhere("orders.close_ladders", 10, close_ladders),
        everywhere("groups.end_bargains", 30, bargaining.end_due),
        everywhere("orders.expire_vouchers", 30, expire_vouchers),
        everywhere("catalog.end_sales", 30, end_sales),
        *(everywhere(name, every_s, work) for name, every_s, work in LINES),
        everywhere("programmes.chains", 60, chains.top_up),
        everywhere("insight.judge_deals", 900, insights.judge_deals),
        everywhere("insight.watch_waves", 900, waves.watch),
        everywhere("insight.tell_nudged", 60, telling_of(waves.tell_nudged)),
        *(everywhere(name, every_s, telling_of(work)) for name, every_s, work in (*TOLD, *bills.ROUNDS)),
        Periodic(name="programmes.sweep", every_s=30, do=sweep_points),
        Periodic(name="people.leave", every_s=300, do=leave),
        Periodic(name="people.forget", every_s=3600, do=forget),
        clearings.periodic(house),
        Periodic(name="infra.audits", every_s=2, do=audit),
    ]


def registry(house: House) -> Registry:
    """What follows from facts: refunds go out at once, undone visits lose their reviews, members are told."""

    async def send_refund(db: Database, fact: Fact, /, *, city_id: int, now: datetime) -> None:
        del db, now
        await house.courier.send_refunds(city_id, [UUID(fact.payload["refund"])])

    topics = frozenset({"orders.refund_asked", "till.refund_asked"})

    async def withdraw_reviews(tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        await reviews.withdraw_reversed(tx, [fact.subject for fact in facts], city_id=city_id, now=now)

    async def earn_due(tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        known = [fact.subject for fact in facts if fact.payload.get("way") == "phone"]
        if known:
            await till.earn_due(tx, known, city_id=city_id, now=now)

    return Registry(
        [
            Handler(name="till.earn_due", topics=frozenset({"till.settled"}), do=earn_due),
            Errand(name="payments.send_refund", topics=topics, do=send_refund),
            Handler(name="reviews.withdraw", topics=frozenset({"vouchers.reversed"}), do=withdraw_reviews),
            insights.feeder(),
            repeating.comer(),
            malling.handler(),
            rewards.handler(house),
            earning.handler(),
            sharing.handler(),
            closing.handler(),
            telling.errand(house),
            telling_campaigns.errand(house),
            telling_gifts.errand(house),
            lining.errand(house),
            telling_groups.errand(house),
            telling_applications.errand(house),
            telling_parcels.errand(house),
            clearings.teller(house),
        ]
    )
