"""Cards and points that pay a part of an order, before anything is held: what each could pay, and what it does.

The price comes first, with every promotion; then points pay (in whole points), then cards, the principals of all of
them oldest first, their bonuses last (vouchers.spread); the provider is asked for the rest. So the order in which they
were named never matters. Each lies on units by largest remainder, so that a refund gives back exactly its part
(docs/decisions/0015). An order that brings none, and of which nothing costs points, costs no statement here.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from hutong import places, vouchers
from hutong.infra.db import Tx
from hutong.kit.money import Amount, apportion
from hutong.kit.refusals import Refusal
from hutong.kit.terms import why_not_valid
from hutong.kit.text import Text
from hutong.orders.model import Climb, Pay, PointsPrice, Tendered, TenderKind, UnitShare
from hutong.orders.operations import _points
from hutong.orders.operations._points import Holding, Purse
from hutong.orders.refusals import CardElsewhere, CardEmpty, NotATender, NoTenderHere, PointsIdle
from hutong.orders.scheme import Plan
from hutong.vouchers import Voucher

BEST: Literal["best"] = "best"  # cards as the house would choose them; points are kept
MOST = 40  # cards of one member that are weighed


class Bill(Struct, frozen=True, kw_only=True):
    """An order as tenders look at it. `stores` are those where all that is bought may be used (empty: any)."""

    member_id: UUID | None
    merchant_id: UUID
    plans: tuple[Plan, ...]
    stores: frozenset[UUID]
    total: Amount
    pays: tuple[Pay, ...] | Literal["best"] = ()

    @property
    def gifts(self) -> list[tuple[PointsPrice, int]]:
        """What must be paid in points, with the number of units."""
        return [(p.promise.points, p.line.quantity) for p in self.plans if p.promise.points is not None]

    def why_not(self) -> Refusal | None:
        """Money is not bought with money that is bound to a shop, and on a ladder the price is still to come."""
        no = any(
            p.promise.value or p.promise.kind == "coupon" or isinstance(p.promise.group, Climb) for p in self.plans
        )
        return NoTenderHere() if no else None


class Taken(Struct, frozen=True, kw_only=True):
    """What one tender gives: `units` of the price, `due` units of money behind it, so many points."""

    kind: TenderKind
    ref: UUID
    title: Text
    units: int
    due: int
    points: int = 0
    issuer_id: UUID | None = None
    card: Voucher | None = None


class Payable(Struct, frozen=True, kw_only=True):
    """A card or points of the member as a quote tells of it: what it pays (`amount`; of one that was not chosen: would
    pay on top), what it has, or why not. Of points: `points` for it, `most` that could be used here, of
    `balance_points`, each worth `face`."""

    kind: TenderKind
    ref: UUID
    title: Text
    chosen: bool
    amount: Amount
    balance: Amount
    voucher: Voucher | None = None
    points: int = 0
    most: int = 0
    balance_points: int = 0
    face: int = 0
    no: Refusal | None = None

    @property
    def one(self) -> Amount:
        """What one point pays."""
        return Amount(self.face, self.amount.asset)


class Stock(Struct, frozen=True, kw_only=True):
    """What is known of the cards and wallets of a set of orders, read once."""

    cards: Mapping[UUID, Voucher]
    purses: Mapping[tuple[UUID, UUID], Sequence[Purse]]
    zone: str
    now: datetime


class Weighed(Struct, frozen=True, kw_only=True):
    """What the tenders of an order give. `nos`: of those that were asked for, why one gives nothing."""

    bill: Bill
    stock: Stock
    taken: tuple[Taken, ...]
    nos: tuple[Refusal, ...] = ()

    @property
    def units(self) -> int:
        return sum(one.units for one in self.taken)

    @property
    def cards(self) -> tuple[Taken, ...]:
        return tuple(one for one in self.taken if one.kind == "card")

    def holding(self, order_id: UUID) -> Holding | None:
        """The points that the order holds; None when it needs none."""
        points = [one for one in self.taken if one.kind == "points"]
        if not points or self.bill.member_id is None:
            return None
        return Holding(
            order_id=order_id, member_id=self.bill.member_id, merchant_id=self.bill.merchant_id,
            parts=tuple((one.ref, one.points, one.due) for one in points), gift=bool(self.bill.gifts),
        )  # fmt: skip

    def again(self, total: Amount | None = None, seen: Mapping[UUID, Voucher] | None = None) -> "Weighed | Refusal":
        """The same at another price, or with cards as they are now."""
        stock = structs.replace(self.stock, cards={**self.stock.cards, **(seen or {})})
        return weigh(structs.replace(self.bill, total=total or self.bill.total), stock)

    def to_pay(self, total: Amount) -> Amount:
        """What the provider would be asked for at another price."""
        found = self.again(total)
        return total if isinstance(found, Refusal) else total - Amount(found.units, total.asset)


async def look(tx: Tx, bills: Sequence[Bill], *, city_id: int, now: datetime, wallets: bool = False) -> Stock:
    """The cards and points of these orders; with `wallets` all that their members have. Nothing is locked."""
    members = sorted({bill.member_id for bill in bills if bill.member_id is not None})
    ids = sorted({p.id for bill in bills if bill.pays != BEST for p in bill.pays if p.kind == "card"})
    found = list(await vouchers.by_ids(tx, ids, city_id=city_id)) if ids else []
    if wallets and members:
        found += await vouchers.coupons_of(tx, members, city_id=city_id, now=now, kind="card", limit=MOST)
    city = await places.city(tx, city_id)
    return Stock(
        cards={card.voucher_id: card for card in found}, zone=city.zone if city else "UTC", now=now,
        purses=await _points.purses(tx, _wallets(bills, wallets), now=now),
    )  # fmt: skip


def _wallets(bills: Sequence[Bill], all_of_them: bool) -> set[tuple[UUID, UUID]]:
    """Whose points at whose shop matter: (member, merchant)."""
    return {
        (bill.member_id, bill.merchant_id)
        for bill in bills
        if bill.member_id is not None
        and (all_of_them or (bill.pays != BEST and any(p.kind == "points" for p in bill.pays)))
    }


def weigh(bill: Bill, stock: Stock) -> Weighed | Refusal:
    """What each tender gives of this order: pure. What can give nothing now is left out, with its reason in `nos`.

    Refusals: no_tender_here, voucher_not_found (a card that is not the member's), not_a_tender.
    """
    gifts = _gifts(bill)
    if not bill.pays or not bill.total:
        return Weighed(bill=bill, stock=stock, taken=gifts)
    if refusal := bill.why_not():
        return Weighed(bill=bill, stock=stock, taken=gifts) if bill.pays == BEST else refusal
    pays = _best(bill, stock) if bill.pays == BEST else bill.pays
    nos: list[Refusal] = []
    lots: list[Voucher] = []
    points: dict[UUID, int | None] = {}
    for pay in pays:
        if pay.kind == "points":
            points.setdefault(pay.id, pay.most)
            continue
        card = stock.cards.get(pay.id)
        if card is None or card.member_id != bill.member_id:
            return vouchers.VoucherUnknown()
        if not card.value:
            return NotATender()
        if no := why_not_here(bill, card, stock):
            nos.append(no)
        elif pay.id not in {lot.voucher_id for lot in lots}:
            lots.append(_usable(bill, card, pay.most))
    if points and gifts:
        return NoTenderHere()
    taken, why = _points_taken(bill, points, stock)
    left = bill.total.units - sum(one.units for one in taken)
    cards = [_card(stock.cards[i], units) for i, units in vouchers.spread(lots, left)]
    return Weighed(bill=bill, stock=stock, taken=(*gifts, *taken, *cards), nos=(*nos, *why))


def _gifts(bill: Bill) -> tuple[Taken, ...]:
    """The points that the things themselves cost, one entry for each programme."""
    sums: dict[UUID, tuple[int, int]] = {}
    for price, quantity in bill.gifts:
        points, worth = sums.get(price.programme_id, (0, 0))
        sums[price.programme_id] = points + quantity * price.points, worth + quantity * price.worth_units
    return tuple(
        Taken(kind="points", ref=ref, title=bill.plans[0].line.title, units=0, due=worth, points=points)
        for ref, (points, worth) in sorted(sums.items())
    )


def _points_taken(
    bill: Bill, wanted: Mapping[UUID, int | None], stock: Stock
) -> tuple[list[Taken], list[Refusal]]:  # fmt: skip
    taken: list[Taken] = []
    nos: list[Refusal] = []
    left = bill.total.units
    known = {p.programme_id: p for p in stock.purses.get((bill.member_id or bill.merchant_id, bill.merchant_id), ())}
    for ref, most in sorted(wanted.items()):
        purse = known.get(ref)
        points = 0 if purse is None else purse.most_for(left, most)
        if purse is None or not points:
            nos.append(NoTenderHere() if purse is None else PointsIdle(available=purse.available))
            continue
        units = points * purse.face_units
        taken.append(
            Taken(kind="points", ref=ref, title=purse.name, units=units, due=purse.worth(points), points=points)
        )
        left -= units
    return taken, nos


def _card(card: Voucher, units: int) -> Taken:
    return Taken(
        kind="card", ref=card.voucher_id, title=card.title, units=units, due=min(units, card.due_left),
        issuer_id=card.merchant_id, card=card,
    )  # fmt: skip


def _best(bill: Bill, stock: Stock) -> tuple[Pay, ...]:
    """Every card of the member that can be used here; what lies on points stays there."""
    mine = [c for c in stock.cards.values() if c.member_id == bill.member_id and c.value]
    return tuple(Pay(kind="card", id=c.voucher_id) for c in mine if why_not_here(bill, c, stock) is None)


def why_not_here(bill: Bill, card: Voucher, stock: Stock) -> Refusal | None:
    """Why stored value cannot pay this order now."""
    if card.asset != bill.total.asset or not card.honoured_by(bill.merchant_id):
        return CardElsewhere()
    if bill.stores and card.store_ids and not bill.stores & set(card.store_ids):
        return CardElsewhere()
    if card.state != "valid":
        return CardEmpty(title_zh=card.title.zh, title_en=card.title.en)
    late = why_not_valid(card.valid_from, card.valid_to, at=stock.now, zone=stock.zone)
    if late is not None:
        return late
    held = vouchers.why_held(card, stock.now)
    if held is not None:
        return held
    return None if _usable(bill, card, None).uses_left else CardEmpty(title_zh=card.title.zh, title_en=card.title.en)


def _usable(bill: Bill, card: Voucher, most: int | None) -> Voucher:
    """The card with what of it may be used here: a bonus costs the merchant who gave it, so only he takes it."""
    units = card.uses_left if card.merchant_id == bill.merchant_id else card.due_left
    units = units if most is None else max(0, min(units, most))
    due = min(card.due_left, units)
    return structs.replace(card, uses_left=units, due_left=due, paid_left=min(card.paid_left, due))


def payables(weighed: Weighed) -> tuple[Payable, ...]:
    """What a quote tells of every card and wallet of the member that could pay here; those that pay first."""
    bill, stock = weighed.bill, weighed.stock
    if bill.why_not() is not None:
        return ()
    asset, left = bill.total.asset, bill.total.units - weighed.units
    given = {one.ref: one for one in weighed.taken}
    asked = {p.id for p in bill.pays} if bill.pays != BEST else set(given)
    found: list[Payable] = []
    for card in stock.cards.values():
        if card.member_id != bill.member_id or not card.value:
            continue
        no = why_not_here(bill, card, stock)
        if isinstance(no, CardElsewhere | CardEmpty):
            continue
        has = _usable(bill, card, None).uses_left
        one = given.get(card.voucher_id)
        found.append(
            Payable(
                kind="card", ref=card.voucher_id, title=card.title, chosen=card.voucher_id in asked and no is None,
                amount=Amount(one.units if one else min(has, left), asset), balance=Amount(has, asset), voucher=card,
                no=no,
            )
        )  # fmt: skip
    for purse in stock.purses.get((bill.member_id or bill.merchant_id, bill.merchant_id), ()):
        if bill.gifts:
            continue
        one = given.get(purse.programme_id)
        points = one.points if one else purse.most_for(left, None)
        found.append(
            Payable(
                kind="points", ref=purse.programme_id, title=purse.name, chosen=one is not None, points=points,
                amount=Amount(points * purse.face_units, asset), balance_points=purse.available,
                balance=Amount(purse.available * purse.face_units, asset), face=purse.face_units,
                most=purse.most_for(bill.total.units, None),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda p: (p.kind == "points", p.no is not None, not p.chosen, _ends(p), p.ref)))


def _ends(one: Payable) -> float:
    return one.voucher.valid_to.timestamp() if one.voucher else 0.0


def laid(lines: Sequence[Sequence[UnitShare]], taken: Collection[Taken]) -> list[list[UnitShare]]:
    """The units of an order with the parts that these tenders pay of each, by largest remainder; what is due falls by
    what has no money behind it (a bonus, what a programme keeps of points). Parts add up exactly."""
    flat = [share for line in lines for share in line]
    left = [share.money for share in flat]
    for one in taken:
        if not one.units:  # what a gift costs in points lies on its units already
            continue
        parts = apportion(one.units, left)
        dues = apportion(one.due, parts) if one.due else [0] * len(parts)
        points = apportion(one.points, parts) if one.points else [0] * len(parts)
        for i, units in enumerate(parts):
            if units or points[i]:
                part = Tendered(ref=one.ref, units=units, due=dues[i], points=points[i])
                due = flat[i].due + part.due - part.units
                flat[i] = structs.replace(flat[i], due=due, tenders=(*flat[i].tenders, part))
        left = [have - units for have, units in zip(left, parts, strict=True)]
    shares = iter(flat)
    return [[next(shares) for _ in line] for line in lines]


def text(shares: Sequence[UnitShare]) -> str:
    """The JSON column of a line."""
    return msgspec.json.encode(shares).decode()
