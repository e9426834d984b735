"""What can be searched of a store and of an offer: which words, how heavy, in which spellings. Pure.

`words` are ranked, with their places and weights. A: names. B: names as they are spelt. C: category, district,
merchant. D: what is written about it. `marks` are indexed and never read: the same words, beginnings of all that is not
Chinese, its exact names, and the squares of the map in which it is. A document says itself when it is on sale and in
which stores, so that a search looks up nothing for what it does not show.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.catalog.cells import named, squares_of
from hutong.catalog.model import Offer, StoreDoc
from hutong.catalog.words import Lexemes, plain, spelled
from hutong.kit.geo import Point
from hutong.kit.text import Text

STORE_BOOST = 0.1  # a shop before its offers when both match alike
_STORES_NAMED = 5  # of a chain's offer: whoever types a branch looks for the branch


class SearchDoc(Struct, frozen=True, kw_only=True):
    """One row of the search index."""

    kind: str
    doc_id: UUID
    merchant_id: UUID
    title: Text
    names: tuple[str, ...]
    words: str
    marks: str
    latin: str
    boost: float
    sale: tuple[datetime | None, datetime | None] = (None, None)
    stores: tuple[tuple[UUID, Point], ...] = ()


def doc_of_store(city_id: int, store: StoreDoc, *, category: Sequence[Text], district: Text | None) -> SearchDoc:
    """The document of a store: found by its merchant's name, its own, its category, district and address."""
    lexemes = Lexemes(city_id)
    names = _distinct([store.merchant_name, store.name])
    _add(lexemes, names, "A")
    for name in names:
        lexemes.add_spellings(name, "B")
    _add(lexemes, _distinct([*category, *([district] if district else [])]), "C")
    _add(lexemes, _distinct([store.address]), "D")
    return SearchDoc(
        kind="store", doc_id=store.store_id, merchant_id=store.merchant_id, title=store.merchant_name,
        names=_plain(names), words=str(lexemes), marks=_marks(lexemes, city_id, names, [store]), latin=_latin(names),
        boost=STORE_BOOST, stores=_shown([store]),
    )  # fmt: skip


def doc_of_offer(
    city_id: int, offer: Offer, *, category: Sequence[Text], stores: Sequence[StoreDoc], districts: Iterable[Text]
) -> SearchDoc:
    """The document of an offer: found by its title, its category, its merchant and stores, and what it includes."""
    lexemes = Lexemes(city_id)
    names = _distinct([offer.title])
    _add(lexemes, names, "A")
    for name in names:
        lexemes.add_spellings(name, "B")
    _add(lexemes, _distinct([*category, *(s.merchant_name for s in stores[:1])]), "C")
    _add(lexemes, _distinct([*(s.name for s in stores[:_STORES_NAMED]), *districts]), "D")
    _add(lexemes, _distinct([offer.summary, *offer.included]), "D")
    return SearchDoc(
        kind="offer", doc_id=offer.offer_id, merchant_id=offer.merchant_id, title=offer.title, names=_plain(names),
        words=str(lexemes), marks=_marks(lexemes, city_id, names, stores), latin=_latin(names), boost=0.0,
        sale=(offer.sale_from, offer.sale_to),
        stores=_shown(stores),
    )  # fmt: skip


def _shown(stores: Iterable[StoreDoc]) -> tuple[tuple[UUID, Point], ...]:
    return tuple((store.store_id, store.point) for store in sorted(stores, key=lambda s: s.store_id) if store.visible)


def _distinct(texts: Iterable[Text]) -> list[str]:
    """Every wording once: many names are the same in both languages."""
    return list(dict.fromkeys(words for text in texts for words in (text.zh, text.en) if words.strip()))


def _add(lexemes: Lexemes, texts: Iterable[str], weight: str) -> None:
    for words in texts:
        lexemes.add(words, weight)


def _marks(lexemes: Lexemes, city_id: int, names: Sequence[str], stores: Sequence[StoreDoc]) -> str:
    exact = [named(city_id, name) for name in _plain(names) if name]
    return lexemes.marks([*exact, *squares_of(city_id, [store.point for store in stores])])


def _plain(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(plain(name) for name in names))


def _latin(names: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(spelled(name) for name in names))[:400]
