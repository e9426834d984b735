"""Messages to people: the port, its twin, the words, the log, and the inbox."""

from hutong.messages.console import ConsoleSms, last_code_in
from hutong.messages.inbox import (
    KINDS,
    InboxMessage,
    Tell,
    empty,
    inbox_of,
    mark,
    mark_read,
    set_mark,
    tell,
    told_since,
    unread,
)
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
    "KINDS", "Accepted", "BadFacts", "ConsoleSms", "Delivered", "InboxMessage", "OutgoingSms", "Rejected", "Send",
    "SentMessage", "Sms", "SmsUnknown", "Tell", "Unknown", "UnknownTemplate", "deliver", "empty", "inbox_of",
    "last_code_in", "mark", "mark_read", "note", "queue", "sent_to", "set_mark", "tell", "told_since", "unread",
]  # fmt: skip
