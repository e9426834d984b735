"""Reading the catalog: consumers see what is published and on sale, merchants and operators what their scope allows."""

from hutong.catalog.queries.browse import Narrow, category_counts, nearby, store_page, storefronts
from hutong.catalog.queries.coupons import cards_for_many, coupons_on_offer, rewards_of
from hutong.catalog.queries.find import search, suggest
from hutong.catalog.queries.gifts import gifts_on_offer
from hutong.catalog.queries.map import map_cells
from hutong.catalog.queries.offers import (
    categories,
    count_waiting,
    counts_by_status,
    deeds,
    due_to_end,
    history,
    marks,
    offers,
    offers_in_scope,
    price_histories,
    price_history,
    waiting,
)
from hutong.catalog.queries.popular import flash_slots, hot_terms, tipping_offers

__all__ = [
    "Narrow",
    "cards_for_many",
    "categories",
    "category_counts",
    "count_waiting",
    "counts_by_status",
    "coupons_on_offer",
    "deeds",
    "due_to_end",
    "flash_slots",
    "gifts_on_offer",
    "history",
    "hot_terms",
    "map_cells",
    "marks",
    "nearby",
    "offers",
    "offers_in_scope",
    "price_histories",
    "price_history",
    "rewards_of",
    "search",
    "store_page",
    "storefronts",
    "suggest",
    "tipping_offers",
    "waiting",
]
