"""Points for bills: tills of twenty partners send them with the code that a member shows, and each earns at once.

Before the load the same members and partners earn in sets through `programmes.earn`, without HTTP and without bills.
"""

import statistics
from collections.abc import Sequence
from typing import Any

from hutong.cli.bench import alliance, crowd, town
from hutong.cli.bench.alliance import AMOUNTS, PARTNERS, SHARES
from hutong.cli.bench.ground import Ground
from hutong.cli.bench.limit import Limit
from hutong.cli.bench.scene import Goals, Hands, answer_of, request
from hutong.kit.ids import BILL

SET_SIZE = 200
SET_SECONDS = 4.0  # at most, and half of the load's time
ROWS = 200  # among which the partners have their shares


class Earning:
    """Bills over HTTP that earn, and sets of earns."""

    name = "earn"
    operation: str | None = "till.settle"
    limit: Limit | None = "earn"
    goals = Goals()

    def __init__(self, set_size: int) -> None:
        self._set_size = set_size
        self._in_sets = 0
        self._rates: list[float] = []

    async def load(self, hands: Hands) -> None:
        given, db, now = hands.options, hands.db, hands.now
        self._turns = given.repeat
        self._town = await town.build(db, shops=PARTNERS, offers=1, quota=1, price=100, now=now, settle=hands.settle)
        each = max(given.members, 2 * given.connections)  # who is at one till cannot be at another
        guests = await crowd.gather(db, hands.place.settings, each * given.repeat, now=now)
        self._codes = await alliance.give_codes(db, guests, now=now)
        self._alliance = await alliance.form(db, self._town, by=guests[0].member_id, now=now)
        hands.settle()
        for _ in range(given.repeat):
            rate, count = await alliance.earn_in_sets(
                db, self._alliance, guests[: given.members], size=self._set_size,
                seconds=min(SET_SECONDS, given.seconds / 2), now=now,
            )  # fmt: skip
            self._rates.append(rate)
            self._in_sets += count

    def load_plan(self, turn: int = 0) -> dict[str, Any]:
        whole = sum(SHARES)
        tills = [
            [till.key, till.store]
            for till, share in zip(self._alliance.tills, SHARES, strict=True)
            for _ in range(max(1, round(ROWS * share / whole)))
        ]
        sources = {
            "tills": {"order": "random", "rows": tills},
            "amounts": {"order": "random", "rows": [[units] for units in AMOUNTS]},
            "guests": {"order": "codes", "rows": self._codes[turn :: self._turns]},
        }
        return {"sources": sources, "flows": [{"name": "bill", "steps": [bill_step()]}]}

    def check(self, place: Ground, kept: Sequence[str], errors: int) -> tuple[dict[str, Any], list[str]]:
        ids = [BILL.read_local(text)[1] for text in kept]
        given = {"city": self._town.city_id, "programme": self._alliance.programme_id}
        found = answer_of(place, "earning", given, ids)
        return found, wrong_with(found, in_sets=self._in_sets, errors=errors)

    def set_figures(self, limit: float | None) -> dict[str, Any]:
        """What the sets reached: the median of the rounds, as earns per second and as a part of the limit."""
        rate = statistics.median(self._rates)
        return {
            "set_rate": round(rate, 1), "set_size": self._set_size,
            "set_ratio_to_limit": round(rate / limit, 2) if limit else None,
        }  # fmt: skip


def bill_step() -> dict[str, Any]:
    """A bill under the till's own number, for the member who shows his code."""
    bearer, kind = "authorization: Bearer <<tills.0>>", "content-type: application/json"
    body = (
        '{"event":"<<key>>","store":"<<tills.1>>","amount":{"units":<<amounts.0>>,"asset":"CNY"},'
        '"member":"<<guests.0>>"}'
    )
    return {"kind": "bill", "head": request("POST", "/api/v1/bills", kind, bearer), "body": body, "keep": '"id":"'}


def wrong_with(found: dict[str, Any], *, in_sets: int, errors: int) -> list[str]:
    """What is not as it must be. A request without an answer (one of `errors`) may have left a bill."""
    wrong = []
    if found["acknowledged_missing"] or found["acknowledged_twice"]:
        wrong.append("an acknowledged bill is missing, or was told of twice")
    if not 0 <= found["bills"] - found["acknowledged"] <= errors:
        wrong.append("there are bills that nobody was told of")
    if found["bills_that_earned"] != found["bills"]:
        wrong.append("there are bills that earned nothing")
    if found["earned_in_sets"] != in_sets:
        wrong.append("the earns of the sets are not as many as were made")
    if not found["points_earned"] == found["points_in_wallets"] == found["points_in_lots"]:
        wrong.append("the points of movements, wallets and lots are not as many")
    return wrong
