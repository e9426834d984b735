"""Steps that several verbs share: locking orders, moving them along their roads, fulfilling what is paid."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong import inventory, ledger, places, vouchers
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.clock import local_day
from hutong.kit.ids import derive
from hutong.kit.terms import over_when_paid, validity
from hutong.kit.text import Text
from hutong.ledger import Transfer
from hutong.orders.model import Promise, UnitShare, voucher_id
from hutong.orders.operations import _groups, _tipping, _uses
from hutong.orders.operations._sure import Broken as Broken
from hutong.orders.operations._sure import must

Value = TypeVar("Value")
_TITLE = msgspec.json.Decoder(Text)
_SHARES = msgspec.json.Decoder(list[UnitShare])
_PROMISE = msgspec.json.Decoder(Promise, strict=False)


async def lock(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    """The orders, locked in one sorted go."""
    rows = await tx.rows(
        """select * from orders.orders where city_id = %(city)s and order_id = any(%(ids)s::uuid[])
           order by order_id for no key update""",
        city=city_id,
        ids=list(set(ids)),
    )
    return {row["order_id"]: row for row in rows}


async def zone_of(tx: Tx, city_id: int) -> str:
    """The zone of the city."""
    city = await places.city(tx, city_id)
    return city.zone if city else "UTC"


async def over_by_now(
    tx: Tx, orders: Sequence[dict[str, Any]], *, city_id: int, now: datetime, zone: str
) -> set[UUID]:  # fmt: skip
    """Of these orders those of which something could no longer be used when it is paid now: its last day ended while
    the member was paying. Nothing is asked on the day on which they were placed."""
    ids = [one["order_id"] for one in orders if local_day(one["placed_at"], zone) != local_day(now, zone)]
    if not ids:
        return set()
    rows = await tx.rows(
        """select order_id, promise::text as promise from orders.lines
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[])""",
        city=city_id,
        ids=ids,
    )
    promises = _once(_PROMISE)
    return {row["order_id"] for row in rows if over_when_paid(promises(row["promise"]).terms, paid_at=now, zone=zone)}


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
    tx: Tx, ids: Sequence[UUID], *, transfers: Sequence[Transfer], city_id: int, now: datetime,
    orders: dict[UUID, dict[str, Any]] | None = None, zone: str | None = None,
) -> None:  # fmt: skip
    """What was placed and is now paid: count towards tipping, issue the vouchers, book the money, sell the stock.

    The orders are locked by the caller (and given, when he has their rows) or were inserted in this transaction, and
    are in state placed. The order of these steps is the order of locks of the whole package (README): the hot row of
    the stock comes last. `zone`: the city's, if the caller knows it.
    """
    orders = await book(tx, ids, transfers=transfers, city_id=city_id, now=now, orders=orders, zone=zone)
    await sell(tx, [orders[i] for i in ids], city_id=city_id, now=now)


async def book(
    tx: Tx, ids: Sequence[UUID], *, transfers: Sequence[Transfer], city_id: int, now: datetime,
    orders: dict[UUID, dict[str, Any]] | None = None, zone: str | None = None,
) -> dict[UUID, dict[str, Any]]:  # fmt: skip
    """The first part of `fulfil`: everything but the stock. The rows of the orders."""
    if orders is None:
        orders = await lock(tx, ids, city_id=city_id) if ids else {}
    if ids:
        await _grant(tx, orders, ids, city_id=city_id, now=now, zone=zone or await zone_of(tx, city_id))
    borne = await _uses.use(tx, ids, orders=orders, city_id=city_id, now=now)
    must(await ledger.post(tx, [*transfers, *borne], now=now), "capture")
    return orders


async def sell(tx: Tx, orders: Sequence[dict[str, Any]], *, city_id: int, now: datetime) -> None:
    """The last part of `fulfil`: what was held is sold."""
    must(await inventory.confirm(tx, [order["hold_id"] for order in orders], city_id=city_id, now=now), "confirm")


class _Bought(Struct):
    """A line of an order that is paid now, with its columns of JSON as values; equal columns are one value."""

    line_id: UUID
    order: dict[str, Any]
    offer_id: UUID
    quantity: int
    title: Text
    shares: list[UnitShare]
    promise: Promise


async def _grant(
    tx: Tx, orders: dict[UUID, dict[str, Any]], ids: Sequence[UUID], *, city_id: int, now: datetime, zone: str
) -> None:
    """The vouchers of orders that are paid now."""
    rows = await tx.rows(load(__package__, "paid"), city=city_id, now=now, ids=list(ids))
    lines = _read(rows, orders)
    counted = [
        _tipping.Count(line.offer_id, line.promise.min_units, line.quantity, line.promise.closes_at or now)
        for line in lines
        if line.promise.waiting and line.promise.group is None
    ]
    state = await _tipping.add(tx, counted, city_id=city_id, now=now)
    together = await _groups.confirm(tx, _together(lines), city_id=city_id, now=now)
    issues = _issues(lines, state.tipped | together.awake, now, zone)
    must(await vouchers.issue(tx, issues, city_id=city_id, now=now), "issue")
    await _groups.wake(tx, together, city_id=city_id, now=now)
    if state.newly:
        await vouchers.activate(tx, sorted(state.newly), city_id=city_id, now=now)
    await tx.record([*(_paid(orders[i], now) for i in ids), *(_tipped(city_id, o, now) for o in sorted(state.newly))])


def _together(lines: Sequence[_Bought]) -> list[_groups.Bought]:
    return [
        _groups.Bought(
            order_id=line.order["order_id"], offer_id=line.offer_id, merchant_id=line.order["merchant_id"],
            quantity=line.quantity, promise=line.promise,
        )
        for line in lines
        if line.promise.group is not None
    ]  # fmt: skip


def _read(rows: Sequence[dict[str, Any]], orders: dict[UUID, dict[str, Any]]) -> list[_Bought]:
    """Many buy the same: each text of JSON is decoded once."""
    titles, shares, promises = _once(_TITLE), _once(_SHARES), _once(_PROMISE)
    return [
        _Bought(
            line_id=row["line_id"], order=orders[row["order_id"]], offer_id=row["offer_id"], quantity=row["quantity"],
            title=titles(row["title"]), shares=shares(row["breakdown"]), promise=promises(row["promise"]),
        )
        for row in rows
    ]  # fmt: skip


def _once(decoder: msgspec.json.Decoder[Value]) -> Callable[[str], Value]:
    known: dict[str, Value] = {}

    def decode(text: str) -> Value:
        found = known.get(text)
        if found is None:
            found = known[text] = decoder.decode(text)
        return found

    return decode


def _issues(lines: Sequence[_Bought], awake: Collection[UUID], now: datetime, zone: str) -> list[vouchers.Issue]:
    issues: list[vouchers.Issue] = []
    lives: dict[int, tuple[datetime, datetime]] = {}  # by promise; those of the set live as long as its lines
    for line in lines:
        promise, order = line.promise, line.order
        life = lives.get(id(promise))
        if life is None:
            life = lives[id(promise)] = validity(promise.terms, paid_at=now, zone=zone)
        waiting = promise.waiting and line.offer_id not in awake and order["order_id"] not in awake
        issues += [
            vouchers.Issue(
                voucher_id=voucher_id(line.line_id, number), kind=promise.kind, member_id=order["member_id"],
                holder_name=order["member_name"], merchant_id=order["merchant_id"], order_id=order["order_id"],
                line_id=line.line_id, offer_id=line.offer_id, title=line.title, unit_no=number, uses=promise.uses,
                waiting=waiting, valid_from=life[0], valid_to=life[1], terms=promise.terms,
                store_ids=promise.store_ids, paid_units=unit.paid, due_units=unit.due, asset=order["asset"],
                value=promise.value, wide=promise.wide,
            )
            for number, unit in enumerate(line.shares)
        ]  # fmt: skip
    return issues


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
