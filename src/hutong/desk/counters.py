"""What many counters ask at the same moment, in one go: who stands where, and what the codes are that they see.

Sets for `infra.batches`, registered by the house; `desk.counter` asks for one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong import merchants, places, settlement, vouchers
from hutong.infra.db import Tx
from hutong.kit.access import Actor, Permission
from hutong.kit.refusals import NotAllowed, NotFound, Refusal
from hutong.kit.text import Text
from hutong.vouchers import Prepare, Prepared, Redeem, Redeemed


class Counter(Struct, frozen=True, kw_only=True):
    """The place where a member of the staff stands: a store, its merchant, its city and that city's zone."""

    city_id: int
    store_id: UUID
    merchant_id: UUID
    name: Text
    zone: str


class Stand(Struct, frozen=True):
    """Who wants to do what at which store."""

    actor: Actor
    store_id: UUID
    permission: Permission


class Look(Struct, frozen=True):
    """Who wants to know at which store what a code is."""

    actor: Actor
    store_id: UUID
    presented: str


class Use(Struct, frozen=True, kw_only=True):
    """Who wants to use a right at which store, by what was presented or by the proof of a preparation."""

    actor: Actor
    store_id: UUID
    redemption_id: UUID
    request_no: str
    presented: str = ""
    voucher_id: UUID | None = None
    proof: str = ""
    count: int = 1


async def stand(tx: Tx, asks: Sequence[Stand], *, city_id: int, now: datetime) -> list[Counter | Refusal]:
    """The counters, where the actors may do that. A store that one may not see is as unknown as one that is not.

    Refusals: not_found, not_allowed (the actor has the permission nowhere).
    """
    del now
    signs = await merchants.signs(tx, city_id, [ask.store_id for ask in asks])
    city = await places.city(tx, city_id) if signs else None
    return [_stand(ask, signs.get(ask.store_id), city) for ask in asks]


def _stand(ask: Stand, sign: merchants.Sign | None, city: places.City | None) -> Counter | Refusal:
    if sign is None or city is None:
        return NotFound()
    actor, city_id = ask.actor, city.city_id
    if not actor.can(ask.permission, city=city_id, merchant=sign.merchant_id, store=ask.store_id):
        if any(
            actor.can(ask.permission, city=g.city_id, merchant=g.merchant_id, store=g.store_id) for g in actor.grants
        ):
            return NotFound()
        return NotAllowed()
    return Counter(city_id=city_id, store_id=ask.store_id, merchant_id=sign.merchant_id, name=sign.name, zone=city.zone)


async def look(
    tx: Tx, asks: Sequence[Look], *, city_id: int, now: datetime
) -> list[Prepared | Refusal | None]:  # fmt: skip
    """What the codes are, for reading doors; None where `prepare` must be asked (see vouchers.look), also for what the
    vouchers refuse. Refusals: those of `stand`."""
    heres = await _stands(tx, asks, city_id=city_id, now=now)
    able = [(ask, here) for ask, here in zip(asks, heres, strict=True) if isinstance(here, Counter)]
    if not able:
        return list(heres)  # type: ignore[arg-type]
    found = iter(
        await vouchers.look(tx, [_prepare(*one) for one in able], city_id=city_id, now=now, zone=able[0][1].zone)
    )
    return [_only_good(next(found)) if isinstance(here, Counter) else here for here in heres]


def _only_good(found: Prepared | Refusal | None) -> Prepared | None:
    return found if isinstance(found, Prepared) else None


async def prepare(tx: Tx, asks: Sequence[Look], *, city_id: int, now: datetime) -> list[Prepared | Refusal]:
    """What the codes are; wrong guesses are counted and refused scans kept. Refusals: those of `stand` and of
    vouchers.prepare."""
    heres = await _stands(tx, asks, city_id=city_id, now=now)
    able = [(ask, here) for ask, here in zip(asks, heres, strict=True) if isinstance(here, Counter)]
    zone = able[0][1].zone if able else ""
    found = iter(await vouchers.prepare(tx, [_prepare(*one) for one in able], city_id=city_id, now=now, zone=zone))
    return [next(found) if isinstance(here, Counter) else here for here in heres]


async def redeem(
    tx: Tx, asks: Sequence[Use | Redeem], *, city_id: int, now: datetime, window: timedelta
) -> list[Redeemed | Refusal]:
    """Use the rights; a `Redeem` comes from the house itself, which knows its counter.

    Refusals: those of `stand` and of settlement.redeem.
    """
    able = [(n, ask) for n, ask in enumerate(asks) if isinstance(ask, Use)]
    stands = [Stand(ask.actor, ask.store_id, Permission.REDEEM_VOUCHER) for _, ask in able]
    heres = await stand(tx, stands, city_id=city_id, now=now) if stands else []
    wanted: list[Use | Redeem | Refusal] = list(asks)
    for (n, ask), here in zip(able, heres, strict=True):
        wanted[n] = _redeem(ask, here) if isinstance(here, Counter) else here
    good = [one for one in wanted if isinstance(one, Redeem)]
    zone = next((here.zone for here in heres if isinstance(here, Counter)), "")
    done = iter(await settlement.redeem(tx, good, city_id=city_id, now=now, window=window, zone=zone) if good else ())
    return [one if isinstance(one, Refusal) else next(done) for one in wanted]


def _redeem(ask: Use, here: Counter) -> Redeem:
    return Redeem(
        redemption_id=ask.redemption_id, request_no=ask.request_no, presented=ask.presented,
        voucher_id=ask.voucher_id, proof=ask.proof, count=ask.count, merchant_id=here.merchant_id,
        store_id=here.store_id, staff_id=ask.actor.member_id, staff_name=ask.actor.name, store_name=here.name.zh,
    )  # fmt: skip


async def _stands(tx: Tx, asks: Sequence[Look], *, city_id: int, now: datetime) -> list[Counter | Refusal]:
    stands = [Stand(ask.actor, ask.store_id, Permission.PREPARE_VOUCHER) for ask in asks]
    return await stand(tx, stands, city_id=city_id, now=now)


def _prepare(ask: Look, here: Counter) -> Prepare:
    return Prepare(
        presented=ask.presented, merchant_id=here.merchant_id, store_id=here.store_id, staff_id=ask.actor.member_id
    )
