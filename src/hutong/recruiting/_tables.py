"""Tables of recruiting. Operators, what they run and whom they recruited are few and read everywhere: reference."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID, ExcludeConstraint

from hutong.infra.tables import city_table, other_table
from hutong.recruiting._new_stores import new_store_steps as new_store_steps
from hutong.recruiting._new_stores import new_stores as new_stores

AT = DateTime(timezone=True)
KINDS = "('division', 'agent', 'staff')"

operators = other_table(
    "recruiting.operators",
    Column("operator_id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("made_by", UUID),
    Column("made_at", AT, nullable=False),
    Column("ended_at", AT),
    UniqueConstraint("operator_id", "kind", name="operators_kind_key"),
    CheckConstraint(f"kind in {KINDS}", "kind"),
    CheckConstraint("name ? 'zh' and name ? 'en'", "name"),
    CheckConstraint("ended_at >= made_at", "ended_later"),
)

# Under whom an operator stands and what part he is handed, from when: versions, never changed. A parent is always of
# a higher kind, so there is no ring.
ranks = other_table(
    "recruiting.ranks",
    Column("operator_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("parent_id", UUID),
    Column("parent_kind", Text),
    Column("handed_bps", Integer, nullable=False),
    Column("valid_from", AT, nullable=False),
    Column("by", UUID),
    UniqueConstraint("operator_id", "valid_from", name="ranks_valid_from_key"),
    ForeignKeyConstraint(["operator_id", "kind"], [operators.c.operator_id, operators.c.kind], name="ranks_own_fkey"),
    ForeignKeyConstraint(
        ["parent_id", "parent_kind"], [operators.c.operator_id, operators.c.kind], name="ranks_parent_fkey"
    ),
    CheckConstraint("handed_bps between 0 and 10000", "handed"),
    CheckConstraint("version > 0", "version"),
    CheckConstraint(
        """(parent_id is null and parent_kind is null and kind <> 'staff')
           or (parent_kind, kind) in (('division', 'agent'), ('division', 'staff'), ('agent', 'staff'))""",
        "above",
    ),
)
Index("ranks_parent_idx", ranks.c.parent_id, postgresql_where=ranks.c.parent_id.is_not(None))

# No two operators run one district at one time; a row without a district is the whole city.
territories = other_table(
    "recruiting.territories",
    Column("city_id", Integer, ForeignKey("places.cities.city_id"), primary_key=True, autoincrement=False),
    Column("territory_id", UUID, primary_key=True),
    Column("district_id", Integer),
    Column("operator_id", UUID, ForeignKey(operators.c.operator_id), nullable=False),
    Column("since", AT, nullable=False),
    Column("until", AT),
    Column("by", UUID),
    Column("ended_by", UUID),
    ForeignKeyConstraint(
        ["city_id", "district_id"], ["places.districts.city_id", "places.districts.district_id"],
        name="territories_district_id_fkey",
    ),
    ExcludeConstraint(
        ("city_id", "="),
        (text("int4range(coalesce(district_id, 0), coalesce(district_id, 2147483646), '[]')"), "&&"),
        (text("tstzrange(since, until)"), "&&"),
        name="territories_one_operator_excl",
        using="gist",
    ),
    CheckConstraint("until >= since", "until_later"),
)  # fmt: skip
Index("territories_operator_idx", territories.c.operator_id)

# The people of an operator. A manager runs his territory, a recruiter visits shops.
seats = other_table(
    "recruiting.seats",
    Column("seat_id", UUID, primary_key=True),
    Column("operator_id", UUID, ForeignKey(operators.c.operator_id), nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("part", Text, nullable=False),
    Column("since", AT, nullable=False),
    Column("by", UUID),
    Column("until", AT),
    Column("ended_by", UUID),
    CheckConstraint("part in ('manager', 'recruiter')", "part"),
    CheckConstraint("until >= since", "until_later"),
)
Index("seats_live_key", seats.c.operator_id, seats.c.member_id, unique=True,
      postgresql_where=seats.c.until.is_(None))  # fmt: skip
Index("seats_member_idx", seats.c.member_id, postgresql_where=seats.c.until.is_(None))

# Who recruited a merchant, from when to when, and how long he earns by it. A transfer writes a new row: what was
# earned before stays whose it was. No operator: the house itself.
attributions = other_table(
    "recruiting.attributions",
    Column("attribution_id", UUID, primary_key=True),
    Column("merchant_id", UUID, ForeignKey("merchants.merchants.merchant_id"), nullable=False),
    Column("city_id", Integer, nullable=False),
    Column("operator_id", UUID, ForeignKey(operators.c.operator_id)),
    Column("since", AT, nullable=False),
    Column("until", AT),
    Column("ends_at", AT),
    Column("why", Text, nullable=False),
    Column("about", UUID),
    Column("reason", Text, nullable=False),
    Column("by", UUID),
    ExcludeConstraint(
        ("merchant_id", "="), (text("tstzrange(since, until)"), "&&"), name="attributions_one_operator_excl",
        using="gist",
    ),
    CheckConstraint("until >= since", "until_later"),
    CheckConstraint("ends_at > since", "ends_later"),
    CheckConstraint("why in ('rule', 'case', 'transfer', 'contract')", "why"),
    CheckConstraint("why not in ('case', 'contract') or about is not null", "about"),
    CheckConstraint("why <> 'transfer' or (by is not null and char_length(reason) between 1 and 400)", "reason"),
)  # fmt: skip
Index("attributions_live_key", attributions.c.merchant_id, unique=True,
      postgresql_where=attributions.c.until.is_(None))  # fmt: skip
Index("attributions_operator_idx", attributions.c.operator_id, attributions.c.city_id)

# A link or QR code that an operator shows: for shops (many may use it) or for one person of his own.
invitations = city_table(
    "recruiting.invitations",
    Column("invitation_id", UUID, primary_key=True),
    Column("operator_id", UUID, ForeignKey(operators.c.operator_id), nullable=False),
    Column("part", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("made_by", UUID, nullable=False),
    Column("made_at", AT, nullable=False),
    Column("expires_at", AT),
    Column("revoked_at", AT),
    Column("revoked_by", UUID),
    Column("accepted_by", UUID),
    Column("accepted_at", AT),
    CheckConstraint("part in ('merchant', 'manager', 'recruiter')", "part"),
    CheckConstraint("char_length(label) <= 60 and octet_length(secret_hash) = 32", "label"),
    CheckConstraint("part <> 'merchant' or accepted_by is null", "shops_share_it"),
    CheckConstraint("part = 'merchant' or expires_at is not null", "people_in_time"),
    CheckConstraint("(accepted_at is null) = (accepted_by is null)", "accepted"),
)
Index("invitations_operator_idx", invitations.c.city_id, invitations.c.operator_id, invitations.c.made_at)

applications = city_table(
    "recruiting.applications",
    Column("application_id", UUID, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("trade", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("district_id", Integer, nullable=False),
    Column("address", JSONB, nullable=False),
    Column("lat", Double, nullable=False),
    Column("lon", Double, nullable=False),
    Column("phone", Text, nullable=False),
    Column("invitation_id", UUID),
    Column("operator_id", UUID, ForeignKey(operators.c.operator_id)),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("state", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("made_at", AT, nullable=False),
    Column("changed_at", AT, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "district_id"], ["places.districts.city_id", "places.districts.district_id"],
        name="applications_district_id_fkey",
    ),
    ForeignKeyConstraint(
        ["city_id", "invitation_id"], ["recruiting.invitations.city_id", "recruiting.invitations.invitation_id"],
        name="applications_invitation_fkey",
    ),
    UniqueConstraint("city_id", "merchant_id", name="applications_merchant_key"),
    CheckConstraint("state in ('draft', 'submitted', 'returned', 'withdrawn', 'rejected', 'approved')", "state"),
    CheckConstraint("name ? 'zh' and name ? 'en' and address ? 'zh' and address ? 'en'", "words"),
    CheckConstraint("lat between -90 and 90 and lon between -180 and 180", "place"),
    CheckConstraint("round >= 0 and version > 0 and (state <> 'submitted' or round > 0)", "counts"),
)  # fmt: skip
Index("applications_queue_idx", applications.c.city_id, applications.c.state, applications.c.changed_at)
Index("applications_member_idx", applications.c.city_id, applications.c.member_id)

# Every step of an application: its version is the key, so a step is never taken twice.
steps = city_table(
    "recruiting.steps",
    Column("application_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("by", UUID, nullable=False),
    Column("at", AT, nullable=False),
    Column("reason", Text, nullable=False),
    Column("words", JSONB),  # what the application said when it was sent in: the next round is compared with it
    ForeignKeyConstraint(
        ["city_id", "application_id"], ["recruiting.applications.city_id", "recruiting.applications.application_id"],
        name="steps_application_fkey",
    ),
    CheckConstraint("state in ('draft', 'submitted', 'returned', 'withdrawn', 'rejected', 'approved')", "state"),
    CheckConstraint("(state = 'submitted') = (words is not null)", "words"),
    CheckConstraint("state not in ('returned', 'rejected') or char_length(reason) between 1 and 400", "reason"),
)  # fmt: skip

# What a trade asks for, and how it stands.
requirements = city_table(
    "recruiting.requirements",
    Column("application_id", UUID, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("position", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("document_id", UUID),
    Column("expires_on", Date),
    Column("verdicts", Integer, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "application_id"], ["recruiting.applications.city_id", "recruiting.applications.application_id"],
        name="requirements_application_fkey",
    ),
    CheckConstraint("state in ('open', 'submitted', 'accepted', 'rejected', 'waived')", "state"),
    CheckConstraint("state not in ('submitted', 'accepted') or document_id is not null", "proof"),
    CheckConstraint("kind ~ '^[a-z][a-z_]{1,39}$' and verdicts >= 0", "kind"),
)  # fmt: skip
Index("requirements_expiry_idx", requirements.c.city_id, requirements.c.expires_on,
      postgresql_where=requirements.c.expires_on.is_not(None))  # fmt: skip

documents = city_table(
    "recruiting.documents",
    Column("document_id", UUID, primary_key=True),
    Column("application_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("by", UUID, nullable=False),
    Column("operator_id", UUID, ForeignKey(operators.c.operator_id)),  # whose people brought it; null: the applicant
    Column("expires_on", Date),
    Column("at", AT, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "application_id", "kind"],
        ["recruiting.requirements.city_id", "recruiting.requirements.application_id", "recruiting.requirements.kind"],
        name="documents_requirement_fkey",
    ),
)
Index("documents_application_idx", documents.c.city_id, documents.c.application_id)

# What was said of a requirement, by whom: history.
verdicts = city_table(
    "recruiting.verdicts",
    Column("application_id", UUID, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", UUID, nullable=False),
    Column("at", AT, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "application_id", "kind"],
        ["recruiting.requirements.city_id", "recruiting.requirements.application_id", "recruiting.requirements.kind"],
        name="verdicts_requirement_fkey",
    ),
    CheckConstraint("state in ('submitted', 'accepted', 'rejected', 'waived')", "state"),
    CheckConstraint("state not in ('rejected', 'waived') or char_length(reason) between 1 and 400", "reason"),
)

visits = city_table(
    "recruiting.visits",
    Column("visit_id", UUID, primary_key=True),
    Column("operator_id", UUID, ForeignKey(operators.c.operator_id), nullable=False),
    Column("by", UUID, nullable=False),
    Column("merchant_id", UUID),  # of a merchant, or of an application; null: a shop that is not with us yet
    Column("business", Text, nullable=False),
    Column("phone", Text),
    Column("address", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("next_step", Text, nullable=False),
    Column("next_on", Date),
    Column("photo", Text),
    Column("photo_small", Text),
    Column("at", AT, nullable=False),
    Column("logged_at", AT, nullable=False),
    CheckConstraint("at <= logged_at", "not_ahead"),
    CheckConstraint("char_length(business) between 1 and 120 and char_length(note) between 1 and 1000", "words"),
    CheckConstraint("char_length(next_step) <= 200 and char_length(address) <= 240", "short"),
    CheckConstraint("(photo is null) = (photo_small is null)", "photo"),
)
Index("visits_operator_idx", visits.c.city_id, visits.c.operator_id, visits.c.at)
Index("visits_merchant_idx", visits.c.city_id, visits.c.merchant_id, postgresql_where=visits.c.merchant_id.is_not(None))
Index("visits_phone_idx", visits.c.city_id, visits.c.phone, postgresql_where=visits.c.phone.is_not(None))

# What a merchant and an operator agreed on; the plan itself is settlement's. One version is in force.
contracts = city_table(
    "recruiting.contracts",
    Column("contract_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("merchant_id", UUID, ForeignKey("merchants.merchants.merchant_id"), nullable=False),
    Column("operator_id", UUID, ForeignKey(operators.c.operator_id), nullable=False),
    Column("plan_id", UUID),
    Column("plan_version", Integer),
    Column("plan_words", JSONB, nullable=False),
    Column("months", SmallInteger),  # of the operator's share; null: for life
    Column("note", Text, nullable=False),
    Column("offered_by", UUID, nullable=False),
    Column("offered_at", AT, nullable=False),
    Column("signed_by", UUID),
    Column("signed_at", AT),
    Column("share_ends_at", AT),
    Column("ended_at", AT),
    Column("ended_by", UUID),
    UniqueConstraint("city_id", "merchant_id", "contract_id", "version", name="contracts_merchant_key"),
    CheckConstraint("version > 0 and months between 1 and 240 and char_length(note) <= 400", "terms"),
    CheckConstraint("(plan_id is null) = (plan_version is null)", "plan"),
    CheckConstraint("(signed_at is null) = (signed_by is null) and signed_at >= offered_at", "signed"),
    CheckConstraint("(months is not null and signed_at is not null) = (share_ends_at is not null)", "share_ends"),
    CheckConstraint("ended_at >= offered_at", "ended_later"),
)
Index("contracts_force_key", contracts.c.city_id, contracts.c.merchant_id, unique=True,
      postgresql_where=text("signed_at is not null and ended_at is null"))  # fmt: skip
Index("contracts_offer_key", contracts.c.city_id, contracts.c.merchant_id, unique=True,
      postgresql_where=text("signed_at is null and ended_at is null"))  # fmt: skip
Index("contracts_operator_idx", contracts.c.city_id, contracts.c.operator_id)

# Who says that he recruited whom, and by what it can be seen.
claims = city_table(
    "recruiting.claims",
    Column("claim_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("operator_id", UUID, ForeignKey(operators.c.operator_id), nullable=False),
    Column("by", UUID),
    Column("words", Text, nullable=False),
    Column("at", AT, nullable=False),
    Column("outcome", Text),
    Column("ended_at", AT),
    UniqueConstraint("city_id", "merchant_id", "operator_id", name="claims_operator_key"),
    CheckConstraint("outcome in ('granted', 'refused', 'no_evidence')", "outcome"),
    CheckConstraint("(outcome is null) = (ended_at is null)", "ended"),
    CheckConstraint("char_length(words) <= 400", "words"),
)
Index("claims_operator_idx", claims.c.city_id, claims.c.operator_id, claims.c.at)

evidence = city_table(
    "recruiting.evidence",
    Column("evidence_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("operator_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ref", UUID, nullable=False),
    Column("by", UUID, nullable=False),
    Column("at", AT, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "merchant_id", "operator_id"],
        ["recruiting.claims.city_id", "recruiting.claims.merchant_id", "recruiting.claims.operator_id"],
        name="evidence_claim_fkey",
    ),
    UniqueConstraint("city_id", "merchant_id", "operator_id", "kind", "ref", name="evidence_ref_key"),
    CheckConstraint("kind in ('invitation', 'visit', 'upload', 'application')", "kind"),
)

cases = city_table(
    "recruiting.cases",
    Column("case_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("number", BigInteger, nullable=False),  # of this merchant's cases
    Column("opened_at", AT, nullable=False),
    Column("decided_at", AT),
    Column("decided_by", UUID),
    Column("operator_id", UUID, ForeignKey(operators.c.operator_id)),
    Column("for_house", Boolean, nullable=False, server_default=text("false")),
    Column("reason", Text, nullable=False),
    UniqueConstraint("city_id", "merchant_id", "number", name="cases_number_key"),
    CheckConstraint("(decided_at is null) = (decided_by is null)", "decided"),
    CheckConstraint("(decided_at is null) = (operator_id is null and not for_house)", "winner"),
    CheckConstraint("decided_at is null or char_length(reason) between 1 and 400", "reason"),
    CheckConstraint("not (for_house and operator_id is not null)", "one_winner"),
)
Index("cases_open_key", cases.c.city_id, cases.c.merchant_id, unique=True,
      postgresql_where=cases.c.decided_at.is_(None))  # fmt: skip
