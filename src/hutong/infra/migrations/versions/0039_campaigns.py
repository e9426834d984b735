"""Campaigns of a city."""

revision = "0039_campaigns"
down_revision = "0038_mall"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
