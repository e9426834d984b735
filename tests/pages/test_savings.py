"""Savings on the pages: the best is chosen, the reader may choose otherwise, and no price is charged unseen."""

from typing import Any

import pytest
from msgspec import Struct

from hutong.kit.clock import ManualClock
from hutong.kit.ids import ORDER, VOUCHER
from hutong.kit.text import Text
from hutong.pricing import AmountOff, MinSpend
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.savings_help import a_coupon, a_rule, coupon_now

pytestmark = pytest.mark.anyio


class Wallet(Struct):
    """Ann's coupons of Noodle Bar: 10 off, 20 off (the best of one), 60 off 200 (out of reach)."""

    ten: Any
    twenty: Any
    sixty: Any

    def shown(self, name: str) -> str:
        return VOUCHER.show(getattr(self, name).voucher_id, 1)


@pytest.fixture
async def wallet(house: TestHouse, clock: ManualClock) -> Wallet:
    now, town = clock.now(), house.town

    class Shop:
        merchant = town.noodle_bar

    async def one(zh: str, en: str, off: int, **more: Any) -> Any:
        rule = await a_rule(
            house.db, now, lane=Shop, name=Text(zh=zh, en=en), benefit=AmountOff(units=off), **more  # type: ignore[arg-type]
        )  # fmt: skip
        return await a_coupon(house.db, now, Shop, rule, town.people["ann"])  # type: ignore[arg-type]

    return Wallet(
        await one("减十元", "10 off", 1_000), await one("减二十元", "20 off", 2_000),
        await one("满两百减六十", "60 off 200", 6_000, conditions=(MinSpend(units=20_000),)),
    )  # fmt: skip


def checkout(reader: Reader, quantity: int = 1) -> str:
    return reader.at(f"/checkout?offer={reader.deal('two-bowls')}&quantity={quantity}")


async def test_the_best_coupon_is_chosen_paid_and_shown_on_the_order(ann: Reader, house: TestHouse, wallet: Wallet):
    page = await ann.get(checkout(ann))
    assert "合计 ¥ 48" in page.text
    assert "减二十元" in page.text
    assert "再买 ¥132，减 ¥60" in page.text  # what would make a yes of the no
    assert page.form("/checkout").fields["coupon"] == [wallet.shown("twenty")]
    answer = await ann.send(page, "/checkout")
    assert answer.status == 303
    assert (await coupon_now(house.db, wallet.twenty)).held_for == "order"
    await ann.pay_all()
    order = next(link for link in (await ann.get(ann.at("/orders"))).links if "/orders/ord_" in link)
    shown = await ann.get(order)
    assert "减二十元" in shown.text
    assert "−¥20" in shown.text
    receipt = await ann.get(order + "/receipt")
    assert "−¥20" in receipt.text
    assert await audit_clean(house.db)


async def test_another_choice_is_shown_with_its_price_before_anything_is_ordered(ann: Reader, wallet: Wallet):
    page = await ann.get(checkout(ann))
    for ticked, total in ((wallet.shown("ten"), "合计 ¥ 58"), (None, "合计 ¥ 68")):
        changed = await ann.send_and_follow(page, "/checkout", coupon=ticked)
        assert changed.status == 200
        assert total in changed.text
        assert changed.form("/checkout").fields.get("coupon", []) == ([ticked] if ticked else [])
        best = await ann.send_and_follow(changed, "/checkout", pick="best")
        assert "合计 ¥ 48" in best.text
    assert not [link for link in (await ann.get(ann.at("/orders"))).links if "/orders/ord_" in link]


async def test_with_more_units_the_wallet_is_weighed_anew(ann: Reader, wallet: Wallet):
    page = await ann.get(checkout(ann, 3))
    assert "合计 ¥ 144" in page.text
    assert page.form("/checkout").fields["coupon"] == [wallet.shown("sixty")]
    stepped = await ann.send_and_follow(page, "/checkout", step="-1")
    assert stepped.form("/checkout").fields["coupon"] == [wallet.shown("twenty")]


async def test_a_coupon_that_another_order_took_is_said_and_the_new_price_shown(
    ann: Reader, house: TestHouse, wallet: Wallet
):
    first, second = await ann.get(checkout(ann)), await ann.get(checkout(ann))
    assert (await ann.send(first, "/checkout")).status == 303
    answer = await ann.send(second, "/checkout")
    assert answer.status == 409
    assert "待支付的订单" in answer.text
    assert "合计 ¥ 58" in answer.text  # with the best that is left
    assert answer.form("/checkout").fields["coupon"] == [wallet.shown("ten")]
    assert await audit_clean(house.db)


async def test_a_code_that_is_none_is_told_beside_its_field(ann: Reader, wallet: Wallet):
    page = await ann.get(checkout(ann))
    answer = await ann.send(page, "/checkout", code="NOSUCHCODE12345", pick="code")
    assert answer.status == 200
    assert 'aria-invalid="true"' in answer.html
    assert "NOSUCHCODE12345" in answer.html
    assert answer.form("/checkout").fields["coupon"] == [wallet.shown("twenty")]


async def test_a_refund_shows_what_goes_back_to_whom(ann: Reader, house: TestHouse, wallet: Wallet):
    answer = await ann.send(await ann.get(checkout(ann, 2)), "/checkout")
    order = answer.headers["location"].split("/")[-2]
    await ann.pay_all()
    page = await ann.get(ann.at(f"/orders/{order}/refund"))
    assert "退还金额" in page.text or "116" in page.text
    assert "退回出资方" in page.text
    assert "全部退款后，优惠券退回券包" in page.text
    one = await ann.get(ann.at(f"/orders/{order}/refund?voucher={page.form('/refunds').fields['voucher'][0]}"))
    assert "¥58" in one.text
    assert "部分退款时优惠券不退回" in one.text
    assert ORDER.read_local(order)[0] == 1
    assert await audit_clean(house.db)


async def test_the_deal_shows_the_price_that_the_checkout_asks(ann: Reader, bo: Reader, wallet: Wallet):
    deal = await ann.get(ann.at(f"/deals/{ann.deal('two-bowls')}"))
    assert 'data-final="4800"' in deal.html
    assert "到手价" in deal.text
    assert "¥68 − ¥20 减二十元" in deal.text
    assert "合计 ¥ 48" in (await ann.get(checkout(ann))).text
    plain = await bo.get(bo.at(f"/deals/{bo.deal('two-bowls')}"))
    assert 'data-final="6800"' in plain.html
    assert "到手价" not in plain.text
