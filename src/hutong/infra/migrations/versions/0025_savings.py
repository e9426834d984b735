"""What promotions saved on orders, vouchers that are locked or spent by an order, and rights honoured by other merchants."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025_savings"
down_revision = "0024_promotions"
branch_labels = None
depends_on = None

HELD = (
    ("held", "num_nulls(held_for, held_ref, held_until) in (0, 3)"),
    ("held_for", "held_for in ('order', 'gift')"),
    ("held_state", "held_for is null or state in ('valid', 'waiting')"),
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    _vouchers()
    _orders()
    op.add_column("earnings", sa.Column("issuer_id", sa.UUID()), schema="settlement")


def _vouchers() -> None:
    op.add_column("vouchers", sa.Column("held_for", sa.Text()), schema="vouchers")
    op.add_column("vouchers", sa.Column("held_ref", sa.UUID()), schema="vouchers")
    op.add_column("vouchers", sa.Column("held_until", sa.DateTime(timezone=True)), schema="vouchers")
    no = sa.text("false")
    op.add_column("vouchers", sa.Column("wide", sa.Boolean(), nullable=False, server_default=no), schema="vouchers")
    op.alter_column("vouchers", "wide", server_default=None, schema="vouchers")
    op.add_column("redemptions", sa.Column("own", sa.Boolean(), nullable=False, server_default=no), schema="vouchers")
    op.alter_column("redemptions", "own", server_default=None, schema="vouchers")
    for name, rule in HELD:
        op.create_check_constraint(op.f(f"vouchers_{name}_check"), "vouchers", rule, schema="vouchers")
    op.create_index(
        "vouchers_held_idx", "vouchers", ["city_id", "held_for", "held_until"], schema="vouchers",
        postgresql_where=sa.text("held_for IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "spends",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("voucher_id", sa.UUID(), nullable=False),
        sa.Column("ref", sa.UUID(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("paid_units", sa.BigInteger(), nullable=False),
        sa.Column("due_units", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("restored_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("count >= 1 and paid_units >= 0 and due_units >= 0", name=op.f("spends_units_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "voucher_id"],
            ["vouchers.vouchers.city_id", "vouchers.vouchers.voucher_id"],
            name=op.f("spends_city_id_voucher_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "voucher_id", "ref", name=op.f("spends_pkey")),
        schema="vouchers",
    )


def _orders() -> None:
    zero = sa.text("0")
    op.add_column(
        "orders", sa.Column("saved_units", sa.BigInteger(), nullable=False, server_default=zero), schema="orders"
    )
    op.alter_column("orders", "saved_units", server_default=None, schema="orders")
    op.create_check_constraint(op.f("orders_saved_check"), "orders", "saved_units >= 0", schema="orders")
    op.create_table(
        "uses",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("promotion_id", sa.UUID(), nullable=False),
        sa.Column("voucher_id", sa.UUID()),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("title", JSONB, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("given_units", sa.BigInteger(), nullable=False),
        sa.Column("shares", JSONB, nullable=False),
        sa.Column("given", JSONB, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("state in ('held', 'used', 'released', 'returned')", name=op.f("uses_state_check")),
        sa.CheckConstraint("units > 0 and given_units between 0 and units", name=op.f("uses_units_check")),
        sa.CheckConstraint("(used_at is null) = (state in ('held', 'released'))", name=op.f("uses_used_check")),
        sa.CheckConstraint("(ended_at is null) = (state in ('held', 'used'))", name=op.f("uses_ended_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "order_id"],
            ["orders.orders.city_id", "orders.orders.order_id"],
            name=op.f("uses_city_id_order_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "order_id", "promotion_id", name=op.f("uses_pkey")),
        schema="orders",
    )
    op.create_index("uses_promotion_idx", "uses", ["city_id", "promotion_id", "held_at"], schema="orders")
    op.create_index(
        "uses_voucher_key", "uses", ["city_id", "voucher_id"], unique=True, schema="orders",
        postgresql_where=sa.text("state IN ('held', 'used')"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("earnings", "issuer_id", schema="settlement")
    op.drop_table("uses", schema="orders")
    op.drop_constraint(op.f("orders_saved_check"), "orders", schema="orders")
    op.drop_column("orders", "saved_units", schema="orders")
    op.drop_table("spends", schema="vouchers")
    op.drop_index("vouchers_held_idx", table_name="vouchers", schema="vouchers")
    for name, _ in reversed(HELD):
        op.drop_constraint(op.f(f"vouchers_{name}_check"), "vouchers", schema="vouchers")
    op.drop_column("redemptions", "own", schema="vouchers")
    for column in ("wide", "held_until", "held_ref", "held_for"):
        op.drop_column("vouchers", column, schema="vouchers")
