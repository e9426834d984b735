"""Reading applications: the applicant his own, the operator's people what lies in their reach."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import convert

from hutong.infra.db import Tx
from hutong.kit.geo import Point
from hutong.kit.text import Text
from hutong.recruiting.model import Application, Calling, Document, Reach, Requirement, Step, Words, secret_hash

_PLAIN = ("city_id", "application_id", "member_id", "invitation_id", "operator_id", "merchant_id", "store_id", "state",
          "round", "version", "made_at", "changed_at")  # fmt: skip


def as_application(row: dict[str, Any]) -> Application:
    """A row of recruiting.applications as a value."""
    words = Words(
        name=Text(**row["name"]), trade=row["trade"], category=row["category"], district_id=row["district_id"],
        address=Text(**row["address"]), place=Point(row["lat"], row["lon"]), phone=row["phone"],
    )  # fmt: skip
    return Application(words=words, **{name: row[name] for name in _PLAIN})


async def applications_of(tx: Tx, member_id: UUID, *, city_id: int) -> list[Application]:
    """A member's own, newest first."""
    rows = await tx.rows(
        """select * from recruiting.applications where city_id = %(city)s and member_id = %(member)s
           order by made_at desc, application_id desc limit 50""",
        city=city_id,
        member=member_id,
    )
    return [as_application(row) for row in rows]


async def application(
    tx: Tx, application_id: UUID, *, city_id: int, member_id: UUID | None = None, reach: Reach | None = None
) -> Application | None:
    """One application, for its member or for who has it in his reach; None for everybody else."""
    row = await tx.row(
        "select * from recruiting.applications where city_id = %(city)s and application_id = %(id)s",
        city=city_id,
        id=application_id,
    )
    if row is None:
        return None
    own = member_id is not None and row["member_id"] == member_id
    seen = reach is not None and row["state"] != "draft" and reach.covers(
        district=row["district_id"], operator=row["operator_id"]
    )  # fmt: skip
    return as_application(row) if own or seen else None


async def of_merchants(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Application]:
    """The applications by which these merchants came in, or want to; absent for who came in otherwise."""
    rows = await tx.rows(
        "select * from recruiting.applications where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[])",
        city=city_id,
        ids=sorted(set(merchant_ids)),
    )
    return {row["merchant_id"]: as_application(row) for row in rows}


async def queue(
    tx: Tx,
    reach: Reach,
    *,
    city_id: int,
    states: Sequence[str] = ("submitted",),
    after: tuple[datetime, UUID] | None = None,
    limit: int = 20,
) -> list[Application]:
    """What waits in these states, the longest waiting first; the next page begins after (changed_at, id)."""
    seen, params = reach.sql(district="a.district_id", operator="a.operator_id")
    rows = await tx.rows(
        f"""select a.* from recruiting.applications a
            where a.city_id = %(city)s and a.state = any(%(states)s::text[]) and {seen}
              and (%(at)s::timestamptz is null or (a.changed_at, a.application_id) > (%(at)s, %(last)s::uuid))
            order by a.changed_at, a.application_id limit %(limit)s""",
        city=city_id, states=list(states), at=after[0] if after else None, last=after[1] if after else None,
        limit=limit, **params,
    )  # fmt: skip
    return [as_application(row) for row in rows]


async def count_waiting(tx: Tx, reach: Reach, *, city_id: int) -> int:
    """How many applications wait for an answer."""
    seen, params = reach.sql(district="a.district_id", operator="a.operator_id")
    return await tx.value(
        f"""select count(*) from recruiting.applications a
            where a.city_id = %(city)s and a.state = 'submitted' and {seen}""",
        city=city_id,
        **params,
    )


async def requirements(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, list[Requirement]]:
    """What the trades of these applications ask for, each with its last verdict; in the order of the trade."""
    rows = await tx.rows(
        """select r.application_id, r.kind, r.state, r.document_id, r.expires_on, v.reason, v.by, v.at
           from recruiting.requirements r
           left join recruiting.verdicts v on v.city_id = %(city)s and v.application_id = r.application_id
             and v.kind = r.kind and v.number = r.verdicts
           where r.city_id = %(city)s and r.application_id = any(%(ids)s::uuid[])
           order by r.application_id, r.position""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    found: dict[UUID, list[Requirement]] = {one: [] for one in ids}
    for row in rows:
        application_id = row.pop("application_id")
        found[application_id].append(Requirement(**{**row, "reason": row["reason"] or ""}))
    return found


async def documents(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Document]:
    """The documents of these applications, by their ids."""
    rows = await tx.rows(
        """select document_id, application_id, kind, file, round, by, operator_id, expires_on, at
           from recruiting.documents where city_id = %(city)s and application_id = any(%(ids)s::uuid[])
           order by at, document_id""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    return {row["document_id"]: Document(**row) for row in rows}


async def steps(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, list[Step]]:
    """How these applications went, oldest step first."""
    rows = await tx.rows(
        """select application_id, version, state, round, by, at, reason, words from recruiting.steps
           where city_id = %(city)s and application_id = any(%(ids)s::uuid[]) order by application_id, version""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    found: dict[UUID, list[Step]] = {one: [] for one in ids}
    for row in rows:
        words = convert(row["words"], Words) if row["words"] else None
        found[row.pop("application_id")].append(Step(**{**row, "words": words}))
    return found


async def calling(tx: Tx, invitation_id: UUID, secret: str, *, city_id: int, now: datetime) -> Calling | None:
    """The invitation of a link, if it is good now."""
    row = await tx.row(
        """select i.*, 0 as used from recruiting.invitations i
           where i.city_id = %(city)s and i.invitation_id = %(id)s and i.secret_hash = %(hash)s
             and i.revoked_at is null and (i.expires_at is null or i.expires_at > %(now)s)""",
        city=city_id, id=invitation_id, hash=secret_hash(secret), now=now,
    )  # fmt: skip
    return Calling(**{name: row[name] for name in Calling.__struct_fields__}) if row else None


async def callings(tx: Tx, operator_ids: Sequence[UUID], *, city_id: int) -> list[Calling]:
    """The living invitations of these operators, newest first, with how many applied by each."""
    rows = await tx.rows(
        """select i.*, (select count(*) from recruiting.applications a where a.city_id = %(city)s
                        and a.invitation_id = i.invitation_id)::int as used
           from recruiting.invitations i
           where i.city_id = %(city)s and i.operator_id = any(%(ids)s::uuid[]) and i.revoked_at is null
             and i.accepted_at is null order by i.made_at desc, i.invitation_id limit 100""",
        city=city_id,
        ids=sorted(set(operator_ids)),
    )
    return [Calling(**{name: row[name] for name in Calling.__struct_fields__}) for row in rows]


async def expiring(
    tx: Tx, reach: Reach, *, city_id: int, before: date, limit: int = 100
) -> list[tuple[Application, str, date]]:
    """(application, requirement, last day) of merchants whose document has expired or soon does, the first first."""
    seen, params = reach.sql(district="a.district_id", operator="a.operator_id")
    rows = await tx.rows(
        f"""select a.*, r.kind as demand, r.expires_on from recruiting.requirements r
            join recruiting.applications a on a.city_id = %(city)s and a.application_id = r.application_id
            where r.city_id = %(city)s and r.expires_on < %(before)s and r.state = 'accepted'
              and a.state = 'approved' and {seen}
            order by r.expires_on, a.application_id limit %(limit)s""",
        city=city_id, before=before, limit=limit, **params,
    )  # fmt: skip
    return [(as_application(row), row["demand"], row["expires_on"]) for row in rows]
