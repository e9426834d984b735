"""A callback is one transaction, and is kept whatever goes wrong while it is applied."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hutong.desk import money
from hutong.infra.db import Database
from hutong.kit.clock import SystemClock
from hutong.kit.ids import PAYMENT
from hutong.orders import Placed
from hutong.payments import ProviderEvent
from tests.api.house import make_house
from tests.conftest import audit_clean
from tests.lane import CITY, a_lane, a_place, place, state_of

pytestmark = pytest.mark.anyio


class PlainTalk:
    """A provider whose callbacks say what is in `event`, whoever sends them: the signature has its own tests."""

    event: ProviderEvent

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        return self.event


async def paid_event(db: Database, now: datetime) -> tuple[Placed, ProviderEvent]:
    lane = await a_lane(db, now)
    placed = (await place(db, [a_place(lane)], now))[0]
    assert isinstance(placed, Placed)
    event = ProviderEvent(
        provider="sandbox", event_id="E1", kind="payment.captured", number=PAYMENT.show(placed.payment_id, CITY),
        provider_no="P1", amount=placed.total, at=now, body=b"{}",
    )  # fmt: skip
    return placed, event


async def events(db: Database) -> list[tuple[str, bool]]:
    async with db.reading(CITY) as tx:
        rows = await tx.rows(
            "select event_id, applied_at is not null as applied from payments.events where city_id = %(city)s",
            city=CITY,
        )
    return [(row["event_id"], row["applied"]) for row in rows]


def heard_by(db: Database, folder: Path, event: ProviderEvent) -> Any:
    talk = PlainTalk()
    talk.event = event
    return make_house(db, SystemClock(), folder, {"sandbox": talk})  # type: ignore[dict-item]


async def test_a_callback_is_stored_and_applied_in_one_transaction(database_url: str, db: Database, tmp_path: Path):
    now = SystemClock().now()
    placed, event = await paid_event(db, now)
    seen: list[str] = []
    watched = await Database(database_url, observer=lambda sql, _: seen.append(sql)).open()
    house = heard_by(watched, tmp_path, event)
    await money.callback(house, "sandbox", {}, b"{}")
    assert await state_of(db, placed.order_id) == "paid"
    assert await events(db) == [("E1", True)]
    assert len(seen) <= 18, seen
    once = len(seen)
    await money.callback(house, "sandbox", {}, b"{}")  # the provider says it twice: there is less to do
    assert len(seen) - once < once
    await watched.close()
    assert await audit_clean(db)


async def test_what_goes_wrong_while_applying_does_not_lose_the_event(
    database_url: str, db: Database, tmp_path: Path
):  # fmt: skip
    now = SystemClock().now()
    placed, event = await paid_event(db, now)
    hasty = await Database(database_url, lock_timeout_ms=200).open()
    house = heard_by(hasty, tmp_path, event)
    async with db.city(CITY) as tx:  # somebody holds the order, and does not let go in time
        await tx.run(
            "select 1 from orders.orders where city_id = %(city)s and order_id = %(id)s for update",
            city=CITY, id=placed.order_id,
        )  # fmt: skip
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await money.callback(house, "sandbox", {}, b"{}")
    assert await events(db) == [("E1", False)]
    assert await state_of(db, placed.order_id) == "placed"
    await money.callback(house, "sandbox", {}, b"{}")  # no success was answered, so it comes again
    assert await events(db) == [("E1", True)]
    assert await state_of(db, placed.order_id) == "paid"
    await hasty.close()
    assert await audit_clean(db)
