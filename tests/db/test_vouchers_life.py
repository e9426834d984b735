"""Issue, activate, refund marks, expiry, and the wallet: the life of a voucher away from the counter."""

import json
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from hutong import vouchers
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.vouchers import Voucher, VoucherUnknown
from tests.db.own_audit import sound
from tests.db.vouchers_help import ANN, BO, CITY, an_issue, issue, one, read, used

pytestmark = pytest.mark.anyio


async def test_issue_twice_is_once(db: Database, now):
    asks = [an_issue(now), an_issue(now, waiting=True, uses=3)]
    async with db.city(CITY) as tx:
        first = await vouchers.issue(tx, asks, city_id=CITY, now=now)
        again = await vouchers.issue(tx, [*asks, asks[0]], city_id=CITY, now=now + timedelta(days=1))
    assert [a.replayed for a in first] == [False, False]
    assert [a.replayed for a in again] == [True, True, True]
    assert [a.code for a in again] == [first[0].code, first[1].code, first[0].code]
    async with db.reading() as tx:
        valid, waiting = await vouchers.by_ids(tx, [a.voucher_id for a in asks], city_id=CITY)
    assert (valid.state, waiting.state) == ("valid", "waiting")
    assert (waiting.uses_total, waiting.uses_left, waiting.untouched) == (3, 3, True)
    assert (valid.title, valid.terms, valid.issued_at) == (asks[0].title, asks[0].terms, now)
    assert len(valid.secret) == 16
    assert valid.secret != waiting.secret
    assert await sound(db, "vouchers")


async def test_stores_are_kept_whatever_their_number(db: Database, now):
    stores = tuple(new_id() for _ in range(3))
    asks = [an_issue(now), an_issue(now, store_ids=stores), an_issue(now, store_ids=stores[:1])]
    assert [v.store_ids for v in await issue(db, asks, now)] == [(), stores, stores[:1]]


async def test_codes_that_are_taken_are_drawn_anew(db: Database, now):
    asks = [an_issue(now) for _ in range(3)]
    draws = iter([["1" * 12, "1" * 12, "2" * 12], ["2" * 12], ["3" * 12]])
    async with db.city(CITY) as tx:
        answers = await vouchers.issue(tx, asks, city_id=CITY, now=now, draw=lambda n: next(draws))
    assert sorted(a.code for a in answers) == ["1" * 12, "2" * 12, "3" * 12]
    assert not any(a.replayed for a in answers)


async def test_codes_that_are_always_taken_are_a_defect(db: Database, now):
    await issue(db, [an_issue(now)], now)
    async with db.city(CITY) as tx:
        await vouchers.issue(tx, [an_issue(now)], city_id=CITY, now=now, draw=lambda n: ["7" * 12] * n)
    with pytest.raises(RuntimeError):
        async with db.city(CITY) as tx:
            await vouchers.issue(tx, [an_issue(now)], city_id=CITY, now=now, draw=lambda n: ["7" * 12] * n)


async def test_one_unit_has_one_voucher(db: Database, now):
    first = an_issue(now)
    await issue(db, [first], now)
    with pytest.raises(RuntimeError):
        await issue(db, [an_issue(now, line_id=first.line_id, voucher_id=new_id())], now)


async def test_a_deal_that_tips_wakes_its_vouchers(db: Database, now):
    beef, tea = UUID(int=0xBEEF), UUID(int=0x7E)
    asks = [an_issue(now, offer_id=offer, waiting=True) for offer in (beef, beef, tea)]
    waiting = await issue(db, asks, now)
    async with db.city(CITY) as tx:
        assert await vouchers.activate(tx, [], city_id=CITY, now=now) == []
        assert await vouchers.activate(tx, [new_id(), beef], city_id=CITY, now=now) == [0, 2]
        assert await vouchers.activate(tx, [beef], city_id=CITY, now=now) == [0]
    assert [(await read(db, v)).state for v in waiting] == ["valid", "valid", "waiting"]
    async with db.reading() as tx:
        [step] = await vouchers.steps(tx, waiting[0].voucher_id, city_id=CITY)
    assert (step.was, step.state, step.at, step.by, step.reason) == ("waiting", "valid", now, None, "tipped")
    assert await sound(db, "vouchers")


async def test_refund_marks(db: Database, now):
    voucher = await one(db, now)
    ids = [voucher.voucher_id]
    async with db.city(CITY) as tx:
        [started] = await vouchers.start_refund(tx, ids, city_id=CITY, now=now, by=ANN, reason="changed_mind")
        [again] = await vouchers.start_refund(tx, ids, city_id=CITY, now=now)
        [done] = await vouchers.refunded(tx, ids, city_id=CITY, now=now)
        [twice] = await vouchers.refunded(tx, ids, city_id=CITY, now=now)
        [late] = await vouchers.refund_failed(tx, ids, city_id=CITY, now=now)
        [over] = await vouchers.start_refund(tx, ids, city_id=CITY, now=now)
        [nobody] = await vouchers.start_refund(tx, [new_id()], city_id=CITY, now=now)
        steps = await vouchers.steps(tx, voucher.voucher_id, city_id=CITY)
    assert (started.state, started.refund_from, started.paid_left, started.due_left) == (
        "refunding",
        "valid",
        6300,
        6600,
    )
    assert (done.state, twice.state) == ("refunded", "refunded")
    assert [r.code for r in (again, late, over)] == ["voucher_refunding", "voucher_not_refunding", "voucher_refunded"]
    assert nobody == VoucherUnknown()
    assert [(s.was, s.state, s.by, s.reason) for s in steps] == [
        ("valid", "refunding", ANN, "changed_mind"), ("refunding", "refunded", None, "refunded"),
    ]  # fmt: skip
    assert await sound(db, "vouchers")


@pytest.mark.parametrize("before", ["valid", "waiting", "expired"])
async def test_a_refund_that_fails_leaves_things_as_they_were(db: Database, now, before: str):
    voucher = await one(db, now, waiting=before == "waiting", valid_to=now + timedelta(hours=1))
    async with db.city(CITY) as tx:
        if before == "expired":
            await vouchers.expire(tx, city_id=CITY, now=now + timedelta(hours=1))
        [started] = await vouchers.start_refund(tx, [voucher.voucher_id], city_id=CITY, now=now)
        [back] = await vouchers.refund_failed(tx, [voucher.voucher_id], city_id=CITY, now=now)
        [same] = await vouchers.refund_failed(tx, [voucher.voucher_id], city_id=CITY, now=now)
        [early] = await vouchers.refunded(tx, [voucher.voucher_id], city_id=CITY, now=now)
    assert isinstance(started, Voucher)
    assert (back.state, back.refund_from, same.state, early.code) == (before, None, before, "voucher_not_refunding")
    assert await sound(db, "vouchers")


async def test_what_is_used_or_void_is_not_refunded(db: Database, now):
    eaten, cheated = await issue(db, [an_issue(now), an_issue(now)], now)
    await used(db, eaten, now)
    async with db.city(CITY) as tx:
        by = new_id()
        void, spent = await vouchers.void(
            tx, [cheated.voucher_id, eaten.voucher_id], city_id=CITY, now=now, by=by, reason="fraud"
        )
        [twice] = await vouchers.void(tx, [cheated.voucher_id], city_id=CITY, now=now, by=by, reason="fraud")
        answers = await vouchers.start_refund(tx, [eaten.voucher_id, cheated.voucher_id], city_id=CITY, now=now)
    assert (void.state, twice.version, spent.code) == ("void", void.version, "voucher_used")
    assert [a.code for a in answers] == ["voucher_used", "voucher_void"]
    assert await sound(db, "vouchers")


async def test_a_card_that_was_begun_is_refunded_for_what_is_left(db: Database, now):
    card = await one(db, now, kind="card", uses=3, paid_units=1000, due_units=1000)
    first = await used(db, card, now)
    async with db.city(CITY) as tx:
        [started] = await vouchers.start_refund(tx, [card.voucher_id], city_id=CITY, now=now)
        [done] = await vouchers.refunded(tx, [card.voucher_id], city_id=CITY, now=now)
    assert (first.paid_units, started.paid_left, started.uses_left, started.untouched) == (333, 667, 2, False)
    assert done.state == "refunded"
    assert await sound(db, "vouchers")


async def test_the_end_of_validity(db: Database, now):
    end = now + timedelta(days=2)
    asks = [
        an_issue(now, valid_to=end),
        an_issue(now, valid_to=end + timedelta(seconds=1)),
        an_issue(now, valid_to=end - timedelta(hours=1)),
        an_issue(now, valid_to=end, waiting=True),
    ]
    issued = await issue(db, asks, now)
    async with db.city(CITY) as tx:
        assert await vouchers.expire(tx, city_id=2, now=end) == []
        gone = await vouchers.expire(tx, city_id=CITY, now=end, limit=1)
        gone += await vouchers.expire(tx, city_id=CITY, now=end)
        assert await vouchers.expire(tx, city_id=CITY, now=end) == []
    assert [v.voucher_id for v in gone] == [issued[2].voucher_id, issued[0].voucher_id]
    assert {v.state for v in gone} == {"expired"}
    assert all(v.untouched and v.terms.refund_on_expiry for v in gone)
    assert await sound(db, "vouchers")


async def test_the_wallet_is_the_members_own(db: Database, now):
    line = new_id()
    mine = [an_issue(now, line_id=line, unit_no=i) for i in range(5)]
    issued = await issue(db, mine, now)
    later = await one(db, now + timedelta(hours=1))
    await issue(db, [an_issue(now, member_id=BO)], now)
    await used(db, issued[0], now)
    async with db.city(CITY) as tx:
        await vouchers.start_refund(tx, [issued[1].voucher_id], city_id=CITY, now=now)
    async with db.reading() as tx:
        pages, after = [], None
        while page := await vouchers.wallet(tx, ANN, city_id=CITY, after=after, limit=2):
            pages.append([v.voucher_id for v in page])
            after = page[-1].voucher_id
        counts = await vouchers.wallet_counts(tx, ANN, city_id=CITY)
        spent = await vouchers.wallet(tx, ANN, city_id=CITY, tab="used")
        assert await vouchers.wallet(tx, ANN, city_id=2) == []
        assert await vouchers.of_member(tx, BO, later.voucher_id, city_id=CITY) is None
        assert (await vouchers.of_member(tx, ANN, later.voucher_id, city_id=CITY)) == later
        whole = await vouchers.of_orders(tx, [issued[0].order_id, new_id()], city_id=CITY)
    rest = sorted((v.voucher_id for v in issued[2:]), reverse=True)
    assert pages == [[later.voucher_id, rest[0]], rest[1:]]
    assert counts == {"unused": 4, "used": 1, "expired": 0, "refunded": 1}
    assert [v.voucher_id for v in spent] == [issued[0].voucher_id]
    assert [v.unit_no for v in whole] == [0, 1, 2, 3, 4]


async def test_a_page_of_the_wallet_names_somebody_elses_voucher(db: Database, now):
    """A cursor is looked up within the same scope: Bo's id shows nothing of Ann's and nothing about Bo."""
    await one(db, now)
    bos = await one(db, now, member_id=BO)
    async with db.reading() as tx:
        assert await vouchers.wallet(tx, ANN, city_id=CITY, after=bos.voucher_id) == []


BROKEN = [
    "uses_left = -1", "uses_left = 2", "state = 'used'", "uses_left = 0", "state = 'gone'", "state = 'refunding'",
    "refund_from = 'valid'", "paid_left = paid_units + 1", "due_left = -1", "code = '123'", "secret = 'x'",
    "valid_to = valid_from", "kind = 'lottery'", "last_step = -1",
]  # fmt: skip


@pytest.mark.parametrize("change", BROKEN)
async def test_the_database_itself_refuses(db: Database, now, change: str):
    voucher = await one(db, now)
    with pytest.raises(psycopg.errors.CheckViolation):
        async with db.city(CITY) as tx:
            await tx.run(
                f"update vouchers.vouchers set {change} where city_id = %(c)s and voucher_id = %(id)s",
                c=CITY, id=voucher.voucher_id,
            )  # fmt: skip


async def test_a_step_off_the_road_is_refused_by_the_database(db: Database, now):
    voucher = await one(db, now)
    with pytest.raises(psycopg.errors.CheckViolation):
        async with db.city(CITY) as tx:
            await tx.run(
                """insert into vouchers.changes (city_id, voucher_id, version, was, state, at, reason)
                   values (%(c)s, %(id)s, 1, 'refunded', 'valid', %(now)s, 'no')""",
                c=CITY, id=voucher.voucher_id, now=now,
            )  # fmt: skip


async def test_two_vouchers_of_a_city_never_share_a_code(db: Database, now):
    first, second = await issue(db, [an_issue(now), an_issue(now)], now)
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with db.city(CITY) as tx:
            await tx.run(
                "update vouchers.vouchers set code = %(code)s where city_id = %(c)s and voucher_id = %(id)s",
                code=first.code, c=CITY, id=second.voucher_id,
            )  # fmt: skip


@pytest.mark.parametrize("count", [1, 6, 150])
async def test_the_number_of_statements_does_not_grow_with_the_list(database_url, now, count):
    seen: list[str] = []
    db = await Database(database_url, observer=lambda sql, params: seen.append(sql)).open()
    asks = [an_issue(now) for _ in range(count)]
    async with db.city(CITY) as tx:
        await vouchers.issue(tx, asks, city_id=CITY, now=now)
        assert len(seen) == 1
        seen.clear()
        await vouchers.start_refund(tx, [a.voucher_id for a in asks], city_id=CITY, now=now)
        assert len(seen) == 2
    await db.close()


async def test_answers_travel_as_json(db: Database, now):
    """Answers are stored beside their effect (infra.answers), so they must survive JSON."""
    import msgspec

    voucher = await one(db, now)
    answer = await used(db, voucher, now)
    assert msgspec.convert(json.loads(msgspec.json.encode(answer)), vouchers.Redeemed) == answer
