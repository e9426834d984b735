"""A waterfall as a page shows it: parties and events in words, bars as parts of a whole, rows under their moment."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from msgspec import Struct

from hutong.desk.waterfalls import Cascade
from hutong.kit.money import Amount
from hutong.settlement import Fall, Part, Party, Sum
from hutong.web.shared.visit import Visit

POINTS = ("GRAIN",)


class Line(Struct, frozen=True, kw_only=True):
    """What one party gave or got, with its part of the whole (0 to 100) and how it is drawn."""

    name: str
    amount: str
    part: float
    look: str


class Moved(Struct, frozen=True, kw_only=True):
    """One row: from whom to whom, how much, by which rule."""

    source: str
    target: str
    amount: str
    rule: str


class Step(Struct, frozen=True, kw_only=True):
    """What happened in one moment."""

    at: datetime
    words: str
    moves: list[Moved]


class Whole(Struct, frozen=True, kw_only=True):
    """One asset: who gave, who got, what is held."""

    title: str
    gave: list[Line]
    got: list[Line]
    held: list[Line]
    given: str
    adds_up: bool


class View(Struct, frozen=True, kw_only=True):
    """Everything that the page shows."""

    kind: str
    title: str
    wholes: list[Whole]
    steps: list[Step]
    rules: list[tuple[str, list[str]]]
    told: str
    adds_up: bool


def view(visit: Visit, it: Cascade) -> View:
    """A cascade in the visitor's language."""
    t, say = visit.t, visit.formats().say
    told = ""
    if it.told is not None:
        told = t("waterfall.told", paid=amount(visit, it.told.paid), booked=amount(visit, it.told.booked))
    rules = [(name, [say(one) for one in words]) for name, words in it.rules.items()]
    others = [name for name in it.flow.rules if name not in it.rules]
    rules += [(name, [t("waterfall.programme_rule", name=name[-12:])]) for name in others]
    return View(
        kind=t(f"waterfall.kind.{it.kind}"), title=say(it.title), told=told, rules=rules,
        wholes=[_whole(visit, it, one) for one in it.flow.sums], steps=_steps(visit, it, it.flow.falls),
        adds_up=it.flow.adds_up and (it.told is None or it.told.agrees),
    )  # fmt: skip


def amount(visit: Visit, it: Amount) -> str:
    """Money with its sign, points with their word."""
    if it.asset in POINTS:
        return f"{it.units:,} {visit.t('waterfall.points')}"
    return visit.formats().money(it)


def _whole(visit: Visit, it: Cascade, one: Sum) -> Whole:
    most = max((abs(part.amount.units) for part in (*one.gave, *one.got, *one.held)), default=1)
    return Whole(
        title=visit.t("waterfall.points") if one.asset in POINTS else visit.t("waterfall.money"),
        given=amount(visit, one.given), adds_up=one.adds_up,
        gave=[_line(visit, it, part, most, "gave") for part in one.gave],
        got=[_line(visit, it, part, most, "got") for part in one.got],
        held=[_line(visit, it, part, most, "held") for part in one.held],
    )  # fmt: skip


def _line(visit: Visit, it: Cascade, part: Part, most: int, look: str) -> Line:
    name = party(visit, it, part.party)
    if look == "held":
        name = visit.t("waterfall.held") if part.amount.units > 0 else visit.t("waterfall.held_before")
    units = abs(part.amount.units)
    return Line(
        name=name, amount=amount(visit, Amount(units, part.amount.asset)), part=round(100 * units / most, 2), look=look
    )


def party(visit: Visit, it: Cascade, one: Party) -> str:
    """Whose an account is, in words: with a name where it has one."""
    if one.kind == "member" and it.viewer is not None:
        return visit.t("waterfall.party.own" if one.whose == str(it.viewer) else "waterfall.party.friend")
    if one.kind == "promotion" and one.whose:
        return visit.t(f"waterfall.payer.{one.whose}")
    words = visit.t(f"waterfall.party.{one.kind}")
    name = it.names.get(one.whose.split("/")[0])
    if name is not None:
        return f"{visit.formats().say(name)} · {words}"
    return f"{words} {one.whose}" if one.kind == "other" else words


def event(visit: Visit, name: str) -> str:
    """What happened, in words."""
    return visit.t(f"waterfall.event.{name}")


def _steps(visit: Visit, it: Cascade, falls: Sequence[Fall]) -> list[Step]:
    found: list[Step] = []
    for (at, name), rows in groupby(falls, key=lambda fall: (fall.at, fall.event)):
        moves = [
            Moved(
                source=party(visit, it, row.source), target=party(visit, it, row.target), rule=row.rule[-12:],
                amount=amount(visit, row.amount),
            )
            for row in rows
        ]  # fmt: skip
        found.append(Step(at=at, words=event(visit, name), moves=moves))
    return found
