"""Searching and completing: Chinese, pinyin, initials, Latin words, and what was misspelt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import places
from hutong.catalog.cells import Ring, rings
from hutong.catalog.model import Page, StoreCard, Suggestion
from hutong.catalog.queries.browse import live_offers, page_of
from hutong.catalog.queries.cursor import from_cursor
from hutong.catalog.words import all_of, any_of, in_index, plain, sounds
from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.kit.geo import Point
from hutong.kit.text import Text
from hutong.places.near import cube_of

MOST_HITS = 200  # documents that are ranked, nearest rings first: a word that matches more says too little
_SHORTEST_SOUND = 4  # three-letter pieces of anything shorter fit everything

_SOUND = """union all (
    select d.kind, d.doc_id, d.boost, d.sale, d.store_ids, d.places, 0.5 * word_similarity(%(sound)s, d.latin), 0.0
    from catalog.search_docs d
    where d.city_id = %(city)s and d.latin %%> %(sound)s
    limit {most})"""


def _search(*, sound: bool) -> str:
    live = live_offers(first="(o.offer_id = any(st.offer_ids)) desc, ")
    heard = _SOUND.format(most=MOST_HITS) if sound else ""
    return load(__package__ or "", "search").format(live=live, sound=heard, ring=_ring(), most=MOST_HITS)


def _ring() -> str:
    return load(__package__ or "", "ring").format(most=MOST_HITS)


def _asked(asked: Sequence[Ring]) -> dict[str, Any]:
    """The rings as the statements bind them: each is asked of one of two indexes and null to the other."""
    return {
        "near": [ring.query if ring.near else None for ring in asked],
        "queries": [None if ring.near else ring.query for ring in asked],
    }


async def search(
    tx: Tx, *, city_id: int, words: str, now: datetime, point: Point | None = None, category: str | None = None,
    after: str | None = None, limit: int = 20,
) -> Page[StoreCard]:  # fmt: skip
    """Stores that match by themselves or by an offer on sale, best first, near ones before far ones of equal worth.

    First what contains everything that was typed; only when nothing does, what contains some of it, sounds or
    is spelt like it. A card shows matching offers before cheaper ones. Raises BadInput for a bad cursor.
    """
    after_key, after_store = from_cursor(after)
    wide = (after_key or "").startswith("w")
    typed = plain(words)
    params: dict[str, Any] = {
        "city": city_id, "plain": typed, "now": now, "category": category or "", "limit": limit + 1,
        "here": None if point is None else cube_of(point), "after_store": after_store,
        "after_key": (after_key or "").removeprefix("w") or None,
    }  # fmt: skip
    exact = all_of(city_id, words)
    if not exact:
        return Page(items=(), after=None)
    if not wide:
        asked = rings(city_id, in_index(exact), plain=typed, point=point)
        rows = await tx.rows(_search(sound=False), query=exact, **_asked(asked), **params)
        if rows or after:
            return page_of(rows, limit)
    sound = sounds(words)
    any_word = any_of(city_id, words)
    asked = rings(city_id, in_index(any_word), plain=typed, point=point) if any_word else []
    rows = await tx.rows(
        _search(sound=len(sound) >= _SHORTEST_SOUND), query=any_word, sound=sound, **_asked(asked), **params
    )
    return page_of([{**row, "key": f"w{row['key']}"} for row in rows], limit)


async def suggest(
    tx: Tx, *, city_id: int, prefix: str, now: datetime, point: Point | None = None, limit: int = 8
) -> list[Suggestion]:
    """Completions of what is being typed: categories and districts first, then merchants and offers on sale.

    By name or by spelling, whole or in initials. One Latin letter is too little for merchants and offers. Where more
    fits than is looked at (`MOST_HITS`), that is what lies nearest to the point.
    """
    query = all_of(city_id, prefix)
    typed = plain(prefix)
    if not query:
        return []
    rows = await tx.rows(
        load(__package__ or "", "suggest").format(ring=_ring(), most=MOST_HITS), city=city_id, plain=typed, now=now,
        limit=limit, like=typed.replace("%", "").replace("_", ""),
        **_asked(rings(city_id, in_index(query), plain=typed, point=point)),
    )  # fmt: skip
    found = [
        Suggestion(
            kind=row["kind"], title=Text(**row["title"]), store_id=row["store_id"],
            id=row["id"] if row["kind"] == "category" else UUID(row["id"]),
        )
        for row in rows
    ]  # fmt: skip
    areas = [
        Suggestion(kind="district", id=district.slug, title=district.name)
        for district in await places.districts(tx, city_id)
        if _begins(district.name, typed)
    ]
    shelves = [one for one in found if one.kind == "category"]
    rest = [one for one in found if one.kind != "category"]
    return [*shelves, *areas[:2], *rest][:limit]


def _begins(name: Text, typed: str) -> bool:
    """Whether what was typed is the beginning of a name, of its pinyin or of its initials."""
    spelt = places.spell(name.zh).split() if len(typed) > 1 else []
    return any(word.startswith(typed) for word in (plain(name.zh), plain(name.en), *spelt))
