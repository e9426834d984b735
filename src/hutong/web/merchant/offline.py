"""The manager's page of the counter without a network: limits, the most that can be lost, devices; and its worker."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Meta, Struct, structs

from hutong import merchants, places, vouchers
from hutong.desk import offline
from hutong.kit.access import Permission, Scope
from hutong.kit.ids import DEVICE
from hutong.kit.money import SCALES, Amount
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.merchants import Device, Limits, default_limits
from hutong.vouchers import DeviceState
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.assets import assets
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission, public
from hutong.web.shared.visit import Visit, Visiting

Posted = RequestEncodingType.URL_ENCODED
MANAGER = permission(Permission.EDIT_STORE)
Whole = Annotated[int, Meta(ge=1, le=10_000_000)]


class LimitsForm(KeyedForm, frozen=True, kw_only=True):
    """What may be risked, money in whole units of the currency. `then`: show the maximum, agree to it, or switch off.
    `declared` is the maximum that was shown, in the smallest unit."""

    then: Literal["look", "set", "off"]
    face: Whole = 200
    count: Annotated[int, Meta(ge=1, le=1000)] = 50
    amount: Whole = 2000
    hours: Annotated[int, Meta(ge=1, le=24)] = 24
    declared: Annotated[int, Meta(ge=0)] = 0


class EnrolForm(KeyedForm, frozen=True, kw_only=True):
    """A browser that wants to be a device: its public key (33 bytes as hex), and the maximum loss shown with it."""

    name: Annotated[str, Meta(max_length=60)]
    public_key: Annotated[str, Meta(pattern="^[0-9a-f]{66}$")]
    declared: Annotated[int, Meta(ge=0)] = 0


class Row(Struct, frozen=True):
    """A device with how it stands."""

    device: Device
    shown: str
    state: DeviceState | None


class Board(Struct, frozen=True, kw_only=True):
    """What the page shows: limits (as they hold, or as they are being considered), devices, currency."""

    limits: Limits
    rows: list[Row]
    active: int
    asset: str

    def money(self, units: int) -> Amount:
        return Amount(units, self.asset)

    @property
    def one(self) -> int:
        """The smallest units of one whole of the currency."""
        return 10 ** SCALES.get(self.asset, 2)


async def board_of(visit: Visit, till: Till) -> Board:
    """The merchant's limits in this city, and the devices of this store (of all stores for an owner)."""
    scope = till.actor.scope(Permission.EDIT_STORE)
    if not till.owns(Permission.EDIT_MERCHANT):
        scope = Scope(stores=frozenset({till.store_id}) & scope.stores) if not scope.everything else scope
    now = visit.house.clock.now()
    async with visit.house.db.reading(till.city_id) as tx:
        city = await places.city(tx, till.city_id)
        asset = city.currency if city else "CNY"
        limits = (await merchants.limits_of(tx, till.city_id, [till.merchant_id])).get(till.merchant_id)
        found = await merchants.devices_in(tx, till.city_id, scope)
        mine = [device for device in found if device.merchant_id == till.merchant_id]
        states = await vouchers.device_states(tx, [d.device_id for d in mine], city_id=till.city_id, now=now)
        active = (await merchants.active_devices(tx, till.city_id, [till.merchant_id])).get(till.merchant_id, 0)
    rows = [Row(d, DEVICE.show(d.device_id, till.city_id), states.get(d.device_id)) for d in mine]
    return Board(limits=limits or default_limits(asset), rows=rows, active=active, asset=asset)


async def page(
    visit: Visit, till: Till, *, status: int = 200, wrong: Refusal | None = None, asked: Limits | None = None,
    done: str = "",
) -> Response[str]:  # fmt: skip
    """The page; `asked`: limits whose maximum is shown before anybody agrees to it."""
    visit.frame["tab"] = "offline"
    board = await board_of(visit, till)
    return visit.page(
        "merchant/offline.html", status=status, board=board, wrong=wrong, asked=asked, done=done,
        owner=till.owns(Permission.EDIT_MERCHANT), worst=(asked or board.limits).worst(board.active),
        next_worst=board.limits.worst(board.active + 1), now=visit.house.clock.now(),
    )  # fmt: skip


DONE = ("saved", "enrolled", "revoked")


@get("/{store:str}/offline", guards=[MANAGER])
async def show(visit: Visiting, till: AtTill, done: FromQuery[str] = "") -> Response[str]:
    """Limits, the maximum loss, and devices."""
    till.must(till.manages)
    return await page(visit, till, done=done if done in DONE else "")


@post("/{store:str}/offline/limits", guards=[MANAGER], status_code=200)
async def set_limits(visit: Visiting, till: AtTill, data: Annotated[LimitsForm, Body(media_type=Posted)]) -> Response:
    """Show what these limits could cost, agree to it, or switch off."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    board = await board_of(visit, till)
    wanted = structs.replace(
        board.limits, mode="capped", max_face_units=data.face * board.one, max_count=data.count,
        max_units=data.amount * board.one, hours=data.hours, declared_units=data.declared,
    )  # fmt: skip
    if data.then == "look":
        return await page(visit, till, asked=wanted)
    if data.then == "off":
        wanted = structs.replace(board.limits, mode="off")
    try:
        await offline.set_limits(visit.house, till.city_id, till.actor, till.merchant_id, wanted)
    except Refusal as refusal:
        return await page(visit, till, status=refusal.status, wrong=refusal, asked=wanted)
    return Redirect(till.to("/offline", done="saved"), status_code=303)


@post("/{store:str}/offline/devices", guards=[MANAGER], status_code=200)
async def enrol(visit: Visiting, till: AtTill, data: Annotated[EnrolForm, Body(media_type=Posted)]) -> Response:
    """Make this browser a device of this store. The same key again is the same device."""
    till.must(till.manages)
    try:
        await offline.enrol(
            visit.house, till.city_id, till.actor, till.store_id, name=data.name,
            public_key=bytes.fromhex(data.public_key), declared=data.declared,
        )  # fmt: skip
    except Refusal as refusal:
        return await page(visit, till, status=refusal.status, wrong=refusal)
    return Redirect(till.to("/offline", done="enrolled"), status_code=303)


@post("/{store:str}/offline/devices/{device:str}/revoke", guards=[MANAGER], status_code=303)
async def revoke(
    visit: Visiting, till: AtTill, device: FromPath[str], data: Annotated[KeyedForm, Body(media_type=Posted)]
) -> Redirect:
    """End a device. Twice is once."""
    del data
    till.must(till.manages)
    await offline.revoke(visit.house, till.city_id, till.actor, till.read(DEVICE, device))
    return Redirect(till.to("/offline", done="revoked"), status_code=303)


@get("/sw.js", guards=[public], sync_to_thread=False)
def worker() -> Response[bytes]:
    """The service worker of the console; its scope is where it lies."""
    return Response(
        assets()["merchant/sw.js"].body, media_type="text/javascript; charset=utf-8",
        headers={"cache-control": "no-cache"},
    )  # fmt: skip


class ResolveForm(KeyedForm, frozen=True, kw_only=True):
    """What was done about a conflict."""

    note: Annotated[str, Meta(max_length=500)] = ""


REASONS = {
    "already_used": "already_used", "voucher_used": "already_used", "qr_already_used": "already_used",
    "count_too_high": "already_used", "token_used": "token_used", "voucher_refunding": "refunded",
    "voucher_refunded": "refunded", "outside_windows": "window", "expired": "window", "not_yet_valid": "window",
    "blackout": "window", "outside_hours": "window", "forged_capsule": "forged", "forged_token": "forged",
    "bad_signature": "forged", "unknown_key": "forged", "stale_token": "stale", "from_the_future": "stale",
    "no_allowance": "allowance", "after_allowance": "allowance", "over_allowance": "allowance",
    "over_face": "allowance", "given_away": "already_used", "device_revoked": "device", "device_flagged": "device",
    "fork": "device",
    "wrong_merchant": "place", "wrong_store": "place",
}  # fmt: skip


async def _conflicts(visit: Visit, till: Till, *, status: int = 200, wrong: Refusal | None = None, at: str = "") -> Any:
    visit.frame["tab"] = "conflicts"
    board = await board_of(visit, till)
    stores = None if till.owns(Permission.EDIT_MERCHANT) else till.store_id
    async with visit.house.db.reading(till.city_id) as tx:
        found = await vouchers.conflicts(
            tx, Scope(merchants=frozenset({till.merchant_id})), city_id=till.city_id, store_id=stores
        )
        known = await merchants.stores(tx, till.city_id, [one.store_id for one in found])
    names = await offline.names(
        visit.house, [i for one in found for i in (one.owner_id, one.staff_id, one.resolved_by) if i]
    )
    return visit.page(
        "merchant/conflicts.html", status=status, conflicts=found, stores=known, names=names, reasons=REASONS,
        devices={row.device.device_id: row for row in board.rows}, wrong=wrong, at=at,
        pending=[row for row in board.rows if row.state and row.state.waiting], DEVICE=DEVICE,
    )  # fmt: skip


@get("/{store:str}/conflicts", guards=[MANAGER])
async def conflicts(visit: Visiting, till: AtTill) -> Response[str]:
    """What was given out and did not count, who bears it and who looks after it; and what is not uploaded yet."""
    till.must(till.manages)
    return await _conflicts(visit, till)


@post("/{store:str}/conflicts/{device:str}/{seq:str}", guards=[MANAGER], status_code=200)
async def resolve(
    visit: Visiting, till: AtTill, device: FromPath[str], seq: FromPath[str],
    data: Annotated[ResolveForm, Body(media_type=Posted)],
) -> Response:  # fmt: skip
    """Close a conflict with a note; the same note by the same person twice is once."""
    till.must(till.manages)
    device_id: UUID = till.read(DEVICE, device)
    if not (seq.isascii() and seq.isdecimal() and len(seq) <= 16):
        raise NotFound()
    try:
        await offline.resolve(visit.house, till.city_id, till.actor, device_id, int(seq), data.note)
    except (BadInput, NotFound) as refusal:
        return await _conflicts(visit, till, status=refusal.status, wrong=refusal, at=f"{device}/{seq}")
    return Redirect(till.to("/conflicts"), status_code=303)


ROUTES = (show, set_limits, enrol, revoke, worker, conflicts, resolve)
