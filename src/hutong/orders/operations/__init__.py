"""The verbs of orders."""

from hutong.orders.operations.cancel import cancel, expire_unpaid
from hutong.orders.operations.close import close_offers, expire_vouchers
from hutong.orders.operations.close_ladders import LaddersClosed, close_ladders
from hutong.orders.operations.close_teams import TeamsClosed, close_teams
from hutong.orders.operations.notes import refund_by_merchant, write_notes
from hutong.orders.operations.paid import paid
from hutong.orders.operations.place import place
from hutong.orders.operations.receive import receive
from hutong.orders.operations.refund import ask_refunds
from hutong.orders.operations.refund_ends import refunds_done, refunds_failed

__all__ = [
    "LaddersClosed", "TeamsClosed", "ask_refunds", "cancel", "close_ladders", "close_offers", "close_teams",
    "expire_unpaid", "expire_vouchers", "paid", "place", "receive", "refund_by_merchant", "refunds_done",
    "refunds_failed", "write_notes",
]  # fmt: skip
