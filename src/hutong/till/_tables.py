"""Tables of the till. Bills, their uses and discounts are facts and never change; an undo is a row of its own."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from hutong.infra.tables import city_table

bills = city_table(
    "till.bills",
    Column("bill_id", UUID, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("store_name", Text, nullable=False),
    Column("staff_id", UUID, nullable=False),
    Column("staff_name", Text, nullable=False),
    Column("member_id", UUID),  # null: a typed number that is nobody's
    Column("holder", Text, nullable=False),
    Column("way", Text, nullable=False),  # how the guest is known: what was shown, his code, a typed number
    Column("source", Text, nullable=False),
    Column("category", Text),
    Column("asset", Text, nullable=False),
    Column("amount_units", BigInteger, nullable=False),
    Column("discount_units", BigInteger, nullable=False),
    Column("card_units", BigInteger, nullable=False),
    Column("points_units", BigInteger, nullable=False),  # what points took off
    Column("collect_units", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("programme_id", UUID),
    Column("burn_id", UUID),  # of the programme's movements
    Column("at", DateTime(timezone=True), nullable=False),
    Column("bought_at", DateTime(timezone=True), nullable=False),  # earlier than `at` when a till was offline
    Column("undo_until", DateTime(timezone=True), nullable=False),
    UniqueConstraint("city_id", "merchant_id", "event_id", name="bills_event_key"),
    CheckConstraint(
        "amount_units > 0 and amount_units = discount_units + card_units + points_units + collect_units", name="sum"
    ),
    CheckConstraint(
        "discount_units >= 0 and card_units >= 0 and points_units >= 0 and collect_units >= 0", name="parts"
    ),
    CheckConstraint("length(event_id) between 1 and 200", name="event"),
    CheckConstraint("way in ('shown', 'code', 'phone') and (member_id is not null or way = 'phone')", name="way"),
    CheckConstraint("source in ('counter', 'till', 'upload')", name="source"),
    CheckConstraint(
        "points >= 0 and (points > 0) = (points_units > 0) and (points > 0) = (burn_id is not null)"
        " and (points = 0 or (way = 'code' and source <> 'upload' and programme_id is not null))",
        name="points",
    ),
    CheckConstraint("bought_at <= at", name="bought"),
)
Index("bills_staff_idx", bills.c.city_id, bills.c.merchant_id, bills.c.at)
Index("bills_store_idx", bills.c.city_id, bills.c.store_id, bills.c.at, bills.c.bill_id)
Index("bills_member_idx", bills.c.city_id, bills.c.member_id, bills.c.at, bills.c.bill_id)

# The numbers of tills, each claimed before its bill or its void is written: whichever comes second sees the first.
events = city_table(
    "till.events",
    Column("merchant_id", UUID, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("length(event_id) between 1 and 200", name="event"),
)

# A till's word that a bill is void. It may come before the bill: then the bill is never settled.
voids = city_table(
    "till.voids",
    Column("merchant_id", UUID, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("store_id", UUID, nullable=False),
    Column("by", UUID, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["city_id", "merchant_id", "event_id"],
        ["till.events.city_id", "till.events.merchant_id", "till.events.event_id"],
    ),
)

_TO_BILL = (["city_id", "bill_id"], ["till.bills.city_id", "till.bills.bill_id"])

uses = city_table(
    "till.uses",
    Column("bill_id", UUID, primary_key=True),
    Column("redemption_id", UUID, primary_key=True),
    Column("voucher_id", UUID, nullable=False),
    Column("offer_id", UUID, nullable=False),
    Column("role", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("code_tail", Text, nullable=False),
    Column("units", BigInteger, nullable=False),  # what it took off or paid
    Column("count", Integer, nullable=False),
    Column("uses_left", Integer, nullable=False),
    ForeignKeyConstraint(*_TO_BILL),
    UniqueConstraint("city_id", "redemption_id", name="uses_redemption_key"),
    UniqueConstraint("city_id", "bill_id", "voucher_id", name="uses_voucher_key"),
    CheckConstraint("role in ('coupon', 'card', 'pass', 'stamp')", name="role"),
    CheckConstraint("units >= 0 and count >= 1 and (role <> 'card' or units = count)", name="units"),
)
# One stamp from a bill, whatever is shown.
Index("uses_stamp_key", uses.c.city_id, uses.c.bill_id, unique=True, postgresql_where=uses.c.role == "stamp")
Index("uses_of_voucher_idx", uses.c.city_id, uses.c.voucher_id)

discounts = city_table(
    "till.discounts",
    Column("bill_id", UUID, primary_key=True),
    Column("promotion_id", UUID, primary_key=True),
    Column("redemption_id", UUID, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("shares", JSONB, nullable=False),  # [[payer, units]]
    Column("budgeted", Boolean, nullable=False),  # a promotion with budgets; a card's own tier has none
    ForeignKeyConstraint(
        ["city_id", "bill_id", "redemption_id"],
        ["till.uses.city_id", "till.uses.bill_id", "till.uses.redemption_id"],
    ),
    CheckConstraint("units > 0", name="units"),
)

undos = city_table(
    "till.undos",
    Column("bill_id", UUID, primary_key=True),
    Column("by", UUID, nullable=False),
    Column("reason", Text, nullable=False),
    Column("manager", Boolean, nullable=False),
    Column("points_back", BigInteger, nullable=False),  # to the guest's lots
    Column("clawed", BigInteger, nullable=False),  # of what the bill had given
    Column("debt", BigInteger, nullable=False),  # the part of it that was spent already
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(*_TO_BILL),
    CheckConstraint("points_back >= 0 and clawed >= 0 and debt between 0 and clawed", name="points"),
)

# What a bill gave in points, or why it gave none. One for each bill, written when its money is there.
earns = city_table(
    "till.earns",
    Column("bill_id", UUID, primary_key=True),
    Column("movement_id", UUID, nullable=False),
    Column("programme_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("amount_units", BigInteger, nullable=False),  # what the guest paid
    Column("base", BigInteger, nullable=False),
    Column("bonus", BigInteger, nullable=False),
    Column("campaign", BigInteger, nullable=False),
    Column("matures_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("rule", Text, nullable=False),
    Column("why", Text),  # the code of what the programme refused
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(*_TO_BILL),
    CheckConstraint("amount_units >= 0 and base >= 0 and bonus >= 0 and campaign >= 0", name="parts"),
    CheckConstraint("why is null or base + bonus + campaign = 0", name="why"),
)

# A bill whose rest is paid by the guest's phone, through a provider and to us.
pays = city_table(
    "till.pays",
    Column("bill_id", UUID, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),  # how many payments were opened for it
    Column("payment_id", UUID, nullable=False),  # the latest of them; the one that was paid, once it is
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(*_TO_BILL),
    CheckConstraint(
        "state in ('open', 'paid', 'cash', 'void', 'refunding', 'refunded', 'refund_failed')", name="state"
    ),
    CheckConstraint("units > 0 and tries >= 1", name="range"),
)

# Blocks of money for points that a merchant buys in advance.
blocks = city_table(
    "till.blocks",
    Column("block_id", UUID, primary_key=True),
    Column("programme_id", UUID, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("asset", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("provider", Text),  # null: out of what the merchant has earned
    Column("payment_id", UUID),
    Column("state", Text, nullable=False),
    Column("by", UUID, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("paid_at", DateTime(timezone=True)),
    CheckConstraint("state in ('open', 'paid')", name="state"),
    CheckConstraint("units > 0 and (state = 'paid') = (paid_at is not null)", name="paid"),
    CheckConstraint(
        "(provider is null) = (payment_id is null) and (provider is not null or state = 'paid')", name="way"
    ),
)
Index("blocks_merchant_idx", blocks.c.city_id, blocks.c.merchant_id, blocks.c.asked_at)
