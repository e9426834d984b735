"""Steps that several verbs share: locking orders, moving them along their roads, fulfilling what is paid."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hutong import inventory, ledger, places, vouchers
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.kit.terms import validity
from hutong.kit.text import Text
from hutong.ledger import Transfer
from hutong.orders.model import Promise, UnitShare, voucher_id
from hutong.orders.operations import _tipping


class Broken(Exception):
    """A lower package refused what the rules of orders had made sure of: a defect, nothing is committed."""


def must(results: Sequence[object], what: str) -> None:
    """Stop the transaction when one of the results is a refusal."""
    for result in results:
        if isinstance(result, Refusal):
            raise Broken(f"{what}: {result!r}")


async def lock(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    """The orders, locked in one sorted go."""
    rows = await tx.rows(
        """select * from orders.orders where city_id = %(city)s and order_id = any(%(ids)s::uuid[])
           order by order_id for no key update""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    return {row["order_id"]: row for row in rows}


async def move(
    tx: Tx, steps: Sequence[tuple[UUID, str, UUID | None, str]], *, city_id: int, now: datetime
) -> None:  # fmt: skip
    """Write (order, state, by, reason) for each locked order: the state and its line of history, in one statement."""
    if not steps:
        return
    await tx.run(
        """with steps as (
             select * from unnest(%(ids)s::uuid[], %(states)s::text[], %(bys)s::uuid[], %(reasons)s::text[])
                           as s(id, state, by, reason)
           ), moved as (
             update orders.orders o
             set state = s.state, paid_at = case when s.state = 'paid' then %(now)s else o.paid_at end
             from steps s where o.city_id = %(city)s and o.order_id = s.id
             returning o.order_id
           )
           insert into orders.changes (city_id, order_id, seq, state, at, by, reason)
           select %(city)s, s.id, 1 + (select max(c.seq) from orders.changes c
                                       where c.city_id = %(city)s and c.order_id = s.id),
                  s.state, %(now)s, s.by, s.reason
           from steps s join moved m on m.order_id = s.id""",
        city=city_id, now=now, ids=[s[0] for s in steps], states=[s[1] for s in steps], bys=[s[2] for s in steps],
        reasons=[s[3] for s in steps],
    )  # fmt: skip


async def fulfil(
    tx: Tx, ids: Sequence[UUID], *, transfers: Sequence[Transfer], city_id: int, now: datetime
) -> None:  # fmt: skip
    """What was placed and is now paid: count towards tipping, issue the vouchers, book the money, sell the stock.

    The orders are locked by the caller (or were inserted in this transaction) and are in state placed. The order of
    these steps is the order of locks of the whole package (README): the hot row of the stock comes last.
    """
    orders = await lock(tx, ids, city_id=city_id) if ids else {}
    if orders:
        await _grant(tx, orders, ids, city_id=city_id, now=now)
    must(await ledger.post(tx, transfers, now=now), "capture")
    must(await inventory.confirm(tx, [orders[i]["hold_id"] for i in ids], city_id=city_id, now=now), "confirm")


async def _grant(
    tx: Tx, orders: dict[UUID, dict[str, Any]], ids: Sequence[UUID], *, city_id: int, now: datetime
) -> None:  # fmt: skip
    """The vouchers of orders that are paid now."""
    await move(tx, [(i, "paid", None, "paid") for i in ids], city_id=city_id, now=now)
    lines = await tx.rows(
        """select * from orders.lines where city_id = %(city)s and order_id = any(%(ids)s::uuid[])
           order by order_id, line_no""",
        city=city_id,
        ids=list(ids),
    )
    promises = [msgspec.convert(line["promise"], Promise, strict=False) for line in lines]
    counted = [
        _tipping.Count(line["offer_id"], promise.min_units, line["quantity"], promise.closes_at or now)
        for line, promise in zip(lines, promises, strict=True)
        if promise.waiting
    ]
    state = await _tipping.add(tx, counted, city_id=city_id, now=now)
    city = await places.city(tx, city_id)
    zone = city.zone if city else "UTC"
    issues = [
        issue
        for line, promise in zip(lines, promises, strict=True)
        for issue in _issues(orders[line["order_id"]], line, promise, line["offer_id"] in state.tipped, now, zone)
    ]
    must(await vouchers.issue(tx, issues, city_id=city_id, now=now), "issue")
    await vouchers.activate(tx, sorted(state.newly), city_id=city_id, now=now)
    await tx.record([*(_paid(orders[i], now) for i in ids), *(_tipped(city_id, o, now) for o in sorted(state.newly))])


def _issues(
    order: dict[str, Any], line: dict[str, Any], promise: Promise, tipped: bool, now: datetime, zone: str
) -> list[vouchers.Issue]:  # fmt: skip
    begin, end = validity(promise.terms, paid_at=now, zone=zone)
    units = [msgspec.convert(unit, UnitShare) for unit in line["breakdown"]]
    return [
        vouchers.Issue(
            voucher_id=voucher_id(line["line_id"], number),
            kind=promise.kind,
            member_id=order["member_id"],
            holder_name=order["member_name"],
            merchant_id=order["merchant_id"],
            order_id=order["order_id"],
            line_id=line["line_id"],
            offer_id=line["offer_id"],
            title=msgspec.convert(line["title"], Text),
            unit_no=number,
            uses=promise.uses,
            waiting=promise.waiting and not tipped,
            valid_from=begin,
            valid_to=end,
            terms=promise.terms,
            store_ids=promise.store_ids,
            paid_units=unit.paid,
            due_units=unit.due,
            asset=order["asset"],
        )
        for number, unit in enumerate(units)
    ]


def _paid(order: dict[str, Any], now: datetime) -> Fact:
    payload = {"merchant": str(order["merchant_id"]), "units": order["total_units"], "asset": order["asset"]}
    return Fact(
        fact_id=derive(order["order_id"], "fact/paid"), city_id=order["city_id"], topic="orders.paid",
        subject=order["order_id"], payload=payload, at=now,
    )  # fmt: skip


def _tipped(city_id: int, offer_id: UUID, now: datetime) -> Fact:
    return Fact(
        fact_id=derive(offer_id, "fact/tipped"), city_id=city_id, topic="orders.tipped", subject=offer_id, at=now
    )
