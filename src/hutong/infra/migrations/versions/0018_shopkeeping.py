"""Shopkeeping: paused offers and copies of offers; stores with versions, and who changed what at a merchant."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018_shopkeeping"
down_revision = "0017_reviews"
branch_labels = None
depends_on = None

STATES = "'draft', 'in_review', 'published', 'rejected', 'ended'"


def upgrade() -> None:
    op.add_column("offers", sa.Column("copied_from", sa.UUID(), nullable=True), schema="catalog")
    op.create_foreign_key(
        "offers_copied_from_fkey", "offers", "offers", ["city_id", "copied_from", "merchant_id"],
        ["city_id", "offer_id", "merchant_id"], source_schema="catalog", referent_schema="catalog",
    )  # fmt: skip
    _states(f"{STATES}, 'paused'", "status not in ('published', 'paused') or published_at is not null")
    op.drop_index("offers_sale_to_idx", table_name="offers", schema="catalog")
    op.create_index(
        "offers_selling_idx", "offers", ["city_id", "sale_to"], schema="catalog",
        postgresql_where=sa.text("status in ('published', 'paused')"),
    )  # fmt: skip
    op.add_column(
        "stores", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False), schema="merchants"
    )
    op.create_check_constraint("stores_version_check", "stores", "version >= 1", schema="merchants")
    op.create_table(
        "changes",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("change_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("version >= 2", name=op.f("changes_version_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "store_id", "merchant_id"],
            ["merchants.stores.city_id", "merchants.stores.store_id", "merchants.stores.merchant_id"],
            name="changes_store_id_fkey",
        ),
        sa.PrimaryKeyConstraint("city_id", "change_id", name=op.f("changes_pkey")),
        sa.UniqueConstraint("city_id", "store_id", "version", name="changes_store_version_key"),
        schema="merchants",
    )
    op.create_index("changes_merchant_idx", "changes", ["city_id", "merchant_id", "at"], schema="merchants")


def downgrade() -> None:
    op.drop_table("changes", schema="merchants")
    op.drop_constraint("stores_version_check", "stores", schema="merchants")
    op.drop_column("stores", "version", schema="merchants")
    op.execute("update catalog.offers set status = 'ended', ended_at = sale_to where status = 'paused'")
    op.drop_index("offers_selling_idx", table_name="offers", schema="catalog")
    op.create_index(
        "offers_sale_to_idx", "offers", ["city_id", "sale_to"], schema="catalog",
        postgresql_where=sa.text("status = 'published'"),
    )  # fmt: skip
    _states(STATES, "status <> 'published' or published_at is not null")
    op.drop_constraint("offers_copied_from_fkey", "offers", schema="catalog")
    op.drop_column("offers", "copied_from", schema="catalog")


def _states(states: str, published: str) -> None:
    op.drop_constraint("offers_status_check", "offers", schema="catalog")
    op.create_check_constraint("offers_status_check", "offers", f"status in ({states})", schema="catalog")
    op.drop_constraint("offers_published_at_check", "offers", schema="catalog")
    op.create_check_constraint("offers_published_at_check", "offers", published, schema="catalog")
