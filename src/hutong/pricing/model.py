"""The words of pricing: lines, promotions (benefit + conditions + lane), adjustments, reasons, the quote."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

MAX_QUANTITY = 10_000  # units of one line: above this it is a contract, not an order


class MixedAssets(Refusal):
    """Lines of different assets cannot be added up."""

    code = "mixed_assets"
    status = 422
    say = Text(zh="不同币种的商品不能一起下单：{assets}。", en="These cannot be bought together: {assets}.")
    step = Text(zh="请分开下单。", en="Order them separately.")


class BadQuantity(Refusal):
    """A line must have at least one unit and at most MAX_QUANTITY."""

    code = "bad_quantity"
    status = 422
    say = Text(zh="数量须在 1 到 {most} 之间，收到的是 {quantity}。", en="Choose between 1 and {most}, not {quantity}.")
    step = Text(zh="请修改数量。", en="Change the quantity.")


class EmptyOrder(Refusal):
    """There is no line to price."""

    code = "empty_order"
    status = 422
    say = Text(zh="还没有选择商品。", en="Nothing has been chosen yet.")
    step = Text(zh="请先选择商品。", en="Choose something first.")


class BetterPromotion(Refusal):
    """Another promotion of the same lane takes more off this line."""

    code = "better_promotion"
    say = Text(zh="已使用更优惠的「{winner}」。", en="“{winner}” takes more off and was used instead.")
    step = Text(zh="两项优惠不能叠加。", en="These two do not add up.")


class NothingToTake(Refusal):
    """The promotion would take nothing off: the line costs nothing any more, or the benefit is zero."""

    code = "nothing_to_take"
    say = Text(zh="没有可优惠的金额。", en="There is nothing left to take off.")
    step = Text(zh="可留到下次使用。", en="Keep it for another time.")


class Lane(Struct, frozen=True, order=True):
    """Promotions of one lane compete on a line (the best wins); lanes stack, lowest `rank` first."""

    rank: int
    name: str


class PriceLine(Struct, frozen=True, kw_only=True):
    """So many units of one offer. `unit_price` is what the offer asks now, `list_price` what it is compared with."""

    line_no: int
    offer_id: UUID
    title: Text
    quantity: int
    unit_price: Amount
    list_price: Amount


class Standing(Struct, frozen=True):
    """A line as a lane finds it: `left` is what earlier lanes have left to pay for the whole line."""

    line: PriceLine
    left: Amount


class Facts(Struct, frozen=True, kw_only=True):
    """What conditions may ask. `basket` is filled in for each lane: all lines as that lane finds them."""

    now: datetime | None = None
    city_id: int | None = None
    member_id: UUID | None = None
    more: dict[str, str | int | bool] = {}
    basket: tuple[Standing, ...] = ()


class Benefit(Struct, frozen=True, kw_only=True):
    """What a promotion takes off a whole line (a positive amount) and in which proportion its payers bear it."""

    amount: Amount
    payers: tuple[tuple[str, int], ...]


class Promotion(Protocol):
    """Benefit + conditions + lane. Pure: the answer follows from the line and the facts alone."""

    @property
    def id(self) -> str: ...

    @property
    def lane(self) -> Lane: ...

    def first_refusal(self, standing: Standing, facts: Facts) -> Refusal | None:
        """The first condition that says no, with what would make it a yes as its next step; None when all agree."""
        ...

    def benefit_on(self, standing: Standing, facts: Facts) -> Benefit:
        """What it takes off this line. Asked only after all conditions agreed; more than `left` is cut to it."""
        ...


class Adjustment(Struct, frozen=True, kw_only=True):
    """What one promotion took off one line. `shares` says who bears it and adds up to `amount` exactly."""

    line_no: int
    promotion: str
    lane: Lane
    amount: Amount
    shares: tuple[tuple[str, Amount], ...]


class Reason(Struct, frozen=True, kw_only=True):
    """Why a promotion did (code None) or did not apply to a line, and what would make a no into a yes."""

    line_no: int
    promotion: str
    code: str | None
    text: Text
    yes_if: Text | None


class UnitDiscount(Struct, frozen=True):
    """What one payer of one promotion bears of one unit."""

    promotion: str
    payer: str
    amount: Amount


class UnitPrice(Struct, frozen=True, kw_only=True):
    """One unit: base = paid + all discounts. This is what a refund of the unit gives back, and to whom."""

    unit_no: int
    list_price: Amount
    base: Amount
    paid: Amount
    discounts: tuple[UnitDiscount, ...]


class QuotedLine(Struct, frozen=True, kw_only=True):
    """A line with its price. `base` is unit price x quantity, `total` what is to pay after all adjustments."""

    line: PriceLine
    base: Amount
    adjustments: tuple[Adjustment, ...]
    total: Amount

    def units(self) -> list[UnitPrice]:
        """Every unit's share of the line; they add up exactly."""
        return [self.unit(n) for n in range(1, self.line.quantity + 1)]

    def unit(self, unit_no: int) -> UnitPrice:
        """The share of unit `unit_no` (from 1).

        Each part (every payer's share, then what is paid) is divided by the quantity; the fen that remain go round
        the units one at a time, part after part. So a part differs by at most one fen between units, no unit is
        negative, each unit adds up to the unit price, and the last units pay the odd fen: they close the sum.
        """
        if not 1 <= unit_no <= self.line.quantity:
            raise ValueError("there is no such unit")
        parts = [(a.promotion, payer, share) for a in self.adjustments for payer, share in a.shares]
        sizes = around([share.units for _, _, share in parts] + [self.total.units], self.line.quantity, unit_no - 1)
        asset = self.base.asset
        discounts = [
            UnitDiscount(promotion, payer, Amount(size, asset))
            for (promotion, payer, _), size in zip(parts, sizes, strict=False)
            if size
        ]
        return UnitPrice(
            unit_no=unit_no,
            list_price=self.line.list_price,
            base=self.line.unit_price,
            paid=Amount(sizes[-1], asset),
            discounts=tuple(discounts),
        )


def around(parts: Sequence[int], count: int, index: int) -> list[int]:
    """What unit `index` of `count` gets of each part when the remainders go round the units like dealt cards.

    The parts must add up to a multiple of `count`; then every unit gets the same sum.
    """
    dealt, sizes = 0, []
    for part in parts:
        whole, extra = divmod(part, count)
        place = (index - dealt) % count  # how many cards after the first of this part the unit is served
        sizes.append(whole + (1 if place < extra else 0))
        dealt += extra
    return sizes


class Quote(Struct, frozen=True, kw_only=True):
    """The answer: what it costs, line by line, and why (or why not). `list_total` - `total` is what was saved."""

    lines: tuple[QuotedLine, ...]
    adjustments: tuple[Adjustment, ...]
    reasons: tuple[Reason, ...]
    list_total: Amount
    total: Amount
