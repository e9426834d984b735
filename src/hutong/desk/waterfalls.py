"""Who got what of an order, a use, a bill or a gift: gathered for whoever has a part in it, and refused to others.

A member sees his own order or bill: whom his money went to, without what the others agreed among themselves. A merchant
sees what he sold, and of a right that another sold the use in his shop. An operator sees what he has a share in; who
runs the city sees all of it, and the platform everything.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from hutong import ledger, merchants, orders, payments, people, programmes, recruiting, settlement, till, vouchers
from hutong.desk import payouts
from hutong.desk.house import House
from hutong.infra.db import Tx
from hutong.kit.access import EVERYTHING, Actor, Permission
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound
from hutong.kit.text import Text
from hutong.ledger import Book, Move
from hutong.programmes import Movement
from hutong.settlement import Fall, Party, Waterfall
from hutong.vouchers import Voucher

# For a member all of these are the platform's.
KEPT_TOGETHER = ("platform", "operator", "referrer", "worker", "breakage", "provider_fee")
SUMMED = ("merchant", "operator", "partner", "funding")  # parties that have a name


class Told(Struct, frozen=True, kw_only=True):
    """What the thing itself says was paid, beside what the books say."""

    paid: Amount
    booked: Amount

    @property
    def agrees(self) -> bool:
        return self.paid == self.booked


class Cascade(Struct, frozen=True, kw_only=True):
    """A waterfall with what is needed to read it: names of parties, rules in words, and what was paid."""

    kind: str  # order, voucher, use, bill, movement
    title: Text
    subject: UUID
    flow: Waterfall
    names: dict[str, Text]
    rules: dict[str, list[Text]]
    told: Told | None = None
    viewer: UUID | None = None  # the member whom it is told to


class _Refs(Struct):
    """What the rows of a thing may be about."""

    refs: set[UUID] = set()
    members: set[UUID] = set()


async def of_order(house: House, city_id: int, order_id: UUID, *, member_id: UUID | None = None) -> Cascade:
    """The whole of an order: its payments, uses, refunds, points. With `member_id`: as its buyer may see it, and
    only his own. Raises not_found. Nobody else may be given this unasked: see for_merchant and for_operator."""
    async with house.db.reading(city_id) as tx:
        concern = (await orders.concerns(tx, [order_id], city_id=city_id)).get(order_id)
        if concern is None or member_id not in (None, concern.member_id):
            raise NotFound()
        paid = (await payments.of_orders(tx, [order_id], city_id=city_id)).get(order_id, [])
        back = await orders.refunds(tx, concern.member_id, order_id, city_id=city_id)
        units = await vouchers.of_orders(tx, [order_id], city_id=city_id)
        uses = await vouchers.uses_of(tx, [unit.voucher_id for unit in units], city_id=city_id) if units else []
        about = _Refs({order_id, *(unit.voucher_id for unit in units)}, {concern.member_id})
        about.refs |= {one.payment_id for one in paid} | {row["refund_id"] for row in back}
        about.refs |= {use.redemption_id for use in uses}
        about.members |= {unit.member_id for unit in units}
        flow = await _flow(tx, about, city_id=city_id)
        captured = [one.captured for one in paid if one.captured]
        told = _told(flow, captured, ("capture", "capture_deposit")) if captured else None
        return await _cascade(
            tx, house, "order", concern.title, order_id, flow, told, viewer=member_id
        )  # fmt: skip


async def of_use(house: House, city_id: int, redemption_id: UUID) -> Cascade:
    """One use alone: what of it went to whom. Raises not_found."""
    async with house.db.reading(city_id) as tx:
        uses = await vouchers.uses_by_ids(tx, EVERYTHING, [redemption_id], city_id=city_id)
        if not uses:
            raise NotFound()
        flow = await _flow(tx, _Refs({redemption_id}, set()), city_id=city_id)
        return await _cascade(tx, house, "use", uses[0].title, redemption_id, flow, None)


async def of_voucher(house: House, city_id: int, voucher_id: UUID, *, member_id: UUID | None = None) -> Cascade:
    """One unit of an order: its uses, its points, and its way back. The only unit of an order is told with the payment;
    of several each begins at what was held for it. With `member_id`: as its buyer may see it; who got it as a present
    sees the points that it gave him, and not what it cost. Raises not_found."""
    async with house.db.reading(city_id) as tx:
        (unit,) = await vouchers.by_ids(tx, [voucher_id], city_id=city_id) or [None]
        concern = (await orders.concerns(tx, [unit.order_id], city_id=city_id)).get(unit.order_id) if unit else None
        if unit is None or concern is None or member_id not in (None, concern.member_id, unit.member_id):
            raise NotFound()
        if member_id not in (None, concern.member_id):
            return await _of_present(tx, house, unit)
        units = await vouchers.of_orders(tx, [unit.order_id], city_id=city_id)
        if len(units) > 1:
            back = await orders.refunds(tx, concern.member_id, unit.order_id, city_id=city_id)
            uses = await vouchers.uses_of(tx, [voucher_id], city_id=city_id)
            about = _Refs({voucher_id, *(use.redemption_id for use in uses)}, {unit.member_id})
            about.refs |= {row["refund_id"] for row in back if list(row["voucher_ids"]) == [voucher_id]}
            flow = await _flow(tx, about, city_id=city_id)
            return await _cascade(
                tx, house, "voucher", unit.title, voucher_id, flow, None, viewer=member_id
            )  # fmt: skip
    whole = await of_order(house, city_id, unit.order_id, member_id=member_id)
    return structs.replace(whole, kind="voucher", title=unit.title, subject=voucher_id)


async def _of_present(tx: Tx, house: House, unit: Voucher) -> Cascade:
    uses = await vouchers.uses_of(tx, [unit.voucher_id], city_id=unit.city_id)
    moved = await programmes.movements_of(tx, [use.redemption_id for use in uses]) if uses else []
    rows = await _rows_of(tx, [one for one in moved if one.member_id == unit.member_id], set())
    return await _cascade(
        tx, house, "voucher", unit.title, unit.voucher_id, settlement.replay(rows), None, viewer=unit.member_id
    )


async def of_bill(house: House, city_id: int, bill_id: UUID, *, member_id: UUID | None = None) -> Cascade:
    """A bill at a till: what was used for it, what was paid at once, and its points. As of_order."""
    async with house.db.reading(city_id) as tx:
        bill = (await till.in_full(tx, [bill_id], city_id=city_id)).get(bill_id)
        if bill is None or member_id not in (None, bill.member_id):
            raise NotFound()
        about = _Refs({bill_id, *(use.redemption_id for use in bill.uses)}, set())
        about.members |= {bill.member_id} if bill.member_id else set()
        if bill.pay is not None:
            about.refs.add(bill.pay.payment_id)
        flow = await _flow(tx, about, city_id=city_id)
        paid = [bill.pay.amount] if bill.pay is not None and bill.pay.state in ("paid", "refunding", "refunded") else []
        told = _told(flow, paid, ("bill_paid",)) if paid else None
        title = Text.both(bill.store_name)
        return await _cascade(tx, house, "bill", title, bill_id, flow, told, viewer=member_id)


async def for_merchant(house: House, city_id: int, merchant_id: UUID, redemption_id: UUID) -> Cascade:
    """A use in the merchant's shop: with the whole order when he sold it, alone when another did. Raises not_found."""
    async with house.db.reading(city_id) as tx:
        (use,) = await vouchers.uses_by_ids(tx, EVERYTHING, [redemption_id], city_id=city_id) or [None]
        if use is None:
            raise NotFound()
        (unit,) = await vouchers.by_ids(tx, [use.voucher_id], city_id=city_id)
    if merchant_id not in (use.merchant_id, unit.merchant_id):
        raise NotFound()
    if unit.merchant_id != merchant_id or unit.kind == "coupon":  # nobody bought a coupon
        return await of_use(house, city_id, redemption_id)
    return await of_order(house, city_id, unit.order_id)


async def for_seller(house: House, city_id: int, merchant_id: UUID, order_id: UUID) -> Cascade:
    """An order of the merchant's own, also one that came back unused. Raises not_found."""
    async with house.db.reading(city_id) as tx:
        concern = (await orders.concerns(tx, [order_id], city_id=city_id)).get(order_id)
    if concern is None or concern.merchant_id != merchant_id:
        raise NotFound()
    return await of_order(house, city_id, order_id)


async def for_operator(house: House, actor: Actor, city_id: int, redemption_id: UUID) -> Cascade:
    """A use that the operator has a share in: alone; with the whole order for who runs the city. Raises not_found."""
    purses = await payouts.purses(house, actor)
    async with house.db.reading(city_id) as tx:
        shared = await settlement.operators_of(tx, [redemption_id], city_id=city_id)
        earned = (await settlement.earned(tx, [redemption_id], city_id=city_id)).get(redemption_id)
        if earned is None:
            raise NotFound()
        found = await vouchers.by_ids(tx, [earned.voucher_id], city_id=city_id)
    if actor.can(Permission.VIEW_STATEMENT, city=city_id):
        return await of_order(house, city_id, found[0].order_id)
    if not set(purses) & set(shared.get(redemption_id, ())):
        raise NotFound()
    return await of_use(house, city_id, redemption_id)


async def of_uses(house: House, city_id: int, redemption_ids: Sequence[UUID], *, title: Text) -> Cascade:
    """Several uses and nothing besides: for whoever has a part in them, and in nothing else of the order."""
    async with house.db.reading(city_id) as tx:
        flow = await _flow(tx, _Refs(set(redemption_ids), set()), city_id=city_id)
        return await _cascade(tx, house, "use", title, redemption_ids[0], flow, None)


async def of_movement(house: House, movement_id: UUID, *, member_id: UUID | None = None) -> Cascade:
    """Points alone: sent, donated, ended, given back, and whose money moved behind them. With `member_id`: as one of
    those who sent or got them may see it. Raises not_found. Nobody else may be given this unasked."""
    async with house.db.reading() as tx:
        moved = await programmes.movement(tx, movement_id)
        if not moved or member_id not in (None, *(one.member_id for one in moved)):
            raise NotFound()
        rows = await _rows_of(tx, moved, set())
        (programme,) = await programmes.programmes(tx, [moved[0].programme_id], at=house.clock.now())
        return await _cascade(
            tx, house, "movement", programme.name, movement_id, settlement.replay(rows), None, viewer=member_id
        )


async def _flow(tx: Tx, about: _Refs, *, city_id: int) -> Waterfall:
    """The rows of the city's book, and of the programmes and members that moved points for it."""
    rows = await ledger.moves(tx, [Book.city(city_id)], sorted(about.refs))
    rows += await _rows_of(tx, await programmes.movements_of(tx, about.refs), about.members)
    return settlement.replay(rows)


async def _rows_of(tx: Tx, moved: Sequence[Movement], members: set[UUID]) -> list[Move]:
    """What the books of programmes, members and cities say of movements. That points have become available is left
    out: they stay with their member, and one row tells it of all his points of a day."""
    if not moved:
        return []
    ids = [move.movement_id for move in moved]
    keyed = [Book.programme(i) for i in sorted({move.programme_id for move in moved})]
    keyed += [Book.member(i) for i in sorted({move.member_id for move in moved} | members)]
    found = [row for row in await ledger.moves(tx, keyed, ids) if row.event != "programmes.mature"]
    for city_id in sorted({move.city_id for move in moved if move.city_id is not None}):  # backing of a seller's escrow
        found += await ledger.moves(tx, [Book.city(city_id)], ids)
    return found


def _told(flow: Waterfall, paid: Sequence[Amount], events: Iterable[str]) -> Told:
    asset = paid[0].asset
    booked = sum(f.amount.units for f in flow.falls if f.event in events and f.source.kind == "buyer")
    return Told(paid=Amount(sum(one.units for one in paid), asset), booked=Amount(booked, asset))


async def _cascade(
    tx: Tx, house: House, kind: str, title: Text, subject: UUID, flow: Waterfall, told: Told | None, *,
    viewer: UUID | None = None,
) -> Cascade:  # fmt: skip
    if viewer is not None:
        flow = for_members(flow)
    named = await settlement.rules_named(tx, flow.rules) if viewer is None else {}
    asset = next((one.asset for one in flow.sums), "CNY")
    rules = {name: settlement.words_of(rule, asset) for name, rule in named.items()}
    return Cascade(
        kind=kind, title=title, subject=subject, flow=flow, told=told, rules=rules, viewer=viewer,
        names=await _names(tx, flow, at=house.clock.now()),
    )  # fmt: skip


def for_members(flow: Waterfall) -> Waterfall:
    """As a member may see it: the shares of the commission and the rules are between those who agreed on them."""
    falls = tuple(
        structs.replace(fall, rule="", source=_for_member(fall.source), target=_for_member(fall.target))
        for fall in flow.falls
    )
    return settlement.summed(_together(falls))


def _for_member(party: Party) -> Party:
    return Party("platform") if party.kind in KEPT_TOGETHER else party


def _together(falls: Sequence[Fall]) -> tuple[Fall, ...]:
    """Rows of one moment between the same two are one."""
    found: dict[Any, Fall] = {}
    for fall in falls:
        key = (fall.at, fall.event, fall.ref, fall.source, fall.target, fall.amount.asset)
        had = found.get(key)
        found[key] = structs.replace(fall, amount=had.amount + fall.amount) if had else fall
    return tuple(found.values())


async def _names(tx: Tx, flow: Waterfall, *, at: Any) -> dict[str, Text]:
    """What the parties with an id are called: merchants, operators, and persons who run a city in their own name."""
    ids: set[UUID] = set()
    for fall in flow.falls:
        for party in (fall.source, fall.target):
            if party.kind in SUMMED and party.whose:
                ids.add(UUID(party.whose.split("/")[0]))
    shops = await merchants.merchants(tx, sorted(ids))
    firms = await recruiting.operators(tx, sorted(ids - shops.keys()), at=at)
    persons = await people.members(tx, sorted(ids - shops.keys() - firms.keys()))
    names = {str(i): one.name for i, one in shops.items()} | {str(i): one.name for i, one in firms.items()}
    return names | {str(i): Text.both(one.name) for i, one in persons.items()}
