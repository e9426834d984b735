"""Tables of the catalog: offers with their histories (the truth), and what consumers read (made from it).

`storefronts`, `listings` and `search_docs` can be rebuilt at any time by `index_stores` and `index_offers`.
"""

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, TSVECTOR, UUID, ExcludeConstraint

from hutong.infra.tables import Cube, city_table, other_table

TWO_LANGUAGES = "{0} ? 'zh' and {0} ? 'en'"

categories = other_table(
    "catalog.categories",
    Column("slug", Text, primary_key=True),
    Column("parent", Text),
    Column("name", JSONB, nullable=False),
    Column("icon", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("spelling", Text, nullable=False),
    ForeignKeyConstraint(["parent"], ["catalog.categories.slug"]),
    CheckConstraint("slug ~ '^[a-z0-9]+([-_][a-z0-9]+)*$'", "slug"),
    CheckConstraint("parent <> slug", "parent"),
    CheckConstraint(TWO_LANGUAGES.format("name"), "name"),
)

offers = city_table(
    "catalog.offers",
    Column("offer_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("trade", Text),
    Column("title", JSONB, nullable=False),
    Column("summary", JSONB, nullable=False),
    Column("included", JSONB, nullable=False),
    Column("excluded", JSONB, nullable=False),
    Column("price_units", BigInteger, nullable=False),
    Column("list_units", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("terms", JSONB, nullable=False),
    Column("form", JSONB, nullable=False),
    Column("quota_id", UUID),
    Column("min_units", Integer, nullable=False),
    Column("per_order_max", Integer, nullable=False),
    Column("sale_from", DateTime(timezone=True), nullable=False),
    Column("sale_to", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("copied_from", UUID),
    ForeignKeyConstraint(["city_id"], ["places.cities.city_id"]),
    ForeignKeyConstraint(["merchant_id"], ["merchants.merchants.merchant_id"]),
    # A copy is a copy of an offer of the same merchant.
    ForeignKeyConstraint(
        ["city_id", "copied_from", "merchant_id"],
        ["catalog.offers.city_id", "catalog.offers.offer_id", "catalog.offers.merchant_id"],
        name="offers_copied_from_fkey",
    ),
    ForeignKeyConstraint(["category"], ["catalog.categories.slug"]),
    UniqueConstraint("city_id", "offer_id", "merchant_id", name="offers_city_id_offer_id_merchant_id_key"),
    CheckConstraint(TWO_LANGUAGES.format("title"), "title"),
    CheckConstraint(TWO_LANGUAGES.format("summary"), "summary"),
    CheckConstraint("jsonb_typeof(included) = 'array' and jsonb_typeof(excluded) = 'array'", "lists"),
    CheckConstraint("0 <= price_units and price_units <= list_units", "price"),
    CheckConstraint("form ? 'form'", "form"),
    CheckConstraint("min_units >= 1 and per_order_max between 1 and 10000", "units"),
    CheckConstraint("sale_from < sale_to", "sale"),
    CheckConstraint("status in ('draft', 'in_review', 'published', 'paused', 'rejected', 'ended')", "status"),
    CheckConstraint("version >= 1", "version"),
    CheckConstraint("status not in ('published', 'paused') or published_at is not null", "published_at"),
    CheckConstraint("(status = 'ended') = (ended_at is not null)", "ended_at"),
)
Index("offers_merchant_idx", offers.c.city_id, offers.c.merchant_id, offers.c.offer_id)
# What waits for review, and what may still be sold by its end: small parts of a table that only grows.
Index("offers_review_idx", offers.c.city_id, offers.c.offer_id, postgresql_where=text("status = 'in_review'"))
Index(
    "offers_tipping_idx",
    offers.c.city_id,
    offers.c.sale_to,
    offers.c.offer_id,
    postgresql_where=text("status = 'published' and min_units > 1"),
)
Index(
    "offers_selling_idx",
    offers.c.city_id,
    offers.c.sale_to,
    postgresql_where=text("status in ('published', 'paused')"),
)

# Flash sales are few, and the home page asks for them at each turn.
Index(
    "offers_flash_idx",
    offers.c.city_id,
    offers.c.sale_to,
    postgresql_where=text("status = 'published' and form ->> 'form' = 'flash'"),
)

# What may be claimed: coupons are few, and no other list shows them.
Index(
    "offers_coupons_idx",
    offers.c.city_id,
    offers.c.merchant_id,
    offers.c.offer_id,
    postgresql_where=text("scheme = 'coupons' and status = 'published'"),
)

# The merchant is here so that two foreign keys prove: the store is a store of the offer's merchant.
offer_stores = city_table(
    "catalog.offer_stores",
    Column("offer_id", UUID, primary_key=True),
    Column("store_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "offer_id", "merchant_id"],
        ["catalog.offers.city_id", "catalog.offers.offer_id", "catalog.offers.merchant_id"],
        name="offer_stores_offer_id_fkey",
    ),
    ForeignKeyConstraint(
        ["city_id", "store_id", "merchant_id"],
        ["merchants.stores.city_id", "merchants.stores.store_id", "merchants.stores.merchant_id"],
        name="offer_stores_store_id_fkey",
    ),
)
Index("offer_stores_store_idx", offer_stores.c.city_id, offer_stores.c.store_id, offer_stores.c.offer_id)

offer_changes = city_table(
    "catalog.offer_changes",
    Column("offer_id", UUID, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("what", Text, nullable=False),
    Column("by", UUID),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "offer_id"],
        ["catalog.offers.city_id", "catalog.offers.offer_id"],
        name="offer_changes_offer_id_fkey",
    ),
    CheckConstraint("version >= 1", "version"),
)

# At which price the offer stood on the shelf, and when. Drafts have no price period: nobody could pay it.
offer_prices = city_table(
    "catalog.offer_prices",
    Column("offer_id", UUID, primary_key=True),
    Column("valid_from", DateTime(timezone=True), primary_key=True),
    Column("valid_to", DateTime(timezone=True)),
    Column("price_units", BigInteger, nullable=False),
    Column("list_units", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    ForeignKeyConstraint(
        ["city_id", "offer_id"],
        ["catalog.offers.city_id", "catalog.offers.offer_id"],
        name="offer_prices_offer_id_fkey",
    ),
    CheckConstraint("valid_to is null or valid_from < valid_to", "period"),
    CheckConstraint("0 <= price_units and price_units <= list_units", "price"),
    ExcludeConstraint(
        ("city_id", "="),
        ("offer_id", "="),
        (text("tstzrange(valid_from, valid_to)"), "&&"),
        name="offer_prices_one_at_a_time_excl",
    ),
)

storefronts = city_table(
    "catalog.storefronts",
    Column("store_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("merchant_name", JSONB, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("address", JSONB, nullable=False),
    Column("category", Text, nullable=False),
    Column("district_id", Integer),
    Column("lat", Double, nullable=False),
    Column("lon", Double, nullable=False),
    Column("at", Cube, nullable=False),
    Column("hours", JSONB),
    Column("cover", Text, nullable=False),
    Column("visible", Boolean, nullable=False),
    Column("indexed_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["city_id", "store_id", "merchant_id"],
        ["merchants.stores.city_id", "merchants.stores.store_id", "merchants.stores.merchant_id"],
        name="storefronts_store_id_fkey",
    ),
)

# A visible store under every category in which it has a published offer, under the ancestors of those, and under
# '' (all). Nearest first within one category is then one walk of one index, however rare the category.
listings = city_table(
    "catalog.listings",
    Column("category", Text, primary_key=True),
    Column("store_id", UUID, primary_key=True),
    Column("district_id", Integer),
    Column("at", Cube, nullable=False),
    Column("price_units", BigInteger, nullable=False),
    Column("newest_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["city_id", "store_id"],
        ["catalog.storefronts.city_id", "catalog.storefronts.store_id"],
        name="listings_store_id_fkey",
    ),
)
Index("listings_near_idx", listings.c.city_id, listings.c.category, listings.c.at, postgresql_using="gist")
Index("listings_price_idx", listings.c.city_id, listings.c.category, listings.c.price_units, listings.c.store_id)
Index("listings_new_idx", listings.c.city_id, listings.c.category, listings.c.newest_at, listings.c.store_id)
Index("listings_store_idx", listings.c.city_id, listings.c.store_id)

search_docs = city_table(
    "catalog.search_docs",
    Column("kind", Text, primary_key=True),
    Column("doc_id", UUID, primary_key=True),
    Column("merchant_id", UUID, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("names", ARRAY(Text), nullable=False),
    Column("words", TSVECTOR, nullable=False),  # what is ranked
    Column("marks", TSVECTOR, nullable=False, server_default=text("''")),  # what is indexed; lies beside the row
    Column("latin", Text, nullable=False),
    Column("boost", REAL, nullable=False),
    # When it is on sale (a store: always), in which visible stores, and where they are, so that a search looks up
    # nothing for what it does not show.
    Column("sale", TSTZRANGE, nullable=False, server_default=text("'(,)'")),
    Column("store_ids", ARRAY(UUID), nullable=False, server_default=text("'{}'")),
    Column("places", ARRAY(Cube), nullable=False, server_default=text("'{}'")),
    ForeignKeyConstraint(["merchant_id"], ["merchants.merchants.merchant_id"]),
    CheckConstraint("kind in ('store', 'offer')", "kind"),
    CheckConstraint("cardinality(store_ids) = cardinality(places)", "places"),
)
# The lexemes carry their city ("1.火锅"), so a posting list holds one city's rows although GIN has no city column.
# What was written last waits in a list that each ring of a search reads whole: it is kept short.
SHORT = {"gin_pending_list_limit": "256"}
Index("search_docs_marks_idx", search_docs.c.marks, postgresql_using="gin", postgresql_with=SHORT)
# Each word together with the square of 1.7 km in which it stands (catalog/cells.py), and squares of 3.5 km and finer:
# the same marks as `catalog.near_marks` spreads them, so no row holds them.
Index(
    "search_docs_near_idx", text("catalog.near_marks(marks)"), postgresql_using="gin", postgresql_with=SHORT,
    _table=search_docs,
)  # fmt: skip
Index(
    "search_docs_latin_idx",
    search_docs.c.latin,
    postgresql_using="gin",
    postgresql_ops={"latin": "gin_trgm_ops"},
)

# How many stores are listed under each category ('' for all): as many as `listings` has, counted when they change,
# because a page that names them cannot count a city.
shelf_counts = city_table(
    "catalog.shelf_counts",
    Column("category", Text, primary_key=True),
    Column("stores", Integer, nullable=False),
    ForeignKeyConstraint(["city_id"], ["places.cities.city_id"]),
    CheckConstraint("stores >= 0", "stores"),
)

# What people searched for and found, by the day of the city: how many of them, never who. A term is kept only in the
# shape of `terms.term_of`: short, without numbers, so that no phone number or address rests here.
searches = city_table(
    "catalog.searches",
    Column("day", Date, primary_key=True),
    Column("term", Text, primary_key=True),
    Column("visitors", Integer, nullable=False),
    ForeignKeyConstraint(["city_id"], ["places.cities.city_id"]),
    CheckConstraint("visitors >= 1", "visitors"),
    CheckConstraint("length(term) between 2 and 20 and term !~ '[0-9]{3}'", "term"),
)
