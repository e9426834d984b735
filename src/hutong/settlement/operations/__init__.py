"""The verbs of settlement."""

from hutong.settlement.operations.earn import redeem, reverse
from hutong.settlement.operations.pay_out import ask_payouts, book_bills, payout_results
from hutong.settlement.operations.rules import add_rules
from hutong.settlement.operations.upload import upload

__all__ = ["add_rules", "ask_payouts", "book_bills", "payout_results", "redeem", "reverse", "upload"]
