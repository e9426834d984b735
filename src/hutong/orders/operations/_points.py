"""Points as a tender: what orders know of programmes. Wallets are locked after budgets and before accounts (README).

The hold of an order has no time of its own: the order ends it, with its payment or without.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import programmes
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders.operations._sure import must
from hutong.programmes import GiveBack, Hold, Resolve, Source
from hutong.programmes.spendable import spendable

BPS = 10_000


class Purse(Struct, frozen=True, kw_only=True):
    """What a member could pay with at a shop: points that are available, the money behind one, and how much of that the
    shop is paid (basis points)."""

    programme_id: UUID
    name: Text
    available: int
    face_units: int
    redemption_bps: int

    def most_for(self, units: int, most: int | None) -> int:
        """So many points pay at most so much."""
        points = min(self.available, units // self.face_units)
        return max(0, points if most is None else min(points, most))

    def worth(self, points: int) -> int:
        """What the shop is paid for so many points; the fraction of a unit stays with the programme."""
        return points * self.face_units * self.redemption_bps // BPS


class Holding(Struct, frozen=True, kw_only=True):
    """The points that one order holds: (programme, points, money for the shop), and whether a gift costs them."""

    order_id: UUID
    member_id: UUID
    merchant_id: UUID
    parts: tuple[tuple[UUID, int, int], ...]
    gift: bool


async def purses(
    tx: Tx, wallets: Collection[tuple[UUID, UUID]], *, now: datetime
) -> Mapping[tuple[UUID, UUID], Sequence[Purse]]:
    """What each (member, merchant) could pay with; none is missing. No wallet, no statement."""
    if not wallets:
        return {}
    found = await spendable(tx, wallets, at=now)
    return {
        key: [
            Purse(
                programme_id=one.programme.programme_id, name=one.programme.name, available=one.points,
                face_units=one.programme.face_units, redemption_bps=one.redemption_bps,
            )
        ]
        for key, one in found.items()
    }  # fmt: skip


def movement(order_id: UUID, programme_id: UUID) -> UUID:
    """The burn of an order in a programme."""
    return derive(order_id, f"points/{programme_id}")


async def hold(
    tx: Tx, wishes: Mapping[int, Holding], *, city_id: int, now: datetime
) -> dict[int, Refusal]:  # fmt: skip
    """Set the points of these orders aside; the requests that cannot have theirs, with the reason. A request that has
    only a part of them is refused, too; the caller gives it up."""
    asked = [(i, one, part) for i, one in wishes.items() for part in one.parts]
    if not asked:
        return {}
    holds = [
        Hold(
            movement_id=movement(one.order_id, programme_id), programme_id=programme_id, member_id=one.member_id,
            partner_id=one.merchant_id, city_id=city_id, store_id=None, points=points, target="escrow",
            source=Source("gift" if one.gift else "order", one.order_id), worth_units=worth,
        )
        for _, one, (programme_id, points, worth) in asked
    ]  # fmt: skip
    answers = await programmes.hold(tx, holds, now=now)
    refused: dict[int, Refusal] = {}
    kept: dict[int, list[Resolve]] = {}
    for (i, one, (programme_id, _, _)), answer in zip(asked, answers, strict=True):
        if isinstance(answer, Refusal):
            refused.setdefault(i, answer)
        else:
            kept.setdefault(i, []).append(_resolve(one.order_id, one.member_id, programme_id))
    freed = [one for i in refused for one in kept.get(i, ())]
    if freed:
        must(await programmes.release(tx, freed, now=now), "release points")
    return refused


async def give_up(tx: Tx, wishes: Sequence[Holding], *, now: datetime) -> None:
    """These requests did not come to stand: their points are free."""
    gone = [_resolve(w.order_id, w.member_id, programme_id) for w in wishes for programme_id, _, _ in w.parts]
    if gone:
        must(await programmes.release(tx, gone, now=now), "release points")


async def confirm(tx: Tx, rows: Sequence[dict[str, Any]], *, now: datetime) -> None:
    """The orders of these tenders are paid: what they hold of points is gone, its money is in the shop's escrow."""
    burnt = _of(rows)
    if burnt:
        must(await programmes.confirm(tx, burnt, now=now), "burn points")


async def release(tx: Tx, rows: Sequence[dict[str, Any]], *, now: datetime) -> None:
    """The orders of these tenders ended unpaid: the points are free."""
    freed = _of(rows)
    if freed:
        must(await programmes.release(tx, freed, now=now), "release points")


async def give_back(
    tx: Tx, parts: Sequence[tuple[UUID, dict[str, Any], int, int]], *, now: datetime
) -> None:  # fmt: skip
    """With each of these refunds (its id, the row of the tender) so many points come back to their lots, and so much
    money out of the shop's escrow into the reserve."""
    backs = [
        GiveBack(
            back_id=derive(refund_id, f"points/{row['ref']}"), programme_id=row["ref"], member_id=row["member_id"],
            burn_id=movement(row["order_id"], row["ref"]), points=points, worth_units=worth,
        )
        for refund_id, row, points, worth in parts
        if points
    ]  # fmt: skip
    if backs:
        must(await programmes.give_back(tx, backs, now=now), "give points back")


def _of(rows: Sequence[dict[str, Any]]) -> list[Resolve]:
    return [_resolve(row["order_id"], row["member_id"], row["ref"]) for row in rows if row["kind"] == "points"]


def _resolve(order_id: UUID, member_id: UUID, programme_id: UUID) -> Resolve:
    return Resolve(programme_id=programme_id, member_id=member_id, movement_id=movement(order_id, programme_id))
