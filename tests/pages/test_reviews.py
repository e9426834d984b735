"""A guest's reviews: writing after a visit, photos, changing, taking back, reporting; and reading those of others."""

from datetime import timedelta

import pytest

from hutong.infra.files import MOST_BYTES
from hutong.kit.ids import REVIEW
from hutong.reviews import Content
from tests.conftest import audit_clean
from tests.pages.reader import Reader
from tests.pages.reviews_help import a_photo, id_of, post, read, reviewed, visit

pytestmark = pytest.mark.anyio

CANARY = '<img src=x onerror="alert(1)"><script>alert(2)</script> javascript:alert(3) {{ 7*7 }}'


async def test_a_used_voucher_is_reviewed_with_stars_alone(ann: Reader, anybody: Reader):
    """Two taps: a star and Submit. It is on the pages of store and deal at once, with its count."""
    voucher = await visit(ann)
    mine = await ann.get(ann.at("/reviews"))
    page = await ann.get(mine.link(f"/vouchers/{voucher}/review?stars=4"))
    assert 'value="4" required' in page.html
    answer = await post(ann, page, "/reviews", stars="4")
    assert answer.status == 303
    done = await ann.get(answer.headers["location"])
    assert "评价已发布" in done.text
    for path in (f"/stores/{ann.store('noodle-bar-lantern')}/reviews", f"/deals/{ann.deal('two-bowls')}/reviews"):
        seen = await anybody.get(anybody.at(path))
        assert "4.0" in seen.text
        assert "1 条" in seen.text
    assert (await ann.get(ann.at("/reviews"))).text.count("没有待评价的消费") == 0
    again = await ann.get(ann.at(f"/vouchers/{voucher}/review"))
    assert (again.status, again.headers["location"]) == (303, done.path.split("?")[0])
    assert await audit_clean(ann.house.db)


async def test_without_a_star_nothing_is_lost(ann: Reader):
    voucher = await visit(ann)
    page = await ann.get(ann.at(f"/vouchers/{voucher}/review"))
    refused = await post(ann, page, "/reviews", [a_photo()], words="汤很鲜，面劲道")
    assert refused.status == 422
    assert "还没有选择星级" in refused.text
    assert "汤很鲜，面劲道" in refused.html
    kept = refused.form("/reviews").fields["kept"]
    assert len(kept) == 1
    sent = await post(ann, refused, "/reviews", stars="5", words="汤很鲜，面劲道", tags=["tasty", "slow", "nonsense"])
    found = await read(ann.house, REVIEW.show(id_of(sent), ann.house.town.city_id))
    assert found.content.words == "汤很鲜，面劲道"
    assert found.content.tags == ("tasty",)  # a tag of the other mood was left over from before
    assert len(found.content.photos) == 1


async def test_photos_are_shown_and_bad_ones_are_named(ann: Reader, anybody: Reader):
    voucher = await visit(ann)
    page = await ann.get(ann.at(f"/vouchers/{voucher}/review"))
    refused = await post(ann, page, "/reviews", [a_photo(), b"<svg onload=alert(1)>"], stars="5")
    assert refused.status == 422
    assert "第 2 张图片无法读取" in refused.text
    sent = await post(ann, refused, "/reviews", [a_photo((300, 300))], stars="5")
    assert sent.status == 303
    seen = await anybody.get(anybody.at(f"/stores/{ann.store('noodle-bar-lantern')}/reviews?photos=true"))
    pictures = [link for link in seen.links if link.startswith("/files/")]
    assert len(pictures) == 2
    got = await anybody.web.get(pictures[0])
    assert (got.status_code, got.headers["content-type"]) == (200, "image/webp")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    assert "immutable" in got.headers["cache-control"]


@pytest.mark.parametrize("name", ["", "x.webp", "../../etc/passwd", "%2e%2e%2fetc%2fpasswd", f"{'a' * 64}.webp"])
async def test_there_is_no_other_file(anybody: Reader, name: str):
    assert (await anybody.get(f"/files/{name}")).status == 404


async def test_documents_are_not_served_to_everybody(anybody: Reader):
    """A control beside it: the same store gives a picture by its name, a statement never."""
    name = await anybody.house.files.put(b"a,b", "text/csv")
    assert (await anybody.get(f"/files/{name}")).status == 404
    picture = await anybody.house.files.put(a_photo(), "image/jpeg")
    assert (await anybody.get(f"/files/{picture}")).status == 200


async def test_too_much_is_refused_while_it_arrives(ann: Reader):
    voucher = await visit(ann)
    page = await ann.get(ann.at(f"/vouchers/{voucher}/review"))
    seven = await post(ann, page, "/reviews", [a_photo((40, 40)) for _ in range(7)], stars="5")
    assert seven.status == 422
    assert "最多只能上传 6 张图片" in seven.text
    huge = await post(ann, page, "/reviews", [b"\xff\xd8\xff" + bytes(MOST_BYTES)], stars="5")
    assert huge.status == 413
    assert "太大" in huge.text
    said = {"content-length": str(MOST_BYTES * 7), "content-type": "multipart/form-data; boundary=x"}
    assert (await ann.web.post(page.form("/reviews").action, headers=said, content=b"--x")).status_code == 413


async def test_a_ticket_of_somebody_else_is_no_picture(ann: Reader, bo: Reader):
    mine, hers = await visit(bo), await visit(ann)
    page = await ann.get(ann.at(f"/vouchers/{hers}/review"))
    tickets = (await post(ann, page, "/reviews", [a_photo()])).form("/reviews").fields["kept"]
    own = await bo.get(bo.at(f"/vouchers/{mine}/review"))
    assert (await post(bo, own, "/reviews", stars="1", kept=tickets)).status == 404
    assert (await post(bo, own, "/reviews", stars="1", kept=["x~y~1~2~3"])).status == 404


async def test_who_may_not(ann: Reader, bo: Reader, anybody: Reader):
    """An unused voucher, another's voucher, another's review: as if they were not there."""
    voucher = await visit(ann)
    assert (await bo.get(bo.at(f"/vouchers/{voucher}/review"))).status == 404
    assert (await anybody.get(anybody.at(f"/vouchers/{voucher}/review"))).status == 401
    order = await ann.buy()
    unused = (await ann.get(ann.at(f"/orders/{order}"))).link("/vouchers/").split("/")[-1].split("?")[0]
    page = await ann.get(ann.at(f"/vouchers/{unused}/review"))
    assert page.status == 409
    assert "用券后才能评价" in page.text
    review = await reviewed(ann)
    for path in (f"/reviews/{review}", f"/reviews/{review}/edit"):
        assert (await bo.get(bo.at(path))).status == 404


async def test_changing_and_taking_back(ann: Reader, anybody: Reader):
    review = await reviewed(ann, 5, "很好")
    page = await ann.get(ann.at(f"/reviews/{review}/edit"))
    assert "很好" in page.html
    answer = await post(ann, page, "/versions", stars="2", words="第二天肚子疼")
    assert answer.status == 303
    shop = anybody.at(f"/stores/{ann.store('noodle-bar-lantern')}/reviews")
    seen = await anybody.get(shop)
    assert "第二天肚子疼" in seen.text
    assert "已修改" in seen.text
    own = await ann.get(ann.at(f"/reviews/{review}"))
    assert (await ann.send(own, "/withdrawal")).status == 303
    assert "还没有评价" in (await anybody.get(shop)).text
    assert (await ann.get(ann.at(f"/reviews/{review}"))).status == 404
    assert await audit_clean(ann.house.db)


async def test_after_a_week_it_stands(ann: Reader, clock):
    review = await reviewed(ann)
    page = await ann.get(ann.at(f"/reviews/{review}/edit"))
    clock.move(timedelta(days=7))
    ann = await Reader(ann.web._transport.app, ann.house).sign_in("ann")  # type: ignore[attr-defined]
    late = await ann.get(ann.at(f"/reviews/{review}/edit"))
    assert late.status == 409
    assert page.status == 200
    assert "/edit" not in " ".join((await ann.get(ann.at(f"/reviews/{review}"))).links)


async def test_the_same_form_sent_twice_is_one_review(ann: Reader):
    voucher = await visit(ann)
    page = await ann.get(ann.at(f"/vouchers/{voucher}/review"))
    first, second = [await post(ann, page, "/reviews", stars="5") for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]


async def test_filters_order_and_pages(ann: Reader, bo: Reader, anybody: Reader):
    for n in range(22):
        await reviewed(bo if n % 2 else ann, 1 + n % 5, "字" * n)
    shop = anybody.at(f"/deals/{ann.deal('two-bowls')}/reviews")
    first = await anybody.get(shop)
    assert first.html.count('class="said"') == 20
    second = await anybody.get(first.link("after="))
    assert second.html.count('class="said"') == 2
    assert (await anybody.get(first.link("stars=5"))).html.count('class="said"') == 4
    assert "22 条" in first.text
    newest = await anybody.get(first.link("order=newest"))
    assert newest.text.index("字" * 21) < newest.text.index("字" * 20 + " ")


async def test_anybody_signed_in_reports(ann: Reader, bo: Reader, anybody: Reader):
    review = await reviewed(ann, 1, "骂人的话")
    seen = await bo.get(bo.at(f"/stores/{ann.store('noodle-bar-lantern')}/reviews"))
    page = await bo.get(seen.link(f"/reviews/{review}/report"))
    done = await bo.send(page, "/reports", reason="insult", words="看第一句")
    assert done.status == 200
    assert "we will look at it" in done.text
    assert (await read(ann.house, review)).open_reports == 1
    again = await bo.get(seen.link(f"/reviews/{review}/report"))
    assert (await bo.send(again, "/reports", reason="nothing")).status == 422
    assert (await anybody.get(anybody.at(f"/reviews/{review}/report"))).status == 401


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_words_are_words_wherever_they_stand(ann: Reader, anybody: Reader, language: str):
    review = await reviewed(ann, 3, CANARY)
    for path in (
        f"/stores/{ann.store('noodle-bar-lantern')}/reviews", f"/deals/{ann.deal('two-bowls')}/reviews", "/reviews",
        f"/reviews/{review}", f"/reviews/{review}/edit", f"/reviews/{review}/report",
    ):  # fmt: skip
        page = await ann.get(ann.at(f"{path}{'&' if '?' in path else '?'}lang={language}"))
        assert page.status == 200, path
        assert "<img src=x" not in page.html
        assert "<script>alert" not in page.html
        assert "{{ 7*7 }}" in page.html or path == "/reviews"
        assert page.inline == []


async def test_a_review_needs_no_words_and_keeps_its_language(ann: Reader, anybody: Reader):
    await reviewed(ann, 5, "", tags=("tasty",))
    seen = await anybody.get(anybody.at(f"/deals/{ann.deal('two-bowls')}/reviews?lang=en"))
    assert "Tasty" in seen.text
    await reviewed(ann, 4, "面很好吃")
    assert (
        'lang="zh-CN">面很好吃'
        in (await anybody.get(anybody.at(f"/deals/{ann.deal('two-bowls')}/reviews?lang=en"))).html
    )
    assert Content(stars=5) == Content(stars=5)
