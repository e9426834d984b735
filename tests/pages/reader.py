"""Somebody with a browser and no JavaScript: opens pages, follows links, fills in forms and sends them."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx2
from msgspec import Struct

from hutong.kit.ids import OFFER, PAYMENT, STORE
from hutong.web.shared.kept_way import KeptWay
from tests.house import TestHouse


class Form(Struct):
    """A form as it was rendered, with what it holds."""

    action: str
    method: str
    fields: dict[str, list[str]]


class _Scan(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower(), {}))
        if tag == "input" and self.forms and given.get("name"):
            picked = given.get("type") not in ("checkbox", "radio") or "checked" in given
            values = self.forms[-1].fields.setdefault(given["name"], [])
            if picked:
                values.append(given.get("value", ""))
        if tag in ("style", "script") and "src" not in given and given.get("type") != "application/ld+json":
            self.inline.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


class Page:
    """An answer, read."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer, self.status, self.html = answer, answer.status_code, answer.text
        self.path = answer.url.raw_path.decode()
        self.headers = answer.headers
        scan = _Scan()
        scan.feed(self.html)
        self.links, self.forms, self.inline = scan.links, scan.forms, scan.inline
        self.text = " ".join(" ".join(scan.words).split())

    def link(self, part: str) -> str:
        """The first link whose address contains the words."""
        found = [link for link in self.links if part in link]
        assert found, f"no link with {part!r} on {self.path}: {self.links}"
        return found[0]

    def form(self, part: str) -> Form:
        """The first form whose action contains the words."""
        found = [form for form in self.forms if part in form.action]
        assert found, f"no form with {part!r} on {self.path}: {[form.action for form in self.forms]}"
        return found[0]


class Reader:
    """One browser: its cookies, its language, whose phone it is."""

    def __init__(self, app: Any, house: TestHouse, *, language: str = "zh") -> None:
        # As in production (app.py): what is kept goes out before the framework, to all readers of a house alike.
        front = vars(house).setdefault("fronts", {}).setdefault(id(app), KeptWay(app, house))
        transport = httpx2.ASGITransport(app=front, raise_app_exceptions=False, client=("203.0.113.7", 4711))
        self.web = httpx2.AsyncClient(
            transport=transport, base_url=house.settings.address, headers={"accept-language": language}
        )
        self.house = house

    async def get(self, path: str, **options: Any) -> Page:
        return Page(await self.web.get(path, **options))

    async def follow(self, path: str) -> Page:
        """Open an address and go where it leads, as long as that is ours."""
        page = await self.get(path)
        while page.status in (301, 302, 303, 307):
            target = page.headers["location"]
            assert target.startswith("/"), target
            page = await self.get(target)
        return page

    async def send(self, page: Page, part: str, **changes: Any) -> Page:
        """Send the form of the page with these fields changed; None takes one away."""
        form = page.form(part)
        assert form.method == "post"
        fields: dict[str, Any] = {name: values for name, values in form.fields.items() if values}
        fields |= changes
        data = {name: value for name, value in fields.items() if value is not None}
        return Page(await self.web.post(form.action or page.path, data=data))

    async def send_and_follow(self, page: Page, part: str, **changes: Any) -> Page:
        """Send the form and go where the answer leads."""
        answer = await self.send(page, part, **changes)
        return await self.follow(answer.headers["location"]) if answer.status == 303 else answer

    async def sign_in(self, who: str) -> "Reader":
        """As one of the cast, through the pages."""
        phone = self.house.town.phones[who]
        asked = await self.send(await self.get("/sign-in"), "/sign-in/codes", phone=phone)
        assert asked.status == 200, asked.text
        code = self.house.messages.last_code(phone)
        answer = await self.send(asked, "/sign-in", code=code)
        assert answer.status == 303, answer.text
        return self

    def at(self, path: str = "/") -> str:
        """An address in the town."""
        return f"/c/{self.house.town.slug}{path}"

    def deal(self, slug: str) -> str:
        """The public id of an offer by the short name of the demo data."""
        return OFFER.show(self.house.town.offers[slug], self.house.town.city_id)

    def store(self, slug: str) -> str:
        return STORE.show(self.house.town.stores[slug], self.house.town.city_id)

    async def order(self, slug: str = "two-bowls", quantity: int = 1) -> str:
        """Order as the pages let one; the public id of the order, which waits to be paid."""
        page = await self.get(self.at(f"/checkout?offer={self.deal(slug)}&quantity={quantity}"))
        answer = await self.send(page, "/checkout")
        assert answer.status == 303, answer.text
        return urlsplit(answer.headers["location"]).path.split("/")[4]

    async def buy(self, slug: str = "two-bowls", quantity: int = 1) -> str:
        """Order and pay; the public id of the order."""
        order = await self.order(slug, quantity)
        await self.pay_all()
        return order

    async def pay_all(self) -> None:
        """The payer pays whatever is open, and the house hears of it."""
        house = self.house
        for number in list(house.pay.opened):
            house.pay.pay(number)
        payments = [PAYMENT.read_local(number)[1] for number in house.pay.opened]
        await house.courier.ask(house.town.city_id, payments)
