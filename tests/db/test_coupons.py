"""Coupons: claimed for nothing, limited and budgeted; by code, by issue, out of a pool; valid until midnight there."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from hutong import catalog, messages, orders, pricing, vouchers
from hutong.catalog import CouponForm
from hutong.desk import buying, campaigns, coupons, telling, telling_campaigns
from hutong.infra.db import Database
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.kit.clock import ManualClock
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms, validity
from hutong.orders import Placed
from hutong.pricing import AddBatch, Budget, Claim, NewCode
from tests.conftest import audit_clean
from tests.db.coupons_help import a_campaign, a_crowd, actor, running
from tests.db.crowd import crowd
from tests.house import TestHouse, make_house

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(db: Database, clock: ManualClock):
    made = await make_house(db, clock)
    yield made
    await made.batches.close()


async def claimed(house: TestHouse, who, campaign, **more) -> str:
    try:
        done = await coupons.claim(house, house.town.city_id, who, campaign, key=str(new_id()), **more)
    except Refusal as refusal:
        return refusal.code
    assert isinstance(done, Placed)
    return done.state


async def wallet(house: TestHouse, who) -> list[vouchers.Voucher]:
    async with house.db.reading(house.town.city_id) as tx:
        return await vouchers.wallet(tx, who.member_id, city_id=house.town.city_id)


async def test_a_claim_is_one_tap_and_one_voucher(house: TestHouse):
    campaign, ann = await running(house), await actor(house, "ann")
    key = str(new_id())
    first = await coupons.claim(house, house.town.city_id, ann, campaign, key=key)
    assert first == await coupons.claim(house, house.town.city_id, ann, campaign, key=key)
    assert first.total.units == 0
    [voucher] = await wallet(house, ann)
    assert (voucher.kind, voucher.state, voucher.offer_id) == ("coupon", "valid", campaign)
    assert voucher.valid_to == datetime(2026, 11, 27, 16, 0, tzinfo=UTC)  # the midnight that ends the seventh day
    assert await claimed(house, ann, campaign) == "over_member_cap"
    assert await audit_clean(house.db)


async def test_coupons_stay_out_of_lists_and_stand_in_the_claim_centre(house: TestHouse):
    campaign, town, now = await running(house), house.town, house.clock.now()
    secret = await running(house, coupon={"form": CouponForm(claim="code")})
    store = next(iter(town.stores.values()))
    async with house.db.reading(town.city_id) as tx:
        page = await catalog.store_page(tx, store, city_id=town.city_id, now=now)
        listed = await catalog.coupons_on_offer(tx, city_id=town.city_id, now=now)
        lowest = await tx.value("select min(price_units) from catalog.listings where city_id = %(c)s", c=town.city_id)
        docs = await tx.value("select count(*) from catalog.search_docs where doc_id = %(i)s", i=campaign)
    assert page is not None
    assert campaign not in {offer.offer_id for offer in page.offers}
    assert [offer.offer_id for offer in listed] == [campaign]
    assert secret not in {offer.offer_id for offer in listed}
    assert (docs, lowest > 0) == (0, True)


async def test_fifty_members_after_the_last_coupon(house: TestHouse):
    campaign = await running(house, coupon={"total": 1})
    members = await a_crowd(house, 50)
    await crowd(house.db)
    answers = await asyncio.gather(*(claimed(house, who, campaign) for who in members))
    assert sorted(answers) == ["paid"] + ["sold_out"] * 49
    assert await audit_clean(house.db)


async def test_one_member_on_fifty_phones_takes_what_one_may(house: TestHouse):
    campaign, ann = await running(house, coupon={"terms": Terms(valid_days=7, per_member=2)}), await actor(house, "ann")
    answers = await asyncio.gather(*(claimed(house, ann, campaign) for _ in range(50)))
    assert sorted(answers) == ["over_member_cap"] * 48 + ["paid"] * 2
    assert len(await wallet(house, ann)) == 2
    assert await audit_clean(house.db)


async def test_paused_over_and_spent_campaigns_are_not_claimed(house: TestHouse):
    city, mei, ann = house.town.city_id, await actor(house, "mei"), await actor(house, "ann")
    stopped, spent = await running(house), await running(house, budgets=(Budget(most_units=1000),))
    await campaigns.step(house, city, mei, stopped, "pause")
    assert await claimed(house, ann, stopped) == "not_on_sale"
    await campaigns.step(house, city, mei, stopped, "resume")
    assert await claimed(house, ann, stopped) == "paid"
    now = house.clock.now()
    async with house.db.city(city) as tx:
        claims = [Claim(promotion_id=spent, ref=new_id(), member_id=ann.member_id, units=1000)]
        await pricing.hold(tx, claims, city_id=city, now=now, until=now)
    assert await claimed(house, ann, spent) == "budget_exhausted"
    await campaigns.step(house, city, mei, stopped, "end")
    assert await claimed(house, ann, stopped) == "not_on_sale"


async def test_the_promotion_is_asked_even_where_the_shelf_was_forgotten(house: TestHouse):
    """The template of casebook K2 was over and still on the shelf: the promotion itself says no."""
    city, ann = house.town.city_id, await actor(house, "ann")
    campaign = await running(house)
    async with house.db.city(city) as tx:
        step = pricing.PromotionStep(promotion_id=campaign, by=None)
        await pricing.pause(tx, [step], city_id=city, now=house.clock.now())
    assert await claimed(house, ann, campaign) == "promotion_paused"
    assert await claimed(house, ann, campaign) == "promotion_paused"
    assert await wallet(house, ann) == []
    assert await audit_clean(house.db)


async def test_a_code_is_claimed_once_and_guessed_ten_times(house: TestHouse):
    city, ann, bo = house.town.city_id, await actor(house, "ann"), await actor(house, "bo")
    campaign, batch_id = await running(house, coupon={"form": CouponForm(claim="code")}), new_id()
    words = [coupons.made_code(house, batch_id, n) for n in range(2)]
    codes = tuple(NewCode(code_id=coupons.code_id(house, word), tail=word[-4:]) for word in words)
    batch = AddBatch(batch_id=batch_id, promotion_id=campaign, kind="generated", label="x", by=None, codes=codes)
    async with house.db.city(city) as tx:
        await pricing.add_batches(tx, [batch], city_id=city, now=house.clock.now())

    async def typed(who, word: str, address: str = "1.2.3.4") -> str:
        try:
            done = await coupons.claim_by_code(house, city, who, word, key=str(new_id()), address=address)
        except Refusal as refusal:
            return refusal.code
        return done.state

    assert await claimed(house, ann, campaign) == "coupon_needs_code"
    assert await typed(ann, words[0].lower().replace("-", " ")) == "paid"
    assert await typed(bo, words[0], "2.2.2.2") == "coupon_code_used"
    guesses = await asyncio.gather(*(typed(bo, f"WRONG-{n}", f"9.9.9.{n}") for n in range(25)))
    assert sorted(guesses) == ["coupon_code_unknown"] * 10 + ["too_many_tries"] * 15
    assert await typed(bo, words[1]) == "too_many_tries"  # the right one, too: he has to wait
    guesses = [await typed(ann, f"W{n}", "7.7.7.7") for n in range(10)]
    assert set(guesses) == {"coupon_code_unknown"}
    lin = await actor(house, "lin")
    assert await typed(lin, "W", "7.7.7.7") == "too_many_tries"  # another member, the same address
    house.clock.move(timedelta(hours=1))
    assert await typed(bo, words[1]) == "paid"
    assert await audit_clean(house.db)


async def test_a_code_comes_free_when_its_claim_is_refused(house: TestHouse):
    city, ann = house.town.city_id, await actor(house, "ann")
    campaign = await running(house, coupon={"form": CouponForm(claim="code"), "total": 1})
    codes = tuple(NewCode(code_id=new_id(), tail=str(n)) for n in range(2))
    batch = AddBatch(batch_id=new_id(), promotion_id=campaign, kind="imported", label="x", by=None, codes=codes)
    async with house.db.city(city) as tx:
        await pricing.add_batches(tx, [batch], city_id=city, now=house.clock.now())
    [bo, cy] = await a_crowd(house, 2)
    assert await claimed(house, bo, campaign, code=codes[0].code_id) == "paid"
    assert await claimed(house, cy, campaign, code=codes[1].code_id) == "sold_out"
    assert await claimed(house, ann, campaign, code=new_id()) == "coupon_code_unknown"
    async with house.db.reading(city) as tx:
        states = await pricing.codes_taken(tx, batch.batch_id, city_id=city)
    assert states == {codes[0].code_id: "taken", codes[1].code_id: "free"}
    assert await audit_clean(house.db)


@pytest.mark.parametrize(
    ("zone", "claimed_at", "ends"),
    [
        ("Asia/Shanghai", datetime(2026, 7, 5, 15, 59, tzinfo=UTC), datetime(2026, 7, 6, 16, 0, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 24, 12, 0, tzinfo=UTC), datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 28, 12, 0, tzinfo=UTC), datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 3, 59, tzinfo=UTC), datetime(2026, 11, 2, 5, 0, tzinfo=UTC)),
    ],
)
def test_one_day_after_the_claim_ends_with_that_local_day(zone: str, claimed_at: datetime, ends: datetime):
    """Casebook K22: the end is the next local midnight, exclusive, also on days of 23 and 25 hours."""
    assert validity(Terms(valid_days=1), paid_at=claimed_at, zone=zone)[1] == ends


async def test_only_who_may_writes_a_campaign_and_only_the_operator_shares_its_cost(house: TestHouse):
    city, now = house.town.city_id, house.clock.now()
    campaign = await a_campaign(house, now)
    shared = await a_campaign(house, now, rule={"payers": (("operator", 60), ("merchant", 40))})
    for who, what, code in (
        ("bo", campaign, "not_allowed"),
        ("tao", campaign, "not_allowed"),
        ("mei", shared, "not_allowed"),
    ):
        with pytest.raises(Refusal) as no:
            await campaigns.save(house, city, await actor(house, who), what)
        assert no.value.code == code
    lin = await actor(house, "lin")
    await campaigns.save(house, city, lin, shared)
    with pytest.raises(Refusal):
        await campaigns.step(house, city, await actor(house, "mei"), shared.campaign_id, "publish")
    assert (await campaigns.step(house, city, lin, shared.campaign_id, "publish")).state == "live"
    with pytest.raises(Refusal) as no:
        await campaigns.mine(house, city, await actor(house, "bo"), shared.campaign_id)
    assert no.value.code == "promotion_not_found"


async def test_a_published_campaign_changes_in_budget_stock_and_end_only(house: TestHouse):
    city, mei, now = house.town.city_id, await actor(house, "mei"), house.clock.now()
    campaign = await running(house)
    here = await campaigns.mine(house, city, mei, campaign)
    again = {
        "rule": {"promotion_id": campaign},
        "version": here.kept.live.version,
        "starts_at": here.kept.live.starts_at,
    }
    more = await a_campaign(house, now, budgets=(Budget(most_units=5),), coupon={"total": 7}, **again)
    await campaigns.save(house, city, mei, more)
    here = await campaigns.mine(house, city, mei, campaign)
    assert (here.total, here.kept.in_all.most_units, here.kept.live.state) == (7, 5, "live")
    other = {**again, "version": here.kept.live.version, "rule": {"promotion_id": campaign, "payers": (("brand", 1),)}}
    with pytest.raises(Refusal) as no:
        await campaigns.save(house, city, await actor(house, "lin"), await a_campaign(house, now, **other))
    assert no.value.code == "promotion_stands"


async def test_the_alarm_takes_the_coupon_off_the_shelf(house: TestHouse):
    city, ann, now = house.town.city_id, await actor(house, "ann"), house.clock.now()
    campaign = await running(house, forecast_units=1000)
    async with house.db.city(city) as tx:
        for _ in range(5):
            claims = [Claim(promotion_id=campaign, ref=new_id(), member_id=new_id(), units=1000)]
            await pricing.hold(tx, claims, city_id=city, now=now, until=now)
    [burnt] = await campaigns.watch(house, city, now)
    assert burnt.units == 4000
    async with house.db.reading(city) as tx:
        [offer] = await catalog.offers(tx, [campaign], city_id=city)
    assert offer is not None
    assert offer.status == "paused"
    assert await claimed(house, ann, campaign) == "not_on_sale"


async def test_claims_do_not_flood_the_lists_of_orders(house: TestHouse):
    campaign, ann = await running(house), await actor(house, "ann")
    assert await claimed(house, ann, campaign) == "paid"
    async with house.db.reading(house.town.city_id) as tx:
        assert await orders.of_member(tx, ann.member_id, city_id=house.town.city_id) == []
        assert await orders.of_merchant(tx, [house.town.noodle_bar], city_id=house.town.city_id) == []


async def test_a_claim_is_no_receipt_and_a_stopped_campaign_is_told_to_its_shop(house: TestHouse):
    city, now = house.town.city_id, house.clock.now()
    campaign, ann, mei = await running(house, forecast_units=100), await actor(house, "ann"), await actor(house, "mei")
    assert await claimed(house, ann, campaign) == "paid"
    async with house.db.city(city) as tx:
        claims = [Claim(promotion_id=campaign, ref=new_id(), member_id=new_id(), units=1000)]
        await pricing.hold(tx, claims, city_id=city, now=now, until=now)
    await campaigns.watch(house, city, now)
    async with house.db.reading(city) as tx:
        facts = await tx.rows("select * from infra.facts where city_id = %(c)s order by at, fact_id", c=city)
    for row in facts:
        fact = Fact(**{name: row[name] for name in ("fact_id", "city_id", "topic", "subject", "payload", "at")})
        for errand in (telling.errand(house), telling_campaigns.errand(house)):
            if fact.topic in errand.topics:
                await errand.do(house.db, fact, city_id=city, now=now)
    async with house.db.central() as tx:
        assert await messages.inbox_of(tx, ann.member_id) == []
        [line] = await messages.inbox_of(tx, mei.member_id)
    assert line.kind == "campaign_stopped"


async def test_a_template_that_ends_between_claim_and_pay_is_told_and_never_charged_silently(house: TestHouse):
    """Claimed, seen with its discount, then stopped: the member hears the new price; resumed, the coupon holds."""
    city, ann, mei = house.town.city_id, await actor(house, "ann"), await actor(house, "mei")
    campaign = await running(house)
    assert await claimed(house, ann, campaign) == "paid"
    [coupon] = await wallet(house, ann)
    wants = [orders.Wanted(house.town.offers["two-bowls"], 1)]

    async def order() -> str:
        try:
            await buying.place(
                house, city, ann, wants, key=str(new_id()), expect=Amount(5_800, "CNY"), coupons=[coupon.voucher_id]
            )
        except Refusal as refusal:
            return f"{refusal.code} {refusal.facts.get('total', '')}".strip()
        return "placed"

    await campaigns.step(house, city, mei, campaign, "pause")
    assert await order() == "price_changed ¥68"
    await campaigns.step(house, city, mei, campaign, "resume")
    assert await order() == "placed"
    await campaigns.step(house, city, mei, campaign, "end")
    [again] = await wallet(house, ann)
    assert again.held_for == "order"  # what open orders hold is theirs
    assert await audit_clean(house.db)
