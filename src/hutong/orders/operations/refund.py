"""Refunds: at the buyer's wish, at the merchant's, at expiry, when a deal fails."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hutong import ledger, places, vouchers
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms
from hutong.orders.leftover import left_of
from hutong.orders.model import AskRefund, RefundAsked, UnitShare
from hutong.orders.operations import _groups, _history, _money
from hutong.orders.operations.refund_ends import give_units_back
from hutong.orders.refusals import GivenAway, NothingToRefund, OrderClosed, OrderUnknown, RefundForbidden

# Reasons that a buyer cannot give.
HOUSE = frozenset({"expired", "not_tipped", "merchant", "reward_undone", "shop_closed", "team_failed", "ladder"})


async def ask_refunds(
    tx: Tx, asks: Sequence[AskRefund], *, city_id: int, now: datetime
) -> list[RefundAsked | Refusal]:  # fmt: skip
    """Take unused units back: their vouchers can no longer be used, their money is reserved for the buyer.

    The amount is exactly what was paid for these units (the line's breakdown), in the order's currency; of a card that
    was used in part it is what was paid for the rest. The part that cards and points had paid (`tendered`) goes back to
    them; for the rest the provider is called after the commit, and `refund_ends` ends it. Without a rest it is done.
    Units that are used or already on their way are left out; when units are named and one of them cannot be refunded,
    the whole ask is refused.
    The terms bind the buyer, not the merchant or the house. What expired without a refund is nobody's to give back.
    A unit that a counter without a network may just have taken waits (`vouchers.refunds_wait`), unless the house asks.
    Refusals: order_not_found, order_closed, nothing_to_refund, voucher_given_away, refund_forbidden,
    offline_store_silent, and the voucher's own (on its way as a gift, in checkout).
    """
    orders = await _history.lock(tx, [a.order_id for a in asks], city_id=city_id)
    seats = await _groups.lock(tx, list(orders), city_id=city_id)
    units = await vouchers.lock_orders(tx, list(orders), city_id=city_id)
    waits = await _waits(tx, units if not all(_by_house(a) for a in asks) else [], city_id=city_id, now=now)
    of_order: dict[UUID, list[Any]] = {order_id: [] for order_id in orders}
    for unit in units:
        of_order[unit.order_id].append(unit)
    results: list[RefundAsked | Refusal | None] = []
    chosen: list[list[Any]] = []
    taken: set[UUID] = set()
    for ask in asks:
        picked = _pick(ask, orders.get(ask.order_id), of_order.get(ask.order_id, []), taken, waits, now)
        refused = isinstance(picked, Refusal)
        results.append(picked if refused else None)
        chosen.append([] if refused else picked)
        taken.update(unit.voucher_id for unit in chosen[-1])
    flat = [unit.voucher_id for picked in chosen for unit in picked]
    _history.must(await vouchers.start_refund(tx, flat, city_id=city_id, now=now, gifts=True), "start refund")
    await _groups.leave(tx, units, gone=taken, held=seats, city_id=city_id, now=now)
    shares = await _shares(tx, orders, chosen, city_id=city_id)
    backs: list[_money.Back] = []
    free: list[_money.Back] = []
    for i, (ask, picked) in enumerate(zip(asks, chosen, strict=True)):
        if results[i] is not None:
            continue
        back = _back(ask, orders[ask.order_id], picked, shares)
        results[i] = RefundAsked(
            refund_id=ask.refund_id, order_id=ask.order_id, amount=back.amount, voucher_ids=back.voucher_ids,
            tendered=Amount(back.tendered, back.amount.asset),
        )  # fmt: skip
        if back.money:
            backs.append(back)
        else:
            free.append(back)
    await _money.send_back(tx, backs, city_id=city_id, now=now)
    await _end_free(tx, free, city_id=city_id, now=now)
    return [r for r in results if r is not None]


async def _shares(
    tx: Tx, orders: dict[UUID, dict[str, Any]], chosen: Sequence[Sequence[Any]], *, city_id: int
) -> dict[UUID, list[UnitShare]]:
    """By line, what pays the units of those orders of which cards or points pay a part; none: no statement."""
    lines = {u.line_id for picked in chosen for u in picked if orders[u.order_id]["tender_count"]}
    if not lines:
        return {}
    rows = await tx.rows(
        "select line_id, breakdown from orders.lines where city_id = %(city)s and line_id = any(%(ids)s::uuid[])",
        city=city_id,
        ids=sorted(lines),
    )
    return {row["line_id"]: msgspec.convert(row["breakdown"], list[UnitShare]) for row in rows}


async def _end_free(tx: Tx, backs: Sequence[_money.Back], *, city_id: int, now: datetime) -> None:
    """Units of which the provider holds no money go back at once: nobody has to be asked for it."""
    if backs:
        await _money.insert(tx, backs, state="done", city_id=city_id, now=now)
        rows = [
            {
                "refund_id": b.refund_id, "order_id": b.order_id, "units": b.amount.units, "reason": b.reason,
                "voucher_ids": b.voucher_ids,
            }
            for b in backs
        ]  # fmt: skip
        await give_units_back(tx, rows, transfers=[], city_id=city_id, now=now)
        await tx.record([_money.fact(b, "orders.refunded", city_id, now) for b in backs if b.amount])
        await tx.record(
            [
                Fact(
                    fact_id=derive(b.refund_id, "orders.given_back"), city_id=city_id, topic="orders.given_back",
                    subject=b.order_id, payload={"refund": str(b.refund_id)}, at=now,
                )
                for b in backs
            ]
        )  # fmt: skip


async def _waits(tx: Tx, units: Sequence[Any], *, city_id: int, now: datetime) -> dict[UUID, Refusal]:
    """Units whose refund must wait for a counter that is offline."""
    if not units:
        return {}
    city = await places.city(tx, city_id)
    return await vouchers.refunds_wait(tx, units, city_id=city_id, now=now, zone=city.zone if city else "UTC")


def _pick(
    ask: AskRefund, order: dict[str, Any] | None, units: list[Any], taken: set[UUID], waits: dict[UUID, Refusal],
    now: datetime,
) -> list[Any] | Refusal:  # fmt: skip
    """The units of the ask that can go back, by rules alone."""
    if order is None:
        return OrderUnknown()
    if order["state"] in ("placed", "cancelled", "expired"):
        return OrderClosed(state=order["state"])
    wanted = [u for u in units if not ask.voucher_ids or u.voucher_id in ask.voucher_ids]
    if len(wanted) < len(set(ask.voucher_ids)):
        return OrderUnknown()
    able = [u for u in wanted if _has_its_money(u) and u.voucher_id not in taken]
    kept = {u.voucher_id: why for u in able if (why := _why_kept(ask, order, u, now)) is not None}
    if kept and (ask.voucher_ids or len(kept) == len(able)):
        return next(iter(kept.values()))
    able = [u for u in able if u.voucher_id not in kept]
    if not able:
        return NothingToRefund()
    if ask.voucher_ids and len(able) < len(wanted):
        return NothingToRefund()
    if _by_house(ask):
        return able
    if not ask.by_merchant and any(_terms(u).refund == "none" for u in able):
        return RefundForbidden()
    free = [u for u in able if u.voucher_id not in waits]
    if len(free) < len(able) and (ask.voucher_ids or not free):
        return next(waits[u.voucher_id] for u in able if u.voucher_id in waits)
    return free


def _why_kept(ask: AskRefund, order: dict[str, Any], unit: Any, now: datetime) -> Refusal | None:
    """Why a unit stays where it is: an order in checkout has it, it is sent, or its buyer has given it away. The
    merchant and the house give the money of a gift back all the same: to the payment it came from."""
    held = vouchers.why_held(unit, now)
    if unit.held_for in ("order", "delivery"):
        return held
    if _by_house(ask) or ask.by_merchant:
        return None
    return GivenAway() if unit.member_id != order["member_id"] else held


def _by_house(ask: AskRefund) -> bool:
    return ask.by is None and not ask.by_merchant and ask.reason in HOUSE


def _has_its_money(unit: Any) -> bool:
    """Whether its money still lies in escrow: nothing of the unit is used, or it is a card, whose rest goes back. What
    expired without a refund is breakage, and its money went with it."""
    waits = unit.state in ("valid", "waiting") or (unit.state == "expired" and _terms(unit).refund_on_expiry)
    return waits and (unit.untouched or unit.kind == "card")


def _terms(unit: Any) -> Terms:
    return unit.terms if isinstance(unit.terms, Terms) else msgspec.convert(unit.terms, Terms, strict=False)


def _back(
    ask: AskRefund, order: dict[str, Any], units: list[Any], shares: dict[UUID, list[UnitShare]]
) -> _money.Back:  # fmt: skip
    """`shares`: of the lines of which cards or points pay a part; of others all of it is money of the provider's."""
    tendered = 0
    amount = 0
    for unit in units:
        if unit.line_id not in shares:
            amount += unit.paid_left
            continue
        left = left_of(unit, shares[unit.line_id][unit.unit_no])
        tendered += left.tendered
        amount += left.money + left.tendered
    return _money.Back(
        refund_id=ask.refund_id, order_id=ask.order_id, payment_id=order["payment_id"], provider=order["provider"],
        merchant_id=order["merchant_id"],
        source=ledger.chart.escrow(order["merchant_id"]),
        amount=Amount(amount, order["asset"]), tendered=tendered,
        voucher_ids=tuple(sorted(u.voucher_id for u in units)), by=ask.by,
        reason="other" if ask.reason in HOUSE and not (ask.by_merchant or _by_house(ask)) else ask.reason,
    )  # fmt: skip
