"""What becomes of points: they mature, are spent, given back, clawed back, sent, and end. Every story ends audited."""

from datetime import timedelta

import pytest

from hutong import programmes
from hutong.infra.audit import audit
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.ledger import chart
from hutong.programmes import (
    BurnResolved,
    Campaign,
    Caps,
    EarnCap,
    Fund,
    NotRedeeming,
    PointsPending,
    PointsShort,
    SendLimit,
    Source,
    Tier,
    WorthTooMuch,
)
from tests.conftest import audit_clean
from tests.programmes_help import CITY, an_alliance

pytestmark = pytest.mark.anyio

WEEK, YEAR = timedelta(days=8), timedelta(days=400)


async def test_points_mature_at_midnight_and_are_spent_first_to_end_first(db: Database, now):
    alliance = await an_alliance(db)
    await alliance.join("noodles", blocks=10_000)
    await alliance.join("tea", mode="postpaid", limit_units=5_000)
    ann = new_id()
    first, second = alliance.buy(ann, "tea", 5_000, now), alliance.buy(ann, "noodles", 7_000, now + timedelta(days=2))
    await alliance.earns(first)
    await alliance.earns(second)
    refused = await alliance.burns(ann, "noodles", 10, now=now + timedelta(days=3))
    assert refused == PointsPending(available=0, matures="2026-11-28 00:00"), "as the programme's clock says it"
    assert await alliance.mature(now + WEEK + timedelta(days=3)) == 2
    burnt = await alliance.burns(ann, "noodles", 60, now=now + WEEK + timedelta(days=3))
    assert (burnt.points, burnt.face.units, burnt.worth.units) == (60, 60, 60)
    lots = await alliance.lots(ann, now)
    assert [(lot.points, lot.left, lot.state) for lot in lots] == [(50, 0, "spent"), (70, 60, "available")]
    refused = await alliance.burns(ann, "noodles", 61, now=now + WEEK + timedelta(days=3))
    assert refused == PointsShort(available=60, wanted=61)
    assert (await alliance.due("noodles"), await alliance.owes("tea")) == (60, 50)
    assert await audit_clean(db)


async def test_a_hold_is_confirmed_or_released_once(db: Database, now):
    alliance = await an_alliance(db, redemption_bps=9_000, pending_days=0)
    await alliance.join("noodles", blocks=10_000)
    ann = await alliance.rich(100, now)
    one, two = (alliance.hold(ann, "noodles", 50, until=now + timedelta(minutes=15)) for _ in range(2))
    held = await alliance.run(lambda tx: programmes.hold(tx, [one, two], now=now))
    assert [(h.points, h.worth.units) for h in held] == [(50, 45), (50, 45)]
    assert await alliance.burns(ann, "noodles", 1, now=now) == PointsShort(available=0, wanted=1)
    (again,) = await alliance.run(lambda tx: programmes.hold(tx, [one], now=now))
    assert again.replayed
    assert again.lots == held[0].lots
    asks = [alliance.resolve(one), alliance.resolve(two)]
    (burnt,) = await alliance.run(lambda tx: programmes.confirm(tx, asks[:1], now=now))
    assert (burnt.points, burnt.replayed) == (50, False)
    assert (await alliance.run(lambda tx: programmes.confirm(tx, asks[:1], now=now)))[0].replayed
    assert await alliance.run(lambda tx: programmes.release(tx, asks, now=now)) == [BurnResolved(), True]
    assert await alliance.run(lambda tx: programmes.release(tx, asks[1:], now=now)) == [False]
    assert await alliance.run(lambda tx: programmes.confirm(tx, asks[1:], now=now)) == [BurnResolved()]
    assert await audit_clean(db)
    late = alliance.hold(ann, "noodles", 50, until=now + timedelta(minutes=15))
    await alliance.run(lambda tx: programmes.hold(tx, [late], now=now))
    later = now + timedelta(minutes=15)
    pid = alliance.programme_id
    assert await alliance.run(lambda tx: programmes.release_due(tx, programme_id=pid, now=later)) == 1
    assert (await alliance.wallet(ann, now)).available == 50
    assert await audit_clean(db)


async def test_what_is_given_back_returns_to_the_very_lots_and_the_money_with_it(db: Database, now):
    alliance = await an_alliance(db, redemption_bps=6_667, pending_days=0)
    await alliance.join("noodles", blocks=10_000)
    ann = await alliance.rich(30, now)
    await alliance.rich(30, now + timedelta(days=1), ann)
    hold = alliance.hold(ann, "noodles", 50)
    (burnt,) = await alliance.run(lambda tx: programmes.burn(tx, [hold], now=now + timedelta(days=2)))
    assert burnt.worth.units == 33
    for part, worth in ((7, 4), (20, 13), (23, 16)):
        back = alliance.back(hold, part)
        (given,) = await alliance.run(lambda tx, back=back: programmes.give_back(tx, [back], now=now))
        assert (given.points, given.worth.units) == (part, worth)
        assert (await alliance.run(lambda tx, back=back: programmes.give_back(tx, [back], now=now)))[0].replayed
        assert await audit_clean(db)
    more = await alliance.run(lambda tx: programmes.give_back(tx, [alliance.back(hold, 1)], now=now))
    assert more == [BurnResolved()]
    assert [lot.left for lot in await alliance.lots(ann, now)] == [30, 30]
    assert await alliance.due("noodles") == 0


async def test_an_order_moves_the_backing_to_the_escrow_and_back(db: Database, now):
    alliance = await an_alliance(db, pending_days=0)
    shop = await alliance.join("noodles", blocks=10_000)
    ann = await alliance.rich(100, now)
    hold = alliance.hold(ann, "noodles", 80, target="escrow", worth_units=70)
    dear = alliance.hold(ann, "noodles", 10, target="escrow", worth_units=11)
    results = await alliance.run(lambda tx: programmes.burn(tx, [hold, dear], now=now))
    assert [type(one) for one in results] == [programmes.Burned, WorthTooMuch]
    assert await alliance.city(chart.escrow(shop).path) == 70
    (given,) = await alliance.run(lambda tx: programmes.give_back(tx, [alliance.back(hold, 40)], now=now))
    assert given.worth.units == 35
    assert await alliance.city(chart.escrow(shop).path) == 35
    assert await audit_clean_but_escrow(db)


async def audit_clean_but_escrow(db: Database) -> bool:
    """No order stands behind this escrow here; everything else is in order."""
    async with db.snapshot() as tx:
        broken = {violation.code for violation in await audit(tx)}
    assert not {code for code in broken if code.startswith(("PG", "L"))}, broken
    return True


async def test_points_end_and_their_money_goes_where_the_rules_say(db: Database, now):
    for to, funding, revenue in (("programme", 9_950, 40), ("partner", 9_990, 0)):
        alliance = await an_alliance(db, expiry_to=to, pending_days=0)
        await alliance.join("noodles", blocks=10_000)
        ann = await alliance.rich(50, now)
        hold = alliance.hold(ann, "noodles", 10)
        await alliance.run(lambda tx, hold=hold: programmes.burn(tx, [hold], now=now))
        assert await alliance.expire(now + timedelta(days=365)) == 0
        assert await alliance.expire(now + YEAR) == 1
        assert await alliance.left("noodles") == funding
        assert await alliance.money(chart.programme_revenue().path) == revenue
        back = alliance.back(hold, None)
        await alliance.run(lambda tx, back=back: programmes.give_back(tx, [back], now=now + YEAR))
        assert (await alliance.wallet(ann, now)).available == 10
        assert await alliance.burns(ann, "noodles", 1, now=now + YEAR) == PointsShort(available=0, wanted=1)
        assert await alliance.expire(now + YEAR) == 1
        assert await audit_clean(db)


async def test_points_are_sent_with_their_end_and_pay_what_the_receiver_owes(db: Database, now):
    alliance = await an_alliance(db, pending_days=0, caps=Caps(send_points_a_day=60, sends_a_day=2))
    await alliance.join("noodles", blocks=10_000)
    ann, bo = await alliance.rich(100, now), await alliance.rich(40, now)
    spent = alliance.hold(bo, "noodles", 40)
    await alliance.run(lambda tx: programmes.burn(tx, [spent], now=now))
    await alliance.claws(bo, alliance.last[bo].source, now=now)
    assert (await alliance.wallet(bo, now)).debt == 40
    sends = [alliance.send(ann, bo, 50), alliance.send(ann, bo, 11), alliance.send(ann, ann, 1)]
    results = await alliance.run(lambda tx: programmes.send(tx, sends, now=now))
    assert results[1:] == [SendLimit(which="points"), programmes.SendToSelf()]
    wallet = await alliance.wallet(bo, now)
    assert (wallet.debt, wallet.available) == (0, 10)
    (lot,) = await alliance.lots(bo, now, open_only=True)
    (own,) = await alliance.lots(ann, now, open_only=True)
    assert (lot.left, lot.expires_at, lot.source.kind) == (10, own.expires_at, "friend")
    assert await alliance.left("noodles") == 10_000 - 140 + 40
    assert await audit_clean(db)


async def test_tiers_campaigns_and_categories_are_parts_and_go_back_alike(db: Database, now):
    tiers = (Tier(name=Text.both("silver"), growth=100, earn_bps=12_500),)
    alliance = await an_alliance(db, tiers=tiers, categories={"food": 20_000})
    await alliance.join("noodles", blocks=10_000)
    purse = Fund(
        block_id=new_id(), programme_id=alliance.programme_id, partner_id=None, city_id=CITY,
        amount=Amount(50, "CNY"), debit_path="expense/promotion/operator",
    )  # fmt: skip
    campaign = Campaign(
        campaign_id=new_id(), programme_id=alliance.programme_id, name=Text.both("double"), earn_bps=15_000,
        since=now, until=now + timedelta(days=1), payer="programme", budget_points=50,
    )  # fmt: skip

    async def prepare(tx):
        assert isinstance(
            (await programmes.save_campaigns(tx, [campaign], by=None, now=now))[0], programmes.FundingExhausted
        )
        assert isinstance((await programmes.fund(tx, [purse], now=now))[0], programmes.Block)
        assert (await programmes.save_campaigns(tx, [campaign], by=None, now=now)) == [campaign]

    await alliance.run(prepare)
    ann = new_id()
    first, second = (alliance.buy(ann, "noodles", 5_000, now, category="food") for _ in range(2))
    earned = await alliance.earns(first, second)
    assert [(one.base, one.bonus, one.campaign) for one in earned] == [(100, 0, 50), (100, 25, 0)]
    wallet = await alliance.wallet(ann, now)
    assert (wallet.pending, wallet.growth, wallet.tier, wallet.next_tier_growth) == (275, 200, 0, None)
    back = await alliance.claws(ann, first.source, now=now, kept=Amount(2_500, "CNY"))
    assert (back.pending, back.points) == (75, 75)
    assert (await alliance.claws(ann, first.source, now=now)).points == 75
    assert (await alliance.claws(ann, first.source, now=now)).points == 0
    assert await alliance.money(chart.campaign(campaign.campaign_id).path) == 50
    assert (await alliance.wallet(ann, now)).growth == 100
    assert await audit_clean(db)


async def test_caps_of_a_day_and_points_that_are_given_later(db: Database, now):
    alliance = await an_alliance(
        db, caps=Caps(member_points_a_day=100, earns_a_day_at_partner=2, earns_a_day_by_staff=3)
    )
    await alliance.join("noodles", blocks=150)
    ann, bo, staff = new_id(), new_id(), new_id()
    asks = [alliance.buy(who, "noodles", units, now, staff_id=staff) for who, units in
            ((ann, 6_000), (ann, 5_000), (ann, 1_000), (ann, 100), (bo, 1_000), (bo, 900))]  # fmt: skip
    results = await alliance.earns(*asks)
    kinds = [getattr(one, "points", None) or one.facts["which"] for one in results]
    assert kinds == [60, "member", 10, "partner", 10, "staff"]
    missed = [asks[1].movement_id, asks[3].movement_id, asks[5].movement_id, new_id()]
    granted = await alliance.run(lambda tx: programmes.grant_missed(tx, missed, now=now + timedelta(days=1)))
    assert [getattr(one, "points", one.code if hasattr(one, "code") else None) for one in granted] == [
        50, 1, 9, "burn_not_found",
    ]  # fmt: skip
    assert (await alliance.run(lambda tx: programmes.grant_missed(tx, missed[:1], now=now)))[0].replayed
    assert isinstance((await alliance.earns(asks[1]))[0], programmes.Earned)
    assert await audit_clean(db)
    assert isinstance((await alliance.earns(alliance.buy(ann, "noodles", 9_000, now)))[0], EarnCap)


async def test_a_purchase_undone_before_it_earned_gives_nothing_or_what_was_kept(db: Database, now):
    alliance = await an_alliance(db)
    await alliance.join("noodles", blocks=1_000)
    ann = new_id()
    gone, part = alliance.buy(ann, "noodles", 5_000, now), alliance.buy(ann, "noodles", 5_000, now)
    assert (await alliance.claws(ann, gone.source, now=now)).points == 0
    assert (await alliance.claws(ann, part.source, now=now, kept=Amount(2_000, "CNY"))).points == 0
    assert [one.points for one in await alliance.earns(gone, part)] == [0, 20]
    assert (await alliance.claws(ann, part.source, now=now)).points == 20
    assert await audit_clean(db)


async def test_blocks_are_used_oldest_first_and_alerts_are_facts(db: Database, now):
    alliance = await an_alliance(db)
    shop = await alliance.join("noodles", alert_units=100)
    funds = [
        Fund(block_id=new_id(), programme_id=alliance.programme_id, partner_id=shop, city_id=CITY,
             amount=Amount(units, "CNY"), debit_path="provider/sandbox")
        for units in (100, 60)
    ]  # fmt: skip
    await alliance.run(lambda tx: programmes.fund(tx, funds, now=now))
    again = await alliance.run(lambda tx: programmes.fund(tx, funds[:1], now=now))
    assert again[0].amount.units == 100
    poor = Fund(block_id=new_id(), programme_id=alliance.programme_id, partner_id=shop, city_id=CITY,
                amount=Amount(1, "CNY"), debit_path=f"payable/merchant/{shop}")  # fmt: skip
    assert (await alliance.run(lambda tx: programmes.fund(tx, [poor], now=now)))[0].code == "insufficient_funds"
    await alliance.earns(alliance.buy(new_id(), "noodles", 12_000, now))
    async with db.reading() as tx:
        found = (await programmes.funding(tx, alliance.programme_id, [shop], blocks=True))[shop]
        topics = await tx.rows("select topic from infra.facts where city_id = 1 and topic like 'programmes.%%'")
    assert [block.left.units for block in found.blocks] == [0, 40]
    assert (found.left.units, found.low) == (40, True)
    assert [row["topic"] for row in topics] == ["programmes.funding_low"]
    await alliance.earns(alliance.buy(new_id(), "noodles", 12_000, now))
    async with db.reading() as tx:
        topics = await tx.rows(
            "select topic from infra.facts where city_id = 1 and topic = 'programmes.funding_exhausted'"
        )
    assert len(topics) == 1


async def test_a_donation_goes_to_charities_only(db: Database, now):
    alliance = await an_alliance(db, pending_days=0)
    await alliance.join("noodles", blocks=1_000)
    await alliance.join("school", accrues=False, charity=True)
    ann = await alliance.rich(100, now)
    asks = [alliance.hold(ann, name, 10, source=Source("donation", new_id())) for name in ("noodles", "school")]
    results = await alliance.run(lambda tx: programmes.burn(tx, asks, now=now))
    assert isinstance(results[0], NotRedeeming)
    assert results[1].worth.units == 10
    assert await audit_clean(db)


async def test_who_leaves_leaves_nothing_behind_but_his_debts(db: Database, now):
    alliance = await an_alliance(db, pending_days=0)
    await alliance.join("noodles", blocks=1_000)
    ann = await alliance.rich(100, now)
    await alliance.earns(alliance.buy(ann, "noodles", 1_000, now))
    assert await alliance.run(lambda tx: programmes.forget_members(tx, [ann, new_id()], now=now)) == [110, 0]
    assert (await alliance.wallet(ann, now)).available == 0
    assert await audit_clean(db)


async def test_the_report_of_months_reckons_reserve_and_liability_apart(db: Database, now):
    alliance = await an_alliance(db, pending_days=0, redemption_bps=8_000)
    await alliance.join("noodles", blocks=10_000)
    ann = await alliance.rich(200, now)
    await alliance.burns(ann, "noodles", 50, now=now)
    await alliance.claws(ann, alliance.last[ann].source, now=now)
    await alliance.rich(20, now + timedelta(days=31), ann)
    async with db.reading() as tx:
        pid = alliance.programme_id
        months = await programmes.report(tx, pid, until=(now + timedelta(days=60)).date())
    assert [(m.earned, m.burnt, m.clawed_back, m.debt_made, m.debt_paid, m.margin.units) for m in months] == [
        (200, 50, 200, 50, 0, 10), (20, 0, 0, 0, 20, 0),
    ]  # fmt: skip
    assert [(m.liability.units, m.reserve.units) for m in months] == [(0, 0), (0, 0)]
    assert await audit_clean(db)


async def test_a_balance_of_a_day_in_the_past(db: Database, now):
    alliance = await an_alliance(db, pending_days=0)
    await alliance.join("noodles", blocks=10_000)
    ann = await alliance.rich(200, now)
    await alliance.burns(ann, "noodles", 50, now=now + timedelta(days=3))
    async with db.reading() as tx:
        before, after = [
            await programmes.balance_at(tx, ann, alliance.programme_id, at=now + timedelta(days=days))
            for days in (2, 4)
        ]
        history = await programmes.history(tx, ann, alliance.programme_id)
    assert (before.available, after.available) == (200, 150)
    assert [one.kind for one in history] == ["burn", "earn"]
