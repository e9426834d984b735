"""The pages about the counter without a network: limits and the loss they mean, devices, conflicts and their owners."""

from datetime import timedelta
from typing import Any

import pytest

from hutong.infra.ids import new_id
from hutong.kit.clock import ManualClock
from hutong.kit.ids import DEVICE
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.offline_play import Key, Phone, Till, bought, switch_on
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import at, mei, tao
from tests.pages.test_merchant_past import manager

pytestmark = pytest.mark.anyio
__all__ = ["mei", "tao"]
LIMITS = {"face": "200", "count": "50", "amount": "3000", "hours": "12"}


async def conflicting(house: TestHouse, clock: ManualClock) -> None:
    """Two tills without a network accept one voucher; both tell of it later."""
    await switch_on(house)
    left, right = [await Till.enrol(house, name=name) for name in ("前台平板", "收银台手机")]
    for till in (left, right):
        await till.pull()
    (unit,) = await bought(house)
    phone = Phone(house, "ann")
    await phone.fetch(unit.voucher_id)
    for till in (left, right):
        clock.move(timedelta(minutes=1))
        assert till.accept(phone.text(unit.voucher_id, clock.now()), clock.now()) == "accepted"
    clock.move(timedelta(minutes=5))
    assert [one.outcome for till in (left, right) for one in await till.upload()] == ["redeemed", "conflict"]


async def enrol(reader: Reader, page: Page, **changes: Any) -> Page:
    form = next(one for one in page.forms if one.action.endswith("/offline/devices")).fields
    fields = {name: values for name, values in form.items() if values} | {
        "public_key": Key().public.hex(), "name": "Tablet", **changes,
    }  # fmt: skip
    return Page(await reader.web.post(at(reader, "/offline/devices"), data=fields))


async def test_the_loss_is_shown_before_the_owner_agrees(mei: Reader, house: TestHouse):
    page = await mei.get(at(mei, "/offline"))
    assert page.status == 200
    assert page.inline == []
    assert "Off" in page.text
    assert (await enrol(mei, page)).status == 303
    looked = await mei.send(await mei.get(at(mei, "/offline")), "/offline/limits", then="look", **LIMITS)
    assert "The most you can lose" in looked.text
    assert "¥3,000" in looked.text  # one device, at most so much
    on = await mei.send_and_follow(looked, "/offline/limits", then="set")
    assert "Saved" in on.text
    assert "On" in on.text
    more = await enrol(mei, on, name="Second tablet", declared="0")
    assert more.status in (409, 422)  # a second device doubles it: agreed to, or not enrolled
    assert (await enrol(mei, on, name="Second tablet")).status == 303
    both = await mei.get(at(mei, "/offline"))
    assert "¥6,000" in both.text
    off_form = next(
        form for form in both.forms if "limits" in form.action and set(form.fields) == {"_csrf_token", "key"}
    )
    gone = await mei.web.post(off_form.action, data=off_form.fields | {"then": "off"})
    assert gone.status_code == 303
    assert "¥6,000" not in (await mei.get(at(mei, "/offline"))).text
    assert await audit_clean(house.db)


async def test_limits_that_make_no_sense_are_refused(mei: Reader):
    page = await mei.get(at(mei, "/offline"))
    for wrong in ({"hours": "25"}, {"count": "0"}, {"face": "-1"}, {"amount": "x"}):
        answer = await mei.send(page, "/offline/limits", then="look", **(LIMITS | wrong))
        assert answer.status in (400, 422), wrong


async def test_a_device_is_revoked(mei: Reader):
    await enrol(mei, await mei.get(at(mei, "/offline")))
    page = await mei.get(at(mei, "/offline"))
    gone = await mei.send_and_follow(page, "/revoke")
    assert "The device is revoked" in gone.text
    assert not [form for form in gone.forms if "/revoke" in form.action]


async def test_a_conflict_has_an_owner_and_ends_with_a_note(
    mei: Reader, tao: Reader, house: TestHouse, clock: ManualClock
):
    assert "Nothing to look after" in (await mei.get(at(mei, "/conflicts"))).text
    await conflicting(house, clock)
    page = await mei.get(at(mei, "/conflicts"))
    assert page.inline == []
    for words in ("Two bowls set", "¥68", "Used elsewhere", "收银台手机", "The merchant", "小涛"):
        assert words in page.text, words
    assert "1 offline conflict" in (await mei.get(at(mei, "/today"))).text
    empty = await mei.send(page, "/conflicts/", note="   ")
    assert empty.status in (400, 422)
    done = await mei.send_and_follow(page, "/conflicts/", note="顾客补了一碗面的钱")
    assert "顾客补了一碗面的钱" in done.text
    assert "梅姐" in done.text
    assert not [form for form in done.forms if "/conflicts/" in form.action]
    again = await mei.send_and_follow(page, "/conflicts/", note="顾客补了一碗面的钱")
    assert again.status == 200  # the same note twice is once
    assert await audit_clean(house.db)


async def test_who_leads_may_look_and_a_cashier_may_not(
    mei: Reader, tao: Reader, app, house: TestHouse, clock: ManualClock
):
    await conflicting(house, clock)
    for path in ("/offline", "/conflicts"):
        assert (await tao.get(at(tao, path))).status == 403
    leader = await manager(app, house)
    shown = await leader.get(at(leader, "/offline"))
    assert "只有店主可以更改限额" in shown.text
    assert not [form for form in shown.forms if form.action.endswith("/offline/limits")]
    forged = {"_csrf_token": shown.form("/offline/devices").fields["_csrf_token"][0], "key": new_id().hex, **LIMITS}
    answer = await leader.web.post(at(leader, "/offline/limits"), data=forged | {"then": "off"})
    assert answer.status_code == 403
    assert "双人招牌面套餐" in (await leader.get(at(leader, "/conflicts"))).text
    stranger = DEVICE.show(new_id(), house.town.city_id)
    token = {"_csrf_token": forged["_csrf_token"], "key": new_id().hex, "note": "x"}
    for seq in ("1", "x", "9" * 17):
        answer = await leader.web.post(at(leader, f"/conflicts/{stranger}/{seq}"), data=token)
        assert answer.status_code == 404, seq
