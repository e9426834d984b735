"""The pricing pipeline: lines -> lanes -> adjustments and reasons -> quote. Pure."""

from collections.abc import Sequence
from itertools import groupby

from msgspec import structs

from hutong.kit.money import Amount, add_up
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.pricing.model import (
    MAX_QUANTITY,
    Adjustment,
    BadQuantity,
    BetterPromotion,
    EmptyOrder,
    Facts,
    MixedAssets,
    NothingToTake,
    PriceLine,
    Promotion,
    Quote,
    QuotedLine,
    Reason,
    Standing,
)

APPLIED = Text(zh="已优惠", en="Applied")
NO_FACTS = Facts()


def quote(
    lines: Sequence[PriceLine], *, promotions: Sequence[Promotion] = (), facts: Facts = NO_FACTS
) -> Quote | Refusal:
    """What the lines cost, or why they cannot be priced: EmptyOrder, BadQuantity or MixedAssets, in this order.

    The order of lines and promotions does not change any price: lanes go by rank, lines by their number, and among
    equal benefits the promotion with the smaller id wins. Line numbers and promotion ids must be unique.
    """
    refusal = why_not_priced(lines)
    if refusal is not None:
        return refusal
    _unique([line.line_no for line in lines], "line numbers")
    _unique([promotion.id for promotion in promotions], "promotion ids")
    adjustments, reasons = adjust(lines, promotions, facts)
    asset = lines[0].unit_price.asset
    quoted = tuple(_quoted(line, adjustments) for line in lines)
    return Quote(
        lines=quoted,
        adjustments=tuple(adjustments),
        reasons=tuple(reasons),
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
    assets = sorted({amount.asset for line in lines for amount in (line.unit_price, line.list_price)})
    return MixedAssets(assets=assets) if len(assets) > 1 else None


def adjust(
    lines: Sequence[PriceLine], promotions: Sequence[Promotion], facts: Facts
) -> tuple[list[Adjustment], list[Reason]]:
    """All adjustments and reasons, ordered by line, lane and promotion.

    Each lane sees the lines as the lanes before it left them and all lines of that moment at once, so that a
    promotion over the whole basket can find its share of each line.
    """
    ordered = sorted(lines, key=lambda line: line.line_no)
    left = {line.line_no: line.unit_price * line.quantity for line in ordered}
    kept: list[Adjustment] = []
    reasons: list[Reason] = []
    by_lane = sorted(promotions, key=lambda promotion: (promotion.lane, promotion.id))
    for _, lane in groupby(by_lane, key=lambda promotion: promotion.lane):
        rivals = list(lane)
        basket = tuple(Standing(line, left[line.line_no]) for line in ordered)
        here = structs.replace(facts, basket=basket)
        for standing in basket:
            best, why = _compete(standing, rivals, here)
            reasons += why
            if best is not None:
                kept.append(best)
                left[best.line_no] -= best.amount
    kept.sort(key=lambda adjustment: adjustment.line_no)  # stable: lanes keep their order
    reasons.sort(key=lambda reason: reason.line_no)
    return kept, reasons


def _compete(standing: Standing, rivals: Sequence[Promotion], facts: Facts) -> tuple[Adjustment | None, list[Reason]]:
    """The best benefit of one lane on one line, and one reason for every rival."""
    answers = {promotion.id: _ask(promotion, standing, facts) for promotion in rivals}
    offers = [answer for answer in answers.values() if isinstance(answer, Adjustment)]
    best = min(offers, key=lambda offer: (-offer.amount.units, offer.promotion), default=None)
    reasons = []
    for promotion, answer in answers.items():
        no = answer if isinstance(answer, Refusal) else None
        if no is None and best is not None and best.promotion != promotion:
            no = BetterPromotion(winner=best.promotion)
        reasons.append(_reason(standing.line.line_no, promotion, no))
    return best, reasons


def _ask(promotion: Promotion, standing: Standing, facts: Facts) -> Adjustment | Refusal:
    """What the promotion takes off the line, never more than is left, shared exactly among its payers."""
    no = promotion.first_refusal(standing, facts)
    if no is not None:
        return no
    benefit = promotion.benefit_on(standing, facts)
    amount = min(benefit.amount, standing.left)
    if amount <= Amount.zero(standing.left.asset):
        return NothingToTake()
    shares = amount.split([weight for _, weight in benefit.payers])
    return Adjustment(
        line_no=standing.line.line_no,
        promotion=promotion.id,
        lane=promotion.lane,
        amount=amount,
        shares=tuple((payer, share) for (payer, _), share in zip(benefit.payers, shares, strict=True)),
    )


def _reason(line_no: int, promotion: str, no: Refusal | None) -> Reason:
    if no is None:
        return Reason(line_no=line_no, promotion=promotion, code=None, text=APPLIED, yes_if=None)
    return Reason(line_no=line_no, promotion=promotion, code=no.code, text=no.sentence(), yes_if=no.next_step())


def _quoted(line: PriceLine, adjustments: Sequence[Adjustment]) -> QuotedLine:
    mine = tuple(adjustment for adjustment in adjustments if adjustment.line_no == line.line_no)
    base = line.unit_price * line.quantity
    total = base - add_up([adjustment.amount for adjustment in mine], base.asset)
    return QuotedLine(line=line, base=base, adjustments=mine, total=total)


def _unique(values: Sequence[int | str], what: str) -> None:
    if len(set(values)) != len(values):
        raise ValueError(f"{what} must be unique")
