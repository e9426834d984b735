"""When the house is too busy: a page that tries again by itself, with the key of the first try; nobody buys twice."""

import base64
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from hutong.kit.refusals import Busy
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio


class Crowd:
    """The house's own batches with the door for orders shut for so many knocks: the back-pressure is real, only its
    cause is made here instead of by thousands of readers."""

    def __init__(self, house: TestHouse, knocks: int) -> None:
        self.house, self.knocks, self.submit = house, knocks, house.batches.submit

    def __enter__(self) -> "Crowd":
        async def submit(name, city_id, item, *, caller=None):
            if name == "orders.place" and self.knocks:
                self.knocks -= 1
                raise Busy(retry_after=3)
            return await self.submit(name, city_id, item, caller=caller)

        self.house.batches.submit = submit  # type: ignore[method-assign]
        return self

    def __exit__(self, *_) -> None:
        self.house.batches.submit = self.submit  # type: ignore[method-assign]


async def pay(ann: Reader) -> tuple[Page, Page]:
    """The confirm page, and what its button brings."""
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}&quantity=2"))
    return page, await ann.send(page, "/checkout")


async def orders(house: TestHouse) -> int:
    async with house.db.reading(house.town.city_id) as tx:
        return await tx.value("select count(*)::int from orders.orders")


async def test_the_queue_tries_again_and_makes_one_order(ann: Reader, house: TestHouse):
    with Crowd(house, 2):
        _, queued = await pay(ann)
        assert (queued.status, queued.headers["retry-after"]) == (503, "3")
        assert "正在排队" in queued.text
        after, _, address = queued.headers["refresh"].partition("; url=")
        assert after == "3"
        sent = parse_qs(urlsplit(address).query)["sent"][0]
        assert msgspec.json.decode(base64.urlsafe_b64decode(sent + "=="))["_csrf_token"] == ""
        again = await ann.get(address)
        assert again.status == 503
        assert again.headers["retry-after"] == "4", "it asks less often, the longer it takes"
        done = await ann.get(again.headers["refresh"].partition("; url=")[2])
    assert done.status == 303
    assert "/payment" in done.headers["location"]
    assert await orders(house) == 1
    twice = await ann.get(address)  # the reader goes back and tries again
    assert twice.headers["location"] == done.headers["location"]
    assert await orders(house) == 1
    assert await audit_clean(house.db)


async def test_nobody_else_can_make_him_order(ann: Reader, bo: Reader, house: TestHouse):
    with Crowd(house, 1):
        _, queued = await pay(ann)
    address = queued.headers["refresh"].partition("; url=")[2]
    assert (await bo.get(address)).status == 404
    asked = parse_qs(urlsplit(address).query)
    forged = f"{urlsplit(address).path}?sent={asked['sent'][0]}&seal={'0' * 32}&n=1"
    assert (await ann.get(forged)).status == 404
    assert (await ann.get(f"{urlsplit(address).path}?sent=e30&seal=x")).status == 404
    assert await orders(house) == 0


async def test_after_many_tries_the_reader_asks_himself(ann: Reader, house: TestHouse):
    with Crowd(house, 3):
        _, queued = await pay(ann)
        address = queued.headers["refresh"].partition("; url=")[2]
        late = await ann.get(address.rsplit("n=", 1)[0] + "n=30")
    assert late.status == 503
    assert "refresh" not in late.headers
    assert "现在再试" in late.text
