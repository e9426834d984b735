"""Tables of orders: the promise, its lines, its history, refunds asked, notes, and the tipping of deals."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from hutong.infra.tables import city_table
from hutong.orders.model import WHY

STATES = ("placed", "paid", "part_refunded", "refunded", "cancelled", "expired")

orders = city_table(
    "orders.orders",
    Column("order_id", UUID, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("member_name", Text, nullable=False),  # carried, not joined: members live in other shards
    Column("phone_tail", Text, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("total_units", BigInteger, nullable=False),
    Column("refunded_units", BigInteger, nullable=False),
    Column("saved_units", BigInteger, nullable=False),  # what promotions took off: over zero says that it has `uses`
    # What cards and points pay of the total; the provider is asked for the rest. And how many of them there are.
    Column("tendered_units", BigInteger, nullable=False, server_default="0"),
    Column("tender_count", Integer, nullable=False, server_default="0"),
    Column("asset", Text, nullable=False),
    Column("payment_id", UUID, nullable=False),
    Column("provider", Text, nullable=False),
    Column("hold_id", UUID, nullable=False),
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("paid_at", DateTime(timezone=True)),
    CheckConstraint(f"state in {STATES}", name="state"),
    CheckConstraint("total_units >= 0", name="total"),
    CheckConstraint("saved_units >= 0", name="saved"),
    CheckConstraint(
        "tendered_units between 0 and total_units and tender_count >= 0 and (tendered_units = 0 or tender_count > 0)",
        name="tendered",
    ),
    CheckConstraint("refunded_units between 0 and total_units", name="refunded"),
    CheckConstraint("(paid_at is null) = (state in ('placed', 'cancelled', 'expired'))", name="paid"),
    CheckConstraint("(state = 'refunded') <= (refunded_units = total_units)", name="all_refunded"),
)
Index("orders_member_idx", orders.c.city_id, orders.c.member_id, orders.c.order_id.desc())
Index("orders_merchant_idx", orders.c.city_id, orders.c.merchant_id, orders.c.order_id.desc())
Index(
    "orders_sold_idx", orders.c.city_id, orders.c.merchant_id, orders.c.paid_at,
    postgresql_where=orders.c.paid_at.is_not(None),
)  # fmt: skip
# What cards and points left for a provider, by the day it was paid: the platform compares it with the provider's bills.
Index(
    "orders_through_idx", orders.c.city_id, orders.c.paid_at,
    postgresql_where=orders.c.paid_at.is_not(None) & (orders.c.total_units > orders.c.tendered_units),
)  # fmt: skip
Index("orders_unpaid_idx", orders.c.city_id, orders.c.expires_at, postgresql_where=orders.c.state == "placed")
# What ended or went back, for the merchant's list: an order enters it once, and never on its way to being paid.
Index(
    "orders_turned_idx", orders.c.city_id, orders.c.merchant_id, orders.c.order_id.desc(),
    postgresql_where=orders.c.state.in_(("part_refunded", "refunded", "cancelled", "expired")),
)  # fmt: skip

lines = city_table(
    "orders.lines",
    Column("line_id", UUID, primary_key=True),
    Column("order_id", UUID, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("offer_id", UUID, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("list_price", BigInteger, nullable=False),
    Column("total_units", BigInteger, nullable=False),
    # One entry for each unit: what was paid for it and what the merchant's side is due for it.
    Column("breakdown", JSONB, nullable=False),
    # What the scheme promised for this line: kind of right, uses, terms, stores.
    Column("promise", JSONB, nullable=False),
    ForeignKeyConstraint(["city_id", "order_id"], ["orders.orders.city_id", "orders.orders.order_id"]),
    UniqueConstraint("city_id", "order_id", "line_no"),
    CheckConstraint("quantity > 0 and total_units >= 0", name="amounts"),
)
Index("lines_offer_idx", lines.c.city_id, lines.c.offer_id)

changes = city_table(
    "orders.changes",
    Column("order_id", UUID, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by", UUID),  # null: the house itself
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(["city_id", "order_id"], ["orders.orders.city_id", "orders.orders.order_id"]),
    CheckConstraint(f"state in {STATES}", name="state"),
)

refunds = city_table(
    "orders.refunds",
    Column("refund_id", UUID, primary_key=True),
    Column("order_id", UUID, nullable=False),
    Column("payment_id", UUID, nullable=False),
    Column("provider", Text, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("voucher_ids", ARRAY(UUID), nullable=False),  # empty: the whole capture of an order that was too late
    Column("units", BigInteger, nullable=False),  # all that goes back to the buyer
    Column("tendered_units", BigInteger, nullable=False, server_default="0"),  # of it: to his cards and points
    Column("asset", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", UUID),
    Column("state", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["city_id", "order_id"], ["orders.orders.city_id", "orders.orders.order_id"]),
    CheckConstraint("state in ('asked', 'done', 'failed')", name="state"),
    CheckConstraint("(ended_at is null) = (state = 'asked')", name="ended"),
    CheckConstraint("units >= 0", name="units"),
    CheckConstraint("tendered_units between 0 and units", name="tendered"),
)
Index("refunds_order_idx", refunds.c.city_id, refunds.c.order_id)
Index("refunds_merchant_idx", refunds.c.city_id, refunds.c.merchant_id, refunds.c.asked_at)
# Captures that came too late, twice or in another amount; and what went back through a provider, each by its day.
Index(
    "refunds_odd_idx", refunds.c.city_id, refunds.c.asked_at,
    postgresql_where=refunds.c.reason.in_(("paid_late", "paid_twice", "wrong_amount")),
)  # fmt: skip
Index(
    "refunds_back_idx", refunds.c.city_id, refunds.c.ended_at,
    postgresql_where=(refunds.c.state == "done") & (refunds.c.units > refunds.c.tendered_units),
)  # fmt: skip

# What the staff writes to an order for one another: its buyer never sees it. With a reason it is why money went back.
notes = city_table(
    "orders.notes",
    Column("note_id", UUID, primary_key=True),
    Column("order_id", UUID, nullable=False),
    Column("by", UUID, nullable=False),
    Column("author", Text, nullable=False),  # carried, not joined: members live in other shards
    Column("words", Text, nullable=False),
    Column("refund_id", UUID),
    Column("why", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(["city_id", "order_id"], ["orders.orders.city_id", "orders.orders.order_id"]),
    ForeignKeyConstraint(["city_id", "refund_id"], ["orders.refunds.city_id", "orders.refunds.refund_id"]),
    UniqueConstraint("city_id", "refund_id", name="notes_refund_key"),
    CheckConstraint("length(words) <= 500", name="words"),
    CheckConstraint(f"why in {WHY}", name="why"),
    CheckConstraint("(refund_id is null) = (why is null)", name="refund"),
)
Index("notes_order_idx", notes.c.city_id, notes.c.order_id)

# How many units of an offer with a cap per member each member holds: locked while an order is decided.
bought = city_table(
    "orders.bought",
    Column("offer_id", UUID, primary_key=True),
    Column("member_id", UUID, primary_key=True),
    Column("units", Integer, nullable=False),
    CheckConstraint("units >= 0", name="units"),
)

# A deal that needs a minimum of buyers: how many paid units it has, when it tipped, how it ended.
tippings = city_table(
    "orders.tippings",
    Column("offer_id", UUID, primary_key=True),
    Column("min_units", Integer, nullable=False),
    Column("paid_units", Integer, nullable=False),
    Column("closes_at", DateTime(timezone=True), nullable=False),
    Column("tipped_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("outcome", Text),
    CheckConstraint("min_units > 1 and paid_units >= 0", name="units"),
    CheckConstraint("(closed_at is null) = (outcome is null)", name="closed"),
    CheckConstraint("outcome in ('tipped', 'failed')", name="outcome"),
    CheckConstraint("outcome <> 'tipped' or tipped_at is not null", name="tipped"),
)
Index("tippings_open_idx", tippings.c.city_id, tippings.c.closes_at, postgresql_where=tippings.c.closed_at.is_(None))

# What each promotion took off an order, who bears it, and the coupon that was brought for it.
uses = city_table(
    "orders.uses",
    Column("order_id", UUID, primary_key=True),
    Column("promotion_id", UUID, primary_key=True),
    Column("voucher_id", UUID),  # the coupon; null: it applied by itself
    Column("member_id", UUID, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("given_units", BigInteger, nullable=False),  # the part of it that refunds gave back to its payers
    Column("shares", JSONB, nullable=False),  # payer -> units
    Column("given", JSONB, nullable=False),  # payer -> units, of what came back to him
    Column("state", Text, nullable=False),
    Column("held_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["city_id", "order_id"], ["orders.orders.city_id", "orders.orders.order_id"]),
    CheckConstraint("state in ('held', 'used', 'released', 'returned')", name="state"),
    CheckConstraint("units > 0 and given_units between 0 and units", name="units"),
    CheckConstraint("(used_at is null) = (state in ('held', 'released'))", name="used"),
    CheckConstraint("(ended_at is null) = (state in ('held', 'used'))", name="ended"),
)
Index("uses_promotion_idx", uses.c.city_id, uses.c.promotion_id, uses.c.held_at)
# One coupon is on one live order.
Index(
    "uses_voucher_key", uses.c.city_id, uses.c.voucher_id, unique=True,
    postgresql_where=uses.c.state.in_(("held", "used")),
)  # fmt: skip

# What pays a part of an order besides the provider: a card (ref: its voucher) or points (ref: their programme).
tenders = city_table(
    "orders.tenders",
    Column("order_id", UUID, primary_key=True),
    Column("ref", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("issuer_id", UUID),  # of a card: the merchant it was sold for
    Column("units", BigInteger, nullable=False),  # what it pays of the price
    Column("due_units", BigInteger, nullable=False),  # the money behind it that the seller's escrow gets
    Column("points", BigInteger, nullable=False),
    Column("back_units", BigInteger, nullable=False),
    Column("back_due_units", BigInteger, nullable=False),
    Column("back_points", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("held_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["city_id", "order_id"], ["orders.orders.city_id", "orders.orders.order_id"]),
    CheckConstraint("kind in ('card', 'points')", name="kind"),
    CheckConstraint("state in ('held', 'used', 'released', 'returned')", name="state"),
    CheckConstraint("units >= 0 and due_units >= 0 and points >= 0 and units + due_units + points > 0", name="units"),
    CheckConstraint(
        "back_units between 0 and units and back_due_units between 0 and due_units "
        "and back_points between 0 and points",
        name="back",
    ),
    CheckConstraint("(used_at is null) = (state in ('held', 'released'))", name="used"),
    CheckConstraint("(ended_at is null) = (state in ('held', 'used'))", name="ended"),
    CheckConstraint("(kind = 'points') = (points > 0)", name="points"),
    CheckConstraint("kind <> 'card' or (issuer_id is not null and units > 0 and due_units <= units)", name="card"),
)
# One card pays one order in checkout at a time.
Index(
    "tenders_held_key", tenders.c.city_id, tenders.c.ref, unique=True,
    postgresql_where=(tenders.c.kind == "card") & (tenders.c.state == "held"),
)  # fmt: skip
