"""Money tested as a script (habit 18): one attempt a line, its outcome at the end of the line.

    post T1 ext    ann    500              -> done          Dr ext, Cr ann
    hold T2 ann    noodle 300 [until 30]   -> done          a reserve, which expires at minute 30
    take T3 T2 [200]                       -> done          posts the reserve, all of it or a part
    void T4 T2                             -> already_posted
    move T5 ann >wallet 100                -> done          Dr ann here, Cr wallet in the member's book
    chain                                                   the following lines are linked, up to `end`
    expire                                 -> 1             at this minute; how many reserves were freed
    clock 31                                                minutes since the start
    balance ann                            -> 200/150       posted / available on its normal side

`ext` is a debit account and may overdraw, `till` is a debit account, `wallet` holds CNY only; every other account is
a credit account. `name!` declares an account as one that may overdraw. A name of a transfer is its id.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid5

from msgspec.structs import replace

from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Account, Book, Posted, Result, Transfer, across
from hutong.ledger.model import Decision, Known, Standing, State, decide, key_of, malformed

START = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
NAMES = UUID("0197a000-0000-7000-8000-000000000000")
ANN = UUID("0197a000-0000-7000-8000-00000000a11a")


def named(name: str) -> UUID:
    return uuid5(NAMES, name)


def account(name: str) -> Account:
    if name == "ext":
        return Account("ext", "debit", may_overdraw=True)
    if name == "wallet":
        return Account("wallet", "credit", asset="CNY")
    return Account(name.rstrip("!"), "debit" if name == "till" else "credit", may_overdraw=name.endswith("!"))


class Desk(Protocol):
    """Where a script is played: the pure model, or the real thing on PostgreSQL."""

    async def post(self, transfers: Sequence[Transfer], *, now: datetime) -> list[Result]: ...

    async def expire(self, book: Book, *, now: datetime) -> list[Result]: ...

    async def balance(self, book: Book, path: str) -> str: ...


class Paper:
    """The books kept by `decide` alone, in memory."""

    def __init__(self) -> None:
        self.state = State()

    async def post(self, transfers: Sequence[Transfer], *, now: datetime) -> list[Result]:
        for t in transfers:
            if malformed(t) is None:
                for a in (t.debit, t.credit):
                    standing = Standing(side=a.side, may_overdraw=a.may_overdraw)
                    self.state.accounts.setdefault(key_of(t, a), standing)
        decision = decide(self.state, transfers, now=now)
        self._keep(decision)
        return decision.results

    def _keep(self, decision: Decision) -> None:
        for entry in decision.entries:
            t = entry.transfer
            self.state.accounts[t.book, t.debit.path, t.amount.asset] = entry.debit
            self.state.accounts[t.book, t.credit.path, t.amount.asset] = entry.credit
            self.state.known[t.book, t.id] = Known.of(t)
            if t.pending_id is not None:
                self.state.resolved[t.book, t.pending_id] = t.step

    async def expire(self, book: Book, *, now: datetime) -> list[Result]:
        raise NotImplementedError("the sweep is a query")

    async def balance(self, book: Book, path: str) -> str:
        found = [s for (b, p, _), s in self.state.accounts.items() if (b, p) == (book, path)]
        return f"{found[0].balance()}/{found[0].available()}" if found else "none"


class Script:
    """Plays lines on a desk and remembers the reserves, which later lines name."""

    def __init__(self, desk: Desk, city_id: int = 1) -> None:
        self.desk, self.here, self.there = desk, Book.city(city_id), Book.member(ANN)
        self.now = START
        self.reserves: dict[str, Transfer] = {}
        self.waiting: list[tuple[list[Transfer], str, str]] | None = None

    async def play(self, text: str) -> None:
        for line in filter(None, (raw.split("#")[0].strip() for raw in text.splitlines())):
            words, _, expected = (part.strip() for part in line.partition("->"))
            verb, *rest = words.split()
            simple: dict[str, Callable[[list[str], str, str], Awaitable[None]]] = {
                "clock": self._clock,
                "balance": self._balance,
                "expire": self._expire,
                "chain": self._chain,
                "end": self._end,
            }
            if verb in simple:
                await simple[verb](rest, expected, line)
            else:
                await self._attempt(self.transfers(verb, rest), expected, line)

    def transfers(self, verb: str, rest: list[str]) -> list[Transfer]:
        """The transfer (for `move` the two) that a line describes."""
        if verb in ("post", "hold"):
            return [self._plain(verb, *rest)]
        if verb == "move":
            return self._move(*rest)
        name, of, *part = rest
        reserve = self.reserves.get(of) or self._plain("none", of, "ann", "noodle", "1")
        step = "post_pending" if verb == "take" else "void_pending"
        amount = Amount(int(part[0]), reserve.amount.asset) if part else reserve.amount
        changes = {"debit": account(part[1]), "credit": account(part[2])} if len(part) == 3 else {}
        return [
            replace(
                reserve, id=named(name), step=step, pending_id=reserve.id, amount=amount, expires_at=None, **changes
            )
        ]

    def _plain(self, verb: str, name: str, debit: str, credit: str, units: str, *until: str) -> Transfer:
        number, asset = re.fullmatch(r"(-?\d+)([A-Z]*)", units).groups()  # type: ignore[union-attr]
        made = Transfer(
            id=named(name), book=self.here, debit=account(debit), credit=account(credit),
            amount=Amount(int(number), asset or "CNY"), event="test", ref=NAMES,
            step="reserve" if verb == "hold" else "post",
            expires_at=START + timedelta(minutes=int(until[1])) if until else None,
        )  # fmt: skip
        if verb == "hold":
            self.reserves[name] = made
        return made

    def _move(self, name: str, debit: str, credit: str, units: str) -> list[Transfer]:
        return across(
            id=named(name), source=self.here, debit=account(debit), target=self.there,
            credit=account(credit.removeprefix(">")), amount=Amount(int(units), "CNY"), event="test", ref=NAMES,
        )  # fmt: skip

    async def _attempt(self, transfers: list[Transfer], expected: str, line: str) -> None:
        if self.waiting is not None:
            self.waiting.append((transfers, expected, line))
        else:
            results = await self.desk.post(transfers, now=self.now)
            self._compare(results, expected, line)

    def _compare(self, results: list[Result], expected: str, line: str) -> None:
        words = sorted({self.word(result) for result in results})
        assert " ".join(words) == expected, f"{line}   (was {words})"

    @staticmethod
    def word(result: Result) -> str:
        if isinstance(result, Refusal):
            return result.code
        assert isinstance(result, Posted)
        return "again" if result.replayed else "done"

    async def _chain(self, rest: list[str], expected: str, line: str) -> None:
        self.waiting = []

    async def _end(self, rest: list[str], expected: str, line: str) -> None:
        """`end` closes the chain; `end open` leaves its last transfer linked."""
        lines, self.waiting = self.waiting or [], None
        flat = [t for transfers, _, _ in lines for t in transfers]
        linked = [replace(t, linked=i < len(flat) - 1 or rest == ["open"]) for i, t in enumerate(flat)]
        results = await self.desk.post(linked, now=self.now)
        for transfers, outcome, words in lines:
            mine, results = results[: len(transfers)], results[len(transfers) :]
            self._compare(mine, outcome, words)

    async def _clock(self, rest: list[str], expected: str, line: str) -> None:
        self.now = START + timedelta(minutes=int(rest[0]))

    async def _balance(self, rest: list[str], expected: str, line: str) -> None:
        book = self.there if rest[0].startswith(">") else self.here
        found = await self.desk.balance(book, rest[0].removeprefix(">"))
        assert found == expected, f"{line}   (was {found})"

    async def _expire(self, rest: list[str], expected: str, line: str) -> None:
        results = await self.desk.expire(self.there if rest == ["there"] else self.here, now=self.now)
        assert all(isinstance(result, Posted) for result in results), results
        assert str(len(results)) == expected, f"{line}   (was {len(results)})"
