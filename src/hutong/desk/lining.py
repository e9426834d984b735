"""What members do with waiting lists: join, leave, take what is kept for them - and the round that calls them."""

from collections.abc import Sequence
from datetime import date, datetime
from secrets import token_bytes
from typing import Any
from uuid import UUID

from msgspec import Struct, structs, to_builtins

from hutong import catalog, groups, orders, places, waitlist
from hutong.catalog import Bargain, Offer, Team
from hutong.desk import buying, telling
from hutong.desk.choosing import choice_of
from hutong.desk.house import House
from hutong.desk.keyed import good, submit, sure
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.infra.relay import Errand
from hutong.kit.access import Actor
from hutong.kit.clock import local
from hutong.kit.ids import BARGAIN, TEAM, derive
from hutong.kit.money import Amount
from hutong.kit.refusals import NotAllowed, Refusal
from hutong.messages import Tell
from hutong.orders import AskQuote, Choice, Placed, Wanted
from hutong.places import City
from hutong.waitlist import Call, Entry, EntryUnknown, Join, Leave, Place, leave_text, leave_token, read_leave


class _JoinGiven(Struct):
    offers: tuple[UUID, ...]
    units: int
    first: date | None
    last: date | None


def _member(actor: Actor) -> UUID:
    if not actor.is_member:
        raise NotAllowed()
    return actor.member_id


async def join(
    house: House, city_id: int, actor: Actor, offers: Sequence[UUID], units: int, *, key: str,
    days: tuple[date | None, date | None] = (None, None),
) -> Entry:  # fmt: skip
    """Wait for so many units of any of these deals. Raises the refusals of waitlist.join."""
    member = _member(actor)
    ask = Join(
        entry_id=new_id(), member_id=member, offer_ids=tuple(offers), units=units, secret=token_bytes(16),
        first=days[0], last=days[1],
    )  # fmt: skip
    given = _JoinGiven(ask.offer_ids, units, *days)
    return good(await submit(house, "waitlist.join", city_id, actor=member, key=key, given=given, request=ask))


async def leave(house: House, city_id: int, actor: Actor, entry_id: UUID) -> Entry:
    """The member waits no more. Raises entry_not_found."""
    asks = [Leave(entry_id=entry_id, member_id=_member(actor))]
    now = house.clock.now()
    work = lambda tx: waitlist.leave(tx, asks, city_id=city_id, now=now)  # noqa: E731
    return sure((await house.db.run_city(city_id, work))[0])


async def by_link(house: House, text: str) -> tuple[City, Entry]:
    """The entry behind the link of a message, for whoever has it. Raises entry_not_found."""
    city, token = await _read(house, text)
    async with house.db.reading(city.city_id) as tx:
        found = await waitlist.by_token(tx, token, city_id=city.city_id)
    if found is None:
        raise EntryUnknown()
    return city, found


async def leave_by_link(house: House, text: str) -> tuple[City, Entry]:
    """Leave without signing in. Raises entry_not_found."""
    city, token = await _read(house, text)
    asks, now = [Leave(token=token)], house.clock.now()
    work = lambda tx: waitlist.leave(tx, asks, city_id=city.city_id, now=now)  # noqa: E731
    return city, sure((await house.db.run_city(city.city_id, work))[0])


async def _read(house: House, text: str) -> tuple[City, bytes]:
    read = read_leave(text)
    if read is None:
        raise EntryUnknown()
    async with house.db.reading() as tx:
        city = await places.city(tx, read[0])
    if city is None:
        raise EntryUnknown()
    return city, read[1]


class Way(Struct, frozen=True, kw_only=True):
    """A way in which what is kept can be bought. `way`: as pages and the API write it, empty where there is but one;
    `total`: what it comes to with these `coupons`, the best of the wallet; `team`: the one that would be joined."""

    way: str
    total: Amount
    coupons: tuple[UUID, ...] = ()
    team: groups.Team | None = None


class Waits(Struct, frozen=True, kw_only=True):
    """What somebody waits for, as he may see it: his place in each line, what is kept for him (both by entry), how he
    may buy it (by call), and the deals it is about."""

    entries: list[Entry]
    places: dict[UUID, dict[UUID, Place]]
    calls: dict[UUID, Call]
    ways: dict[UUID, list[Way]]
    offers: dict[UUID, Offer]


async def waits(
    house: House, tx: Tx, city_id: int, actor: Actor, *, limit: int = 20, entry_id: UUID | None = None
) -> Waits:
    """The member's entries in the city, living ones first; only this one, when it is named."""
    entries = await waitlist.of_member(tx, _member(actor), city_id=city_id, limit=limit, entry_id=entry_id)
    live = [entry.entry_id for entry in entries if entry.live]
    calls = await waitlist.open_calls(tx, live, city_id=city_id)
    ids = sorted({choice.offer_id for entry in entries for choice in entry.choices})
    found = await catalog.offers(tx, ids, city_id=city_id)
    return Waits(
        entries=entries, places=await waitlist.places_of(tx, live, city_id=city_id), calls=calls,
        ways=await ways_of(house, tx, city_id, actor, list(calls.values())),
        offers={one.offer_id: one for one in found if one is not None},
    )  # fmt: skip


async def ways_of(house: House, tx: Tx, city_id: int, actor: Actor, calls: Sequence[Call]) -> dict[UUID, list[Way]]:
    """How the member may buy what is kept for him, by call, at the terms of the deal's kind: in a team that has a free
    seat, in a new one or alone; at the price that a ladder has reached, or his own bargain has. None where the sale is
    over. A bounded number of statements for all calls."""
    if not calls:
        return {}
    member, now = _member(actor), house.clock.now()
    found = await catalog.offers(tx, sorted({call.offer_id for call in calls}), city_id=city_id)
    offers = {offer.offer_id: offer for offer in found if offer is not None}
    with_others = [i for i, offer in offers.items() if isinstance(offer.form, Team | Bargain)]
    hands = await groups.at_hand(tx, member, with_others, city_id=city_id, now=now) if with_others else {}
    asked = [
        (call, way, team)
        for call in calls
        if call.offer_id in offers
        for way, team in _ways(offers[call.offer_id], hands.get(call.offer_id) or groups.AtHand(), city_id)
    ]
    asks = [AskQuote(wants=(_wanted(call, way, city_id),), member_id=member) for call, way, _ in asked]
    quotes = await orders.quotes(tx, asks, city_id=city_id, now=now, schemes=house.schemes)
    ways: dict[UUID, list[Way]] = {call.call_id: [] for call in calls}
    for (call, way, team), quoted in zip(asked, quotes, strict=True):
        if not isinstance(quoted, Refusal):
            ways[call.call_id].append(Way(way=way, total=quoted.quote.total, coupons=quoted.coupons, team=team))
    return ways


def _ways(offer: Offer, hand: groups.AtHand, city_id: int) -> list[tuple[str, groups.Team | None]]:
    match offer.form:
        case Team(alone_units=alone):
            free = [] if hand.running else [(f"join_team.{TEAM.show(one.team_id, city_id)}", one) for one in hand.teams]
            new = [] if hand.running else [("open_team", None)]
            return [*free, *new, *([("alone", None)] if alone is not None else [])]
        case Bargain() if hand.bargain is not None:
            return [(f"bargain.{BARGAIN.show(hand.bargain.bargain_id, city_id)}", None)]
        case _:
            return [("", None)]


def _wanted(call: Call, way: str, city_id: int) -> Wanted:
    """What is ordered of a call. Raises bad_id for the id of a team or bargain that is none."""
    chosen = choice_of(way, city_id) or Choice("invited")
    return Wanted(call.offer_id, call.units, structs.replace(chosen, kept=call.hold_id))


async def take(
    house: House, city_id: int, actor: Actor, call: Call, *, key: str, expect: Amount | None = None, way: str = "",
    coupons: Sequence[UUID] = (), tenders: Sequence[orders.Pay] = (), channel: str = "web",
) -> Placed:  # fmt: skip
    """Order what is kept for the member: the held units become the order's. Raises the refusals of orders.place."""
    return await buying.place(
        house, city_id, actor, [_wanted(call, way, city_id)], key=key, expect=expect, coupons=coupons, tenders=tenders,
        channel=channel,
    )  # fmt: skip


async def take_for(
    house: House, city_id: int, actor: Actor, entry_id: UUID, *, key: str, **what: Any
) -> Placed:  # fmt: skip
    """As `take`, of what is kept for the member's entry. The same key gives the same order, also when the call is over.

    Raises entry_not_found and the refusals of orders.place.
    """
    async with house.db.reading(city_id) as tx:
        call = await waitlist.last_call(tx, entry_id, city_id=city_id)
    if call is None or call.member_id != _member(actor):
        raise EntryUnknown()
    return await take(house, city_id, actor, call, key=key, **what)


async def turn(db: Database, city_id: int, now: datetime) -> Any:
    """The round of one city."""
    return await db.run_city(city_id, lambda tx: waitlist.turn(tx, city_id=city_id, now=now))


def errand(house: House) -> Errand:
    """Who is called hears of it once: where to buy, until when, and how to wait no more."""

    async def do(db: Database, fact: Fact, /, *, city_id: int, now: datetime) -> None:
        async with db.reading(city_id) as tx:
            found = await _told(tx, house, fact, city_id)
        if found is not None:
            told, links = found
            await telling.tell(house, [told], purpose="orders", now=now, links={told.message_id: links})

    return Errand(name="messages.tell_called", topics=frozenset({"waitlist.called"}), do=do)


async def _told(tx: Tx, house: House, fact: Fact, city_id: int) -> tuple[Tell, dict[str, str]] | None:
    """The message, and the links that only a text carries."""
    found = await waitlist.call_with_secret(tx, fact.subject, city_id=city_id)
    city = await places.city(tx, city_id)
    if found is None or city is None or found[0].state != "open":
        return None
    call, secret = found
    (offer,) = await catalog.offers(tx, [call.offer_id], city_id=city_id)
    if offer is None:
        return None
    token = leave_text(city_id, leave_token(secret, call.entry_id))
    facts = {
        "offer": to_builtins(offer.title), "n": call.units, "due": call.expires_at.isoformat(),
        "until": local(call.expires_at, city.zone).strftime("%H:%M"),
    }  # fmt: skip
    told = Tell(
        member_id=call.member_id, message_id=derive(fact.fact_id, "inbox"), kind="place_free", facts=facts,
        city_id=city_id,
    )  # fmt: skip
    address = house.settings.address
    return told, {"there": f"{address}/c/{city.slug}/waiting", "leave": f"{address}/waiting/leave/{token}"}
