"""A storm of claims: many members, one quota, too little of it; some press twice, some lines are cut."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from hutong.cli.bench.storm.asking import Client, request

OP = "claim"
Way = Literal["once", "twice", "cut", "cut_and_again"]
_WAYS: tuple[tuple[float, Way], ...] = ((0.70, "once"), (0.90, "twice"), (0.95, "cut"), (1.0, "cut_and_again"))


class Wish(Struct, frozen=True, kw_only=True):
    """One claim: whose, with which key, and how it is sent."""

    member: int
    key: str
    way: Way


def wishes(count: int, members: int, *, seed: int) -> list[Wish]:
    """So many claims in an order of chance, each member's share the same; 20 % are sent twice at once, 10 % are cut."""
    dice = random.Random(seed)  # noqa: S311 (a storm that can be sent again)
    whose = [number % members for number in range(count)]
    dice.shuffle(whose)
    return [
        Wish(member=member, key=f"storm-{seed}-{number}", way=_way(dice.random()))
        for number, member in enumerate(whose)
    ]


def _way(chance: float) -> Way:
    return next(way for until, way in _WAYS if chance < until)


class Claims:
    """Sends wishes for one unit of the offer each. `passed` is called with the number of wishes that are through."""

    def __init__(
        self, client: Client, tokens: Sequence[str], offer: str, *, seed: int,
        passed: Callable[[int], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._client, self._tokens, self._offer, self._passed = client, tokens, offer, passed
        self._dice = random.Random(seed)  # noqa: S311 (as above)
        self._by_key: dict[str, Wish] = {}
        self._through = 0

    async def send(self, all_of: Sequence[Wish], *, at_once: int) -> None:
        """All wishes, so many at one time."""
        self._by_key.update((wish.key, wish) for wish in all_of)
        left = iter(all_of)

        async def hand() -> None:
            for wish in left:
                await self._send(wish)
                self._through += 1
                self._passed(self._through)

        await asyncio.gather(*(hand() for _ in range(at_once)))

    async def resolve(self, *, at_once: int) -> int:
        """Ask again for every key of which nobody knows what came of it; how many there were."""
        unknown = self._client.journal.unknown(OP)
        left = iter(unknown)

        async def hand() -> None:
            for key in left:
                await self._client.until_known(OP, key, self._wire(self._by_key[key]))

        await asyncio.gather(*(hand() for _ in range(at_once)))
        return len(unknown)

    def _wire(self, wish: Wish) -> bytes:
        lines = {"lines": [{"offer": self._offer, "quantity": 1}]}
        return request("POST", "/orders", token=self._tokens[wish.member], key=wish.key, body=lines)

    async def _send(self, wish: Wish) -> None:
        wire = self._wire(wish)
        if wish.way == "twice":
            await asyncio.gather(*(self._client.until_known(OP, wish.key, wire) for _ in range(2)))
        elif wish.way == "once":
            await self._client.until_known(OP, wish.key, wire)
        else:
            await self._client.cut(OP, wish.key, wire, after_s=self._dice.random() * 0.02)
            if wish.way == "cut_and_again":
                await self._client.until_known(OP, wish.key, wire)
