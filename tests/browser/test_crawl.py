"""Every page as every person, in both languages: nothing broken, nothing strange, nothing that only some can use.

HUTONG_CRAWL_REPORT names a folder for reports: all findings, grouped, one file for each walk.
"""

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser

from hutong.kit.ids import OFFER, ORDER, REVIEW, STORE, VOUCHER
from tests.browser.conftest import living
from tests.browser.crawl import Finding, Routes, Walk, report
from tests.house import CITY
from tests.town_canary import forgotten, poison
from tests.world import World
from tests.world_recruiting import WROTE
from tests.world_selling import LABEL, NOTE

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.timeout(600)]

CONSUMERS, STAFF = (None, "ann", "bo"), ("tao", "wen", "mei", "lin", "pat")
# Staff pages that the cashier sees are judged as his; so the owner's walk does not judge them again.
CASHIERS = ("/m/{store}/scan", "/m/{store}/latest", "/m/{store}/history", "/m/{store}/more", "/m/{store}/redemptions")
# Names and words that people wrote: they stand on a page as they are, in whatever language.
THEIRS = (
    "小安", "阿波", "梅姐", "小涛", "林姐", "派特", "文姐", "周末兼职小顾", "一号收银机", "请写清楚菜品的分量",
    "前台平板", "收银台手机", "面很劲道，汤也浓，下次还来。", "谢谢您，欢迎再来！", "骗子，大家别来！", "当天没有排队",
    "我说的是实话", "昨晚打烊后没有这一笔。", NOTE, LABEL, *WROTE,
    "Waited for half an hour, soup was cold.",
    "“面”", "面", "中文", "English", "顺丰速运",
)  # fmt: skip
# Routes that no link leads to, with the reason.
NO_PAGE = {
    "/c/{city}/vouchers/{voucher}/live": "a stream of events, read by voucher.js",
    "/c/{city}/vouchers/{voucher}/pocket": "data for the offline wallet",
    "/c/{city}/vouchers/{voucher}/code.svg": "the picture in the voucher's page",
    "/c/{city}/orders/{order}/result/news": "a stream of events, read by waiting.js",
    "/c/{city}/app.webmanifest": "read by the browser",
    "/c/sw.js": "the service worker",
    "/c/{city}/map/places": "data of the map",
    "/c/{city}/map/lanes": "data of the map",
    "/c/{city}/map/list": "the list of the map, for its script",
    "/c/{city}/suggestions": "what comes while one types, for its script",
    "/c/{city}/districts/{slug}": "found by typing the name of a district: a suggestion leads there",
    "/c/offline/{language}": "kept by the service worker for when the network is gone",
    "/files/{name}": "photos of reviews and stores",
    "/m/sw.js": "the service worker",
    "/c/{city}/checkout/queue": "where the queue page tries again, with the form that was sent, sealed",
    "/m/{store}/latest": "the last five, for the scanner's script",
    "/c/{city}/points/code/code.svg": "the picture in the page of the code",
    "/c/{city}/points/code/pocket": "what the page of the code keeps for a shop without a network",
    "/pay/{bill}": "a code at the counter leads there, while a bill waits to be paid by phone",
    "/m/{store}/bills/{bill}/code.svg": "the picture on the sheet of a bill that is paid by phone",
    "/m/{store}/bills/{bill}/news": "asked by the sheet of a bill that is paid by phone",
    "/m/{store}/chain/shops/{merchant}/clearings/{run}/{kind}": "a file, once a shop of the chain was cleared",
    "/cities/nearest": "asked by the page of cities when it knows where one stands",
}
BOOKS = ("/books", f"/books/city/{CITY}")
PLATFORM = tuple(
    f"/platform{page}"
    for page in ("/", "/cities", "/cities/new", "/programmes", "/programmes/new", "/clearings", f"/payouts/{CITY}",
                 f"/payouts/{CITY}/bills", "/flow", "/repeat", *BOOKS, "/audit", "/access")
)  # fmt: skip
HOME = {"bo": ("/none",), "tao": ("/m",), "wen": ("/m",), "mei": ("/m",), "lin": ("/o",), "pat": ("/o", "/platform")}
VISITED: dict[str | None, set[str]] = {}


def starts(world: World, who: str | None) -> list[str]:
    """Where the walk of somebody begins: what he has as a bookmark, and what no page can link to."""
    city, town = f"/c/{world.house.town.slug}", world.house.town
    store = STORE.show(town.stores["noodle-bar-lantern"], world.city)
    offers = [OFFER.show(town.offers[slug], world.city) for slug in ("two-bowls", "tipping", "brief")]
    if who in STAFF:
        pages = {
            "tao": ("scan", "history"), "wen": ("scan", "history", "today"),
            "mei": ("scan", "today", "statement", "campaigns", "campaigns/new?template=spend_get", "cards", "forecast",
                    "repeat", "repeat?days=365", "points/odd", "stores/new"),
        }  # fmt: skip
        if who not in pages:
            waiting = ("", "/deals", "/reviews", "/hidden", "/appeals", "/results", "/repeat")
            waiting += ("/campaigns", "/campaigns/new")
            waiting += ("/applications", "/applications?state=all", "/merchants", "/visits", "/claims", "/people")
            waiting += ("/new-stores",)
            waiting += (f"/applications/{world.paths['application']}", f"/merchants/{world.paths['shop']}")
            waiting += (f"/cases/{world.paths['case']}",) if who == "pat" else ()
            whole = PLATFORM if who == "pat" else ()
            return ["/o", world.paths["joining"], *(f"/o/{town.slug}{page}" for page in waiting), *whole]
        review = REVIEW.show(world.reviews["used"], world.city)
        more = [f"/m/{store}/reviews/{review}", f"/m/join/{world.invitation}"]
        more += [f"/m/{store}/orders?q={typed}" for typed in ("0001", "nothing")]
        more.append(f"/m/{store}/orders/{ORDER.show(world.orders['today'], world.city)}/refund")
        more += ["/m/apply", f"/m/apply/{town.slug}", world.paths["invited"], f"/m/{store}/contract"]
        more = more if who == "mei" else []
        return ["/m", f"/m/{store}", *(f"/m/{store}/{page}" for page in pages[who]), *more]
    public = ["/", "/cities", f"{city}/", f"{city}/search?q=面", f"{city}/search?q=qqxxzz", f"{city}/nearby", "/style"]
    public += [*(f"{city}/deals/{offer}" for offer in offers), f"{city}/map", "/sign-in"]
    public.append(f"/m/join/{world.invitation}")
    ways = [OFFER.show(town.offers[slug], world.city) for slug in ("team", "ladder", "flash", "bargain", "gone")]
    public += [*(f"{city}/deals/{offer}" for offer in ways), f"{city}/coupons"]
    public += [world.paths[name] for name in ("team", "clinched", "bargain", "gift", "leave")]
    if who is None:
        return public
    mine = [f"{city}/me", f"{city}/vouchers", f"{city}/orders", f"{city}/checkout?offer={offers[0]}"]
    if who == "ann":
        unpaid, paid = (ORDER.show(world.orders[name], world.city) for name in ("unpaid", "part-refunded"))
        mine += [f"{city}/orders/{unpaid}/{page}" for page in ("payment", "result")]
        mine += [f"/paid/{unpaid}", f"/paid/{paid}"]
        mine += [f"{city}/orders/{ORDER.show(one, world.city)}" for one in world.orders.values()]
        names = ("unused", "used", "refunded", "expired", "waiting")
        mine += [f"{city}/vouchers/{VOUCHER.show(world.vouchers[name], world.city)}" for name in names]
        mine += [f"{city}/bills/{world.paths['bill']}/money"]
        mine += [f"{world.paths['gone']}/wait", f"{city}/waiting", f"{city}/cards/activate"]
        mine += [
            f"{city}/vouchers/{VOUCHER.show(world.vouchers[name], world.city)}/gift" for name in ("given", "elsewhere")
        ]
    return [*mine, *public]


def judged(who: str | None, route: str, open_to_all: bool) -> bool:
    """Whose page it is."""
    house = route.startswith("/platform")
    staff = route.startswith(("/m", "/o")) or house
    return {
        None: not staff, "ann": not staff and not open_to_all, "bo": False, "tao": staff and not house, "wen": False,
        "mei": route.startswith("/m") and not route.startswith(CASHIERS), "lin": route.startswith("/o"),
        "pat": route.startswith("/platform"),
    }[who]  # fmt: skip


async def walk(world: World, browser: Browser, who: str | None, *, only_canary: bool = False) -> set[Finding]:
    """In both languages; what was found."""
    routes, found = Routes.of_house(world.house), set[Finding]()
    for language in ("zh",) if only_canary else ("zh", "en"):
        steps = Walk(
            world.house, routes, language, token=world.tokens.get(who or ""), theirs=THEIRS,
            judge=lambda route, open_to_all: judged(who, route, open_to_all), only_canary=only_canary,
            home=HOME.get(who or "", ("/",)),
        )  # fmt: skip
        await steps.go(browser, starts(world, who))
        found |= steps.findings
        VISITED.setdefault(who, set()).update(steps.visited)
    keep(found, f"{who or 'nobody'}{'-canary' if only_canary else ''}")
    return found


def keep(found: set[Finding], name: str) -> None:
    """For whoever mends: the report as a file."""
    if folder := os.environ.get("HUTONG_CRAWL_REPORT"):
        Path(folder, f"{name}.txt").write_text(report(found) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    "who",
    [pytest.param(one, marks=pytest.mark.xdist_group("crawl-consumer")) for one in CONSUMERS]
    + [pytest.param(one, marks=pytest.mark.xdist_group("crawl-staff")) for one in STAFF],
    ids=lambda one: one or "nobody",
)
async def test_every_page(world: World, browser: Browser, who: str | None):
    found = await walk(world, browser, who)
    assert not found, f"\n{report(found)}"


@pytest.mark.xdist_group("crawl-consumer")
def test_no_consumers_page_is_forgotten(world: World):
    """A page to which no way leads, or that the walk does not know."""
    assert _unseen(world, staff=False, people=CONSUMERS) == set()


@pytest.mark.xdist_group("crawl-staff")
def test_no_page_of_the_staff_is_forgotten(world: World):
    assert _unseen(world, staff=True, people=STAFF) == set()


def _unseen(world: World, *, staff: bool, people: tuple[str | None, ...]) -> set[str]:
    if not set(people) <= VISITED.keys():
        pytest.skip("says something only after all walks of these people")
    pages = {
        path for path in Routes.of_house(world.house).paths() if path.startswith(("/m", "/o", "/platform")) == staff
    }
    return pages - NO_PAGE.keys() - set[str]().union(*(VISITED[who] for who in people))


def test_every_column_with_words_of_people_gets_a_canary():
    """A new column of words is put on the list, or said to be ours."""
    assert forgotten() == set()


@pytest.mark.xdist_group("crawl-canary")
async def test_stored_text_stays_text(server_url: str, template: str, browser: Browser):
    """Whatever people can write carries a script; no page of anybody runs it or makes elements of it."""
    async with living(server_url, template) as world:
        await poison(world.house.db)
        page = await browser.new_page()
        await page.goto(f"{world.house.settings.address}/c/{world.house.town.slug}/")
        assert "canary{{7*7}}" in await page.inner_text("main")  # it stands there, as text
        found = set[Finding]()
        for who in (*CONSUMERS, *STAFF):
            found |= await walk(world, browser, who, only_canary=True)
    assert not found, f"\n{report(found)}"
