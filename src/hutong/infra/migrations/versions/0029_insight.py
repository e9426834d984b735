"""Result sheets and the expiry wave: visits, plans, verdicts, capacity, alerts, nudges; and longer validities."""

import sqlalchemy as sa
from alembic import op

revision = "0029_insight"
down_revision = "0028_cards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.execute("create schema if not exists insight")
    op.create_table(
        "alerts",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("excess", sa.Integer(), nullable=False),
        sa.Column("outstanding", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "level between 1 and 3 and excess >= 0 and outstanding > 0", name=op.f("alerts_level_check")
        ),
        sa.PrimaryKeyConstraint("city_id", "merchant_id", name=op.f("alerts_pkey")),
        schema="insight",
    )
    op.create_table(
        "capacities",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("guests", sa.Integer(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "weekday between 0 and 6 and guests between 0 and 100000", name=op.f("capacities_guests_check")
        ),
        sa.PrimaryKeyConstraint("city_id", "store_id", "weekday", name=op.f("capacities_pkey")),
        schema="insight",
    )
    op.create_table(
        "nudges",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("nudge_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("voucher_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("told_at >= due_at", name=op.f("nudges_told_check")),
        sa.PrimaryKeyConstraint("city_id", "nudge_id", name=op.f("nudges_pkey")),
        schema="insight",
    )
    op.create_index(
        "nudges_due_idx",
        "nudges",
        ["city_id", "due_at"],
        unique=False,
        schema="insight",
        postgresql_where=sa.text("told_at IS NULL"),
    )
    op.create_index("nudges_member_idx", "nudges", ["city_id", "member_id", "due_at"], unique=False, schema="insight")
    op.create_table(
        "plans",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("cost_units", sa.BigInteger(), nullable=True),
        sa.Column("expected_bps", sa.Integer(), nullable=True),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("expected_bps between 0 and 10000", name=op.f("plans_expected_check")),
        sa.CheckConstraint("seq >= 1 and cost_units >= 0", name=op.f("plans_cost_check")),
        sa.PrimaryKeyConstraint("city_id", "offer_id", "seq", name=op.f("plans_pkey")),
        schema="insight",
    )
    op.create_table(
        "sheets",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("guests", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("back", sa.Integer(), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "new between 0 and guests and known between 0 and new and back between 0 and known",
            name=op.f("sheets_guests_check"),
        ),
        sa.PrimaryKeyConstraint("city_id", "offer_id", name=op.f("sheets_pkey")),
        schema="insight",
    )
    op.create_index("sheets_rank_idx", "sheets", ["city_id", "rank", "offer_id"], unique=False, schema="insight")
    op.create_table(
        "visits",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("redemption_id", sa.UUID(), nullable=False),
        sa.Column("voucher_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bought_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("full_price", sa.Boolean(), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("list_units", sa.BigInteger(), nullable=False),
        sa.Column("price_units", sa.BigInteger(), nullable=False),
        sa.Column("paid_units", sa.BigInteger(), nullable=False),
        sa.Column("due_units", sa.BigInteger(), nullable=False),
        sa.Column("commission_units", sa.BigInteger(), nullable=False),
        sa.Column("merchant_units", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("count > 0", name=op.f("visits_count_check")),
        sa.CheckConstraint("due_units = commission_units + merchant_units", name=op.f("visits_sum_check")),
        sa.CheckConstraint(
            "least(list_units, price_units, paid_units, due_units, commission_units) >= 0",
            name=op.f("visits_units_check"),
        ),
        sa.CheckConstraint("undone_at >= at", name=op.f("visits_undone_check")),
        sa.PrimaryKeyConstraint("city_id", "redemption_id", name=op.f("visits_pkey")),
        schema="insight",
    )
    op.create_index(
        "visits_guest_idx", "visits", ["city_id", "merchant_id", "member_id", "day"], unique=False, schema="insight"
    )
    op.create_index("visits_offer_idx", "visits", ["city_id", "offer_id"], unique=False, schema="insight")
    op.create_index("visits_own_idx", "visits", ["city_id", "day"], schema="insight", postgresql_where=sa.text("own"))
    op.create_index("visits_store_idx", "visits", ["city_id", "store_id", "day"], unique=False, schema="insight")
    op.create_index("visits_trade_idx", "visits", ["city_id", "trade", "day"], unique=False, schema="insight")
    op.create_table(
        "extensions",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("voucher_id", sa.UUID(), nullable=False),
        sa.Column("extension_id", sa.UUID(), nullable=False),
        sa.Column("was", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("valid_to > was", name=op.f("extensions_longer_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "voucher_id"],
            ["vouchers.vouchers.city_id", "vouchers.vouchers.voucher_id"],
            name=op.f("extensions_city_id_voucher_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "voucher_id", "extension_id", name=op.f("extensions_pkey")),
        schema="vouchers",
    )


def downgrade() -> None:
    op.drop_table("extensions", schema="vouchers")
    op.drop_table("alerts", schema="insight")
    op.drop_table("capacities", schema="insight")
    op.drop_table("nudges", schema="insight")
    op.drop_table("plans", schema="insight")
    op.drop_table("sheets", schema="insight")
    op.drop_table("visits", schema="insight")
    op.execute("drop schema insight")
