"""Indexes for what was read from end to end: refused scans of a store, and codes and sessions that may be forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0022_reading_indexes"
down_revision = "0021_search_rings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_index("scans_store_idx", "scans", ["city_id", "store_id", "at"], schema="vouchers")
    op.create_index("codes_over_idx", "codes", ["expires_at"], schema="people")
    op.create_index("sessions_over_idx", "sessions", [sa.text("coalesce(ended_at, expires_at)")], schema="people")


def downgrade() -> None:
    op.drop_index("sessions_over_idx", table_name="sessions", schema="people")
    op.drop_index("codes_over_idx", table_name="codes", schema="people")
    op.drop_index("scans_store_idx", table_name="scans", schema="vouchers")
