"""What happens at the counter: look at a code, redeem it, undo it."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import merchants, places, vouchers
from hutong.desk.house import House
from hutong.desk.keyed import good, submit, submit_until_known, sure
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Permission
from hutong.kit.refusals import NotAllowed, NotFound
from hutong.kit.text import Text
from hutong.vouchers import Prepare, Prepared, Redeem, Redeemed, Reverse, Reversed


class Counter(Struct, frozen=True, kw_only=True):
    """The place where a member of the staff stands: a store, its merchant, its city and that city's zone."""

    city_id: int
    store_id: UUID
    merchant_id: UUID
    name: Text
    zone: str


async def counter(house: House, city_id: int, actor: Actor, store_id: UUID, permission: Permission) -> Counter:
    """The counter, if the actor may do that there. A store that he may not see is as unknown as one that is not."""
    async with house.db.reading(city_id) as tx:
        store = (await merchants.stores(tx, city_id, [store_id])).get(store_id)
        city = await places.city(tx, city_id)
    if store is None or city is None:
        raise NotFound()
    if not actor.can(permission, city=city_id, merchant=store.merchant_id, store=store_id):
        if any(actor.can(permission, city=g.city_id, merchant=g.merchant_id, store=g.store_id) for g in actor.grants):
            raise NotFound()
        raise NotAllowed()
    return Counter(city_id=city_id, store_id=store_id, merchant_id=store.merchant_id, name=store.name, zone=city.zone)


async def prepare(house: House, city_id: int, actor: Actor, store_id: UUID, presented: str) -> Prepared:
    """What the code is and whether it could be used here now; changes nothing but the count of wrong guesses."""
    here = await counter(house, city_id, actor, store_id, Permission.PREPARE_VOUCHER)
    ask = Prepare(presented=presented, merchant_id=here.merchant_id, store_id=store_id, staff_id=actor.member_id)

    async def work(tx: Any) -> Any:
        return await vouchers.prepare(tx, [ask], city_id=city_id, now=house.clock.now(), zone=here.zone)

    return sure((await house.db.run_city(city_id, work))[0])


async def redeem(
    house: House, city_id: int, actor: Actor, store_id: UUID, *, request_no: str, presented: str = "",
    voucher_id: UUID | None = None, proof: str = "", count: int = 1,
) -> Redeemed:  # fmt: skip
    """Use `count` of the right, by what was presented or by the proof of a preparation.

    The same request_no gives the same answer, however often it is sent."""
    here = await counter(house, city_id, actor, store_id, Permission.REDEEM_VOUCHER)
    ask = Redeem(
        redemption_id=new_id(), request_no=request_no, presented=presented, voucher_id=voucher_id,
        proof=proof, count=count, merchant_id=here.merchant_id, store_id=store_id, staff_id=actor.member_id,
        staff_name=actor.name, store_name=here.name.zh,
    )  # fmt: skip
    return sure(await submit_until_known(house, "settlement.redeem", city_id, ask))


async def reverse(
    house: House, city_id: int, actor: Actor, store_id: UUID, redemption_id: UUID, *, key: str, reason: str
) -> Reversed:
    """Undo a redemption made at this counter, within the window."""
    here = await counter(house, city_id, actor, store_id, Permission.REVERSE_REDEMPTION)
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
