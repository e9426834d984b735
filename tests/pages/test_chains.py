"""A chain on pages: a head office asks a shop in, its owner agrees, and who sees and pays what follows from that."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from litestar import Litestar

from hutong import ledger, merchants, people, programmes
from hutong.desk import chains, clearings, pointing
from hutong.infra.ids import new_id
from hutong.kit.access import Role
from hutong.kit.clock import ManualClock
from hutong.kit.ids import MERCHANT
from hutong.kit.money import Amount
from hutong.ledger import Account, Book, Transfer, chart
from hutong.people import GiveRole
from hutong.programmes import Rate
from tests.conftest import audit_clean, fires
from tests.db.breaking import break_it
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import at, mei, tao
from tests.world_mall import an_alliance_in, earns

pytestmark = pytest.mark.anyio
__all__ = ["mei", "tao"]
DECEMBER = datetime(2026, 12, 1, 4, tzinfo=UTC)


@pytest.fixture
async def grains(house: TestHouse) -> UUID:
    return await an_alliance_in(house)


@pytest.fixture
async def joy(app: Litestar, house: TestHouse) -> Reader:
    """Bo owns Four Joys here."""
    role = GiveRole(
        grant_id=new_id(), member_id=house.town.people["bo"], role=Role.MERCHANT_OWNER, by=None,
        merchant_id=house.town.merchants["four-joys"],
    )  # fmt: skip
    async with house.db.central() as tx:
        await people.grant(tx, [role], now=house.clock.now())
    return await Reader(app, house, language="en").sign_in("bo")


def there(reader: Reader, path: str) -> str:
    """At the counter of Four Joys."""
    store = next(name for name in reader.house.town.stores if name.startswith("four-joys"))
    return f"/m/{reader.store(store)}{path}"


def own(page: Page) -> Page:
    """The page with the forms of the chain itself first, before those of its shops."""
    page.forms.sort(key=lambda form: not form.action.endswith("/chain"))
    return page


async def rich(house: TestHouse, units: int) -> None:
    """Noodle Bar has earned this much, by a transfer of the test."""
    earned = Transfer(
        id=new_id(), book=Book.city(house.town.city_id), debit=Account("test/till", "debit", may_overdraw=True),
        credit=chart.payable_merchant(house.town.noodle_bar), amount=Amount(units, "CNY"), event="test", ref=new_id(),
    )  # fmt: skip
    await house.db.run_city(house.town.city_id, lambda tx: ledger.post(tx, [earned], now=house.clock.now()))


async def left(house: TestHouse, programme_id: UUID, merchant_id: UUID) -> int:
    async with house.db.reading() as tx:
        return (await programmes.funding(tx, programme_id, [merchant_id]))[merchant_id].left.units


async def test_a_head_office_and_its_shop(
    mei: Reader, joy: Reader, tao: Reader, clock: ManualClock, house: TestHouse, grains: UUID
):
    """Mei makes a chain and asks Four Joys in, takes that back and asks again; nothing of it is seen before its owner
    agrees, and nothing after he has left."""
    joys = house.town.merchants["four-joys"]
    shop = at(mei, f"/chain/shops/{MERCHANT.show(joys)}")
    assert (await tao.get(at(tao, "/chain"))).status == 403
    page = await mei.get(at(mei, "/chain"))
    assert page.inline == []
    formed = await mei.send_and_follow(own(page), "/chain", name="Lane Kitchens")
    assert "The chain is made" in formed.text
    asked = await mei.send_and_follow(own(formed), "/chain", what="ask", number=MERCHANT.show(joys))
    assert "Asked" in asked.text
    assert (await mei.get(shop)).status == 404, "asked is not let in"
    assert "It is ended" in (await mei.send_and_follow(asked, shop)).text, "a question can be taken back"
    clock.move(timedelta(minutes=1))
    await mei.send_and_follow(own(await mei.get(at(mei, "/chain"))), "/chain", what="ask", number=MERCHANT.show(joys))
    assert (await mei.send(own(asked), "/chain", what="ask", number="mer_nothing")).status == 404

    invited = await joy.get(there(joy, "/chain"))
    assert "Lane Kitchens" in invited.text
    assert "You are in the chain" in (await joy.send_and_follow(own(invited), "/chain", what="join")).text
    seen = await mei.get(at(mei, "/chain"))
    assert shop in seen.html
    assert seen.inline == []
    out = await joy.send_and_follow(own(await joy.get(there(joy, "/chain"))), "/chain", what="leave")
    assert "It is ended" in out.text
    assert (await mei.get(shop)).status == 404
    assert (await mei.send(own(seen), "/chain", what="rate", points="900", each="1")).status == 422
    assert await audit_clean(house.db)


async def test_what_a_head_office_does_for_a_shop(
    mei: Reader, joy: Reader, clock: ManualClock, house: TestHouse, grains: UUID
):
    """A block is paid out of what Noodle Bar has earned, the round keeps what was promised as far as the money goes,
    one rate holds for both, and the shop's statement is there; until it leaves."""
    joys, town = house.town.merchants["four-joys"], house.town
    shop = at(mei, f"/chain/shops/{MERCHANT.show(joys)}")
    formed = await mei.send_and_follow(await mei.get(at(mei, "/chain")), "/chain", name="Lane Kitchens")
    await mei.send_and_follow(formed, "/chain", what="ask", number=MERCHANT.show(joys))
    await joy.send_and_follow(await joy.get(there(joy, "/chain")), "/chain", what="join")
    before = await left(house, grains, joys)
    poor = await mei.send(await mei.get(shop), shop, what="pay", amount="30")
    assert poor.status == 409, "more than it has earned is never paid"
    await rich(house, 5_000)
    paid = await mei.send_and_follow(await mei.get(shop), shop, what="pay", amount="30")
    assert "Paid into" in paid.text
    assert await left(house, grains, joys) == before + 3_000
    kept = await mei.send_and_follow(await mei.get(shop), shop, what="keep", amount="60")
    assert "Saved" in kept.text
    for _ in range(2):
        await chains.top_up(house.db, town.city_id, clock.now())
    assert await left(house, grains, joys) == before + 5_000, "as far as it goes, and never below zero"
    await rich(house, 9_000)
    await chains.top_up(house.db, town.city_id, clock.now())
    assert await left(house, grains, joys) == 6_000
    rated = await mei.send_and_follow(
        own(await mei.get(at(mei, "/chain"))), "/chain", what="rate", points="2", each="1"
    )
    assert "for all now" in rated.text
    async with house.db.reading() as tx:
        stand = await programmes.partners(tx, grains, ids=[joys, town.noodle_bar])
    assert {one.rate for one in stand} == {Rate(points=2, per_units=100)}
    assert await audit_clean(house.db)

    await earns(house, grains, town.people["ann"], 100)
    async with house.db.reading() as tx:
        ann = (await people.actors(tx, [town.people["ann"]]))[town.people["ann"]]
    await pointing.donate(house, town.city_id, ann, grains, joys, 80, key="a" * 20)
    clock.set(DECEMBER)
    assert (await clearings.clear(house.db, clock.now())).closed == 1
    file = (await mei.get(shop)).link("/xlsx")
    assert (await mei.web.get(file)).content[:2] == b"PK"
    assert (await mei.web.get(file.replace("xlsx", "txt"))).status_code == 200

    out = await joy.send_and_follow(own(await joy.get(there(joy, "/chain"))), "/chain", what="leave")
    assert "It is ended" in out.text
    assert (await mei.get(shop)).status == 404
    assert (await mei.web.get(file)).status_code == 404
    assert (await mei.send(kept, shop, what="pay", amount="1")).status == 404
    await chains.top_up(house.db, town.city_id, clock.now())
    assert await left(house, grains, joys) == 6_000
    assert await audit_clean(house.db)


async def test_a_chain_has_one_head_and_a_shop_one_chain(
    mei: Reader, joy: Reader, house: TestHouse, grains: UUID, database_url: str
):
    """Both make a chain and ask each other: nobody gets in. What the constraints forbid, the audit finds."""
    joys, noodles = house.town.merchants["four-joys"], house.town.noodle_bar
    for reader, path, other in ((mei, at(mei, "/chain"), joys), (joy, there(joy, "/chain"), noodles)):
        page = await reader.send_and_follow(own(await reader.get(path)), "/chain", name="A chain")
        if reader is joy:
            assert (await reader.send(own(page), "/chain", what="ask", number=MERCHANT.show(other))).status == 409
            assert (await reader.send(own(page), "/chain", what="join")).status == 404
    page = await mei.get(at(mei, "/chain"))
    assert (await mei.send(own(page), "/chain", what="ask", number=MERCHANT.show(joys))).status == 409
    assert (await mei.send(own(page), "/chain", what="ask", number=MERCHANT.show(noodles))).status == 409
    assert await audit_clean(house.db)
    async with house.db.reading() as tx:
        found = await merchants.chains_of(tx, [noodles, joys])
    assert {one.head_id for one in found.values()} == {noodles, joys}
    chain, other = found[noodles].chain_id, found[joys].chain_id
    row = "insert into merchants.chain_shops (chain_id, merchant_id, asked_at, keep_units) values"
    break_it(database_url, [f"{row} ('{chain}', '{noodles}', now(), 0)"])
    assert await fires(house.db, "MER13")
    assert not await fires(house.db, "MER12")
    break_it(
        database_url,
        ["drop index merchants.chain_shops_merchant_key", f"{row} ('{other}', '{noodles}', now(), 0)"],
    )
    assert await fires(house.db, "MER12")
    block = "insert into programmes.blocks (programme_id, block_id, partner_id, city_id, units, debit_path, at) values"
    break_it(
        database_url,
        [f"{block} ('{grains}', '{new_id()}', '{joys}', 1, 5, 'payable/merchant/{noodles}', now())"],
    )
    assert await fires(house.db, "PG25")
