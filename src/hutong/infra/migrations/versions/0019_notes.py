"""Notes of the staff to orders, and the index of the merchant's list for orders that ended or went back."""

import sqlalchemy as sa
from alembic import op

revision = "0019_notes"
down_revision = "0018_shopkeeping"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_table(
        "notes",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("note_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("refund_id", sa.UUID(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "why in ('kindness', 'cannot_serve', 'complaint', 'double', 'other')", name=op.f("notes_why_check")
        ),
        sa.CheckConstraint("(refund_id is null) = (why is null)", name=op.f("notes_refund_check")),
        sa.CheckConstraint("length(words) <= 500", name=op.f("notes_words_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "order_id"],
            ["orders.orders.city_id", "orders.orders.order_id"],
            name=op.f("notes_city_id_order_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "refund_id"],
            ["orders.refunds.city_id", "orders.refunds.refund_id"],
            name=op.f("notes_city_id_refund_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "note_id", name=op.f("notes_pkey")),
        sa.UniqueConstraint("city_id", "refund_id", name="notes_refund_key"),
        schema="orders",
    )
    op.create_index("notes_order_idx", "notes", ["city_id", "order_id"], schema="orders")
    op.create_index(
        "orders_turned_idx", "orders", ["city_id", "merchant_id", sa.literal_column("order_id DESC")], schema="orders",
        postgresql_where=sa.text("state IN ('part_refunded', 'refunded', 'cancelled', 'expired')"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("orders_turned_idx", table_name="orders", schema="orders")
    op.drop_table("notes", schema="orders")
