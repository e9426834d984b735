"""Points in the bill's own transaction: earned, used, given back, taken back."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from hutong import people, programmes, till
from hutong.catalog import GiftCard
from hutong.infra.db import Database
from hutong.kit.access import EVERYTHING
from hutong.kit.refusals import Refusal
from hutong.ledger import chart
from hutong.people import Present, badge_text
from hutong.people.badges import proof_of
from hutong.programmes import Rate
from hutong.till import Bill, Guest, Undone, Void
from hutong.till.operations._rows import CLAIM
from tests.catalog_town import yuan
from tests.conftest import audit_clean, fires
from tests.db.crowd import crowd
from tests.db.guard_off import bare
from tests.lane import CITY, a_lane, account
from tests.points_help import a_member, a_shop, badge_of, matured, shows, wallet_of
from tests.till_help import TAO, a_bill, a_coupon, a_holder, an_offer, settle, settled, shown, undo_bill

pytestmark = pytest.mark.anyio


async def test_a_bill_with_nothing_but_a_member_earns(db: Database, now):
    """88.50 in money give 88 points, at once in the bill, and they are there for the next one."""
    lane = await a_lane(db, now)
    alliance = await a_shop(db, lane, now)
    ann = await a_member(db, now=now)
    bill = await settled(db, a_bill(lane, 8_850, (), guest=await shows(db, lane, ann, now)), now)
    assert (bill.way, bill.member_id, bill.holder, bill.collect) == ("code", ann, "A** L**", yuan(8_850))
    assert bill.earned is not None
    assert (bill.earned.points, bill.earned.why) == (88, None)
    await matured(alliance, now)
    assert (await wallet_of(alliance, ann, now)).available == 88
    assert await audit_clean(db)


async def test_coupon_card_points_and_the_rest_are_the_bill_exactly(db: Database, now):
    """A bill of 88: 10 off, 30 of a gift card, 0.40 of points, 47.60 collected; which earn 47."""
    lane = await a_lane(db, now)
    alliance = await a_shop(db, lane, now)
    ann = await a_member(db, now=now)
    await settled(db, a_bill(lane, 4_000, (), guest=await shows(db, lane, ann, now)), now)
    await matured(alliance, now)
    coupon = await a_coupon(db, lane, now, member=ann)
    card = await a_holder(db, lane, await an_offer(db, lane, now, GiftCard(), 3_000), now, member=ann)
    later = now + timedelta(seconds=30)
    on_table = await shown(db, lane, later, coupon, card)
    guest = await shows(db, lane, ann, later)
    bill = await settled(db, a_bill(lane, 8_800, on_table, guest=guest, points=40), later)
    parts = (bill.discounted, bill.paid, bill.points_off, bill.collect)
    assert parts == (yuan(1_000), yuan(3_000), yuan(40), yuan(4_760))
    assert bill.amount == sum(parts[1:], parts[0])
    assert bill.earned is not None
    assert bill.earned.points == 47
    await matured(alliance, later)
    assert (await wallet_of(alliance, ann, later)).available == 47
    assert await audit_clean(db)
    assert isinstance(await undo_bill(db, bill, later), Undone)
    wallet = await wallet_of(alliance, ann, later)
    assert (wallet.available, wallet.debt) == (40, 0)
    (after,) = (await _bills(db, bill)).values()
    assert (after.points_back, after.clawed, after.debt) == (40, 47, 0)
    assert await audit_clean(db)


async def _bills(db: Database, bill: Bill) -> dict:
    async with db.reading(CITY) as tx:
        return await till.by_ids(tx, EVERYTHING, [bill.bill_id], city_id=CITY)


async def test_points_never_take_off_more_than_the_bill(db: Database, now):
    lane = await a_lane(db, now)
    alliance = await a_shop(db, lane, now)
    ann = await a_member(db, now=now)
    await settled(db, a_bill(lane, 100_000, (), guest=await shows(db, lane, ann, now)), now)
    await matured(alliance, now)
    later = now + timedelta(minutes=1)
    bill = await settled(db, a_bill(lane, 300, (), guest=await shows(db, lane, ann, later), points=1_000), later)
    assert (bill.points, bill.points_off, bill.collect, bill.earned) == (300, yuan(300), yuan(0), None)
    assert (await wallet_of(alliance, ann, later)).available == 700
    assert await audit_clean(db)


async def test_a_number_alone_never_uses_points(db: Database, now):
    lane = await a_lane(db, now)
    await a_shop(db, lane, now)
    ann = await a_member(db, now=now)
    (no,) = await settle(db, [a_bill(lane, 900, (), guest=Guest(way="phone", member_id=ann), points=1)], now)
    assert getattr(no, "code", "") == "points_need_code"
    assert await audit_clean(db)


async def test_a_number_of_nobody_and_of_a_member_get_the_same_answer(db: Database, now):
    """Privacy: the bill of a stranger's number looks like that of a member's; the points follow by the relay."""
    lane = await a_lane(db, now)
    alliance = await a_shop(db, lane, now)
    ann = await a_member(db, now=now)
    said = []
    for member in (ann, None):
        ask = a_bill(lane, 8_800, (), guest=Guest(way="phone", member_id=member))
        counted: list[str] = []
        bill = await _counting(db, ask, now, counted)
        said.append((bill.holder, bill.earned, bill.collect, bill.way, counted))
        if member:
            done = await db.run_city(CITY, lambda tx, b=bill: till.earn_due(tx, [b.bill_id], city_id=CITY, now=now))
            again = await db.run_city(CITY, lambda tx, b=bill: till.earn_due(tx, [b.bill_id], city_id=CITY, now=now))
            assert (done, again) == (1, 0)
    assert said[0] == said[1]
    await matured(alliance, now)
    assert (await wallet_of(alliance, ann, now)).available == 88
    assert await audit_clean(db)


async def _counting(db: Database, ask, now, counted: list[str]) -> Bill:
    async def work(tx):
        run = tx.rows

        async def rows(sql, **given):
            counted.append(sql)
            return await run(sql, **given)

        tx.rows = rows
        (bill,) = await till.settle(tx, [ask], city_id=CITY, now=now)
        return bill

    bill = await db.run_city(CITY, work)
    assert isinstance(bill, Bill), bill
    return bill


async def test_a_code_is_for_one_bill(db: Database, now):
    """The proof of a scan dies with the bill; a screenshot a minute later is old; the next code is another one."""
    lane = await a_lane(db, now)
    await a_shop(db, lane, now)
    ann = await a_member(db, now=now)
    guest = await shows(db, lane, ann, now)
    text = badge_text(await badge_of(db, ann, now), now)
    await settled(db, a_bill(lane, 900, (), guest=guest), now)
    (no,) = await settle(db, [a_bill(lane, 900, (), guest=guest)], now)
    assert getattr(no, "code", "") == "member_code_used"

    async def look(at) -> str:
        ask = Present(presented=text, store_id=lane.store, staff_id=TAO)
        async with db.reading(CITY) as tx:
            (found,) = await people.present_badges(tx, [ask], now=at)
        return getattr(found, "code", "good")

    assert await look(now) == "member_code_used"
    other = await a_member(db, "Bo", "+8613800138002", now=now)
    text = badge_text(await badge_of(db, other, now), now)
    assert await look(now) == "good"
    assert await look(now + timedelta(seconds=90)) == "member_code_old"
    assert await look(now + timedelta(hours=3)) == "member_code_unknown"
    await settled(db, a_bill(lane, 900, (), guest=await shows(db, lane, ann, now)), now)  # the next code, already shown
    assert await audit_clean(db)


async def test_a_proof_is_good_at_its_own_counter_only(db: Database, now):
    lane = await a_lane(db, now)
    await a_shop(db, lane, now)
    ann = await a_member(db, now=now)
    guest = await shows(db, lane, ann, now)
    (no,) = await settle(db, [a_bill(lane, 900, (), guest=guest, store_id=lane.other_store)], now)
    assert getattr(no, "code", "") == "member_code_unknown"
    (no,) = await settle(db, [a_bill(lane, 900, (), guest=guest)], now + timedelta(minutes=11))
    assert getattr(no, "code", "") == "member_code_unknown"


async def test_a_partner_at_zero_mid_purchase_gives_no_points_and_the_bill_stands(db: Database, now):
    """The block holds 50 points: the first bill takes 40 of them, the second wants 40 and gets none, and says so."""
    lane = await a_lane(db, now)
    alliance = await a_shop(db, lane, now, block=50)
    ann = await a_member(db, now=now)
    bills = []
    for n in range(2):
        at = now + timedelta(minutes=n)
        bills.append(await settled(db, a_bill(lane, 4_000, (), guest=await shows(db, lane, ann, at)), at))
    first, second = bills
    assert first.earned.points == 40
    assert (second.earned.points, second.earned.why, second.collect) == (0, "funding_exhausted", yuan(4_000))
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 0
    await matured(alliance, now + timedelta(minutes=2))
    assert (await wallet_of(alliance, ann, now)).available == 40
    assert await audit_clean(db)


async def test_a_bill_that_is_undone_after_its_points_were_spent_leaves_a_debt(db: Database, now):
    """Buy, earn, spend elsewhere, void the purchase: what is gone is owed, and the next points pay it."""
    lane = await a_lane(db, now)
    alliance = await a_shop(db, lane, now)
    ann = await a_member(db, now=now)
    first = await settled(db, a_bill(lane, 10_000, (), guest=await shows(db, lane, ann, now)), now)
    await matured(alliance, now)
    later = now + timedelta(minutes=1)
    await settled(db, a_bill(lane, 70, (), guest=await shows(db, lane, ann, later), points=70), later)
    assert isinstance(await undo_bill(db, first, later), Undone)
    wallet = await wallet_of(alliance, ann, later)
    assert (wallet.available, wallet.debt) == (0, 70)
    (after,) = (await _bills(db, first)).values()
    assert (after.clawed, after.debt) == (100, 70)
    assert await audit_clean(db)
    latest = later + timedelta(minutes=1)
    await settled(db, a_bill(lane, 10_000, (), guest=await shows(db, lane, ann, latest)), latest)
    await matured(alliance, latest)
    wallet = await wallet_of(alliance, ann, latest)
    assert (wallet.available, wallet.debt) == (30, 0)
    assert await audit_clean(db)


async def test_fifty_bills_spend_one_wallet_once(db: Database, now):
    """K4: 100 points, fifty bills that want 30 of them at the same moment, each with a newer code than the one before:
    three of them at most, and never a point that is not there."""
    await crowd(db)
    lane = await a_lane(db, now)
    alliance = await a_shop(db, lane, now)
    ann = await a_member(db, now=now)
    await settled(db, a_bill(lane, 10_000, (), guest=await shows(db, lane, ann, now)), now)
    await matured(alliance, now)
    badge, until = await badge_of(db, ann, now), now + timedelta(minutes=5)
    guests = [
        Guest(
            way="code", member_id=ann,
            proof=proof_of(badge, store_id=lane.store, staff_id=TAO, step=badge.last_step + n, until=until),
        )
        for n in range(1, 51)
    ]  # fmt: skip
    asks = [a_bill(lane, 30, (), guest=guest, points=30) for guest in guests]
    answers = await asyncio.gather(*(settle_alone(db, ask, now) for ask in asks))
    done = [one for one in answers if isinstance(one, Bill)]
    assert 1 <= len(done) <= 3
    assert {one.code for one in answers if isinstance(one, Refusal)} <= {"member_code_used", "points_short"}
    wallet = await wallet_of(alliance, ann, now)
    assert (wallet.available, wallet.held, wallet.debt) == (100 - 30 * len(done), 0, 0)
    assert await audit_clean(db)


async def test_a_bill_and_a_gift_at_the_same_moment_share_a_wallet(db: Database, now):
    """Ann has a hundred points. The bill at the counter has looked into her wallet for its forty when her phone
    asks for a gift of forty: the gift waits and sees sixty."""
    alliance, ann, ask = await a_hurry(db, now)
    async with db.city(CITY) as tx:
        (bill,) = await till.settle(tx, [ask], city_id=CITY, now=now)
        gift = asyncio.create_task(alliance.burns(ann, "noodle-bar", 40, now=now))
        await asyncio.sleep(0)
    assert isinstance(bill, Bill), bill
    assert isinstance(await gift, programmes.Burned)
    assert (await wallet_of(alliance, ann, now)).available == 20
    assert await audit_clean(db)


async def test_control_without_the_wallets_lock_both_spend_the_same_points(db: Database, now):
    """The same with the lock off: the wallet says sixty when the books say twenty."""
    alliance, ann, ask = await a_hurry(db, now)
    async with bare(db, CITY, after="l.rest > 0", pause=lambda: alliance.burns(ann, "noodle-bar", 40, now=now)) as tx:
        (bill,) = await till.settle(tx, [ask], city_id=CITY, now=now)
    assert isinstance(bill, Bill), bill
    assert (await wallet_of(alliance, ann, now)).available == 60
    for code in ("PG01", "PG04", "PG05"):
        assert await fires(db, code), code


async def a_hurry(db: Database, now):
    """Ann with a hundred points, and a bill that is about to take forty of them."""
    lane = await a_lane(db, now)
    alliance = await a_shop(db, lane, now)
    ann = await a_member(db, now=now)
    await settled(db, a_bill(lane, 10_000, (), guest=await shows(db, lane, ann, now)), now)
    await matured(alliance, now)
    later = now + timedelta(seconds=30)
    return alliance, ann, a_bill(lane, 40, (), points=40, guest=await shows(db, lane, ann, later))


async def test_a_bill_that_is_uploaded_late_earns_by_the_rate_of_its_own_hour(db: Database, now):
    """The shop gave two points a yuan when Ann paid, and gives one now that the till has found the network again."""
    lane = await a_lane(db, now)
    alliance = await a_shop(db, lane, now)
    ann, versions = await a_member(db, now=now), []
    for at, rate in ((now, Rate(points=2)), (now + timedelta(hours=2), Rate())):
        ask = replace(alliance.versions["noodle-bar"], rate=rate, version=1 + len(versions))
        versions += await alliance.run(
            lambda tx, c=ask, at=at: programmes.change_partners(tx, [c], by=None, reason="rate", now=at)
        )
    assert [one.version for one in versions] == [2, 3]
    later, bills = now + timedelta(hours=3), []
    for hour in (1, 2):
        ask = a_bill(
            lane, 5_000, (), guest=Guest(way="phone", member_id=ann), source="upload",
            bought_at=now + timedelta(hours=hour),
        )  # fmt: skip
        bills.append(await settled(db, ask, later))
    ids = [bill.bill_id for bill in bills]
    assert await db.run_city(CITY, lambda tx: till.earn_due(tx, ids, city_id=CITY, now=later)) == 2
    async with db.reading(CITY) as tx:
        stand = await till.by_ids(tx, EVERYTHING, ids, city_id=CITY)
    rule = f"{alliance.programme_id}/1"
    earned = [stand[bill_id].earned for bill_id in ids]
    assert [(one.points, one.rule) for one in earned if one] == [(100, f"{rule}+2"), (50, f"{rule}+3")]
    assert await audit_clean(db)


async def settle_alone(db: Database, ask, now):
    try:
        (answer,) = await settle(db, [ask], now)
    except Refusal as refusal:
        return refusal
    return answer


async def void_of(db: Database, lane, event: str, now) -> None:
    """The till's word that the bill of this event is void."""
    ask = Void(event_id=event, merchant_id=lane.merchant, store_id=lane.store, by=TAO, reason="void")
    await db.run_city(CITY, lambda tx: till.void(tx, [ask], city_id=CITY, now=now))


async def test_control_without_the_claim_a_bill_and_its_void_both_stand(db: Database, now):
    """The bill looks for a void before the void is there; the void looks for a bill before that is there."""
    lane = await a_lane(db, now)
    ask = a_bill(lane, 900, (), guest=Guest(way="phone"), event_id="both")
    how = {"after": "from till.voids", "pause": lambda: void_of(db, lane, "both", now), "swaps": {CLAIM: "select 1"}}
    async with bare(db, CITY, **how) as tx:
        (bill,) = await till.settle(tx, [ask], city_id=CITY, now=now)
    assert isinstance(bill, Bill)
    assert await fires(db, "B17")


async def test_the_claim_makes_a_void_wait_for_its_bill(db: Database, now):
    """The same with the guard: the void comes second, sees the bill, and takes it back."""
    lane = await a_lane(db, now)
    ask = a_bill(lane, 900, (), guest=Guest(way="phone"), event_id="both")
    async with db.city(CITY) as tx:
        (bill,) = await till.settle(tx, [ask], city_id=CITY, now=now)
        waits = asyncio.create_task(void_of(db, lane, "both", now))
        await asyncio.sleep(0)
    await waits
    assert isinstance(bill, Bill)
    assert (await _bills(db, bill))[bill.bill_id].undone_at is not None
    assert await audit_clean(db)
