"""Every invariant of points, payments, voids and blocks at the till finds what breaks it."""

from datetime import datetime, timedelta

import pytest

from hutong import till
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.ids import PAYMENT, REFUND
from hutong.kit.money import Amount
from hutong.payments import ProviderPayment, ProviderRefund
from hutong.till import Bill, BuyBlock, TakeCash, Void
from tests.catalog_town import yuan
from tests.conftest import audit_clean, fires
from tests.lane import CITY, Lane, a_lane
from tests.points_help import a_member, a_shop, matured, shows, wallet_of
from tests.till_help import TAO, a_bill, settled, undo_bill

pytestmark = pytest.mark.anyio

LOOSE = "set local session_replication_role = replica"  # somebody with the keys of the house
SEEDS = {
    "B10": ["alter table till.bills drop constraint bills_sum_check",
            "update till.bills set points_units = points_units + 1 where points > 0"],
    "B11": [LOOSE, "update programmes.movements set source_ref = gen_random_uuid() where kind = 'burn'"],
    "B12": ["update till.earns set base = base + 1 where base > 0"],
    "B13": ["update till.undos set points_back = points_back + 1 where points_back > 0"],
    "B14": ["""insert into till.earns select city_id, bill_id, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
               1, 1, 0, 0, null, null, 'x', null, asked_at from till.pays where state = 'open'"""],
    "B15": ["update till.pays set state = 'cash' where state = 'paid'"],
    "B16": [LOOSE, "delete from ledger.city_transfers where event = 'bill_paid'"],
    "B17": [LOOSE, "delete from till.events where event_id = 'waits'"],
    "B18": ["update till.blocks set units = units + 1 where state = 'paid'"],
    "B19": [LOOSE, "update payments.payments set captured_units = captured_units + 1 where state = 'quarantined'"],
}  # fmt: skip


def paid(payment: object, amount: Amount) -> ProviderPayment:
    """The provider's word that the money is there."""
    return ProviderPayment(
        out_no=PAYMENT.show(payment, CITY), state="captured", provider_no=f"P{payment}", amount=amount  # type: ignore[arg-type]
    )  # fmt: skip


async def hear(db: Database, now: datetime, *findings: object) -> list:
    return await db.run_city(CITY, lambda tx: till.receive(tx, list(findings), city_id=CITY, now=now))


async def by_phone(db: Database, lane: Lane, now: datetime, event: str, ann, *, units: int = 3_000) -> Bill:
    """A bill that waits for Ann's phone."""
    ask = a_bill(
        lane, units, (), guest=await shows(db, lane, ann, now), event_id=event, pay_by="sandbox", payment_id=new_id()
    )
    return await settled(db, ask, now)


async def a_life(db: Database, now: datetime) -> None:
    """Earned, used, undone; paid by phone, wrongly, not at all, after cash was taken; void first; a block."""
    lane = await a_lane(db, now)
    alliance = await a_shop(db, lane, now)
    ann = await a_member(db, now=now)
    await settled(db, a_bill(lane, 10_000, (), guest=await shows(db, lane, ann, now)), now)
    await matured(alliance, now)
    at = now + timedelta(minutes=1)
    await settled(db, a_bill(lane, 900, (), guest=await shows(db, lane, ann, at), points=10), at)
    at += timedelta(minutes=1)
    undone = await settled(db, a_bill(lane, 900, (), guest=await shows(db, lane, ann, at), points=20), at)
    await undo_bill(db, undone, at)
    for n, event in enumerate(("paid", "waits", "wrong", "cash", "back")):
        at = now + timedelta(minutes=4 + n)
        bill = await by_phone(db, lane, at, event, ann)
        assert bill.pay is not None
        if event in ("paid", "back"):
            await hear(db, at, paid(bill.pay.payment_id, yuan(3_000)))
        if event == "wrong":
            await hear(db, at, paid(bill.pay.payment_id, yuan(2_999)))
        if event == "cash":
            ask = TakeCash(bill_id=bill.bill_id, merchant_id=lane.merchant, store_id=lane.store)
            await db.run_city(CITY, lambda tx, a=ask, t=at: till.take_cash(tx, [a], city_id=CITY, now=t))
            await hear(db, at, paid(bill.pay.payment_id, yuan(3_000)))
        if event == "back":
            await undo_bill(db, bill, at)
            async with db.reading(CITY) as tx:
                refund = await tx.value(
                    "select refund_id from payments.refunds where city_id = %(c)s and reason = 'bill_undone'", c=CITY
                )
            said = ProviderRefund(
                refund_no=REFUND.show(refund, CITY), state="done", provider_no="R1", amount=yuan(3_000)
            )
            await hear(db, at, said)
    void = Void(event_id="never", merchant_id=lane.merchant, store_id=lane.store, by=TAO, reason="void")
    await db.run_city(CITY, lambda tx: till.void(tx, [void], city_id=CITY, now=at))
    ask = BuyBlock(
        block_id=new_id(), programme_id=alliance.programme_id, merchant_id=lane.merchant, by=TAO, amount=yuan(5_000),
        provider="sandbox", payment_id=new_id(),
    )  # fmt: skip
    await db.run_city(CITY, lambda tx: till.buy_blocks(tx, [ask], city_id=CITY, now=at))
    await hear(db, at, paid(ask.payment_id, yuan(5_000)))
    assert (await wallet_of(alliance, ann, at)).debt == 0


@pytest.mark.parametrize("code", sorted(SEEDS))
async def test_each_invariant_finds_what_breaks_it(db: Database, now, code: str):
    await a_life(db, now)
    assert await audit_clean(db)
    async with db.city(CITY) as tx:
        for statement in SEEDS[code]:
            await tx.run(statement)
    assert await fires(db, code), code
