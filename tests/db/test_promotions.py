"""Promotions in their tables: saved, published, stopped; budgets held, spent and given back; codes taken once."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from hutong import pricing
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import EVERYTHING
from hutong.pricing import AddBatch, AmountOff, Back, Budget, ClaimCoupon, Held, Live, MayClaim, NewCode, PromotionStep
from tests.db.own_audit import sound
from tests.db.promotions_help import CITY, a_city, a_claim, a_promotion, published

pytestmark = pytest.mark.anyio
SOON = timedelta(minutes=15)


class Undone(Exception):
    """Raised to leave a transaction without a trace."""


@pytest.fixture(autouse=True)
async def city(db: Database):
    await a_city(db)


async def hold(db: Database, now, *claims, zone=None):
    async with db.city(CITY) as tx:
        return await pricing.hold(tx, claims, city_id=CITY, now=now, until=now + SOON, zone=zone)


async def seen(db: Database, promotion_id):
    async with db.reading() as tx:
        [kept] = await pricing.campaigns(tx, city_id=CITY, scope=EVERYTHING, ids=[promotion_id])
    return kept


async def step(db: Database, now, verb, promotion_id):
    async with db.city(CITY) as tx:
        [answer] = await verb(tx, [PromotionStep(promotion_id=promotion_id, by=None)], city_id=CITY, now=now)
    return answer


async def test_a_draft_becomes_live_and_ends(db: Database, now):
    ask = a_promotion(now)
    async with db.city(CITY) as tx:
        [draft] = await pricing.save_promotions(tx, [ask], city_id=CITY, now=now)
    assert (draft.state, draft.version, draft.rule.benefit) == ("draft", 1, AmountOff(units=500))
    for verb, state in (
        (pricing.publish, "live"),
        (pricing.pause, "paused"),
        (pricing.resume, "live"),
        (pricing.end, "ended"),
    ):
        answer = await step(db, now, verb, ask.promotion_id)
        assert answer.state == state
    assert (await step(db, now, pricing.resume, ask.promotion_id)).code == "promotion_step"
    async with db.reading() as tx:
        history = await pricing.promotion_history(tx, ask.promotion_id, city_id=CITY)
    assert [h.what for h in history] == ["drafted", "published", "paused", "resumed", "ended"]
    assert await sound(db, "pricing")


async def test_what_is_live_keeps_its_rule_but_not_its_budget(db: Database, now):
    ask = a_promotion(now)
    async with db.city(CITY) as tx:
        await pricing.save_promotions(tx, [ask], city_id=CITY, now=now)
    await step(db, now, pricing.publish, ask.promotion_id)
    other = a_promotion(now, version=2, rule={"promotion_id": ask.promotion_id, "benefit": AmountOff(units=900)})
    more = a_promotion(now, version=2, rule={"promotion_id": ask.promotion_id}, budgets=(Budget(most_uses=2),))
    none = a_promotion(now, version=2, rule={"promotion_id": ask.promotion_id}, budgets=())
    old = a_promotion(now, version=1, rule={"promotion_id": ask.promotion_id})
    async with db.city(CITY) as tx:
        answers = await pricing.save_promotions(tx, [other, none, old, more], city_id=CITY, now=now)
    assert [getattr(a, "code", "saved") for a in answers] == [
        "promotion_stands", "promotion_stands", "promotion_changed", "saved",
    ]  # fmt: skip
    assert (await seen(db, ask.promotion_id)).in_all.most_uses == 2


async def test_nothing_goes_live_without_a_budget_or_after_its_end(db: Database, now):
    unlimited, past = a_promotion(now, budgets=()), a_promotion(now, ends_at=now - timedelta(minutes=1))
    async with db.city(CITY) as tx:
        await pricing.save_promotions(tx, [unlimited, past], city_id=CITY, now=now)
    assert (await step(db, now, pricing.publish, unlimited.promotion_id)).code == "promotion_without_budget"
    assert (await step(db, now, pricing.publish, past.promotion_id)).code == "promotion_over"


async def test_an_unsound_rule_is_not_saved(db: Database, now):
    ask = a_promotion(now, rule={"benefit": AmountOff(units=0)})
    async with db.city(CITY) as tx:
        [answer] = await pricing.save_promotions(tx, [ask], city_id=CITY, now=now)
    assert answer.code == "promotion_unsound"


async def test_money_and_uses_are_held_spent_and_given_back(db: Database, now):
    promotion = await published(db, now, budgets=(Budget(most_units=1200), Budget(attribute="member", most_uses=1)))
    claims = [a_claim(promotion) for _ in range(3)]
    answers = await hold(db, now, *claims)
    assert [getattr(a, "code", "held") for a in answers] == ["held", "held", "budget_exhausted"]
    again = a_claim(promotion, 100, member_id=claims[0].member_id)
    assert [a.code for a in await hold(db, now, again)] == ["promotion_limit"]
    async with db.city(CITY) as tx:
        assert await pricing.confirm(tx, [claims[0].ref], city_id=CITY, now=now) == 1
        assert await pricing.release(tx, [claims[0].ref, claims[1].ref], city_id=CITY, now=now) == 1
    kept = await seen(db, promotion)
    assert (kept.held_units, kept.spent_units, kept.spent_uses) == (0, 500, 1)
    async with db.city(CITY) as tx:
        back = Back(promotion_id=promotion, ref=claims[0].ref, units=200)
        await pricing.give_back(tx, [back], city_id=CITY, now=now)
    assert (await seen(db, promotion)).spent_units == 300
    async with db.city(CITY) as tx:
        back = Back(promotion_id=promotion, ref=claims[0].ref, units=300, whole=True)
        await pricing.give_back(tx, [back], city_id=CITY, now=now)
    kept = await seen(db, promotion)
    assert (kept.spent_units, kept.spent_uses) == (0, 0)
    assert [type(a) for a in await hold(db, now, again)] == [Held]
    with pytest.raises(ValueError, match="only what is spent"):
        async with db.city(CITY) as tx:
            back = Back(promotion_id=promotion, ref=claims[1].ref, units=1)
            await pricing.give_back(tx, [back], city_id=CITY, now=now)
    assert await sound(db, "pricing")


async def test_an_order_holds_all_of_its_promotions_or_none(db: Database, now):
    rich, poor = await published(db, now), await published(db, now, budgets=(Budget(most_uses=1),))
    ref = new_id()
    assert [type(a) for a in await hold(db, now, a_claim(poor))] == [Held]
    answers = await hold(db, now, a_claim(rich, ref=ref), a_claim(poor, ref=ref), a_claim(rich))
    assert [getattr(a, "code", "held") for a in answers] == ["budget_exhausted", "budget_exhausted", "held"]
    assert (await seen(db, rich)).held_uses == 1
    assert await sound(db, "pricing")


async def test_what_hold_would_refuse_is_known_before(db: Database, now):
    promotion = await published(db, now, budgets=(Budget(most_units=700), Budget(attribute="member", most_units=600)))
    paused = await published(db, now)
    await step(db, now, pricing.pause, paused)
    asks = [
        a_claim(promotion, 600),
        a_claim(promotion, 601),
        a_claim(promotion, 701),
        a_claim(paused),
        a_claim(new_id()),
    ]
    async with db.reading() as tx:
        no = await pricing.would_hold(tx, asks, city_id=CITY, now=now)
    said = [None if r is None else r.code for r in no]
    assert said == [None, "promotion_limit", "budget_exhausted", "promotion_paused", "promotion_not_found"]
    for ask, code in zip(asks, said, strict=True):  # and hold says the same
        with suppress(Undone):
            async with db.city(CITY) as tx:
                [answer] = await pricing.hold(tx, [ask], city_id=CITY, now=now, until=now + SOON)
                assert getattr(answer, "code", None) == code
                raise Undone


async def test_a_day_ends_at_the_citys_midnight_also_when_the_clock_is_moved(db: Database, now):
    """Berlin, 25 October 2026: the day has 25 hours, from 22:00 UTC to 23:00 UTC of the next day."""
    begin = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    promotion = await published(
        db, begin, budgets=(Budget(most_uses=9), Budget(attribute="member_day", most_uses=1))
    )  # fmt: skip
    member, zone = new_id(), "Europe/Berlin"
    for hours, code in ((0, "held"), (12, "promotion_limit"), (24.9, "promotion_limit"), (25, "held")):
        at = begin + timedelta(hours=hours)
        claim = a_claim(promotion, member_id=member)
        [answer] = await hold(db, at, claim, zone=zone)
        assert getattr(answer, "code", "held") == code, hours
        async with db.city(CITY) as tx:
            await pricing.confirm(tx, [claim.ref], city_id=CITY, now=at)
    assert await sound(db, "pricing")


async def test_the_city_says_which_day_it_is(db: Database, now):
    promotion = await published(db, now, budgets=(Budget(most_uses=9), Budget(attribute="day", most_units=500)))
    answers = await hold(db, now, a_claim(promotion), a_claim(promotion))
    assert [getattr(a, "code", "held") for a in answers] == ["held", "promotion_limit"]
    async with db.reading() as tx:
        [counter] = await pricing.counters(tx, promotion, city_id=CITY, attribute="day")
    assert counter.key == "2026-11-20"


async def test_the_kill_switch_stops_use_and_claim_at_once(db: Database, now):
    promotion = await published(db, now, rule={"trigger": "coupon"})
    await step(db, now, pricing.pause, promotion)
    assert [a.code for a in await hold(db, now, a_claim(promotion))] == ["promotion_paused"]
    ask = ClaimCoupon(promotion_id=promotion, ref=new_id(), member_id=new_id())
    async with db.city(CITY) as tx:
        assert [a.code for a in await pricing.claim_coupons(tx, [ask], city_id=CITY, now=now)] == ["promotion_paused"]
    await step(db, now, pricing.resume, promotion)
    assert [type(a) for a in await hold(db, now, a_claim(promotion))] == [Held]


async def test_a_claimed_coupon_outlives_the_end_of_the_claiming(db: Database, now):
    promotion = await published(db, now, rule={"trigger": "coupon"}, use_until=now + timedelta(days=30))
    later = now + timedelta(days=11)
    ask = ClaimCoupon(promotion_id=promotion, ref=new_id(), member_id=new_id())
    async with db.city(CITY) as tx:
        assert [a.code for a in await pricing.claim_coupons(tx, [ask], city_id=CITY, now=later)] == ["promotion_over"]
    assert [type(a) for a in await hold(db, later, a_claim(promotion))] == [Held]
    assert [a.code for a in await hold(db, now + timedelta(days=30), a_claim(promotion))] == ["promotion_over"]
    await step(db, later, pricing.end, promotion)
    assert [type(a) for a in await hold(db, later, a_claim(promotion))] == [Held]
    assert await sound(db, "pricing")


async def test_what_burns_three_times_as_fast_as_forecast_is_stopped(db: Database, now):
    promotion = await published(db, now, forecast_units=500)
    async with db.city(CITY) as tx:
        assert await pricing.alarm(tx, city_id=CITY, now=now) == []
    answers = [(await hold(db, now, a_claim(promotion)))[0] for _ in range(6)]
    # More than 1500 in five minutes is too much: the fourth passes the line, and nobody after it.
    assert [getattr(a, "code", "held") for a in answers] == ["held"] * 4 + ["promotion_paused"] * 2
    ask = ClaimCoupon(promotion_id=promotion, ref=new_id(), member_id=new_id())
    async with db.city(CITY) as tx:  # nor is a coupon of it handed out, before the alarm comes round
        assert [a.code for a in await pricing.claim_coupons(tx, [ask], city_id=CITY, now=now)] == ["promotion_paused"]
        next_five = now + timedelta(minutes=5)
        assert [type(a) for a in await pricing.claim_coupons(tx, [ask], city_id=CITY, now=next_five)] == [MayClaim]
        [burnt] = await pricing.alarm(tx, city_id=CITY, now=now)
        assert (burnt.promotion_id, burnt.units, burnt.forecast_units) == (promotion, 2000, 500)
        assert await pricing.alarm(tx, city_id=CITY, now=now) == []
    kept = await seen(db, promotion)
    assert (kept.live.state, kept.stopped_why) == ("paused", "burn_alarm")
    # Whoever lets it run again after a look is not stopped for the same five minutes a second time.
    await step(db, now, pricing.resume, promotion)
    async with db.city(CITY) as tx:
        assert await pricing.alarm(tx, city_id=CITY, now=now) == []
    assert [type(a) for a in await hold(db, now + timedelta(minutes=5), a_claim(promotion))] == [Held]
    assert await sound(db, "pricing")


async def test_a_budget_may_shrink_to_what_is_used_and_no_further(db: Database, now):
    promotion = await published(db, now, budgets=(Budget(most_units=5000), Budget(attribute="member", most_uses=3)))
    member = new_id()
    await hold(db, now, *(a_claim(promotion, member_id=member) for _ in range(3)))

    async def save(version: int, *budgets: Budget):
        ask = a_promotion(now, version=version, rule={"promotion_id": promotion}, budgets=budgets)
        async with db.city(CITY) as tx:
            return (await pricing.save_promotions(tx, [ask], city_id=CITY, now=now))[0]

    assert (await save(2, Budget(most_units=1499))).facts == {"least": 1500}
    assert isinstance(await save(2, Budget(most_units=1500), Budget(attribute="member", most_uses=1)), Live)
    assert [a.code for a in await hold(db, now, a_claim(promotion))] == ["budget_exhausted"]
    assert isinstance(await save(3, Budget(most_units=9000), Budget(attribute="member", most_uses=1)), Live)
    assert [a.code for a in await hold(db, now, a_claim(promotion, member_id=member))] == ["promotion_limit"]
    assert [type(a) for a in await hold(db, now, a_claim(promotion))] == [Held]
    assert await sound(db, "pricing")


async def test_codes_are_added_once_and_taken_once(db: Database, now):
    promotion = await published(db, now, rule={"trigger": "coupon"})
    member, stranger = new_id(), new_id()
    open_code, bound = NewCode(code_id=new_id(), tail="AAAA"), NewCode(code_id=new_id(), tail="BBBB", member_id=member)
    batch = AddBatch(
        batch_id=new_id(), promotion_id=promotion, kind="imported", label="x", by=None, codes=(open_code, bound, bound)
    )
    async with db.city(CITY) as tx:
        [answers] = await pricing.add_batches(tx, [batch], city_id=CITY, now=now)
        assert [getattr(a, "code", "added") for a in answers] == ["added", "added", "coupon_code_twice"]
    asks = [
        ClaimCoupon(promotion_id=promotion, ref=new_id(), member_id=who, code_id=code)
        for who, code in (
            (stranger, bound.code_id), (member, bound.code_id), (stranger, open_code.code_id),
            (member, open_code.code_id), (member, new_id()),
        )
    ]  # fmt: skip
    async with db.city(CITY) as tx:
        got = await pricing.claim_coupons(tx, asks, city_id=CITY, now=now)
    assert [getattr(a, "code", "taken") for a in got] == [
        "coupon_code_unknown", "taken", "taken", "coupon_code_used", "coupon_code_unknown",
    ]  # fmt: skip
    async with db.city(CITY) as tx:
        await pricing.unclaim(tx, [asks[2].ref], city_id=CITY)
        assert await pricing.void_batches(tx, [batch.batch_id], city_id=CITY) == [1]
        [found] = await pricing.batches_of(tx, promotion, city_id=CITY)
    assert (found.count, found.taken, found.void) == (2, 1, 1)
    assert await sound(db, "pricing")


async def test_a_pool_gives_each_claim_its_own_code_until_it_is_empty(db: Database, now):
    promotion = await published(db, now, rule={"trigger": "coupon"})
    codes = tuple(NewCode(code_id=new_id(), tail=f"{n}", shown=f"CINEMA-{n}") for n in range(2))
    batch = AddBatch(batch_id=new_id(), promotion_id=promotion, kind="pool", label="x", by=None, codes=codes)
    asks = [ClaimCoupon(promotion_id=promotion, ref=new_id(), member_id=new_id()) for _ in range(3)]
    async with db.city(CITY) as tx:
        await pricing.add_batches(tx, [batch], city_id=CITY, now=now)
        got = await pricing.claim_coupons(tx, asks, city_id=CITY, now=now, pools=[promotion])
    assert [getattr(a, "shown", None) for a in got] == ["CINEMA-0", "CINEMA-1", None]
    assert got[2].code == "coupon_pool_empty"
    async with db.reading() as tx:
        assert await pricing.shown_codes(tx, [asks[0].ref], city_id=CITY) == {asks[0].ref: "CINEMA-0"}


async def test_live_costs_nothing_where_nothing_is_live(db: Database, now):
    from tests.db.promotions_help import counting

    async with counting(db) as count, db.reading() as tx:
        assert await pricing.live(tx, [new_id()], city_id=CITY, now=now) == []
        assert await pricing.live(tx, [new_id()], city_id=CITY, now=now) == []
    assert count() == 1
    promotion = await published(db, now)
    coupon = await published(db, now, rule={"trigger": "coupon"})
    async with db.reading() as tx:
        assert [p.promotion_id for p in await pricing.live(tx, [new_id()], city_id=CITY, now=now)] == [promotion]
    await step(db, now, pricing.pause, promotion)
    async with db.reading() as tx:
        assert await pricing.live(tx, [], city_id=CITY, now=now) == []
        assert [p.state for p in await pricing.promotions(tx, [promotion, coupon], city_id=CITY)] == ["paused", "live"]
