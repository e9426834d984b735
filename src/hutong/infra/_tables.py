"""Tables of the infra package: facts (the outbox), answers (idempotency) and limits."""

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, LargeBinary, Text
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

answers = city_table(
    "infra.answers",
    Column("actor", UUID, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("operation", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", JSONB),
    Column("at", DateTime(timezone=True), nullable=False),
)
Index("answers_at_idx", answers.c.city_id, answers.c.at)

limits = other_table(
    "infra.limits",
    Column("bucket", Text, primary_key=True),
    Column("window_start", DateTime(timezone=True), primary_key=True),
    Column("taken", Integer, nullable=False),
    Column("window_s", BigInteger, nullable=False),
)
