"""A voucher given to a friend, page by page: the words, the link, the present, and whose it is then."""

from datetime import timedelta

import pytest

from hutong.desk import rounds
from hutong.kit.clock import ManualClock
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_vouchers import voucher_page

pytestmark = pytest.mark.anyio


async def on_its_way(ann: Reader, note: str = "生日快乐") -> tuple[str, str]:
    """Ann's voucher and the link that gives it away."""
    page = await voucher_page(ann, await ann.buy())
    voucher = page.path.partition("?")[0]
    form = await ann.get(page.link("/gift"))
    assert "朋友领取后，只有他能使用" in form.text
    made = await ann.send_and_follow(form, "/gift", note=note, days="1")
    assert made.path == f"{voucher}/gift"
    link = next(part for part in made.html.split('"') if "/gifts/1-" in part)
    return voucher, "/gifts/" + link.rpartition("/")[2]


async def test_the_friend_unpacks_it_and_it_is_his(ann: Reader, bo: Reader, anybody: Reader, house: TestHouse):
    """Whoever has the link sees a present and no code; one tap, and old codes are dead."""
    voucher, link = await on_its_way(ann)
    held = await ann.get(voucher)
    assert "正在送给朋友" in held.text
    assert "code.svg" not in held.html
    assert (await ann.get(f"{voucher}/code.svg")).status == 404
    seen = await anybody.get(link)
    for words in ("小安 送你一份礼物", "双人招牌面套餐", "生日快乐", "登录后收下"):
        assert words in seen.text
    assert "code" not in seen.text
    assert seen.headers["cache-control"] == "no-store"
    present = await bo.get(link)
    assert "Accept the gift" in present.text
    got = await bo.send_and_follow(present, "/gifts/")
    assert got.path.partition("?")[0] == voucher
    assert "The gift is yours" in got.text
    assert "¥68" not in got.text, "nobody sees what his present has cost"
    assert (await ann.get(voucher)).status == 404
    given = await ann.get(ann.at("/vouchers?tab=gifted"))
    assert "已送给 Bo" in given.text
    assert "It is yours" in (await bo.get(link)).text
    assert "已送给 Bo" in (await ann.get(link)).text
    assert await audit_clean(house.db)


async def test_an_order_shows_what_was_given_and_does_not_offer_its_money(ann: Reader, bo: Reader):
    voucher, link = await on_its_way(ann)
    order = next(one for one in (await ann.get(voucher)).links if "/orders/ord_" in one)
    await bo.send_and_follow(await bo.get(link), "/gifts/")
    page = await ann.get(order)
    assert "已送给 Bo" in page.text
    assert "申请退款" not in page.text


async def test_it_comes_back_by_hand_and_by_itself(ann: Reader, bo: Reader, house: TestHouse, clock: ManualClock):
    voucher, link = await on_its_way(ann)
    page: Page = await ann.get(f"{voucher}/gift")
    back = await ann.send_and_follow(page, "/gift/back")
    assert "code.svg" in back.html
    over = await bo.get(link)
    assert "can no longer be accepted" in over.text
    form = await ann.get(f"{voucher}/gift")
    await ann.send_and_follow(form, "/gift", note="", days="1")
    clock.move(timedelta(days=1))
    assert await rounds.return_gifts(house.db, house.town.city_id, clock.now()) == 1
    assert "code.svg" in (await ann.get(voucher)).html
    assert await audit_clean(house.db)


async def test_a_wrong_link_says_so(anybody: Reader):
    for link in ("/gifts/1-" + "0" * 32, "/gifts/99-" + "0" * 32, "/gifts/hello"):
        page = await anybody.get(link)
        assert page.status == 404
        assert "没有找到这份礼物" in page.text


async def test_too_long_a_note_stays_in_the_field(ann: Reader):
    page = await voucher_page(ann, await ann.buy())
    form = await ann.get(page.link("/gift"))
    again = await ann.send(form, "/gift", note="长" * 141, days="1")
    assert again.status == 422
    assert "长" * 141 in again.html
