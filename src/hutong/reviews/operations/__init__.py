"""Writes of reviews."""

from hutong.reviews.operations.answer import reply, report
from hutong.reviews.operations.moderate import appeal, decide, moderate
from hutong.reviews.operations.withdraw import forget, withdraw, withdraw_reversed
from hutong.reviews.operations.write import edit, write

__all__ = [
    "appeal",
    "decide",
    "edit",
    "forget",
    "moderate",
    "reply",
    "report",
    "withdraw",
    "withdraw_reversed",
    "write",
]
