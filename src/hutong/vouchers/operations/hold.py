"""Locks: a voucher is set aside for an order in checkout or a gift on its way; an order spends it, or gives it back.

Reserve, then confirm or release: lock -> spend | unlock, and restore after a spend. Every verb locks rows sorted by id.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.kit.terms import why_not_valid
from hutong.vouchers.model import Hold, Lock, Spend, Spent, Voucher
from hutong.vouchers.operations import _rows
from hutong.vouchers.operations._rows import FREE, Changed, save, step
from hutong.vouchers.refusals import CountTooHigh, VoucherNotHeld, VoucherUnknown
from hutong.vouchers.rules import Here, why_held, why_not_usable
from hutong.vouchers.value import portions

_NOWHERE = UUID(int=0)


async def lock(
    tx: Tx, requests: Sequence[Lock], *, city_id: int, now: datetime, zone: str
) -> list[Voucher | Refusal]:  # fmt: skip
    """Set vouchers aside, in list order; each as it then is. Nobody else can use, lock, give away or refund it.

    The lock of an order lasts until it is spent or unlocked, that of a gift until its `until` or the unlock. The same
    `ref` again is the same lock with the newer `until`. For an order the voucher must be good now (`zone` is the
    city's); for a gift it may also wait for buyers.
    Refusals: voucher_not_found (also somebody else's), voucher_void, voucher_refunded, voucher_refunding,
    waiting_for_buyers, voucher_used, expired, voucher_in_checkout, voucher_on_its_way, not_yet_valid.
    """
    stock = await _rows.lock(tx, [r.voucher_id for r in requests], city_id=city_id)
    changed: list[Changed] = []
    results: list[Voucher | Refusal] = []
    for request in requests:
        voucher = stock.get(request.voucher_id)
        refusal = _why_not_locked(voucher, request, now, zone)
        if voucher is None or refusal is not None:
            results.append(refusal or VoucherUnknown())
            continue
        one = step(
            voucher, by=request.member_id, reason="locked", held_for=request.held_for, held_ref=request.ref,
            held_until=request.until,
        )  # fmt: skip
        stock[voucher.voucher_id] = one.voucher
        changed.append(one)
        results.append(one.voucher)
    await save(tx, changed, city_id=city_id, now=now)
    return results


def _why_not_locked(voucher: Voucher | None, request: Lock, now: datetime, zone: str) -> Refusal | None:
    if voucher is None or voucher.member_id != request.member_id:
        return VoucherUnknown()
    if voucher.held_ref == request.ref:
        return None
    if voucher.state == "waiting" and request.held_for == "gift":
        return why_held(voucher, now)
    here = Here(store_id=_NOWHERE, now=now, zone=zone)
    if voucher.state != "valid" or why_held(voucher, now) is not None:
        return why_not_usable(voucher, here)
    if request.held_for == "gift" and now < voucher.valid_from:
        return None  # a right of next month may be given away today
    return why_not_valid(voucher.valid_from, voucher.valid_to, at=now, zone=zone)


async def unlock(tx: Tx, holds: Sequence[Hold], *, city_id: int, now: datetime) -> list[bool]:
    """End these locks; True where there was one. A voucher that is locked by another `ref` stays so."""
    stock = await _rows.lock(tx, [hold.voucher_id for hold in holds], city_id=city_id)
    changed: list[Changed] = []
    results: list[bool] = []
    for hold in holds:
        voucher = stock.get(hold.voucher_id)
        ours = voucher is not None and voucher.held_ref == hold.ref
        if voucher is not None and ours:
            one = step(voucher, by=None, reason="unlocked", **FREE)
            stock[voucher.voucher_id] = one.voucher
            changed.append(one)
        results.append(ours)
    await save(tx, changed, city_id=city_id, now=now)
    return results


async def spend(
    tx: Tx, requests: Sequence[Spend], *, city_id: int, now: datetime
) -> list[Spent | Refusal]:  # fmt: skip
    """Use locked vouchers for the orders that locked them: no counter, no redemption. The lock ends.

    What was locked in time is spent although its validity has ended since. The same (voucher, ref) again is `replayed`.
    Parts are in units of the voucher's asset; moving the money they stand for is the caller's.
    Refusals: voucher_not_found, voucher_not_held, count_too_high.
    """
    stock = await _rows.lock(tx, [r.voucher_id for r in requests], city_id=city_id)
    before = await _spends(tx, requests, city_id=city_id)
    changed: list[Changed] = []
    fresh: list[Spent] = []
    results: list[Spent | Refusal] = []
    for request in requests:
        answer = _spent(request, stock.get(request.voucher_id), before)
        if isinstance(answer, Changed):
            stock[request.voucher_id] = answer.voucher
            changed.append(answer)
            answer = _answer(request, answer)
            before[request.voucher_id, request.ref] = answer
            fresh.append(answer)
        results.append(answer)
    await save(tx, changed, city_id=city_id, now=now)
    await _write(tx, fresh, city_id=city_id, now=now)
    return results


def _spent(
    request: Spend, voucher: Voucher | None, before: dict[tuple[UUID, UUID], Spent]
) -> Changed | Spent | Refusal:
    known = before.get((request.voucher_id, request.ref))
    if voucher is None:
        return VoucherUnknown()
    if known is not None:
        return _again(known)
    if voucher.held_for != "order" or voucher.held_ref != request.ref:
        return VoucherNotHeld()
    if not 1 <= request.count <= voucher.uses_left:
        return CountTooHigh(most=voucher.uses_left)
    left = voucher.uses_left - request.count
    paid, due = portions(voucher, request.count)
    return step(
        voucher, by=voucher.member_id, reason="spent", state="used" if left == 0 else "valid", uses_left=left,
        paid_left=voucher.paid_left - paid, due_left=voucher.due_left - due, **FREE,
    )  # fmt: skip


def _again(known: Spent) -> Spent:
    return Spent(
        voucher_id=known.voucher_id, ref=known.ref, count=known.count, uses_left=known.uses_left, asset=known.asset,
        paid_units=known.paid_units, due_units=known.due_units, replayed=True,
    )  # fmt: skip


def _answer(request: Spend, one: Changed) -> Spent:
    return Spent(
        voucher_id=request.voucher_id, ref=request.ref, count=request.count, uses_left=one.voucher.uses_left,
        asset=one.voucher.asset, paid_units=one.was.paid_left - one.voucher.paid_left,
        due_units=one.was.due_left - one.voucher.due_left,
    )  # fmt: skip


async def restore(
    tx: Tx, holds: Sequence[Hold], *, city_id: int, now: datetime
) -> list[Voucher | Refusal]:  # fmt: skip
    """Take back what the order `ref` spent: the uses are the member's again; over is over, though: a voucher whose
    validity has ended comes back expired. One that was restored before stays as it is.

    Refusals: voucher_not_found, voucher_not_held (the order never spent it).
    """
    stock = await _rows.lock(tx, [hold.voucher_id for hold in holds], city_id=city_id)
    rows = await _given_back(tx, holds, city_id=city_id, now=now)
    known = await _spends(tx, holds, city_id=city_id, live=False)
    changed: list[Changed] = []
    results: list[Voucher | Refusal] = []
    for hold in holds:
        voucher = stock.get(hold.voucher_id)
        if voucher is None or (hold.voucher_id, hold.ref) not in known:
            results.append(VoucherUnknown() if voucher is None else VoucherNotHeld())
            continue
        spent = rows.pop((hold.voucher_id, hold.ref), None)
        for one in _back(voucher, spent, now) if spent is not None else ():
            changed.append(one)
            voucher = one.voucher
        stock[hold.voucher_id] = voucher
        results.append(voucher)
    await save(tx, changed, city_id=city_id, now=now)
    return results


def _back(voucher: Voucher, spent: dict[str, Any], now: datetime) -> list[Changed]:
    """The steps of a voucher whose uses come back. What was void, refunded or expired meanwhile stays that."""
    live = voucher.state in ("used", "valid")
    one = step(
        voucher, by=None, reason="restored", state="valid" if live else voucher.state,
        uses_left=voucher.uses_left + spent["count"], paid_left=voucher.paid_left + spent["paid_units"],
        due_left=voucher.due_left + spent["due_units"],
    )  # fmt: skip
    if live and now >= voucher.valid_to and voucher.held_for is None:
        return [one, step(one.voucher, by=None, reason="validity", state="expired")]
    return [one]


async def _spends(
    tx: Tx, keys: Sequence[Spend | Hold], *, city_id: int, live: bool = True
) -> dict[tuple[UUID, UUID], Spent]:
    """What these orders spent of these vouchers; `live`: only what was not given back since."""
    rows = await tx.rows(
        """select s.voucher_id, s.ref, s.count, s.paid_units, s.due_units, v.uses_left, v.asset
           from unnest(%(ids)s::uuid[], %(refs)s::uuid[]) as k(voucher_id, ref)
           join vouchers.spends s on s.city_id = %(city)s and s.voucher_id = k.voucher_id and s.ref = k.ref
           join vouchers.vouchers v on v.city_id = %(city)s and v.voucher_id = s.voucher_id
           where not %(live)s or s.restored_at is null""",
        city=city_id, live=live, ids=[k.voucher_id for k in keys], refs=[k.ref for k in keys],
    )  # fmt: skip
    return {(row["voucher_id"], row["ref"]): Spent(**row) for row in rows}


async def _write(tx: Tx, spent: Sequence[Spent], *, city_id: int, now: datetime) -> None:
    if not spent:
        return
    await tx.run(
        """insert into vouchers.spends (city_id, voucher_id, ref, count, paid_units, due_units, at)
           select %(city)s, s.*, %(now)s
           from unnest(%(ids)s::uuid[], %(refs)s::uuid[], %(counts)s::int[], %(paids)s::bigint[], %(dues)s::bigint[]) s
           order by 2, 3""",
        city=city_id, now=now, ids=[s.voucher_id for s in spent], refs=[s.ref for s in spent],
        counts=[s.count for s in spent], paids=[s.paid_units for s in spent], dues=[s.due_units for s in spent],
    )  # fmt: skip


async def _given_back(
    tx: Tx, holds: Sequence[Hold], *, city_id: int, now: datetime
) -> dict[tuple[UUID, UUID], dict[str, Any]]:
    """Mark live spends as restored; those that were, with what was still spent of them."""
    rows = await tx.rows(
        """update vouchers.spends s
           set restored_at = %(now)s, back_count = s.count, back_paid_units = s.paid_units, back_due_units = s.due_units
           from unnest(%(ids)s::uuid[], %(refs)s::uuid[]) as k(voucher_id, ref)
           join vouchers.spends o on o.city_id = %(city)s and o.voucher_id = k.voucher_id and o.ref = k.ref
           where s.city_id = %(city)s and s.voucher_id = k.voucher_id and s.ref = k.ref and s.restored_at is null
           returning s.voucher_id, s.ref, s.count - o.back_count as count,
                     s.paid_units - o.back_paid_units as paid_units, s.due_units - o.back_due_units as due_units""",
        city=city_id, now=now, ids=[h.voucher_id for h in holds], refs=[h.ref for h in holds],
    )  # fmt: skip
    return {(row["voucher_id"], row["ref"]): row for row in rows}
