"""shopkeeping."""

import sqlalchemy as sa
from alembic import op

revision = "0018_shopkeeping"
down_revision = "0017_reviews"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
