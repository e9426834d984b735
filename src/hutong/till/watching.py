"""Bills that look odd: a cashier's own code, one member with one cashier too often, points that go in circles.

Hints and not verdicts: each names what it counted, and people look. Nothing is refused because of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.kit.access import Scope

Kind = Literal["own", "often", "undone", "circle"]
OFTEN_A_DAY = 4  # bills of one guest with one cashier on one day that are remarkable
OFTEN = 12  # and in the whole period
UNDONE = 3  # bills of one guest that one cashier took back
CIRCLE = 3  # bills on which a guest used points that he had earned with the same cashier


class Odd(Struct, frozen=True, kw_only=True):
    """One hint: of which kind, about which cashier and guest, how many bills of how many points, and the latest."""

    kind: Kind
    city_id: int
    merchant_id: UUID
    store_id: UUID
    store_name: str
    staff_id: UUID
    staff_name: str
    holder: str
    bills: int
    most_a_day: int
    points: int
    last_bill: UUID
    last_at: datetime


async def odd_ones(
    tx: Tx, scope: Scope, *, city_id: int, zone: str, since: datetime, until: datetime, limit: int = 100
) -> Sequence[Odd]:
    """What is remarkable about the bills within the scope in [since, until), the most remarkable first.

    own: the cashier's own code or number stood on bills that he settled. often: one guest so often with one cashier on
    a day (of `zone`) or in the period. undone: bills of one guest taken back again and again. circle: points earned and
    used with the same cashier, over and over.
    """
    allowed, params = scope.sql(city="b.city_id", merchant="b.merchant_id", store="b.store_id")
    rows = await tx.rows(
        load(__package__, "odd").replace("/* scope */", allowed), city=city_id, zone=zone, since=since, until=until,
        limit=limit, day=OFTEN_A_DAY, often=OFTEN, undone=UNDONE, circle=CIRCLE, **params,
    )  # fmt: skip
    return [Odd(**row) for row in rows]
