"""Visits for tests of pages: bought and used as people do it, then reviewed."""

import io
from typing import Any
from uuid import UUID

import httpx2
from PIL import Image

from hutong import orders, people, reviews, vouchers
from hutong.desk import counter, reviewing, signing
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.ids import ORDER, REVIEW, VOUCHER
from hutong.reviews import Content
from hutong.web.shared.visit import SESSION
from tests.house import TestHouse
from tests.pages.reader import Page, Reader


async def actor_of(reader: Reader) -> Actor:
    found = await signing.actor(reader.house, reader.web.cookies.get(SESSION))
    assert found is not None
    return found


async def visit(reader: Reader, slug: str = "two-bowls", store: str = "noodle-bar-lantern") -> str:
    """Buy a deal and use it at the counter; the public id of the voucher."""
    house, city = reader.house, reader.house.town.city_id
    order = ORDER.read_local(await reader.buy(slug))[1]
    async with house.db.reading(city) as tx:
        held = (await vouchers.of_orders(tx, [order], city_id=city))[0]
        assert await orders.order(tx, held.member_id, order, city_id=city)
    await use(house, held.code, store)
    return VOUCHER.show(held.voucher_id, city)


async def use(house: TestHouse, code: str, store: str) -> vouchers.Redeemed:
    """Mei, who owns the shop, redeems it."""
    async with house.db.reading() as tx:
        mei = (await people.actors(tx, [house.town.people["mei"]]))[house.town.people["mei"]]
    return await counter.redeem(
        house, house.town.city_id, mei, house.town.stores[store], request_no=new_id().hex, presented=code
    )


async def reviewed(reader: Reader, stars: int = 5, words: str = "汤很鲜", **more: Any) -> str:
    """A visit with its review; the public id of the review."""
    city = reader.house.town.city_id
    voucher = VOUCHER.read_local(await visit(reader))[1]
    done = await reviewing.write(
        reader.house, city, await actor_of(reader), voucher, Content(stars=stars, words=words, **more),
        key=new_id().hex, language="zh",
    )  # fmt: skip
    return REVIEW.show(done.review_id, city)


async def read(house: TestHouse, review: str) -> Any:
    city, review_id = REVIEW.read_local(review)
    async with house.db.reading(city) as tx:
        return (await reviews.by_ids(tx, [review_id], city_id=city))[0]


def a_photo(size: tuple[int, int] = (600, 400), kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 50).convert("RGB").save(out, kind, **options)
    return out.getvalue()


async def post(reader: Reader, page: Page, part: str, files: list[bytes] | None = None, **changes: Any) -> Page:
    """Send a form with files, as a browser does: an empty choice is an empty file without a name."""
    form = page.form(part)
    fields = {k: v for k, v in form.fields.items() if v and k not in changes and k != "photo"} | changes
    parts: list[tuple[str, Any]] = [
        (name, (None, text))
        for name, value in fields.items()
        for text in (value if isinstance(value, list) else [value])
    ]
    chosen = files or [b""]
    parts += [("photo", ("p.jpg" if data else "", data, "image/jpeg")) for data in chosen]
    answer = await reader.web.post(form.action, files=parts)
    assert isinstance(answer, httpx2.Response)
    return Page(answer)


def id_of(page: Page) -> UUID:
    """The review that an answer leads to."""
    return REVIEW.read_local(page.headers["location"].split("/reviews/")[1].split("?")[0])[1]
