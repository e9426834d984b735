"""What a draft would have cost: a rule run over past orders, beside the promotions that were used on them. Pure.

Past orders were placed without the draft, so nobody bought more because of it: the cost is told as it would have been
for the very same baskets. A coupon is taken as if every member had held it, and its period is left aside.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.pricing.model import Facts, PriceLine, Quote, Verdict
from hutong.pricing.pipeline import quote
from hutong.pricing.rules import Rule

MOST_SURPRISES = 10
REGULAR = 3  # orders with this merchant before: whoever has so many comes anyway
HALF = 5_000


class PastOrder(Struct, frozen=True, kw_only=True):
    """An order as it was placed: its lines before any promotion, what was known then (`facts.now` is its moment), and
    the rules of the promotions that were used on it."""

    order_id: UUID
    lines: tuple[PriceLine, ...]
    facts: Facts
    used: tuple[Rule, ...] = ()


class Overlap(Struct, frozen=True, kw_only=True):
    """Another promotion on the same orders: on how many both would apply, on how many the draft takes its place or a
    part of it, and how much less it would take off."""

    promotion: str
    name: Text
    together: int
    displaced: int
    less: Amount


class Surprise(Struct, frozen=True, kw_only=True):
    """An order that whoever writes the promotion should look at: what would be taken off what was paid, and why it is
    told (the gravest reason first). `share_bps` is hundredths of a percent."""

    order_id: UUID
    at: datetime | None
    member_id: UUID | None
    paid: Amount
    taken: Amount
    share_bps: int
    why: tuple[Text, ...]


class Simulation(Struct, frozen=True, kw_only=True):
    """What a draft comes to over past orders. `cost` is what the draft takes off, by payer; `net` is how much less the
    members would pay altogether (less than the cost where it takes the place of others); `refusals` say why not, by
    code; `unpriced` orders could not be priced in the draft's currency or at all."""

    orders: int
    touched: int
    members: int
    unpriced: int
    spend: Amount
    taken: Amount
    net: Amount
    cost: tuple[tuple[str, Amount], ...]
    overlap: tuple[Overlap, ...]
    refusals: tuple[tuple[str, int], ...]
    surprises: tuple[Surprise, ...]


class _Touch(Struct, frozen=True):
    """One order that the draft touches, before and after."""

    order: PastOrder
    before: Quote
    after: Quote
    taken: int
    nth: int


def simulate(rule: Rule, past: Sequence[PastOrder]) -> Simulation:
    """The draft over past orders. Orders are looked at by time and id, so their order of entry changes nothing."""
    draft = structs.replace(rule, valid_from=None, valid_to=None)
    touches: list[_Touch] = []
    refusals: Counter[str] = Counter()
    uses: Counter[UUID | None] = Counter()
    unpriced = 0
    for order in sorted(past, key=_moment):
        others = [other for other in order.used if other.promotion_id != rule.promotion_id]
        coupons = {*order.facts.coupons, *(other.promotion_id for other in others), rule.promotion_id}
        facts = structs.replace(order.facts, coupons=tuple(sorted(coupons)))
        before = quote(order.lines, promotions=[_lasting(other) for other in others], facts=facts)
        after = quote(order.lines, promotions=[*(_lasting(other) for other in others), draft], facts=facts)
        if not isinstance(before, Quote) or not isinstance(after, Quote) or after.total.asset != rule.asset:
            unpriced += 1
            continue
        mine = next(verdict for verdict in after.verdicts if verdict.promotion == rule.id)
        if mine.no is not None:
            refusals[mine.no.code] += 1
            continue
        uses[order.facts.member_id] += 1
        touches.append(_Touch(order, before, after, mine.amount.units, uses[order.facts.member_id]))
    return Simulation(
        orders=len(past), touched=len(touches), unpriced=unpriced,
        members=len({touch.order.facts.member_id for touch in touches if touch.order.facts.member_id is not None}),
        spend=Amount(sum(touch.before.total.units for touch in touches), rule.asset),
        taken=Amount(sum(touch.taken for touch in touches), rule.asset),
        net=Amount(sum(touch.before.total.units - touch.after.total.units for touch in touches), rule.asset),
        cost=_cost(rule, touches), overlap=_overlap(rule, touches),
        refusals=tuple(sorted(refusals.items(), key=lambda item: (-item[1], item[0]))),
        surprises=_surprises(rule, touches),
    )  # fmt: skip


def _moment(order: PastOrder) -> tuple[float, UUID]:
    return order.facts.now.timestamp() if order.facts.now else 0.0, order.order_id


def _lasting(rule: Rule) -> Rule:
    """The rule as it was in force when it was used, whatever its period says today."""
    return structs.replace(rule, valid_from=None, valid_to=None)


def _cost(rule: Rule, touches: Sequence[_Touch]) -> tuple[tuple[str, Amount], ...]:
    borne: Counter[str] = Counter({payer: 0 for payer, _ in rule.payers})
    for touch in touches:
        for adjustment in touch.after.adjustments:
            if adjustment.promotion == rule.id:
                for payer, share in adjustment.shares:
                    borne[payer] += share.units
    return tuple((payer, Amount(units, rule.asset)) for payer, units in sorted(borne.items()))


def _overlap(rule: Rule, touches: Sequence[_Touch]) -> tuple[Overlap, ...]:
    names: dict[str, Text] = {}
    together: Counter[str] = Counter()
    displaced: Counter[str] = Counter()
    less: Counter[str] = Counter()
    for touch in touches:
        after = {verdict.promotion: verdict for verdict in touch.after.verdicts}
        for verdict in touch.before.verdicts:
            if not verdict.amount:
                continue
            names[verdict.promotion] = verdict.name
            then = after[verdict.promotion].amount.units
            together[verdict.promotion] += then > 0
            displaced[verdict.promotion] += then < verdict.amount.units
            less[verdict.promotion] += verdict.amount.units - then
    ranked = sorted(names, key=lambda key: (-together[key] - displaced[key], key))
    return tuple(
        Overlap(
            promotion=key, name=names[key], together=together[key], displaced=displaced[key],
            less=Amount(less[key], rule.asset),
        )
        for key in ranked
    )  # fmt: skip


def _surprises(rule: Rule, touches: Sequence[_Touch]) -> tuple[Surprise, ...]:
    """The ten with the gravest reasons together; ties by order id."""
    found = []
    for touch in touches:
        reasons = sorted(_why(rule, touch), key=lambda reason: -reason[0])
        if reasons:
            found.append((-sum(weight for weight, _ in reasons), touch.order.order_id, touch, reasons))
    found.sort(key=lambda item: (item[0], item[1]))
    return tuple(
        Surprise(
            order_id=touch.order.order_id, at=touch.order.facts.now, member_id=touch.order.facts.member_id,
            paid=touch.before.total, taken=Amount(touch.taken, rule.asset), share_bps=_share(touch),
            why=tuple(text for _, text in reasons),
        )
        for _, _, touch, reasons in found[:MOST_SURPRISES]
    )  # fmt: skip


def _share(touch: _Touch) -> int:
    """How much less would be paid, of what was paid, in hundredths of a percent."""
    paid = touch.before.total.units
    return (paid - touch.after.total.units) * 10_000 // paid if paid else 0


def _why(rule: Rule, touch: _Touch) -> Iterator[tuple[int, Text]]:
    """What is surprising about the draft on this order, with a weight: a tenth of the order given away weighs 1,000."""
    share = _share(touch)
    percent = share // 100
    if touch.before.total and not touch.after.total:
        yield 10_000 + share, Text(zh="整单会变成免费", en="The whole order would be free")
    elif share >= HALF:
        yield share, Text(zh=f"会减去实付的 {percent}%", en=f"It would take off {percent} % of what was paid")
    before = touch.order.facts.orders_here
    if before is not None and before >= REGULAR:
        yield (
            2_000 + min(before, 20) * 100,
            Text(zh=f"老顾客：此前已在本店下过 {before} 单", en=f"A regular: {before} orders here before, without it"),
        )
    if touch.nth > 1:
        yield (
            min(touch.nth, 10) * 600,
            Text(zh=f"同一位会员第 {touch.nth} 次使用", en=f"Use number {touch.nth} by the same member"),
        )
    lost, kept = _others(rule, touch)
    if lost:
        yield 1_500, Text(
            zh=f"会取代「{lost[0].name.zh}」", en=f"It would take the place of “{lost[0].name.en}”"
        )  # fmt: skip
    if kept:
        yield (
            1_000 * len(kept),
            Text(zh=f"与另外 {len(kept)} 项优惠叠加", en=f"It would come on top of {len(kept)} other promotion(s)"),
        )


def _others(rule: Rule, touch: _Touch) -> tuple[list[Verdict], list[Verdict]]:
    """The other promotions of the order that would no longer apply, and those that still would."""
    applied = {verdict.promotion for verdict in touch.after.verdicts if verdict.amount and verdict.promotion != rule.id}
    used = [verdict for verdict in touch.before.verdicts if verdict.amount]
    return [v for v in used if v.promotion not in applied], [v for v in used if v.promotion in applied]
