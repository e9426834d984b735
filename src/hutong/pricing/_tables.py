"""Tables of promotions. What may never be spent beyond a budget is a CHECK of its counter.

`most_*` of a counter is a copy of its budget's limit, so that the CHECK stands in one row. Counters of the attribute
`burn` have no limit: they are what was spent in five minutes, and the alarm looks at them.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from hutong.infra.tables import city_table

PROMOTION = (["city_id", "promotion_id"], ["pricing.promotions.city_id", "pricing.promotions.promotion_id"])

promotions = city_table(
    "pricing.promotions",
    Column("promotion_id", UUID, primary_key=True),
    Column("merchant_id", UUID),  # null: the city's
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("rule", JSONB, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True)),
    Column("use_until", DateTime(timezone=True)),
    Column("forecast_units", BigInteger),
    Column("stopped_why", Text),
    Column("made_by", UUID),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(["city_id"], ["places.cities.city_id"]),
    ForeignKeyConstraint(["merchant_id"], ["merchants.merchants.merchant_id"]),
    CheckConstraint("version >= 1", "version"),
    CheckConstraint("state in ('draft', 'live', 'paused', 'ended')", "state"),
    CheckConstraint("trigger in ('auto', 'coupon')", "trigger"),
    CheckConstraint("name ? 'zh' and name ? 'en'", "name"),
    CheckConstraint("starts_at < ends_at", "window"),
    CheckConstraint("starts_at < use_until", "use"),
    CheckConstraint("forecast_units > 0", "forecast"),
    CheckConstraint("(state = 'paused') = (stopped_why is not null)", "stopped"),
)
Index(
    "promotions_live_idx",
    promotions.c.city_id,
    promotions.c.merchant_id,
    postgresql_where=text("state = 'live'"),
)
Index("promotions_merchant_idx", promotions.c.city_id, promotions.c.merchant_id, promotions.c.promotion_id)

changes = city_table(
    "pricing.changes",
    Column("promotion_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("what", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("by", UUID),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
    Column("after", JSONB, nullable=False),
    ForeignKeyConstraint(*PROMOTION),
    CheckConstraint("what in ('drafted', 'saved', 'published', 'paused', 'resumed', 'ended')", "what"),
)

budgets = city_table(
    "pricing.budgets",
    Column("promotion_id", UUID, primary_key=True),
    Column("attribute", Text, primary_key=True),
    Column("most_units", BigInteger),
    Column("most_uses", BigInteger),
    Column("lowered_at", DateTime(timezone=True)),
    ForeignKeyConstraint(*PROMOTION),
    CheckConstraint("attribute in ('all', 'member', 'phone', 'device', 'day', 'member_day')", "attribute"),
    CheckConstraint("most_units is not null or most_uses is not null", "something"),
    CheckConstraint("most_units >= 0 and most_uses >= 0", "range"),
)

counters = city_table(
    "pricing.counters",
    Column("promotion_id", UUID, primary_key=True),
    Column("attribute", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("most_units", BigInteger),
    Column("most_uses", BigInteger),
    Column("held_units", BigInteger, nullable=False),
    Column("held_uses", BigInteger, nullable=False),
    Column("spent_units", BigInteger, nullable=False),
    Column("spent_uses", BigInteger, nullable=False),
    ForeignKeyConstraint(*PROMOTION),
    CheckConstraint("least(held_units, held_uses, spent_units, spent_uses) >= 0", "range"),
    CheckConstraint("held_units + spent_units <= most_units", "money"),
    CheckConstraint("held_uses + spent_uses <= most_uses", "uses"),
)

# One use of a promotion on one order (or at one till): `units` is what it took off, `back_units` what came back.
uses = city_table(
    "pricing.uses",
    Column("promotion_id", UUID, primary_key=True),
    Column("ref", UUID, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("state", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("back_units", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("keys", JSONB, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    ForeignKeyConstraint(*PROMOTION),
    CheckConstraint("state in ('held', 'spent', 'released', 'returned')", "state"),
    CheckConstraint("units >= 0 and back_units between 0 and units", "units"),
    CheckConstraint("back_units = 0 or state in ('spent', 'returned')", "back"),
    CheckConstraint("(state = 'held') = (ended_at is null)", "ended"),
    CheckConstraint("state <> 'returned' or back_units = units", "returned"),
)
Index("uses_ref_idx", uses.c.city_id, uses.c.ref)
Index("uses_due_idx", uses.c.city_id, uses.c.until, postgresql_where=text("state = 'held'"))

batches = city_table(
    "pricing.batches",
    Column("batch_id", UUID, primary_key=True),
    Column("promotion_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("made_by", UUID),
    Column("made_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(*PROMOTION),
    CheckConstraint("kind in ('generated', 'imported', 'pool', 'issued')", "kind"),
    CheckConstraint("count >= 0", "count"),
)
Index("batches_promotion_idx", batches.c.city_id, batches.c.promotion_id)

# `code_id` is a keyed digest of the code: who reads this table cannot claim with it. Only the codes of a third party's
# pool stand here as they are, because their holders must see them.
codes = city_table(
    "pricing.codes",
    Column("code_id", UUID, primary_key=True),
    Column("promotion_id", UUID, nullable=False),
    Column("batch_id", UUID, nullable=False),
    Column("tail", Text, nullable=False),
    Column("member_id", UUID),
    Column("shown", Text),
    Column("state", Text, nullable=False),
    Column("taken_by", UUID),
    Column("taken_ref", UUID),
    Column("taken_at", DateTime(timezone=True)),
    ForeignKeyConstraint(*PROMOTION),
    ForeignKeyConstraint(["city_id", "batch_id"], ["pricing.batches.city_id", "pricing.batches.batch_id"]),
    CheckConstraint("state in ('free', 'taken', 'void')", "state"),
    CheckConstraint(
        "(state = 'taken') = (taken_by is not null) and (taken_by is null) = (taken_ref is null)"
        " and (taken_by is null) = (taken_at is null)",
        "taken",
    ),
    CheckConstraint("member_id is null or taken_by is null or taken_by = member_id", "bound"),
)
Index("codes_batch_idx", codes.c.city_id, codes.c.batch_id)
Index("codes_pool_idx", codes.c.city_id, codes.c.promotion_id, codes.c.code_id,
      postgresql_where=text("state = 'free' and shown is not null"))  # fmt: skip
Index("codes_taken_idx", codes.c.city_id, codes.c.taken_ref, codes.c.promotion_id, unique=True,
      postgresql_where=text("taken_ref is not null"))  # fmt: skip
