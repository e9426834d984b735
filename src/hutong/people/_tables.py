"""Tables of people. A phone number, a code and a session are each found by their own value, so they are keyed by it."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from hutong.infra.tables import other_table

members = other_table(
    "people.members",
    Column("member_id", UUID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("phone", Text),
    Column("phone_tail", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("status in ('active', 'frozen', 'erased')", "status"),
    CheckConstraint("language in ('zh', 'en')", "language"),
    CheckConstraint("char_length(name) <= 60", "name"),
)

# Who owns a number: claimed before the member is written, so that one number never makes two members.
phones = other_table(
    "people.phones",
    Column("phone", Text, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("claimed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("phone ~ '^[+][1-9][0-9]{6,14}$'", "e164"),
)

codes = other_table(
    "people.codes",
    Column("phone", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("used_at", DateTime(timezone=True)),
    CheckConstraint("tries between 0 and 5", "five_tries"),
    CheckConstraint("made_at < expires_at", "expires_later"),
    CheckConstraint("used_at < expires_at and used_at >= made_at", "used_in_time"),
    CheckConstraint("used_at is null or tries > 0", "use_is_a_try"),
)

sessions = other_table(
    "people.sessions",
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("device", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("octet_length(token_hash) = 32", "sha256"),
    CheckConstraint("created_at < expires_at", "expires_later"),
)
Index("sessions_member_idx", sessions.c.member_id, postgresql_where=sessions.c.ended_at.is_(None))

# History, not flags: a role that ended keeps its row, with who ended it.
grants = other_table(
    "people.grants",
    Column("grant_id", UUID, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("role", Text, nullable=False),
    Column("scope_kind", Text, nullable=False),
    Column("city_id", Integer),
    Column("merchant_id", UUID),
    Column("store_id", UUID),
    Column("granted_by", UUID),
    Column("granted_at", DateTime(timezone=True), nullable=False),
    Column("revoked_by", UUID),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint(
        """(role, scope_kind) in (('platform_admin', 'platform'), ('city_operator', 'city'),
           ('merchant_owner', 'merchant'), ('store_manager', 'store'), ('store_cashier', 'store'))""",
        "role_fits",
    ),
    CheckConstraint(
        """(scope_kind, city_id is not null, merchant_id is not null, store_id is not null) in
           (('platform', false, false, false), ('city', true, false, false),
            ('merchant', false, true, false), ('store', true, true, true))""",
        "scope_is_whole",
    ),
    CheckConstraint("revoked_at >= granted_at", "revoked_later"),
)
Index(
    "grants_live_key",
    grants.c.member_id,
    grants.c.role,
    grants.c.city_id,
    grants.c.merchant_id,
    grants.c.store_id,
    unique=True,
    postgresql_nulls_not_distinct=True,
    postgresql_where=grants.c.revoked_at.is_(None),
)
Index(
    "grants_merchant_idx", grants.c.merchant_id, postgresql_where=text("revoked_at is null and merchant_id is not null")
)

keys = other_table(
    "people.keys",
    Column("key_id", UUID, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("city_id", Integer),
    Column("store_id", UUID),
    Column("label", Text, nullable=False),
    Column("permissions", ARRAY(Text), nullable=False),
    Column("made_by", UUID, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True)),
    Column("ends_at", DateTime(timezone=True)),
    Column("ended_by", UUID),
    Column("replaced_by", UUID),
    CheckConstraint("octet_length(secret_hash) = 32", "sha256"),
    CheckConstraint("(city_id is null) = (store_id is null)", "store_has_city"),
    CheckConstraint("cardinality(permissions) > 0", "permissions"),
    CheckConstraint("ends_at >= made_at", "ends_later"),
    CheckConstraint("(ends_at is null) = (ended_by is null)", "ended_by_somebody"),
)
Index("keys_merchant_idx", keys.c.merchant_id)
