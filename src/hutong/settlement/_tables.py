"""Tables of settlement: the versioned rules, what each redemption earned for whom, payouts and provider bills."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from hutong.infra.tables import city_table, other_table

rules = other_table(
    "settlement.rules",
    Column("rule_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("merchant_id", UUID),  # null: for every merchant without a rule of its own
    Column("commission_bps", Integer, nullable=False),
    Column("least_units", BigInteger),
    Column("most_units", BigInteger),
    Column("operator_id", UUID),
    Column("operator_bps", Integer, nullable=False),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("made_by", UUID),
    Column("plan", JSONB, nullable=False, server_default="[]"),  # commission.Component of each further part
    Column("whole_least", BigInteger),
    Column("whole_most", BigInteger),
    CheckConstraint(
        "coalesce(whole_least, 0) >= 0 and (whole_most is null or whole_most >= coalesce(whole_least, 0))", name="whole"
    ),
    CheckConstraint("jsonb_typeof(plan) = 'array'", name="plan"),
    CheckConstraint("commission_bps between 0 and 10000 and operator_bps between 0 and 10000", name="shares"),
    CheckConstraint("coalesce(least_units, 0) >= 0", name="least"),
    CheckConstraint("coalesce(most_units, 0) >= coalesce(least_units, 0) or most_units is null", name="most"),
    UniqueConstraint("merchant_id", "valid_from", postgresql_nulls_not_distinct=True),
)

# Commission plans that contracts offer, version by version; who signs gets a rule of his own by one.
plans = other_table(
    "settlement.plans",
    Column("plan_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", JSONB, nullable=False),
    Column("commission_bps", Integer, nullable=False),
    Column("operator_bps", Integer, nullable=False),
    Column("plan", JSONB, nullable=False),
    Column("least_units", BigInteger),
    Column("most_units", BigInteger),
    Column("whole_least", BigInteger),
    Column("whole_most", BigInteger),
    Column("made_by", UUID),
    Column("made_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("name ? 'zh' and name ? 'en' and jsonb_typeof(plan) = 'array' and version > 0", name="words"),
    CheckConstraint("commission_bps between 0 and 10000 and operator_bps between 0 and 10000", name="shares"),
)

# Who shares in the commission of a merchant, version by version: what was earned keeps the version it followed.
chains = other_table(
    "settlement.chains",
    Column("merchant_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("shares", JSONB, nullable=False),  # commission.Share, the highest first
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("source", UUID),
    Column("made_by", UUID),
    Column("made_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("jsonb_typeof(shares) = 'array'", name="shares"),
    CheckConstraint("version > 0", name="version"),
    UniqueConstraint("merchant_id", "valid_from"),
)

earnings = city_table(
    "settlement.earnings",
    Column("redemption_id", UUID, primary_key=True),
    Column("voucher_id", UUID, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("issuer_id", UUID),  # who sold it, when another merchant honoured it: the money comes from his escrow
    Column("store_id", UUID, nullable=False),
    Column("code_tail", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("count", Integer, nullable=False),
    Column("asset", Text, nullable=False),
    Column("due_units", BigInteger, nullable=False),
    Column("commission_units", BigInteger, nullable=False),  # in all: the platform's part and the operator's
    Column("operator_units", BigInteger, nullable=False),
    Column("operator_id", UUID),
    Column("merchant_units", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),  # which version of which rule: a statement can be replayed
    Column("at", DateTime(timezone=True), nullable=False),
    Column("reversed_at", DateTime(timezone=True)),
    # [[payer, units]]: of what is due, what others bear of a bill at the till; the rest comes from escrow.
    Column("outside", JSONB, nullable=False),
    # [[key, units]]: what the commission is made of; empty: all of it is the rule's own percentage.
    Column("lines", JSONB, nullable=False, server_default="[]"),
    CheckConstraint("due_units = commission_units + merchant_units", name="sum"),
    CheckConstraint("operator_units between 0 and commission_units", name="operator"),
    CheckConstraint("merchant_units >= 0 and count > 0", name="amounts"),
)
Index("earnings_merchant_idx", earnings.c.city_id, earnings.c.merchant_id, earnings.c.at, earnings.c.redemption_id)
Index("earnings_voucher_idx", earnings.c.city_id, earnings.c.voucher_id)

# What each operator was given of a redemption's commission; undone with the earning it hangs on.
shares = city_table(
    "settlement.shares",
    Column("redemption_id", UUID, primary_key=True),
    Column("operator_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("asset", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("units > 0", name="units"),
    ForeignKeyConstraint(
        ["city_id", "redemption_id"], ["settlement.earnings.city_id", "settlement.earnings.redemption_id"],
        name="shares_redemption_id_fkey",
    ),
)  # fmt: skip
Index("shares_operator_idx", shares.c.city_id, shares.c.operator_id, shares.c.at, shares.c.redemption_id)

# What a payee asked for or is sent. It waits for a second person, is sent, and is unknown until the provider's word.
payouts = city_table(
    "settlement.payouts",
    Column("payout_id", UUID, primary_key=True),
    Column("payee_kind", Text, nullable=False, server_default="merchant"),
    Column("payee_id", UUID, nullable=False),
    Column("provider", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("account", Text),  # where it is sent, as it was when it was asked for
    Column("state", Text, nullable=False),
    Column("batch_id", UUID),
    Column("asked_by", UUID),  # null: the house, in the batch of a day
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("first_sent_at", DateTime(timezone=True)),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_at", DateTime(timezone=True)),  # when it is sent, or asked about again
    Column("provider_no", Text),
    Column("failure", Text),
    Column("ended_at", DateTime(timezone=True)),
    Column("seq", Integer, nullable=False, server_default="1"),
    CheckConstraint("units > 0", name="units"),
    CheckConstraint("payee_kind in ('merchant', 'operator')", name="payee"),
    CheckConstraint("state in ('waiting', 'asked', 'unknown', 'done', 'refused')", name="state"),
    CheckConstraint("(ended_at is null) = (state in ('waiting', 'asked', 'unknown'))", name="ended"),
    CheckConstraint("tries >= 0 and seq > 0", name="counts"),
)
_OPEN = payouts.c.state.in_(["waiting", "asked", "unknown"])
# One payout to a payee is on its way at a time: a second one would count the same money twice.
Index(
    "payouts_open_key", payouts.c.city_id, payouts.c.payee_kind, payouts.c.payee_id, payouts.c.asset, unique=True,
    postgresql_where=_OPEN,
)  # fmt: skip
Index("payouts_payee_idx", payouts.c.city_id, payouts.c.payee_id, payouts.c.asked_at)
Index("payouts_next_idx", payouts.c.city_id, payouts.c.next_at, postgresql_where=_OPEN)

# The history of a payout: who or what changed it, and the evidence where a person said it.
payout_changes = city_table(
    "settlement.payout_changes",
    Column("payout_id", UUID, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("by", UUID),
    Column("note", Text, nullable=False, server_default=""),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["city_id", "payout_id"], ["settlement.payouts.city_id", "settlement.payouts.payout_id"],
        name="payout_changes_payout_id_fkey",
    ),
    CheckConstraint("cause <> 'marked' or (by is not null and length(note) >= 10)", name="evidence"),
)  # fmt: skip

# What a city is paid out on a day. Above the limit a second person lets it go.
batches = city_table(
    "settlement.batches",
    Column("batch_id", UUID, primary_key=True),
    Column("day", Date, nullable=False),
    Column("provider", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("made_by", UUID),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("decided_by", UUID),
    Column("decided_at", DateTime(timezone=True)),
    Column("why", Text),
    UniqueConstraint("city_id", "day", "provider", "asset"),
    CheckConstraint("state in ('waiting', 'sent', 'declined')", name="state"),
    CheckConstraint("count >= 0 and units >= 0", name="sums"),
    CheckConstraint("(decided_by is null) = (decided_at is null)", name="decided"),
    CheckConstraint("decided_by is null or made_by is null or decided_by <> made_by", name="four_eyes"),
    CheckConstraint("state <> 'declined' or decided_by is not null", name="declined"),
)

# Where a payee wants his money: each change is proposed by one person and approved by another.
accounts = other_table(
    "settlement.accounts",
    Column("payee_kind", Text, primary_key=True),
    Column("payee_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", UUID, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("decided_by", UUID),
    Column("decided_at", DateTime(timezone=True)),
    Column("usable_from", DateTime(timezone=True)),
    Column("why", Text),
    CheckConstraint("payee_kind in ('merchant', 'operator')", name="payee"),
    CheckConstraint("state in ('proposed', 'approved', 'declined')", name="state"),
    CheckConstraint("(state = 'proposed') = (decided_at is null)", name="decided"),
    CheckConstraint("(decided_at is null) = (decided_by is null)", name="decided_by"),
    CheckConstraint("(state = 'approved') = (usable_from is not null)", name="usable"),
    CheckConstraint("decided_by <> proposed_by", name="four_eyes"),
    CheckConstraint("length(account) between 3 and 100 and length(holder) between 1 and 100", name="sizes"),
)
Index(
    "accounts_proposed_key", accounts.c.payee_kind, accounts.c.payee_id, unique=True,
    postgresql_where=accounts.c.state == "proposed",
)  # fmt: skip

# What a person has to look at: money that came back, a payout that nobody knows, a bill that says something else.
tasks = city_table(
    "settlement.tasks",
    Column("task_id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("ref", UUID, nullable=False),
    Column("payee_kind", Text),
    Column("payee_id", UUID),
    Column("note", Text, nullable=False, server_default=""),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_by", UUID),
    Column("outcome", Text),
    UniqueConstraint("city_id", "kind", "ref"),
    CheckConstraint("kind in ('refused', 'stuck', 'bill_differs', 'no_account')", name="kind"),
    CheckConstraint("(closed_at is null) = (outcome is null)", name="closed"),
)
Index("tasks_open_idx", tasks.c.city_id, tasks.c.opened_at, postgresql_where=tasks.c.closed_at.is_(None))

bills = city_table(
    "settlement.bills",
    Column("provider", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("fee_units", BigInteger, nullable=False),
    Column("captured_units", BigInteger, nullable=False),
    Column("refunded_units", BigInteger, nullable=False),
    Column("paid_out_units", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("captured_count", Integer),  # null: booked before lines were compared
    Column("refunded_count", Integer),
    Column("captured_matched", BigInteger),  # units of lines on which we agree
    Column("refunded_matched", BigInteger),
    CheckConstraint("fee_units >= 0 and captured_units >= 0 and refunded_units >= 0", name="units"),
)

# Where a bill and we differ. `other_day`: we agree, but heard of it on another day; what has ended needs nobody.
bill_differences = city_table(
    "settlement.bill_differences",
    Column("provider", Text, primary_key=True),
    Column("day", Date, primary_key=True),  # of the bill; of what no bill has: the day on which we heard of it
    Column("line", Text, primary_key=True),
    Column("ref", UUID, primary_key=True),  # a payment or a refund
    Column("what", Text, primary_key=True),
    Column("bill_units", BigInteger),
    Column("bill_asset", Text),
    Column("our_units", BigInteger),
    Column("our_asset", Text),
    Column("our_day", Date),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("line in ('capture', 'refund')", name="line"),
    CheckConstraint("what in ('bill_only', 'ours_only', 'amount', 'other_day')", name="what"),
    CheckConstraint(
        "(bill_units is null) = (bill_asset is null) and (bill_units is null) = (what = 'ours_only')", name="bill"
    ),
    CheckConstraint(
        "(our_units is null) = (our_asset is null) and (our_units is null) = (our_day is null)"
        " and (our_units is null) = (what = 'bill_only')",
        name="ours",
    ),
    CheckConstraint(
        "what <> 'other_day' or (bill_units = our_units and bill_asset = our_asset and ended_at is not null)",
        name="agrees",
    ),
)
Index(
    "bill_differences_open_idx", bill_differences.c.city_id, bill_differences.c.provider, bill_differences.c.day,
    postgresql_where=bill_differences.c.ended_at.is_(None),
)  # fmt: skip
Index("bill_differences_ref_idx", bill_differences.c.city_id, bill_differences.c.provider, bill_differences.c.ref)
