"""What was posted about a thing, row by row: the replay behind every question who got what."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.ledger._family import family_of, scope
from hutong.ledger._family import statement as sql_of
from hutong.ledger.values import Book


class Move(Struct, frozen=True, kw_only=True):
    """`amount` went from one account to another of a book: out of what is debited, into what is credited."""

    book: Book
    transfer_id: UUID
    at: datetime
    amount: Amount
    source: str
    target: str
    event: str
    ref: UUID
    rule: str


async def moves(tx: Tx, books: Sequence[Book], refs: Sequence[UUID], *, limit: int = 2_000) -> list[Move]:
    """What was posted about these refs in books of one family (one city; or members and programmes), oldest first.

    Reserves are not posted and are left out. Who may see it is the caller's.
    """
    if not books or not refs:
        return []
    family = family_of(books[0])
    by_key = {book.key: book for book in books}
    rows = await tx.rows(
        sql_of(family, "moves"), refs=sorted(set(refs)), limit=limit, **scope(family, list(books))
    )  # fmt: skip
    return [
        Move(
            book=by_key[row["key"]], transfer_id=row["transfer_id"], at=row["at"],
            amount=Amount(row["amount"], row["asset"]), source=row["debit_path"], target=row["credit_path"],
            event=row["event"], ref=row["ref"], rule=row["rule"],
        )
        for row in rows
    ]  # fmt: skip
