"""What the tests of vouchers share: Ann's vouchers for Mei's Noodle Bar, and Tao at its counter."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import vouchers
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.ids import derive
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.vouchers import Issue, Prepare, Prepared, Redeem, Redeemed, Reverse, Voucher

CITY = 1
ZONE = "Asia/Shanghai"
ANN, BO = UUID(int=0xA11), UUID(int=0xB0)
NOODLE_BAR, TEA_HOUSE = UUID(int=0x3E1), UUID(int=0x7EA)
LANE, STATION, TEA_STORE = UUID(int=0x51), UUID(int=0x52), UUID(int=0x71)
TAO, JIA = UUID(int=0x7A0), UUID(int=0x71A)
BEEF = Text(zh="牛肉面双人餐", en="Beef noodles for two")


def an_issue(now: datetime, **changes: Any) -> Issue:
    line = changes.pop("line_id", None) or new_id()
    unit = changes.pop("unit_no", 0)
    values: dict[str, Any] = {
        "voucher_id": derive(line, f"unit/{unit}"), "kind": "deal", "member_id": ANN, "holder_name": "Ann Lee",
        "merchant_id": NOODLE_BAR, "order_id": derive(line, "order"), "line_id": line,
        "offer_id": UUID(int=0x0FF), "title": BEEF, "unit_no": unit, "valid_from": now,
        "valid_to": now + timedelta(days=30), "terms": Terms(valid_days=30), "asset": "CNY", "paid_units": 6300,
        "due_units": 6600,
    }  # fmt: skip
    return Issue(**values | changes)


async def issue(db: Database, asks: list[Issue], now: datetime) -> list[Voucher]:
    async with db.city(CITY) as tx:
        await vouchers.issue(tx, asks, city_id=CITY, now=now)
        return await vouchers.by_ids(tx, [ask.voucher_id for ask in asks], city_id=CITY)


async def one(db: Database, now: datetime, **changes: Any) -> Voucher:
    [voucher] = await issue(db, [an_issue(now, **changes)], now)
    return voucher


async def read(db: Database, voucher: Voucher) -> Voucher:
    async with db.reading() as tx:
        [found] = await vouchers.by_ids(tx, [voucher.voucher_id], city_id=CITY)
        return found


async def look(db: Database, presented: str, now: datetime, **changes: Any) -> Any:
    at = {"merchant_id": NOODLE_BAR, "store_id": LANE, "staff_id": TAO}
    ask = Prepare(presented=presented, **at | changes)
    async with db.city(CITY) as tx:
        [answer] = await vouchers.prepare(tx, [ask], city_id=CITY, now=now, zone=ZONE)
        return answer


def a_redeem(**changes: Any) -> Redeem:
    values: dict[str, Any] = {
        "redemption_id": new_id(), "request_no": str(new_id()), "merchant_id": NOODLE_BAR, "store_id": LANE,
        "staff_id": TAO, "staff_name": "Tao", "store_name": "Noodle Bar, the lane",
    }  # fmt: skip
    return Redeem(**values | changes)


async def use(db: Database, ask: Redeem, now: datetime, city: int = CITY) -> Any:
    [answer] = await db.run_city(city, lambda tx: vouchers.redeem(tx, [ask], city_id=city, now=now, zone=ZONE))
    return answer


async def used(db: Database, voucher: Voucher, now: datetime, **changes: Any) -> Redeemed:
    """Use it by its typed code; it must work."""
    answer = await use(db, a_redeem(presented=voucher.code, **changes), now)
    assert isinstance(answer, Redeemed), answer
    return answer


async def prepared(db: Database, presented: str, now: datetime, **changes: Any) -> Prepared:
    answer = await look(db, presented, now, **changes)
    assert isinstance(answer, Prepared), answer
    return answer


async def undo(db: Database, redemption_id: UUID, now: datetime, **changes: Any) -> Any:
    limits = {k: changes.pop(k) for k in ("window", "manager_window", "cycles") if k in changes}
    values: dict[str, Any] = {"merchant_id": NOODLE_BAR, "store_id": LANE, "by": TAO, "reason": "mistake"}
    ask = Reverse(redemption_id=redemption_id, **values | changes)
    [answer] = await db.run_city(
        CITY, lambda tx: vouchers.reverse(tx, [ask], city_id=CITY, now=now, zone=ZONE, **limits)
    )
    return answer
