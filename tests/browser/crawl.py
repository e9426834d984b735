"""A walk through every page as one person: follow the links, look at each kind of page, keep what is wrong.

A kind of page is its route with the names of what it was asked (`/c/{city}/nearby?category`). Two pages of each kind
are looked at; the first one of a kind is also judged by axe-core, for the roles whose page it is.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from axe_playwright_python.base import AXE_FILE_PATH
from litestar import Litestar
from litestar.routes import HTTPRoute
from msgspec import Struct
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page

from hutong.web.shared.guards import public
from hutong.web.shared.visit import SESSION
from hutong.web.shared.words import catalogue
from tests.browser.conftest import DESK, LOCALES, PATIENCE, PHONE
from tests.house import TestHouse
from tests.towns import application

CHECKS = (Path(__file__).parent / "page_checks.js").read_text(encoding="utf-8")
AXE = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOURED = ["color-contrast", "link-in-text-block"]  # what else axe asks is the same in the dark
PER_SHAPE, PER_ROUTE, JUDGED_PER_ROUTE = 2, 8, 2
STILL = """() => { const still = new CSSStyleSheet();
  still.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important }");
  document.adoptedStyleSheets = [still]; }"""
SIDEWAYS = ("lang", "theme", "text")  # asked of any page; the walk itself chooses them
CJK = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z][A-Za-z'’]+")
KEY = re.compile(r"^[a-z_]+(\.[a-z0-9_]+)+$")
# Words that stand in both languages: our name, what browsers call themselves, formats, map data.
BOTH = re.compile(
    r"Hutong|Chrome|Linux|Android|iPhone|Safari|Mozilla/5\.0|OpenStreetMap|Leaflet|axe|xlsx|PDF|QR|KTV|WiFi|PIN|HT1\S*"
    r"|\b[a-z]{2,4}_[A-Za-z0-9_]+|\S\*\*|https?://\S+|\+86\d+|[A-Z]{2,}-?\d*|\b(km|am|pm|min)\b"
)


class Finding(Struct, frozen=True, order=True):
    """One thing that is wrong: which rule, on which kind of page, where on it."""

    rule: str
    shape: str
    at: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule} | {self.shape} | {self.at} | {self.what}"


class Routes:
    """The pages that the application can answer, by their paths."""

    def __init__(self, app: Litestar) -> None:
        self.known: list[tuple[re.Pattern[str], str, bool]] = []
        for route in app.routes:
            if not isinstance(route, HTTPRoute) or "GET" not in route.methods:
                continue
            handler = next(h for h in route.route_handlers if "GET" in h.http_methods)
            path = route.path_format
            if path.startswith(("/api", "/static", "/callbacks", "/schema", "/healthz", "/readyz", "/metrics")):
                continue
            pattern = re.compile("".join("[^/]+" if p.startswith("{") else re.escape(p) for p in _parts(path)) + "/?$")
            self.known.append((pattern, path, public in (handler.guards or ())))
        self.known.sort(key=lambda one: one[1].count("{"))

    @classmethod
    def of_house(cls, house: TestHouse) -> "Routes":
        with application(house) as app:
            return cls(app)

    def paths(self) -> set[str]:
        return {path for _, path, _ in self.known}

    def of(self, url: str) -> tuple[str, bool]:
        """The route of an address and whether everybody may see it; the address itself when it is not ours."""
        path = urlsplit(url).path
        for pattern, route, open_to_all in self.known:
            if pattern.match(path):
                return route, open_to_all
        return path, True

    def shape(self, url: str) -> str:
        names = sorted({name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)})
        return self.of(url)[0] + (f"?{'&'.join(names)}" if names else "")


def _parts(path: str) -> list[str]:
    return [part for part in re.split(r"(\{[^}]+\})", path) if part]


def plain(url: str) -> str:
    """The address without what only changes the look, as path and query."""
    parts = urlsplit(url)
    asked = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in SIDEWAYS]
    return parts.path + (f"?{urlencode(asked)}" if asked else "")


@cache
def _other_language(language: str) -> tuple[set[str], list[re.Pattern[str]]]:
    """What we say in the other language: whole sentences, and those with gaps."""
    other = "en" if language == "zh" else "zh"
    own = {getattr(word, language) for word in catalogue().values()}
    said = [one for word in catalogue().values() for one in _sentences(word, other)]
    return {one for one in said if one not in own and "{" not in one}, [_pattern(one) for one in said if "{" in one]


class Tongue:
    """Whether words belong on a page of this language."""

    def __init__(self, language: str, theirs: Iterable[str]) -> None:
        self.language = language
        self.groups = {key.partition(".")[0] for key in catalogue()}
        self.foreign, self.patterns = _other_language(language)
        self.theirs = sorted((word for word in theirs if word), key=len, reverse=True)
        self._known: dict[str, str | None] = {}  # a sentence stands on many pages

    def strange(self, words: str) -> str | None:
        """Why not, or None."""
        if words not in self._known:
            self._known[words] = self._strange(words)
        return self._known[words]

    def _strange(self, words: str) -> str | None:
        if KEY.match(words) and words.partition(".")[0] in self.groups:
            return "raw key"
        if words in self.foreign:
            return "other language"
        if any(pattern.fullmatch(words) for pattern in self.patterns if pattern.pattern):
            return "other language"
        if words in {name[0] for name in self.theirs}:  # a face drawn as the first letter of its name
            return None
        left = BOTH.sub(" ", words)
        for word in self.theirs:
            left = left.replace(word, " ")
        if self.language == "en":
            return "other language" if CJK.search(left) else None
        return "other language" if not CJK.search(words) and len(LATIN.findall(left)) >= 2 else None


def _sentences(word: Any, language: str) -> list[str]:
    return [said for said in (getattr(word, language), word.one if language == "en" else None) if said]


def _pattern(sentence: str) -> re.Pattern[str]:
    """A sentence with anything in its gaps; nothing when too little of it is said."""
    fixed = re.sub(r"\{[^}]*\}", "", sentence)
    if len(LATIN.findall(fixed)) < 2 and len(CJK.findall(fixed)) < 2:
        return re.compile("")
    return re.compile(".+?".join(re.escape(part) for part in re.split(r"\{[^}]*\}", sentence)))


class Walk:
    """One person in one language. `judge`: whether axe looks at a route (shape, public) of this person."""

    def __init__(
        self, house: TestHouse, routes: Routes, language: str, *, token: str | None = None, theirs: Iterable[str] = (),
        judge: Callable[[str, bool], bool] = lambda _, __: False, only_canary: bool = False,
        home: tuple[str, ...] = ("/",),
    ) -> None:  # fmt: skip
        self.home = home  # beyond these paths one page of each route is enough: others walk there
        self.house, self.routes, self.language, self.token = house, routes, language, token
        self.tongue, self.judge, self.only_canary = Tongue(language, theirs), judge, only_canary
        self.findings: set[Finding] = set()
        self.seen, self.of_route, self.axed = Counter[str](), Counter[str](), Counter[str]()
        self.visited: set[str] = set()
        self.shape = ""

    def say(self, rule: str, at: str, what: str) -> None:
        self.findings.add(Finding(rule, f"{self.shape} [{self.language}]", at, " ".join(what.split())))

    async def open(self, browser: Browser) -> BrowserContext:
        context = await browser.new_context(
            viewport=PHONE, locale=LOCALES[self.language], timezone_id="Asia/Shanghai", has_touch=True,
            base_url=self.house.settings.address, reduced_motion="reduce",
            geolocation={"latitude": 30.8413, "longitude": 112.7136}, permissions=["geolocation"],
            service_workers="block",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        if self.token:
            await context.add_cookies([{"name": SESSION, "value": self.token, "url": self.house.settings.address}])
        return context

    def listen(self, page: Page) -> None:
        """Whatever the browser complains about is a finding."""

        def hear(message: ConsoleMessage) -> None:
            asked_in = self.token is None and "401" in message.text
            if message.type == "error" and not asked_in:
                self.say(
                    "console", message.location.get("url", "").replace(self.house.settings.address, ""), message.text
                )

        async def dialog(one: Any) -> None:
            self.say("dialog", "", one.message)
            await one.dismiss()

        page.on("console", hear)
        page.on("pageerror", lambda error: self.say("page error", "", str(error)))
        page.on("dialog", dialog)

    async def go(self, browser: Browser, starts: Iterable[str]) -> None:
        """Everything that can be reached from there."""
        context = await self.open(browser)
        page = await context.new_page()
        self.listen(page)
        waiting = [(plain(start), "") for start in starts]
        known = {address for address, _ in waiting}
        while waiting:
            address, source = waiting.pop(0)
            if not self.count(address):
                continue
            shape = self.routes.shape(address)
            links = await self.visit(context, page, address, source, first=self.seen[shape] == 1)
            for link in links:
                if link not in known and self.room(link):
                    known.add(link)
                    waiting.append((link, shape))
        await context.close()

    def room(self, address: str) -> bool:
        """Whether pages like this one have not been seen often enough."""
        shape, route = self.routes.shape(address), self.routes.of(address)[0]
        if not route.startswith(self.home):
            return not self.of_route[route]
        return self.seen[shape] < PER_SHAPE and self.of_route[route] < PER_ROUTE

    def count(self, address: str) -> bool:
        """Note one more; whether there was room for it."""
        if not self.room(address):
            return False
        self.seen[self.routes.shape(address)] += 1
        self.of_route[self.routes.of(address)[0]] += 1
        return True

    def due(self, address: str) -> bool:
        """Whether axe looks at this page."""
        route, open_to_all = self.routes.of(address)
        if not self.judge(route, open_to_all) or self.axed[route] >= JUDGED_PER_ROUTE:
            return False
        self.axed[route] += 1
        return True

    async def visit(self, context: BrowserContext, page: Page, address: str, source: str, *, first: bool) -> list[str]:
        """One page; the addresses of ours to which it leads."""
        self.shape = self.routes.shape(address)
        try:
            answer = await page.goto(address, wait_until="load")
        except Error as error:
            if "Download is starting" in str(error) or "ERR_ABORTED" in str(error):
                await self.fetch(context, address, source)
                return []
            self.say("broken", source, f"{address}: {str(error).splitlines()[0]}")
            return []
        assert answer is not None
        self.visited.add(self.routes.of(address)[0])
        asked_in = answer.status == 401 and self.token is None and await page.locator("input[name=phone]").count()
        if answer.status >= 400 and not asked_in:  # who is nobody is asked who he is, in place
            self.say("broken", f"linked from {source or 'start'}", f"{answer.status} {address}")
        if "html" not in (await answer.header_value("content-type") or ""):
            return []
        if not (await answer.text()).lstrip().lower().startswith("<!doctype"):
            return []  # a part of a page, asked for by itself
        here = plain(page.url)
        if self.routes.shape(here) != self.shape:  # led elsewhere: that page has its own turn
            self.visited.add(self.routes.of(here)[0])
            self.shape, first = self.routes.shape(here), not self.seen[self.routes.shape(here)]
            if not self.count(here):
                return []
        return await self.look(page, judged=first and self.due(here), context=context)

    async def fetch(self, context: BrowserContext, address: str, source: str, **headers: str) -> None:
        """What is no page: a file, a part of a page."""
        answer = await context.request.get(address, headers=headers, timeout=PATIENCE)
        self.visited.add(self.routes.of(address)[0])
        if answer.status >= 400:
            self.say("broken", f"linked from {source}", f"{answer.status} {address}")

    async def look(self, page: Page, *, judged: bool, context: BrowserContext | None = None) -> list[str]:
        """What stands in the window now, as it is."""
        said = await page.evaluate(CHECKS, {"targets": True})
        for one in said["found"]:
            if one["rule"] == "canary" or not self.only_canary:
                self.say(one["rule"], one["at"], one["what"])
        if not self.only_canary:
            self.read(said)
            if judged:
                await self.axes(page)
        ours = self.house.settings.address
        if context is not None and not self.only_canary:
            for url, at in said["parts"]:
                shape = self.routes.shape(url)
                if url.startswith(ours) and not self.seen[shape] and self.count(url):
                    await self.fetch(context, url, at, **{"hx-request": "true"})
        return [plain(url) for url, _ in said["links"] if url.startswith(ours + "/")]

    def read(self, said: dict[str, Any]) -> None:
        """The words of the page."""
        if not said["lang"].startswith(self.language):
            self.say("lang", "html", said["lang"])
        for words, at in said["texts"]:
            if why := self.tongue.strange(words):
                self.say(why, at, words)

    async def axes(self, page: Page) -> None:
        """WCAG A and AA on the phone, its colours in the dark as well, and once more on a desk: in each language."""
        await page.evaluate(STILL)  # a colour on its way is no colour
        await page.evaluate(AXE)
        tall = await page.evaluate("document.documentElement.scrollHeight")
        # As tall as the page: what a bar covers can be scrolled away from under it, which axe does not know.
        await page.set_viewport_size({"width": PHONE["width"], "height": max(tall, PHONE["height"])})
        await self.axe(page, "phone")
        await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        await self.axe(page, "dark")
        await page.emulate_media(color_scheme="light", reduced_motion="reduce")
        await page.set_viewport_size(DESK)
        for one in (await page.evaluate(CHECKS, {"targets": False}))["found"]:
            if one["rule"] == "overflow":
                self.say("overflow on a desk", one["at"], one["what"])
        await page.set_viewport_size({"width": DESK["width"], "height": max(tall, DESK["height"])})
        await self.axe(page, "desk")
        await page.set_viewport_size(PHONE)

    async def axe(self, page: Page, how: str) -> None:
        only = {"type": "rule", "values": COLOURED} if how == "dark" else {"type": "tag", "values": TAGS}
        options = {"runOnly": only, "resultTypes": ["violations"], "elementRef": False}
        result = await page.evaluate("options => axe.run(document, options)", options)
        for violation in result["violations"]:
            for node in violation["nodes"][:6]:
                detail = (node["any"] or node["all"] or node["none"] or [{"message": violation["help"]}])[0]["message"]
                self.say(f"axe {violation['id']} ({how})", " ".join(map(str, node["target"])), detail)


State = Callable[[Page], Awaitable[None]]


def report(findings: Iterable[Finding]) -> str:
    """All of them, grouped: the rule and the place once, with the kinds of pages where it is so."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for one in sorted(findings):
        groups.setdefault((one.rule, one.at), []).append(one)
    lines = []
    for (rule, at), ones in groups.items():
        shapes = sorted({one.shape for one in ones})
        where = ", ".join(shapes[:4]) + (f" and {len(shapes) - 4} more" if len(shapes) > 4 else "")
        lines.append(f"{rule} | {at} | {ones[0].what} | {where}")
    return "\n".join(lines)
