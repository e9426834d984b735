"""After the counter: the history, the undo, and what is refused there."""

from datetime import timedelta

import pytest

from hutong.infra.ids import new_id
from hutong.kit.access import Role
from hutong.kit.clock import ManualClock
from hutong.people import GiveRole, grant
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.pages.test_merchant_counter import at, held, mei, shown, tao, tone, used_up

pytestmark = pytest.mark.anyio
__all__ = ["mei", "tao"]


async def manager(app, house: TestHouse, who: str = "bo") -> Reader:
    """Somebody who leads the store in Lantern Lane, and no other."""
    town = house.town
    place = {"city_id": town.city_id, "merchant_id": town.noodle_bar, "store_id": town.stores["noodle-bar-lantern"]}
    async with house.db.central() as tx:
        role = GiveRole(grant_id=new_id(), member_id=town.people[who], role=Role.STORE_MANAGER, by=None, **place)
        await grant(tx, [role], now=house.clock.now())
    return await Reader(app, house).sign_in(who)


async def redeemed(staff: Reader, ann: Reader, slug: str = "two-bowls") -> str:
    """Ann's voucher is used; the address of the redemption, as the history shows it."""
    [unit] = await held(ann, slug)
    answer = await staff.send(await shown(staff, unit.code), "/redemptions")
    assert answer.status == 303, answer.text
    return answer.headers["location"].partition("?")[0]


async def test_undo_takes_two_taps_from_the_history(ann: Reader, tao: Reader, house: TestHouse):
    [unit] = await held(ann)
    await tao.send(await shown(tao, unit.code), "/redemptions")
    rows = await tao.get(at(tao, "/history"))
    detail = await tao.get(rows.link("/redemptions/"))  # one
    assert "撤销这次核销" in detail.text
    back = await tao.send_and_follow(detail, "/reversals", reason="guest_left")  # two
    assert "已撤销" in back.text
    assert "顾客未消费" in back.text
    assert (await used_up(house, unit)).state == "valid"
    assert "已撤销" in (await tao.get(at(tao, "/history"))).text
    again = await tao.send(detail, "/reversals", reason="guest_left")
    assert again.status == 303  # the same tap again is the same undo
    assert tone(await tao.send_and_follow(await shown(tao, unit.code), "/redemptions"))[0] == "good"
    assert await audit_clean(house.db)


async def test_after_the_window_only_the_manager_undoes(
    ann: Reader, tao: Reader, app, house: TestHouse, clock: ManualClock
):
    path = await redeemed(tao, ann)
    page = await tao.get(path)
    clock.move(timedelta(minutes=61))
    late = await tao.send(page, "/reversals")
    assert (late.status, tone(late)) == (409, ("warn", "undo_window_over"))
    seen = await tao.get(path)
    assert [form.action for form in seen.forms if "reversals" in form.action] == []
    leader = await manager(app, house)
    assert "已撤销" in (await leader.send_and_follow(await leader.get(path), "/reversals")).text
    assert await audit_clean(house.db)


async def test_a_redemption_of_another_store_is_not_found(ann: Reader, mei: Reader, tao: Reader):
    [unit] = await held(ann)
    answer = await mei.send(await shown(mei, unit.code, "noodle-bar-ferry"), "/redemptions")
    path = answer.headers["location"].partition("?")[0]
    here = path.replace(mei.store("noodle-bar-ferry"), mei.store("noodle-bar-lantern"))
    assert (await mei.get(path)).status == 200
    assert (await mei.get(here)).status == 404
    assert (await tao.get(here)).status == 404
    assert (await tao.get(path)).status == 404
    form = (await mei.get(path)).form("/reversals")
    wrong = await mei.web.post(
        form.action.replace(mei.store("noodle-bar-ferry"), mei.store("noodle-bar-lantern")), data=form.fields
    )
    assert wrong.status_code == 404


async def test_a_cashier_sees_today_and_a_manager_further_back(
    ann: Reader, tao: Reader, app, house: TestHouse, clock: ManualClock
):
    await redeemed(tao, ann)
    clock.move(timedelta(days=1))
    fresh = await Reader(app, house).sign_in("tao")
    for period in ("today", "days30", "nonsense"):
        assert "双人招牌面套餐" not in (await fresh.get(at(fresh, f"/history?period={period}"))).text
    leader = await manager(app, house)
    assert "双人招牌面套餐" in (await leader.get(at(leader, "/history?period=week"))).text
    assert "双人招牌面套餐" not in (await leader.get(at(leader, "/history"))).text


async def test_the_history_goes_on_after_a_page(ann: Reader, bo: Reader, tao: Reader):
    for buyer in [ann] * 5 + [bo] * 3:
        units = await held(buyer, quantity=4)
        await tao.send(await shown(tao, units[0].code), "/redemptions", count="4")
    first = await tao.get(at(tao, "/history"))
    rows = [link for link in first.links if "/redemptions/" in link]
    second = await tao.get(first.link("after="))
    rest = [link for link in second.links if "/redemptions/" in link]
    assert (len(rows), len(rest)) == (30, 2)
    assert len({*rows, *rest}) == 32
    assert not [link for link in second.links if "after=" in link and "lang=" not in link]


async def test_who_leads_narrows_the_history_and_a_cashier_cannot(ann: Reader, tao: Reader, mei: Reader, app, house):
    """By store, person, state and days; whatever a cashier asks for, he sees today at his own counter."""
    [first], [second], [third] = await held(ann), await held(ann), await held(ann)
    await tao.send(await shown(tao, first.code), "/redemptions")
    await mei.send(await shown(mei, second.code, "noodle-bar-ferry"), "/redemptions")
    undone = await mei.send_and_follow(await shown(mei, third.code), "/redemptions")
    await mei.send(undone, "/reversals")
    codes = {"first": first.code_tail, "second": second.code_tail, "third": third.code_tail}

    async def seen(reader: Reader, query: str) -> set[str]:
        page = await reader.get(at(reader, f"/history?{query}"))
        assert page.status == 200
        return {name for name, tail in codes.items() if tail in page.text}

    staff = (await mei.get(at(mei, "/history"))).html
    by_tao = staff.split(">小涛<")[0].rsplit('value="', 1)[1].split('"')[0]
    assert await seen(mei, "period=today") == {"first", "third"}
    assert await seen(mei, "at=all") == {"first", "second", "third"}
    assert await seen(mei, f"at={mei.store('noodle-bar-ferry')}") == {"second"}
    assert await seen(mei, f"at={mei.store('four-joys-drum')}") == {"first", "third"}  # not hers: this counter
    assert await seen(mei, "state=standing") == {"first"}
    assert await seen(mei, "state=undone") == {"third"}
    assert await seen(mei, f"at=all&staff={by_tao}") == {"first"}
    assert await seen(mei, "from=2026-11-19&to=2026-11-19") == set()
    assert await seen(mei, "from=2026-11-20&to=2026-11-21") == {"first", "third"}
    assert await seen(mei, "from=nonsense&to=&state=%20") == {"first", "third"}
    assert await seen(tao, "at=all&from=2026-11-01&to=2026-11-30") == {"first", "third"}
    page = await tao.get(at(tao, "/history"))
    assert 'name="from"' not in page.html
    assert 'name="at"' not in page.html


async def test_refused_scans_are_kept_with_their_reason(ann: Reader, tao: Reader):
    [theirs] = await held(ann, "four-plates")
    await shown(tao, theirs.code)
    await shown(tao, "000000000000")
    page = await tao.get(at(tao, "/history?state=refused"))
    assert "其他商家的券" in page.text
    assert "没有这张券" in page.text
    assert theirs.code not in page.text


@pytest.mark.parametrize("tail", ["/redemptions/red_1_x", "/redemptions/nonsense", "/history?after=red_1_x"])
async def test_addresses_that_lead_nowhere(tao: Reader, tail: str):
    assert (await tao.get(at(tao, tail))).status == 404
