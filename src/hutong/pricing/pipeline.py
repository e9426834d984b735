"""The pricing pipeline: lines -> conditions -> lanes -> adjustments and verdicts -> quote. Pure."""

from collections.abc import Sequence

from hutong.kit.money import Amount, add_up, apportion
from hutong.kit.refusals import Refusal
from hutong.pricing._contest import Played, play
from hutong.pricing.model import (
    MAX_QUANTITY,
    Adjustment,
    BadQuantity,
    Basket,
    EmptyOrder,
    Facts,
    MixedAssets,
    PriceLine,
    Promotion,
    Quote,
    QuotedLine,
    Verdict,
)

NO_FACTS = Facts()


def quote(
    lines: Sequence[PriceLine], *, promotions: Sequence[Promotion] = (), facts: Facts = NO_FACTS
) -> Quote | Refusal:
    """What the lines cost, or why they cannot be priced: EmptyOrder, BadQuantity or MixedAssets, in this order.

    The basket is decided as a whole. The order of lines and promotions does not change any price: lanes go by rank,
    lines by their number, and among equal benefits what costs no coupon wins, then the smaller id. Line numbers and
    promotion ids must be unique.
    """
    refusal = why_not_priced(lines)
    if refusal is not None:
        return refusal
    _unique([line.line_no for line in lines], "line numbers")
    asset = lines[0].unit_price.asset
    by_line: dict[int, list[Adjustment]] = {}
    verdicts: tuple[Verdict, ...] = ()
    if promotions:
        _unique([promotion.id for promotion in promotions], "promotion ids")
        basket = Basket.of(lines)
        played = play(basket, promotions, facts)
        verdicts = _verdicts(basket, played)
        for adjustment in _adjustments(basket, played):
            by_line.setdefault(adjustment.line_no, []).append(adjustment)
    quoted = tuple(_quoted(line, by_line.get(line.line_no, ())) for line in lines)
    return Quote(
        lines=quoted,
        adjustments=tuple(a for line_no in sorted(by_line) for a in by_line[line_no]),
        verdicts=verdicts,
        list_total=add_up([line.list_price * line.quantity for line in lines], asset),
        total=add_up([line.total for line in quoted], asset),
    )


def why_not_priced(lines: Sequence[PriceLine]) -> Refusal | None:
    """The first reason why these lines have no common price; None when they have one."""
    if not lines:
        return EmptyOrder()
    for line in lines:
        if not 1 <= line.quantity <= MAX_QUANTITY:
            return BadQuantity(quantity=line.quantity, most=MAX_QUANTITY)
    assets = {amount.asset for line in lines for amount in (line.unit_price, line.list_price)}
    return MixedAssets(assets=sorted(assets)) if len(assets) > 1 else None


def _adjustments(basket: Basket, played: Played) -> list[Adjustment]:
    """Lane after lane, each shared exactly among its payers."""
    made, asset = [], basket.asset
    for promotion, position, units in played.kept:
        payers = promotion.payers
        if len(payers) == 1:
            shares = ((payers[0][0], Amount(units, asset)),)
        else:
            parts = apportion(units, [weight for _, weight in payers])
            shares = tuple((payer, Amount(part, asset)) for (payer, _), part in zip(payers, parts, strict=True))
        made.append(
            Adjustment(
                line_no=basket.lines[position].line_no, promotion=promotion.id, lane=promotion.lane,
                amount=Amount(units, asset), shares=shares,
            )
        )  # fmt: skip
    return made


def _verdicts(basket: Basket, played: Played) -> tuple[Verdict, ...]:
    sums: dict[str, int] = {}
    numbers: dict[str, list[int]] = {}
    for promotion, position, units in played.kept:
        key = promotion.id
        sums[key] = sums.get(key, 0) + units
        numbers.setdefault(key, []).append(basket.lines[position].line_no)
    zero = Amount(0, basket.asset)
    made = []
    for promotion in played.considered:
        key = promotion.id
        made.append(
            Verdict(
                promotion=key, name=promotion.name, lane=promotion.lane, trigger=promotion.trigger,
                amount=Amount(sums[key], basket.asset) if key in sums else zero,
                line_nos=tuple(sorted(numbers[key])) if key in numbers else (),
                no=played.nos.get(key), more=played.mores.get(key),
            )
        )  # fmt: skip
    return tuple(made)


def _quoted(line: PriceLine, mine: Sequence[Adjustment]) -> QuotedLine:
    base = line.unit_price * line.quantity
    total = base - add_up([adjustment.amount for adjustment in mine], base.asset)
    return QuotedLine(line=line, base=base, adjustments=tuple(mine), total=total)


def _unique(values: Sequence[int | str], what: str) -> None:
    if len(set(values)) != len(values):
        raise ValueError(f"{what} must be unique")
