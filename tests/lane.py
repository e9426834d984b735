"""A lane for tests of the binding floors: a city, Mei's Noodle Bar with a deal, the rule of its commission, money.

No provider process here: findings are what a provider would say; tests/stories uses the real one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import inventory, orders, settlement, vouchers
from hutong.catalog import Offer
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.inventory import OpenQuota
from hutong.kit.ids import PAYMENT, REFUND
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms
from hutong.orders import Place, Placed, Wanted
from hutong.payments import ProviderPayment, ProviderRefund
from hutong.schemes.alliance import Alliance
from hutong.schemes.cards import Cards
from hutong.schemes.coupons import Coupons
from hutong.schemes.deals import Deals
from hutong.settlement import Rule
from hutong.vouchers import Redeem, Redeemed, Voucher, qr_text
from tests.catalog_town import a_city, a_draft, a_merchant, a_store, published

CITY = 1
SCHEMES = {"deals": Deals(), "cards": Cards(), "coupons": Coupons(), "alliance": Alliance()}
HOLD = timedelta(minutes=15)
PLAIN = Terms(valid_days=30)


class Lane(Struct, frozen=True, kw_only=True):
    """Noodle Bar (merchant), its counter (store), the second counter, Lin (operator), the deal."""

    merchant: UUID
    store: UUID
    other_store: UUID
    lin: UUID
    offer: Offer


async def a_lane(db: Database, now: datetime, *, quota: int = 100, terms: Terms = PLAIN, **changes: Any) -> Lane:
    """The deal is 68.00 a unit (list 98.00); commission 8 %, a quarter of it for Lin."""
    await a_city(db)
    merchant = await a_merchant(db, "巷口面吧", "Noodle Bar", now=now)
    store = await a_store(db, merchant, now=now)
    other = await a_store(db, merchant, zh="二店", en="Second", now=now)
    lin, quota_id = new_id(), new_id()
    async with db.city(CITY) as tx:
        await inventory.open_quotas(
            tx, [OpenQuota(quota_id=quota_id, label="deal", total=quota)], city_id=CITY, now=now
        )
        rule = Rule(
            rule_id=new_id(), version=1, merchant_id=None, commission_bps=800, operator_id=lin, operator_bps=2500,
            valid_from=now - timedelta(days=1),
        )  # fmt: skip
        await settlement.add_rules(tx, [rule])
    changes = {"list_price": Amount(9_800, "CNY")} | changes
    draft = a_draft(merchant, store, now=now, quota_id=quota_id, terms=terms, **changes)
    offer = (await published(db, draft, now=now))[0]
    return Lane(merchant=merchant, store=store, other_store=other, lin=lin, offer=offer)


def a_place(lane: Lane, quantity: int = 1, **changes: Any) -> Place:
    """Ann's wish."""
    fields: dict[str, Any] = {
        "order_id": new_id(), "payment_id": new_id(), "member_id": new_id(), "member_name": "Ann",
        "phone_tail": "0001", "wants": (Wanted(lane.offer.offer_id, quantity),),
    } | changes  # fmt: skip
    return Place(**fields)


async def place(db: Database, asks: Sequence[Place], now: datetime) -> list[Placed | Refusal]:
    return await db.run_city(
        CITY, lambda tx: orders.place(tx, asks, city_id=CITY, now=now, schemes=SCHEMES, hold_for=HOLD)
    )


def captured(placed: Placed, amount: Amount | None = None) -> ProviderPayment:
    """What the provider says when the money is there."""
    return ProviderPayment(
        out_no=PAYMENT.show(placed.payment_id, CITY), state="captured", provider_no=f"P{placed.payment_id}",
        amount=amount or placed.total,
    )  # fmt: skip


def refund_is(refund_id: UUID, state: str, amount: Amount) -> ProviderRefund:
    """What the provider says about a refund."""
    return ProviderRefund(
        refund_no=REFUND.show(refund_id, CITY), state=state, provider_no=f"R{refund_id}", amount=amount,  # type: ignore[arg-type]
        failure="account_closed" if state == "failed" else None,
    )  # fmt: skip


async def hear(db: Database, findings: Sequence[Any], now: datetime) -> list[Any]:
    return await db.run_city(CITY, lambda tx: orders.receive(tx, findings, city_id=CITY, now=now))


async def bought(db: Database, lane: Lane, now: datetime, quantity: int = 1, **changes: Any) -> list[Voucher]:
    """Placed and paid; the vouchers."""
    ask = a_place(lane, quantity, **changes)
    placed = (await place(db, [ask], now))[0]
    assert isinstance(placed, Placed), placed
    await hear(db, [captured(placed)], now)
    return await units(db, ask.order_id)


async def units(db: Database, order_id: UUID) -> list[Voucher]:
    async with db.reading(CITY) as tx:
        return await vouchers.of_orders(tx, [order_id], city_id=CITY)


async def state_of(db: Database, order_id: UUID) -> str:
    async with db.reading(CITY) as tx:
        return await tx.value(
            "select state from orders.orders where city_id = %(city)s and order_id = %(id)s", city=CITY, id=order_id
        )


def a_redeem(lane: Lane, unit: Voucher, now: datetime, **changes: Any) -> Redeem:
    """Tao scans the QR code."""
    fields: dict[str, Any] = {
        "redemption_id": new_id(), "request_no": str(new_id()), "merchant_id": lane.merchant, "store_id": lane.store,
        "staff_id": new_id(), "presented": qr_text(unit, now),
    } | changes  # fmt: skip
    return Redeem(**fields)


async def redeem(db: Database, asks: Sequence[Redeem], now: datetime) -> list[Redeemed | Refusal]:
    return await db.run_city(CITY, lambda tx: settlement.redeem(tx, asks, city_id=CITY, now=now))


async def refund(db: Database, order_id: UUID, now: datetime, **changes: Any) -> Any:
    """Ask for money back; the first result."""
    fields: dict[str, Any] = {
        "refund_id": new_id(),
        "order_id": order_id,
        "by": None,
        "reason": "changed_mind",
    } | changes
    asks = [orders.AskRefund(**fields)]
    return (await db.run_city(CITY, lambda tx: orders.ask_refunds(tx, asks, city_id=CITY, now=now)))[0]


async def account(db: Database, path: str) -> int:
    """What stands on an account of the city's book, on its credit side."""
    async with db.reading(CITY) as tx:
        return await tx.value(
            """select coalesce(sum(credits_posted - debits_posted), 0)::bigint from ledger.city_accounts
               where city_id = %(city)s and path = %(path)s""",
            city=CITY, path=path,
        )  # fmt: skip


async def stock(db: Database, lane: Lane) -> tuple[int, int, int]:
    """(sold, held, remaining) of the deal."""
    async with db.reading(CITY) as tx:
        found = (await inventory.quotas(tx, [lane.offer.quota_id or new_id()], city_id=CITY))[0]
    assert found is not None
    return found.sold, found.held, found.remaining
