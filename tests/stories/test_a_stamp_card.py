"""Buy five and the sixth is ours: stamps, the reward that a full card becomes, and the undo that takes it back."""

import pytest
from msgspec.structs import replace

from hutong import orders, pricing
from hutong.catalog import CouponForm, Stamp
from hutong.desk import rewards, shelf
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Grant, Role
from hutong.kit.clock import ManualClock
from hutong.kit.refusals import BadInput
from hutong.orders.model import line_id, voucher_id
from hutong.till import Bill, Undone, reward_order
from hutong.vouchers import Voucher
from tests.api.house import make_house
from tests.catalog_town import a_draft, a_merchant, a_store, yuan
from tests.conftest import audit_clean
from tests.lane import CITY, Lane, a_lane, units
from tests.till_help import (
    a_bill,
    a_holder,
    a_template,
    an_offer,
    settled,
    shown,
    undo_bill,
)

pytestmark = pytest.mark.anyio


async def a_full_card(db: Database, lane: Lane, now, reward) -> tuple[Voucher, Bill]:
    """Two stamps of two."""
    card = await a_holder(
        db, lane, await an_offer(db, lane, now, Stamp(stamps=2, least_units=1_000, reward=reward.offer_id), 0), now
    )
    await settled(db, a_bill(lane, 1_500, await shown(db, lane, now, card, typed=True)), now)
    return card, await settled(db, a_bill(lane, 1_500, await shown(db, lane, now, card, typed=True)), now)


async def give(house, db: Database, bill: Bill, now) -> None:
    await db.run_city(CITY, lambda tx: rewards.reward(house, tx, [bill], city_id=CITY, now=now))


async def reward_of(db: Database, card: Voucher, bill: Bill) -> Voucher | None:
    found = await units(db, reward_order(bill.bill_id, card.voucher_id))
    return found[0] if found else None


async def test_a_full_card_becomes_its_reward_once(db: Database, clock: ManualClock, tmp_path):
    now = clock.now()
    house = make_house(db, clock, tmp_path, {})
    lane = await a_lane(db, now)
    cup = await a_template(db, lane, now, off=1_200, least=0, claim="issued")
    assert isinstance(cup.form, CouponForm)
    card, bill = await a_full_card(db, lane, now, cup)
    await give(house, db, bill, now)
    await give(house, db, bill, now)
    reward = await reward_of(db, card, bill)
    assert reward is not None
    assert (reward.kind, reward.member_id, reward.state) == ("coupon", card.member_id, "valid")
    free = await settled(db, a_bill(lane, 1_200, await shown(db, lane, now, reward)), now)
    assert free.collect == yuan(0)
    async with db.reading(CITY) as tx:
        [order] = await orders.concerns(tx, [reward_order(bill.bill_id, card.voucher_id)], city_id=CITY)
    assert voucher_id(line_id(order, 1), 0) == reward.voucher_id
    no = None
    try:
        await undo_bill(db, bill, now)
    except Exception as error:
        no = error
    assert getattr(no, "code", "") == "reward_used"
    assert await audit_clean(db)
    await house.batches.close()


async def test_an_undo_takes_the_reward_back(db: Database, clock: ManualClock, tmp_path):
    now = clock.now()
    house = make_house(db, clock, tmp_path, {})
    lane = await a_lane(db, now)
    cup = await a_template(db, lane, now, off=1_200, least=0, claim="issued")
    card, bill = await a_full_card(db, lane, now, cup)
    await give(house, db, bill, now)
    assert isinstance(await undo_bill(db, bill, now), Undone)
    reward = await reward_of(db, card, bill)
    assert reward is not None
    assert reward.state == "refunded"
    [back] = await units(db, card.order_id)
    assert (back.state, back.uses_left) == ("valid", 1)
    again = await settled(db, a_bill(lane, 1_500, await shown(db, lane, now, back, typed=True)), now)
    await give(house, db, again, now)
    assert (await reward_of(db, card, again)) is not None
    assert await audit_clean(db)
    await house.batches.close()


async def test_a_bill_that_is_undone_before_its_reward_comes_earns_none(db: Database, clock: ManualClock, tmp_path):
    now = clock.now()
    house = make_house(db, clock, tmp_path, {})
    lane = await a_lane(db, now)
    cup = await a_template(db, lane, now, off=1_200, least=0, claim="issued")
    card, bill = await a_full_card(db, lane, now, cup)
    await undo_bill(db, bill, now)
    await give(house, db, replace(bill, undone_at=now), now)
    assert await reward_of(db, card, bill) is None
    assert await audit_clean(db)
    await house.batches.close()


async def test_no_card_becomes_what_somebody_else_gives(db: Database, clock: ManualClock, tmp_path):
    """The form names a coupon of another shop, paid by the platform: whoever fills cards at his own till would print
    money. It cannot be saved, and a card that says so becomes nothing."""
    now = clock.now()
    house = make_house(db, clock, tmp_path, {})
    lane = await a_lane(db, now)
    shop = await a_merchant(db, "茶馆", "Tea House", now=now)
    other = replace(lane, merchant=shop, store=await a_store(db, shop, now=now))
    cup = await a_template(db, other, now, off=1_200, least=0, claim="issued")
    card, bill = await a_full_card(db, lane, now, cup)
    await give(house, db, bill, now)
    assert await reward_of(db, card, bill) is None
    async with db.reading(CITY) as tx:
        assert await pricing.batches_of(tx, cup.offer_id, city_id=CITY) == [], "no leave to claim it either"
    owner = Grant(grant_id=new_id(), role=Role.MERCHANT_OWNER, merchant_id=lane.merchant)
    mei = Actor(member_id=new_id(), name="Mei", grants=(owner,))
    form = Stamp(stamps=2, reward=cup.offer_id)
    draft = a_draft(lane.merchant, lane.store, now=now, form=form, price=yuan(0), list_price=yuan(0), scheme="cards")
    with pytest.raises(BadInput) as wrong:
        await shelf.save_draft(house, CITY, mei, draft, total=10, version=None, form="f")
    assert wrong.value.facts["field"] == "reward"
    own = await a_template(db, lane, now, off=1_200, least=0, claim="issued")
    ready = replace(draft, form=replace(form, reward=own.offer_id))
    assert (await shelf.save_draft(house, CITY, mei, ready, total=10, version=None, form="f")).form == ready.form
    assert await audit_clean(db)
    await house.batches.close()
