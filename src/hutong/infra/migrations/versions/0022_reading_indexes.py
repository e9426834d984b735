"""Indexes for what was read from end to end: refused scans of a store, and codes and sessions that may be forgotten.

And room on their page for the rows that change with every order: a new version on the same page costs no index an entry.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022_reading_indexes"
down_revision = "0021_search_rings"
branch_labels = None
depends_on = None

HOT = ("inventory.quotas", "ledger.city_accounts", "ledger.book_accounts", "orders.tippings", "orders.bought")


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_index("scans_store_idx", "scans", ["city_id", "store_id", "at"], schema="vouchers")
    op.create_index("codes_over_idx", "codes", ["expires_at"], schema="people")
    op.create_index("sessions_over_idx", "sessions", [sa.text("coalesce(ended_at, expires_at)")], schema="people")
    for table in HOT:
        op.execute(f"alter table {table} set (fillfactor = 50)")


def downgrade() -> None:
    for table in HOT:
        op.execute(f"alter table {table} reset (fillfactor)")
    op.drop_index("sessions_over_idx", table_name="sessions", schema="people")
    op.drop_index("codes_over_idx", table_name="codes", schema="people")
    op.drop_index("scans_store_idx", table_name="scans", schema="vouchers")
