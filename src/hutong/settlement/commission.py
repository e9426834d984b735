"""What a redemption leaves for whom: components of a commission with their bounds, and shares handed down. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount, add_up
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

BASIS = 10_000  # basis points in a whole
BASE = "base"  # the line of a rule's own percentage
LEAST, MOST, DUE = "least", "most", "due"  # lines of the bounds of the sum


class Component(Struct, frozen=True, kw_only=True):
    """One part of a commission: `bps` of what is due (or of what was paid) and `units` for each use.

    `least_units` and `most_units` bound this part, for each use or for the redemption as a `whole`. It is charged only
    where every scope that it names fits; an empty scope fits everything. `instead_of` takes the place of another
    component where both would be charged (a category's own percentage instead of the base).
    """

    key: str
    name: Text
    bps: int = 0
    units: int = 0
    base: Literal["due", "paid"] = "due"
    least_units: int | None = None
    most_units: int | None = None
    per: Literal["unit", "whole"] = "unit"
    categories: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    instead_of: str | None = None


class Use(Struct, frozen=True, kw_only=True):
    """What components are chosen by: the offer's category, the way it was sold, where it was used (counter, till,
    offline), and what the buyer paid for these uses (None: as much as is due)."""

    category: str = ""
    scheme: str = ""
    channel: str = ""
    paid: Amount | None = None


PLAIN_USE = Use()


class Share(Struct, frozen=True):
    """What an operator is handed of the operators' part, in basis points, until his term ends (None: for life).

    Whoever stands below him is handed his part out of it; what he does not hand on he keeps.
    """

    operator_id: UUID
    bps: int
    until: datetime | None = None


class Chain(Struct, frozen=True, kw_only=True):
    """A version of who shares in the operators' part of a merchant's commission, the highest first. It holds from
    `valid_from`; what was earned before keeps the version that it was divided by. `source`: the decision or contract
    behind it."""

    merchant_id: UUID
    version: int
    shares: tuple[Share, ...]
    valid_from: datetime
    source: UUID | None = None

    def name(self) -> str:
        """How a transfer names the shares it followed, behind the name of its rule."""
        return f"chain/{self.merchant_id}/{self.version}"


class Rule(Struct, frozen=True, kw_only=True):
    """A version of a commission rule: `commission_bps` of what the merchant's side is due, and further components.

    `least_units` and `most_units` bound the sum for each use, `whole_least` and `whole_most` for a redemption, in the
    smallest unit of the currency. `operator_bps` of the commission are the operators' part: of those who recruited the
    merchant when he has a `chain`, of `operator_id` when he has none.
    """

    rule_id: UUID
    version: int
    merchant_id: UUID | None
    commission_bps: int
    least_units: int | None = None
    most_units: int | None = None
    operator_id: UUID | None = None
    operator_bps: int = 0
    valid_from: datetime
    plan: tuple[Component, ...] = ()
    whole_least: int | None = None
    whole_most: int | None = None
    chain: Chain | None = None

    def name(self) -> str:
        """How a transfer names the rule it followed, and the shares when the merchant has his own."""
        own = f"{self.rule_id}/{self.version}"
        return f"{own}+{self.chain.name()}" if self.chain else own

    @property
    def by_category(self) -> bool:
        """Whether a component asks for the category of the offer."""
        return any(one.categories for one in self.plan)


class Plan(Struct, frozen=True, kw_only=True):
    """A version of a commission plan that contracts offer. A merchant who signs gets a rule of his own by it
    (operations.adopt); a later version of the plan changes nothing for him."""

    plan_id: UUID
    version: int
    name: Text
    commission_bps: int
    operator_bps: int = 0
    plan: tuple[Component, ...] = ()
    least_units: int | None = None
    most_units: int | None = None
    whole_least: int | None = None
    whole_most: int | None = None
    made_at: datetime

    def rule(self, rule_id: UUID, version: int, merchant_id: UUID, valid_from: datetime) -> Rule:
        """The rule of a merchant who has signed."""
        return Rule(
            rule_id=rule_id, version=version, merchant_id=merchant_id, commission_bps=self.commission_bps,
            operator_bps=self.operator_bps, plan=self.plan, least_units=self.least_units, most_units=self.most_units,
            whole_least=self.whole_least, whole_most=self.whole_most, valid_from=valid_from,
        )  # fmt: skip


class Adopt(Struct, frozen=True, kw_only=True):
    """A merchant has signed a contract with this version of a plan."""

    contract_id: UUID
    merchant_id: UUID
    plan_id: UUID
    plan_version: int
    by: UUID


class PlanUnknown(Refusal):
    """There is no such version of a commission plan."""

    code = "plan_not_found"
    status = 404
    say = Text(zh="没有找到这个佣金方案。", en="There is no such commission plan.")
    step = Text(zh="请重新选择方案。", en="Choose a plan again.")


class RuleBroken(Refusal):
    """A commission rule or a chain of shares that nobody could follow; `why` names the part."""

    code = "rule_broken"
    say = Text(zh="佣金规则有误：{why}。", en="This commission rule does not hold together: {why}.")
    step = Text(zh="请修改后重试。", en="Mend it and try again.")
    words: ClassVar = {
        "why": {
            "key": Text(zh="两项费用同名，或用了保留的名称", en="two parts have one name, or a reserved one"),
            "instead_of": Text(zh="有一项要代替的费用不存在，或已被代替", en="a part stands for one that is not there"),
            "bounds": Text(zh="上限低于下限", en="a most is below its least"),
            "size": Text(zh="比例须在 0 到 100% 之间，金额不能为负", en="a share is 0 to 100 %, no amount negative"),
            "shares": Text(zh="下级的比例不能高于上级", en="nobody hands on more than he has"),
            "operator": Text(zh="同一运营商出现了两次", en="an operator stands in it twice"),
        }
    }


def why_not(rule: Rule) -> Refusal | None:
    """What is wrong with a rule before it is written: rule_broken, or None."""
    keys = [BASE, *(one.key for one in rule.plan)]
    if len(set(keys)) < len(keys) or {LEAST, MOST, DUE} & set(keys):
        return RuleBroken(why="key")
    replacing = {one.key: one.instead_of for one in rule.plan if one.instead_of}
    if any(other not in keys or other in replacing or other == key for key, other in replacing.items()):
        return RuleBroken(why="instead_of")
    bounds = [(one.least_units, one.most_units) for one in rule.plan]
    bounds += [(rule.least_units, rule.most_units), (rule.whole_least, rule.whole_most)]
    if any((least or 0) < 0 or (most is not None and most < (least or 0)) for least, most in bounds):
        return RuleBroken(why="bounds")
    if any(not 0 <= one.bps <= BASIS or one.units < 0 for one in rule.plan):
        return RuleBroken(why="size")
    if not (0 <= rule.commission_bps <= BASIS and 0 <= rule.operator_bps <= BASIS):
        return RuleBroken(why="size")
    return None


def why_not_chain(chain: Chain) -> Refusal | None:
    """What is wrong with shares before they are written: rule_broken, or None. Nobody hands on more than he has."""
    sizes = [one.bps for one in chain.shares]
    if any(not 0 < bps <= BASIS for bps in sizes) or sizes != sorted(sizes, reverse=True):
        return RuleBroken(why="shares")
    if len({one.operator_id for one in chain.shares}) < len(sizes):
        return RuleBroken(why="operator")
    return None


class Parts(Struct, frozen=True):
    """A due amount, divided: it always adds up. `lines` sum to the commission, `shares` to the operators' part."""

    due: Amount
    commission: Amount
    operator: Amount
    merchant: Amount
    lines: tuple[tuple[str, Amount], ...] = ()
    shares: tuple[tuple[UUID, Amount], ...] = ()

    @property
    def platform(self) -> Amount:
        return self.commission - self.operator


def divide(due: Amount, rule: Rule, count: int = 1, *, use: Use = PLAIN_USE, at: datetime | None = None) -> Parts:
    """The parts of `due` (for `count` uses) under the rule at that instant; commission never exceeds what is due.

    Each component is rounded half up to the smallest unit (Amount.part) and bounded by itself; what the bounds of the
    sum add or take off stands in a line of its own, so nothing is lost and the order of components does not matter.
    The operators' part of the commission is rounded once and divided among them by largest remainder; the merchant
    gets the rest. Source: money.md, example of two units.
    """
    lines = _lines(due, rule, count, use)
    charged = add_up([amount for _, amount in lines], due.asset)
    for key, bounded in _bounds(charged, due, rule, count):
        if bounded != charged:
            lines.append((key, bounded - charged))
            charged = bounded
    shares = _shares(charged, rule, at or rule.valid_from)
    operator = add_up([amount for _, amount in shares], due.asset)
    return Parts(due, charged, operator, due - charged, tuple(lines), shares)


def _lines(due: Amount, rule: Rule, count: int, use: Use) -> list[tuple[str, Amount]]:
    base = Component(key=BASE, name=Text.both(BASE), bps=rule.commission_bps)
    fitting = [one for one in (base, *rule.plan) if fits(one, use)]
    replaced = {one.instead_of for one in fitting}
    charged = [one for one in fitting if one.key not in replaced]
    return [
        (one.key, amount)
        for one in sorted(charged, key=lambda one: (one.key != BASE, one.key))
        for amount in [_charge(one, due, use, count)]
        if amount
    ]


def fits(one: Component, use: Use) -> bool:
    """Whether a component is charged for such a use."""
    return all(
        not wanted or value in wanted
        for wanted, value in ((one.categories, use.category), (one.schemes, use.scheme), (one.channels, use.channel))
    )


def _charge(one: Component, due: Amount, use: Use, count: int) -> Amount:
    of = use.paid if one.base == "paid" and use.paid is not None else due
    times = count if one.per == "unit" else 1
    charge = of.part(one.bps, BASIS) + Amount(one.units * count, due.asset)
    return _between(charge, one.least_units, one.most_units, times)


def _between(amount: Amount, least: int | None, most: int | None, times: int) -> Amount:
    if least is not None:
        amount = max(amount, Amount(least * times, amount.asset))
    if most is not None:
        amount = min(amount, Amount(most * times, amount.asset))
    return amount


def _bounds(charged: Amount, due: Amount, rule: Rule, count: int) -> list[tuple[str, Amount]]:
    """The sum after each of its bounds: raised, lowered, and never more than is due."""
    raised = _between(_between(charged, rule.least_units, None, count), rule.whole_least, None, 1)
    lowered = _between(_between(raised, None, rule.most_units, count), None, rule.whole_most, 1)
    return [(LEAST, raised), (MOST, lowered), (DUE, max(Amount(0, due.asset), min(lowered, due)))]


def _shares(commission: Amount, rule: Rule, at: datetime) -> tuple[tuple[UUID, Amount], ...]:
    """What each operator keeps of the commission: all are rounded together, then divided by largest remainder."""
    if rule.chain is not None:
        held = kept(rule.chain.shares, at)
    else:
        held = [(rule.operator_id, BASIS)] if rule.operator_id else []
    part = rule.operator_bps * sum(bps for _, bps in held)
    if not part:
        return ()
    parts = commission.part(part, BASIS * BASIS).split([bps for _, bps in held])
    return tuple((operator, amount) for (operator, _), amount in zip(held, parts, strict=True) if amount)


def kept(shares: Sequence[Share], at: datetime) -> list[tuple[UUID, int]]:
    """The basis points of the operators' part that each keeps then, the highest first, in the order of `shares`.

    Each hands down what the next living one below him is handed, never more than he has; whose term is over keeps
    nothing, and his part stays with who handed it down - with the platform, when nobody stands above him.
    """
    living: list[tuple[UUID, int]] = []
    for share in shares:
        if share.until is None or at < share.until:
            most = living[-1][1] if living else BASIS
            living.append((share.operator_id, min(share.bps, most)))
    below = [*(bps for _, bps in living[1:]), *([0] if living else [])]
    return [(operator, bps - less) for (operator, bps), less in zip(living, below, strict=True) if bps > less]
