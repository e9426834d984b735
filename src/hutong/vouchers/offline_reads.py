"""Reads of the counter without a network: what changed since a device last asked, conflicts, and refunds that wait."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.kit.clock import local
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.vouchers.capsules import tail
from hutong.vouchers.model import Voucher
from hutong.vouchers.offline import SILENT, Allowance, Changed, Conflict, DeviceState
from hutong.vouchers.operations.allow import COLUMNS, as_allowance
from hutong.vouchers.refusals import OfflineStoreSilent

MOST_CHANGED = 20_000


async def changed_capsules(
    tx: Tx, merchant_id: UUID, *, city_id: int, now: datetime, since: datetime | None = None
) -> list[Changed]:
    """Vouchers of a merchant that a phone may still show a capsule of, and that changed from `since` on (None: those
    that may not be used now). For the packages above: no scope."""
    rows = await tx.rows(
        """select v.voucher_id, v.state = 'valid' as usable from vouchers.vouchers v
           where v.city_id = %(city)s and v.voucher_id in (
               select k.voucher_id from vouchers.capsules k
               where k.city_id = %(city)s and k.merchant_id = %(merchant)s and k.expires_at > %(now)s)
             and case when %(since)s::timestamptz is null then v.state <> 'valid'
                 else exists (select 1 from vouchers.changes c where c.city_id = %(city)s
                              and c.voucher_id = v.voucher_id and c.at >= %(since)s) end
           order by v.voucher_id limit %(limit)s""",
        city=city_id, merchant=merchant_id, now=now, since=since, limit=MOST_CHANGED,
    )  # fmt: skip
    return [Changed(tail(row["voucher_id"]), row["usable"]) for row in rows]


async def refunds_wait(
    tx: Tx, held: Sequence[Voucher], *, city_id: int, now: datetime, zone: str = "UTC"
) -> dict[UUID, Refusal]:
    """Vouchers that a counter without a network may just have taken, with the refusal of a refund.

    That is: a phone has a capsule of it, and a device of its merchant (at a store it names) has an open, living
    allowance and has not been heard of for `SILENT`. At the end of the allowance the refund is free: a scan that
    comes later is `refunded_meanwhile`, within the merchant's declared maximum. For the packages above: no scope.
    """
    ids = [v.voucher_id for v in held if v.state in ("valid", "expired")]
    if not ids:
        return {}
    rows = await tx.rows(
        f"""select {COLUMNS} from vouchers.allowances a
            where a.city_id = %(city)s and a.merchant_id = any(%(merchants)s::uuid[]) and a.ended_at is null
              and a.until > %(now)s and a.seen_at < %(heard)s""",
        city=city_id, merchants=sorted({v.merchant_id for v in held}), now=now, heard=now - SILENT,
    )  # fmt: skip
    if not rows:
        return {}
    capsules = await tx.rows(
        """select k.voucher_id, max(k.expires_at) as expires_at, min(k.face_units) as face from vouchers.capsules k
           where k.city_id = %(city)s and k.voucher_id = any(%(ids)s::uuid[]) group by k.voucher_id""",
        city=city_id, ids=ids,
    )  # fmt: skip
    by_id = {v.voucher_id: v for v in held}
    silent = [as_allowance(row) for row in rows]
    waits: dict[UUID, Refusal] = {}
    for row in capsules:
        voucher = by_id[row["voucher_id"]]
        until = [a.until for a in silent if _may_take(a, voucher, row)]
        if until:
            shown = local(max(until), zone).strftime("%Y-%m-%d %H:%M")
            waits[voucher.voucher_id] = OfflineStoreSilent(until=shown)
    return waits


def _may_take(allowance: Allowance, voucher: Voucher, capsule: dict[str, Any]) -> bool:
    return (
        allowance.merchant_id == voucher.merchant_id
        and (not voucher.store_ids or allowance.store_id in voucher.store_ids)
        and capsule["expires_at"] > allowance.issued_at
        and capsule["face"] <= allowance.max_face_units
    )


async def device_states(tx: Tx, device_ids: Sequence[UUID], *, city_id: int, now: datetime) -> dict[UUID, DeviceState]:
    """How devices stand; one that has never sent a message is left out. For the packages above: no scope."""
    rows = await tx.rows(
        """select l.device_id, l.last_seq, l.missing, l.told_seq, max(a.until) as open_until,
                  coalesce(max(least(a.max_units, a.max_count * a.max_face_units)), 0)::bigint as open_units
           from vouchers.device_logs l
           left join vouchers.allowances a on a.city_id = %(city)s and a.device_id = l.device_id
             and a.ended_at is null and a.until > %(now)s
           where l.city_id = %(city)s and l.device_id = any(%(ids)s::uuid[])
           group by l.device_id, l.last_seq, l.missing, l.told_seq""",
        city=city_id, ids=list(device_ids), now=now,
    )  # fmt: skip
    return {row["device_id"]: DeviceState(**row) for row in rows}


_CONFLICT = """select c.device_id, c.seq, c.merchant_id, c.store_id, c.bearer, c.units, c.asset,
                      c.owner_id, c.opened_at, s.outcome, s.reason, s.scanned_at, s.staff_id, s.voucher_id, v.title,
                      right(v.code, 4) as code_tail, c.resolved_at, c.resolved_by, c.note
               from vouchers.conflicts c
               join vouchers.offline_scans s on s.city_id = %(city)s and s.device_id = c.device_id and s.seq = c.seq
               left join vouchers.vouchers v on v.city_id = %(city)s and v.voucher_id = s.voucher_id
               where c.city_id = %(city)s"""


async def conflicts(
    tx: Tx, scope: Scope, *, city_id: int, open_only: bool = False, store_id: UUID | None = None, limit: int = 100
) -> list[Conflict]:
    """The conflicts within a staff's scope: open ones first, then the newest."""
    seen, params = scope.sql(city="c.city_id", merchant="c.merchant_id", store="c.store_id")
    rows = await tx.rows(
        f"""{_CONFLICT} and {seen} and (not %(open)s or c.resolved_at is null)
            and (%(store)s::uuid is null or c.store_id = %(store)s)
            order by c.resolved_at is not null, c.opened_at desc, c.device_id, c.seq limit %(limit)s""",
        city=city_id, open=open_only, store=store_id, limit=limit, **params,
    )  # fmt: skip
    return [
        msgspec.convert({**row, "loss": Amount(row["units"], row["asset"])}, Conflict) for row in rows
    ]  # fmt: skip


async def open_conflicts(tx: Tx, scope: Scope, *, city_id: int) -> int:
    """How many conflicts within the scope wait for somebody."""
    seen, params = scope.sql(city="c.city_id", merchant="c.merchant_id", store="c.store_id")
    return await tx.value(
        f"""select count(*) from vouchers.conflicts c
            where c.city_id = %(city)s and c.resolved_at is null and {seen}""",
        city=city_id, **params,
    )  # fmt: skip
