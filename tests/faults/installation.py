"""The whole of Hutong as processes on loopback: servers, a worker and SandboxPay, on a database of their own."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

from hutong import people
from hutong.cli.processes import environment, server_command, worker_command
from hutong.desk.house import House
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.infra.settings import Settings
from hutong.kit.clock import SystemClock
from hutong.kit.ids import OFFER, STORE
from hutong.people import RequestCode, SignIn
from tests.api.house import Cast, a_cast, make_house
from tests.lane import CITY, Lane, a_lane
from tests.provider import SandboxProcess, free_port

TARGET = "hutong.app:create"
SECRET = "s" * 40


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 75) -> None:
    """Ask until it is true."""
    end = asyncio.get_running_loop().time() + seconds
    while not await check():
        assert asyncio.get_running_loop().time() < end, f"not within {seconds} s"
        await asyncio.sleep(0.3)


class Process:
    """A child in a session of its own, so that nothing of it is left."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self._child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, start_new_session=True)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    async def kill(self) -> None:
        """SIGKILL to all of it."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> float:
        """SIGTERM to the parent; the seconds until it was gone."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._child.terminate()
        await asyncio.to_thread(self._child.wait, 60)
        return loop.time() - began

    async def _end(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, number)
        await asyncio.to_thread(self._child.wait, 60)


class Installation:
    """Noodle Bar and the cast in it; `house` is for looking into the database, the processes do the work."""

    def __init__(self, house: House, lane: Lane, cast: Cast, company: SandboxProcess) -> None:
        self.house, self.lane, self.cast, self.company = house, lane, cast, company
        self.web = httpx2.AsyncClient(trust_env=False, timeout=30)
        self._running: list[Process] = []
        self._signed = 0

    @property
    def db(self) -> Database:
        return self.house.db

    @property
    def settings(self) -> Settings:
        return self.house.settings

    @property
    def offer(self) -> str:
        return OFFER.show(self.lane.offer.offer_id, CITY)

    @property
    def store(self) -> str:
        return STORE.show(self.lane.store, CITY)

    def _start(self, command: list[str], settings: Settings) -> Process:
        env = environment(settings) | {"HUTONG_SECRET": SECRET, "HUTONG_STALLED_TASK_S": "20"}
        self._running.append(Process(command, env))
        return self._running[-1]

    def spawn_server(self, port: int | None = None, *, workers: int = 1, target: str = TARGET) -> Process:
        """A server that is only just being started, with so many processes that serve."""
        settings = self.settings.model_copy(update={"port": port or self.settings.port, "workers": workers})
        return self._start(server_command(settings, target), settings)

    async def server(self, port: int | None = None, *, workers: int = 1, target: str = TARGET) -> Process:
        """A server that answers."""
        process = self.spawn_server(port, workers=workers, target=target)
        for _ in range(600):
            assert process.running, "the server ended while it started"
            try:
                if (await self.web.get(f"http://127.0.0.1:{port or self.settings.port}/healthz")).is_success:
                    return process
            except httpx2.TransportError:
                await asyncio.sleep(0.1)
        raise TimeoutError("the server did not start")

    def worker(self) -> Process:
        return self._start(worker_command(self.settings), self.settings)

    async def call(
        self, token: str, method: str, path: str, *, key: str | None = None, port: int | None = None, **body: Any
    ) -> httpx2.Response:
        """One request of the API with a fresh key unless one is given."""
        headers = {"authorization": f"Bearer {token}", "idempotency-key": key or str(new_id())}
        url = f"http://127.0.0.1:{port or self.settings.port}/api/v1{path}"
        return await self.web.request(method, url, headers=headers, json=body or None)

    async def good(self, token: str, method: str, path: str, **more: Any) -> Any:
        answer = await self.call(token, method, path, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def order(self, token: str, quantity: int = 1) -> str:
        lines = [{"offer": self.offer, "quantity": quantity}]
        return (await self.good(token, "POST", "/orders", lines=lines))["id"]

    async def buyers(self, count: int) -> dict[str, UUID]:
        """That many members who just signed in: their tokens and ids."""
        secret, now = self.settings.key("codes"), self.house.clock.now()
        phones = [f"+86199{n:08d}" for n in range(10_000 + self._signed, 10_000 + self._signed + count)]
        self._signed += count
        async with self.db.central() as tx:
            asks = [RequestCode(phone=phone, address=phone) for phone in phones]
            codes = await people.request_codes(tx, asks, secret=secret, now=now)
        async with self.db.central() as tx:
            signing = [
                SignIn(phone=c.phone, code=c.code, address=c.phone, member_id=new_id(), token=people.new_token())
                for c in codes if isinstance(c, people.CodeMade)
            ]  # fmt: skip
            await people.sign_in(tx, signing, secret=secret, now=now)
        return {one.token: one.member_id for one in signing}

    async def close(self) -> None:
        for process in reversed(self._running):
            await process.kill()
        await self.web.aclose()


@asynccontextmanager
async def an_installation(url: str, folder: Path, *, quota: int = 1_000) -> AsyncIterator[Installation]:
    """SandboxPay runs; servers and workers are started by the test. All of them are gone afterwards."""
    data = folder / "data"
    (data / "sandboxpay").mkdir(parents=True)
    company = await SandboxProcess(data / "sandboxpay").start()
    db = await Database(url).open()
    clock = SystemClock()
    try:
        async with company.adapter() as provider:
            house = make_house(db, clock, data, {"sandbox": provider}, port=free_port(), provider_port=company.port)
            lane = await a_lane(db, clock.now(), quota=quota)
            found = Installation(house, lane, await a_cast(house, lane), company)
            try:
                yield found
            finally:
                await found.close()
                await house.batches.close()
    finally:
        await db.close()
        await company.stop()
