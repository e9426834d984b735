"""Writes of clearing: a period is closed, its amounts are booked, lines are disputed and decided."""

from hutong.clearing.operations.close import close, recompute
from hutong.clearing.operations.disputing import decide, dispute
from hutong.clearing.operations.post import finish, post

__all__ = ["close", "decide", "dispute", "finish", "post", "recompute"]
