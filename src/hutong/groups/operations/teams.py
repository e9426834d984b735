"""Seats in teams: reserved when an order is placed, taken when it is paid, given up when its money goes back.

The row of a team is the lock of its seats. Teams are locked sorted, before vouchers, accounts and stock.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong.groups.model import LIVE_SEATS, Confirmed, SeatState, Take, Taken, TeamState
from hutong.groups.refusals import AlreadyInTeam, TeamFull, TeamOver, TeamUnknown
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal


class Broken(Exception):
    """A seat is where the rules say that it cannot be: nothing is committed."""


class _Team(Struct):
    """A locked team and what becomes of it."""

    row: dict[str, Any]
    seats: dict[UUID, SeatState]
    held: int
    taken: int
    state: TeamState
    closes_at: datetime | None


class Locked(Struct):
    """Teams that stay locked until the transaction ends, and whose seat an order has."""

    teams: dict[UUID, _Team]
    of_order: dict[UUID, UUID]

    def seat(self, order_id: UUID) -> SeatState | None:
        """The seat of the order, None when it has none."""
        team = self.of_order.get(order_id)
        return None if team is None else self.teams[team].seats[order_id]


async def take(
    tx: Tx, requests: Sequence[Take], *, city_id: int, now: datetime
) -> list[Taken | Refusal]:  # fmt: skip
    """Reserve a seat for each order, in the order of the list; a new team is forming until its first order is paid.

    The caller ends what he reserved: `confirm` or `release`. Refusals: team_not_found, team_over, team_full,
    already_in_team.
    """
    rows = await tx.rows(
        """select * from groups.teams where city_id = %(city)s and team_id = any(%(ids)s::uuid[])
           order by team_id for no key update""",
        city=city_id, ids=sorted({r.team_id for r in requests if not r.opens}),
    )  # fmt: skip
    teams = {row["team_id"]: row for row in rows}
    results: list[Taken | Refusal] = []
    able: dict[UUID, Take] = {}
    seen: set[tuple[UUID, UUID]] = set()
    for request in requests:
        refusal = None if request.opens else _why_not(request, teams.get(request.team_id), now)
        if refusal is None and (request.offer_id, request.member_id) in seen:
            refusal = AlreadyInTeam()
        if refusal is None:
            seen.add((request.offer_id, request.member_id))
            able[request.order_id] = request
            if not request.opens:
                teams[request.team_id]["held"] += 1
        results.append(refusal or Taken(order_id=request.order_id, team_id=request.team_id))
    seated = await _seat(tx, list(able.values()), city_id=city_id, now=now)
    return [
        AlreadyInTeam() if isinstance(result, Taken) and result.order_id not in seated else result for result in results
    ]


def _why_not(request: Take, team: dict[str, Any] | None, now: datetime) -> Refusal | None:
    if team is None or team["offer_id"] != request.offer_id or team["state"] == "forming":
        return TeamUnknown()
    if team["state"] != "open" or now >= team["closes_at"]:
        return TeamOver()
    if team["held"] + team["taken"] >= team["size"]:
        return TeamFull()
    return None


async def _seat(tx: Tx, able: Sequence[Take], *, city_id: int, now: datetime) -> set[UUID]:
    if not able:
        return set()
    rows = await tx.rows(
        load(__package__, "take"), city=city_id, now=now, orders=[a.order_id for a in able],
        teams=[a.team_id for a in able], offers=[a.offer_id for a in able], merchants=[a.merchant_id for a in able],
        members=[a.member_id for a in able], faces=[a.face for a in able], opens=[a.opens for a in able],
        sizes=[a.size for a in able], hours=[a.hours for a in able],
    )  # fmt: skip
    return {row["order_id"] for row in rows}


async def lock(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> Locked:
    """The teams in which these orders have a seat, locked in one sorted go, with all of their seats."""
    rows = await tx.rows(
        """select t.* from groups.teams t where t.city_id = %(city)s and t.team_id in (
               select s.team_id from groups.seats s
               where s.city_id = %(city)s and s.order_id = any(%(ids)s::uuid[]))
           order by t.team_id for no key update""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip
    return await _locked(tx, rows, city_id=city_id)


async def _locked(tx: Tx, rows: Sequence[dict[str, Any]], *, city_id: int) -> Locked:
    """The seats are read after the locks are held: before, they might still have been changing."""
    found = Locked({}, {})
    if not rows:
        return found
    for row in rows:
        team = _Team(row, {}, row["held"], row["taken"], row["state"], row["closes_at"])
        found.teams[row["team_id"]] = team
    seats = await tx.rows(
        """select order_id, team_id, state from groups.seats
           where city_id = %(city)s and team_id = any(%(ids)s::uuid[]) order by held_at, order_id""",
        city=city_id, ids=sorted(found.teams),
    )  # fmt: skip
    for seat in seats:
        found.teams[seat["team_id"]].seats[seat["order_id"]] = seat["state"]
        found.of_order[seat["order_id"]] = seat["team_id"]
    return found


async def confirm(tx: Tx, order_ids: Sequence[UUID], *, city_id: int, now: datetime) -> Confirmed:
    """These orders are paid: their seats are taken. A team whose last seat is taken has clinched.

    The first payment opens the team: its hours run from `now`. Which of the orders (`clinched`) are in a team that
    holds, and which orders of it were paid before (`earlier`).
    """
    locked = await lock(tx, order_ids, city_id=city_id)
    changed: dict[UUID, SeatState] = {}
    for order_id in order_ids:
        team = locked.teams[locked.of_order[order_id]]
        if team.seats[order_id] != "held" or team.state not in ("forming", "open"):
            raise Broken(f"the seat of {order_id} is {team.seats[order_id]} in a team that is {team.state}")
        if team.state == "forming":
            team.state, team.closes_at = "open", now + timedelta(hours=team.row["hours"])
        team.held, team.taken = team.held - 1, team.taken + 1
        team.seats[order_id] = changed[order_id] = "taken"
    done = {team_id: team for team_id, team in locked.teams.items() if team.taken == team.row["size"]}
    for team in done.values():
        team.state = "clinched"
        kept = [order_id for order_id, state in team.seats.items() if state == "taken"]
        team.seats.update(dict.fromkeys(kept, "kept"))
        changed.update(dict.fromkeys(kept, "kept"))
    await _save(tx, locked.teams, changed, city_id=city_id, now=now)
    await tx.record([_fact("groups.clinched", city_id, team_id, now) for team_id in sorted(done)])
    paid = set(order_ids)
    sure = {order_id for team in done.values() for order_id, state in team.seats.items() if state == "kept"}
    return Confirmed(
        clinched=frozenset(sure & paid), earlier=tuple(sorted(sure - paid)), teams=tuple(sorted(done))
    )  # fmt: skip


async def release(tx: Tx, order_ids: Sequence[UUID], *, city_id: int, now: datetime) -> int:
    """These orders ended unpaid: their seats are free again. A team in which nobody is left is dropped. How many."""
    locked = await lock(tx, order_ids, city_id=city_id)
    changed: dict[UUID, SeatState] = {}
    for order_id in order_ids:
        if locked.seat(order_id) == "held":
            team = locked.teams[locked.of_order[order_id]]
            team.held -= 1
            team.seats[order_id] = changed[order_id] = "freed"
            _drop_when_empty(team)
    await _save(tx, locked.teams, changed, city_id=city_id, now=now)
    return len(changed)


async def leave(tx: Tx, order_ids: Sequence[UUID], *, locked: Locked, city_id: int, now: datetime) -> int:
    """The money of these orders goes back (`locked` by `lock`): before the team has clinched the place is free for
    somebody else; after it the team stands and its member is no longer shown. How many seats changed."""
    changed: dict[UUID, SeatState] = {}
    after: dict[SeatState, SeatState] = {"taken": "left", "kept": "returned", "failed": "sent_back"}
    for order_id in order_ids:
        was = locked.seat(order_id)
        if was in after:
            team = locked.teams[locked.of_order[order_id]]
            team.seats[order_id] = changed[order_id] = after[was]
            if was == "taken":
                team.taken -= 1
                _drop_when_empty(team)
    await _save(tx, locked.teams, changed, city_id=city_id, now=now)
    return len(changed)


async def stay(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> int:
    """The refund of these orders failed for good: who was in a team that has clinched is in it again. How many."""
    if not order_ids:
        return 0
    return await tx.run(
        """update groups.seats set state = 'kept'
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and state = 'returned'""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip


async def fail_due(tx: Tx, *, city_id: int, now: datetime, limit: int = 500) -> list[UUID]:
    """End the teams whose time is over and in which nobody is still paying, at most `limit`; which.

    Who holds a seat may still pay: the team waits for him, as long as an unpaid order lives. The money of its
    members is owed from now on (`owed`).
    """
    rows = await tx.rows(
        """select * from groups.teams
           where city_id = %(city)s and state = 'open' and closes_at <= %(now)s and held = 0
           order by closes_at, team_id limit %(limit)s for no key update skip locked""",
        city=city_id, now=now, limit=limit,
    )  # fmt: skip
    locked = await _locked(tx, rows, city_id=city_id)
    changed: dict[UUID, SeatState] = {}
    for team in locked.teams.values():
        team.state = "failed"
        owed = [order_id for order_id, state in team.seats.items() if state == "taken"]
        changed.update(dict.fromkeys(owed, "failed"))
    await _save(tx, locked.teams, changed, city_id=city_id, now=now)
    await tx.record([_fact("groups.failed", city_id, team_id, now) for team_id in sorted(locked.teams)])
    return sorted(locked.teams)


async def owed(tx: Tx, *, city_id: int, limit: int = 500) -> list[UUID]:
    """Orders of failed teams whose money has not been sent back yet, at most `limit`."""
    rows = await tx.rows(
        """select order_id from groups.seats where city_id = %(city)s and state = 'failed'
           order by order_id limit %(limit)s""",
        city=city_id, limit=limit,
    )  # fmt: skip
    return [row["order_id"] for row in rows]


async def forget_members(tx: Tx, member_ids: Sequence[UUID], *, city_id: int) -> int:
    """Take the names of members who left out of seats, bargains and cuts. How many seats changed; twice is once."""
    for table in ("bargains", "cuts"):
        await tx.run(
            _FORGET[table], city=city_id, members=sorted(set(member_ids)),
        )  # fmt: skip
    return await tx.run(_FORGET["seats"], city=city_id, members=sorted(set(member_ids)))


_FORGET = {
    "seats": """update groups.seats set face = '**'
                where city_id = %(city)s and member_id = any(%(members)s::uuid[]) and face <> '**'""",
    "bargains": """update groups.bargains set face = '**'
                   where city_id = %(city)s and member_id = any(%(members)s::uuid[]) and face <> '**'""",
    "cuts": """update groups.cuts set face = '**'
               where city_id = %(city)s and member_id = any(%(members)s::uuid[]) and face <> '**'""",
}


def _drop_when_empty(team: _Team) -> None:
    if team.held + team.taken == 0:
        team.state = "dropped"


async def _save(
    tx: Tx, teams: dict[UUID, _Team], changed: dict[UUID, SeatState], *, city_id: int, now: datetime
) -> None:
    if not changed:
        return
    ids = sorted(teams)
    done = [teams[i] for i in ids]
    await tx.send(
        load(__package__, "save"), city=city_id, now=now, teams=ids, helds=[t.held for t in done],
        takens=[t.taken for t in done], states=[t.state for t in done], closes=[t.closes_at for t in done],
        seats=list(changed), seat_states=list(changed.values()),
    )  # fmt: skip


def _fact(topic: str, city_id: int, team_id: UUID, now: datetime) -> Fact:
    return Fact(fact_id=derive(team_id, topic), city_id=city_id, topic=topic, subject=team_id, at=now)


assert LIVE_SEATS == ("held", "taken")  # the statements of this folder name them
