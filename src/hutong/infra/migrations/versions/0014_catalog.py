"""What people search for in a city, counted by day."""

import sqlalchemy as sa
from alembic import op

revision = "0014_catalog"
down_revision = "0013_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_table(
        "searches",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("visitors", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(term) between 2 and 20 and term !~ '[0-9]{3}'", name=op.f("searches_term_check")),
        sa.CheckConstraint("visitors >= 1", name=op.f("searches_visitors_check")),
        sa.ForeignKeyConstraint(["city_id"], ["places.cities.city_id"], name=op.f("searches_city_id_fkey")),
        sa.PrimaryKeyConstraint("city_id", "day", "term", name=op.f("searches_pkey")),
        schema="catalog",
    )
    op.create_index(
        "offers_tipping_idx",
        "offers",
        ["city_id", "sale_to"],
        unique=False,
        schema="catalog",
        postgresql_where=sa.text("status = 'published' and min_units > 1"),
    )


def downgrade() -> None:
    op.drop_index("offers_tipping_idx", "offers", schema="catalog")
    op.drop_table("searches", schema="catalog")
