"""The wallet, the voucher with its fresh code, and giving it back."""

from datetime import timedelta

import pytest
from litestar import Litestar

from hutong.desk import counter
from hutong.kit.access import Actor
from hutong.kit.clock import ManualClock
from hutong.kit.ids import VOUCHER
from hutong.people import actors
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio


async def voucher_page(reader: Reader, order: str) -> Page:
    return await reader.follow(reader.at(f"/orders/{order}/result"))


async def tao(house: TestHouse) -> Actor:
    """Who works at the counter."""
    async with house.db.reading() as tx:
        return (await actors(tx, [house.town.people["tao"]]))[house.town.people["tao"]]


async def use(house: TestHouse, page: Page) -> None:
    """Tao redeems the voucher of the page by its digits."""
    store = house.town.stores["noodle-bar-lantern"]
    digits = "".join(c for c in page.text.split("券码")[-1] if c.isdigit())
    voucher_id = VOUCHER.read_local(page.path.split("/vouchers/")[1].partition("?")[0])[1]
    async with house.db.reading(house.town.city_id) as tx:
        code = await tx.value(
            "select code from vouchers.vouchers where city_id = %(city)s and voucher_id = %(id)s",
            city=house.town.city_id, id=voucher_id,
        )  # fmt: skip
    assert code in digits
    await counter.redeem(house, house.town.city_id, await tao(house), store, request_no=str(voucher_id), presented=code)


async def test_the_voucher_shows_all_that_a_counter_needs(ann: Reader, house: TestHouse):
    """A code, the digits in groups, where, until when; two taps from the home of the city."""
    page = await voucher_page(ann, await ann.buy())
    for words in ("双人招牌面套餐", "巷口面吧", "每 30 秒更新", "3 家门店可用", "2027年2月18日", "¥68", "申请退款"):
        assert words in page.text
    assert 'data-step="30"' in page.html
    home = await ann.get(ann.at())
    wallet = await ann.get(next(link for link in home.links if link.endswith("/vouchers")))
    assert wallet.link("/vouchers/vch_") == page.path.partition("?")[0]
    assert await audit_clean(house.db)


async def test_the_picture_is_the_code_of_this_half_minute(ann: Reader, clock: ManualClock):
    """Another one after thirty seconds; nobody on the way may keep it."""
    page = await voucher_page(ann, await ann.buy())
    address = page.path.partition("?")[0] + "/code.svg"
    first = await ann.get(address)
    assert first.headers["content-type"].startswith("image/svg+xml")
    assert first.headers["cache-control"] == "no-store"
    assert (await ann.get(address)).html == first.html
    clock.move(timedelta(seconds=30))
    assert (await ann.get(address)).html != first.html


async def test_two_units_are_two_codes(ann: Reader):
    """Each is used and refunded on its own."""
    page = await voucher_page(ann, await ann.buy(quantity=2))
    here = page.path.partition("?")[0]
    assert "第 1 张，共 2 张" in page.text
    own = ("/gift", "/money")
    others = [link for link in page.links if "/vouchers/vch_" in link and not link.endswith(own)]
    units = {here, *(link for link in others if "?" not in link)}
    assert len(units) == 2
    codes = {(await ann.get(f"{unit}/code.svg")).html for unit in units}
    assert len(codes) == 2


async def test_a_used_voucher_shows_no_code_any_more(ann: Reader, house: TestHouse):
    """When, and that it is over; the picture is gone, by which the open page knows."""
    page = await voucher_page(ann, await ann.buy())
    await use(house, page)
    after = await ann.get(page.path.partition("?")[0])
    assert "已使用" in after.text
    assert "使用时间" in after.text
    assert "code.svg" not in after.html
    assert (await ann.get(page.path.partition("?")[0] + "/code.svg")).status == 404
    assert "已使用" in (await ann.get(ann.at("/vouchers?tab=used"))).text
    assert await audit_clean(house.db)


async def test_an_expired_voucher_shows_no_code_any_more(ann: Reader, clock: ManualClock):
    """Also before the house has swept it up."""
    page = await voucher_page(ann, await ann.buy())
    session = ann.web.cookies.get("hutong_session")
    clock.move(timedelta(days=91))
    ann.web.cookies.set("hutong_session", session or "")
    await ann.sign_in("ann")
    after = await ann.get(page.path.partition("?")[0])
    assert "已过期" in after.text
    assert "过期未使用自动退款" in after.text
    assert (await ann.get(page.path.partition("?")[0] + "/code.svg")).status == 404


async def test_the_wallet_sorts_by_what_became_of_them(ann: Reader):
    """Every tab has an answer, an empty one too; nonsense is the first tab."""
    for tab, words in (("unused", "还没有可用的券"), ("used", "还没有用过的券"), ("expired", "没有过期的券"),
                       ("refunded", "没有退款的券"), ("nonsense", "还没有可用的券")):  # fmt: skip
        page = await ann.get(ann.at(f"/vouchers?tab={tab}"))
        assert words in page.text
        assert page.link("/nearby")


async def test_long_lists_go_on_where_they_stopped(ann: Reader):
    """Twenty at a time, then the rest; every voucher once."""
    await ann.buy("campus-breakfast", 10)
    await ann.buy("two-bowls", 15)
    first = await ann.get(ann.at("/vouchers"))
    rest = await ann.get(first.link("after="))
    links = [link for page in (first, rest) for link in page.links if "/vouchers/vch_" in link]
    assert len(links) == len(set(links)) == 25


async def test_a_refund_is_three_taps(ann: Reader, house: TestHouse):
    """Refund, a reason, confirm; the order then tells the story, and the voucher is closed."""
    order = await ann.buy(quantity=2)
    page = await ann.get(ann.at(f"/orders/{order}"))
    form = await ann.get(page.link("/refund"))  # 1
    assert form.text.count("¥68") == 2
    keep, give = form.form("/refunds").fields["voucher"]
    after = await ann.send_and_follow(form, "/refunds", voucher=give, reason="no_time")  # 2 and 3
    assert "退款处理中 ¥68" in after.text
    assert "退款中" in (await ann.get(ann.at("/vouchers?tab=refunded"))).text
    await house.courier.round(house.town.city_id)
    done = await ann.get(ann.at(f"/orders/{order}"))
    assert "退款成功 ¥68" in done.text
    assert "部分退款" in done.text
    assert (await ann.get(ann.at(f"/vouchers/{give}/code.svg"))).status == 404
    assert (await ann.get(ann.at(f"/vouchers/{keep}/code.svg"))).status == 200
    assert await audit_clean(house.db)


async def test_a_refund_sent_twice_is_one(ann: Reader, house: TestHouse):
    order = await ann.buy(quantity=2)
    form = await ann.get(ann.at(f"/orders/{order}/refund"))
    give = form.form("/refunds").fields["voucher"][0]
    for _ in range(2):
        assert (await ann.send(form, "/refunds", voucher=give, reason="other")).status == 303
    await house.courier.round(house.town.city_id)
    assert (await ann.get(ann.at(f"/orders/{order}"))).text.count("退款成功") == 1
    assert await audit_clean(house.db)


async def test_all_units_at_once(ann: Reader, house: TestHouse):
    """The form as it comes: everything that can go back is ticked."""
    order = await ann.buy(quantity=3)
    form = await ann.get(ann.at(f"/orders/{order}/refund"))
    await ann.send(form, "/refunds", reason="wrong_choice")
    await house.courier.round(house.town.city_id)
    page = await ann.get(ann.at(f"/orders/{order}"))
    assert "退款成功 ¥204" in page.text
    assert not [link for link in page.links if "/refund" in link]
    assert await audit_clean(house.db)


async def test_what_cannot_go_back_is_said(ann: Reader, house: TestHouse):
    """Used meanwhile: the old form gets a plain answer, and the page offers nothing."""
    order = await ann.buy()
    form = await ann.get(ann.at(f"/orders/{order}/refund"))
    await use(house, await voucher_page(ann, order))
    answer = await ann.send(form, "/refunds", reason="other")
    assert answer.status == 409
    assert "没有可退的券" in answer.text
    again = await ann.get(ann.at(f"/orders/{order}/refund"))
    assert again.status == 409
    assert not [link for link in (await ann.get(ann.at(f"/orders/{order}"))).links if "/refund" in link]
    assert await audit_clean(house.db)


async def test_bo_finds_nothing_of_anns(ann: Reader, bo: Reader, house: TestHouse):
    """Another's and absent look the same, in every address and for every write (B1)."""
    order = await ann.buy(quantity=2)
    page = await voucher_page(ann, order)
    voucher = page.path.split("/vouchers/")[1].partition("?")[0]
    for path in (f"/orders/{order}", f"/orders/{order}/payment", f"/orders/{order}/result", f"/orders/{order}/refund",
                 f"/vouchers/{voucher}", f"/vouchers/{voucher}/code.svg"):  # fmt: skip
        answer = await bo.get(bo.at(path))
        assert answer.status == 404, path
        assert "双人" not in answer.html
        assert "Two bowls" not in answer.html
    mine = await bo.get(bo.at(f"/orders/{await bo.buy()}/refund"))
    for action in ("refunds", "payment", "cancellation"):
        mine.forms[0].action = bo.at(f"/orders/{order}/{action}")
        taken = (
            {"voucher": voucher, "reason": "other"}
            if action == "refunds"
            else dict.fromkeys(("key", "voucher", "reason"))
        )
        answer = await bo.send(mine, action, **taken)
        assert answer.status == 404, action
    assert "¥136" not in (await bo.get(bo.at("/orders"))).text
    assert "可使用" in (await ann.get(ann.at(f"/orders/{order}"))).text
    assert await audit_clean(house.db)


async def test_units_of_another_order_do_not_go_back_with_this_one(ann: Reader, bo: Reader, house: TestHouse):
    """Bo names Ann's voucher in a refund of his own order."""
    await ann.buy()
    theirs = (await ann.get(ann.at("/vouchers"))).link("/vouchers/vch_").rsplit("/", 1)[1]
    form = await bo.get(bo.at(f"/orders/{await bo.buy()}/refund"))
    answer = await bo.send(form, "/refunds", voucher=theirs, reason="other")
    assert answer.status in (404, 409)
    await house.courier.round(house.town.city_id)
    assert (await ann.get(ann.at(f"/vouchers/{theirs}/code.svg"))).status == 200
    assert await audit_clean(house.db)


@pytest.mark.parametrize("slugs", [("river-catch",)])
async def test_a_deal_that_waits_for_buyers_says_how_many(
    app: Litestar, house: TestHouse, ann: Reader, clock: ManualClock
):
    """No code before it tips; the page of the deal counts along; the last buyer wakes all of them."""
    address = ann.at(f"/deals/{ann.deal('boat-feast')}")
    assert "还差 8 份成团" in (await ann.get(address)).text
    page = await voucher_page(ann, await ann.buy("boat-feast", 2))
    assert "还差 6 份成团，成团后即可使用" in page.text
    assert "code.svg" not in page.html
    assert (await ann.get(page.path.partition("?")[0] + "/code.svg")).status == 404
    assert "2/8" in (await ann.get(address)).text
    for who in ("bo", "mei", "lin"):
        clock.move(timedelta(minutes=2))
        await (await Reader(app, house).sign_in(who)).buy("boat-feast", 2)
    assert "已成团" in (await ann.get(address)).text
    assert (await ann.get(page.path.partition("?")[0] + "/code.svg")).status == 200
    assert await audit_clean(house.db)
