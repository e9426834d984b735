"""Reviews from the other side: the shop answers and appeals, the operator keeps, hides, restores and decides."""

import pytest

from tests.conftest import audit_clean
from tests.pages.reader import Page, Reader
from tests.pages.reviews_help import read, reviewed

pytestmark = pytest.mark.anyio

CANARY = "<img src=x onerror=alert(1)>"


@pytest.fixture
async def mei(app, house) -> Reader:
    return await Reader(app, house).sign_in("mei")


@pytest.fixture
async def lin(app, house) -> Reader:
    return await Reader(app, house).sign_in("lin")


def counter(reader: Reader, path: str = "/reviews", store: str = "noodle-bar-lantern") -> str:
    return f"/m/{reader.store(store)}{path}"


async def test_the_owner_answers_and_words_it_anew(ann: Reader, mei: Reader, anybody: Reader):
    review = await reviewed(ann, 3, "有点咸")
    page = await mei.get(counter(mei))
    assert page.status == 200
    assert "有点咸" in page.text
    assert "待回复 1" in page.text
    done = await mei.send_and_follow(page, f"/reviews/{review}/replies", words="谢谢，我们会少放盐")
    assert "谢谢，我们会少放盐" in done.text
    assert "都回复了" in (await mei.get(counter(mei, "/reviews?show=unanswered"))).text
    shop = anybody.at(f"/stores/{ann.store('noodle-bar-lantern')}/reviews")
    assert "商家回复" in (await anybody.get(shop)).text
    assert (await mei.send(done, "/replies", words="  ")).status in (409, 422)
    again = await mei.get(counter(mei, f"/reviews/{review}"))
    assert (await mei.send(again, "/replies", words="已经改了配方")).status == 303
    seen = (await anybody.get(shop)).text
    assert "已经改了配方" in seen
    assert "少放盐" not in seen
    assert await audit_clean(ann.house.db)


async def test_an_answer_that_is_too_long_comes_back(ann: Reader, mei: Reader):
    review = await reviewed(ann, 3)
    page = await mei.get(counter(mei, f"/reviews/{review}"))
    refused = await mei.send(page, "/replies", words="谢" * 1001)
    assert refused.status == 422
    assert "谢" * 1001 in refused.html


async def test_who_may_not_answer(ann: Reader, app, house):
    """A cashier has no such page; another's shop is not found; guests have none of it."""
    review = await reviewed(ann, 1)
    tao = await Reader(app, house).sign_in("tao")
    assert (await tao.get(counter(tao))).status == 403
    assert (await ann.get(counter(ann))).status in (403, 404)
    lin = await Reader(app, house).sign_in("lin")
    assert (await lin.get(counter(lin))).status in (403, 404)
    token = (await tao.get(tao.at("/me"))).form("/sign-out").fields["_csrf_token"][0]
    forged = {"_csrf_token": token, "key": "a" * 20, "words": "我是店主"}
    assert (await tao.web.post(counter(tao, f"/reviews/{review}/replies"), data=forged)).status_code == 403
    assert (await read(house, review)).reply is None


async def test_the_operator_keeps_or_hides_with_one_tap(ann: Reader, bo: Reader, lin: Reader, anybody: Reader):
    good, bad = await reviewed(ann, 2, "真的不好吃"), await reviewed(ann, 1, "脏话")
    for review in (good, bad):
        page = await bo.get(bo.at(f"/reviews/{review}/report"))
        await bo.send(page, "/reports", reason="insult", words=CANARY)
    home = await lin.follow("/o")
    assert "被举报评价" in home.text
    queue = await lin.get(home.link("/reviews"))
    assert "<img src=x" not in queue.html
    kept = await lin.send_and_follow(queue, f"/reviews/{good}/decisions", decision="keep")
    assert "真的不好吃" not in kept.text
    empty = await lin.send_and_follow(kept, f"/reviews/{bad}/decisions", decision="hide:insult")
    assert "没有被举报的评价" in empty.text
    shop = await anybody.get(anybody.at(f"/stores/{ann.store('noodle-bar-lantern')}/reviews"))
    assert "真的不好吃" in shop.text
    assert "脏话" not in shop.text
    assert "1 条" in shop.text
    hidden = await lin.get("/o/qinghe/hidden")
    assert "辱骂攻击" in hidden.text
    back = await lin.send_and_follow(hidden, f"/reviews/{bad}/decisions", decision="restore")
    assert "没有被隐藏的评价" in back.text
    assert "脏话" in (await anybody.get(anybody.at(f"/stores/{ann.store('noodle-bar-lantern')}/reviews"))).text
    assert await audit_clean(ann.house.db)


async def hide(lin: Reader, review: str) -> None:
    page = await lin.get(f"/o/qinghe/reviews/{review}")
    assert (await lin.send(page, "/decisions", decision="hide:untrue")).status == 303


async def decided(lin: Reader, review: str, decision: str) -> Page:
    queue = await lin.get("/o/qinghe/appeals")
    return await lin.send_and_follow(queue, f"/appeals/{review}/", decision=decision)


async def test_an_author_appeals_and_is_heard(ann: Reader, lin: Reader):
    review = await reviewed(ann, 1, "等了一小时")
    await hide(lin, review)
    own = await ann.get(ann.at(f"/reviews/{review}"))
    assert "这条评价已被隐藏" in own.text
    assert "内容不实" in own.text
    refused = await ann.send(own, "/appeals", words=" ")
    assert refused.status == 422
    sent = await ann.send_and_follow(refused, "/appeals", words="我有小票 " + CANARY)
    assert "申诉处理中" in sent.text
    queue = await lin.get("/o/qinghe/appeals")
    assert "我有小票" in queue.text
    assert "<img src=x" not in queue.html
    assert "没有待处理的申诉" in (await decided(lin, review, "yes")).text
    assert "申诉通过" in (await ann.get(ann.at(f"/reviews/{review}"))).text
    assert (await read(ann.house, review)).state == "shown"
    assert await audit_clean(ann.house.db)


async def test_a_shop_appeals_and_is_refused(ann: Reader, mei: Reader, lin: Reader):
    review = await reviewed(ann, 1, "不好吃")
    page = await mei.get(counter(mei, f"/reviews/{review}"))
    sent = await mei.send_and_follow(page, "/appeals", words="同行差评")
    assert "申诉处理中" in sent.text
    await decided(lin, review, "no")
    assert "申诉未通过" in (await mei.get(counter(mei, f"/reviews/{review}"))).text
    assert (await read(ann.house, review)).state == "shown"
    everything = await lin.get(f"/o/qinghe/reviews/{review}")
    assert "同行差评" in everything.text
    assert "已驳回" in everything.text


async def test_only_the_operator_of_the_city_comes_in(
    ann: Reader, mei: Reader, anybody: Reader, lin: Reader, app, house
):
    pat = await Reader(app, house).sign_in("pat")
    review = await reviewed(ann, 1)
    pages = ["/o/qinghe", "/o/qinghe/reviews", "/o/qinghe/appeals", "/o/qinghe/hidden", f"/o/qinghe/reviews/{review}"]
    for path in pages:
        assert (await anybody.get(path)).status == 401
        assert (await ann.get(path)).status == 403
        assert (await mei.get(path)).status == 403
        assert (await lin.get(path)).status == 200
        assert (await pat.get(path)).status == 200
        assert (await lin.get(path.replace("qinghe", "linjiang"))).status == 404
    assert "选择城市" in (await pat.get("/o")).text
    token = (await mei.get(mei.at("/me"))).form("/sign-out").fields["_csrf_token"][0]
    forged = {"_csrf_token": token, "key": "b" * 20, "decision": "hide:untrue"}
    answer = await mei.web.post(f"/o/qinghe/reviews/{review}/decisions", data=forged)
    assert answer.status_code == 403
    nonsense = await lin.send(await lin.get(f"/o/qinghe/reviews/{review}"), "/decisions", decision="burn")
    assert nonsense.status == 422
    assert (await read(house, review)).state == "shown"
