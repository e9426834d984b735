"""The merchant's orders: the list, the search, notes, and money given back by the shop; and who sees none of it."""

from datetime import timedelta
from typing import Any

import pytest

from hutong.infra.ids import new_id
from hutong.kit.access import Role
from hutong.kit.clock import ManualClock
from hutong.kit.ids import ORDER
from hutong.people import GiveRole, grant
from hutong.vouchers import Voucher
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import at, held, mei, shown, tao, used_up

pytestmark = pytest.mark.anyio
__all__ = ["mei", "tao"]
LANTERN, FERRY, DRUM = "noodle-bar-lantern", "noodle-bar-ferry", "four-joys-drum"


async def leads(app: Any, house: TestHouse, store: str, who: str = "bo") -> Reader:
    """Somebody who leads one store."""
    town = house.town
    merchant = town.merchants["four-joys" if store == DRUM else "noodle-bar"]
    place = {"city_id": town.city_id, "merchant_id": merchant, "store_id": town.stores[store]}
    async with house.db.central() as tx:
        role = GiveRole(grant_id=new_id(), member_id=town.people[who], role=Role.STORE_MANAGER, by=None, **place)
        await grant(tx, [role], now=house.clock.now())
    return await Reader(app, house).sign_in(who)


def number(unit: Voucher, house: TestHouse) -> str:
    return ORDER.show(unit.order_id, house.town.city_id)


def rows(page: Page) -> list[str]:
    """The orders on the list."""
    return [link.rsplit("/", 1)[1] for link in page.links if "/orders/ord_" in link]


async def change(house: TestHouse, *statements: str) -> None:
    """What an offer of another kind would have made: terms without a refund, another store."""
    stores = {"store": house.town.stores[LANTERN], "text": str(house.town.stores[LANTERN])}
    async with house.db.city(house.town.city_id) as tx:
        for statement in statements:
            await tx.run(f"{statement} where city_id = %(city)s", city=house.town.city_id, **stores)


BOUND = """update vouchers.vouchers set terms = terms || '{"refund": "none"}'"""
ONLY_LANTERN = (
    "update vouchers.vouchers set store_ids = array[%(store)s]::uuid[]",
    "update orders.lines set promise = jsonb_set(promise, '{store_ids}', jsonb_build_array(%(text)s::text))",
)


async def test_the_list_shows_orders_by_their_state(ann: Reader, mei: Reader, app, house: TestHouse):
    waits = await ann.order()
    await ann.buy("two-bowls", 2)
    page = await mei.get(at(mei, "/orders"))
    assert page.status == 200
    assert page.inline == []
    assert len(rows(page)) == 2
    assert rows(page)[1] == waits
    assert "小** · ending in 0001" in page.text
    assert "小安" not in page.text  # a list needs no whole name
    assert "To pay 1" not in page.text  # both were paid in the end
    assert rows(await mei.get(at(mei, "/orders?show=unpaid"))) == []
    assert len(rows(await mei.get(at(mei, "/orders?show=paid&everywhere=true")))) == 2
    assert len(rows(await mei.get(at(mei, "/orders?show=nonsense")))) == 2
    none = await mei.get(at(mei, "/orders?show=closed"))
    assert "No order in this state" in none.text


async def test_the_list_goes_on_after_a_page(ann: Reader, bo: Reader, mei: Reader):
    for buyer in [ann] * 12 + [bo] * 10:
        await buyer.order()
    first = await mei.get(at(mei, "/orders?show=unpaid"))
    second = await mei.get(first.link("after="))
    assert (len(rows(first)), len(rows(second))) == (20, 2)
    assert len({*rows(first), *rows(second)}) == 22
    assert not [link for link in second.links if "after=" in link and "lang=" not in link]
    assert "To pay 22" in first.text


async def test_an_order_is_found_by_what_the_guest_says(ann: Reader, bo: Reader, mei: Reader, house: TestHouse):
    """The number, the code he shows, the end of his phone's number."""
    [unit], [other] = await held(ann), await held(bo)
    order = number(unit, house)
    spaced = f"{unit.code[:4]} {unit.code[4:8]}-{unit.code[8:]}"
    for typed in (order, f"  {order.upper()} ", unit.code, spaced):
        found = await mei.get(at(mei, "/orders"), params={"q": typed})
        assert found.status == 303, typed
        assert found.headers["location"] == at(mei, f"/orders/{order}")
    for typed in (house.town.phones["ann"], house.town.phones["ann"][-4:]):
        assert rows(await mei.get(at(mei, "/orders"), params={"q": typed})) == [order]
    for typed in ("no such thing", "12", "000000000000", "ord_1_x", "ord_9_01h455vb4pex5vsknk084sn02q", "€€"):
        page = await mei.get(at(mei, "/orders"), params={"q": typed})
        assert "No order found" in page.text, typed
        assert rows(page) == []
    assert other.code not in (await mei.get(at(mei, "/orders"))).html


async def test_codes_cannot_be_guessed_here(ann: Reader, mei: Reader, house: TestHouse):
    [unit] = await held(ann)
    for n in range(60):
        await mei.get(at(mei, f"/orders?q={n:012d}"))
    stopped = await mei.get(at(mei, f"/orders?q={unit.code}"))
    assert stopped.status == 429
    assert "No order found" not in stopped.text
    assert rows(await mei.get(at(mei, "/orders?q=0001"))) == [number(unit, house)]  # the number is no secret


async def test_one_order_tells_all_but_the_codes(ann: Reader, tao: Reader, mei: Reader, house: TestHouse):
    units = await held(ann, quantity=2)
    await tao.send(await shown(tao, units[0].code), "/redemptions")
    page = await mei.get(at(mei, f"/orders/{number(units[0], house)}"))
    assert page.status == 200
    assert page.inline == []
    for words in ("Two bowls set", "¥136", "Noodle Bar, Lantern Lane", "Ordered", "Paid", "pay_1_", units[1].code_tail):
        assert words in page.text, words
    for unit in units:
        assert unit.code not in page.html
    assert "小安" not in page.text


async def test_who_may_not_see_an_order(ann: Reader, tao: Reader, anybody: Reader, app, house: TestHouse):
    """The cashier, the shop next door, a stranger, the guest himself; and another merchant's counter as the way in."""
    [unit] = await held(ann)
    order = number(unit, house)
    stranger = await leads(app, house, DRUM)
    for path in ("/orders", f"/orders/{order}", f"/orders/{order}/refund"):
        assert (await tao.get(at(tao, path))).status == 403
        assert (await ann.get(at(ann, path))).status == 403
        assert (await stranger.get(at(stranger, path))).status == 404
        assert (await anybody.get(at(anybody, path))).status == 401
    assert not [link for link in (await tao.get(at(tao, "/more"))).links if link.endswith("/orders")]
    for path in (f"/orders/{order}", f"/orders/{order}/refund"):
        assert (await stranger.get(at(stranger, path, DRUM))).status == 404
    mine = await stranger.get(at(stranger, "/orders", DRUM))
    assert rows(mine) == []
    assert rows(await stranger.get(at(stranger, "/orders?everywhere=true", DRUM))) == []
    for typed in (order, unit.code, "0001"):
        assert rows(await stranger.get(at(stranger, f"/orders?q={typed}", DRUM))) == []
    for part in ("notes", "refunds"):
        token = stranger.web.cookies.get("csrftoken") or mine.html.split('_csrf_token" value="')[1].split('"')[0]
        sent = {"_csrf_token": token, "key": new_id().hex, "words": "x"}
        answer = await stranger.web.post(at(stranger, f"/orders/{order}/{part}", DRUM), data=sent)
        assert answer.status_code == 404, part
    assert (await used_up(house, unit)).state == "valid"


async def test_who_leads_one_store_sees_and_gives_back_what_is_good_there(ann: Reader, app, house: TestHouse):
    [unit] = await held(ann)
    order = number(unit, house)
    ferry = await leads(app, house, FERRY)
    assert rows(await ferry.get(at(ferry, "/orders", FERRY))) == [order]
    await change(house, *ONLY_LANTERN)
    assert rows(await ferry.get(at(ferry, "/orders", FERRY))) == []
    assert rows(await ferry.get(at(ferry, "/orders?everywhere=true", FERRY))) == []
    assert (await ferry.get(at(ferry, f"/orders?q={order}", FERRY))).status == 200
    assert (await ferry.get(at(ferry, f"/orders/{order}", FERRY))).status == 404
    lantern = await leads(app, house, LANTERN, "pat")
    assert (await lantern.get(at(lantern, f"/orders/{order}"))).status == 200


async def test_a_note_is_for_the_staff_only(ann: Reader, mei: Reader, app, house: TestHouse):
    [unit] = await held(ann)
    order = number(unit, house)
    page = await mei.get(at(mei, f"/orders/{order}"))
    written = await mei.send_and_follow(page, "/notes", words="靠窗位，忌花生 <b>")
    assert "靠窗位，忌花生 <b>" in written.text
    assert "梅姐" in written.text
    again = await mei.send_and_follow(page, "/notes", words="靠窗位，忌花生 <b>")
    assert again.text.count("靠窗位") == 1  # the same tap is the same note
    for words, kept in (("   ", ""), ("x" * 501, "x" * 501)):
        wrong = await mei.send(await mei.get(at(mei, f"/orders/{order}")), "/notes", words=words)
        assert wrong.status == 422
        assert "between 1 and 500" in wrong.text
        assert kept in wrong.html
    lantern = await leads(app, house, LANTERN)
    assert "靠窗位" in (await lantern.get(at(lantern, f"/orders/{order}"))).text
    assert "靠窗位" not in (await ann.get(ann.at(f"/orders/{order}"))).text
    assert await audit_clean(house.db)


async def test_the_shop_refunds_what_the_terms_exclude(ann: Reader, app, house: TestHouse, clock: ManualClock):
    """The guest cannot; the manager can, with a reason; the guest reads that it came from the shop."""
    units = await held(ann, quantity=2)
    await change(house, BOUND)
    order = number(units[0], house)
    assert "没有可退的券" in (await ann.get(ann.at(f"/orders/{order}/refund"))).text
    wen = await leads(app, house, LANTERN)
    form = await wen.get((await wen.get(at(wen, f"/orders/{order}"))).link("/refund"))
    assert "顾客不能自行退款" in form.text
    assert "136" in form.text
    nothing = await wen.send(form, "/refunds", voucher=None, why="kindness")
    assert (nothing.status, "还没有选择要退的券" in nothing.text) == (422, True)
    one = form.form("/refunds").fields["voucher"][0]
    done = await wen.send_and_follow(nothing, "/refunds", voucher=one, why="kindness", words="客人生病了")
    for words in ("商家主动退款", "与顾客协商一致", "客人生病了", "¥68", "处理中"):
        assert words in done.text, words
    again = await wen.send_and_follow(nothing, "/refunds", voucher=one, why="kindness", words="客人生病了")
    assert again.text.count("客人生病了") == 1
    hers = await ann.get(ann.at(f"/orders/{order}"))
    assert "商家主动退款" in hers.text
    assert "商家发起" in hers.text
    assert "客人生病了" not in hers.text
    clock.move(timedelta(seconds=1))
    states = [(await used_up(house, unit)).state for unit in units]
    assert sorted(states) == ["refunding", "valid"]
    assert await audit_clean(house.db)


async def test_what_was_used_meanwhile_is_said_on_the_form(ann: Reader, tao: Reader, mei: Reader, house: TestHouse):
    [unit] = await held(ann)
    path = at(mei, f"/orders/{number(unit, house)}")
    form = await mei.get(f"{path}/refund")
    await tao.send(await shown(tao, unit.code), "/redemptions")
    late = await mei.send(form, "/refunds", why="other", words="typed already")
    assert late.status == 409
    assert "nothing left to refund" in late.text
    assert (await used_up(house, unit)).state == "used"
    page = await mei.get(path)
    assert not [link for link in page.links if link.endswith("/refund")]
    assert "nothing left to refund" in (await mei.get(f"{path}/refund")).text
    assert await audit_clean(house.db)


@pytest.mark.parametrize(
    "tail", ["/orders/ord_1_x", "/orders/nonsense", "/orders/nonsense/refund", "/orders?after=red_1_x"]
)
async def test_addresses_that_lead_nowhere(mei: Reader, tail: str):
    assert (await mei.get(at(mei, tail))).status == 404
