"""Cards that pay online orders, for tests: Ann's stored value, a gift card of the whole lane, what tenders became."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from hutong import orders, vouchers
from hutong.catalog import Form, GiftCard, Offer, Stored
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.orders import AskQuote, Pay, Placed, Wanted
from hutong.vouchers import Voucher
from tests.catalog_town import a_draft, a_merchant, a_store, published
from tests.lane import CITY, SCHEMES, Lane, a_place, bought, captured, hear, place


async def an_offer(db: Database, lane: Lane, now: datetime, form: Form, units: int, scheme: str = "cards") -> Offer:
    """Something else on the shelf of the lane's merchant."""
    draft = a_draft(
        lane.merchant, lane.store, now=now, form=form, price=yuan(units), list_price=yuan(units),
        terms=Terms(valid_days=365), scheme=scheme,
    )  # fmt: skip
    return (await published(db, draft, now=now))[0]


async def a_holder(db: Database, lane: Lane, offer: Offer, now: datetime, member: UUID) -> Voucher:
    """The member buys one of it."""
    return (await bought(db, replace(lane, offer=offer), now, member_id=member))[0]


async def stored(db: Database, lane: Lane, now: datetime, member: UUID, units: int = 10_000, bonus: int = 0) -> Voucher:
    """Stored value of Noodle Bar, bought by the member."""
    offer = await an_offer(db, lane, now, Stored(bonus_units=bonus), units)
    return await a_holder(db, lane, offer, now, member)


async def wide_card(db: Database, lane: Lane, now: datetime, member: UUID, units: int = 10_000) -> Voucher:
    """A gift card that another merchant of the lane sold and every one of the city takes."""
    merchant = await a_merchant(db, "书店", "Book Shop", now=now)
    store = await a_store(db, merchant, now=now)
    other = replace(lane, merchant=merchant, store=store)
    offer = await an_offer(db, other, now, GiftCard(wide=True), units)
    return await a_holder(db, other, offer, now, member)


def pay(*cards: Voucher, most: int | None = None) -> tuple[Pay, ...]:
    return tuple(Pay(kind="card", id=card.voucher_id, most=most) for card in cards)


async def card_now(db: Database, card: Voucher) -> Voucher:
    async with db.reading(CITY) as tx:
        [found] = await vouchers.by_ids(tx, [card.voucher_id], city_id=CITY)
    return found


async def has(db: Database, card: Voucher) -> tuple[int, int, str]:
    """(uses left, principal left, state) of a card."""
    found = await card_now(db, card)
    return found.uses_left, found.due_left, found.state


async def tenders(db: Database, order_id: UUID) -> list[dict[str, Any]]:
    async with db.reading(CITY) as tx:
        return await tx.rows(
            """select ref, kind, units, due_units, points, back_units, back_due_units, state from orders.tenders
               where city_id = %(city)s and order_id = %(id)s order by units desc, ref""",
            city=CITY,
            id=order_id,
        )


async def paid_with(
    db: Database, lane: Lane, now: datetime, member: UUID, *cards: Voucher, quantity: int = 1, **changes: Any
) -> Placed:
    """An order that these cards pay a part of, and the provider the rest."""
    ask = a_place(lane, quantity, member_id=member, tenders=pay(*cards), **changes)
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed), placed
    if placed.state == "placed":
        await hear(db, [captured(placed)], now)
    return placed


async def quoted(db: Database, lane: Lane, now: datetime, member: UUID, quantity: int = 1, **changes: Any) -> Any:
    ask = AskQuote(wants=(Wanted(lane.offer.offer_id, quantity),), member_id=member, **changes)
    async with db.reading(CITY) as tx:
        [found] = await orders.quotes(tx, [ask], city_id=CITY, now=now, schemes=SCHEMES)
    return found


def yuan(units: int) -> Amount:
    return Amount(units, "CNY")


__all__ = [
    "an_offer",
    "card_now",
    "has",
    "new_id",
    "paid_with",
    "pay",
    "quoted",
    "stored",
    "tenders",
    "wide_card",
    "yuan",
]
