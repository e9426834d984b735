"""Promotions as they are kept: their state, window and budgets, what was used of them, and their codes. Values only."""

from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from msgspec import Struct

from hutong.kit.clock import local
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.pricing.budget_refusals import BudgetExhausted, PromotionNotBegun, PromotionOver, PromotionPaused
from hutong.pricing.rules import Rule

PromotionState = Literal["draft", "live", "paused", "ended"]
Trigger = Literal["auto", "coupon"]
Attribute = Literal["all", "member", "phone", "device", "day", "member_day"]
ATTRIBUTES: tuple[Attribute, ...] = get_args(Attribute)
BURN = "burn"  # the attribute of the counters by which the alarm goes: what each five minutes spent
BURN_S = 300
ALARM_TIMES = 3  # so many times the forecast of five minutes are too much (casebook K2)

# From which state a promotion may come to which.
STEPS: dict[str, tuple[str, ...]] = {
    "draft": ("live", "ended"), "live": ("paused", "ended"), "paused": ("live", "ended"), "ended": (),
}  # fmt: skip


class Budget(Struct, frozen=True, kw_only=True):
    """At most so much money (smallest unit) and so many uses: in all, or for each member, phone, device, day of the
    city, or member and day."""

    attribute: Attribute = "all"
    most_units: int | None = None
    most_uses: int | None = None


class SavePromotion(Struct, frozen=True, kw_only=True):
    """A promotion as its author writes it: its rule, and what surrounds it. `version` None: it is new.

    A coupon (rule.trigger) is claimed within [starts_at, ends_at) and used until its own validity ends, at the latest
    `use_until`; an automatic one is used within [starts_at, ends_at). `forecast_units`: what it is expected to cost in
    five minutes of its best hour; three times as much stops it.
    """

    rule: Rule
    merchant_id: UUID | None
    by: UUID | None
    version: int | None = None
    template: str = "free"
    starts_at: datetime
    ends_at: datetime | None = None
    use_until: datetime | None = None
    forecast_units: int | None = None
    budgets: tuple[Budget, ...] = ()

    @property
    def promotion_id(self) -> UUID:
        return self.rule.promotion_id


class PromotionStep(Struct, frozen=True, kw_only=True):
    """Publish, pause, resume or end one promotion. `by` None: the house."""

    promotion_id: UUID
    by: UUID | None
    reason: str = ""


class Live(Struct, frozen=True, kw_only=True):
    """A promotion as the price asks for it. `exhausted`: its budget in all was spent when this was read."""

    promotion_id: UUID
    merchant_id: UUID | None
    trigger: Trigger
    state: PromotionState
    version: int
    name: Text
    rule: Rule
    starts_at: datetime
    ends_at: datetime | None
    use_until: datetime | None
    exhausted: bool = False


class Counter(Struct, frozen=True, kw_only=True):
    """What of a budget is held by open orders and spent by paid ones."""

    attribute: str
    key: str
    most_units: int | None
    most_uses: int | None
    held_units: int
    held_uses: int
    spent_units: int
    spent_uses: int


class Kept(Struct, frozen=True, kw_only=True):
    """A promotion as its staff sees it, with its budgets and what they have come to in all."""

    live: Live
    template: str
    forecast_units: int | None
    stopped_why: str | None
    made_by: UUID | None
    made_at: datetime
    budgets: tuple[Budget, ...]
    held_units: int = 0
    held_uses: int = 0
    spent_units: int = 0
    spent_uses: int = 0

    @property
    def in_all(self) -> Budget:
        """The budget in all (without limits when there is none)."""
        return next((b for b in self.budgets if b.attribute == "all"), Budget())


class PromotionChange(Struct, frozen=True, kw_only=True):
    """One step in a promotion's life."""

    version: int
    what: str
    state: PromotionState
    by: UUID | None
    at: datetime
    reason: str


class Claim(Struct, frozen=True, kw_only=True):
    """A promotion takes `units` off `ref` (an order, a use at a till) of that member: keep so much of its budgets.

    `phone` and `device` are digests that tell numbers and devices apart; where one is not known, the member counts.
    """

    promotion_id: UUID
    ref: UUID
    member_id: UUID
    units: int
    phone: str = ""
    device: str = ""


class Held(Struct, frozen=True, kw_only=True):
    """So much of the budgets is kept for the ref."""

    promotion_id: UUID
    ref: UUID
    units: int


class Back(Struct, frozen=True, kw_only=True):
    """`units` of what was spent on the ref come back; `whole`: the use itself, too."""

    promotion_id: UUID
    ref: UUID
    units: int
    whole: bool = False


class ClaimCoupon(Struct, frozen=True, kw_only=True):
    """A member claims coupons of a promotion by the order `ref`, with a code or without."""

    promotion_id: UUID
    ref: UUID
    member_id: UUID
    code_id: UUID | None = None


class MayClaim(Struct, frozen=True, kw_only=True):
    """It may be claimed; `shown` is the third party's code that goes with it."""

    promotion_id: UUID
    ref: UUID
    shown: str | None = None


class NewCode(Struct, frozen=True, kw_only=True):
    """A code by its keyed digest. `member_id`: only this member may claim with it; `shown`: a third party's."""

    code_id: UUID
    tail: str
    member_id: UUID | None = None
    shown: str | None = None


class AddBatch(Struct, frozen=True, kw_only=True):
    """Codes of one promotion that came together."""

    batch_id: UUID
    promotion_id: UUID
    kind: Literal["generated", "imported", "pool", "issued"]
    label: str
    by: UUID | None
    codes: tuple[NewCode, ...]


class Batch(Struct, frozen=True, kw_only=True):
    """A batch of codes and how many of them are taken."""

    batch_id: UUID
    promotion_id: UUID
    kind: str
    label: str
    count: int
    taken: int
    void: int
    made_by: UUID | None
    made_at: datetime


class Burnt(Struct, frozen=True, kw_only=True):
    """The alarm stopped a promotion: it spent `units` in five minutes and was expected to spend `forecast_units`."""

    promotion_id: UUID
    merchant_id: UUID | None
    name: Text
    units: int
    forecast_units: int


def why_not_usable(live: Live, now: datetime, *, zone: str = "UTC") -> Refusal | None:
    """Why nobody can use the promotion at that instant: promotion_paused, promotion_not_begun (told in `zone`),
    promotion_over or budget_exhausted. A coupon that was claimed outlives the end of the claiming."""
    if live.state == "paused":
        return PromotionPaused()
    if live.state == "draft" or now < live.starts_at:
        return PromotionNotBegun(**{"from": local(live.starts_at, zone).strftime("%Y-%m-%d %H:%M")})
    if live.trigger == "auto" and (live.state == "ended" or (live.ends_at is not None and now >= live.ends_at)):
        return PromotionOver()
    if live.use_until is not None and now >= live.use_until:
        return PromotionOver()
    return BudgetExhausted() if live.exhausted else None


def why_not_claimed(live: Live, now: datetime, *, zone: str = "UTC") -> Refusal | None:
    """Why nobody can claim a coupon of the promotion at that instant: as why_not_usable, and its window is checked."""
    if live.state == "ended" or (live.ends_at is not None and now >= live.ends_at):
        return PromotionOver()
    return why_not_usable(live, now, zone=zone)
