"""Tables of people. A phone number, a code and a session are each found by their own value, so they are keyed by it."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    func,
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
Index("codes_over_idx", codes.c.expires_at)

sessions = other_table(
    "people.sessions",
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("device", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("seen_at", DateTime(timezone=True)),  # exact to some minutes; null until the first request after a while
    CheckConstraint("octet_length(token_hash) = 32", "sha256"),
    CheckConstraint("created_at < expires_at", "expires_later"),
)
Index("sessions_member_idx", sessions.c.member_id, postgresql_where=sessions.c.ended_at.is_(None))
# What is forgotten some time after its end is found by it.
Index("sessions_over_idx", func.coalesce(sessions.c.ended_at, sessions.c.expires_at))

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
           ('city_recruiter', 'city'), ('merchant_owner', 'merchant'), ('store_manager', 'store'),
           ('store_cashier', 'store'))""",
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

# A passkey is found by the id that its authenticator gave it. One that ended keeps its row: it can never come back.
credentials = other_table(
    "people.credentials",
    Column("credential_id", LargeBinary, primary_key=True),
    Column("passkey_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("transports", ARRAY(Text), nullable=False),
    Column("synced", Boolean, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_why", Text),
    CheckConstraint("octet_length(credential_id) between 1 and 1023", "id_length"),
    CheckConstraint("char_length(label) between 1 and 40", "label"),
    CheckConstraint("sign_count >= 0", "sign_count"),
    CheckConstraint("(ended_at is null) = (ended_why is null)", "ended"),
    CheckConstraint("ended_why in ('removed', 'copied', 'erased')", "ended_why"),
    CheckConstraint("last_used_at <= ended_at", "not_used_after_its_end"),
)
Index("credentials_member_idx", credentials.c.member_id)

# What an authenticator is asked to sign: once, soon, for one purpose, in the browser that asked.
challenges = other_table(
    "people.challenges",
    Column("challenge", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("binding", LargeBinary, nullable=False),
    Column("member_id", UUID),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    CheckConstraint("octet_length(challenge) = 32 and octet_length(binding) = 32", "size"),
    CheckConstraint("purpose in ('register', 'sign_in', 'confirm')", "purpose"),
    CheckConstraint("(purpose = 'sign_in') = (member_id is null)", "whose"),
    CheckConstraint("made_at < expires_at", "expires_later"),
    CheckConstraint("used_at >= made_at and used_at < expires_at", "used_in_time"),
)

# What a member said yes or no to, and to which words: history, the newest row counts.
consents = other_table(
    "people.consents",
    Column("member_id", UUID, primary_key=True),
    Column("consent_id", UUID, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("text_version", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("purpose in ('orders', 'reminders', 'reviews', 'offers')", "purpose"),
    CheckConstraint("channel in ('inbox', 'sms')", "channel"),
    CheckConstraint("purpose <> 'orders' or channel <> 'inbox'", "orders_are_always_told"),
)
Index("consents_newest_idx", consents.c.member_id, consents.c.purpose, consents.c.channel, consents.c.at)

# A number that gave way to another: the last digits only, because nobody needs more of it.
phone_changes = other_table(
    "people.phone_changes",
    Column("member_id", UUID, primary_key=True),
    Column("change_id", UUID, primary_key=True),
    Column("old_tail", Text, nullable=False),
    Column("new_tail", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

# A member who asked to leave: seven days to think again, then the name and the number go.
departures = other_table(
    "people.departures",
    Column("member_id", UUID, primary_key=True),
    Column("departure_id", UUID, primary_key=True),
    Column("proof", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("outcome", Text),
    CheckConstraint("proof in ('code', 'passkey')", "proof"),
    CheckConstraint("due_at >= asked_at + interval '168 hours'", "time_to_think"),
    CheckConstraint("(ended_at is null) = (outcome is null)", "ended"),
    CheckConstraint("outcome in ('cancelled', 'prevented', 'done')", "outcome"),
    CheckConstraint("outcome <> 'done' or ended_at >= due_at", "not_too_early"),
)
Index("departures_live_key", departures.c.member_id, unique=True, postgresql_where=departures.c.ended_at.is_(None))
Index("departures_due_idx", departures.c.due_at, postgresql_where=departures.c.ended_at.is_(None))

# A copy of a member's own data that may be fetched for a while; the copy itself is made when it is fetched.
exports = other_table(
    "people.exports",
    Column("member_id", UUID, primary_key=True),
    Column("export_id", UUID, primary_key=True),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("fetched", SmallInteger, nullable=False),
    Column("fetched_at", DateTime(timezone=True)),
    CheckConstraint("expires_at > asked_at and expires_at <= asked_at + interval '24 hours'", "short_life"),
    CheckConstraint("fetched between 0 and 5", "fetched"),
    CheckConstraint("fetched_at < expires_at", "fetched_in_time"),
)

# What proves a member at tills: the secret of his rotating code, and the half minute of the one that was used last.
badges = other_table(
    "people.badges",
    Column("member_id", UUID, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("octet_length(secret) = 16 and last_step >= 0", "secret"),
)
