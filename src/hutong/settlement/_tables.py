"""Tables of settlement: the versioned rules, what each redemption earned for whom, payouts and provider bills."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import JSONB, UUID

from hutong.infra.tables import city_table, other_table

rules = other_table(
    "settlement.rules",
    Column("rule_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("merchant_id", UUID),  # null: for every merchant without a rule of its own
    Column("commission_bps", Integer, nullable=False),
    Column("least_units", BigInteger),
    Column("most_units", BigInteger),
    Column("operator_id", UUID),
    Column("operator_bps", Integer, nullable=False),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("made_by", UUID),
    CheckConstraint("commission_bps between 0 and 10000 and operator_bps between 0 and 10000", name="shares"),
    CheckConstraint("coalesce(least_units, 0) >= 0", name="least"),
    CheckConstraint("coalesce(most_units, 0) >= coalesce(least_units, 0) or most_units is null", name="most"),
    CheckConstraint("operator_id is not null or operator_bps = 0", name="operator"),
    UniqueConstraint("merchant_id", "valid_from", postgresql_nulls_not_distinct=True),
)

earnings = city_table(
    "settlement.earnings",
    Column("redemption_id", UUID, primary_key=True),
    Column("voucher_id", UUID, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("code_tail", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("count", Integer, nullable=False),
    Column("asset", Text, nullable=False),
    Column("due_units", BigInteger, nullable=False),
    Column("commission_units", BigInteger, nullable=False),  # in all: the platform's part and the operator's
    Column("operator_units", BigInteger, nullable=False),
    Column("operator_id", UUID),
    Column("merchant_units", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),  # which version of which rule: a statement can be replayed
    Column("at", DateTime(timezone=True), nullable=False),
    Column("reversed_at", DateTime(timezone=True)),
    CheckConstraint("due_units = commission_units + merchant_units", name="sum"),
    CheckConstraint("operator_units between 0 and commission_units", name="operator"),
    CheckConstraint("merchant_units >= 0 and count > 0", name="amounts"),
)
Index("earnings_merchant_idx", earnings.c.city_id, earnings.c.merchant_id, earnings.c.at, earnings.c.redemption_id)
Index("earnings_voucher_idx", earnings.c.city_id, earnings.c.voucher_id)

payouts = city_table(
    "settlement.payouts",
    Column("payout_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("provider", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("units > 0", name="units"),
    CheckConstraint("state in ('asked', 'unknown', 'done', 'refused')", name="state"),
    CheckConstraint("(ended_at is null) = (state in ('asked', 'unknown'))", name="ended"),
)
# One payout to a merchant is on its way at a time: a second one would count the same money twice.
Index(
    "payouts_open_key", payouts.c.city_id, payouts.c.merchant_id, payouts.c.asset, unique=True,
    postgresql_where=payouts.c.state.in_(["asked", "unknown"]),
)  # fmt: skip

bills = city_table(
    "settlement.bills",
    Column("provider", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("fee_units", BigInteger, nullable=False),
    Column("captured_units", BigInteger, nullable=False),
    Column("refunded_units", BigInteger, nullable=False),
    Column("paid_out_units", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("fee_units >= 0 and captured_units >= 0 and refunded_units >= 0", name="units"),
)
