"""The inbox: what members find under "messages". One row for each thing that happened, its id follows from that."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx

# What can be told. A page finds the words by the kind; `facts` fill them.
KINDS = (
    "order_paid", "voucher_used", "use_undone", "refund_done", "refund_failed", "deal_failed", "deal_tipped",
    "expiring", "passkey_added", "passkey_removed", "phone_changed", "export_made", "leaving", "stays",
    "extended", "come_early", "gift_received", "gift_accepted", "gift_returned", "place_free",
    "campaign_stopped", "coupon_received",
    "shop_closed", "card_spent", "card_back", "team_ending", "ladder_back",
    "clearing_ready", "clearing_over_limit", "clearing_decided",
    "application_approved", "application_returned", "application_rejected", "parcel_sent", "parcel_arrived",
    "new_store_open", "new_store_returned", "review_ask",
)  # fmt: skip


class Tell(Struct, frozen=True, kw_only=True):
    """Tell a member something. `message_id` follows from what happened, so telling it twice is telling it once.

    `facts`: what the words of the kind speak of; texts in both languages as {"zh": ..., "en": ...}. `subject` with
    `city_id`: the order or voucher that it is about.
    """

    member_id: UUID
    message_id: UUID
    kind: str
    facts: dict[str, Any] = {}
    city_id: int | None = None
    subject: UUID | None = None


class InboxMessage(Struct, frozen=True, kw_only=True):
    """A line of a member's inbox."""

    message_id: UUID
    kind: str
    facts: dict[str, Any]
    city_id: int | None
    subject: UUID | None
    at: datetime
    read_at: datetime | None


async def tell(tx: Tx, requests: Sequence[Tell], *, now: datetime) -> list[bool]:
    """Put each into its member's inbox; for each whether it was new. Placement: the members' own shards."""
    for request in requests:
        if request.kind not in KINDS:
            raise ValueError(f"nobody wrote words for {request.kind!r}")
    rows = await tx.rows(
        """insert into messages.inbox (member_id, message_id, kind, facts, city_id, subject, at)
           select member_id, message_id, kind, facts, city_id, subject, %(now)s
           from unnest(%(members)s::uuid[], %(ids)s::uuid[], %(kinds)s::text[], %(facts)s::jsonb[], %(cities)s::int[],
                       %(subjects)s::uuid[])
                as w (member_id, message_id, kind, facts, city_id, subject)
           order by member_id, message_id
           on conflict (member_id, message_id) do nothing
           returning message_id""",
        members=[r.member_id for r in requests],
        ids=[r.message_id for r in requests],
        kinds=[r.kind for r in requests],
        facts=[Jsonb(r.facts) for r in requests],
        cities=[r.city_id for r in requests],
        subjects=[r.subject for r in requests],
        now=now,
    )
    new = {row["message_id"] for row in rows}
    return [r.message_id in new for r in requests]


async def mark_read(tx: Tx, member_ids: Sequence[UUID], *, now: datetime) -> int:
    """All that is in these members' inboxes is read now; how many were not. Placement: the members' own shards."""
    return await tx.run(
        """update messages.inbox set read_at = greatest(%(now)s, at)
           where member_id = any(%(members)s::uuid[]) and read_at is null""",
        members=sorted(set(member_ids)),
        now=now,
    )


async def empty(tx: Tx, member_ids: Sequence[UUID]) -> int:
    """Take the inboxes of members who left away; how many messages went."""
    return await tx.run(
        "delete from messages.inbox where member_id = any(%(members)s::uuid[])", members=sorted(set(member_ids))
    )


async def inbox_of(tx: Tx, member_id: UUID, *, after: UUID | None = None, limit: int = 20) -> list[InboxMessage]:
    """A page of the member's own inbox, newest first; `after`: the last message of the page before."""
    rows = await tx.rows(
        """select message_id, kind, facts, city_id, subject, at, read_at from messages.inbox
           where member_id = %(member)s
             and (%(after)s::uuid is null or (at, message_id) < (
               select a.at, a.message_id from messages.inbox a
               where a.member_id = %(member)s and a.message_id = %(after)s))
           order by at desc, message_id desc limit %(limit)s""",
        member=member_id,
        after=after,
        limit=limit,
    )
    return [InboxMessage(**row) for row in rows]


async def unread(tx: Tx, member_id: UUID) -> int:
    """How many messages the member has not seen; counted up to 100."""
    return await tx.value(
        """select count(*) from (
             select 1 from messages.inbox where member_id = %(member)s and read_at is null limit 100) as few""",
        member=member_id,
    )


async def told_since(tx: Tx, member_ids: Sequence[UUID], *, kind: str, since: datetime) -> set[UUID]:
    """Which of these members were told something of this kind since then. Placement: the members' own shards."""
    rows = await tx.rows(
        """select distinct member_id from messages.inbox
           where member_id = any(%(members)s::uuid[]) and kind = %(kind)s and at >= %(since)s""",
        members=sorted(set(member_ids)), kind=kind, since=since,
    )  # fmt: skip
    return {row["member_id"] for row in rows}


async def mark(tx: Tx, name: str, *, city_id: int) -> datetime | None:
    """How far the round of this name has come in a city; None before its first turn."""
    return await tx.value(
        "select at from messages.marks where city_id = %(city)s and name = %(name)s", city=city_id, name=name
    )


async def set_mark(tx: Tx, name: str, at: datetime, *, city_id: int) -> None:
    """The round has come so far. It never goes back."""
    await tx.run(
        """insert into messages.marks as m (city_id, name, at) values (%(city)s, %(name)s, %(at)s)
           on conflict (city_id, name) do update set at = greatest(m.at, excluded.at)""",
        city=city_id,
        name=name,
        at=at,
    )
