"""Tables of new stores: asked for by a merchant who is in, let in by who runs the district. Part of `_tables`."""

from sqlalchemy import (
    UUID,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from hutong.infra.tables import city_table

AT = DateTime(timezone=True)
STATES = "state in ('waiting', 'returned', 'withdrawn', 'open')"

new_stores = city_table(
    "recruiting.new_stores",
    Column("new_store_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("store_id", UUID, nullable=False),
    Column("district_id", Integer, nullable=False),
    Column("asked_by", UUID, nullable=False),
    Column("said", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("made_at", AT, nullable=False),
    Column("changed_at", AT, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "district_id"],
        ["places.districts.city_id", "places.districts.district_id"],
        name="new_stores_district_id_fkey",
    ),
    UniqueConstraint("city_id", "store_id", name="new_stores_store_key"),
    CheckConstraint(STATES, "state"),
    CheckConstraint("version > 0", "version"),
)
Index("new_stores_queue_idx", new_stores.c.city_id, new_stores.c.state, new_stores.c.changed_at)
Index("new_stores_merchant_idx", new_stores.c.city_id, new_stores.c.merchant_id, new_stores.c.made_at)

# Every step: its version is the key, so nothing is decided twice. Nobody lets in what he asked for himself.
new_store_steps = city_table(
    "recruiting.new_store_steps",
    Column("new_store_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("by", UUID, nullable=False),
    Column("asked_by", UUID, nullable=False),
    Column("at", AT, nullable=False),
    Column("reason", Text, nullable=False),
    Column("said", JSONB, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "new_store_id"],
        ["recruiting.new_stores.city_id", "recruiting.new_stores.new_store_id"],
        name="new_store_steps_new_store_fkey",
    ),
    CheckConstraint(STATES, "state"),
    CheckConstraint("state <> 'returned' or char_length(reason) between 1 and 400", "reason"),
    CheckConstraint("state <> 'open' or by <> asked_by", "four_eyes"),
)
