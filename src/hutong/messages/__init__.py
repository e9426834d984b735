"""Messages to people: the port, its twin, the words and the log."""

from hutong.messages.console import ConsoleSms, last_code_in
from hutong.messages.model import (
    Accepted,
    BadFacts,
    Delivered,
    OutgoingSms,
    Rejected,
    Send,
    SentMessage,
    Unknown,
    UnknownTemplate,
)
from hutong.messages.operations import note, queue
from hutong.messages.port import Sms, SmsUnknown, deliver
from hutong.messages.queries import sent_to

__all__ = [
    "Accepted", "BadFacts", "ConsoleSms", "Delivered", "OutgoingSms", "Rejected", "Send", "SentMessage", "Sms",
    "SmsUnknown", "Unknown", "UnknownTemplate", "deliver", "last_code_in", "note", "queue", "sent_to",
]  # fmt: skip
