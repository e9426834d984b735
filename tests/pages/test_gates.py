"""What stands around every page: who may come in, forged writes, headers, cookies, faults (A7-A10, O6)."""

import re
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.routes import HTTPRoute

from hutong.infra.db import Database
from hutong.web.routes import make_app
from hutong.web.shared.guards import public, states_permission
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio
SAFE = {"GET", "HEAD", "OPTIONS"}


def handlers(app: Litestar) -> list[tuple[str, set[str], Any]]:
    """(path, methods, handler) of every page."""
    return [
        (route.path, set(handler.http_methods), handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.owner is not None and not route.path.startswith("/schema")
    ]


async def test_every_route_says_who_may_come_in(app: Litestar):
    """A route without a guard is open by oversight, and nobody would see it."""
    found = handlers(app)
    assert len(found) > 20
    pages = [(path, handler.guards or ()) for path, methods, handler in found if methods != {"OPTIONS"}]
    silent = [path for path, guards in pages if not any(states_permission(guard) for guard in guards)]
    assert silent == []


async def test_what_is_personal_is_not_public(app: Litestar):
    """Orders, vouchers and money are nobody else's business."""
    open_to_all = {path for path, _, h in handlers(app) if public in (h.guards or ())}
    assert not {path for path in open_to_all if "orders" in path or "vouchers" in path or "checkout" in path}


async def test_personal_pages_ask_to_sign_in_and_return(anybody: Reader):
    """401 and the sign-in form in one answer; afterwards the page that was asked for."""
    page = await anybody.get(anybody.at("/vouchers?tab=used"))
    assert page.status == 401
    assert page.form("/sign-in/codes").fields["next"] == [anybody.at("/vouchers?tab=used")]
    assert page.headers["cache-control"] == "no-store"


def sound(page: Page) -> None:
    """The headers that every answer carries."""
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert "traceback" not in page.html.lower()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/c/qinghe/", 200), ("/cities", 200), ("/nowhere", 404), ("/c/atlantis/", 404), ("/c/qinghe/nowhere/at/all", 404),
     ("/c/qinghe/deals/off_1_zzz", 404), ("/c/qinghe/orders", 401), ("/static/shared/no.js", 404),
     ("/c/qinghe/nearby?after=rubbish", 422), ("/c/qinghe/deals/../../etc/passwd", 404), ("/sign-out", 404)],
)  # fmt: skip
async def test_every_answer_carries_the_headers(anybody: Reader, path: str, status: int):
    """Errors too: they are pages like others."""
    page = await anybody.get(path)
    assert page.status == status
    sound(page)


async def test_https_makes_cookies_and_headers_strict(db: Database, house: TestHouse):
    """Behind https nothing travels in the clear."""
    house.settings = house.settings.model_copy(update={"public_url": "https://hutong.example"})
    reader = Reader(make_app(house), house)
    page = await reader.get("/sign-in")
    assert page.headers["strict-transport-security"].startswith("max-age=")
    assert all("Secure" in cookie and "HttpOnly" in cookie for cookie in page.headers.get_list("set-cookie"))
    del db


async def test_a_fault_shows_no_trace_and_keeps_the_headers(house: TestHouse):
    """Our own fault is logged for us and said kindly to the reader."""

    @get("/broken", guards=[public])
    async def broken() -> str:
        raise ZeroDivisionError("secret inner words")

    page = await Reader(make_app(house, more=[broken]), house, language="en").get("/broken")
    assert page.status == 500
    assert "your money is safe" in page.text
    assert "secret inner words" not in page.html
    sound(page)


async def test_a_write_without_its_token_is_refused(ann: Reader):
    """A form that stands on another site does not know the token."""
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}"))
    for changes in ({"_csrf_token": None}, {"_csrf_token": "0" * 128}):
        assert (await ann.send(page, "/checkout", **changes)).status == 403
    assert "还没有订单" in (await ann.get(ann.at("/orders"))).text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a_write_from_another_site_is_refused(ann: Reader, headers: dict[str, str]):
    """Even with a token: browsers say where a form stood."""
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}"))
    ann.web.headers.update(headers)
    assert (await ann.send(page, "/checkout")).status == 403


async def test_every_writing_route_wants_the_token(app: Litestar, ann: Reader):
    """All of them, so also the one that is added tomorrow."""
    writing = [path for path, methods, _ in handlers(app) if not methods & SAFE]
    assert len(writing) >= 7
    for path in writing:
        address = re.sub(r"\{[^}]*\}", "x", path)
        answer = await ann.web.post(address, data={"key": "0" * 32})
        assert answer.status_code == 403, path


async def test_getting_changes_nothing(app: Litestar, ann: Reader, house: TestHouse, db: Database):
    """Whoever follows every link of the site (a crawler, a preview) orders nothing and pays nothing."""
    order = await ann.buy()
    waiting = await ann.order("solo-lunch")
    before = await digest(db)
    seen: dict[str, set[str]] = {}
    todo = [ann.at(), "/cities", "/", ann.at("/me"), ann.at(f"/orders/{waiting}/payment"), f"/paid/{order}"]
    while todo:
        path = todo.pop()
        shape = re.sub(r"_1_[0-9a-z]{26}|=[^&]*", "", path)
        alike = seen.setdefault(shape, set())
        if path in alike or len(alike) == 2 or not path.startswith("/") or path.startswith("/static"):
            continue
        alike.add(path)
        page = await ann.get(path)
        assert page.status < 400 or page.status == 404, (path, page.status)
        assert page.inline == [], path
        todo += [*page.links, *([page.headers["location"]] if "location" in page.headers else [])]
    assert len(seen) > 20
    assert await digest(db) == before


async def digest(db: Database) -> dict[str, Any]:
    """How many rows each table has, and when each was last written."""
    async with db.reading() as tx:
        tables = await tx.rows(
            """select schemaname || '.' || relname as name from pg_stat_user_tables
               where schemaname not in ('pg_catalog', 'public') order by 1"""
        )
        return {
            row["name"]: await tx.row(f"select count(*) as n, max(xmin::text::bigint) as last from {row['name']}")
            for row in tables
        }


async def test_assets_are_kept_for_a_year_and_packed(anybody: Reader):
    """Their names follow from their content, so they never grow stale."""
    page = await anybody.get(anybody.at())
    sheets = [part.split('"')[0] for part in page.html.split('href="')[1:] if part.startswith("/static")]
    for path in sheets:
        asset = await anybody.get(path.partition("#")[0])
        assert asset.status == 200
        assert "immutable" in asset.headers["cache-control"]
        sound(asset)
    css = await anybody.get(next(path for path in sheets if path.endswith("css")))
    assert css.headers["content-encoding"] == "gzip"


async def test_pages_are_small(anybody: Reader):
    """The home of a city with its styles and scripts fits into sixty kilobytes on the wire, pictures apart."""
    page = await anybody.get(anybody.at())
    paths = {part.split('"')[0].partition("#")[0] for part in page.html.replace("src=", "href=").split('href="')[1:]}
    total = int(page.answer.headers.get("content-length", len(page.answer.content)))
    for path in {path for path in paths if path.startswith("/static") and not path.endswith(".png")}:
        total += int((await anybody.get(path)).answer.headers["content-length"])
    assert total < 60_000, total
