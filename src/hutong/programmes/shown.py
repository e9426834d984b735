"""What programmes show: blocks, lots, wallets, movements, partners' funding, missed points."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.programmes.model import How, LotState, Mode, MovementKind, Source, Target


class Block(Struct, frozen=True, kw_only=True):
    """A block and what is left of it; the oldest is used first."""

    block_id: UUID
    amount: Amount
    left: Amount
    at: datetime


class Lot(Struct, frozen=True, kw_only=True):
    """Points of one purchase as a member sees them."""

    lot_id: UUID
    programme_id: UUID
    partner_id: UUID
    partner_name: Text
    points: int
    left: int
    state: LotState
    source: Source
    earned_at: datetime
    matures_at: datetime
    expires_at: datetime


class Wallet(Struct, frozen=True, kw_only=True):
    """What a member has in a programme. `expiring`: what is lost next, and when."""

    programme_id: UUID
    member_id: UUID
    pending: int
    available: int
    held: int
    debt: int
    growth: int
    tier: int  # index in the policy's tiers; -1: none
    next_tier_growth: int | None
    expiring: tuple[tuple[datetime, int], ...]


class Movement(Struct, frozen=True, kw_only=True):
    """One line of a wallet's or a partner's history. `points` (never below zero) moved as `kind` says.

    `partner_id`: where it happened; `funder_id`: the partner whose money is behind the points, where that is one, by
    `mode`. `money`: the face of the points, as far as backing moved (a claw-back leaves out what became debt).
    `funded`: the part of it that left (earn) or came back to (claw_back, debt_paid, expire by policy) the funder.
    `worth`: what the partner gets for a burn (unburn: gives back) in `target`. `parent_id`: the earn or burn that this
    one undoes. `at`: when it was booked (periods are cut by it); `bought_at`: when it happened.
    """

    movement_id: UUID
    programme_id: UUID
    kind: MovementKind
    member_id: UUID
    partner_id: UUID | None
    funder_id: UUID | None
    city_id: int | None
    store_id: UUID | None
    source: Source
    points: int
    base: int
    bonus: int
    campaign: int
    money: Amount
    rule: str
    at: datetime
    bought_at: datetime | None = None
    mode: Mode | None = None
    target: Target | None = None
    worth: Amount
    funded: Amount
    amount: Amount | None = None  # of the purchase
    parent_id: UUID | None = None
    state: Literal["done", "held", "released"] = "done"
    undone: int = 0  # points of it that were taken or given back since
    how: How | None = None


class Funding(Struct, frozen=True, kw_only=True):
    """A partner's money for points. `due`: what others' points bought at his shop and is cleared next."""

    partner_id: UUID
    mode: Mode
    left: Amount  # prepaid: unused; postpaid: what of the limit is left
    owed: Amount  # postpaid: used and not cleared
    due: Amount
    low: bool
    blocks: tuple[Block, ...] = ()


class Missed(Struct, frozen=True, kw_only=True):
    """A purchase that gave no points, because the partner's funding was used up or a cap was reached."""

    movement_id: UUID
    partner_id: UUID
    amount: Amount
    points: int
    why: str
    at: datetime
    granted_at: datetime | None = None
