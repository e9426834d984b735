"""Booking what became of scans: every row that arrived, every loss with its bearer, forks and gaps."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.access import Scope
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, Refusal
from hutong.merchants import Device
from hutong.vouchers.offline import LOST, Judged, Resolve, ScanAnswer
from hutong.vouchers.refusals import ConflictResolved, ConflictUnknown


async def book_scans(
    tx: Tx, judged: Sequence[Judged], *, city_id: int, now: datetime, devices: Mapping[UUID, Device], asset: str
) -> list[ScanAnswer]:
    """Write decided rows (all have an outcome), open a conflict for each loss, and bring the logs up to date.

    The bearer of a loss is the merchant, who set the limits; its owner is whoever enrolled the device. `asset` is the
    city's currency. Records `vouchers.conflict` for each. The answers, in the order of the list.
    """
    rows = [j for j in judged if j.stored]
    await _insert(tx, rows, devices, city_id=city_id, now=now)
    lost = [j for j in rows if j.outcome in LOST]
    await _open(tx, lost, devices, city_id=city_id, now=now, asset=asset)
    await _fork(tx, [j for j in judged if j.reason == "fork"], city_id=city_id, now=now)
    await _count(tx, sorted({j.scan.device_id for j in judged}), city_id=city_id, now=now)
    await tx.record([_fact(j, devices[j.scan.device_id], city_id, now) for j in lost])
    return [_answer(j) for j in judged]


def _answer(judged: Judged) -> ScanAnswer:
    assert judged.outcome is not None
    return ScanAnswer(
        device_id=judged.scan.device_id, seq=judged.scan.seq, outcome=judged.outcome, reason=judged.reason,
        redemption_id=judged.redemption_id, replayed=judged.replayed,
    )  # fmt: skip


def _fact(judged: Judged, device: Device, city_id: int, now: datetime) -> Fact:
    payload = {
        "merchant": str(device.merchant_id), "store": str(device.store_id), "seq": judged.scan.seq,
        "outcome": judged.outcome, "reason": judged.reason, "units": judged.units,
    }  # fmt: skip
    return Fact(
        fact_id=derive(device.device_id, f"conflict/{judged.scan.seq}"), city_id=city_id, topic="vouchers.conflict",
        subject=device.device_id, payload=payload, at=now,
    )  # fmt: skip


async def _insert(
    tx: Tx, rows: Sequence[Judged], devices: Mapping[UUID, Device], *, city_id: int, now: datetime
) -> None:
    if not rows:
        return
    own = [devices[j.scan.device_id] for j in rows]
    await tx.run(
        """insert into vouchers.offline_scans (city_id, device_id, seq, merchant_id, store_id, staff_id, payload,
                                               digest, allowance, voucher_id, step, units, scanned_at, uploaded_at,
                                               outcome, reason, redemption_id)
           select %(city)s, s.device, s.seq, s.merchant, s.store, s.staff, s.payload, s.digest, s.allowance, s.voucher,
                  s.step, s.units, s.scanned, %(now)s, s.outcome, s.reason, s.redemption
           from unnest(%(devices)s::uuid[], %(seqs)s::bigint[], %(merchants)s::uuid[], %(stores)s::uuid[],
                       %(staff)s::uuid[], %(payloads)s::text[], %(digests)s::bytea[], %(allowances)s::bigint[],
                       %(vouchers)s::uuid[], %(steps)s::bigint[], %(units)s::bigint[], %(scanned)s::timestamptz[],
                       %(outcomes)s::text[], %(reasons)s::text[], %(redemptions)s::uuid[])
             as s(device, seq, merchant, store, staff, payload, digest, allowance, voucher, step, units, scanned,
                  outcome, reason, redemption)
           order by s.device, s.seq""",
        city=city_id, now=now, devices=[d.device_id for d in own], seqs=[j.scan.seq for j in rows],
        merchants=[d.merchant_id for d in own], stores=[d.store_id for d in own],
        staff=[j.scan.staff_id for j in rows], payloads=[j.scan.payload[:2000] for j in rows],
        digests=[j.scan.digest for j in rows], allowances=[j.allowance for j in rows],
        vouchers=[j.voucher_id for j in rows], steps=[j.step for j in rows], units=[j.units for j in rows],
        scanned=[j.scanned_at or now for j in rows], outcomes=[j.outcome for j in rows],
        reasons=[j.reason for j in rows], redemptions=[j.redemption_id for j in rows],
    )  # fmt: skip


async def _open(
    tx: Tx, lost: Sequence[Judged], devices: Mapping[UUID, Device], *, city_id: int, now: datetime, asset: str
) -> None:
    if not lost:
        return
    own = [devices[j.scan.device_id] for j in lost]
    await tx.run(
        """insert into vouchers.conflicts (city_id, device_id, seq, merchant_id, store_id, bearer, units, asset,
                                           owner_id, opened_at)
           select %(city)s, c.device, c.seq, c.merchant, c.store, 'merchant', c.units, %(asset)s, c.owner, %(now)s
           from unnest(%(devices)s::uuid[], %(seqs)s::bigint[], %(merchants)s::uuid[], %(stores)s::uuid[],
                       %(units)s::bigint[], %(owners)s::uuid[]) as c(device, seq, merchant, store, units, owner)
           order by c.device, c.seq""",
        city=city_id, now=now, asset=asset, devices=[d.device_id for d in own], seqs=[j.scan.seq for j in lost],
        merchants=[d.merchant_id for d in own], stores=[d.store_id for d in own], units=[j.units for j in lost],
        owners=[d.enrolled_by for d in own],
    )  # fmt: skip


async def _fork(tx: Tx, forks: Sequence[Judged], *, city_id: int, now: datetime) -> None:
    """Keep the second content of a number beside the first. A twin in one batch has its first row by now."""
    if not forks:
        return
    await tx.run(
        """insert into vouchers.forks (city_id, device_id, seq, digest, payload, at)
           select %(city)s, f.device, f.seq, f.digest, f.payload, %(now)s
           from unnest(%(devices)s::uuid[], %(seqs)s::bigint[], %(digests)s::bytea[], %(payloads)s::text[])
             as f(device, seq, digest, payload)
           order by f.device, f.seq, f.digest
           on conflict do nothing""",
        city=city_id, now=now, devices=[j.scan.device_id for j in forks], seqs=[j.scan.seq for j in forks],
        digests=[j.scan.digest for j in forks], payloads=[j.scan.payload[:2000] for j in forks],
    )  # fmt: skip


async def _count(tx: Tx, ids: Sequence[UUID], *, city_id: int, now: datetime) -> None:
    """How far each log has come, and how many numbers below that are missing."""
    if not ids:
        return
    await tx.run(
        """insert into vouchers.device_logs as l (city_id, device_id, last_seq, missing, told_seq, at)
           select %(city)s, s.device_id, max(s.seq), max(s.seq) - count(*), max(s.seq), %(now)s
           from vouchers.offline_scans s
           where s.city_id = %(city)s and s.device_id = any(%(ids)s::uuid[]) group by s.device_id order by s.device_id
           on conflict (city_id, device_id) do update
           set last_seq = excluded.last_seq, missing = excluded.missing,
               told_seq = greatest(l.told_seq, excluded.told_seq), at = excluded.at""",
        city=city_id, ids=list(ids), now=now,
    )  # fmt: skip


async def resolve_conflicts(
    tx: Tx, requests: Sequence[Resolve], *, city_id: int, scope: Scope, now: datetime
) -> list[Refusal | None]:
    """Close conflicts with a note. `scope` is the scope of EDIT_STORE.

    Refusals: conflict_not_found, conflict_resolved, bad_input (no note).
    """
    seen, params = scope.sql(merchant="c.merchant_id", store="c.store_id", city="c.city_id")
    rows = await tx.rows(
        f"""select c.device_id, c.seq, c.resolved_at, c.resolved_by, c.note from vouchers.conflicts c
            join unnest(%(ids)s::uuid[], %(seqs)s::bigint[]) as k(id, seq) on c.device_id = k.id and c.seq = k.seq
            where c.city_id = %(city)s and {seen} order by c.device_id, c.seq for no key update of c""",
        city=city_id, ids=[r.device_id for r in requests], seqs=[r.seq for r in requests], **params,
    )  # fmt: skip
    known = {(row["device_id"], row["seq"]): row for row in rows}
    results: list[Refusal | None] = []
    good: list[Resolve] = []
    for r in requests:
        row = known.get((r.device_id, r.seq))
        if row is None:
            results.append(ConflictUnknown())
        elif not 1 <= len(r.note.strip()) <= 500:
            results.append(BadInput(field="note", why="1-500"))
        elif row["resolved_at"] is not None:
            same = (row["resolved_by"], row["note"]) == (r.by, r.note.strip())
            results.append(None if same else ConflictResolved())
        else:
            row |= {"resolved_at": now, "resolved_by": r.by, "note": r.note.strip()}
            good.append(r)
            results.append(None)
    if good:
        await tx.run(
            """update vouchers.conflicts c set resolved_at = %(now)s, resolved_by = k.by, note = k.note
               from unnest(%(ids)s::uuid[], %(seqs)s::bigint[], %(bys)s::uuid[], %(notes)s::text[])
                 as k(id, seq, by, note)
               where c.city_id = %(city)s and c.device_id = k.id and c.seq = k.seq""",
            city=city_id, now=now, ids=[r.device_id for r in good], seqs=[r.seq for r in good],
            bys=[r.by for r in good], notes=[r.note.strip() for r in good],
        )  # fmt: skip
    return results
