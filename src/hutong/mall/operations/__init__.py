"""The verbs of the mall."""

from hutong.mall.operations.exchange import exchange
from hutong.mall.operations.follow import follow, forget_addresses, forget_members
from hutong.mall.operations.parcels import lock_sent, mark_delivered, return_to_sender, send_out, sent_long_ago

__all__ = [
    "exchange", "follow", "forget_addresses", "forget_members", "lock_sent", "mark_delivered", "return_to_sender",
    "send_out", "sent_long_ago",
]  # fmt: skip
