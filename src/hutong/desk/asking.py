"""Asking guests for a review: once for what was bought together, by day, not often, and only who wants to be asked.

A guest is asked some hours after his visit, when it can no longer be undone, between ten and eight by the city's clock;
what happened at night waits for the morning. Nobody is asked twice within three days, whatever he did in between, nor
about what he has reviewed. The question goes into the inbox, never to a number, to members whose choice allows it.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

from msgspec import to_builtins

from hutong import insight, merchants, messages, places, reviews, vouchers
from hutong.desk.house import House
from hutong.desk.telling import tell
from hutong.insight import Guest
from hutong.kit.clock import local
from hutong.kit.ids import derive
from hutong.messages import Tell

ROUND = "review_ask"
AFTER, NOT_AGAIN, OLDEST = timedelta(hours=3), timedelta(days=3), timedelta(days=3)
OPENS, CLOSES = time(10), time(20)
PAGE = 500


async def ask_for_reviews(house: House, city_id: int, now: datetime) -> int:
    """A round: ask the guests of a while ago. How many were asked.

    The round remembers how far it came; the id of a message follows from the line of the order, so a line is asked
    about once for ever. After a long silence only what is not older than three days is asked about.
    """
    async with house.db.reading(city_id) as tx:
        city = await places.city(tx, city_id)
        mark = await messages.mark(tx, ROUND, city_id=city_id)
    if city is None or not OPENS <= local(now, city.zone).time() < CLOSES:
        return 0
    since, until = max(mark or now - OLDEST, now - OLDEST), now - AFTER
    asked, last = 0, None
    while since < until:
        async with house.db.reading(city_id) as tx:
            found = await insight.guests(tx, city_id=city_id, since=since, until=until, after=last, limit=PAGE)
        asked += await _ask(house, city_id, found, now)
        if len(found) < PAGE:
            break
        last = found[-1]
    async with house.db.city(city_id) as tx:
        await messages.set_mark(tx, ROUND, max(since, until), city_id=city_id)
    return asked


async def _ask(house: House, city_id: int, found: Sequence[Guest], now: datetime) -> int:
    """Ask those who may be asked, each about one visit: the last of these."""
    if not found:
        return 0
    async with house.db.reading(city_id) as tx:
        held = {
            one.voucher_id: one for one in await vouchers.by_ids(tx, [g.voucher_id for g in found], city_id=city_id)
        }
        fresh = await reviews.unreviewed(tx, [one.line_id for one in held.values()], city_id=city_id)
        shops = await merchants.signs(tx, city_id, [guest.store_id for guest in found])
    async with house.db.reading() as tx:
        lately = await messages.told_since(tx, [g.member_id for g in found], kind=ROUND, since=now - NOT_AGAIN)
    chosen: dict[UUID, Tell] = {}
    for guest in found:
        unit = held.get(guest.voucher_id)
        if unit is None or unit.line_id not in fresh or guest.member_id in lately or guest.store_id not in shops:
            continue
        if unit.member_id != guest.member_id:
            continue  # it was given away since: whoever holds it now was not there
        chosen[guest.member_id] = Tell(
            member_id=guest.member_id, message_id=derive(unit.line_id, ROUND), kind=ROUND, city_id=city_id,
            facts={"offer": to_builtins(unit.title), "store": to_builtins(shops[guest.store_id].name)},
            subject=unit.voucher_id,
        )  # fmt: skip
    await tell(house, list(chosen.values()), purpose="reviews", now=now)
    return len(chosen)
