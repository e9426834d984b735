"""A budget for each device: two members on one phone use it once. Its number is random and serves nothing else."""

import pytest

from hutong.kit.clock import ManualClock
from hutong.pricing import Budget
from hutong.web.shared.visit import DEVICE
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.savings_help import PLENTY, a_rule

pytestmark = pytest.mark.anyio
ONCE = (PLENTY, Budget(attribute="device", most_uses=1))


def checkout(reader: Reader) -> str:
    return reader.at(f"/checkout?offer={reader.deal('two-bowls')}&quantity=1")


async def one_for_each_device(house: TestHouse, clock: ManualClock) -> None:
    """10.00 off by itself, once for each device."""

    class Shop:
        merchant = house.town.noodle_bar

    await a_rule(house.db, clock.now(), lane=Shop, trigger="auto", budgets=ONCE)  # type: ignore[arg-type]


async def lent_to(reader: Reader, who: str, app, house: TestHouse) -> Reader:
    """The same phone in another member's hands: only the number of the device stays."""
    other = await Reader(app, house).sign_in(who)
    other.web.cookies.set(DEVICE, reader.web.cookies[DEVICE])
    return other


async def test_two_members_on_one_phone_use_a_budget_per_device_once(
    ann: Reader, house: TestHouse, clock: ManualClock, app
):
    await one_for_each_device(house, clock)
    await ann.buy()
    bo = await lent_to(ann, "bo", app, house)
    page = await bo.get(checkout(bo))
    assert "合计 ¥ 68" in page.text
    done = await bo.send(page, "/checkout")
    assert done.status == 303, done.text
    own = await Reader(app, house).sign_in("mei")  # on a phone of her own
    assert "合计 ¥ 58" in (await own.get(checkout(own))).text
    assert await audit_clean(house.db)


async def test_control_without_the_number_of_the_phone_each_member_uses_it(
    ann: Reader, house: TestHouse, clock: ManualClock, app
):
    await one_for_each_device(house, clock)
    await ann.buy()
    bo = await lent_to(ann, "bo", app, house)
    bo.web.cookies.delete(DEVICE)
    assert "合计 ¥ 58" in (await bo.get(checkout(bo))).text


async def test_the_number_is_random_unreadable_for_scripts_and_only_given_to_who_buys(
    ann: Reader, anybody: Reader, house: TestHouse
):
    for path in ("/", "/nearby", f"/deals/{anybody.deal('two-bowls')}", "/coupons"):
        for reader in (anybody, ann) if path != "/coupons" else (anybody,):
            assert (await reader.get(reader.at(path))).status == 200
            assert DEVICE not in reader.web.cookies, path
    page = await ann.get(checkout(ann))
    [given] = [one for one in page.headers.get_list("set-cookie") if one.startswith(f"{DEVICE}=")]
    assert "HttpOnly" in given
    assert "SameSite=lax" in given
    first = ann.web.cookies[DEVICE]
    assert len(first) == 32
    await ann.get(checkout(ann))
    assert ann.web.cookies[DEVICE] == first
    await ann.order()
    async with house.db.reading(house.town.city_id) as tx:
        found = await tx.value(
            "select count(*)::int from pricing.uses u where u.city_id = %(c)s and u::text like %(t)s",
            c=house.town.city_id, t=f"%{first}%",
        )  # fmt: skip
    assert found == 0, "what is kept is a digest"


async def test_what_is_no_number_of_ours_is_as_good_as_none(ann: Reader, house: TestHouse, clock: ManualClock):
    await one_for_each_device(house, clock)
    ann.web.cookies.set(DEVICE, "x" * 400)
    assert (await ann.get(checkout(ann))).status == 200
