"""The verbs of vouchers."""

from hutong.vouchers.operations.hold import lock, restore, spend, unlock
from hutong.vouchers.operations.issue import issue
from hutong.vouchers.operations.prepare import beside, beside_member, look, prepare
from hutong.vouchers.operations.redeem import redeem
from hutong.vouchers.operations.refund import lock_orders, refund_failed, refunded, start_refund, void
from hutong.vouchers.operations.reverse import reverse
from hutong.vouchers.operations.sweep import activate, expire, orders_to_expire, passes_over
from hutong.vouchers.operations.wake import put_back, reduce, wake

__all__ = [
    "activate", "beside", "beside_member", "expire", "issue", "lock", "lock_orders", "look", "orders_to_expire",
    "passes_over", "prepare", "put_back", "redeem", "reduce", "refund_failed", "refunded", "restore", "reverse",
    "spend", "start_refund", "unlock", "void", "wake",
]  # fmt: skip
