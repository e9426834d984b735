"""Who wins: promotions of one lane compete for lines, lanes stack, of an exclusive group one is used. Pure.

Within a lane the set of promotions that takes most off wins, each line served by one of them at most. That is weighted
set packing: solved exactly by walking the lines with memory, with a cap on the number of different sets (MOST_SETS).
"""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from msgspec import Struct

from hutong.kit.refusals import Refusal
from hutong.pricing.model import (
    Basket,
    BetterPromotion,
    ExclusivePromotion,
    Facts,
    Lane,
    NothingToTake,
    Promotion,
    Taken,
)

MOST_SETS = 10  # different sets of lines that whole benefits of one lane may be weighed with: the greatest benefits
MOST_PLAYS = 32  # how often a basket is played to find the best of exclusive groups; then the greatest benefit stays

Admitted = tuple[Promotion, tuple[int, ...]]
Tie = tuple[bool, str]


class Played(Struct):
    """The outcome: `kept` are (promotion, position, units) lane by lane; a promotion is kept or has a `no`."""

    considered: list[Promotion]
    kept: list[tuple[Promotion, int, int]]
    nos: dict[str, Refusal]
    mores: dict[str, Refusal]


class _Bid(Struct, gc=False):
    """What one promotion would take off in its lane: units by position, none of them zero or more than is left."""

    promotion: Promotion
    tie: Tie
    amounts: dict[int, int]
    whole: bool
    total: int


def play(basket: Basket, promotions: Sequence[Promotion], facts: Facts) -> Played:
    """Every promotion asked once, then the lanes in their order."""
    ordered = sorted(promotions, key=_place)
    nos: dict[str, Refusal] = {}
    admitted: list[Admitted] = []
    for promotion in ordered:
        answer = promotion.admit(basket, facts)
        if isinstance(answer, Refusal):
            nos[promotion.id] = answer
        else:
            admitted.append((promotion, answer))
    lanes = [list(rivals) for _, rivals in groupby(admitted, key=_lane)]
    kept, more_nos, mores = _Contest(basket, lanes).one_of_each_group(frozenset())
    return Played(considered=ordered, kept=kept, nos=nos | more_nos, mores=mores)


_Outcome = tuple[list[tuple[Promotion, int, int]], dict[str, Refusal], dict[str, Refusal]]


def _place(promotion: Promotion) -> tuple[Lane, str]:
    return promotion.lane, promotion.id


def _lane(admitted: Admitted) -> Lane:
    return admitted[0].lane


def _tie(promotion: Promotion) -> Tie:
    return promotion.trigger == "coupon", promotion.id


class _Contest:
    """A basket played through its lanes, once or, for exclusive groups, several times: a lane that finds the same again
    is remembered."""

    def __init__(self, basket: Basket, lanes: list[list[Admitted]]) -> None:
        self.basket, self.lanes, self.plays = basket, lanes, MOST_PLAYS
        self.members: dict[str, set[str]] = {}
        for rivals in lanes:
            for promotion, _ in rivals:
                if promotion.group is not None:
                    self.members.setdefault(promotion.group, set()).add(promotion.id)
        self.known: dict[tuple[int, tuple[int, ...], frozenset[str]], _Outcome] = {}

    def one_of_each_group(self, banned: frozenset[str]) -> _Outcome:
        """The outcome in which no group is used twice: each of the rivals in a group is tried alone, the best outcome
        for the member stays (ties: the rival that costs no coupon, then the smaller id)."""
        outcome = self.play(banned)
        used: dict[str, dict[str, Promotion]] = {}
        gains: dict[str, int] = {}
        for promotion, _, units in outcome[0]:
            if promotion.group is not None:
                used.setdefault(promotion.group, {})[promotion.id] = promotion
                gains[promotion.id] = gains.get(promotion.id, 0) + units
        twice = min((group for group, rivals in used.items() if len(rivals) > 1), default=None)
        if twice is None:
            return outcome
        tried: list[tuple[int, Tie, _Outcome]] = []
        for rival in sorted(used[twice].values(), key=lambda rival: (-gains[rival.id], _tie(rival))):
            if tried and self.plays <= 0:
                break
            self.plays -= 1
            losers = self.members[twice] - {rival.id}
            found = self.one_of_each_group(banned | losers)
            for loser in losers:
                if loser not in found[1] or isinstance(found[1][loser], ExclusivePromotion):
                    found[1][loser] = ExclusivePromotion(winner_zh=rival.name.zh, winner_en=rival.name.en)
            tried.append((-sum(units for _, _, units in found[0]), _tie(rival), found))
        return min(tried, key=itemgetter(0, 1))[2]

    def play(self, banned: frozenset[str]) -> _Outcome:
        """Lane after lane without those that are banned."""
        left = list(self.basket.bases)
        kept: list[tuple[Promotion, int, int]] = []
        nos: dict[str, Refusal] = {}
        mores: dict[str, Refusal] = {}
        for number, rivals in enumerate(self.lanes):
            key = number, tuple(left), banned
            if banned and banned.isdisjoint([promotion.id for promotion, _ in rivals]):
                key = number, tuple(left), frozenset()
            found = self.known.get(key)
            if found is None:
                found = self.known[key] = self.lane(rivals, left, banned)
            for _, position, units in found[0]:
                left[position] -= units
            kept += found[0]
            nos |= found[1]
            mores |= found[2]
        return kept, nos, mores

    def lane(self, rivals: Sequence[Admitted], left: Sequence[int], banned: frozenset[str]) -> _Outcome:
        """What one lane keeps, and why the others lost."""
        bids, nos, mores = [], {}, {}
        for promotion, positions in rivals:
            if promotion.id in banned:
                continue
            answer = _bid(promotion, promotion.take(self.basket, positions, left), left, mores)
            if isinstance(answer, Refusal):
                nos[promotion.id] = answer
            else:
                bids.append(answer)
        won = _share_out(bids)
        kept = [(won[position].promotion, position, won[position].amounts[position]) for position in sorted(won)]
        winners = {bid.tie for bid in won.values()}
        for bid in bids:
            if bid.tie not in winners:
                winner = won[min(p for p in bid.amounts if p in won)].promotion.name
                nos[bid.promotion.id] = BetterPromotion(winner_zh=winner.zh, winner_en=winner.en)
                mores.pop(bid.promotion.id, None)
        return kept, nos, mores


def _bid(
    promotion: Promotion, taken: Taken | Refusal, left: Sequence[int], mores: dict[str, Refusal]
) -> _Bid | Refusal:
    """The benefit cut to what is left; the refusal when nothing comes of it."""
    if isinstance(taken, Refusal):
        return taken
    amounts, total = {}, 0
    for position, units in taken.amounts:
        most = left[position]
        if units > most:
            units = most
        if units > 0:
            amounts[position] = units
            total += units
    if not amounts:
        return NothingToTake()
    if taken.more is not None:
        mores[promotion.id] = taken.more
    whole = taken.whole and len(amounts) > 1
    return _Bid(promotion, _tie(promotion), amounts, whole, total)


def _share_out(bids: Sequence[_Bid]) -> dict[int, _Bid]:
    """Which bid serves which position, so that most is taken off; ties go line by line to the smaller."""
    if len(bids) < 2:
        return {position: bid for bid in bids for position in bid.amounts}
    singles: dict[int, _Bid] = {}
    wholes: dict[frozenset[int], _Bid] = {}
    for bid in bids:
        if bid.whole:
            key = frozenset(bid.amounts)
            rival = wholes.get(key)
            if rival is None or (-bid.total, bid.tie) < (-rival.total, rival.tie):
                wholes[key] = bid
            continue
        for position, units in bid.amounts.items():
            rival = singles.get(position)
            if rival is None or (-units, bid.tie) < (-rival.amounts[position], rival.tie):
                singles[position] = bid
    ranked = _worth_weighing(wholes, singles)
    if not ranked:
        return singles
    if len(ranked) == 1:
        return _one_whole(ranked[0], singles)
    packing = _Packing(singles, ranked[:MOST_SETS])
    won = {p: bid for p, bid in singles.items() if p not in packing.touched}
    won |= packing.best(frozenset(range(len(packing.atoms))))[2]
    for bid in ranked[MOST_SETS:]:  # beyond the cap: the greatest first, where nobody else serves the lines
        if not any(position in won for position in bid.amounts):
            won |= dict.fromkeys(bid.amounts, bid)
    return won


def _worth_weighing(wholes: dict[frozenset[int], _Bid], singles: dict[int, _Bid]) -> list[_Bid]:
    """The whole benefits that could be part of the best, greatest first: without those that are beaten by their own
    lines one by one, or by a smaller one together with the rest of its lines one by one."""
    alone = {position: bid.amounts[position] for position, bid in singles.items()}
    left: list[tuple[frozenset[int], _Bid]] = []
    for lines, bid in wholes.items():
        if bid.total >= sum([alone[p] for p in lines if p in alone]):
            left.append((lines, bid))
    if len(left) > 1:
        left = [
            (lines, bid)
            for lines, bid in left
            if not any(
                few < lines and smaller.total + sum([alone[p] for p in lines - few if p in alone]) > bid.total
                for few, smaller in left
            )
        ]
    return sorted((bid for _, bid in left), key=lambda bid: (-bid.total, bid.tie))


def _one_whole(whole: _Bid, singles: dict[int, _Bid]) -> dict[int, _Bid]:
    """The usual case: one benefit over several lines against what serves these lines one by one."""
    alone = sum(singles[p].amounts[p] for p in whole.amounts if p in singles)
    if whole.total == alone:  # line by line to the smaller tie
        order = sorted(whole.amounts)
        ties = [singles[p].tie if p in singles else _NOBODY for p in order]
        alone += ties < [whole.tie] * len(order)
    return singles if alone > whole.total else singles | dict.fromkeys(whole.amounts, whole)


_Choice = tuple[int, tuple[tuple[Tie, ...], ...], dict[int, _Bid]]


class _Packing:
    """Walks atoms of positions (those that belong to the same whole benefits) from the first: each is served line by
    line, or by a whole benefit whose other atoms are still free."""

    def __init__(self, singles: dict[int, _Bid], wholes: Sequence[_Bid]) -> None:
        self.singles = singles
        self.touched = sorted(set().union(*(bid.amounts for bid in wholes)))
        kinds: dict[tuple[int, ...], list[int]] = {}
        for position in self.touched:
            kinds.setdefault(tuple(n for n, bid in enumerate(wholes) if position in bid.amounts), []).append(position)
        self.atoms = list(kinds.values())
        homes = list(kinds)
        self.wholes = [
            (frozenset(atom for atom, home in enumerate(homes) if n in home), bid) for n, bid in enumerate(wholes)
        ]
        self.known: dict[frozenset[int], _Choice] = {frozenset(): (0, (), {})}

    def best(self, free: frozenset[int]) -> _Choice:
        """(minus the units taken off, the ties atom by atom, who serves which position) of the free atoms."""
        if free in self.known:
            return self.known[free]
        first = min(free)
        alone = {p: self.singles[p] for p in self.atoms[first] if p in self.singles}
        choices = [self._with(frozenset((first,)), alone, free)]
        for atoms, bid in self.wholes:
            if first in atoms and atoms <= free:
                choices.append(self._with(atoms, dict.fromkeys(bid.amounts, bid), free))
        self.known[free] = min(choices, key=itemgetter(0, 1))
        return self.known[free]

    def _with(self, atoms: frozenset[int], served: dict[int, _Bid], free: frozenset[int]) -> _Choice:
        minus, _, others = self.best(free - atoms)
        minus -= sum(bid.amounts[position] for position, bid in served.items())
        together = others | served
        ties = tuple(
            tuple(together[p].tie if p in together else _NOBODY for p in self.atoms[atom]) for atom in sorted(free)
        )
        return minus, ties, together


_NOBODY: Tie = (True, "\U0010ffff")
