"""Tables of the waiting list."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import UUID

from hutong.infra.tables import city_table

entries = city_table(
    "waitlist.entries",
    Column("entry_id", UUID, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("units", Integer, nullable=False),
    Column("first", Date),
    Column("last", Date),
    Column("state", Text, nullable=False),
    Column("joined_at", DateTime(timezone=True), nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("calls", Integer, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("why", Text, nullable=False),
    UniqueConstraint("city_id", "token_hash", name="entries_token_key"),
    CheckConstraint("state in ('waiting', 'called', 'served', 'left', 'ended')", name="state"),
    CheckConstraint("(ended_at is null) = (state in ('waiting', 'called'))", name="ended"),
    CheckConstraint("units between 1 and 50 and calls between 0 and 2", name="need"),
    CheckConstraint("num_nulls(first, last) in (0, 2) and first <= last", name="days"),
    CheckConstraint("joined_at <= since and octet_length(token_hash) = 32", name="sound"),
)
_LIVE = entries.c.state.in_(("waiting", "called"))
Index("entries_line_idx", entries.c.city_id, entries.c.since, entries.c.entry_id, postgresql_where=_LIVE)
Index("entries_member_idx", entries.c.city_id, entries.c.member_id, entries.c.joined_at)

_TO_ENTRY = (["city_id", "entry_id"], ["waitlist.entries.city_id", "waitlist.entries.entry_id"])

choices = city_table(
    "waitlist.choices",
    Column("entry_id", UUID, primary_key=True),
    Column("offer_id", UUID, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("quota_id", UUID, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("live", Boolean, nullable=False),
    ForeignKeyConstraint(*_TO_ENTRY, name="choices_entry_fkey"),
)
# One live entry for each member and deal; also how a deal finds those who wait for it.
Index(
    "choices_live_key", choices.c.city_id, choices.c.offer_id, choices.c.member_id, unique=True,
    postgresql_where=choices.c.live,
)  # fmt: skip
Index("choices_merchant_idx", choices.c.city_id, choices.c.merchant_id, postgresql_where=choices.c.live)

calls = city_table(
    "waitlist.calls",
    Column("call_id", UUID, primary_key=True),
    Column("entry_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("offer_id", UUID, nullable=False),
    Column("hold_id", UUID, nullable=False),
    Column("units", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    ForeignKeyConstraint(*_TO_ENTRY, name="calls_entry_fkey"),
    UniqueConstraint("city_id", "hold_id", name="calls_hold_key"),
    CheckConstraint("state in ('open', 'taken', 'lapsed', 'declined')", name="state"),
    CheckConstraint("(ended_at is null) = (state = 'open')", name="ended"),
    CheckConstraint("units > 0 and made_at < expires_at", name="sound"),
)
Index("calls_open_key", calls.c.city_id, calls.c.entry_id, unique=True, postgresql_where=calls.c.state == "open")
Index("calls_entry_idx", calls.c.city_id, calls.c.entry_id, calls.c.made_at)
