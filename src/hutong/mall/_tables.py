"""Tables of the mall: what was exchanged, how much of it counts against limits, and parcels."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
)
from sqlalchemy.dialects.postgresql import UUID

from hutong.infra.tables import city_table

counts = city_table(
    "mall.counts",
    Column("offer_id", UUID, primary_key=True),
    Column("member_id", UUID, primary_key=True),
    Column("span", Text, primary_key=True),
    Column("begins", Date, primary_key=True),
    Column("units", Integer, nullable=False),
    CheckConstraint("span in ('day', 'week', 'month', 'year', 'ever')", name="span"),
    CheckConstraint("units >= 0", name="units"),
)

exchanges = city_table(
    "mall.exchanges",
    Column("order_id", UUID, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("offer_id", UUID, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("programme_id", UUID, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("cost_units", BigInteger, nullable=False),
    Column("cash_units", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("units", Integer, nullable=False),
    Column("ended_units", Integer, nullable=False),
    Column("most", Integer),
    Column("span", Text, nullable=False),
    Column("begins", Date, nullable=False),
    Column("way", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["city_id", "order_id"], ["orders.orders.city_id", "orders.orders.order_id"], name="exchanges_order_fkey"
    ),
    ForeignKeyConstraint(
        ["city_id", "offer_id", "member_id", "span", "begins"],
        ["mall.counts.city_id", "mall.counts.offer_id", "mall.counts.member_id", "mall.counts.span",
         "mall.counts.begins"],
        name="exchanges_count_fkey",
    ),
    CheckConstraint("points > 0 and cash_units >= 0 and cost_units >= cash_units", name="price"),
    CheckConstraint("units > 0 and ended_units between 0 and units", name="units"),
    CheckConstraint("most is null or units <= most", name="most"),
    CheckConstraint("way in ('pickup', 'delivery')", name="way"),
)  # fmt: skip
Index("exchanges_member_idx", exchanges.c.city_id, exchanges.c.member_id, exchanges.c.at)
Index("exchanges_count_idx", exchanges.c.city_id, exchanges.c.offer_id, exchanges.c.member_id, exchanges.c.begins)

deliveries = city_table(
    "mall.deliveries",
    Column("order_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("offer_id", UUID, nullable=False),
    Column("units", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("sealed", LargeBinary),
    Column("carrier", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("store_id", UUID),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "order_id"], ["mall.exchanges.city_id", "mall.exchanges.order_id"], name="deliveries_order_fkey"
    ),
    CheckConstraint("state in ('waiting', 'asked', 'sent', 'delivered', 'returned', 'cancelled')", name="state"),
    CheckConstraint("(ended_at is null) = (state in ('waiting', 'asked', 'sent'))", name="ended"),
    CheckConstraint("(sent_at is null) = (state in ('waiting', 'asked', 'cancelled'))", name="sent"),
    CheckConstraint("num_nulls(sent_at, store_id) in (0, 2) and (sent_at is null) = (number = '')", name="carrier"),
    CheckConstraint("sealed is not null or ended_at is not null", name="sealed"),
    CheckConstraint("units > 0 and version > 0", name="sound"),
)
Index(
    "deliveries_open_idx", deliveries.c.city_id, deliveries.c.merchant_id, deliveries.c.asked_at,
    postgresql_where=deliveries.c.state.in_(("asked", "sent")),
)  # fmt: skip
Index("deliveries_merchant_idx", deliveries.c.city_id, deliveries.c.merchant_id, deliveries.c.ended_at)
Index(
    "deliveries_sent_idx", deliveries.c.city_id, deliveries.c.sent_at, postgresql_where=deliveries.c.state == "sent"
)  # fmt: skip
Index(
    "deliveries_forget_idx", deliveries.c.city_id, deliveries.c.ended_at,
    postgresql_where=deliveries.c.sealed.is_not(None),
)  # fmt: skip
Index("deliveries_member_idx", deliveries.c.city_id, deliveries.c.member_id)

steps = city_table(
    "mall.steps",
    Column("order_id", UUID, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by", UUID),
    Column("words", Text, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "order_id"], ["mall.deliveries.city_id", "mall.deliveries.order_id"], name="steps_order_fkey"
    ),
)
