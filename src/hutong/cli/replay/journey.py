"""Real coupon use through the engine: every basket of a redemption is quoted with the coupons of that day.

Rules are made from the data: a coupon is for the products of its campaign, within the campaign's days, for households
that the campaign was sent to. What it took off is not written down for the coupon but for the lines, so its face value
is the median of what was taken off (there is no other source); borne by brand and shop as recorded on those lines.

The data says on which day a coupon was used, and the days of baskets follow from timestamps in UTC. Both readings are
told: days as written, and days by the clock of the shops.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from statistics import median_low
from uuid import UUID

from msgspec import Struct

from hutong.cli.replay.journey_rows import Journey, Redeemed, Till
from hutong.kit.clock import day_start, local_day
from hutong.kit.money import Amount, apportion
from hutong.kit.text import Text
from hutong.pricing import LANES, AmountOff, Facts, Offers, PriceLine, Quote, Rule, Tags, quote

ASSET = "USD"
DEFAULT_FACE = 100  # cents, when no coupon of the data took anything off
CLASSES = {
    "eligible": "a basket that day with a product of the coupon, in the campaign's days, by a household it was sent to",
    "coupon_unknown": "the coupon has no products in its campaign",
    "campaign_unknown": "the campaign has no first and last day",
    "outside_window": "the day is not one of the campaign's",
    "not_targeted": "the campaign was not sent to the household",
    "repeated_use": "the household had used this coupon of this campaign before",
    "no_basket_that_day": "the household has no basket that day",
    "no_eligible_product": "a basket that day, but with no product of the coupon",
}
# What the engine says about the same: its code for the class, where it was asked.
CODES = {
    "rule_not_yet": "outside_window", "rule_over": "outside_window", "rule_members": "not_targeted",
    "rule_other_goods": "no_eligible_product", "better_promotion": "eligible", "nothing_to_take": "eligible",
}  # fmt: skip


class Booked(Struct, frozen=True, kw_only=True):
    """A basket from which coupons took something off: what the engine says of it, by coupon. Money in cents."""

    till: Till
    taken: dict[tuple[int, int], int]
    borne: dict[str, int]


class Reading(Struct, frozen=True, kw_only=True):
    """What one reading of the days comes to. Money in cents; `recorded` is what the tills took off the lines that the
    engine took `discount` off. `differences`: where the engine and the data's own rules
    do not say the same."""

    zone: str
    classes: dict[int, str]
    baskets_priced: int
    lines_priced: int
    applied: int
    better_coupon: int
    nothing_left: int
    discount: int
    recorded: int
    borne: dict[str, int]
    basket_that_day: int
    eligible_product: int
    booked: tuple[Booked, ...]
    differences: tuple[str, ...]

    def counted(self) -> dict[str, int]:
        """How many redemptions are in each class."""
        found = Counter(self.classes.values())
        return {name: found[name] for name in CLASSES}


class Replay:
    """The rules of a journey, and what became of each redemption when the days are read in a zone."""

    def __init__(self, journey: Journey, zone: str) -> None:
        self.journey, self.zone = journey, zone
        self.by_day: dict[tuple[int, date], list[Till]] = defaultdict(list)
        for household, tills in journey.tills.items():
            for till in tills:
                self.by_day[household, local_day(till.at, zone)].append(till)
        self.sent: dict[int, list[int]] = defaultdict(list)
        for household, campaign in sorted(journey.targets):
            self.sent[household].append(campaign)
        self.rules = dict(self._rules())
        self.sums: Counter[str] = Counter()
        self.borne: Counter[str] = Counter()
        self.booked: list[Booked] = []
        self.differences: list[str] = []

    def run(self) -> Reading:
        """Class after class by the data's own rules, then each basket by the engine, and whether they agree."""
        classes = dict(self._classes())
        days: dict[tuple[int, date], list[Redeemed]] = defaultdict(list)
        for one in self.journey.redeemed:
            if classes[one.number] not in ("coupon_unknown", "campaign_unknown", "repeated_use"):
                days[one.household_id, one.day].append(one)
        for (household, day), used in sorted(days.items()):
            self._day(household, day, used, classes)
        some, with_product = found(self.journey, self.by_day)
        return Reading(
            zone=self.zone, classes=classes, baskets_priced=self.sums["baskets"], lines_priced=self.sums["lines"],
            applied=self.sums["applied"], better_coupon=self.sums["better_promotion"],
            nothing_left=self.sums["nothing_to_take"], discount=self.sums["discount"], recorded=self.sums["recorded"],
            borne=dict(sorted(self.borne.items())), basket_that_day=some, eligible_product=with_product,
            booked=tuple(self.booked), differences=tuple(self.differences),
        )  # fmt: skip

    def _classes(self) -> Iterator[tuple[int, str]]:
        """By plain sets, without the engine."""
        seen: set[tuple[int, tuple[int, int]]] = set()
        for one in self.journey.redeemed:
            yield one.number, self._class(one, seen)
            seen.add((one.household_id, one.coupon))

    def _class(self, one: Redeemed, seen: set[tuple[int, tuple[int, int]]]) -> str:
        campaign = one.coupon[0]
        products = self.journey.products.get(one.coupon)
        if not products:
            return "coupon_unknown"
        if campaign not in self.journey.windows:
            return "campaign_unknown"
        first, last = self.journey.windows[campaign]
        if not first <= one.day <= last:
            return "outside_window"
        if (one.household_id, campaign) not in self.journey.targets:
            return "not_targeted"
        tills = self.by_day.get((one.household_id, one.day))
        if not tills:
            return "no_basket_that_day"
        if not any(line.product_id in products for till in tills for line in till.lines):
            return "no_eligible_product"
        return "repeated_use" if (one.household_id, one.coupon) in seen else "eligible"

    def _day(self, household: int, day: date, used: list[Redeemed], classes: dict[int, str]) -> None:
        """The baskets of a household's day, one after the other, each with the coupons that are not used up yet."""
        open_: dict[str, Redeemed] = {str(promotion_id(one.coupon)): one for one in used}
        said: dict[str, str] = {}
        for till in self.by_day.get((household, day), ()):
            priced = self._price(till, [self.rules[one.coupon] for one in open_.values()])
            for verdict in priced.verdicts if priced else ():
                code = verdict.no.code if verdict.no else "applied"
                said[verdict.promotion] = _nearer(said.get(verdict.promotion), code)
                if verdict.no is None:
                    del open_[verdict.promotion]
        for one in used:
            code = said.get(str(promotion_id(one.coupon)))
            answer = "no_basket_that_day" if code is None else CODES.get(code, "eligible")
            if code in ("applied", "better_promotion", "nothing_to_take"):
                self.sums[code] += 1
            mine = classes[one.number]
            if answer != mine and not (code is None and mine in ("outside_window", "not_targeted")):
                self.differences.append(f"redemption {one.number}: the data says {mine}, the engine {answer} ({code})")

    def _price(self, till: Till, rules: list[Rule]) -> Quote | None:
        """The basket with these coupons on the table; None when there is none left to ask about."""
        if not rules:
            return None
        facts = Facts(
            now=till.at, zone=self.zone, member_id=UUID(int=till.household_id), channel="till",
            tags=tuple(f"campaign-{campaign}" for campaign in self.sent[till.household_id]),
            coupons=tuple(rule.promotion_id for rule in rules),
        )  # fmt: skip
        answer = quote(list(lines_of(till)), promotions=rules, facts=facts)
        assert isinstance(answer, Quote)
        self.sums["baskets"] += 1
        self.sums["lines"] += len(till.lines)
        for line in answer.lines:
            paid = sum(unit.paid.units for unit in line.units())
            if paid != line.total.units or paid < 0:
                self.differences.append(f"basket {till.basket_id}: the units of line {line.line.line_no} do not add up")
        self._book(till, answer, rules)
        return answer

    def _book(self, till: Till, answer: Quote, rules: list[Rule]) -> None:
        coupon_of = {rule.id: divmod(rule.promotion_id.int, 1 << 64) for rule in rules}
        taken: Counter[tuple[int, int]] = Counter()
        borne: Counter[str] = Counter()
        for adjustment in answer.adjustments:
            taken[coupon_of[adjustment.promotion]] += adjustment.amount.units
            recorded = till.lines[adjustment.line_no - 1]
            self.sums["recorded"] += recorded.coupon + recorded.match
            for payer, share in adjustment.shares:
                borne[payer] += share.units
        self.sums["discount"] += taken.total()
        self.borne += borne
        if taken:
            self.booked.append(Booked(till=till, taken=dict(taken), borne=dict(borne)))

    def _rules(self) -> Iterator[tuple[tuple[int, int], Rule]]:
        faces, shares = self._faces()
        usual = median_low(sorted(faces.values())) if faces else DEFAULT_FACE
        for coupon, products in self.journey.products.items():
            campaign, upc = coupon
            if campaign not in self.journey.windows:
                continue
            first, last = self.journey.windows[campaign]
            brand, shop = apportion(10_000, shares.get(coupon, (1, 0)))
            yield coupon, Rule(
                promotion_id=promotion_id(coupon), name=Text.both(f"coupon {upc} of campaign {campaign}"),
                benefit=AmountOff(units=faces.get(coupon, usual)), lane=LANES["coupon"], trigger="coupon", asset=ASSET,
                conditions=(
                    Offers(ids=tuple(offer_id(p) for p in sorted(products))), Tags(any_of=(f"campaign-{campaign}",)),
                ),
                payers=(("brand", brand), ("merchant", shop)), valid_from=day_start(first, self.zone),
                valid_to=day_start(last + timedelta(days=1), self.zone),
            )  # fmt: skip

    def _faces(self) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], tuple[int, int]]]:
        """For each coupon the median of what was taken off its best line, and what brand and shop bore of these."""
        found: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for one in self.journey.redeemed:
            products = self.journey.products.get(one.coupon, set())
            for till in self.by_day.get((one.household_id, one.day), ()):
                off = [(x.coupon, x.match) for x in till.lines if x.product_id in products and x.coupon + x.match]
                if off:
                    found[one.coupon].append(max(off, key=lambda pair: (sum(pair), pair)))
        faces = {coupon: median_low(sorted(sum(pair) for pair in pairs)) for coupon, pairs in found.items()}
        shares = {coupon: (sum(b for b, _ in pairs), sum(m for _, m in pairs)) for coupon, pairs in found.items()}
        return faces, shares


# Of what several baskets of a day say about a coupon, the one nearest to a yes counts.
_NEAR = ("applied", "better_promotion", "nothing_to_take")


def _nearer(before: str | None, code: str) -> str:
    if before is None or (code in _NEAR and (before not in _NEAR or _NEAR.index(code) < _NEAR.index(before))):
        return code
    return before


def promotion_id(coupon: tuple[int, int]) -> UUID:
    return UUID(int=coupon[0] << 64 | coupon[1])


def offer_id(product: int) -> UUID:
    return UUID(int=product)


def lines_of(till: Till) -> Iterator[PriceLine]:
    """Each line as it was sold: many are weighed, so a line is one unit whatever its quantity says."""
    for number, line in enumerate(till.lines, 1):
        yield PriceLine(
            line_no=number, offer_id=offer_id(line.product_id), title=Text.both(str(line.product_id)), quantity=1,
            unit_price=Amount(line.price, ASSET), list_price=Amount(line.list_price, ASSET),
            store_ids=(UUID(int=till.store_id),),
        )  # fmt: skip


def share(part: int, whole: int) -> float:
    """Percent, one decimal."""
    return round(100 * part / whole, 1) if whole else 0.0


def found(journey: Journey, by_day: Mapping[tuple[int, date], Sequence[Till]]) -> tuple[int, int]:
    """Of the redemptions: how many have a basket that day, how many one with a product of the coupon."""
    some = with_product = 0
    for one in journey.redeemed:
        tills = by_day.get((one.household_id, one.day), ())
        wanted = journey.products.get(one.coupon, set())
        some += bool(tills)
        with_product += any(line.product_id in wanted for till in tills for line in till.lines)
    return some, with_product
