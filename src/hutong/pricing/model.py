"""The words of pricing: lines, promotions (benefit + conditions + lane), adjustments, reasons, the quote."""

from collections.abc import Hashable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Literal, Protocol
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

APPLIED = Text(zh="已优惠", en="Applied")
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
    """Another promotion of the same lane takes more off the same lines."""

    code = "better_promotion"
    say = Text(zh="已使用更优惠的「{winner_zh}」。", en="“{winner_en}” takes more off and was used instead.")
    step = Text(zh="两项优惠不能叠加。", en="These two do not add up.")


class ExclusivePromotion(Refusal):
    """Only one promotion of its group may be used on an order, and another one takes more off."""

    code = "exclusive_promotion"
    say = Text(zh="不能与「{winner_zh}」同时使用。", en="It cannot be used together with “{winner_en}”.")
    step = Text(zh="可改用这一项，或留到下次。", en="Use this one instead, or keep it for another time.")


class NothingToTake(Refusal):
    """The promotion would take nothing off: the lines cost nothing any more, or the benefit is zero."""

    code = "nothing_to_take"
    say = Text(zh="没有可优惠的金额。", en="There is nothing left to take off.")
    step = Text(zh="可留到下次使用。", en="Keep it for another time.")


class Lane(Struct, frozen=True, order=True):
    """Promotions of one lane compete for a line (the best wins); lanes stack, lowest `rank` first."""

    rank: int
    name: str


# The declared order. A promotion of the house stands in one of these; a later lane sees what earlier ones have left.
LANES = {
    lane.name: lane
    for lane in (
        Lane(10, "price"), Lane(20, "shop"), Lane(30, "coupon"), Lane(40, "platform"), Lane(50, "card"),
        Lane(60, "delivery"),
    )
}  # fmt: skip


class PriceLine(Struct, frozen=True, kw_only=True):
    """So many units of one offer. `unit_price` is what the offer asks now, `list_price` what it is compared with.

    The rest is what conditions may ask of a line: `categories` are its own and those above it. A line of kind
    "delivery" is a fee: only a benefit on deliveries touches it, and it counts towards no threshold.
    """

    line_no: int
    offer_id: UUID
    title: Text
    quantity: int
    unit_price: Amount
    list_price: Amount
    merchant_id: UUID | None = None
    store_ids: tuple[UUID, ...] = ()
    categories: tuple[str, ...] = ()
    scheme: str = ""
    kind: Literal["goods", "delivery"] = "goods"


class Facts(Struct, frozen=True, kw_only=True):
    """What conditions may ask besides the lines. None is "not known": a condition that needs it says so.

    `zone` is the city's. `orders_count` are the member's orders before this one, `orders_here` and `spend_here` (in
    the smallest unit) those with this merchant. `store_id` is where it is bought when that is known (at a counter).
    `coupons` are the promotions of the coupons that are laid on the table.
    """

    now: datetime | None = None
    city_id: int | None = None
    zone: str = "UTC"
    member_id: UUID | None = None
    tags: tuple[str, ...] = ()
    orders_count: int | None = None
    orders_here: int | None = None
    spend_here: int | None = None
    channel: str | None = None
    store_id: UUID | None = None
    coupons: tuple[UUID, ...] = ()


def key_of(name: UUID | str | None) -> Hashable:
    """What a shelf of the basket is asked with: ids as whole numbers, which compare at once."""
    return name.int if isinstance(name, UUID) else name


class Basket(Struct, frozen=True, kw_only=True, dict=True):
    """All lines as promotions look at them, ordered by line number. `bases` are what they cost before any promotion;
    a position is an index into both. All units are of `asset`."""

    lines: tuple[PriceLine, ...]
    bases: tuple[int, ...]
    asset: str

    @classmethod
    def of(cls, lines: Sequence[PriceLine]) -> "Basket":
        """The basket of these lines (at least one, all of one asset)."""
        ordered = tuple(sorted(lines, key=lambda line: line.line_no))
        bases = tuple(line.unit_price.units * line.quantity for line in ordered)
        return cls(lines=ordered, bases=bases, asset=ordered[0].unit_price.asset)

    @cached_property
    def goods(self) -> int:
        """The positions of goods as bits: bit p stands for position p."""
        return sum(1 << p for p, line in enumerate(self.lines) if line.kind == "goods")

    @cached_property
    def shelves(self) -> dict[str, dict[Hashable, int]]:
        """For each thing that a scope can name: the positions (as bits) of the lines that have it."""
        found: dict[str, dict[Hashable, int]] = {
            "offers": {}, "categories": {}, "stores": {}, "merchants": {}, "schemes": {},
        }  # fmt: skip
        for p, line in enumerate(self.lines):
            named = (
                ("offers", (line.offer_id,)), ("categories", line.categories), ("stores", line.store_ids),
                ("merchants", (line.merchant_id,)), ("schemes", (line.scheme,)),
            )  # fmt: skip
            for shelf, names in named:
                for name in names:
                    key = key_of(name)
                    found[shelf][key] = found[shelf].get(key, 0) | 1 << p
        return found

    def positions(self, mask: int) -> tuple[int, ...]:
        """The positions whose bits are set; each set is spelled out once."""
        known = self._spelled.get(mask)
        if known is None:
            known = self._spelled[mask] = tuple(p for p in range(len(self.lines)) if mask >> p & 1)
        return known

    @cached_property
    def _spelled(self) -> dict[int, tuple[int, ...]]:
        return {}


class Taken(Struct, gc=False, frozen=True):
    """What a promotion takes off: (position, units) for each line. `whole`: all of it or nothing; otherwise each line
    stands for itself and may go to another promotion. `more` says what would bring a greater benefit."""

    amounts: tuple[tuple[int, int], ...]
    whole: bool = False
    more: Refusal | None = None


class Promotion(Protocol):
    """Benefit + conditions + lane. Pure: the answers follow from the basket and the facts alone."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> Text: ...

    @property
    def lane(self) -> Lane: ...

    @property
    def group(self) -> str | None:
        """Of all promotions with the same group at most one is used on an order."""
        ...

    @property
    def trigger(self) -> Literal["auto", "coupon"]:
        """What takes the same off without a coupon goes before what costs one."""
        ...

    @property
    def payers(self) -> tuple[tuple[str, int], ...]:
        """Who bears it, in which proportion."""
        ...

    def admit(self, basket: Basket, facts: Facts) -> tuple[int, ...] | Refusal:
        """The positions of the lines it is for, or the first condition that says no, with what would make it a yes."""
        ...

    def take(self, basket: Basket, admitted: Sequence[int], left: Sequence[int]) -> Taken | Refusal:
        """What it takes off when earlier lanes have left so much of each line. More than is left is cut to it."""
        ...


class Adjustment(Struct, gc=False, frozen=True, kw_only=True):
    """What one promotion took off one line. `shares` says who bears it and adds up to `amount` exactly."""

    line_no: int
    promotion: str
    lane: Lane
    amount: Amount
    shares: tuple[tuple[str, Amount], ...]


class Reason(Struct, gc=False, frozen=True, kw_only=True):
    """Why a promotion did (code None) or did not apply, in words, and what would make a no into a yes (or bring more).

    `amount` is what it took off altogether, from the lines `line_nos`.
    """

    promotion: str
    name: Text
    amount: Amount
    line_nos: tuple[int, ...]
    code: str | None
    text: Text
    yes_if: Text | None


class Verdict(Struct, gc=False, frozen=True, kw_only=True):
    """What became of one promotion: what it took off altogether, from which lines, or `no`. `more`: how to get more."""

    promotion: str
    name: Text
    lane: Lane
    trigger: Literal["auto", "coupon"]
    amount: Amount
    line_nos: tuple[int, ...]
    no: Refusal | None
    more: Refusal | None

    def reason(self) -> Reason:
        """The same in words."""
        told = self.no or self.more
        return Reason(
            promotion=self.promotion, name=self.name, amount=self.amount, line_nos=self.line_nos,
            code=self.no.code if self.no else None, text=self.no.sentence() if self.no else APPLIED,
            yes_if=told.next_step() if told else None,
        )  # fmt: skip


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
    """The answer: what it costs, line by line, and why (or why not). `list_total` - `total` is what was saved.

    There is one verdict for every promotion that was considered, by lane and id.
    """

    lines: tuple[QuotedLine, ...]
    adjustments: tuple[Adjustment, ...]
    verdicts: tuple[Verdict, ...]
    list_total: Amount
    total: Amount

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The verdicts in words."""
        return tuple(verdict.reason() for verdict in self.verdicts)
