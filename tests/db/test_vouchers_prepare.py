"""Tao looks at a code before anything happens."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from hutong import vouchers
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Scope
from hutong.kit.money import Amount
from hutong.kit.terms import Blackout, Terms, Window
from hutong.vouchers import Prepare, Prepared, StaleQr, UnknownCode, qr_text
from hutong.vouchers.operations._scan import PER_STAFF, PER_STORE
from tests.db.own_audit import sound
from tests.db.vouchers_help import (
    ANN,
    BEEF,
    CITY,
    JIA,
    LANE,
    NOODLE_BAR,
    STATION,
    TAO,
    TEA_HOUSE,
    TEA_STORE,
    ZONE,
    an_issue,
    issue,
    look,
    one,
    prepared,
    read,
    used,
)

pytestmark = pytest.mark.anyio


async def failures(db: Database) -> list[vouchers.Failure]:
    async with db.reading() as tx:
        return await vouchers.failures(tx, Scope(merchants=frozenset({NOODLE_BAR})), city_id=CITY)


async def test_by_qr_and_by_typed_code(db: Database, now):
    voucher = await one(db, now)
    for text in (qr_text(voucher, now), voucher.code, f" {voucher.code[:4]} {voucher.code[4:8]} {voucher.code[8:]}"):
        answer = await prepared(db, text, now)
        assert (answer.voucher_id, answer.title, answer.uses_left, answer.usable) == (voucher.voucher_id, BEEF, 1, 1)
        assert answer.holder == "A** L**"  # the counter never sees the whole name
        assert answer.paid == Amount(6300, "CNY")
        assert answer.code_tail == voucher.code[-4:]
        assert (answer.others, answer.notices, answer.proof_until) == ((), (), now + timedelta(minutes=10))
    assert await read(db, voucher) == voucher  # nothing changed
    assert await failures(db) == []


async def test_the_other_vouchers_of_the_order(db: Database, now):
    line = new_id()
    asks = [an_issue(now, line_id=line, unit_no=i) for i in range(4)]
    other_offer = an_issue(now, order_id=asks[0].order_id, offer_id=new_id())
    first, second, third, fourth, _ = await issue(db, [*asks, other_offer], now)
    await used(db, fourth, now)
    answer = await prepared(db, qr_text(first, now), now)
    assert answer.usable == 3
    assert [(o.voucher_id, o.unit_no) for o in answer.others] == [(second.voucher_id, 1), (third.voucher_id, 2)]
    assert len({answer.proof, *(o.proof for o in answer.others)}) == 3


async def test_reasons(db: Database, now):
    changes = {
        "wrong_store": {"store_ids": (STATION,)},
        "not_yet_valid": {"valid_from": now + timedelta(hours=1)},
        "blackout": {"terms": Terms(blackouts=(Blackout(date(2026, 11, 20), date(2026, 11, 20)),))},
        "outside_hours": {"terms": Terms(windows=(Window((4,), 18 * 60, 22 * 60),))},
        "waiting_for_buyers": {"waiting": True},
        "expired": {"valid_from": now - timedelta(days=2), "valid_to": now - timedelta(days=1)},
    }
    for code, change in changes.items():
        voucher = await one(db, now, **change)
        answer = await look(db, voucher.code, now)
        assert answer.code == code, answer
    refunding = await one(db, now)
    async with db.city(CITY) as tx:
        await vouchers.start_refund(tx, [refunding.voucher_id], city_id=CITY, now=now)
    assert (await look(db, refunding.code, now)).code == "voucher_refunding"
    logged = {f.reason for f in await failures(db)}
    assert logged == {*changes, "voucher_refunding"}
    assert await sound(db, "vouchers")


async def test_used_says_who_when_and_where_to_its_own_merchant_only(db: Database, now):
    voucher = await one(db, now)
    await used(db, voucher, now)
    answer = await look(db, voucher.code, now + timedelta(minutes=1), store_id=STATION, staff_id=JIA)
    assert answer.code == "already_used"
    assert answer.facts == {"at": "2026-11-20 12:00", "store": "Noodle Bar, the lane", "staff": "Tao"}
    stranger = await look(db, voucher.code, now, merchant_id=TEA_HOUSE, store_id=TEA_STORE, staff_id=JIA)
    assert stranger == UnknownCode()


async def test_an_unknown_code_and_another_merchants_look_alike(db: Database, now):
    voucher = await one(db, now)
    at = {"merchant_id": TEA_HOUSE, "store_id": TEA_STORE, "staff_id": JIA}
    texts = ["999999999999", voucher.code, qr_text(voucher, now), "hello"]
    answers = [await look(db, text, now + timedelta(seconds=i), **at) for i, text in enumerate(texts)]
    assert answers == [UnknownCode()] * 4
    async with db.reading() as tx:
        logged = await vouchers.failures(tx, Scope(stores=frozenset({TEA_STORE})), city_id=CITY)
        assert await vouchers.failures(tx, Scope(), city_id=CITY) == []
    assert [f.reason for f in logged] == ["unreadable", "wrong_merchant", "wrong_merchant", "unknown_code"]
    assert [f.way for f in logged] == ["unreadable", "qr", "code", "code"]
    assert logged[3].presented == "12:9999"
    assert all(voucher.code not in f.presented for f in logged)


async def test_screenshots_forgeries_and_other_cities(db: Database, now):
    voucher = await one(db, now)
    text = qr_text(voucher, now)
    assert isinstance(await look(db, text, now + timedelta(seconds=59)), Prepared)
    assert await look(db, text, now + timedelta(seconds=60)) == StaleQr()
    assert await look(db, text, now + timedelta(days=1)) == StaleQr()
    assert await look(db, text[:-16] + "0" * 16, now) == StaleQr()
    assert await look(db, text.replace("HT1.1.", "HT1.2."), now) == UnknownCode()
    forged = f"HT1.1.{'0' * 25}1.{'0' * 16}"
    assert await look(db, forged, now) == UnknownCode()


async def test_a_list_is_answered_in_its_order(db: Database, now):
    first, second = await issue(db, [an_issue(now), an_issue(now, store_ids=(STATION,))], now)
    texts = [second.code, "000000000000", first.code, qr_text(first, now)]
    asks = [Prepare(presented=t, merchant_id=NOODLE_BAR, store_id=LANE, staff_id=TAO) for t in texts]
    async with db.city(CITY) as tx:
        answers = await vouchers.prepare(tx, asks, city_id=CITY, now=now, zone=ZONE)
        assert await vouchers.prepare(tx, [], city_id=CITY, now=now, zone=ZONE) == []
    assert [getattr(a, "code", "ok") for a in answers] == ["wrong_store", "unknown_code", "ok", "ok"]


async def test_guessing_is_limited_by_wrong_guesses_only(db: Database, now):
    voucher = await one(db, now)
    wrong = [f"{i:012d}" for i in range(PER_STAFF[0])]
    for i, code in enumerate(wrong):
        assert (await look(db, code, now + timedelta(milliseconds=i))).code == "unknown_code"
        if i < 3:
            assert isinstance(await look(db, voucher.code, now), Prepared)  # right ones cost nothing
    locked = await look(db, voucher.code, now)
    assert locked.code == "too_many_guesses"
    assert 1 <= locked.facts["wait_seconds"] <= 600
    assert (await look(db, wrong[0], now + timedelta(seconds=1))).code == "too_many_guesses"
    assert isinstance(await look(db, qr_text(voucher, now), now), Prepared)  # a QR is no guess
    assert isinstance(await look(db, voucher.code, now, staff_id=JIA), Prepared)  # others go on
    assert isinstance(await look(db, voucher.code, now + timedelta(minutes=10)), Prepared)
    reasons = [f.reason for f in await failures(db)]
    assert reasons.count("too_many_guesses") == 2


async def test_a_store_has_a_limit_of_its_own(db: Database, now):
    voucher = await one(db, now)
    staff = [UUID(int=0x900 + i) for i in range(6)]
    asks = [
        Prepare(presented=f"{i:012d}", merchant_id=NOODLE_BAR, store_id=LANE, staff_id=staff[i % 6])
        for i in range(PER_STORE[0])
    ]
    for part in range(0, len(asks), 30):
        async with db.city(CITY) as tx:
            answers = await vouchers.prepare(tx, asks[part : part + 30], city_id=CITY, now=now, zone=ZONE)
        assert {a.code for a in answers if not isinstance(a, Prepared)} == {"unknown_code"}
    assert (await look(db, voucher.code, now, staff_id=TAO)).code == "too_many_guesses"
    assert isinstance(await look(db, voucher.code, now, staff_id=TAO, store_id=STATION), Prepared)


async def test_a_burst_of_guesses_in_one_list_is_cut_off(db: Database, now):
    voucher = await one(db, now)
    texts = [f"{i:012d}" for i in range(25)] + [voucher.code]
    asks = [Prepare(presented=t, merchant_id=NOODLE_BAR, store_id=LANE, staff_id=TAO) for t in texts]
    async with db.city(CITY) as tx:
        answers = await vouchers.prepare(tx, asks, city_id=CITY, now=now, zone=ZONE)
    assert [a.code for a in answers] == ["unknown_code"] * 20 + ["too_many_guesses"] * 6


async def test_notices_for_the_cashier(db: Database, now):
    terms = Terms(booking_needed=True, party_max=4)
    voucher = await one(db, now, terms=terms, valid_to=now + timedelta(hours=3), member_id=ANN)
    answer = await prepared(db, voucher.code, now)
    assert [n.code for n in answer.notices] == ["last_day", "booking_needed", "party"]


@pytest.mark.parametrize("count", [1, 40])
async def test_the_number_of_statements_does_not_grow_with_the_list(database_url, now, count):
    seen: list[str] = []
    db = await Database(database_url, observer=lambda sql, params: seen.append(sql)).open()
    issued = await issue(db, [an_issue(now) for _ in range(count)], now)
    asks = [
        Prepare(presented=text, merchant_id=NOODLE_BAR, store_id=LANE, staff_id=TAO)
        for v in issued
        for text in (v.code, qr_text(v, now), "123456789012")
    ]
    seen.clear()
    async with db.city(CITY) as tx:
        await vouchers.prepare(tx, asks, city_id=CITY, now=now, zone=ZONE)
    assert len(seen) == 5  # vouchers, guesses so far, orders, guesses now, log
    await db.close()
