"""The misbehaviour script: what a provider does on a bad day, asked for by a test.

    ok                      forget the rules of this number
    late(seconds)           callbacks leave that much later
    duplicate(count)        every callback is sent `count` times at once
    reorder(seconds)        the first callback waits `seconds`, later ones overtake it
    lost                    callbacks are never sent
    forged                  callbacks are signed by somebody else's key
    wrong_amount(delta)     the capture takes amount + delta
    done_then_500           the call has its effect and answers 500
    timeout_but_done        the call has its effect and never answers
    silent                  the call has no effect and never answers
    slow(seconds)           refunds and payouts stay in processing that long
    refund_fails            refunds are accepted and fail afterwards
    payout_fails            payouts are accepted and fail afterwards

A rule belongs to one number (of a payment, refund or payout) or to all; `times` ends it after so many uses;
`only` narrows it to operations (open, query, close, refund, refund_query, payout, payout_query, bill) or to
kinds of callbacks (payment.captured, ...).
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from hutong.cli.sandboxpay.store import Store

Mode = Literal[
    "late",
    "duplicate",
    "reorder",
    "lost",
    "forged",
    "wrong_amount",
    "done_then_500",
    "timeout_but_done",
    "silent",
    "slow",
    "refund_fails",
    "payout_fails",
    "ok",
]
WRITES = ("open", "close", "refund", "payout")


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the script."""

    mode: Mode
    times: int | None = None
    seconds: float = 1.0
    count: int = 2
    delta: int = 0
    only: list[str] = []


class Chapter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of one number (None: of all). Replaces what was there for it."""

    number: str | None = None
    rules: list[Rule]


class Script:
    """The rules in force. They live in the state file, so a restart does not make the provider honest."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, chapter: Chapter) -> None:
        with self._store.writing():
            self._store.run("delete from rule where number is :number", number=chapter.number)
            for rule in chapter.rules:
                if rule.mode != "ok":
                    self._store.run(
                        "insert into rule (number, body, used) values (:number, :body, 0)",
                        number=chapter.number,
                        body=msgspec.json.encode(rule),
                    )

    def forget(self) -> None:
        with self._store.writing():
            self._store.run("delete from rule")

    def take(self, mode: Mode, numbers: Sequence[str], action: str) -> Rule | None:
        """The rule of that mode for these numbers and this action, counted as used; None when there is none.

        Rules of a number come before those of all. Call it inside a transaction of the store.
        """
        for row in self._store.rows("select id, number, body, used from rule order by number is null, id"):
            rule = msgspec.json.decode(row["body"], type=Rule)
            fits = rule.mode == mode and (row["number"] is None or row["number"] in numbers)
            if not fits or (rule.only and action not in rule.only):
                continue
            if rule.times is not None and row["used"] >= rule.times:
                continue
            self._store.run("update rule set used = used + 1 where id = :id", id=row["id"])
            return rule
        return None

    def rules(self) -> list[dict[str, object]]:
        rows = self._store.rows("select number, body, used from rule order by id")
        return [{"number": r["number"], "used": r["used"], **msgspec.json.decode(r["body"])} for r in rows]
