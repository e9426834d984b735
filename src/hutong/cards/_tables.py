"""Tables of cards: shops that close, and the register of numbered cards."""

from sqlalchemy import (
    CheckConstraint,
    Column,
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

closings = city_table(
    "cards.closings",
    Column("closing_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID),  # null: the whole merchant
    Column("by", UUID),
    Column("reason", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("reached", UUID),  # the last order that was looked at
    Column("refunds", Integer, nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    UniqueConstraint(
        "city_id", "merchant_id", "store_id", name="closings_shop_key", postgresql_nulls_not_distinct=True
    ),
    CheckConstraint("refunds >= 0 and length(reason) between 1 and 200", name="sums"),
)
Index("closings_open_idx", closings.c.city_id, closings.c.opened_at, postgresql_where=closings.c.ended_at.is_(None))

# What a card for many shops takes off at a merchant who joined it: percent of a bill, by the tier of the card.
tiers = city_table(
    "cards.tiers",
    Column("offer_id", UUID, primary_key=True),
    Column("merchant_id", UUID, primary_key=True),
    Column("tier", Text, primary_key=True),
    Column("percent", Integer, nullable=False),
    Column("by", UUID),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("left_at", DateTime(timezone=True)),
    CheckConstraint("percent between 1 and 90 and length(tier) between 1 and 40", name="percent"),
)
Index("tiers_merchant_idx", tiers.c.city_id, tiers.c.merchant_id)

batches = city_table(
    "cards.batches",
    Column("batch_id", UUID, primary_key=True),
    Column("offer_id", UUID, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("label", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("by", UUID),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("exported_at", DateTime(timezone=True)),
    CheckConstraint("count between 1 and 20000 and length(label) between 1 and 80", name="count"),
)
Index("batches_merchant_idx", batches.c.city_id, batches.c.merchant_id, batches.c.at)

numbers = city_table(
    "cards.numbers",
    Column("number", Text, primary_key=True),
    Column("batch_id", UUID),  # null: made when the card was bought or replaced
    Column("offer_id", UUID, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # of the secret: sha256(number, secret)
    Column("state", Text, nullable=False),
    Column("voucher_id", UUID),
    Column("member_id", UUID),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("replaced_by", Text),
    ForeignKeyConstraint(["city_id", "batch_id"], ["cards.batches.city_id", "cards.batches.batch_id"]),
    CheckConstraint("number ~ '^[0-9]{16}$' and octet_length(digest) = 32", name="number"),
    CheckConstraint("state in ('printed', 'active', 'blocked', 'replaced', 'void')", name="state"),
    CheckConstraint("(state in ('active', 'blocked', 'replaced')) = (voucher_id is not null)", name="right"),
    CheckConstraint("(voucher_id is null) = (member_id is null)", name="holder"),
    CheckConstraint("(state = 'replaced') = (replaced_by is not null)", name="replaced"),
)
# Of one right one number is good at any time.
Index("numbers_voucher_key", numbers.c.city_id, numbers.c.voucher_id, unique=True,
      postgresql_where=numbers.c.state.in_(("active", "blocked")))  # fmt: skip
Index("numbers_batch_idx", numbers.c.city_id, numbers.c.batch_id)
