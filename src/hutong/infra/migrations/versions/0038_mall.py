"""Gifts: suppliers, deliveries, exchange limits."""

import sqlalchemy as sa
from alembic import op

revision = "0038_mall"
down_revision = "0037_till"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    _held_for("'order', 'gift', 'delivery'")
    op.execute("create schema if not exists mall")
    _counts()
    _exchanges()
    _deliveries()
    _steps()


def _held_for(names: str) -> None:
    op.drop_constraint(op.f("vouchers_held_for_check"), "vouchers", schema="vouchers")
    op.create_check_constraint(
        op.f("vouchers_held_for_check"), "vouchers", f"held_for in ({names})", schema="vouchers",
        postgresql_not_valid=True,
    )  # fmt: skip
    op.execute("alter table vouchers.vouchers validate constraint vouchers_held_for_check")


def _counts() -> None:
    op.create_table(
        "counts",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("begins", sa.Date(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.CheckConstraint("span in ('day', 'week', 'month', 'year', 'ever')", name=op.f("counts_span_check")),
        sa.CheckConstraint("units >= 0", name=op.f("counts_units_check")),
        sa.PrimaryKeyConstraint("city_id", "offer_id", "member_id", "span", "begins", name=op.f("counts_pkey")),
        schema="mall",
    )


def _exchanges() -> None:
    op.create_table(
        "exchanges",
        sa.Column("city_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.UUID(), nullable=False)
          for name in ("order_id", "member_id", "offer_id", "merchant_id", "programme_id")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("points", "cost_units", "cash_units")),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("ended_units", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("begins", sa.Date(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.CheckConstraint(
            "points > 0 and cash_units >= 0 and cost_units >= cash_units", name=op.f("exchanges_price_check")
        ),
        sa.CheckConstraint("units > 0 and ended_units between 0 and units", name=op.f("exchanges_units_check")),
        sa.CheckConstraint("most is null or units <= most", name=op.f("exchanges_most_check")),
        sa.CheckConstraint("way in ('pickup', 'delivery')", name=op.f("exchanges_way_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "order_id"], ["orders.orders.city_id", "orders.orders.order_id"], name="exchanges_order_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "offer_id", "member_id", "span", "begins"],
            [f"mall.counts.{name}" for name in ("city_id", "offer_id", "member_id", "span", "begins")],
            name="exchanges_count_fkey",
        ),
        sa.PrimaryKeyConstraint("city_id", "order_id", name=op.f("exchanges_pkey")),
        schema="mall",
    )  # fmt: skip
    op.create_index("exchanges_member_idx", "exchanges", ["city_id", "member_id", "at"], schema="mall")
    op.create_index("exchanges_count_idx", "exchanges", ["city_id", "offer_id", "member_id", "begins"], schema="mall")


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("city_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.UUID(), nullable=False) for name in ("order_id", "merchant_id", "member_id", "offer_id")),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=True),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("sent_at", AT, nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state in ('waiting', 'asked', 'sent', 'delivered', 'returned', 'cancelled')",
            name=op.f("deliveries_state_check"),
        ),
        sa.CheckConstraint(
            "(ended_at is null) = (state in ('waiting', 'asked', 'sent'))", name=op.f("deliveries_ended_check")
        ),
        sa.CheckConstraint(
            "(sent_at is null) = (state in ('waiting', 'asked', 'cancelled'))", name=op.f("deliveries_sent_check")
        ),
        sa.CheckConstraint(
            "num_nulls(sent_at, store_id) in (0, 2) and (sent_at is null) = (number = '')",
            name=op.f("deliveries_carrier_check"),
        ),
        sa.CheckConstraint("sealed is not null or ended_at is not null", name=op.f("deliveries_sealed_check")),
        sa.CheckConstraint("units > 0 and version > 0", name=op.f("deliveries_sound_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "order_id"], ["mall.exchanges.city_id", "mall.exchanges.order_id"],
            name="deliveries_order_fkey",
        ),
        sa.PrimaryKeyConstraint("city_id", "order_id", name=op.f("deliveries_pkey")),
        schema="mall",
    )  # fmt: skip
    for name, columns, where in (
        ("open", ["merchant_id", "asked_at"], "state in ('asked', 'sent')"),
        ("merchant", ["merchant_id", "ended_at"], None),
        ("sent", ["sent_at"], "state = 'sent'"),
        ("forget", ["ended_at"], "sealed is not null"),
        ("member", ["member_id"], None),
    ):
        op.create_index(
            f"deliveries_{name}_idx", "deliveries", ["city_id", *columns], schema="mall",
            postgresql_where=sa.text(where) if where else None,
        )  # fmt: skip


def _steps() -> None:
    op.create_table(
        "steps",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("by", sa.UUID(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "order_id"], ["mall.deliveries.city_id", "mall.deliveries.order_id"], name="steps_order_fkey"
        ),
        sa.PrimaryKeyConstraint("city_id", "order_id", "seq", name=op.f("steps_pkey")),
        schema="mall",
    )


def downgrade() -> None:
    op.execute("drop schema mall cascade")
    _held_for("'order', 'gift'")
