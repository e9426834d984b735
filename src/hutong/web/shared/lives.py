"""What has happened to an order, as its buyer and its seller see it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from hutong.kit.money import Amount
from hutong.orders import Change


class Moment(Struct, frozen=True):
    """A step on the timeline of an order: `happened.<word>`."""

    at: datetime
    word: str
    amount: Amount | None = None
    reason: str = ""


class Back(Struct, frozen=True):
    """Money on its way back to the buyer, or there: how much, for how many units, and how far it has come. `tendered`
    of it goes to his cards and points."""

    amount: Amount
    units: int
    state: str
    reason: str
    asked_at: datetime
    ended_at: datetime | None
    tendered: Amount

    @property
    def money(self) -> Amount:
        return self.amount - self.tendered


def backs_of(rows: Sequence[dict[str, Any]]) -> list[Back]:
    """The refunds of an order, as orders.refunds gives them."""
    return [
        Back(
            Amount(row["units"], row["asset"]), len(row["voucher_ids"]), row["state"], row["reason"], row["asked_at"],
            row["ended_at"], Amount(row["tendered_units"], row["asset"]),
        )
        for row in rows
    ]  # fmt: skip


def moments_of(changes: Sequence[Change], backs: Sequence[Back]) -> list[Moment]:
    """The timeline, newest first: the order's own steps, and its refunds with their amounts."""
    moments = [Moment(change.at, change.state) for change in changes if "refund" not in change.state]
    for back in backs:
        asked = "refund_by_merchant" if back.reason == "merchant" else "refund_asked"
        moments.append(Moment(back.asked_at, asked, back.amount, back.reason))
        if back.ended_at is not None:
            moments.append(Moment(back.ended_at, f"refund_{back.state}", back.amount))
    return sorted(moments, key=lambda one: one.at, reverse=True)
