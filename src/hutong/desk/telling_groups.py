"""Telling those who buy together: the team is complete; it is nearly over and somebody is missing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import to_builtins

from hutong import catalog, groups, messages, places
from hutong.desk import telling
from hutong.desk.house import House
from hutong.groups import Seat, Team
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.relay import Errand
from hutong.kit.clock import local
from hutong.kit.ids import derive
from hutong.messages import Tell

TOPICS = frozenset({"groups.clinched"})
ENDING_BEFORE = timedelta(hours=3)
ROUND = "teams_ending"
PAGE = 500


def errand(house: House) -> Errand:
    """A team has clinched: everybody in it may use his vouchers. (Who failed hears it with his refund.)"""

    async def do(db: Database, fact: Fact, /, *, city_id: int, now: datetime) -> None:
        async with db.reading(city_id) as tx:
            found = await groups.teams(tx, [fact.subject], city_id=city_id)
            told = await _lines(tx, list(found.values()), "deal_tipped", fact.fact_id, city_id=city_id)
        await telling.tell(house, told, purpose="orders", now=now)

    return Errand(name="messages.tell_groups", topics=TOPICS, do=do)


async def remind(house: House, city_id: int, now: datetime) -> int:
    """Tell the members of teams that end within three hours how many are missing; how many were told.

    The mark of the round keeps what it has looked at, and the id of a message follows from the team: told once.
    """
    async with house.db.reading(city_id) as tx:
        since = max(await messages.mark(tx, ROUND, city_id=city_id) or now, now)
        city = await places.city(tx, city_id)
    until, told = now + ENDING_BEFORE, 0
    if since >= until or city is None:
        return 0
    while True:
        async with house.db.reading(city_id) as tx:
            found = await groups.nearly_over(tx, city_id=city_id, since=since, until=until, limit=PAGE)
            lines = await _lines(tx, found, "team_ending", None, city_id=city_id, zone=city.zone)
        await telling.tell(house, lines, purpose="orders", now=now)
        told += len(lines)
        if len(found) < PAGE or found[-1].closes_at is None or found[-1].closes_at <= since:
            break
        since = found[-1].closes_at - timedelta(microseconds=1)  # those of one moment may stand on two pages
    async with house.db.city(city_id) as tx:
        await messages.set_mark(tx, ROUND, until, city_id=city_id)
    return told


async def _lines(
    tx: Tx, teams: Sequence[Team], kind: str, cause: UUID | None, *, city_id: int, zone: str = "UTC"
) -> list[Tell]:
    offers = await catalog.offers(tx, sorted({team.offer_id for team in teams}), city_id=city_id) if teams else []
    titles = {offer.offer_id: to_builtins(offer.title) for offer in offers if offer is not None}
    told: list[Tell] = []
    for team in teams:
        for seat in team.seats:
            if seat.state not in ("taken", "kept") or team.offer_id not in titles:
                continue
            facts = {"offer": titles[team.offer_id], "n": 1 if kind == "deal_tipped" else team.missing}
            if kind == "team_ending" and team.closes_at is not None:
                facts["time"] = local(team.closes_at, zone).strftime("%H:%M")
            told.append(_line(seat, kind, cause or derive(team.team_id, kind), facts, city_id))
    return told


def _line(seat: Seat, kind: str, cause: UUID, facts: dict[str, object], city_id: int) -> Tell:
    message_id = derive(derive(cause, str(seat.order_id)), f"inbox/{seat.member_id}")
    return Tell(
        member_id=seat.member_id, message_id=message_id, kind=kind, facts=facts, city_id=city_id, subject=seat.order_id
    )
