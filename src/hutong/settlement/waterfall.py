"""Who got what of a thing: the rows of the books about it, replayed. Pure, and knows no earning and no statement.

A row moves an amount out of one account into another. Some accounts only hold what is on its way (escrow, deposits,
the clearing between two books); all others are somebody's. So what somebodies gave is what somebodies got and what is
still held, for every asset: the page shows the three and that they agree. New movements appear by themselves.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount
from hutong.ledger import Book, Move

# Whose an account is, by the beginning of its path; the longest that fits says it.
PATHS: dict[str, str] = {
    "provider": "buyer",
    "escrow": "held", "deposit": "held", "clearing": "held",
    "payable/merchant": "merchant", "payable/operator": "operator", "payable/referrer": "referrer",
    "payable/worker": "worker", "custody/worker": "worker",
    "revenue/commission": "platform", "revenue/breakage": "breakage", "revenue/expired-points": "programme",
    "revenue": "programme",
    "expense/promotion": "promotion", "expense/provider-fee": "provider_fee",
    "wallet": "wallet", "points": "member",
    "funding": "funding", "funding/own": "programme", "campaign": "campaign", "reserve": "reserve",
    "due": "partner", "disputed": "partner", "issued": "issued", "redeemed": "redeemed", "expired": "expired",
}  # fmt: skip


class Party(Struct, frozen=True, order=True):
    """Whose an account is: the kind, the id or name behind it ("" for the only one), and which of his it is."""

    kind: str
    whose: str = ""
    path: str = ""


class Fall(Struct, frozen=True, kw_only=True):
    """One row of the books: from whom to whom, how much, why, and by which version of which rule."""

    at: datetime
    event: str
    ref: UUID
    rule: str
    amount: Amount
    source: Party
    target: Party
    book: Book


class Part(Struct, frozen=True, kw_only=True):
    """What a party gave (below zero) or got in all."""

    party: Party
    amount: Amount


class Sum(Struct, frozen=True, kw_only=True):
    """The whole of one asset: who gave, who got, what is held; and whether it adds up."""

    asset: str
    gave: tuple[Part, ...]
    got: tuple[Part, ...]
    held: tuple[Part, ...]  # below zero: it came from what was held before
    given: Amount
    received: Amount
    left: Amount

    @property
    def adds_up(self) -> bool:
        return self.given == self.received + self.left


class Waterfall(Struct, frozen=True, kw_only=True):
    """Who got what of a thing, row by row and in all."""

    falls: tuple[Fall, ...]
    sums: tuple[Sum, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules that were followed, in the order of time, each once."""
        return tuple(dict.fromkeys(fall.rule for fall in self.falls if fall.rule))

    @property
    def adds_up(self) -> bool:
        return all(one.adds_up for one in self.sums)

    def of(self, asset: str) -> Sum | None:
        """The sum of one asset."""
        return next((one for one in self.sums if one.asset == asset), None)


def party_of(path: str, book: Book) -> Party:
    """Whose an account is. A path that nobody has named is "other": it is shown as it stands."""
    words = path.split("/")
    for length in range(len(words), 0, -1):
        kind = PATHS.get("/".join(words[:length]))
        if kind is not None:
            rest = "/".join(words[length:])
            if kind in ("member", "wallet") and book.kind == "member":
                rest = str(book.key)
            return Party(kind, rest, path)
    return Party("other", path, path)


def replay(moves: Iterable[Move]) -> Waterfall:
    """The rows in the order of time (in one moment what is given, then what is passed on, then what is got), and what
    each party gave or got of each asset."""
    falls = [
        Fall(
            at=move.at, event=move.event, ref=move.ref, rule=move.rule, amount=move.amount,
            source=party_of(move.source, move.book), target=party_of(move.target, move.book), book=move.book,
        )
        for move in moves
    ]  # fmt: skip
    falls.sort(
        key=lambda fall: (
            fall.at, fall.source.kind == "held", fall.target.kind != "held", fall.book.kind, str(fall.book.key)
        )
    )  # fmt: skip
    return summed(falls)


def summed(falls: Sequence[Fall]) -> Waterfall:
    """The rows with what each party gave or got in all."""
    assets = dict.fromkeys(fall.amount.asset for fall in falls)
    return Waterfall(falls=tuple(falls), sums=tuple(_sum(falls, asset) for asset in assets))


def _sum(falls: Sequence[Fall], asset: str) -> Sum:
    nets: dict[Party, int] = {}
    for fall in falls:
        if fall.amount.asset == asset:
            for party, change in ((fall.source, -fall.amount.units), (fall.target, fall.amount.units)):
                mine = Party(party.kind, party.whose)
                nets[mine] = nets.get(mine, 0) + change
    own = {party: units for party, units in nets.items() if party.kind != "held" and units}
    pots = {party: units for party, units in nets.items() if party.kind == "held" and units}
    return Sum(
        asset=asset,
        gave=_parts({p: u for p, u in own.items() if u < 0}, asset),
        got=_parts({p: u for p, u in own.items() if u > 0}, asset),
        held=_parts(pots, asset),
        given=Amount(-sum(u for u in own.values() if u < 0), asset),
        received=Amount(sum(u for u in own.values() if u > 0), asset),
        left=Amount(sum(pots.values()), asset),
    )


def _parts(nets: dict[Party, int], asset: str) -> tuple[Part, ...]:
    """The greatest first."""
    ordered = sorted(nets.items(), key=lambda item: (-abs(item[1]), item[0]))
    return tuple(Part(party=party, amount=Amount(units, asset)) for party, units in ordered)
