"""Tables of insight: what is read again and again about visits, and what managers said and were told."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Text,
)
from sqlalchemy.dialects.postgresql import UUID

from hutong.infra.tables import city_table

# A read model: each row is a redemption as its owners know it, and can be made again from them (operations/feed.py).
visits = city_table(
    "insight.visits",
    Column("redemption_id", UUID, primary_key=True),
    Column("voucher_id", UUID, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("offer_id", UUID, nullable=False),
    Column("trade", Text),
    Column("day", Date, nullable=False),  # the city's
    Column("at", DateTime(timezone=True), nullable=False),
    Column("bought_at", DateTime(timezone=True), nullable=False),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("valid_to", DateTime(timezone=True), nullable=False),
    Column("count", Integer, nullable=False),
    Column("full_price", Boolean, nullable=False),
    Column("own", Boolean, nullable=False),  # held by somebody of the merchant's staff: money, but no guest
    Column("asset", Text, nullable=False),
    Column("list_units", BigInteger, nullable=False),
    Column("price_units", BigInteger, nullable=False),
    Column("paid_units", BigInteger, nullable=False),
    Column("due_units", BigInteger, nullable=False),
    Column("commission_units", BigInteger, nullable=False),
    Column("merchant_units", BigInteger, nullable=False),
    Column("undone_at", DateTime(timezone=True)),
    CheckConstraint("count > 0", name="count"),
    CheckConstraint("due_units = commission_units + merchant_units", name="sum"),
    CheckConstraint("least(list_units, price_units, paid_units, due_units, commission_units) >= 0", name="units"),
    CheckConstraint("undone_at >= at", name="undone"),
)
Index("visits_guest_idx", visits.c.city_id, visits.c.merchant_id, visits.c.member_id, visits.c.day)
Index("visits_own_idx", visits.c.city_id, visits.c.day, postgresql_where=visits.c.own)
Index("visits_at_idx", visits.c.city_id, visits.c.at, visits.c.redemption_id)
Index("visits_offer_idx", visits.c.city_id, visits.c.offer_id)
Index("visits_store_idx", visits.c.city_id, visits.c.store_id, visits.c.day)
Index("visits_trade_idx", visits.c.city_id, visits.c.trade, visits.c.day)

# What a merchant said of a deal; each change is a row, the newest counts.
plans = city_table(
    "insight.plans",
    Column("offer_id", UUID, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("cost_units", BigInteger),
    Column("expected_bps", Integer),
    Column("by", UUID, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("seq >= 1 and cost_units >= 0", name="cost"),
    CheckConstraint("expected_bps between 0 and 10000", name="expected"),
)

# The verdicts of the last round, so that a city's list can begin with the worst; figures are read anew where shown.
sheets = city_table(
    "insight.sheets",
    Column("offer_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("guests", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("known", Integer, nullable=False),
    Column("back", Integer, nullable=False),
    Column("days", SmallInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("new between 0 and guests and known between 0 and new and back between 0 and known", name="guests"),
)
Index("sheets_rank_idx", sheets.c.city_id, sheets.c.rank, sheets.c.offer_id)

capacities = city_table(
    "insight.capacities",
    Column("store_id", UUID, primary_key=True),
    Column("weekday", SmallInteger, primary_key=True),  # Monday is 0
    Column("merchant_id", UUID, nullable=False),
    Column("guests", Integer, nullable=False),
    Column("by", UUID, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("weekday between 0 and 6 and guests between 0 and 100000", name="guests"),
)

# One alert a merchant: the first day on which more may come than can be served. It ends when a later round finds none.
alerts = city_table(
    "insight.alerts",
    Column("merchant_id", UUID, primary_key=True),
    Column("level", SmallInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("excess", Integer, nullable=False),
    Column("outstanding", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("level between 1 and 3 and excess >= 0 and outstanding > 0", name="level"),
)

nudges = city_table(
    "insight.nudges",
    Column("nudge_id", UUID, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("offer_id", UUID, nullable=False),
    Column("voucher_id", UUID, nullable=False),
    Column("day", Date, nullable=False),  # on which he is asked to come: a quiet one
    Column("by", UUID, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("told_at", DateTime(timezone=True)),
    CheckConstraint("told_at >= due_at", name="told"),
)
Index("nudges_member_idx", nudges.c.city_id, nudges.c.member_id, nudges.c.due_at)
Index("nudges_due_idx", nudges.c.city_id, nudges.c.due_at, postgresql_where=nudges.c.told_at.is_(None))

# A read model, too: every way in which a member came to a merchant, as far as repeat business needs it. A use of a
# right comes from `visits`; a bill brings what neither a right nor a discount paid; a purchase was made elsewhere.
comings = city_table(
    "insight.comings",
    Column("coming_id", UUID, primary_key=True),  # of the redemption, the bill, the purchase
    Column("kind", Text, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("offer_id", UUID),
    Column("day", Date, nullable=False),  # the city's
    Column("at", DateTime(timezone=True), nullable=False),
    Column("bought_at", DateTime(timezone=True), nullable=False),
    Column("asset", Text, nullable=False),
    Column("units", BigInteger, nullable=False),  # what the merchant's side got for it, before commission
    Column("own", Boolean, nullable=False),
    Column("undone_at", DateTime(timezone=True)),
    CheckConstraint("kind in ('redemption', 'bill', 'purchase')", name="kind"),
    CheckConstraint("(kind = 'redemption') = (offer_id is not null)", name="offer"),
    CheckConstraint("units >= 0", name="units"),
    CheckConstraint("undone_at >= at", name="undone"),
)
# No index by day alone: before the table is analysed, the planner would walk through it for a member's next day.
_STANDS = comings.c.undone_at.is_(None) & ~comings.c.own
Index(
    "comings_guest_idx", comings.c.city_id, comings.c.merchant_id, comings.c.member_id, comings.c.day,
    postgresql_include=["at", "units", "kind", "asset"], postgresql_where=_STANDS,
)  # fmt: skip
Index(
    "comings_member_idx", comings.c.city_id, comings.c.member_id, comings.c.day, comings.c.at, comings.c.merchant_id,
    postgresql_include=["units", "asset"], postgresql_where=_STANDS,
)  # fmt: skip
