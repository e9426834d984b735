"""Tables of groups: teams with their seats, ladders, bargains with their cuts and budgets."""

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
from sqlalchemy.dialects.postgresql import JSONB, UUID

from hutong.groups.model import LIVE_SEATS, SEAT_STATES, TEAM_STATES
from hutong.infra.tables import city_table


def _of(states: tuple[str, ...]) -> str:
    return f"state in ({', '.join(repr(state) for state in states)})"


teams = city_table(
    "groups.teams",
    Column("team_id", UUID, primary_key=True),
    Column("offer_id", UUID, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("opened_by", UUID, nullable=False),
    Column("size", Integer, nullable=False),
    Column("hours", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("closes_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("size between 2 and 100 and hours between 1 and 720", name="form"),
    CheckConstraint("held >= 0 and taken >= 0 and held + taken <= size", name="seats"),
    CheckConstraint(_of(TEAM_STATES), name="state"),
    CheckConstraint("state in ('forming', 'dropped') or closes_at is not null", name="closes"),
    CheckConstraint("(ended_at is null) = (state in ('forming', 'open'))", name="ended"),
    CheckConstraint("(state = 'clinched') = (taken = size)", name="clinched"),
    CheckConstraint("state in ('forming', 'open') or held = 0", name="nobody_waits"),
    CheckConstraint("state <> 'forming' or taken = 0", name="forming"),
)
Index("teams_open_idx", teams.c.city_id, teams.c.closes_at, teams.c.team_id, postgresql_where=teams.c.state == "open")
Index("teams_offer_idx", teams.c.city_id, teams.c.offer_id, teams.c.closes_at, postgresql_where=teams.c.state == "open")

seats = city_table(
    "groups.seats",
    Column("order_id", UUID, primary_key=True),
    Column("team_id", UUID, nullable=False),
    Column("offer_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("face", Text, nullable=False),  # the name as others may see it
    Column("state", Text, nullable=False),
    Column("held_at", DateTime(timezone=True), nullable=False),
    Column("taken_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["city_id", "team_id"], ["groups.teams.city_id", "groups.teams.team_id"]),
    CheckConstraint(_of(SEAT_STATES), name="state"),
    CheckConstraint(f"(ended_at is null) = ({_of(LIVE_SEATS)})", name="ended"),
    CheckConstraint("(taken_at is null) = (state in ('held', 'freed'))", name="taken"),
)
Index("seats_team_idx", seats.c.city_id, seats.c.team_id)
# One running team for each member and deal, also when two phones of one member ask at the same moment.
Index(
    "seats_running_key", seats.c.city_id, seats.c.offer_id, seats.c.member_id, unique=True,
    postgresql_where=seats.c.state.in_(LIVE_SEATS),
)  # fmt: skip
# Whose money is owed: the index is as long as the work that is left.
Index("seats_failed_idx", seats.c.city_id, seats.c.order_id, postgresql_where=seats.c.state == "failed")

# A price that falls with the number of units: how many are paid, at which price it ended.
ladders = city_table(
    "groups.ladders",
    Column("offer_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("first_units", BigInteger, nullable=False),  # the price of the first unit
    Column("tiers", JSONB, nullable=False),  # [{from_units, price_units}], as when the first unit was paid
    Column("paid_units", Integer, nullable=False),
    Column("low_units", BigInteger, nullable=False),  # the lowest price that was reached: what is reached stays
    Column("closes_at", DateTime(timezone=True), nullable=False),
    Column("final_units", BigInteger),  # what a unit costs when all is over
    Column("settled_at", DateTime(timezone=True)),
    CheckConstraint("paid_units >= 0 and first_units > 0", name="units"),
    CheckConstraint("(final_units is null) = (settled_at is null)", name="settled"),
    CheckConstraint("low_units between 1 and first_units and coalesce(final_units, low_units) = low_units", name="low"),
    CheckConstraint("jsonb_array_length(tiers) between 1 and 10", name="tiers"),
)
Index("ladders_open_idx", ladders.c.city_id, ladders.c.closes_at, postgresql_where=ladders.c.settled_at.is_(None))

# The units of a ladder that wait for its end: one row for each order.
climbs = city_table(
    "groups.climbs",
    Column("order_id", UUID, primary_key=True),
    Column("offer_id", UUID, nullable=False),
    Column("units", Integer, nullable=False),
    Column("price_units", BigInteger, nullable=False),  # what each unit cost when it was bought
    Column("paid_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["city_id", "offer_id"], ["groups.ladders.city_id", "groups.ladders.offer_id"]),
    CheckConstraint("units >= 0 and price_units > 0", name="units"),
)
Index(
    "climbs_waiting_idx", climbs.c.city_id, climbs.c.offer_id, climbs.c.order_id,
    postgresql_where=climbs.c.settled_at.is_(None),
)  # fmt: skip

bargains = city_table(
    "groups.bargains",
    Column("bargain_id", UUID, primary_key=True),
    Column("offer_id", UUID, nullable=False),
    Column("merchant_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("face", Text, nullable=False),
    Column("price_units", BigInteger, nullable=False),
    Column("floor_units", BigInteger, nullable=False),
    Column("cut_units", BigInteger, nullable=False),
    Column("helpers", Integer, nullable=False),
    Column("cuts", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("order_id", UUID),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closes_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    UniqueConstraint("city_id", "offer_id", "member_id", name="bargains_member_key"),
    UniqueConstraint("city_id", "order_id", name="bargains_order_key"),
    CheckConstraint("state in ('open', 'ordered', 'bought', 'over')", name="state"),
    CheckConstraint("(order_id is null) = (state in ('open', 'over'))", name="ordered"),
    CheckConstraint("(ended_at is null) = (state in ('open', 'ordered'))", name="ended"),
    CheckConstraint("floor_units > 0 and price_units - cut_units >= floor_units and cut_units >= 0", name="floor"),
    CheckConstraint("cuts between 0 and helpers and helpers between 1 and 100", name="helpers"),
    CheckConstraint("opened_at < closes_at", name="life"),
)
Index("bargains_open_idx", bargains.c.city_id, bargains.c.closes_at, postgresql_where=bargains.c.state == "open")

cuts = city_table(
    "groups.cuts",
    Column("bargain_id", UUID, primary_key=True),
    Column("member_id", UUID, primary_key=True),
    Column("offer_id", UUID, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("face", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(["city_id", "bargain_id"], ["groups.bargains.city_id", "groups.bargains.bargain_id"]),
    # A friend helps once for each offer, whoever asks: crowds of one account for everybody are of no use.
    UniqueConstraint("city_id", "offer_id", "member_id", name="cuts_helper_key"),
    UniqueConstraint("city_id", "bargain_id", "seq", name="cuts_seq_key"),
    CheckConstraint("units >= 0 and seq > 0", name="units"),
)

# What all bargains of an offer may cut together.
budgets = city_table(
    "groups.budgets",
    Column("offer_id", UUID, primary_key=True),
    Column("budget_units", BigInteger, nullable=False),
    Column("spent_units", BigInteger, nullable=False),
    CheckConstraint("spent_units between 0 and budget_units", name="spent"),
)
