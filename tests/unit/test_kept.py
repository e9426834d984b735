"""What is kept for everybody: made once, forgotten in time, bounded."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from hutong.infra.kept import OVERHEAD, Kept, makes_pages
from hutong.infra.sql import written
from hutong.kit.clock import ManualClock

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


class Kitchen:
    """Counts how often it was asked, and can be made to wait or to fail."""

    def __init__(self) -> None:
        self.made = 0
        self.gate: asyncio.Event | None = None
        self.wrong: Exception | None = None

    async def cook(self) -> str:
        self.made += 1
        number = self.made
        if self.gate is not None:
            await self.gate.wait()
        if self.wrong is not None:
            raise self.wrong
        return f"dish {number}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


def shelf(clock: ManualClock, *, life_s: float = 60, most: int = 100_000) -> Kept:
    return Kept(clock, life_s=life_s, most_bytes=most)


async def ask(kept: Kept, kitchen: Kitchen, key: str = "a", *, city: int = 1, own: bool = False) -> str:
    return await kept.get("dish", key, kitchen.cook, city_id=city, weigh=lambda said: None if own else len(said))


async def test_sixty_four_who_ask_at_once_are_served_from_one_making(clock: ManualClock, kitchen: Kitchen):
    kept, kitchen.gate = shelf(clock), asyncio.Event()
    asked = [asyncio.ensure_future(ask(kept, kitchen)) for _ in range(64)]
    await asyncio.sleep(0)
    kitchen.gate.set()
    assert set(await asyncio.gather(*asked)) == {"dish 1"}
    assert await ask(kept, kitchen) == "dish 1"
    assert kitchen.made == 1


async def test_switched_off_everybody_gets_his_own(clock: ManualClock, kitchen: Kitchen):
    kept = shelf(clock, life_s=0)
    assert [await ask(kept, kitchen), await ask(kept, kitchen)] == ["dish 1", "dish 2"]
    assert len(kept) == 0


async def test_nothing_outlives_its_life_by_either_clock(clock: ManualClock, kitchen: Kitchen):
    kept = shelf(clock)
    await ask(kept, kitchen)
    clock.move(timedelta(seconds=59))
    assert await ask(kept, kitchen) == "dish 1"
    clock.move(timedelta(seconds=1))
    assert await ask(kept, kitchen) == "dish 2"
    short = shelf(clock, life_s=0.02)
    await ask(short, kitchen)
    await asyncio.sleep(0.03)
    assert await ask(short, kitchen) == "dish 4"


async def test_a_write_forgets_its_city_and_no_other(clock: ManualClock, kitchen: Kitchen):
    kept = shelf(clock)
    await ask(kept, kitchen, city=1)
    await ask(kept, kitchen, city=2)
    kept.wrote(1, {"catalog.offers"})
    assert await ask(kept, kitchen, city=2) == "dish 2"
    assert await ask(kept, kitchen, city=1) == "dish 3"
    kept.wrote(2, {"places.districts"})  # shown by every city
    assert await ask(kept, kitchen, city=1) == "dish 4"
    kept.wrote(None, {"a_new_package.table_nobody_thought_of"})
    assert await ask(kept, kitchen, city=1) == "dish 5"


async def test_a_sale_forgets_nothing(clock: ManualClock, kitchen: Kitchen):
    kept = shelf(clock)
    await ask(kept, kitchen)
    kept.wrote(1, {"orders.orders", "inventory.quotas", "infra.facts", "catalog.searches"})
    assert await ask(kept, kitchen) == "dish 1"


async def test_what_was_being_made_while_somebody_wrote_is_given_and_not_kept(clock: ManualClock, kitchen: Kitchen):
    kept, kitchen.gate = shelf(clock), asyncio.Event()
    early = asyncio.ensure_future(ask(kept, kitchen))
    await asyncio.sleep(0)
    kept.wrote(1, {"catalog.offers"})
    late = asyncio.ensure_future(ask(kept, kitchen))  # asked after the write: the one being made is too old for it
    await asyncio.sleep(0)
    kitchen.gate.set()
    assert [await early, await late] == ["dish 1", "dish 2"]
    assert await ask(kept, kitchen) == "dish 2"


async def test_what_is_ones_own_reaches_nobody_else(clock: ManualClock, kitchen: Kitchen):
    kept, kitchen.gate = shelf(clock), asyncio.Event()
    asked = [asyncio.ensure_future(ask(kept, kitchen, own=True)) for _ in range(3)]
    await asyncio.sleep(0)
    kitchen.gate.set()
    assert sorted(await asyncio.gather(*asked)) == ["dish 1", "dish 2", "dish 3"]
    assert len(kept) == 0


async def test_a_failure_is_everybodys_and_not_kept(clock: ManualClock, kitchen: Kitchen):
    kept, kitchen.wrong = shelf(clock), ValueError("burnt")
    with pytest.raises(ValueError, match="burnt"):
        await ask(kept, kitchen)
    kitchen.wrong = None
    assert await ask(kept, kitchen) == "dish 2"


async def test_one_who_goes_away_spoils_it_for_nobody(clock: ManualClock, kitchen: Kitchen):
    kept, kitchen.gate = shelf(clock), asyncio.Event()
    first = asyncio.ensure_future(ask(kept, kitchen))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(ask(kept, kitchen))
    await asyncio.sleep(0)
    first.cancel()
    kitchen.gate.set()
    assert await second == "dish 1"


async def test_memory_is_bounded_and_what_is_asked_for_stays(clock: ManualClock, kitchen: Kitchen):
    room = 10 * (OVERHEAD + len("dish 10"))
    kept = shelf(clock, most=room)
    await ask(kept, kitchen, "loved")
    for n in range(40):
        await ask(kept, kitchen, str(n))
        assert await ask(kept, kitchen, "loved") == "dish 1"
        assert kept.bytes <= room
    assert len(kept) <= 10


def test_what_a_statement_writes_is_read_from_its_text():
    assert written("select * from catalog.offers for update") == frozenset()
    text = """with gone as (delete from a.b where x), new as (insert into c.d (e) values (1)
              on conflict (e) do update set e = excluded.e) UPDATE only f.g set h = 1"""
    assert written(text) == {"a.b", "c.d", "f.g"}
    assert makes_pages("catalog.offers")
    assert not makes_pages("orders.lines")
