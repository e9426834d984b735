"""A flash sale: all buy the one offer. With a price they get an order to pay; for nothing, the voucher at once."""

from collections.abc import Sequence
from typing import Any

from hutong.cli.bench import crowd, town
from hutong.cli.bench.ground import Ground
from hutong.cli.bench.limit import Limit
from hutong.cli.bench.scene import Goals, Hands, answer_of, members, post
from hutong.kit.ids import ORDER

PLENTY = 100_000_000  # units: never sold out


class Buying:
    """Orders over HTTP in a town of `shops` with so many `offers` each."""

    operation: str | None = "orders.place"
    limit: Limit | None

    def __init__(self, name: str, *, limit: Limit, goals: Goals, price: int, shops: int = 1, offers: int = 1) -> None:
        self.name, self.limit, self.goals = name, limit, goals
        self._price, self._shops, self._offers = price, shops, offers

    async def load(self, hands: Hands) -> None:
        quota = hands.options.quota
        self._quota = PLENTY if quota is None else quota
        self._town = await town.build(
            hands.db, shops=self._shops, offers=self._offers, quota=self._quota, price=self._price, now=hands.now,
            settle=hands.settle,
        )  # fmt: skip
        self._guests = await crowd.gather(hands.db, hands.place.settings, hands.options.members, now=hands.now)

    def load_plan(self, turn: int = 0) -> dict[str, Any]:
        offers = {"order": "random", "rows": [[name] for name in self._town.offer_names()]}
        sources = {"members": members(self._guests), "offers": offers}
        return {"sources": sources, "flows": [{"name": "buy", "steps": [order_step()]}]}

    def check(self, place: Ground, kept: Sequence[str], errors: int) -> tuple[dict[str, Any], list[str]]:
        ids = [ORDER.read_local(text)[1] for text in kept]
        found = answer_of(place, "buying", {"city": self._town.city_id}, ids)
        return found, wrong_with(found, errors)


def order_step() -> dict[str, Any]:
    """One unit of an offer of the source `offers`, for a member of `members`."""
    return {
        "kind": "order", "head": post("/orders"), "body": '{"lines":[{"offer":"<<offers.0>>","quantity":1}]}',
        "refusals": ["sold_out"], "keep": '"id":"',
    }  # fmt: skip


def wrong_with(found: dict[str, Any], errors: int) -> list[str]:
    """What is not as it must be. A request without an answer (one of `errors`) may have left an order."""
    wrong = []
    taken = found["units_sold"] + found["units_held"]
    if found["quotas_unequal"] or taken + found["units_left"] != found["units_total"]:
        wrong.append("sold + held + left is not the quota")
    if taken != found["units_ordered"]:
        wrong.append("the units of the orders are not those sold and held")
    if found["acknowledged_missing"] or found["acknowledged_twice"]:
        wrong.append("an acknowledged order is missing, or was told of twice")
    if not 0 <= found["orders"] - found["acknowledged"] <= errors:
        wrong.append("there are orders that nobody was told of")
    return wrong


FLASH = Goals(to_limit=2.0, to_noop=0.5, p99_ms=150)


def flash() -> Buying:
    return Buying("flash", limit="hot", goals=FLASH, price=9_900)


def claim() -> Buying:
    return Buying("claim", limit="hot", goals=FLASH, price=0)


def spread() -> Buying:
    return Buying("spread", limit="spread", goals=Goals(to_limit=0.5), price=9_900, shops=200, offers=50)
