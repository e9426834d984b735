"""Asking for a code and trying it: the limits hold, also in parallel, and nothing tells who is a member."""

import asyncio
from datetime import timedelta

import pytest

from hutong.infra.db import Database, Tx
from hutong.kit.refusals import TooManyTries
from hutong.people import (
    BadPhone,
    CodeDead,
    CodeMade,
    CodeUsed,
    CodeWrong,
    Limits,
    RequestCode,
    UseCode,
    forget,
    request_codes,
    use_codes,
)
from tests.conftest import audit_clean
from tests.people_helpers import ANN, BO, OPEN, SECRET, code_for, signed_in

pytestmark = pytest.mark.anyio


def ask(phone=ANN, address="192.0.2.1", purpose="sign_in"):
    return RequestCode(phone=phone, address=address, purpose=purpose)


def guess(code, phone=ANN, address="192.0.2.1", purpose="sign_in"):
    return UseCode(phone=phone, code=code, address=address, purpose=purpose)


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06d}"


async def asked(db, requests, now, limits=None):
    async with db.central() as tx:
        return await request_codes(tx, requests, secret=SECRET, now=now, limits=limits)


async def tried(db, requests, now, limits=OPEN):
    async with db.central() as tx:
        return await use_codes(tx, requests, secret=SECRET, now=now, limits=limits)


async def test_a_code_has_six_digits_lives_five_minutes_and_is_not_stored(db: Database, now):
    (made,) = await asked(db, [ask("138 0013 8001")], now)
    assert isinstance(made, CodeMade)
    assert (made.phone, len(made.code), made.expires_at) == (ANN, 6, now + timedelta(minutes=5))
    async with db.reading() as tx:
        row = await tx.row("select * from people.codes")
    assert made.code not in repr(row)
    assert await tried(db, [guess(made.code)], now) == [CodeUsed(phone=ANN, purpose="sign_in")]
    assert await audit_clean(db)


async def test_using_a_code_kills_it(db: Database, now):
    async with db.central() as tx:
        code = await code_for(tx, ANN, now=now)
    twice = await tried(db, [guess(code), guess(code)], now)
    assert twice == [CodeUsed(phone=ANN, purpose="sign_in"), CodeDead()]
    assert await tried(db, [guess(code)], now) == [CodeDead()]


async def test_a_code_is_for_one_number_one_purpose_and_five_minutes(db: Database, now):
    async with db.central() as tx:
        code, other = await code_for(tx, ANN, now=now), await code_for(tx, BO, now=now)
    full_width = "".join(chr(ord(c) + 0xFEE0) for c in code)
    results = await tried(
        db, [guess(other), guess(code, BO), guess(code, purpose="confirm"), guess("12"), guess("x")], now
    )
    assert [type(r) for r in results] == [CodeWrong, CodeWrong, CodeDead, CodeWrong, CodeWrong]
    assert await tried(db, [guess(code)], now + timedelta(minutes=5)) == [CodeDead()]
    assert await tried(db, [guess(full_width)], now + timedelta(minutes=4)) == [CodeUsed(phone=ANN, purpose="sign_in")]
    assert await tried(db, [guess("1", phone="12")], now) == [BadPhone()]


async def test_a_new_code_replaces_the_one_before(db: Database, now):
    (old,) = await asked(db, [ask()], now)
    (new,) = await asked(db, [ask()], now + timedelta(seconds=60))
    assert isinstance(old, CodeMade)
    assert isinstance(new, CodeMade)
    results = await tried(db, [guess(old.code), guess(new.code)], now + timedelta(seconds=61))
    expected = CodeWrong() if old.code != new.code else CodeUsed(phone=ANN, purpose="sign_in")
    assert results[0] == expected


async def test_five_tries_in_all(db: Database, now):
    async with db.central() as tx:
        code = await code_for(tx, ANN, now=now)
    results = await tried(db, [guess(wrong(code))] * 3, now)
    results += await tried(db, [guess(wrong(code))] * 3 + [guess(code)], now)
    assert results == [CodeWrong()] * 5 + [CodeDead()] * 2


async def test_a_minute_between_two_codes_whatever_the_wall_clock_says(db: Database, now):
    at = now + timedelta(seconds=59)  # a fixed window of a minute would end here
    assert isinstance((await asked(db, [ask()], at))[0], CodeMade)
    assert await asked(db, [ask(purpose="confirm")], at + timedelta(seconds=2)) == [TooManyTries(wait_seconds=58)]
    assert isinstance((await asked(db, [ask()], at + timedelta(seconds=60)))[0], CodeMade)


async def test_twice_in_one_list_is_one_code(db: Database, now):
    results = await asked(db, [ask(), ask(), ask(BO)], now)
    assert [type(r) for r in results] == [CodeMade, TooManyTries, CodeMade]
    results = await asked(db, [ask(), ask()], now + timedelta(hours=1), OPEN)
    assert [type(r) for r in results] == [CodeMade, TooManyTries]


async def test_five_codes_an_hour_and_ten_a_day_for_a_number(db: Database, now):
    made = 0
    for minute in range(0, 120, 2):
        results = await asked(db, [ask(address=f"192.0.2.{minute}")], now + timedelta(minutes=minute))
        made += isinstance(results[0], CodeMade)
    assert made == 10
    per_hour = 0
    for minute in range(0, 60, 2):
        at = now + timedelta(days=1, minutes=minute)
        per_hour += isinstance((await asked(db, [ask(BO, address=f"192.0.2.{minute}")], at))[0], CodeMade)
    assert per_hour == 5


async def test_impatience_does_not_use_up_the_hour(db: Database, now):
    await asked(db, [ask()], now)
    for second in range(1, 50):
        (refused,) = await asked(db, [ask(address=f"192.0.2.{second}")], now + timedelta(seconds=second))
        assert isinstance(refused, TooManyTries)
    assert isinstance((await asked(db, [ask(address="192.0.2.99")], now + timedelta(minutes=1)))[0], CodeMade)


async def test_twenty_numbers_an_hour_from_one_household(db: Database, now):
    numbers = [f"+861380013{n:04d}" for n in range(9000, 9100)]
    one = [ask(phone, address=f"2001:db8::{n}") for n, phone in enumerate(numbers)]
    results = await asked(db, one, now)
    assert sum(isinstance(r, CodeMade) for r in results) == 20
    everyone = Limits(address_per_hour=None, everyone_per_hour=30)
    results = await asked(db, one, now + timedelta(hours=1), everyone)
    assert sum(isinstance(r, CodeMade) for r in results) == 30


async def test_a_guesser_is_stopped_over_many_numbers(db: Database, now):
    results = await tried(db, [guess("123456", phone=f"+861380013{n:04d}") for n in range(150)], now, Limits())
    assert sum(isinstance(r, TooManyTries) for r in results) == 50


async def test_a_members_number_and_a_strangers_look_the_same(db: Database, database_url, now):
    async with db.central() as tx:
        await signed_in(tx, ANN, now=now)
    seen: list[str] = []
    watched = await Database(database_url, observer=lambda sql, _: seen.append(sql)).open()
    shapes = []
    for n, phone in enumerate((ANN, BO)):
        seen.clear()
        results = await asked(watched, [ask(phone, address=f"192.0.2.{n}")], now + timedelta(hours=2))
        results += await tried(watched, [guess("000000x", phone)], now + timedelta(hours=2))
        shapes.append((tuple(seen), [type(r) for r in results]))
    await watched.close()
    assert shapes[0] == shapes[1]
    assert not any("people.phones" in sql or "people.members" in sql for sql in shapes[0][0])


async def test_the_number_of_statements_does_not_grow(db: Database, database_url, now):
    seen: list[str] = []
    watched = await Database(database_url, observer=lambda sql, _: seen.append(sql)).open()
    counts = []
    for hour, size in enumerate((1, 200)):
        seen.clear()
        many = [ask(f"+86138001{n:05d}", address=f"198.51.{n // 250}.{n % 250}") for n in range(size)]
        made = await asked(watched, many, now + timedelta(hours=hour + 1))
        assert all(isinstance(m, CodeMade) for m in made)
        await tried(watched, [guess("000000", r.phone) for r in many], now + timedelta(hours=hour + 1))
        counts.append(len(seen))
    await watched.close()
    assert counts[0] == counts[1]


async def test_old_codes_are_forgotten(db: Database, now):
    await asked(db, [ask()], now)
    async with db.central() as tx:
        assert (await forget(tx, now=now + timedelta(hours=20)))["codes"] == 0
        assert (await forget(tx, now=now + timedelta(days=2)))["codes"] == 1


async def test_a_hundred_parallel_requests_make_one_code(db: Database, now):
    results = await asyncio.gather(*(asked(db, [ask(address=f"192.0.2.{n}")], now) for n in range(100)))
    assert sum(isinstance(r, CodeMade) for (r,) in results) == 1


async def test_a_hundred_parallel_guesses_are_five(db: Database, now):
    async with db.central() as tx:
        code = await code_for(tx, ANN, now=now)
    results = await asyncio.gather(*(tried(db, [guess(wrong(code))], now) for _ in range(100)))
    evaluated = sum(isinstance(r, CodeWrong) for (r,) in results)
    assert evaluated == 5
    assert await tried(db, [guess(code)], now) == [CodeDead()]
    assert await audit_clean(db)


class Unlocked(Tx):
    """The same transaction with the guard taken out: it reads the code without locking it, and all read at once."""

    def __init__(self, conn, start: asyncio.Barrier) -> None:
        super().__init__(conn)
        self.start = start

    async def rows(self, sql, **params):
        rows = await super().rows(sql.replace("for no key update of c", ""), **params)
        if "people.codes" in sql:
            await self.start.wait()
        return rows


async def test_control_without_the_lock_more_than_five_are_evaluated(db: Database, now):
    async with db.central() as tx:
        code = await code_for(tx, ANN, now=now)
    start = asyncio.Barrier(8)
    evaluated = []

    async def one():
        async with db.central() as tx:
            (result,) = await use_codes(
                Unlocked(tx.conn, start), [guess(wrong(code))], secret=SECRET, now=now, limits=OPEN
            )
            evaluated.append(result)

    outcomes = await asyncio.gather(*(one() for _ in range(8)), return_exceptions=True)
    refused_by_table = sum(isinstance(o, Exception) for o in outcomes)
    assert evaluated.count(CodeWrong()) + refused_by_table == 8, "all eight looked at the code"
    assert refused_by_table == 3, "and the table itself refuses the sixth, seventh and eighth"
