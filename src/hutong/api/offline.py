"""Messages of enrolled devices: signed by the device itself, so they need neither a session nor a cookie.

Headers: `Hutong-Device` (the public id) and `Hutong-Signature` (base64url of ECDSA P-256, r and s, over the kind of the
message, a line feed, and the body). Every message has a number above the device's last one.
"""

import base64
import binascii
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from msgspec import Meta, Struct

from hutong.api.glue import Home, language_of, local_id
from hutong.desk import offline
from hutong.desk.offline import PullAnswer, Sent
from hutong.kit.ids import DEVICE, MERCHANT, REDEMPTION, STORE
from hutong.kit.refusals import BadInput
from hutong.merchants import DeviceNotRecognised
from hutong.vouchers import Allowance, Pull, tail

MOST_BYTES = 400_000
Whole = Annotated[int, Meta(ge=0, lt=2**53)]


class PullIn(Struct, frozen=True):
    """Number of the message, the device's clock, the allowance it holds, its last scan, and since when it knows."""

    number: Whole
    at: Whole
    holds: Whole
    told: Whole
    since: Whole = 0
    wants: bool = True


class UploadIn(Struct, frozen=True):
    """Number, clock, and rows of the log: seq, payload, base64url of the signature over the payload."""

    number: Whole
    at: Whole
    rows: Annotated[list[tuple[Whole, Annotated[str, Meta(max_length=2000)], str]], Meta(max_length=200)]


async def by_device(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Whoever names a device; the desk looks at the signature."""
    if not connection.headers.get("hutong-device") or not connection.headers.get("hutong-signature"):
        raise DeviceNotRecognised()


by_device.states_permission = True  # type: ignore[attr-defined]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The bytes of base64url without padding; none when it is none (a signature that then fits nothing)."""
    try:
        return base64.urlsafe_b64decode(text[:4000] + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


async def _sent(request: Request[Any, Any, Any], kind: str, shape: type[Any]) -> tuple[int, Sent, Any]:
    body = await request.body()
    if len(body) > MOST_BYTES:
        raise BadInput(field="body", why=f"≤ {MOST_BYTES} B")
    try:
        data = msgspec.json.decode(body, type=shape)
    except msgspec.MsgspecError as error:
        raise BadInput(field="body", why=str(error)[:120]) from None
    city_id, device_id = local_id(DEVICE, request.headers["hutong-device"])
    sent = Sent(
        device_id=device_id, kind=kind, number=data.number, device_ms=data.at, body=body,
        signature=unb64(request.headers["hutong-signature"]),
    )  # fmt: skip
    return city_id, sent, data


@post("/offline/pulls", guards=[by_device], status_code=200, summary="What may this device do?")
async def pull(request: Request[Any, Any, Any], house: Home) -> dict[str, Any]:
    """Server time, keys, changed vouchers, and the allowance under which vouchers may be taken without a network."""
    city_id, sent, data = await _sent(request, "pull", PullIn)
    ask = Pull(device_id=sent.device_id, holds=data.holds, told_seq=data.told, wants=data.wants)
    since = offline.instant(data.since) if data.since else None
    return pull_out(await offline.pull(house, city_id, sent, ask, since=since), whole=since is None)


@post("/offline/uploads", guards=[by_device], status_code=200, summary="What this device has accepted")
async def upload(request: Request[Any, Any, Any], house: Home) -> dict[str, Any]:
    """One answer for each row: redeemed, duplicate_of_self, conflict, refunded_meanwhile, expired_at_scan, refused."""
    city_id, sent, data = await _sent(request, "upload", UploadIn)
    rows = [(seq, payload, unb64(signature)) for seq, payload, signature in data.rows]
    done = await offline.upload(house, city_id, sent, rows)
    return {
        "now": millis(done.now), "language": language_of(request),
        "answers": [
            {
                "seq": a.seq, "outcome": a.outcome, "reason": a.reason, "replayed": a.replayed,
                "redemption": REDEMPTION.show(a.redemption_id, city_id) if a.redemption_id else None,
            }
            for a in done.answers
        ],
    }  # fmt: skip


def millis(at: Any) -> int:
    return int(at.timestamp() * 1000)


def pull_out(answer: PullAnswer, *, whole: bool) -> dict[str, Any]:
    device, pulled = answer.device, answer.pulled
    return {
        "now": millis(answer.now), "whole": whole,
        "device": {
            "name": device.name, "city": device.city_id, "store": STORE.show(device.store_id, device.city_id),
            "store_name": answer.store, "merchant": MERCHANT.show(device.merchant_id),
            "store_tail": tail(device.store_id).hex(), "merchant_tail": tail(device.merchant_id).hex(),
            "active": device.active, "flag": device.flag,
        },
        "allowance": pulled.allowance and allowance_out(pulled.allowance),
        "last_seq": pulled.last_seq, "missing": pulled.missing,
        "changed": [[one.tail.hex(), one.usable] for one in answer.changed],
        "titles": {name.hex(): title for name, title in answer.titles.items()},
        "keys": {name.hex(): b64(key) for name, key in answer.keys.items()},
    }  # fmt: skip


def allowance_out(one: Allowance) -> dict[str, Any]:
    return {
        "number": one.number, "asset": one.asset, "max_face": one.max_face_units, "max_count": one.max_count,
        "max_units": one.max_units, "issued": millis(one.issued_at), "until": millis(one.until),
    }  # fmt: skip


router = Router("/", route_handlers=[pull, upload], tags=["offline"])
