"""Answers: same key and input, same answer; another input is refused; twenty at once make one effect."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from msgspec import Struct

from hutong.infra.answers import Answer, Ask, KeyReused, fingerprint, forget, keyed, once
from hutong.infra.db import Database
from hutong.kit.refusals import BadInput, Busy, NotFound
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio

ANN, BO = uuid4(), uuid4()


class Buy(Struct, frozen=True):
    units: int


class Bought(Struct, frozen=True):
    order: UUID
    units: int


async def effects(db: Database) -> int:
    async with db.reading() as tx:
        return await tx.value("select count(*) from proof")


@pytest.fixture
async def proof(db: Database):
    """A table in which each effect leaves a row."""
    async with db.central() as tx:
        await tx.run("create table proof (units int not null)")


def an_ask(key="k1", units=1, actor=ANN) -> Ask[Buy]:
    return Ask(actor=actor, key=key, fingerprint=fingerprint(Buy(units)), request=Buy(units))


async def buy(tx, requests, *, city_id, now):
    """Leaves one row for each request; nothing is sold for 13 units and the house is busy for 99."""
    bad = {13: NotFound(), 99: Busy(retry_after=1)}
    good = [r.units for r in requests if r.units not in bad]
    await tx.run("insert into proof select unnest(%(units)s::int[])", units=good)
    return [bad.get(r.units) or Bought(order=uuid4(), units=r.units) for r in requests]


run = keyed("buy", Bought, buy)


async def ask(db, now, *asks, city_id=1, operation=run) -> list[Answer[Bought]]:
    return await db.run_city(city_id, lambda tx: operation(tx, asks, city_id=city_id, now=now))


@pytest.mark.usefixtures("proof")
async def test_the_same_key_and_input_give_the_same_answer(db: Database, now):
    (first,) = await ask(db, now, an_ask())
    (second,) = await ask(db, now, an_ask())
    assert isinstance(first.result, Bought)
    assert second.result == first.result
    assert (first.replayed, second.replayed) == (False, True)
    assert await effects(db) == 1
    assert await audit_clean(db)


@pytest.mark.usefixtures("proof")
async def test_the_same_key_with_other_input_or_operation_is_refused(db: Database, now):
    await ask(db, now, an_ask(units=1))
    (other,) = await ask(db, now, an_ask(units=2))
    (elsewhere,) = await ask(db, now, an_ask(units=1), operation=keyed("sell", Bought, buy))
    assert other.result == KeyReused(key="k1")
    assert elsewhere.result == KeyReused(key="k1")
    assert await effects(db) == 1


@pytest.mark.usefixtures("proof")
async def test_a_key_belongs_to_its_actor_and_city(db: Database, now):
    await ask(db, now, an_ask())
    await ask(db, now, an_ask(actor=BO))
    await ask(db, now, an_ask(), city_id=2)
    assert await effects(db) == 3


@pytest.mark.usefixtures("proof")
async def test_one_set_decides_each_on_its_own_and_keeps_the_order(db: Database, now):
    (old,) = await ask(db, now, an_ask("old", 5))
    asks = [an_ask("a", 1), an_ask("old", 5), an_ask("a", 1), an_ask("a", 2), an_ask("b", 13), an_ask("c", 3)]
    answers = await ask(db, now, *asks)
    first, replayed, same, other, refused, last = [a.result for a in answers]
    assert replayed == old.result
    assert same == first
    assert other == KeyReused(key="a")
    assert refused == NotFound()
    assert (first.units, last.units) == (1, 3)
    assert [a.replayed for a in answers] == [False, True, True, False, False, False]
    assert await effects(db) == 3
    assert await audit_clean(db)


@pytest.mark.usefixtures("proof")
async def test_a_refusal_is_an_answer_and_comes_again(db: Database, now):
    await ask(db, now, an_ask(units=13))
    (again,) = await ask(db, now, an_ask(units=13))
    assert again == Answer(result=NotFound(), replayed=True)


@pytest.mark.usefixtures("proof")
async def test_not_now_leaves_the_key_free(db: Database, now):
    (busy,) = await ask(db, now, an_ask(units=99))
    assert busy.result == Busy(retry_after=1)
    (again,) = await ask(db, now, an_ask(units=1))
    assert isinstance(again.result, Bought)


@pytest.mark.usefixtures("proof")
async def test_a_key_whose_transaction_failed_is_free(db: Database, now):
    async def fail(tx, requests, *, city_id, now):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await ask(db, now, an_ask(), operation=keyed("buy", Bought, fail))
    (again,) = await ask(db, now, an_ask())
    assert again.replayed is False
    assert await effects(db) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "käse", "a\nb"])
def test_a_key_is_short_printable_ascii(key):
    with pytest.raises(BadInput):
        an_ask(key)


def test_equal_input_has_equal_fingerprints():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint(Buy(1)) != fingerprint(Buy(2))
    assert len(fingerprint(Buy(1))) == 32


@pytest.mark.usefixtures("proof")
async def test_twenty_at_once_with_one_key_make_one_effect(db: Database, now):
    answers = await asyncio.gather(*(ask(db, now, an_ask()) for _ in range(20)))
    assert len({a.result for (a,) in answers}) == 1
    assert sum(not a.replayed for (a,) in answers) == 1
    assert await effects(db) == 1
    assert await audit_clean(db)


@pytest.mark.usefixtures("proof")
async def test_control_without_the_key_there_are_twenty_effects(db: Database, now):
    async def unguarded(i: int):
        return await db.run_city(1, lambda tx: buy(tx, [Buy(1)], city_id=1, now=now))

    await asyncio.gather(*(unguarded(i) for i in range(20)))
    assert await effects(db) == 20


@pytest.mark.usefixtures("proof")
async def test_overlapping_sets_at_once_do_not_lock_each_other_out(db: Database, now):
    keys = [f"k{i}" for i in range(10)]
    rounds = [[an_ask(key) for key in (keys if i % 2 else reversed(keys))] for i in range(12)]
    answers = await asyncio.gather(*(ask(db, now, *asks) for asks in rounds))
    assert await effects(db) == 10
    by_key = {}
    for asks, got in zip(rounds, answers, strict=True):
        for one, answer in zip(asks, got, strict=True):
            assert by_key.setdefault(one.key, answer.result) == answer.result


@pytest.mark.usefixtures("proof")
async def test_old_keys_are_forgotten_but_never_those_of_money(db: Database, now):
    passing = keyed("look", Bought, buy, keep=False)
    await ask(db, now, an_ask("money"))
    await ask(db, now, an_ask("look"), operation=passing)
    async with db.city(1) as tx:
        assert await forget(tx, city_id=1, now=now + timedelta(hours=47)) == 0
        assert await forget(tx, city_id=1, now=now + timedelta(hours=49)) == 1
    (money,) = await ask(db, now, an_ask("money"))
    (look,) = await ask(db, now, an_ask("look"), operation=passing)
    assert (money.replayed, look.replayed) == (True, False)


async def test_an_empty_set_asks_nobody(db: Database, now):
    async def never(requests):
        raise AssertionError

    async with db.city(1) as tx:
        assert await once(tx, [], city_id=1, operation="buy", result=Bought, do=never, now=now) == []


@pytest.mark.usefixtures("proof")
async def test_sets_that_share_keys_in_any_order_never_wait_for_each_other(db: Database, now):
    """Two sets with the same two keys used to try both, get one each, and wait for the other's."""
    before = await deadlocks(db)
    for round_no in range(25):
        keys = [f"r{round_no}k{i}" for i in range(8)]
        sets = [random.Random(n).sample(keys, len(keys)) for n in range(6)]
        answers = await asyncio.gather(*(ask(db, now, *(an_ask(key) for key in some)) for some in sets))
        assert len({one.result for some in answers for one in some}) == len(keys)
    assert await effects(db) == 25 * 8
    assert await deadlocks(db) == before


async def deadlocks(db: Database) -> int:
    """How many deadlocks the server has seen here; its counters arrive a moment later."""
    await asyncio.sleep(0.3)
    async with db.reading() as tx:
        await tx.run("select pg_stat_clear_snapshot()")
        return await tx.value("select deadlocks from pg_stat_database where datname = current_database()")
