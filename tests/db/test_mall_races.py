"""The mall when many things happen in one moment. Each race has a control without the guard that shows it."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from hutong import programmes
from hutong.infra.db import Database
from hutong.kit.refusals import Refusal
from hutong.mall.operations import _limits
from hutong.orders import Placed
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.lane import CITY, a_redeem, redeem, refund
from tests.mall_help import POINTS, Mall, a_gift, a_mall, exchanges, follows, had, parcel_of, sends, voucher_now, wish

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def eight_connections(db: Database) -> None:
    await crowd(db)


def outcomes(answers: list[Any]) -> Counter[str]:
    return Counter("had" if isinstance(one, Placed) else getattr(one, "code", "?") for one in answers)


async def all_at_once(play: Mall, asks: list[Any], now: datetime) -> list[Any]:
    """Each in a transaction of its own, at the same moment."""
    found = await asyncio.gather(*(exchanges(play, [ask], now) for ask in asks))
    return [one for answers in found for one in answers]


async def test_fifty_members_after_the_last_gift(db: Database, now):
    play = await a_mall(db, now, stock=1)
    members = [await play.rich(POINTS, now) for _ in range(50)]
    answers = await all_at_once(play, [wish(play, member) for member in members], now)
    assert outcomes(answers) == {"had": 1, "sold_out": 49}
    left = [(await play.wallet(member, now)).available for member in members]
    assert sorted(left) == [0] + [POINTS] * 49, "who got none keeps his points"
    assert await audit_clean(db)


async def test_control_without_the_stock_the_last_gift_is_given_to_all(db: Database, now):
    """A gift without a quota: nobody counts, everybody gets it."""
    play = await a_mall(db, now)
    async with db.city(CITY) as tx:
        await tx.run(
            "update catalog.offers set quota_id = null where city_id = %(c)s and offer_id = %(o)s",
            c=CITY, o=play.gift.offer_id,
        )  # fmt: skip
    members = [await play.rich(POINTS, now) for _ in range(4)]
    answers = await all_at_once(play, [wish(play, member) for member in members], now)
    assert outcomes(answers) == {"had": 4}


async def test_one_member_on_eight_phones_stays_within_the_limit(db: Database, now):
    play = await a_mall(db, now, most=2, span="month")
    ann = await play.rich(POINTS * 10, now)
    answers = await all_at_once(play, [wish(play, ann) for _ in range(8)], now)
    assert outcomes(answers) == {"had": 2, "exchange_limit": 6}
    assert (await play.wallet(ann, now)).available == POINTS * 8
    assert await audit_clean(db)


async def test_control_without_the_lock_the_limit_is_passed(db: Database, now):
    """Reading the counter first and writing after: all see room."""
    play = await a_mall(db, now, most=2, span="month")
    ann = await play.rich(POINTS, now)
    claim = _limits.Claim(0, play.gift.offer_id, ann, 1, 2, "month", now.date().replace(day=1))

    async def naive() -> bool:
        async with db.city(CITY) as tx:
            seen = await tx.value(
                """select coalesce(max(units), 0) from mall.counts
                   where city_id = %(c)s and offer_id = %(o)s and member_id = %(m)s""",
                c=CITY, o=claim.offer_id, m=ann,
            )  # fmt: skip
            await asyncio.sleep(0.02)
            if seen >= 2:
                return False
            await tx.run(
                """insert into mall.counts (city_id, offer_id, member_id, span, begins, units)
                   values (%(c)s, %(o)s, %(m)s, 'month', %(b)s, 1)
                   on conflict (city_id, offer_id, member_id, span, begins) do update set units = counts.units + 1""",
                c=CITY, o=claim.offer_id, m=ann, b=claim.begins,
            )  # fmt: skip
            return True

    assert sum(await asyncio.gather(*(naive() for _ in range(4)))) > 2


async def test_one_wallet_in_five_exchanges_at_once_is_spent_once(db: Database, now):
    play = await a_mall(db, now)
    gifts = [play.gift, *[await a_gift(db, play.lane, play.alliance, now) for _ in range(4)]]
    ann = await play.rich(POINTS * 2 + 50, now)
    answers = await all_at_once(play, [wish(play, ann, gift=gift) for gift in gifts], now)
    assert outcomes(answers) == {"had": 2, "points_short": 3}
    assert (await play.wallet(ann, now)).available == 50
    assert await audit_clean(db)


async def test_control_without_the_wallet_lock_all_would_have_enough(db: Database, now):
    """Asking the wallet first, deciding after: five times enough."""
    play = await a_mall(db, now)
    ann = await play.rich(POINTS, now)

    async def naive() -> bool:
        async with db.city(CITY) as tx:
            seen = await programmes.wallet(tx, ann, play.alliance.programme_id, now=now)
            await asyncio.sleep(0.02)
            return seen.available >= POINTS

    assert sum(await asyncio.gather(*(naive() for _ in range(5)))) == 5


async def test_sent_and_fetched_at_the_same_moment(db: Database, now):
    """Either it is sent, or its member has it; never both."""
    play = await a_mall(db, now, delivery=True)
    ann = await play.rich(POINTS * 8, now)
    seen: Counter[str] = Counter()
    for n in range(6):
        [unit] = await had(play, ann, now, sent=True)
        sent, used = await asyncio.gather(
            sends(play, unit.order_id, now, f"SF{n}"), redeem(db, [a_redeem(play.lane, unit, now)], now)
        )
        held = await voucher_now(play, unit.voucher_id)
        one = "sent" if not isinstance(sent, Refusal) else "used"
        assert (held.state, held.held_for) == (("valid", "delivery") if one == "sent" else ("used", None))
        assert isinstance(used[0], Refusal) == (one == "sent")
        seen[one] += 1
        await follows(play, unit.order_id, now)
    assert sum(seen.values()) == 6
    assert await audit_clean(db)


async def test_sent_and_given_back_at_the_same_moment(db: Database, now):
    play = await a_mall(db, now, delivery=True)
    ann = await play.rich(POINTS * 8, now)
    for n in range(6):
        [unit] = await had(play, ann, now, sent=True)
        sent, back = await asyncio.gather(sends(play, unit.order_id, now, f"SF{n}"), refund(db, unit.order_id, now))
        assert isinstance(sent, Refusal) != isinstance(back, Refusal)
        await follows(play, unit.order_id, now)
        parcel = await parcel_of(play, unit.order_id)
        assert parcel.state == ("cancelled" if isinstance(sent, Refusal) else "sent")
    assert await audit_clean(db)
