"""The verbs of vouchers."""

from hutong.vouchers.operations.issue import issue
from hutong.vouchers.operations.prepare import look, prepare
from hutong.vouchers.operations.redeem import redeem
from hutong.vouchers.operations.refund import lock_orders, refund_failed, refunded, start_refund, void
from hutong.vouchers.operations.reverse import reverse
from hutong.vouchers.operations.sweep import activate, expire, orders_to_expire

__all__ = [
    "activate", "expire", "issue", "lock_orders", "look", "orders_to_expire", "prepare", "redeem", "refund_failed",
    "refunded", "reverse", "start_refund", "void",
]  # fmt: skip
