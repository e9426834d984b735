"""Further stores that merchants ask for, and every step of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043_new_stores"
down_revision = "0042_finding"
branch_labels = None
depends_on = None
STATES = "state in ('waiting', 'returned', 'withdrawn', 'open')"


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_table(
        "new_stores",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("new_store_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.UUID(), nullable=False),
        sa.Column("said", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(STATES, name=op.f("new_stores_state_check")),
        sa.CheckConstraint("version > 0", name=op.f("new_stores_version_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "district_id"],
            ["places.districts.city_id", "places.districts.district_id"],
            name="new_stores_district_id_fkey",
        ),
        sa.PrimaryKeyConstraint("city_id", "new_store_id", name=op.f("new_stores_pkey")),
        sa.UniqueConstraint("city_id", "store_id", name="new_stores_store_key"),
        schema="recruiting",
    )
    op.create_index("new_stores_queue_idx", "new_stores", ["city_id", "state", "changed_at"], schema="recruiting")
    op.create_index("new_stores_merchant_idx", "new_stores", ["city_id", "merchant_id", "made_at"], schema="recruiting")
    op.create_table(
        "new_store_steps",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("new_store_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("asked_by", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("said", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(STATES, name=op.f("new_store_steps_state_check")),
        sa.CheckConstraint(
            "state <> 'returned' or char_length(reason) between 1 and 400", name=op.f("new_store_steps_reason_check")
        ),
        sa.CheckConstraint("state <> 'open' or by <> asked_by", name=op.f("new_store_steps_four_eyes_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "new_store_id"],
            ["recruiting.new_stores.city_id", "recruiting.new_stores.new_store_id"],
            name="new_store_steps_new_store_fkey",
        ),
        sa.PrimaryKeyConstraint("city_id", "new_store_id", "version", name=op.f("new_store_steps_pkey")),
        schema="recruiting",
    )


def downgrade() -> None:
    op.drop_table("new_store_steps", schema="recruiting")
    op.drop_table("new_stores", schema="recruiting")
