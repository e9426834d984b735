"""orders."""

import sqlalchemy as sa
from alembic import op

revision = "0019_orders"
down_revision = "0018_shopkeeping"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
