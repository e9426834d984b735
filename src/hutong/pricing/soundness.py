"""Is a rule fit to be saved? What an editor shows beside its fields. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from hutong.kit.money import SCALES
from hutong.kit.terms import DAY_MINUTES
from hutong.kit.text import Text
from hutong.pricing import cel
from hutong.pricing.benefits import (
    WHOLE_BPS,
    AmountOff,
    Benefit,
    BuyXGetY,
    DeliveryOff,
    FixedPrice,
    FreeItem,
    PercentOff,
    Tiered,
)
from hutong.pricing.conditions import (
    SCOPES,
    Channels,
    Circumstance,
    Condition,
    Expression,
    FirstOrder,
    Hours,
    MinQuantity,
    MinSpend,
    NthOrder,
    SpendHere,
    Tags,
)
from hutong.pricing.model import LANES, MAX_QUANTITY
from hutong.pricing.reasons import Unsound
from hutong.pricing.rules import Rule

PAYERS = ("platform", "merchant", "brand", "operator")
MOST_UNITS = 10**12  # ten billion yuan: beyond it, it is a slip of the keyboard
MOST_CONDITIONS, MOST_NAMED, MOST_STEPS, MOST_NAME = 20, 1_000, 20, 80

Flaw = tuple[str, Text]


def why_not_sound(rule: Rule) -> Unsound | None:
    """The first flaw of the rule; None when it can be saved."""
    return next(iter(flaws(rule)), None)


def flaws(rule: Rule) -> list[Unsound]:
    """Everything that is wrong, each with its field and why."""
    found: list[Flaw] = [*_of_rule(rule), *_of_benefit(rule.benefit), *_of_conditions(rule.conditions)]
    return [Unsound(field=field, why_zh=why.zh, why_en=why.en) for field, why in found]


def _of_rule(rule: Rule) -> Iterator[Flaw]:
    for words in (rule.name.zh, rule.name.en):
        if not words.strip() or len(words) > MOST_NAME:
            yield "name", Text(zh=f"1 到 {MOST_NAME} 个字", en=f"1 to {MOST_NAME} characters")
            break
    if LANES.get(rule.lane.name) != rule.lane:
        yield "lane", Text(zh=f"只能是 {'、'.join(LANES)}", en=f"one of {', '.join(LANES)}")
    if rule.group is not None and not (rule.group.strip() and len(rule.group) <= MOST_NAME):
        yield "group", Text(zh=f"1 到 {MOST_NAME} 个字", en=f"1 to {MOST_NAME} characters")
    if rule.asset not in SCALES:
        yield "asset", Text(zh="不认识的币种", en="not a currency known here")
    if rule.valid_from is not None and rule.valid_to is not None and rule.valid_from >= rule.valid_to:
        yield "valid_to", Text(zh="结束须晚于开始", en="it must end after it begins")
    names = [name for name, _ in rule.payers]
    weights = [weight for _, weight in rule.payers]
    if not names or len(set(names)) < len(names) or not set(names) <= set(PAYERS):
        yield "payers", Text(zh=f"每方一次，只能是 {'、'.join(PAYERS)}", en=f"each once, out of {', '.join(PAYERS)}")
    if any(not 0 <= weight <= WHOLE_BPS for weight in weights) or not sum(weights):
        yield "payers", Text(zh=f"比例为 0 到 {WHOLE_BPS}，不能全为 0", en=f"weights of 0 to {WHOLE_BPS}, not all 0")


def _between(field: str, value: int, least: int, most: int) -> Iterator[Flaw]:
    if not least <= value <= most:
        yield field, Text(zh=f"须在 {least} 到 {most} 之间", en=f"between {least} and {most}")


def _of_benefit(benefit: Benefit) -> Iterator[Flaw]:
    match benefit:
        case PercentOff(bps=bps, cap_units=cap):
            yield from _between("bps", bps, 1, WHOLE_BPS)
            if cap is not None:
                yield from _between("cap_units", cap, 1, MOST_UNITS)
        case AmountOff(units=units):
            yield from _between("units", units, 1, MOST_UNITS)
        case FixedPrice(units=units):
            yield from _between("units", units, 0, MOST_UNITS)
        case BuyXGetY(buy=buy, get=get, bps=bps):
            yield from _between("buy", buy, 1, MAX_QUANTITY)
            yield from _between("get", get, 1, MAX_QUANTITY)
            yield from _between("bps", bps, 1, WHOLE_BPS)
        case FreeItem(quantity=quantity):
            yield from _between("quantity", quantity, 1, MAX_QUANTITY)
        case DeliveryOff(units=units):
            if units is not None:
                yield from _between("units", units, 1, MOST_UNITS)
        case Tiered():
            yield from _of_steps(benefit)


def _of_steps(tiered: Tiered) -> Iterator[Flaw]:
    yield from _between("steps", len(tiered.steps), 1, MOST_STEPS)
    if len({step.at for step in tiered.steps}) < len(tiered.steps):
        yield "steps", Text(zh="门槛不能重复", en="each threshold once")
    for step in tiered.steps:
        yield from _between("steps.at", step.at, 1, MOST_UNITS)
        if (step.units is None) == (step.bps is None):
            yield "steps", Text(zh="金额和百分比二选一", en="an amount or a percentage, one of the two")
        elif step.bps is not None:
            yield from _between("steps.bps", step.bps, 1, WHOLE_BPS)
        elif step.units is not None:
            yield from _between("steps.units", step.units, 1, MOST_UNITS)


def _of_conditions(conditions: Sequence[Condition]) -> Iterator[Flaw]:
    yield from _between("conditions", len(conditions), 0, MOST_CONDITIONS)
    kinds = [(type(c), getattr(c, "excluded", False)) for c in conditions if not isinstance(c, Expression)]
    if len(set(kinds)) < len(kinds):
        yield "conditions", Text(zh="每种条件只写一次", en="each kind of condition once")
    for condition in conditions:
        if isinstance(condition, SCOPES):
            named: Any = getattr(condition, condition.__struct_fields__[0])
            yield from _named(condition.__struct_fields__[0], named, MOST_NAMED)
        else:
            yield from _of_circumstance(condition)


def _named(field: str, named: Sequence[object], most: int) -> Iterator[Flaw]:
    yield from _between(field, len(named), 1, most)
    if any(isinstance(name, str) and not 1 <= len(name) <= MOST_NAME for name in named):
        yield field, Text(zh=f"每个 1 到 {MOST_NAME} 个字", en=f"1 to {MOST_NAME} characters each")


def _of_circumstance(condition: Circumstance) -> Iterator[Flaw]:
    match condition:
        case Tags(any_of=names) | Channels(names=names):
            yield from _named(condition.__struct_fields__[0], names, 50)
        case NthOrder(n=n):
            yield from _between("n", n, 1, MAX_QUANTITY)
        case SpendHere(units=units) | MinSpend(units=units):
            yield from _between("units", units, 1, MOST_UNITS)
        case MinQuantity(count=count):
            yield from _between("count", count, 1, MAX_QUANTITY)
        case Hours(windows=windows):
            yield from _between("windows", len(windows), 1, 50)
            for window in windows:
                days = window.weekdays and set(window.weekdays) <= set(range(7))
                if not days or not 0 <= window.start < window.end <= 2 * DAY_MINUTES or window.start >= DAY_MINUTES:
                    yield "windows", Text(zh="星期 0-6，开始早于结束", en="weekdays 0 to 6, beginning before its end")
        case Expression(source=source, says=says):
            if not says.zh.strip() or not says.en.strip() or len(says.zh) > MOST_NAME or len(says.en) > MOST_NAME:
                yield "says", Text(zh=f"用 1 到 {MOST_NAME} 个字说明", en=f"say it in 1 to {MOST_NAME} characters")
            program = cel.compile(source)
            if isinstance(program, cel.ExpressionRefused):
                yield "source", Text(zh=str(program.facts["why_zh"]), en=str(program.facts["why_en"]))
        case FirstOrder():
            pass
