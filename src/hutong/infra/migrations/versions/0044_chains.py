"""Chains: a head office and the merchants who have let it in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044_chains"
down_revision = "0043_new_stores"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_table(
        "chains",
        sa.Column("chain_id", sa.UUID(), nullable=False),
        sa.Column("head_id", sa.UUID(), nullable=False),
        sa.Column("name", postgresql.JSONB(), nullable=False),
        sa.Column("made_by", sa.UUID(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("name ? 'zh' and name ? 'en'", name=op.f("chains_name_check")),
        sa.ForeignKeyConstraint(["head_id"], ["merchants.merchants.merchant_id"], name=op.f("chains_head_id_fkey")),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("chains_pkey")),
        sa.UniqueConstraint("head_id", name=op.f("chains_head_id_key")),
        schema="merchants",
    )
    op.create_table(
        "chain_shops",
        sa.Column("chain_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.UUID(), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed_by", sa.UUID(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.UUID(), nullable=True),
        sa.Column("keep_units", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "num_nulls(agreed_at, agreed_by) in (0, 2) and num_nulls(ended_at, ended_by) in (0, 2)",
            name=op.f("chain_shops_by_check"),
        ),
        sa.CheckConstraint(
            "agreed_at >= asked_at and ended_at >= coalesce(agreed_at, asked_at)", name=op.f("chain_shops_order_check")
        ),
        sa.CheckConstraint(
            "keep_units >= 0 and (keep_units = 0 or agreed_at is not null)", name=op.f("chain_shops_keep_check")
        ),
        sa.ForeignKeyConstraint(["chain_id"], ["merchants.chains.chain_id"], name=op.f("chain_shops_chain_id_fkey")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.merchants.merchant_id"], name=op.f("chain_shops_merchant_id_fkey")
        ),
        sa.PrimaryKeyConstraint("chain_id", "merchant_id", "asked_at", name=op.f("chain_shops_pkey")),
        schema="merchants",
    )
    op.create_index(
        "chain_shops_merchant_key", "chain_shops", ["merchant_id"], unique=True, schema="merchants",
        postgresql_where=sa.text("ended_at is null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("chain_shops", schema="merchants")
    op.drop_table("chains", schema="merchants")
