"""people."""

import sqlalchemy as sa
from alembic import op

revision = "0013_people"
down_revision = "0012_settlement"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
