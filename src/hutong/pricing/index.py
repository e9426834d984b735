"""Many live rules, few candidates: which rules are worth asking about a basket. Pure.

A rule stands under the most selective thing it names: the coupon it needs, else offers, stores, merchants, categories,
ways of selling, tags of members or channels; only one that names none of these is asked about every basket. What is
left out could not apply, so the price is the same as with all rules; but only candidates get a reason.
"""

from collections.abc import Hashable, Iterator, Sequence

from hutong.pricing.conditions import Categories, Channels, Merchants, Offers, Schemes, Stores, Tags
from hutong.pricing.model import Facts, PriceLine
from hutong.pricing.rules import Rule

_Key = tuple[str, Hashable]
_BY = (
    (Offers, "offer", "ids"), (Stores, "store", "ids"), (Merchants, "merchant", "ids"),
    (Categories, "category", "slugs"), (Tags, "tag", "any_of"), (Schemes, "scheme", "names"),
    (Channels, "channel", "names"),
)  # fmt: skip


class Index:
    """Rules by what they are for. Made once for a set of rules, asked for every basket."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: (rule.lane, rule.id)))
        self._under: dict[_Key, list[int]] = {}
        self._always: list[int] = []
        for number, rule in enumerate(self.rules):
            keys = list(_keys(rule))
            if not keys:
                self._always.append(number)
            for key in keys:
                self._under.setdefault(key, []).append(number)

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> "Index":
        return cls(rules)

    def candidates(self, lines: Sequence[PriceLine], facts: Facts) -> list[Rule]:
        """The rules that could apply to these lines for this member, by lane and id; without those that are over."""
        under, now = self._under, facts.now
        found = set(self._always)
        for key in _asked(lines, facts):
            numbers = under.get(key)
            if numbers:
                found.update(numbers)
        rules = [self.rules[number] for number in sorted(found)]
        if now is None:
            return rules
        return [rule for rule in rules if rule.valid_to is None or now < rule.valid_to]


def _keys(rule: Rule) -> Iterator[_Key]:
    """What the rule stands under; nothing when it is for everything."""
    if rule.trigger == "coupon":
        yield "coupon", rule.promotion_id
        return
    for kind, word, field in _BY:
        for condition in rule.conditions:
            if isinstance(condition, kind) and not getattr(condition, "excluded", False):
                for name in getattr(condition, field):
                    yield word, name
                return


def _asked(lines: Sequence[PriceLine], facts: Facts) -> set[_Key]:
    """Everything under which a rule for this basket can stand."""
    keys: set[_Key] = {("coupon", coupon) for coupon in facts.coupons}
    keys.update(("tag", tag) for tag in facts.tags)
    keys.add(("channel", facts.channel))
    if facts.store_id is not None:
        keys.add(("store", facts.store_id))
    for line in lines:
        keys.add(("offer", line.offer_id))
        keys.add(("merchant", line.merchant_id))
        keys.add(("scheme", line.scheme))
        keys.update(("category", slug) for slug in line.categories)
        if facts.store_id is None:
            keys.update(("store", store) for store in line.store_ids)
    return keys
