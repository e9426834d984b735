"""Without a pointer: Tab reaches all that can be pressed, where one stands is seen, Escape closes what opened."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from hutong.kit.ids import OFFER, STORE, VOUCHER
from tests.browser.crawl import Routes, Walk
from tests.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.timeout(300)]

NUMBER, HERE = (
    (Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("keyboard_number.js", "keyboard_here.js")
)


def pages(world: World) -> dict[str, tuple[str | None, str]]:
    """The main pages: who, and where."""
    city, town = f"/c/{world.house.town.slug}", world.house.town
    offer, draft = (OFFER.show(town.offers[slug], world.city) for slug in ("two-bowls", "draft"))
    store = STORE.show(town.stores["noodle-bar-lantern"], world.city)
    return {
        "home": (None, f"{city}/"), "nearby": (None, f"{city}/nearby"), "deal": (None, f"{city}/deals/{offer}"),
        "sign-in": (None, "/sign-in"), "confirm": ("ann", f"{city}/checkout?offer={offer}"),
        "voucher": ("ann", f"{city}/vouchers/{VOUCHER.show(world.vouchers['unused'], world.city)}"),
        "me": ("ann", f"{city}/me"), "scan": ("tao", f"/m/{store}/scan"), "today": ("mei", f"/m/{store}/today"),
        "editor": ("mei", f"/m/{store}/deals/{draft}"),
    }  # fmt: skip


async def opened(world: World, browser: Browser, who: str | None, path: str) -> Page:
    walk = Walk(world.house, Routes.of_house(world.house), "zh", token=world.tokens.get(who or ""))
    context = await walk.open(browser)
    page = await context.new_page()
    await page.goto(path)
    await page.wait_for_timeout(300)
    return page


async def _next_stop(page: Page) -> None:
    """Tab until one stands on another element: a field of a date has a stop for each of its parts."""
    await page.evaluate("() => { window.before = document.activeElement; }")
    for _ in range(9):
        await page.keyboard.press("Tab")
        if not await page.evaluate("() => window.before === document.activeElement && window.before.matches('input')"):
            return


async def tabbed(page: Page, stops: int) -> list[dict[str, Any]]:
    """Tab through the page and once around: a page may begin in its field."""
    await page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    found: list[dict[str, Any]] = []
    left = 0
    for _ in range(2 * stops + 12):
        await _next_stop(page)
        here = await page.evaluate(HERE)
        left += here is None
        if left == 2 or (here is not None and len(found) > 1 and here["stop"] == found[0]["stop"]):
            break
        if here is not None:
            found.append(here)
    return found


NAMES = ("home", "nearby", "deal", "sign-in", "confirm", "voucher", "me", "scan", "today", "editor")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.xdist_group("crawl-staff")
async def test_tab_reaches_everything(world: World, browser: Browser, name: str):
    """In the order of the page, each stop seen; nothing is jumped to by a number."""
    who, path = pages(world)[name]
    page = await opened(world, browser, who, path)
    named: dict[str, str] = await page.evaluate(NUMBER)
    stops = await tabbed(page, len(named))
    reached = [int(one["stop"]) for one in stops if one["stop"] is not None]
    assert {words for n, words in named.items() if int(n) not in reached} == set(), "Tab does not reach these"
    assert [one["name"] for one in stops if not one["seen"]] == [], "nobody sees that one stands on these"
    assert [one["name"] for one in stops if one["tab"] > 0] == []
    assert [one["name"] for one in stops if not one["inside"]] == [], "out of sight while one stands on them"
    first = list(dict.fromkeys(reached))
    start = first.index(min(first))
    assert first[start:] + first[:start] == sorted(first), "the order is not that of the page"
    await page.context.close()


@pytest.mark.xdist_group("crawl-staff")
async def test_escape_closes_the_sheet_at_the_counter(world: World, browser: Browser):
    """And one stands at the scanner again."""
    units = await world.buys("escape", "bo", "two-bowls")
    page = await opened(world, browser, *pages(world)["scan"])
    await page.locator("input[name=presented]").press_sequentially(units[0].code)
    await expect(page.locator("dialog[open] form[data-verify]")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await page.context.close()


@pytest.mark.parametrize(("who", "path"), [("mei", "/deals/two-bowls"), ("tao", "/scan"), ("ann", "")])
@pytest.mark.xdist_group("crawl-staff")
async def test_escape_closes_every_sheet(world: World, browser: Browser, who: str, path: str):
    """Whatever a button opens closes with Escape, and one stands on the button again."""
    places = pages(world)
    here = {"mei": places["editor"][1], "tao": places["scan"][1], "ann": places["deal"][1]}[who]
    page = await opened(world, browser, who, here)
    for button in await page.locator("button[data-sheet]").locator("visible=true").all():
        await button.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog[open]")).to_have_count(1)
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog[open]")).to_have_count(0)
        await expect(button).to_be_focused()
    await page.context.close()
