"""The bills of many counters at the same moment, in one go. A set for `infra.batches`, registered by the house."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import people, till
from hutong.desk.counters import Counter, Stand, stand
from hutong.infra.db import Tx
from hutong.kit.access import Actor, Permission
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.till import Bill, Guest, Settle, Shown, Void, Voided


class Whom(Struct, frozen=True, kw_only=True):
    """For whom a bill counts: a member whose code was recognised here (`proof`), or a number as it was typed (E.164).

    `holder`: his name, of a code that was proven by the time at which it was shown."""

    member_id: UUID | None = None
    proof: str = ""
    holder: str = ""
    phone: str | None = None


class BillAsk(Struct, frozen=True, kw_only=True):
    """Who settles which bill at which store, with what is shown for it, and for whom."""

    actor: Actor
    store_id: UUID
    bill_id: UUID
    event_id: str
    amount: Amount
    shown: tuple[Shown, ...] = ()
    whom: Whom | None = None
    points: int = 0
    pay_by: str | None = None
    payment_id: UUID | None = None
    bought_at: datetime | None = None
    source: till.Origin = "counter"
    category: str | None = None


class VoidAsk(Struct, frozen=True, kw_only=True):
    """Who declares which bill of a till void, at which store."""

    actor: Actor
    store_id: UUID
    event_id: str
    reason: str


async def settle_all(
    tx: Tx, asks: Sequence[BillAsk], *, city_id: int, now: datetime, window: timedelta
) -> list[Bill | Refusal]:
    """Settle the bills of many counters. Refusals: those of `stand` and of till.settle.

    A number takes the same statements and gets the same answer whether it is a member's or nobody's.
    """
    stands = [Stand(ask.actor, ask.store_id, Permission.REDEEM_VOUCHER) for ask in asks]
    heres = await stand(tx, stands, city_id=city_id, now=now)
    phones = [ask.whom.phone for ask in asks if ask.whom is not None and ask.whom.phone is not None]
    members = await people.members_of_phones(tx, phones) if phones else {}
    able = [_settle(ask, here, members) for ask, here in zip(asks, heres, strict=True) if isinstance(here, Counter)]
    done = iter(await till.settle(tx, able, city_id=city_id, now=now, window=window) if able else ())
    return [next(done) if isinstance(here, Counter) else here for here in heres]


async def standing(
    tx: Tx, events: Sequence[tuple[UUID, str]], *, city_id: int, now: datetime
) -> list[Bill | None]:  # fmt: skip
    """The bill that stands under each (merchant, event) of a till; None where there is none yet."""
    del now
    found = await till.by_events(tx, sorted(set(events)), city_id=city_id)
    return [found.get(event) for event in events]


def _settle(ask: BillAsk, here: Counter, members: Mapping[str, UUID]) -> Settle:
    return Settle(
        bill_id=ask.bill_id, event_id=ask.event_id, merchant_id=here.merchant_id, store_id=here.store_id,
        staff_id=ask.actor.member_id, staff_name=ask.actor.name, store_name=here.name.zh, amount=ask.amount,
        shown=ask.shown, guest=_guest(ask.whom, members), points=ask.points, pay_by=ask.pay_by,
        payment_id=ask.payment_id, bought_at=ask.bought_at, source=ask.source, category=ask.category,
    )  # fmt: skip


def _guest(whom: Whom | None, members: Mapping[str, UUID]) -> Guest | None:
    if whom is None:
        return None
    if whom.phone is not None:
        return Guest(way="phone", member_id=members.get(whom.phone))
    return Guest(way="code", member_id=whom.member_id, proof=whom.proof, holder=whom.holder)


async def void_all(
    tx: Tx, asks: Sequence[VoidAsk], *, city_id: int, now: datetime, **limits: Any
) -> list[Voided | Refusal]:
    """Declare the bills of many tills void. Refusals: those of `stand` and of till.void."""
    stands = [Stand(ask.actor, ask.store_id, Permission.REVERSE_REDEMPTION) for ask in asks]
    heres = await stand(tx, stands, city_id=city_id, now=now)
    able = [
        Void(
            event_id=ask.event_id, merchant_id=here.merchant_id, store_id=here.store_id, by=ask.actor.member_id,
            reason=ask.reason,
        )
        for ask, here in zip(asks, heres, strict=True) if isinstance(here, Counter)
    ]  # fmt: skip
    done = iter(await till.void(tx, able, city_id=city_id, now=now, **limits) if able else ())
    return [next(done) if isinstance(here, Counter) else here for here in heres]
