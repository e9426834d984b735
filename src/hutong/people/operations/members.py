"""A member's own words, and what is thrown away in time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hutong.infra.db import Tx
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.people.model import EditMember, Member, language_of
from hutong.people.queries import members

NAME_MAX = 60


async def edit_members(tx: Tx, requests: Sequence[EditMember]) -> list[Member | Refusal]:
    """Change names and languages; the last one of two edits of one member counts.

    Refusals: BadInput for a name over 60 characters, NotFound. Placement: the member's own shard.
    """
    sound = {r.member_id: r for r in requests if len((r.name or "").strip()) <= NAME_MAX}
    ids = sorted(sound)
    await tx.run(
        """update people.members as m set name = coalesce(w.name, m.name), language = coalesce(w.language, m.language)
           from unnest(%(ids)s::uuid[], %(names)s::text[], %(languages)s::text[]) as w (member_id, name, language)
           where m.member_id = w.member_id and m.status = 'active'""",
        ids=ids,
        names=[None if (name := sound[i].name) is None else " ".join(name.split()) for i in ids],
        languages=[None if (words := sound[i].language) is None else language_of(words) for i in ids],
    )
    found = await members(tx, ids)
    return [
        BadInput(field="name", why=f"≤ {NAME_MAX}")
        if len((r.name or "").strip()) > NAME_MAX
        else found.get(r.member_id) or NotFound()
        for r in requests
    ]


async def forget(tx: Tx, *, now: datetime) -> dict[str, int]:
    """Delete codes and challenges a day after their end, copies after a week, sessions 90 days after theirs.

    How many rows went, by table.
    """
    codes = await tx.run(
        "delete from people.codes where expires_at < %(before)s",
        before=now - timedelta(days=1),
    )
    sessions = await tx.run(
        "delete from people.sessions where coalesce(ended_at, expires_at) < %(before)s",
        before=now - timedelta(days=90),
    )
    challenges = await tx.run(
        "delete from people.challenges where expires_at < %(before)s", before=now - timedelta(days=1)
    )
    exports = await tx.run("delete from people.exports where expires_at < %(before)s", before=now - timedelta(days=7))
    return {"codes": codes, "sessions": sessions, "challenges": challenges, "exports": exports}
