"""What happens at the counter: look at a code, redeem it, undo it."""

from uuid import UUID

from hutong import vouchers
from hutong.desk import billing, carding
from hutong.desk.counters import Counter, Look, Stand, Use
from hutong.desk.house import House
from hutong.desk.keyed import good, submit, submit_until_known, sure
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Permission
from hutong.vouchers import Prepared, Redeemed, Reverse, Reversed

__all__ = ["Counter", "counter", "prepare", "redeem", "reverse"]


async def counter(house: House, city_id: int, actor: Actor, store_id: UUID, permission: Permission) -> Counter:
    """The counter, if the actor may do that there. A store that he may not see is as unknown as one that is not."""
    return sure(await house.batches.submit("counter.stand", city_id, Stand(actor, store_id, permission)))


async def prepare(house: House, city_id: int, actor: Actor, store_id: UUID, presented: str) -> Prepared:
    """What the code is and whether it could be used here now; changes nothing but the count of wrong guesses. The
    number of a card stands for its right.

    A good QR code is explained by a reading door. What was typed, and what is refused, goes through the one that counts
    guesses and keeps refused scans.
    """
    presented = await carding.code_of(house, city_id, presented)
    ask = Look(actor, store_id, presented)
    found = None if vouchers.is_typed(presented) else await house.batches.submit("counter.look", city_id, ask)
    if found is None:
        found = await house.batches.submit("counter.prepare", city_id, ask, caller=actor.member_id)
    return sure(found)


async def redeem(
    house: House, city_id: int, actor: Actor, store_id: UUID, *, request_no: str, presented: str = "",
    voucher_id: UUID | None = None, proof: str = "", count: int = 1,
) -> Redeemed:  # fmt: skip
    """Use `count` of the right, by what was presented or by the proof of a preparation.

    The same request_no gives the same answer, however often it is sent."""
    ask = Use(
        actor=actor, store_id=store_id, redemption_id=new_id(), request_no=request_no, presented=presented,
        voucher_id=voucher_id, proof=proof, count=count,
    )  # fmt: skip
    return sure(await submit_until_known(house, "settlement.redeem", city_id, ask, caller=actor.member_id))


async def reverse(
    house: House, city_id: int, actor: Actor, store_id: UUID, redemption_id: UUID, *, key: str, reason: str
) -> Reversed:
    """Undo a redemption made at this counter, within the window; one of a bill takes the whole bill back."""
    here = await counter(house, city_id, actor, store_id, Permission.REVERSE_REDEMPTION)
    bill = await billing.bill_of(house, city_id, redemption_id)
    if bill is not None:
        await billing.undo(house, city_id, actor, here, bill, reason=reason)
    manager = actor.can(Permission.EDIT_STORE, city=city_id, merchant=here.merchant_id, store=store_id)
    ask = Reverse(
        redemption_id=redemption_id, merchant_id=here.merchant_id, store_id=store_id, by=actor.member_id,
        reason=reason, manager=manager,
    )  # fmt: skip
    answer = await submit(
        house, "settlement.reverse", city_id, actor=here.merchant_id, key=key, given=[str(redemption_id), reason],
        request=ask,
    )  # fmt: skip
    return good(answer)
