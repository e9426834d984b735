"""Repeat business of an alliance: every way in which a member came to a merchant."""

import sqlalchemy as sa
from alembic import op

revision = "0035_alliance"
down_revision = "0034_commission"
branch_labels = None
depends_on = None

STANDS = sa.text("undone_at IS NULL AND NOT own")


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_table(
        "comings",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("coming_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bought_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('redemption', 'bill', 'purchase')", name=op.f("comings_kind_check")),
        sa.CheckConstraint("(kind = 'redemption') = (offer_id is not null)", name=op.f("comings_offer_check")),
        sa.CheckConstraint("units >= 0", name=op.f("comings_units_check")),
        sa.CheckConstraint("undone_at >= at", name=op.f("comings_undone_check")),
        sa.PrimaryKeyConstraint("city_id", "coming_id", name=op.f("comings_pkey")),
        schema="insight",
    )
    op.create_index(
        "comings_guest_idx",
        "comings",
        ["city_id", "merchant_id", "member_id", "day"],
        unique=False,
        schema="insight",
        postgresql_include=["at", "units", "kind", "asset"],
        postgresql_where=STANDS,
    )
    op.create_index(
        "comings_member_idx",
        "comings",
        ["city_id", "member_id", "day", "at", "merchant_id"],
        unique=False,
        schema="insight",
        postgresql_include=["units", "asset"],
        postgresql_where=STANDS,
    )
    # What was redeemed so far; bills of before come by `hutong rebuild`, which reads everything from its owner.
    op.execute(
        """insert into insight.comings (city_id, coming_id, kind, merchant_id, store_id, member_id, offer_id, day, at,
                                        bought_at, asset, units, own, undone_at)
           select city_id, redemption_id, 'redemption', merchant_id, store_id, member_id, offer_id, day, at, bought_at,
                  asset, due_units, own, undone_at
           from insight.visits"""
    )


def downgrade() -> None:
    op.drop_table("comings", schema="insight")
