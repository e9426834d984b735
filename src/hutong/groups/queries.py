"""Reads of groups: a team, a ladder and a bargain may be seen by everybody; names are masked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import convert

from hutong.groups.model import AtHand, BargainState, LadderState, Seat, Team
from hutong.infra.db import Tx

SHOWN = ("taken", "kept", "failed", "sent_back")  # who has left or was given his money back is not shown


async def teams(tx: Tx, team_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Team]:
    """The teams with these ids, with the seats that are paid. Public; one that is still forming is left out."""
    rows = await tx.rows(
        """select * from groups.teams
           where city_id = %(city)s and team_id = any(%(ids)s::uuid[]) and state <> 'forming'""",
        city=city_id, ids=sorted(set(team_ids)),
    )  # fmt: skip
    return {team.team_id: team for team in await _with_seats(tx, rows, city_id)}


async def open_teams(
    tx: Tx, offer_id: UUID, *, city_id: int, now: datetime, without: UUID | None = None, limit: int = 3
) -> list[Team]:
    """Teams of a deal that can still be joined, the one that ends first on top; not those in which `without` is."""
    rows = await tx.rows(
        """select t.* from groups.teams t
           where t.city_id = %(city)s and t.offer_id = %(offer)s and t.state = 'open' and t.closes_at > %(now)s
             and t.held + t.taken < t.size
             and not exists (select 1 from groups.seats s where s.city_id = %(city)s and s.team_id = t.team_id
                             and s.member_id = %(without)s and s.state in ('held', 'taken'))
           order by t.closes_at, t.team_id limit %(limit)s""",
        city=city_id, offer=offer_id, now=now, without=without, limit=limit,
    )  # fmt: skip
    return await _with_seats(tx, rows, city_id)


async def running_team(tx: Tx, member_id: UUID, offer_id: UUID, *, city_id: int) -> UUID | None:
    """The running team of a deal in which the member is, also when he has not paid for his seat yet."""
    return await tx.value(
        """select team_id from groups.seats where city_id = %(city)s and offer_id = %(offer)s
             and member_id = %(member)s and state in ('held', 'taken')""",
        city=city_id, offer=offer_id, member=member_id,
    )  # fmt: skip


async def team_of_order(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Team]:
    """The team of each order that has one. Whose orders these are is the caller's to know."""
    rows = await tx.rows(
        """select order_id, team_id from groups.seats
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip
    found = await teams(tx, [row["team_id"] for row in rows], city_id=city_id) if rows else {}
    return {row["order_id"]: found[row["team_id"]] for row in rows if row["team_id"] in found}


async def nearly_over(
    tx: Tx, *, city_id: int, since: datetime, until: datetime, limit: int = 500
) -> list[Team]:  # fmt: skip
    """Open teams whose time ends in (since, until], for telling their members. For the house."""
    rows = await tx.rows(
        """select * from groups.teams where city_id = %(city)s and state = 'open'
             and closes_at > %(since)s and closes_at <= %(until)s order by closes_at, team_id limit %(limit)s""",
        city=city_id, since=since, until=until, limit=limit,
    )  # fmt: skip
    return await _with_seats(tx, rows, city_id)


async def ladders(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, LadderState]:
    """How far these ladders have come. Public; one without a paid unit is left out."""
    rows = await tx.rows(
        """select offer_id, first_units, tiers, paid_units, closes_at, low_units as price_units, final_units
           from groups.ladders where city_id = %(city)s and offer_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted(set(offer_ids)),
    )  # fmt: skip
    return {row["offer_id"]: convert(row, LadderState) for row in rows}


async def bargains(tx: Tx, bargain_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, BargainState]:
    """The bargains with these ids, with the friends who helped. Public."""
    rows = await tx.rows(
        """select * from groups.bargains where city_id = %(city)s and bargain_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted(set(bargain_ids)),
    )  # fmt: skip
    cuts = await tx.rows(
        """select bargain_id, member_id, face, units, seq from groups.cuts
           where city_id = %(city)s and bargain_id = any(%(ids)s::uuid[]) order by bargain_id, seq""",
        city=city_id, ids=sorted(set(bargain_ids)),
    )  # fmt: skip
    friends: dict[UUID, list[dict[str, Any]]] = {}
    for cut in cuts:
        friends.setdefault(cut.pop("bargain_id"), []).append(cut)
    return {
        row["bargain_id"]: convert(row | {"friends": friends.get(row["bargain_id"], [])}, BargainState) for row in rows
    }


async def bargain_of(tx: Tx, member_id: UUID, offer_id: UUID, *, city_id: int) -> UUID | None:
    """The bargain that a member has begun for an offer."""
    return await tx.value(
        """select bargain_id from groups.bargains
           where city_id = %(city)s and offer_id = %(offer)s and member_id = %(member)s""",
        city=city_id, offer=offer_id, member=member_id,
    )  # fmt: skip


async def at_hand(
    tx: Tx, member_id: UUID, offer_ids: Sequence[UUID], *, city_id: int, now: datetime, limit: int = 3
) -> dict[UUID, AtHand]:
    """What the member could join or finish of each of these deals; of other people's teams `limit` at most."""
    rows = await tx.rows(
        """select t.team_id, t.offer_id, s.order_id is not null as mine,
                  row_number() over (partition by t.offer_id, s.order_id is not null
                                     order by t.closes_at, t.team_id) as n
           from groups.teams t
           left join groups.seats s on s.city_id = %(city)s and s.team_id = t.team_id and s.member_id = %(member)s
             and s.state in ('held', 'taken')
           where t.city_id = %(city)s and t.offer_id = any(%(ids)s::uuid[])
             and (s.order_id is not null
                  or (t.state = 'open' and t.closes_at > %(now)s and t.held + t.taken < t.size))""",
        city=city_id, ids=sorted(set(offer_ids)), member=member_id, now=now,
    )  # fmt: skip
    near = sorted((row for row in rows if row["n"] <= limit and not row["mine"]), key=lambda row: row["n"])
    shown = await teams(tx, [row["team_id"] for row in near], city_id=city_id) if near else {}
    own = await tx.rows(
        """select b.bargain_id, b.offer_id from groups.bargains b
           where b.city_id = %(city)s and b.member_id = %(member)s and b.offer_id = any(%(ids)s::uuid[])
             and b.state = 'open' and b.closes_at > %(now)s""",
        city=city_id, ids=sorted(set(offer_ids)), member=member_id, now=now,
    )  # fmt: skip
    cut = await bargains(tx, [row["bargain_id"] for row in own], city_id=city_id) if own else {}
    return {
        offer_id: AtHand(
            running=next((row["team_id"] for row in rows if row["mine"] and row["offer_id"] == offer_id), None),
            teams=tuple(shown[r["team_id"]] for r in near if r["offer_id"] == offer_id and r["team_id"] in shown),
            bargain=next((one for one in cut.values() if one.offer_id == offer_id), None),
        )
        for offer_id in offer_ids
    }


async def counts(tx: Tx, *, city_id: int, offer_ids: Sequence[UUID] | None = None) -> dict[str, int]:
    """How many teams are in which state; of these offers only, when they are named. For the house."""
    rows = await tx.rows(
        """select state, count(*)::int as n from groups.teams
           where city_id = %(city)s and (%(offers)s::uuid[] is null or offer_id = any(%(offers)s::uuid[]))
           group by state""",
        city=city_id, offers=None if offer_ids is None else list(offer_ids),
    )  # fmt: skip
    return {row["state"]: row["n"] for row in rows}


async def _with_seats(tx: Tx, rows: Sequence[dict[str, Any]], city_id: int) -> list[Team]:
    if not rows:
        return []
    found = await tx.rows(
        """select s.order_id, s.team_id, s.member_id, s.face, s.state, t.opened_by = s.member_id as first
           from groups.seats s join groups.teams t on t.city_id = %(city)s and t.team_id = s.team_id
           where s.city_id = %(city)s and s.team_id = any(%(ids)s::uuid[]) and s.state = any(%(shown)s::text[])
           order by s.team_id, s.taken_at, s.order_id""",
        city=city_id, ids=[row["team_id"] for row in rows], shown=list(SHOWN),
    )  # fmt: skip
    seats: dict[UUID, list[Seat]] = {}
    for seat in found:
        seats.setdefault(seat.pop("team_id"), []).append(convert(seat, Seat))
    return [convert(row | {"seats": seats.get(row["team_id"], [])}, Team) for row in rows]
