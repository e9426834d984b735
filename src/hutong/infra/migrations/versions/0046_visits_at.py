"""Visits of a city in the order of their time: who was somewhere a while ago is asked how it was."""

from alembic import op

revision = "0046_visits_at"
down_revision = "0045_marks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_index("visits_at_idx", "visits", ["city_id", "at", "redemption_id"], schema="insight")


def downgrade() -> None:
    op.drop_index("visits_at_idx", "visits", schema="insight")
