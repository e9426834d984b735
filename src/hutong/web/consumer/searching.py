"""Searching: what matches, what may be meant, what others look for, and a wider search when nothing does."""

from datetime import timedelta
from urllib.parse import quote

from litestar import Response, get
from litestar.background_tasks import BackgroundTask
from msgspec import Struct

from hutong import catalog, places
from hutong.catalog import Page, StoreCard
from hutong.desk import finding
from hutong.infra.db import Tx
from hutong.kit.clock import local_day
from hutong.places import City
from hutong.web.consumer.here import Cursor, Here, InCity, Short
from hutong.web.consumer.shelves import shelves_of
from hutong.web.consumer.shops import Shop, shops_of
from hutong.web.shared.common import common
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE, ON_HOME = 20, 6
WEEK = timedelta(days=6)
OTHERS = 3  # other cities that are looked through when this one has nothing


class Wider(Struct, frozen=True):
    """How a search that found nothing was made wider: without its category, or with only some of its words."""

    shops: list[Shop]
    without_category: bool
    words: str


@get("/c/{city:str}/search", guards=[public])
async def search(
    visit: Visiting, here: InCity, q: Short = None, category: Short = None, after: Cursor = None
) -> Response[str]:
    """What matches the words, in Chinese, pinyin or Latin letters; within a category when one is chosen."""
    words = (q or "").strip()
    answer = await common(
        visit, here.city_id, lambda: _found(visit, here, words, category, after), name="search", seen=here.seen
    )
    if visit.noted:
        answer.background = BackgroundTask(_count, visit, here, words)
    return answer


async def _found(visit: Visit, here: Here, words: str, category: str | None, after: str | None) -> Response[str]:
    now, shelves = visit.house.clock.now(), await shelves_of(visit.house)
    async with visit.house.db.reading(here.city_id) as tx:
        within = shelves.known(category)
        page = await catalog.search(
            tx, city_id=here.city_id, words=words, now=now, point=here.point, category=within, after=after,
            limit=ON_PAGE,
        )  # fmt: skip
        shops = await shops_of(tx, page.items, here=here, now=now)
        empty = bool(words) and not shops and not after
        wider = await _wider(tx, visit, here, words, within) if empty else None
        near = await _near(tx, visit, here) if empty and wider is None else []
        elsewhere = await _elsewhere(tx, visit, here, words) if empty and wider is None else []
        hot = [] if words else await _hot(tx, visit, here)
    template = "consumer/search_part.html" if visit.partial else "consumer/search.html"
    visit.noted = bool(shops) and not after  # such a search counts
    return visit.page(
        template, shelves=shelves, shops=shops, more=page.after, words=words, category=within or "", wider=wider,
        near=near, elsewhere=elsewhere, hot=hot, after=after,
    )  # fmt: skip


async def _count(visit: Visit, here: Here, words: str) -> None:
    """After the answer has gone: the search is counted among those of the city."""
    # A cookie proves nothing until it is known: whoever is not signed in is told by his address.
    who = visit.address if visit.actor is None else str(visit.actor.member_id)
    await finding.count_search(visit.house, here.city_id, here.city.zone, words, visitor=who)


async def _hot(tx: Tx, visit: Visit, here: Here) -> list[str]:
    since = local_day(visit.house.clock.now(), here.city.zone) - WEEK
    return await catalog.hot_terms(tx, city_id=here.city_id, since=since)


async def _wider(tx: Tx, visit: Visit, here: Here, words: str, category: str | None) -> Wider | None:
    """First without the category, then with the words one by one, longest first."""
    tries = [(True, words)] if category else []
    parts = sorted({part for part in words.split() if len(part) > 1}, key=len, reverse=True)
    tries += [(category is not None, part) for part in parts[:3] if part != words]
    for without, asked in tries:
        page = await _search(tx, visit, here.city, here, asked)
        if page.items:
            shops = await shops_of(tx, page.items, here=here, now=visit.house.clock.now())
            return Wider(shops, without, asked)
    return None


async def _search(tx: Tx, visit: Visit, city: City, here: Here, words: str) -> Page[StoreCard]:
    point = here.point if city.city_id == here.city_id else city.centre
    return await catalog.search(
        tx, city_id=city.city_id, words=words, now=visit.house.clock.now(), point=point, limit=ON_HOME
    )


async def _near(tx: Tx, visit: Visit, here: Here) -> list[Shop]:
    now = visit.house.clock.now()
    page = await catalog.nearby(tx, city_id=here.city_id, point=here.point, now=now, limit=4)
    return await shops_of(tx, page.items, here=here, now=now)


async def _elsewhere(tx: Tx, visit: Visit, here: Here, words: str) -> list[City]:
    """Other cities that have it: one question each, of a few."""
    others = [one for one in await places.cities(tx) if one.opened_at is not None and one.city_id != here.city_id]
    found = []
    for city in others[:OTHERS]:
        async with visit.house.db.reading(city.city_id) as there:
            if (await _search(there, visit, city, here, words)).items:
                found.append(city)
    return found


@get("/c/{city:str}/suggestions", guards=[public])
async def suggestions(visit: Visiting, here: InCity, q: Short = None, category: Short = None) -> Response[str]:
    """What may be meant by the letters typed so far; for an empty box, what others look for: a piece of a page."""
    words = (q or "").strip()
    async with visit.house.db.reading(here.city_id) as tx:
        now = visit.house.clock.now()
        asked = {"city_id": here.city_id, "prefix": words, "point": here.point, "now": now}
        found = await catalog.suggest(tx, **asked) if words else []
        hot = [] if words else await _hot(tx, visit, here)
    scope = category if category and quote(category) == category else ""
    return visit.page("consumer/suggestions.html", found=found, hot=hot, words=words, category=scope)


ROUTES = (search, suggestions)
