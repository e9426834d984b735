"""Clearing between the partners of a programme."""

import sqlalchemy as sa
from alembic import op

revision = "0036_clearing"
down_revision = "0035_alliance"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.execute("create schema if not exists clearing")
    op.create_table(
        "runs",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("previous", sa.Integer(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("face_units", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("reserve_units", sa.BigInteger(), nullable=False),
        sa.Column("partners_units", sa.BigInteger(), nullable=False),
        sa.Column("programme_units", sa.BigInteger(), nullable=False),
        sa.Column("partners_net", sa.BigInteger(), nullable=False),
        sa.Column("programme_net", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "number >= 1 and coalesce(previous, 0) = number - 1 and (previous is null) = (number = 1)",
            name=op.f("runs_chain_check"),
        ),
        sa.CheckConstraint("partners_net + programme_net = 0", name=op.f("runs_net_zero_check")),
        sa.CheckConstraint("partners_units + programme_units = 0", name=op.f("runs_zero_check")),
        sa.CheckConstraint("reserve_units >= 0 and face_units > 0 and entries >= 0", name=op.f("runs_units_check")),
        sa.CheckConstraint("since < until and until <= closed_at", name=op.f("runs_period_check")),
        sa.ForeignKeyConstraint(
            ["programme_id", "previous", "since"],
            ["clearing.runs.programme_id", "clearing.runs.number", "clearing.runs.until"],
            name="runs_follows_fkey",
        ),
        sa.PrimaryKeyConstraint("programme_id", "run_id", name=op.f("runs_pkey")),
        sa.UniqueConstraint("programme_id", "number", "until", name="runs_end_key"),
        sa.UniqueConstraint("programme_id", "number", name=op.f("runs_programme_id_number_key")),
        schema="clearing",
    )
    op.create_table(
        "heads",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(number = 0) = (until is null) and number >= 0", name=op.f("heads_number_check")),
        sa.ForeignKeyConstraint(
            ["programme_id", "number", "until"],
            ["clearing.runs.programme_id", "clearing.runs.number", "clearing.runs.until"],
            name=op.f("heads_programme_id_number_until_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("heads_pkey")),
        schema="clearing",
    )
    op.create_table(
        "statements",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("party_id", sa.UUID(), nullable=False),
        sa.Column("home_city", sa.Integer(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("limit_units", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("net_units", sa.BigInteger(), nullable=False),
        sa.Column("carried_units", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payable_units", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("mode is null or mode in ('prepaid', 'postpaid')", name=op.f("statements_mode_check")),
        sa.CheckConstraint(
            "(party_id = programme_id) = (home_city is null) and (home_city is null) = (mode is null)",
            name=op.f("statements_party_check"),
        ),
        sa.CheckConstraint(
            "(posted_at is null) = (payable_units is null) or party_id = programme_id",
            name=op.f("statements_posted_check"),
        ),
        sa.CheckConstraint("carried_units <= 0", name=op.f("statements_carried_check")),
        sa.ForeignKeyConstraint(
            ["programme_id", "run_id"],
            ["clearing.runs.programme_id", "clearing.runs.run_id"],
            name=op.f("statements_programme_id_run_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "run_id", "party_id", name=op.f("statements_pkey")),
        schema="clearing",
    )
    op.create_index(
        "statements_party_idx", "statements", ["party_id", "programme_id", "run_id"], unique=False, schema="clearing"
    )
    op.create_index(
        "statements_unposted_idx",
        "statements",
        ["programme_id", "run_id"],
        unique=False,
        schema="clearing",
        postgresql_where=sa.text("posted_at IS NULL"),
    )
    op.create_table(
        "parts",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("party_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(via = 'dispute') = (kind = 'released' or (kind = 'correction' and party_id <> programme_id))",
            name=op.f("parts_dispute_check"),
        ),
        sa.CheckConstraint("(via = 'programme') = (party_id = programme_id)", name=op.f("parts_own_check")),
        sa.CheckConstraint(
            "kind in ('issued', 'burnt', 'given_back', 'clawed_back', 'expired', 'campaign', 'margin', 'released', 'correction', 'reserve', 'held')",
            name=op.f("parts_kind_check"),
        ),
        sa.CheckConstraint(
            "via in ('due', 'postpaid', 'prepaid', 'escrow', 'programme', 'dispute')", name=op.f("parts_via_check")
        ),
        sa.CheckConstraint("count >= 0", name=op.f("parts_count_check")),
        sa.ForeignKeyConstraint(
            ["programme_id", "run_id", "party_id"],
            ["clearing.statements.programme_id", "clearing.statements.run_id", "clearing.statements.party_id"],
            name=op.f("parts_programme_id_run_id_party_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "run_id", "party_id", "kind", "via", name=op.f("parts_pkey")),
        schema="clearing",
    )
    op.create_table(
        "entries",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("transfer_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("party_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("movement_id", sa.UUID(), nullable=False),
        sa.Column("city_id", sa.Integer(), nullable=True),
        sa.Column("store_id", sa.UUID(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(via = 'dispute') = (kind = 'released' or (kind = 'correction' and party_id <> programme_id))",
            name=op.f("entries_dispute_check"),
        ),
        sa.CheckConstraint("(via = 'programme') = (party_id = programme_id)", name=op.f("entries_own_check")),
        sa.CheckConstraint(
            "kind in ('issued', 'burnt', 'given_back', 'clawed_back', 'expired', 'campaign', 'margin', 'released', 'correction', 'reserve', 'held')",
            name=op.f("entries_kind_check"),
        ),
        sa.CheckConstraint(
            "via in ('due', 'postpaid', 'prepaid', 'escrow', 'programme', 'dispute')", name=op.f("entries_via_check")
        ),
        sa.CheckConstraint("units <> 0 and points >= 0", name=op.f("entries_units_check")),
        sa.ForeignKeyConstraint(
            ["programme_id", "run_id", "party_id", "kind", "via"],
            [
                "clearing.parts.programme_id",
                "clearing.parts.run_id",
                "clearing.parts.party_id",
                "clearing.parts.kind",
                "clearing.parts.via",
            ],
            name=op.f("entries_programme_id_run_id_party_id_kind_via_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "transfer_id", name=op.f("entries_pkey")),
        schema="clearing",
    )
    op.create_index(
        "entries_statement_idx",
        "entries",
        ["programme_id", "run_id", "party_id", "at", "transfer_id"],
        unique=False,
        schema="clearing",
    )
    op.create_table(
        "disputes",
        sa.Column("programme_id", sa.UUID(), nullable=False),
        sa.Column("dispute_id", sa.UUID(), nullable=False),
        sa.Column("transfer_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("party_id", sa.UUID(), nullable=False),
        sa.Column("home_city", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("held_units", sa.BigInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.UUID(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("correct_units", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_run", sa.UUID(), nullable=True),
        sa.CheckConstraint("(state = 'corrected') = (correct_units is not null)", name=op.f("disputes_correct_check")),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at is null) and (decided_at is null) = (decided_by is null) and (decided_at is null) = (note is null)",
            name=op.f("disputes_decided_check"),
        ),
        sa.CheckConstraint("settled_run is null or state <> 'open'", name=op.f("disputes_settled_check")),
        sa.CheckConstraint("state in ('open', 'upheld', 'corrected')", name=op.f("disputes_state_check")),
        sa.CheckConstraint("held_units = units or held_units = 0", name=op.f("disputes_held_check")),
        sa.ForeignKeyConstraint(
            ["programme_id", "settled_run"],
            ["clearing.runs.programme_id", "clearing.runs.run_id"],
            name=op.f("disputes_programme_id_settled_run_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id", "transfer_id"],
            ["clearing.entries.programme_id", "clearing.entries.transfer_id"],
            name=op.f("disputes_programme_id_transfer_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "dispute_id", name=op.f("disputes_pkey")),
        sa.UniqueConstraint("programme_id", "transfer_id", name=op.f("disputes_programme_id_transfer_id_key")),
        schema="clearing",
    )
    op.create_index(
        "disputes_party_idx", "disputes", ["party_id", "programme_id", "opened_at"], unique=False, schema="clearing"
    )
    op.create_index(
        "disputes_unsettled_idx",
        "disputes",
        ["programme_id", "decided_at"],
        unique=False,
        schema="clearing",
        postgresql_where=sa.text("settled_run IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("disputes", schema="clearing")
    op.drop_table("entries", schema="clearing")
    op.drop_table("parts", schema="clearing")
    op.drop_table("statements", schema="clearing")
    op.drop_table("heads", schema="clearing")
    op.drop_table("runs", schema="clearing")
    op.execute("drop schema clearing")
