"""Bills as values: what is asked of a till and what it answers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct, structs

from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.text import Text

Role = Literal["coupon", "card", "pass", "stamp"]
Way = Literal["shown", "code", "phone"]  # how the guest is known: by what was shown, his own code, a typed number
Origin = Literal["counter", "till", "upload"]
PayState = Literal["open", "paid", "cash", "void", "refunding", "refunded", "refund_failed"]

BILL_WORDS = Text(zh="到店消费", en="A bill in the shop")
MOST_SHOWN = 20  # vouchers for one bill


def burn_of(bill_id: UUID) -> UUID:
    """The movement by which a bill's points are used."""
    return derive(bill_id, "burn")


def earn_of(bill_id: UUID) -> UUID:
    """The movement by which a bill gives points."""
    return derive(bill_id, "earn")


def reward_order(bill_id: UUID, voucher_id: UUID) -> UUID:
    """The free order of what a full stamp card becomes, by the bill that filled it."""
    return derive(bill_id, f"reward/{voucher_id}")


class Shown(Struct, frozen=True):
    """A voucher that the guest shows, with the proof of its preparation at this counter."""

    voucher_id: UUID
    proof: str


class Guest(Struct, frozen=True, kw_only=True):
    """For whom a bill counts: by his code (with the counter's proof of it), or by a number (nobody's: no member).

    Of a bill that is uploaded later the code was proven by its time, and there is no proof; `holder` is his name."""

    way: Literal["code", "phone"]
    member_id: UUID | None = None
    proof: str = ""
    holder: str = ""


class Settle(Struct, frozen=True, kw_only=True):
    """A bill of so much, and what is shown for it. `event_id` is the till's own number for it, unique for ever.

    All that is shown belongs to one guest; without anything shown there is a `guest`. `points`: so many of his points
    at most are used for what is left of it. `pay_by`: the provider at which the guest pays the rest to us, and
    `payment_id` the payment. `bought_at`: when it was, if earlier than now. Names are kept for history.
    """

    bill_id: UUID
    event_id: str
    merchant_id: UUID
    store_id: UUID
    staff_id: UUID
    staff_name: str = ""
    store_name: str = ""
    amount: Amount
    shown: tuple[Shown, ...] = ()
    guest: Guest | None = None
    points: int = 0
    pay_by: str | None = None
    payment_id: UUID | None = None
    bought_at: datetime | None = None
    source: Origin = "counter"
    category: str | None = None


class Discount(Struct, frozen=True, kw_only=True):
    """What one promotion took off a bill and who bears it: (payer, units), which add up to `amount`.

    `budgeted`: it is a promotion, whose budgets it used; a card's own tier has none.
    """

    promotion_id: UUID
    redemption_id: UUID
    name: Text
    amount: Amount
    shares: tuple[tuple[str, int], ...]
    budgeted: bool = True

    @property
    def outside(self) -> tuple[tuple[str, int], ...]:
        """What others than the merchant bear of it."""
        return tuple((payer, units) for payer, units in self.shares if payer != "merchant" and units)

    @property
    def borne(self) -> tuple[tuple[str, Amount], ...]:
        """The same as amounts."""
        return tuple((payer, Amount(units, self.amount.asset)) for payer, units in self.outside)


class Used(Struct, frozen=True, kw_only=True):
    """A voucher that was used for a bill: a coupon, a card that paid `amount`, a card that was shown, a stamp.

    `uses_left` is what was left of it then: of stored value, units of money.
    """

    redemption_id: UUID
    voucher_id: UUID
    offer_id: UUID
    role: Role
    title: Text
    code_tail: str
    amount: Amount
    count: int
    uses_left: int

    @property
    def left(self) -> Amount:
        """What a card that paid was worth then."""
        return Amount(self.uses_left, self.amount.asset)


class Earnt(Struct, frozen=True, kw_only=True):
    """What a bill gave its guest: base, bonus and campaign points from `amount`; or `why` it gave none."""

    programme_id: UUID
    amount: Amount
    base: int
    bonus: int
    campaign: int
    matures_at: datetime | None
    expires_at: datetime | None
    rule: str
    at: datetime
    why: str | None = None

    @property
    def points(self) -> int:
        return self.base + self.bonus + self.campaign


class Pay(Struct, frozen=True, kw_only=True):
    """How the rest of a bill is paid by phone: open until the provider's word; `cash` when it was taken otherwise."""

    provider: str
    amount: Amount
    state: PayState
    payment_id: UUID
    tries: int
    asked_at: datetime
    changed_at: datetime


class Bill(Struct, frozen=True, kw_only=True):
    """A bill that was settled: amount = discounts + what cards paid + what points took off + what is collected.

    `member_id` is None for a typed number that is nobody's. Of an undone bill: `points_back` to the guest, `clawed` of
    what it had given, of which `debt` was spent already and is owed.
    """

    city_id: int
    bill_id: UUID
    event_id: str
    merchant_id: UUID
    store_id: UUID
    store_name: str
    staff_id: UUID
    staff_name: str
    member_id: UUID | None = None
    holder: str
    amount: Amount
    discounted: Amount
    paid: Amount
    collect: Amount
    at: datetime
    bought_at: datetime
    undo_until: datetime
    way: Way = "shown"
    source: Origin = "counter"
    category: str | None = None
    points: int = 0
    points_off: Amount
    programme_id: UUID | None = None
    burn_id: UUID | None = None
    earned: Earnt | None = None
    pay: Pay | None = None
    discounts: tuple[Discount, ...] = ()
    uses: tuple[Used, ...] = ()
    undone_at: datetime | None = None
    points_back: int = 0
    clawed: int = 0
    debt: int = 0
    replayed: bool = False

    def discreet(self) -> "Bill":
        """The bill as a counter may see it: of a typed number nothing that tells whether it is a member's."""
        if self.way != "phone":
            return self
        return structs.replace(self, member_id=None, earned=None, clawed=0, debt=0, points_back=0)

    @property
    def waits(self) -> bool:
        """Whether the guest has still to pay it by phone."""
        return self.pay is not None and self.pay.state == "open" and self.undone_at is None


class Undo(Struct, frozen=True, kw_only=True):
    """Take a bill back. `store_id`: the counter that asks, None for the merchant. `manager`: has a longer window."""

    bill_id: UUID
    merchant_id: UUID
    by: UUID
    reason: str
    store_id: UUID | None = None
    manager: bool = False


class Undone(Struct, frozen=True, kw_only=True):
    """The bill is taken back whole. `replayed`: the same person had done it before."""

    bill_id: UUID
    at: datetime
    replayed: bool = False


class Void(Struct, frozen=True, kw_only=True):
    """A till's word that its bill `event_id` is void. It may come before the bill does."""

    event_id: str
    merchant_id: UUID
    store_id: UUID
    by: UUID
    reason: str


class Voided(Struct, frozen=True, kw_only=True):
    """The bill of this event is void. `bill_id`: the one that was taken back; None when it had not come yet."""

    event_id: str
    bill_id: UUID | None
    at: datetime
    replayed: bool = False


class Guess(Struct, frozen=True, kw_only=True):
    """What a bill would come to, before it is settled. `earns`: the points that its guest would get."""

    amount: Amount
    discounted: Amount
    paid: Amount
    points: int
    points_off: Amount
    collect: Amount
    earns: int
