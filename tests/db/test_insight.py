"""Result sheets: who was new, who came back, what stayed; equal to the books, fed once, and never too early to say."""

from datetime import timedelta

import psycopg
import pytest
from msgspec import structs

from hutong import insight, orders, people, settlement, vouchers
from hutong.desk.insights import judge_deals, rebuild
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.insight import Counts, Nudge, Plan, Rate
from hutong.kit.access import Role
from hutong.kit.money import Amount
from hutong.people import AddMember, GiveRole
from hutong.vouchers import Extend, Extended, ExtensionTooShort, Reverse
from tests.conftest import audit_clean, fires
from tests.db.insight_help import a_life, a_long_lane, another, came, fed, sheet_of, visit
from tests.db.own_audit import codes
from tests.db.test_repeat_feed import SEEDS as FEED
from tests.lane import CITY, a_lane, bought, hear, refund, refund_is

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


def yuan(units: int) -> Amount:
    return Amount(units, "CNY")


async def test_a_sheet_tells_new_guests_from_regulars_and_counts_who_came_back(db: Database, now):
    """Ann is new and comes back, Bo is new and does not, Cy had paid the full price, Di had come for a deal before."""
    lane = await a_long_lane(db, now)
    full = await another(db, lane, now, price=lane.offer.list_price)
    other = await another(db, lane, now)
    ann, bo, cy, di = (new_id() for _ in range(4))
    await visit(db, full, now, cy)
    await visit(db, other, now, di)
    start = now + 2 * DAY
    for member in (ann, bo, cy, di):
        await visit(db, lane, start, member)
    await visit(db, full, start + 40 * DAY, ann)
    await visit(db, full, start + 50 * DAY, cy)
    await fed(db, start + 50 * DAY)
    found = await sheet_of(db, lane.offer, start + 61 * DAY)
    assert (found.guests, found.new, found.returned, found.regulars, found.regulars_back) == (4, 2, 1, 1, 1)
    assert [(b.days, b.rate, b.waiting) for b in found.backs] == [
        (30, Rate(0, 2), 0), (60, Rate(1, 2), 0), (90, Rate(0, 0), 2),
    ]  # fmt: skip
    assert found.verdict == "early"
    assert found.counts == Counts(sold=4, used=4)
    # 68.00 each, 8 % commission: 62.56 stay; Ann's later visit at 98.00 leaves 90.16
    assert found.money.merchant == yuan(4 * 6_256)
    assert found.money.discount == yuan(4 * 3_000)
    assert (found.later, found.later_visits) == (yuan(9_016), 1)
    assert await audit_clean(db)


async def test_a_window_counts_only_when_its_last_day_is_over(db: Database, now):
    lane, _ = await a_life(db, now, guests=3)
    await fed(db, now)
    assert (await sheet_of(db, lane.offer, now + 30 * DAY)).backs[0].rate == Rate(0, 0)
    later = (await sheet_of(db, lane.offer, now + 31 * DAY)).backs[0]
    assert (later.rate, later.waiting) == (Rate(0, 3), 0)


async def test_what_the_staff_uses_is_money_and_no_guest(db: Database, now):
    """Tao works at the shop: his uses are earned, but a shop cannot be its own crowd."""
    lane, _ = await a_life(db, now, guests=2)
    tao = new_id()
    give = GiveRole(
        grant_id=new_id(), member_id=tao, role=Role.STORE_CASHIER, by=None, city_id=CITY, merchant_id=lane.merchant,
        store_id=lane.store,
    )  # fmt: skip
    async with db.central() as tx:
        await people.add_members(
            tx, [AddMember(member_id=tao, phone="+8619900000077", name="Tao", language="en")], now=now
        )
        await people.grant(tx, [give], now=now)
    await visit(db, lane, now, tao)
    await visit(db, lane, now + 3 * DAY, tao)
    await fed(db, now)
    found = await sheet_of(db, lane.offer, now + 40 * DAY)
    assert (found.guests, found.new, found.uses, found.own) == (2, 2, 4, 2)
    assert found.backs[0].rate == Rate(0, 2)
    assert found.money.merchant == yuan(4 * 6_256)
    async with db.reading(CITY) as tx:
        (share,) = await insight.own_shares(tx, city_id=CITY, since=now.date() - DAY)
    assert (share.merchant_id, share.own, share.uses, share.earned) == (lane.merchant, 2, 4, yuan(2 * 6_256))
    assert await audit_clean(db)


async def test_what_became_of_the_units_adds_up(db: Database, now):
    lane = await a_long_lane(db, now)
    used, back, still = [(await bought(db, lane, now, member_id=new_id()))[0] for _ in range(3)]
    await came(db, lane, used, now)
    asked = await refund(db, back.order_id, now, voucher_ids=(back.voucher_id,))
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    await fed(db, now)
    found = await sheet_of(db, lane.offer, now)
    assert found.counts == Counts(sold=3, used=1, open=1, refunded=1)
    assert found.counts.sold == found.counts.used + found.counts.open + found.counts.refunded + found.counts.expired
    end = still.valid_to + DAY
    async with db.city(CITY) as tx:
        await orders.expire_vouchers(tx, city_id=CITY, now=end)
    assert (await sheet_of(db, lane.offer, end)).counts == Counts(sold=3, used=1, refunded=1, expired=1)


async def test_the_sheet_is_the_statement(db: Database, now):
    """What the sheet says is the merchant's is what the statement of the period says, undone uses left out of both."""
    lane, _ = await a_life(db, now, guests=4)
    undone = await visit(db, lane, now, new_id())
    reverse = Reverse(
        redemption_id=undone, merchant_id=lane.merchant, store_id=lane.store, by=new_id(), reason="mistake"
    )
    await db.run_city(CITY, lambda tx: settlement.reverse(tx, [reverse], city_id=CITY, now=now))
    await fed(db, now)
    found = await sheet_of(db, lane.offer, now)
    async with db.reading(CITY) as tx:
        books = await settlement.statement(
            tx, lane.merchant, city_id=CITY, asset="CNY", since=now - DAY, until=now + DAY
        )
    assert (found.money.due, found.money.commission, found.money.merchant) == (
        books.due, books.commission, books.merchant,
    )  # fmt: skip
    assert found.guests == 4
    assert await audit_clean(db)


async def test_facts_twice_late_or_all_again_make_the_same_visits(db: Database, now):
    lane, _ = await a_life(db, now)
    await fed(db, now)
    before = await sheet_of(db, lane.offer, now)
    async with db.city(CITY) as tx:
        ids = await tx.rows("select redemption_id from insight.visits where city_id = %(city)s", city=CITY)
        some = [row["redemption_id"] for row in ids]
        assert await insight.feed(tx, [*some, some[0], new_id()], city_id=CITY, now=now) == [True] * 4 + [False]
        await tx.run("delete from insight.visits where city_id = %(city)s", city=CITY)
    assert await rebuild(db, CITY, now) == 1
    assert await sheet_of(db, lane.offer, now) == before
    assert await audit_clean(db)


async def test_before_it_is_sold_a_deal_says_how_many_guests_must_come_back(db: Database, now):
    """100 units at 68.00 (62.56 after 8 %) that cost 70.00 each: 744.00 are lost; a guest at 98.00 leaves 28.00."""
    lane = await a_long_lane(db, now)
    said = Plan(offer_id=lane.offer.offer_id, merchant_id=lane.merchant, cost_units=7_000, by=new_id())
    async with db.city(CITY) as tx:
        assert await insight.plan(tx, [said, said], city_id=CITY, now=now) == [said, said]
        assert await insight.plan(tx, [said], city_id=CITY, now=now + DAY) == [said]
        rows = await tx.value("select count(*) from insight.plans where city_id = %(city)s", city=CITY)
        bad = Plan(offer_id=lane.offer.offer_id, merchant_id=lane.merchant, cost_units=-1, by=new_id())
        assert isinstance((await insight.plan(tx, [bad], city_id=CITY, now=now))[0], insight.BadPlan)
    assert rows == 1, "the same said again is no further row"
    before = (await sheet_of(db, lane.offer, now)).before
    assert (before.commission, before.yours, before.margin) == (yuan(544), yuan(6_256), yuan(-744))
    assert before.visit == yuan(2_800)
    assert (before.needed, before.needed_bps) == (27, 2_700)  # 74,400 / 2,800 = 26.6
    assert before.expected.source == "none"


async def test_verdicts_are_kept_by_a_round_and_the_worst_deal_comes_first(db: Database, now):
    lane, _ = await a_life(db, now, guests=12)
    good = await another(db, lane, now)
    friends = [new_id() for _ in range(12)]
    for member in friends:
        await visit(db, good, now, member)
    for member in friends[:6]:
        await visit(db, good, now + 3 * DAY, member)
    await fed(db, now)
    later = now + 40 * DAY
    again = await sheet_of(db, good.offer, later)
    assert (again.backs[0].rate, again.uses, again.later) == (Rate(6, 12), 18, yuan(0)), "its uses count once"
    assert await judge_deals(db, CITY, later) == 2
    assert await judge_deals(db, CITY, later) == 0, "each once a day"
    async with db.reading(CITY) as tx:
        found = await insight.worst(tx, city_id=CITY)
        assert await insight.worst(tx, city_id=CITY, after=(found[-1].rank, found[-1].offer_id)) == []
    assert [(one.offer_id, one.verdict) for one in found] == [
        (lane.offer.offer_id, "nobody"), (good.offer.offer_id, "unclear"),
    ]  # fmt: skip
    assert await audit_clean(db)


async def test_a_validity_is_lengthened_for_all_at_once_and_never_shortened(db: Database, now):
    lane = await a_lane(db, now)
    units = [(await bought(db, lane, now, member_id=new_id()))[0] for _ in range(3)]
    end = units[0].valid_to
    ask = Extend(
        extension_id=new_id(), offer_id=lane.offer.offer_id, merchant_id=lane.merchant, by=new_id(),
        ends_after=end - timedelta(seconds=1), ends_by=end, valid_to=end + 14 * DAY,
    )  # fmt: skip
    short = structs.replace(ask, extension_id=new_id(), valid_to=end - DAY)
    other = structs.replace(ask, extension_id=new_id(), merchant_id=new_id())
    async with db.city(CITY) as tx:
        done = await vouchers_extend(tx, [ask, short, other], now)
        again = await vouchers_extend(tx, [ask], now)
    assert isinstance(done[0], Extended)
    assert (done[0].count, set(done[0].holders)) == (3, {unit.member_id for unit in units})
    assert isinstance(done[1], ExtensionTooShort)
    assert isinstance(done[2], Extended)
    assert done[2].count == 0, "another merchant's vouchers are not his to lengthen"
    assert isinstance(again[0], Extended)
    assert again[0].count == 0
    await came(db, lane, units[0], end + 13 * DAY)
    assert await audit_clean(db)


async def vouchers_extend(tx, asks, now):
    return await vouchers.extend(tx, asks, city_id=CITY, now=now)


# Each: the code, and statements that break it (constraints that stand in the way are taken out first).
SEEDS: dict[str, list[str]] = {
    "IN01": ["delete from insight.visits where undone_at is null"],
    "IN02": ["update insight.visits set undone_at = null"],
    "IN03": ["update insight.visits set merchant_id = gen_random_uuid()"],
    "IN04": ["update insight.visits set due_units = due_units + 1, merchant_units = merchant_units + 1"],
    "IN05": ["update insight.visits set day = day + 1"],
    "IN06": [
        "alter table insight.sheets drop constraint sheets_guests_check",
        "update insight.sheets set new = guests + 1",
    ],
    "IN07": ["update insight.visits set due_units = due_units + 1, merchant_units = merchant_units + 1"],
    "IN08": [
        "insert into insight.nudges select city_id, gen_random_uuid(), member_id, merchant_id, offer_id, voucher_id,"
        " day, by, due_at + interval '3 days', null from insight.nudges"
    ],
    "IN09": ["update insight.nudges set offer_id = gen_random_uuid()"],
    "IN11": [
        "alter table vouchers.redemptions drop constraint if exists redemptions_own_check",
        "update vouchers.redemptions set own = true",
    ],
    "IN10": ["update insight.plans set merchant_id = gen_random_uuid()"],
    "V40": [
        "alter table vouchers.extensions drop constraint extensions_longer_check",
        "update vouchers.extensions set valid_to = was - interval '1 day'",
    ],
}


def test_every_invariant_of_insight_has_its_seed():
    assert {code for code in SEEDS if code.startswith("IN")} | set(FEED) == codes("insight")


@pytest.mark.parametrize("code", SEEDS)
async def test_every_invariant_of_insight_can_fire(db: Database, now, code: str, database_url: str):
    lane, members = await a_life(db, now, guests=2)
    undone = await visit(db, lane, now, new_id())
    reverse = Reverse(
        redemption_id=undone, merchant_id=lane.merchant, store_id=lane.store, by=new_id(), reason="mistake"
    )
    await db.run_city(CITY, lambda tx: settlement.reverse(tx, [reverse], city_id=CITY, now=now))
    unit = (await bought(db, lane, now, member_id=members[0]))[0]
    await fed(db, now)
    await judge_deals(db, CITY, now)
    async with db.city(CITY) as tx:
        said = Plan(offer_id=lane.offer.offer_id, merchant_id=lane.merchant, cost_units=1, by=new_id())
        await insight.plan(tx, [said], city_id=CITY, now=now)
        nudge = Nudge(
            nudge_id=new_id(), member_id=members[0], merchant_id=lane.merchant, offer_id=lane.offer.offer_id,
            voucher_id=unit.voucher_id, day=now.date(), by=new_id(), due_at=now,
        )  # fmt: skip
        assert await insight.nudge(tx, [nudge, nudge], city_id=CITY, now=now) == [True, True]
        ask = Extend(
            extension_id=new_id(), offer_id=lane.offer.offer_id, merchant_id=lane.merchant, by=new_id(),
            ends_after=now, ends_by=unit.valid_to, valid_to=unit.valid_to + DAY,
        )  # fmt: skip
        await vouchers_extend(tx, [ask], now)
    assert await audit_clean(db)
    with psycopg.connect(database_url, autocommit=True) as conn:
        for statement in SEEDS[code]:
            conn.execute(statement.encode())
    assert await fires(db, code), code
