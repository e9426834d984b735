"""Leaving the house: asked, thought over for seven days, then done by a round. And a copy of one's own data."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong import groups, insight, mall, messages, orders, people, places, programmes, reviews, vouchers, waitlist
from hutong.desk import signing
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.ids import derive
from hutong.kit.refusals import NotFound
from hutong.messages import Tell
from hutong.people import AskExport, Departure, EndDeparture, Export, Leave, OpenBusiness, UseCode
from hutong.people.choices import Proof


async def open_business(db: Database, member_ids: Sequence[UUID]) -> dict[UUID, OpenBusiness]:
    """What members would lose with their accounts, over all cities; members with nothing open are left out."""
    async with db.reading() as tx:
        city_ids = [city.city_id for city in await places.cities(tx)]
    sums = {member_id: [0, 0, 0] for member_id in member_ids}
    for city_id in city_ids:
        async with db.reading(city_id) as tx:
            left = await orders.still_open(tx, member_ids, city_id=city_id)
            good = await vouchers.still_good(tx, member_ids, city_id=city_id)
        for member_id, there in left.items():
            sums[member_id][0] += there.unpaid
            sums[member_id][2] += there.refunds
        for member_id, count in good.items():
            sums[member_id][1] += count
    return {
        member_id: OpenBusiness(unpaid=unpaid, vouchers=valid, refunds=refunds)
        for member_id, (unpaid, valid, refunds) in sums.items()
        if unpaid or valid or refunds
    }


async def ask_code(house: House, actor: Actor, *, address: str, language: str) -> None:
    """Send the code that proves who asks to leave. Raises too_many_tries."""
    async with house.db.reading() as tx:
        phone = (await people.phones_of(tx, [actor.member_id])).get(actor.member_id)
    if phone is None:
        raise NotFound()
    await signing.request_code(house, phone, address=address, language=language, purpose="leave")


async def prove(house: House, actor: Actor, code: str, *, address: str) -> None:
    """The code that was sent for leaving is right. Raises code_wrong and its kin."""
    secret = house.settings.key("codes")
    async with house.db.central() as tx:
        phone = (await people.phones_of(tx, [actor.member_id])).get(actor.member_id, "")
        asks = [UseCode(phone=phone, code=code, address=address, purpose="leave")]
        used = await people.use_codes(tx, asks, secret=secret, now=house.clock.now(), limits=signing.limits(house))
    sure(used[0])


async def ask(house: House, actor: Actor, *, proof: Proof) -> Departure:
    """Begin to leave. Who asks was proved just now. Raises open_business, roles_first, leaving_already."""
    blocked = await open_business(house.db, [actor.member_id])
    if actor.member_id in blocked:
        raise blocked[actor.member_id]
    request = Leave(member_id=actor.member_id, departure_id=new_id(), proof=proof)
    now = house.clock.now()
    async with house.db.central() as tx:
        leaving = sure((await people.ask_to_leave(tx, [request], now=now))[0])
        told = Tell(
            member_id=actor.member_id, message_id=derive(request.departure_id, "leaving"), kind="leaving",
            facts={"due": leaving.due_at.isoformat()},
        )  # fmt: skip
        await messages.tell(tx, [told], now=now)
    return leaving


async def stay(house: House, actor: Actor) -> bool:
    """Call it off; whether there was something to call off."""
    async with house.db.member(actor.member_id) as tx:
        asks = [EndDeparture(member_id=actor.member_id, outcome="cancelled")]
        return (await people.end_departures(tx, asks, now=house.clock.now()))[0]


async def leave_due(db: Database, now: datetime) -> int:
    """A round: departures whose time to think is over are done, or called off where something is open again.

    The cities come first and the member last, so a round that was interrupted begins again. How many left.
    """
    async with db.reading() as tx:
        due = await people.departures_due(tx, now=now)
        held = await people.grants_of(tx, [one.member_id for one in due])
    if not due:
        return 0
    blocked = set(await open_business(db, [one.member_id for one in due])) | set(held)
    await _call_off(db, [one for one in due if one.member_id in blocked], now=now)
    going = [one.member_id for one in due if one.member_id not in blocked]
    if not going:
        return 0
    await _forget(db, going, now=now)
    async with db.central() as tx:
        await programmes.forget_members(tx, going, now=now)
        await messages.empty(tx, going)
        done = await people.erase(tx, going, now=now)
    await _forget(db, going, now=now)  # an order of the last minute carried the name once more
    return sum(done)


async def _call_off(db: Database, departures: Sequence[Departure], *, now: datetime) -> None:
    if not departures:
        return
    async with db.central() as tx:
        asks = [EndDeparture(member_id=one.member_id, outcome="prevented") for one in departures]
        await people.end_departures(tx, asks, now=now)
        told = [
            Tell(member_id=one.member_id, message_id=derive(one.departure_id, "stays"), kind="stays")
            for one in departures
        ]
        await messages.tell(tx, told, now=now)


async def _forget(db: Database, member_ids: Sequence[UUID], *, now: datetime) -> None:
    async with db.reading() as tx:
        city_ids = [city.city_id for city in await places.cities(tx)]
    for city_id in city_ids:
        async with db.city(city_id) as tx:
            await orders.forget_members(tx, member_ids, city_id=city_id)
            await vouchers.forget_members(tx, member_ids, city_id=city_id)
            await reviews.forget(tx, member_ids, city_id=city_id, now=now)
            await insight.forget(tx, member_ids, city_id=city_id)
            await groups.forget_members(tx, member_ids, city_id=city_id)
            await waitlist.forget_members(tx, member_ids, city_id=city_id, now=now)
            await mall.forget_members(tx, member_ids, city_id=city_id)


async def ask_export(house: House, actor: Actor, *, key: str) -> Export:
    """Open a copy of the member's own data for a day; the same key, the same copy. Raises too_many_exports."""
    request = AskExport(member_id=actor.member_id, export_id=derive(actor.member_id, f"export/{key}"))
    now = house.clock.now()
    async with house.db.member(actor.member_id) as tx:
        made = sure((await people.ask_exports(tx, [request], now=now))[0])
        told = Tell(member_id=actor.member_id, message_id=derive(made.export_id, "export"), kind="export_made")
        await messages.tell(tx, [told], now=now)
    return made


async def fetch_export(house: House, actor: Actor, export_id: UUID) -> Export:
    """Count a fetch of the copy by its owner. Raises not_found for another's, export_over."""
    async with house.db.member(actor.member_id) as tx:
        asks = [AskExport(member_id=actor.member_id, export_id=export_id)]
        fetched = await people.fetch_exports(tx, asks, now=house.clock.now())
    return sure(fetched[0])
