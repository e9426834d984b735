"""Tables of merchants: the businesses are reference rows, everything that has a place is sharded by its city."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from hutong.infra.tables import Cube, city_table, other_table

TWO_LANGUAGES = "{0} ? 'zh' and {0} ? 'en'"

merchants = other_table(
    "merchants.merchants",
    Column("merchant_id", UUID, primary_key=True),
    Column("name", JSONB, nullable=False),
    Column("trade", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("operator_id", UUID),
    Column("payout_account", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint(TWO_LANGUAGES.format("name"), "name"),
    CheckConstraint("status in ('active', 'suspended', 'closed')", "status"),
    CheckConstraint("trade ~ '^[a-z0-9]+([-_][a-z0-9]+)*$'", "trade"),
)

# In which cities a merchant is at home: finds the shards of a chain without asking all of them.
presence = other_table(
    "merchants.presence",
    Column("merchant_id", UUID, primary_key=True),
    Column("city_id", Integer, primary_key=True, autoincrement=False),
    ForeignKeyConstraint(["merchant_id"], ["merchants.merchants.merchant_id"]),
    ForeignKeyConstraint(["city_id"], ["places.cities.city_id"]),
)
Index("presence_city_idx", presence.c.city_id)

stores = city_table(
    "merchants.stores",
    Column("store_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("district_id", Integer),
    Column("name", JSONB, nullable=False),
    Column("pinyin", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("address", JSONB, nullable=False),
    Column("phone", Text),
    Column("lat", Double, nullable=False),
    Column("lon", Double, nullable=False),
    Column("at", Cube, nullable=False),
    Column("hours", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_by", UUID),
    Column("close_reason", Text),
    Column("version", Integer, nullable=False, server_default=text("1")),
    ForeignKeyConstraint(["city_id"], ["places.cities.city_id"]),
    ForeignKeyConstraint(["merchant_id"], ["merchants.merchants.merchant_id"]),
    ForeignKeyConstraint(
        ["city_id", "district_id"],
        ["places.districts.city_id", "places.districts.district_id"],
        name="stores_district_id_fkey",
    ),
    # So that what hangs on a store can prove whose store it is.
    UniqueConstraint("city_id", "store_id", "merchant_id", name="stores_city_id_store_id_merchant_id_key"),
    CheckConstraint(TWO_LANGUAGES.format("name"), "name"),
    CheckConstraint(TWO_LANGUAGES.format("address"), "address"),
    CheckConstraint("lat between -90 and 90 and lon between -180 and 180", "place"),
    CheckConstraint("jsonb_typeof(hours) = 'array' and jsonb_array_length(hours) = 7", "hours"),
    CheckConstraint("status in ('open', 'closed')", "status"),
    CheckConstraint("(status = 'closed') = (closed_at is not null)", "closed_at"),
    CheckConstraint("num_nulls(closed_at, closed_by, close_reason) in (0, 3)", "closed_by"),
    CheckConstraint("version >= 1", "version"),
)
# btree_gist puts the city into the same index: nearest first within one city, from one index.
Index(
    "stores_near_idx",
    stores.c.city_id,
    stores.c.at,
    postgresql_using="gist",
    postgresql_where=text("status = 'open'"),
)
Index("stores_merchant_idx", stores.c.city_id, stores.c.merchant_id)

store_exceptions = city_table(
    "merchants.store_exceptions",
    Column("store_id", UUID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("hours", JSONB, nullable=False),
    Column("note", JSONB),
    ForeignKeyConstraint(
        ["city_id", "store_id"],
        ["merchants.stores.city_id", "merchants.stores.store_id"],
        name="store_exceptions_store_id_fkey",
    ),
    CheckConstraint("jsonb_typeof(hours) = 'array'", "hours"),
    CheckConstraint("note is null or (note ? 'zh' and note ? 'en')", "note"),
)

store_photos = city_table(
    "merchants.store_photos",
    Column("photo_id", UUID, primary_key=True),
    Column("store_id", UUID, nullable=False),
    Column("file", Text, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("alt", JSONB, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["city_id", "store_id"],
        ["merchants.stores.city_id", "merchants.stores.store_id"],
        name="store_photos_store_id_fkey",
    ),
    CheckConstraint(TWO_LANGUAGES.format("alt"), "alt"),
    CheckConstraint("file ~ '^[A-Za-z0-9][A-Za-z0-9._/-]*$' and file !~ '[.][.]'", "file"),
    CheckConstraint("position >= 0", "position"),
)
Index("store_photos_store_idx", store_photos.c.city_id, store_photos.c.store_id, store_photos.c.position)

# Who changed what at a store. A change of its words, place or hours is a version; of holidays and pictures, none.
changes = city_table(
    "merchants.changes",
    Column("change_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("version", Integer),
    Column("what", Text, nullable=False),
    Column("by", UUID),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "store_id", "merchant_id"],
        ["merchants.stores.city_id", "merchants.stores.store_id", "merchants.stores.merchant_id"],
        name="changes_store_id_fkey",
    ),
    UniqueConstraint("city_id", "store_id", "version", name="changes_store_version_key"),
    CheckConstraint("version >= 2", "version"),
)
Index("changes_merchant_idx", changes.c.city_id, changes.c.merchant_id, changes.c.at)

invitations = city_table(
    "merchants.invitations",
    Column("invitation_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID),
    Column("role", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("invited_by", UUID, nullable=False),
    Column("invited_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("accepted_at", DateTime(timezone=True)),
    Column("accepted_by", UUID),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_by", UUID),
    ForeignKeyConstraint(["merchant_id"], ["merchants.merchants.merchant_id"]),
    ForeignKeyConstraint(
        ["city_id", "store_id", "merchant_id"],
        ["merchants.stores.city_id", "merchants.stores.store_id", "merchants.stores.merchant_id"],
        name="invitations_store_id_fkey",
    ),
    CheckConstraint(
        "(role, store_id is null) in (('merchant_owner', true), ('store_manager', false), ('store_cashier', false))",
        "role_fits",
    ),
    CheckConstraint("octet_length(secret_hash) = 32", "sha256"),
    CheckConstraint("invited_at < expires_at", "expires_later"),
    CheckConstraint("(accepted_at is null) = (accepted_by is null)", "accepted_by_somebody"),
    CheckConstraint("(revoked_at is null) = (revoked_by is null)", "revoked_by_somebody"),
    CheckConstraint("accepted_at < expires_at and accepted_at >= invited_at", "accepted_in_time"),
    CheckConstraint("accepted_at is null or revoked_at is null", "one_end"),
)
Index("invitations_merchant_idx", invitations.c.city_id, invitations.c.merchant_id)

# A browser of a store that may take vouchers without a network: its public key, and what it last told us.
devices = city_table(
    "merchants.devices",
    Column("device_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("name", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),  # P-256, compressed
    Column("enrolled_at", DateTime(timezone=True), nullable=False),
    Column("enrolled_by", UUID, nullable=False),
    Column("pull_no", BigInteger, nullable=False),  # of its last message; a smaller one is a replay
    Column("seen_at", DateTime(timezone=True)),
    Column("skew_ms", BigInteger),  # server minus device, at its last message
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_by", UUID),
    Column("flagged_at", DateTime(timezone=True)),
    Column("flag", Text),
    ForeignKeyConstraint(
        ["city_id", "store_id", "merchant_id"],
        ["merchants.stores.city_id", "merchants.stores.store_id", "merchants.stores.merchant_id"],
        name="devices_store_id_fkey",
    ),
    UniqueConstraint("city_id", "public_key", name="devices_public_key_key"),
    CheckConstraint("octet_length(public_key) = 33", "p256"),
    CheckConstraint("length(name) between 1 and 60", "name"),
    CheckConstraint("pull_no >= 0", "pull_no"),
    CheckConstraint("(revoked_at is null) = (revoked_by is null)", "revoked_by_somebody"),
    CheckConstraint("(flagged_at is null) = (flag is null)", "flag_says_why"),
)
Index("devices_merchant_idx", devices.c.city_id, devices.c.merchant_id, devices.c.store_id)

# What a merchant risks at counters without a network, in one city. No row: off.
offline_limits = city_table(
    "merchants.offline_limits",
    Column("merchant_id", UUID, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("max_face_units", BigInteger, nullable=False),
    Column("max_count", Integer, nullable=False),
    Column("max_units", BigInteger, nullable=False),
    Column("hours", Integer, nullable=False),
    Column("declared_units", BigInteger, nullable=False),  # the maximum loss that was shown and agreed to
    Column("version", Integer, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
    Column("set_by", UUID, nullable=False),
    ForeignKeyConstraint(["merchant_id"], ["merchants.merchants.merchant_id"]),
    CheckConstraint("mode in ('off', 'capped')", "mode"),
    CheckConstraint("max_face_units > 0 and max_units > 0 and declared_units >= 0", "units"),
    CheckConstraint("max_count between 1 and 1000 and hours between 1 and 24", "bounds"),
)

# A head office, itself a merchant, and the merchants who have let it in.
chains = other_table(
    "merchants.chains",
    Column("chain_id", UUID, primary_key=True),
    Column("head_id", UUID, nullable=False, unique=True),
    Column("name", JSONB, nullable=False),
    Column("made_by", UUID),
    Column("made_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(["head_id"], ["merchants.merchants.merchant_id"]),
    CheckConstraint(TWO_LANGUAGES.format("name"), "name"),
)

# One row for each time that a merchant was asked: in since he agreed, over since it ended. Rows of the past stay.
chain_shops = other_table(
    "merchants.chain_shops",
    Column("chain_id", UUID, primary_key=True),
    Column("merchant_id", UUID, primary_key=True),
    Column("asked_at", DateTime(timezone=True), primary_key=True),
    Column("asked_by", UUID),
    Column("agreed_at", DateTime(timezone=True)),
    Column("agreed_by", UUID),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_by", UUID),
    Column("keep_units", BigInteger, nullable=False),  # the head office keeps this much money for points there; 0: none
    ForeignKeyConstraint(["chain_id"], ["merchants.chains.chain_id"]),
    ForeignKeyConstraint(["merchant_id"], ["merchants.merchants.merchant_id"]),
    CheckConstraint("num_nulls(agreed_at, agreed_by) in (0, 2) and num_nulls(ended_at, ended_by) in (0, 2)", "by"),
    CheckConstraint("agreed_at >= asked_at and ended_at >= coalesce(agreed_at, asked_at)", "order"),
    CheckConstraint("keep_units >= 0 and (keep_units = 0 or agreed_at is not null)", "keep"),
)
Index(
    "chain_shops_merchant_key",
    chain_shops.c.merchant_id,
    unique=True,
    postgresql_where=chain_shops.c.ended_at.is_(None),
)
