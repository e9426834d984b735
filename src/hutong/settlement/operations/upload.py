"""What counters accepted without a network: judged, redeemed like everything else, and booked row by row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import structs

from hutong import merchants, places, vouchers
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.merchants import Flag
from hutong.settlement.operations.earn import redeem
from hutong.vouchers import Judged, Outcome, Redeemed, Scan, ScanAnswer

# What the refusal of a redemption means for goods that are given out already.
MEANS: dict[str, Outcome] = {
    "already_used": "conflict", "voucher_used": "conflict", "qr_already_used": "conflict",
    "count_too_high": "conflict", "voucher_refunding": "refunded_meanwhile", "voucher_refunded": "refunded_meanwhile",
    "expired": "expired_at_scan", "not_yet_valid": "expired_at_scan", "blackout": "expired_at_scan",
    "outside_hours": "expired_at_scan",
}  # fmt: skip


async def upload(
    tx: Tx, scans: Sequence[Scan], *, city_id: int, now: datetime, keys: dict[bytes, bytes], **limits: Any
) -> list[ScanAnswer]:
    """Take rows of devices (their messages verified), in any order; one answer for each, for ever the same by (device,
    seq). All devices must be of this city. See `vouchers.judge_scans` and `redeem` (`limits`).

    Among rows that are good and about one voucher the earliest half minute that the phone signed wins, then arrival;
    what was booked before, online or by an earlier message, stays. Every other row is booked as a conflict. Another
    content under a number that was used marks the device. Outcomes: redeemed, duplicate_of_self, conflict,
    refunded_meanwhile, expired_at_scan, refused.
    """
    devices = await merchants.lock_devices(tx, [s.device_id for s in scans], city_id=city_id)
    judged = await vouchers.judge_scans(tx, scans, city_id=city_id, now=now, devices=devices, keys=keys)
    judged = await _redeem(tx, judged, city_id=city_id, now=now, **limits)
    flags = [Flag(device_id=d, why="fork") for d in sorted({j.scan.device_id for j in judged if j.reason == "fork"})]
    await merchants.flag_devices(tx, flags, city_id=city_id, now=now)
    city = await places.city(tx, city_id)
    asset = city.currency if city else "CNY"
    return await vouchers.book_scans(tx, judged, city_id=city_id, now=now, devices=devices, asset=asset)


async def _redeem(
    tx: Tx, judged: Sequence[Judged], *, city_id: int, now: datetime, **limits: Any
) -> list[Judged]:  # fmt: skip
    """Decide what is open, oldest token first; a half minute of a voucher is used once, so twins take turns."""
    done = list(judged)
    used = await vouchers.uses_at_steps(tx, judged, city_id=city_id)
    waiting = sorted((i for i, j in enumerate(done) if j.redeem), key=lambda i: (done[i].step, done[i].order))
    while waiting:
        turn: list[int] = []
        later: list[int] = []
        taken: set[tuple[UUID | None, int | None]] = set()
        for i in waiting:
            pair = (done[i].voucher_id, done[i].step)
            if pair in used:
                own = used[pair] == done[i].scan.device_id  # type: ignore[index]
                done[i] = _decided(done[i], "duplicate_of_self" if own else "conflict", "token_used")
            elif pair in taken:
                later.append(i)
            else:
                taken.add(pair)
                turn.append(i)
        asks = [done[i].redeem for i in turn]
        results = await redeem(tx, [a for a in asks if a], city_id=city_id, now=now, channel="offline", **limits)
        for i, result in zip(turn, results, strict=True):
            done[i] = _result(done[i], result)
            if done[i].outcome == "redeemed":
                used[done[i].voucher_id, done[i].step] = done[i].scan.device_id  # type: ignore[index]
        waiting = later
    return done


def _decided(judged: Judged, outcome: Outcome, reason: str, redemption_id: UUID | None = None) -> Judged:
    return structs.replace(judged, outcome=outcome, reason=reason, redeem=None, redemption_id=redemption_id)


def _result(judged: Judged, result: Redeemed | Refusal) -> Judged:
    if isinstance(result, Redeemed):
        return _decided(judged, "redeemed", "accepted", result.redemption_id)
    return _decided(judged, MEANS.get(result.code, "refused"), result.code)
