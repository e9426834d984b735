"""Writing the catalog: categories, the life of offers, and what consumers read."""

from hutong.catalog.operations.categories import add_categories
from hutong.catalog.operations.drafts import draft, publish
from hutong.catalog.operations.index import index_offers, index_stores, refresh_stores
from hutong.catalog.operations.life import approve, end, reject, revise, submit, withdraw

__all__ = [
    "add_categories",
    "approve",
    "draft",
    "end",
    "index_offers",
    "index_stores",
    "publish",
    "refresh_stores",
    "reject",
    "revise",
    "submit",
    "withdraw",
]
