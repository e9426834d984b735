"""Audits that somebody asked for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040_more"
down_revision = "0039_campaigns"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.create_table(
        "audits",
        sa.Column("audit_id", sa.UUID(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.UUID(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("broken", postgresql.JSONB(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("audits_pkey")),
        schema="infra",
    )
    op.create_index(
        "audits_open_key",
        "audits",
        ["done_at"],
        unique=True,
        schema="infra",
        postgresql_where=sa.text("done_at is null"),
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_table("audits", schema="infra")
