"""Programmes of points: their rules and partners, movements, wallets with lots."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0032_programmes"
down_revision = "0031_tenders"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.execute("create schema if not exists programmes")
    op.create_table(
        "blocks",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("block_id", sa.UUID(), nullable=False),
        sa.Column("partner_id", sa.UUID(), nullable=True),
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("debit_path", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("units > 0", name=op.f("blocks_units_check")),
        sa.PrimaryKeyConstraint("programme_id", "block_id", name=op.f("blocks_pkey")),
        schema="programmes",
    )
    op.create_index(
        "blocks_partner_idx", "blocks", ["programme_id", "partner_id", "at"], unique=False, schema="programmes"
    )
    op.create_table(
        "campaigns",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=False),
        sa.Column("name", JSONB, nullable=False),
        sa.Column("earn_bps", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("partners", sa.ARRAY(sa.UUID()), nullable=False),
        sa.Column("categories", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("budget_points", sa.BigInteger(), nullable=True),
        sa.Column("used_points", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.UUID(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("name ? 'zh' and name ? 'en'", name=op.f("campaigns_name_check")),
        sa.CheckConstraint(
            "payer = 'partner' or (payer = 'programme' and budget_points is not null)",
            name=op.f("campaigns_payer_check"),
        ),
        sa.CheckConstraint("earn_bps > 10000 and since < until", name=op.f("campaigns_form_check")),
        sa.CheckConstraint(
            "used_points >= 0 and used_points <= coalesce(budget_points, used_points)",
            name=op.f("campaigns_budget_check"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "campaign_id", name=op.f("campaigns_pkey")),
        schema="programmes",
    )
    op.create_table(
        "counters",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("times >= 0 and points >= 0", name=op.f("counters_counts_check")),
        sa.PrimaryKeyConstraint("programme_id", "day", "kind", "key", name=op.f("counters_pkey")),
        schema="programmes",
    )
    op.create_table(
        "members",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("debt", sa.BigInteger(), nullable=False),
        sa.Column("growth", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("debt = 0 or available = 0", name=op.f("members_debt_first_check")),
        sa.CheckConstraint(
            "pending >= 0 and available >= 0 and held >= 0 and debt >= 0 and growth >= 0",
            name=op.f("members_counts_check"),
        ),
        sa.PrimaryKeyConstraint("member_id", "programme_id", name=op.f("members_pkey")),
        schema="programmes",
    )
    op.create_table(
        "missed",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.UUID(), nullable=False),
        sa.Column("movement_id", sa.UUID(), nullable=True),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("partner_id", sa.UUID(), nullable=True),
        sa.Column("city_id", sa.Integer(), nullable=True),
        sa.Column("store_id", sa.UUID(), nullable=True),
        sa.Column("staff_id", sa.UUID(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("amount_units", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("which", sa.Text(), nullable=False),
        sa.Column("bought_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(why = 'undone') = (movement_id is null)", name=op.f("missed_undone_check")),
        sa.CheckConstraint("why in ('funding_exhausted', 'earn_cap', 'undone')", name=op.f("missed_why_check")),
        sa.CheckConstraint("amount_units >= 0 and points >= 0", name=op.f("missed_amounts_check")),
        sa.PrimaryKeyConstraint("programme_id", "source_kind", "source_ref", name=op.f("missed_pkey")),
        sa.UniqueConstraint("programme_id", "movement_id", name=op.f("missed_programme_id_movement_id_key")),
        schema="programmes",
    )
    op.create_index(
        "missed_partner_idx", "missed", ["programme_id", "partner_id", "at"], unique=False, schema="programmes"
    )
    op.create_index("missed_source_idx", "missed", ["programme_id", "source_ref"], unique=False, schema="programmes")
    op.create_table(
        "movements",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("movement_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("partner_id", sa.UUID(), nullable=True),
        sa.Column("funder_id", sa.UUID(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("city_id", sa.Integer(), nullable=True),
        sa.Column("store_id", sa.UUID(), nullable=True),
        sa.Column("staff_id", sa.UUID(), nullable=True),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.UUID(), nullable=False),
        sa.Column("parent_id", sa.UUID(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("bonus", sa.BigInteger(), nullable=False),
        sa.Column("campaign", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("worth_units", sa.BigInteger(), nullable=False),
        sa.Column("funded_units", sa.BigInteger(), nullable=False),
        sa.Column("amount_units", sa.BigInteger(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("how", JSONB, nullable=True),
        sa.Column("pending_part", sa.BigInteger(), nullable=False),
        sa.Column("available_part", sa.BigInteger(), nullable=False),
        sa.Column("debt_part", sa.BigInteger(), nullable=False),
        sa.Column("undone", sa.BigInteger(), nullable=False),
        sa.Column("worth_back", sa.BigInteger(), nullable=False),
        sa.Column("base_back", sa.BigInteger(), nullable=False),
        sa.Column("bonus_back", sa.BigInteger(), nullable=False),
        sa.Column("campaign_back", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bought_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind <> 'claw_back' or points = pending_part + available_part + debt_part",
            name=op.f("movements_claw_check"),
        ),
        sa.CheckConstraint(
            "kind <> 'earn' or undone = base_back + bonus_back + campaign_back", name=op.f("movements_back_check")
        ),
        sa.CheckConstraint(
            "kind = 'earn' or base_back + bonus_back + campaign_back = 0",
            name=op.f("movements_only_earns_go_back_check"),
        ),
        sa.CheckConstraint(
            "kind in ('earn', 'burn', 'unburn', 'claw_back', 'debt_paid', 'expire', 'send', 'receive')",
            name=op.f("movements_kind_check"),
        ),
        sa.CheckConstraint(
            "kind not in ('earn', 'claw_back') or points = base + bonus + campaign", name=op.f("movements_parts_check")
        ),
        sa.CheckConstraint("mode in ('prepaid', 'postpaid')", name=op.f("movements_mode_check")),
        sa.CheckConstraint(
            "state = 'done' or (kind = 'burn' and state in ('held', 'released'))", name=op.f("movements_state_check")
        ),
        sa.CheckConstraint("target in ('due', 'escrow')", name=op.f("movements_target_check")),
        sa.CheckConstraint(
            "base_back <= base and bonus_back <= bonus and campaign_back <= campaign",
            name=op.f("movements_parts_back_check"),
        ),
        sa.CheckConstraint("greatest(worth_units, funded_units) <= units", name=op.f("movements_backed_check")),
        sa.CheckConstraint("points >= 0 and undone between 0 and points", name=op.f("movements_points_check")),
        sa.CheckConstraint("units >= 0 and least(worth_units, funded_units) >= 0", name=op.f("movements_units_check")),
        sa.CheckConstraint("worth_back between 0 and worth_units", name=op.f("movements_worth_back_check")),
        sa.PrimaryKeyConstraint("programme_id", "movement_id", name=op.f("movements_pkey")),
        schema="programmes",
    )
    op.create_index(
        "movements_at_idx", "movements", ["programme_id", "at", "movement_id"], unique=False, schema="programmes"
    )
    op.create_index(
        "movements_earn_key",
        "movements",
        ["programme_id", "source_kind", "source_ref"],
        unique=True,
        schema="programmes",
        postgresql_where=sa.text("kind = 'earn'"),
    )
    op.create_index(
        "movements_held_idx",
        "movements",
        ["programme_id", "until"],
        unique=False,
        schema="programmes",
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(
        "movements_member_idx",
        "movements",
        ["programme_id", "member_id", "at", "movement_id"],
        unique=False,
        schema="programmes",
    )
    op.create_index(
        "movements_parent_idx", "movements", ["programme_id", "parent_id"], unique=False, schema="programmes"
    )
    op.create_index(
        "movements_partner_idx",
        "movements",
        ["programme_id", "partner_id", "at", "movement_id"],
        unique=False,
        schema="programmes",
    )
    op.create_index(
        "movements_source_idx", "movements", ["programme_id", "source_ref"], unique=False, schema="programmes"
    )
    op.create_table(
        "partner_changes",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("partner_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.UUID(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("after", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "partner_id", "version", name=op.f("partner_changes_pkey")),
        schema="programmes",
    )
    op.create_table(
        "programmes",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("face_units", sa.BigInteger(), nullable=False),
        sa.Column("name", JSONB, nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("cities", sa.ARRAY(sa.Integer()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.UUID(), nullable=True),
        sa.CheckConstraint("name ? 'zh' and name ? 'en'", name=op.f("programmes_name_check")),
        sa.CheckConstraint("state in ('draft', 'live', 'closed')", name=op.f("programmes_state_check")),
        sa.CheckConstraint("face_units > 0 and asset <> currency", name=op.f("programmes_face_check")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("programmes_pkey")),
        schema="programmes",
    )
    op.create_table(
        "debts",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("debt_id", sa.UUID(), nullable=False),
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("movement_id", sa.UUID(), nullable=False),
        sa.Column("partner_id", sa.UUID(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("rest", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "fund in ('prepaid', 'postpaid', 'campaign') and (fund = 'campaign') = (campaign_id is not null)",
            name=op.f("debts_fund_check"),
        ),
        sa.CheckConstraint("points > 0 and rest between 0 and points", name=op.f("debts_left_check")),
        sa.ForeignKeyConstraint(
            ["member_id", "programme_id"],
            ["programmes.members.member_id", "programmes.members.programme_id"],
            name=op.f("debts_member_id_programme_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("member_id", "debt_id", name=op.f("debts_pkey")),
        schema="programmes",
    )
    op.create_index(
        "debts_open_idx",
        "debts",
        ["member_id", "programme_id"],
        unique=False,
        schema="programmes",
        postgresql_where=sa.text("rest > 0"),
    )
    op.create_table(
        "lots",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("lot_id", sa.UUID(), nullable=False),
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("movement_id", sa.UUID(), nullable=False),
        sa.Column("partner_id", sa.UUID(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=True),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("rest", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("expiry_to", sa.Text(), nullable=False),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("matures_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("expiry_to in ('programme', 'partner')", name=op.f("lots_expiry_to_check")),
        sa.CheckConstraint(
            "fund in ('prepaid', 'postpaid', 'campaign') and (fund = 'campaign') = (campaign_id is not null)",
            name=op.f("lots_fund_check"),
        ),
        sa.CheckConstraint("state in ('pending', 'available')", name=op.f("lots_state_check")),
        sa.CheckConstraint("matures_at < expires_at", name=op.f("lots_life_check")),
        sa.CheckConstraint("points > 0 and rest between 0 and points", name=op.f("lots_left_check")),
        sa.ForeignKeyConstraint(
            ["member_id", "programme_id"],
            ["programmes.members.member_id", "programmes.members.programme_id"],
            name=op.f("lots_member_id_programme_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("member_id", "lot_id", name=op.f("lots_pkey")),
        schema="programmes",
    )
    op.create_index(
        "lots_expiry_idx",
        "lots",
        ["programme_id", "expires_at"],
        unique=False,
        schema="programmes",
        postgresql_where=sa.text("state = 'available' AND rest > 0"),
    )
    op.create_index("lots_movement_idx", "lots", ["member_id", "movement_id"], unique=False, schema="programmes")
    op.create_index(
        "lots_pending_idx",
        "lots",
        ["programme_id", "matures_at"],
        unique=False,
        schema="programmes",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "lots_wallet_idx",
        "lots",
        ["member_id", "programme_id", "expires_at"],
        unique=False,
        schema="programmes",
        postgresql_where=sa.text("rest > 0"),
    )
    op.create_table(
        "partners",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("partner_id", sa.UUID(), nullable=False),
        sa.Column("name", JSONB, nullable=False),
        sa.Column("home_city", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("accrues", sa.Boolean(), nullable=False),
        sa.Column("redeems", sa.Boolean(), nullable=False),
        sa.Column("rate", JSONB, nullable=True),
        sa.Column("redemption_bps", sa.Integer(), nullable=True),
        sa.Column("limit_units", sa.BigInteger(), nullable=False),
        sa.Column("alert_units", sa.BigInteger(), nullable=False),
        sa.Column("charity", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(left_at is null) = (state <> 'left')", name=op.f("partners_left_check")),
        sa.CheckConstraint("mode in ('prepaid', 'postpaid')", name=op.f("partners_mode_check")),
        sa.CheckConstraint("name ? 'zh' and name ? 'en'", name=op.f("partners_name_check")),
        sa.CheckConstraint("state in ('active', 'paused', 'left')", name=op.f("partners_state_check")),
        sa.CheckConstraint("limit_units >= 0 and alert_units >= 0", name=op.f("partners_units_check")),
        sa.CheckConstraint("redemption_bps between 0 and 10000", name=op.f("partners_redemption_check")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.programmes.programme_id"], name=op.f("partners_programme_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme_id", "partner_id", name=op.f("partners_pkey")),
        schema="programmes",
    )
    op.create_index(
        "partners_live_key",
        "partners",
        ["partner_id"],
        unique=True,
        schema="programmes",
        postgresql_where=sa.text("state != 'left'"),
    )
    op.create_table(
        "policies",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rules", JSONB, nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.UUID(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("policies_version_check")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.programmes.programme_id"], name=op.f("policies_programme_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme_id", "version", name=op.f("policies_pkey")),
        sa.UniqueConstraint("programme_id", "valid_from", name=op.f("policies_programme_id_valid_from_key")),
        schema="programmes",
    )
    op.create_table(
        "draws",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("lot_id", sa.UUID(), nullable=False),
        sa.Column("movement_id", sa.UUID(), nullable=False),
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("back", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('burn', 'claw_back', 'debt_paid', 'expire', 'send')", name=op.f("draws_kind_check")
        ),
        sa.CheckConstraint(
            "points > 0 and back between 0 and points and (back = 0 or kind = 'burn')", name=op.f("draws_points_check")
        ),
        sa.ForeignKeyConstraint(
            ["member_id", "lot_id"],
            ["programmes.lots.member_id", "programmes.lots.lot_id"],
            name=op.f("draws_member_id_lot_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("member_id", "lot_id", "movement_id", name=op.f("draws_pkey")),
        schema="programmes",
    )
    op.create_index("draws_movement_idx", "draws", ["member_id", "movement_id"], unique=False, schema="programmes")


def downgrade() -> None:
    op.execute("drop schema programmes cascade")
