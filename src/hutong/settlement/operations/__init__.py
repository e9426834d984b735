"""The verbs of settlement."""

from hutong.settlement.operations.accounts import Decide, Propose, decide_accounts, propose_accounts
from hutong.settlement.operations.batches import decide_batches, make_batches
from hutong.settlement.operations.bills import PaidOut, book_bills, compare_payouts
from hutong.settlement.operations.earn import redeem, reverse
from hutong.settlement.operations.pay_out import ask_payouts, decide_payouts, mark_payouts, payout_results
from hutong.settlement.operations.plans import add_plans, adopt
from hutong.settlement.operations.reconcile import BillEntry, compare_lines
from hutong.settlement.operations.rules import add_rules, set_chains
from hutong.settlement.operations.sending import Claimed, ask_soon, claim_payouts, never_heard, stuck
from hutong.settlement.operations.tasks import close_tasks
from hutong.settlement.operations.upload import upload

__all__ = [
    "BillEntry", "Claimed", "Decide", "PaidOut", "Propose", "add_plans", "add_rules", "adopt", "ask_payouts",
    "ask_soon", "book_bills", "claim_payouts", "close_tasks", "compare_lines", "compare_payouts", "decide_accounts",
    "decide_batches", "decide_payouts", "make_batches", "mark_payouts", "never_heard", "payout_results",
    "propose_accounts", "redeem", "reverse", "set_chains", "stuck", "upload",
]  # fmt: skip
