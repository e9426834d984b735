"""Conditions that staff write in CEL, e.g. `"vip" in member.tags && now.weekday < 5`.

The limits of `_cel_syntax` and `_cel_check` bound what one answer costs before it is asked; only what they have
understood, written out again by us, reaches the CEL library. Nothing here raises: a source is compiled or refused, a
program says yes, no or None ("no answer").
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cel as library

from hutong.kit.clock import local
from hutong.pricing._cel_check import FIELDS, MOST_COST, MOST_ELEMENTS, Checker
from hutong.pricing._cel_syntax import MOST_SOURCE, MOST_STRING, ExpressionRefused, parse, refused
from hutong.pricing.model import Basket, Facts

__all__ = ["FIELDS", "MOST_COST", "MOST_SOURCE", "ExpressionRefused", "Program", "compile"]

_BIGGEST = 2**62  # numbers beyond are no whole numbers to CEL


class Program:
    """An expression that has been understood. `cost` is the most steps that an answer takes; `asked` its fields."""

    __slots__ = ("_run", "asked", "cost", "source")

    def __init__(self, source: str, run: Any, asked: frozenset[str], cost: int) -> None:
        self.source, self._run, self.asked, self.cost = source, run, asked, cost

    def ask(self, basket: Basket, admitted: Sequence[int], facts: Facts) -> bool | None:
        """Yes or no for the admitted lines; None when a fact is not known or there is no answer (overflow, 1/0)."""
        values: dict[str, dict[str, Any]] = {}
        for name in self.asked:
            value = _value(name, basket, admitted, facts)
            if value is None:
                return None
            root, leaf = name.split(".")
            values.setdefault(root, {})[leaf] = value
        try:
            answer = self._run.execute(values)
        except Exception:  # the library raises by type of trouble; each of them means the same here
            return None
        return answer if isinstance(answer, bool) else None


@lru_cache(maxsize=4096)
def compile(source: str) -> Program | ExpressionRefused:
    """The program, or the refusal expression_refused with the place and what is wrong there."""
    checker = Checker()
    try:
        checked = checker.whole(parse(source))
    except ExpressionRefused as no:
        return no.with_traceback(None)
    try:
        run = library.compile(checked.text)
    except Exception:  # ours is a subset of theirs; should it ever not be, the source is refused
        return refused(0, "无法识别", "it is not understood")
    return Program(source, run, frozenset(checker.asked), checked.cost)


def _value(name: str, basket: Basket, admitted: Sequence[int], facts: Facts) -> Any:
    """The value of a field, within the sizes that costs were computed with; None when it is not known or beyond."""
    value = _fact(name, basket, admitted, facts)
    if isinstance(value, int):
        return value if abs(value) <= _BIGGEST else None
    if isinstance(value, str):
        return value if len(value) <= MOST_STRING else None
    if value is None or len(value) > MOST_ELEMENTS or any(len(text) > MOST_STRING for text in value):
        return None
    return value


def _fact(name: str, basket: Basket, admitted: Sequence[int], facts: Facts) -> int | str | list[str] | None:
    root, leaf = name.split(".")
    if root == "now":
        return _moment(leaf, facts)
    if root == "basket":
        return _of_basket(leaf, basket, admitted)
    if root == "order":
        return facts.channel if leaf == "channel" else facts.city_id
    if facts.member_id is None:
        return None
    match leaf:
        case "tags":
            return list(facts.tags)
        case "orders":
            return facts.orders_count
        case "orders_here":
            return facts.orders_here
        case _:
            return facts.spend_here


def _moment(leaf: str, facts: Facts) -> int | str | None:
    if facts.now is None:
        return None
    here = local(facts.now, facts.zone)
    if leaf == "weekday":
        return here.weekday()
    return here.date().isoformat() if leaf == "date" else int(getattr(here, leaf))


def _of_basket(leaf: str, basket: Basket, admitted: Sequence[int]) -> int | list[str]:
    lines = [basket.lines[p] for p in admitted]
    match leaf:
        case "units":
            return sum(basket.bases[p] for p in admitted)
        case "quantity":
            return sum(line.quantity for line in lines)
        case "lines":
            return len(lines)
        case "offers":
            return sorted({str(line.offer_id) for line in lines})
        case "categories":
            return sorted({slug for line in lines for slug in line.categories})
        case _:
            return sorted({line.scheme for line in lines})
