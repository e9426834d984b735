"""Bills that the guest pays by phone: the provider's word comes, or the money is taken another way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from hutong import payments, places
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.till.model import Bill, Pay, PayState
from hutong.till.operations import _points, _rows
from hutong.till.operations.settle import intent_of
from hutong.till.queries import in_full
from hutong.till.refusals import BillUnknown, NotWaiting


class TakeCash(Struct, frozen=True, kw_only=True):
    """The rest of a bill was taken another way: nobody shall pay it by phone any more."""

    bill_id: UUID
    merchant_id: UUID
    store_id: UUID


class PayAgain(Struct, frozen=True, kw_only=True):
    """A new try to pay a bill by phone, because the one before was refused or its time is over."""

    bill_id: UUID
    merchant_id: UUID
    store_id: UUID
    payment_id: UUID


async def lock_bills(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Bill]:
    """The bills as they stand, locked in sorted order: who undoes or pays one waits for who does already."""
    await tx.rows(
        """select bill_id from till.bills where city_id = %(city)s and bill_id = any(%(ids)s::uuid[])
           order by bill_id for no key update""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    return await in_full(tx, ids, city_id=city_id)


async def earn_due(tx: Tx, bill_ids: Sequence[UUID], *, city_id: int, now: datetime) -> int:
    """Give what these bills are to give and have not given yet; how many of them now have their answer.

    Left out: bills that are undone, wait for a payment, or belong to nobody. A second call changes nothing.
    """
    bills = await lock_bills(tx, bill_ids, city_id=city_id)
    due = [
        bill for _, bill in sorted(bills.items())
        if bill.member_id is not None and bill.earned is None and bill.undone_at is None
        and (bill.pay is None or bill.pay.state in ("paid", "cash"))
    ]  # fmt: skip
    if not due:
        return 0
    city = await places.city(tx, city_id)
    merchants = sorted({bill.merchant_id for bill in due})
    lives = await _points.lives_at(tx, merchants, city_id=city_id, asset=city.currency if city else "", now=now)
    earned = await _points.earn(tx, due, lives=lives, now=now)
    await _rows.insert_earns(tx, [(b, earned[b.bill_id]) for b in due if b.bill_id in earned], city_id=city_id)
    return len(earned)


async def take_cash(tx: Tx, asks: Sequence[TakeCash], *, city_id: int, now: datetime) -> list[Bill | Refusal]:
    """End waiting for the guest's phone; the bills earn now. The same again is the same answer. Money that still comes
    goes back by itself. Refusals: bill_not_found, bill_not_waiting."""
    bills = await lock_bills(tx, [ask.bill_id for ask in asks], city_id=city_id)
    results: list[Bill | Refusal] = []
    ended: dict[UUID, Pay] = {}
    for ask in asks:
        bill = bills.get(ask.bill_id)
        answer = _why_not(bill, ask, ("open", "cash"))
        results.append(answer or BillUnknown())
        if isinstance(answer, Bill) and answer.waits and answer.pay is not None:
            ended[ask.bill_id] = answer.pay
    await payments.ask_close(tx, [pay.payment_id for pay in ended.values()], city_id=city_id, now=now)
    await move(tx, {bill: ("cash", pay.payment_id) for bill, pay in ended.items()}, city_id=city_id, now=now)
    await earn_due(tx, sorted(ended), city_id=city_id, now=now)
    after = await in_full(tx, sorted(ended), city_id=city_id)
    return [after.get(one.bill_id, one) if isinstance(one, Bill) else one for one in results]


async def pay_again(tx: Tx, asks: Sequence[PayAgain], *, city_id: int, now: datetime) -> list[Bill | Refusal]:
    """Open a new payment for bills whose last one ended without money; one that may still be paid stays as it is.
    Refusals: bill_not_found, bill_not_waiting."""
    bills = await lock_bills(tx, [ask.bill_id for ask in asks], city_id=city_id)
    pays = [bill.pay for bill in bills.values() if bill.pay is not None]
    stands = await payments.by_ids(tx, [pay.payment_id for pay in pays], city_id=city_id)
    over = {one.payment_id for one in stands if one is not None and one.state in ("refused", "closed")}
    results: list[Bill | Refusal] = []
    fresh: dict[UUID, Bill] = {}
    for ask in asks:
        answer = _why_not(bills.get(ask.bill_id), ask, ("open",))
        if isinstance(answer, Bill) and answer.pay is not None and answer.pay.payment_id in over:
            pay = structs.replace(answer.pay, payment_id=ask.payment_id, tries=answer.pay.tries + 1, changed_at=now)
            answer = fresh[ask.bill_id] = structs.replace(answer, pay=pay)
        results.append(answer or BillUnknown())
    steps = {i: ("open", b.pay.payment_id) for i, b in fresh.items() if b.pay is not None}
    await move(tx, steps, city_id=city_id, now=now, again=1)
    for opened in await payments.open(tx, [intent_of(b, now) for b in fresh.values()], city_id=city_id, now=now):
        if isinstance(opened, Refusal):
            raise opened
    return results


def _why_not(bill: Bill | None, ask: TakeCash | PayAgain, states: tuple[PayState, ...]) -> Bill | Refusal | None:
    """The bill, if it is of this counter and its payment stands so."""
    if bill is None or (bill.merchant_id, bill.store_id) != (ask.merchant_id, ask.store_id):
        return BillUnknown()
    if bill.pay is None or bill.undone_at is not None or bill.pay.state not in states:
        return NotWaiting()
    return bill


async def move(
    tx: Tx, steps: dict[UUID, tuple[Any, UUID]], *, city_id: int, now: datetime, again: int = 0
) -> None:  # fmt: skip
    """Write how the payments of locked bills stand: (state, payment) by bill; `again`: tries more."""
    if not steps:
        return
    ids = sorted(steps)
    await tx.run(
        """update till.pays p
           set state = s.state, payment_id = s.payment, changed_at = %(now)s, tries = p.tries + %(again)s
           from unnest(%(ids)s::uuid[], %(states)s::text[], %(payments)s::uuid[]) as s(id, state, payment)
           where p.city_id = %(city)s and p.bill_id = s.id""",
        city=city_id,
        now=now,
        again=again,
        ids=ids,
        states=[steps[i][0] for i in ids],
        payments=[steps[i][1] for i in ids],
    )
