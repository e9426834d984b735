"""A voucher given to a friend: locked on its way, new secret and digits when accepted, back by itself when not."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from hutong import orders, vouchers
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.terms import Terms
from hutong.vouchers import Claim, Gift, Give, Redeemed, TakeBack, Voucher, gift_text, gift_token, qr_text, read_gift
from tests.conftest import audit_clean, fires
from tests.db.crowd import crowd
from tests.lane import CITY, Lane, a_lane, a_redeem, account, bought, hear, redeem, refund, refund_is, units

pytestmark = pytest.mark.anyio
ZONE = "Asia/Shanghai"
BO, CAI = UUID(int=0xB0), UUID(int=0xCA1)
DAY = timedelta(days=1)


async def given(db: Database, unit: Voucher, now: Any, **changes: Any) -> Any:
    fields: dict[str, Any] = {
        "gift_id": new_id(), "voucher_id": unit.voucher_id, "giver_id": unit.member_id, "giver_name": "Ann",
        "note": "生日快乐", "days": 3,
    } | changes  # fmt: skip
    asks = [Give(**fields)]
    return (await db.run_city(CITY, lambda tx: vouchers.give(tx, asks, city_id=CITY, now=now, zone=ZONE)))[0]


async def claimed(db: Database, token: bytes, now: Any, member: UUID = BO) -> Any:
    asks = [Claim(token=token, member_id=member, member_name="Bo")]
    return (await db.run_city(CITY, lambda tx: vouchers.claim_gifts(tx, asks, city_id=CITY, now=now)))[0]


async def back(db: Database, gift: Gift, now: Any) -> Any:
    asks = [TakeBack(gift_id=gift.gift_id, giver_id=gift.giver_id)]
    return (await db.run_city(CITY, lambda tx: vouchers.take_back(tx, asks, city_id=CITY, now=now)))[0]


async def lapse(db: Database, now: Any) -> list[Gift]:
    return await db.run_city(CITY, lambda tx: vouchers.lapse_gifts(tx, city_id=CITY, now=now))


async def fresh(db: Database, unit: Voucher) -> Voucher:
    return next(one for one in await units(db, unit.order_id) if one.voucher_id == unit.voucher_id)


async def on_its_way(
    db: Database, now: Any, lane: Lane | None = None, **changes: Any
) -> tuple[Lane, Voucher, Gift, bytes]:
    lane = lane or await a_lane(db, now)
    [unit] = await bought(db, lane, now)
    gift = await given(db, unit, now, **changes)
    assert isinstance(gift, Gift), gift
    return lane, unit, gift, gift_token(unit.secret, gift.gift_id)


def code_of(answer: Any) -> str:
    return getattr(answer, "code", None) or getattr(answer, "state", None) or "done"


def test_the_link_carries_the_city_and_nothing_else_reads_as_one():
    token = gift_token(b"0" * 16, UUID(int=7))
    assert read_gift(gift_text(12, token)) == (12, token)
    assert read_gift(gift_text(12, token).upper()) == (12, token)
    for wrong in ("", "1", "1-abc", "x-" + "a" * 32, "1-" + "u" * 32, "-1-" + "a" * 32, "1-" + "a" * 33):
        assert read_gift(wrong) is None


async def test_while_it_is_on_its_way_nobody_uses_it(db: Database, now):
    lane, unit, gift, _ = await on_its_way(db, now)
    answer: Any = (await redeem(db, [a_redeem(lane, unit, now)], now))[0]
    assert answer.code == "voucher_on_its_way"
    assert (await refund(db, unit.order_id, now)).code == "voucher_on_its_way"
    assert (await given(db, unit, now)).code == "voucher_on_its_way"
    assert gift.expires_at == now + 3 * DAY
    assert await audit_clean(db)


async def test_who_accepts_has_it_and_every_old_code_is_dead(db: Database, now):
    lane, unit, _, token = await on_its_way(db, now)
    got = await claimed(db, token, now)
    assert (got.state, got.taker_id) == ("claimed", BO)
    assert await claimed(db, token, now) == got, "the same friend again gets the same answer"
    assert (await claimed(db, token, now, CAI)).facts["state"] == "claimed"
    held = await fresh(db, unit)
    assert (held.member_id, held.holder_name) == (BO, "Bo")
    assert held.secret != unit.secret
    assert held.code != unit.code
    screenshot: Any = (await redeem(db, [a_redeem(lane, unit, now)], now))[0]
    assert screenshot.code == "stale_qr"
    digits: Any = (await redeem(db, [a_redeem(lane, unit, now, presented=unit.code)], now))[0]
    assert digits.code == "unknown_code"
    [used] = await redeem(db, [a_redeem(lane, held, now)], now)
    assert isinstance(used, Redeemed)
    assert await audit_clean(db)


async def test_its_money_stays_the_buyers_and_he_cannot_ask_for_it(db: Database, now):
    lane, unit, _, token = await on_its_way(db, now)
    await claimed(db, token, now)
    assert (await refund(db, unit.order_id, now)).code == "voucher_given_away"
    assert (await refund(db, unit.order_id, now, by=BO, voucher_ids=(unit.voucher_id,))).code == "voucher_given_away"
    end = unit.valid_to + timedelta(seconds=1)
    await db.run_city(CITY, lambda tx: orders.expire_vouchers(tx, city_id=CITY, now=end))
    held = await fresh(db, unit)
    assert held.state == "refunding", "what expires goes back by itself, to the payment it came from"
    async with db.reading(CITY) as tx:
        row = await tx.row("select refund_id, units from payments.refunds where city_id = %(c)s", c=CITY)
    assert row is not None
    await hear(db, [refund_is(row["refund_id"], "done", unit.paid)], end)
    assert (await fresh(db, unit)).state == "refunded"
    assert await account(db, f"escrow/{lane.merchant}") == 0
    assert await audit_clean(db)


async def test_of_an_order_the_rest_can_still_be_refunded(db: Database, now):
    lane = await a_lane(db, now)
    two = await bought(db, lane, now, 2)
    gift = await given(db, two[0], now)
    await claimed(db, gift_token(two[0].secret, gift.gift_id), now)
    asked = await refund(db, two[0].order_id, now)
    assert asked.voucher_ids == (two[1].voucher_id,)
    assert await audit_clean(db)


async def test_the_friends_voucher_is_no_sibling_at_the_counter(db: Database, now):
    lane = await a_lane(db, now)
    three = await bought(db, lane, now, 3)
    gift = await given(db, three[0], now)
    await claimed(db, gift_token(three[0].secret, gift.gift_id), now)
    ask = vouchers.Prepare(
        presented=qr_text(three[1], now), merchant_id=lane.merchant, store_id=lane.store, staff_id=new_id()
    )
    async with db.city(CITY) as tx:
        [seen] = await vouchers.prepare(tx, [ask], city_id=CITY, now=now, zone=ZONE)
    assert isinstance(seen, vouchers.Prepared)
    assert [one.voucher_id for one in seen.others] == [three[2].voucher_id]


async def test_the_giver_takes_it_back_and_the_link_is_dead(db: Database, now):
    lane, unit, gift, token = await on_its_way(db, now)
    assert (await back(db, gift, now)).state == "taken_back"
    assert (await back(db, gift, now)).state == "taken_back"
    assert (await claimed(db, token, now)).facts["state"] == "taken_back"
    again = await given(db, unit, now)
    assert isinstance(again, Gift), "and may give it anew"
    assert gift_token(unit.secret, again.gift_id) != token
    await back(db, again, now)
    assert isinstance((await redeem(db, [a_redeem(lane, unit, now)], now))[0], Redeemed)
    assert await audit_clean(db)


async def test_what_nobody_accepts_comes_back(db: Database, now):
    lane, unit, gift, token = await on_its_way(db, now, days=1)
    assert await lapse(db, now + DAY - timedelta(seconds=1)) == []
    late = now + DAY
    assert (await claimed(db, token, late)).facts["state"] == "expired", "over is over before the round has come"
    assert [one.gift_id for one in await lapse(db, late)] == [gift.gift_id]
    assert isinstance((await redeem(db, [a_redeem(lane, await fresh(db, unit), late)], late))[0], Redeemed)
    assert await audit_clean(db)


async def test_an_old_gift_is_in_nobodys_way_before_the_round_has_come(db: Database, now):
    lane, unit, _, _ = await on_its_way(db, now, days=1)
    late = now + DAY
    assert isinstance(await given(db, unit, late), Gift)
    [other] = await bought(db, lane, late)
    await given(db, other, late, days=1)
    after = late + DAY
    assert isinstance((await redeem(db, [a_redeem(lane, await fresh(db, other), after)], after))[0], Redeemed)
    await lapse(db, after)
    assert await audit_clean(db)


async def test_the_link_ends_with_the_voucher(db: Database, now):
    lane = await a_lane(db, now, terms=Terms(valid_days=1))
    [unit] = await bought(db, lane, now)
    gift = await given(db, unit, now, days=7)
    assert gift.expires_at == unit.valid_to
    await db.run_city(CITY, lambda tx: orders.expire_vouchers(tx, city_id=CITY, now=unit.valid_to))
    assert (await fresh(db, unit)).state == "refunding"
    assert len(await lapse(db, unit.valid_to)) == 1
    assert await audit_clean(db)


async def test_what_may_not_be_given(db: Database, now):
    lane, unit, gift, token = await on_its_way(db, now)
    assert (await claimed(db, token, now, unit.member_id)).code == "gift_is_yours"
    assert (await claimed(db, b"0" * 20, now)).code == "gift_not_found"
    await claimed(db, token, now)
    mine = await fresh(db, unit)
    assert (await given(db, mine, now)).code == "gift_given_on", "no chain"
    [other] = await bought(db, lane, now)
    assert (await given(db, other, now, giver_id=BO)).code == "voucher_not_found"
    assert (await given(db, other, now, allowed=False)).code == "not_giftable"
    assert (await given(db, other, now, days=30)).code == "bad_input"
    assert (await given(db, other, now, note="x" * 141)).code == "bad_input"
    await redeem(db, [a_redeem(lane, other, now)], now)
    assert (await given(db, await fresh(db, other), now)).code == "not_giftable"
    stranger = structs.replace(gift, giver_id=CAI)
    assert (await back(db, stranger, now)).code == "gift_not_found"
    assert (await back(db, gift, now)).code == "gift_over"


async def test_a_merchant_may_still_give_the_money_back_to_the_buyer(db: Database, now):
    _, unit, _, token = await on_its_way(db, now)
    asked = await refund(db, unit.order_id, now, by=new_id(), by_merchant=True, voucher_ids=(unit.voucher_id,))
    assert asked.amount == unit.paid
    late = await claimed(db, token, now)
    assert (late.code, late.facts["state"]) == ("gift_over", "expired"), "before the round has come, too"
    assert (await fresh(db, unit)).member_id == unit.member_id
    assert len(await lapse(db, now)) == 1, "the gift is over with its voucher"
    assert await audit_clean(db)


async def test_one_gift_two_friends(db: Database, now):
    await crowd(db)
    lane = await a_lane(db, now)
    for _ in range(10):
        _, unit, _, token = await on_its_way(db, now, lane)
        answers = await asyncio.gather(*(claimed(db, token, now, UUID(int=0xF00 + n)) for n in range(6)))
        won = [one for one in answers if isinstance(one, Gift)]
        assert len(won) == 1
        assert (await fresh(db, unit)).member_id == won[0].taker_id
    assert await audit_clean(db)


async def test_accepted_while_it_is_taken_back_or_runs_out(db: Database, now):
    await crowd(db)
    lane, seen = await a_lane(db, now), Counter[str]()
    for n in range(16):
        _, unit, gift, token = await on_its_way(db, now, lane)
        other = back(db, gift, now) if n % 2 else lapse(db, gift.expires_at)
        late = [claimed(db, token, now), other]
        answers = await asyncio.gather(*(late if n % 4 < 2 else late[::-1]))
        got = isinstance(answers[0] if n % 4 < 2 else answers[1], Gift)
        held = await fresh(db, unit)
        assert (held.member_id == BO) == got
        assert held.held_for is None
        seen["accepted" if got else "back"] += 1
    assert await audit_clean(db)


async def test_control_without_the_lock_two_friends_have_one_gift(db: Database, now):
    """Looking first and writing after, as a naive page does it: both are told that it is theirs."""
    _, unit, gift, _ = await on_its_way(db, now)
    looked = asyncio.Barrier(2)

    async def naive(member: UUID) -> bool:
        async with db.city(CITY) as tx:
            state = await tx.value(
                "select state from vouchers.gifts where city_id = 1 and gift_id = %(g)s", g=gift.gift_id
            )
        await looked.wait()
        if state != "open":
            return False
        async with db.city(CITY) as tx:
            await tx.run(
                """update vouchers.gifts set state = 'claimed', taker_id = %(m)s, ended_at = %(now)s
                   where city_id = 1 and gift_id = %(g)s""",
                m=member, g=gift.gift_id, now=now,
            )  # fmt: skip
            await tx.run(
                """update vouchers.vouchers set member_id = %(m)s, held_for = null, held_ref = null, held_until = null
                   where city_id = 1 and voucher_id = %(v)s""",
                m=member, v=unit.voucher_id,
            )  # fmt: skip
        return True

    assert await asyncio.gather(naive(BO), naive(CAI)) == [True, True]


BREAK = {
    "V53": "update vouchers.vouchers set held_for = null, held_ref = null, held_until = null where city_id = 1",
    "V54": "update vouchers.vouchers set member_id = order_id where city_id = 1",
    "V55": "update vouchers.gifts set made_at = made_at - interval '1 day', ended_at = ended_at + interval '1 day'",
}


@pytest.mark.parametrize("code", BREAK)
async def test_it_fires(db: Database, now, code: str):
    lane, unit, _, token = await on_its_way(db, now)
    if code != "V53":
        await claimed(db, token, now)
    if code == "V55":
        await redeem(db, [a_redeem(lane, await fresh(db, unit), now)], now)
    assert await audit_clean(db)
    async with db.central() as tx:
        await tx.run(BREAK[code])
    assert await fires(db, code)


async def test_a_voucher_on_its_way_for_nothing_fires(db: Database, now):
    await on_its_way(db, now)
    async with db.central() as tx:
        await tx.run("update vouchers.gifts set state = 'expired', ended_at = made_at where city_id = 1")
    assert await fires(db, "V53")
