"""A real server, a real provider, a real browser."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, async_playwright, expect

from hutong.infra.db import Database
from hutong.kit.clock import SystemClock
from tests.house import TestHouse, Town, make_house
from tests.provider import SandboxProcess, free_port
from tests.towns import Towns, another, application
from tests.world import TownClock, World, make_world

CHROMIUM = Path("/usr/bin/chromium")
# The same engine without the windows, menus and sync of a browser that nobody sees: less than half the work.
SHELL = Path("/usr/bin/chromium-headless-shell")
ENGINE = SHELL if SHELL.exists() else CHROMIUM
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"]
PHONE, DESK = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=800)
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
PATIENCE = 45_000  # milliseconds; a busy machine is slow, not wrong
FAILED = pytest.StashKey[bool]()
HEARD: dict[BrowserContext, list[str]] = {}  # what the browsers of a test complained about
# A result at the counter stays until it is tapped (a setting of the device): two seconds are nothing to a busy machine.
STAY = """localStorage.getItem("hutong.till") ?? localStorage.setItem("hutong.till", '{"stay": true}')"""
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    """SandboxPay as a process of its own, with its pay page: one company with which all houses have to do."""
    process = await SandboxProcess(tmp_path_factory.mktemp("sandboxpay")).start()
    yield process
    await process.stop()


@contextlib.asynccontextmanager
async def serving(made: TestHouse) -> AsyncIterator[TestHouse]:
    """The pages and the API of that house at its address, for as long as the block lasts."""
    port = made.settings.port
    with application(made, api=True) as app:
        server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
        running = asyncio.create_task(server.serve())
        for _ in range(1000):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.01)
        yield made
        server.stop()
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            await asyncio.wait_for(running, 10)
    await made.batches.close()


@pytest.fixture
def copied(towns: Towns) -> Iterator[tuple[str, Town]]:
    """A database of its own for each test, in which the small town is."""
    with towns.copy(SystemClock()) as made:
        yield made


@pytest.fixture
def database_url(copied: tuple[str, Town]) -> str:
    return copied[0]


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """As tests/conftest.py makes it, with more patience: a machine that stops for a while is not the page's fault."""
    made = await Database(database_url, statement_timeout_ms=60_000, lock_timeout_ms=60_000, wait_s=60).open()
    yield made
    await made.close()


@pytest.fixture
async def house(db: Database, copied: tuple[str, Town], provider: SandboxProcess) -> AsyncIterator[TestHouse]:
    """The small town, open to browsers and to the provider's callbacks at an address that only this test has."""
    clock, port = SystemClock(), free_port()
    made = await make_house(db, clock, provider=provider.adapter(clock), port=port, town=copied[1])
    async with serving(made):
        yield made


@contextlib.asynccontextmanager
async def living(server_url: str, template: str) -> AsyncIterator[World]:
    """The lived-in town (tests/world.py) in a database of its own, served."""
    with another(server_url, template) as url:
        db = await Database(url).open()
        made = await make_world(await make_house(db, TownClock(), port=free_port()))
        async with serving(made.house):
            yield made
        await db.close()


@pytest.fixture(scope="session")
async def world(server_url: str, template: str) -> AsyncIterator[World]:
    """One lived-in town for all who look at it; whoever changes it changes only what is his."""
    async with living(server_url, template) as made:
        yield made


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all; what a person has in it, his context, ends with the test."""
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=str(ENGINE), args=ARGS)
        yield made
        await made.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Whether a test failed is known to its fixtures when they end."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
async def chromium(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    """The browser; what was opened in it is closed after the test. A test that failed tells what its pages showed."""
    before = set(browser.contexts)
    yield browser
    for context in set(browser.contexts) - before:
        complaints = HEARD.pop(context, [])
        for page in context.pages if request.node.stash.get(FAILED, False) else ():
            with contextlib.suppress(Exception):  # a page that is gone says nothing
                words = await page.inner_text("body", timeout=2_000)
                print(f"page {page.url}\n{words[:1500]}\n{complaints}\n")
        await context.close()


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where pictures go: HUTONG_TEST_SHOTS to keep them."""
    folder = Path(os.environ.get("HUTONG_TEST_SHOTS") or tmp_path / "shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def until(page: Page, script: str, arg: Any = None) -> None:
    """Ask the page until it says yes. What it answers may be a promise: wait_for_function takes that for a yes."""
    for _ in range(300):
        if await page.evaluate(script, arg):
            return
        await page.wait_for_timeout(150)
    raise AssertionError(script)


class Phone:
    """A browser of somebody, who counts his taps; whatever the console complains about is kept."""

    _asked: ClassVar[dict[tuple[str, str], float]] = {}  # when a number last asked for a code, by database

    def __init__(self, context: BrowserContext, page: Page, house: TestHouse) -> None:
        self.context, self.page, self.house = context, page, house
        self.taps, self.complaints = 0, list[str]()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        known = "401" in message.text or message.location["url"].endswith("code.svg")  # answers that pages count on
        if message.type in ("error", "warning") and not known:
            self.complaints.append(f"{message.text} {message.location['url']}")

    @classmethod
    async def take(cls, browser: Browser, house: TestHouse, language: str = "zh", *, wide: bool = False) -> "Phone":
        context = await browser.new_context(
            viewport=DESK if wide else PHONE, locale=LOCALES[language], timezone_id="Asia/Shanghai",
            has_touch=not wide, base_url=house.settings.address,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        await context.add_init_script(STAY)
        phone = cls(context, await context.new_page(), house)
        HEARD[context] = phone.complaints
        return phone

    async def open(self, path: str) -> None:
        """Type an address: no tap."""
        await self.page.goto(path, wait_until="load")

    async def tap(self, selector: str) -> None:
        """Press what is visible and wait for what comes."""
        await self.page.locator(selector).locator("visible=true").first.click()
        await self.page.wait_for_load_state("load")
        self.taps += 1

    async def sign_in(self, who: str) -> None:
        """Through the form that stands on the page; typing is no tap, so the count stays."""
        phone = self.house.town.phones[who]
        await self._gap(phone)
        await self.page.fill("input[name=phone]", phone)
        await self.page.locator("main button").first.click()
        await self.page.wait_for_selector("input[name=code]")
        self._asked[self.house.db.url, phone] = time.monotonic()
        await self.page.fill("input[name=code]", self.house.messages.last_code(phone) or "")
        await self.page.wait_for_selector("form[data-code]", state="detached")

    async def _gap(self, phone: str) -> None:
        """The house sends a number its next code after a pause; a quick machine is back before it is over."""
        gap = self.house.settings.otp_gap_seconds
        await asyncio.sleep(max(0.0, self._asked.get((self.house.db.url, phone), -gap) + gap - time.monotonic()))

    async def fits(self) -> bool:
        """Nothing sticks out to the side."""
        return await self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    async def picture(self, path: Path, *, full: bool = False) -> None:
        await self.page.screenshot(path=path, full_page=full)
