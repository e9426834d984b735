"""The two families of tables: a statement is written for the books of one city and read for keyed books as well."""

from collections.abc import Collection
from functools import cache
from typing import Any, Literal
from uuid import UUID

from hutong.infra.sql import load
from hutong.ledger.values import Book

Family = Literal["city", "book"]

# Members before the city, so that every transaction locks in the same order and the hot rows last.
FAMILIES: tuple[Family, ...] = ("book", "city")

_KEYED = (
    ("ledger.city_", "ledger.book_"),
    ("city_id = %(city)s", "book_id = any(%(books)s::uuid[])"),
    ("city_id", "book_id"),
    ("::int[]", "::uuid[]"),
)


def family_of(book: Book) -> Family:
    """A city's book has tables of its own; members' and programmes' books share the other family (decision 0006)."""
    return "city" if book.kind == "city" else "book"


@cache
def statement(family: Family, name: str) -> str:
    """The statement `<name>.sql` for one of the two families; `::int[]` in it marks the keys of books."""
    text = load("hutong.ledger", name)
    if family == "book":
        for here, there in _KEYED:
            text = text.replace(here, there)
    return text


def scope(family: Family, books: Collection[Book]) -> dict[str, Any]:
    """The parameters that name the books: one city, or a set of keyed books."""
    keys = {book.key for book in books}
    if family == "book":
        return {"books": sorted(key for key in keys if isinstance(key, UUID))}
    if len(keys) > 1:
        raise ValueError("one transaction, one city")
    return {"city": keys.pop()}
