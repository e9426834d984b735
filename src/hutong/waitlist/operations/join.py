"""Joining the line."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from hutong import catalog, inventory, places
from hutong.catalog import Offer
from hutong.catalog.forms import Bargain, Flash
from hutong.infra.db import Tx
from hutong.infra.turns import in_turn
from hutong.inventory import Quota
from hutong.kit.clock import local_day
from hutong.kit.refusals import BadInput, Refusal
from hutong.waitlist.model import (
    MOST_CHOICES,
    MOST_LIVE,
    MOST_UNITS,
    Choice,
    Entry,
    Join,
    leave_token,
    stock_of,
    token_hash,
    waitable,
)
from hutong.waitlist.refusals import AlreadyWaiting, NoListHere, NoSlotRuns, NotSoldOut, TooManyEntries


class _Stand(dict[UUID, tuple[Offer, Quota | None]]):
    """The deals that the requests speak of, with the stock that they are sold from now; None: none is counted."""


async def join(
    tx: Tx, requests: Sequence[Join], *, city_id: int, now: datetime
) -> list[Entry | Refusal]:  # fmt: skip
    """Put needs at the end of the line, in list order.

    From now on what comes free of these deals is not sold to whoever just comes along (inventory: `listed`). In a flash
    sale one waits for the slot that runs.
    Refusals: bad_input (offers, units, days), offer_not_found, no_list_here, no_slot_runs, those of why_not_on_sale
    except that the sale has not begun, not_sold_out (so much is on sale now), already_waiting, too_many_entries.
    """
    city = await places.city(tx, city_id)
    zone = city.zone if city else "UTC"
    stand = await _stand(tx, {offer for request in requests for offer in request.offer_ids}, now, city_id=city_id)
    members = sorted({request.member_id for request in requests})
    await in_turn(tx, f"waiting/{city_id}", members)  # of his entries none is made while they are counted
    waiting = await _waiting(tx, members, city_id=city_id)
    results: list[Entry | Refusal] = []
    made: list[Entry] = []
    for request in requests:
        mine = waiting.setdefault(request.member_id, {})
        refusal = _why_not(request, stand, mine, now, zone)
        if refusal is not None:
            results.append(refusal)
            continue
        entry = _entry(request, stand, city_id, now)
        mine |= dict.fromkeys(request.offer_ids, entry.entry_id)
        made.append(entry)
        results.append(entry)
    secrets = {request.entry_id: request.secret for request in requests}
    twice = await _insert(tx, made, secrets, city_id=city_id)
    results = [AlreadyWaiting() if isinstance(one, Entry) and one.entry_id in twice else one for one in results]
    made = [entry for entry in made if entry.entry_id not in twice]
    await inventory.list_quotas(
        tx, {choice.quota_id: True for entry in made for choice in entry.choices}, city_id=city_id
    )
    return results


async def _stand(tx: Tx, offer_ids: set[UUID], now: datetime, *, city_id: int) -> _Stand:
    offers = [one for one in await catalog.offers(tx, sorted(offer_ids), city_id=city_id) if one is not None]
    sold_from = {offer.offer_id: stock_of(offer, now) for offer in offers}
    stocks = await inventory.quotas(tx, [one for one in sold_from.values() if one is not None], city_id=city_id)
    by_id = {quota.quota_id: quota for quota in stocks if quota is not None}
    return _Stand({o.offer_id: (o, by_id.get(sold_from[o.offer_id] or o.offer_id)) for o in offers})


async def _waiting(tx: Tx, members: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[UUID, UUID]]:
    rows = await tx.rows(
        """select c.member_id, c.offer_id, c.entry_id from waitlist.choices c
           where c.city_id = %(city)s and c.member_id = any(%(members)s::uuid[]) and c.live""",
        city=city_id, members=list(members),
    )  # fmt: skip
    found: dict[UUID, dict[UUID, UUID]] = {}
    for row in rows:
        found.setdefault(row["member_id"], {})[row["offer_id"]] = row["entry_id"]
    return found


def _why_not(
    request: Join, stand: _Stand, mine: Mapping[UUID, UUID], now: datetime, zone: str
) -> Refusal | None:  # fmt: skip
    if not 1 <= len(set(request.offer_ids)) == len(request.offer_ids) <= MOST_CHOICES:
        return BadInput(field="offers", why=f"1-{MOST_CHOICES}")
    if not 1 <= request.units <= MOST_UNITS:
        return BadInput(field="units", why=f"1-{MOST_UNITS}")
    if not _days_sound(request, now, zone):
        return BadInput(field="days", why="first ≤ last, not over")
    for offer_id in request.offer_ids:
        if offer_id in mine:
            return AlreadyWaiting()
        refusal = _why_not_this(offer_id, request.units, stand, now, zone)
        if refusal is not None:
            return refusal
    return TooManyEntries(most=MOST_LIVE) if len(set(mine.values())) >= MOST_LIVE else None


def _days_sound(request: Join, now: datetime, zone: str) -> bool:
    """No days, or a period that is not over."""
    if request.first is None or request.last is None:
        return request.first is request.last
    return request.first <= request.last and local_day(now, zone) <= request.last


def _why_not_this(offer_id: UUID, units: int, stand: _Stand, now: datetime, zone: str) -> Refusal | None:
    if offer_id not in stand:
        return catalog.OfferNotFound()
    offer, quota = stand[offer_id]
    refusal = catalog.why_not_on_sale(offer, now, quantity=units, zone=zone)
    if refusal is not None:
        return refusal
    if not waitable(offer):
        return NoListHere()
    if quota is None:
        return NoSlotRuns() if isinstance(offer.form, Flash) else NotSoldOut()
    cap = 1 if isinstance(offer.form, Bargain) else offer.terms.per_member  # one bargain is for one unit
    if cap is not None and units > cap:
        return BadInput(field="units", why=f"1-{cap}")
    return NotSoldOut() if quota.on_sale >= units else None


def _entry(request: Join, stand: _Stand, city_id: int, now: datetime) -> Entry:
    found = [(*stand[offer_id], offer_id) for offer_id in request.offer_ids]
    choices = tuple(
        Choice(offer_id=offer_id, quota_id=quota.quota_id, merchant_id=offer.merchant_id)
        for offer, quota, offer_id in found
        if quota is not None
    )
    return Entry(
        city_id=city_id, entry_id=request.entry_id, member_id=request.member_id, units=request.units,
        first=request.first, last=request.last, state="waiting", joined_at=now, since=now, calls=0, choices=choices,
    )  # fmt: skip


async def _insert(tx: Tx, made: Sequence[Entry], secrets: Mapping[UUID, bytes], *, city_id: int) -> set[UUID]:
    """Write them; those that are taken back because the same member was joining for the same deal at this moment."""
    if not made:
        return set()
    await tx.run(
        """insert into waitlist.entries (city_id, entry_id, member_id, units, first, last, state, joined_at, since,
                                         calls, secret, token_hash, why)
           select %(city)s, e.id, e.member, e.units, e.first, e.last, 'waiting', e.at, e.at, 0, e.secret, e.hash, ''
           from unnest(%(ids)s::uuid[], %(members)s::uuid[], %(units)s::int[], %(firsts)s::date[], %(lasts)s::date[],
                       %(ats)s::timestamptz[], %(secrets)s::bytea[], %(hashes)s::bytea[])
             as e(id, member, units, first, last, at, secret, hash)
           order by e.id""",
        city=city_id, ids=[e.entry_id for e in made], members=[e.member_id for e in made],
        units=[e.units for e in made], firsts=[e.first for e in made], lasts=[e.last for e in made],
        ats=[e.joined_at for e in made], secrets=[secrets[e.entry_id] for e in made],
        hashes=[token_hash(leave_token(secrets[e.entry_id], e.entry_id)) for e in made],
    )  # fmt: skip
    rows = [(e, number, choice) for e in made for number, choice in enumerate(e.choices)]
    written = await tx.rows(
        """insert into waitlist.choices (city_id, entry_id, offer_id, position, quota_id, merchant_id, member_id, live)
           select %(city)s, c.entry, c.offer, c.position, c.quota, c.merchant, c.member, true
           from unnest(%(entries)s::uuid[], %(offers)s::uuid[], %(positions)s::int[], %(quotas)s::uuid[],
                       %(merchants)s::uuid[], %(members)s::uuid[])
             as c(entry, offer, position, quota, merchant, member)
           order by c.offer, c.member
           on conflict (city_id, offer_id, member_id) where live do nothing
           returning entry_id""",
        city=city_id, entries=[e.entry_id for e, _, _ in rows], offers=[c.offer_id for _, _, c in rows],
        positions=[n for _, n, _ in rows], quotas=[c.quota_id for _, _, c in rows],
        merchants=[c.merchant_id for _, _, c in rows], members=[e.member_id for e, _, _ in rows],
    )  # fmt: skip
    there = Counter(row["entry_id"] for row in written)
    twice = {entry.entry_id for entry in made if there[entry.entry_id] < len(entry.choices)}
    if twice:
        for table in ("choices", "entries"):
            await tx.run(
                f"delete from waitlist.{table} where city_id = %(city)s and entry_id = any(%(ids)s::uuid[])",
                city=city_id, ids=sorted(twice),
            )  # fmt: skip
    return twice
