"""A bill at the counter: what is shown is used for it, the rest is collected; and the way back."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import catalog, people, pricing, till, vouchers
from hutong.desk import carding
from hutong.desk.bill_sets import BillAsk, Whom
from hutong.desk.buying import NoProvider
from hutong.desk.counters import Counter, Look, Stand
from hutong.desk.house import House
from hutong.desk.keyed import submit_until_known, sure
from hutong.infra.answers import KeyReused
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Permission
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, Refusal
from hutong.till import Bill, Settle, Shown, Undo, Undone
from hutong.vouchers import Prepared

LOOK, REDEEM = Permission.PREPARE_VOUCHER, Permission.REDEEM_VOUCHER
MOST_EVENT = 200  # characters of a till's own number


class Sheet(Struct, frozen=True, kw_only=True):
    """What a counter asks about a code that is for bills: its role, and of stored value what all lots are worth."""

    role: till.Role
    balance: Amount
    shown: tuple[Shown, ...]


async def sheet(house: House, city_id: int, found: Prepared) -> Sheet | None:
    """The sheet of a code that is for bills; None for a right to something certain."""
    if found.kind not in ("coupon", "card"):
        return None
    form: object = None
    if found.kind == "card" and not found.value:
        async with house.db.reading(city_id) as tx:
            (offer,) = await catalog.offers(tx, [found.offer_id], city_id=city_id)
        form = offer.form if offer else None
    role = till.role_of(found.kind, form, value=found.value)
    if role is None:
        return None
    lots = found.others if found.value else ()
    worth = found.uses_left + sum(lot.uses_left for lot in lots) if found.value else 0
    shown = (Shown(found.voucher_id, found.proof), *(Shown(lot.voucher_id, lot.proof) for lot in lots))
    return Sheet(role=role, balance=Amount(worth, found.paid.asset), shown=shown[: till.MOST_SHOWN])


async def beside(
    house: House, city_id: int, actor: Actor, here: Counter, found: Prepared, most: int
) -> tuple[Prepared, ...]:
    """The guest's other coupons that the bill of a sheet could use, at most so many: usable here, and of a promotion
    that runs. `found` was prepared at this counter by this actor."""
    now = house.clock.now()
    ask = vouchers.Prepare(
        presented="", merchant_id=here.merchant_id, store_id=here.store_id, staff_id=actor.member_id
    )  # fmt: skip
    async with house.db.reading(city_id) as tx:
        held = await vouchers.beside(tx, ask, voucher_id=found.voucher_id, city_id=city_id, now=now, zone=here.zone)
        if not held:
            return ()
        lives = await pricing.promotions(tx, sorted({one.offer_id for one in held}), city_id=city_id)
    runs = {one.promotion_id for one in lives if one and pricing.why_not_usable(one, now) is None}
    return tuple(one for one in held if one.offer_id in runs)[:most]


async def settle(
    house: House, city_id: int, actor: Actor, store_id: UUID, *, event_id: str, amount: Amount,
    shown: Sequence[Shown] = (), **more: Any,
) -> Bill:  # fmt: skip
    """Settle a bill with what is shown; `more` as BillAsk has it (whom, points, source ...). The same event gives the
    same bill for ever. With `pay_by` the provider is asked for its page after the commit; when it does not answer,
    the courier asks again. Raises the refusals of counters.stand and till.settle, no_provider."""
    ask = ask_of(house, actor, store_id, event_id=event_id, amount=amount, shown=tuple(shown), **more)
    bill: Bill = sure(await submit_until_known(house, "till.settle", city_id, ask, caller=actor.member_id))
    if bill.waits and bill.pay is not None:
        await house.courier.open(city_id, [bill.pay.payment_id])
    house.nudge()
    return bill


def ask_of(house: House, actor: Actor, store_id: UUID, *, event_id: str, **fields: Any) -> BillAsk:
    """What is asked of the till, with new ids. Raises bad_input for an event of the wrong form, no_provider."""
    if not 1 <= len(event_id) <= MOST_EVENT or not event_id.isprintable():
        raise BadInput(field="event", why=f"1-{MOST_EVENT}")
    pay_by = fields.get("pay_by")
    if pay_by is not None and pay_by not in house.providers:
        raise NoProvider()
    return BillAsk(
        actor=actor, store_id=store_id, bill_id=new_id(), event_id=event_id,
        payment_id=new_id() if pay_by is not None else None, **fields,
    )  # fmt: skip


async def whom(house: House, city_id: int, actor: Actor, here: Counter, presented: str) -> people.Guest | str:
    """Whom a counter has before it: the member of a code, or a number in its written form.

    Raises member_code_unknown, member_code_old, member_code_used, bad_phone.
    """
    if people.read_badge(presented) is None:
        phone = people.normalise(presented)
        if phone is None:
            raise people.BadPhone()
        return phone
    ask = people.Present(presented=presented, store_id=here.store_id, staff_id=actor.member_id)
    return sure(await house.batches.submit("people.present_badges", city_id, ask))


async def present(
    house: House, city_id: int, actor: Actor, store_id: UUID, *, event_id: str, amount: Amount,
    presented: Sequence[str] = (), member: str | None = None, **more: Any,
) -> Bill:  # fmt: skip
    """Settle a bill with codes as they were presented: the call of a till that asks nobody in between. An event that
    stands is answered by its bill, also when its codes are dead by now. `member`: a member's code, or a number; `more`
    as `settle` takes it.

    Raises what `counters.prepare` and `settle` raise.
    """
    here = sure(await house.batches.submit("counter.stand", city_id, Stand(actor, store_id, REDEEM)))
    before = await house.batches.submit("till.standing", city_id, (here.merchant_id, event_id))
    if before is not None:
        if (before.amount, before.store_id) != (amount, store_id):
            raise KeyReused(key=event_id)
        return before
    shown: dict[UUID, Shown] = {}
    for given in dict.fromkeys(presented):
        text = await carding.code_of(house, city_id, given)
        found = sure(
            await house.batches.submit("counter.prepare", city_id, Look(actor, store_id, text), caller=actor.member_id)
        )
        lots = found.others if found.value else ()
        shown |= {one.voucher_id: Shown(one.voucher_id, one.proof) for one in (found, *lots)}
    whose = await known(house, city_id, actor, here, member)
    return await settle(
        house,
        city_id,
        actor,
        store_id,
        event_id=event_id,
        amount=amount,
        shown=tuple(shown.values()),
        whom=whose,
        **more,
    )


async def known(house: House, city_id: int, actor: Actor, here: Counter, member: str | None) -> Whom | None:
    """For whom a bill counts, by what a till was shown or told; None without either. Raises as `whom`."""
    if not member:
        return None
    found = await whom(house, city_id, actor, here, member)
    return Whom(phone=found) if isinstance(found, str) else Whom(member_id=found.member_id, proof=found.proof)


async def guess(
    house: House, city_id: int, actor: Actor, store_id: UUID, *, amount: Amount, shown: Sequence[Shown] = (),
    guest: till.Guest | None = None, points: int = 0,
) -> till.Guess:  # fmt: skip
    """What a bill would come to with what is shown; nothing is used. Raises what `settle` would, but for budgets and
    for a wallet that has fewer points."""
    here = sure(await house.batches.submit("counter.stand", city_id, Stand(actor, store_id, LOOK)))
    ask = Settle(
        bill_id=new_id(), event_id="guess", merchant_id=here.merchant_id, store_id=store_id,
        staff_id=actor.member_id, amount=amount, shown=tuple(shown), guest=guest, points=points,
    )  # fmt: skip
    async with house.db.reading(city_id) as tx:
        return sure((await till.guess(tx, [ask], city_id=city_id, now=house.clock.now()))[0])


async def undo(
    house: House, city_id: int, actor: Actor, here: Counter, bill_id: UUID, *, reason: str
) -> Undone:  # fmt: skip
    """Take a bill back at its counter, whole. The same person asking again gets the same answer.

    Raises the refusals of till.undo."""
    manager = actor.can(Permission.EDIT_STORE, city=city_id, merchant=here.merchant_id, store=here.store_id)
    ask = Undo(
        bill_id=bill_id, merchant_id=here.merchant_id, store_id=here.store_id, by=actor.member_id, reason=reason,
        manager=manager,
    )  # fmt: skip

    async def work(tx: Tx) -> list[Undone | Refusal]:
        return await till.undo(tx, [ask], city_id=city_id, now=house.clock.now(), **house.undo)

    done = sure((await house.db.run_city(city_id, work))[0])
    house.nudge()
    return done


async def bill_of(house: House, city_id: int, redemption_id: UUID) -> UUID | None:
    """The bill that a redemption belongs to, if it does."""
    async with house.db.reading(city_id) as tx:
        return (await till.bill_of_redemptions(tx, [redemption_id], city_id=city_id)).get(redemption_id)
