"""Mei's deals: drafted, saved while she types, previewed, copied, submitted, approved by Lin, changed while on sale."""

import html
import re
from datetime import timedelta

import pytest

from hutong import catalog, inventory
from hutong.desk import rounds
from hutong.kit.access import Scope
from hutong.kit.ids import OFFER
from hutong.kit.text import Text
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import at, mei, tao
from tests.pages.test_merchant_past import manager

pytestmark = pytest.mark.anyio
__all__ = ["mei", "tao"]
HTMX = {"hx-request": "true"}


def fields_of(page: Page) -> dict[str, list[str]]:
    """What the editor would send: inputs, textareas and the chosen options."""
    found = {name: list(values) for name, values in page.form("/draft").fields.items()}
    body = page.html[page.html.index('id="deal-form"') :]
    body = body[: body.index("</form>")]
    for name, words in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', body, re.DOTALL):
        found[name] = [html.unescape(words)]
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', body, re.DOTALL):
        found[name] = re.findall(r'value="([^"]*)" selected', options)[:1] or [""]
    return {name: values for name, values in found.items() if values}


async def save(mei: Reader, page: Page, *, partial: bool = False, **changes: str | list[str]) -> Page:
    """Send the editor, as the browser or as htmx while typing."""
    data = fields_of(page) | {name: value if isinstance(value, list) else [value] for name, value in changes.items()}
    answer = await mei.web.post(page.form("/draft").action, data=data, headers=HTMX if partial else {})
    return Page(answer)


async def drafted(mei: Reader, **changes: str | list[str]) -> Page:
    """A new deal, saved; its editor."""
    given = {
        "title_zh": "牛肉面双人餐",
        "title_en": "Beef noodles for two",
        "price": "58",
        "list_price": "88",
    } | changes
    answer = await save(mei, await mei.get(at(mei, "/deals/new")), **given)
    assert answer.status == 303, answer.text
    return await mei.get(answer.headers["location"])


async def the_offer(house: TestHouse, page: Page) -> catalog.Offer:
    shown = re.search(r"/deals/(off_\w+)", page.form("/draft").action)
    assert shown
    async with house.db.reading(house.town.city_id) as tx:
        (offer,) = await catalog.offers(tx, [OFFER.read_local(shown[1])[1]], city_id=house.town.city_id)
    assert offer is not None
    return offer


async def test_a_new_deal_is_written_in_words_and_kept_as_values(mei: Reader, house: TestHouse):
    editor = await drafted(
        mei, summary_zh="两碗招牌面", included_zh="牛肉面两份\n小菜一份", included_en="Two bowls\nOne side",
        total="120",
        days1=["0", "1"], hours1="11:00-14:00, 17:00-26:00", off_first=["2027-02-05"],
        off_last=["2027-02-11"],
        off_zh=["春节"], off_en=[""], party_max="2", per_member="4", booking="yes",
    )  # fmt: skip
    offer = await the_offer(house, editor)
    assert (offer.status, offer.price.units, offer.list_price.units) == ("draft", 5_800, 8_800)
    assert offer.summary.en == "两碗招牌面", "a language that is left out is the other one"
    assert [line.en for line in offer.included] == ["Two bowls", "One side"]
    assert [(w.weekdays, w.start, w.end) for w in offer.terms.windows] == [((0, 1), 660, 840), ((0, 1), 1020, 1560)]
    assert offer.terms.blackouts[0].reason == Text.both("春节")
    assert (offer.terms.party_max, offer.terms.per_member, offer.terms.booking_needed) == (2, 4, True)
    async with house.db.reading(house.town.city_id) as tx:
        (stock,) = await inventory.quotas(tx, [offer.offer_id], city_id=house.town.city_id)
    assert stock is not None
    assert stock.total == 120
    again = await save(mei, editor)  # nothing was typed: the same values come back
    assert again.status == 303
    assert (await the_offer(house, editor)).version == offer.version
    assert editor.inline == []
    assert await audit_clean(house.db)


async def test_mistakes_stand_at_their_fields_with_what_was_typed(mei: Reader, house: TestHouse):
    new = await mei.get(at(mei, "/deals/new"))
    page = await save(
        mei, new, title_zh="面", price="120", list_price="88", total="lots", hours1="around noon",
        sale_to="2020-01-01T00:00",
        valid_until="2020-02-30", stores=[],
    )  # fmt: skip
    assert page.status == 422
    for name in ("price", "total", "hours1", "sale_to", "valid_until"):
        assert re.search(rf'id="w-{name}"[^>]*><svg', page.html), name
        assert re.search(rf'name="{name}"[^>]*aria-invalid="true"', page.html), name
    for typed in ("120", "lots", "around noon"):
        assert f'value="{typed}"' in page.html
    assert "The price must not be above the list price." in page.text
    piece = await save(mei, new, partial=True, title_zh="面", price="abc", list_price="88")
    assert piece.status == 422
    assert "<html" not in piece.html
    assert re.search(r'id="w-price" hx-swap-oob="true"><svg', piece.html)
    assert re.search(r'id="w-list_price" hx-swap-oob="true"></span>', piece.html), "what is right again loses its words"
    async with house.db.reading(house.town.city_id) as tx:
        counts = await catalog.counts_by_status(
            tx, catalog_scope(house), city_id=house.town.city_id, merchant_id=house.town.noodle_bar
        )
    assert "draft" not in counts


def catalog_scope(house: TestHouse) -> Scope:
    return Scope(merchants=frozenset({house.town.noodle_bar}))


async def test_saving_follows_itself_and_stops_for_another(mei: Reader, app, house: TestHouse, clock):
    new = await mei.get(at(mei, "/deals/new"))
    given = {"title_zh": "面", "price": "10", "list_price": "20"}
    first = await save(mei, new, partial=True, **given)
    assert first.status == 200, first.text
    assert 'name="version" id="f-version" value="1"' in first.html
    assert first.headers["hx-replace-url"].endswith(new.form("/draft").action.split("/")[-2])
    # the answer was lost and more was typed: the form is still "never saved", and it is no conflict
    second = await save(mei, new, partial=True, **given | {"price": "11"})
    third = await save(mei, new, partial=True, **given | {"price": "12"})
    assert (second.status, third.status) == (200, 200), third.text
    editor = await mei.get(first.headers["hx-replace-url"])
    assert (await the_offer(house, editor)).price.units == 1_200
    clock.move(timedelta(seconds=2))  # between two codes to one phone
    other = await Reader(app, house, language="en").sign_in("mei")  # the same Mei at another desk
    theirs = await other.get(first.headers["hx-replace-url"])
    assert (await save(other, theirs, price="15")).status == 303
    clash = await save(mei, editor, partial=True, price="13")
    assert clash.status == 409
    assert re.search(r"<td>13</td><td>15</td>", clash.html)
    whole = await save(mei, editor, price="13")
    assert whole.status == 409
    assert 'name="price" value="13"' in whole.html
    over = re.search(r'name="over" value="(\d+)"', whole.html)
    assert over
    assert (await save(mei, whole, over=over[1])).status == 303
    assert (await the_offer(house, editor)).price.units == 1_300
    assert await audit_clean(house.db)


async def test_the_preview_says_what_is_typed_and_saves_nothing(mei: Reader, house: TestHouse):
    new = await mei.get(at(mei, "/deals/new"))
    data = fields_of(new) | {"title_en": ["Midnight noodles"], "price": ["9.90"], "list_price": ["20"]}
    action = new.form("/draft").action.replace("/draft", "/preview")
    piece = Page(await mei.web.post(action, data=data, headers=HTMX))
    assert piece.status == 200
    assert "Midnight noodles" in piece.text
    assert "9.90" in piece.text
    assert "<html" not in piece.html
    assert 'id="price-hint" hx-swap-oob="true"' in piece.html


async def test_a_copy_is_submitted_approved_and_bought(mei: Reader, ann: Reader, app, house: TestHouse):
    page = await mei.get(at(mei, "/deals"))
    source = OFFER.show(house.town.offers["two-bowls"], house.town.city_id)
    copy = await mei.send_and_follow(page, f"{source}/copies")
    assert "Copied." in copy.text
    assert "Asked in the last 30 days: ¥68" in copy.text
    answer = await save(mei, copy, price="59", list_price="199", then="submit")
    assert answer.status == 303, answer.text
    offer = await the_offer(house, copy)
    assert (offer.status, offer.copied_from) == ("in_review", house.town.offers["two-bowls"])
    waiting = await mei.get(answer.headers["location"])
    assert "Submitted." in waiting.text
    lin = await Reader(app, house, language="en").sign_in("lin")
    queue = await lin.get("/o/qinghe/deals")
    assert "Price ¥68 ¥59" in queue.text
    assert "A doubtful list price" in queue.text
    shown = OFFER.show(offer.offer_id, house.town.city_id)
    assert (await ann.get(ann.at(f"/deals/{shown}"))).status == 404
    done = await lin.send_and_follow(queue, f"{shown}/decisions", decision="approve")
    assert "Approved." in done.text
    assert "59" in (await ann.get(ann.at(f"/deals/{shown}"))).text
    late = await lin.send(queue, f"{shown}/decisions", decision="approve")
    assert late.status == 409, "a second tap finds another version"
    assert await audit_clean(house.db)


async def test_what_is_sent_back_says_why_and_what_changed_since(mei: Reader, app, house: TestHouse):
    editor = await drafted(mei)
    await save(mei, editor, then="submit")
    lin = await Reader(app, house, language="en").sign_in("lin")
    queue = await lin.get("/o/qinghe/deals")
    offer = await the_offer(house, editor)
    back = await lin.send_and_follow(queue, "/decisions", decision="reject:price")
    assert "Sent back." in back.text
    again = await mei.get(editor.path)
    assert "The prices are not honest" in again.text
    await save(mei, again, price="48", then="submit")
    queue = await lin.get("/o/qinghe/deals")
    assert "Compared with what was sent back" in queue.text
    assert "Price ¥58 ¥48" in queue.text
    assert (await lin.send(queue, "/decisions", decision="reject:because")).status == 422
    assert (await the_offer(house, editor)).version == offer.version + 3


async def test_what_may_change_on_sale_changes_at_once_and_stock_keeps_what_is_sold(
    mei: Reader, ann: Reader, app, house: TestHouse
):
    shown = OFFER.show(house.town.offers["two-bowls"], house.town.city_id)
    await ann.buy(quantity=3)
    page = await mei.get(at(mei, f"/deals/{shown}"))
    assert "Sold 3" in page.text
    low = await mei.send(page, "/live", total="2", **texts(page))
    assert low.status == 422
    assert re.search(r'id="w-total"[^>]*><svg', low.html)
    assert 'name="total" value="2"' in low.html
    done = await mei.send_and_follow(page, "/live", price="65", total="2500", **texts(page))
    assert "Changed." in done.text
    assert "65" in (await ann.get(ann.at(f"/deals/{shown}"))).text
    clash = await mei.send(page, "/live", price="60", **texts(page))
    assert clash.status == 409
    assert "Keep mine" in clash.text
    board = await mei.get(at(mei, "/deals"))
    paused = await mei.send_and_follow(board, f"{shown}/steps")
    assert "Paused. What was sold stays good." in paused.text
    back = await mei.send_and_follow(paused, f"{shown}/steps")
    assert "On sale again." in back.text
    assert await audit_clean(house.db)


def texts(page: Page) -> dict[str, str]:
    """The textareas of a page, which forms of the reader do not hold."""
    found = re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', page.html, re.DOTALL)
    return {name: html.unescape(words) for name, words in found}


async def test_who_sees_and_who_writes(mei: Reader, tao: Reader, app, house: TestHouse):
    shown = OFFER.show(house.town.offers["two-bowls"], house.town.city_id)
    for path in ("/deals", f"/deals/{shown}", "/deals/new", "/stores", "/staff", "/staff/log", "/statement/files/xlsx"):
        assert (await tao.get(at(tao, path))).status == 403, path
    leader = await manager(app, house)
    listed = await leader.get(at(leader, "/deals"))
    assert listed.status == 200
    assert "/copies" not in listed.html
    assert (await leader.get(at(leader, f"/deals/{shown}"))).status == 200
    assert (await leader.get(at(leader, "/deals/new"))).status == 403
    for slug, store in (("two-bowls", "four-joys-drum"),):
        assert (await mei.get(at(mei, f"/deals/{mei.deal(slug)}", store))).status == 404
    assert (await mei.get("/o/qinghe/deals")).status in (403, 404)


async def test_a_sale_that_is_over_ends_also_while_it_is_paused(mei: Reader, house: TestHouse, clock):
    board = await mei.get(at(mei, "/deals"))
    shown = OFFER.show(house.town.offers["two-bowls"], house.town.city_id)
    await mei.send(board, f"{shown}/steps")
    clock.move(timedelta(days=400))
    await rounds.end_sales(house.db, house.town.city_id, clock.now())
    async with house.db.reading(house.town.city_id) as tx:
        (offer,) = await catalog.offers(tx, [house.town.offers["two-bowls"]], city_id=house.town.city_id)
    assert offer is not None
    assert offer.status == "ended"
