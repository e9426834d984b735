"""The words of the ledger: book, account, transfer. No order and no person is known here."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from hutong.kit.clock import aware
from hutong.kit.ids import derive
from hutong.kit.money import Amount

Side = Literal["debit", "credit"]
Step = Literal["post", "reserve", "post_pending", "void_pending", "expire_pending"]
RESOLUTIONS: frozenset[str] = frozenset({"post_pending", "void_pending", "expire_pending"})
POSTING: frozenset[str] = frozenset({"post", "post_pending"})

# Ten trillion yuan in fen. A total would need nine thousand such transfers to overflow a bigint.
UNITS_MAX = 10**15

_PATH = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
_PATH_LENGTH_MAX = 160


class Book(Struct, frozen=True):
    """A closed set of accounts, in which every asset sums to zero: a city's, a member's, a programme's."""

    kind: Literal["city", "member", "programme"]
    key: int | UUID

    @classmethod
    def city(cls, city_id: int) -> "Book":
        return cls("city", city_id)

    @classmethod
    def member(cls, member_id: UUID) -> "Book":
        return cls("member", member_id)

    @classmethod
    def programme(cls, programme_id: UUID) -> "Book":
        return cls("programme", programme_id)

    def name(self) -> str:
        """The book as a part of a path: "city/1", "member/0197...", "programme/0197..."."""
        return f"{self.kind}/{self.key}"


class Account(Struct, frozen=True):
    """An account as its user declares it. It is opened by its first transfer and cannot be declared otherwise later.

    `side` is the side on which it normally stands; unless `may_overdraw`, it never stands on the other, counting
    what is reserved. `asset` is given for an account that holds one asset only.
    """

    path: str
    side: Side
    may_overdraw: bool = False
    asset: str | None = None

    def __post_init__(self) -> None:
        if len(self.path) > _PATH_LENGTH_MAX or not _PATH.fullmatch(self.path):
            raise ValueError(f"{self.path!r} is no path of an account")


class Transfer(Struct, frozen=True, kw_only=True):
    """`amount` from the credit of one account to the debit of another, in one book and one asset.

    `id` is the caller's key: the same id again is the same transfer. `linked` chains it to the next in the list:
    they are posted together or not at all. `twin` is the other book of a movement between two (see `across`).
    `event`, `ref` and `rule` say what happened, to what, and by which version of which rule. `expires_at`
    (reserves only) is an aware instant.
    """

    id: UUID
    book: Book
    debit: Account
    credit: Account
    amount: Amount
    event: str
    ref: UUID
    rule: str = ""
    step: Step = "post"
    pending_id: UUID | None = None
    expires_at: datetime | None = None
    linked: bool = False
    twin: Book | None = None

    def __post_init__(self) -> None:
        if (self.step in RESOLUTIONS) != (self.pending_id is not None):
            raise ValueError("a resolution, and nothing else, names a reserve")
        if self.expires_at is not None:
            if self.step != "reserve":
                raise ValueError("only a reserve expires")
            aware(self.expires_at)


class Posted(Struct, frozen=True):
    """The transfer stands in the books; `replayed` when it already stood there."""

    transfer_id: UUID
    replayed: bool = False


def clearing(other: Book) -> Account:
    """What this book and `other` have moved between each other; over all books it nets to zero."""
    return Account(f"clearing/{other.name()}", "debit", may_overdraw=True)


def chain(transfers: Sequence[Transfer]) -> list[Transfer]:
    """The same transfers, linked: all of them or none."""
    last = len(transfers) - 1
    return [replace(transfer, linked=i < last) for i, transfer in enumerate(transfers)]


def across(
    *, id: UUID, source: Book, debit: Account, target: Book, credit: Account, amount: Amount,
    event: str, ref: UUID, rule: str = "", step: Step = "post", pending_id: UUID | None = None,
    expires_at: datetime | None = None, linked: bool = False,
) -> list[Transfer]:  # fmt: skip
    """A movement between two books: two linked transfers with one id, against the clearing accounts of both.

    In `source`: Dr `debit`, Cr clearing/target. In `target`: Dr clearing/source, Cr `credit`. `linked` links the
    pair to what follows it in the list.
    """
    first = Transfer(
        id=id, book=source, debit=debit, credit=clearing(target), amount=amount, event=event, ref=ref, rule=rule,
        step=step, pending_id=pending_id, expires_at=expires_at, linked=True, twin=target,
    )  # fmt: skip
    second = replace(first, book=target, debit=clearing(source), credit=credit, linked=linked, twin=source)
    return [first, second]


def undo(transfers: Sequence[Transfer], *, event: str) -> list[Transfer]:
    """The posted transfers the other way round, last first, as one chain; ids follow from the first ones.

    So a transfer is undone at most once: a second undo meets the same ids.
    """
    if any(transfer.step != "post" for transfer in transfers):
        raise ValueError("only plain transfers are undone; a reserve is voided")
    turned = [
        replace(t, id=derive(t.id, "undo"), debit=t.credit, credit=t.debit, event=event) for t in reversed(transfers)
    ]
    return chain(turned)


def resolve(reserve: Transfer, *, id: UUID, step: Step, units: int | None = None, event: str = "") -> Transfer:
    """The transfer that posts (all, or `units` of it; the rest is released) or voids `reserve`."""
    amount = reserve.amount if units is None else Amount(units, reserve.amount.asset)
    return replace(
        reserve, id=id, step=step, pending_id=reserve.id, amount=amount, expires_at=None, event=event or reserve.event
    )
