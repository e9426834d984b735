"""Finding something: cities, the home of a city, what is near, searching."""

from litestar import Response, get
from litestar.response import Redirect

from hutong import catalog, places, vouchers
from hutong.catalog import Sort
from hutong.places import City, District
from hutong.web.consumer.here import CITY, Cursor, InCity, Short
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.shops import shops_of
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visiting

ON_HOME, ON_PAGE = 10, 20
SORTS: tuple[Sort, ...] = ("distance", "price", "new")


@get("/", guards=[public])
async def root(visit: Visiting) -> Response:
    """To the city the reader was in, or to the only one; else the cities to choose from."""
    async with visit.house.db.reading() as tx:
        slugs = [city.slug for city in await places.cities(tx) if city.opened_at is not None]
    kept = visit.connection.cookies.get(CITY)
    if kept in slugs or len(slugs) == 1:
        return Redirect(f"/c/{kept if kept in slugs else slugs[0]}/", status_code=302)
    return Redirect("/cities", status_code=302)


@get("/cities", guards=[public])
async def cities(visit: Visiting, q: Short = None) -> Response[str]:
    """All cities by pinyin; `q` is the beginning of a name, in Chinese, pinyin or English."""
    async with visit.house.db.reading() as tx:
        opened = [city for city in await places.cities(tx) if city.opened_at is not None]
    asked = (q or "").strip().lower()
    found = [
        c for c in opened if not asked or any(n.lower().startswith(asked) for n in (c.name.zh, c.name.en, c.pinyin))
    ]
    return visit.page("consumer/cities.html", cities=found, asked=asked, kept=visit.connection.cookies.get(CITY))


def _names(city: City) -> tuple[str, ...]:
    return city.name.zh, city.name.en, city.pinyin


@get("/c/{city:str}/", guards=[public])
async def home(visit: Visiting, here: InCity) -> Response[str]:
    """The city: search, branches, what one holds already, what is near."""
    now = visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        shelves = Shelves(await catalog.categories(tx))
        page = await catalog.nearby(tx, city_id=here.city_id, point=here.point, now=now, limit=ON_HOME)
        shops = await shops_of(tx, page.items, here=here, now=now)
        unused = 0
        if visit.actor is not None:
            unused = (await vouchers.wallet_counts(tx, visit.actor.member_id, city_id=here.city_id))["unused"]
    visit.frame["tab"] = "home"
    return visit.page("consumer/home.html", shelves=shelves, shops=shops, more=page.after, unused=unused)


@get("/c/{city:str}/nearby", guards=[public])
async def nearby(
    visit: Visiting,
    here: InCity,
    category: Short = None,
    district: Short = None,
    sort: Short = None,
    after: Cursor = None,
) -> Response[str]:  # fmt: skip
    """Stores with deals, by distance, price or age, within a category and a district."""
    now = visit.house.clock.now()
    by: Sort = sort if sort in SORTS else "distance"  # type: ignore[assignment]
    async with visit.house.db.reading(here.city_id) as tx:
        shelves = Shelves(await catalog.categories(tx))
        districts = await places.districts(tx, here.city_id)
        within = _district(districts, district)
        page = await catalog.nearby(
            tx, city_id=here.city_id, point=here.point, now=now, category=shelves.known(category),
            district_id=within.district_id if within else None, sort=by, after=after, limit=ON_PAGE,
        )  # fmt: skip
        shops = await shops_of(tx, page.items, here=here, now=now)
    visit.frame["tab"] = "nearby"
    return visit.page(
        "consumer/nearby.html", shelves=shelves, shops=shops, more=page.after, category=shelves.known(category) or "",
        districts=districts, district=within.slug if within else "", sort=by, sorts=SORTS, after=after,
    )  # fmt: skip


def _district(districts: list[District], slug: str | None) -> District | None:
    return next((district for district in districts if district.slug == slug), None)


@get("/c/{city:str}/search", guards=[public])
async def search(
    visit: Visiting, here: InCity, q: Short = None, category: Short = None, after: Cursor = None
) -> Response[str]:
    """What matches the words, in Chinese, pinyin or Latin letters; within a category when one is chosen."""
    now, words = visit.house.clock.now(), (q or "").strip()
    async with visit.house.db.reading(here.city_id) as tx:
        shelves = Shelves(await catalog.categories(tx))
        page = await catalog.search(
            tx, city_id=here.city_id, words=words, now=now, point=here.point, category=shelves.known(category),
            after=after, limit=ON_PAGE,
        )  # fmt: skip
        shops = await shops_of(tx, page.items, here=here, now=now)
    return visit.page(
        "consumer/search.html", shelves=shelves, shops=shops, more=page.after, words=words,
        category=shelves.known(category) or "",
    )  # fmt: skip


@get("/c/{city:str}/suggestions", guards=[public])
async def suggestions(visit: Visiting, here: InCity, q: Short = None) -> Response[str]:
    """What may be meant by the letters typed so far: a piece of a page for the search box."""
    async with visit.house.db.reading(here.city_id) as tx:
        found = await catalog.suggest(tx, city_id=here.city_id, prefix=q or "", now=visit.house.clock.now())
    return visit.page("consumer/suggestions.html", found=found)


ROUTES = (root, cities, home, nearby, search, suggestions)
