"""The tree of categories as pages need it: names, icons, and the tint of each branch."""

from collections.abc import Sequence

from hutong import catalog
from hutong.catalog import Category
from hutong.desk.house import House
from hutong.kit.text import Text

NOTHING = Category(slug="", name=Text(zh="", en=""), icon="store")


class Shelves:
    """Two levels: branches, and what hangs on them."""

    def __init__(self, categories: Sequence[Category]) -> None:
        self._by_slug = {category.slug: category for category in categories}
        self.branches = [category for category in categories if category.parent is None]

    def get(self, slug: str) -> Category:
        """The category; an empty one for a slug that nobody knows (any more)."""
        return self._by_slug.get(slug, NOTHING)

    def known(self, slug: str | None) -> str | None:
        """The slug when it names a category."""
        return slug if slug in self._by_slug else None

    def branch(self, slug: str) -> Category:
        """The branch on which a category hangs; itself when it is one."""
        found = self.get(slug)
        return found if found.parent is None else self.get(found.parent)

    def children(self, slug: str) -> list[Category]:
        return [category for category in self._by_slug.values() if category.parent == slug]

    def tone(self, slug: str) -> str:
        """The css classes of the tint."""
        return f"tone tone-{self.branch(slug).slug}"

    def icon(self, slug: str) -> str:
        return self.get(slug).icon or "store"


async def shelves_of(house: House) -> Shelves:
    """The tree as it is kept. Asked before a connection is taken: it may want one."""

    async def read() -> Shelves:
        async with house.db.reading() as tx:
            return Shelves(await catalog.categories(tx))

    return await house.kept.get("shelves", None, read, city_id=0, weigh=lambda _: 50_000)
