"""The alliance's month before this one: a postpaid shop gave points, Mei's stores took them, and it was cleared.

So Mei has a statement by which she gets money, Under the Eaves one by which it pays, and one line is disputed.
"""

from datetime import date, datetime, timedelta

from hutong import clearing
from hutong.clearing import Dispute
from hutong.cli.demo.alliance import CITY, GRAINS, Joined, Sold, mature, pay_in, sell
from hutong.cli.demo.load import member_id, merchant_id
from hutong.desk import clearings
from hutong.infra.db import Database, Tx
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

BLOCK = Joined(merchant="noodle-bar", name=Text(zh="梅姐面馆", en="Mei's Noodle Bar"), block=1_500)
ZONE = "Asia/Shanghai"
EAVES = {"store": "under-eaves-flagstone", "merchant": "under-eaves", "staff": "tao"}
MEIS = {"merchant": "noodle-bar", "staff": "tao"}
# (day of the month, hour, the bill)
MONTH = (
    (12, 11, {"guest": "lin", "units": 23_600, **EAVES}),
    (12, 18, {"guest": "pat", "units": 31_800, **EAVES}),
    (14, 12, {"guest": "lin", "units": 5_200, "points": 110, "store": "noodle-bar-lantern", **MEIS}),
    (15, 19, {"guest": "pat", "units": 7_400, "points": 180, "store": "noodle-bar-ferry", **MEIS}),
    (16, 12, {"guest": "lin", "units": 18_900, **EAVES}),
    (18, 13, {"guest": "pat", "units": 3_900, "points": 60, "store": "noodle-bar-lantern", **MEIS}),
    (20, 18, {"guest": "lin", "units": 8_800, "points": 140, "store": "noodle-bar-college", **MEIS}),
    (22, 12, {"guest": "pat", "units": 4_600, "points": 55, "undone": True, "store": "noodle-bar-lantern", **MEIS}),
    (24, 19, {"guest": "lin", "units": 6_100, "points": 90, "store": "noodle-bar-lantern", **MEIS}),
    (25, 20, {"guest": "pat", "units": 9_400, **EAVES}),
)


async def clear_last_month(db: Database, *, now: datetime) -> int:
    """Live through the month before this one, close and book it, and dispute a line. How many statements were booked.
    Call it once, after the alliance was formed."""
    first = (local_day(now, ZONE).replace(day=1) - timedelta(days=1)).replace(day=1)
    paid_in = day_start(first.replace(day=11), ZONE)
    await db.run_city(CITY, lambda tx: pay_in(tx, BLOCK, paid_in, "/last-month"))
    for day, hour, bill in MONTH:
        at = day_start(first.replace(day=day), ZONE) + timedelta(hours=hour)
        ago = (now - at).days, hour  # part of the bill's name only
        await sell(db, Sold(ago=ago, **bill), at)  # type: ignore[arg-type]
        await mature(db, at + timedelta(days=1))
    done = await clearings.clear(db, now)
    await _dispute(db, first, now)
    return done.booked


async def _dispute(db: Database, first: date, now: datetime) -> None:
    """Mei says that one burn was never at her shop."""
    async with db.reading() as tx:
        run = await clearing.run_of(tx, GRAINS)
        if run is None:
            return
        lines = await clearing.lines(
            tx, GRAINS, run_id=run.run_id, party_id=merchant_id("noodle-bar"), kind="burnt", limit=1
        )
    ask = Dispute(
        dispute_id=derive(GRAINS, f"dispute/{first}"), programme_id=GRAINS, party_id=merchant_id("noodle-bar"),
        transfer_id=lines[0].entry.transfer_id, by=member_id("mei"),
        reason="这一笔当天店里没有核销记录，请核对。",
    )  # fmt: skip

    async def work(tx: Tx) -> None:
        (case,) = await clearing.dispute(tx, [ask], city_id=CITY, now=now)
        if isinstance(case, Refusal):
            raise case

    await db.run_city(CITY, work)
