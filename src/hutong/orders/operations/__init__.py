"""The verbs of orders."""

from hutong.orders.operations.cancel import cancel, expire_unpaid
from hutong.orders.operations.close import close_offers, expire_vouchers
from hutong.orders.operations.notes import refund_by_merchant, write_notes
from hutong.orders.operations.paid import paid
from hutong.orders.operations.place import place
from hutong.orders.operations.receive import receive
from hutong.orders.operations.refund import ask_refunds
from hutong.orders.operations.refund_ends import refunds_done, refunds_failed

__all__ = [
    "ask_refunds", "cancel", "close_offers", "expire_unpaid", "expire_vouchers", "paid", "place", "receive",
    "refund_by_merchant", "refunds_done", "refunds_failed", "write_notes",
]  # fmt: skip
