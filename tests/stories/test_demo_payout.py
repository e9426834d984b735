"""Mei asks for her money in the demo, and gets it: the provider holds what the demo's past says it took."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from hutong import ledger, people, settlement
from hutong.cli.demo.city_data import read_city
from hutong.cli.demo.command import fill
from hutong.cli.demo.load import member_id, merchant_id
from hutong.desk import bills, payouts
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.infra.settings import Settings
from hutong.kit.access import Actor
from hutong.kit.clock import SystemClock
from hutong.kit.money import Amount
from hutong.ledger import Book, chart
from hutong.payments import OpenRefund
from hutong.settlement import Payee, Payout
from tests.conftest import audit_clean
from tests.house import TestHouse, Town, make_house
from tests.provider import SandboxProcess

pytestmark = pytest.mark.anyio
CITY = 1
PAYEE = Payee("merchant", merchant_id("noodle-bar"))


async def asked(house: TestHouse, mei: Actor) -> Payout:
    """Mei withdraws; the payout when it has ended."""
    done = await payouts.withdraw(house, mei, PAYEE, city_id=CITY, key=str(new_id()))
    while True:
        await payouts.carry(house, CITY)
        async with house.db.reading(CITY) as tx:
            found = await settlement.payout(tx, done.payout_id, city_id=CITY)
        assert found is not None
        if found[0].ended_at is not None:
            return found[0]
        await asyncio.sleep(0.05)


async def at_provider(db: Database) -> int:
    """What the books of both cities say that the provider holds."""
    units = 0
    for city in read_city().cities:
        async with db.reading(city.city_id) as tx:
            found = await ledger.balances(tx, Book.city(city.city_id), paths=[chart.provider("sandbox").path])
        units += sum(one.posted.units for one in found)
    return units


@pytest.mark.slow
async def test_a_withdrawal_in_the_demo_is_paid(db: Database, database_url: str, tmp_path: Path):
    given: dict[str, Any] = {"database_url": database_url, "data": tmp_path / "data", "demo": True}
    settings = Settings(**given)
    await asyncio.to_thread(fill, settings, read_city())
    folder = settings.data_folder() / "sandboxpay"
    async with db.reading(CITY) as tx:
        mei = (await people.actors(tx, [member_id("mei")]))[member_id("mei")]
    told = json.loads((folder / "past.json").read_bytes())
    assert len(told) > 50
    held = sum(one["amount"] - sum(back["amount"] for back in one["refunds"]) for one in told)
    assert held == await at_provider(db)
    poor = await SandboxProcess(tmp_path / "poor").start()
    house = await make_house(db, SystemClock(), provider=poor.adapter(), town=Town())
    refused = await asked(house, mei)
    assert (refused.state, refused.failure) == ("refused", "insufficient_balance")
    async with db.reading(CITY) as tx:
        (task,) = await settlement.tasks_open(tx, city_id=CITY, payee=PAYEE)
    assert task.ours, "nothing is wrong with Mei's account"
    await poor.stop()

    rich = await SandboxProcess(folder, past=folder / "past.json").start()
    again = await make_house(db, SystemClock(), provider=rich.adapter(), town=Town())
    paid = await asked(again, mei)
    assert (paid.state, paid.amount) == ("done", refused.amount)
    moved = (await rich.web.get("/effects")).json()["effects"]
    assert sum(name.startswith("capture:") for name in moved) == len(told)
    assert set(moved.values()) == {1}
    assert await at_provider(db) == held - paid.amount.units
    before = await at_provider(db)
    assert await bills.fetch(again, CITY) == bills.LOOK_BACK
    assert await at_provider(db) < before, "the fees of the past week are on its bills"
    last = next(one for one in reversed(told) if not one["refunds"])
    whole = Amount(last["amount"], last["asset"])
    back = await rich.adapter().refund(
        OpenRefund(refund_no="past-1", out_no=last["out_no"], amount=whole, reason="buyer")
    )
    assert back.state in ("done", "processing"), "what was taken in the past can go back"
    moved = (await rich.web.get("/effects")).json()["effects"]
    rich.kill()
    await rich.start()  # it reads the file again, and nothing is there twice
    assert (await rich.web.get("/effects")).json()["effects"] == moved
    await rich.stop()
    await house.close()
    await again.close()
    assert await audit_clean(db)
