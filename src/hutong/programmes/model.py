"""Programmes as values: the rules of a currency of points, who takes part, and what is asked of a wallet."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount
from hutong.kit.text import Text

BPS = 10_000  # basis points in a whole

Rounding = Literal["floor", "half_up"]
Mode = Literal["prepaid", "postpaid"]
PartnerState = Literal["active", "paused", "left"]
SourceKind = Literal["redemption", "order", "bill", "receipt", "gift", "friend", "donation", "grant"]
Target = Literal["due", "escrow"]
LotState = Literal["pending", "available", "spent", "expired", "clawed_back"]
MovementKind = Literal[
    "earn", "burn", "unburn", "claw_back", "debt_paid", "expire", "send", "receive"
]  # fmt: skip


class Rate(Struct, frozen=True, kw_only=True):
    """`points` for every `per_units` of money (smallest unit of the programme's currency), from `least_units` on."""

    points: int = 1
    per_units: int = 100
    least_units: int = 0
    rounding: Rounding = "floor"


class Tier(Struct, frozen=True, kw_only=True):
    """From `growth` on, base points are multiplied by `earn_bps` (the difference is the bonus part)."""

    name: Text
    growth: int
    earn_bps: int = BPS


class Caps(Struct, frozen=True, kw_only=True):
    """What one wallet, one pair and one cashier may do within a local day of the programme's zone; None: no limit."""

    member_points_a_day: int | None = None
    earns_a_day_at_partner: int | None = None
    earns_a_day_by_staff: int | None = None
    send_points_a_day: int | None = None
    sends_a_day: int | None = None


class Policy(Struct, frozen=True, kw_only=True):
    """One version of a programme's rules, in force from `valid_from` until the next one begins.

    Points mature `pending_days` after the purchase and live `life_days` from then; both end at local midnight of
    `zone`. A redeeming partner is paid `redemption_bps` of the face of what was burnt; the rest is the programme's.
    Money behind expired points goes to the programme or back to the partner who had funded them.
    """

    programme_id: UUID
    version: int
    rate: Rate = Rate()
    categories: dict[str, int] = {}  # category slug -> multiplier in basis points of the base
    tiers: tuple[Tier, ...] = ()
    pending_days: int = 7
    life_days: int = 365
    redemption_bps: int = BPS
    expiry_to: Literal["programme", "partner"] = "programme"
    caps: Caps = Caps()
    valid_from: datetime
    made_by: UUID | None = None

    def name(self) -> str:
        """How transfers and movements name the rule they followed."""
        return f"{self.programme_id}/{self.version}"


class Programme(Struct, frozen=True, kw_only=True):
    """An alliance and its currency: `face_units` of `currency` stand behind one point. `zone` ends its days."""

    programme_id: UUID
    asset: str
    currency: str
    face_units: int
    name: Text
    zone: str
    cities: frozenset[int]
    state: Literal["draft", "live", "closed"]
    version: int = 1
    policy: Policy | None = None  # the one in force when it was read


class Partner(Struct, frozen=True, kw_only=True):
    """A merchant in a programme (`partner_id` is his merchant id). `rate`, `redemption_bps`: his own, if he has them.

    `limit_units`: how much a postpaid partner may owe. `alert_units`: below this his funding is called low.
    `home_city`: in whose books he is paid when periods are cleared. `charity`: members may donate their points to it.
    """

    programme_id: UUID
    partner_id: UUID
    name: Text
    home_city: int
    mode: Mode
    accrues: bool = True
    redeems: bool = True
    rate: Rate | None = None
    redemption_bps: int | None = None
    limit_units: int = 0
    alert_units: int = 0
    charity: bool = False
    state: PartnerState = "active"
    joined_at: datetime
    left_at: datetime | None = None
    version: int = 1


class Campaign(Struct, frozen=True, kw_only=True):
    """More points for a time: base points times `earn_bps`, the difference paid by the partner or the programme.

    Empty `partners`, `categories`: all. Of several that fit, the member gets the best one. `budget_points` is never
    exceeded; what would go beyond it is not given. What the programme pays has a budget, whose money is set aside from
    the programme's own purse when the campaign is saved: no point without money behind it.
    """

    campaign_id: UUID
    programme_id: UUID
    name: Text
    earn_bps: int
    since: datetime
    until: datetime
    partners: frozenset[UUID] = frozenset()
    categories: frozenset[str] = frozenset()
    payer: Literal["partner", "programme"] = "partner"
    budget_points: int | None = None
    used_points: int = 0


class Source(Struct, frozen=True):
    """What points come from or go to: a redemption, an order, a bill, by its own id.

    A `receipt` is a purchase that only another system knows; a `grant` a gift of the programme.
    """

    kind: SourceKind
    ref: UUID


class Earn(Struct, frozen=True, kw_only=True):
    """Points for a purchase of `amount` at a partner. One for each source, for ever.

    `at`: when it was bought (tills without a network upload later); rules, the partner's own rate, campaigns and times
    follow it. Whether he takes part and who pays is as things stand when it is booked.
    """

    movement_id: UUID
    programme_id: UUID
    member_id: UUID
    partner_id: UUID
    city_id: int
    store_id: UUID | None
    source: Source
    amount: Amount
    at: datetime
    category: str | None = None
    staff_id: UUID | None = None


class How(Struct, frozen=True, kw_only=True):
    """By which rules points were given, kept with them: what they give back is reckoned by these, whatever came later.

    `campaign_id` is named when the programme pays for the campaign's part; else the partner does.
    """

    rate: Rate
    category_bps: int = BPS
    tier_bps: int = BPS
    campaign_bps: int = BPS
    campaign: UUID | None = None
    payer: Literal["partner", "programme"] = "partner"


class Parts(Struct, frozen=True):
    """The parts of the points of one purchase."""

    base: int = 0
    bonus: int = 0
    campaign: int = 0

    @property
    def points(self) -> int:
        return self.base + self.bonus + self.campaign


class Earned(Struct, frozen=True, kw_only=True):
    """The lot that came of it; all parts zero (and no lot) when the purchase was too small. `replayed`: it stood."""

    movement_id: UUID
    base: int
    bonus: int
    campaign: int
    matures_at: datetime
    expires_at: datetime
    rule: str
    replayed: bool = False

    @property
    def points(self) -> int:
        return self.base + self.bonus + self.campaign


class Hold(Struct, frozen=True, kw_only=True):
    """Set `points` of a wallet aside for `source` until `until`, to be burnt at a redeeming partner.

    `target`: "due" credits the partner's due in the programme's book (till, donation); "escrow" moves the money to
    escrow/<partner> of `city_id` (online orders, gifts). `worth_units`: what of the backing goes to the partner; None:
    by the redemption price in force; a gift says its supplier's cost. It never exceeds the face of the points.
    """

    movement_id: UUID
    programme_id: UUID
    member_id: UUID
    partner_id: UUID
    city_id: int
    store_id: UUID | None
    source: Source
    points: int
    target: Target = "due"
    worth_units: int | None = None
    until: datetime | None = None
    staff_id: UUID | None = None


class Resolve(Struct, frozen=True, kw_only=True):
    """A hold that is confirmed or released."""

    programme_id: UUID
    member_id: UUID
    movement_id: UUID


class Held(Struct, frozen=True, kw_only=True):
    """Points set aside, the lots they come from (earliest expiry first), their face and what the partner gets of it."""

    movement_id: UUID
    points: int
    face: Amount
    worth: Amount
    lots: tuple[tuple[UUID, int], ...]
    rule: str
    replayed: bool = False


class Burned(Struct, frozen=True, kw_only=True):
    """Points that are gone for good, unless they are given back."""

    movement_id: UUID
    points: int
    face: Amount
    worth: Amount
    replayed: bool = False


class GiveBack(Struct, frozen=True, kw_only=True):
    """Undo a burn, whole (`points` None) or in part: points to the lots they came from (latest expiry first), money
    back from where it went. `back_id` is the key of this undo. `worth_units`: what the partner gives back; None: his
    share of what he got."""

    back_id: UUID
    programme_id: UUID
    member_id: UUID
    burn_id: UUID
    points: int | None = None
    worth_units: int | None = None


class GivenBack(Struct, frozen=True, kw_only=True):
    """So many points are in their lots again. `face`: the money behind them; `worth`: what the partner gave of it."""

    back_id: UUID
    points: int
    face: Amount
    worth: Amount
    replayed: bool = False


class ClawBack(Struct, frozen=True, kw_only=True):
    """The purchase behind a source is undone: all of it, or what is beyond `kept` of its amount.

    Base, bonus and campaign points go back alike, by the version of the rules that gave them.
    """

    back_id: UUID
    programme_id: UUID
    member_id: UUID
    source: Source
    kept: Amount | None = None


class ClawedBack(Struct, frozen=True, kw_only=True):
    """What came out of pending and available lots, and what had been spent and is owed now."""

    back_id: UUID
    pending: int
    available: int
    debt: int
    replayed: bool = False

    @property
    def points(self) -> int:
        return self.pending + self.available + self.debt


class Send(Struct, frozen=True, kw_only=True):
    """Points from one member to another, at once. They keep their expiry and their backing."""

    movement_id: UUID
    programme_id: UUID
    member_id: UUID
    to: UUID
    points: int


class Sent(Struct, frozen=True, kw_only=True):
    """The points are the receiver's. `replayed`: they were before."""

    movement_id: UUID
    points: int
    replayed: bool = False


class Fund(Struct, frozen=True, kw_only=True):
    """A block of money that a partner (None: the programme itself, for its campaigns) pays in before anybody earns.

    `debit_path`: where it comes from in the book of `city_id`: "provider/<psp>" when it was paid,
    "payable/merchant/<id>" out of what he has earned (never more than that), "expense/promotion/platform" or
    "expense/promotion/operator".
    """

    block_id: UUID
    programme_id: UUID
    partner_id: UUID | None
    city_id: int
    amount: Amount
    debit_path: str
