"""Cards and bills at the till."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0028_cards"
down_revision = "0027_lines"
branch_labels = None
depends_on = None

VALUE = "not value or (due_left <= uses_left and paid_left <= due_left)"


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    no = sa.text("false")
    op.add_column("vouchers", sa.Column("value", sa.Boolean(), nullable=False, server_default=no), schema="vouchers")
    op.alter_column("vouchers", "value", server_default=None, schema="vouchers")
    op.create_check_constraint(op.f("vouchers_value_check"), "vouchers", VALUE, schema="vouchers")
    none = sa.text("'[]'::jsonb")
    op.add_column("earnings", sa.Column("outside", JSONB, nullable=False, server_default=none), schema="settlement")
    op.alter_column("earnings", "outside", server_default=None, schema="settlement")
    _tables()


def _tables() -> None:
    op.execute("create schema if not exists cards")
    op.execute("create schema if not exists till")
    op.create_table(
        "batches",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("exported_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "count between 1 and 20000 and length(label) between 1 and 80", name=op.f("batches_count_check")
        ),
        sa.PrimaryKeyConstraint("city_id", "batch_id", name=op.f("batches_pkey")),
        schema="cards",
    )
    op.create_index("batches_merchant_idx", "batches", ["city_id", "merchant_id", "at"], unique=False, schema="cards")
    op.create_table(
        "closings",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("closing_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=True),
        sa.Column("by", sa.UUID(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reached", sa.UUID(), nullable=True),
        sa.Column("refunds", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("refunds >= 0 and length(reason) between 1 and 200", name=op.f("closings_sums_check")),
        sa.PrimaryKeyConstraint("city_id", "closing_id", name=op.f("closings_pkey")),
        sa.UniqueConstraint(
            "city_id", "merchant_id", "store_id", name="closings_shop_key", postgresql_nulls_not_distinct=True
        ),
        schema="cards",
    )
    op.create_index(
        "closings_open_idx",
        "closings",
        ["city_id", "opened_at"],
        unique=False,
        schema="cards",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "tiers",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "percent between 1 and 90 and length(tier) between 1 and 40", name=op.f("tiers_percent_check")
        ),
        sa.PrimaryKeyConstraint("city_id", "offer_id", "merchant_id", "tier", name=op.f("tiers_pkey")),
        schema="cards",
    )
    op.create_index("tiers_merchant_idx", "tiers", ["city_id", "merchant_id"], unique=False, schema="cards")
    op.create_table(
        "bills",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("store_name", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("staff_name", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("amount_units", sa.BigInteger(), nullable=False),
        sa.Column("discount_units", sa.BigInteger(), nullable=False),
        sa.Column("card_units", sa.BigInteger(), nullable=False),
        sa.Column("collect_units", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undo_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_units > 0 and amount_units = discount_units + card_units + collect_units",
            name=op.f("bills_sum_check"),
        ),
        sa.CheckConstraint(
            "discount_units >= 0 and card_units >= 0 and collect_units >= 0", name=op.f("bills_parts_check")
        ),
        sa.CheckConstraint("length(event_id) between 1 and 200", name=op.f("bills_event_check")),
        sa.PrimaryKeyConstraint("city_id", "bill_id", name=op.f("bills_pkey")),
        sa.UniqueConstraint("city_id", "merchant_id", "event_id", name="bills_event_key"),
        schema="till",
    )
    op.create_index("bills_member_idx", "bills", ["city_id", "member_id", "at", "bill_id"], unique=False, schema="till")
    op.create_index("bills_store_idx", "bills", ["city_id", "store_id", "at", "bill_id"], unique=False, schema="till")
    op.create_table(
        "numbers",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.UUID(), nullable=True),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("voucher_id", sa.UUID(), nullable=True),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_by", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'replaced') = (replaced_by is not null)", name=op.f("numbers_replaced_check")),
        sa.CheckConstraint(
            "(state in ('active', 'blocked', 'replaced')) = (voucher_id is not null)", name=op.f("numbers_right_check")
        ),
        sa.CheckConstraint("number ~ '^[0-9]{16}$' and octet_length(digest) = 32", name=op.f("numbers_number_check")),
        sa.CheckConstraint(
            "state in ('printed', 'active', 'blocked', 'replaced', 'void')", name=op.f("numbers_state_check")
        ),
        sa.CheckConstraint("(voucher_id is null) = (member_id is null)", name=op.f("numbers_holder_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "batch_id"],
            ["cards.batches.city_id", "cards.batches.batch_id"],
            name=op.f("numbers_city_id_batch_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "number", name=op.f("numbers_pkey")),
        schema="cards",
    )
    op.create_index("numbers_batch_idx", "numbers", ["city_id", "batch_id"], unique=False, schema="cards")
    op.create_index(
        "numbers_voucher_key",
        "numbers",
        ["city_id", "voucher_id"],
        unique=True,
        schema="cards",
        postgresql_where=sa.text("state IN ('active', 'blocked')"),
    )
    op.create_table(
        "undos",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("manager", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "bill_id"],
            ["till.bills.city_id", "till.bills.bill_id"],
            name=op.f("undos_city_id_bill_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "bill_id", name=op.f("undos_pkey")),
        schema="till",
    )
    op.create_table(
        "uses",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=False),
        sa.Column("redemption_id", sa.UUID(), nullable=False),
        sa.Column("voucher_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("title", JSONB, nullable=False),
        sa.Column("code_tail", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.CheckConstraint("role in ('coupon', 'card', 'pass', 'stamp')", name=op.f("uses_role_check")),
        sa.CheckConstraint(
            "units >= 0 and count >= 1 and (role <> 'card' or units = count)", name=op.f("uses_units_check")
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "bill_id"], ["till.bills.city_id", "till.bills.bill_id"], name=op.f("uses_city_id_bill_id_fkey")
        ),
        sa.PrimaryKeyConstraint("city_id", "bill_id", "redemption_id", name=op.f("uses_pkey")),
        sa.UniqueConstraint("city_id", "bill_id", "voucher_id", name="uses_voucher_key"),
        sa.UniqueConstraint("city_id", "redemption_id", name="uses_redemption_key"),
        schema="till",
    )
    op.create_index("uses_of_voucher_idx", "uses", ["city_id", "voucher_id"], unique=False, schema="till")
    op.create_index(
        "uses_stamp_key",
        "uses",
        ["city_id", "bill_id"],
        unique=True,
        schema="till",
        postgresql_where=sa.text("role = 'stamp'"),
    )
    op.create_table(
        "discounts",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=False),
        sa.Column("promotion_id", sa.UUID(), nullable=False),
        sa.Column("redemption_id", sa.UUID(), nullable=False),
        sa.Column("name", JSONB, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("shares", JSONB, nullable=False),
        sa.Column("budgeted", sa.Boolean(), nullable=False),
        sa.CheckConstraint("units > 0", name=op.f("discounts_units_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "bill_id", "redemption_id"],
            ["till.uses.city_id", "till.uses.bill_id", "till.uses.redemption_id"],
            name=op.f("discounts_city_id_bill_id_redemption_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "bill_id", "promotion_id", name=op.f("discounts_pkey")),
        schema="till",
    )


def downgrade() -> None:
    op.drop_table("discounts", schema="till")
    op.drop_table("uses", schema="till")
    op.drop_table("undos", schema="till")
    op.drop_table("numbers", schema="cards")
    op.drop_table("bills", schema="till")
    op.drop_table("tiers", schema="cards")
    op.drop_table("closings", schema="cards")
    op.drop_table("batches", schema="cards")
    op.execute("drop schema cards")
    op.execute("drop schema till")
    op.drop_column("earnings", "outside", schema="settlement")
    op.drop_constraint(op.f("vouchers_value_check"), "vouchers", schema="vouchers")
    op.drop_column("vouchers", "value", schema="vouchers")
