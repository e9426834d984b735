"""The line is cut in the moment of a COMMIT: before it arrives, or before its answer comes back. Whoever asks again
with the same key gets one effect and is told of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

import pytest

from hutong.desk import counter, signing
from hutong.desk.house import House
from hutong.desk.keyed import submit
from hutong.infra.answers import Ask, fingerprint
from hutong.infra.db import Database, OutcomeUnknown
from hutong.infra.ids import new_id
from hutong.kit.clock import SystemClock
from hutong.orders import Placed
from tests.api.house import a_cast, make_house
from tests.conftest import audit_clean
from tests.lane import CITY, Lane, a_lane, a_place, bought, stock
from tests.pocket import PocketPay

pytestmark = pytest.mark.anyio

Cut = Literal["before", "after"]


class Line:
    """A wire to PostgreSQL that can be cut at the next COMMIT: the server never gets it, or its answer is lost."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._cut: Cut | None = None
        self.cuts = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        where = f"{self._parts.username or ''}:{self._parts.password or ''}@127.0.0.1:{port}{self._parts.path}"
        self.url = f"postgresql://{where}?sslmode=disable&gssencmode=disable"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def cut(self, when: Cut) -> None:
        self._cut = when

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        asked = parse_qs(self._parts.query)
        host, port = asked.get("host", [self._parts.hostname])[0], asked.get("port", [self._parts.port or 5432])[0]
        if str(host).startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, int(port))

    async def _serve(self, mine: asyncio.StreamReader, yours: asyncio.StreamWriter) -> None:
        theirs, there = await self._open()
        back = asyncio.create_task(self._carry(theirs, yours))
        while data := await mine.read(65536):
            when = self._cut if b"COMMIT\x00" in data else None
            if when:
                self._cut, self.cuts = None, self.cuts + 1
                back.cancel()
                await asyncio.wait([back])
            if when != "before":
                there.write(data)
                await there.drain()
            if when:
                if when == "after":
                    answer = b""
                    while b"COMMIT\x00" not in answer:  # it is done, and nobody hears of it
                        answer += await theirs.read(65536)
                break
        yours.close()
        there.close()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
        target.close()


class Town:
    def __init__(self, house: House, lane: Lane, line: Line, db: Database) -> None:
        self.house, self.lane, self.line, self.db = house, lane, line, db


@pytest.fixture
async def town(db: Database, tmp_path: Path) -> AsyncIterator[Town]:
    """`db` goes straight to PostgreSQL, the house goes over the line."""
    clock = SystemClock()
    lane = await a_lane(db, clock.now())
    async with Line(db.url) as line:
        far = await Database(line.url).open()
        house = make_house(far, clock, tmp_path, {"sandbox": PocketPay()})
        yield Town(house, lane, line, db)
        await house.batches.close()
        await far.close()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_order_whose_commit_was_lost_is_there_once(town: Town, when: Cut):
    ann = new_id()
    request = a_place(town.lane, 2, member_id=ann)
    town.line.cut(when)
    answer = await submit(town.house, "orders.place", CITY, actor=ann, key="k", given="two bowls", request=request)
    assert town.line.cuts == 1
    assert isinstance(answer.result, Placed)
    assert answer.replayed == (when == "after")
    assert await stock(town.db, town.lane) == (0, 2, 98)
    assert await audit_clean(town.db)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_control_without_the_second_ask_nobody_knows(town: Town, when: Cut):
    ann = new_id()
    ask = Ask(actor=ann, key="k", fingerprint=fingerprint("x"), request=a_place(town.lane, 2, member_id=ann))
    town.line.cut(when)
    with pytest.raises(OutcomeUnknown):
        await town.house.batches.submit("orders.place", CITY, ask)
    assert await stock(town.db, town.lane) == ((0, 2, 98) if when == "after" else (0, 0, 100))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_redemption_whose_commit_was_lost_is_there_once(town: Town, when: Cut):
    cast = await a_cast(town.house, town.lane)
    (unit,) = await bought(town.db, town.lane, town.house.clock.now())
    tao = await signing.actor(town.house, cast.tokens["tao"])
    assert tao is not None
    town.line.cut(when)
    done = await counter.redeem(town.house, CITY, tao, town.lane.store, request_no="till/1", presented=unit.code)
    assert town.line.cuts == 1
    async with town.db.reading(CITY) as tx:
        kept = await tx.rows("select redemption_id from vouchers.redemptions where city_id = %(city)s", city=CITY)
    assert [row["redemption_id"] for row in kept] == [done.redemption_id]
    assert await audit_clean(town.db)
