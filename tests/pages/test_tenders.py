"""Cards on the confirm page: chosen for the reader, changed by him, shown on the order, on its refund and receipt."""

import pytest

from hutong import vouchers
from hutong.catalog import Stored
from hutong.kit.ids import VOUCHER
from hutong.vouchers import Voucher
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.pages.test_merchant_bills import a_holder

pytestmark = pytest.mark.anyio


async def now(house: TestHouse, card: Voucher) -> Voucher:
    async with house.db.reading(house.town.city_id) as tx:
        [found] = await vouchers.by_ids(tx, [card.voucher_id], city_id=house.town.city_id)
    return found


def checkout(reader: Reader, quantity: int = 1) -> str:
    return reader.at(f"/checkout?offer={reader.deal('two-bowls')}&quantity={quantity}")


async def test_a_card_is_chosen_paid_shown_and_given_back(ann: Reader, house: TestHouse):
    card = await a_holder(ann, house, Stored(), 5_000)
    shown = VOUCHER.show(card.voucher_id, house.town.city_id)
    page = await ann.get(checkout(ann))
    assert page.inline == []
    assert page.form("/checkout").fields["card"] == [shown]
    assert page.form("/checkout").fields["total"] == ["1800"]
    assert "还需支付 ¥ 18" in page.text
    answer = await ann.send(page, "/checkout")
    assert answer.status == 303, answer.text
    assert (await now(house, card)).held_for == "order"
    await ann.pay_all()
    assert (await now(house, card)).state == "used"
    link = next(link for link in (await ann.get(ann.at("/orders"))).links if "/orders/ord_" in link)
    order = await ann.get(link)
    assert "面吧储值卡" in order.text
    assert "−¥50" in order.text
    assert "实际支付 ¥ 18" in order.text
    assert "−¥50" in (await ann.get(link + "/receipt")).text
    refund = await ann.get(link + "/refund")
    assert "退回原卡和积分 ¥50" in refund.text
    assert "退回支付渠道 ¥18" in refund.text
    asked = await ann.send_and_follow(refund, "/refunds", reason="changed_mind")
    assert asked.status == 200
    assert await audit_clean(house.db)


async def test_the_reader_takes_a_card_off_and_puts_it_on_again(ann: Reader, house: TestHouse):
    card = await a_holder(ann, house, Stored(), 5_000)
    page = await ann.get(checkout(ann))
    plain = await ann.send_and_follow(page, "/checkout", card=None)  # ticks changed: nothing is ordered
    assert plain.form("/checkout").fields["total"] == ["6800"]
    assert plain.form("/checkout").fields["card"] == []
    more = await ann.send_and_follow(plain, "/checkout", step="1")
    assert more.form("/checkout").fields["total"] == ["13600"]
    back = await ann.send_and_follow(more, "/checkout", pick="cards")
    assert back.form("/checkout").fields["total"] == ["8600"]
    assert (await now(house, card)).held_for is None


async def test_an_order_that_a_card_pays_whole_needs_no_provider(ann: Reader, house: TestHouse):
    await a_holder(ann, house, Stored(bonus_units=1_000), 20_000)
    page = await ann.get(checkout(ann))
    assert page.form("/checkout").fields["total"] == ["0"]
    assert "确认下单" in page.text
    done = await ann.send_and_follow(page, "/checkout")
    assert "/vouchers/vch_" in done.path, done.path
    assert await audit_clean(house.db)


async def test_a_card_that_is_empty_now_is_told_and_not_charged(ann: Reader, house: TestHouse):
    await a_holder(ann, house, Stored(), 5_000)
    page, other = await ann.get(checkout(ann)), await ann.get(checkout(ann))
    assert (await ann.send(other, "/checkout")).status == 303
    await ann.pay_all()
    told = await ann.send(page, "/checkout")
    assert told.status == 409
    assert "价格已变为 ¥68（您看到的是 ¥18）" in told.text
    assert told.form("/checkout").fields["total"] == ["6800"]
    assert await audit_clean(house.db)


async def test_what_the_reader_sends_by_hand_is_refused_with_a_sentence(ann: Reader, bo: Reader, house: TestHouse):
    card = await a_holder(ann, house, Stored(), 5_000)
    page = await bo.get(checkout(bo))
    shown = VOUCHER.show(card.voucher_id, house.town.city_id)
    told = await bo.send(page, "/checkout", card=shown, paying=shown, total="1800")
    assert told.status in (404, 409)
    assert (await now(house, card)).held_for is None
