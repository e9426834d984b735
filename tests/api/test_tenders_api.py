"""Quotes that tell what could pay, and orders paid with cards, for machines."""

import pytest

from hutong.kit.ids import VOUCHER
from tests.api.conftest import Shop
from tests.conftest import audit_clean
from tests.lane import CITY
from tests.tender_help import stored

pytestmark = pytest.mark.anyio


async def test_a_quote_tells_what_could_pay_and_an_order_takes_it(shop: Shop):
    house, now = shop.house, shop.house.clock.now()
    card = await stored(house.db, shop.lane, now, shop.cast.members["ann"], 5_000)
    lines = [{"offer": shop.offer, "quantity": 1}]
    mine = VOUCHER.show(card.voucher_id, CITY)
    plain = (await shop.call("ann", "POST", "/quotes", lines=lines)).json()
    assert (plain["to_pay"]["units"], plain["payable"]) == (6_800, [])
    listed = (await shop.call("ann", "POST", "/quotes", lines=lines, tenders=[])).json()
    assert [(one["id"], one["chosen"], one["amount"]["units"]) for one in listed["payable"]] == [(mine, False, 5_000)]
    pays = [{"kind": "card", "id": mine, "most": 4_000}]
    quote = (await shop.call("ann", "POST", "/quotes", lines=lines, tenders=pays)).json()
    assert (quote["total"]["units"], quote["tendered"]["units"], quote["to_pay"]["units"]) == (6_800, 4_000, 2_800)

    seen = {"lines": lines, "expect": {"units": 6_800, "asset": "CNY"}, "tenders": pays}
    changed = await shop.call("ann", "POST", "/orders", key="a", **seen)
    assert (changed.status_code, changed.json()["code"]) == (409, "price_changed")
    body = seen | {"expect": {"units": 2_800, "asset": "CNY"}}
    placed = await shop.call("ann", "POST", "/orders", key="b", **body)
    assert placed.status_code == 201, placed.text
    assert placed.json()["total"]["units"] == 2_800
    again = await shop.call("ann", "POST", "/orders", key="b", **body)
    assert again.json()["id"] == placed.json()["id"]
    other = await shop.call("ann", "POST", "/orders", key="b", **(body | {"tenders": []}))
    assert other.json()["code"] == "key_reused"
    bos = await shop.call("bo", "POST", "/orders", key="c", lines=lines, tenders=pays)
    assert bos.json()["code"] == "voucher_not_found"
    order = (await shop.call("ann", "GET", f"/orders/{placed.json()['id']}")).json()
    assert (order["total"]["units"], order["tendered"]["units"], order["to_pay"]["units"]) == (6_800, 4_000, 2_800)
    assert [(one["kind"], one["id"], one["amount"]["units"], one["state"]) for one in order["tenders"]] == [
        ("card", mine, 4_000, "held")
    ]
    assert await audit_clean(house.db)
