"""Landmarks of a city: what its map names beside the districts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041_landmarks"
down_revision = "0040_more"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_table(
        "landmarks",
        sa.Column("city_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("landmarks_slug_check")),
        sa.CheckConstraint("name ? 'zh' and name ? 'en'", name=op.f("landmarks_name_check")),
        sa.CheckConstraint("lat between -90 and 90 and lon between -180 and 180", name=op.f("landmarks_place_check")),
        sa.ForeignKeyConstraint(["city_id"], ["places.cities.city_id"], name=op.f("landmarks_city_id_fkey")),
        sa.PrimaryKeyConstraint("city_id", "slug", name=op.f("landmarks_pkey")),
        schema="places",
    )


def downgrade() -> None:
    op.drop_table("landmarks", schema="places")
