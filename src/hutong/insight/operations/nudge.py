"""Nudges: holders are asked to come on a quiet day. Who was asked lately is left alone, whoever asks."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.insight.waves import MOST_NUDGES, NUDGE_DAYS


class Nudge(Struct, frozen=True, kw_only=True):
    """Ask one holder to come on `day` (the city's), told not before `due_at`: the house keeps quiet at night."""

    nudge_id: UUID
    member_id: UUID
    merchant_id: UUID
    offer_id: UUID
    voucher_id: UUID
    day: date
    by: UUID
    due_at: datetime


async def nudge(tx: Tx, nudges: Sequence[Nudge], *, city_id: int, now: datetime) -> list[bool]:
    """Keep nudges to be told; for each whether it will be: False for a member who was (or will be) asked MOST_NUDGES
    times within NUDGE_DAYS days in this city. Two in one set for the same member: the first one.

    Concurrent sets wait for each other, member by member, so two managers cannot ask the same guest twice.
    """
    first: dict[UUID, Nudge] = {}
    for one in nudges:
        first.setdefault(one.member_id, one)
    asked = list(first.values())
    await tx.run(
        """select pg_advisory_xact_lock(4874029, hashtext(m::text || %(city)s::text))
           from unnest(%(members)s::uuid[]) m order by hashtext(m::text || %(city)s::text)""",
        city=city_id,
        members=sorted(first),
    )
    rows = await tx.rows(
        """insert into insight.nudges (city_id, nudge_id, member_id, merchant_id, offer_id, voucher_id, day, by, due_at)
           select %(city)s, g.* from unnest(
             %(ids)s::uuid[], %(members)s::uuid[], %(merchants)s::uuid[], %(offers)s::uuid[], %(vouchers)s::uuid[],
             %(days)s::date[], %(bys)s::uuid[], %(due)s::timestamptz[])
             as g (nudge_id, member_id, merchant_id, offer_id, voucher_id, day, by, due_at)
           where (select count(*) from insight.nudges n
                  where n.city_id = %(city)s and n.member_id = g.member_id and n.due_at > %(since)s) < %(most)s
           order by g.nudge_id
           on conflict (city_id, nudge_id) do nothing returning nudge_id""",
        city=city_id, ids=[n.nudge_id for n in asked], members=[n.member_id for n in asked],
        merchants=[n.merchant_id for n in asked], offers=[n.offer_id for n in asked],
        vouchers=[n.voucher_id for n in asked], days=[n.day for n in asked], bys=[n.by for n in asked],
        due=[n.due_at for n in asked], since=now - timedelta(days=NUDGE_DAYS), most=MOST_NUDGES,
    )  # fmt: skip
    kept = {row["nudge_id"] for row in rows}
    return [one.nudge_id in kept for one in nudges]


async def told(tx: Tx, nudge_ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[bool]:
    """These went out; for each whether it was not marked before."""
    rows = await tx.rows(
        """update insight.nudges set told_at = greatest(%(now)s, due_at)
           where city_id = %(city)s and nudge_id = any(%(ids)s::uuid[]) and told_at is null returning nudge_id""",
        city=city_id,
        ids=sorted(set(nudge_ids)),
        now=now,
    )
    marked = {row["nudge_id"] for row in rows}
    return [one in marked for one in nudge_ids]
