"""A mixed storm: what is bought is paid, cancelled, used, undone and refunded by several at once, in every order.

Nobody here waits for his turn, and that is the point: whatever waits for another in a circle is a deadlock, which
PostgreSQL counts. Refusals are right answers here; a fault never is.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from hutong.cli.bench.storm.asking import Client, Said, request
from hutong.cli.bench.storm.line import Line, Lost

LINES = 3  # at most, of one order
PAID_WAIT_S = 3.0  # for the provider's word


class Shop(Struct, frozen=True, kw_only=True):
    """What one merchant sells, and the till (a session of its staff) that takes it. priced: it must be paid for."""

    offers: tuple[str, ...]
    store: str
    till: str
    priced: bool


class World(Struct, frozen=True, kw_only=True):
    """Everybody and everything in a mixed storm, by their names in the API."""

    shops: tuple[Shop, ...]
    tokens: tuple[str, ...]


class Mixed:
    """`seen` counts what happened: deeds that were done, and codes of refusals."""

    def __init__(self, client: Client, world: World, *, seed: int) -> None:
        self._client, self._world = client, world
        self._dice = random.Random(seed)  # noqa: S311 (a storm that can be sent again)
        self._run, self._number = f"mixed-{seed}", 0
        self._waiting: list[tuple[Shop, str, str]] = []
        self.seen: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def run(self, seconds: float, *, at_once: int) -> None:
        """So many visits at one time, until the time is over."""
        until = asyncio.get_running_loop().time() + seconds

        async def visits() -> None:
            while asyncio.get_running_loop().time() < until:
                await self._visit()

        await asyncio.gather(*(visits() for _ in range(at_once)))

    async def _visit(self) -> None:
        """One order and what becomes of it."""
        shop, token = self._dice.choice(self._world.shops), self._dice.choice(self._world.tokens)
        self.seen["visits"] += 1
        placed = await self._order(shop, token)
        if placed is None:
            return
        order = str(placed["id"])
        if placed["state"] == "placed":
            chance = self._dice.random()
            if chance < 0.15:
                return  # its time runs out
            cancel = self._do("cancel", token, f"/orders/{order}/cancellation")
            if chance < 0.35:
                await cancel
                return
            pay = self._pay(token, order)
            await (asyncio.gather(pay, cancel) if chance < 0.55 else _only(pay, cancel))
        units = await self._units(token, order)
        await self._shuffled([deed for unit in units for deed in self._deeds(shop, token, order, unit)])

    async def _order(self, shop: Shop, token: str) -> dict[str, Any] | None:
        """Several offers, each time in another order: quotas and caps are locked all the same in one."""
        offers = self._dice.sample(shop.offers, min(self._dice.randint(1, LINES), len(shop.offers)))
        lines = [{"offer": offer, "quantity": self._dice.randint(1, 2)} for offer in offers]
        said = await self._do("order", token, "/orders", {"lines": lines}, twice=self._dice.random() < 0.2)
        return said.body if said.outcome == "ok" else None

    async def _pay(self, token: str, order: str) -> None:
        said = await self._do("pay", token, f"/orders/{order}/payments")
        if said.outcome != "ok" or not said.body.get("pay_url"):
            return
        if not await _press_pay(str(said.body["pay_url"])):
            return
        until = asyncio.get_running_loop().time() + PAID_WAIT_S
        while asyncio.get_running_loop().time() < until:
            if (await self._look(token, order)).get("state") != "placed":
                return
            await asyncio.sleep(0.05)

    async def _look(self, token: str, order: str) -> dict[str, Any]:
        return (await self._client.once("look", "", request("GET", f"/orders/{order}", token=token))).body

    async def _units(self, token: str, order: str) -> list[dict[str, Any]]:
        units: list[dict[str, Any]] = (await self._look(token, order)).get("vouchers", [])
        return [unit for unit in units if unit["state"] == "valid"]

    def _deeds(self, shop: Shop, token: str, order: str, unit: dict[str, Any]) -> list[Callable[[], Awaitable[Any]]]:
        """One to three things that are done to a voucher at the same moment."""
        given = {"store": shop.store, "presented": unit["code"]}
        refund = {"vouchers": [unit["id"]], "reason": "changed_mind"}

        async def use_and_undo() -> None:
            done = await self._do("redeem", shop.till, "/redemptions", given)
            if done.outcome == "ok" and self._dice.random() < 0.5:
                path = f"/redemptions/{done.body['id']}/reversal"
                await self._do("reverse", shop.till, path, {"store": shop.store, "reason": "mistake"})

        every: list[Callable[[], Awaitable[Any]]] = [
            use_and_undo,
            lambda: self._do("redeem", shop.till, "/redemptions", given, twice=True),
            lambda: self._do("refund", token, f"/orders/{order}/refunds", refund),
            lambda: self._do("refund", token, f"/orders/{order}/refunds", {"vouchers": [], "reason": "changed_mind"}),
        ]
        return self._dice.sample(every, self._dice.randint(1, 3))

    async def _shuffled(self, deeds: list[Callable[[], Awaitable[Any]]]) -> None:
        self._dice.shuffle(deeds)
        await asyncio.gather(*(deed() for deed in deeds))

    async def _do(self, op: str, token: str, path: str, body: Any = None, *, twice: bool = False) -> Said:
        """A write with a key of its own, until it is known what came of it; twice: pressed twice at once."""
        self._number += 1
        key = f"{self._run}-{self._number}"
        wire = request("POST", path, token=token, key=key, body=body)
        every = await asyncio.gather(*(self._client.until_known(op, key, wire) for _ in range(1 + twice)))
        said = every[0]
        if said.outcome == "ok":
            self.seen[op] += 1
        else:
            self.refused[f"{op}: {said.code}"] += 1
        return said


async def _only(one: Awaitable[Any], other: Any) -> None:
    other.close()
    await one


async def _press_pay(url: str) -> bool:
    """The payer presses the button of the provider's page; whether it was heard."""
    parts = urlsplit(url)
    line = Line(parts.hostname or "127.0.0.1", parts.port or 80)
    content = b"choice=pay"
    head = (
        f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-length: {len(content)}\r\n"
        "content-type: application/x-www-form-urlencoded\r\nconnection: close\r\n\r\n"
    )
    try:
        answer = await line.ask(head.encode() + content, patience_s=10)
    except Lost:
        return False
    finally:
        line.cut()
    return answer.status < 400


def unseen(seen: Counter[str], expected: Sequence[str]) -> list[str]:
    """What a storm must have shown at least once, and did not: then it proved nothing about it."""
    return [name for name in expected if not seen[name]]
