"""A team in a real browser: a friend follows the link, joins with one tap and pays with the next."""

from datetime import timedelta

import pytest
from msgspec import structs
from playwright.async_api import Browser

from hutong import catalog, groups, orders
from hutong.catalog import Draft, Team
from hutong.infra.ids import new_id
from hutong.kit.ids import OFFER, PAYMENT, TEAM
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.orders import Choice, Place, Wanted
from hutong.payments import ProviderPayment
from tests.browser.test_taps import phone_of, provider
from tests.conftest import audit_clean
from tests.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.xdist_group("groups")]
JOIN_AND_PAY = 2


async def a_team_deal(world: World) -> Draft:
    """Noodles for teams of two, like the deal of two bowls."""
    now = world.clock.now()
    async with world.house.db.reading(world.city) as tx:
        (like,) = await catalog.offers(tx, [world.house.town.offers["two-bowls"]], city_id=world.city)
    assert like is not None
    draft = Draft(
        offer_id=new_id(), merchant_id=like.merchant_id, by=None, category=like.category, trade=like.trade,
        title=Text(zh="双人面 · 拼团", en="Noodles for two, bought together"), price=Amount(5_000, "CNY"),
        list_price=Amount(9_000, "CNY"), terms=structs.replace(like.terms, valid_until=None, valid_days=30),
        store_ids=like.store_ids, form=Team(size=2, alone_units=6_000), sale_from=now - timedelta(days=1),
        sale_to=now + timedelta(days=20),
    )  # fmt: skip
    await world.run(lambda tx: catalog.publish(tx, [draft], city_id=world.city, now=now))
    return draft


async def opened_by_bo(world: World, draft: Draft) -> str:
    bo, now = world.actors["bo"], world.clock.now()
    ask = Place(
        order_id=new_id(), payment_id=new_id(), member_id=bo.member_id, member_name=bo.name, phone_tail=bo.phone_tail,
        wants=(Wanted(draft.offer_id, 1, Choice("open_team")),),
    )  # fmt: skip
    (placed,) = await world.run(
        lambda tx: orders.place(
            tx, [ask], city_id=world.city, now=now, schemes=world.house.schemes, hold_for=timedelta(minutes=15)
        )
    )
    paid = ProviderPayment(
        out_no=PAYMENT.show(placed.payment_id, world.city), state="captured", provider_no=f"P{placed.payment_id}",
        amount=placed.total,
    )  # fmt: skip
    await world.run(lambda tx: orders.receive(tx, [paid], city_id=world.city, now=now))
    return TEAM.show(groups.team_of(ask.order_id), world.city)


async def test_a_friend_joins_and_pays_in_two_taps(world: World, chromium: Browser):
    draft = await a_team_deal(world)
    shown = await opened_by_bo(world, draft)
    ann = await phone_of(world, chromium, "ann")
    await provider(world, ann)
    await ann.open(f"/c/qinghe/groups/{shown}")
    await ann.tap("a.buy")
    await ann.tap("[data-pay-now]")
    await ann.page.wait_for_url("**/vouchers/vch_*")
    await ann.page.wait_for_selector("[data-qr]")  # the team is complete: the code can be shown at once
    assert ann.taps <= JOIN_AND_PAY
    await ann.open(f"/c/qinghe/groups/{shown}")
    assert await ann.page.locator('[data-team="clinched"]').count() == 1
    assert await ann.page.locator(".faces .face:not(.free)").count() == 2
    await ann.open(f"/c/qinghe/deals/{OFFER.show(draft.offer_id, world.city)}")
    assert await ann.page.locator("a.btn[href*='way=open_team']").count() >= 1
    assert await ann.page.locator("a.btn[href*='way=alone']").count() >= 1
    poster = await ann.context.request.get(f"{world.house.settings.address}/c/qinghe/groups/{shown}/poster.svg")
    assert poster.status == 200
    assert "<svg" in await poster.text()
    assert await audit_clean(world.house.db)
