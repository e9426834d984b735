"""Writing the catalog: categories, the life of offers, and what consumers read."""

from hutong.catalog.operations.categories import add_categories
from hutong.catalog.operations.drafts import draft, publish
from hutong.catalog.operations.index import index_offers, index_stores, refresh_stores
from hutong.catalog.operations.life import approve, end, pause, reject, resume, revise, submit, withdraw
from hutong.catalog.operations.searches import count_searches, forget_searches

__all__ = [
    "add_categories",
    "approve",
    "count_searches",
    "draft",
    "end",
    "forget_searches",
    "index_offers",
    "index_stores",
    "pause",
    "publish",
    "refresh_stores",
    "reject",
    "resume",
    "revise",
    "submit",
    "withdraw",
]
