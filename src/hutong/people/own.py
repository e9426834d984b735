"""Reads of what belongs to a member alone: choices, departures, copies. Ask only with the actor's own id."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.people.choices import DEFAULTS, Channel, Consent, Departure, Export, Purpose


async def choices_of(tx: Tx, member_ids: Sequence[UUID]) -> dict[UUID, dict[tuple[Purpose, Channel], bool]]:
    """What each of the members wants to be told, and where; the defaults where he never chose."""
    rows = await tx.rows(
        """select distinct on (member_id, purpose, channel) member_id, purpose, channel, given from people.consents
           where member_id = any(%(ids)s::uuid[])
           order by member_id, purpose, channel, at desc, consent_id desc""",
        ids=sorted(set(member_ids)),
    )
    found = {member_id: dict(DEFAULTS) for member_id in member_ids}
    for row in rows:
        if (row["purpose"], row["channel"]) in DEFAULTS:
            found[row["member_id"]][row["purpose"], row["channel"]] = row["given"]
    return found


async def consents_of(tx: Tx, member_id: UUID) -> list[Consent]:
    """The whole history of a member's choices, oldest first; at most 1000."""
    rows = await tx.rows(
        """select purpose, channel, given, text_version, at from people.consents
           where member_id = %(id)s order by at, consent_id limit 1000""",
        id=member_id,
    )
    return [Consent(**row) for row in rows]


async def departures_of(tx: Tx, member_ids: Sequence[UUID]) -> dict[UUID, Departure]:
    """The members among these who are leaving."""
    rows = await tx.rows(
        """select member_id, departure_id, asked_at, due_at from people.departures
           where member_id = any(%(ids)s::uuid[]) and ended_at is null""",
        ids=sorted(set(member_ids)),
    )
    return {row["member_id"]: Departure(**row) for row in rows}


async def departures_due(tx: Tx, *, now: datetime, limit: int = 100) -> list[Departure]:
    """Departures whose time to think is over, the oldest first. Asks every shard (back office)."""
    rows = await tx.rows(
        """select member_id, departure_id, asked_at, due_at from people.departures
           where ended_at is null and due_at <= %(now)s order by due_at, departure_id limit %(limit)s""",
        now=now,
        limit=limit,
    )
    return [Departure(**row) for row in rows]


async def exports_of(tx: Tx, member_id: UUID, *, now: datetime) -> list[Export]:
    """The copies that can still be fetched, newest first."""
    rows = await tx.rows(
        """select export_id, asked_at, expires_at, fetched from people.exports
           where member_id = %(id)s and expires_at > %(now)s order by asked_at desc, export_id""",
        id=member_id,
        now=now,
    )
    return [one for row in rows if (one := Export(**row)).alive(now)]


async def whole_phone(tx: Tx, member_id: UUID) -> str | None:
    """The member's own number, for his own copy of his data and for nothing else."""
    return await tx.value("select phone from people.members where member_id = %(id)s", id=member_id)
