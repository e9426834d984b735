"""An unpaid order ends: the member takes it back, or its time runs out. What it held is free again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import inventory, payments
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.orders.model import Cancel, Cancelled
from hutong.orders.operations import _caps, _groups, _history, _uses
from hutong.orders.refusals import OrderClosed, OrderPaid, OrderUnknown


async def cancel(
    tx: Tx, asks: Sequence[Cancel], *, city_id: int, now: datetime
) -> list[Cancelled | Refusal]:  # fmt: skip
    """Cancel each order that is placed and not paid; the provider is told to close it after the commit.

    Who may cancel is decided by the caller. Refusals: order_not_found, order_paid, order_closed.
    """
    orders = await _history.lock(tx, [a.order_id for a in asks], city_id=city_id)
    results: list[Cancelled | Refusal] = []
    ended: dict[UUID, tuple[str, UUID | None, str]] = {}
    for ask in asks:
        order = orders.get(ask.order_id)
        if order is None:
            results.append(OrderUnknown())
        elif order["state"] in ("paid", "part_refunded", "refunded"):
            results.append(OrderPaid())
        elif order["state"] != "placed" or ask.order_id in ended:
            results.append(OrderClosed(state="cancelled" if order["state"] == "placed" else order["state"]))
        else:
            ended[ask.order_id] = ("cancelled", ask.by, ask.reason)
            results.append(
                Cancelled(order_id=ask.order_id, payment_id=order["payment_id"], state="cancelled"),
            )
    await _end(tx, {i: orders[i] for i in ended}, ended, city_id=city_id, now=now)
    return results


async def expire_unpaid(tx: Tx, *, city_id: int, now: datetime, limit: int = 500) -> list[Cancelled]:
    """End the orders whose time to pay is over, oldest first, at most `limit`; those that were ended."""
    rows = await tx.rows(
        """select * from orders.orders where city_id = %(city)s and state = 'placed' and expires_at <= %(now)s
           order by expires_at, order_id limit %(limit)s for no key update skip locked""",
        city=city_id, now=now, limit=limit,
    )  # fmt: skip
    orders = {row["order_id"]: row for row in rows}
    await end_late(tx, orders, city_id=city_id, now=now)
    return [Cancelled(order_id=i, payment_id=o["payment_id"], state="expired") for i, o in orders.items()]


async def end_late(tx: Tx, orders: dict[UUID, dict[str, Any]], *, city_id: int, now: datetime) -> None:
    """These placed orders (locked) end as if their time to pay were over."""
    steps: dict[UUID, tuple[str, UUID | None, str]] = dict.fromkeys(orders, ("expired", None, "not_paid_in_time"))
    await _end(tx, orders, steps, city_id=city_id, now=now)


async def _end(
    tx: Tx, orders: dict[UUID, dict[str, Any]], steps: dict[UUID, tuple[str, UUID | None, str]], *, city_id: int,
    now: datetime,
) -> None:  # fmt: skip
    if not orders:
        return
    await _history.move(tx, [(i, *step) for i, step in steps.items()], city_id=city_id, now=now)
    lines = await tx.rows(
        """select order_id, offer_id, quantity, promise -> 'terms' ->> 'per_member' as cap,
                  promise -> 'group' ->> 'as' as "group"
           from orders.lines
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[])""",
        city=city_id,
        ids=list(orders),
    )
    claims = [
        _caps.Claim(0, orders[r["order_id"]]["member_id"], r["offer_id"], r["quantity"], None)
        for r in lines
        if r["cap"] is not None
    ]
    await _caps.give_back(tx, claims, city_id=city_id)
    await _groups.end_unpaid(tx, lines, city_id=city_id, now=now)
    await payments.ask_close(tx, [o["payment_id"] for o in orders.values()], city_id=city_id, now=now)
    await _uses.release(tx, orders, city_id=city_id, now=now)
    _history.must(
        await inventory.release(tx, [o["hold_id"] for o in orders.values()], city_id=city_id, now=now), "release"
    )
    await tx.record([_fact(o, steps[i][0], city_id, now) for i, o in orders.items()])


def _fact(order: dict[str, Any], state: str, city_id: int, now: datetime) -> Fact:
    return Fact(
        fact_id=derive(order["order_id"], f"fact/{state}"), city_id=city_id, topic=f"orders.{state}",
        subject=order["order_id"], at=now,
    )  # fmt: skip
