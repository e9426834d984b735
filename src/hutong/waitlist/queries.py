"""Reads: the member's own entries and his place, what a merchant's deals are waited for, and calls for the desk."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.waitlist.model import Call, Choice, Demand, Entry, Place, token_hash

COLUMNS = """e.city_id, e.entry_id, e.member_id, e.units, e.first, e.last, e.state, e.joined_at, e.since, e.calls,
             e.ended_at, e.why"""
_CALL = """c.call_id, c.entry_id, c.member_id, c.offer_id, c.hold_id, c.units, c.state, c.made_at, c.expires_at,
           c.ended_at"""


async def with_choices(tx: Tx, rows: Sequence[dict[str, Any]], *, city_id: int) -> list[Entry]:
    """Rows of entries as values, with the deals that would do in the order of their wish."""
    if not rows:
        return []
    found = await tx.rows(
        """select c.entry_id, c.offer_id, c.quota_id, c.merchant_id from waitlist.choices c
           where c.city_id = %(city)s and c.entry_id = any(%(ids)s::uuid[]) order by c.entry_id, c.position""",
        city=city_id, ids=[row["entry_id"] for row in rows],
    )  # fmt: skip
    choices: dict[UUID, list[Choice]] = {}
    for one in found:
        choices.setdefault(one.pop("entry_id"), []).append(Choice(**one))
    return [msgspec.convert(row | {"choices": tuple(choices.get(row["entry_id"], ()))}, Entry) for row in rows]


async def of_member(
    tx: Tx, member_id: UUID, *, city_id: int, limit: int = 50, entry_id: UUID | None = None
) -> list[Entry]:
    """The member's own entries in this city, living ones first, then the latest; only this one, when it is named."""
    rows = await tx.rows(
        f"""select {COLUMNS} from waitlist.entries e where e.city_id = %(city)s and e.member_id = %(member)s
              and (%(entry)s::uuid is null or e.entry_id = %(entry)s)
            order by e.state not in ('called', 'waiting'), e.joined_at desc, e.entry_id limit %(limit)s""",
        city=city_id, member=member_id, limit=limit, entry=entry_id,
    )  # fmt: skip
    return await with_choices(tx, rows, city_id=city_id)


async def by_token(tx: Tx, token: bytes, *, city_id: int) -> Entry | None:
    """The entry of the link of a message, for whoever has it."""
    rows = await tx.rows(
        f"select {COLUMNS} from waitlist.entries e where e.city_id = %(city)s and e.token_hash = %(hash)s",
        city=city_id, hash=token_hash(token),
    )  # fmt: skip
    return next(iter(await with_choices(tx, rows, city_id=city_id)), None)


async def waits_for(tx: Tx, member_id: UUID, offer_id: UUID, *, city_id: int) -> Entry | None:
    """The member's living entry for this deal."""
    rows = await tx.rows(
        f"""select {COLUMNS} from waitlist.choices c
            join waitlist.entries e on e.city_id = %(city)s and e.entry_id = c.entry_id
            where c.city_id = %(city)s and c.offer_id = %(offer)s and c.member_id = %(member)s and c.live""",
        city=city_id, offer=offer_id, member=member_id,
    )  # fmt: skip
    return next(iter(await with_choices(tx, rows, city_id=city_id)), None)


async def places_of(tx: Tx, entry_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[UUID, Place]]:
    """Where entries stand, by entry and deal: who waits before them, and for how many units."""
    rows = await tx.rows(
        """select m.entry_id, c.offer_id, count(o.entry_id)::int as before, coalesce(sum(o.units), 0)::int as units
           from waitlist.entries m
           join waitlist.choices c on c.city_id = %(city)s and c.entry_id = m.entry_id
           left join waitlist.choices d on d.city_id = %(city)s and d.offer_id = c.offer_id and d.live
             and d.entry_id <> m.entry_id
           left join waitlist.entries o on o.city_id = %(city)s and o.entry_id = d.entry_id
             and (o.since, o.entry_id) < (m.since, m.entry_id)
           where m.city_id = %(city)s and m.entry_id = any(%(ids)s::uuid[])
           group by m.entry_id, c.offer_id""",
        city=city_id, ids=list(entry_ids),
    )  # fmt: skip
    found: dict[UUID, dict[UUID, Place]] = {}
    for row in rows:
        found.setdefault(row["entry_id"], {})[row["offer_id"]] = Place(row["before"], row["units"])
    return found


async def open_calls(tx: Tx, entry_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Call]:
    """The calls that these entries have at this moment."""
    rows = await tx.rows(
        f"""select {_CALL} from waitlist.calls c
            where c.city_id = %(city)s and c.entry_id = any(%(ids)s::uuid[]) and c.state = 'open'""",
        city=city_id, ids=list(entry_ids),
    )  # fmt: skip
    return {row["entry_id"]: msgspec.convert(row, Call) for row in rows}


async def last_call(tx: Tx, entry_id: UUID, *, city_id: int) -> Call | None:
    """The latest call that an entry had, whatever became of it: so a second try of the same tap finds its order."""
    row = await tx.row(
        f"""select {_CALL} from waitlist.calls c where c.city_id = %(city)s and c.entry_id = %(entry)s
            order by c.made_at desc, c.call_id desc limit 1""",
        city=city_id, entry=entry_id,
    )  # fmt: skip
    return None if row is None else msgspec.convert(row, Call)


async def call_with_secret(tx: Tx, call_id: UUID, *, city_id: int) -> tuple[Call, bytes] | None:
    """A call and the secret of its entry, from which the leave link follows. For the desk that tells the member."""
    row = await tx.row(
        f"""select {_CALL}, e.secret from waitlist.calls c
            join waitlist.entries e on e.city_id = %(city)s and e.entry_id = c.entry_id
            where c.city_id = %(city)s and c.call_id = %(id)s""",
        city=city_id, id=call_id,
    )  # fmt: skip
    return None if row is None else (msgspec.convert(row, Call, strict=False), bytes(row["secret"]))


async def line_of(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Demand]:
    """How long the line for these deals is; whoever may see a deal may see that. Those without one are left out."""
    rows = await tx.rows(
        """select c.offer_id, count(*)::int as entries, sum(e.units)::int as units,
                  count(*) filter (where e.state = 'called')::int as called, min(e.since) as first_since
           from waitlist.choices c
           join waitlist.entries e on e.city_id = %(city)s and e.entry_id = c.entry_id
           where c.city_id = %(city)s and c.offer_id = any(%(ids)s::uuid[]) and c.live group by c.offer_id""",
        city=city_id, ids=list(offer_ids),
    )  # fmt: skip
    return {row["offer_id"]: Demand(**row) for row in rows}


async def demand(tx: Tx, scope: Scope, *, city_id: int) -> list[Demand]:
    """What waits for the deals within the scope, most units first: how much more could be sold."""
    allowed, params = scope.sql(city="c.city_id", merchant="c.merchant_id")
    rows = await tx.rows(
        f"""select c.offer_id, count(*)::int as entries, sum(e.units)::int as units,
                   count(*) filter (where e.state = 'called')::int as called, min(e.since) as first_since
            from waitlist.choices c
            join waitlist.entries e on e.city_id = %(city)s and e.entry_id = c.entry_id
            where c.city_id = %(city)s and {allowed} and c.live
            group by c.offer_id order by units desc, c.offer_id""",
        city=city_id, **params,
    )  # fmt: skip
    return [Demand(**row) for row in rows]
