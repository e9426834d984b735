"""Settlement: who gets which part of a redemption, and when it is paid out."""

from hutong.settlement.books import Payout, PeriodSum, Step, earning, earnings, payouts, sums
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
from hutong.settlement.operations import add_rules, ask_payouts, book_bills, payout_results, redeem, reverse, upload
from hutong.settlement.queries import rules_for, statement

__all__ = [
    "AskPayout", "DayBill", "Earning", "NoRule", "NothingToPay", "Parts", "Payout", "PayoutAsked", "PayoutOpen",
    "PayoutResult", "PayoutUnknown", "PeriodSum", "Rule", "Statement", "Step", "add_rules", "ask_payouts",
    "book_bills", "divide", "earning", "earnings", "payout_results", "payouts", "redeem", "reverse", "rules_for",
    "statement", "sums", "upload",
]  # fmt: skip
