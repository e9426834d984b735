"""A house with an application in front of it and the real SandboxPay behind it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec import Struct

from hutong.api.short import ShortWay
from hutong.desk.house import House
from hutong.infra.db import Database
from hutong.kit.clock import SystemClock
from hutong.kit.ids import MERCHANT, OFFER, STORE
from hutong.web.shared.security import headers_of
from tests.api.house import Cast, a_cast, make_application, make_house, web_client
from tests.lane import CITY, Lane, a_lane
from tests.provider import SandboxProcess


@pytest.fixture(scope="session")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    """SandboxPay as a process of its own."""
    process = await SandboxProcess(tmp_path_factory.mktemp("sandboxpay")).start()
    yield process
    await process.stop()


class Shop(Struct, frozen=True):
    """Everything a test of the API needs."""

    house: House
    lane: Lane
    cast: Cast
    web: httpx2.AsyncClient
    company: SandboxProcess

    @property
    def offer(self) -> str:
        return OFFER.show(self.lane.offer.offer_id, CITY)

    @property
    def store(self) -> str:
        return STORE.show(self.lane.store, CITY)

    @property
    def merchant(self) -> str:
        return MERCHANT.show(self.lane.merchant)

    async def call(self, who: str | None, method: str, path: str, *, key: str | None = None, **body: Any) -> Any:
        """One request as somebody of the cast; the response."""
        headers = self.cast.bearer(who) if who else {}
        if key:
            headers["idempotency-key"] = key
        return await self.web.request(method, f"/api/v1{path}", headers=headers, json=body or None)


@pytest.fixture
async def shop(db: Database, tmp_path: Path, company: SandboxProcess) -> AsyncIterator[Shop]:
    """Noodle Bar, open, at the real time of this machine (the provider lives in it, too)."""
    clock = SystemClock()
    lane = await a_lane(db, clock.now())
    async with company.adapter() as provider:
        house = make_house(db, clock, tmp_path, {"sandbox": provider})
        cast = await a_cast(house, lane)
        async with web_client(ShortWay(make_application(house), headers_of(house))) as web:
            yield Shop(house, lane, cast, web, company)
        await house.batches.close()
