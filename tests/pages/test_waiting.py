"""Waiting for what is sold out, page by page: the need, the place, the turn, and leaving by the link of a message."""

import pytest

from hutong import inventory
from hutong.desk import lining, rounds
from hutong.infra.facts import Fact
from hutong.waitlist import leave_text, leave_token
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader

pytestmark = pytest.mark.anyio


async def stock(house: TestHouse, units: int) -> None:
    """Noodle Bar's two bowls with so many units more than are sold and held."""
    city = house.town.city_id
    async with house.db.city(city) as tx:
        quota = await tx.value(
            "select quota_id from catalog.offers where city_id = %(city)s and offer_id = %(id)s",
            city=city, id=house.town.offers["two-bowls"],
        )  # fmt: skip
        [found] = await inventory.quotas(tx, [quota], city_id=city)
        assert found is not None
        await inventory.resize(tx, [inventory.Resize(quota, found.sold + found.held + units)], city_id=city)


async def turn(house: TestHouse) -> None:
    await rounds.take_turns(house.db, house.town.city_id, house.clock.now())


async def waiting(ann: Reader, house: TestHouse, units: str = "2") -> None:
    await stock(house, 0)
    deal = await ann.get(ann.at(f"/deals/{ann.deal('two-bowls')}"))
    form = await ann.get(deal.link("/wait"))
    assert "不会只给一部分" in form.text
    joined = await ann.send_and_follow(form, "/wait", units=units, first="", last="")
    assert "你排在第 1 位" in joined.text


async def test_from_sold_out_to_paid(ann: Reader, bo: Reader, house: TestHouse):
    await waiting(ann, house)
    again = await ann.follow(ann.at(f"/deals/{ann.deal('two-bowls')}/wait"))
    assert "我的候补" in again.text, "one live entry for a member and deal"
    await stock(house, 2)
    await turn(house)
    page = await ann.get(ann.at("/waiting"))
    assert "2 份已为你保留" in page.text
    seen = await bo.get(bo.at(f"/deals/{bo.deal('two-bowls')}"))
    assert "Join the waiting list" in seen.text, "what is kept is nobody else's"
    paying = await ann.send(page, "/order")
    assert paying.status == 303
    assert "/payment" in paying.headers["location"]
    await turn(house)
    assert "已购买" in (await ann.get(ann.at("/waiting"))).text
    assert await audit_clean(house.db)


async def test_one_message_and_its_link_ends_it(ann: Reader, anybody: Reader, house: TestHouse):
    await waiting(ann, house)
    await stock(house, 2)
    await turn(house)
    async with house.db.reading(house.town.city_id) as tx:
        fact = await tx.row("select * from infra.facts where topic = 'waitlist.called'")
    assert fact is not None
    told = Fact(**{name: fact[name] for name in Fact.__struct_fields__})
    for _ in range(2):  # the relay may bring it again
        await lining.errand(house).do(house.db, told, city_id=house.town.city_id, now=house.clock.now())
    inbox = await ann.get(ann.at("/me/messages"))
    assert inbox.text.count("轮到你了") == 1
    async with house.db.reading(house.town.city_id) as tx:
        row = await tx.row("select entry_id, secret from waitlist.entries")
    assert row is not None
    link = f"/waiting/leave/{leave_text(house.town.city_id, leave_token(bytes(row['secret']), row['entry_id']))}"
    page = await anybody.get(link)
    assert "不再候补？" in page.text
    gone = await anybody.send(page, "/waiting/leave/")
    assert "已退出候补" in gone.text
    assert "已退出" in (await ann.get(ann.at("/waiting"))).text
    seen = await anybody.get(anybody.at(f"/deals/{anybody.deal('two-bowls')}"))
    assert "立即购买" in seen.text, "nobody waits: it is on open sale"
    assert await audit_clean(house.db)


async def test_what_is_there_is_not_waited_for(ann: Reader):
    form = await ann.get(ann.at(f"/deals/{ann.deal('two-bowls')}/wait"))
    assert "现在就能买" in form.text
    answer = await ann.send(form, "/wait", units="1", first="", last="")
    assert answer.status == 409
    assert "不用排队" in answer.text


async def test_wrong_links_and_others_entries_are_not_found(ann: Reader, anybody: Reader):
    assert (await anybody.get("/waiting/leave/1-" + "0" * 32)).status == 404
    assert (await anybody.get("/waiting/leave/x")).status == 404
    assert "没有在等的商品" in (await ann.get(ann.at("/waiting"))).text
