"""Earning and burning at the till."""

import sqlalchemy as sa
from alembic import op

revision = "0037_till"
down_revision = "0036_clearing"
branch_labels = None
depends_on = None

TO_BILL = (["city_id", "bill_id"], ["till.bills.city_id", "till.bills.bill_id"])
SUM = "amount_units > 0 and amount_units = discount_units + card_units + points_units + collect_units"
PARTS = "discount_units >= 0 and card_units >= 0 and points_units >= 0 and collect_units >= 0"
POINTS = (
    "points >= 0 and (points > 0) = (points_units > 0) and (points > 0) = (burn_id is not null)"
    " and (points = 0 or (way = 'code' and source <> 'upload' and programme_id is not null))"
)
WAY = "way in ('shown', 'code', 'phone') and (member_id is not null or way = 'phone')"
PAYS = "state in ('open', 'paid', 'cash', 'void', 'refunding', 'refunded', 'refund_failed')"


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    _bills()
    _payments()
    _events()
    _money()
    op.create_table(
        "badges",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(secret) = 16 and last_step >= 0", name=op.f("badges_secret_check")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("badges_pkey")),
        schema="people",
    )


def _bills() -> None:
    """New columns of bills; those that stand were made at a counter, by what was shown."""
    new = (
        ("way", sa.Text(), "'shown'"), ("source", sa.Text(), "'counter'"), ("points_units", sa.BigInteger(), "0"),
        ("points", sa.BigInteger(), "0"),
    )  # fmt: skip
    for name, kind, value in new:
        column = sa.Column(name, kind, nullable=False, server_default=sa.text(value))
        op.add_column("bills", column, schema="till")
        op.alter_column("bills", name, server_default=None, schema="till")
    op.add_column("bills", sa.Column("category", sa.Text(), nullable=True), schema="till")
    op.add_column("bills", sa.Column("programme_id", sa.UUID(), nullable=True), schema="till")
    op.add_column("bills", sa.Column("burn_id", sa.UUID(), nullable=True), schema="till")
    op.add_column("bills", sa.Column("bought_at", sa.DateTime(timezone=True), nullable=True), schema="till")
    op.execute("update till.bills set bought_at = at")
    op.alter_column("bills", "bought_at", nullable=False, schema="till")
    op.alter_column("bills", "member_id", nullable=True, schema="till")
    for name in ("sum", "parts"):
        op.drop_constraint(op.f(f"bills_{name}_check"), "bills", schema="till")
    rules = (
        ("sum", SUM), ("parts", PARTS), ("way", WAY), ("source", "source in ('counter', 'till', 'upload')"),
        ("points", POINTS), ("bought", "bought_at <= at"),
    )  # fmt: skip
    for name, rule in rules:
        op.create_check_constraint(op.f(f"bills_{name}_check"), "bills", rule, schema="till")
    for name in ("points_back", "clawed", "debt"):
        column = sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0"))
        op.add_column("undos", column, schema="till")
        op.alter_column("undos", name, server_default=None, schema="till")
    rule = "points_back >= 0 and clawed >= 0 and debt between 0 and clawed"
    op.create_check_constraint(op.f("undos_points_check"), "undos", rule, schema="till")
    op.create_index("bills_staff_idx", "bills", ["city_id", "merchant_id", "at"], unique=False, schema="till")


def _payments() -> None:
    """What a payment is for."""
    order = sa.text("'order'")
    column = sa.Column("purpose", sa.Text(), nullable=False, server_default=order)
    op.add_column("payments", column, schema="payments")
    op.alter_column("payments", "purpose", server_default=None, schema="payments")
    rule = "purpose in ('order', 'bill', 'block')"
    op.create_check_constraint(op.f("payments_purpose_check"), "payments", rule, schema="payments")


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(event_id) between 1 and 200", name=op.f("events_event_check")),
        sa.PrimaryKeyConstraint("city_id", "merchant_id", "event_id", name=op.f("events_pkey")),
        schema="till",
    )
    op.execute(
        """insert into till.events (city_id, merchant_id, event_id, at)
           select city_id, merchant_id, event_id, at from till.bills"""
    )
    op.create_table(
        "voids",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "merchant_id", "event_id"],
            ["till.events.city_id", "till.events.merchant_id", "till.events.event_id"],
            name=op.f("voids_city_id_merchant_id_event_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "merchant_id", "event_id", name=op.f("voids_pkey")),
        schema="till",
    )


def _money() -> None:
    op.create_table(
        "earns",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=False),
        sa.Column("movement_id", sa.UUID(), nullable=False),
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("amount_units", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("bonus", sa.BigInteger(), nullable=False),
        sa.Column("campaign", sa.BigInteger(), nullable=False),
        sa.Column("matures_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_units >= 0 and base >= 0 and bonus >= 0 and campaign >= 0", name=op.f("earns_parts_check")
        ),
        sa.CheckConstraint("why is null or base + bonus + campaign = 0", name=op.f("earns_why_check")),
        sa.ForeignKeyConstraint(*TO_BILL, name=op.f("earns_city_id_bill_id_fkey")),
        sa.PrimaryKeyConstraint("city_id", "bill_id", name=op.f("earns_pkey")),
        schema="till",
    )
    op.create_table(
        "pays",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(PAYS, name=op.f("pays_state_check")),
        sa.CheckConstraint("units > 0 and tries >= 1", name=op.f("pays_range_check")),
        sa.ForeignKeyConstraint(*TO_BILL, name=op.f("pays_city_id_bill_id_fkey")),
        sa.PrimaryKeyConstraint("city_id", "bill_id", name=op.f("pays_pkey")),
        schema="till",
    )
    op.create_table(
        "blocks",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("block_id", sa.UUID(), nullable=False),
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.UUID(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('open', 'paid')", name=op.f("blocks_state_check")),
        sa.CheckConstraint("units > 0 and (state = 'paid') = (paid_at is not null)", name=op.f("blocks_paid_check")),
        sa.CheckConstraint(
            "(provider is null) = (payment_id is null) and (provider is not null or state = 'paid')",
            name=op.f("blocks_way_check"),
        ),
        sa.PrimaryKeyConstraint("city_id", "block_id", name=op.f("blocks_pkey")),
        schema="till",
    )
    op.create_index(
        "blocks_merchant_idx", "blocks", ["city_id", "merchant_id", "asked_at"], unique=False, schema="till"
    )


def downgrade() -> None:
    for schema, table in (
        ("till", "blocks"), ("till", "pays"), ("till", "earns"), ("till", "voids"), ("till", "events"),
        ("people", "badges"),
    ):  # fmt: skip
        op.drop_table(table, schema=schema)
    op.drop_column("payments", "purpose", schema="payments")
    op.drop_constraint(op.f("undos_points_check"), "undos", schema="till")
    for name in ("points_back", "clawed", "debt"):
        op.drop_column("undos", name, schema="till")
    op.drop_index("bills_staff_idx", table_name="bills", schema="till")
    for name in ("bought", "points", "source", "way", "parts", "sum"):
        op.drop_constraint(op.f(f"bills_{name}_check"), "bills", schema="till")
    for name in ("bought_at", "burn_id", "programme_id", "category", "points", "points_units", "source", "way"):
        op.drop_column("bills", name, schema="till")
    op.create_check_constraint(
        op.f("bills_sum_check"), "bills",
        "amount_units > 0 and amount_units = discount_units + card_units + collect_units", schema="till",
    )  # fmt: skip
    op.create_check_constraint(
        op.f("bills_parts_check"), "bills", "discount_units >= 0 and card_units >= 0 and collect_units >= 0",
        schema="till",
    )  # fmt: skip
