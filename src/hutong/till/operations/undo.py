"""Undo: a bill is taken back whole - uses, points, money and budgets - or not at all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from hutong import orders, payments, places, pricing, programmes, settlement, vouchers
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.clock import local
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.orders import AskRefund, OrderUnknown
from hutong.pricing import Back
from hutong.programmes import ClawBack, ClawedBack, GiveBack, GivenBack, Source
from hutong.till.model import Bill, Undo, Undone, reward_order
from hutong.till.operations import pays
from hutong.till.operations.receive import asked_fact, refund_of
from hutong.till.refusals import BillUndone, BillUnknown, RewardUsed, UndoOver

R = TypeVar("R")


async def undo(
    tx: Tx, asks: Sequence[Undo], *, city_id: int, now: datetime, **limits: Any
) -> list[Undone | Refusal]:  # fmt: skip
    """Take bills back, in the order of the list; `limits` as vouchers.reverse takes them.

    What the guest paid by phone is asked back at the provider; points that were used go back to their lots; what the
    bill had given is taken back, and what of it is spent already is owed (`debt`).
    The same person asking again gets the same answer (`replayed`). Refusals: bill_not_found (also another store's),
    bill_undone, reward_used (its stamp filled a card and the reward is used: ends the transaction), bill_undo_over
    (a bill for which nothing was shown; a manager has no limit), and those of vouchers.reverse. A bill of which one
    part cannot be taken back ends the transaction with that refusal, when another part of it could: a set is then run
    one by one.
    """
    bills = await pays.lock_bills(tx, [ask.bill_id for ask in asks], city_id=city_id)
    before = await _undos(tx, list(bills), city_id=city_id)
    city = await places.city(tx, city_id)
    zone = city.zone if city else "UTC"
    results: list[Undone | Refusal | None] = []
    wanted: list[tuple[int, Undo, Bill]] = []
    for i, ask in enumerate(asks):
        answer = _known(ask, bills.get(ask.bill_id), before, zone) or _over(ask, bills[ask.bill_id], now, zone)
        results.append(answer)
        if answer is None:
            wanted.append((i, ask, bills[ask.bill_id]))
            before[ask.bill_id] = {"by": ask.by, "at": now}
    taken = [bill for _, _, bill in wanted]
    await _take_back(tx, taken, city_id=city_id, now=now)
    await _money_back(tx, taken, city_id=city_id, now=now)
    points = await _points_back(tx, taken, now=now)
    reverses = [_reverse(ask, use.redemption_id) for _, ask, bill in wanted for use in bill.uses]
    answers = iter(await settlement.reverse(tx, reverses, city_id=city_id, now=now, **limits) if reverses else ())
    good: list[tuple[Undo, Bill]] = []
    for i, ask, bill in wanted:
        parts = [next(answers) for _ in bill.uses]
        refused = [part for part in parts if isinstance(part, Refusal)]
        if refused and (len(refused) < len(parts) or bill.points or bill.earned or bill.pay):
            raise refused[0]
        results[i] = refused[0] if refused else Undone(bill_id=ask.bill_id, at=now)
        if not refused:
            good.append((ask, bill))
    await _write(tx, good, points, city_id=city_id, now=now)
    return [_sure(result) for result in results]


def _over(ask: Undo, bill: Bill, now: datetime, zone: str) -> Refusal | None:
    """What was shown has limits of its own; of a bill without it, the window of the counter is the limit."""
    if bill.uses or ask.manager or now < bill.undo_until:
        return None
    return UndoOver(until=local(bill.undo_until, zone).strftime("%Y-%m-%d %H:%M"))


async def _money_back(tx: Tx, bills: Sequence[Bill], *, city_id: int, now: datetime) -> None:
    """Nobody shall pay what is still open by phone; what was paid is asked back."""
    waiting = {bill.bill_id: ("void", bill.pay.payment_id) for bill in bills if bill.pay and bill.pay.state == "open"}
    paid = [bill for bill in bills if bill.pay is not None and bill.pay.state == "paid"]
    if not waiting and not paid:
        return
    await payments.ask_close(tx, [payment for _, payment in waiting.values()], city_id=city_id, now=now)
    for asked in await payments.ask_refunds(tx, [refund_of(bill) for bill in paid], city_id=city_id, now=now):
        if isinstance(asked, Refusal):
            raise asked
    back = {bill.bill_id: ("refunding", bill.pay.payment_id) for bill in paid if bill.pay is not None}
    await pays.move(tx, waiting | back, city_id=city_id, now=now)
    await tx.record([asked_fact(bill, city_id, now) for bill in paid])


async def _points_back(
    tx: Tx, bills: Sequence[Bill], *, now: datetime
) -> dict[UUID, tuple[GivenBack | None, ClawedBack | None]]:
    """What went back to wallets, and what was taken out of them, by bill.

    First back what was used, then what was given: so points come home to pay what is taken away.
    """
    used = [b for b in bills if b.burn_id is not None and b.programme_id is not None and b.member_id is not None]
    gave = [b for b in bills if b.earned is not None and b.member_id is not None]
    backs = [
        GiveBack(
            back_id=derive(b.bill_id, "unburn"), programme_id=b.programme_id, member_id=b.member_id, burn_id=b.burn_id
        )
        for b in used if b.programme_id and b.member_id and b.burn_id
    ]  # fmt: skip
    claws = [
        ClawBack(
            back_id=derive(b.bill_id, "claw"), programme_id=b.earned.programme_id, member_id=b.member_id,
            source=Source("bill", b.bill_id),
        )
        for b in gave if b.earned and b.member_id
    ]  # fmt: skip
    keys = {(b.member_id, b.programme_id) for b in backs} | {(c.member_id, c.programme_id) for c in claws}
    if backs and claws:
        await programmes.lock(tx, sorted(keys), now=now)
    given = [_must(one) for one in (await programmes.give_back(tx, backs, now=now) if backs else [])]
    clawed = [_must(one) for one in (await programmes.claw_back(tx, claws, now=now) if claws else [])]
    by_bill = dict(zip((b.bill_id for b in used), given, strict=True))
    taken = dict(zip((b.bill_id for b in gave), clawed, strict=True))
    return {b.bill_id: (by_bill.get(b.bill_id), taken.get(b.bill_id)) for b in bills}


def _must(result: R | Refusal) -> R:
    if isinstance(result, Refusal):
        raise result
    return result


async def _take_back(tx: Tx, bills: Sequence[Bill], *, city_id: int, now: datetime) -> None:
    """Take back what the stamps of these bills earned when they filled a card. Used already: raises reward_used."""
    orders_of = [
        reward_order(bill.bill_id, use.voucher_id)
        for bill in bills
        for use in bill.uses
        if use.role == "stamp" and not use.uses_left
    ]
    if not orders_of:
        return
    asks = [
        AskRefund(refund_id=derive(order_id, "undone"), order_id=order_id, by=None, reason="reward_undone")
        for order_id in sorted(orders_of)
    ]
    for answer in await orders.ask_refunds(tx, asks, city_id=city_id, now=now):
        if isinstance(answer, Refusal) and not isinstance(answer, OrderUnknown):
            raise RewardUsed()


def _sure(result: Undone | Refusal | None) -> Undone | Refusal:
    assert result is not None
    return result


def _known(
    ask: Undo, bill: Bill | None, before: dict[UUID, dict[str, Any]], zone: str
) -> Undone | Refusal | None:  # fmt: skip
    """The answer that needs no undoing any more."""
    if bill is None or bill.merchant_id != ask.merchant_id or ask.store_id not in (None, bill.store_id):
        return BillUnknown()
    done = before.get(ask.bill_id)
    if done is None:
        return None
    if done["by"] != ask.by:
        return BillUndone(at=local(done["at"], zone).strftime("%Y-%m-%d %H:%M"))
    return Undone(bill_id=ask.bill_id, at=done["at"], replayed=True)


def _reverse(ask: Undo, redemption_id: UUID) -> vouchers.Reverse:
    return vouchers.Reverse(
        redemption_id=redemption_id, merchant_id=ask.merchant_id, by=ask.by, reason=ask.reason, store_id=ask.store_id,
        manager=ask.manager,
    )  # fmt: skip


async def _undos(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    """What was undone before, read under the locks."""
    rows = await tx.rows(
        "select bill_id, by, at from till.undos where city_id = %(city)s and bill_id = any(%(ids)s::uuid[])",
        city=city_id,
        ids=sorted(ids),
    )
    return {row["bill_id"]: row for row in rows}


async def _write(
    tx: Tx, done: Sequence[tuple[Undo, Bill]], points: dict[UUID, tuple[GivenBack | None, ClawedBack | None]], *,
    city_id: int, now: datetime,
) -> None:  # fmt: skip
    """The undos, the budgets they give back, and the facts."""
    if not done:
        return
    moved = [points[ask.bill_id] for ask, _ in done]
    await tx.run(
        """insert into till.undos (city_id, bill_id, by, reason, manager, points_back, clawed, debt, at)
           select %(city)s, u.*, %(now)s
           from unnest(%(ids)s::uuid[], %(bys)s::uuid[], %(reasons)s::text[], %(managers)s::boolean[],
                       %(backs)s::bigint[], %(claws)s::bigint[], %(debts)s::bigint[]) as u""",
        city=city_id, now=now, ids=[ask.bill_id for ask, _ in done], bys=[ask.by for ask, _ in done],
        reasons=[ask.reason for ask, _ in done], managers=[ask.manager for ask, _ in done],
        backs=[back.points if back else 0 for back, _ in moved],
        claws=[claw.points if claw else 0 for _, claw in moved],
        debts=[claw.debt if claw else 0 for _, claw in moved],
    )  # fmt: skip
    kept = await tx.rows(
        """select bill_id, promotion_id, units from till.discounts
           where city_id = %(city)s and bill_id = any(%(ids)s::uuid[]) and budgeted order by bill_id, promotion_id""",
        city=city_id,
        ids=[ask.bill_id for ask, _ in done],
    )
    backs = [Back(promotion_id=row["promotion_id"], ref=row["bill_id"], units=row["units"], whole=True) for row in kept]
    if backs:
        await pricing.give_back(tx, backs, city_id=city_id, now=now)
    await tx.record([_fact(ask, bill, now) for ask, bill in done])


def _fact(ask: Undo, bill: Bill, now: datetime) -> Fact:
    return Fact(
        fact_id=derive(ask.bill_id, "fact/undone"), city_id=bill.city_id, topic="till.undone", subject=ask.bill_id,
        payload={"merchant": str(bill.merchant_id)}, at=now,
    )  # fmt: skip
