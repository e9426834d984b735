"""The tap budgets, one row each: what somebody wants, and how many taps it may cost in our pages at most.

Opening an address, typing, and what the provider's own page asks are no taps. Other tests look closer at the same
roads; this table is where the numbers stand.
"""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec import Struct
from playwright.async_api import Browser, Route, expect

from hutong import catalog, people, vouchers
from hutong.kit.ids import OFFER, ORDER, PAYMENT, STORE, VOUCHER
from hutong.web.shared.visit import SESSION
from tests.browser.conftest import Phone
from tests.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.xdist_group("taps")]


async def phone_of(world: World, browser: Browser, who: str, language: str = "zh") -> Phone:
    """His phone, signed in, in his language."""
    phone = await Phone.take(browser, world.house, language)
    await phone.context.add_cookies(
        [{"name": SESSION, "value": world.tokens[who], "url": world.house.settings.address}]
    )
    return phone


async def provider(world: World, phone: Phone) -> None:
    """The provider's page, whose button is pressed at once: it sends the payer back to us."""

    async def pays(route: Route) -> None:
        number = urlsplit(route.request.url).path.strip("/")
        back = world.house.pay.pay(number)
        await world.house.courier.ask(world.city, [PAYMENT.read_local(number)[1]])
        await route.fulfill(status=303, headers={"location": back})

    await phone.context.route("http://pay.example/**", pays)


async def buying(world: World, browser: Browser) -> int:
    """Nearby list, deal, Buy, Pay, the provider; what comes then is the voucher with its code."""
    ann = await phone_of(world, browser, "ann")
    await provider(world, ann)
    town = world.house.town
    async with world.house.db.reading(world.city) as tx:
        found = await catalog.offers(tx, sorted(town.offers.values()), city_id=world.city)
    plain = {OFFER.show(o.offer_id, world.city) for o in found if o and o.form == catalog.PLAIN and o.min_units == 1}
    await ann.open("/c/qinghe/nearby")
    links = await ann.page.locator("a[href*='/deals/']").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    await ann.tap(f"a[href='{next(link for link in links if link.rpartition('/')[2].split('?')[0] in plain)}']")
    await ann.tap("a.btn-accent[href*='/checkout']")
    await ann.tap("[data-pay-now]")
    await ann.page.wait_for_url("**/vouchers/vch_*")
    await ann.page.wait_for_selector("[data-qr]")
    return ann.taps


async def showing(world: World, browser: Browser) -> int:
    """At the shop: open, and the banner leads to the code."""
    ann = await phone_of(world, browser, "ann")
    await ann.open("/c/qinghe/")
    await ann.tap(".use-here a")
    await ann.page.wait_for_selector("[data-qr]")
    return ann.taps


async def to_the_scanner(world: World, browser: Browser) -> int:
    """A cashier lands on the scanner (that its camera is live without a tap: test_counter)."""
    tao = await phone_of(world, browser, "tao")
    await tao.open("/m")
    await tao.page.wait_for_url("**/scan")
    await tao.page.wait_for_selector("[data-scanner][data-ready]")
    return tao.taps


async def redeeming(world: World, browser: Browser) -> int:
    """Scan, then one confirmation."""
    (unit,) = await world.buys("tap-redeem", "bo", "two-bowls")
    tao = await phone_of(world, browser, "tao")
    await tao.open("/m")
    await tao.page.wait_for_selector("[data-scanner][data-ready]")
    await tao.page.keyboard.type(vouchers.qr_text(unit, world.clock.now()))
    await tao.page.keyboard.press("Enter")
    await tao.tap("[data-confirm]")
    await expect(tao.page.locator("dialog[open] [data-result=good]")).to_be_visible()
    return tao.taps


async def undoing(world: World, browser: Browser) -> int:
    """In the history: the row, Undo."""
    (unit,) = await world.buys("tap-undo", "bo", "two-bowls")
    await world.uses(unit)
    tao = await phone_of(world, browser, "tao")
    await tao.open(f"/m/{STORE.show(world.house.town.stores['noodle-bar-lantern'], world.city)}/history")
    await tao.tap("a.use-row")
    await tao.tap("form[action$='/reversals'] button")
    await tao.page.wait_for_url("**/redemptions/red_*")
    return tao.taps


async def refunding(world: World, browser: Browser) -> int:
    """On the order: Refund, a reason, Confirm."""
    await world.buys("tap-refund", "ann", "two-bowls")
    ann = await phone_of(world, browser, "ann")
    await ann.open(f"/c/qinghe/orders/{ORDER.show(world.orders['tap-refund'], world.city)}")
    await ann.tap("a[href*='/refund']")
    await ann.tap(".picks label")
    await ann.tap("form[action$='/refunds'] button")
    await ann.page.wait_for_url("**/orders/ord_*")
    await expect(ann.page.locator("main")).to_contain_text("退款")
    return ann.taps


async def reviewing(world: World, browser: Browser) -> int:
    """Where one is asked for a review: stars, Submit."""
    (unit,) = await world.buys("tap-review", "ann", "two-bowls")
    await world.uses(unit)
    ann = await phone_of(world, browser, "ann")
    await ann.open(f"/c/qinghe/vouchers/{VOUCHER.show(unit.voucher_id, world.city)}/review")
    await ann.tap(".rate-stars label >> nth=4")
    await ann.tap(".review-form .btn-primary")
    await ann.page.wait_for_url("**/reviews/**")
    return ann.taps


async def to_another_city(world: World, browser: Browser) -> int:
    """The name of the city, then the other one."""
    bo = await phone_of(world, browser, "bo")
    await bo.open("/c/qinghe/")
    await bo.tap("header a[href='/cities']")
    await bo.tap("main a[href='/c/linjiang/']")
    assert urlsplit(bo.page.url).path == "/c/linjiang/"
    return bo.taps


async def searching(world: World, browser: Browser) -> int:
    """Two letters of pinyin, then the suggestion."""
    bo = await phone_of(world, browser, "bo")
    await bo.open("/c/qinghe/")
    await bo.page.locator("input[type=search]").press_sequentially("xk", delay=40)
    await bo.tap(".suggestions a >> nth=0")
    await expect(bo.page.locator("main")).to_contain_text("巷口面吧")
    return bo.taps


async def publishing_a_copy(world: World, browser: Browser) -> int:
    """From the list of deals: one of them, Copy, Submit."""
    mei = await phone_of(world, browser, "mei")
    offer = OFFER.show(world.house.town.offers["solo-lunch"], world.city)
    await mei.open(f"/m/{STORE.show(world.house.town.stores['noodle-bar-lantern'], world.city)}/deals")
    await mei.tap(f"a[href$='/deals/{offer}']")
    await mei.tap("form[action$='/copies'] button")
    await mei.page.wait_for_selector("#deal-form")
    await mei.tap("button[name=then][value=submit]")
    await expect(mei.page.locator("main")).to_contain_text("审核")
    return mei.taps


async def queued(world: World, browser: Browser, slug: str) -> Phone:
    """Mei has sent a deal to be looked at; Lin's queue is open."""
    await world.submits(slug)
    lin = await phone_of(world, browser, "lin")
    await lin.open("/o/qinghe/deals")
    return lin


async def approving(world: World, browser: Browser) -> int:
    """In the queue, as consumers would see it: Approve."""
    lin = await queued(world, browser, "tap-approve")
    await lin.tap("button[name=decision][value=approve]")
    await expect(lin.page.locator("[role=status], .note").first).to_be_visible()
    return lin.taps


async def rejecting(world: World, browser: Browser) -> int:
    """Reject, and why."""
    lin = await queued(world, browser, "tap-reject")
    reason = lin.page.locator("button[value^='reject:']").first
    if not await reason.is_visible():
        await lin.tap("main details summary")
    await lin.tap("button[value^='reject:']")
    await expect(lin.page.locator("[role=status], .note").first).to_be_visible()
    return lin.taps


async def claiming(world: World, browser: Browser) -> int:
    """In the claim centre: the coupon's button."""
    bo = await phone_of(world, browser, "bo")
    await bo.open("/c/qinghe/coupons")
    coupon = f"[id='{OFFER.show(world.house.town.offers['coupon'], world.city)}']"
    await bo.tap(f"{coupon} form[action$='/claim'] button")
    await expect(bo.page.locator(f"{coupon} [role=status]")).to_be_visible()
    return bo.taps


async def joining(world: World, browser: Browser) -> int:
    """On a friend's link: Join; what comes then is what it costs, with the button to pay."""
    ann = await phone_of(world, browser, "ann")
    await ann.open(world.paths["team"])
    await ann.tap("a[href*='way=join_team']")
    await expect(ann.page.locator("[data-pay-now]")).to_be_visible()
    return ann.taps


async def billing(world: World, browser: Browser) -> int:
    """Scan a card, type the bill's amount, confirm."""
    [card] = await world.buys("tap-bill", "bo", "value-card")
    tao = await phone_of(world, browser, "tao")
    await tao.open("/m")
    await tao.page.wait_for_selector("[data-scanner][data-ready]")
    await tao.page.keyboard.type(vouchers.qr_text(card, world.clock.now()))
    await tao.page.keyboard.press("Enter")
    await tao.page.locator("dialog[open] [name=amount]").fill("36.50")
    await tao.tap("dialog[open] [data-confirm]")
    await expect(tao.page.locator("dialog[open] [data-result=good]")).to_be_visible()
    return tao.taps


async def collecting(world: World, browser: Browser, language: str = "zh") -> int:
    """Scan a member's code, type the bill's amount, settle."""
    now, ann = world.clock.now(), world.house.town.people["ann"]
    async with world.house.db.central() as tx:
        (badge,) = await people.take_badges(tx, [people.TakeBadge(ann, people.fresh_badge_secret())], now=now)
    return await _settling(world, browser, people.badge_text(badge, now), language=language)


async def collecting_by_number(world: World, browser: Browser) -> int:
    """The guest says her number, and the amount is typed."""
    return await _settling(world, browser, world.house.town.phones["ann"].removeprefix("+86"), said=True)


async def _settling(
    world: World, browser: Browser, text: str, *, said: bool = False, language: str = "zh"
) -> int:  # fmt: skip
    tao = await phone_of(world, browser, "tao", language)
    await tao.open("/m")
    await spoken(tao, language)
    await tao.page.wait_for_selector("[data-scanner][data-ready]")
    if said:
        await tao.page.locator("form[data-typed] [name=presented]").fill(text)
    else:
        await tao.page.keyboard.type(text)
    await tao.page.keyboard.press("Enter")
    await tao.page.locator("dialog[open] [name=amount]").fill("36.50")
    await tao.tap("dialog[open] [data-confirm]")
    await expect(tao.page.locator("dialog[open] [data-result=good]")).to_be_visible()
    return tao.taps


async def giving(world: World, browser: Browser) -> int:
    """On the voucher: Give, and the link is there. (The town's counters are heard: a silent one would keep it back.)"""
    (unit,) = await world.buys("tap-give", "ann", "two-bowls")
    async with world.house.db.city(world.city) as tx:
        await tx.run(
            "update vouchers.allowances set seen_at = %(now)s where city_id = %(city)s and ended_at is null",
            now=world.clock.now(), city=world.city,
        )  # fmt: skip
    ann = await phone_of(world, browser, "ann")
    await ann.open(f"/c/qinghe/vouchers/{VOUCHER.show(unit.voucher_id, world.city)}")
    await ann.tap("a[href$='/gift']")
    await ann.tap("main form button.btn-accent")
    await expect(ann.page.locator("[data-link]")).to_be_visible()
    return ann.taps


async def starting_the_demo(world: World, browser: Browser) -> int:
    """Two commands: get the sources, `make demo`; nothing in that recipe needs Docker, Node or Redis."""
    makefile = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
    for target in ("demo:", ".venv/.run:", ".venv/.uv:"):
        recipe = makefile.split(f"\n{target}", 1)[1].split("\n\n", 1)[0]
        assert not any(word in recipe for word in ("docker", "npm", "node", "redis")), recipe
    return 2


async def spoken(phone: Phone, language: str) -> None:
    """The page is in this language: a budget that holds in Chinese only is half a budget."""
    await expect(phone.page.locator("html")).to_have_attribute("lang", re.compile(f"^{language}"))


async def exchanging(world: World, browser: Browser, language: str = "zh") -> int:
    """The gift mall, a gift, Exchange, confirmed: what comes then is the right itself."""
    ann = await phone_of(world, browser, "ann", language)
    gift = OFFER.show(world.house.town.offers["gift-egg"], world.city)
    await ann.open("/c/qinghe/mall")
    await spoken(ann, language)
    await ann.tap(f"a[href$='/mall/{gift}']")
    await ann.tap(f".buybar a[href$='/mall/{gift}/exchange']")
    await ann.tap("#exchange .buybar button")
    await ann.page.wait_for_url("**/vouchers/vch_*")
    await ann.page.wait_for_selector("[data-qr]")
    return ann.taps


async def earning(world: World, browser: Browser, language: str = "zh") -> int:
    """From "me" to the code that a till scans."""
    ann = await phone_of(world, browser, "ann", language)
    await ann.open("/c/qinghe/me")
    await spoken(ann, language)
    await ann.tap("a[href$='/points']")
    await ann.tap("a[href$='/points/code']")
    await ann.page.wait_for_selector("[data-qr]")
    return ann.taps


async def arriving(world: World, browser: Browser) -> int:
    """A parcel is there: one tap on its order."""
    ann = await phone_of(world, browser, "ann")
    await ann.open(f"/c/qinghe/orders/{ORDER.show(world.orders['bowl-1'], world.city)}")
    await ann.tap("form[action$='/arrived'] button")
    await expect(ann.page.locator("#parcel form")).to_have_count(0)
    return ann.taps


class Row(Struct, frozen=True):
    """One line of the table. `do` counts; None: not built yet, `why` says with what it comes."""

    wish: str
    most: int
    do: Callable[[World, Browser], Awaitable[int]] | None
    why: str = ""


TABLE = [
    Row("nearby list, deal, buy, pay, code", 3, buying),
    Row("at the shop: open, code", 2, showing),
    Row("cashier: open, camera", 0, to_the_scanner),
    Row("cashier: scan, redeemed", 1, redeeming),
    Row("undo a redemption", 2, undoing),
    Row("refund what is unused", 3, refunding),
    Row("review", 2, reviewing),
    Row("another city", 2, to_another_city),
    Row("search by two letters of pinyin", 1, searching),
    Row("publish from a copied deal", 5, publishing_a_copy),
    Row("approve a deal", 1, approving),
    Row("reject a deal with a reason", 2, rejecting),
    Row("claim a coupon", 1, claiming),
    Row("join a friend's team", 1, joining),
    Row("cashier: scan, amount of the bill, settled", 1, billing),
    Row("cashier: a member's code, amount of the bill, settled", 1, collecting),
    Row("cashier: a member's number, amount of the bill, settled", 1, collecting_by_number),
    Row("give a voucher to a friend", 2, giving),
    Row("gift mall, a gift, exchanged", 3, exchanging),
    Row("my code for a till, from me", 2, earning),
    Row("a parcel is there", 1, arriving),
    Row("gift mall, in English", 3, partial(exchanging, language="en")),
    Row("my code, in English", 2, partial(earning, language="en")),
    Row("cashier: a member's code and a bill, in English", 1, partial(collecting, language="en")),
    Row("open a fridge", 1, None, "devices that sell"),
    Row("start the demo (commands)", 2, starting_the_demo),
]


@pytest.mark.parametrize("row", TABLE, ids=[row.wish for row in TABLE])
async def test_taps(world: World, chromium: Browser, row: Row):
    if row.do is None:
        pytest.skip(f"not built: {row.why}")
    assert await row.do(world, chromium) <= row.most
