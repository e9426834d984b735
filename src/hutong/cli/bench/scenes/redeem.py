"""A lunch rush at a hundred counters: each code is looked at and then used, as a cashier does it.

The codes are those that are read aloud: a QR code lives for thirty seconds and could not be prepared.
"""

from collections.abc import Sequence
from typing import Any

from hutong.cli.bench import counters, crowd, town
from hutong.cli.bench.counters import Unit
from hutong.cli.bench.ground import Ground
from hutong.cli.bench.limit import Limit
from hutong.cli.bench.scene import Goals, Hands, answer_of, post
from hutong.kit.ids import REDEMPTION

COUNTERS = 100
PRICE = 9_900  # fen
MOST_A_SECOND = 1_500  # vouchers made for each second of load: when they are used up, the load ends


class Redeeming:
    """Prepare and redeem over HTTP."""

    name = "redeem"
    operation: str | None = "settlement.redeem"
    limit: Limit | None = "redeem"
    goals = Goals(to_limit=1.0)

    def __init__(self, vouchers: int | None) -> None:
        self._vouchers = vouchers

    async def load(self, hands: Hands) -> None:
        given = hands.options
        self._turns = given.repeat
        seconds = (given.seconds + given.warm_s) * given.repeat
        self._town = await town.build(
            hands.db, shops=COUNTERS, offers=5, quota=1_000_000, price=PRICE, now=hands.now, settle=hands.settle
        )
        guests = await crowd.gather(hands.db, hands.place.settings, COUNTERS + given.members, now=hands.now)
        cashiers = guests[:COUNTERS]
        await counters.hire(hands.db, self._town, cashiers, now=hands.now)
        self._units = await counters.sell(
            hands.db, self._town, guests[COUNTERS:], cashiers, count=self._vouchers or int(seconds * MOST_A_SECOND),
            price=PRICE, now=hands.now,
        )  # fmt: skip

    def load_plan(self, turn: int = 0) -> dict[str, Any]:
        mine = voucher_rows(self._units[turn :: self._turns])
        return {"sources": {"vouchers": mine}, "flows": [{"name": "scan", "steps": scan()}]}

    def check(self, place: Ground, kept: Sequence[str], errors: int) -> tuple[dict[str, Any], list[str]]:
        return redeemed(place, self._town.city_id, kept, errors)


def voucher_rows(units: Sequence[Unit]) -> dict[str, Any]:
    """The vouchers as a source: each is used once."""
    return {"order": "once", "rows": [[unit.token, unit.store, unit.code] for unit in units]}


def scan() -> list[dict[str, Any]]:
    """The two requests of a scan, from a source `vouchers`."""
    bearer = "authorization: Bearer <<vouchers.0>>"
    look = {
        "kind": "prepare", "head": post("/redemptions/preparations", bearer),
        "body": '{"store":"<<vouchers.1>>","presented":"<<vouchers.2>>"}',
        "take": {"voucher": '"voucher":"', "proof": '"proof":"'},
    }  # fmt: skip
    use = {
        "kind": "redeem", "head": post("/redemptions", bearer), "keep": '"id":"',
        "body": '{"store":"<<vouchers.1>>","voucher":"<<got.voucher>>","proof":"<<got.proof>>"}',
    }  # fmt: skip
    return [look, use]


def redeemed(place: Ground, city_id: int, kept: Sequence[str], errors: int) -> tuple[dict[str, Any], list[str]]:
    """What is in the books after redeeming, and what is wrong with it."""
    ids = [REDEMPTION.read_local(text)[1] for text in kept if text.startswith("red_")]
    found = answer_of(place, "redeeming", {"city": city_id}, ids)
    wrong = []
    if found["acknowledged_missing"] or found["acknowledged_twice"]:
        wrong.append("an acknowledged redemption is missing, or was told of twice")
    if not found["vouchers_used"] == found["redemptions"] == found["earnings"]:
        wrong.append("used vouchers, redemptions and earnings are not as many")
    if not 0 <= found["redemptions"] - found["acknowledged"] <= errors:
        wrong.append("there are redemptions that nobody was told of")
    return found, wrong
