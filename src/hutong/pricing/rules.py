"""A promotion of the house as a value: what staff write, what is stored, what the pipeline asks. Pure."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong.kit.clock import local, local_day
from hutong.kit.refusals import BadInput, Refusal
from hutong.kit.text import Text
from hutong.pricing.benefits import Benefit, FreeItem, in_words, taken
from hutong.pricing.conditions import (
    RANK,
    SCOPES,
    Circumstance,
    Condition,
    Filter,
    filters_of,
    lines_of,
    moment_in_words,
    why_not,
)
from hutong.pricing.model import LANES, Basket, Facts, Lane, Taken
from hutong.pricing.reasons import CouponMissing, OtherCurrency, OtherGoods, RuleNotYet, RuleOver

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Rule(Struct, frozen=True, kw_only=True, dict=True):
    """Benefit + conditions + lane, with who bears it. All its amounts are units of `asset`.

    `trigger` "coupon": only when its coupon is laid on the table. It applies within [valid_from, valid_to). Of all
    rules with the same `group` one is used on an order. `payers` are (platform | merchant | brand | operator, weight).
    """

    promotion_id: UUID
    name: Text
    benefit: Benefit
    conditions: tuple[Condition, ...] = ()
    lane: Lane = LANES["coupon"]
    group: str | None = None
    trigger: Literal["auto", "coupon"] = "auto"
    asset: str = "CNY"
    payers: tuple[tuple[str, int], ...] = (("merchant", 1),)
    valid_from: Instant | None = None
    valid_to: Instant | None = None

    @property
    def id(self) -> str:
        return self._id

    @cached_property
    def _id(self) -> str:
        return str(self.promotion_id)

    @cached_property
    def prize(self) -> Text:
        """The benefit in words."""
        return in_words(self.benefit, self.asset)

    @cached_property
    def filters(self) -> tuple[Filter, ...]:
        """The conditions that choose lines, made ready."""
        return filters_of(sorted((c for c in self.conditions if isinstance(c, SCOPES)), key=repr))

    @cached_property
    def circumstances(self) -> tuple[Circumstance, ...]:
        """The others, always asked in the same order: the reason does not depend on how they were written."""
        others = [c for c in self.conditions if not isinstance(c, SCOPES)]
        return tuple(sorted(others, key=lambda c: (RANK[type(c)], repr(c))))

    def admit(self, basket: Basket, facts: Facts) -> tuple[int, ...] | Refusal:
        """The positions of the lines it is for, or the first condition that says no."""
        no = self._why_not_in_force(basket, facts)
        if no is not None:
            return no
        positions = lines_of(self.filters, basket, facts)
        if isinstance(positions, Refusal):
            return positions
        if isinstance(self.benefit, FreeItem):  # the gift does not earn itself
            positions = tuple(p for p in positions if basket.lines[p].offer_id != self.benefit.offer_id)
            if not positions:
                return OtherGoods(why_zh="赠品须与其他商品一起购买", why_en="the gift comes with something else")
        for condition in self.circumstances:
            no = why_not(condition, basket, positions, facts, self.prize)
            if no is not None:
                return no
        return positions

    def take(self, basket: Basket, admitted: Sequence[int], left: Sequence[int]) -> Taken | Refusal:
        """What the benefit takes off."""
        return taken(self.benefit, basket, admitted, left)

    def _why_not_in_force(self, basket: Basket, facts: Facts) -> Refusal | None:
        """Currency, period and coupon: what has nothing to do with single lines."""
        if basket.asset != self.asset:
            return OtherCurrency(asset=self.asset)
        now = facts.now
        if now is not None and self.valid_to is not None and now >= self.valid_to:
            return RuleOver(ended=local_day(self.valid_to, facts.zone).isoformat())
        if now is not None and self.valid_from is not None and now < self.valid_from:
            here = local(now, facts.zone).replace(tzinfo=None)
            begins = moment_in_words(local(self.valid_from, facts.zone).replace(tzinfo=None), here)
            return RuleNotYet(from_zh=begins.zh, from_en=begins.en)
        if self.trigger == "coupon" and self.promotion_id not in facts.coupons:
            return CouponMissing()
        return None


_DECODER = msgspec.json.Decoder(Rule)


def encode(rule: Rule) -> bytes:
    """The rule as JSON."""
    return msgspec.json.encode(rule)


def decode(text: bytes | str) -> Rule | Refusal:
    """The rule that was encoded; bad_input when it is none."""
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError as wrong:
        return BadInput(field="rule", why=str(wrong))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return BadInput(field="rule", why="not JSON")
