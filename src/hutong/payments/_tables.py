"""Tables of payments. What must never break is a constraint: one capture an order, refunds within the capture,
a captured amount that is the asked one, and a next time for everything that has not ended.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
)
from sqlalchemy.dialects.postgresql import UUID

from hutong.infra.tables import city_table

STATES = ("created", "unknown", "opened", "refused", "captured", "surplus", "quarantined", "closed")
PURPOSES = ("order", "bill", "block")
REFUND_STATES = ("asked", "unknown", "processing", "done", "failed")

payments = city_table(
    "payments.payments",
    Column("payment_id", UUID, primary_key=True),
    Column("order_id", UUID, nullable=False),  # what it is for: an order, a bill, a block
    Column("purpose", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("seq", Integer, nullable=False),  # the number of its latest change
    Column("provider_no", Text),
    Column("pay_url", Text),
    Column("failure", Text),
    Column("captured_units", BigInteger, nullable=False),
    Column("captured_asset", Text),
    Column("refunding_units", BigInteger, nullable=False),  # asked and not failed
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),  # null: the provider was never called
    Column("close_asked_at", DateTime(timezone=True)),
    Column("captured_at", DateTime(timezone=True)),
    Column("next_at", DateTime(timezone=True)),  # when to call or to ask
    Column("tries", Integer, nullable=False),
    CheckConstraint(f"state in {STATES}", name="state"),
    CheckConstraint(f"purpose in {PURPOSES}", name="purpose"),
    CheckConstraint("units > 0 and seq > 0 and tries >= 0", name="range"),
    CheckConstraint("(captured_at is not null) = (state in ('captured', 'surplus', 'quarantined'))", name="captured"),
    CheckConstraint("(captured_units > 0) = (captured_at is not null)", name="captured_units"),
    CheckConstraint("(captured_asset is null) = (captured_at is null)", name="captured_asset"),
    CheckConstraint(
        "state not in ('captured', 'surplus') or (captured_units = units and captured_asset = asset)", name="amount"
    ),
    CheckConstraint("refunding_units between 0 and captured_units", name="refunding"),
    CheckConstraint("(next_at is not null) = (state in ('created', 'unknown', 'opened'))", name="next"),
)
Index(
    "payments_captured_key", payments.c.city_id, payments.c.order_id, unique=True,
    postgresql_where=payments.c.state == "captured",
)  # fmt: skip
Index("payments_provider_no_key", payments.c.city_id, payments.c.provider, payments.c.provider_no, unique=True)
Index("payments_order_idx", payments.c.city_id, payments.c.order_id)
Index("payments_next_idx", payments.c.city_id, payments.c.next_at, postgresql_where=payments.c.next_at.is_not(None))

refunds = city_table(
    "payments.refunds",
    Column("refund_id", UUID, primary_key=True),
    Column("payment_id", UUID, nullable=False),
    Column("provider", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("provider_no", Text),
    Column("failure", Text),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("next_at", DateTime(timezone=True)),
    Column("tries", Integer, nullable=False),
    ForeignKeyConstraint(["city_id", "payment_id"], ["payments.payments.city_id", "payments.payments.payment_id"]),
    CheckConstraint(f"state in {REFUND_STATES}", name="state"),
    CheckConstraint("units > 0 and seq > 0 and tries >= 0", name="range"),
    CheckConstraint("(ended_at is not null) = (state in ('done', 'failed'))", name="ended"),
    CheckConstraint("(failure is not null) = (state = 'failed')", name="failure"),
    CheckConstraint("(next_at is null) = (state in ('done', 'failed'))", name="next"),
)
Index("refunds_provider_no_key", refunds.c.city_id, refunds.c.provider, refunds.c.provider_no, unique=True)
Index("refunds_payment_idx", refunds.c.city_id, refunds.c.payment_id)
Index("refunds_next_idx", refunds.c.city_id, refunds.c.next_at, postgresql_where=refunds.c.next_at.is_not(None))

# What providers told us, as it came. `applied_at` says that it was understood; before, it may come again (K13).
events = city_table(
    "payments.events",
    Column("provider", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("provider_no", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("failure", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("applied_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("next_at", DateTime(timezone=True)),
    Column("tries", Integer, nullable=False),
    CheckConstraint("(applied_at is null) = (outcome is null)", name="applied"),
    CheckConstraint("outcome in ('applied', 'no_change')", name="outcome"),
    CheckConstraint("(next_at is null) = (applied_at is not null)", name="next"),
)
Index("events_next_idx", events.c.city_id, events.c.next_at, postgresql_where=events.c.next_at.is_not(None))

# The history of payments and refunds: every state with its time and its cause, never changed.
changes = city_table(
    "payments.changes",
    Column("subject", UUID, primary_key=True),  # a payment or a refund
    Column("seq", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("cause", Text, nullable=False),
    Column("provider", Text),
    Column("event_id", Text),
    CheckConstraint("(provider is null) = (event_id is null)", name="event"),
)
Index("changes_event_idx", changes.c.city_id, changes.c.provider, changes.c.event_id)
Index("changes_at_idx", changes.c.city_id, changes.c.at)
