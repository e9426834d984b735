"""Conditions: when a promotion applies, and what would make a no into a yes. Pure.

Some choose lines (offers, categories, ...), the others ask about the member, the moment and the basket. A condition
that needs a fact which is not known says no: nobody gets by silence what was not promised.
"""

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong.kit.clock import local
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms, Window, clock_face, why_not_now, windows_in_words
from hutong.kit.text import Text
from hutong.pricing import cel
from hutong.pricing.benefits import money
from hutong.pricing.model import Basket, Facts, key_of
from hutong.pricing.reasons import (
    BuyMore,
    ExpressionBroken,
    ExpressionSaysNo,
    NthOrderPast,
    OnlyChannel,
    OnlyFirstOrder,
    OnlyNthOrder,
    OnlyTagged,
    OtherGoods,
    OtherPlace,
    RuleHours,
    SignInForRule,
    SpendHereFirst,
    SpendMore,
)


class Offers(Struct, frozen=True, kw_only=True, tag_field="kind", tag="offers"):
    """These offers; with `excluded` all but these."""

    ids: tuple[UUID, ...]
    excluded: bool = False


class Categories(Struct, frozen=True, kw_only=True, tag_field="kind", tag="categories"):
    """Offers of these categories or of one below them; with `excluded` all others."""

    slugs: tuple[str, ...]
    excluded: bool = False


class Stores(Struct, frozen=True, kw_only=True, tag_field="kind", tag="stores"):
    """Offers that one of these stores takes; at a counter: bought in one of these. With `excluded` elsewhere."""

    ids: tuple[UUID, ...]
    excluded: bool = False


class Merchants(Struct, frozen=True, kw_only=True, tag_field="kind", tag="merchants"):
    """Offers of these merchants; with `excluded` of all others."""

    ids: tuple[UUID, ...]
    excluded: bool = False


class Schemes(Struct, frozen=True, kw_only=True, tag_field="kind", tag="schemes"):
    """Offers that are sold in one of these ways; with `excluded` in any other."""

    names: tuple[str, ...]
    excluded: bool = False


class Tags(Struct, frozen=True, kw_only=True, tag_field="kind", tag="tags"):
    """Members with one of these tags."""

    any_of: tuple[str, ...]


class FirstOrder(Struct, frozen=True, kw_only=True, tag_field="kind", tag="first_order"):
    """Members who have not ordered before; `here`: not with this merchant."""

    here: bool = False


class NthOrder(Struct, frozen=True, kw_only=True, tag_field="kind", tag="nth_order"):
    """The member's n-th order; `every`: also 2n-th, 3n-th and so on; `here`: counted with this merchant."""

    n: int
    every: bool = False
    here: bool = False


class SpendHere(Struct, frozen=True, kw_only=True, tag_field="kind", tag="spend_here"):
    """Members who have spent so much with this merchant before this order."""

    units: int


class MinSpend(Struct, frozen=True, kw_only=True, tag_field="kind", tag="min_spend"):
    """The lines it is for cost so much before any promotion: no discount ever takes away another one's threshold."""

    units: int


class MinQuantity(Struct, frozen=True, kw_only=True, tag_field="kind", tag="min_quantity"):
    """So many units of the lines it is for."""

    count: int


class Channels(Struct, frozen=True, kw_only=True, tag_field="kind", tag="channels"):
    """Ordered through one of these channels (web, api, till, ...)."""

    names: tuple[str, ...]


class Hours(Struct, frozen=True, kw_only=True, tag_field="kind", tag="hours"):
    """Within one of these weekdays and hours of the city's own clock."""

    windows: tuple[Window, ...]


class Expression(Struct, frozen=True, kw_only=True, tag_field="kind", tag="expression"):
    """What staff have written in CEL, within the limits of `pricing.cel`; `says` is the same for people."""

    source: str
    says: Text


Scope = Offers | Categories | Stores | Merchants | Schemes
Circumstance = Tags | FirstOrder | NthOrder | SpendHere | MinSpend | MinQuantity | Channels | Hours | Expression
Condition = Scope | Circumstance
SCOPES = (Offers, Categories, Stores, Merchants, Schemes)

# Which no is told when there are several: the one that is hardest to change first, the cart's own last.
RANK = {Channels: 1, Tags: 2, FirstOrder: 3, NthOrder: 4, SpendHere: 5, Expression: 6, Hours: 7}
RANK |= {MinQuantity: 8, MinSpend: 9}


def asks_the_past(condition: Condition) -> bool:
    """Whether the condition asks what the member has bought before."""
    if isinstance(condition, Expression):
        return "member.orders" in condition.source or "member.spend" in condition.source
    return isinstance(condition, FirstOrder | NthOrder | SpendHere)


class Filter(Struct, frozen=True):
    """A scope made ready: which shelf of the basket it looks at, and for which keys."""

    shelf: str
    keys: frozenset[Hashable]
    excluded: bool
    no: Refusal


def filters_of(scopes: Sequence[Scope]) -> tuple[Filter, ...]:
    """The scopes ready to be asked many times."""
    made = []
    for scope in scopes:
        shelf, field = _SHELVES[type(scope)]
        why = _SCOPE_WORDS[type(scope)]
        no = OtherGoods(why_zh=why.zh, why_en=why.en)
        made.append(Filter(shelf, frozenset(key_of(key) for key in getattr(scope, field)), scope.excluded, no))
    return tuple(made)


def lines_of(filters: Sequence[Filter], basket: Basket, facts: Facts) -> tuple[int, ...] | Refusal:
    """The positions of the goods that every scope accepts, or why there are none."""
    mask = basket.goods
    if not mask:
        return _NO_GOODS
    for each in filters:
        at_counter = each.shelf == "stores" and facts.store_id is not None
        shelf = {key_of(facts.store_id): basket.goods} if at_counter else basket.shelves[each.shelf]
        hit = 0
        for key, there in shelf.items():
            if key in each.keys:
                hit |= there
        mask &= ~hit if each.excluded else hit
        if not mask:
            return OtherPlace() if at_counter else each.no
    return basket.positions(mask)


_NO_GOODS = OtherGoods(why_zh="没有商品", why_en="there are no goods")
_SHELVES = {
    Offers: ("offers", "ids"), Categories: ("categories", "slugs"), Stores: ("stores", "ids"),
    Merchants: ("merchants", "ids"), Schemes: ("schemes", "names"),
}  # fmt: skip
_SCOPE_WORDS = {
    Offers: Text(zh="仅限指定商品", en="only for certain offers"),
    Categories: Text(zh="仅限指定分类", en="only for certain categories"),
    Stores: Text(zh="仅限指定门店", en="only for certain shops"),
    Merchants: Text(zh="仅限指定商家", en="only for certain merchants"),
    Schemes: Text(zh="仅限指定售卖方式", en="only for what is sold in another way"),
}


def why_not(
    condition: Circumstance, basket: Basket, admitted: Sequence[int], facts: Facts, prize: Text
) -> Refusal | None:
    """Why the condition says no for these positions; `prize` is the benefit in words. None when it agrees."""
    match condition:
        case MinSpend(units=units):
            missing = units - sum(basket.bases[p] for p in admitted)
            if missing <= 0:
                return None
            least, lacking = money(units, basket.asset), money(missing, basket.asset)
            return SpendMore(least=least, missing=lacking, prize_zh=prize.zh, prize_en=prize.en)
        case MinQuantity(count=count):
            missing = count - sum(basket.lines[p].quantity for p in admitted)
            if missing <= 0:
                return None
            return BuyMore(least=count, missing=missing, prize_zh=prize.zh, prize_en=prize.en)
        case Channels(names=names):
            return None if facts.channel in names else OnlyChannel(channels_in_words=", ".join(names))
        case Hours(windows=windows):
            return _hours(windows, facts)
        case Expression():
            return _expression(condition, basket, admitted, facts)
        case _:
            return _member(condition, basket.asset, facts)


def _member(condition: Tags | FirstOrder | NthOrder | SpendHere, asset: str, facts: Facts) -> Refusal | None:
    """What depends on who buys."""
    if facts.member_id is None:
        return SignInForRule()
    match condition:
        case Tags(any_of=tags):
            return None if any(tag in tags for tag in facts.tags) else OnlyTagged(tags_in_words=", ".join(tags))
        case FirstOrder(here=here):
            before = facts.orders_here if here else facts.orders_count
            return None if before == 0 else OnlyFirstOrder()
        case NthOrder():
            return _nth(condition, facts)
        case SpendHere(units=units):
            missing = units - (facts.spend_here or 0)
            if missing <= 0:
                return None
            return SpendHereFirst(least=money(units, asset), missing=money(missing, asset))


def _nth(condition: NthOrder, facts: Facts) -> Refusal | None:
    before = facts.orders_here if condition.here else facts.orders_count
    if before is None:
        return SignInForRule()
    this, n = before + 1, condition.n
    if this == n or (condition.every and this % n == 0):
        return None
    if this > n and not condition.every:
        return NthOrderPast(which=n, this=this)
    which = -(-this // n) * n
    return OnlyNthOrder(which=which, missing=which - this)


def _hours(windows: tuple[Window, ...], facts: Facts) -> Refusal | None:
    if facts.now is not None and why_not_now(Terms(windows=windows), at=facts.now, zone=facts.zone) is None:
        return None
    usable = windows_in_words(windows)
    begins = next_opening(windows, local(facts.now, facts.zone)) if facts.now is not None else usable
    return RuleHours(usable_zh=usable.zh, usable_en=usable.en, from_zh=begins.zh, from_en=begins.en)


def next_opening(windows: Sequence[Window], here: datetime) -> Text:
    """When the next window begins after the local moment `here`, within eight days."""
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    plain = here.replace(tzinfo=None)
    starts = [
        midnight + timedelta(days=day, minutes=window.start)
        for day in range(9)
        for window in windows
        if (midnight + timedelta(days=day)).weekday() in window.weekdays
    ]
    coming = [start for start in starts if start > plain]
    return moment_in_words(min(coming), plain) if coming else windows_in_words(tuple(windows))


_ZH = "一二三四五六日"
_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def moment_in_words(moment: datetime, now: datetime) -> Text:
    """A local moment as people say it now: "17:00" today, "Friday 17:00" within six days, a date beyond."""
    face = clock_face(moment.hour * 60 + moment.minute)
    days = (moment.date() - now.date()).days
    if days == 0:
        return Text(zh=f"今天 {face}", en=f"{face} today")
    if 0 < days <= 6:
        return Text(zh=f"周{_ZH[moment.weekday()]} {face}", en=f"{_EN[moment.weekday()]} {face}")
    return Text.both(f"{moment.date().isoformat()} {face}")


def _expression(condition: Expression, basket: Basket, admitted: Sequence[int], facts: Facts) -> Refusal | None:
    says = condition.says
    program = cel.compile(condition.source)
    if isinstance(program, Refusal):  # it was refused when it was written; a rule from elsewhere says no
        return ExpressionBroken(says_zh=says.zh, says_en=says.en)
    answer = program.ask(basket, admitted, facts)
    if answer is None:
        return ExpressionBroken(says_zh=says.zh, says_en=says.en)
    return None if answer else ExpressionSaysNo(says_zh=says.zh, says_en=says.en)
