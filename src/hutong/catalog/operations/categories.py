"""Adding categories. Rare, central, and safe to repeat."""

from collections.abc import Sequence

from msgspec import to_builtins
from psycopg.types.json import Jsonb

from hutong.catalog.model import Category
from hutong.catalog.queries.offers import categories
from hutong.catalog.refusals import CategoryTaken, UnknownCategory
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.places import spell


async def add_categories(tx: Tx, requests: Sequence[Category]) -> list[Category | Refusal]:
    """Add categories; the same request again gives the same category. Parents come before their children.

    Central: use `db.central()`. Refusals: UnknownCategory when the parent is neither there nor earlier in the
    list, CategoryTaken when the slug belongs to a category with other words.
    """
    there = {category.slug: category for category in await categories(tx)}
    results: list[Category | Refusal] = []
    added: list[Category] = []
    for request in requests:
        if request.slug in there:
            same = there[request.slug] == request
            results.append(request if same else CategoryTaken(category=request.slug))
        elif request.parent is not None and request.parent not in there:
            results.append(UnknownCategory(category=request.parent))
        else:
            there[request.slug] = request
            added.append(request)
            results.append(request)
    await tx.run(
        """insert into catalog.categories (slug, parent, name, icon, position, spelling)
           select * from unnest(%(slugs)s::text[], %(parents)s::text[], %(names)s::jsonb[], %(icons)s::text[],
                                %(positions)s::int[], %(spellings)s::text[])
           on conflict do nothing""",
        slugs=[c.slug for c in added],
        parents=[c.parent for c in added],
        names=[Jsonb(to_builtins(c.name)) for c in added],
        icons=[c.icon for c in added],
        positions=[c.position for c in added],
        spellings=[f"{spell(c.name.zh)} {c.name.en.lower()}" for c in added],
    )
    return results
