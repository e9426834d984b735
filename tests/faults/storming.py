"""A small storm of claims on an installation, and what is in its database afterwards."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from hutong.cli.bench.storm.asking import Client
from hutong.cli.bench.storm.claims import OP, Claims, wishes
from hutong.cli.bench.storm.journal import Journal
from hutong.cli.bench.storm.judge import wrong_with
from hutong.kit.ids import ORDER
from tests.faults.installation import Installation
from tests.lane import CITY

QUOTA, CLAIMS, MEMBERS = 100, 200, 40


async def refilled(it: Installation, units: int) -> None:
    """So many units are left, whatever was sold before."""
    async with it.db.city(CITY) as tx:
        await tx.run(
            """update inventory.quotas set total = sold + held + %(units)s, remaining = %(units)s
               where city_id = %(city)s and quota_id = %(id)s""",
            city=CITY, id=it.lane.offer.quota_id, units=units,
        )  # fmt: skip


async def found(it: Installation, made: list[UUID], *, before: int) -> dict[str, Any]:
    """What checks/buying.sql says, here about the one offer; `before`: orders that are older than the storm."""
    async with it.db.reading(CITY) as tx:
        quota = await tx.row(
            """select total, sold, held, remaining from inventory.quotas
               where city_id = %(city)s and quota_id = %(id)s""",
            city=CITY, id=it.lane.offer.quota_id,
        )  # fmt: skip
        rows = await tx.rows(
            """select order_id from orders.orders where city_id = %(city)s and state in ('placed', 'paid')""", city=CITY
        )
    assert quota is not None
    there = {row["order_id"] for row in rows}
    return {
        "units_total": quota["total"], "units_sold": quota["sold"], "units_held": quota["held"],
        "units_left": quota["remaining"], "quotas_unequal": int(quota["remaining"] < 0), "units_ordered": len(there),
        "orders": len(there) - before, "acknowledged": len(made), "acknowledged_missing": len(set(made) - there),
        "acknowledged_twice": len(made) - len(set(made)),
    }  # fmt: skip


async def orders_of(it: Installation) -> int:
    async with it.db.reading(CITY) as tx:
        return await tx.value(
            "select count(*) from orders.orders where city_id = %(city)s and state in ('placed', 'paid')", city=CITY
        )


async def storm(
    it: Installation, port: int, folder: Path, *, seed: int, meanwhile: Callable[[int], None] = lambda _: None,
    before_asking_again: Callable[[], Any] | None = None, quota: int = QUOTA, claims: int = CLAIMS,
) -> tuple[list[str], Client, Journal]:  # fmt: skip
    """Claims of a fresh quota: what is wrong afterwards, and who asked."""
    await refilled(it, quota)
    before = await orders_of(it)
    tokens = list(await it.buyers(MEMBERS))
    with Journal(folder / "journal") as journal:
        client = Client("127.0.0.1", port, journal)
        sending = Claims(client, tokens, it.offer, seed=seed, passed=meanwhile)
        await asyncio.wait_for(sending.send(wishes(claims, MEMBERS, seed=seed), at_once=32), 240)
        if before_asking_again is not None:
            await before_asking_again()
        await asyncio.wait_for(sending.resolve(at_once=4), 120)
        client.close()
    made = [ORDER.read_local(text)[1] for text in journal.made(OP)]
    return wrong_with(journal, await found(it, made, before=before), quota=quota, claims=claims), client, journal
