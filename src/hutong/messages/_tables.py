"""The log of messages: proof of what was sent to whom, without the number and without secrets."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from hutong.infra.tables import other_table

# Keyed by the recipient (a keyed digest of the number): a code goes to people who are no members yet.
sent = other_table(
    "messages.sent",
    Column("recipient", LargeBinary, primary_key=True),
    Column("message_id", UUID, primary_key=True),
    Column("tail", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("settled_at", DateTime(timezone=True)),
    Column("provider", Text),
    Column("reference", Text),
    Column("reason", Text),
    CheckConstraint("octet_length(recipient) = 32", "digest"),
    CheckConstraint("status in ('queued', 'accepted', 'rejected', 'unknown')", "status"),
    CheckConstraint("(status = 'queued') = (settled_at is null)", "settled"),
    CheckConstraint("(status = 'queued') = (provider is null)", "provider"),
    CheckConstraint("(status = 'accepted') = (reference is not null)", "reference"),
    CheckConstraint("status <> 'rejected' or reason is not null", "reason"),
    CheckConstraint("settled_at >= queued_at", "settled_later"),
)
Index("sent_recipient_idx", sent.c.recipient, sent.c.queued_at)
