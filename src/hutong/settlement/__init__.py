"""Settlement: who gets which part of a redemption, and when it is paid out."""

from hutong.settlement.model import (
    AskPayout,
    DayBill,
    Earning,
    NoRule,
    NothingToPay,
    Parts,
    PayoutAsked,
    PayoutOpen,
    PayoutResult,
    PayoutUnknown,
    Rule,
    Statement,
    divide,
)  # fmt: skip
from hutong.settlement.operations import add_rules, ask_payouts, book_bills, payout_results, redeem, reverse
from hutong.settlement.queries import rules_for, statement

__all__ = [
    "AskPayout", "DayBill", "Earning", "NoRule", "NothingToPay", "Parts", "PayoutAsked", "PayoutOpen", "PayoutResult",
    "PayoutUnknown", "Rule", "Statement", "add_rules", "ask_payouts", "book_bills", "divide",
    "payout_results", "redeem", "reverse", "rules_for", "statement",
]  # fmt: skip
