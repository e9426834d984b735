"""Where is every cent and every point? The trial balance of each book, its accounts, and their legs."""

from datetime import datetime
from typing import Annotated

from litestar import Response, get
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from hutong import ledger, places, programmes
from hutong.desk import overseeing
from hutong.infra.db import Tx
from hutong.kit.ids import PROGRAMME
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, NotFound
from hutong.kit.text import Text
from hutong.ledger import Book, Place
from hutong.web.platform.frame import RUNS, AtFloor
from hutong.web.shared.visit import Visiting

MOST_ACCOUNTS = 500
Asked = Annotated[str, QueryParameter(max_length=200)]


class Shown(Struct, frozen=True, kw_only=True):
    """A book that may be opened: its name, and its address below /platform/books."""

    book: Book
    name: Text
    path: str
    zone: str


async def shelf(tx: Tx, now: datetime) -> list[Shown]:
    """The books of all cities and programmes."""
    of_cities = [
        Shown(book=Book.city(city.city_id), name=city.name, path=f"/city/{city.slug}", zone=city.zone)
        for city in await places.cities(tx)
    ]
    return of_cities + [
        Shown(
            book=Book.programme(one.programme_id), name=one.name, zone=one.zone,
            path=f"/programme/{PROGRAMME.show(one.programme_id)}",
        )
        for one in await programmes.programmes(tx, at=now)
    ]  # fmt: skip


async def opened(tx: Tx, now: datetime, kind: str, key: str) -> Shown:
    """The book of an address. Raises not_found."""
    for one in await shelf(tx, now):
        if one.path == f"/{kind}/{key}":
            return one
    raise NotFound()


@get("/books", guards=[RUNS])
async def every(visit: Visiting, floor: AtFloor) -> Response[str]:
    """All books, each with whether it balances."""
    visit.frame["tab"] = "books"
    async with visit.house.db.reading() as tx:
        found = [(one, await overseeing.trial(tx, one.book)) for one in await shelf(tx, visit.house.clock.now())]
    return visit.page("platform/books.html", found=found, amount=Amount)


@get("/books/{kind:str}/{key:str}", guards=[RUNS])
async def book(visit: Visiting, floor: AtFloor, kind: FromPath[str], key: FromPath[str]) -> Response[str]:
    """The trial balance of one book, by asset and heading."""
    visit.frame["tab"] = "books"
    async with visit.house.db.reading() as tx:
        shown = await opened(tx, visit.house.clock.now(), kind, key)
        sheet = await overseeing.trial(tx, shown.book)
    return visit.page("platform/book.html", shown=shown, sheet=sheet, amount=Amount)


@get("/books/{kind:str}/{key:str}/accounts", guards=[RUNS])
async def accounts(
    visit: Visiting, floor: AtFloor, kind: FromPath[str], key: FromPath[str], heading: Asked = "", asset: Asked = "",
) -> Response[str]:  # fmt: skip
    """The accounts under a heading."""
    visit.frame["tab"] = "books"
    async with visit.house.db.reading() as tx:
        shown = await opened(tx, visit.house.clock.now(), kind, key)
        found = await ledger.balances(tx, shown.book, prefix=heading, asset=asset or None, limit=MOST_ACCOUNTS + 1)
    of = [one for one in found if one.path == heading or one.path.startswith(f"{heading}/") or not heading]
    return visit.page(
        "platform/accounts.html", shown=shown, heading=heading, found=of[:MOST_ACCOUNTS],
        cut=len(of) > MOST_ACCOUNTS,
    )  # fmt: skip


@get("/books/{kind:str}/{key:str}/account", guards=[RUNS])
async def account(
    visit: Visiting, floor: AtFloor, kind: FromPath[str], key: FromPath[str], path: Asked, asset: Asked,
    after: Asked = "",
) -> Response[str]:  # fmt: skip
    """The legs of one account, oldest first, with the balance after each."""
    visit.frame["tab"] = "books"
    async with visit.house.db.reading() as tx:
        shown = await opened(tx, visit.house.clock.now(), kind, key)
        found = await overseeing.account(
            tx, shown.book, path=path, asset=asset, since=None, until=None, after=_place(after)
        )
    visit.zone = shown.zone
    more = f"{found.next.at.isoformat()}~{found.next.seq}" if found.next else ""
    return visit.page("platform/account.html", shown=shown, it=found, unit=asset, more=more, further=bool(after))


def _place(after: str) -> Place | None:
    """Where the page before ended. Raises bad_input."""
    if not after:
        return None
    at, _, seq = after.partition("~")
    try:
        return Place(datetime.fromisoformat(at.replace(" ", "+")), int(seq))
    except ValueError:
        raise BadInput(field="after", why="?") from None


ROUTES = (every, book, accounts, account)
