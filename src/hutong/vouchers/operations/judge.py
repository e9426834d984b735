"""Judging what devices accepted without a network, before anything is redeemed.

The server believes nothing that it has not verified: the house's signature, the phone's, the half minute against the
time of the scan, the store, the allowance. What is good becomes a `Redeem`; the rest is decided here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.merchants import Device
from hutong.vouchers.capsules import Token, in_time, read_token, tail, verify, why_not_genuine
from hutong.vouchers.model import OfflineUse, Redeem
from hutong.vouchers.offline import AHEAD, Allowance, Judged, Outcome, Payload, Scan, read_payload
from hutong.vouchers.operations._rows import lock
from hutong.vouchers.operations.allow import COLUMNS, as_allowance

_Row = tuple[UUID, int]  # device, seq


class _Spent(Struct):
    """What an allowance has been used for."""

    count: int = 0
    units: int = 0


class _Bench(Struct):
    """Everything that the judge looks at; no database behind it."""

    city_id: int
    now: datetime
    devices: Mapping[UUID, Device]
    keys: Mapping[bytes, bytes]
    known: dict[_Row, dict[str, Any]]
    allowances: dict[_Row, Allowance]
    spent: dict[_Row, _Spent]
    fresh: dict[_Row, Judged]
    given: Mapping[UUID, tuple[datetime, datetime]]  # gifts that were accepted: when they were made and accepted

    def judge(self, scan: Scan, order: int) -> Judged:
        before = self.known.get((scan.device_id, scan.seq))
        if before is not None:
            return _again(scan, before)
        twin = self.fresh.get((scan.device_id, scan.seq))
        if twin is not None:
            if twin.scan.payload == scan.payload:
                return msgspec.structs.replace(twin, replayed=True, stored=False, redeem=None)
            return Judged(scan=scan, outcome="refused", reason="fork", stored=False)
        judged = self._look(scan, order)
        self.fresh[scan.device_id, scan.seq] = judged
        return judged

    def _look(self, scan: Scan, order: int) -> Judged:
        device = self.devices[scan.device_id]
        payload = read_payload(scan.payload)
        facts: dict[str, Any] = {"scan": scan, "order": order}
        if payload is None or payload.seq != scan.seq:
            return Judged(outcome="refused", reason="unreadable", **facts)
        facts |= {"allowance": payload.allowance, "scanned_at": min(payload.scanned_at, self.now)}
        if not verify(device.public_key, scan.payload.encode(), scan.signature):
            return Judged(outcome="refused", reason="bad_signature", **facts)
        token = read_token(payload.text)
        if token is None:
            return Judged(outcome="refused", reason="unreadable", **facts)
        forged = why_not_genuine(token, self.keys)
        if forged is not None:
            return Judged(outcome="refused", reason=forged, **facts)
        facts |= {"voucher_id": token.capsule.voucher_id, "step": token.step, "units": token.capsule.face}
        verdict = self._why_not(device, payload, token)
        if verdict is not None:
            return Judged(outcome=verdict[0], reason=verdict[1], **facts)
        spent = self.spent.setdefault((device.device_id, payload.allowance), _Spent())
        spent.count, spent.units = spent.count + 1, spent.units + token.capsule.face
        return Judged(redeem=_redeem(scan, device, token, facts["scanned_at"]), **facts)

    def _why_not(self, device: Device, payload: Payload, token: Token) -> tuple[Outcome, str] | None:
        """The first reason against a genuine token, in this order."""
        capsule = token.capsule
        allowance = self.allowances.get((device.device_id, payload.allowance))
        spent = self.spent.get((device.device_id, payload.allowance), _Spent())
        at = min(payload.scanned_at, self.now)
        if device.revoked_at is not None:
            return "refused", "device_revoked"
        if device.flagged_at is not None:
            return "refused", "device_flagged"
        if capsule.city_id != self.city_id or capsule.merchant != tail(device.merchant_id):
            return "refused", "wrong_merchant"
        if capsule.stores and tail(device.store_id) not in capsule.stores:
            return "refused", "wrong_store"
        if payload.scanned_at > self.now + AHEAD:
            return "refused", "from_the_future"
        if allowance is None:
            return "refused", "no_allowance"
        if not allowance.issued_at - AHEAD <= at < allowance.until:
            return "refused", "after_allowance"
        if not in_time(token.step, at):
            return "refused", "stale_token"
        made, taken = self.given.get(capsule.voucher_id, (None, None))
        if made and taken and capsule.issued_at < taken and at >= made:
            return "refused", "given_away"  # the phone of its giver; what that took before is as good as ever
        if not capsule.usable_at(at):
            return "expired_at_scan", "outside_windows"
        if capsule.face > allowance.max_face_units:
            return "refused", "over_face"
        if spent.count + 1 > allowance.max_count or spent.units + capsule.face > allowance.max_units:
            return "refused", "over_allowance"
        return None


def _again(scan: Scan, before: dict[str, Any]) -> Judged:
    """The number came before: with the same content the same answer, with another one somebody has copied the key."""
    if bytes(before["digest"]) != scan.digest:
        return Judged(scan=scan, outcome="refused", reason="fork", stored=False)
    return Judged(
        scan=scan, outcome=before["outcome"], reason=before["reason"], replayed=True, stored=False,
        redemption_id=before["redemption_id"],
    )  # fmt: skip


def _redeem(scan: Scan, device: Device, token: Token, at: datetime) -> Redeem:
    return Redeem(
        redemption_id=derive(device.device_id, f"offline/{scan.seq}/{scan.digest.hex()}"), request_no=scan.request_no,
        merchant_id=device.merchant_id, store_id=device.store_id, staff_id=scan.staff_id, staff_name=scan.staff_name,
        store_name=scan.store_name, voucher_id=token.capsule.voucher_id,
        offline=OfflineUse(step=token.step, at=at),
    )  # fmt: skip


async def judge_scans(
    tx: Tx, scans: Sequence[Scan], *, city_id: int, now: datetime, devices: Mapping[UUID, Device],
    keys: Mapping[bytes, bytes],
) -> list[Judged]:  # fmt: skip
    """Look at each row alone, in the order of the list; the vouchers of good ones are locked when this returns.

    `devices` are locked by the caller, their messages verified; `keys` are the house's public keys by their names.
    Outcomes here: refused (unreadable, bad_signature, unknown_key, forged_capsule, forged_token, device_revoked,
    device_flagged, wrong_merchant, wrong_store, from_the_future, no_allowance, after_allowance, stale_token,
    given_away, over_face, over_allowance, fork), expired_at_scan (outside_windows), and what was answered before.
    """
    bench = _Bench(
        city_id=city_id, now=now, devices=devices, keys=keys, fresh={}, given=await _given(tx, scans, city_id=city_id),
        known=await _known(tx, scans, city_id=city_id),
        allowances=await _allowances(tx, list(devices), city_id=city_id),
        spent=await _spent(tx, list(devices), city_id=city_id),
    )  # fmt: skip
    judged = [bench.judge(scan, order) for order, scan in enumerate(scans)]
    await lock(tx, [j.redeem.voucher_id for j in judged if j.redeem and j.redeem.voucher_id], city_id=city_id)
    return judged


async def _known(tx: Tx, scans: Sequence[Scan], *, city_id: int) -> dict[_Row, dict[str, Any]]:
    rows = await tx.rows(
        """select s.device_id, s.seq, s.digest, s.outcome, s.reason, s.redemption_id
           from unnest(%(ids)s::uuid[], %(seqs)s::bigint[]) as k(id, seq)
           join vouchers.offline_scans s on s.city_id = %(city)s and s.device_id = k.id and s.seq = k.seq""",
        city=city_id, ids=[s.device_id for s in scans], seqs=[s.seq for s in scans],
    )  # fmt: skip
    return {(row["device_id"], row["seq"]): row for row in rows}


async def _given(tx: Tx, scans: Sequence[Scan], *, city_id: int) -> dict[UUID, tuple[datetime, datetime]]:
    """Of the vouchers that these scans speak of, those that a friend has accepted as a gift."""
    payloads = [read_payload(scan.payload) for scan in scans]
    tokens = [read_token(payload.text) for payload in payloads if payload is not None]
    rows = await tx.rows(
        """select voucher_id, made_at, ended_at from vouchers.gifts
           where city_id = %(city)s and voucher_id = any(%(ids)s::uuid[]) and state = 'claimed'""",
        city=city_id, ids=sorted({token.capsule.voucher_id for token in tokens if token is not None}),
    )  # fmt: skip
    return {row["voucher_id"]: (row["made_at"], row["ended_at"]) for row in rows}


async def _allowances(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[_Row, Allowance]:
    rows = await tx.rows(
        f"""select {COLUMNS} from vouchers.allowances a
            where a.city_id = %(city)s and a.device_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted(ids),
    )  # fmt: skip
    return {(row["device_id"], row["number"]): as_allowance(row) for row in rows}


async def _spent(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[_Row, _Spent]:
    """What counts against an allowance: every row that was good to look at, whatever became of it."""
    rows = await tx.rows(
        """select device_id, allowance, count(*)::int as n, sum(units)::bigint as units from vouchers.offline_scans
           where city_id = %(city)s and device_id = any(%(ids)s::uuid[])
             and outcome in ('redeemed', 'duplicate_of_self', 'conflict', 'refunded_meanwhile')
           group by device_id, allowance""",
        city=city_id, ids=sorted(ids),
    )  # fmt: skip
    return {(row["device_id"], row["allowance"]): _Spent(row["n"], row["units"]) for row in rows}


async def uses_at_steps(tx: Tx, judged: Sequence[Judged], *, city_id: int) -> dict[tuple[UUID, int], UUID | None]:
    """Which of these (voucher, half minute) are used already, and by which device (None: online)."""
    pairs = sorted({(j.voucher_id, j.step) for j in judged if j.redeem and j.voucher_id and j.step})
    rows = await tx.rows(
        """select r.voucher_id, r.step, s.device_id
           from unnest(%(ids)s::uuid[], %(steps)s::bigint[]) as k(id, step)
           join vouchers.redemptions r on r.city_id = %(city)s and r.voucher_id = k.id and r.step = k.step
           left join vouchers.offline_scans s on s.city_id = %(city)s and s.redemption_id = r.redemption_id""",
        city=city_id, ids=[p[0] for p in pairs], steps=[p[1] for p in pairs],
    )  # fmt: skip
    return {(row["voucher_id"], row["step"]): row["device_id"] for row in rows}
