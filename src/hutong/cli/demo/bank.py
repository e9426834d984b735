"""What the demo's past left at the provider: a file that SandboxPay reads when it starts.

The past was written through the operations, and SandboxPay was not asked then. It is told of every payment and refund
before it starts, so that it holds the money that the books say it holds: payouts and refunds of the past go through.
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from hutong import payments
from hutong.infra.db import Database
from hutong.payments import Payment, Refund

PROVIDER = "sandbox"
FILE = "past.json"


async def tell_provider(db: Database, city_ids: list[int], folder: Path, *, address: str) -> int:
    """Write the file; how many payments are in it. `address`: of the house, where callbacks go."""
    found: list[dict[str, Any]] = []
    for city_id in city_ids:  # the demo's two
        async with db.reading(city_id) as tx:
            taken = await payments.captured_at(tx, PROVIDER, city_id=city_id)
            backs = await payments.refunds_of(tx, [one.payment_id for one in taken], city_id=city_id)
        found += [_payment(one, backs[one.payment_id], f"{address}/callbacks/{PROVIDER}") for one in taken]
    await asyncio.to_thread(_write, folder / FILE, msgspec.json.encode(found))
    return len(found)


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _payment(one: Payment, backs: list[Refund], notify: str) -> dict[str, Any]:
    assert one.captured is not None
    return {
        "out_no": one.out_no, "provider_no": one.provider_no or f"D{one.payment_id.hex}", "amount": one.captured.units,
        "asset": one.captured.asset, "description": one.description, "notify_url": notify, "at": one.captured_at,
        "refunds": [
            {
                "refund_no": back.refund_no, "provider_no": back.provider_no or f"DR{back.refund_id.hex}",
                "amount": back.amount.units, "reason": back.reason, "at": back.ended_at,
            }
            for back in backs
            if back.state == "done"
        ],
    }  # fmt: skip
