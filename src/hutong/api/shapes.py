"""What goes over the wire: JSON shapes with public ids, amounts in whole units, instants in RFC 3339."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

from hutong import catalog, orders, places, settlement, till, vouchers
from hutong.kit.ids import (
    BILL,
    LINE,
    MERCHANT,
    OFFER,
    ORDER,
    PROGRAMME,
    PROMOTION,
    REDEMPTION,
    REFUND,
    STORE,
    VOUCHER,
)
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
    """`way`, where there is a choice: `open_team`, `join_team.<team>`, `alone`, `bargain.<bargain>`."""

    offer: str
    quantity: int
    way: str = ""


class TenderIn(In, frozen=True):
    """Pay a part with a card (`id`: its voucher) or with points (`id`: their programme), at most `most` (units of
    money, or points) of it; without it as much as it can."""

    kind: Literal["card", "points"]
    id: str
    most: int | None = None


class QuoteIn(In, frozen=True):
    """`coupons`: just these of the asker's; without it the best combination of what he has. `tenders`: what is to pay a
    part of the price; an empty list tells what could."""

    lines: list[LineIn]
    coupons: list[str] | None = None
    tenders: list[TenderIn] | None = None


class OrderIn(In, frozen=True):
    """`coupons` are the member's vouchers to be used on the order, `tenders` the cards and points that pay a part of
    it, both in any order. `expect` is what the provider is to be paid: `to_pay` of the quote."""

    lines: list[LineIn]
    expect: MoneyIn | None = None
    coupons: list[str] = field(default_factory=list)
    tenders: list[TenderIn] = field(default_factory=list)


class RefundIn(In, frozen=True):
    vouchers: list[str] = field(default_factory=list)
    reason: str = "changed_mind"


class PrepareIn(In, frozen=True):
    store: str
    presented: str
    amount: MoneyIn | None = None


class BillIn(In, frozen=True):
    """A bill of the shop, and whatever else the guest shows for it beside what is presented."""

    amount: MoneyIn
    also: list[str] = field(default_factory=list)


class TillBillIn(In, frozen=True, kw_only=True):
    """A bill as a till sends it. `event`: the till's own number for it, the same for ever. `member`: the text of a
    member's code, or a phone number. `codes`: coupons and cards that were shown. `points`: so many at most are used.
    `at`: when it was (an instant with its zone; now). `pay_by`: the provider at which the guest pays the rest to us.
    `test`: decided and answered as it would be, and nothing is kept."""

    event: str
    store: str
    amount: MoneyIn
    member: str = ""
    codes: list[str] = field(default_factory=list)
    points: Annotated[int, Meta(ge=0)] = 0
    at: datetime | None = None
    category: str | None = None
    pay_by: str | None = None
    test: bool = False


class TillVoidIn(In, frozen=True, kw_only=True):
    """The till's word that its bill `event` is void."""

    event: str
    store: str
    reason: Annotated[str, Meta(max_length=120)] = "void"


class TillEventIn(In, frozen=True, kw_only=True):
    """A bill or a void that a till kept while it had no network."""

    event: str
    kind: Literal["bill", "void"] = "bill"
    amount: MoneyIn | None = None
    member: str = ""
    at: datetime | None = None
    category: str | None = None
    points: int = 0
    reason: Annotated[str, Meta(max_length=120)] = "void"


class TillUploadIn(In, frozen=True, kw_only=True):
    """Everything a till has kept, 500 events at most; order does not matter, and what was sent before is no harm."""

    store: str
    events: list[TillEventIn]


class CounterIn(In, frozen=True, kw_only=True):
    store: str


class RedeemIn(In, frozen=True):
    store: str
    presented: str = ""
    bill: BillIn | None = None
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
        "saved": Money.of(order.saved),
        "tendered": Money.of(order.tendered),
        "to_pay": Money.of(order.to_pay),
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
        "tendered": Money.of(Amount(row["tendered_units"], row["asset"])),
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


def earned_out(bill: till.Bill) -> dict[str, Any] | None:
    """What the bill gave, or why it gave nothing; null when it gave nothing yet, and of a number always."""
    one = bill.earned
    return one and {
        "points": one.points, "base": one.base, "bonus": one.bonus, "campaign": one.campaign, "why": one.why,
        "matures_at": one.matures_at, "expires_at": one.expires_at, "rule": one.rule,
    }  # fmt: skip


def pay_out(bill: till.Bill) -> dict[str, Any] | None:
    """How the rest is paid by phone."""
    return bill.pay and {"provider": bill.pay.provider, "state": bill.pay.state, "tries": bill.pay.tries}


def bill_out(bill: till.Bill) -> dict[str, Any]:
    """A bill as a counter may see it."""
    bill, city_id = bill.discreet(), bill.city_id
    return {
        "id": BILL.show(bill.bill_id, city_id), "event": bill.event_id, "store": STORE.show(bill.store_id, city_id),
        "amount": Money.of(bill.amount), "discounted": Money.of(bill.discounted), "paid": Money.of(bill.paid),
        "points": bill.points, "points_off": Money.of(bill.points_off), "member": bill.way, "source": bill.source,
        "bought_at": bill.bought_at, "earned": earned_out(bill), "pay": pay_out(bill), "points_back": bill.points_back,
        "collect": Money.of(bill.collect), "holder": bill.holder, "at": bill.at, "undo_until": bill.undo_until,
        "undone_at": bill.undone_at, "replayed": bill.replayed,
        "discounts": [
            {
                "name": one.name, "amount": Money.of(one.amount),
                "shares": [{"payer": payer, "units": units} for payer, units in one.shares],
            }
            for one in bill.discounts
        ],
        "uses": [
            {
                "redemption": REDEMPTION.show(use.redemption_id, city_id), "role": use.role, "title": use.title,
                "voucher": VOUCHER.show(use.voucher_id, city_id), "amount": Money.of(use.amount),
                "uses_left": use.uses_left, "code_tail": use.code_tail,
            }
            for use in bill.uses
        ],
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


def saving_out(one: orders.Saving, city_id: int) -> dict[str, Any]:
    """What a promotion took off an order, and what of it went back to who bore it."""
    return {
        "promotion": PROMOTION.show(one.promotion_id, city_id), "title": one.title, "amount": Money.of(one.amount),
        "given_back": Money.of(one.given), "state": one.state,
        "coupon": VOUCHER.show(one.voucher_id, city_id) if one.voucher_id else None,
    }  # fmt: skip


def ref_of(kind: str, ref: UUID, city_id: int) -> str:
    """How a tender is named: a card by its voucher, points by their programme."""
    return VOUCHER.show(ref, city_id) if kind == "card" else PROGRAMME.show(ref)


def tender_out(one: orders.Tender, city_id: int) -> dict[str, Any]:
    """What a card or points paid of an order, and what of it came back."""
    return {
        "kind": one.kind, "id": ref_of(one.kind, one.ref, city_id), "title": one.title,
        "amount": Money.of(one.amount), "points": one.points, "given_back": Money.of(one.back),
        "points_back": one.back_points, "state": one.state,
    }  # fmt: skip


def payable_out(one: orders.Payable, city_id: int) -> dict[str, Any]:
    """A card or points that pay a part of a quote, or could; or why not."""
    return {
        "kind": one.kind, "id": ref_of(one.kind, one.ref, city_id), "title": one.title, "chosen": one.chosen,
        "amount": Money.of(one.amount), "balance": Money.of(one.balance), "points": one.points,
        "balance_points": one.balance_points, "code": one.no.code if one.no else None,
        "reason": one.no.sentence() if one.no else None,
    }  # fmt: skip


def considered_out(one: orders.Considered, city_id: int) -> dict[str, Any]:
    """A promotion of a quote: what it takes off, or why nothing and what would make it a yes."""
    told = one.no or one.more
    return {
        "promotion": PROMOTION.show(one.promotion_id, city_id), "name": one.name, "trigger": one.trigger,
        "coupon": VOUCHER.show(one.voucher.voucher_id, city_id) if one.voucher else None, "applied": one.applies,
        "chosen": one.chosen, "amount": Money.of(one.amount), "lines": list(one.line_nos),
        "code": one.no.code if one.no else None, "reason": one.no.sentence() if one.no else None,
        "yes_if": told.next_step() if told else None,
    }  # fmt: skip
