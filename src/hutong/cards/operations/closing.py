"""A shop closes: what nobody used goes back by itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import orders, vouchers
from hutong.cards.model import CLOSED, Close, Closing
from hutong.cards.queries import as_closing
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, Refusal
from hutong.orders import AskRefund, Cancel
from hutong.vouchers import Voucher

LIMIT = 200  # orders in one transaction


async def open_closings(
    tx: Tx, asks: Sequence[Close], *, city_id: int, now: datetime
) -> list[Closing | Refusal]:  # fmt: skip
    """From now on the house gives back what these shops owe. A shop that closes already stays as it was.

    Records `cards.closing`. Refusal: bad_input (reason of 1 to 200 letters).
    """
    good = [ask for ask in asks if 1 <= len(ask.reason.strip()) <= 200]
    made = await tx.rows(
        """insert into cards.closings (city_id, closing_id, merchant_id, store_id, by, reason, opened_at, refunds)
           select %(city)s, c.*, %(now)s, 0
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(stores)s::uuid[], %(bys)s::uuid[], %(reasons)s::text[])
             as c(id, merchant, store, by, reason)
           order by c.merchant, c.store
           on conflict do nothing returning closing_id""",
        city=city_id, now=now, ids=[a.closing_id for a in good], merchants=[a.merchant_id for a in good],
        stores=[a.store_id for a in good], bys=[a.by for a in good], reasons=[a.reason.strip() for a in good],
    )  # fmt: skip
    await tx.record([_fact(row["closing_id"], city_id, now) for row in made])
    rows = await tx.rows(
        """select c.* from unnest(%(merchants)s::uuid[], %(stores)s::uuid[]) as k(merchant_id, store_id)
           join cards.closings c on c.city_id = %(city)s and c.merchant_id = k.merchant_id
             and c.store_id is not distinct from k.store_id""",
        city=city_id, merchants=[a.merchant_id for a in good], stores=[a.store_id for a in good],
    )  # fmt: skip
    known = {(row["merchant_id"], row["store_id"]): as_closing(row) for row in rows}
    return [known.get((a.merchant_id, a.store_id)) or BadInput(field="reason", why="1-200") for a in asks]


async def give_back(tx: Tx, *, city_id: int, now: datetime, limit: int = LIMIT) -> int:
    """One step of the oldest closing that has not ended: cancel unpaid orders of its merchant, ask the unused part of
    paid ones back (reason shop_closed). How many orders it looked at; call it until it does nothing.

    Of a store that closes, only rights that no other open store honours go back, and only orders for such are
    cancelled.
    """
    closing = await tx.row(
        """select * from cards.closings where city_id = %(city)s and ended_at is null
           order by opened_at, closing_id limit 1 for update skip locked""",
        city=city_id,
    )
    if closing is None:
        return 0
    found = await orders.open_of_merchant(
        tx, closing["merchant_id"], city_id=city_id, after=closing["reached"], limit=limit
    )
    if not found:
        await _save(tx, closing, closing["reached"], 0, city_id=city_id, ended_at=now)
        return 1  # there may be another closing
    gone = await _stores_gone(tx, closing, city_id=city_id)
    open_now = [i for i, state in found.items() if state == "placed"]  # whoever pays one later gets his money back
    lost = set(open_now) if gone is None else await orders.only_at(tx, open_now, sorted(gone), city_id=city_id)
    unpaid = [Cancel(order_id=i, by=None, reason=CLOSED) for i in open_now if i in lost]
    await orders.cancel(tx, unpaid, city_id=city_id, now=now)
    paid = [i for i, state in found.items() if state != "placed"]
    done, again = await _ask(tx, closing, paid, gone, city_id=city_id, now=now)
    # A unit that was used between the look and the lock: all of these orders are locked now, so this look is exact.
    more, _ = await _ask(tx, closing, again, gone, city_id=city_id, now=now)
    await _save(tx, closing, max(found), done + more, city_id=city_id, ended_at=None)
    return len(found)


async def owed_now(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int, now: datetime) -> int:
    """These rights are live or worth more again (a use was undone, a card got money back, an order let go of it). Where
    their shop has closed, what nobody honours any more is asked back at once. How many refunds; mostly none.

    Call it when that is committed, with nothing locked: a round that is at work has locked its closing first.
    """
    if not voucher_ids:
        return 0
    units = await vouchers.by_ids(tx, sorted(set(voucher_ids)), city_id=city_id)
    rows = await tx.rows(
        """select closing_id, merchant_id, store_id from cards.closings
           where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[]) order by closing_id for update""",
        city=city_id, ids=sorted({unit.merchant_id for unit in units}),
    )  # fmt: skip
    owed: dict[tuple[UUID, UUID], list[UUID]] = {}
    for unit in units:
        mine = [row for row in rows if row["merchant_id"] == unit.merchant_id]
        whole = next((row["closing_id"] for row in mine if row["store_id"] is None), None)
        gone = None if whole else frozenset(row["store_id"] for row in mine)
        if mine and is_owed(unit, gone):
            owed.setdefault((whole or mine[0]["closing_id"], unit.order_id), []).append(unit.voucher_id)
    asks = [
        AskRefund(
            refund_id=derive(min(ids), f"closing/{closing}/{now.isoformat()}"), order_id=order_id, by=None,
            reason=CLOSED, voucher_ids=tuple(sorted(ids)),
        )
        for (closing, order_id), ids in sorted(owed.items())
    ]  # fmt: skip
    answers = await orders.ask_refunds(tx, asks, city_id=city_id, now=now) if asks else []
    done = [key[0] for key, one in zip(sorted(owed), answers, strict=True) if not isinstance(one, Refusal)]
    if done:
        await tx.run(
            """update cards.closings c set refunds = c.refunds + k.n
               from (select id, count(*)::int as n from unnest(%(ids)s::uuid[]) as d(id) group by id) k
               where c.city_id = %(city)s and c.closing_id = k.id""",
            city=city_id, ids=done,
        )  # fmt: skip
    return len(done)


async def _ask(
    tx: Tx, closing: dict[str, Any], order_ids: Sequence[UUID], gone: frozenset[UUID] | None, *, city_id: int,
    now: datetime,
) -> tuple[int, list[UUID]]:  # fmt: skip
    """Ask back what these orders are owed: how many refunds, and the orders in which a unit had just been used."""
    owed: dict[UUID, list[UUID]] = {}
    for unit in await vouchers.of_orders(tx, order_ids, city_id=city_id) if order_ids else []:
        if is_owed(unit, gone):
            owed.setdefault(unit.order_id, []).append(unit.voucher_id)
    asks = [
        AskRefund(
            refund_id=derive(min(ids), f"closing/{closing['closing_id']}"), order_id=order_id, by=None, reason=CLOSED,
            voucher_ids=tuple(sorted(ids)),
        )
        for order_id, ids in sorted(owed.items())
    ]  # fmt: skip
    answers = await orders.ask_refunds(tx, asks, city_id=city_id, now=now) if asks else []
    refused = [ask.order_id for ask, answer in zip(asks, answers, strict=True) if isinstance(answer, Refusal)]
    return len(asks) - len(refused), refused


def is_owed(unit: Voucher, gone: frozenset[UUID] | None) -> bool:
    """Whether a right is owed back: unused in whole or in part, and honoured nowhere any more. `gone`: the stores of
    the merchant that are closed or closing; None for all."""
    live = unit.state in ("waiting", "valid") and (unit.untouched or (unit.kind == "card" and unit.paid_left > 0))
    nowhere = gone is None or (bool(unit.store_ids) and set(unit.store_ids) <= gone)
    return live and nowhere and not unit.wide


async def _stores_gone(tx: Tx, closing: dict[str, Any], *, city_id: int) -> frozenset[UUID] | None:
    """The stores of the merchant for which a closing was opened; None when the whole merchant closes."""
    if closing["store_id"] is None:
        return None
    rows = await tx.rows(
        """select store_id from cards.closings
           where city_id = %(city)s and merchant_id = %(merchant)s and store_id is not null""",
        city=city_id,
        merchant=closing["merchant_id"],
    )
    return frozenset(row["store_id"] for row in rows)


async def _save(
    tx: Tx, closing: dict[str, Any], reached: UUID | None, refunds: int, *, city_id: int, ended_at: datetime | None
) -> None:
    await tx.run(
        """update cards.closings set reached = %(reached)s, refunds = refunds + %(refunds)s, ended_at = %(ended)s
           where city_id = %(city)s and closing_id = %(id)s""",
        city=city_id, id=closing["closing_id"], reached=reached, refunds=refunds, ended=ended_at,
    )  # fmt: skip


def _fact(closing_id: UUID, city_id: int, now: datetime) -> Fact:
    return Fact(
        fact_id=derive(closing_id, "fact/closing"), city_id=city_id, topic="cards.closing", subject=closing_id, at=now
    )
