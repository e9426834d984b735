"""Counting what people searched for and found, by day."""

from collections.abc import Sequence
from datetime import date

from hutong.catalog.terms import term_of
from hutong.infra.db import Tx


async def count_searches(tx: Tx, words: Sequence[str], *, city_id: int, day: date) -> list[bool]:
    """Count each of these searches once on a day of the city; for each, whether it was one that is counted.

    The caller lets one visitor count a term once a day (`desk.finding`): nobody is named here. Words that could name
    somebody are left out (`terms.term_of`).
    """
    terms = [term_of(one) for one in words]
    counts = {term: terms.count(term) for term in terms if term is not None}
    await tx.run(
        """insert into catalog.searches as s (city_id, day, term, visitors)
           select %(city)s, %(day)s, term, visitors
           from unnest(%(terms)s::text[], %(counts)s::int[]) as n (term, visitors) order by term
           on conflict (city_id, day, term) do update set visitors = s.visitors + excluded.visitors""",
        city=city_id, day=day, terms=list(counts), counts=list(counts.values()),
    )  # fmt: skip
    return [term is not None for term in terms]


async def forget_searches(tx: Tx, *, city_id: int, before: date) -> int:
    """Delete the counts of the days before `before`; how many went."""
    return await tx.run(
        "delete from catalog.searches where city_id = %(city)s and day < %(before)s", city=city_id, before=before
    )
