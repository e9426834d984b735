"""What promotions took off an order, through its life: used when it is paid, released when it ends unpaid, given back
to its payers with the units that are refunded or that nobody used. Orders are locked by the caller.

Locks: coupons, then budgets, as everywhere (README).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg.types.json import Jsonb

from hutong import ledger, pricing, vouchers
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.ledger import Account, Book, Transfer
from hutong.orders.leftover import MERCHANT, left_of
from hutong.orders.model import Borne, UnitShare
from hutong.orders.operations import _points, _tendering
from hutong.orders.operations._sure import must


def saved(orders: Mapping[UUID, dict[str, Any]], ids: Sequence[UUID]) -> list[UUID]:
    """Those of the orders from which promotions took something off."""
    return [i for i in ids if orders[i]["saved_units"]]


async def use(
    tx: Tx, ids: Sequence[UUID], *, orders: Mapping[UUID, dict[str, Any]], city_id: int, now: datetime
) -> list[Transfer]:
    """These orders are paid: their coupons, cards and points are spent, their budgets too. The transfers of what others
    than the buyer and the merchant bear (money.md: the platform's share of the coupon) and of the money of cards, to be
    posted with the capture."""
    with_savings, tendered = saved(orders, ids), _tendering.tendered(orders, ids)
    if not with_savings and not tendered:
        return []
    rows = await _step(tx, with_savings, "used", city_id=city_id, now=now) if with_savings else []
    tenders = await _tendering.step(tx, tendered, state="used", city_id=city_id, now=now)
    spends = [
        vouchers.Spend(voucher_id=row["voucher_id"], ref=row["order_id"]) for row in rows if row["voucher_id"]
    ] + _tendering.spends(tenders)
    if spends:
        spent = await vouchers.spend(tx, spends, city_id=city_id, now=now)
        must(spent, "spend coupon or card")
        _tendering.sure(tenders, spent)
    if with_savings:
        await pricing.confirm(tx, with_savings, city_id=city_id, now=now)
    await _points.confirm(tx, tenders, now=now)
    sums: dict[tuple[UUID, str], int] = {}
    for row in rows:
        for payer, units in row["shares"].items():
            if payer != MERCHANT and units:
                sums[row["order_id"], payer] = sums.get((row["order_id"], payer), 0) + units
    return [
        Transfer(
            id=derive(order_id, f"promotion/{payer}"), book=Book.city(city_id), debit=_payer(payer),
            credit=ledger.chart.escrow(orders[order_id]["merchant_id"]),
            amount=Amount(units, orders[order_id]["asset"]), event="promotion", ref=order_id,
        )
        for (order_id, payer), units in sorted(sums.items())
    ] + _tendering.transfers(tenders, orders, city_id=city_id)  # fmt: skip


async def release(
    tx: Tx, orders: Mapping[UUID, dict[str, Any]], *, city_id: int, now: datetime
) -> None:  # fmt: skip
    """These orders ended unpaid: coupons, cards and points are their members' again, the budgets are free."""
    with_savings, tendered = saved(orders, list(orders)), _tendering.tendered(orders, list(orders))
    if not with_savings and not tendered:
        return
    rows = await _step(tx, with_savings, "released", city_id=city_id, now=now) if with_savings else []
    tenders = await _tendering.step(tx, tendered, state="released", city_id=city_id, now=now)
    coupons = [vouchers.Hold(row["voucher_id"], row["order_id"]) for row in rows if row["voucher_id"]]
    await vouchers.unlock(tx, coupons + _tendering.holds(tenders), city_id=city_id, now=now)
    if with_savings:
        await pricing.release(tx, with_savings, city_id=city_id, now=now)
    await _points.release(tx, tenders, now=now)


async def _step(
    tx: Tx, order_ids: Sequence[UUID], state: str, *, city_id: int, now: datetime
) -> list[dict[str, Any]]:  # fmt: skip
    return await tx.rows(
        """update orders.uses set state = %(state)s,
                  used_at = case when %(state)s = 'used' then %(now)s::timestamptz end,
                  ended_at = case when %(state)s = 'released' then %(now)s::timestamptz end
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and state = 'held'
           returning order_id, promotion_id, voucher_id, units, shares""",
        city=city_id, state=state, now=now, ids=sorted(order_ids),
    )  # fmt: skip


class Unit(Struct, frozen=True, kw_only=True):
    """A unit that comes back, and what of it others than its buyer bore. `ref` is the refund, or the voucher when
    nobody used it."""

    ref: UUID
    voucher: vouchers.Voucher
    borne: tuple[Borne, ...]


def units(
    refs: Mapping[UUID, UUID], gone: Sequence[vouchers.Voucher], breakdowns: Mapping[UUID, Any]
) -> list[Unit]:  # fmt: skip
    """The units among these vouchers that had savings, with what is left of them. `refs`: by voucher; `breakdowns`:
    by line, as they are stored."""
    found: list[Unit] = []
    for voucher in gone:
        shares = msgspec.convert(breakdowns[voucher.line_id], list[UnitShare])
        borne = left_of(voucher, shares[voucher.unit_no]).others
        if borne:
            found.append(Unit(ref=refs[voucher.voucher_id], voucher=voucher, borne=borne))
    return found


async def give_back(
    tx: Tx, gone: Sequence[Unit], *, whole: Sequence[UUID] = (), event: str, city_id: int, now: datetime
) -> list[Transfer]:
    """What others bore of these units goes back to them and to the budgets; the transfers to be posted.

    `whole`: the orders of which nothing is left: their coupons are their members' again, if their time is not over.
    """
    if not gone and not whole:
        return []
    rows = await tx.rows(
        """select order_id, promotion_id, voucher_id, units, given_units, given from orders.uses
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and state = 'used'
           order by order_id, promotion_id for no key update""",
        city=city_id, ids=sorted({*whole, *(one.voucher.order_id for one in gone)}),
    )  # fmt: skip
    now_given: dict[tuple[UUID, str], dict[str, int]] = {}
    for one in gone:
        for part in one.borne:
            mine = now_given.setdefault((one.voucher.order_id, part.promotion), {})
            mine[part.payer] = mine.get(part.payer, 0) + part.units
    await _write(tx, rows, now_given, whole, city_id=city_id, now=now)
    holds = [
        vouchers.Hold(row["voucher_id"], row["order_id"])
        for row in rows
        if row["order_id"] in whole and row["voucher_id"]
    ]
    if holds:
        must(await vouchers.restore(tx, holds, city_id=city_id, now=now), "restore coupon")
    backs = [
        pricing.Back(
            promotion_id=row["promotion_id"], ref=row["order_id"], whole=row["order_id"] in whole,
            units=sum(now_given.get((row["order_id"], str(row["promotion_id"])), {}).values()),
        )
        for row in rows
    ]  # fmt: skip
    await pricing.give_back(tx, backs, city_id=city_id, now=now)
    return _transfers(gone, event, city_id)


async def _write(
    tx: Tx, rows: Sequence[dict[str, Any]], now_given: Mapping[tuple[UUID, str], dict[str, int]], whole: Sequence[UUID],
    *, city_id: int, now: datetime,
) -> None:  # fmt: skip
    given: list[dict[str, int]] = []
    for row in rows:
        more = now_given.get((row["order_id"], str(row["promotion_id"])), {})
        given.append({p: row["given"].get(p, 0) + more.get(p, 0) for p in sorted({*row["given"], *more})})
    await tx.run(
        """update orders.uses u set given = k.given, given_units = k.units,
                  state = case when k.whole then 'returned' else u.state end,
                  ended_at = case when k.whole then %(now)s::timestamptz end
           from unnest(%(orders)s::uuid[], %(promotions)s::uuid[], %(givens)s::jsonb[], %(units)s::bigint[],
                       %(wholes)s::boolean[]) as k(order_id, promotion_id, given, units, whole)
           where u.city_id = %(city)s and u.order_id = k.order_id and u.promotion_id = k.promotion_id""",
        city=city_id, now=now, orders=[r["order_id"] for r in rows], promotions=[r["promotion_id"] for r in rows],
        givens=[Jsonb(g) for g in given], units=[sum(g.values()) for g in given],
        wholes=[r["order_id"] in whole for r in rows],
    )  # fmt: skip


def _transfers(gone: Sequence[Unit], event: str, city_id: int) -> list[Transfer]:
    """Escrow to who bore it, one transfer for each ref and payer."""
    sums: dict[tuple[UUID, str], int] = {}
    about: dict[UUID, vouchers.Voucher] = {}
    for one in gone:
        about[one.ref] = one.voucher
        for part in one.borne:
            if part.payer != MERCHANT:
                sums[one.ref, part.payer] = sums.get((one.ref, part.payer), 0) + part.units
    return [
        Transfer(
            id=derive(ref, f"promotion/{payer}"), book=Book.city(city_id),
            debit=ledger.chart.escrow(about[ref].merchant_id), credit=_payer(payer),
            amount=Amount(units, about[ref].asset), event=event, ref=ref,
        )
        for (ref, payer), units in sorted(sums.items())
        if units
    ]  # fmt: skip


def _payer(name: str) -> Account:
    """The account of who bears a part of a promotion: platform, brand or operator."""
    assert name in ("platform", "brand", "operator"), name
    return ledger.chart.expense_promotion(name)
