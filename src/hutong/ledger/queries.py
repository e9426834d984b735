"""Reading the books: balances, the statement of an account, the trial balance. Who may see is decided by the caller."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.ledger._family import family_of, scope
from hutong.ledger._family import statement as sql_of
from hutong.ledger.model import Standing
from hutong.ledger.values import Book

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)
_LAST = "\U0010ffff"  # sorts behind everything that may follow a prefix


class Balance(Struct, frozen=True, kw_only=True):
    """What an account holds. `posted` stands on its normal side; `available` leaves out what is reserved."""

    book: Book
    path: str
    posted: Amount
    available: Amount
    standing: Standing


class Place(Struct, frozen=True):
    """Where a page of a statement ended."""

    at: datetime
    seq: int


class Line(Struct, frozen=True, kw_only=True):
    """One posted leg. `change` is above zero when it adds on the normal side; `balance` is after it."""

    place: Place
    transfer_id: UUID
    event: str
    ref: UUID
    rule: str
    other: str
    change: Amount
    balance: Amount


class Statement(Struct, frozen=True, kw_only=True):
    """A page of an account's legs: the balance before the page, at the end of the period, and where to go on."""

    path: str
    opening: Amount
    closing: Amount
    lines: list[Line]
    next: Place | None


class TrialRow(Struct, frozen=True, kw_only=True):
    """The accounts of one heading ("escrow", "payable") in one asset: units debited and credited."""

    asset: str
    heading: str
    accounts: int
    debits: int
    credits: int
    debits_pending: int
    credits_pending: int


async def balances(
    tx: Tx, book: Book, *, paths: Sequence[str] | None = None, prefix: str = "", asset: str | None = None,
    limit: int = 1_000,
) -> list[Balance]:  # fmt: skip
    """The accounts of a book by path, those named or those under a prefix. One that was never used is not listed."""
    return await _balances(tx, [book], paths, prefix, asset, limit)


async def balances_of(tx: Tx, books: Sequence[Book], *, paths: Sequence[str]) -> list[Balance]:
    """These paths in several keyed books (or in one city's): one statement. Unused accounts are not listed."""
    if not books or not paths:
        return []
    return await _balances(tx, books, paths, "", None, len(books) * len(paths) * 4)


async def _balances(
    tx: Tx, books: Sequence[Book], paths: Sequence[str] | None, prefix: str, asset: str | None, limit: int
) -> list[Balance]:
    family = family_of(books[0])
    rows = await tx.rows(
        sql_of(family, "balances"),
        first=prefix,
        last=prefix + _LAST,
        paths=None if paths is None else list(paths),
        asset=asset,
        limit=limit,
        **scope(family, books),
    )
    return [_balance(row) for row in rows]


def _balance(row: dict[str, Any]) -> Balance:
    book, path, asset = Book(row.pop("book_kind"), row.pop("key")), row.pop("path"), row.pop("asset")
    standing = Standing(**row)
    return Balance(
        book=book,
        path=path,
        posted=Amount(standing.balance(), asset),
        available=Amount(standing.available(), asset),
        standing=standing,
    )


async def statement(
    tx: Tx, book: Book, *, path: str, asset: str, since: datetime | None = None, as_of: datetime | None = None,
    after: Place | None = None, limit: int = 100,
) -> Statement | None:  # fmt: skip
    """What was posted to an account in [since, as_of), by time; None for an account that was never used.

    `as_of` alone gives the balance as of a date: `closing`. Reserves are not posted and are not in it. `after` is
    the `next` of the page before.
    """
    family = family_of(book)
    start = after or Place(since or _BEGINNING, 0)
    rows = await tx.rows(
        sql_of(family, "statement"),
        path=path,
        asset=asset,
        since=start.at,
        seq=start.seq,
        until=as_of or _END,
        limit=limit,
        **scope(family, [book]),
    )
    if not rows:
        return None
    sign = 1 if rows[0]["side"] == "debit" else -1
    opening = Amount(sign * rows[0]["opening"], asset)
    lines = _lines(rows, sign, opening)
    return Statement(
        path=path,
        opening=opening,
        closing=Amount(sign * rows[0]["closing"], asset),
        lines=lines,
        next=lines[-1].place if len(lines) == limit else None,
    )


async def more(tx: Tx, book: Book, page: Statement, *, as_of: datetime | None = None, limit: int = 100) -> Statement:
    """The page behind one that has a `next`, of the same period: nothing is summed up anew, so that all of a long
    account costs what its legs cost. `closing` stays what it was when the first page was read."""
    assert page.next is not None
    family, opening = family_of(book), page.lines[-1].balance
    rows = await tx.rows(
        sql_of(family, "more"),
        path=page.path,
        asset=opening.asset,
        since=page.next.at,
        seq=page.next.seq,
        until=as_of or _END,
        limit=limit,
        **scope(family, [book]),
    )
    lines = _lines(rows, 1 if rows and rows[0]["side"] == "debit" else -1, opening)
    return Statement(
        path=page.path,
        opening=opening,
        closing=page.closing,
        lines=lines,
        next=lines[-1].place if len(lines) == limit else None,
    )


def _lines(rows: Sequence[dict[str, Any]], sign: int, balance: Amount) -> list[Line]:
    """The legs of rows; an account without any has one row without a leg."""
    lines: list[Line] = []
    for row in rows:
        if row["seq"] is not None:
            change = Amount(sign * row["net"], balance.asset)
            balance += change
            lines.append(_line(row, change, balance))
    return lines


def _line(row: dict[str, Any], change: Amount, balance: Amount) -> Line:
    return Line(
        place=Place(row["at"], row["seq"]),
        transfer_id=row["transfer_id"],
        event=row["event"],
        ref=row["ref"],
        rule=row["rule"],
        other=row["other"],
        change=change,
        balance=balance,
    )


async def trial_balance(tx: Tx, book: Book) -> list[TrialRow]:
    """Every heading of a book with what was debited and credited; per asset both sums are equal."""
    family = family_of(book)
    return [TrialRow(**row) for row in await tx.rows(sql_of(family, "trial"), **scope(family, [book]))]


async def due_books(tx: Tx, *, now: datetime, limit: int = 100) -> list[Book]:
    """Member and programme books with a reserve whose time is over: for the sweep, over all shards."""
    rows = await tx.rows(
        """select r.book_id, min(a.book_kind) as kind
             from ledger.book_reserves as r join ledger.book_accounts as a on a.book_id = r.book_id
            where r.expires_at <= %(now)s
            group by r.book_id order by min(r.expires_at), r.book_id limit %(limit)s""",
        now=now,
        limit=limit,
    )
    return [Book(row["kind"], row["book_id"]) for row in rows]
