"""The part of the journey through one partition in which the staff writes to an order and gives money back."""

from typing import Any

from hutong import orders
from hutong.infra.ids import new_id
from hutong.kit.ids import OFFER, ORDER, VOUCHER
from tests.lane import CITY


async def give_back(it: Any) -> None:
    """The manager writes to an order, and gives money back that nobody asked for."""
    seen = await it.bought(1, OFFER.show(it.lane.offer.offer_id, CITY))
    (order_id, unit), mei = (ORDER.read_local(seen["id"])[1], seen["vouchers"][0]["id"]), it.cast.members["mei"]
    whose: dict[str, Any] = {
        "order_id": order_id, "merchant_id": it.lane.merchant, "by": mei, "author": "Mei", "words": "allergic to nuts"
    }  # fmt: skip
    gift = orders.RefundByMerchant(
        refund_id=new_id(), why="kindness", voucher_ids=(VOUCHER.read_local(unit)[1],), **whose
    )
    async with it.db.city(CITY) as tx:
        now = it.clock.now()
        assert await orders.write_notes(tx, [orders.WriteNote(note_id=new_id(), **whose)], city_id=CITY, now=now)
        await orders.refund_by_merchant(tx, [gift], city_id=CITY, now=now)
        assert len(await orders.notes(tx, order_id, city_id=CITY)) == 2
    await it.tend()
