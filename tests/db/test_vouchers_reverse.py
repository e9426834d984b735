"""Tao takes a mistake back."""

from datetime import timedelta

import pytest

from hutong import vouchers
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Scope
from hutong.vouchers import NotRedeemedHere, QrAlreadyUsed, Redeemed, Reverse, Reversed, qr_text
from tests.db.own_audit import sound
from tests.db.vouchers_help import (
    CITY,
    JIA,
    LANE,
    NOODLE_BAR,
    STATION,
    TAO,
    TEA_HOUSE,
    ZONE,
    a_redeem,
    an_issue,
    issue,
    one,
    read,
    undo,
    use,
    used,
)

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


async def test_the_uses_and_the_money_are_back_and_the_qr_stays_dead(db: Database, now):
    voucher = await one(db, now)
    text = qr_text(voucher, now)
    done = await use(db, a_redeem(presented=text), now)
    later = now + timedelta(seconds=10)
    answer = await undo(db, done.redemption_id, later)
    assert answer == Reversed(
        redemption_id=done.redemption_id, voucher_id=voucher.voucher_id, order_id=voucher.order_id,
        merchant_id=NOODLE_BAR, store_id=LANE, count=1, uses_left=1, asset="CNY", paid_units=6300, due_units=6600,
        at=later,
    )  # fmt: skip
    after = await read(db, voucher)
    assert (after.state, after.uses_left, after.paid_left, after.due_left) == ("valid", 1, 6300, 6600)
    assert await use(db, a_redeem(presented=text), later) == QrAlreadyUsed()
    assert isinstance(await use(db, a_redeem(presented=qr_text(after, later)), later), Redeemed)
    async with db.reading() as tx:
        steps = await vouchers.steps(tx, voucher.voucher_id, city_id=CITY)
        newest, undone = await vouchers.uses(tx, Scope(everything=True), city_id=CITY)
    assert [(s.was, s.state, s.reason) for s in steps] == [
        ("valid", "used", "redeemed"), ("used", "valid", "mistake"), ("valid", "used", "redeemed"),
    ]  # fmt: skip
    assert newest.reversed_at is None
    assert (undone.reversed_at, undone.reversed_by, undone.reason) == (later, TAO, "mistake")
    assert await sound(db, "vouchers")


async def test_undoing_twice(db: Database, now):
    done = await used(db, await one(db, now), now)
    first = await undo(db, done.redemption_id, now)
    again = await undo(db, done.redemption_id, now + 5 * HOUR)
    assert (again.replayed, again.at, again.uses_left) == (True, first.at, 1)
    other = await undo(db, done.redemption_id, now, by=JIA)
    assert other.code == "already_reversed"
    assert other.facts == {"at": "2026-11-20 12:00"}
    assert await sound(db, "vouchers")


async def test_the_request_number_of_an_undone_redemption_tells_so(db: Database, now):
    """A late retry of the first request must not redeem again, and must not look as if it still stood."""
    voucher = await one(db, now)
    ask = a_redeem(presented=voucher.code)
    await use(db, ask, now)
    await undo(db, ask.redemption_id, now)
    again = await use(db, ask, now)
    assert (again.replayed, again.reversed_at) == (True, now)
    assert (await read(db, voucher)).uses_left == 1


async def test_the_window(db: Database, now):
    first, second, third = [await used(db, v, now) for v in await issue(db, [an_issue(now) for _ in range(3)], now)]
    end = now + HOUR
    assert isinstance(await undo(db, first.redemption_id, end - timedelta(seconds=1)), Reversed)
    late = await undo(db, second.redemption_id, end)
    assert late.code == "undo_window_over"
    assert late.facts == {"until": "2026-11-20 13:00"}
    assert isinstance(await undo(db, second.redemption_id, now + 23 * HOUR, manager=True), Reversed)
    assert (await undo(db, third.redemption_id, now + 24 * HOUR, manager=True)).code == "undo_window_over"
    assert isinstance(
        await undo(db, third.redemption_id, now + 24 * HOUR, manager=True, manager_window=25 * HOUR), Reversed
    )
    assert await sound(db, "vouchers")


async def test_only_where_it_was_redeemed(db: Database, now):
    done = await used(db, await one(db, now), now)
    assert await undo(db, new_id(), now) == NotRedeemedHere()
    assert await undo(db, done.redemption_id, now, merchant_id=TEA_HOUSE) == NotRedeemedHere()
    assert await undo(db, done.redemption_id, now, store_id=STATION) == NotRedeemedHere()
    assert isinstance(await undo(db, done.redemption_id, now, store_id=None), Reversed)


async def test_at_most_ten_cycles(db: Database, now):
    voucher = await one(db, now)
    for _ in range(10):
        done = await used(db, voucher, now)
        assert isinstance(await undo(db, done.redemption_id, now), Reversed)
    done = await used(db, voucher, now)
    refused = await undo(db, done.redemption_id, now)
    assert refused.code == "too_many_cycles"
    assert refused.facts == {"most": 10}
    assert (await read(db, voucher)).state == "used"
    assert await sound(db, "vouchers")


async def test_what_is_being_refunded_does_not_grow_again(db: Database, now):
    card = await one(db, now, kind="card", uses=3, valid_to=now + timedelta(minutes=30))
    done = await used(db, card, now)
    ids = [card.voucher_id]

    async def why() -> str:
        return (await undo(db, done.redemption_id, now)).code

    async with db.city(CITY) as tx:
        await vouchers.start_refund(tx, ids, city_id=CITY, now=now)
    assert await why() == "voucher_refunding"
    async with db.city(CITY) as tx:
        await vouchers.refund_failed(tx, ids, city_id=CITY, now=now)
        await vouchers.expire(tx, city_id=CITY, now=now + timedelta(minutes=30))
    assert await why() == "expired"
    async with db.city(CITY) as tx:
        await vouchers.start_refund(tx, ids, city_id=CITY, now=now)
        await vouchers.refunded(tx, ids, city_id=CITY, now=now)
    assert await why() == "voucher_refunded"
    voided = await one(db, now, uses=2)
    done = await used(db, voided, now)
    async with db.city(CITY) as tx:
        await vouchers.void(tx, [voided.voucher_id], city_id=CITY, now=now, by=TAO, reason="fraud")
    assert await why() == "voucher_void"
    assert await sound(db, "vouchers")


async def test_after_the_end_of_validity_it_is_swept_and_refunded_like_any_other(db: Database, now):
    voucher = await one(db, now, valid_to=now + timedelta(minutes=10))
    done = await used(db, voucher, now)
    late = now + timedelta(minutes=20)
    assert isinstance(await undo(db, done.redemption_id, late), Reversed)
    async with db.city(CITY) as tx:
        [gone] = await vouchers.expire(tx, city_id=CITY, now=late)
    assert gone.untouched
    assert await sound(db, "vouchers")


async def test_a_list_of_undos(db: Database, now):
    card = await one(db, now, kind="card", uses=5, paid_units=1001, due_units=1001)
    first, second = await used(db, card, now, count=2), await used(db, card, now, count=3)
    asks = [
        Reverse(redemption_id=i, merchant_id=NOODLE_BAR, by=by, reason="x")
        for i, by in [(second.redemption_id, TAO), (first.redemption_id, TAO), (second.redemption_id, TAO),
                      (first.redemption_id, JIA), (new_id(), TAO)]
    ]  # fmt: skip
    async with db.city(CITY) as tx:
        answers = await vouchers.reverse(tx, asks, city_id=CITY, now=now, zone=ZONE)
        assert await vouchers.reverse(tx, [], city_id=CITY, now=now) == []
    assert [getattr(a, "code", None) or (a.uses_left, a.replayed) for a in answers] == [
        (3, False), (5, False), (3, True), "already_reversed", "not_redeemed_here",
    ]  # fmt: skip
    assert (await read(db, card)).due_left == 1001
    assert await sound(db, "vouchers")


@pytest.mark.parametrize("count", [1, 30])
async def test_the_number_of_statements_does_not_grow_with_the_list(database_url, now, count):
    seen: list[str] = []
    db = await Database(database_url, observer=lambda sql, params: seen.append(sql)).open()
    done = [await used(db, v, now) for v in await issue(db, [an_issue(now) for _ in range(count)], now)]
    asks = [Reverse(redemption_id=d.redemption_id, merchant_id=NOODLE_BAR, by=TAO, reason="x") for d in done]
    seen.clear()
    async with db.city(CITY) as tx:
        await vouchers.reverse(tx, asks, city_id=CITY, now=now)
    assert len(seen) == 5
    await db.close()
