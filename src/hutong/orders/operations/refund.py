"""Refunds: at the buyer's wish, at the merchant's, at expiry, when a deal fails."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hutong import ledger, places, vouchers
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms
from hutong.orders.model import AskRefund, RefundAsked
from hutong.orders.operations import _history, _money
from hutong.orders.operations.refund_ends import give_units_back
from hutong.orders.refusals import NothingToRefund, OrderUnknown, RefundForbidden, closed

HOUSE = frozenset({"expired", "not_tipped", "merchant"})  # reasons that a buyer cannot give


async def ask_refunds(
    tx: Tx, asks: Sequence[AskRefund], *, city_id: int, now: datetime
) -> list[RefundAsked | Refusal]:  # fmt: skip
    """Take unused units back: their vouchers can no longer be used, their money is reserved for the buyer.

    The amount is exactly what was paid for these units (the line's breakdown), in the order's currency. The provider
    is called after the commit; `refund_ends` ends it. Units that are used or already on their way are left out;
    when units are named and one of them cannot be refunded, the whole ask is refused.
    The terms bind the buyer, not the merchant or the house. What expired without a refund is nobody's to give back.
    A unit that a counter without a network may just have taken waits (`vouchers.refunds_wait`), unless the house asks.
    Refusals: order_not_found, order_closed, nothing_to_refund, refund_forbidden, offline_store_silent, and the
    voucher's own.
    """
    orders = await _history.lock(tx, [a.order_id for a in asks], city_id=city_id)
    units = await vouchers.lock_orders(tx, list(orders), city_id=city_id)
    waits = await _waits(tx, units if not all(_by_house(a) for a in asks) else [], city_id=city_id, now=now)
    of_order: dict[UUID, list[Any]] = {order_id: [] for order_id in orders}
    for unit in units:
        of_order[unit.order_id].append(unit)
    results: list[RefundAsked | Refusal | None] = []
    chosen: list[list[Any]] = []
    taken: set[UUID] = set()
    for ask in asks:
        picked = _pick(ask, orders.get(ask.order_id), of_order.get(ask.order_id, []), taken, waits)
        refused = isinstance(picked, Refusal)
        results.append(picked if refused else None)
        chosen.append([] if refused else picked)
        taken.update(unit.voucher_id for unit in chosen[-1])
    flat = [unit.voucher_id for picked in chosen for unit in picked]
    _history.must(await vouchers.start_refund(tx, flat, city_id=city_id, now=now), "start refund")
    backs: list[_money.Back] = []
    free: list[_money.Back] = []
    for i, (ask, picked) in enumerate(zip(asks, chosen, strict=True)):
        if results[i] is not None:
            continue
        back = _back(ask, orders[ask.order_id], picked)
        results[i] = RefundAsked(
            refund_id=ask.refund_id, order_id=ask.order_id, amount=back.amount, voucher_ids=back.voucher_ids
        )
        if back.amount:
            backs.append(back)
        else:
            free.append(back)
    await _money.send_back(tx, backs, city_id=city_id, now=now)
    await _end_free(tx, free, city_id=city_id, now=now)
    return [r for r in results if r is not None]


async def _end_free(tx: Tx, backs: Sequence[_money.Back], *, city_id: int, now: datetime) -> None:
    """Units that cost nothing go back at once: nobody has to be asked for money."""
    if backs:
        await _money.insert(tx, backs, state="done", city_id=city_id, now=now)
        rows = [{"order_id": b.order_id, "units": 0, "reason": b.reason, "voucher_ids": b.voucher_ids} for b in backs]
        await give_units_back(tx, rows, transfers=[], city_id=city_id, now=now)


async def _waits(tx: Tx, units: Sequence[Any], *, city_id: int, now: datetime) -> dict[UUID, Refusal]:
    """Units whose refund must wait for a counter that is offline."""
    if not units:
        return {}
    city = await places.city(tx, city_id)
    return await vouchers.refunds_wait(tx, units, city_id=city_id, now=now, zone=city.zone if city else "UTC")


def _pick(
    ask: AskRefund, order: dict[str, Any] | None, units: list[Any], taken: set[UUID], waits: dict[UUID, Refusal]
) -> list[Any] | Refusal:
    """The units of the ask that can go back, by rules alone."""
    if order is None:
        return OrderUnknown()
    if order["state"] in ("placed", "cancelled", "expired"):
        return closed(order["state"])
    wanted = [u for u in units if not ask.voucher_ids or u.voucher_id in ask.voucher_ids]
    if len(wanted) < len(set(ask.voucher_ids)):
        return OrderUnknown()
    able = [u for u in wanted if _has_its_money(u) and u.voucher_id not in taken]
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


def _by_house(ask: AskRefund) -> bool:
    return ask.by is None and not ask.by_merchant and ask.reason in HOUSE


def _has_its_money(unit: Any) -> bool:
    """Whether nothing of the unit is used and its money still lies in escrow: what expired without a refund is
    breakage, and its money went with it."""
    waits = unit.state in ("valid", "waiting") or (unit.state == "expired" and _terms(unit).refund_on_expiry)
    return waits and unit.untouched


def _terms(unit: Any) -> Terms:
    return unit.terms if isinstance(unit.terms, Terms) else msgspec.convert(unit.terms, Terms, strict=False)


def _back(ask: AskRefund, order: dict[str, Any], units: list[Any]) -> _money.Back:
    return _money.Back(
        refund_id=ask.refund_id, order_id=ask.order_id, payment_id=order["payment_id"], provider=order["provider"],
        merchant_id=order["merchant_id"],
        source=ledger.chart.escrow(order["merchant_id"]),
        amount=Amount(sum(u.paid_units for u in units), order["asset"]),
        voucher_ids=tuple(sorted(u.voucher_id for u in units)), by=ask.by,
        reason="other" if ask.reason in HOUSE and not (ask.by_merchant or _by_house(ask)) else ask.reason,
    )  # fmt: skip
