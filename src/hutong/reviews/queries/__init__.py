"""Reads of reviews."""

from hutong.reviews.queries.find import (
    by_ids,
    of_lines,
    of_member,
    of_offer,
    of_store,
    offer_ratings,
    ratings,
    to_write,
    unreviewed,
    versions,
)
from hutong.reviews.queries.staff import (
    appeals_of,
    changes_of,
    for_staff,
    hidden,
    open_appeals,
    reported,
    reports_of,
    standing,
    waiting,
)

__all__ = [
    "appeals_of", "by_ids", "changes_of", "for_staff", "hidden", "of_lines", "of_member", "of_offer", "of_store",
    "offer_ratings", "open_appeals", "ratings", "reported", "reports_of", "standing", "to_write", "unreviewed",
    "versions", "waiting",
]  # fmt: skip
