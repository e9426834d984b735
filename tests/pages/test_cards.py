"""Cards on pages: sold and printed by a merchant, activated, shown and lost by a member, joined by another shop."""

import io

import pytest
from python_calamine import CalamineWorkbook

from hutong import catalog
from hutong.catalog import Offer, QCard, Stored
from hutong.kit.access import EVERYTHING
from hutong.kit.ids import OFFER, VOUCHER
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.pages.test_merchant_bills import a_card, a_holder
from tests.pages.test_merchant_counter import at, shown, tone

pytestmark = pytest.mark.anyio


@pytest.fixture
async def mei(app, house: TestHouse) -> Reader:
    """Mei, who owns Noodle Bar."""
    return await Reader(app, house).sign_in("mei")


async def on_sale(house: TestHouse) -> list[Offer]:
    """The cards of Noodle Bar."""
    town = house.town
    async with house.db.reading(town.city_id) as tx:
        found = await catalog.offers_in_scope(
            tx, EVERYTHING, city_id=town.city_id, merchant_id=town.noodle_bar, scheme="cards"
        )
    return list(found.items)


async def test_a_merchant_drafts_a_card_and_the_editor_keeps_its_kind(mei: Reader, house: TestHouse):
    page = await mei.get(at(mei, "/cards"))
    assert page.status == 200
    assert page.inline == []
    editor = await mei.send_and_follow(
        page, "/cards/offers", kind="stored", name_zh="充二百送二十", name_en="220 for 200", price="200", bonus="20",
        days="365",
    )  # fmt: skip
    assert editor.status == 200
    [card] = await on_sale(house)
    assert card.form == Stored(bonus_units=2_000)
    assert (card.price.units, card.list_price.units, card.status) == (20_000, 22_000, "draft")
    wrong = await mei.send(page, "/cards/offers", kind="times", name_zh="次卡", price="99", uses="one")
    assert wrong.status == 422
    path = f"/deals/{editor.path.split('/deals/')[1].split('?')[0]}"
    sheet = await mei.send(editor, path, category=card.category, summary_zh="充值更划算", summary_en="More for less")
    assert sheet.status in (200, 303), sheet.text
    [card] = await on_sale(house)
    assert card.form == Stored(bonus_units=2_000)


async def test_a_printed_card_is_activated_shown_and_lost(ann: Reader, mei: Reader, house: TestHouse):
    await a_card(house, "card", Stored(), 5_000)
    page = await mei.get(at(mei, "/cards"))
    offer = OFFER.show(house.town.offers["card"], house.town.city_id)
    file = await mei.send(page, "/cards/batches", offer=offer, label="五月", count="2")
    assert file.headers["content-disposition"].startswith("attachment")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.answer.content)).get_sheet_by_index(0).to_python()
    number, secret, qr = rows[1]
    form = await ann.get("/c/qinghe/cards/activate")
    no = await ann.send(form, "/cards/activate", number=number, secret="wrong")
    assert no.status == 404
    card = await ann.send_and_follow(form, "/cards/activate", number=number, secret=secret)
    assert "¥50" in card.text
    assert number[:4] in card.text
    assert (await shown(mei, qr)).form("/bills")
    green = await mei.send_and_follow(await shown(mei, number), "/bills", amount="20")
    assert tone(green) == ("good", "")
    new = await ann.send_and_follow(await ann.get(card.path), "/number", what="replace")
    assert new.status == 200
    assert tone(await shown(mei, number))[1] == "card_replaced"
    assert tone(await shown(mei, rows[2][0]))[1] == "card_not_active"
    assert await audit_clean(house.db)


async def test_another_shop_joins_a_card_for_many(ann: Reader, mei: Reader, house: TestHouse):
    card = await a_holder(ann, house, QCard(), 9_900)
    page = await mei.get(at(mei, "/cards"))
    taken = await mei.send_and_follow(page, "/cards/join", percent="8")
    assert "8%" in taken.text
    shelf = await ann.get(f"/c/qinghe/vouchers/{ann_voucher(card)}")
    assert "账单优惠 8%" in shelf.text
    green = await mei.send_and_follow(await shown(mei, card.code), "/bills", amount="50")
    assert "请收 ¥46" in green.text
    gone = await mei.send_and_follow(await mei.get(at(mei, "/cards")), "/cards/join", percent="")
    assert "8%" not in gone.text
    assert await audit_clean(house.db)


def ann_voucher(card) -> str:
    return VOUCHER.show(card.voucher_id, card.city_id)
