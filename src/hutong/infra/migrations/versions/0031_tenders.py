"""Cards and points that pay a part of an order: tenders, their part of what goes back, and spends that come back in parts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031_tenders"
down_revision = "0030_more"
branch_labels = None
depends_on = None

BACK = ("back_count", "back_paid_units", "back_due_units")
TENDERS = {
    "kind": "kind in ('card', 'points')",
    "state": "state in ('held', 'used', 'released', 'returned')",
    "units": "units >= 0 and due_units >= 0 and points >= 0 and units + due_units + points > 0",
    "back": "back_units between 0 and units and back_due_units between 0 and due_units and back_points between 0 and points",
    "used": "(used_at is null) = (state in ('held', 'released'))",
    "ended": "(ended_at is null) = (state in ('held', 'used'))",
    "points": "(kind = 'points') = (points > 0)",
    "card": "kind <> 'card' or (issuer_id is not null and units > 0 and due_units <= units)",
}


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    _spends()
    _orders()
    _tenders()


def _spends() -> None:
    for name in BACK:
        kind = sa.Integer() if name == "back_count" else sa.BigInteger()
        op.add_column("spends", sa.Column(name, kind, nullable=False, server_default="0"), schema="vouchers")
    op.execute(
        """update vouchers.spends set back_count = count, back_paid_units = paid_units, back_due_units = due_units
           where restored_at is not null"""
    )
    op.create_check_constraint(
        op.f("spends_back_check"), "spends",
        "back_count between 0 and count and back_paid_units between 0 and paid_units "
        "and back_due_units between 0 and due_units",
        schema="vouchers",
    )  # fmt: skip


def _orders() -> None:
    for table, name, kind in (
        ("orders", "tendered_units", sa.BigInteger()), ("orders", "tender_count", sa.Integer()),
        ("refunds", "tendered_units", sa.BigInteger()),
    ):  # fmt: skip
        op.add_column(table, sa.Column(name, kind, nullable=False, server_default="0"), schema="orders")
    op.create_check_constraint(
        op.f("orders_tendered_check"), "orders",
        "tendered_units between 0 and total_units and tender_count >= 0 and (tendered_units = 0 or tender_count > 0)",
        schema="orders",
    )  # fmt: skip
    op.create_check_constraint(
        op.f("refunds_tendered_check"), "refunds", "tendered_units between 0 and units", schema="orders"
    )


def _tenders() -> None:
    op.create_table(
        "tenders",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("ref", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("title", JSONB(), nullable=False),
        sa.Column("issuer_id", sa.UUID()),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("due_units", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("back_units", sa.BigInteger(), nullable=False),
        sa.Column("back_due_units", sa.BigInteger(), nullable=False),
        sa.Column("back_points", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        *[sa.CheckConstraint(rule, name=op.f(f"tenders_{name}_check")) for name, rule in TENDERS.items()],
        sa.ForeignKeyConstraint(
            ["city_id", "order_id"], ["orders.orders.city_id", "orders.orders.order_id"],
            name=op.f("tenders_city_id_order_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "order_id", "ref", name=op.f("tenders_pkey")),
        schema="orders",
    )  # fmt: skip
    # One card pays one order in checkout at a time.
    op.create_index(
        "tenders_held_key", "tenders", ["city_id", "ref"], unique=True, schema="orders",
        postgresql_where=sa.text("kind = 'card' and state = 'held'"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("tenders", schema="orders")
    op.drop_column("refunds", "tendered_units", schema="orders")
    op.drop_column("orders", "tender_count", schema="orders")
    op.drop_column("orders", "tendered_units", schema="orders")
    for name in BACK:
        op.drop_column("spends", name, schema="vouchers")
