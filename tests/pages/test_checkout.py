"""From the deal to the voucher: confirm, order, pay, wait (reliability.md E17; tap budgets of the screens)."""

from datetime import timedelta

import pytest

from hutong import catalog
from hutong.kit.clock import ManualClock
from hutong.kit.ids import ORDER
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader

pytestmark = pytest.mark.anyio


async def orders_of(reader: Reader) -> int:
    """How many orders the list shows."""
    page = await reader.get(reader.at("/orders"))
    return len([link for link in page.links if "/orders/ord_" in link])


async def test_three_taps_from_the_list_to_the_payment(ann: Reader, house: TestHouse):
    """Deal, buy, pay; then the provider's page; then the voucher itself, without another tap."""
    home = await ann.get(ann.at())
    deal = await ann.get(home.link("/deals/"))  # 1
    confirm = await ann.get(deal.link("/checkout"))  # 2
    payment = await ann.send_and_follow(confirm, "/checkout")  # 3
    assert payment.status == 200
    (number,) = house.pay.opened
    assert f"http://pay.example/{number}" in payment.links
    assert f"url=http://pay.example/{number}" in payment.html  # goes there by itself
    back = house.pay.pay(number)
    waiting = await ann.follow(back.removeprefix(house.settings.address))
    assert "正在确认支付结果" in waiting.text
    await ann.pay_all()
    voucher = await ann.follow(waiting.path)
    assert "/vouchers/vch_" in voucher.path
    assert "支付成功" in voucher.text
    assert await audit_clean(house.db)


async def test_confirming_shows_the_total_with_its_parts(ann: Reader):
    """The same number as on the deal, times the quantity; what is saved stands beside it."""
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}&quantity=3"))
    for words in ("¥294", "−¥90", "合计 ¥ 204", "每人限购 20 份", "未使用随时退"):
        assert words in page.text
    for step, then in (("1", "4"), ("-1", "2"), ("0", "3")):  # the buttons of the stepper, without a script
        stepped = await ann.send_and_follow(page, "/checkout", step=step)
        assert stepped.form("/checkout").fields["quantity"] == [then]
    assert await orders_of(ann) == 0


async def test_the_stepper_stops_at_one_and_at_the_limit(ann: Reader):
    one = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}"))
    assert 'value="-1" aria-label="减少一个" disabled' in one.html
    many = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}&quantity=999"))
    assert many.form("/checkout").fields["quantity"] == ["20"]
    assert 'value="1" aria-label="增加一个" disabled' in many.html


async def test_the_same_form_sent_twice_is_one_order(ann: Reader):
    """An impatient thumb, a slow network, the back button."""
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}"))
    first, second = await ann.send(page, "/checkout"), await ann.send(page, "/checkout")
    assert first.status == second.status == 303
    assert first.headers["location"] == second.headers["location"]
    assert await orders_of(ann) == 1


async def test_a_key_with_other_contents_is_refused(ann: Reader):
    """A key belongs to what was confirmed with it."""
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}"))
    await ann.send(page, "/checkout")
    changed = await ann.send(page, "/checkout", quantity="2", seen="2", total="13600")
    assert changed.status in (409, 422)
    assert await orders_of(ann) == 1


async def test_a_price_that_moved_meanwhile_is_shown_not_taken(ann: Reader, house: TestHouse, clock: ManualClock):
    """Nobody pays a number that he has not seen."""
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}"))
    offer_id, city_id = house.town.offers["two-bowls"], house.town.city_id
    clock.move(timedelta(minutes=1))
    async with house.db.city(city_id) as tx:
        (offer,) = await catalog.offers(tx, [offer_id], city_id=city_id)
        assert offer is not None
        change = catalog.Revise(offer_id=offer_id, by=None, price=offer.list_price)
        await catalog.revise(tx, [change], city_id=city_id, now=clock.now())
    again = await ann.send(page, "/checkout")
    assert again.status == 409
    assert "价格已变为" in again.text
    assert "合计 ¥ 98" in again.text
    assert (await ann.send(again, "/checkout")).status == 303  # the new number, seen and confirmed
    assert await orders_of(ann) == 1


@pytest.mark.parametrize(
    "changes",
    [{"quantity": "0"}, {"quantity": "-1"}, {"quantity": "1e3"}, {"quantity": "99999999999"}, {"total": "-5"},
     {"total": "x"}, {"key": "short"}, {"key": None}, {"offer": None}, {"price": "1"}, {"member_id": "x"},
     {"city_id": "2"}, {"state": "paid"}],
)  # fmt: skip
async def test_forms_that_do_not_fit_are_refused(ann: Reader, changes: dict[str, str | None]):
    """Strange values and fields that the form does not know (B5): nothing is ordered."""
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}"))
    answer = await ann.send(page, "/checkout", **changes)
    assert answer.status == 422
    assert await orders_of(ann) == 0


async def test_the_way_back_proves_nothing(ann: Reader, house: TestHouse):
    """Whoever types the provider's return address has not paid (E17)."""
    order = await ann.order()
    for query in ("?result=paid", "?state=captured&out_no=1&amount=6800", "?trade_status=TRADE_SUCCESS"):
        page = await ann.follow(f"/paid/{order}{query}")
        assert "正在确认支付结果" in page.text
    assert "还没有可用的券" in (await ann.get(ann.at("/vouchers"))).text
    assert "待支付" in (await ann.get(ann.at(f"/orders/{order}"))).text
    assert await audit_clean(house.db)


async def test_waiting_goes_on_by_itself_and_says_when_it_is_long(ann: Reader):
    """Without a script the page asks again every three seconds; it never ends in nothing."""
    order = await ann.order()
    page = await ann.get(ann.at(f"/orders/{order}/result"))
    assert 'content="3;url=?n=1"' in page.html
    long = await ann.get(ann.at(f"/orders/{order}/result?n=60"))
    assert "比平时久一些" in long.text
    assert long.form("/payment")


async def test_a_silent_provider_keeps_the_order(ann: Reader, house: TestHouse, clock: ManualClock):
    """The order stands and the page says so; it goes on by itself as soon as the provider answers, and pays once."""
    house.pay.silent = True
    page = await ann.send_and_follow(await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}")), "/checkout")
    assert "支付渠道还没有回应" in page.text
    assert 'http-equiv="refresh" content="5"' in page.html
    assert (await ann.send(page, "")).status == 303  # an impatient thumb changes nothing
    house.pay.silent = False
    for _ in range(3):
        clock.move(timedelta(seconds=30))
        await house.courier.round(house.town.city_id)
    again = await ann.get(page.path)
    assert [link for link in again.links if link.startswith("http://pay.example/")]
    assert len(house.pay.opened) == 1
    assert await orders_of(ann) == 1


async def test_an_unpaid_order_can_be_paid_later_or_taken_back(ann: Reader, house: TestHouse):
    """From the list of orders; a cancelled one cannot be paid any more."""
    order = await ann.order()
    page = await ann.get(ann.at(f"/orders/{order}"))
    assert page.form("/payment")
    cancelled = await ann.send_and_follow(page, "/cancellation")
    assert "已取消" in cancelled.text
    assert not [form for form in cancelled.forms if "/payment" in form.action]
    assert (await ann.send(page, "/payment")).status == 409
    again = await ann.send(page, "/cancellation")
    assert again.status in (303, 409)
    assert await audit_clean(house.db)


async def test_a_paid_order_is_not_cancelled(ann: Reader):
    """The form of an old tab: the page says that it is paid and shows the way to a refund."""
    order = await ann.order()
    page = await ann.get(ann.at(f"/orders/{order}"))
    await ann.pay_all()
    answer = await ann.send(page, "/cancellation")
    assert answer.status == 409
    assert "订单已支付" in answer.text
    assert answer.link("/refund")


async def test_what_may_not_be_bought_says_why(ann: Reader):
    """The limit for each person, told beside the form with what is held already."""
    await ann.buy("two-bowls", 20)
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}"))
    answer = await ann.send(page, "/checkout")
    assert answer.status == 409
    assert "每人限购 20 份，您已购买 20 份" in answer.text


async def test_an_order_that_nobody_has_is_not_found(ann: Reader, house: TestHouse):
    nothing = ORDER.show(house.town.people["bo"], house.town.city_id)
    for path in (f"/orders/{nothing}", f"/orders/{nothing}/payment", f"/orders/{nothing}/result", "/orders/rubbish"):
        assert (await ann.get(ann.at(path))).status == 404
    assert (await ann.get(f"/paid/{nothing}")).status == 303  # says nothing about whether it exists
    assert (await ann.get("/paid/rubbish")).status == 404
