"""merchants."""

import sqlalchemy as sa
from alembic import op

revision = "0015_merchants"
down_revision = "0014_catalog"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
