"""The end of a ladder: what was paid above the price that was reached goes back, and what was bought can be used."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import groups, ledger, vouchers
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.orders.operations import _history, _money

REASON = "ladder"


class LaddersClosed(Struct, frozen=True, kw_only=True):
    """What a round did: how many ladders ended, how many orders got what was owed to them."""

    settled: int
    orders: int


async def close_ladders(tx: Tx, *, city_id: int, now: datetime, limit: int = 500) -> LaddersClosed:
    """End ladders whose sale is over, then give the difference back, order by order; at most `limit` of either.

    Call it until it does nothing: one call fixes prices, the next ones pay (orders are locked before ladders
    elsewhere). Of each living unit goes back what it cost above the final price, as far as its buyer paid it: what a
    promotion took off is not given twice. What is paid and what is due to the merchant fall alike, and the voucher,
    which had waited, can be used. Refund reason: ladder. A unit on its way back has its whole price on that way.
    """
    settled = await groups.settle_due(tx, city_id=city_id, now=now, limit=limit)
    if settled:
        return LaddersClosed(settled=len(settled), orders=0)
    owed = {one.order_id: one for one in await groups.owed_climbs(tx, city_id=city_id, limit=limit)}
    if not owed:
        return LaddersClosed(settled=0, orders=0)
    orders = await _history.lock(tx, list(owed), city_id=city_id)
    units = [u for u in await vouchers.lock_orders(tx, list(owed), city_id=city_id) if u.state == "waiting"]
    less = [min(_difference(owed[u.order_id]), u.paid_units) for u in units]
    await vouchers.reduce(
        tx, [u.voucher_id for u in units], less=less, city_id=city_id, now=now, reason=REASON
    )  # fmt: skip
    await groups.climbs_done(tx, list(owed), city_id=city_id, now=now)
    await _money.send_back(tx, _backs(units, less, orders), city_id=city_id, now=now)
    return LaddersClosed(settled=0, orders=len(owed))


def _difference(owed: groups.Owed) -> int:
    return owed.price_units - owed.final_units


def _backs(units: Sequence[Any], less: Sequence[int], orders: dict[UUID, dict[str, Any]]) -> list[_money.Back]:
    """One refund for each order that gets something back."""
    parts: dict[UUID, list[tuple[UUID, int]]] = {}
    for unit, units_less in zip(units, less, strict=True):
        if units_less:
            parts.setdefault(unit.order_id, []).append((unit.voucher_id, units_less))
    return [
        _money.Back(
            refund_id=derive(min(of_order)[0], REASON), order_id=order_id, payment_id=orders[order_id]["payment_id"],
            provider=orders[order_id]["provider"], merchant_id=orders[order_id]["merchant_id"],
            source=ledger.chart.escrow(orders[order_id]["merchant_id"]),
            amount=Amount(sum(n for _, n in of_order), orders[order_id]["asset"]),
            voucher_ids=tuple(sorted(voucher for voucher, _ in of_order)), by=None, reason=REASON,
        )
        for order_id, of_order in sorted(parts.items())
    ]  # fmt: skip


async def undo_ladders(tx: Tx, refunds: Sequence[dict[str, Any]], *, city_id: int) -> None:
    """The provider could not give these differences back: the units are worth what was paid for them again, so that a
    later refund gives all of it. (The difference of a unit that was used meanwhile stays in escrow; the audit shows
    it, and somebody has to pay it another way.)"""
    ids = sorted(v for r in refunds if r["reason"] == REASON for v in r["voucher_ids"])
    if not ids:
        return
    units = await vouchers.by_ids(tx, ids, city_id=city_id)
    rows = await tx.rows(
        """select line_id, breakdown from orders.lines
           where city_id = %(city)s and line_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted({unit.line_id for unit in units}),
    )  # fmt: skip
    paid = {row["line_id"]: [unit["paid"] for unit in row["breakdown"]] for row in rows}
    more = [paid[unit.line_id][unit.unit_no] - unit.paid_units for unit in units]
    await vouchers.put_back(tx, [unit.voucher_id for unit in units], more=more, city_id=city_id)
