"""Allowances: what each device may accept without asking, and for how long."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hutong.infra.db import Tx
from hutong.merchants import Device, Limits
from hutong.vouchers.offline import Allowance, Pull, Pulled

COLUMNS = """a.device_id, a.number, a.merchant_id, a.store_id, a.asset, a.max_face_units, a.max_count, a.max_units,
             a.issued_at, a.until, a.seen_at, a.ended_at"""


def as_allowance(row: dict[str, Any]) -> Allowance:
    """A row of vouchers.allowances as a value."""
    return msgspec.convert(row, Allowance)


async def allow(
    tx: Tx, pulls: Sequence[Pull], *, city_id: int, now: datetime, devices: Mapping[UUID, Device],
    limits: Mapping[UUID, Limits],
) -> list[Pulled]:  # fmt: skip
    """Answer devices (locked by the caller, their messages verified): each has at most the allowance it holds.

    Every other open allowance of the device ends, because the device has just said that it does not hold it. A new
    one is given when the merchant allows it, all scans that the device has made are here, and the one it holds is
    used, changed, or past half of its life. `limits` by merchant; money in units of their asset.
    """
    ids = [p.device_id for p in pulls]
    opened = await _open(tx, ids, city_id=city_id)
    logs = await _logs(tx, pulls, city_id=city_id, now=now)
    spent = await _spent(tx, ids, city_id=city_id)
    highest = await _highest(tx, ids, city_id=city_id)
    results: list[Pulled] = []
    ended: list[Allowance] = []
    seen: list[Allowance] = []
    fresh: list[Allowance] = []
    for pull in pulls:
        device = devices[pull.device_id]
        log = logs[pull.device_id]
        mine = opened.get(pull.device_id, [])
        held = next((a for a in mine if a.number == pull.holds), None)
        ended += [a for a in mine if a is not held]
        rule = limits.get(device.merchant_id)
        if rule is None or not rule.on or not device.active or not pull.wants:
            # It ends when the device has said that it holds none: until then it may still be used.
            seen += [held] if held else []
            results.append(Pulled(allowance=None, last_seq=log["last_seq"], missing=log["missing"]))
            continue
        behind = pull.told_seq > log["last_seq"] or log["missing"] > 0
        if held and (behind or _still_good(held, rule, spent.get((pull.device_id, held.number), 0), now)):
            seen.append(held)
        elif not behind:
            seen += [held] if held else []
            held = _fresh(device, rule, highest.get(pull.device_id, 0) + 1, now)
            fresh.append(held)
        results.append(Pulled(allowance=held, last_seq=log["last_seq"], missing=log["missing"]))
    await _write(tx, ended, seen, fresh, city_id=city_id, now=now)
    return results


def _still_good(held: Allowance, rule: Limits, spent: int, now: datetime) -> bool:
    same = (held.asset, held.max_face_units, held.max_count, held.max_units) == (
        rule.asset, rule.max_face_units, rule.max_count, rule.max_units,
    )  # fmt: skip
    return same and spent == 0 and held.until - held.issued_at == rule.life and held.until - now > rule.life / 2


def _fresh(device: Device, rule: Limits, number: int, now: datetime) -> Allowance:
    return Allowance(
        device_id=device.device_id, number=number, merchant_id=device.merchant_id, store_id=device.store_id,
        asset=rule.asset, max_face_units=rule.max_face_units, max_count=rule.max_count, max_units=rule.max_units,
        issued_at=now, until=now + rule.life, seen_at=now,
    )  # fmt: skip


async def _open(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, list[Allowance]]:
    rows = await tx.rows(
        f"""select {COLUMNS} from vouchers.allowances a
            where a.city_id = %(city)s and a.device_id = any(%(ids)s::uuid[]) and a.ended_at is null
            order by a.device_id, a.number""",
        city=city_id, ids=list(ids),
    )  # fmt: skip
    found: dict[UUID, list[Allowance]] = {}
    for row in rows:
        found.setdefault(row["device_id"], []).append(as_allowance(row))
    return found


async def _highest(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, int]:
    rows = await tx.rows(
        """select device_id, max(number) as n from vouchers.allowances
           where city_id = %(city)s and device_id = any(%(ids)s::uuid[]) group by device_id""",
        city=city_id, ids=list(ids),
    )  # fmt: skip
    return {row["device_id"]: row["n"] for row in rows}


async def _spent(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[tuple[UUID, int], int]:
    rows = await tx.rows(
        """select device_id, allowance, count(*)::int as n from vouchers.offline_scans
           where city_id = %(city)s and device_id = any(%(ids)s::uuid[]) group by device_id, allowance""",
        city=city_id, ids=list(ids),
    )  # fmt: skip
    return {(row["device_id"], row["allowance"]): row["n"] for row in rows}


async def _logs(tx: Tx, pulls: Sequence[Pull], *, city_id: int, now: datetime) -> dict[UUID, dict[str, Any]]:
    """The logs with what the devices say of themselves."""
    rows = await tx.rows(
        """insert into vouchers.device_logs as l (city_id, device_id, last_seq, missing, told_seq, at)
           select %(city)s, p.id, 0, 0, p.told, %(now)s from unnest(%(ids)s::uuid[], %(tolds)s::bigint[]) as p(id, told)
           order by p.id
           on conflict (city_id, device_id) do update
           set told_seq = greatest(l.told_seq, excluded.told_seq), at = excluded.at
           returning device_id, last_seq, missing, told_seq""",
        city=city_id, now=now, ids=[p.device_id for p in pulls], tolds=[p.told_seq for p in pulls],
    )  # fmt: skip
    return {row["device_id"]: row for row in rows}


async def _write(
    tx: Tx, ended: Sequence[Allowance], seen: Sequence[Allowance], fresh: Sequence[Allowance], *, city_id: int,
    now: datetime,
) -> None:  # fmt: skip
    if ended:
        await tx.run(
            """update vouchers.allowances a set ended_at = %(now)s
               from unnest(%(ids)s::uuid[], %(numbers)s::bigint[]) as e(id, number)
               where a.city_id = %(city)s and a.device_id = e.id and a.number = e.number""",
            city=city_id, now=now, ids=[a.device_id for a in ended], numbers=[a.number for a in ended],
        )  # fmt: skip
    if seen:
        await tx.run(
            """update vouchers.allowances a set seen_at = %(now)s
               from unnest(%(ids)s::uuid[], %(numbers)s::bigint[]) as e(id, number)
               where a.city_id = %(city)s and a.device_id = e.id and a.number = e.number""",
            city=city_id, now=now, ids=[a.device_id for a in seen], numbers=[a.number for a in seen],
        )  # fmt: skip
    if fresh:
        await tx.run(
            """insert into vouchers.allowances (city_id, device_id, number, merchant_id, store_id, asset,
                                                max_face_units, max_count, max_units, issued_at, until, seen_at)
               select %(city)s, f.*, %(now)s
               from unnest(%(ids)s::uuid[], %(numbers)s::bigint[], %(merchants)s::uuid[], %(stores)s::uuid[],
                           %(assets)s::text[], %(faces)s::bigint[], %(counts)s::int[], %(units)s::bigint[],
                           %(issued)s::timestamptz[], %(untils)s::timestamptz[]) as f""",
            city=city_id, now=now, ids=[a.device_id for a in fresh], numbers=[a.number for a in fresh],
            merchants=[a.merchant_id for a in fresh], stores=[a.store_id for a in fresh],
            assets=[a.asset for a in fresh], faces=[a.max_face_units for a in fresh],
            counts=[a.max_count for a in fresh], units=[a.max_units for a in fresh],
            issued=[a.issued_at for a in fresh], untils=[a.until for a in fresh],
        )  # fmt: skip
