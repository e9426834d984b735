"""The flash sales of a city are found without reading all that it sells."""

from alembic import op

revision = "0030_more"
down_revision = "0029_insight"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """create index offers_flash_idx on catalog.offers (city_id, sale_to)
           where status = 'published' and form ->> 'form' = 'flash'"""
    )


def downgrade() -> None:
    op.execute("drop index catalog.offers_flash_idx")
