"""vouchers."""

import sqlalchemy as sa
from alembic import op

revision = "0016_vouchers"
down_revision = "0015_merchants"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
