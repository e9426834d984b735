"""Teams, ladders, bargains."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026_groups"
down_revision = "0025_savings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.execute("create schema if not exists groups")
    op.create_table(
        "bargains",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("bargain_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("face", sa.Text(), nullable=False),
        sa.Column("price_units", sa.BigInteger(), nullable=False),
        sa.Column("floor_units", sa.BigInteger(), nullable=False),
        sa.Column("cut_units", sa.BigInteger(), nullable=False),
        sa.Column("helpers", sa.Integer(), nullable=False),
        sa.Column("cuts", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(ended_at is null) = (state in ('open', 'ordered'))", name=op.f("bargains_ended_check")),
        sa.CheckConstraint("(order_id is null) = (state in ('open', 'over'))", name=op.f("bargains_ordered_check")),
        sa.CheckConstraint("state in ('open', 'ordered', 'bought', 'over')", name=op.f("bargains_state_check")),
        sa.CheckConstraint(
            "cuts between 0 and helpers and helpers between 1 and 100", name=op.f("bargains_helpers_check")
        ),
        sa.CheckConstraint(
            "floor_units > 0 and price_units - cut_units >= floor_units and cut_units >= 0",
            name=op.f("bargains_floor_check"),
        ),
        sa.CheckConstraint("opened_at < closes_at", name=op.f("bargains_life_check")),
        sa.PrimaryKeyConstraint("city_id", "bargain_id", name=op.f("bargains_pkey")),
        sa.UniqueConstraint("city_id", "offer_id", "member_id", name="bargains_member_key"),
        sa.UniqueConstraint("city_id", "order_id", name="bargains_order_key"),
        schema="groups",
    )
    op.create_index(
        "bargains_open_idx",
        "bargains",
        ["city_id", "closes_at"],
        unique=False,
        schema="groups",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "budgets",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("budget_units", sa.BigInteger(), nullable=False),
        sa.Column("spent_units", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("spent_units between 0 and budget_units", name=op.f("budgets_spent_check")),
        sa.PrimaryKeyConstraint("city_id", "offer_id", name=op.f("budgets_pkey")),
        schema="groups",
    )
    op.create_table(
        "ladders",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("first_units", sa.BigInteger(), nullable=False),
        sa.Column("tiers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("paid_units", sa.Integer(), nullable=False),
        sa.Column("low_units", sa.BigInteger(), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("final_units", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(final_units is null) = (settled_at is null)", name=op.f("ladders_settled_check")),
        sa.CheckConstraint("jsonb_array_length(tiers) between 1 and 10", name=op.f("ladders_tiers_check")),
        sa.CheckConstraint(
            "low_units between 1 and first_units and coalesce(final_units, low_units) = low_units",
            name=op.f("ladders_low_check"),
        ),
        sa.CheckConstraint("paid_units >= 0 and first_units > 0", name=op.f("ladders_units_check")),
        sa.PrimaryKeyConstraint("city_id", "offer_id", name=op.f("ladders_pkey")),
        schema="groups",
    )
    op.create_index(
        "ladders_open_idx",
        "ladders",
        ["city_id", "closes_at"],
        unique=False,
        schema="groups",
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "teams",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("opened_by", sa.UUID(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(ended_at is null) = (state in ('forming', 'open'))", name=op.f("teams_ended_check")),
        sa.CheckConstraint("(state = 'clinched') = (taken = size)", name=op.f("teams_clinched_check")),
        sa.CheckConstraint("state <> 'forming' or taken = 0", name=op.f("teams_forming_check")),
        sa.CheckConstraint("state in ('forming', 'dropped') or closes_at is not null", name=op.f("teams_closes_check")),
        sa.CheckConstraint("state in ('forming', 'open') or held = 0", name=op.f("teams_nobody_waits_check")),
        sa.CheckConstraint(
            "state in ('forming', 'open', 'clinched', 'failed', 'dropped')", name=op.f("teams_state_check")
        ),
        sa.CheckConstraint("held >= 0 and taken >= 0 and held + taken <= size", name=op.f("teams_seats_check")),
        sa.CheckConstraint("size between 2 and 100 and hours between 1 and 720", name=op.f("teams_form_check")),
        sa.PrimaryKeyConstraint("city_id", "team_id", name=op.f("teams_pkey")),
        schema="groups",
    )
    op.create_index(
        "teams_offer_idx",
        "teams",
        ["city_id", "offer_id", "closes_at"],
        unique=False,
        schema="groups",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "teams_open_idx",
        "teams",
        ["city_id", "closes_at", "team_id"],
        unique=False,
        schema="groups",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "climbs",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("price_units", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("units >= 0 and price_units > 0", name=op.f("climbs_units_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "offer_id"],
            ["groups.ladders.city_id", "groups.ladders.offer_id"],
            name=op.f("climbs_city_id_offer_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "order_id", name=op.f("climbs_pkey")),
        schema="groups",
    )
    op.create_index(
        "climbs_waiting_idx",
        "climbs",
        ["city_id", "offer_id", "order_id"],
        unique=False,
        schema="groups",
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "cuts",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("bargain_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("face", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("units >= 0 and seq > 0", name=op.f("cuts_units_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "bargain_id"],
            ["groups.bargains.city_id", "groups.bargains.bargain_id"],
            name=op.f("cuts_city_id_bargain_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "bargain_id", "member_id", name=op.f("cuts_pkey")),
        sa.UniqueConstraint("city_id", "bargain_id", "seq", name="cuts_seq_key"),
        sa.UniqueConstraint("city_id", "offer_id", "member_id", name="cuts_helper_key"),
        schema="groups",
    )
    op.create_table(
        "seats",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("team_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("face", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(ended_at is null) = (state in ('held', 'taken'))", name=op.f("seats_ended_check")),
        sa.CheckConstraint("(taken_at is null) = (state in ('held', 'freed'))", name=op.f("seats_taken_check")),
        sa.CheckConstraint(
            "state in ('held', 'taken', 'kept', 'returned', 'freed', 'left', 'failed', 'sent_back')",
            name=op.f("seats_state_check"),
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "team_id"],
            ["groups.teams.city_id", "groups.teams.team_id"],
            name=op.f("seats_city_id_team_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "order_id", name=op.f("seats_pkey")),
        schema="groups",
    )
    op.create_index(
        "seats_failed_idx",
        "seats",
        ["city_id", "order_id"],
        unique=False,
        schema="groups",
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "seats_running_key",
        "seats",
        ["city_id", "offer_id", "member_id"],
        unique=True,
        schema="groups",
        postgresql_where=sa.text("state IN ('held', 'taken')"),
    )
    op.create_index("seats_team_idx", "seats", ["city_id", "team_id"], unique=False, schema="groups")


def downgrade() -> None:
    op.drop_table("seats", schema="groups")
    op.drop_table("cuts", schema="groups")
    op.drop_table("climbs", schema="groups")
    op.drop_table("teams", schema="groups")
    op.drop_table("ladders", schema="groups")
    op.drop_table("budgets", schema="groups")
    op.drop_table("bargains", schema="groups")
    op.execute("drop schema groups")
