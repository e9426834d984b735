"""What came of a deal: guests, who of them came back, what stayed; rates with their certainty, and the verdict. Pure.

Rates are shares of whole guests; their intervals are Wilson's (E. B. Wilson, JASA 22, 1927) at 95 %.
"""

from datetime import date, datetime
from math import ceil, sqrt
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount

WINDOWS = (30, 60, 90)  # days after the first visit in which a second one counts
Z95 = 1.959963984540054  # the normal quantile of a two-sided 95 % interval
ENOUGH = 10  # guests whose window is over, before a verdict is spoken
THIN = 30  # guests of a history, below which it is no expectation of its own
BASIS = 10_000

Verdict = Literal["nothing", "early", "nobody", "gift", "loss", "few", "unclear", "good"]
# The worst first: the order of the operator's list. What says nothing yet stands last.
VERDICTS: tuple[Verdict, ...] = ("nobody", "loss", "few", "gift", "unclear", "good", "early", "nothing")


class Visit(Struct, frozen=True, kw_only=True):
    """One redemption as insight keeps it. Units are those of `asset`; `day` is the city's.

    `full_price`: the right was paid with no less than its list price. `price_units`: what the merchant asked for
    these uses, before coupons; `due_units`: what his side got, before commission; `merchant_units`: after it. `own`:
    somebody of the merchant's staff held the right: it counts in the money, and as no guest.
    """

    redemption_id: UUID
    voucher_id: UUID
    merchant_id: UUID
    store_id: UUID
    member_id: UUID
    offer_id: UUID
    trade: str | None
    day: date
    at: datetime
    bought_at: datetime
    valid_from: datetime
    valid_to: datetime
    count: int
    full_price: bool
    asset: str
    list_units: int
    price_units: int
    paid_units: int
    due_units: int
    commission_units: int
    merchant_units: int
    undone_at: datetime | None = None
    own: bool = False


class Rate(Struct, frozen=True):
    """`hits` of `of`. Nothing is said of an empty `of`."""

    hits: int
    of: int

    @property
    def known(self) -> bool:
        return self.of > 0

    @property
    def bps(self) -> int:
        """The share in basis points, rounded half up; 0 when nothing is known."""
        return (self.hits * 2 * BASIS + self.of) // (2 * self.of) if self.of else 0

    @property
    def interval(self) -> tuple[int, int]:
        """Wilson's 95 % interval in basis points; all of it when nothing is known."""
        low, high = wilson(self.hits, self.of)
        return round(low * BASIS), round(high * BASIS)


def wilson(hits: int, of: int, z: float = Z95) -> tuple[float, float]:
    """The score interval of a share: honest for few guests and for shares near nothing or all."""
    if not of:
        return 0.0, 1.0
    share = hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    # at the ends the interval touches them exactly; floating point would miss by a hair
    return (0.0 if hits == 0 else max(0.0, middle - half)), (1.0 if hits == of else min(1.0, middle + half))


class Back(Struct, frozen=True):
    """Of the new guests whose window of so many days is over: how many came a second time; and of how many it is not
    yet known."""

    days: int
    rate: Rate
    waiting: int


class Expected(Struct, frozen=True, kw_only=True):
    """How many new guests come back within 60 days, by history: the merchant's own, else that of shops of his trade."""

    source: Literal["own", "trade", "none"]
    backs: tuple[Back, ...] = ()

    def within(self, days: int) -> Rate:
        return next((one.rate for one in self.backs if one.days == days), Rate(0, 0))


class Plan(Struct, frozen=True, kw_only=True):
    """What the merchant says of a deal: what one unit costs him (goods and work), and which share of new guests he
    expects back within 60 days, in basis points. None: he did not say."""

    offer_id: UUID
    merchant_id: UUID
    cost_units: int | None = None
    expected_bps: int | None = None
    by: UUID | None = None
    at: datetime | None = None


class Before(Struct, frozen=True, kw_only=True):
    """A deal as it is offered, by unit. `coupon` and `points`: what those would cost the merchant; `margin`: what is
    left after his cost (None: he did not say it); `visit`: what a guest leaves who comes back at the list price."""

    price: Amount
    list_price: Amount
    commission: Amount
    coupon: Amount
    points: Amount
    fee: Amount
    yours: Amount
    cost: Amount | None
    margin: Amount | None
    visit: Amount | None
    units: int
    expected: Expected
    promised_bps: int | None = None

    @property
    def given(self) -> Amount:
        """What one unit gives away against the list price, commission included."""
        return self.list_price - self.yours

    @property
    def needed(self) -> int | None:
        """How many guests must come back once at the list price, so that all units together cost nothing. 0: it earns
        by itself. None: the cost is not known. -1: no number is enough, as a returning guest costs money, too."""
        return needed(self.margin, self.visit, self.units)

    @property
    def needed_bps(self) -> int | None:
        """The same as a share of the guests, one unit a guest."""
        count = self.needed
        if count is None or count < 0 or self.units == 0:
            return None
        return ceil(count * BASIS / self.units)


def needed(margin: Amount | None, visit: Amount | None, units: int) -> int | None:
    """Break-even in returning guests: the loss of all units over what one returning guest leaves, rounded up."""
    if margin is None or visit is None:
        return None
    if margin.units >= 0:
        return 0
    return -(margin.units * units // visit.units) if visit.units > 0 else -1


class Counts(Struct, frozen=True, kw_only=True):
    """What became of the units of an offer. They add up: sold = used + open + refunded + expired."""

    sold: int = 0
    used: int = 0
    open: int = 0
    refunded: int = 0
    expired: int = 0


class Money(Struct, frozen=True, kw_only=True):
    """Of the uses that stand: the list price of what was given, what guests paid, what others paid for them (`helped`),
    what the merchant's coupons cost him, what his side got, the commission, what is his. By the books of settlement."""

    listed: Amount
    paid: Amount
    helped: Amount
    coupon: Amount
    due: Amount
    commission: Amount
    merchant: Amount

    @property
    def discount(self) -> Amount:
        return self.listed - self.paid


class Sheet(Struct, frozen=True, kw_only=True):
    """The result sheet of one offer on one day.

    `own` are uses by the merchant's own staff, who are no guests. Guests are members with a use that stands: `new`
    never came before, `returned` came before but never at the full price, `regulars` had come at the full price.
    `again`: new guests who came again only with units bought before.
    `later`: what new guests left with other offers at later visits within 90 days, after commission
    (later uses of this offer are in `money`).
    """

    offer_id: UUID
    merchant_id: UUID
    day: date
    counts: Counts
    money: Money
    uses: int
    own: int
    guests: int
    new: int
    returned: int
    regulars: int
    regulars_back: int
    again: int
    backs: tuple[Back, ...]
    later: Amount
    later_visits: int
    before: Before

    @property
    def margin(self) -> Amount | None:
        """What is left of the uses after the merchant's cost; None: he did not say it."""
        cost = self.before.cost
        return None if cost is None else self.money.merchant - cost * self.uses

    @property
    def result(self) -> Amount | None:
        """The margin of the deal and of what its new guests left later, each later visit at the same cost."""
        cost, margin = self.before.cost, self.margin
        return None if cost is None or margin is None else margin + self.later - cost * self.later_visits

    @property
    def judged(self) -> Back:
        """The longest window about which enough guests say something; else the one that knows most."""
        enough = [one for one in self.backs if one.rate.of >= ENOUGH]
        return enough[-1] if enough else max(self.backs, key=lambda one: one.rate.of)

    @property
    def wanted_bps(self) -> int | None:
        """The share that had to come back: for break-even, else what the merchant expected, else what is usual here."""
        return wanted(self.before, self.judged.days)

    @property
    def verdict(self) -> Verdict:
        return judge(self)


def wanted(before: Before, days: int) -> int | None:
    """The bar a deal is measured by, in basis points: its break-even, else the promise, else history (if not thin)."""
    if before.needed_bps:
        return before.needed_bps
    if before.promised_bps is not None:
        return before.promised_bps
    usual = before.expected.within(days)
    return usual.bps if usual.of >= THIN else None


def judge(sheet: Sheet) -> Verdict:
    """One word for a deal. Only a whole interval below (above) the bar is a "no" ("yes"); between them it is unclear.

    `nobody`: of enough new guests none came back. `loss`: no number of returning guests can pay for it. `gift`: most of
    those who took it were regulars who pay the full price otherwise. `early`: too few windows are over.
    """
    if sheet.guests == 0:
        return "nothing"
    judged = sheet.judged
    if sheet.before.needed == -1:
        return "loss"
    if sheet.guests >= ENOUGH and sheet.regulars * 2 > sheet.guests:
        return "gift"
    if judged.rate.of < ENOUGH:
        return "early"
    if judged.rate.hits == 0:
        return "nobody"
    low, high = judged.rate.interval
    bar = sheet.wanted_bps
    if bar is None:
        return "unclear"
    return "few" if high < bar else "good" if low >= bar else "unclear"


def rank(sheet: Sheet) -> int:
    """For lists: the worst verdict first; within one, the lowest upper bound of what may have come back."""
    return VERDICTS.index(sheet.verdict) * (BASIS + 1) + sheet.judged.rate.interval[1]
