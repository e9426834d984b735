"""Tables of inventory. The equality of a quota is a CHECK: no statement can leave a unit behind."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Text,
)
from sqlalchemy.dialects.postgresql import UUID

from hutong.infra.tables import city_table

quotas = city_table(
    "inventory.quotas",
    Column("quota_id", UUID, primary_key=True),
    Column("label", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("sold", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("listed", Boolean, nullable=False),  # people wait for its units: what becomes free is theirs first
    CheckConstraint("total >= 0 and held >= 0 and sold >= 0 and remaining >= 0", name="range"),
    CheckConstraint("sold + held + remaining = total", name="equality"),
)

holds = city_table(
    "inventory.holds",
    Column("hold_id", UUID, primary_key=True),
    Column("ref", UUID, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("held_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("moved_to", UUID),  # the hold that took its units over
    CheckConstraint("state in ('held', 'confirmed', 'released', 'expired')", name="state"),
    CheckConstraint("(ended_at is null) = (state = 'held')", name="ended"),
    CheckConstraint("moved_to is null or (state = 'released' and moved_to <> hold_id)", name="moved"),
)
# The sweep reads what is due; the index stays small because ended holds leave it.
Index("holds_due_idx", holds.c.city_id, holds.c.expires_at, postgresql_where=holds.c.state == "held")

wants = city_table(
    "inventory.wants",
    Column("hold_id", UUID, primary_key=True),
    Column("quota_id", UUID, primary_key=True),
    Column("units", BigInteger, nullable=False),
    Column("units_returned", BigInteger, nullable=False),
    ForeignKeyConstraint(["city_id", "hold_id"], ["inventory.holds.city_id", "inventory.holds.hold_id"]),
    ForeignKeyConstraint(
        ["city_id", "quota_id"], ["inventory.quotas.city_id", "inventory.quotas.quota_id"], name="wants_quota_fkey"
    ),
    CheckConstraint("units > 0 and units_returned between 0 and units", name="units"),
)
Index("wants_quota_idx", wants.c.city_id, wants.c.quota_id)

returns = city_table(
    "inventory.returns",
    Column("ref", UUID, primary_key=True),
    Column("quota_id", UUID, primary_key=True),
    Column("hold_id", UUID, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["city_id", "hold_id", "quota_id"],
        ["inventory.wants.city_id", "inventory.wants.hold_id", "inventory.wants.quota_id"],
    ),
    CheckConstraint("units > 0", name="units"),
)
