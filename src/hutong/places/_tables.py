"""Tables of places: reference tables, on every node."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from hutong.infra.tables import other_table

cities = other_table(
    "places.cities",
    Column("city_id", Integer, primary_key=True, autoincrement=False),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", JSONB, nullable=False),
    Column("pinyin", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("languages", ARRAY(Text), nullable=False),
    Column("centre_lat", Double, nullable=False),
    Column("centre_lon", Double, nullable=False),
    Column("boundary", JSONB, nullable=False),
    Column("south", Double),
    Column("west", Double),
    Column("north", Double),
    Column("east", Double),
    Column("opened_at", DateTime(timezone=True)),
    CheckConstraint("city_id > 0", "city_id"),
    CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", "slug"),
    CheckConstraint("name ? 'zh' and name ? 'en'", "name"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", "currency"),
    CheckConstraint("cardinality(languages) > 0", "languages"),
    CheckConstraint("centre_lat between -90 and 90 and centre_lon between -180 and 180", "centre"),
    CheckConstraint("jsonb_typeof(boundary) = 'array' and jsonb_array_length(boundary) not in (1, 2)", "boundary"),
    CheckConstraint("num_nulls(south, west, north, east) in (0, 4)", "box"),
)

districts = other_table(
    "places.districts",
    Column("city_id", Integer, primary_key=True, autoincrement=False),
    Column("district_id", Integer, primary_key=True, autoincrement=False),
    Column("slug", Text, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("pinyin", Text, nullable=False),
    Column("centre_lat", Double, nullable=False),
    Column("centre_lon", Double, nullable=False),
    UniqueConstraint("city_id", "slug", name="districts_city_id_slug_key"),
    ForeignKeyConstraint(["city_id"], ["places.cities.city_id"]),
    CheckConstraint("district_id > 0", "district_id"),
    CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", "slug"),
    CheckConstraint("name ? 'zh' and name ? 'en'", "name"),
    CheckConstraint("centre_lat between -90 and 90 and centre_lon between -180 and 180", "centre"),
)

landmarks = other_table(
    "places.landmarks",
    Column("city_id", Integer, primary_key=True, autoincrement=False),
    Column("slug", Text, primary_key=True),
    Column("name", JSONB, nullable=False),
    Column("lat", Double, nullable=False),
    Column("lon", Double, nullable=False),
    ForeignKeyConstraint(["city_id"], ["places.cities.city_id"]),
    CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", "slug"),
    CheckConstraint("name ? 'zh' and name ? 'en'", "name"),
    CheckConstraint("lat between -90 and 90 and lon between -180 and 180", "place"),
)
