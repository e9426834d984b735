"""Benefits: what a promotion takes off. Pure arithmetic on whole units; spread by largest remainder.

A benefit of a whole basket is spread over its lines in proportion to what earlier lanes have left of them.
"""

from collections.abc import Callable, Sequence
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount, apportion
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.pricing.model import Basket, Taken
from hutong.pricing.reasons import AddItem, BuyMore, NoDelivery, SpendMore

WHOLE_BPS = 10_000


class PercentOff(Struct, frozen=True, kw_only=True, tag_field="kind", tag="percent"):
    """`bps` hundredths of a percent off each line (2,000 is 20 %), altogether at most `cap_units`."""

    bps: int
    cap_units: int | None = None


class AmountOff(Struct, frozen=True, kw_only=True, tag_field="kind", tag="amount"):
    """So much off the order, or off each unit."""

    units: int
    per: Literal["order", "unit"] = "order"


class FixedPrice(Struct, frozen=True, kw_only=True, tag_field="kind", tag="fixed"):
    """Each unit costs so much, if it cost more."""

    units: int


class BuyXGetY(Struct, frozen=True, kw_only=True, tag_field="kind", tag="buy_get"):
    """Of every `buy` + `get` units the `get` cheapest of the basket are `bps` off (10,000: free)."""

    buy: int
    get: int = 1
    bps: int = WHOLE_BPS


class FreeItem(Struct, frozen=True, kw_only=True, tag_field="kind", tag="free_item"):
    """`quantity` units of an offer cost nothing when they are in the basket beside what the promotion is for."""

    offer_id: UUID
    title: Text
    quantity: int = 1


class DeliveryOff(Struct, frozen=True, kw_only=True, tag_field="kind", tag="delivery"):
    """So much off the delivery fees; None: delivered free."""

    units: int | None = None


class Step(Struct, frozen=True, kw_only=True):
    """From `at` on (units of money or pieces): so much, or so many hundredths of a percent, off. One of the two."""

    at: int
    units: int | None = None
    bps: int | None = None


class Tiered(Struct, frozen=True, kw_only=True, tag_field="kind", tag="tiered"):
    """The highest step that is reached counts, by what the lines cost before any promotion or by pieces."""

    by: Literal["spend", "quantity"] = "spend"
    steps: tuple[Step, ...]


Benefit = PercentOff | AmountOff | FixedPrice | BuyXGetY | FreeItem | DeliveryOff | Tiered


def taken(benefit: Benefit, basket: Basket, admitted: Sequence[int], left: Sequence[int]) -> Taken | Refusal:
    """What the benefit takes off the admitted positions when so much is left of each."""
    return _TAKERS[type(benefit)](benefit, basket, admitted, left)


def _percent_off(benefit: PercentOff, _: Basket, admitted: Sequence[int], left: Sequence[int]) -> Taken:
    return _percent(benefit.bps, benefit.cap_units, admitted, left)


def _amount_off(benefit: AmountOff, basket: Basket, admitted: Sequence[int], left: Sequence[int]) -> Taken:
    if benefit.per == "unit":
        return Taken(tuple((p, benefit.units * basket.lines[p].quantity) for p in admitted))
    return _spread(benefit.units, admitted, left)


def _fixed_price(benefit: FixedPrice, basket: Basket, admitted: Sequence[int], left: Sequence[int]) -> Taken:
    return Taken(tuple((p, left[p] - benefit.units * basket.lines[p].quantity) for p in admitted))


def _delivery(benefit: DeliveryOff, basket: Basket, _: Sequence[int], left: Sequence[int]) -> Taken | Refusal:
    fees = [p for p, line in enumerate(basket.lines) if line.kind == "delivery"]
    if not fees:
        return NoDelivery()
    return _spread(sum(left[p] for p in fees) if benefit.units is None else benefit.units, fees, left)


def _spread(units: int, positions: Sequence[int], left: Sequence[int]) -> Taken:
    """`units` over the positions by what is left of them; never more than that."""
    weights = [left[p] for p in positions]
    whole = sum(weights)
    if whole <= 0:
        return Taken(())
    shares = apportion(min(units, whole), weights)
    return Taken(tuple(zip(positions, shares, strict=True)), whole=True)


def _percent(bps: int, cap: int | None, positions: Sequence[int], left: Sequence[int]) -> Taken:
    """Each line by itself, rounded half up (the commercial rule); what exceeds the cap is spread instead."""
    amounts = [(p, (2 * left[p] * bps + WHOLE_BPS) // (2 * WHOLE_BPS)) for p in positions]
    if cap is not None and sum([units for _, units in amounts]) > cap:
        return _spread(cap, positions, left)
    return Taken(tuple(amounts))


def _buy_get(benefit: BuyXGetY, basket: Basket, admitted: Sequence[int], left: Sequence[int]) -> Taken | Refusal:
    """The cheapest units first; of a line of which k of n units are free, k/n of what is left (rounded down)."""
    size = benefit.buy + benefit.get
    count = sum(basket.lines[p].quantity for p in admitted)
    if count < size:
        prize = in_words(benefit, basket.asset)
        return BuyMore(least=size, missing=size - count, prize_zh=prize.zh, prize_en=prize.en)
    free = count // size * benefit.get
    amounts = []
    # A unit of a line costs left/quantity: compared as whole numbers of a billionth, ties by line.
    for p in sorted(admitted, key=lambda p: (left[p] * 10**9 // basket.lines[p].quantity, p)):
        quantity = basket.lines[p].quantity
        mine = min(free, quantity)
        amounts.append((p, left[p] * mine * benefit.bps // (quantity * WHOLE_BPS)))
        free -= mine
        if not free:
            break
    return Taken(tuple(amounts), whole=True)


def _free_item(benefit: FreeItem, basket: Basket, _: Sequence[int], left: Sequence[int]) -> Taken | Refusal:
    free, amounts = benefit.quantity, []
    for p, line in enumerate(basket.lines):
        if line.offer_id == benefit.offer_id and free:
            mine = min(free, line.quantity)
            amounts.append((p, left[p] * mine // line.quantity))
            free -= mine
    if not amounts:
        return AddItem(title_zh=benefit.title.zh, title_en=benefit.title.en)
    return Taken(tuple(amounts), whole=True)


def _tiered(benefit: Tiered, basket: Basket, admitted: Sequence[int], left: Sequence[int]) -> Taken | Refusal:
    by_spend = benefit.by == "spend"
    reached = sum(basket.bases[p] if by_spend else basket.lines[p].quantity for p in admitted)
    below = [step for step in benefit.steps if step.at <= reached]
    above = [step for step in benefit.steps if step.at > reached]
    more = None
    if above:
        following = min(above, key=lambda step: step.at)
        more = _more(following, reached, by_spend, basket.asset)
    if not below:
        return more or Taken(())
    step = max(below, key=lambda step: step.at)
    found = _percent(step.bps, None, admitted, left) if step.bps else _spread(step.units or 0, admitted, left)
    return Taken(found.amounts, whole=True, more=more)


_TAKERS: dict[type, Callable[..., Taken | Refusal]] = {
    PercentOff: _percent_off, AmountOff: _amount_off, FixedPrice: _fixed_price, BuyXGetY: _buy_get,
    FreeItem: _free_item, DeliveryOff: _delivery, Tiered: _tiered,
}  # fmt: skip


def _more(step: Step, reached: int, by_spend: bool, asset: str) -> Refusal:
    prize = _off(step.units, step.bps, asset)
    if not by_spend:
        return BuyMore(least=step.at, missing=step.at - reached, prize_zh=prize.zh, prize_en=prize.en)
    return SpendMore(
        least=money(step.at, asset), missing=money(step.at - reached, asset), prize_zh=prize.zh, prize_en=prize.en
    )


def money(units: int, asset: str) -> str:
    """As people read it, e.g. ¥18 or ¥9.90."""
    return Amount(units, asset).words()


def _off(units: int | None, bps: int | None, asset: str) -> Text:
    if bps:
        percent = f"{bps / 100:g}"
        return Text(zh=f"减 {percent}%", en=f"{percent} % off")
    return Text(zh=f"减 {money(units or 0, asset)}", en=f"{money(units or 0, asset)} off")


def in_words(benefit: Benefit, asset: str) -> Text:
    """The benefit as part of a sentence: "¥10 off", "20 % off, ¥30 at most"."""
    match benefit:
        case PercentOff(bps=bps, cap_units=cap):
            off = _off(None, bps, asset)
            if cap is None:
                return off
            most = money(cap, asset)
            return Text(zh=f"{off.zh}（最多 {most}）", en=f"{off.en}, {most} at most")
        case AmountOff(units=units, per=per):
            off = _off(units, None, asset)
            return off if per == "order" else Text(zh=f"每件{off.zh}", en=f"{off.en} each")
        case FixedPrice(units=units):
            return Text(zh=f"每件 {money(units, asset)}", en=f"{money(units, asset)} each")
        case BuyXGetY(buy=buy, get=get, bps=bps):
            part = Text(zh="免费", en="free") if bps == WHOLE_BPS else _off(None, bps, asset)
            return Text(zh=f"买 {buy} 件，再 {get} 件{part.zh}", en=f"buy {buy}, {get} more {part.en}")
        case FreeItem(title=title):
            return Text(zh=f"送「{title.zh}」", en=f"“{title.en}” free")
        case DeliveryOff(units=units):
            off = Text(zh="免配送费", en="free delivery")
            return off if units is None else Text(
                zh=f"配送费减 {money(units, asset)}", en=f"{money(units, asset)} off the delivery"
            )  # fmt: skip
        case Tiered(by=by, steps=steps):
            parts = [(step.at if by == "quantity" else money(step.at, asset), _off(step.units, step.bps, asset))
                     for step in steps]  # fmt: skip
            zh = "，".join(f"满 {at}{' 件' if by == 'quantity' else ''}{off.zh}" for at, off in parts)
            en = ", ".join(f"{off.en} from {at}{' pieces' if by == 'quantity' else ''}" for at, off in parts)
            return Text(zh=zh, en=en)
