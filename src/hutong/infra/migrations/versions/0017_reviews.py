"""reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0017_reviews"
down_revision = "0016_vouchers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
