"""The ledger once more, as simply as it can be said: a list of lines, summed up anew for every question."""

from collections.abc import Sequence
from datetime import datetime

from hutong.ledger import Book, Transfer
from hutong.ledger.values import RESOLUTIONS

Where = tuple[Book, str]


class Oracle:
    """Says for a chain of transfers what must come out, and keeps what was accepted."""

    def __init__(self) -> None:
        self.lines: list[Transfer] = []

    def totals(self, where: Where) -> tuple[int, int]:
        """(posted, reserved against it) of an account, on its normal side: credits less debits, except for debits."""
        posted = reserved = 0
        for t in self.lines:
            for account, sign in ((t.debit, -1), (t.credit, 1)):
                if (t.book, account.path) != where:
                    continue
                direction = sign if account.side == "credit" else -sign
                if t.step in ("post", "post_pending"):
                    posted += direction * t.amount.units
                if t.step == "reserve" and direction < 0 and self.resolution(t) is None:
                    reserved += t.amount.units
        return posted, reserved

    def find(self, book: Book, id: object) -> Transfer | None:
        return next((t for t in self.lines if (t.book, t.id) == (book, id)), None)

    def resolution(self, reserve: Transfer) -> str | None:
        return next((t.step for t in self.lines if (t.book, t.pending_id) == (reserve.book, reserve.id)), None)

    def due(self, book: Book, now: datetime) -> list[Transfer]:
        return [
            t
            for t in self.lines
            if t.book == book and t.expires_at is not None and t.expires_at <= now and self.resolution(t) is None
        ]

    def attempt(self, chain: Sequence[Transfer], now: datetime) -> list[str]:
        """One word for each member: done, again, or the code of the refusal."""
        before = list(self.lines)
        words: list[str] = []
        for t in chain:
            words.append(self.word(t, now))
            if words[-1] == "done":
                self.lines.append(t)
            elif words[-1] != "again":
                self.lines = before
                return [
                    words[-1] if i == len(words) - 1 else "again" if self.find(t.book, t.id) == t else "linked_failed"
                    for i, t in enumerate(chain)
                ]
        return words

    def word(self, t: Transfer, now: datetime) -> str:
        known = self.find(t.book, t.id)
        if known is not None:
            return "again" if known == t else "id_taken"
        if t.debit.path == t.credit.path:
            return "accounts_same"
        if t.amount.units <= 0:
            return "amount_not_positive"
        if t.step in RESOLUTIONS:
            return self.word_of_resolution(t, now)
        for account, leaving in ((t.debit, "credit"), (t.credit, "debit")):
            posted, reserved = self.totals((t.book, account.path))
            if account.side == leaving and not account.may_overdraw and posted - reserved < t.amount.units:
                return "insufficient_funds"
        return "done"

    def word_of_resolution(self, t: Transfer, now: datetime) -> str:
        reserve = self.find(t.book, t.pending_id)
        if reserve is None or reserve.step != "reserve":
            return "pending_not_found"
        if (reserve.debit, reserve.credit) != (t.debit, t.credit):
            return "pending_other_accounts"
        resolved = self.resolution(reserve)
        if resolved is not None:
            return {"post_pending": "already_posted", "void_pending": "already_voided"}.get(resolved, "pending_expired")
        if reserve.expires_at is not None and reserve.expires_at <= now:
            return "pending_expired"
        if t.amount.units > reserve.amount.units:
            return "exceeds_pending"
        if t.step == "void_pending" and t.amount != reserve.amount:
            return "pending_other_amount"
        return "done"
