"""Waiting lists: join, where am I, buy what is kept for me, leave."""

from datetime import date
from typing import Any
from uuid import UUID

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import field

from hutong import waitlist
from hutong.api.browse import City, Limit
from hutong.api.buying import placed_out
from hutong.api.glue import Home, Key, Who, local_id, local_ids, one_city, open_to_all, pays_of, with_token
from hutong.api.shapes import In, Money, MoneyIn, PageOut, TenderIn
from hutong.desk import lining
from hutong.desk.lining import Waits
from hutong.kit.ids import ENTRY, OFFER, TEAM, VOUCHER
from hutong.kit.money import Amount
from hutong.waitlist import Entry, EntryUnknown


class WaitIn(In, frozen=True):
    """So many units of any of these deals, in the order of the wish; `first` and `last`: the days that would do, both
    included, in the zone of the city."""

    offers: list[str]
    units: int = 1
    first: date | None = None
    last: date | None = None


class TakeIn(In, frozen=True):
    """Buy what is kept. `way`: one of the `ways` of the entry, where there are several; `expect`: its `total`, with its
    `coupons`; `tenders`: the cards and points that pay a part of it."""

    way: str = ""
    expect: MoneyIn | None = None
    coupons: list[str] = field(default_factory=list)
    tenders: list[TenderIn] = field(default_factory=list)


def entry_out(entry: Entry, waits: Waits | None = None) -> dict[str, Any]:
    """An entry; with `waits` also the places in its lines, and what is kept for it."""
    city_id = entry.city_id
    call = waits.calls.get(entry.entry_id) if waits else None
    return {
        "id": ENTRY.show(entry.entry_id, city_id), "state": entry.state, "why": entry.why or None,
        "units": entry.units, "first": entry.first, "last": entry.last, "joined_at": entry.joined_at,
        "calls": entry.calls, "ended_at": entry.ended_at,
        "offers": [_choice_out(entry, choice.offer_id, waits) for choice in entry.choices],
        "kept": None if call is None or waits is None else {
            "offer": OFFER.show(call.offer_id, city_id), "units": call.units, "until": call.expires_at,
            "ways": [
                {"way": way.way, "total": Money.of(way.total),
                 "coupons": [VOUCHER.show(one, city_id) for one in way.coupons],
                 "team": TEAM.show(way.team.team_id, city_id) if way.team else None,
                 "missing": way.team.missing if way.team else None}
                for way in waits.ways.get(call.call_id, [])
            ],
        },
    }  # fmt: skip


def _choice_out(entry: Entry, offer_id: UUID, waits: Waits | None) -> dict[str, Any]:
    place = waits.places.get(entry.entry_id, {}).get(offer_id) if waits else None
    return {
        "offer": OFFER.show(offer_id, entry.city_id), "number": place.before + 1 if place else None,
        "units_before": place.units_before if place else None,
    }  # fmt: skip


@get("/offers/{offer:str}/line", guards=[open_to_all], summary="How long the waiting list of a deal is")
async def line(offer: FromPath[str], house: Home) -> dict[str, Any]:
    """Entries and the units that they need; how many are asked at this moment."""
    city_id, offer_id = local_id(OFFER, offer)
    async with house.db.reading(city_id) as tx:
        found = (await waitlist.line_of(tx, [offer_id], city_id=city_id)).get(offer_id)
    return {
        "offer": offer, "entries": found.entries if found else 0, "units": found.units if found else 0,
        "called": found.called if found else 0,
    }  # fmt: skip


@post("/waiting", guards=[with_token], summary="Wait for what is sold out")
async def join(data: JSONBody[WaitIn], key: Key, actor: Who, house: Home) -> dict[str, Any]:
    """A need is met whole or not at all, first come, first served. Needs an Idempotency-Key."""
    city_id, ids = one_city([local_id(OFFER, one) for one in data.offers], "offers")
    entry = await lining.join(house, city_id, actor, ids, data.units, key=key, days=(data.first, data.last))
    return entry_out(entry)


@get("/waiting", guards=[with_token], summary="What I wait for in a city")
async def mine(actor: Who, house: Home, city_id: City, limit: Limit = 20) -> PageOut:
    """Living entries first, each with its `number` in every line and what is `kept` for it."""
    async with house.db.reading(city_id) as tx:
        found = await lining.waits(house, tx, city_id, actor, limit=limit)
    return PageOut([entry_out(entry, found) for entry in found.entries], None)


@get("/waiting/{entry:str}", guards=[with_token], summary="Where I am in the line")
async def one(entry: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """`kept` is what is held for me now, until when, in which `ways` I may buy it and for how much."""
    city_id, entry_id = local_id(ENTRY, entry)
    async with house.db.reading(city_id) as tx:
        found = await lining.waits(house, tx, city_id, actor, entry_id=entry_id)
    if not found.entries:
        raise EntryUnknown()
    return entry_out(found.entries[0], found)


@post("/waiting/{entry:str}/orders", guards=[with_token], summary="Buy what is kept for me")
async def take(entry: FromPath[str], data: JSONBody[TakeIn], key: Key, actor: Who, house: Home) -> dict[str, Any]:
    """An order as of `/orders`: pay it at its `/payments`. Needs an Idempotency-Key."""
    city_id, entry_id = local_id(ENTRY, entry)
    expect = Amount(data.expect.units, data.expect.asset) if data.expect else None
    done = await lining.take_for(
        house, city_id, actor, entry_id, key=key, expect=expect, way=data.way, channel="api",
        coupons=local_ids(VOUCHER, data.coupons, city_id), tenders=pays_of(data.tenders, city_id),
    )  # fmt: skip
    return placed_out(done, city_id)


@delete("/waiting/{entry:str}", status_code=200, guards=[with_token], summary="Wait no more")
async def leave(entry: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """What was kept goes to the next one at once. Asking again changes nothing, so it needs no key."""
    city_id, entry_id = local_id(ENTRY, entry)
    return entry_out(await lining.leave(house, city_id, actor, entry_id))


router = Router("/", route_handlers=[line, join, mine, one, take, leave], tags=["waiting lists"])
