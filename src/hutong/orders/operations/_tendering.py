"""Tenders through the life of an order: held with it, used when it is paid, released when it ends unpaid, given back
with the units that are refunded - each unit exactly its part. Orders are locked by the caller.

Locks: cards together with coupons, in one sorted go; points after budgets (README).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg.types.json import Jsonb

from hutong import ledger, vouchers
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Book, Transfer
from hutong.orders.leftover import left_of
from hutong.orders.model import UnitShare
from hutong.orders.operations import _money
from hutong.orders.operations._sure import Broken
from hutong.orders.operations._tenders import Taken
from hutong.vouchers import RestorePart, Voucher, VoucherOver

CARD_OVER = "card_over"  # why money goes back to the payment that bought a card
Key = tuple[UUID, UUID]  # order and ref


async def write(
    tx: Tx, rows: Sequence[tuple[UUID, UUID, Taken]], *, city_id: int, now: datetime
) -> None:  # fmt: skip
    """The rows of what tenders give to orders that stand: (order, member, what)."""
    if not rows:
        return
    await tx.send(
        """insert into orders.tenders (city_id, order_id, ref, kind, member_id, title, issuer_id, units, due_units,
                                       points, back_units, back_due_units, back_points, state, held_at)
           select %(city)s, u.ord, u.ref, u.kind, u.member, u.title, u.issuer, u.units, u.due, u.points, 0, 0, 0,
                  'held', %(now)s
           from unnest(%(orders)s::uuid[], %(refs)s::uuid[], %(kinds)s::text[], %(members)s::uuid[],
                       %(titles)s::jsonb[], %(issuers)s::uuid[], %(units)s::bigint[], %(dues)s::bigint[],
                       %(points)s::bigint[])
                as u(ord, ref, kind, member, title, issuer, units, due, points)""",
        city=city_id, now=now, orders=[order for order, _, _ in rows], refs=[t.ref for _, _, t in rows],
        kinds=[t.kind for _, _, t in rows], members=[member for _, member, _ in rows],
        titles=[Jsonb(msgspec.to_builtins(t.title)) for _, _, t in rows], issuers=[t.issuer_id for _, _, t in rows],
        units=[t.units for _, _, t in rows], dues=[t.due for _, _, t in rows], points=[t.points for _, _, t in rows],
    )  # fmt: skip


def tendered(orders: Mapping[UUID, dict[str, Any]], ids: Sequence[UUID]) -> list[UUID]:
    """Those of the orders that cards or points pay a part of."""
    return [i for i in ids if orders[i]["tender_count"]]


async def step(
    tx: Tx, order_ids: Sequence[UUID], *, state: str, city_id: int, now: datetime
) -> list[dict[str, Any]]:  # fmt: skip
    """What these orders hold becomes used or released; none: no statement."""
    if not order_ids:
        return []
    return await tx.rows(
        """update orders.tenders set state = %(state)s,
                  used_at = case when %(state)s = 'used' then %(now)s::timestamptz end,
                  ended_at = case when %(state)s = 'released' then %(now)s::timestamptz end
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and state = 'held'
           returning order_id, ref, kind, member_id, issuer_id, units, due_units, points""",
        city=city_id, state=state, now=now, ids=sorted(order_ids),
    )  # fmt: skip


def spends(rows: Sequence[dict[str, Any]]) -> list[vouchers.Spend]:
    """What is spent of the cards."""
    return [
        vouchers.Spend(voucher_id=row["ref"], ref=row["order_id"], count=row["units"])
        for row in rows
        if row["kind"] == "card"
    ]


def sure(rows: Sequence[dict[str, Any]], spent: Sequence[object]) -> None:
    """What the cards gave is what lies on the units, or nothing of it stands."""
    due = {(row["order_id"], row["ref"]): row["due_units"] for row in rows if row["kind"] == "card"}
    for one in spent:
        if isinstance(one, vouchers.Spent):
            known = due.get((one.ref, one.voucher_id))
            if known is not None and (one.due_units, one.paid_units) != (known, known):
                raise Broken(f"card {one.voucher_id} gave {one.due_units}, not {known}")


def holds(rows: Sequence[dict[str, Any]]) -> list[vouchers.Hold]:
    """The locks of the cards."""
    return [vouchers.Hold(row["ref"], row["order_id"]) for row in rows if row["kind"] == "card"]


def transfers(
    rows: Sequence[dict[str, Any]], orders: Mapping[UUID, dict[str, Any]], *, city_id: int
) -> list[Transfer]:  # fmt: skip
    """The money of cards that another merchant sold moves to the escrow of who sells now; the seller's own lies there
    already. No commission: it is taken once, when the right that was bought is used (docs/decisions/0015)."""
    return [
        Transfer(
            id=derive(row["order_id"], f"tender/{row['ref']}"), book=Book.city(city_id),
            debit=ledger.chart.escrow(row["issuer_id"]),
            credit=ledger.chart.escrow(orders[row["order_id"]]["merchant_id"]),
            amount=Amount(row["due_units"], orders[row["order_id"]]["asset"]), event="tender", ref=row["order_id"],
        )
        for row in rows
        if row["kind"] == "card" and row["due_units"] and row["issuer_id"] != orders[row["order_id"]]["merchant_id"]
    ]  # fmt: skip


class Going(Struct):
    """What of one tender goes back with one refund."""

    refund_id: UUID
    order_id: UUID
    merchant_id: UUID
    ref: UUID
    units: int = 0
    due: int = 0
    points: int = 0


def going(
    refunds: Sequence[dict[str, Any]], units: Sequence[Voucher], breakdowns: Mapping[UUID, Any]
) -> list[Going]:  # fmt: skip
    """What goes back to tenders with these refunds; `breakdowns`: of the lines that have any."""
    refs = {voucher: refund for refund in refunds for voucher in refund["voucher_ids"]}
    found: dict[tuple[UUID, UUID], Going] = {}
    for unit in units:
        if unit.line_id not in breakdowns:
            continue
        share = msgspec.convert(breakdowns[unit.line_id], list[UnitShare])[unit.unit_no]
        refund = refs[unit.voucher_id]["refund_id"]
        for part in left_of(unit, share).tenders:
            one = found.setdefault(
                (refund, part.ref), Going(refund, unit.order_id, unit.merchant_id, part.ref)
            )  # fmt: skip
            one.units, one.due, one.points = one.units + part.units, one.due + part.due, one.points + part.points
    return [found[key] for key in sorted(found)]


async def give_back(
    tx: Tx, parts: Sequence[Going], *, city_id: int, now: datetime
) -> tuple[list[Transfer], list[tuple[Going, dict[str, Any]]]]:
    """Give these parts back to the cards they came from; the transfers to be posted, and the parts of points, which are
    given back after the budgets. A card that is over gets nothing: its money goes to the payment that bought it."""
    if not parts:
        return [], []
    rows = await tx.rows(
        """select order_id, ref, kind, member_id, issuer_id, units, due_units, points, back_units, back_due_units,
                  back_points
           from orders.tenders
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and state = 'used'
           order by order_id, ref for no key update""",
        city=city_id, ids=sorted({one.order_id for one in parts}),
    )  # fmt: skip
    known = {(row["order_id"], row["ref"]): row for row in rows}
    await _note(tx, parts, known, city_id=city_id, now=now)
    cards = [one for one in parts if known[one.order_id, one.ref]["kind"] == "card"]
    answers = await vouchers.restore_parts(
        tx,
        [
            RestorePart(voucher_id=one.ref, ref=one.order_id, count=one.units, paid_units=one.due, due_units=one.due)
            for one in cards
            if one.units
        ],
        city_id=city_id,
        now=now,
    )
    over: list[Going] = []
    moves: list[Transfer] = []
    assets = {v.voucher_id: v.asset for v in answers if isinstance(v, Voucher)}
    for one, answer in zip([c for c in cards if c.units], answers, strict=True):
        issuer = known[one.order_id, one.ref]["issuer_id"]
        if isinstance(answer, VoucherOver):
            over.append(one)
        elif isinstance(answer, Refusal):
            raise Broken(f"restore card: {answer!r}")
        elif one.due and issuer != one.merchant_id:
            moves.append(_back(one, issuer, assets[one.ref], city_id))
    await _to_buyers(tx, over, city_id=city_id, now=now)
    points = [(one, known[one.order_id, one.ref]) for one in parts if known[one.order_id, one.ref]["kind"] == "points"]
    return moves, points


def _back(one: Going, issuer: UUID, asset: str, city_id: int) -> Transfer:
    return Transfer(
        id=derive(one.refund_id, f"tender/{one.ref}"), book=Book.city(city_id),
        debit=ledger.chart.escrow(one.merchant_id), credit=ledger.chart.escrow(issuer), amount=Amount(one.due, asset),
        event="tender_back", ref=one.refund_id,
    )  # fmt: skip


async def _note(
    tx: Tx, parts: Sequence[Going], known: Mapping[Key, dict[str, Any]], *, city_id: int, now: datetime
) -> None:
    """Write down what came back of each tender; of which all did is returned."""
    sums: dict[Key, tuple[int, int, int]] = {}
    for one in parts:
        row = known[one.order_id, one.ref]
        before = sums.get((one.order_id, one.ref), (row["back_units"], row["back_due_units"], row["back_points"]))
        sums[one.order_id, one.ref] = before[0] + one.units, before[1] + one.due, before[2] + one.points
    keys = sorted(sums)
    whole = [
        sums[key] == (known[key]["units"], known[key]["due_units"], known[key]["points"]) for key in keys
    ]  # fmt: skip
    await tx.run(
        """update orders.tenders t set back_units = k.units, back_due_units = k.due, back_points = k.points,
                  state = case when k.whole then 'returned' else t.state end,
                  ended_at = case when k.whole then %(now)s::timestamptz end
           from unnest(%(orders)s::uuid[], %(refs)s::uuid[], %(units)s::bigint[], %(dues)s::bigint[],
                       %(points)s::bigint[], %(wholes)s::boolean[]) as k(order_id, ref, units, due, points, whole)
           where t.city_id = %(city)s and t.order_id = k.order_id and t.ref = k.ref""",
        city=city_id, now=now, orders=[key[0] for key in keys], refs=[key[1] for key in keys],
        units=[sums[key][0] for key in keys], dues=[sums[key][1] for key in keys],
        points=[sums[key][2] for key in keys], wholes=whole,
    )  # fmt: skip


async def _to_buyers(tx: Tx, over: Sequence[Going], *, city_id: int, now: datetime) -> None:
    """The money of cards that are over goes out of the seller's escrow to the payments that bought the cards. (Those
    payments are locked after vouchers here, against the order of locks: a deadlock with a callback is tried again.)"""
    owed = [one for one in over if one.due]
    if not owed:
        return
    cards = await vouchers.by_ids(tx, sorted({one.ref for one in owed}), city_id=city_id)
    order_of = {card.voucher_id: card.order_id for card in cards}
    rows = await tx.rows(
        """select order_id, payment_id, provider, asset from orders.orders
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted(set(order_of.values())),
    )  # fmt: skip
    sold = {row["order_id"]: row for row in rows}
    await _money.send_back(
        tx,
        [
            _money.Back(
                refund_id=derive(one.refund_id, f"card/{one.ref}"), order_id=order_of[one.ref],
                payment_id=sold[order_of[one.ref]]["payment_id"], provider=sold[order_of[one.ref]]["provider"],
                merchant_id=one.merchant_id, source=ledger.chart.escrow(one.merchant_id),
                amount=Amount(one.due, sold[order_of[one.ref]]["asset"]), voucher_ids=(one.ref,), by=None,
                reason=CARD_OVER,
            )
            for one in owed
        ],
        city_id=city_id, now=now,
    )  # fmt: skip
