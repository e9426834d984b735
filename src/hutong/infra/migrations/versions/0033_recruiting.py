"""Operators, territories, applications, contracts, claims."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033_recruiting"
down_revision = "0032_programmes"
branch_labels = None
depends_on = None

ROLES = """(role, scope_kind) in (('platform_admin', 'platform'), ('city_operator', 'city'),
           {}('merchant_owner', 'merchant'), ('store_manager', 'store'),
           ('store_cashier', 'store'))"""


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.execute("create schema if not exists recruiting")
    # Wider than before, so rows of yesterday's code pass; not valid first: no scan under the lock.
    op.execute("alter table people.grants drop constraint grants_role_fits_check")
    check = ROLES.format("('city_recruiter', 'city'), ")
    op.execute(f"alter table people.grants add constraint grants_role_fits_check check ({check}) not valid")
    op.execute("alter table people.grants validate constraint grants_role_fits_check")
    op.create_table(
        "operators",
        sa.Column("operator_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_by", sa.UUID(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('division', 'agent', 'staff')", name=op.f("operators_kind_check")),
        sa.CheckConstraint("name ? 'zh' and name ? 'en'", name=op.f("operators_name_check")),
        sa.CheckConstraint("ended_at >= made_at", name=op.f("operators_ended_later_check")),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("operators_pkey")),
        sa.UniqueConstraint("operator_id", "kind", name="operators_kind_key"),
        schema="recruiting",
    )
    op.create_table(
        "attributions",
        sa.Column("attribution_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("operator_id", sa.UUID(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("about", sa.UUID(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("merchant_id"), "="),
            (sa.text("tstzrange(since, until)"), "&&"),
            using="gist",
            name="attributions_one_operator_excl",
        ),
        sa.CheckConstraint(
            "why <> 'transfer' or (by is not null and char_length(reason) between 1 and 400)",
            name=op.f("attributions_reason_check"),
        ),
        sa.CheckConstraint("why in ('rule', 'case', 'transfer', 'contract')", name=op.f("attributions_why_check")),
        sa.CheckConstraint(
            "why not in ('case', 'contract') or about is not null", name=op.f("attributions_about_check")
        ),
        sa.CheckConstraint("ends_at > since", name=op.f("attributions_ends_later_check")),
        sa.CheckConstraint("until >= since", name=op.f("attributions_until_later_check")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.merchants.merchant_id"], name=op.f("attributions_merchant_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["recruiting.operators.operator_id"], name=op.f("attributions_operator_id_fkey")
        ),
        sa.PrimaryKeyConstraint("attribution_id", name=op.f("attributions_pkey")),
        schema="recruiting",
    )
    op.create_index(
        "attributions_live_key",
        "attributions",
        ["merchant_id"],
        unique=True,
        schema="recruiting",
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_index(
        "attributions_operator_idx", "attributions", ["operator_id", "city_id"], unique=False, schema="recruiting"
    )
    op.create_table(
        "cases",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("operator_id", sa.UUID(), nullable=True),
        sa.Column("for_house", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("(decided_at is null) = (decided_by is null)", name=op.f("cases_decided_check")),
        sa.CheckConstraint(
            "(decided_at is null) = (operator_id is null and not for_house)", name=op.f("cases_winner_check")
        ),
        sa.CheckConstraint(
            "decided_at is null or char_length(reason) between 1 and 400", name=op.f("cases_reason_check")
        ),
        sa.CheckConstraint("not (for_house and operator_id is not null)", name=op.f("cases_one_winner_check")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["recruiting.operators.operator_id"], name=op.f("cases_operator_id_fkey")
        ),
        sa.PrimaryKeyConstraint("city_id", "case_id", name=op.f("cases_pkey")),
        sa.UniqueConstraint("city_id", "merchant_id", "number", name="cases_number_key"),
        schema="recruiting",
    )
    op.create_index(
        "cases_open_key",
        "cases",
        ["city_id", "merchant_id"],
        unique=True,
        schema="recruiting",
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "claims",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("claim_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("operator_id", sa.UUID(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("outcome in ('granted', 'refused', 'no_evidence')", name=op.f("claims_outcome_check")),
        sa.CheckConstraint("(outcome is null) = (ended_at is null)", name=op.f("claims_ended_check")),
        sa.CheckConstraint("char_length(words) <= 400", name=op.f("claims_words_check")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["recruiting.operators.operator_id"], name=op.f("claims_operator_id_fkey")
        ),
        sa.PrimaryKeyConstraint("city_id", "claim_id", name=op.f("claims_pkey")),
        sa.UniqueConstraint("city_id", "merchant_id", "operator_id", name="claims_operator_key"),
        schema="recruiting",
    )
    op.create_index(
        "claims_operator_idx", "claims", ["city_id", "operator_id", "at"], unique=False, schema="recruiting"
    )
    op.create_table(
        "contracts",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("operator_id", sa.UUID(), nullable=False),
        sa.Column("plan_id", sa.UUID(), nullable=True),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("plan_words", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("months", sa.SmallInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("offered_by", sa.UUID(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_by", sa.UUID(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("share_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.UUID(), nullable=True),
        sa.CheckConstraint(
            "(months is not null and signed_at is not null) = (share_ends_at is not null)",
            name=op.f("contracts_share_ends_check"),
        ),
        sa.CheckConstraint("(plan_id is null) = (plan_version is null)", name=op.f("contracts_plan_check")),
        sa.CheckConstraint(
            "(signed_at is null) = (signed_by is null) and signed_at >= offered_at", name=op.f("contracts_signed_check")
        ),
        sa.CheckConstraint("ended_at >= offered_at", name=op.f("contracts_ended_later_check")),
        sa.CheckConstraint(
            "version > 0 and months between 1 and 240 and char_length(note) <= 400", name=op.f("contracts_terms_check")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.merchants.merchant_id"], name=op.f("contracts_merchant_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["recruiting.operators.operator_id"], name=op.f("contracts_operator_id_fkey")
        ),
        sa.PrimaryKeyConstraint("city_id", "contract_id", "version", name=op.f("contracts_pkey")),
        sa.UniqueConstraint("city_id", "merchant_id", "contract_id", "version", name="contracts_merchant_key"),
        schema="recruiting",
    )
    op.create_index(
        "contracts_force_key",
        "contracts",
        ["city_id", "merchant_id"],
        unique=True,
        schema="recruiting",
        postgresql_where=sa.text("signed_at is not null and ended_at is null"),
    )
    op.create_index(
        "contracts_offer_key",
        "contracts",
        ["city_id", "merchant_id"],
        unique=True,
        schema="recruiting",
        postgresql_where=sa.text("signed_at is null and ended_at is null"),
    )
    op.create_index(
        "contracts_operator_idx", "contracts", ["city_id", "operator_id"], unique=False, schema="recruiting"
    )
    op.create_table(
        "invitations",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("invitation_id", sa.UUID(), nullable=False),
        sa.Column("operator_id", sa.UUID(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.UUID(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.UUID(), nullable=True),
        sa.Column("accepted_by", sa.UUID(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("part <> 'merchant' or accepted_by is null", name=op.f("invitations_shops_share_it_check")),
        sa.CheckConstraint(
            "part = 'merchant' or expires_at is not null", name=op.f("invitations_people_in_time_check")
        ),
        sa.CheckConstraint("part in ('merchant', 'manager', 'recruiter')", name=op.f("invitations_part_check")),
        sa.CheckConstraint("(accepted_at is null) = (accepted_by is null)", name=op.f("invitations_accepted_check")),
        sa.CheckConstraint(
            "char_length(label) <= 60 and octet_length(secret_hash) = 32", name=op.f("invitations_label_check")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["recruiting.operators.operator_id"], name=op.f("invitations_operator_id_fkey")
        ),
        sa.PrimaryKeyConstraint("city_id", "invitation_id", name=op.f("invitations_pkey")),
        schema="recruiting",
    )
    op.create_index(
        "invitations_operator_idx",
        "invitations",
        ["city_id", "operator_id", "made_at"],
        unique=False,
        schema="recruiting",
    )
    op.create_table(
        "ranks",
        sa.Column("operator_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.UUID(), nullable=True),
        sa.Column("parent_kind", sa.Text(), nullable=True),
        sa.Column("handed_bps", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.UUID(), nullable=True),
        sa.CheckConstraint(
            "(parent_id is null and parent_kind is null and kind <> 'staff')\n           or (parent_kind, kind) in (('division', 'agent'), ('division', 'staff'), ('agent', 'staff'))",
            name=op.f("ranks_above_check"),
        ),
        sa.CheckConstraint("handed_bps between 0 and 10000", name=op.f("ranks_handed_check")),
        sa.CheckConstraint("version > 0", name=op.f("ranks_version_check")),
        sa.ForeignKeyConstraint(
            ["operator_id", "kind"],
            ["recruiting.operators.operator_id", "recruiting.operators.kind"],
            name="ranks_own_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id", "parent_kind"],
            ["recruiting.operators.operator_id", "recruiting.operators.kind"],
            name="ranks_parent_fkey",
        ),
        sa.PrimaryKeyConstraint("operator_id", "version", name=op.f("ranks_pkey")),
        sa.UniqueConstraint("operator_id", "valid_from", name="ranks_valid_from_key"),
        schema="recruiting",
    )
    op.create_index(
        "ranks_parent_idx",
        "ranks",
        ["parent_id"],
        unique=False,
        schema="recruiting",
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_table(
        "seats",
        sa.Column("seat_id", sa.UUID(), nullable=False),
        sa.Column("operator_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.UUID(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.UUID(), nullable=True),
        sa.CheckConstraint("part in ('manager', 'recruiter')", name=op.f("seats_part_check")),
        sa.CheckConstraint("until >= since", name=op.f("seats_until_later_check")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["recruiting.operators.operator_id"], name=op.f("seats_operator_id_fkey")
        ),
        sa.PrimaryKeyConstraint("seat_id", name=op.f("seats_pkey")),
        schema="recruiting",
    )
    op.create_index(
        "seats_live_key",
        "seats",
        ["operator_id", "member_id"],
        unique=True,
        schema="recruiting",
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_index(
        "seats_member_idx",
        "seats",
        ["member_id"],
        unique=False,
        schema="recruiting",
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "visits",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.UUID(), nullable=False),
        sa.Column("operator_id", sa.UUID(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=True),
        sa.Column("business", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("next_step", sa.Text(), nullable=False),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("photo", sa.Text(), nullable=True),
        sa.Column("photo_small", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("logged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(photo is null) = (photo_small is null)", name=op.f("visits_photo_check")),
        sa.CheckConstraint("at <= logged_at", name=op.f("visits_not_ahead_check")),
        sa.CheckConstraint(
            "char_length(business) between 1 and 120 and char_length(note) between 1 and 1000",
            name=op.f("visits_words_check"),
        ),
        sa.CheckConstraint(
            "char_length(next_step) <= 200 and char_length(address) <= 240", name=op.f("visits_short_check")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["recruiting.operators.operator_id"], name=op.f("visits_operator_id_fkey")
        ),
        sa.PrimaryKeyConstraint("city_id", "visit_id", name=op.f("visits_pkey")),
        schema="recruiting",
    )
    op.create_index(
        "visits_merchant_idx",
        "visits",
        ["city_id", "merchant_id"],
        unique=False,
        schema="recruiting",
        postgresql_where=sa.text("merchant_id IS NOT NULL"),
    )
    op.create_index(
        "visits_operator_idx", "visits", ["city_id", "operator_id", "at"], unique=False, schema="recruiting"
    )
    op.create_index(
        "visits_phone_idx",
        "visits",
        ["city_id", "phone"],
        unique=False,
        schema="recruiting",
        postgresql_where=sa.text("phone IS NOT NULL"),
    )
    op.create_table(
        "applications",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("invitation_id", sa.UUID(), nullable=True),
        sa.Column("operator_id", sa.UUID(), nullable=True),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "name ? 'zh' and name ? 'en' and address ? 'zh' and address ? 'en'", name=op.f("applications_words_check")
        ),
        sa.CheckConstraint(
            "round >= 0 and version > 0 and (state <> 'submitted' or round > 0)", name=op.f("applications_counts_check")
        ),
        sa.CheckConstraint(
            "state in ('draft', 'submitted', 'returned', 'withdrawn', 'rejected', 'approved')",
            name=op.f("applications_state_check"),
        ),
        sa.CheckConstraint(
            "lat between -90 and 90 and lon between -180 and 180", name=op.f("applications_place_check")
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "district_id"],
            ["places.districts.city_id", "places.districts.district_id"],
            name="applications_district_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "invitation_id"],
            ["recruiting.invitations.city_id", "recruiting.invitations.invitation_id"],
            name="applications_invitation_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["recruiting.operators.operator_id"], name=op.f("applications_operator_id_fkey")
        ),
        sa.PrimaryKeyConstraint("city_id", "application_id", name=op.f("applications_pkey")),
        sa.UniqueConstraint("city_id", "merchant_id", name="applications_merchant_key"),
        schema="recruiting",
    )
    op.create_index(
        "applications_member_idx", "applications", ["city_id", "member_id"], unique=False, schema="recruiting"
    )
    op.create_index(
        "applications_queue_idx", "applications", ["city_id", "state", "changed_at"], unique=False, schema="recruiting"
    )
    op.create_table(
        "evidence",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("evidence_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.UUID(), nullable=False),
        sa.Column("operator_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.UUID(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('invitation', 'visit', 'upload', 'application')", name=op.f("evidence_kind_check")
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "merchant_id", "operator_id"],
            ["recruiting.claims.city_id", "recruiting.claims.merchant_id", "recruiting.claims.operator_id"],
            name="evidence_claim_fkey",
        ),
        sa.PrimaryKeyConstraint("city_id", "evidence_id", name=op.f("evidence_pkey")),
        sa.UniqueConstraint("city_id", "merchant_id", "operator_id", "kind", "ref", name="evidence_ref_key"),
        schema="recruiting",
    )
    op.create_table(
        "territories",
        sa.Column("city_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("territory_id", sa.UUID(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=True),
        sa.Column("operator_id", sa.UUID(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by", sa.UUID(), nullable=True),
        sa.Column("ended_by", sa.UUID(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("city_id"), "="),
            (sa.text("int4range(coalesce(district_id, 0), coalesce(district_id, 2147483646), '[]')"), "&&"),
            (sa.text("tstzrange(since, until)"), "&&"),
            using="gist",
            name="territories_one_operator_excl",
        ),
        sa.CheckConstraint("until >= since", name=op.f("territories_until_later_check")),
        sa.ForeignKeyConstraint(
            ["city_id", "district_id"],
            ["places.districts.city_id", "places.districts.district_id"],
            name="territories_district_id_fkey",
        ),
        sa.ForeignKeyConstraint(["city_id"], ["places.cities.city_id"], name=op.f("territories_city_id_fkey")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["recruiting.operators.operator_id"], name=op.f("territories_operator_id_fkey")
        ),
        sa.PrimaryKeyConstraint("city_id", "territory_id", name=op.f("territories_pkey")),
        schema="recruiting",
    )
    op.create_index("territories_operator_idx", "territories", ["operator_id"], unique=False, schema="recruiting")
    op.create_table(
        "requirements",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("document_id", sa.UUID(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("verdicts", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind ~ '^[a-z][a-z_]{1,39}$' and verdicts >= 0", name=op.f("requirements_kind_check")),
        sa.CheckConstraint(
            "state in ('open', 'submitted', 'accepted', 'rejected', 'waived')", name=op.f("requirements_state_check")
        ),
        sa.CheckConstraint(
            "state not in ('submitted', 'accepted') or document_id is not null", name=op.f("requirements_proof_check")
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "application_id"],
            ["recruiting.applications.city_id", "recruiting.applications.application_id"],
            name="requirements_application_fkey",
        ),
        sa.PrimaryKeyConstraint("city_id", "application_id", "kind", name=op.f("requirements_pkey")),
        schema="recruiting",
    )
    op.create_index(
        "requirements_expiry_idx",
        "requirements",
        ["city_id", "expires_on"],
        unique=False,
        schema="recruiting",
        postgresql_where=sa.text("expires_on IS NOT NULL"),
    )
    op.create_table(
        "steps",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("(state = 'submitted') = (words is not null)", name=op.f("steps_words_check")),
        sa.CheckConstraint(
            "state in ('draft', 'submitted', 'returned', 'withdrawn', 'rejected', 'approved')",
            name=op.f("steps_state_check"),
        ),
        sa.CheckConstraint(
            "state not in ('returned', 'rejected') or char_length(reason) between 1 and 400",
            name=op.f("steps_reason_check"),
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "application_id"],
            ["recruiting.applications.city_id", "recruiting.applications.application_id"],
            name="steps_application_fkey",
        ),
        sa.PrimaryKeyConstraint("city_id", "application_id", "version", name=op.f("steps_pkey")),
        schema="recruiting",
    )
    op.create_table(
        "documents",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.UUID(), nullable=False),
        sa.Column("application_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("operator_id", sa.UUID(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "application_id", "kind"],
            [
                "recruiting.requirements.city_id",
                "recruiting.requirements.application_id",
                "recruiting.requirements.kind",
            ],
            name="documents_requirement_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["recruiting.operators.operator_id"], name=op.f("documents_operator_id_fkey")
        ),
        sa.PrimaryKeyConstraint("city_id", "document_id", name=op.f("documents_pkey")),
        schema="recruiting",
    )
    op.create_index(
        "documents_application_idx", "documents", ["city_id", "application_id"], unique=False, schema="recruiting"
    )
    op.create_table(
        "verdicts",
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('submitted', 'accepted', 'rejected', 'waived')", name=op.f("verdicts_state_check")
        ),
        sa.CheckConstraint(
            "state not in ('rejected', 'waived') or char_length(reason) between 1 and 400",
            name=op.f("verdicts_reason_check"),
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "application_id", "kind"],
            [
                "recruiting.requirements.city_id",
                "recruiting.requirements.application_id",
                "recruiting.requirements.kind",
            ],
            name="verdicts_requirement_fkey",
        ),
        sa.PrimaryKeyConstraint("city_id", "application_id", "kind", "number", name=op.f("verdicts_pkey")),
        schema="recruiting",
    )


def downgrade() -> None:
    op.execute("drop schema recruiting cascade")
    op.execute("delete from people.grants where role = 'city_recruiter'")
    op.execute("alter table people.grants drop constraint grants_role_fits_check")
    op.execute(f"alter table people.grants add constraint grants_role_fits_check check ({ROLES.format('')})")
