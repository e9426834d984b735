"""The round of the list: what became of the calls, whose turn it is now, and what is on open sale again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from hutong import catalog, inventory, places
from hutong.catalog import Offer
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.inventory import Held, Hold, HoldState, Want
from hutong.kit.clock import local_day
from hutong.kit.ids import derive
from hutong.orders import invited_ref
from hutong.waitlist.model import (
    CALL_FOR,
    CALL_LEAST,
    MOST_CALLS,
    Call,
    Choice,
    Entry,
    may_call,
    serve,
    sold_until,
    stock_of,
    usable_then,
)
from hutong.waitlist.operations import _rows
from hutong.waitlist.queries import open_calls

MOST = 5_000  # entries that one turn looks at, from the front of the line


class Turn(Struct, frozen=True):
    """What a turn did: calls that were taken or ran out, entries that ended, calls that were made."""

    taken: int = 0
    lapsed: int = 0
    ended: int = 0
    made: int = 0

    def __bool__(self) -> bool:
        return bool(self.taken or self.lapsed or self.ended or self.made)


async def turn(tx: Tx, *, city_id: int, now: datetime) -> Turn:
    """One turn of a city: the same for every deal, in one bounded number of statements.

    Calls whose hold an order has taken over are `taken`; those whose time is over are `lapsed`: their entry goes behind
    all who wait now, or ends after MOST_CALLS. Then free units are offered from the front of the line (model.serve) and
    held. At last it is said of each quota whether somebody still waits for it who could not be served. Records
    `waitlist.called` for each call.
    """
    city = await places.city(tx, city_id)
    zone = city.zone if city else "UTC"
    line = await _line(tx, city_id=city_id)
    settled = await _settle(tx, line, city_id=city_id, now=now)
    offers = await _offers(tx, line.values(), city_id=city_id)
    ended = _over(line, offers, now, zone)
    await _rows.save(tx, [*settled.changed.values(), *ended.values()], city_id=city_id)
    line = {i: e for i, e in (line | settled.changed | ended).items() if e.live}
    waiting = [entry for entry in line.values() if entry.state == "waiting"]
    awake = [e for e in waiting if any(may_call(o, now, zone) for c in e.choices if (o := offers.get(c.offer_id)))]
    made = await _call(tx, awake, offers, city_id=city_id, now=now, zone=zone) if awake else 0
    await _list(tx, settled.quotas, waiting, offers, city_id=city_id, now=now, zone=zone)
    return Turn(settled.taken, settled.lapsed, len(ended), made)


async def _line(tx: Tx, *, city_id: int) -> dict[UUID, Entry]:
    rows = await tx.rows(
        """select e.entry_id from waitlist.entries e where e.city_id = %(city)s and e.state in ('waiting', 'called')
           order by e.since, e.entry_id limit %(most)s""",
        city=city_id, most=MOST,
    )  # fmt: skip
    locked = await _rows.lock(tx, [row["entry_id"] for row in rows], city_id=city_id)
    return {i: entry for i, entry in locked.items() if entry.live}


class _Settled(Struct):
    """What became of calls. `quotas`: every quota that somebody of the line wants."""

    changed: dict[UUID, Entry]
    quotas: set[UUID]
    taken: int = 0
    lapsed: int = 0


async def _settle(tx: Tx, line: Mapping[UUID, Entry], *, city_id: int, now: datetime) -> _Settled:
    done = _Settled({}, {choice.quota_id for entry in line.values() for choice in entry.choices})
    calls = await open_calls(tx, [i for i, entry in line.items() if entry.state == "called"], city_id=city_id)
    held = [call.hold_id for call in calls.values()]
    holds = await inventory.hold_states(tx, held, city_id=city_id, lock=True)  # nobody takes one over meanwhile
    late: list[Call] = []
    over: list[Call] = []
    for call in calls.values():
        entry, state = line[call.entry_id], _became(call, holds[call.hold_id], now)
        if state == "taken":
            done.taken += 1
            done.changed[entry.entry_id] = structs.replace(entry, state="served", ended_at=now, why="bought")
            over.append(structs.replace(call, state="taken", ended_at=now))
        elif state == "lapsed":
            done.lapsed += 1
            late.append(call)
            over.append(structs.replace(call, state="lapsed", ended_at=now))
            done.changed[entry.entry_id] = (
                structs.replace(entry, state="ended", ended_at=now, why="not_taken")
                if entry.calls >= MOST_CALLS
                else structs.replace(entry, state="waiting", since=max(now, entry.since))
            )
    await _rows.save_calls(tx, over, city_id=city_id)
    await inventory.release(tx, [call.hold_id for call in late], city_id=city_id, now=now)
    return done


def _became(call: Call, hold: HoldState, now: datetime) -> str:
    if hold.moved_to is not None:
        return "taken"
    return "lapsed" if call.expires_at <= now or hold.state != "held" else "open"


async def _offers(tx: Tx, entries: Iterable[Entry], *, city_id: int) -> dict[UUID, Offer]:
    ids = sorted({choice.offer_id for entry in entries for choice in entry.choices})
    return {o.offer_id: o for o in await catalog.offers(tx, ids, city_id=city_id) if o is not None}


def _over(line: Mapping[UUID, Entry], offers: Mapping[UUID, Offer], now: datetime, zone: str) -> dict[UUID, Entry]:
    """Entries that wait for nothing that could still come: their days are over, or all their deals are."""
    today, over = local_day(now, zone), {}
    for entry in line.values():
        if entry.state != "waiting":
            continue
        past = entry.last is not None and entry.last < today
        gone = all(_ended(offers.get(choice.offer_id), choice, now) for choice in entry.choices)
        if past or gone:
            over[entry.entry_id] = structs.replace(
                entry, state="ended", ended_at=now, why="days_over" if past else "sale_over"
            )
    return over


def _ended(offer: Offer | None, choice: Choice, now: datetime) -> bool:
    """Whether nothing of that stock is sold any more: in a flash sale when the slot is over."""
    if offer is None or offer.status == "ended" or offer.sale_to <= now:
        return True
    until = sold_until(offer, choice.quota_id)
    return until is None or until <= now


async def _call(
    tx: Tx, waiting: Sequence[Entry], offers: Mapping[UUID, Offer], *, city_id: int, now: datetime, zone: str
) -> int:
    """Make calls from the front of the line; what is free is read without a lock, and the hold has the last word."""
    ids = sorted({choice.quota_id for entry in waiting for choice in entry.choices})
    stock = await inventory.quotas(tx, ids, city_id=city_id)
    left = {quota.quota_id: quota.remaining for quota in stock if quota is not None and quota.closed_at is None}
    fits = {entry.entry_id: _fits(entry, offers, now, zone) for entry in waiting}
    chosen = serve(waiting, left, fits)
    calls = [_a_call(entry, choice, offers[choice.offer_id], now) for entry, choice in chosen]
    answers = await inventory.hold(
        tx, [_hold(call, choice) for call, (_, choice) in zip(calls, chosen, strict=True)], city_id=city_id, now=now,
        for_list=True,
    )  # fmt: skip
    good = [
        (call, entry)
        for call, (entry, _), answer in zip(calls, chosen, answers, strict=True)
        if isinstance(answer, Held)
    ]
    await _write(tx, [call for call, _ in good], city_id=city_id)
    asked = [structs.replace(entry, state="called", calls=entry.calls + 1) for _, entry in good]
    await _rows.save(tx, asked, city_id=city_id)
    await tx.record([_fact(call, city_id) for call, _ in good])
    return len(good)


def _fits(entry: Entry, offers: Mapping[UUID, Offer], now: datetime, zone: str) -> frozenset[UUID]:
    """Which of his deals can be bought now, so many, and used when he wishes."""
    found = [(offers[choice.offer_id], choice) for choice in entry.choices if choice.offer_id in offers]
    return frozenset(
        offer.offer_id
        for offer, choice in found
        if catalog.why_not_on_sale(offer, now, quantity=entry.units) is None
        and may_call(offer, now, zone)
        and stock_of(offer, now) == choice.quota_id
        and _until(offer, choice, now) - now >= CALL_LEAST
        and usable_then(offer.terms, entry.first, entry.last, now=now, zone=zone)
    )


def _until(offer: Offer, choice: Choice, now: datetime) -> datetime:
    """When a call that is made now ends: nobody is left with a promise that the sale does not keep."""
    return min(now + CALL_FOR, sold_until(offer, choice.quota_id) or now)


def _a_call(entry: Entry, choice: Choice, offer: Offer, now: datetime) -> Call:
    call_id = derive(entry.entry_id, f"call/{entry.calls + 1}")
    return Call(
        call_id=call_id, entry_id=entry.entry_id, member_id=entry.member_id, offer_id=choice.offer_id,
        hold_id=derive(call_id, "hold"), units=entry.units, state="open", made_at=now,
        expires_at=_until(offer, choice, now),
    )  # fmt: skip


def _hold(call: Call, choice: Choice) -> Hold:
    return Hold(
        hold_id=call.hold_id, wants=(Want(choice.quota_id, call.units),), expires_at=call.expires_at,
        ref=invited_ref(call.member_id, call.hold_id),
    )  # fmt: skip


async def _write(tx: Tx, calls: Sequence[Call], *, city_id: int) -> None:
    if calls:
        await tx.run(
            """insert into waitlist.calls (city_id, call_id, entry_id, member_id, offer_id, hold_id, units, state,
                                           made_at, expires_at)
               select %(city)s, c.id, c.entry, c.member, c.offer, c.hold, c.units, 'open', c.made, c.expires
               from unnest(%(ids)s::uuid[], %(entries)s::uuid[], %(members)s::uuid[], %(offers)s::uuid[],
                           %(holds)s::uuid[], %(units)s::int[], %(mades)s::timestamptz[], %(expiries)s::timestamptz[])
                 as c(id, entry, member, offer, hold, units, made, expires)
               order by c.id""",
            city=city_id, ids=[c.call_id for c in calls], entries=[c.entry_id for c in calls],
            members=[c.member_id for c in calls], offers=[c.offer_id for c in calls], holds=[c.hold_id for c in calls],
            units=[c.units for c in calls], mades=[c.made_at for c in calls], expiries=[c.expires_at for c in calls],
        )  # fmt: skip


async def _list(
    tx: Tx, quotas: set[UUID], waiting: Sequence[Entry], offers: Mapping[UUID, Offer], *, city_id: int, now: datetime,
    zone: str,
) -> None:  # fmt: skip
    """What is left over and suits nobody is on open sale; a quota with nothing left is kept for those who wait."""
    stock = {q.quota_id: q for q in await inventory.quotas(tx, sorted(quotas), city_id=city_id) if q is not None}
    wanted: set[UUID] = set()
    for entry in waiting:
        for choice in entry.choices:
            quota, offer = stock.get(choice.quota_id), offers.get(choice.offer_id)
            asleep = offer is not None and not may_call(offer, now, zone)
            if quota is not None and (quota.remaining == 0 or (asleep and quota.remaining >= entry.units)):
                wanted.add(quota.quota_id)
    await inventory.list_quotas(tx, {quota_id: quota_id in wanted for quota_id in stock}, city_id=city_id)


def _fact(call: Call, city_id: int) -> Fact:
    return Fact(
        fact_id=derive(call.call_id, "fact/called"), city_id=city_id, topic="waitlist.called", subject=call.call_id,
        payload={"entry": str(call.entry_id), "offer": str(call.offer_id)}, at=call.made_at,
    )  # fmt: skip
