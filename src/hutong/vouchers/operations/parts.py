"""A part of what an order spent of stored value comes back to the card, with the units that are refunded."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.vouchers.model import RestorePart, Voucher
from hutong.vouchers.operations import _rows
from hutong.vouchers.operations._rows import Changed, save, step
from hutong.vouchers.refusals import VoucherNotHeld, VoucherOver, VoucherUnknown


async def restore_parts(
    tx: Tx, requests: Sequence[RestorePart], *, city_id: int, now: datetime
) -> list[Voucher | Refusal]:
    """Give uses that orders spent back to their vouchers, in list order; each as it then is. Parts are uses, and units
    of the voucher's asset. The caller gives each part back once, and never more than was spent (a CHECK stands behind).

    One whose validity has ended meanwhile is valid until the next sweep, which ends it as its terms say: so what was
    paid for it goes back to its buyer like every other rest.
    Refusals: voucher_not_found, voucher_not_held (the order spent nothing of it), voucher_over (it was refunded, is
    expired or void: nothing can be put on it any more).
    """
    if not requests:
        return []
    stock = await _rows.lock(tx, [r.voucher_id for r in requests], city_id=city_id)
    spent = await _spent(tx, requests, city_id=city_id)
    changed: list[Changed] = []
    done: list[RestorePart] = []
    results: list[Voucher | Refusal] = []
    for request in requests:
        voucher = stock.get(request.voucher_id)
        if voucher is None or (request.voucher_id, request.ref) not in spent:
            results.append(VoucherUnknown() if voucher is None else VoucherNotHeld())
        elif voucher.state not in ("used", "valid"):
            results.append(VoucherOver(title_zh=voucher.title.zh, title_en=voucher.title.en))
        else:
            one = step(
                voucher, by=None, reason="restored", state="valid", uses_left=voucher.uses_left + request.count,
                paid_left=voucher.paid_left + request.paid_units, due_left=voucher.due_left + request.due_units,
            )  # fmt: skip
            stock[voucher.voucher_id] = one.voucher
            changed.append(one)
            done.append(request)
            results.append(one.voucher)
    await save(tx, changed, city_id=city_id, now=now)
    await _write(tx, done, city_id=city_id, now=now)
    return results


async def _spent(tx: Tx, keys: Sequence[RestorePart], *, city_id: int) -> set[tuple[UUID, UUID]]:
    """Which of these orders have spent something that is not back yet."""
    rows = await tx.rows(
        """select s.voucher_id, s.ref from unnest(%(ids)s::uuid[], %(refs)s::uuid[]) as k(voucher_id, ref)
           join vouchers.spends s on s.city_id = %(city)s and s.voucher_id = k.voucher_id and s.ref = k.ref
           where s.restored_at is null""",
        city=city_id, ids=[k.voucher_id for k in keys], refs=[k.ref for k in keys],
    )  # fmt: skip
    return {(row["voucher_id"], row["ref"]) for row in rows}


async def _write(tx: Tx, parts: Sequence[RestorePart], *, city_id: int, now: datetime) -> None:
    """Note on the spends what came back of them."""
    if not parts:
        return
    await tx.run(
        """update vouchers.spends s
           set back_count = s.back_count + k.count, back_paid_units = s.back_paid_units + k.paid,
               back_due_units = s.back_due_units + k.due,
               restored_at = case when s.back_count + k.count = s.count then %(now)s::timestamptz end
           from (select u.voucher_id, u.ref, sum(u.count)::int as count, sum(u.paid)::bigint as paid,
                        sum(u.due)::bigint as due
                 from unnest(%(ids)s::uuid[], %(refs)s::uuid[], %(counts)s::int[], %(paids)s::bigint[],
                             %(dues)s::bigint[]) as u(voucher_id, ref, count, paid, due)
                 group by u.voucher_id, u.ref) k
           where s.city_id = %(city)s and s.voucher_id = k.voucher_id and s.ref = k.ref""",
        city=city_id, now=now, ids=[p.voucher_id for p in parts], refs=[p.ref for p in parts],
        counts=[p.count for p in parts], paids=[p.paid_units for p in parts], dues=[p.due_units for p in parts],
    )  # fmt: skip
