"""Waiting lists, gifts, slots, capacity."""

import sqlalchemy as sa
from alembic import op

revision = "0027_lines"
down_revision = "0026_groups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    _capacity()
    _gifts()
    _stock()
    _waitlist()


def _capacity() -> None:
    op.create_table(
        "capacity",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("begins", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("offline", sa.Integer(), nullable=False),
        sa.CheckConstraint("span in ('day', 'hour')", name=op.f("capacity_span_check")),
        sa.CheckConstraint("begins < ends and ends <= begins + interval '25 hours'", name=op.f("capacity_life_check")),
        sa.CheckConstraint("offline between 0 and used and used - offline <= most", name=op.f("capacity_room_check")),
        sa.PrimaryKeyConstraint("city_id", "offer_id", "store_id", "span", "begins", name=op.f("capacity_pkey")),
        schema="vouchers",
    )


def _gifts() -> None:
    op.create_table(
        "gifts",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("gift_id", sa.UUID(), nullable=False),
        sa.Column("voucher_id", sa.UUID(), nullable=False),
        sa.Column("giver_id", sa.UUID(), nullable=False),
        sa.Column("giver_name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taker_id", sa.UUID(), nullable=True),
        sa.Column("taker_name", sa.Text(), nullable=False),
        sa.CheckConstraint("state in ('open', 'claimed', 'taken_back', 'expired')", name=op.f("gifts_state_check")),
        sa.CheckConstraint("(ended_at is null) = (state = 'open')", name=op.f("gifts_ended_check")),
        sa.CheckConstraint(
            "(taker_id is not null) = (state = 'claimed') and taker_id <> giver_id", name=op.f("gifts_taker_check")
        ),
        sa.CheckConstraint(
            "made_at < expires_at and length(note) <= 140 and octet_length(token_hash) = 32",
            name=op.f("gifts_sound_check"),
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "voucher_id"],
            ["vouchers.vouchers.city_id", "vouchers.vouchers.voucher_id"],
            name="gifts_voucher_fkey",
        ),
        sa.PrimaryKeyConstraint("city_id", "gift_id", name=op.f("gifts_pkey")),
        sa.UniqueConstraint("city_id", "token_hash", name="gifts_token_key"),
        schema="vouchers",
    )
    for name, state in (("gifts_open_key", "open"), ("gifts_claimed_key", "claimed")):
        op.create_index(
            name, "gifts", ["city_id", "voucher_id"], unique=True, schema="vouchers",
            postgresql_where=sa.text(f"state = '{state}'"),
        )  # fmt: skip
    op.create_index(
        "gifts_due_idx", "gifts", ["city_id", "expires_at"], schema="vouchers",
        postgresql_where=sa.text("state = 'open'"),
    )  # fmt: skip
    op.create_index("gifts_giver_idx", "gifts", ["city_id", "giver_id", "made_at"], schema="vouchers")


def _stock() -> None:
    no = sa.text("false")
    op.add_column("quotas", sa.Column("listed", sa.Boolean(), nullable=False, server_default=no), schema="inventory")
    op.alter_column("quotas", "listed", server_default=None, schema="inventory")
    op.add_column("holds", sa.Column("moved_to", sa.UUID()), schema="inventory")
    op.create_check_constraint(
        op.f("holds_moved_check"), "holds", "moved_to is null or (state = 'released' and moved_to <> hold_id)",
        schema="inventory",
    )  # fmt: skip


def _waitlist() -> None:
    op.execute("create schema if not exists waitlist")
    at = sa.DateTime(timezone=True)
    op.create_table(
        "entries",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("first", sa.Date()),
        sa.Column("last", sa.Date()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("joined_at", at, nullable=False),
        sa.Column("since", at, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("ended_at", at),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state in ('waiting', 'called', 'served', 'left', 'ended')", name=op.f("entries_state_check")
        ),
        sa.CheckConstraint("(ended_at is null) = (state in ('waiting', 'called'))", name=op.f("entries_ended_check")),
        sa.CheckConstraint("units between 1 and 50 and calls between 0 and 2", name=op.f("entries_need_check")),
        sa.CheckConstraint("num_nulls(first, last) in (0, 2) and first <= last", name=op.f("entries_days_check")),
        sa.CheckConstraint("joined_at <= since and octet_length(token_hash) = 32", name=op.f("entries_sound_check")),
        sa.PrimaryKeyConstraint("city_id", "entry_id", name=op.f("entries_pkey")),
        sa.UniqueConstraint("city_id", "token_hash", name="entries_token_key"),
        schema="waitlist",
    )
    op.create_index(
        "entries_line_idx", "entries", ["city_id", "since", "entry_id"], schema="waitlist",
        postgresql_where=sa.text("state in ('waiting', 'called')"),
    )  # fmt: skip
    op.create_index("entries_member_idx", "entries", ["city_id", "member_id", "joined_at"], schema="waitlist")
    to_entry = (["city_id", "entry_id"], ["waitlist.entries.city_id", "waitlist.entries.entry_id"])
    op.create_table(
        "choices",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("quota_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(*to_entry, name="choices_entry_fkey"),
        sa.PrimaryKeyConstraint("city_id", "entry_id", "offer_id", name=op.f("choices_pkey")),
        schema="waitlist",
    )
    op.create_index(
        "choices_live_key", "choices", ["city_id", "offer_id", "member_id"], unique=True, schema="waitlist",
        postgresql_where=sa.text("live"),
    )  # fmt: skip
    op.create_index(
        "choices_merchant_idx", "choices", ["city_id", "merchant_id"], schema="waitlist",
        postgresql_where=sa.text("live"),
    )  # fmt: skip
    op.create_table(
        "calls",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.UUID(), nullable=False),
        sa.Column("entry_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("hold_id", sa.UUID(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_at", at, nullable=False),
        sa.Column("expires_at", at, nullable=False),
        sa.Column("ended_at", at),
        sa.CheckConstraint("state in ('open', 'taken', 'lapsed', 'declined')", name=op.f("calls_state_check")),
        sa.CheckConstraint("(ended_at is null) = (state = 'open')", name=op.f("calls_ended_check")),
        sa.CheckConstraint("units > 0 and made_at < expires_at", name=op.f("calls_sound_check")),
        sa.ForeignKeyConstraint(*to_entry, name="calls_entry_fkey"),
        sa.PrimaryKeyConstraint("city_id", "call_id", name=op.f("calls_pkey")),
        sa.UniqueConstraint("city_id", "hold_id", name="calls_hold_key"),
        schema="waitlist",
    )
    op.create_index(
        "calls_open_key", "calls", ["city_id", "entry_id"], unique=True, schema="waitlist",
        postgresql_where=sa.text("state = 'open'"),
    )  # fmt: skip
    op.create_index("calls_entry_idx", "calls", ["city_id", "entry_id", "made_at"], schema="waitlist")


def downgrade() -> None:
    op.execute("drop schema waitlist cascade")
    op.drop_constraint(op.f("holds_moved_check"), "holds", schema="inventory")
    op.drop_column("holds", "moved_to", schema="inventory")
    op.drop_column("quotas", "listed", schema="inventory")
    op.drop_table("gifts", schema="vouchers")
    op.drop_table("capacity", schema="vouchers")
