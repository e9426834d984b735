"""Rows as values."""

from typing import Any

from hutong.kit.text import Text
from hutong.reviews.model import Content, Photo, Rating, Review

_DIRECT = (
    "city_id", "review_id", "member_id", "author", "language", "merchant_id", "store_id", "offer_id", "line_id",
    "voucher_id", "redemption_id", "version", "state", "used_at", "written_at", "edited_at", "reply", "replied_at",
    "reply_version", "open_reports",
)  # fmt: skip


def as_content(row: dict[str, Any]) -> Content:
    """The content columns of a review or of a version."""
    photos = tuple(Photo(name, small) for name, small in zip(row["photos"], row["small"], strict=True))
    return Content(stars=row["stars"], tags=tuple(row["tags"]), words=row["words"], photos=photos)


def as_review(row: dict[str, Any]) -> Review:
    """A row of reviews.reviews."""
    return Review(**{name: row[name] for name in _DIRECT}, title=Text(**row["title"]), content=as_content(row))


def as_rating(row: dict[str, Any]) -> Rating:
    """A row of reviews.ratings."""
    return Rating((row["n1"], row["n2"], row["n3"], row["n4"], row["n5"]))
