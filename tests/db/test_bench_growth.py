"""The history that `hutong bench growth` makes is one that the house could have had; what bends is told."""

from datetime import datetime, timedelta

import pytest

from hutong.cli.bench import town
from hutong.cli.bench.growth.business import Business
from hutong.cli.bench.growth.command import TERMS, _bends
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


async def test_a_history_is_made_through_the_operations(db: Database, now: datetime):
    span = timedelta(days=10)
    there = await town.build(
        db, shops=6, offers=2, quota=1_000, price=3_000, now=now - span, sale=span * 2, terms=TERMS
    )
    regular = new_id()
    business = Business(db, there, regular, price=3_000, orders=400)
    await business.live(40, now - timedelta(days=1), now, young=True)
    await business.live(80, now - timedelta(days=9), now - timedelta(days=1))
    await business.relay(now)
    rates = await business.measure(now, sets=2, size=10)
    assert min(rates.place, rates.pay, rates.redeem) > 0
    async with db.reading(there.city_id) as tx:
        seen = await tx.row(
            """select count(*) as orders, count(*) filter (where member_id = %(regular)s) as mine,
                      min(placed_at) as first, max(placed_at) as last, count(*) filter (where state = 'paid') as paid,
                      (select count(*) from vouchers.redemptions where city_id = %(city)s) as used,
                      (select count(*) from infra.facts where city_id = %(city)s and relayed_at is null) as waiting
               from orders.orders where city_id = %(city)s""",
            city=there.city_id, regular=regular,
        )  # fmt: skip
    assert seen is not None
    assert (seen["orders"], seen["paid"], seen["mine"]) == (140, 140, 1)
    assert seen["used"] == 120 * 3 // 5 + 20
    assert now - timedelta(days=9) <= seen["first"] <= seen["last"] <= now
    assert seen["waiting"] > 0  # those of the measurement
    assert await audit_clean(db)


def a_size(orders: int, home: float, rate: float) -> dict[str, object]:
    return {
        "orders": orders, "pages_p50_ms": {"C1 home": home, "wallet": 1.0}, "place_per_s": rate, "pay_per_s": 100.0,
        "redeem_per_s": 100.0,
    }  # fmt: skip


async def test_what_bends_is_told():
    assert _bends([a_size(10, 8.0, 100.0), a_size(100, 9.0, 90.0)]) == []
    told = _bends([a_size(10, 8.0, 100.0), a_size(100, 13.0, 60.0)])
    assert [line.split(":")[0] for line in told] == ["C1 home", "place_per_s"]
    assert _bends([a_size(10, 1.0, 100.0), a_size(100, 2.9, 100.0)]) == []  # too fast to tell
