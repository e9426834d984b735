"""The end of a sale that needed a minimum of buyers, and the end of validities: what is owed goes back by itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import ledger, vouchers
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.ledger import Book, Transfer
from hutong.orders.model import AskRefund, RefundAsked
from hutong.orders.operations import _history, _uses
from hutong.orders.operations.refund import ask_refunds


class Closed(Struct, frozen=True, kw_only=True):
    """What a round of closing did: how many deals tipped, how many failed, how many refunds were asked."""

    tipped: int
    failed: int
    refunds: int


async def close_offers(tx: Tx, *, city_id: int, now: datetime, limit: int = 200) -> Closed:
    """Close deals with a minimum whose sale has ended, and refund whole what has not tipped; at most `limit` orders.

    Call it until it does nothing: one call judges, the next ones refund (orders are locked before counts elsewhere, so
    one transaction must not do both). A deal is judged once, under the lock of its count: the last payment and the
    closing cannot both win. Refund reason: not_tipped.
    """
    rows = await tx.rows(
        """update orders.tippings t
           set closed_at = %(now)s, outcome = case when t.tipped_at is null then 'failed' else 'tipped' end
           where t.city_id = %(city)s and t.closes_at <= %(now)s and t.closed_at is null
           returning offer_id, outcome""",
        city=city_id,
        now=now,
    )
    await tx.record([_fact(city_id, r["offer_id"], r["outcome"], now) for r in rows])
    if rows:
        failed = sum(r["outcome"] == "failed" for r in rows)
        return Closed(tipped=len(rows) - failed, failed=failed, refunds=0)
    # A deal that failed has paid units until all are given back: mostly there is none, and no order is looked at.
    failed_offers = await tx.rows(
        """select offer_id from orders.tippings
           where city_id = %(city)s and outcome = 'failed' and paid_units > 0""",
        city=city_id,
    )
    if not failed_offers:
        return Closed(tipped=0, failed=0, refunds=0)
    waiting = await tx.rows(
        """select distinct o.order_id from orders.lines l
           join orders.orders o on o.city_id = %(city)s and o.order_id = l.order_id
             and o.state in ('paid', 'part_refunded')
           where l.city_id = %(city)s and l.offer_id = any(%(offers)s::uuid[])
             and not exists (select 1 from orders.refunds r where r.city_id = %(city)s and r.order_id = l.order_id
                             and r.reason = 'not_tipped' and r.state <> 'failed')
           limit %(limit)s""",
        city=city_id,
        limit=limit,
        offers=[r["offer_id"] for r in failed_offers],
    )
    asked = await _ask(tx, [r["order_id"] for r in waiting], "not_tipped", city_id=city_id, now=now)
    return Closed(tipped=0, failed=0, refunds=len(asked))


async def expire_vouchers(tx: Tx, *, city_id: int, now: datetime, limit: int = 1000) -> list[RefundAsked]:
    """End vouchers whose validity is over; refund the unused ones, or book breakage where the terms say so.

    At most `limit` vouchers; the refunds that were asked (reason: expired). Call it until it does nothing.
    """
    due = await vouchers.orders_to_expire(tx, city_id=city_id, now=now, limit=limit)
    orders = await _history.lock(tx, due, city_id=city_id)  # before their vouchers, as everywhere
    await vouchers.lock_orders(tx, due, city_id=city_id)  # all of theirs at once: a refund below takes them, too
    gone = await vouchers.expire(tx, city_id=city_id, now=now, limit=limit, orders=due)
    keep = [unit for unit in gone if not unit.terms.refund_on_expiry]
    await _breakage(tx, keep, orders, city_id=city_id, now=now)
    by_order: dict[UUID, list[UUID]] = {}
    for unit in gone:
        if unit.terms.refund_on_expiry and (unit.untouched or unit.kind == "card"):
            by_order.setdefault(unit.order_id, []).append(unit.voucher_id)
    asks = [
        AskRefund(
            refund_id=derive(min(ids), "expired"), order_id=order, by=None, reason="expired", voucher_ids=tuple(ids)
        )
        for order, ids in sorted(by_order.items())
    ]
    results = await ask_refunds(tx, asks, city_id=city_id, now=now)
    _history.must(results, "refund of expired vouchers")
    return [r for r in results if isinstance(r, RefundAsked)]


async def _ask(
    tx: Tx, orders: Sequence[UUID], reason: str, *, city_id: int, now: datetime
) -> list[RefundAsked]:  # fmt: skip
    asks = [AskRefund(refund_id=derive(o, reason), order_id=o, by=None, reason=reason) for o in sorted(orders)]
    results = await ask_refunds(tx, asks, city_id=city_id, now=now)
    return [r for r in results if isinstance(r, RefundAsked)]


async def _breakage(
    tx: Tx, units: Sequence[vouchers.Voucher], orders: dict[UUID, dict[str, Any]], *, city_id: int, now: datetime
) -> None:
    """What nobody used and the terms do not give back becomes breakage revenue, voucher by voucher: what was paid for
    it. What others bore of it goes back to them: nobody pays for a right that was never used."""
    borne = await _unused(tx, [u for u in units if orders[u.order_id]["saved_units"]], city_id=city_id, now=now)
    back: dict[UUID, int] = {}
    for transfer in borne:
        back[transfer.ref] = back.get(transfer.ref, 0) + transfer.amount.units
    transfers = [
        Transfer(
            id=derive(u.voucher_id, "breakage"),
            book=Book.city(city_id),
            debit=ledger.chart.escrow(u.merchant_id),
            credit=ledger.chart.revenue_breakage(),
            amount=Amount(u.due_left - back.get(u.voucher_id, 0), u.asset),
            event="breakage",
            ref=u.voucher_id,
        )
        for u in units
        if u.due_left > back.get(u.voucher_id, 0)
    ]
    _history.must(await ledger.post(tx, [*transfers, *borne], now=now), "breakage")


async def _unused(
    tx: Tx, units: Sequence[vouchers.Voucher], *, city_id: int, now: datetime
) -> list[Transfer]:  # fmt: skip
    """The transfers that give back what others bore of these units."""
    if not units:
        return []
    rows = await tx.rows(
        "select line_id, breakdown from orders.lines where city_id = %(city)s and line_id = any(%(ids)s::uuid[])",
        city=city_id,
        ids=sorted({u.line_id for u in units}),
    )
    refs = {u.voucher_id: u.voucher_id for u in units}
    gone = _uses.units(refs, units, {row["line_id"]: row["breakdown"] for row in rows})
    return await _uses.give_back(tx, gone, event="breakage", city_id=city_id, now=now)


def _fact(city_id: int, offer_id: UUID, outcome: str, now: datetime) -> Fact:
    topic = f"orders.deal_{outcome}"
    return Fact(fact_id=derive(offer_id, topic), city_id=city_id, topic=topic, subject=offer_id, at=now)
