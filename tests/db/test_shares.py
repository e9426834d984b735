"""Commissions of several parts and shares handed down, in the books: posted, undone, transferred, never rewritten."""

from datetime import timedelta
from uuid import UUID

import pytest

from hutong import settlement
from hutong.desk import sharing
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.ledger import chart
from hutong.settlement import Adopt, Chain, Component, Plan, Rule, RuleBroken, Share
from hutong.vouchers import Redeemed
from tests.conftest import audit_clean
from tests.db.test_settlement import undo
from tests.lane import CITY, Lane, a_lane, a_redeem, account, bought, redeem

pytestmark = pytest.mark.anyio


async def given(db: Database, operator: UUID) -> int:
    return await account(db, chart.payable_operator(operator).path)


async def chained(db: Database, lane: Lane, now, *shares: Share) -> Chain:
    chain = Chain(merchant_id=lane.merchant, version=0, shares=shares, valid_from=now, source=new_id())
    async with db.central() as tx:
        made = (await settlement.set_chains(tx, [chain], now=now))[0]
    assert isinstance(made, Chain), made
    return made


async def test_one_redemption_pays_each_level_and_its_undo_takes_it_back(db: Database, now):
    """8 % of 6,800 is 544, the operators have a quarter: 136. Of it the division hands half down, the agent a fifth."""
    lane = await a_lane(db, now)
    division, agent, staff = new_id(), new_id(), new_id()
    await chained(db, lane, now, Share(division, 10_000), Share(agent, 5_000), Share(staff, 1_000))
    unit = (await bought(db, lane, now))[0]
    done = (await redeem(db, [a_redeem(lane, unit, now)], now))[0]
    assert isinstance(done, Redeemed)
    assert [await given(db, one) for one in (division, agent, staff, lane.lin)] == [68, 54, 14, 0]
    assert await account(db, chart.revenue_commission().path) == 408
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 6_256
    async with db.reading(CITY) as tx:
        earned = (await settlement.earned(tx, [done.redemption_id], city_id=CITY))[done.redemption_id]
    assert earned.rule.endswith(f"+chain/{lane.merchant}/1")
    assert earned.operator == Amount(136, "CNY")
    assert await audit_clean(db)
    await undo(db, lane, done.redemption_id, now)
    assert [await given(db, one) for one in (division, agent, staff)] == [0, 0, 0]
    assert await account(db, chart.escrow(lane.merchant).path) == 6_800
    assert await audit_clean(db)


async def test_a_transfer_of_the_merchant_never_rewrites_what_was_earned(db: Database, now):
    lane = await a_lane(db, now)
    old, new = new_id(), new_id()
    first = await chained(db, lane, now, Share(old, 10_000))
    units = await bought(db, lane, now, 2)
    done = (await redeem(db, [a_redeem(lane, units[0], now)], now))[0]
    assert isinstance(done, Redeemed)
    later = now + timedelta(minutes=5)
    second = await chained(db, lane, later, Share(new, 10_000))
    assert (first.version, second.version) == (1, 2)
    assert (await chained(db, lane, later, Share(new, 10_000))).version == 2  # the same chain is one version
    await redeem(db, [a_redeem(lane, units[1], later)], later)
    assert (await given(db, old), await given(db, new)) == (136, 136)
    await undo(db, lane, done.redemption_id, later)  # goes back to him who had it, not to who has the merchant now
    assert (await given(db, old), await given(db, new)) == (0, 136)
    assert await audit_clean(db)


async def test_a_term_that_ends_leaves_the_commission_with_the_platform(db: Database, now):
    lane = await a_lane(db, now)
    agent = new_id()
    ends = now + timedelta(minutes=5)
    await chained(db, lane, now, Share(agent, 10_000, ends))
    units = await bought(db, lane, now, 2)
    await redeem(db, [a_redeem(lane, units[0], now)], now)
    await redeem(db, [a_redeem(lane, units[1], ends)], ends)
    assert await given(db, agent) == 136
    assert await account(db, chart.revenue_commission().path) == 408 + 544
    assert await audit_clean(db)


async def test_a_chain_that_hands_on_more_than_it_has_is_refused(db: Database, now):
    lane = await a_lane(db, now)
    bad = Chain(
        merchant_id=lane.merchant, version=0, shares=(Share(new_id(), 100), Share(new_id(), 200)), valid_from=now
    )
    async with db.central() as tx:
        assert await settlement.set_chains(tx, [bad], now=now) == [RuleBroken(why="shares")]


async def test_a_signed_plan_becomes_the_merchants_rule_with_its_lines(db: Database, now):
    """5 % in place of 8 %, 0.6 % of what was paid, 0.50 a use, a part of this category; the till's is not charged."""
    lane = await a_lane(db, now)
    words = Text.both("x")
    parts = (
        Component(key="payment", name=words, bps=60, base="paid"),
        Component(key="unit", name=words, units=50),
        Component(key="dining", name=words, bps=100, categories=(lane.offer.category,)),
        Component(key="till", name=words, bps=900, channels=("till",)),
    )
    plan = Plan(
        plan_id=new_id(), version=1, name=words, commission_bps=500, operator_bps=2_500, plan=parts, made_at=now
    )
    ask = Adopt(
        contract_id=new_id(), merchant_id=lane.merchant, plan_id=plan.plan_id, plan_version=1, by=new_id()
    )  # fmt: skip
    async with db.central() as tx:
        assert await settlement.add_plans(tx, [plan], now=now) == [plan]
        assert await settlement.plans(tx) == [plan]
        rule = (await settlement.adopt(tx, [ask], now=now))[0]
        again = (await settlement.adopt(tx, [ask], now=now))[0]
    assert isinstance(rule, Rule)
    assert isinstance(again, Rule)
    assert rule.rule_id == again.rule_id
    unit = (await bought(db, lane, now))[0]
    done = (await redeem(db, [a_redeem(lane, unit, now)], now))[0]
    assert isinstance(done, Redeemed)
    async with db.reading(CITY) as tx:
        earned = (await settlement.earned(tx, [done.redemption_id], city_id=CITY))[done.redemption_id]
        named = await settlement.rules_named(tx, [earned.rule])
    assert [(key, amount.units) for key, amount in earned.lines] == [
        ("base", 340), ("dining", 68), ("payment", 41), ("unit", 50),
    ]  # fmt: skip
    assert earned.commission == Amount(499, "CNY")
    assert named[earned.rule].plan == parts
    assert await audit_clean(db)


async def test_thirds_in_the_books_lose_nothing(db: Database, now):
    """Three operators, a third each of prices that no three divide: every unit is somewhere."""
    lane = await a_lane(db, now, quota=1_000)
    who = [new_id(), new_id(), new_id()]
    await chained(db, lane, now, Share(who[0], 9_999), Share(who[1], 6_666), Share(who[2], 3_333))
    units = [u for _ in range(5) for u in await bought(db, lane, now, 10)]
    done = await redeem(db, [a_redeem(lane, u, now) for u in units], now)
    assert all(isinstance(one, Redeemed) for one in done)
    shares = [await given(db, one) for one in who]
    revenue = await account(db, chart.revenue_commission().path)
    mei = await account(db, chart.payable_merchant(lane.merchant).path)
    assert sum(shares) + revenue + mei == 50 * 6_800
    assert max(shares) - min(shares) <= 50  # a unit a redemption at most
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    assert await audit_clean(db)


async def test_a_chain_ends_when_nobody_holds_the_merchant_any_more(db: Database, now):
    """Recruiting knows of nobody: what was earned stays, and the next use pays no operator."""
    lane = await a_lane(db, now)
    agent = new_id()
    await chained(db, lane, now, Share(agent, 10_000))
    units = await bought(db, lane, now, 2)
    await redeem(db, [a_redeem(lane, units[0], now)], now)
    later = now + timedelta(minutes=5)
    async with db.city(CITY) as tx:
        assert await settlement.chained(tx) == [lane.merchant]
        (ended,) = await sharing.follow(tx, [lane.merchant, new_id()], now=later)
        assert (ended.version, ended.shares) == (2, ())
        assert await sharing.follow_all(tx, city_id=CITY, now=later) == 0
    await redeem(db, [a_redeem(lane, units[1], later)], later)
    assert (await given(db, agent), await given(db, lane.lin)) == (136, 0)
    assert await audit_clean(db)
