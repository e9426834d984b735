"""Who got what of a gift: points and their money from the reserve to the supplier, by the rule in force, and back."""

from uuid import UUID

import pytest
from litestar import Litestar

from hutong import vouchers
from hutong.desk import rounds, waterfalls
from hutong.desk.waterfalls import Cascade
from hutong.infra import delivery
from hutong.kit.ids import OFFER, ORDER, REDEMPTION, VOUCHER
from hutong.vouchers import Voucher
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import at, mei, shown, tao
from tests.pages.test_waterfalls import lin, pat
from tests.world_mall import THERE, an_alliance_in, earns, parcel_of

pytestmark = pytest.mark.anyio
__all__ = ["lin", "mei", "pat", "tao"]
Parts = dict[str, int]


@pytest.fixture
async def grains(house: TestHouse) -> UUID:
    """The town's alliance; Ann has a thousand points."""
    programme_id = await an_alliance_in(house)
    await earns(house, programme_id, house.town.people["ann"], 1_000)
    return programme_id


async def exchanged(ann: Reader, slug: str, way: str = "", **form: str) -> UUID:
    """The order of one piece of a gift, whose cash (if any) is paid."""
    house = ann.house
    ask = await ann.get(f"/c/qinghe/mall/{OFFER.show(house.town.offers[slug], house.town.city_id)}/exchange{way}")
    done = await ann.send(ask, "/exchange", **form)
    assert done.status == 303, done.text
    where = done.headers["location"]
    if where.endswith("/payment"):
        number = where.split("/orders/")[1].split("/")[0]
        await ann.pay_all()
        return ORDER.read_local(number)[1]
    page = await ann.get(where)
    return ORDER.read_local(page.link("/orders/ord_").split("/orders/")[1].split("/")[0].split("?")[0])[1]


async def unit_of(house: TestHouse, order_id: UUID) -> Voucher:
    async with house.db.reading(house.town.city_id) as tx:
        (unit,) = await vouchers.of_orders(tx, [order_id], city_id=house.town.city_id)
    return unit


async def use_of(house: TestHouse, order_id: UUID) -> str:
    unit = await unit_of(house, order_id)
    async with house.db.reading(house.town.city_id) as tx:
        (use,) = await vouchers.uses_of(tx, [unit.voucher_id], city_id=house.town.city_id)
    return REDEMPTION.show(use.redemption_id, house.town.city_id)


async def told(house: TestHouse) -> None:
    """What follows from facts."""
    await delivery.catch_up(house.db, registry=rounds.registry(house), now=house.clock.now())


async def cascade(house: TestHouse, order_id: UUID) -> Cascade:
    """The whole of the order, which adds up."""
    it = await waterfalls.of_order(house, house.town.city_id, order_id)
    assert it.flow.adds_up
    assert it.told is None or it.told.agrees
    assert await audit_clean(house.db)
    return it


def sums(it: Cascade, asset: str) -> tuple[Parts, Parts, int]:
    """Who gave, who got, and what is held of an asset."""
    one = it.flow.of(asset)
    assert one is not None
    gave = {part.party.kind: -part.amount.units for part in one.gave}
    return gave, {part.party.kind: part.amount.units for part in one.got}, one.left.units


def route(it: Cascade, asset: str) -> list[tuple[str, str, int]]:
    return [
        (row.source.path.split("/")[0], row.target.path.split("/")[0], row.amount.units)
        for row in it.flow.falls
        if row.amount.asset == asset
    ]


def version(it: Cascade, grains: UUID) -> bool:
    """Whether every row of the points and of what backs them names the rule's version."""
    rows = [row for row in it.flow.falls if row.event.startswith("programmes.")]
    return bool(rows) and {row.rule for row in rows} == {f"{grains}/1"}


def tells(page: Page, *words: str) -> None:
    assert page.status == 200, page.text
    assert page.inline == []
    assert "It adds up" in page.text or "账目相符" in page.text
    for one in words:
        assert one in page.text, one


async def test_points_for_an_egg_that_is_fetched(
    ann: Reader, tao: Reader, mei: Reader, lin: Reader, pat: Reader, app: Litestar, house: TestHouse, grains: UUID
):
    """60 points of 5 fen: the reserve gives 3.00, the supplier gets 3.00; each who has a part in it opens it."""
    order_id = await exchanged(ann, "gift-egg")
    before = await cascade(house, order_id)
    assert sums(before, "CNY") == ({"reserve": 300}, {}, 300)
    assert sums(before, "GRAIN")[2] == 0
    unit, city = await unit_of(house, order_id), house.town.city_id
    await tao.send(await shown(tao, unit.code), "/redemptions")
    await told(house)
    after = await cascade(house, order_id)
    assert sums(after, "CNY") == ({"reserve": 300}, {"merchant": 300}, 0)
    assert sums(after, "GRAIN") == ({"member": 60}, {"redeemed": 60}, 0)
    assert route(after, "CNY") == [
        ("reserve", "clearing", 300), ("clearing", "escrow", 300), ("escrow", "payable", 300),
    ]  # fmt: skip
    assert version(after, grains)

    order, use = ORDER.show(order_id, city), await use_of(house, order_id)
    mine = await ann.get(f"/c/qinghe/vouchers/{VOUCHER.show(unit.voucher_id, city)}?lang=en")
    tells(await ann.get(mine.link("/money")), "60 Points", "¥3", "Reserve behind points")
    counter = await mei.get(at(mei, f"/redemptions/{use}"))
    tells(await mei.get(counter.link("/money")), "60 Points", "¥3", "Version", "Merchant")
    tells(await mei.get((await mei.get(at(mei, f"/orders/{order}"))).link("/money")), "¥3")
    tells(await lin.get(f"/o/qinghe/earnings/{use}/money"), "60 Points", "¥3", "Version")
    tells(await pat.get(f"/platform/flow?number={order}"), "60 Points", "¥3", "Version")
    assert not [link for link in (await tao.get(at(tao, f"/redemptions/{use}"))).links if link.endswith("/money")]
    bo = await Reader(app, house, language="en").sign_in("bo")
    for path in (
        mine.link("/money").split("?")[0], f"/c/qinghe/orders/{order}/money", at(bo, f"/orders/{order}/money"),
        at(bo, f"/statement/{use}/money"), f"/o/qinghe/earnings/{use}/money", f"/platform/flow?number={order}",
    ):  # fmt: skip
        assert (await bo.get(path)).status in (403, 404), path
    assert (await tao.get(at(tao, f"/orders/{order}/money"))).status == 403


async def test_points_and_cash_for_a_bag(ann: Reader, tao: Reader, house: TestHouse, grains: UUID):
    """200 points and 5.00: of the points' 10.00 the supplier's cost takes 9.00, 1.00 is the programme's. The cash earns
    five points, for which the shop's money stands."""
    order_id = await exchanged(ann, "gift-bag")
    unit = await unit_of(house, order_id)
    await tao.send(await shown(tao, unit.code), "/redemptions")
    await told(house)
    it = await cascade(house, order_id)
    assert it.told is not None
    assert it.told.paid.units == 500
    assert sums(it, "CNY") == (
        {"reserve": 975, "buyer": 500, "funding": 25}, {"merchant": 1_400, "programme": 100}, 0
    )  # fmt: skip
    assert sums(it, "GRAIN") == ({"member": 195, "issued": 5}, {"redeemed": 200}, 0)
    assert version(it, grains)


async def test_a_parcel_is_paid_when_it_has_arrived(ann: Reader, mei: Reader, house: TestHouse, grains: UUID):
    """300 points for a bowl of 15.00: held while it is on its way, the supplier's when it has arrived."""
    order_id = await exchanged(
        ann, "gift-bowl", "?way=delivery", name=THERE.name, phone=THERE.phone, line=THERE.line
    )  # fmt: skip
    number = ORDER.show(order_id, house.town.city_id)
    parcel = await mei.get(at(mei, f"/parcels/{number}"))
    await mei.send(parcel, "/sent", carrier="SF", number="SF1")
    assert sums(await cascade(house, order_id), "CNY") == ({"reserve": 1_500}, {}, 1_500)
    await mei.send(await mei.get(parcel.path), "/delivered")
    await told(house)
    assert (await parcel_of(house, order_id)).state == "delivered"
    it = await cascade(house, order_id)
    assert sums(it, "CNY") == ({"reserve": 1_500}, {"merchant": 1_500}, 0)
    assert version(it, grains)
    tells(await mei.get((await mei.get(parcel.path)).link("/money")), "300 Points", "¥15")


async def test_what_is_given_back_is_told_with_its_way_back(
    ann: Reader, mei: Reader, pat: Reader, house: TestHouse, grains: UUID
):
    """A gift for points and cash, unused and given back: nobody gave and nobody got, and every row is there."""
    order_id = await exchanged(ann, "gift-bag")
    unit, city = await unit_of(house, order_id), house.town.city_id
    right = await ann.get(f"/c/qinghe/vouchers/{VOUCHER.show(unit.voucher_id, city)}")
    back = await ann.send(await ann.get(right.link("/refund")), "/refunds")
    assert back.status == 303, back.text
    await house.courier.round(city)
    await told(house)
    it = await cascade(house, order_id)
    cash = it.flow.of("CNY")
    assert cash is not None
    assert ("escrow", "clearing", 900) in route(it, "CNY")
    assert ("clearing", "reserve", 900) in route(it, "CNY")
    assert ("escrow", "provider", 500) in route(it, "CNY")
    assert (cash.given.units, cash.received.units, cash.left.units) == (0, 0, 0)
    assert sums(it, "GRAIN") == ({}, {}, 0)
    assert version(it, grains)
    tells(await mei.get(at(mei, f"/orders/{ORDER.show(order_id, city)}/money")))
    tells(await pat.get(f"/platform/flow?number={ORDER.show(order_id, city)}"))
