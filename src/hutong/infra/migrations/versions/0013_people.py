"""Passkeys, choices, a changed number, leaving, a copy of one's data; the inbox of members and marks of rounds.

All additions: yesterday's code does not know the tables and leaves `sessions.seen_at` null.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013_people"
down_revision = "0012_settlement"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_table(
        "inbox",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("city_id", sa.Integer(), nullable=True),
        sa.Column("subject", sa.UUID(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("char_length(kind) between 1 and 40", name=op.f("inbox_kind_check")),
        sa.CheckConstraint("read_at >= at", name=op.f("inbox_read_later_check")),
        sa.PrimaryKeyConstraint("member_id", "message_id", name=op.f("inbox_pkey")),
        schema="messages",
    )
    op.create_index(
        "inbox_newest_idx",
        "inbox",
        ["member_id", sa.literal_column("at DESC"), sa.literal_column("message_id DESC")],
        unique=False,
        schema="messages",
    )
    op.create_index(
        "inbox_unread_idx",
        "inbox",
        ["member_id"],
        unique=False,
        schema="messages",
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_table(
        "marks",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "name", name=op.f("marks_pkey")),
        schema="messages",
    )
    op.create_table(
        "challenges",
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("binding", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(purpose = 'sign_in') = (member_id is null)", name=op.f("challenges_whose_check")),
        sa.CheckConstraint("purpose in ('register', 'sign_in', 'confirm')", name=op.f("challenges_purpose_check")),
        sa.CheckConstraint("made_at < expires_at", name=op.f("challenges_expires_later_check")),
        sa.CheckConstraint(
            "octet_length(challenge) = 32 and octet_length(binding) = 32", name=op.f("challenges_size_check")
        ),
        sa.CheckConstraint("used_at >= made_at and used_at < expires_at", name=op.f("challenges_used_in_time_check")),
        sa.PrimaryKeyConstraint("challenge", name=op.f("challenges_pkey")),
        schema="people",
    )
    op.create_table(
        "consents",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("consent_id", sa.UUID(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("channel in ('inbox', 'sms')", name=op.f("consents_channel_check")),
        sa.CheckConstraint(
            "purpose <> 'orders' or channel <> 'inbox'", name=op.f("consents_orders_are_always_told_check")
        ),
        sa.CheckConstraint(
            "purpose in ('orders', 'reminders', 'reviews', 'offers')", name=op.f("consents_purpose_check")
        ),
        sa.PrimaryKeyConstraint("member_id", "consent_id", name=op.f("consents_pkey")),
        schema="people",
    )
    op.create_index(
        "consents_newest_idx", "consents", ["member_id", "purpose", "channel", "at"], unique=False, schema="people"
    )
    op.create_table(
        "credentials",
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("passkey_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("transports", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("synced", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.CheckConstraint("ended_why in ('removed', 'copied', 'erased')", name=op.f("credentials_ended_why_check")),
        sa.CheckConstraint("(ended_at is null) = (ended_why is null)", name=op.f("credentials_ended_check")),
        sa.CheckConstraint("char_length(label) between 1 and 40", name=op.f("credentials_label_check")),
        sa.CheckConstraint("last_used_at <= ended_at", name=op.f("credentials_not_used_after_its_end_check")),
        sa.CheckConstraint("octet_length(credential_id) between 1 and 1023", name=op.f("credentials_id_length_check")),
        sa.CheckConstraint("sign_count >= 0", name=op.f("credentials_sign_count_check")),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("credentials_pkey")),
        schema="people",
    )
    op.create_index("credentials_member_idx", "credentials", ["member_id"], unique=False, schema="people")
    op.create_table(
        "departures",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("departure_id", sa.UUID(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("due_at >= asked_at + interval '168 hours'", name=op.f("departures_time_to_think_check")),
        sa.CheckConstraint("outcome <> 'done' or ended_at >= due_at", name=op.f("departures_not_too_early_check")),
        sa.CheckConstraint("outcome in ('cancelled', 'prevented', 'done')", name=op.f("departures_outcome_check")),
        sa.CheckConstraint("proof in ('code', 'passkey')", name=op.f("departures_proof_check")),
        sa.CheckConstraint("(ended_at is null) = (outcome is null)", name=op.f("departures_ended_check")),
        sa.PrimaryKeyConstraint("member_id", "departure_id", name=op.f("departures_pkey")),
        schema="people",
    )
    op.create_index(
        "departures_due_idx",
        "departures",
        ["due_at"],
        unique=False,
        schema="people",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "departures_live_key",
        "departures",
        ["member_id"],
        unique=True,
        schema="people",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "exports",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("export_id", sa.UUID(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fetched", sa.SmallInteger(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "expires_at > asked_at and expires_at <= asked_at + interval '24 hours'",
            name=op.f("exports_short_life_check"),
        ),
        sa.CheckConstraint("fetched between 0 and 5", name=op.f("exports_fetched_check")),
        sa.CheckConstraint("fetched_at < expires_at", name=op.f("exports_fetched_in_time_check")),
        sa.PrimaryKeyConstraint("member_id", "export_id", name=op.f("exports_pkey")),
        schema="people",
    )
    op.create_table(
        "phone_changes",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("change_id", sa.UUID(), nullable=False),
        sa.Column("old_tail", sa.Text(), nullable=False),
        sa.Column("new_tail", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "change_id", name=op.f("phone_changes_pkey")),
        schema="people",
    )
    op.add_column("sessions", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True), schema="people")


def downgrade() -> None:
    op.drop_column("sessions", "seen_at", schema="people")
    for name in ("phone_changes", "exports", "departures", "credentials", "consents", "challenges"):
        op.drop_table(name, schema="people")
    for name in ("marks", "inbox"):
        op.drop_table(name, schema="messages")
