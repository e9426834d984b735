"""Reading the catalog: consumers see what is published and on sale, merchants and operators what their scope allows."""

from hutong.catalog.queries.browse import Narrow, category_counts, nearby, store_page, storefronts
from hutong.catalog.queries.find import search, suggest
from hutong.catalog.queries.map import map_cells
from hutong.catalog.queries.offers import (
    categories,
    count_waiting,
    counts_by_status,
    deeds,
    due_to_end,
    history,
    offers,
    offers_in_scope,
    price_history,
    waiting,
)
from hutong.catalog.queries.popular import hot_terms, tipping_offers

__all__ = [
    "Narrow",
    "categories",
    "category_counts",
    "count_waiting",
    "counts_by_status",
    "deeds",
    "due_to_end",
    "history",
    "hot_terms",
    "map_cells",
    "nearby",
    "offers",
    "offers_in_scope",
    "price_history",
    "search",
    "store_page",
    "storefronts",
    "suggest",
    "tipping_offers",
    "waiting",
]
