"""What goes over the wire: JSON shapes with public ids, amounts in whole units, instants in RFC 3339."""

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from hutong import catalog, orders, places, settlement, vouchers
from hutong.kit.ids import (
    LINE,
    MERCHANT,
    OFFER,
    ORDER,
    REDEMPTION,
    REFUND,
    STORE,
    VOUCHER,
)  # fmt: skip
from hutong.kit.money import Amount


class Money(Struct, frozen=True):
    """`units` of the smallest unit of `asset`; `decimal` is the same for people."""

    units: int
    asset: str
    decimal: str

    @classmethod
    def of(cls, amount: Amount) -> "Money":
        return cls(amount.units, amount.asset, amount.decimal())


class In(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all bodies: a field that we do not know is refused, not ignored."""


class MoneyIn(In, frozen=True):
    units: int
    asset: str


class CodeIn(In, frozen=True):
    phone: str


class SessionIn(In, frozen=True):
    phone: str
    code: str


class SessionOut(Struct, frozen=True):
    token: str
    member: str
    is_new: bool
    expires_at: datetime


class MeOut(Struct, frozen=True):
    member: str | None
    name: str
    phone_tail: str
    roles: list[dict[str, Any]]


class LineIn(In, frozen=True):
    offer: str
    quantity: int


class QuoteIn(In, frozen=True):
    lines: list[LineIn]


class OrderIn(In, frozen=True):
    lines: list[LineIn]
    expect: MoneyIn | None = None


class RefundIn(In, frozen=True):
    vouchers: list[str] = field(default_factory=list)
    reason: str = "changed_mind"


class PrepareIn(In, frozen=True):
    store: str
    presented: str


class RedeemIn(In, frozen=True):
    store: str
    presented: str = ""
    voucher: str | None = None
    proof: str = ""
    count: int = 1


class ReverseIn(In, frozen=True):
    store: str
    reason: str = "mistake"


class KeyIn(In, frozen=True):
    label: str
    permissions: list[str]
    store: str | None = None


class PageOut(Struct, frozen=True):
    """Some items; `after` asks for the next ones, null at the end."""

    items: list[Any]
    after: str | None


def city_out(city: places.City) -> dict[str, Any]:
    return {
        "id": city.city_id, "slug": city.slug, "name": city.name, "zone": city.zone, "currency": city.currency,
        "centre": city.centre, "languages": city.languages,
    }  # fmt: skip


def card_out(card: catalog.StoreCard, city_id: int) -> dict[str, Any]:
    return {
        "id": STORE.show(card.store_id, city_id), "merchant": MERCHANT.show(card.merchant_id),
        "merchant_name": card.merchant_name, "name": card.name, "address": card.address, "category": card.category,
        "point": card.point, "distance_m": None if card.distance_m is None else round(card.distance_m),
        "hours": card.hours, "offers": [brief_out(o, city_id) for o in card.offers], "offer_count": card.offer_count,
    }  # fmt: skip


def brief_out(brief: catalog.OfferBrief, city_id: int) -> dict[str, Any]:
    return {
        "id": OFFER.show(brief.offer_id, city_id), "title": brief.title, "price": Money.of(brief.price),
        "list_price": Money.of(brief.list_price), "min_units": brief.min_units, "sale_to": brief.sale_to,
        "refund_anytime": brief.refund_anytime, "refund_on_expiry": brief.refund_on_expiry,
    }  # fmt: skip


def offer_out(offer: catalog.Offer, progress: tuple[int, int, bool] | None, left: int | None) -> dict[str, Any]:
    paid, need, tipped = progress or (0, offer.min_units, offer.min_units <= 1)
    return {
        "id": OFFER.show(offer.offer_id, offer.city_id), "merchant": MERCHANT.show(offer.merchant_id),
        "scheme": offer.scheme, "category": offer.category, "title": offer.title, "summary": offer.summary,
        "included": offer.included, "excluded": offer.excluded, "price": Money.of(offer.price),
        "list_price": Money.of(offer.list_price), "terms": offer.terms,
        "stores": [STORE.show(s, offer.city_id) for s in offer.store_ids], "sale_from": offer.sale_from,
        "sale_to": offer.sale_to, "per_order_max": offer.per_order_max, "left": left,
        "tipping": {"needs": need, "paid": paid, "tipped": tipped} if offer.min_units > 1 else None,
    }  # fmt: skip


def order_out(order: orders.Order) -> dict[str, Any]:
    return {
        "id": ORDER.show(order.order_id, order.city_id),
        "city": order.city_id,
        "state": order.state,
        "merchant": MERCHANT.show(order.merchant_id),
        "total": Money.of(order.total),
        "refunded": Money.of(order.refunded),
        "placed_at": order.placed_at,
        "expires_at": order.expires_at,
        "paid_at": order.paid_at,
        "lines": [
            {
                "id": LINE.show(line.line_id, order.city_id),
                "offer": OFFER.show(line.offer_id, order.city_id),
                "title": line.title,
                "quantity": line.quantity,
                "unit_price": Money.of(line.unit_price),
                "list_price": Money.of(line.list_price),
                "total": Money.of(line.total),
            }
            for line in order.lines
        ],
    }


def refund_out(row: dict[str, Any], city_id: int) -> dict[str, Any]:
    return {
        "id": REFUND.show(row["refund_id"], city_id), "amount": Money.of(Amount(row["units"], row["asset"])),
        "state": row["state"], "reason": row["reason"], "asked_at": row["asked_at"], "ended_at": row["ended_at"],
        "vouchers": [VOUCHER.show(v, city_id) for v in row["voucher_ids"]],
    }  # fmt: skip


def voucher_out(unit: vouchers.Voucher, city_id: int, qr: str | None = None) -> dict[str, Any]:
    return {
        "id": VOUCHER.show(unit.voucher_id, city_id), "kind": unit.kind, "title": unit.title, "state": unit.state,
        "order": ORDER.show(unit.order_id, city_id), "offer": OFFER.show(unit.offer_id, city_id),
        "merchant": MERCHANT.show(unit.merchant_id), "code": unit.code, "uses_total": unit.uses_total,
        "uses_left": unit.uses_left, "valid_from": unit.valid_from, "valid_to": unit.valid_to,
        "stores": [STORE.show(s, city_id) for s in unit.store_ids], "paid": Money.of(unit.paid), "qr": qr,
    }  # fmt: skip


def redemption_out(found: vouchers.Redeemed, city_id: int) -> dict[str, Any]:
    return {
        "id": REDEMPTION.show(found.redemption_id, city_id), "voucher": VOUCHER.show(found.voucher_id, city_id),
        "store": STORE.show(found.store_id, city_id), "title": found.title, "count": found.count,
        "uses_left": found.uses_left, "at": found.at, "undo_until": found.undo_until,
    }  # fmt: skip


def earning_out(line: settlement.Earning, city_id: int) -> dict[str, Any]:
    return {
        "redemption": REDEMPTION.show(line.redemption_id, city_id), "store": STORE.show(line.store_id, city_id),
        "code_tail": line.code_tail, "title": line.title, "count": line.count, "due": Money.of(line.due),
        "commission": Money.of(line.commission), "merchant": Money.of(line.merchant), "rule": line.rule, "at": line.at,
        "reversed_at": line.reversed_at,
    }  # fmt: skip


def statement_out(found: settlement.Statement, city_id: int) -> dict[str, Any]:
    return {
        "merchant": MERCHANT.show(found.merchant_id), "city": city_id, "since": found.since, "until": found.until,
        "count": found.count, "due": Money.of(found.due), "commission": Money.of(found.commission),
        "merchant_part": Money.of(found.merchant), "payable": Money.of(found.payable),
        "escrow": Money.of(found.escrow), "lines": [earning_out(line, city_id) for line in found.lines],
        "after": found.after,
    }  # fmt: skip
