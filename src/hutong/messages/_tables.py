"""The log of messages (proof of what was sent to whom, without number or secret), and what members find in the app."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from hutong.infra.tables import city_table, other_table

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

# What a member finds under "messages": one row for each thing that happened to him, by an id that follows from it.
inbox = other_table(
    "messages.inbox",
    Column("member_id", UUID, primary_key=True),
    Column("message_id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("city_id", Integer),  # where its link leads; null: to no city
    Column("subject", UUID),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("read_at", DateTime(timezone=True)),
    CheckConstraint("read_at >= at", "read_later"),
    CheckConstraint("char_length(kind) between 1 and 40", "kind"),
)
Index("inbox_newest_idx", inbox.c.member_id, inbox.c.at.desc(), inbox.c.message_id.desc())
Index("inbox_unread_idx", inbox.c.member_id, postgresql_where=inbox.c.read_at.is_(None))

# How far a round has come in a city, by the round's name: what lies before was looked at.
marks = city_table(
    "messages.marks",
    Column("name", Text, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)
