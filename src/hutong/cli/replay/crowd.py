"""A crowd that buys what was bought: who orders how many of which deal when, and who comes to use it. Pure.

Made from the deal's name alone, so that a replay is the same one every time.
"""

import hashlib
import random
from collections.abc import Iterator
from datetime import date, timedelta

from msgspec import Struct

from hutong.cli.replay.rows import Row

MEMBERS = 2_000
SIZES = (1, 2, 1, 1, 3, 2, 1, 4, 2, 1, 1, 5)  # units of one order, as often as they stand here
VISIT_DAYS = 30  # who comes, comes within so many days after the end of the sale
REDEEMED, OF = 3, 5  # the share of units that are used


class Purchase(Struct, frozen=True, kw_only=True, gc=False):
    """One order of the crowd. `first_unit` counts the deal's units; `visit` is the day on which its units are used."""

    number: int
    member: int
    quantity: int
    first_unit: int
    day: date
    visit: date

    def used(self) -> list[int]:
        """Which of its units (by their number in the order) are used."""
        return [n for n in range(self.quantity) if is_used(self.first_unit + n)]


def is_used(unit: int) -> bool:
    """Three of any five units in a row."""
    return unit * REDEEMED % OF < REDEEMED


def purchases(row: Row) -> Iterator[Purchase]:
    """The orders that make up the recorded quantity, spread evenly over the days of the sale, in order of time."""
    seed = hashlib.sha256(row.deal_id.encode()).digest()
    dice = random.Random(seed)  # noqa: S311 (a crowd, not a secret)
    sold = number = 0
    while sold < row.quantity:
        quantity = min(dice.choice(SIZES), row.quantity - sold)
        yield Purchase(
            number=number, member=dice.randrange(MEMBERS), quantity=quantity, first_unit=sold,
            day=row.start + timedelta(days=sold * row.days // row.quantity),
            visit=row.end + timedelta(days=dice.randint(0, min(row.duration, VISIT_DAYS))),
        )  # fmt: skip
        sold += quantity
        number += 1


def spoken(deal_id: str) -> str:
    """A title from the name of a deal: newport-gourmet is Newport Gourmet."""
    words = [word for word in deal_id.replace("_", "-").split("-") if word]
    return (" ".join(word[:1].upper() + word[1:] for word in words) or deal_id)[:120]
