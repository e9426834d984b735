"""The counter without a network: capsules for phones, messages of devices, and what a manager decides about them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import catalog, merchants, people, places, settlement, vouchers
from hutong.desk import counter
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.infra.limits import Take, take
from hutong.kit.access import Actor, Permission, Scope
from hutong.kit.refusals import BadInput, NotAllowed, NotFound
from hutong.kit.text import Text
from hutong.merchants import Device, DeviceNotRecognised, Enrol, Limits, MessageReplayed, Seen, SetLimits
from hutong.vouchers import AskCapsule, CapsuleMade, Changed, HouseKey, Pull, Pulled, Resolve, Scan, ScanAnswer

MESSAGES_A_MINUTE = 120  # of one device
MOST_ROWS = 200  # of one message
OVERLAP = timedelta(minutes=2)  # a change that was committed a little late is told again


class Sent(Struct, frozen=True, kw_only=True):
    """A message of a device as it arrived: what kind, its number, the device's clock, and the signed bytes."""

    device_id: UUID
    kind: str
    number: int
    device_ms: int
    body: bytes
    signature: bytes


class PullAnswer(Struct, frozen=True, kw_only=True):
    """What a device is told: its allowance, its place, what changed, and the house's keys by their names."""

    now: datetime
    device: Device
    store: Text
    pulled: Pulled
    changed: tuple[Changed, ...]
    keys: dict[bytes, bytes]
    titles: dict[bytes, Text]  # of the merchant's offers, by the last six bytes of their ids


class UploadAnswer(Struct, frozen=True, kw_only=True):
    """The answer for each row, in their order."""

    now: datetime
    answers: tuple[ScanAnswer, ...]


@lru_cache(maxsize=4)
def _house_key(secret: bytes) -> HouseKey:
    return HouseKey(secret)


def house_key(house: House) -> HouseKey:
    """The key that signs capsules: it follows from the master key, as every key of the house does."""
    return _house_key(house.settings.key("offline-capsules"))


def public_keys(house: House) -> dict[bytes, bytes]:
    """The public keys of the house (compressed points) by their names."""
    key = house_key(house)
    return {key.key_id: key.public}


async def capsule(house: House, city_id: int, actor: Actor, voucher_id: UUID, phone_key: bytes) -> CapsuleMade:
    """A capsule of the member's own voucher for the key of the phone. Raises voucher_online_only, voucher_not_found."""
    ask = AskCapsule(voucher_id=voucher_id, member_id=actor.member_id, phone_key=phone_key)

    async def work(tx: Tx) -> Any:
        found = await vouchers.by_ids(tx, [voucher_id], city_id=city_id)
        limits = await merchants.limits_of(tx, city_id, [v.merchant_id for v in found])
        city = await places.city(tx, city_id)
        return await vouchers.offer_capsules(
            tx, [ask], city_id=city_id, now=house.clock.now(), zone=city.zone if city else "UTC",
            key=house_key(house), limits=limits,
        )  # fmt: skip

    return sure((await house.db.run_city(city_id, work))[0])


async def enrol(
    house: House, city_id: int, actor: Actor, store_id: UUID, *, name: str, public_key: bytes, declared: int
) -> Device:
    """Make a browser a device of the store, by a manager. `declared` is the maximum loss that was shown with it (units
    of the city's currency): while offline is on, it must cover the new device. Twice is once, by the key."""
    here = await counter.counter(house, city_id, actor, store_id, Permission.EDIT_STORE)
    if not vouchers.is_key(public_key):
        raise BadInput(field="public_key", why="P-256")
    ask = Enrol(device_id=new_id(), store_id=store_id, name=name, public_key=public_key, by=actor.member_id)
    scope = actor.scope(Permission.EDIT_STORE)

    async def work(tx: Tx) -> Any:
        now = house.clock.now()
        if actor.can(Permission.EDIT_MERCHANT, city=city_id, merchant=here.merchant_id):
            await _declare(tx, here.merchant_id, actor, declared, city_id=city_id, now=now)
        return await merchants.enrol_devices(tx, [ask], city_id=city_id, scope=scope, now=now)

    return sure((await house.db.run_city(city_id, work))[0])


async def _declare(tx: Tx, merchant_id: UUID, actor: Actor, declared: int, *, city_id: int, now: datetime) -> None:
    """Raise what is declared to what was shown; never lower it."""
    limits = (await merchants.limits_of(tx, city_id, [merchant_id])).get(merchant_id)
    if limits is None or not limits.on or declared <= limits.declared_units:
        return
    raised = Limits(
        mode=limits.mode, asset=limits.asset, max_face_units=limits.max_face_units, max_count=limits.max_count,
        max_units=limits.max_units, hours=limits.hours, declared_units=declared,
    )  # fmt: skip
    ask = SetLimits(merchant_id=merchant_id, by=actor.member_id, limits=raised)
    scope = actor.scope(Permission.EDIT_MERCHANT)
    sure((await merchants.set_limits(tx, [ask], city_id=city_id, scope=scope, now=now))[0])


async def revoke(house: House, city_id: int, actor: Actor, device_id: UUID) -> Device:
    """End a device of a store that the actor manages. Raises not_found."""
    scope = actor.scope(Permission.EDIT_STORE)

    async def work(tx: Tx) -> Any:
        return await merchants.revoke_devices(
            tx, [device_id], city_id=city_id, scope=scope, by=actor.member_id, now=house.clock.now()
        )

    return sure((await house.db.run_city(city_id, work))[0])


async def set_limits(house: House, city_id: int, actor: Actor, merchant_id: UUID, limits: Limits) -> Limits:
    """Switch offline on, change it or switch it off, by the merchant's owner. Raises loss_not_declared when the devices
    are more than when the maximum was shown."""
    if not actor.can(Permission.EDIT_MERCHANT, city=city_id, merchant=merchant_id):
        raise NotAllowed()
    ask = SetLimits(merchant_id=merchant_id, by=actor.member_id, limits=limits)
    scope = actor.scope(Permission.EDIT_MERCHANT)

    async def work(tx: Tx) -> Any:
        return await merchants.set_limits(tx, [ask], city_id=city_id, scope=scope, now=house.clock.now())

    return sure((await house.db.run_city(city_id, work))[0])


async def resolve(house: House, city_id: int, actor: Actor, device_id: UUID, seq: int, note: str) -> None:
    """Close a conflict with a note, by somebody who manages its store."""
    ask = Resolve(device_id=device_id, seq=seq, by=actor.member_id, note=note)
    scope = actor.scope(Permission.EDIT_STORE)

    async def work(tx: Tx) -> Any:
        return await vouchers.resolve_conflicts(tx, [ask], city_id=city_id, scope=scope, now=house.clock.now())

    sure((await house.db.run_city(city_id, work))[0])


async def _device(house: House, city_id: int, sent: Sent) -> tuple[Device, Text]:
    """The device that signed, with the name of its store. Raises device_not_recognised, too_many_tries."""
    async with house.db.reading(city_id) as tx:
        device = (await merchants.devices(tx, city_id, [sent.device_id])).get(sent.device_id)
        if device is None or not vouchers.verify(device.public_key, _signed(sent), sent.signature):
            raise DeviceNotRecognised()
        store = (await merchants.stores(tx, city_id, [device.store_id])).get(device.store_id)
    async with house.db.central() as tx:
        bucket = Take(f"device/{city_id}/{device.device_id}", MESSAGES_A_MINUTE, 60)
        late = (await take(tx, [bucket], now=house.clock.now()))[0]
    if late is not None:
        raise late
    if store is None:
        raise NotFound()
    return device, store.name


def _signed(sent: Sent) -> bytes:
    """What a device signs: the kind of the message and its body."""
    return sent.kind.encode() + b"\n" + sent.body


async def _seen(tx: Tx, sent: Sent, *, city_id: int, now: datetime) -> None:
    skew = int(now.timestamp() * 1000) - sent.device_ms
    seen = Seen(device_id=sent.device_id, pull_no=sent.number, skew_ms=max(-(2**53), min(2**53, skew)))
    if not (await merchants.devices_seen(tx, [seen], city_id=city_id, now=now))[0]:
        raise MessageReplayed()


async def pull(house: House, city_id: int, sent: Sent, ask: Pull, *, since: datetime | None) -> PullAnswer:
    """A device asks what it may do: time, keys, what changed `since` (None: everything), its allowance.

    Raises device_not_recognised, message_replayed, too_many_tries. A revoked device is told so, and gets nothing.
    """
    _, store = await _device(house, city_id, sent)

    async def work(tx: Tx) -> Any:
        now = house.clock.now()
        device = (await merchants.lock_devices(tx, [sent.device_id], city_id=city_id))[sent.device_id]
        await _seen(tx, sent, city_id=city_id, now=now)
        limits = await merchants.limits_of(tx, city_id, [device.merchant_id])
        pulled = (
            await vouchers.allow(
                tx, [ask], city_id=city_id, now=now, devices={device.device_id: device}, limits=limits
            )
        )[0]  # fmt: skip
        changed = await vouchers.changed_capsules(
            tx, device.merchant_id, city_id=city_id, now=now, since=since and since - OVERLAP
        )
        return PullAnswer(
            now=now, device=device, store=store, pulled=pulled, changed=tuple(changed), keys=public_keys(house),
            titles=await _titles(tx, device, city_id=city_id),
        )  # fmt: skip

    return await house.db.run_city(city_id, work)


async def _titles(tx: Tx, device: Device, *, city_id: int) -> dict[bytes, Text]:
    """What the merchant sells or has sold lately: a till without a network names what it takes."""
    scope = Scope(merchants=frozenset({device.merchant_id}))
    page = await catalog.offers_in_scope(tx, scope, city_id=city_id, merchant_id=device.merchant_id, limit=200)
    return {vouchers.tail(offer.offer_id): offer.title for offer in page.items}


async def upload(house: House, city_id: int, sent: Sent, rows: Sequence[tuple[int, str, bytes]]) -> UploadAnswer:
    """Rows (seq, payload, signature) of a device's log; one answer for each. Raises as `pull` does."""
    if len(rows) > MOST_ROWS:
        raise BadInput(field="rows", why=f"≤ {MOST_ROWS}")
    device, store = await _device(house, city_id, sent)
    names = await _staff(house, city_id, device, rows)

    async def work(tx: Tx) -> Any:
        now = house.clock.now()
        await merchants.lock_devices(tx, [sent.device_id], city_id=city_id)
        await _seen(tx, sent, city_id=city_id, now=now)
        scans = []
        for seq, payload, signature in rows:
            read = vouchers.read_payload(payload)
            staff = read.staff_id if read and read.staff_id in names else device.enrolled_by
            scans.append(
                Scan(
                    device_id=device.device_id, seq=seq, payload=payload, signature=signature,
                    staff_id=staff or device.enrolled_by, staff_name=names.get(staff, "") if staff else "",
                    store_name=store.zh,
                )
            )  # fmt: skip
        answers = await settlement.upload(
            tx, scans, city_id=city_id, now=now, keys=public_keys(house), window=house.undo_window
        )
        return UploadAnswer(now=now, answers=tuple(answers))

    return await house.db.run_city(city_id, work)


async def _staff(
    house: House, city_id: int, device: Device, rows: Sequence[tuple[int, str, bytes]]
) -> dict[UUID, str]:  # fmt: skip
    """The people that rows name and who may redeem in the device's store, with their names; and who enrolled it."""
    read = [vouchers.read_payload(payload) for _, payload, _ in rows]
    wanted = sorted({one.staff_id for one in read if one and one.staff_id} | {device.enrolled_by})
    async with house.db.central() as tx:
        found = await people.actors(tx, wanted)
    return {
        member_id: actor.name for member_id, actor in found.items()
        if member_id == device.enrolled_by
        or actor.can(Permission.REDEEM_VOUCHER, city=city_id, merchant=device.merchant_id, store=device.store_id)
    }  # fmt: skip


async def names(house: House, member_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The names of people whom a page mentions; who has left is left out."""
    async with house.db.central() as tx:
        found = await people.members(tx, sorted(set(member_ids)))
    return {member_id: member.name for member_id, member in found.items()}


def instant(millis: int) -> datetime:
    """Milliseconds since 1970 as an instant."""
    return datetime.fromtimestamp(millis / 1000, UTC)
