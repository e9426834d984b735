"""Ann's gift card in the demo: bought some days ago at one shop, it paid a whole order at another; a rest is left."""

from datetime import datetime, timedelta
from typing import Any

from hutong import orders, vouchers
from hutong.cli.demo.load import member_id, offer_id
from hutong.infra.db import Database, Tx
from hutong.kit.ids import PAYMENT, derive
from hutong.orders import Pay, Place, Placed, Schemes, Wanted
from hutong.payments import ProviderPayment

CITY, WHO = 1, "ann"
HOLD = timedelta(minutes=15)


async def give_a_card(db: Database, schemes: Schemes, *, now: datetime) -> int:
    """How much is left on the card, in the smallest unit. Call it once, after the cities are loaded."""
    return await db.run_city(CITY, lambda tx: _play(tx, schemes, now))


async def _play(tx: Tx, schemes: Schemes, now: datetime) -> int:
    bought = await _order(tx, schemes, "lanes-end", "lane-gift", now - timedelta(days=6))
    [card] = await vouchers.of_orders(tx, [bought.order_id], city_id=CITY)
    pays = (Pay(kind="card", id=card.voucher_id),)
    await _order(tx, schemes, "noodle-bar", "two-bowls", now - timedelta(days=2), tenders=pays)
    [card] = await vouchers.by_ids(tx, [card.voucher_id], city_id=CITY)
    return card.uses_left


async def _order(tx: Tx, schemes: Schemes, merchant: str, offer: str, at: datetime, **more: Any) -> Placed:
    """Placed and paid."""
    key = derive(member_id(WHO), f"gifted/{offer}")
    ask = Place(
        order_id=derive(key, "order"), payment_id=derive(key, "payment"), member_id=member_id(WHO), member_name="小安",
        phone_tail="0001", wants=(Wanted(offer_id(merchant, offer), 1),), **more,
    )  # fmt: skip
    [placed] = await orders.place(tx, [ask], city_id=CITY, now=at, schemes=schemes, hold_for=HOLD)
    assert isinstance(placed, Placed), placed
    if placed.state == "placed":
        heard = ProviderPayment(
            out_no=PAYMENT.show(ask.payment_id, CITY), state="captured", amount=placed.total,
            provider_no=f"D{ask.payment_id.hex}",
        )  # fmt: skip
        await orders.receive(tx, [heard], city_id=CITY, now=at)
    return placed
