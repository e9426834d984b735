"""Reverse: undo a redemption that was a mistake, soon after."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.clock import local
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Expired
from hutong.vouchers.capacity import limited
from hutong.vouchers.model import PARCEL, TERM, Reverse, Reversed, Voucher
from hutong.vouchers.operations._capacity import Back, give_back
from hutong.vouchers.operations._rows import Changed, lock, save, step
from hutong.vouchers.operations.redeem import WINDOW
from hutong.vouchers.refusals import (
    AlreadyReversed,
    NotRedeemedHere,
    TooManyCycles,
    UndoWindowOver,
    VoucherRefunded,
    VoucherRefunding,
    VoucherVoid,
)

MANAGER_WINDOW = timedelta(hours=24)
CYCLES = 10  # how often one voucher may be redeemed and undone (as WeChat's local life has it)


async def reverse(
    tx: Tx, requests: Sequence[Reverse], *, city_id: int, now: datetime, zone: str = "UTC",
    window: timedelta = WINDOW, manager_window: timedelta = MANAGER_WINDOW, cycles: int = CYCLES,
) -> list[Reversed | Refusal]:  # fmt: skip
    """Undo redemptions, in the order of the list: the uses are back, the QR that was used stays dead.

    Cashiers have `window` from the redemption, managers the longer of both. The same person undoing it again gets
    the same answer (`replayed`). Times in refusals are shown in `zone`.

    Refusals: not_redeemed_here (no such redemption of this merchant, or of this store), already_reversed,
    undo_window_over, too_many_cycles, voucher_refunding, voucher_refunded, voucher_void, expired (the rest of it is).
    """
    uses = await _uses(tx, [r.redemption_id for r in requests], city_id=city_id)
    stock = await lock(tx, [use["voucher_id"] for use in uses.values()], city_id=city_id)
    undone = await _undone(tx, list(uses), city_id=city_id)  # read under the locks
    results: list[Reversed | Refusal] = []
    changed: list[Changed] = []
    rows: list[Reverse] = []
    for request in requests:
        use = uses.get(request.redemption_id)
        if use is None or not _here(request, use):
            results.append(NotRedeemedHere())
            continue
        voucher = stock[use["voucher_id"]]
        before = undone.get(request.redemption_id)
        if before is not None:
            results.append(_again(request, use, before, zone))
            continue
        until = use["at"] + (max(window, manager_window) if request.manager else window)
        if use["request_no"].startswith((PARCEL, TERM)):
            until = use["at"]  # who has the goods has used the right
        refusal = _why_not(voucher, until, now, zone, cycles)
        if refusal is not None:
            results.append(refusal)
            continue
        one = _back(request, voucher, use)
        stock[voucher.voucher_id] = one.voucher
        undone[request.redemption_id] = {"by": request.by, "at": now, "uses_left": one.voucher.uses_left}
        changed.append(one)
        rows.append(request)
        results.append(_answer(use, one.voucher.uses_left, now))
    await _insert(tx, rows, undone, city_id=city_id, now=now)
    await save(tx, changed, city_id=city_id, now=now)
    gone = [(uses[r.redemption_id], one.was) for r, one in zip(rows, changed, strict=True)]
    await give_back(tx, [_place(use, was) for use, was in gone if limited(was.terms)], city_id=city_id)
    return results


def _place(use: dict[str, Any], was: Voucher) -> Back:
    """The places in its day and hour that an undone use gives back."""
    return Back(
        offer_id=was.offer_id, store_id=use["store_id"], at=use["at"], count=use["count"], offline=use["offline"]
    )


def _here(request: Reverse, use: dict[str, Any]) -> bool:
    return use["merchant_id"] == request.merchant_id and request.store_id in (None, use["store_id"])


def _why_not(voucher: Voucher, until: datetime, now: datetime, zone: str, cycles: int) -> Refusal | None:
    if now >= until:
        return UndoWindowOver(until=local(until, zone).strftime("%Y-%m-%d %H:%M"))
    if voucher.cycles >= cycles:
        return TooManyCycles(most=cycles)
    match voucher.state:
        case "refunding":
            return VoucherRefunding()
        case "refunded":
            return VoucherRefunded()
        case "void":
            return VoucherVoid()
        case "expired":  # the rest of it is refunded or kept by its terms: it cannot grow again
            return Expired(valid_to=local(voucher.valid_to, zone).strftime("%Y-%m-%d"))
        case _:
            return None


def _back(request: Reverse, voucher: Voucher, use: dict[str, Any]) -> Changed:
    return step(
        voucher, by=request.by, reason=request.reason, state="valid", uses_left=voucher.uses_left + use["count"],
        paid_left=voucher.paid_left + use["paid_units"], due_left=voucher.due_left + use["due_units"],
        cycles=voucher.cycles + 1,
    )  # fmt: skip


def _again(request: Reverse, use: dict[str, Any], before: dict[str, Any], zone: str) -> Reversed | Refusal:
    if before["by"] != request.by:
        return AlreadyReversed(at=local(before["at"], zone).strftime("%Y-%m-%d %H:%M"))
    return _answer(use, before["uses_left"], before["at"], replayed=True)


def _answer(use: dict[str, Any], uses_left: int, at: datetime, *, replayed: bool = False) -> Reversed:
    return Reversed(
        redemption_id=use["redemption_id"], voucher_id=use["voucher_id"], order_id=use["order_id"],
        merchant_id=use["merchant_id"], store_id=use["store_id"], count=use["count"], uses_left=uses_left,
        asset=use["asset"], paid_units=use["paid_units"], due_units=use["due_units"], at=at, replayed=replayed,
    )  # fmt: skip


async def _uses(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    if not ids:
        return {}
    rows = await tx.rows(
        """select r.redemption_id, r.voucher_id, r.merchant_id, r.store_id, r.count, r.paid_units, r.due_units, r.at,
                  r.request_no, v.order_id, v.asset,
                  exists (select 1 from vouchers.offline_scans o
                          where o.city_id = %(city)s and o.redemption_id = r.redemption_id) as offline
           from vouchers.redemptions r
           join vouchers.vouchers v on v.city_id = %(city)s and v.voucher_id = r.voucher_id
           where r.city_id = %(city)s and r.redemption_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=list(ids),
    )  # fmt: skip
    return {row["redemption_id"]: row for row in rows}


async def _undone(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    if not ids:
        return {}
    rows = await tx.rows(
        """select redemption_id, by, at, uses_left from vouchers.reversals
           where city_id = %(city)s and redemption_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=list(ids),
    )  # fmt: skip
    return {row["redemption_id"]: row for row in rows}


async def _insert(
    tx: Tx, rows: Sequence[Reverse], undone: dict[UUID, dict[str, Any]], *, city_id: int, now: datetime
) -> None:
    if not rows:
        return
    await tx.run(
        """insert into vouchers.reversals (city_id, redemption_id, by, reason, manager, uses_left, at)
           select %(city)s, u.id, u.by, u.reason, u.manager, u.uses_left, %(now)s
           from unnest(%(ids)s::uuid[], %(bys)s::uuid[], %(reasons)s::text[], %(managers)s::boolean[],
                       %(lefts)s::int[]) as u(id, by, reason, manager, uses_left)""",
        city=city_id, now=now, ids=[r.redemption_id for r in rows], bys=[r.by for r in rows],
        reasons=[r.reason for r in rows], managers=[r.manager for r in rows],
        lefts=[undone[r.redemption_id]["uses_left"] for r in rows],
    )  # fmt: skip
