"""What the tests of the waiting list share: a sold-out deal of Noodle Bar, and people who want it."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from msgspec import structs

from hutong import orders, waitlist
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.orders import Choice, Placed, Wanted
from hutong.waitlist import Call, Entry, Join, Leave, Turn
from tests.lane import CITY, HOLD, SCHEMES, Lane, a_lane, a_place, bought, place, refund

INVITED = Choice("invited")


async def sold_out(db: Database, now: Any, quota: int = 4, **changes: Any) -> tuple[Lane, UUID]:
    """The deal with its whole stock sold to one guest; the order of that guest."""
    lane = await a_lane(db, now, quota=quota, **changes)
    vouchers = await bought(db, lane, now, quota)
    return lane, vouchers[0].order_id


async def joins(db: Database, asks: Sequence[Join], now: Any) -> list[Any]:
    return await db.run_city(CITY, lambda tx: waitlist.join(tx, asks, city_id=CITY, now=now))


async def waits(
    db: Database, lane: Lane, now: Any, units: int = 1, *, member: UUID | None = None,
    days: tuple[date, date] | None = None, offers: Sequence[UUID] = (),
) -> Any:  # fmt: skip
    first, last = days or (None, None)
    entry_id = new_id()
    ask = Join(
        entry_id=entry_id, secret=entry_id.bytes, member_id=member or new_id(),
        offer_ids=tuple(offers) or (lane.offer.offer_id,), units=units,
        first=first, last=last,
    )  # fmt: skip
    return (await joins(db, [ask], now))[0]


async def turn(db: Database, now: Any) -> Turn:
    return await db.run_city(CITY, lambda tx: waitlist.turn(tx, city_id=CITY, now=now))


async def leaves(db: Database, now: Any, **what: Any) -> Any:
    return (await db.run_city(CITY, lambda tx: waitlist.leave(tx, [Leave(**what)], city_id=CITY, now=now)))[0]


async def read(db: Database, entry: Entry) -> Entry:
    async with db.reading(CITY) as tx:
        found = await waitlist.of_member(tx, entry.member_id, city_id=CITY)
    return next(one for one in found if one.entry_id == entry.entry_id)


async def call_of(db: Database, entry: Entry) -> Call | None:
    async with db.reading(CITY) as tx:
        return (await waitlist.open_calls(tx, [entry.entry_id], city_id=CITY)).get(entry.entry_id)


async def takes(
    db: Database, lane: Lane, call: Call, now: Any, *, member: UUID | None = None, units: int = 0,
    way: Choice = INVITED,
) -> Any:  # fmt: skip
    """Whoever was called orders what is kept for him, in that way."""
    wanted = Wanted(call.offer_id, units or call.units, structs.replace(way, kept=call.hold_id))
    ask = a_place(lane, member_id=member or call.member_id, wants=(wanted,))

    async def work(tx: Any) -> Any:
        return await orders.place(tx, [ask], city_id=CITY, now=now, schemes=SCHEMES, hold_for=HOLD)

    return (await db.run_city(CITY, work))[0]


async def stranger(db: Database, lane: Lane, now: Any, units: int = 1) -> Any:
    return (await place(db, [a_place(lane, units)], now))[0]


async def freed(db: Database, lane: Lane, now: Any, order: UUID, units: int) -> None:
    """So many units of that order come back: refunded and done."""
    from tests.lane import hear, refund_is
    from tests.lane import units as units_of

    held = [v for v in await units_of(db, order) if v.state in ("valid", "waiting")][:units]
    asked = await refund(db, order, now, voucher_ids=tuple(v.voucher_id for v in held))
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)


__all__ = ["Placed", "call_of", "freed", "joins", "leaves", "read", "sold_out", "stranger", "takes", "turn", "waits"]
