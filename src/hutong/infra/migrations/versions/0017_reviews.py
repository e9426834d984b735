"""Reviews: what guests say of a visit, with replies, reports, appeals, and the ratings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017_reviews"
down_revision = "0016_vouchers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.execute("create schema if not exists reviews")
    op.create_table(
        "ratings",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("n1", sa.Integer(), nullable=False),
        sa.Column("n2", sa.Integer(), nullable=False),
        sa.Column("n3", sa.Integer(), nullable=False),
        sa.Column("n4", sa.Integer(), nullable=False),
        sa.Column("n5", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind in ('store', 'offer')", name=op.f("ratings_kind_check")),
        sa.CheckConstraint("count = n1 + n2 + n3 + n4 + n5", name=op.f("ratings_count_check")),
        sa.CheckConstraint("least(n1, n2, n3, n4, n5) >= 0", name=op.f("ratings_counts_check")),
        sa.CheckConstraint("total = n1 + 2 * n2 + 3 * n3 + 4 * n4 + 5 * n5", name=op.f("ratings_total_check")),
        sa.PrimaryKeyConstraint("city_id", "subject", name=op.f("ratings_pkey")),
        schema="reviews",
    )
    op.create_table(
        "reviews",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("offer_id", sa.UUID(), nullable=False),
        sa.Column("line_id", sa.UUID(), nullable=False),
        sa.Column("voucher_id", sa.UUID(), nullable=False),
        sa.Column("redemption_id", sa.UUID(), nullable=False),
        sa.Column("title", postgresql.JSONB(), nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("photos", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("small", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("worth", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply_version", sa.Integer(), nullable=False),
        sa.Column("open_reports", sa.Integer(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("language in ('zh', 'en')", name=op.f("reviews_language_check")),
        sa.CheckConstraint("state in ('shown', 'hidden', 'withdrawn')", name=op.f("reviews_state_check")),
        sa.CheckConstraint("(version = 1) = (edited_at is null)", name=op.f("reviews_edited_check")),
        sa.CheckConstraint(
            "cardinality(photos) <= 6 and cardinality(photos) = cardinality(small)", name=op.f("reviews_photos_check")
        ),
        sa.CheckConstraint("cardinality(tags) <= 8", name=op.f("reviews_tags_check")),
        sa.CheckConstraint("char_length(reply) between 1 and 1000", name=op.f("reviews_reply_words_check")),
        sa.CheckConstraint("char_length(words) <= 2000", name=op.f("reviews_words_check")),
        sa.CheckConstraint("num_nulls(reply, replied_at) in (0, 2)", name=op.f("reviews_reply_check")),
        sa.CheckConstraint(
            "open_reports >= 0 and (open_reports > 0) = (reported_at is not null)", name=op.f("reviews_reports_check")
        ),
        sa.CheckConstraint(
            "reply_version >= 0 and (reply is null) = (reply_version = 0)", name=op.f("reviews_reply_version_check")
        ),
        sa.CheckConstraint("stars between 1 and 5", name=op.f("reviews_stars_check")),
        sa.CheckConstraint("used_at <= written_at and edited_at >= written_at", name=op.f("reviews_times_check")),
        sa.CheckConstraint("version >= 1 and step >= 0 and worth >= 0", name=op.f("reviews_counters_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "redemption_id"],
            ["vouchers.redemptions.city_id", "vouchers.redemptions.redemption_id"],
            name=op.f("reviews_city_id_redemption_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "store_id", "merchant_id"],
            ["merchants.stores.city_id", "merchants.stores.store_id", "merchants.stores.merchant_id"],
            name="reviews_store_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "voucher_id"],
            ["vouchers.vouchers.city_id", "vouchers.vouchers.voucher_id"],
            name=op.f("reviews_city_id_voucher_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "review_id", name=op.f("reviews_pkey")),
        schema="reviews",
    )
    op.create_index(
        "reviews_line_key",
        "reviews",
        ["city_id", "line_id"],
        unique=True,
        schema="reviews",
        postgresql_where=sa.text("state != 'withdrawn'"),
    )
    op.create_index(
        "reviews_member_idx",
        "reviews",
        ["city_id", "member_id", "written_at", "review_id"],
        unique=False,
        schema="reviews",
    )
    op.create_index(
        "reviews_merchant_idx",
        "reviews",
        ["city_id", "merchant_id", "written_at", "review_id"],
        unique=False,
        schema="reviews",
    )
    op.create_index(
        "reviews_offer_best_idx",
        "reviews",
        [
            "city_id",
            "offer_id",
            sa.literal_column("worth DESC"),
            sa.literal_column("written_at DESC"),
            sa.literal_column("review_id DESC"),
        ],
        unique=False,
        schema="reviews",
        postgresql_where=sa.text("state = 'shown'"),
    )
    op.create_index(
        "reviews_offer_newest_idx",
        "reviews",
        ["city_id", "offer_id", sa.literal_column("written_at DESC"), sa.literal_column("review_id DESC")],
        unique=False,
        schema="reviews",
        postgresql_where=sa.text("state = 'shown'"),
    )
    op.create_index(
        "reviews_hidden_idx",
        "reviews",
        ["city_id", "written_at"],
        unique=False,
        schema="reviews",
        postgresql_where=sa.text("state = 'hidden'"),
    )
    op.create_index("reviews_redemption_idx", "reviews", ["city_id", "redemption_id"], unique=False, schema="reviews")
    op.create_index(
        "reviews_reported_idx",
        "reviews",
        ["city_id", "reported_at"],
        unique=False,
        schema="reviews",
        postgresql_where=sa.text("open_reports > 0"),
    )
    op.create_index(
        "reviews_store_best_idx",
        "reviews",
        [
            "city_id",
            "store_id",
            sa.literal_column("worth DESC"),
            sa.literal_column("written_at DESC"),
            sa.literal_column("review_id DESC"),
        ],
        unique=False,
        schema="reviews",
        postgresql_where=sa.text("state = 'shown'"),
    )
    op.create_index(
        "reviews_store_newest_idx",
        "reviews",
        ["city_id", "store_id", sa.literal_column("written_at DESC"), sa.literal_column("review_id DESC")],
        unique=False,
        schema="reviews",
        postgresql_where=sa.text("state = 'shown'"),
    )
    op.create_table(
        "appeals",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.UUID(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("granted", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("side in ('author', 'merchant')", name=op.f("appeals_side_check")),
        sa.CheckConstraint("char_length(words) between 1 and 1000", name=op.f("appeals_words_check")),
        sa.CheckConstraint(
            "num_nulls(decided_at, decided_by, granted, reason) in (0, 4)", name=op.f("appeals_decided_check")
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "review_id"],
            ["reviews.reviews.city_id", "reviews.reviews.review_id"],
            name=op.f("appeals_city_id_review_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "review_id", "side", name=op.f("appeals_pkey")),
        schema="reviews",
    )
    op.create_index(
        "appeals_open_idx",
        "appeals",
        ["city_id", "at"],
        unique=False,
        schema="reviews",
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "changes",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.UUID(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.UUID(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "was || '>' || state in ('shown>hidden', 'shown>withdrawn', 'hidden>shown', 'hidden>withdrawn')",
            name=op.f("changes_road_check"),
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "review_id"],
            ["reviews.reviews.city_id", "reviews.reviews.review_id"],
            name=op.f("changes_city_id_review_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "review_id", "step", name=op.f("changes_pkey")),
        schema="reviews",
    )
    op.create_table(
        "replies",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(words) between 1 and 1000", name=op.f("replies_words_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "review_id"],
            ["reviews.reviews.city_id", "reviews.reviews.review_id"],
            name=op.f("replies_city_id_review_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "review_id", "version", name=op.f("replies_pkey")),
        schema="reviews",
    )
    op.create_table(
        "reports",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.UUID(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.UUID(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome in ('kept', 'hidden', 'moot')", name=op.f("reports_outcome_check")),
        sa.CheckConstraint(
            "reason in ('untrue', 'insult', 'advert', 'privacy', 'off_topic', 'paid_for', 'other')",
            name=op.f("reports_reason_check"),
        ),
        sa.CheckConstraint("(closed_at is null) = (outcome is null)", name=op.f("reports_closed_check")),
        sa.CheckConstraint("char_length(words) <= 300", name=op.f("reports_words_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "review_id"],
            ["reviews.reviews.city_id", "reviews.reviews.review_id"],
            name=op.f("reports_city_id_review_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "review_id", "by", name=op.f("reports_pkey")),
        schema="reviews",
    )
    op.create_table(
        "versions",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("photos", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("small", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "cardinality(photos) <= 6 and cardinality(photos) = cardinality(small)", name=op.f("versions_photos_check")
        ),
        sa.CheckConstraint("char_length(words) <= 2000", name=op.f("versions_words_check")),
        sa.CheckConstraint("stars between 1 and 5", name=op.f("versions_stars_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "review_id"],
            ["reviews.reviews.city_id", "reviews.reviews.review_id"],
            name=op.f("versions_city_id_review_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("city_id", "review_id", "version", name=op.f("versions_pkey")),
        schema="reviews",
    )


def downgrade() -> None:
    for table in ("ratings", "appeals", "reports", "changes", "replies", "versions", "reviews"):
        op.drop_table(table, schema="reviews")
    op.execute("drop schema reviews")
