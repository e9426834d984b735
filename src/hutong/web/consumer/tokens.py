"""Capsules for phones: what a voucher's page keeps so that counters without a network can check it."""

import base64
import binascii
from typing import Annotated, Any

from litestar import Response, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hutong import merchants, vouchers
from hutong.desk import offline
from hutong.infra.db import Tx
from hutong.kit.ids import VOUCHER
from hutong.kit.refusals import BadInput
from hutong.vouchers import Voucher
from hutong.web.consumer.here import Here, InCity
from hutong.web.shared.guards import signed_in
from hutong.web.shared.visit import Visiting

Coordinate = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{43}$")]


class PhoneKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A point of P-256 as JSON web keys write it."""

    x: Coordinate
    y: Coordinate


def point(key: PhoneKey) -> bytes:
    """The key as 33 bytes. Raises bad_input; whether it lies on the curve the vouchers judge."""
    try:
        x, y = (base64.urlsafe_b64decode(part + "=") for part in (key.x, key.y))
    except binascii.Error:
        raise BadInput(field="x, y", why="base64url") from None
    return bytes([2 + (y[-1] & 1)]) + x


async def pocket_part(tx: Tx, here: Here, voucher: Voucher) -> dict[str, Any] | None:
    """Where the phone asks for its capsule; None when no counter takes this voucher without a network."""
    limits = await merchants.limits_of(tx, here.city_id, [voucher.merchant_id])
    if vouchers.class_of(voucher, limits.get(voucher.merchant_id)) is None:
        return None
    return {"url": here.to(f"/vouchers/{VOUCHER.show(voucher.voucher_id, here.city_id)}/capsule")}


@post("/c/{city:str}/vouchers/{voucher:str}/capsule", guards=[signed_in], status_code=200)
async def capsule(
    visit: Visiting, here: InCity, voucher: FromPath[str], data: JSONBody[PhoneKey]
) -> Response[dict[str, Any]]:
    """A capsule of the member's own voucher for the key of this phone. Asking again is a fresh one: no key needed."""
    voucher_id = here.read(VOUCHER, voucher)
    made = await offline.capsule(visit.house, here.city_id, visit.member, voucher_id, point(data))
    body = {
        "capsule": base64.urlsafe_b64encode(made.signed).rstrip(b"=").decode(), "kind": made.kind,
        "expires": int(made.expires_at.timestamp() * 1000),
    }  # fmt: skip
    return Response(body, headers={"cache-control": "no-store"})


ROUTES = (capsule,)
