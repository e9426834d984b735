"""Quotas and holds as values, and the one rule: who comes first is served first, whole or not at all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.inventory.refusals import QuotaClosed, QuotaUnknown, SoldOut
from hutong.kit.refusals import Refusal

State = Literal["held", "confirmed", "released", "expired"]


class OpenQuota(Struct, frozen=True, kw_only=True):
    """Let there be `total` units under this id. `label` is for people who look at the stock."""

    quota_id: UUID
    label: str
    total: int

    def __post_init__(self) -> None:
        if self.total < 0:
            raise ValueError("a quota cannot have less than no units")


class Quota(Struct, frozen=True, kw_only=True):
    """A quota as it stands: sold + held + remaining = total."""

    quota_id: UUID
    label: str
    total: int
    held: int
    sold: int
    remaining: int
    closed_at: datetime | None
    listed: bool = False

    @property
    def on_sale(self) -> int:
        """Units that whoever comes now may have: none while people wait for what becomes free."""
        return 0 if self.listed or self.closed_at is not None else self.remaining


class Want(Struct, frozen=True):
    """So many units of a quota."""

    quota_id: UUID
    units: int

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError("a hold takes at least one unit")


class Hold(Struct, frozen=True, kw_only=True):
    """Keep these units aside until `expires_at` for `ref` (an order). All of them or none."""

    hold_id: UUID
    wants: tuple[Want, ...]
    expires_at: datetime
    ref: UUID


class Held(Struct, frozen=True, kw_only=True):
    """The units are kept. `replayed`: they were already, by the same request; `state` then says how far it got."""

    hold_id: UUID
    ref: UUID
    expires_at: datetime
    state: Literal["held", "confirmed"] = "held"
    replayed: bool = False


class Confirmed(Struct, frozen=True, kw_only=True):
    """What was held is sold."""

    hold_id: UUID
    ref: UUID
    replayed: bool = False


class Released(Struct, frozen=True, kw_only=True):
    """What was held is free again (or was already: released or expired before)."""

    hold_id: UUID
    ref: UUID
    replayed: bool = False


class Lapsed(Struct, frozen=True, kw_only=True):
    """A hold whose time was over; its units are free again."""

    hold_id: UUID
    ref: UUID
    expires_at: datetime


class GiveBack(Struct, frozen=True, kw_only=True):
    """Units of a confirmed hold go back on sale. `ref` (a refund, a voucher) makes it happen once.

    `quota_id` says of which quota; None means so many units of every quota of the hold.
    """

    ref: UUID
    hold_id: UUID
    units: int
    quota_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError("at least one unit is given back")


class GivenBack(Struct, frozen=True, kw_only=True):
    """The units are on sale again."""

    ref: UUID
    hold_id: UUID
    units: int
    replayed: bool = False


class TakeOver(Struct, frozen=True, kw_only=True):
    """The units of the hold `hold_id`, kept for `ref`, become those of `new`; what it does not want is free again."""

    hold_id: UUID
    ref: UUID
    new: Hold


class HoldState(Struct, frozen=True, kw_only=True):
    """How far a hold has come. `moved_to`: the hold that took its units over."""

    hold_id: UUID
    state: State
    expires_at: datetime
    moved_to: UUID | None


class Resize(Struct, frozen=True):
    """Let the quota have `total` units from now on."""

    quota_id: UUID
    total: int


class Left(Struct, frozen=True):
    """What a request finds: units left, and whether the quota still sells."""

    remaining: int
    closed: bool


def wanted(hold: Hold) -> dict[UUID, int]:
    """Units by quota: two wants of one quota are one want of both."""
    total: dict[UUID, int] = {}
    for want in hold.wants:
        total[want.quota_id] = total.get(want.quota_id, 0) + want.units
    return total


def why_not(hold: Hold, left: Mapping[UUID, Left]) -> Refusal | None:
    """Why the hold cannot be taken from what is left; None when it can. Quotas are asked in sorted order."""
    for quota_id, units in sorted(wanted(hold).items()):
        found = left.get(quota_id)
        if found is None:
            return QuotaUnknown(quota=str(quota_id))
        if found.closed:
            return QuotaClosed(quota=str(quota_id))
        if found.remaining < units:
            return SoldOut(left=found.remaining, quota=str(quota_id))
    return None


def serve(holds: Sequence[Hold], left: Mapping[UUID, Left]) -> list[Refusal | None]:
    """Serve the holds in the order of the list from what is left: None for each that is taken, or why not."""
    stock = dict(left)
    answers: list[Refusal | None] = []
    for hold in holds:
        refusal = why_not(hold, stock)
        answers.append(refusal)
        if refusal is None:
            for quota_id, units in wanted(hold).items():
                stock[quota_id] = Left(stock[quota_id].remaining - units, False)
    return answers
