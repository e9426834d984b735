"""Tables of the infra package: facts (the outbox) and their deliveries, answers (idempotency), periodics, limits."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Double, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from hutong.infra.tables import city_table, other_table

facts = city_table(
    "infra.facts",
    Column("fact_id", UUID, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("subject", UUID, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("relayed_at", DateTime(timezone=True)),
)
# The relay reads what waits, oldest first; the index stays small because relayed rows leave it.
Index("facts_waiting_idx", facts.c.city_id, facts.c.at, postgresql_where=facts.c.relayed_at.is_(None))
Index("facts_subject_idx", facts.c.city_id, facts.c.subject)

# One row for each (fact, handler) whose effect is committed: written in the transaction of the effect.
handled = city_table(
    "infra.handled",
    Column("fact_id", UUID, primary_key=True),
    Column("handler", Text, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)

# A fact that a handler could not take: how often it was tried, and whether it was given up (`dead`).
# The row goes away when a later try succeeds.
failures = city_table(
    "infra.failures",
    Column("fact_id", UUID, primary_key=True),
    Column("handler", Text, primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("dead", Boolean, nullable=False),
)

# What an Idempotency-Key was answered. A row without an answer exists only inside the transaction that makes it.
answers = city_table(
    "infra.answers",
    Column("actor", UUID, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("operation", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", JSONB),
    Column("kept", Boolean, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
# Only what may be forgotten is indexed by time: the keys of money and vouchers are kept for ever.
Index("answers_passing_idx", answers.c.city_id, answers.c.at, postgresql_where=text("not kept"))

# One row for each periodic task: whichever worker moves `started_at` on has claimed this turn.
periodics = other_table(
    "infra.periodics",
    Column("name", Text, primary_key=True),
    Column("every_s", Double, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("failures", Integer, nullable=False),
    Column("error", Text),
)

limits = other_table(
    "infra.limits",
    Column("bucket", Text, primary_key=True),
    Column("window_start", DateTime(timezone=True), primary_key=True),
    Column("taken", Integer, nullable=False),
    Column("window_s", BigInteger, nullable=False),
)

# An audit that somebody asked for, and what it found. One is open at a time.
audits = other_table(
    "infra.audits",
    Column("audit_id", UUID, primary_key=True),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("asked_by", UUID, nullable=False),
    Column("started_at", DateTime(timezone=True)),
    Column("done_at", DateTime(timezone=True)),
    Column("checked", Integer, nullable=False),
    Column("broken", JSONB, nullable=False),
    Column("error", Text),
)
Index(
    "audits_open_key",
    audits.c.done_at,
    unique=True,
    postgresql_where=audits.c.done_at.is_(None),
    postgresql_nulls_not_distinct=True,
)
