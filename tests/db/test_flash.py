"""Flash sales: each slot sells its own stock and nothing outside; the last unit of a slot has one buyer."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from hutong import inventory, orders
from hutong.catalog.forms import Flash, Slot
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.inventory import OpenQuota
from hutong.orders import Placed
from tests.conftest import audit_clean, fires
from tests.db.crowd import crowd
from tests.db.guard_off import bare
from tests.lane import CITY, HOLD, SCHEMES, Lane, a_lane, a_place, bought, hear, place, refund, refund_is

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


async def a_sale(db: Database, now: Any, first: int = 3, second: int = 2) -> tuple[Lane, list[Slot]]:
    """A deal with a slot that runs and one that begins in three hours."""
    slots = [
        Slot(slot_id=new_id(), starts_at=now + a * HOUR, ends_at=now + b * HOUR, quota_id=new_id(), units=units)
        for a, b, units in ((-1, 1, first), (3, 4, second))
    ]
    async with db.city(CITY) as tx:
        opened = [OpenQuota(quota_id=slot.quota_id, label="slot", total=slot.units) for slot in slots]
        await inventory.open_quotas(tx, opened, city_id=CITY, now=now)
    sale = {"sale_from": now - 24 * HOUR, "sale_to": now + 24 * HOUR}
    return await a_lane(db, now, form=Flash(slots=tuple(slots)), **sale), slots


async def left(db: Database, slot: Slot) -> int:
    async with db.reading(CITY) as tx:
        (quota,) = await inventory.quotas(tx, [slot.quota_id], city_id=CITY)
    assert quota is not None
    return quota.remaining


def code_of(answer: Any) -> str:
    return getattr(answer, "code", "placed")


async def test_each_slot_sells_its_own_stock(db: Database, now):
    lane, (first, second) = await a_sale(db, now)
    vouchers = await bought(db, lane, now, 3)
    assert code_of((await place(db, [a_place(lane)], now))[0]) == "sold_out"
    between: Any = (await place(db, [a_place(lane)], now + 2 * HOUR))[0]
    assert (between.code, between.facts["wait_en"]) == ("slot_not_open", "1 h 0 min")
    later = now + 3 * HOUR
    assert isinstance((await place(db, [a_place(lane, 2)], later))[0], Placed)
    assert code_of((await place(db, [a_place(lane)], later))[0]) == "sold_out"
    assert code_of((await place(db, [a_place(lane)], now + 5 * HOUR))[0]) == "slots_over"
    asked = await refund(db, vouchers[0].order_id, later, voucher_ids=(vouchers[0].voucher_id,))
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], later)
    assert (await left(db, first), await left(db, second)) == (1, 0), "a unit goes back to the slot it came from"
    assert await audit_clean(db)


async def test_fifty_after_the_last_unit_of_a_slot(db: Database, now):
    await crowd(db)
    lane, (first, _) = await a_sale(db, now, first=1)
    answers = await asyncio.gather(*(place(db, [a_place(lane)], now) for _ in range(50)))
    assert Counter(code_of(one[0]) for one in answers) == {"placed": 1, "sold_out": 49}
    assert await left(db, first) == 0
    assert await audit_clean(db)


async def test_control_who_looks_first_and_writes_after_sells_it_often(db: Database, now):
    """The real order, which looks at the stock of the slot without locking it, with the CHECK of the stock taken off:
    six buy the one unit."""
    await crowd(db)
    lane, (first, _) = await a_sale(db, now, first=1)
    async with db.central() as tx:
        await tx.run("alter table inventory.quotas drop constraint quotas_range_check")
    looked = asyncio.Barrier(6)

    async def buy() -> Any:
        how = {"after": "from inventory.quotas", "pause": looked.wait}
        async with bare(db, CITY, **how) as tx:
            return (
                await orders.place(tx, [a_place(lane)], city_id=CITY, now=now, schemes=SCHEMES, hold_for=HOLD)
            )[0]  # fmt: skip

    assert [code_of(one) for one in await asyncio.gather(*(buy() for _ in range(6)))] == ["placed"] * 6
    assert await left(db, first) == -5
    assert await fires(db, "S01")


async def test_at_the_second_in_which_a_slot_ends(db: Database, now):
    """An order of the last second of one slot and one of the first of the next take different stocks."""
    slots = [
        Slot(slot_id=new_id(), starts_at=now - HOUR, ends_at=now, quota_id=new_id(), units=1),
        Slot(slot_id=new_id(), starts_at=now, ends_at=now + HOUR, quota_id=new_id(), units=1),
    ]
    async with db.city(CITY) as tx:
        opened = [OpenQuota(quota_id=slot.quota_id, label="slot", total=1) for slot in slots]
        await inventory.open_quotas(tx, opened, city_id=CITY, now=now)
    sale = {"sale_from": now - 24 * HOUR, "sale_to": now + 24 * HOUR}
    lane = await a_lane(db, now, form=Flash(slots=tuple(slots)), **sale)
    before, after = await asyncio.gather(
        place(db, [a_place(lane)], now - timedelta(microseconds=1)), place(db, [a_place(lane)], now)
    )
    assert isinstance(before[0], Placed)
    assert isinstance(after[0], Placed)
    assert [await left(db, slot) for slot in slots] == [0, 0]
    assert await audit_clean(db)
