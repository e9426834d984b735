"""The verbs of payments."""

from hutong.payments.operations.due import Calls, Polls, claim_calls, claim_polls
from hutong.payments.operations.events import Received, claim_events, receive
from hutong.payments.operations.open import ask_close, begin, open, opened
from hutong.payments.operations.refunds import RefundAsked, ask_refunds
from hutong.payments.operations.settle import settle
from hutong.payments.operations.whose import Owner, ids_of, orders_of, owners_of
from hutong.payments.port import Finding

__all__ = [
    "Calls",
    "Finding",
    "Owner",
    "Polls",
    "Received",
    "RefundAsked",
    "ask_close",
    "ask_refunds",
    "begin",
    "claim_calls",
    "claim_events",
    "claim_polls",
    "ids_of",
    "open",
    "opened",
    "orders_of",
    "owners_of",
    "receive",
    "settle",
]
