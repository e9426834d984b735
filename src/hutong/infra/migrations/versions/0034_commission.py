"""Commission of several parts, shares handed down, payouts."""

from alembic import op

revision = "0034_commission"
down_revision = "0033_recruiting"
branch_labels = None
depends_on = None

POSTED = "step in ('post', 'post_pending')"
OPEN = "state in ('waiting', 'asked', 'unknown')"


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.execute(f"create index city_transfers_ref_idx on ledger.city_transfers (city_id, ref) where {POSTED}")
    op.execute(f"create index book_transfers_ref_idx on ledger.book_transfers (book_id, ref) where {POSTED}")
    _rules()
    _shares()
    _payouts()
    _batches()
    _accounts()
    _tasks()


def _rules() -> None:
    op.execute(
        """alter table settlement.rules
             add column plan jsonb not null default '[]', add column whole_least bigint, add column whole_most bigint,
             drop constraint rules_operator_check,
             add constraint rules_plan_check check (jsonb_typeof(plan) = 'array'),
             add constraint rules_whole_check check (coalesce(whole_least, 0) >= 0
               and (whole_most is null or whole_most >= coalesce(whole_least, 0)))"""
    )
    op.execute(
        """create table settlement.plans (
             plan_id uuid not null, version integer not null, name jsonb not null, commission_bps integer not null,
             operator_bps integer not null, plan jsonb not null, least_units bigint, most_units bigint,
             whole_least bigint, whole_most bigint, made_by uuid, made_at timestamptz not null,
             constraint plans_pkey primary key (plan_id, version),
             constraint plans_words_check
               check (name ? 'zh' and name ? 'en' and jsonb_typeof(plan) = 'array' and version > 0),
             constraint plans_shares_check
               check (commission_bps between 0 and 10000 and operator_bps between 0 and 10000))"""
    )
    op.execute(
        """create table settlement.chains (
             merchant_id uuid not null, version integer not null, shares jsonb not null,
             valid_from timestamptz not null, source uuid, made_by uuid, made_at timestamptz not null,
             constraint chains_pkey primary key (merchant_id, version),
             constraint chains_merchant_id_valid_from_key unique (merchant_id, valid_from),
             constraint chains_shares_check check (jsonb_typeof(shares) = 'array'),
             constraint chains_version_check check (version > 0))"""
    )


def _shares() -> None:
    """What operators were given until now stands in the earnings: one operator each."""
    op.execute("alter table settlement.earnings add column lines jsonb not null default '[]'")
    op.execute(
        """create table settlement.shares (
             city_id integer not null, redemption_id uuid not null, operator_id uuid not null,
             merchant_id uuid not null, asset text not null, units bigint not null, at timestamptz not null,
             constraint shares_pkey primary key (city_id, redemption_id, operator_id),
             constraint shares_units_check check (units > 0),
             constraint shares_redemption_id_fkey foreign key (city_id, redemption_id)
               references settlement.earnings (city_id, redemption_id))"""
    )
    op.execute("create index shares_operator_idx on settlement.shares (city_id, operator_id, at, redemption_id)")
    op.execute(
        """insert into settlement.shares (city_id, redemption_id, operator_id, merchant_id, asset, units, at)
           select city_id, redemption_id, operator_id, merchant_id, asset, operator_units, at
           from settlement.earnings where operator_id is not null and operator_units > 0"""
    )


def _payouts() -> None:
    op.execute("drop index settlement.payouts_open_key")
    op.execute("alter table settlement.payouts rename column merchant_id to payee_id")
    op.execute(
        f"""alter table settlement.payouts
             add column payee_kind text not null default 'merchant', add column account text, add column batch_id uuid,
             add column asked_by uuid, add column first_sent_at timestamptz,
             add column tries integer not null default 0, add column next_at timestamptz,
             add column provider_no text, add column failure text, add column seq integer not null default 1,
             drop constraint payouts_state_check, drop constraint payouts_ended_check,
             add constraint payouts_payee_check check (payee_kind in ('merchant', 'operator')),
             add constraint payouts_state_check check (state in ('waiting', 'asked', 'unknown', 'done', 'refused')),
             add constraint payouts_ended_check check ((ended_at is null) = ({OPEN})),
             add constraint payouts_counts_check check (tries >= 0 and seq > 0)"""
    )
    op.execute(
        f"""create unique index payouts_open_key
            on settlement.payouts (city_id, payee_kind, payee_id, asset) where {OPEN}"""
    )
    op.execute("create index payouts_payee_idx on settlement.payouts (city_id, payee_id, asked_at)")
    op.execute(f"create index payouts_next_idx on settlement.payouts (city_id, next_at) where {OPEN}")
    op.execute(
        """create table settlement.payout_changes (
             city_id integer not null, payout_id uuid not null, seq integer not null, state text not null,
             cause text not null, by uuid, note text not null default '', at timestamptz not null,
             constraint payout_changes_pkey primary key (city_id, payout_id, seq),
             constraint payout_changes_payout_id_fkey foreign key (city_id, payout_id)
               references settlement.payouts (city_id, payout_id),
             constraint payout_changes_evidence_check
               check (cause <> 'marked' or (by is not null and length(note) >= 10)))"""
    )
    op.execute(
        """insert into settlement.payout_changes (city_id, payout_id, seq, state, cause, at)
           select city_id, payout_id, 1, state, 'before', coalesce(ended_at, asked_at) from settlement.payouts"""
    )


def _batches() -> None:
    op.execute(
        """create table settlement.batches (
             city_id integer not null, batch_id uuid not null, day date not null, provider text not null,
             asset text not null, state text not null, count integer not null, units bigint not null,
             made_by uuid, made_at timestamptz not null, decided_by uuid, decided_at timestamptz, why text,
             constraint batches_pkey primary key (city_id, batch_id),
             constraint batches_city_id_day_provider_asset_key unique (city_id, day, provider, asset),
             constraint batches_state_check check (state in ('waiting', 'sent', 'declined')),
             constraint batches_sums_check check (count >= 0 and units >= 0),
             constraint batches_decided_check check ((decided_by is null) = (decided_at is null)),
             constraint batches_four_eyes_check
               check (decided_by is null or made_by is null or decided_by <> made_by),
             constraint batches_declined_check check (state <> 'declined' or decided_by is not null))"""
    )


def _accounts() -> None:
    op.execute(
        """create table settlement.accounts (
             payee_kind text not null, payee_id uuid not null, version integer not null, account text not null,
             holder text not null, state text not null, proposed_by uuid not null, proposed_at timestamptz not null,
             decided_by uuid, decided_at timestamptz, usable_from timestamptz, why text,
             constraint accounts_pkey primary key (payee_kind, payee_id, version),
             constraint accounts_payee_check check (payee_kind in ('merchant', 'operator')),
             constraint accounts_state_check check (state in ('proposed', 'approved', 'declined')),
             constraint accounts_decided_check check ((state = 'proposed') = (decided_at is null)),
             constraint accounts_decided_by_check check ((decided_at is null) = (decided_by is null)),
             constraint accounts_usable_check check ((state = 'approved') = (usable_from is not null)),
             constraint accounts_four_eyes_check check (decided_by <> proposed_by),
             constraint accounts_sizes_check
               check (length(account) between 3 and 100 and length(holder) between 1 and 100))"""
    )
    op.execute(
        """create unique index accounts_proposed_key on settlement.accounts (payee_kind, payee_id)
           where state = 'proposed'"""
    )


def _tasks() -> None:
    op.execute(
        """create table settlement.tasks (
             city_id integer not null, task_id uuid not null, kind text not null, ref uuid not null,
             payee_kind text, payee_id uuid, note text not null default '', opened_at timestamptz not null,
             closed_at timestamptz, closed_by uuid, outcome text,
             constraint tasks_pkey primary key (city_id, task_id),
             constraint tasks_city_id_kind_ref_key unique (city_id, kind, ref),
             constraint tasks_kind_check check (kind in ('refused', 'stuck', 'bill_differs', 'no_account')),
             constraint tasks_closed_check check ((closed_at is null) = (outcome is null)))"""
    )
    op.execute("create index tasks_open_idx on settlement.tasks (city_id, opened_at) where closed_at is null")


def downgrade() -> None:
    for table in ("tasks", "accounts", "batches", "payout_changes", "shares", "chains", "plans"):
        op.execute("drop table settlement." + table)
    op.execute("alter table settlement.earnings drop column lines")
    op.execute("alter table settlement.rules drop column plan, drop column whole_least, drop column whole_most")
    op.execute("update settlement.rules set operator_bps = 0 where operator_id is null")
    op.execute(
        """alter table settlement.rules
             add constraint rules_operator_check check (operator_id is not null or operator_bps = 0)"""
    )
    op.execute("delete from settlement.payouts where payee_kind = 'operator' or state = 'waiting'")
    op.execute("drop index settlement.payouts_open_key, settlement.payouts_payee_idx, settlement.payouts_next_idx")
    op.execute("alter table settlement.payouts rename column payee_id to merchant_id")
    op.execute(
        """alter table settlement.payouts drop column payee_kind, drop column account, drop column batch_id,
             drop column asked_by, drop column first_sent_at, drop column tries, drop column next_at,
             drop column provider_no, drop column failure, drop column seq,
             add constraint payouts_state_check check (state in ('asked', 'unknown', 'done', 'refused')),
             add constraint payouts_ended_check check ((ended_at is null) = (state in ('asked', 'unknown')))"""
    )
    op.execute(
        """create unique index payouts_open_key on settlement.payouts (city_id, merchant_id, asset)
           where state in ('asked', 'unknown')"""
    )
    op.execute("drop index ledger.city_transfers_ref_idx, ledger.book_transfers_ref_idx")
