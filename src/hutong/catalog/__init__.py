"""The catalog: offers from draft to end, and how people find them."""

from hutong.catalog.model import (
    Category,
    Change,
    Draft,
    Offer,
    OfferBrief,
    Page,
    PricePeriod,
    Revise,
    Sort,
    Status,
    Step,
    StoreCard,
    StoreDoc,
    StorePage,
    Suggestion,
)
from hutong.catalog.operations import (
    add_categories,
    approve,
    draft,
    end,
    index_offers,
    index_stores,
    publish,
    refresh_stores,
    reject,
    revise,
    submit,
    withdraw,
)
from hutong.catalog.queries import (
    categories,
    category_counts,
    due_to_end,
    history,
    nearby,
    offers,
    offers_in_scope,
    price_history,
    search,
    store_page,
    storefronts,
    suggest,
)
from hutong.catalog.refusals import (
    BadPrice,
    BadTerms,
    NeedsReview,
    NotOnSale,
    OfferChanged,
    OfferNotFound,
    SaleNotStarted,
    SaleOver,
    StoreOfAnother,
    TooManyPerOrder,
    WrongStatus,
)
from hutong.catalog.rules import why_not_on_sale

__all__ = [
    "BadPrice", "BadTerms", "Category", "Change", "Draft", "NeedsReview", "NotOnSale", "Offer", "OfferBrief",
    "OfferChanged", "OfferNotFound", "Page", "PricePeriod", "Revise", "SaleNotStarted", "SaleOver", "Sort", "Status",
    "Step", "StoreCard", "StoreDoc", "StoreOfAnother", "StorePage", "Suggestion", "TooManyPerOrder", "WrongStatus",
    "add_categories", "approve", "categories", "category_counts", "draft", "due_to_end", "end", "history",
    "index_offers", "index_stores", "nearby", "offers", "offers_in_scope", "price_history", "publish",
    "refresh_stores", "reject", "revise", "search", "store_page", "storefronts", "submit", "suggest",
    "why_not_on_sale", "withdraw",
]  # fmt: skip
