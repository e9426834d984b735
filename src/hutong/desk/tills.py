"""Tills that speak to us by themselves: bills and voids under their own numbers, at once or uploaded later."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import people, till
from hutong.desk import bill_sets, billing, counter
from hutong.desk.bill_sets import BillAsk, VoidAsk, Whom
from hutong.desk.house import House
from hutong.desk.keyed import submit_until_known, sure
from hutong.infra.db import Tx
from hutong.kit.access import Actor, Permission
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, Refusal
from hutong.till import Bill, PointsOffline, Voided

FAST = timedelta(minutes=5)  # how much faster than ours the clock of a till may go
MOST_EVENTS = 500


class Event(Struct, frozen=True, kw_only=True):
    """A bill or a void as a till kept it without a network. `member`: a code as it was shown then, or a number."""

    kind: str
    event_id: str
    amount: Amount | None = None
    at: datetime | None = None
    member: str = ""
    points: int = 0
    category: str | None = None
    reason: str = "void"


class Told(Struct, frozen=True, kw_only=True):
    """What became of an event: settled, replayed, void, or refused with its reason."""

    event_id: str
    state: str
    bill: Bill | None = None
    refusal: Refusal | None = None


class _Tried(Exception):
    """Ends a transaction that was only to be seen."""

    def __init__(self, result: Any) -> None:
        self.result = result


async def bill(
    house: House, city_id: int, actor: Actor, store_id: UUID, *, event_id: str, amount: Amount, codes: Sequence[str],
    member: str, at: datetime | None, test: bool, **more: Any,
) -> Bill:  # fmt: skip
    """A till's bill, settled now. `test`: decided and answered as it would be, and nothing of it is kept.

    Raises what `billing.present` raises."""
    given = {"source": "till", "bought_at": clamp(house, at), **more}
    if not test:
        return await billing.present(
            house, city_id, actor, store_id, event_id=event_id, amount=amount, presented=codes, member=member, **given
        )
    if codes:
        raise BadInput(field="codes", why="test mode knows members and amounts; prepare explains a code")
    known = await _whom(house, city_id, actor, store_id, member)
    ask = billing.ask_of(house, actor, store_id, event_id=event_id, amount=amount, whom=known, **given)
    return sure(await _try_out(house, city_id, ask))


async def _whom(house: House, city_id: int, actor: Actor, store_id: UUID, member: str) -> Whom | None:
    here = await counter.counter(house, city_id, actor, store_id, Permission.REDEEM_VOUCHER)
    return await billing.known(house, city_id, actor, here, member)


async def _try_out(house: House, city_id: int, ask: BillAsk) -> Bill | Refusal:
    async def work(tx: Tx) -> None:
        now = house.clock.now()
        (result,) = await bill_sets.settle_all(tx, [ask], city_id=city_id, now=now, window=house.undo_window)
        raise _Tried(result)

    try:
        await house.db.run_city(city_id, work)
    except _Tried as tried:
        return tried.result
    raise AssertionError("unreachable")


def clamp(house: House, at: datetime | None) -> datetime | None:
    """When it was; a clock of a till that goes a little fast is taken back to now. Raises bad_input without a zone."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise BadInput(field="at", why="an instant with its zone")
    now = house.clock.now()
    return now if now < at <= now + FAST else at


async def void(house: House, city_id: int, actor: Actor, store_id: UUID, *, event_id: str, reason: str) -> Voided:
    """A till's void: the bill is taken back, or will never be settled when it has not come yet."""
    ask = VoidAsk(actor=actor, store_id=store_id, event_id=event_id, reason=reason[:120] or "void")
    done: Voided = sure(await submit_until_known(house, "till.void", city_id, ask, caller=actor.member_id))
    house.nudge()
    return done


async def upload(
    house: House, city_id: int, actor: Actor, store_id: UUID, events: Sequence[Event]
) -> list[Told]:  # fmt: skip
    """What a till kept while it had no network, in any order and as often as it likes: each event counts once for ever.

    Points are given for the time of the purchase and never used (points_offline). One answer for each event.
    """
    if not 1 <= len(events) <= MOST_EVENTS:
        raise BadInput(field="events", why=f"1-{MOST_EVENTS}")
    await _stand(house, city_id, actor, store_id)
    bills = [i for i, one in enumerate(events) if one.kind == "bill"]
    voids = [i for i, one in enumerate(events) if one.kind != "bill"]
    members = await _members(house, city_id, [events[i] for i in bills])
    told: dict[int, Told] = {}
    rounds: list[list[int]] = []  # the same number twice in one upload: one after the other
    for i in bills:
        turn = sum(events[i].event_id == events[k].event_id for k in bills if k < i)
        while len(rounds) <= turn:
            rounds.append([])
        rounds[turn].append(i)
    whom = dict(zip(bills, members, strict=True))
    for turn in rounds:
        results = await asyncio.gather(*(_one(house, city_id, actor, store_id, events[i], whom[i]) for i in turn))
        told |= dict(zip(turn, results, strict=True))
    ended = await asyncio.gather(*(_void(house, city_id, actor, store_id, events[i]) for i in voids))  # in sets
    told |= dict(zip(voids, ended, strict=True))
    house.nudge()
    return [told[i] for i in range(len(events))]


async def _stand(house: House, city_id: int, actor: Actor, store_id: UUID) -> None:
    await counter.counter(house, city_id, actor, store_id, Permission.REDEEM_VOUCHER)


async def _members(house: House, city_id: int, events: Sequence[Event]) -> list[Whom | Refusal | None]:
    """For whom these bills count: codes are proven by the times at which they were shown."""
    now = house.clock.now()
    coded = [(one.member, one.at or now) for one in events if people.read_badge(one.member) is not None]
    async with house.db.reading(city_id) as tx:
        proven = iter(await people.recall_badges(tx, coded) if coded else ())
    found: list[Whom | Refusal | None] = []
    for one in events:
        if people.read_badge(one.member) is not None:
            known = next(proven)
            good = isinstance(known, people.Proven)
            found.append(Whom(member_id=known.member_id, holder=known.holder) if good else known)  # type: ignore[union-attr]
        elif one.member:
            phone = people.normalise(one.member)
            found.append(Whom(phone=phone) if phone else people.BadPhone())
        else:
            found.append(None)
    return found


async def _one(
    house: House, city_id: int, actor: Actor, store_id: UUID, event: Event, whom: Whom | Refusal | None
) -> Told:
    try:
        if isinstance(whom, Refusal):
            return Told(event_id=event.event_id, state="refused", refusal=whom)
        if event.points:
            return Told(event_id=event.event_id, state="refused", refusal=PointsOffline())
        if event.amount is None:
            raise BadInput(field="amount", why="a bill has one")
        done = await billing.settle(
            house, city_id, actor, store_id, event_id=event.event_id, amount=event.amount, whom=whom,
            bought_at=clamp(house, event.at), source="upload", category=event.category,
        )  # fmt: skip
    except till.BillVoid as void:
        return Told(event_id=event.event_id, state="void", refusal=void)
    except Refusal as refusal:
        return Told(event_id=event.event_id, state="refused", refusal=refusal)
    return Told(event_id=event.event_id, state="replayed" if done.replayed else "settled", bill=done)


async def _void(house: House, city_id: int, actor: Actor, store_id: UUID, event: Event) -> Told:
    try:
        done = await void(house, city_id, actor, store_id, event_id=event.event_id, reason=event.reason)
    except Refusal as refusal:
        return Told(event_id=event.event_id, state="refused", refusal=refusal)
    return Told(event_id=event.event_id, state="replayed" if done.replayed else "void")


async def bill_of(house: House, city_id: int, actor: Actor, bill_id: UUID) -> Bill:
    """A bill within the actor's scope, for a till that asks whether it is paid. Raises not_found."""
    async with house.db.reading(city_id) as tx:
        found = await till.by_ids(tx, actor.scope(Permission.VIEW_REDEMPTIONS), [bill_id], city_id=city_id)
    if bill_id not in found:
        raise till.BillUnknown()
    return found[bill_id]
