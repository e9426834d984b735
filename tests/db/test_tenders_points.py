"""Points pay a part of online orders and gifts: held with the order, burnt with its payment, back with its units."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from hutong import orders, programmes
from hutong.catalog import Offer
from hutong.infra.db import Database
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders import Cancel, Pay, Placed, Plan, PointsPrice, Wanted
from hutong.programmes import Partner
from hutong.schemes.deals import Deals
from tests.conftest import audit_clean, fires
from tests.db.breaking import break_it
from tests.db.crowd import crowd
from tests.db.own_audit import sound
from tests.lane import (
    CITY,
    HOLD,
    SCHEMES,
    Lane,
    a_lane,
    a_place,
    a_redeem,
    account,
    captured,
    hear,
    place,
    redeem,
    refund,
    refund_is,
    state_of,
    units,
)
from tests.programmes_help import Alliance, an_alliance
from tests.savings_help import a_coupon, a_rule
from tests.tender_help import has, pay, quoted, stored, tenders, wide_card, yuan

pytestmark = pytest.mark.anyio
FEN = 6_800
# Of gifts that no mall knows of: all but the mall's own audit, which says that every gift is an exchange of it.
PACKAGES = ("orders", "vouchers", "ledger", "programmes", "settlement", "payments", "inventory")


async def an_ally(db: Database, lane: Lane, now: datetime, points: int, **terms: Any) -> tuple[Alliance, UUID]:
    """Noodle Bar takes the grains of an alliance (and is paid 80 % of their face); Ann has so many from elsewhere."""
    alliance = await an_alliance(db, pending_days=0, redemption_bps=8_000)
    await alliance.join("tea", blocks=1_000_000)
    ally = Partner(
        programme_id=alliance.programme_id, partner_id=lane.merchant, name=Text.both("Noodle Bar"), home_city=CITY,
        mode="prepaid", joined_at=now, **terms,
    )  # fmt: skip
    async with db.city(CITY) as tx:
        [joined] = await programmes.join_partners(tx, [ally], by=None, now=now)
    assert isinstance(joined, Partner), joined
    return alliance, await alliance.rich(points, now)


def grains(alliance: Alliance, points: int | None = None) -> Pay:
    return Pay(kind="points", id=alliance.programme_id, most=points)


async def wallet(alliance: Alliance, ann: UUID, now: datetime) -> tuple[int, int]:
    found = await alliance.wallet(ann, now)
    return found.available, found.held


async def test_points_are_held_burnt_and_given_back_unit_by_unit(db: Database, now):
    lane = await a_lane(db, now)
    alliance, ann = await an_ally(db, lane, now, 1_000)
    ask = a_place(lane, 3, member_id=ann, tenders=(grains(alliance, 1_000),), expect=yuan(3 * FEN - 1_000))
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed), placed
    assert await wallet(alliance, ann, now) == (0, 1_000)
    assert await audit_clean(db)
    await hear(db, [captured(placed)], now)
    assert await wallet(alliance, ann, now) == (0, 0)
    # 10.00 of the price were points: the shop gets 8.00 for them, the programme keeps 2.00.
    assert await account(db, f"escrow/{lane.merchant}") == 3 * FEN - 200
    assert await audit_clean(db)
    back = 0
    for unit in await units(db, ask.order_id):
        asked = await refund(db, ask.order_id, now, voucher_ids=(unit.voucher_id,))
        await hear(db, [refund_is(asked.refund_id, "done", asked.amount - asked.tendered)], now)
        back += asked.tendered.units
        assert (await wallet(alliance, ann, now))[0] == back
        assert await audit_clean(db)
    assert (back, await state_of(db, ask.order_id)) == (1_000, "refunded")
    assert await account(db, f"escrow/{lane.merchant}") == 0


async def test_cancelled_orders_free_their_points(db: Database, now):
    lane = await a_lane(db, now)
    alliance, ann = await an_ally(db, lane, now, 1_000)
    ask = a_place(lane, 1, member_id=ann, tenders=(grains(alliance, 600),))
    await place(db, [ask], now)
    assert await wallet(alliance, ann, now) == (400, 600)
    undo = [Cancel(order_id=ask.order_id, by=ann, reason="member")]
    await db.run_city(CITY, lambda tx: orders.cancel(tx, undo, city_id=CITY, now=now))
    assert await wallet(alliance, ann, now) == (1_000, 0)
    assert [row["state"] for row in await tenders(db, ask.order_id)] == ["released"]
    assert await audit_clean(db)


async def test_coupon_points_and_card_together_in_any_order(db: Database, now):
    lane = await a_lane(db, now)
    alliance, ann = await an_ally(db, lane, now, 5_000)
    rule = await a_rule(db, now, lane=lane)
    seen = set()
    for turn in (1, -1):
        coupon, card = await a_coupon(db, now, lane, rule, ann), await wide_card(db, lane, now, ann, 3_000)
        pays = (grains(alliance, 2_000), *pay(card))[::turn]
        ask = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,), tenders=pays)
        [placed] = await place(db, [ask], now)
        assert isinstance(placed, Placed), placed
        seen.add((placed.total.units, tuple(row["units"] for row in await tenders(db, ask.order_id))))
        await hear(db, [captured(placed)], now)
        [unit] = await units(db, ask.order_id)
        # 68.00 less 10.00 by coupon (6.00 of it borne by the platform); 20.00 in grains bring 16.00.
        assert (unit.paid_units, unit.due_units) == (5_800, 5_800 + 600 - 400)
        asked = await refund(db, ask.order_id, now)
        assert (asked.amount, asked.tendered) == (yuan(5_800), yuan(5_000))
        await hear(db, [refund_is(asked.refund_id, "done", asked.amount - asked.tendered)], now)
        assert await wallet(alliance, ann, now) == (5_000, 0)
        assert await has(db, card) == (3_000, 3_000, "valid")
        assert await audit_clean(db)
    assert seen == {(800, (3_000, 2_000))}


async def test_points_that_are_gone_since_the_quote_are_told_and_nothing_is_charged(db: Database, now):
    lane = await a_lane(db, now)
    alliance, ann = await an_ally(db, lane, now, 1_000)
    told = await quoted(db, lane, now, ann, tenders=(grains(alliance, 800),))
    assert told.to_pay == yuan(FEN - 800)
    [mine] = told.pays
    assert (mine.points, mine.most, mine.balance_points) == (800, 1_000, 1_000)
    await alliance.burns(ann, "tea", 700, now=now)
    [refused] = await place(
        db, [a_place(lane, 1, member_id=ann, tenders=told.tenders, expect=told.to_pay)], now
    )  # fmt: skip
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.facts["total"]) == ("price_changed", "¥65")
    assert await wallet(alliance, ann, now) == (300, 0)


async def test_a_shop_that_takes_no_points_refuses_them(db: Database, now):
    lane = await a_lane(db, now)
    alliance, ann = await an_ally(db, lane, now, 1_000, redeems=False)
    [refused] = await place(db, [a_place(lane, 1, member_id=ann, tenders=(grains(alliance),))], now)
    assert isinstance(refused, Refusal)
    assert refused.code == "no_tender_here"
    assert (await quoted(db, lane, now, ann, tenders=())).pays == ()


async def sound_without_a_mall(db: Database) -> bool:
    return all([await sound(db, package) for package in PACKAGES])


class Mall(Deals):
    """Deals of which each unit costs points, too: what the gift scheme plans."""

    def __init__(self, alliance: Alliance, points: int, worth: int) -> None:
        self.price = PointsPrice(programme_id=alliance.programme_id, points=points, worth_units=worth)

    def plan(self, offer: Offer, wanted: Wanted, *, line_no: int, now: datetime) -> Plan | Refusal:
        plan = super().plan(offer, wanted, line_no=line_no, now=now)
        return plan if isinstance(plan, Refusal) else replace(plan, promise=replace(plan.promise, points=self.price))


async def exchange(db: Database, ask: orders.Place, now: datetime, mall: Mall) -> Any:
    schemes = {**SCHEMES, "deals": mall}
    return (
        await db.run_city(
            CITY, lambda tx: orders.place(tx, [ask], city_id=CITY, now=now, schemes=schemes, hold_for=HOLD)
        )
    )[0]


async def test_a_gift_for_points_alone_is_paid_at_once_and_pays_its_supplier(db: Database, now):
    lane = await a_lane(db, now, price=yuan(0))
    alliance, ann = await an_ally(db, lane, now, 2_000)
    mall = Mall(alliance, 700, 650)
    placed = await exchange(db, a_place(lane, 2, member_id=ann), now, mall)
    assert (placed.state, placed.total) == ("paid", yuan(0))
    assert await wallet(alliance, ann, now) == (600, 0)
    assert await account(db, f"escrow/{lane.merchant}") == 1_300
    assert await sound_without_a_mall(db)
    short = await exchange(db, a_place(lane, 1, member_id=ann), now, mall)
    assert short.code == "points_short"
    one, two = await units(db, placed.order_id)
    await redeem(db, [a_redeem(lane, one, now)], now)
    asked = await refund(db, placed.order_id, now, voucher_ids=(two.voucher_id,))
    assert asked.amount == yuan(0)
    assert await wallet(alliance, ann, now) == (1_300, 0)
    assert await account(db, f"escrow/{lane.merchant}") == 0
    assert await sound_without_a_mall(db)


async def test_a_gift_for_points_and_cash_waits_for_its_cash(db: Database, now):
    lane = await a_lane(db, now, price=yuan(990))
    alliance, ann = await an_ally(db, lane, now, 2_000)
    mall, card = Mall(alliance, 500, 400), await wide_card(db, lane, now, ann, 500)
    ask = a_place(lane, 2, member_id=ann, tenders=pay(card))
    placed = await exchange(db, ask, now, mall)
    assert (placed.state, placed.total) == ("placed", yuan(1_480))
    assert await wallet(alliance, ann, now) == (1_000, 1_000)
    await hear(db, [captured(placed)], now)
    assert {unit.due_units for unit in await units(db, ask.order_id)} == {1_390}
    assert await sound_without_a_mall(db)
    asked = await refund(db, ask.order_id, now)
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount - asked.tendered)], now)
    assert await wallet(alliance, ann, now) == (2_000, 0)
    assert await has(db, card) == (500, 500, "valid")
    assert await sound_without_a_mall(db)


async def test_one_wallet_in_five_orders_at_once_is_spent_once(db: Database, now):
    await crowd(db)
    lane = await a_lane(db, now)
    alliance, ann = await an_ally(db, lane, now, 1_000)
    asks = [a_place(lane, 1, member_id=ann, tenders=(grains(alliance, 400),), expect=yuan(FEN - 400)) for _ in range(5)]
    answers = [one for found in await asyncio.gather(*(place(db, [ask], now) for ask in asks)) for one in found]
    stand = [one for one in answers if isinstance(one, Placed)]
    assert len(stand) == 2
    assert {one.code for one in answers if not isinstance(one, Placed)} <= {"points_short", "price_changed"}
    assert await wallet(alliance, ann, now) == (200, 800)
    await hear(db, [captured(one) for one in stand], now)
    assert await wallet(alliance, ann, now) == (200, 0)
    assert await audit_clean(db)


BREAK = (
    ("O57", "update orders.tenders set points = points + 1 where kind = 'points'"),
    ("O57", "update programmes.movements set state = 'released' where kind = 'burn' and state = 'done'"),
    ("O53", "update orders.tenders set back_points = back_points - 1 where back_points > 0"),
)


@pytest.mark.parametrize(("code", "step"), BREAK)
async def test_what_points_paid_is_what_the_programme_burnt(db: Database, database_url: str, now, code: str, step: str):
    lane = await a_lane(db, now)
    alliance, ann = await an_ally(db, lane, now, 1_000)
    ask = a_place(lane, 3, member_id=ann, tenders=(grains(alliance, 1_000),))
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed), placed
    await hear(db, [captured(placed)], now)
    first = (await units(db, ask.order_id))[0]
    asked = await refund(db, ask.order_id, now, voucher_ids=(first.voucher_id,))
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount - asked.tendered)], now)
    assert await audit_clean(db)
    break_it(database_url, [step])
    assert await fires(db, code)


async def test_what_points_and_bonuses_paid_is_told_to_who_gives_points(db: Database, now):
    lane = await a_lane(db, now)
    alliance, ann = await an_ally(db, lane, now, 1_000)
    card = await stored(db, lane, now, ann, 2_000, bonus=500)
    ask = a_place(lane, 1, member_id=ann, tenders=(grains(alliance, 300), *pay(card)))
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed), placed
    await hear(db, [captured(placed)], now)
    plain = a_place(lane, 1, member_id=ann)
    [other] = await place(db, [plain], now)
    await hear(db, [captured(other)], now)
    [unit], [whole] = await units(db, ask.order_id), await units(db, plain.order_id)
    async with db.reading(CITY) as tx:
        told = await orders.paid_without_money(tx, [unit.voucher_id, whole.voucher_id], city_id=CITY)
    assert told == {unit.voucher_id: 300 + 500}
