"""Devices of counters, what a merchant risks without a network, and the declared maximum of that risk."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.kit.money import SCALES

Mode = Literal["off", "capped"]
SKEW_MS = 5 * 60_000  # a device whose clock is further off is marked


class Device(Struct, frozen=True, kw_only=True):
    """A browser at a store's counter with a key of its own. `public_key` is P-256, compressed (33 bytes).

    `pull_no` is the number of its last message, `skew_ms` the server's clock minus its clock. `flag` says why it may
    not accept any more (its key seems to be copied).
    """

    city_id: int
    device_id: UUID
    merchant_id: UUID
    store_id: UUID
    name: str
    public_key: bytes
    enrolled_at: datetime
    enrolled_by: UUID
    pull_no: int = 0
    seen_at: datetime | None = None
    skew_ms: int | None = None
    revoked_at: datetime | None = None
    revoked_by: UUID | None = None
    flagged_at: datetime | None = None
    flag: str | None = None

    @property
    def active(self) -> bool:
        """It may be given an allowance."""
        return self.revoked_at is None and self.flagged_at is None

    @property
    def skewed(self) -> bool:
        return abs(self.skew_ms or 0) > SKEW_MS


class Enrol(Struct, frozen=True, kw_only=True):
    """Make a browser a device of a store."""

    device_id: UUID
    store_id: UUID
    name: str
    public_key: bytes
    by: UUID


class Limits(Struct, frozen=True, kw_only=True):
    """What a merchant risks at counters without a network, in one city; units of `asset`.

    `max_face_units` is the most that one use may cost, `max_count` and `max_units` what one device may accept between
    two messages, `hours` for how long it may do so.
    """

    mode: Mode = "off"
    asset: str
    max_face_units: int
    max_count: int = 50
    max_units: int
    hours: int = 24
    declared_units: int = 0
    version: int = 0

    @property
    def on(self) -> bool:
        return self.mode != "off"

    @property
    def life(self) -> timedelta:
        return timedelta(hours=self.hours)

    def worst(self, devices: int, *, bound: bool = False) -> int:
        """The most that can be lost between two messages of these devices: min(sum of count caps times the dearest
        voucher, sum of amount caps), in units. Nothing for vouchers that only one device may accept."""
        if bound:
            return 0
        return min(devices * self.max_count * self.max_face_units, devices * self.max_units)


class SetLimits(Struct, frozen=True, kw_only=True):
    """Switch on, change or switch off. `declared_units` is the maximum loss that was shown before."""

    merchant_id: UUID
    by: UUID
    limits: Limits


def default_limits(asset: str) -> Limits:
    """Off; when switched on: 200 for one voucher, 50 vouchers and 2,000 on one device, 24 hours."""
    one = 10 ** SCALES.get(asset, 2)
    return Limits(asset=asset, max_face_units=200 * one, max_units=2000 * one)


_DEVICE = """select d.city_id, d.device_id, d.merchant_id, d.store_id, d.name, d.public_key, d.enrolled_at,
                    d.enrolled_by, d.pull_no, d.seen_at, d.skew_ms, d.revoked_at, d.revoked_by, d.flagged_at, d.flag
             from merchants.devices as d"""


def device_of(row: dict[str, Any]) -> Device:
    """A row of `merchants.devices` as a value."""
    return Device(**{**row, "public_key": bytes(row["public_key"])})


async def devices(tx: Tx, city_id: int, device_ids: Sequence[UUID]) -> dict[UUID, Device]:
    """The devices with these ids; unknown ids are left out. For the packages above: no scope."""
    rows = await tx.rows(
        f"{_DEVICE} where d.city_id = %(city)s and d.device_id = any(%(ids)s::uuid[])",
        city=city_id,
        ids=sorted(set(device_ids)),
    )
    return {row["device_id"]: device_of(row) for row in rows}


async def devices_in(tx: Tx, city_id: int, scope: Scope, *, limit: int = 200) -> list[Device]:
    """The devices that lie within a staff's scope: those that work first, then the newest."""
    seen, params = scope.sql(city="d.city_id", merchant="d.merchant_id", store="d.store_id")
    rows = await tx.rows(
        f"""{_DEVICE} where d.city_id = %(city)s and {seen}
            order by d.revoked_at is not null, d.enrolled_at desc, d.device_id limit %(limit)s""",
        city=city_id,
        limit=limit,
        **params,
    )
    return [device_of(row) for row in rows]


async def active_devices(tx: Tx, city_id: int, merchant_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many devices of each merchant are not revoked; what is declared is about these."""
    rows = await tx.rows(
        """select merchant_id, count(*) as n from merchants.devices
           where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[]) and revoked_at is null
           group by merchant_id""",
        city=city_id,
        ids=sorted(set(merchant_ids)),
    )
    return {row["merchant_id"]: row["n"] for row in rows}


async def limits_of(tx: Tx, city_id: int, merchant_ids: Sequence[UUID]) -> dict[UUID, Limits]:
    """The limits that merchants have set in a city; one who has never set any is left out (off)."""
    rows = await tx.rows(
        """select merchant_id, mode, asset, max_face_units, max_count, max_units, hours, declared_units, version
           from merchants.offline_limits where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[])""",
        city=city_id,
        ids=sorted(set(merchant_ids)),
    )
    return {row.pop("merchant_id"): Limits(**row) for row in rows}
