"""Redemptions as they stand in the tables: by request number, and the last one of a voucher."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.kit.ids import STORE
from hutong.vouchers.model import Redeem, Redeemed, Voucher
from hutong.vouchers.rules import LastUse

Key = tuple[UUID, str]  # merchant, request_no


async def last_uses(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, LastUse]:
    """The last redemption of each voucher that was not undone."""
    if not voucher_ids:
        return {}
    rows = await tx.rows(
        """select distinct on (r.voucher_id) r.voucher_id, r.at, r.store_id, r.store_name, r.staff_name, r.staff_id
           from vouchers.redemptions r
           where r.city_id = %(city)s and r.voucher_id = any(%(ids)s::uuid[])
             and not exists (select 1 from vouchers.reversals u
                             where u.city_id = %(city)s and u.redemption_id = r.redemption_id)
           order by r.voucher_id, r.at desc, r.redemption_id desc""",
        city=city_id, ids=list(voucher_ids),
    )  # fmt: skip
    return {row["voucher_id"]: as_last_use(row, city_id) for row in rows}


def as_last_use(row: dict[str, Any], city_id: int) -> LastUse:
    """Names when they were kept, ids otherwise."""
    store = row["store_name"] or STORE.show(row["store_id"], city_id)
    return LastUse(at=row["at"], store=store, staff=row["staff_name"] or str(row["staff_id"]))


async def by_request(tx: Tx, keys: Sequence[Key], *, city_id: int) -> dict[Key, dict[str, Any]]:
    """The redemptions that were made under these request numbers, with `reversed_at`."""
    rows = await tx.rows(
        """select r.*, u.at as reversed_at
           from unnest(%(merchants)s::uuid[], %(numbers)s::text[]) as k(merchant_id, request_no)
           join vouchers.redemptions r
             on r.city_id = %(city)s and r.merchant_id = k.merchant_id and r.request_no = k.request_no
           left join vouchers.reversals u on u.city_id = %(city)s and u.redemption_id = r.redemption_id""",
        city=city_id, merchants=[key[0] for key in keys], numbers=[key[1] for key in keys],
    )  # fmt: skip
    return {(row["merchant_id"], row["request_no"]): row for row in rows}


async def insert(tx: Tx, rows: Sequence[dict[str, Any]], *, city_id: int) -> set[UUID]:
    """Write redemptions; the ids of those written. One is missing when its request number was taken meanwhile."""
    if not rows:
        return set()
    written = await tx.rows(
        load(__package__, "redeem"), city=city_id,
        **{name: [row[name] for row in rows] for name in _COLUMNS},
    )  # fmt: skip
    return {row["redemption_id"] for row in written}


_COLUMNS = (
    "redemption_id", "voucher_id", "request_no", "merchant_id", "store_id", "store_name", "staff_id", "staff_name",
    "count", "uses_left", "paid_units", "due_units", "step", "own", "at", "undo_until",
)  # fmt: skip


async def retract(tx: Tx, ids: set[UUID], *, city_id: int) -> None:
    """Take back redemptions that this same transaction wrote: nobody has seen them."""
    await tx.run(
        "delete from vouchers.redemptions where city_id = %(city)s and redemption_id = any(%(ids)s::uuid[])",
        city=city_id, ids=sorted(ids),
    )  # fmt: skip


def as_row(request: Redeem, voucher: Voucher, after: Voucher, step: int, undo_until: datetime) -> dict[str, Any]:
    """The redemption that takes a voucher from what it was to `after`."""
    return {
        "redemption_id": request.redemption_id, "voucher_id": voucher.voucher_id, "request_no": request.request_no,
        "merchant_id": request.merchant_id, "store_id": request.store_id, "store_name": request.store_name,
        "staff_id": request.staff_id, "staff_name": request.staff_name, "count": request.count,
        "uses_left": after.uses_left, "paid_units": voucher.paid_left - after.paid_left,
        "due_units": voucher.due_left - after.due_left, "step": step or None, "undo_until": undo_until,
        "own": request.staff_id == voucher.member_id,
    }  # fmt: skip


def as_redeemed(row: dict[str, Any], voucher: Voucher, *, at: datetime, replayed: bool) -> Redeemed:
    """The answer that a redemption gives, now and whenever the same request comes again."""
    return Redeemed(
        redemption_id=row["redemption_id"], request_no=row["request_no"], voucher_id=voucher.voucher_id,
        kind=voucher.kind, title=voucher.title, holder=voucher.holder, member_id=voucher.member_id,
        order_id=voucher.order_id, line_id=voucher.line_id, offer_id=voucher.offer_id,
        merchant_id=row["merchant_id"], issuer_id=voucher.merchant_id, store_id=row["store_id"],
        staff_id=row["staff_id"],
        code_tail=voucher.code_tail, unit_no=voucher.unit_no, count=row["count"], uses_total=voucher.uses_total,
        uses_left=row["uses_left"], asset=voucher.asset, paid_units=row["paid_units"], due_units=row["due_units"],
        at=at, undo_until=row["undo_until"], replayed=replayed, reversed_at=row.get("reversed_at"),
        value=voucher.value,
    )  # fmt: skip
