"""Mei's stores and staff: words, hours, holidays, pictures, posters; invitations by QR, roles, keys, the log."""

import io
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from PIL import Image

from hutong import merchants, people
from hutong.infra import pdf
from hutong.kit.text import Text
from hutong.web.merchant import posters
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import at, mei, tao
from tests.pages.test_merchant_past import manager

pytestmark = pytest.mark.anyio
__all__ = ["mei", "tao"]


def here(reader: Reader, path: str = "", store: str = "noodle-bar-lantern") -> str:
    return at(reader, f"/stores/{reader.store(store)}{path}")


async def the_store(house: TestHouse, slug: str = "noodle-bar-lantern") -> merchants.Store:
    key = house.town.stores[slug]
    async with house.db.reading(house.town.city_id) as tx:
        return (await merchants.stores(tx, house.town.city_id, [key]))[key]


async def test_words_and_place_are_changed_where_consumers_read_them(mei: Reader, anybody: Reader, house: TestHouse):
    page = await mei.get(here(mei))
    store = await the_store(house)
    done = await mei.send_and_follow(page, "/words", name_zh="巷口面吧（老店）", name_en="Noodle Bar, the old one",
                                     district=str(store.district_id))  # fmt: skip
    assert "Saved." in done.text
    assert "巷口面吧（老店）" in (await anybody.get(anybody.at(f"/stores/{mei.store('noodle-bar-lantern')}"))).text
    after = await the_store(house)
    assert (after.place, after.version) == (store.place, store.version + 1), "a field nobody touched stays exact"
    clash = await mei.send(page, "/words", name_zh="别的名字", district=str(store.district_id))
    assert clash.status == 409
    assert re.search(r"<td>别的名字</td><td>巷口面吧（老店）</td>", clash.html)
    assert 'value="别的名字"' in clash.html
    far = await mei.send(done, "/words", place="0, 0")
    assert far.status == 422
    assert re.search(r'id="w-place"[^>]*><svg', far.html)
    bad = await mei.send(done, "/words", place="somewhere", name_zh="", name_en="")
    assert bad.status == 422
    assert 'value="somewhere"' in bad.html
    assert done.inline == []
    assert await audit_clean(house.db)


async def test_hours_and_holidays_are_written_as_people_write_them(mei: Reader, house: TestHouse):
    page = await mei.get(here(mei))
    wrong = await mei.send(page, "/hours", mon="when I wake up")
    assert wrong.status == 422
    assert 'value="when I wake up"' in wrong.html
    done = await mei.send_and_follow(page, "/hours", mon="17:00-26:00", tue="")
    assert "The hours are changed." in done.text
    week = (await the_store(house)).hours.days
    assert (week[0][0].start, week[0][0].end, week[1]) == (1020, 1560, ())
    day = await mei.send_and_follow(done, "/days", day="2026-12-25", hours="", note_zh="盘点", note_en="Stocktaking")
    assert "Dec 25, 2026 closed Stocktaking" in day.text
    gone = await mei.web.post(
        here(mei, "/days"), data={"_csrf_token": csrf(day), "key": "a" * 32, "day": "2026-12-25", "gone": "yes"}
    )
    assert gone.status_code == 303
    assert "Stocktaking" not in (await mei.get(here(mei))).text
    log = await mei.get(at(mei, "/staff/log"))
    assert log.text.count("changed a special day") == 2
    assert "changed the opening hours" in log.text
    assert await audit_clean(house.db)


def csrf(page: Page) -> str:
    return page.form("/words").fields["_csrf_token"][0]


async def test_pictures_are_taken_in_put_in_order_and_removed(mei: Reader, house: TestHouse):
    page = await mei.get(here(mei))
    before = re.findall(r'name="photo" value="(pho_\w+)"', page.html)
    out = io.BytesIO()
    Image.new("RGB", (320, 240), "teal").save(out, "JPEG")
    form = page.form("/pictures")
    sent = {name: values[0] for name, values in form.fields.items() if name in ("_csrf_token", "key")}
    files = {"picture": ("front.jpg", out.getvalue(), "image/jpeg")}
    answer = await mei.web.post(form.action, data=sent | {"alt_zh": "门面", "alt_en": "The front"}, files=files)
    assert answer.status_code == 303, answer.text
    page = await mei.get(here(mei))
    shown = re.findall(r'name="photo" value="(pho_\w+)"', page.html)
    assert len(shown) == len(before) + 1
    assert 'value="The front"' in page.html
    bad = await mei.web.post(form.action, data=sent, files={"picture": ("x.jpg", b"<svg onload=1>", "image/jpeg")})
    assert bad.status_code == 422
    fields = page.form("/photos").fields
    gone = await mei.web.post(here(mei, "/photos"), data={**fields, "gone": shown[-1]})
    assert gone.status_code == 303, gone.text
    assert len(re.findall(r'name="photo"', (await mei.get(here(mei))).html)) == len(before)
    assert await audit_clean(house.db)


async def test_a_poster_is_a_pdf_with_the_way_to_the_store_or_a_page_to_print(mei: Reader, house: TestHouse):
    page = await mei.get(here(mei, "/poster?page_too=true"))
    link = f"{house.settings.address}/c/qinghe/stores/{mei.store('noodle-bar-lantern')}?from=poster"
    assert link in page.html
    assert "<svg" in page.html
    assert page.inline == []
    assert (await mei.get(here(mei, "/poster?size=a0"))).status == 404
    if posters.fonts(None) is None:
        pytest.skip("no font with Chinese letters on this machine")
    for size in ("a4", "a6"):
        answer = await mei.web.get(here(mei, f"/poster?size={size}"))
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-1.5")
        assert answer.content.endswith(b"%%EOF\n")
        assert len(answer.content) < 120_000


def test_a_pdf_is_the_same_for_the_same_shapes_and_its_table_is_right():
    shapes = [
        pdf.Rect(0, 0, 10, 10, (1, 0, 0)), pdf.Squares([(1, 1), (2, 2)], 1, (0, 0, 0)),
        pdf.Stencil(1, 1, 8, 1, 8, 1, b"\xaa", (0, 0, 0)),
    ]  # fmt: skip
    made = pdf.write(shapes, size=pdf.A6, title="面 QR", language="zh")
    assert made == pdf.write(shapes, size=pdf.A6, title="面 QR", language="zh")
    places = [int(line[:10]) for line in made[made.index(b"xref") :].splitlines()[3:9]]
    for number, place in enumerate(places, 1):
        assert made[place:].startswith(f"{number} 0 obj".encode())


async def test_somebody_joins_by_the_link_once_and_only_in_time(mei: Reader, app, house: TestHouse):
    page = await mei.get(at(mei, "/staff"))
    made = await mei.send(page, "/invitations", role="store_cashier", where=mei.store("noodle-bar-lantern"), label="Bo")
    assert made.status == 200, made.text
    found = re.search(r'value="(http[^"]+)" data-link', made.html)
    assert found
    link = urlsplit(found[1]).path
    stranger = Reader(app, house, language="en")
    asked = await stranger.get(link)
    assert "to work as Cashier" in asked.text
    assert any(one.startswith("/sign-in?next=/m/join/") for one in asked.links)
    await stranger.sign_in("bo")
    invited = await stranger.get(link)
    joined = await stranger.send_and_follow(invited, "/join/")
    assert joined.path == at(stranger)
    assert "accepted" in (await stranger.get(link)).text
    ann = await Reader(app, house, language="en").sign_in("ann")
    taken = await ann.get(link)
    assert not [form for form in taken.forms if "/join/" in form.action]
    listed = await mei.get(at(mei, "/staff"))
    assert "invited Cashier Bo" in (await mei.get(at(mei, "/staff/log"))).text
    grant = re.search(r"/staff/roles/(\w+)/end", listed.html)
    assert grant
    assert (await stranger.get(at(stranger))).status == 200
    bo = re.findall(r"/staff/roles/(\w+)/end\"[^B]*?aria-label=\"Remove ([^\"]+)\"", listed.html)
    mine = next(key for key, name in bo if name != "小涛")
    await mei.send(listed, f"/staff/roles/{mine}/end")
    assert (await stranger.get(at(stranger))).status in (403, 404), "it holds from the next request on"
    assert (await ann.get("/m/join/inv_1_nonsense")).status == 410
    assert await audit_clean(house.db)


async def test_an_invitation_that_was_taken_back_opens_nothing(mei: Reader, app, house: TestHouse):
    page = await mei.get(at(mei, "/staff"))
    made = await mei.send(page, "/invitations", role="store_manager", where=mei.store("noodle-bar-ferry"), label="Bo")
    found = re.search(r'value="(http[^"]+)" data-link', made.html)
    assert found
    back = await mei.send_and_follow(await mei.get(at(mei, "/staff")), "/invitations/inv_")
    assert "The invitation is taken back." in back.text
    bo = await Reader(app, house, language="en").sign_in("bo")
    assert (await bo.get(urlsplit(found[1]).path)).status == 410


async def test_nobody_invites_above_himself_and_a_manager_leads_one_store(mei: Reader, app, house: TestHouse):
    leader = await manager(app, house)
    page = await leader.get(at(leader, "/staff"))
    assert page.status == 200
    assert "老板" not in re.sub(r"<li.*?</li>", "", page.html, flags=re.DOTALL)
    answer = await leader.send(page, "/invitations", role="merchant_owner", where="", label="x")
    assert answer.status == 403
    assert (await leader.get(here(leader))).status == 200
    assert (await leader.get(here(leader, store="noodle-bar-ferry"))).status == 404
    assert "接口密钥" not in page.text
    assert (await mei.get(at(mei, "/stores/sto_1_00000000000000000000000000"))).status == 404


async def test_a_key_is_shown_once_and_ends_at_once(mei: Reader, house: TestHouse):
    page = await mei.get(at(mei, "/staff"))
    wrong = await mei.send(page, "/staff/keys", label="", where="", may=["vouchers:redeem"])
    assert wrong.status == 422
    made = await mei.send(page, "/staff/keys", label="Till 1", where="", may=["vouchers:redeem", "vouchers:prepare"])
    key = re.search(r'value="(hutong_live_[^"]+)" data-key', made.html)
    assert key
    listed = await mei.get(at(mei, "/staff"))
    assert key[1] not in listed.html
    assert "Till 1" in listed.text
    assert "never used" in listed.text
    shown = re.search(r"/staff/keys/key_\w+/end", listed.html)
    assert shown
    ended = await mei.send_and_follow(listed, shown[0])
    assert "The key has ended." in ended.text
    assert "made the key “Till 1”" in (await mei.get(at(mei, "/staff/log"))).text


async def test_a_key_is_replaced_and_the_old_one_works_for_a_day_more(mei: Reader, house: TestHouse):
    page = await mei.get(at(mei, "/staff"))
    first = await mei.send(page, "/staff/keys", label="Till 1", where="", may=["vouchers:redeem"])
    listed = await mei.get(at(mei, "/staff"))
    second = await mei.send(listed, "/next")
    assert second.status == 200
    assert "The old key works until" in second.text
    texts = [re.search(r'value="(hutong_live_[^"]+)" data-key', one.html) for one in (first, second)]
    old, new = (found[1] for found in texts if found)
    assert old != new

    async def work(hours: int) -> list[bool]:
        then = house.clock.now() + timedelta(hours=hours)
        async with house.db.central() as tx:
            return [await people.actor_of_key(tx, text, now=then) is not None for text in (old, new)]

    assert await work(1) == [True, True]
    assert await work(25) == [False, True]
    once_more = await mei.send(listed, "/next")
    assert once_more.status == 404, "what was replaced is not replaced again"
    assert await audit_clean(house.db)


def test_the_words_of_a_poster_fit_its_width():
    if (found := posters.fonts(None)) is None:
        pytest.skip("no font with Chinese letters on this machine")
    long = "清河市老城区最最长的店名" * 6
    (shape,) = posters._words(long, found.bold, 40, 300, 100, 500, posters.INK)
    assert isinstance(shape, pdf.Stencil)
    assert shape.width <= 501
    assert Text.both(long).zh == long
