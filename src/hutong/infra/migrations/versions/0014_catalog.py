"""catalog."""

import sqlalchemy as sa
from alembic import op

revision = "0014_catalog"
down_revision = "0013_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
