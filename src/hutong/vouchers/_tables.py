"""Tables of vouchers. Redemptions and reversals are facts and never change; the voucher's row is their sum."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from hutong.infra.tables import city_table
from hutong.vouchers.model import ROADS

_STATES = ", ".join(f"'{state}'" for state in ROADS)
_ROADS = ", ".join(f"'{was}>{state}'" for was, states in ROADS.items() for state in states)

vouchers = city_table(
    "vouchers.vouchers",
    Column("voucher_id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("holder_name", Text, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("order_id", UUID, nullable=False),
    Column("line_id", UUID, nullable=False),
    Column("offer_id", UUID, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("unit_no", Integer, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("code", Text, nullable=False),
    Column("uses_total", Integer, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("refund_from", Text),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("valid_to", DateTime(timezone=True), nullable=False),
    Column("terms", JSONB, nullable=False),
    Column("store_ids", ARRAY(UUID), nullable=False),
    Column("asset", Text, nullable=False),
    Column("paid_units", BigInteger, nullable=False),
    Column("paid_left", BigInteger, nullable=False),
    Column("due_units", BigInteger, nullable=False),
    Column("due_left", BigInteger, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("cycles", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("value", Boolean, nullable=False),  # stored value: a use is a unit of money, the principal goes first
    # A lock: for an order in checkout until that ends, or for a gift on its way until its link is over.
    Column("held_for", Text),
    Column("held_ref", UUID),
    Column("held_until", DateTime(timezone=True)),
    Column("wide", Boolean, nullable=False),  # other merchants of the city honour it, too
    UniqueConstraint("city_id", "code", name="vouchers_code_key"),
    UniqueConstraint("city_id", "line_id", "unit_no", name="vouchers_unit_key"),
    CheckConstraint("kind in ('deal', 'coupon', 'card', 'booking', 'ticket', 'lesson', 'gift')", name="kind"),
    CheckConstraint(f"state in ({_STATES})", name="state"),
    CheckConstraint("uses_total >= 1 and uses_left between 0 and uses_total", name="uses"),
    CheckConstraint("(state = 'used') = (uses_left = 0)", name="used_up"),
    CheckConstraint("state <> 'waiting' or uses_left = uses_total", name="waiting_untouched"),
    CheckConstraint("(refund_from is not null) = (state = 'refunding')", name="refund_from"),
    CheckConstraint("refund_from in ('waiting', 'valid', 'expired')", name="refund_road"),
    CheckConstraint("paid_units >= 0 and paid_left between 0 and paid_units", name="paid"),
    CheckConstraint("due_units >= 0 and due_left between 0 and due_units", name="due"),
    CheckConstraint("uses_left > 0 or (paid_left = 0 and due_left = 0)", name="nothing_left"),
    CheckConstraint("not value or (due_left <= uses_left and paid_left <= due_left)", name="value"),
    CheckConstraint("code ~ '^[0-9]{12}$'", name="code"),
    CheckConstraint("octet_length(secret) = 16", name="secret"),
    CheckConstraint("valid_from < valid_to", name="validity"),
    CheckConstraint("last_step >= 0 and cycles >= 0 and version >= 0 and unit_no >= 0", name="counters"),
    CheckConstraint("num_nulls(held_for, held_ref, held_until) in (0, 3)", name="held"),
    CheckConstraint("held_for in ('order', 'gift', 'delivery')", name="held_for"),
    CheckConstraint("held_for is null or state in ('valid', 'waiting')", name="held_state"),
)
Index("vouchers_member_idx", vouchers.c.city_id, vouchers.c.member_id, vouchers.c.issued_at, vouchers.c.voucher_id)
Index("vouchers_order_idx", vouchers.c.city_id, vouchers.c.order_id)
# Sweeps read what is due or what waits; both indexes stay small because rows leave them.
Index("vouchers_due_idx", vouchers.c.city_id, vouchers.c.valid_to, postgresql_where=vouchers.c.state == "valid")
Index("vouchers_waiting_idx", vouchers.c.city_id, vouchers.c.offer_id, postgresql_where=vouchers.c.state == "waiting")
Index(
    "vouchers_held_idx", vouchers.c.city_id, vouchers.c.held_for, vouchers.c.held_until,
    postgresql_where=vouchers.c.held_for.is_not(None),
)  # fmt: skip

_TO_VOUCHER = (["city_id", "voucher_id"], ["vouchers.vouchers.city_id", "vouchers.vouchers.voucher_id"])

redemptions = city_table(
    "vouchers.redemptions",
    Column("redemption_id", UUID, primary_key=True),
    Column("voucher_id", UUID, nullable=False),
    Column("request_no", Text, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("store_name", Text, nullable=False),
    Column("staff_id", UUID, nullable=False),
    Column("staff_name", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("paid_units", BigInteger, nullable=False),
    Column("due_units", BigInteger, nullable=False),
    Column("step", BigInteger),  # of the QR that was shown; null when a code was typed
    Column("own", Boolean, nullable=False),  # who used it at the counter held it
    Column("at", DateTime(timezone=True), nullable=False),
    Column("undo_until", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(*_TO_VOUCHER),
    UniqueConstraint("city_id", "merchant_id", "request_no", name="redemptions_request_key"),
    # A QR step is dead after its use, also when two requests of one moment carry it.
    UniqueConstraint("city_id", "voucher_id", "step", name="redemptions_step_key"),
    CheckConstraint("count >= 1 and uses_left >= 0", name="count"),
    CheckConstraint("paid_units >= 0 and due_units >= 0 and step > 0", name="units"),
    CheckConstraint("length(request_no) between 1 and 255", name="request_no"),
)
Index(
    "redemptions_merchant_idx", redemptions.c.city_id, redemptions.c.merchant_id, redemptions.c.at,
    redemptions.c.redemption_id,
)  # fmt: skip
Index(
    "redemptions_store_idx", redemptions.c.city_id, redemptions.c.store_id, redemptions.c.at,
    redemptions.c.redemption_id,
)  # fmt: skip

reversals = city_table(
    "vouchers.reversals",
    Column("redemption_id", UUID, primary_key=True),
    Column("by", UUID, nullable=False),
    Column("reason", Text, nullable=False),
    Column("manager", Boolean, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["city_id", "redemption_id"], ["vouchers.redemptions.city_id", "vouchers.redemptions.redemption_id"]
    ),
)

# Uses that an order took, not a counter: a coupon of a paid order. `ref` is that order.
spends = city_table(
    "vouchers.spends",
    Column("voucher_id", UUID, primary_key=True),
    Column("ref", UUID, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("paid_units", BigInteger, nullable=False),
    Column("due_units", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("restored_at", DateTime(timezone=True)),  # all of it came back
    # The part of it that came back, with units of the order that were refunded.
    Column("back_count", Integer, nullable=False, server_default="0"),
    Column("back_paid_units", BigInteger, nullable=False, server_default="0"),
    Column("back_due_units", BigInteger, nullable=False, server_default="0"),
    ForeignKeyConstraint(*_TO_VOUCHER),
    CheckConstraint("count >= 1 and paid_units >= 0 and due_units >= 0", name="units"),
    CheckConstraint(
        "back_count between 0 and count and back_paid_units between 0 and paid_units "
        "and back_due_units between 0 and due_units",
        name="back",
    ),
)

# How many uses of an offer a store has seen on a day and in an hour, of offers that limit them (vouchers/capacity.py).
capacity = city_table(
    "vouchers.capacity",
    Column("offer_id", UUID, primary_key=True),
    Column("store_id", UUID, primary_key=True),
    Column("span", Text, primary_key=True),
    Column("begins", DateTime(timezone=True), primary_key=True),
    Column("ends", DateTime(timezone=True), nullable=False),
    Column("most", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("offline", Integer, nullable=False),  # of `used`: given out by a counter that could not ask
    CheckConstraint("span in ('day', 'hour')", name="span"),
    CheckConstraint("begins < ends and ends <= begins + interval '25 hours'", name="life"),
    CheckConstraint("offline between 0 and used and used - offline <= most", name="room"),
)

# Vouchers on their way to a friend, and what became of them. Every step is made under the lock of the voucher.
gifts = city_table(
    "vouchers.gifts",
    Column("gift_id", UUID, primary_key=True),
    Column("voucher_id", UUID, nullable=False),
    Column("giver_id", UUID, nullable=False),
    Column("giver_name", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("taker_id", UUID),
    Column("taker_name", Text, nullable=False),
    ForeignKeyConstraint(*_TO_VOUCHER, name="gifts_voucher_fkey"),
    UniqueConstraint("city_id", "token_hash", name="gifts_token_key"),
    CheckConstraint("state in ('open', 'claimed', 'taken_back', 'expired')", name="state"),
    CheckConstraint("(ended_at is null) = (state = 'open')", name="ended"),
    CheckConstraint("(taker_id is not null) = (state = 'claimed') and taker_id <> giver_id", name="taker"),
    CheckConstraint("made_at < expires_at and length(note) <= 140 and octet_length(token_hash) = 32", name="sound"),
)
_OPEN, _CLAIMED = gifts.c.state == "open", gifts.c.state == "claimed"
Index("gifts_open_key", gifts.c.city_id, gifts.c.voucher_id, unique=True, postgresql_where=_OPEN)
Index("gifts_claimed_key", gifts.c.city_id, gifts.c.voucher_id, unique=True, postgresql_where=_CLAIMED)  # no chain
Index("gifts_due_idx", gifts.c.city_id, gifts.c.expires_at, postgresql_where=_OPEN)
Index("gifts_giver_idx", gifts.c.city_id, gifts.c.giver_id, gifts.c.made_at)

changes = city_table(
    "vouchers.changes",
    Column("voucher_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("was", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by", UUID),
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(*_TO_VOUCHER),
    CheckConstraint(f"was || '>' || state in ({_ROADS})", name="road"),
)

# A validity that was lengthened, and by whom; it never becomes shorter.
extensions = city_table(
    "vouchers.extensions",
    Column("voucher_id", UUID, primary_key=True),
    Column("extension_id", UUID, primary_key=True),
    Column("was", DateTime(timezone=True), nullable=False),
    Column("valid_to", DateTime(timezone=True), nullable=False),
    Column("by", UUID, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(*_TO_VOUCHER),
    CheckConstraint("valid_to > was", name="longer"),
)

scans = city_table(
    "vouchers.scans",
    Column("scan_id", UUID, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("staff_id", UUID, nullable=False),
    Column("voucher_id", UUID),
    Column("way", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("presented", Text, nullable=False),
    CheckConstraint("way in ('qr', 'code', 'proof', 'unreadable')", name="way"),
)
Index("scans_merchant_idx", scans.c.city_id, scans.c.merchant_id, scans.c.at)
Index("scans_store_idx", scans.c.city_id, scans.c.store_id, scans.c.at)

# What a phone may show to a counter without a network: a capsule signed by the house, for one key of the phone.
capsules = city_table(
    "vouchers.capsules",
    Column("voucher_id", UUID, primary_key=True),
    Column("phone_key", LargeBinary, primary_key=True),  # P-256, compressed
    Column("merchant_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("face_units", BigInteger, nullable=False),  # of one use: the most that it can cost the merchant
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(*_TO_VOUCHER),
    CheckConstraint("kind in ('capped', 'bound')", name="kind"),
    CheckConstraint("octet_length(phone_key) = 33", name="p256"),
    CheckConstraint("face_units >= 0 and issued_at < expires_at", name="sound"),
)
Index("capsules_merchant_idx", capsules.c.city_id, capsules.c.merchant_id, capsules.c.expires_at)

# What a device may accept without asking. Open until the device says that it holds another one, or none.
allowances = city_table(
    "vouchers.allowances",
    Column("device_id", UUID, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("asset", Text, nullable=False),
    Column("max_face_units", BigInteger, nullable=False),
    Column("max_count", Integer, nullable=False),
    Column("max_units", BigInteger, nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("max_face_units > 0 and max_count > 0 and max_units > 0 and number > 0", name="limits"),
    CheckConstraint("until > issued_at and until <= issued_at + interval '24 hours'", name="life"),
)
Index(
    "allowances_open_idx", allowances.c.city_id, allowances.c.merchant_id,
    postgresql_where=allowances.c.ended_at.is_(None),
)  # fmt: skip

OUTCOMES = ("redeemed", "duplicate_of_self", "conflict", "refunded_meanwhile", "expired_at_scan", "refused")
offline_scans = city_table(
    "vouchers.offline_scans",
    Column("device_id", UUID, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("staff_id", UUID, nullable=False),
    Column("payload", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("allowance", BigInteger, nullable=False),
    Column("voucher_id", UUID),
    Column("step", BigInteger),
    Column("units", BigInteger, nullable=False),
    Column("scanned_at", DateTime(timezone=True), nullable=False),
    Column("uploaded_at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("redemption_id", UUID),
    UniqueConstraint("city_id", "redemption_id", name="offline_scans_redemption_key"),
    CheckConstraint(f"outcome in ({', '.join(repr(one) for one in OUTCOMES)})", name="outcome"),
    CheckConstraint("(outcome = 'redeemed') = (redemption_id is not null)", name="redeemed"),
    CheckConstraint("seq > 0 and units >= 0 and octet_length(digest) = 32", name="sound"),
)
Index(
    "offline_scans_merchant_idx", offline_scans.c.city_id, offline_scans.c.merchant_id, offline_scans.c.uploaded_at,
)  # fmt: skip
Index("offline_scans_voucher_idx", offline_scans.c.city_id, offline_scans.c.voucher_id, offline_scans.c.step)

_TO_SCAN = (
    ["city_id", "device_id", "seq"],
    ["vouchers.offline_scans.city_id", "vouchers.offline_scans.device_id", "vouchers.offline_scans.seq"],
)

# Goods that were given out for a right that did not count: who bears it, who looks after it.
conflicts = city_table(
    "vouchers.conflicts",
    Column("device_id", UUID, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("bearer", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("owner_id", UUID, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolved_by", UUID),
    Column("note", Text),
    ForeignKeyConstraint(*_TO_SCAN, name="conflicts_scan_fkey"),
    CheckConstraint("bearer in ('merchant', 'platform')", name="bearer"),
    CheckConstraint("num_nulls(resolved_at, resolved_by, note) in (0, 3)", name="resolved"),
    CheckConstraint("units >= 0 and length(note) between 1 and 500", name="sound"),
)
Index("conflicts_merchant_idx", conflicts.c.city_id, conflicts.c.merchant_id, conflicts.c.opened_at)

# Two contents under one number of one device: somebody has copied its key or its database.
forks = city_table(
    "vouchers.forks",
    Column("device_id", UUID, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, primary_key=True),
    Column("payload", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(*_TO_SCAN, name="forks_scan_fkey"),
)

# How far the log of a device has come here, and how many of its numbers are missing.
device_logs = city_table(
    "vouchers.device_logs",
    Column("device_id", UUID, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
    Column("told_seq", BigInteger, nullable=False),  # the last number that the device says it has given
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("last_seq >= 0 and missing >= 0 and told_seq >= 0", name="sound"),
)
