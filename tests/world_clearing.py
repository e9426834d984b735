"""The town's alliance is cleared: Noodle Bar has a statement with a line that is disputed."""

from datetime import timedelta
from typing import Any

from hutong import clearing, programmes
from hutong.clearing import Case, Dispute
from hutong.desk import clearings
from hutong.infra.ids import new_id
from hutong.kit.clock import day_start, local_day
from hutong.programmes import Burned, Hold, Source


async def clear_the_alliance(world: Any) -> None:
    """Ann spends at Noodle Bar's counter on the day before; everything until this morning is closed and booked."""
    house, town, now = world.house, world.house.town, world.clock.now()
    async with house.db.reading() as tx:
        programme, _ = (await programmes.live(tx, [town.noodle_bar], at=now))[town.noodle_bar]
        begin = await clearing.begins(tx, programme.programme_id, asset=programme.currency)
    assert begin is not None
    spend = Hold(
        movement_id=new_id(), programme_id=programme.programme_id, member_id=world.actors["ann"].member_id,
        partner_id=town.noodle_bar, city_id=town.city_id, store_id=town.stores["noodle-bar-lantern"],
        source=Source("grant", new_id()), points=120,
    )  # fmt: skip
    since, until = (day_start(local_day(at, programme.zone), programme.zone) for at in (begin, now))

    async def work(tx: Any) -> None:
        (burned,) = await programmes.burn(tx, [spend], now=until - timedelta(hours=4))
        assert isinstance(burned, Burned), burned

    await house.db.run_city(town.city_id, work)
    closed = await clearings.close(house.db, programme.programme_id, since, until, now=now)
    assert closed is not None
    await clearings.book(house.db, now)
    await _dispute(world, closed.run)


async def _dispute(world: Any, run: clearing.Run) -> None:
    house, town, now = world.house, world.house.town, world.clock.now()
    async with house.db.reading() as tx:
        lines = await clearing.lines(
            tx, run.programme_id, run_id=run.run_id, party_id=town.noodle_bar, kind="burnt", via="due"
        )
    ask = Dispute(
        dispute_id=new_id(), programme_id=run.programme_id, party_id=town.noodle_bar, by=world.actors["mei"].member_id,
        transfer_id=lines[0].entry.transfer_id, reason="昨晚打烊后没有这一笔。",
    )  # fmt: skip

    async def work(tx: Any) -> None:
        (case,) = await clearing.dispute(tx, [ask], city_id=town.city_id, now=now)
        assert isinstance(case, Case), case

    await house.db.run_city(town.city_id, work)
