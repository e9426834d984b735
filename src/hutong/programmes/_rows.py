"""Rows of a wallet and of the movements of points as they are worked on, with the types of their columns."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong.ledger import Account, chart


class WalletRow(Struct, kw_only=True):
    member_id: UUID
    programme_id: UUID
    pending: int = 0
    available: int = 0
    held: int = 0
    debt: int = 0
    growth: int = 0


class LotRow(Struct, kw_only=True):
    member_id: UUID
    lot_id: UUID
    programme_id: UUID
    movement_id: UUID
    partner_id: UUID
    fund: str
    campaign_id: UUID | None = None
    source_kind: str
    source_ref: UUID
    state: str = "pending"
    points: int
    rest: int
    rule: str
    expiry_to: str
    earned_at: datetime
    matures_at: datetime
    expires_at: datetime


class DrawRow(Struct, kw_only=True):
    member_id: UUID
    lot_id: UUID
    movement_id: UUID
    programme_id: UUID
    kind: str
    points: int
    back: int = 0
    at: datetime


class DebtRow(Struct, kw_only=True):
    member_id: UUID
    debt_id: UUID
    programme_id: UUID
    movement_id: UUID
    partner_id: UUID
    fund: str
    campaign_id: UUID | None = None
    points: int
    rest: int
    at: datetime


class MoveRow(Struct, kw_only=True):
    programme_id: UUID
    movement_id: UUID
    kind: str
    state: str = "done"
    member_id: UUID
    partner_id: UUID | None = None
    funder_id: UUID | None = None
    mode: str | None = None
    city_id: int | None = None
    store_id: UUID | None = None
    staff_id: UUID | None = None
    source_kind: str
    source_ref: UUID
    parent_id: UUID | None = None
    points: int
    base: int = 0
    bonus: int = 0
    campaign: int = 0
    units: int = 0
    worth_units: int = 0
    funded_units: int = 0
    amount_units: int | None = None
    target: str | None = None
    category: str | None = None
    how: Any = None
    pending_part: int = 0
    available_part: int = 0
    debt_part: int = 0
    undone: int = 0
    worth_back: int = 0
    base_back: int = 0
    bonus_back: int = 0
    campaign_back: int = 0
    rule: str
    until: datetime | None = None
    at: datetime
    bought_at: datetime | None = None
    ended_at: datetime | None = None


_KINDS = {
    "uuid": "member_id lot_id programme_id movement_id partner_id campaign_id source_ref debt_id funder_id store_id "
    "staff_id parent_id",
    "bigint": "pending available held debt growth points rest back base bonus campaign units worth_units funded_units "
    "amount_units pending_part available_part debt_part undone worth_back base_back bonus_back campaign_back times",
    "timestamptz": "earned_at matures_at expires_at at until bought_at ended_at",
    "text": "fund source_kind state rule expiry_to kind mode target category",
    "int": "city_id",
    "jsonb": "how",
}
TYPES = {name: kind for kind, names in _KINDS.items() for name in names.split()}


def unnested(kind: type[Struct]) -> str:
    """A list of rows as the table `n`: each column is a parameter."""
    arrays = ", ".join(f"unnest(%({name})s::{TYPES[name]}[]) as {name}" for name in kind.__struct_fields__)
    return f"(select {arrays}) as n"


def columns(kind: type[Struct], rows: list[Any]) -> dict[str, Any]:
    """The parameters of `unnested`."""
    return {name: [getattr(row, name) for row in rows] for name in kind.__struct_fields__}


def account_of(fund: str, partner_id: UUID, campaign_id: UUID | None) -> Account:
    """The account in the programme's book whose money is behind points."""
    if fund == "campaign":
        assert campaign_id is not None
        return chart.campaign(campaign_id)
    return chart.funding(partner_id) if fund == "prepaid" else chart.receivable(partner_id)


def partner_of(row: LotRow | DebtRow) -> tuple[UUID | None, str | None]:
    """(funder_id, mode) of points: a partner, or nobody when the programme pays."""
    return (None, None) if row.fund == "campaign" else (row.partner_id, row.fund)
