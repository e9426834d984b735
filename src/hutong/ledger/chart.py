"""The named accounts of the house: each function is one line of the table of accounts in the books' design.

An account that mirrors a promise (escrow, deposit, wallet, points, reserve) never goes below zero. One that
mirrors the world outside (a provider's bill), a result (revenue, expense) or a running relation (payables after
a late refund, clearing between books) may, because the fact happened whether or not we like the balance.

Ids stand in paths as plain UUIDs and not in their public form: so an audit query can join an account to its owner.
"""

from typing import Literal
from uuid import UUID

from hutong.ledger.values import Account, clearing

__all__ = [
    "bonus",
    "campaign",
    "clearing",
    "custody_worker",
    "deposit",
    "disputed",
    "due",
    "escrow",
    "expense_promotion",
    "expense_provider_fee",
    "expired",
    "funding",
    "issued",
    "own_purse",
    "payable_merchant",
    "payable_operator",
    "payable_referrer",
    "payable_worker",
    "points_available",
    "points_debt",
    "points_pending",
    "programme_revenue",
    "provider",
    "receivable",
    "redeemed",
    "reserve",
    "revenue_breakage",
    "revenue_commission",
    "wallet",
]

# The city's book


def provider(psp: str) -> Account:
    """Money that a payment provider holds for us; matches its bill."""
    return Account(f"provider/{psp}", "debit", may_overdraw=True)


def escrow(merchant_id: UUID) -> Account:
    """Sold and not yet used: owed to the buyer or, once used, to the parties."""
    return Account(f"escrow/{merchant_id}", "credit")


def payable_merchant(merchant_id: UUID) -> Account:
    """Earned by the merchant and not yet paid out."""
    return Account(f"payable/merchant/{merchant_id}", "credit", may_overdraw=True)


def payable_operator(operator_id: UUID) -> Account:
    """The city operator's part of the commission."""
    return Account(f"payable/operator/{operator_id}", "credit", may_overdraw=True)


def payable_referrer(member_id: UUID) -> Account:
    """What somebody who brought the buyer has earned."""
    return Account(f"payable/referrer/{member_id}", "credit", may_overdraw=True)


def payable_worker(worker_id: UUID) -> Account:
    """What a worker has earned."""
    return Account(f"payable/worker/{worker_id}", "credit", may_overdraw=True)


def custody_worker(worker_id: UUID) -> Account:
    """Cash that a worker took for us."""
    return Account(f"custody/worker/{worker_id}", "debit")


def deposit(order_id: UUID) -> Account:
    """A deposit or risk fund held for an order."""
    return Account(f"deposit/{order_id}", "credit")


def revenue_commission() -> Account:
    """The platform's part of what is redeemed."""
    return Account("revenue/commission", "credit", may_overdraw=True)


def revenue_breakage() -> Account:
    """What was paid for rights that expired unused and that nobody is given back."""
    return Account("revenue/breakage", "credit", may_overdraw=True)


def expense_promotion(who: Literal["platform", "brand", "operator"]) -> Account:
    """The part of a promotion that the platform, a brand or the operator bears."""
    return Account(f"expense/promotion/{who}", "debit", may_overdraw=True)


def expense_provider_fee() -> Account:
    """What providers charge, by their daily bills."""
    return Account("expense/provider-fee", "debit", may_overdraw=True)


# A member's book


def wallet(asset: str) -> Account:
    """Stored value of one asset."""
    return Account(f"wallet/{asset}", "credit", asset=asset)


def bonus(asset: str) -> Account:
    """Stored value that was given, not paid in; it is kept apart."""
    return Account(f"wallet/{asset}/bonus", "credit", asset=asset)


def points_pending(programme_id: UUID) -> Account:
    """Points earned whose return window is still open."""
    return Account(f"points/{programme_id}/pending", "credit")


def points_available(programme_id: UUID) -> Account:
    """Points that the member can use now."""
    return Account(f"points/{programme_id}/available", "credit")


def points_debt(programme_id: UUID) -> Account:
    """Points clawed back that were spent already: the next earnings pay it first."""
    return Account(f"points/{programme_id}/debt", "debit")


# A programme's book


def funding(partner_id: UUID) -> Account:
    """The block of points money that a prepaid partner has paid in."""
    return Account(f"funding/{partner_id}", "credit")


def receivable(partner_id: UUID) -> Account:
    """What a postpaid partner owes for points. A path of its own, so that a partner may change his mode."""
    return Account(f"funding/{partner_id}/postpaid", "debit", may_overdraw=True)


def own_purse() -> Account:
    """The programme's own money for points: what its campaigns are paid from."""
    return Account("funding/own", "credit")


def campaign(campaign_id: UUID) -> Account:
    """What a campaign that the programme pays may still give: set aside before the first point."""
    return Account(f"campaign/{campaign_id}", "credit")


def due(partner_id: UUID) -> Account:
    """What others' points bought at a partner: his until the period is cleared. Below zero after a late undo."""
    return Account(f"due/{partner_id}", "credit", may_overdraw=True)


def disputed(partner_id: UUID) -> Account:
    """What a clearing paid a partner (below zero: charged him) for disputed lines: nobody's until it is decided."""
    return Account(f"disputed/{partner_id}", "credit", may_overdraw=True)


def reserve() -> Account:
    """Backs the points outstanding."""
    return Account("reserve", "credit")


def programme_revenue() -> Account:
    """What a programme keeps of expired points, by its policy."""
    return Account("revenue/expired-points", "credit", may_overdraw=True)


def issued() -> Account:
    """Points given out: the contra account of all points that members hold or have used."""
    return Account("issued", "debit")


def redeemed() -> Account:
    """Points that were used: out of members' hands for good."""
    return Account("redeemed", "credit")


def expired() -> Account:
    """Points whose time was over before they were used."""
    return Account("expired", "credit")
