"""Search documents say when they are on sale and in which visible stores (0045 fills them); `shelf_counts` says how
many stores each category has.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from hutong.infra import tables

revision = "0042_finding"
down_revision = "0041_landmarks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_table(
        "shelf_counts",
        sa.Column("city_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("stores", sa.Integer(), nullable=False),
        sa.CheckConstraint("stores >= 0", name=op.f("shelf_counts_stores_check")),
        sa.ForeignKeyConstraint(["city_id"], ["places.cities.city_id"], name=op.f("shelf_counts_city_id_fkey")),
        sa.PrimaryKeyConstraint("city_id", "category", name=op.f("shelf_counts_pkey")),
        schema="catalog",
    )
    op.execute("""insert into catalog.shelf_counts (city_id, category, stores)
                  select city_id, category, count(*) from catalog.listings group by city_id, category""")
    for column in (
        sa.Column("sale", postgresql.TSTZRANGE(), server_default=sa.text("'(,)'"), nullable=False),
        sa.Column("store_ids", postgresql.ARRAY(sa.UUID()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("places", postgresql.ARRAY(tables.Cube()), server_default=sa.text("'{}'"), nullable=False),
    ):
        op.add_column("search_docs", column, schema="catalog")
    op.create_check_constraint(
        op.f("search_docs_places_check"),
        "search_docs",
        "cardinality(store_ids) = cardinality(places)",
        schema="catalog",
    )


def downgrade() -> None:
    for column in ("places", "store_ids", "sale"):
        op.drop_column("search_docs", column, schema="catalog")
    op.drop_table("shelf_counts", schema="catalog")
