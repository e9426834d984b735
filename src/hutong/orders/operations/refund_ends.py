"""How a refund ends: the provider gave the money back, or refused for good."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from hutong import groups, inventory, ledger, vouchers
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.ledger import Book, Transfer
from hutong.orders.model import hold_id
from hutong.orders.operations import _caps, _history, _money, _points, _tendering, _tipping, _uses
from hutong.orders.operations._tendering import CARD_OVER
from hutong.orders.operations.close_ladders import undo_ladders

# Money that goes back while units stay as they are: a ladder's price fell, or money came back to a card that is over.
PARTIAL = ("ladder", CARD_OVER)


async def _open_refunds(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    rows = await tx.rows(
        """select * from orders.refunds where city_id = %(city)s and refund_id = any(%(ids)s::uuid[])
             and state = 'asked'
           order by refund_id for no key update""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    return {row["refund_id"]: row for row in rows}


async def refunds_done(tx: Tx, ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[bool]:
    """The provider gave the money back: post it, end the vouchers, free the stock. True where this call did it.

    A second call for the same refund changes nothing. Refunds are asset units of the order's currency.
    """
    rows = await _open_refunds(tx, ids, city_id=city_id)
    if not rows:
        return [False for _ in ids]
    await _history.lock(tx, [r["order_id"] for r in rows.values()], city_id=city_id)
    await _end(tx, rows, "done", city_id=city_id, now=now)
    transfers = [_ending(r, "post_pending", city_id) for r in rows.values()]
    partial = [r for r in rows.values() if r["reason"] in PARTIAL]
    await _count_refunded(tx, partial, city_id=city_id, now=now)
    sold = [r for r in rows.values() if r["voucher_ids"] and r["reason"] not in PARTIAL]
    await give_units_back(tx, sold, transfers=transfers, city_id=city_id, now=now)
    await tx.record([_fact(r, "orders.refunded", city_id, now) for r in rows.values()])
    return [refund in rows for refund in ids]


async def refunds_failed(tx: Tx, ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[bool]:
    """The provider refused for good: the reserve is undone and the vouchers are as they were. True where it did."""
    rows = await _open_refunds(tx, ids, city_id=city_id)
    if not rows:
        return [False for _ in ids]
    flat = sorted(v for r in rows.values() if r["reason"] not in PARTIAL for v in r["voucher_ids"])
    await groups.stay(tx, [r["order_id"] for r in rows.values()], city_id=city_id)
    whole = [r["order_id"] for r in rows.values() if r["reason"] not in PARTIAL]
    await groups.climb_again(tx, whole, city_id=city_id)
    await undo_ladders(tx, list(rows.values()), city_id=city_id)
    _history.must(await vouchers.refund_failed(tx, flat, city_id=city_id, now=now), "refund failed")
    voids = [_ending(r, "void_pending", city_id) for r in rows.values()]
    _history.must(await ledger.post(tx, voids, now=now), "void refund")
    await _end(tx, rows, "failed", city_id=city_id, now=now)
    await tx.record([_fact(r, "orders.refund_failed", city_id, now) for r in rows.values()])
    return [refund in rows for refund in ids]


def _ending(refund: dict[str, Any], step: Literal["post_pending", "void_pending"], city_id: int) -> Transfer:
    source = (
        ledger.chart.escrow(refund["merchant_id"])
        if refund["voucher_ids"]
        else ledger.chart.deposit(refund["order_id"])
    )
    return Transfer(
        id=derive(refund["refund_id"], step), book=Book.city(city_id), debit=source,
        credit=ledger.chart.provider(refund["provider"]), step=step,
        amount=Amount(refund["units"] - refund["tendered_units"], refund["asset"]),
        pending_id=_money.reserve_id(refund["refund_id"]), event="refund", ref=refund["refund_id"],
    )  # fmt: skip


async def _end(tx: Tx, rows: dict[UUID, Any], state: str, *, city_id: int, now: datetime) -> None:
    await tx.run(
        """update orders.refunds set state = %(state)s, ended_at = %(now)s
           where city_id = %(city)s and refund_id = any(%(ids)s::uuid[])""",
        city=city_id, now=now, state=state, ids=list(rows),
    )  # fmt: skip


def _fact(refund: dict[str, Any], topic: str, city_id: int, now: datetime) -> Fact:
    payload = {"refund": str(refund["refund_id"]), "units": refund["units"], "asset": refund["asset"]}
    return Fact(
        fact_id=derive(refund["refund_id"], topic), city_id=city_id, topic=topic, subject=refund["order_id"],
        payload=payload | {"reason": refund["reason"]}, at=now,
    )  # fmt: skip


async def _count_refunded(
    tx: Tx, refunds: list[dict[str, Any]], *, city_id: int, now: datetime
) -> list[UUID]:  # fmt: skip
    """The orders' sums and states: refunded when all of it went back, part_refunded otherwise (also of a card that was
    used in part). Those that are refunded now."""
    if not refunds:
        return []
    totals: dict[UUID, int] = {}
    reasons: dict[UUID, str] = {}
    for refund in refunds:
        totals[refund["order_id"]] = totals.get(refund["order_id"], 0) + refund["units"]
        reasons[refund["order_id"]] = refund["reason"]
    rows = await tx.rows(
        """update orders.orders o set refunded_units = o.refunded_units + k.units
           from unnest(%(ids)s::uuid[], %(units)s::bigint[]) as k(id, units)
           where o.city_id = %(city)s and o.order_id = k.id
           returning o.order_id, o.refunded_units = o.total_units as whole""",
        city=city_id, ids=sorted(totals), units=[totals[i] for i in sorted(totals)],
    )  # fmt: skip
    units = await vouchers.of_orders(tx, [r["order_id"] for r in rows], city_id=city_id)
    left = {u.order_id for u in units if u.state != "refunded"} | {r["order_id"] for r in rows if not r["whole"]}
    steps = [(i, "part_refunded" if i in left else "refunded", None, reasons[i]) for i in (r["order_id"] for r in rows)]
    await _history.move(tx, steps, city_id=city_id, now=now)
    return [r["order_id"] for r in rows if r["order_id"] not in left]


async def give_units_back(
    tx: Tx, refunds: list[dict[str, Any]], *, transfers: Sequence[Transfer], city_id: int, now: datetime
) -> None:
    """Refunded units leave the member's cap and a count that has not tipped yet, their vouchers end, the money is
    booked, the stock is free: in the order of locks of the package. `refunds` are rows with their voucher_ids.

    What cards and points paid of these units goes back to them, and to others what they bore; when nothing is left of
    an order, its coupons are its member's again.
    """
    wanted = sorted(v for r in refunds for v in r["voucher_ids"])
    units = list(await vouchers.by_ids(tx, wanted, city_id=city_id))
    if not units:
        _history.must(await ledger.post(tx, transfers, now=now), "post refund")
        return
    lines = await tx.rows(
        """select l.line_id, l.order_id, l.offer_id, l.promise, o.member_id, o.saved_units, o.tender_count,
                  case when o.saved_units > 0 or o.tender_count > 0 then l.breakdown end as breakdown
           from orders.lines l
           join orders.orders o on o.city_id = %(city)s and o.order_id = l.order_id
           where l.city_id = %(city)s and l.line_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted({u.line_id for u in units}),
    )  # fmt: skip
    by_line = {line["line_id"]: line for line in lines}
    rows = [by_line[u.line_id] for u in units]
    backs = [
        inventory.GiveBack(hold_id=hold_id(u.order_id), units=1, ref=u.voucher_id, quota_id=UUID(quota))
        for u, row in zip(units, rows, strict=True)
        for quota in row["promise"]["quota_ids"]
    ]
    await _caps.give_back(tx, [_caps.Claim(0, r["member_id"], r["offer_id"], 1, None) for r in rows], city_id=city_id)
    counts = [(r["offer_id"], 1) for r in rows if r["promise"]["waiting"]]
    await _tipping.take_back(tx, counts, city_id=city_id)
    _history.must(await vouchers.refunded(tx, wanted, city_id=city_id, now=now), "refunded")
    whole = await _count_refunded(tx, refunds, city_id=city_id, now=now)
    tendered = {line: row["breakdown"] for line, row in by_line.items() if row["tender_count"]}
    moves, points = await _tendering.give_back(
        tx, _tendering.going(refunds, units, tendered) if tendered else [], city_id=city_id, now=now
    )
    borne = await _give_savings_back(tx, refunds, units, by_line, whole, city_id=city_id, now=now)
    await _points.give_back(tx, [(one.refund_id, row, one.points, one.due) for one, row in points], now=now)
    _history.must(await ledger.post(tx, [*transfers, *moves, *borne], now=now), "post refund")
    _history.must(await inventory.give_back(tx, backs, city_id=city_id, now=now), "give back")


async def _give_savings_back(
    tx: Tx, refunds: list[dict[str, Any]], units: Sequence[vouchers.Voucher], by_line: dict[UUID, dict[str, Any]],
    whole: Sequence[UUID], *, city_id: int, now: datetime,
) -> list[Transfer]:  # fmt: skip
    """What promotions took off these units goes back to who bore it; none had any: no statement."""
    saved = [u for u in units if by_line[u.line_id]["saved_units"]]
    if not saved:
        return []
    refs = {voucher: r["refund_id"] for r in refunds for voucher in r["voucher_ids"]}
    gone = _uses.units(refs, saved, {u.line_id: by_line[u.line_id]["breakdown"] for u in saved})
    orders = {u.order_id for u in saved}
    return await _uses.give_back(
        tx, gone, whole=[i for i in whole if i in orders], event="promotion_back", city_id=city_id, now=now
    )
