"""Reading the catalog: consumers see what is published and on sale, merchants and operators what their scope allows."""

from hutong.catalog.queries.browse import category_counts, nearby, store_page, storefronts
from hutong.catalog.queries.find import search, suggest
from hutong.catalog.queries.offers import (
    categories,
    due_to_end,
    history,
    offers,
    offers_in_scope,
    price_history,
)

__all__ = [
    "categories",
    "category_counts",
    "due_to_end",
    "history",
    "nearby",
    "offers",
    "offers_in_scope",
    "price_history",
    "search",
    "store_page",
    "storefronts",
    "suggest",
]
