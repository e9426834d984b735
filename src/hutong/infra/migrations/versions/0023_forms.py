"""The form in which an offer is sold: plain, by team, by ladder, as a coupon, as a card."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023_forms"
down_revision = "0022_reading_indexes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    plain = sa.text("""'{"form": "plain"}'::jsonb""")
    op.add_column("offers", sa.Column("form", JSONB, nullable=False, server_default=plain), schema="catalog")
    op.create_check_constraint(op.f("form"), "offers", "form ? 'form'", schema="catalog")
    op.alter_column("offers", "form", server_default=None, schema="catalog")


def downgrade() -> None:
    op.drop_constraint(op.f("form"), "offers", schema="catalog")
    op.drop_column("offers", "form", schema="catalog")
