"""What a till knows of points before a bill is settled, and how a bill is paid by the guest's phone."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from hutong import payments, people, pricing, programmes, till, vouchers
from hutong.desk.counters import Counter
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.money import SCALES, Amount
from hutong.kit.refusals import NotFound, Refusal
from hutong.kit.text import Text
from hutong.payments import Payment
from hutong.till import Bill, PayAgain, TakeCash
from hutong.vouchers import Prepared


class PointsHere(Struct, frozen=True, kw_only=True):
    """Points at a counter: what a bill gives (`points` for each `per_units` of money, from `least_units` on), what a
    point takes off (`face_units`), and how many the guest may use (0 of a number: it is no consent)."""

    programme_id: UUID
    name: Text
    currency: str
    points: int
    per_units: int
    least_units: int
    half_up: bool
    face_units: int
    gives: bool
    available: int

    @property
    def worth(self) -> Amount:
        """What all that may be used takes off."""
        return Amount(self.available * self.face_units, self.currency)

    @property
    def scale(self) -> int:
        """Decimals of the currency."""
        return SCALES.get(self.currency, 0)

    @property
    def each(self) -> Amount:
        """The money for which `points` are given."""
        return Amount(self.per_units, self.currency)


class Sheet(Struct, frozen=True, kw_only=True):
    """A guest at a counter, before the amount is typed. `guest`: known by his code; else `phone` by its last digits."""

    guest: people.Guest | None
    phone: str
    points: PointsHere | None
    beside: tuple[Prepared, ...] = ()


def is_guest(presented: str) -> bool:
    """Whether this names a guest: a member's code, or a number that is typed, and no code of a voucher or card."""
    if people.read_badge(presented) is not None:
        return True
    digits = [c for c in presented if c.isdigit()]
    return not vouchers.is_typed(presented) and len(digits) < 15 and people.normalise(presented) is not None


async def sheet(house: House, city_id: int, actor: Actor, here: Counter, known: people.Guest | str) -> Sheet:
    """What the counter asks about a guest; for a member known by his code also the coupons that he holds for it.

    For a number the same is read, whether it is a member's or nobody's."""
    if isinstance(known, str):
        return Sheet(guest=None, phone=known, points=await points_here(house, city_id, here))
    points = await points_here(house, city_id, here, member_id=known.member_id)
    ask = vouchers.Prepare(
        presented="", merchant_id=here.merchant_id, store_id=here.store_id, staff_id=actor.member_id
    )  # fmt: skip
    now = house.clock.now()
    async with house.db.reading(city_id) as tx:
        held = await vouchers.beside_member(
            tx, ask, member_id=known.member_id, city_id=city_id, now=now, zone=here.zone
        )
        lives = await pricing.promotions(tx, sorted({one.offer_id for one in held}), city_id=city_id) if held else []
    runs = {one.promotion_id for one in lives if one and pricing.why_not_usable(one, now) is None}
    return Sheet(
        guest=known, phone="", points=points,
        beside=tuple(one for one in held if one.offer_id in runs)[: till.MOST_SHOWN],
    )  # fmt: skip


async def points_here(
    house: House, city_id: int, here: Counter, *, member_id: UUID | None = None
) -> PointsHere | None:  # fmt: skip
    """The points of this merchant, with what this member may use of them; None where there are none."""
    now = house.clock.now()
    async with house.db.reading(city_id) as tx:
        found = (await programmes.live(tx, [here.merchant_id], at=now)).get(here.merchant_id)
        if found is None:
            return None
        programme, partner = found
        if programme.policy is None or partner.state != "active" or city_id not in programme.cities:
            return None
        available = 0
        if member_id is not None and partner.redeems:
            available = (await programmes.wallet(tx, member_id, programme.programme_id, now=now)).available
    rate = partner.rate or programme.policy.rate
    return PointsHere(
        programme_id=programme.programme_id, name=programme.name, currency=programme.currency, points=rate.points,
        per_units=rate.per_units, least_units=rate.least_units, half_up=rate.rounding == "half_up",
        face_units=programme.face_units, gives=partner.accrues, available=available,
    )  # fmt: skip


async def bill_to_pay(house: House, city_id: int, bill_id: UUID) -> Bill:
    """A bill that somebody with its code wants to pay by phone. Raises not_found for any other bill."""
    async with house.db.reading(city_id) as tx:
        bill = (await till.in_full(tx, [bill_id], city_id=city_id)).get(bill_id)
    if bill is None or bill.pay is None:
        raise NotFound()
    return bill


async def payment_of(house: House, bill: Bill, *, ask: bool = False) -> Payment | None:
    """The payment by which a bill is paid by phone. `ask`: the provider is asked first, when its answer is not known
    yet; what it does not say stays unknown, and the courier asks again."""
    if bill.pay is None:
        return None
    if ask and bill.waits:
        await house.courier.ask(bill.city_id, payments=[bill.pay.payment_id])
    async with house.db.reading(bill.city_id) as tx:
        return await _payment(tx, bill)


async def _payment(tx: Tx, bill: Bill) -> Payment | None:
    assert bill.pay is not None
    return (await payments.by_ids(tx, [bill.pay.payment_id], city_id=bill.city_id))[0]


async def give_up(house: House, city_id: int, here: Counter, bill_id: UUID) -> Bill:
    """The rest was taken another way. Raises bill_not_found, bill_not_waiting."""
    ask = TakeCash(bill_id=bill_id, merchant_id=here.merchant_id, store_id=here.store_id)

    async def work(tx: Tx) -> Sequence[Bill | Refusal]:
        return await till.take_cash(tx, [ask], city_id=city_id, now=house.clock.now())

    bill = sure((await house.db.run_city(city_id, work))[0])
    house.nudge()
    return bill


async def ask_again(house: House, city_id: int, here: Counter, bill_id: UUID) -> Bill:
    """Another payment for a bill whose last one ended without money; the provider is asked for its page.

    Raises bill_not_found, bill_not_waiting."""
    ask = PayAgain(bill_id=bill_id, merchant_id=here.merchant_id, store_id=here.store_id, payment_id=new_id())

    async def work(tx: Tx) -> Sequence[Bill | Refusal]:
        return await till.pay_again(tx, [ask], city_id=city_id, now=house.clock.now())

    bill = sure((await house.db.run_city(city_id, work))[0])
    if bill.pay is not None:
        await house.courier.open(city_id, [bill.pay.payment_id])
    return bill
