"""Devices of counters: enrolled, seen, marked, revoked; and the limits under which they work without a network."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.access import Scope
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.merchants.devices import Device, Enrol, Limits, SetLimits, active_devices, device_of, devices, limits_of
from hutong.merchants.queries import stores
from hutong.merchants.refusals import DeviceTaken, LossNotDeclared

MOST_DEVICES = 50  # of one merchant in one city


class Seen(Struct, frozen=True, kw_only=True):
    """A message of a device that was checked: its number and how far its clock is off."""

    device_id: UUID
    pull_no: int
    skew_ms: int


class Flag(Struct, frozen=True, kw_only=True):
    """Something is wrong with a device; until somebody looks it accepts nothing more."""

    device_id: UUID
    why: str


async def lock_devices(tx: Tx, device_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Device]:
    """The devices, locked in sorted order until the transaction ends: two messages of one device follow each other."""
    rows = await tx.rows(
        """select * from merchants.devices where city_id = %(city)s and device_id = any(%(ids)s::uuid[])
           order by device_id for no key update""",
        city=city_id,
        ids=sorted(set(device_ids)),
    )
    return {row["device_id"]: device_of(row) for row in rows}


async def enrol_devices(
    tx: Tx, requests: Sequence[Enrol], *, city_id: int, scope: Scope, now: datetime
) -> list[Device | Refusal]:
    """Make browsers devices of stores. The same key for the same store again is the same device.

    `scope` is the scope of EDIT_STORE. While offline is on, a new device raises the maximum loss: the limits must
    have been set again with the higher sum before. Refusals: NotFound, BadInput, DeviceTaken, LossNotDeclared.
    """
    known = await stores(tx, city_id, [r.store_id for r in requests])
    merchants = [known[r.store_id].merchant_id for r in requests if r.store_id in known]
    await _lock_limits(tx, merchants, city_id=city_id)
    limits = await limits_of(tx, city_id, merchants)
    counts = await active_devices(tx, city_id, merchants)
    before = await _by_key(tx, [r.public_key for r in requests], city_id=city_id)
    results: list[Device | Refusal] = []
    fresh: dict[bytes, Device] = {}
    for r in requests:
        store = known.get(r.store_id)
        if store is None or not scope.covers(city=city_id, merchant=store.merchant_id, store=r.store_id):
            results.append(NotFound())
            continue
        there = before.get(r.public_key) or fresh.get(r.public_key)
        if there is not None:
            results.append(there if there.store_id == r.store_id and there.active else DeviceTaken())
            continue
        refusal = _why_not(r, limits.get(store.merchant_id), counts.get(store.merchant_id, 0))
        if refusal is not None:
            results.append(refusal)
            continue
        counts[store.merchant_id] = counts.get(store.merchant_id, 0) + 1
        fresh[r.public_key] = Device(
            city_id=city_id, device_id=r.device_id, merchant_id=store.merchant_id, store_id=r.store_id,
            name=r.name.strip(), public_key=r.public_key, enrolled_at=now, enrolled_by=r.by,
        )  # fmt: skip
        results.append(fresh[r.public_key])
    await _insert(tx, list(fresh.values()), city_id=city_id, now=now)
    return results


def _why_not(request: Enrol, limits: Limits | None, active: int) -> Refusal | None:
    if not 1 <= len(request.name.strip()) <= 60:
        return BadInput(field="name", why="1-60")
    if len(request.public_key) != 33:
        return BadInput(field="public_key", why="P-256")
    if active >= MOST_DEVICES:
        return BadInput(field="devices", why=f"≤ {MOST_DEVICES}")
    if limits is not None and limits.on and limits.worst(active + 1) > limits.declared_units:
        return LossNotDeclared(units=limits.worst(active + 1))
    return None


async def _by_key(tx: Tx, keys: Sequence[bytes], *, city_id: int) -> dict[bytes, Device]:
    rows = await tx.rows(
        "select * from merchants.devices where city_id = %(city)s and public_key = any(%(keys)s::bytea[])",
        city=city_id,
        keys=list(keys),
    )
    return {bytes(row["public_key"]): device_of(row) for row in rows}


async def _insert(tx: Tx, fresh: Sequence[Device], *, city_id: int, now: datetime) -> None:
    if not fresh:
        return
    await tx.run(
        """insert into merchants.devices (city_id, device_id, merchant_id, store_id, name, public_key, enrolled_at,
                                          enrolled_by, pull_no)
           select %(city)s, d.id, d.merchant, d.store, d.name, d.key, %(now)s, d.by, 0
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(stores)s::uuid[], %(names)s::text[],
                       %(keys)s::bytea[], %(bys)s::uuid[]) as d(id, merchant, store, name, key, by)
           order by d.id""",
        city=city_id, now=now, ids=[d.device_id for d in fresh], merchants=[d.merchant_id for d in fresh],
        stores=[d.store_id for d in fresh], names=[d.name for d in fresh], keys=[d.public_key for d in fresh],
        bys=[d.enrolled_by for d in fresh],
    )  # fmt: skip


async def revoke_devices(
    tx: Tx, device_ids: Sequence[UUID], *, city_id: int, scope: Scope, by: UUID, now: datetime
) -> list[Device | Refusal]:
    """End devices: they get no more allowance and nothing that they send later is accepted. Twice is once.

    `scope` is the scope of EDIT_STORE. Refusals: NotFound.
    """
    mine = await lock_devices(tx, device_ids, city_id=city_id)
    able = [
        d.device_id for d in mine.values()
        if scope.covers(city=city_id, merchant=d.merchant_id, store=d.store_id)
    ]  # fmt: skip
    await tx.run(
        """update merchants.devices set revoked_at = %(now)s, revoked_by = %(by)s
           where city_id = %(city)s and device_id = any(%(ids)s::uuid[]) and revoked_at is null""",
        city=city_id, ids=able, by=by, now=now,
    )  # fmt: skip
    after = await devices(tx, city_id, able)
    return [after.get(device_id) or NotFound() for device_id in device_ids]


async def devices_seen(tx: Tx, seen: Sequence[Seen], *, city_id: int, now: datetime) -> list[bool]:
    """Note messages of devices. False where the number is not above the last one: a replay, to be refused."""
    rows = await tx.rows(
        """update merchants.devices d set pull_no = s.no, seen_at = %(now)s, skew_ms = s.skew
           from unnest(%(ids)s::uuid[], %(nos)s::bigint[], %(skews)s::bigint[]) as s(id, no, skew)
           where d.city_id = %(city)s and d.device_id = s.id and d.pull_no < s.no
           returning d.device_id""",
        city=city_id, now=now, ids=[s.device_id for s in seen], nos=[s.pull_no for s in seen],
        skews=[s.skew_ms for s in seen],
    )  # fmt: skip
    good = {row["device_id"] for row in rows}
    return [s.device_id in good for s in seen]


async def flag_devices(tx: Tx, flags: Sequence[Flag], *, city_id: int, now: datetime) -> list[None]:
    """Mark devices; the first reason stays. Records `merchants.device_flagged` for whoever looks after the store."""
    if flags:
        rows = await tx.rows(
            """update merchants.devices d set flagged_at = %(now)s, flag = f.why
               from unnest(%(ids)s::uuid[], %(whys)s::text[]) as f(id, why)
               where d.city_id = %(city)s and d.device_id = f.id and d.flagged_at is null
               returning d.device_id, d.flag""",
            city=city_id, now=now, ids=[f.device_id for f in flags], whys=[f.why[:60] for f in flags],
        )  # fmt: skip
        await tx.record(
            [
                Fact(
                    fact_id=derive(r["device_id"], "flagged"), city_id=city_id, topic="merchants.device_flagged",
                    subject=r["device_id"], payload={"why": r["flag"]}, at=now,
                )
                for r in rows
            ]
        )  # fmt: skip
    return [None for _ in flags]


async def set_limits(
    tx: Tx, requests: Sequence[SetLimits], *, city_id: int, scope: Scope, now: datetime
) -> list[Limits | Refusal]:
    """Set what merchants risk in a city. To be on, the declared maximum must be what these limits and the devices of
    this moment come to (or more): what was shown is what holds. Money in units of `limits.asset`.

    `scope` is the scope of EDIT_MERCHANT. Refusals: NotFound, BadInput, LossNotDeclared.
    """
    ids = [r.merchant_id for r in requests]
    await _lock_limits(tx, ids, city_id=city_id)
    counts = await active_devices(tx, city_id, ids)
    results: list[Limits | Refusal] = []
    for r in requests:
        refusal = _limits_wrong(r.limits)
        worst = r.limits.worst(counts.get(r.merchant_id, 0))
        if not scope.covers(city=city_id, merchant=r.merchant_id):
            refusal = NotFound()
        elif refusal is None and r.limits.on and r.limits.declared_units < worst:
            refusal = LossNotDeclared(units=worst)
        if refusal is not None:
            results.append(refusal)
            continue
        await _write_limits(tx, r, city_id=city_id, now=now)
        results.append((await limits_of(tx, city_id, [r.merchant_id]))[r.merchant_id])
    return results


def _limits_wrong(limits: Limits) -> BadInput | None:
    if not 1 <= limits.max_count <= 1000:
        return BadInput(field="max_count", why="1-1000")
    if not 1 <= limits.hours <= 24:
        return BadInput(field="hours", why="1-24")
    if limits.max_face_units < 1 or limits.max_units < 1:
        return BadInput(field="max_units", why="≥ 1")
    return None


async def _write_limits(tx: Tx, request: SetLimits, *, city_id: int, now: datetime) -> None:
    limits = request.limits
    await tx.run(
        """insert into merchants.offline_limits as l (city_id, merchant_id, mode, asset, max_face_units, max_count,
                                                      max_units, hours, declared_units, version, set_at, set_by)
           values (%(city)s, %(merchant)s, %(mode)s, %(asset)s, %(face)s, %(count)s, %(units)s, %(hours)s,
                   %(declared)s, 1, %(now)s, %(by)s)
           on conflict (city_id, merchant_id) do update
           set mode = excluded.mode, asset = excluded.asset, max_face_units = excluded.max_face_units,
               max_count = excluded.max_count, max_units = excluded.max_units, hours = excluded.hours,
               declared_units = excluded.declared_units, version = l.version + 1, set_at = excluded.set_at,
               set_by = excluded.set_by""",
        city=city_id, merchant=request.merchant_id, mode=limits.mode, asset=limits.asset, face=limits.max_face_units,
        count=limits.max_count, units=limits.max_units, hours=limits.hours, declared=limits.declared_units,
        by=request.by, now=now,
    )  # fmt: skip


async def _lock_limits(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int) -> None:
    """Enrolling and setting limits follow each other: both change the maximum. Reference rows order them."""
    await tx.rows(
        """select merchant_id from merchants.merchants where merchant_id = any(%(ids)s::uuid[])
           order by merchant_id for no key update""",
        ids=sorted(set(merchant_ids)),
    )
    del city_id
