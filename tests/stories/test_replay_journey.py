"""Recorded coupons lived through the house: claimed, used on orders, paid, redeemed; the books agree."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from hutong.cli.replay.journey import Booked, Replay
from hutong.cli.replay.journey_life import Life, Lived
from hutong.cli.replay.journey_rows import read
from hutong.infra.db import Database
from hutong.schemes.coupons import Coupons
from hutong.schemes.deals import Deals
from tests.conftest import audit_clean
from tests.unit.test_journey import tables, write

pytestmark = pytest.mark.anyio


async def lived(db: Database, folder: Path, change: int = 0) -> Lived:
    """The small tables, with what the engine said of the first basket changed by so many cents."""
    replay = Replay(read(write(folder, tables())), "America/New_York")
    reading = replay.run()
    first = reading.booked[0]
    taken = {coupon: units + change for coupon, units in first.taken.items()}
    booked = (Booked(till=first.till, taken=taken, borne=first.borne), *reading.booked[1:])
    life = Life(db, schemes={"deals": Deals(), "coupons": Coupons()}, hold_for=timedelta(minutes=15))
    return await life.live(replay, structs.replace(reading, booked=booked))


async def test_coupons_come_to_what_the_engine_said(db: Database, tmp_path: Path):
    found = await lived(db, tmp_path)
    assert found.wrong == ()
    # Households 1, 2 and 7 take 1.25, 1.25 and all of one euro; household 8's basket costs nothing.
    assert (found.orders, found.coupons, found.promotions, found.merchants) == (3, 3, 1, 3)
    assert (found.saved, found.paid, found.redeemed) == (350, 500 + 500 + 100 - 350, 3)
    assert await audit_clean(db)


async def test_an_order_that_costs_otherwise_is_told(db: Database, tmp_path: Path):
    """The control: the house charges what it computes, and says that it is not what was expected."""
    found = await lived(db, tmp_path, change=1)
    assert len(found.wrong) == 1
    assert "PriceChanged" in found.wrong[0]
    assert found.orders == 2
    assert await audit_clean(db)


async def test_nothing_redeemed_is_a_town_without_orders(db: Database, tmp_path: Path):
    replay = Replay(
        read(write(tmp_path, tables() | {"coupon_redemptions": tables()["coupon_redemptions"][2:3]})), "UTC"
    )
    life = Life(db, schemes={"deals": Deals(), "coupons": Coupons()}, hold_for=timedelta(minutes=15))
    found = await life.live(replay, replay.run())
    assert (found.orders, found.coupons, found.saved, found.wrong) == (0, 0, 0, ())
    assert await audit_clean(db)
