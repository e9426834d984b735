"""Tables of reviews. Versions, replies and changes are never changed; a review's own row is where they have led."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Text,
    desc,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from hutong.infra.tables import city_table
from hutong.reviews.model import (
    MOST_APPEAL,
    MOST_PHOTOS,
    MOST_REPLY,
    MOST_REPORT,
    MOST_TAGS,
    MOST_WORDS,
    REPORT_REASONS,
    ROADS,
)

_STATES = ", ".join(f"'{state}'" for state in ROADS)
_ROADS = ", ".join(f"'{was}>{state}'" for was, states in ROADS.items() for state in states)
_REASONS = ", ".join(f"'{reason}'" for reason in REPORT_REASONS)
_PHOTOS = f"cardinality(photos) <= {MOST_PHOTOS} and cardinality(photos) = cardinality(small)"

reviews = city_table(
    "reviews.reviews",
    Column("review_id", UUID, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("author", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("offer_id", UUID, nullable=False),
    Column("line_id", UUID, nullable=False),
    Column("voucher_id", UUID, nullable=False),
    Column("redemption_id", UUID, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("stars", SmallInteger, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("words", Text, nullable=False),
    Column("photos", ARRAY(Text), nullable=False),
    Column("small", ARRAY(Text), nullable=False),
    Column("worth", SmallInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=False),
    Column("written_at", DateTime(timezone=True), nullable=False),
    Column("edited_at", DateTime(timezone=True)),
    Column("reply", Text),
    Column("replied_at", DateTime(timezone=True)),
    Column("reply_version", Integer, nullable=False),
    Column("open_reports", Integer, nullable=False),
    Column("reported_at", DateTime(timezone=True)),
    # A review comes from a visit: the redemption is named, the store is the one where it happened.
    ForeignKeyConstraint(
        ["city_id", "redemption_id"], ["vouchers.redemptions.city_id", "vouchers.redemptions.redemption_id"]
    ),
    ForeignKeyConstraint(["city_id", "voucher_id"], ["vouchers.vouchers.city_id", "vouchers.vouchers.voucher_id"]),
    ForeignKeyConstraint(
        ["city_id", "store_id", "merchant_id"],
        ["merchants.stores.city_id", "merchants.stores.store_id", "merchants.stores.merchant_id"],
        name="reviews_store_fkey",
    ),
    CheckConstraint("stars between 1 and 5", name="stars"),
    CheckConstraint(f"char_length(words) <= {MOST_WORDS}", name="words"),
    CheckConstraint(f"cardinality(tags) <= {MOST_TAGS}", name="tags"),
    CheckConstraint(_PHOTOS, name="photos"),
    CheckConstraint("language in ('zh', 'en')", name="language"),
    CheckConstraint(f"state in ({_STATES})", name="state"),
    CheckConstraint("version >= 1 and step >= 0 and worth >= 0", name="counters"),
    CheckConstraint("used_at <= written_at and edited_at >= written_at", name="times"),
    CheckConstraint("(version = 1) = (edited_at is null)", name="edited"),
    CheckConstraint("num_nulls(reply, replied_at) in (0, 2)", name="reply"),
    CheckConstraint(f"char_length(reply) between 1 and {MOST_REPLY}", name="reply_words"),
    CheckConstraint("reply_version >= 0 and (reply is null) = (reply_version = 0)", name="reply_version"),
    CheckConstraint("open_reports >= 0 and (open_reports > 0) = (reported_at is not null)", name="reports"),
)
# One visit, one voice: all units of an order line share one review. What was taken back makes room for a new one.
Index(
    "reviews_line_key", reviews.c.city_id, reviews.c.line_id, unique=True,
    postgresql_where=reviews.c.state != "withdrawn",
)  # fmt: skip
Index("reviews_member_idx", reviews.c.city_id, reviews.c.member_id, reviews.c.written_at, reviews.c.review_id)
Index("reviews_redemption_idx", reviews.c.city_id, reviews.c.redemption_id)
for _name in ("store", "offer"):
    _column = reviews.c[f"{_name}_id"]
    Index(
        f"reviews_{_name}_newest_idx", reviews.c.city_id, _column, desc("written_at"), desc("review_id"),
        postgresql_where=reviews.c.state == "shown",
    )  # fmt: skip
    Index(
        f"reviews_{_name}_best_idx", reviews.c.city_id, _column, desc("worth"), desc("written_at"), desc("review_id"),
        postgresql_where=reviews.c.state == "shown",
    )  # fmt: skip
Index("reviews_merchant_idx", reviews.c.city_id, reviews.c.merchant_id, reviews.c.written_at, reviews.c.review_id)
Index("reviews_hidden_idx", reviews.c.city_id, reviews.c.written_at, postgresql_where=reviews.c.state == "hidden")
# The operator's queue: small, because rows leave it.
Index("reviews_reported_idx", reviews.c.city_id, reviews.c.reported_at, postgresql_where=reviews.c.open_reports > 0)

_TO_REVIEW = (["city_id", "review_id"], ["reviews.reviews.city_id", "reviews.reviews.review_id"])

versions = city_table(
    "reviews.versions",
    Column("review_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("stars", SmallInteger, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("words", Text, nullable=False),
    Column("photos", ARRAY(Text), nullable=False),
    Column("small", ARRAY(Text), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(*_TO_REVIEW),
    CheckConstraint("stars between 1 and 5", name="stars"),
    CheckConstraint(f"char_length(words) <= {MOST_WORDS}", name="words"),
    CheckConstraint(_PHOTOS, name="photos"),
)

replies = city_table(
    "reviews.replies",
    Column("review_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("words", Text, nullable=False),
    Column("by", UUID, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(*_TO_REVIEW),
    CheckConstraint(f"char_length(words) between 1 and {MOST_REPLY}", name="words"),
)

changes = city_table(
    "reviews.changes",
    Column("review_id", UUID, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("was", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by", UUID),
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(*_TO_REVIEW),
    CheckConstraint(f"was || '>' || state in ({_ROADS})", name="road"),
)

reports = city_table(
    "reviews.reports",
    Column("review_id", UUID, primary_key=True),
    Column("by", UUID, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_by", UUID),
    Column("outcome", Text),
    ForeignKeyConstraint(*_TO_REVIEW),
    CheckConstraint(f"reason in ({_REASONS})", name="reason"),
    CheckConstraint(f"char_length(words) <= {MOST_REPORT}", name="words"),
    CheckConstraint("outcome in ('kept', 'hidden', 'moot')", name="outcome"),
    CheckConstraint("(closed_at is null) = (outcome is null)", name="closed"),
)

appeals = city_table(
    "reviews.appeals",
    Column("review_id", UUID, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("words", Text, nullable=False),
    Column("by", UUID, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_by", UUID),
    Column("granted", Boolean),
    Column("reason", Text),
    ForeignKeyConstraint(*_TO_REVIEW),
    CheckConstraint("side in ('author', 'merchant')", name="side"),
    CheckConstraint(f"char_length(words) between 1 and {MOST_APPEAL}", name="words"),
    CheckConstraint("num_nulls(decided_at, decided_by, granted, reason) in (0, 4)", name="decided"),
)
Index("appeals_open_idx", appeals.c.city_id, appeals.c.at, postgresql_where=appeals.c.decided_at.is_(None))

ratings = city_table(
    "reviews.ratings",
    Column("subject", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("n1", Integer, nullable=False),
    Column("n2", Integer, nullable=False),
    Column("n3", Integer, nullable=False),
    Column("n4", Integer, nullable=False),
    Column("n5", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    CheckConstraint("kind in ('store', 'offer')", name="kind"),
    CheckConstraint("least(n1, n2, n3, n4, n5) >= 0", name="counts"),
    CheckConstraint("count = n1 + n2 + n3 + n4 + n5", name="count"),
    CheckConstraint("total = n1 + 2 * n2 + 3 * n3 + 4 * n4 + 5 * n5", name="total"),
)
