"""The same voucher, many hands, one moment. Each race has a control without the guard."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hutong import vouchers
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.vouchers import Redeemed, Reversed, Voucher, qr_text
from tests.db.crowd import crowd
from tests.db.own_audit import sound
from tests.db.vouchers_help import (
    CITY,
    JIA,
    LANE,
    NOODLE_BAR,
    STATION,
    TAO,
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


@pytest.fixture(autouse=True)
async def eight_connections(db: Database) -> None:
    await crowd(db)


def outcomes(answers: list[Any]) -> Counter[str]:
    return Counter(getattr(a, "code", None) or ("replayed" if a.replayed else "done") for a in answers)


async def test_two_cashiers_scan_one_code(db: Database, now):
    for voucher in await issue(db, [an_issue(now) for _ in range(50)], now):
        text = qr_text(voucher, now)
        answers = await asyncio.gather(
            use(db, a_redeem(presented=text, staff_id=TAO), now),
            use(db, a_redeem(presented=text, staff_id=JIA, store_id=STATION), now),
        )
        assert outcomes(answers) == {"done": 1, "already_used": 1}
    assert await sound(db, "vouchers")


async def test_control_without_the_lock_both_cashiers_win(db: Database, now):
    """The same with a look first and a write after, as a naive till does it: one right is used twice."""
    wins = []
    for voucher in await issue(db, [an_issue(now) for _ in range(5)], now):

        async def naive(voucher: Voucher = voucher) -> bool:
            async with db.city(CITY) as tx:
                [seen] = await vouchers.by_ids(tx, [voucher.voucher_id], city_id=CITY)
                await asyncio.sleep(0.005)
                if seen.state != "valid":
                    return False
                await tx.run(
                    """update vouchers.vouchers set state = 'used', uses_left = 0, paid_left = 0, due_left = 0
                       where city_id = %(c)s and voucher_id = %(id)s""",
                    c=CITY, id=voucher.voucher_id,
                )  # fmt: skip
                return True

        wins.append(sum(await asyncio.gather(naive(), naive())))
    assert max(wins) == 2


async def test_fifty_devices_one_voucher(db: Database, now):
    voucher = await one(db, now)
    answers = await asyncio.gather(*(use(db, a_redeem(presented=voucher.code), now) for _ in range(50)))
    assert outcomes(answers) == {"done": 1, "already_used": 49}
    assert await sound(db, "vouchers")


async def test_one_request_twenty_times_is_one_effect_and_one_answer(db: Database, now):
    voucher = await one(db, now, uses=30)
    text, number = qr_text(voucher, now), str(new_id())
    asks = [a_redeem(presented=text, request_no=number) for _ in range(20)]
    answers = await asyncio.gather(*(use(db, ask, now) for ask in asks))
    assert outcomes(answers) == {"done": 1, "replayed": 19}
    assert len({(a.redemption_id, a.uses_left, a.at, a.undo_until, a.due_units) for a in answers}) == 1
    assert (await read(db, voucher)).uses_left == 29
    assert await sound(db, "vouchers")


async def test_one_request_number_for_two_vouchers_at_once(db: Database, now):
    """The rows locked are different ones, so the key itself decides; nothing of the loser stays behind."""
    for _ in range(20):
        first, second = await issue(db, [an_issue(now, uses=3), an_issue(now, uses=3)], now)
        number = str(new_id())
        answers = await asyncio.gather(
            use(db, a_redeem(presented=first.code, request_no=number), now),
            use(db, a_redeem(presented=second.code, request_no=number), now),
        )
        assert outcomes(answers) == {"done": 1, "key_reused": 1}
        left = (await read(db, first)).uses_left + (await read(db, second)).uses_left
        assert left == 5
    assert await sound(db, "vouchers")


async def test_batches_that_share_a_request_number_keep_the_rest(db: Database, now):
    for _ in range(10):
        a, b, c, d = await issue(db, [an_issue(now, uses=2) for _ in range(4)], now)
        number = str(new_id())
        lists = [
            [a_redeem(presented=a.code), a_redeem(presented=b.code, request_no=number), a_redeem(presented=b.code)],
            [a_redeem(presented=c.code), a_redeem(presented=d.code, request_no=number), a_redeem(presented=d.code)],
        ]

        async def batch(asks: list[Any]) -> list[Any]:
            return await db.run_city(
                CITY, lambda tx: vouchers.redeem(tx, asks, city_id=CITY, now=now, zone="Asia/Shanghai")
            )

        answers = [answer for part in await asyncio.gather(*map(batch, lists)) for answer in part]
        assert outcomes(answers) == {"done": 5, "key_reused": 1}
        assert sum(answer.count for answer in answers if isinstance(answer, Redeemed)) == 5
    assert await sound(db, "vouchers")


async def test_redeem_against_refund_has_one_winner(db: Database, now):
    """KFC 2018 (case K1): a voucher refunded in one channel while it is used in another."""
    winners: Counter[str] = Counter()
    for i, voucher in enumerate(await issue(db, [an_issue(now) for _ in range(50)], now)):

        async def refund(voucher_id: UUID = voucher.voucher_id) -> Any:
            [answer] = await db.run_city(
                CITY, lambda tx: vouchers.start_refund(tx, [voucher_id], city_id=CITY, now=now)
            )
            return answer

        redeem = use(db, a_redeem(presented=voucher.code), now)
        both = [redeem, refund()] if i % 2 else [refund(), redeem]
        answers = await asyncio.gather(*both)
        good = [a for a in answers if isinstance(a, Redeemed | Voucher)]
        assert len(good) == 1
        winners[type(good[0]).__name__] += 1
        state = (await read(db, voucher)).state
        assert state == ("used" if isinstance(good[0], Redeemed) else "refunding")
    assert await sound(db, "vouchers")
    assert sum(winners.values()) == 50


async def test_redeem_against_the_sweep_has_one_winner(db: Database, now):
    """A request that was judged a moment before the end meets the sweep a moment after it."""
    end = now + timedelta(hours=1)
    for _ in range(20):
        voucher = await one(db, now, valid_to=end)
        answer, swept = await asyncio.gather(
            use(db, a_redeem(presented=voucher.code), end - timedelta(seconds=1)),
            db.run_city(CITY, lambda tx: vouchers.expire(tx, city_id=CITY, now=end)),
        )
        assert isinstance(answer, Redeemed) == (voucher.voucher_id not in {v.voucher_id for v in swept})
    assert await sound(db, "vouchers")


async def test_ten_people_undo_one_redemption(db: Database, now):
    done = await used(db, await one(db, now), now)
    people = [UUID(int=0x500 + i) for i in range(10)]
    answers = await asyncio.gather(*(undo(db, done.redemption_id, now, by=person) for person in people))
    assert outcomes(answers) == {"done": 1, "already_reversed": 9}
    assert await sound(db, "vouchers")


async def test_undo_against_a_second_use_of_a_card(db: Database, now):
    for card in await issue(db, [an_issue(now, uses=2, kind="card") for _ in range(20)], now):
        first = await used(db, card, now)
        undone, again = await asyncio.gather(
            undo(db, first.redemption_id, now), use(db, a_redeem(presented=card.code), now)
        )
        assert isinstance(undone, Reversed)
        assert isinstance(again, Redeemed)
        assert (await read(db, card)).uses_left == 1
    assert await sound(db, "vouchers")


async def test_one_qr_of_a_card_at_two_tills(db: Database, now):
    """Both tills prepared it; the token dies with the first use, although the card has uses left."""
    for card in await issue(db, [an_issue(now, uses=10, kind="card") for _ in range(20)], now):
        text = qr_text(card, now)
        answers = await asyncio.gather(*(use(db, a_redeem(presented=text), now) for _ in range(3)))
        assert outcomes(answers) == {"done": 1, "qr_already_used": 2}
    assert await sound(db, "vouchers")


async def test_a_storm_of_guesses_is_cut_off(db: Database, now):
    asks = [a_redeem(presented=f"{i:012d}") for i in range(100)]
    answers = await asyncio.gather(*(use(db, ask, now) for ask in asks))
    assert outcomes(answers) == {"unknown_code": 20, "too_many_guesses": 80}


async def test_issuing_one_order_from_two_workers(db: Database, now):
    asks = [an_issue(now) for _ in range(10)]

    async def work() -> list[vouchers.Issued]:
        return await db.run_city(CITY, lambda tx: vouchers.issue(tx, asks, city_id=CITY, now=now))

    first, second = await asyncio.gather(work(), work())
    assert [a.code for a in first] == [a.code for a in second]
    assert sum(not a.replayed for a in [*first, *second]) == 10


async def test_crossed_batches_do_not_deadlock(db: Database, now):
    issued = await issue(db, [an_issue(now, uses=50) for _ in range(6)], now)

    async def batch(order: list[Voucher]) -> list[Any]:
        asks = [a_redeem(presented=v.code, merchant_id=NOODLE_BAR, store_id=LANE) for v in order]
        async with db.city(CITY) as tx:  # not run_city: a deadlock would surface here
            return await vouchers.redeem(tx, asks, city_id=CITY, now=now, zone="Asia/Shanghai")

    orders = [issued if i % 2 else issued[::-1] for i in range(20)]
    answers = await asyncio.gather(*map(batch, orders))
    assert outcomes([a for part in answers for a in part]) == {"done": 120}
    assert await sound(db, "vouchers")
