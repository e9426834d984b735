"""At the counter with a card: the sheet asks for the bill, the result says what to collect, the slip is printed."""

import re
from datetime import timedelta

import pytest

from hutong import catalog, vouchers
from hutong.catalog import Draft, Form, Stamp, Stored
from hutong.desk import campaigns, coupons
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.vouchers import Voucher
from tests.conftest import audit_clean
from tests.db.coupons_help import actor, running
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import at, held, shown, tone

pytestmark = pytest.mark.anyio


@pytest.fixture
async def tao(app, house: TestHouse) -> Reader:
    """Tao, cashier of Noodle Bar in Lantern Lane."""
    return await Reader(app, house).sign_in("tao")


async def a_card(house: TestHouse, slug: str, form: Form, units: int) -> None:
    """Noodle Bar sells a card."""
    town, now = house.town, house.clock.now()
    async with house.db.city(town.city_id) as tx:
        (bowls,) = await catalog.offers(tx, [town.offers["two-bowls"]], city_id=town.city_id)
        assert bowls is not None
        draft = Draft(
            offer_id=new_id(), merchant_id=bowls.merchant_id, by=None, scheme="cards", category=bowls.category,
            title=Text(zh="面吧储值卡", en="Noodle Bar card"), price=Amount(units, "CNY"),
            list_price=Amount(units, "CNY"), terms=Terms(valid_days=365), form=form, store_ids=bowls.store_ids,
            sale_from=now - timedelta(days=1), sale_to=now + timedelta(days=90),
        )  # fmt: skip
        (offer,) = await catalog.publish(tx, [draft], city_id=town.city_id, now=now)
    assert isinstance(offer, catalog.Offer), offer
    town.offers[slug] = offer.offer_id


async def a_holder(ann: Reader, house: TestHouse, form: Form, units: int) -> Voucher:
    await a_card(house, "card", form, units)
    [card] = await held(ann, "card")
    return card


async def settled(tao: Reader, card: Voucher, amount: str) -> Page:
    sheet = await shown(tao, card.code)
    assert sheet.status == 200
    return await tao.send_and_follow(sheet, "/bills", amount=amount)


async def test_the_sheet_asks_for_the_bill_and_the_result_says_what_is_left(ann: Reader, tao: Reader, house: TestHouse):
    card = await a_holder(ann, house, Stored(bonus_units=1_000), 5_000)
    sheet = await shown(tao, card.code)
    assert "¥60" in sheet.text
    assert "账单金额" in sheet.text
    assert sheet.inline == []
    green = await tao.send_and_follow(sheet, "/bills", amount="88.50")
    assert tone(green) == ("good", "")
    assert "请收 ¥28.50" in green.text
    again = await tao.send(sheet, "/bills", amount="88.50")
    assert again.status == 303
    assert green.path.startswith(again.headers["location"].split("?")[0])
    slip = await tao.get(green.link("/slip"))
    assert "应收" in slip.text
    assert "¥28.50" in slip.text
    assert await audit_clean(house.db)


async def test_a_bill_is_undone_from_its_page_and_from_the_history_of_its_redemption(
    ann: Reader, tao: Reader, house: TestHouse
):
    card = await a_holder(ann, house, Stored(), 5_000)
    green = await settled(tao, card, "30")
    history = await tao.get(at(tao, "/history"))
    bill = await tao.follow(history.link("/redemptions/"))
    assert "/bills/" in bill.path
    undone = await tao.send_and_follow(bill, "/undo", reason="mistake")
    assert "账单已撤销" in undone.text
    bills = await tao.get(at(tao, "/history?state=bills"))
    assert (bills.link("/bills/"), "¥30" in bills.text, "已撤销" in bills.text) == (bill.path, True, True)
    assert (await tao.get(green.path.split("?")[0])).status == 200
    async with house.db.reading(house.town.city_id) as tx:
        [back] = await vouchers.by_ids(tx, [card.voucher_id], city_id=house.town.city_id)
    assert back.uses_left == 5_000
    assert await audit_clean(house.db)


async def test_what_is_no_amount_is_told_and_uses_nothing(ann: Reader, tao: Reader, house: TestHouse):
    card = await a_holder(ann, house, Stored(), 5_000)
    sheet = await shown(tao, card.code)
    for wrong in ("", "0", "-5", "abc", "1.005", "1e99"):
        page = await tao.send(sheet, "/bills", amount=wrong)
        assert tone(page) == ("warn", "no_amount"), wrong
    assert await audit_clean(house.db)


async def test_a_stamp_says_how_many_there_are(ann: Reader, tao: Reader, house: TestHouse):
    card = await a_holder(ann, house, Stamp(stamps=3, least_units=2_000), 0)
    sheet = await shown(tao, card.code)
    assert "0 / 3" in sheet.text
    few = await tao.send(sheet, "/bills", amount="10")
    assert tone(few) == ("warn", "bill_too_small")
    green = await tao.send_and_follow(sheet, "/bills", amount="20")
    assert "已盖一章" in green.text
    assert await audit_clean(house.db)


async def test_a_bill_of_another_store_is_not_there(ann: Reader, tao: Reader, house: TestHouse, app):
    card = await a_holder(ann, house, Stored(), 5_000)
    green = await settled(tao, card, "30")
    shown_id = green.path.split("/bills/")[1].split("?")[0]
    mei = await Reader(app, house, language="en").sign_in("mei")
    assert (await mei.get(at(mei, f"/bills/{shown_id}"))).status == 200
    assert (await mei.get(at(mei, f"/bills/{shown_id}", "noodle-bar-ferry"))).status == 404
    assert (await ann.get(at(ann, f"/bills/{shown_id}"))).status == 403


async def coupons_in_hand(house: TestHouse) -> None:
    """Ann has a coupon of ten off from fifty on, and one of a campaign that has been paused since."""
    city, mei, ann = house.town.city_id, await actor(house, "mei"), await actor(house, "ann")
    for name in ("pause", None):
        campaign = await running(house)
        await coupons.claim(house, city, ann, campaign, key=str(new_id()))
        if name is not None:
            await campaigns.step(house, city, mei, campaign, name)


def boxes(sheet: Page) -> list[str]:
    """What can be ticked on the sheet beside the card."""
    return re.findall(r'type="checkbox" name="also" value="([^"]+)"', sheet.html)


async def test_the_guests_other_coupons_are_ticked_beside_the_card(ann: Reader, tao: Reader, house: TestHouse):
    """No second scan and no script: the card is shown, the coupon is ticked, one bill uses both."""
    card = await a_holder(ann, house, Stored(), 5_000)
    await coupons_in_hand(house)
    sheet = await shown(tao, card.code)
    assert "客人的其他优惠券" in sheet.text
    assert sheet.form("/bills").fields["also"] == []  # the guest decides: nothing is ticked
    [pair] = boxes(sheet)  # the paused one cannot be used and is not offered
    assert sheet.inline == []
    green = await tao.send_and_follow(sheet, "/bills", amount="88", also=pair)
    assert "请收 ¥28" in green.text  # ten of the coupon, then fifty of the card
    assert "−¥10" in green.text
    alone = await shown(tao, (await a_second_card(ann)).code)
    assert boxes(alone) == []
    assert await audit_clean(house.db)


async def a_second_card(ann: Reader) -> Voucher:
    [card] = await held(ann, "card")
    return card


async def test_a_coupon_that_is_ticked_and_takes_nothing_off_says_why(ann: Reader, tao: Reader, house: TestHouse):
    card = await a_holder(ann, house, Stored(), 5_000)
    await coupons_in_hand(house)
    sheet = await shown(tao, card.code)
    few = await tao.send(sheet, "/bills", amount="20", also=boxes(sheet)[0])
    assert tone(few)[0] == "warn"
    assert "¥30" in few.text
    async with house.db.reading(house.town.city_id) as tx:
        [back] = await vouchers.by_ids(tx, [card.voucher_id], city_id=house.town.city_id)
    assert back.uses_left == 5_000


async def test_another_counters_proof_is_no_proof(ann: Reader, tao: Reader, house: TestHouse, app):
    card = await a_holder(ann, house, Stored(), 5_000)
    await coupons_in_hand(house)
    sheet = await shown(tao, card.code)
    mei = await Reader(app, house).sign_in("mei")
    hers = await shown(mei, card.code)
    no = await mei.send(hers, "/bills", amount="88", also=boxes(sheet)[0])
    assert tone(no)[1] == "stale_qr"
    assert await audit_clean(house.db)
