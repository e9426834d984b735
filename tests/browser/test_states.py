"""What no link leads to: forms sent wrongly, sheets, results. Each is looked at like a crawled page."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, expect

from hutong.kit.ids import OFFER, ORDER, STORE, VOUCHER
from tests.browser.crawl import Routes, Walk, report
from tests.browser.test_crawl import THEIRS, keep
from tests.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.timeout(600)]
Act = Callable[[World, Page, str], Awaitable[None]]
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


def at(world: World, path: str) -> str:
    return f"/c/{world.house.town.slug}{path}"


def counter_of(world: World, path: str, store: str = "noodle-bar-lantern") -> str:
    return f"/m/{STORE.show(world.house.town.stores[store], world.city)}{path}"


def deal(world: World, slug: str = "two-bowls") -> str:
    return OFFER.show(world.house.town.offers[slug], world.city)


async def bad_number(world: World, page: Page, language: str) -> None:
    await page.goto("/sign-in")
    await page.fill("input[name=phone]", "12345")
    await page.locator("form[action='/sign-in/codes'] button").first.click()
    await expect(page.locator("main [role=alert]")).to_be_visible()


async def code(world: World, page: Page, language: str) -> None:
    await page.goto("/sign-in")
    await page.fill("input[name=phone]", {"zh": "19900000071", "en": "19900000072"}[language])
    await page.locator("form[action='/sign-in/codes'] button").first.click()
    await page.wait_for_selector("input[name=code]")


async def wrong_code(world: World, page: Page, language: str) -> None:
    await code(world, page, language)
    await page.fill("input[name=code]", "000000")
    await expect(page.locator("main [role=alert]")).to_be_visible()


async def too_many(world: World, page: Page, language: str) -> None:
    await page.goto(at(world, f"/checkout?offer={deal(world)}&quantity=99"))


async def sold_elsewhere(world: World, page: Page, language: str) -> None:
    await page.goto(at(world, f"/checkout?offer={deal(world, 'brief')}"))


async def refund(world: World, page: Page, language: str) -> None:
    units = await world.buys(f"spare-{language}", "ann", "two-bowls", 2)
    await page.goto(at(world, f"/orders/{ORDER.show(world.orders[f'spare-{language}'], world.city)}/refund"))
    await page.locator(".picks label").first.click()
    assert len(units) == 2


async def refund_asked(world: World, page: Page, language: str) -> None:
    await refund(world, page, language)
    await page.locator("form[action$='/refunds'] button").first.click()
    await page.wait_for_url("**/orders/ord_*")


async def review(world: World, page: Page, language: str) -> None:
    (unit,) = await world.buys(f"eaten-{language}", "ann", "two-bowls")
    await world.uses(unit)
    await page.goto(at(world, f"/vouchers/{VOUCHER.show(unit.voucher_id, world.city)}/review"))
    await page.locator(".rate-stars label").nth(1).click()


async def typed(world: World, page: Page, presented: str) -> None:
    await page.goto(counter_of(world, "/scan"))
    await page.wait_for_load_state("load")
    await page.locator("input[name=presented]").press_sequentially(presented)
    await page.wait_for_selector("dialog[open]")


async def sheet(world: World, page: Page, language: str) -> None:
    units = await world.buys(f"shown-{language}", "bo", "two-bowls", 2)
    await typed(world, page, units[0].code)
    await page.wait_for_selector("dialog[open] form[data-verify]")


async def green(world: World, page: Page, language: str) -> None:
    await sheet(world, page, language)
    await page.locator("[data-confirm]").click()
    await page.wait_for_selector("dialog[open] [data-result=good]")


async def red(world: World, page: Page, language: str) -> None:
    await typed(world, page, "000000000000")
    await page.wait_for_selector("dialog[open] [data-result=bad]")


async def empty_deal(world: World, page: Page, language: str) -> None:
    await page.goto(counter_of(world, f"/deals/{deal(world, 'draft')}"))
    await page.fill("input[name=title_zh]", "")
    await page.fill("input[name=price]", "-1")
    await page.locator("button[name=then][value=submit]").click()
    await page.wait_for_selector("[aria-invalid=true], [role=alert]")


async def not_there(world: World, page: Page, language: str) -> None:
    await page.goto(at(world, "/no-such-page"))


async def not_allowed(world: World, page: Page, language: str) -> None:
    await page.goto(counter_of(world, "/statement"))


ACTS: list[tuple[str | None, Act]] = [
    (None, bad_number), (None, code), (None, wrong_code), (None, not_there), ("ann", too_many), ("ann", sold_elsewhere),
    ("ann", refund), ("ann", refund_asked), ("ann", review), ("tao", sheet), ("tao", green), ("tao", red),
    ("tao", not_allowed), ("mei", empty_deal),
]  # fmt: skip


@LANGUAGES
@pytest.mark.parametrize(("who", "act"), ACTS, ids=[act.__name__ for _, act in ACTS])
@pytest.mark.xdist_group("crawl-consumer")
async def test_states_that_only_acts_reach(world: World, browser: Browser, who: str | None, act: Act, language: str):
    steps = Walk(world.house, Routes.of_house(world.house), language, token=world.tokens.get(who or ""), theirs=THEIRS)
    context = await steps.open(browser)
    page = await context.new_page()
    steps.listen(page)
    await act(world, page, language)
    await page.wait_for_timeout(300)
    steps.shape = f"state: {act.__name__}"
    await steps.look(page, judged=True)
    await context.close()
    # A browser calls every answer from 400 on an error of loading; these are what the state is about.
    # A refusal is an answer with a 4; a preview that was on its way when the form went is given up, and htmx says so.
    quiet = ("status of 4", "htmx:afterRequest", "htmx:sendAbort")
    found = {f for f in steps.findings if not (f.rule == "console" and any(words in f.what for words in quiet))}
    keep(found, f"state-{act.__name__}-{language}")
    assert not found, f"\n{report(found)}"


MAIN = ("/", "/nearby", "/map", "/search?q=mian", "/me", "/vouchers", "/orders")


@LANGUAGES
@pytest.mark.xdist_group("crawl-consumer")
async def test_large_letters_fit(world: World, browser: Browser, language: str):
    """With letters a third larger, in the dark, nothing sticks out on the pages that people open daily."""
    steps = Walk(world.house, Routes.of_house(world.house), language, token=world.tokens["ann"], theirs=THEIRS)
    context = await steps.open(browser)
    page = await context.new_page()
    steps.listen(page)
    unused = VOUCHER.show(world.vouchers["unused"], world.city)
    more = (f"/deals/{deal(world)}", f"/checkout?offer={deal(world)}", f"/vouchers/{unused}")
    await page.goto("/cities?text=large&theme=lane-dark")
    for path in (*MAIN, *more):
        await page.goto(at(world, path))
        steps.shape = f"large {steps.routes.shape(path)}"
        await steps.look(page, judged=False)
    await context.close()
    keep(steps.findings, f"large-{language}")
    assert not steps.findings, f"\n{report(steps.findings)}"
