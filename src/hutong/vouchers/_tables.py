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
)  # fmt: skip
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
    CheckConstraint("code ~ '^[0-9]{12}$'", name="code"),
    CheckConstraint("octet_length(secret) = 16", name="secret"),
    CheckConstraint("valid_from < valid_to", name="validity"),
    CheckConstraint("last_step >= 0 and cycles >= 0 and version >= 0 and unit_no >= 0", name="counters"),
)
Index("vouchers_member_idx", vouchers.c.city_id, vouchers.c.member_id, vouchers.c.issued_at, vouchers.c.voucher_id)
Index("vouchers_order_idx", vouchers.c.city_id, vouchers.c.order_id)
# Sweeps read what is due or what waits; both indexes stay small because rows leave them.
Index("vouchers_due_idx", vouchers.c.city_id, vouchers.c.valid_to, postgresql_where=vouchers.c.state == "valid")
Index("vouchers_waiting_idx", vouchers.c.city_id, vouchers.c.offer_id, postgresql_where=vouchers.c.state == "waiting")

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
