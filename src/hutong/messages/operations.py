"""The log around a message: the intent before the provider is called, the result after it."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.kit.masks import phone_tail
from hutong.kit.refusals import Refusal
from hutong.messages.model import Accepted, Delivered, OutgoingSms, Send, UnknownTemplate, compose
from hutong.messages.templates import templates


async def queue(tx: Tx, requests: Sequence[Send], *, secret: bytes, now: datetime) -> list[OutgoingSms | Refusal]:
    """Write the intent of each message and hand back what to `deliver` after the commit.

    Refusals: UnknownTemplate, BadFacts (the words speak of something that was not said). A message that is queued
    already is handed back again; the provider sends it once by its id. Central: use `db.central()`.
    """
    known = templates()
    results: list[OutgoingSms | Refusal] = [
        compose(request, known[request.template], secret=secret)
        if request.template in known
        else UnknownTemplate(template=request.template)
        for request in requests
    ]
    good = [result for result in results if isinstance(result, OutgoingSms)]
    await tx.run(
        """insert into messages.sent (recipient, message_id, tail, template, language, facts, queued_at, status)
           select recipient, message_id, tail, template, language, facts, %(now)s, 'queued'
           from unnest(%(recipients)s::bytea[], %(ids)s::uuid[], %(tails)s::text[], %(templates)s::text[],
                       %(languages)s::text[], %(facts)s::jsonb[])
                as w (recipient, message_id, tail, template, language, facts)
           order by recipient, message_id
           on conflict (recipient, message_id) do nothing""",
        recipients=[m.recipient for m in good],
        ids=[m.message_id for m in good],
        tails=[phone_tail(m.phone) for m in good],
        templates=[m.template for m in good],
        languages=[m.language for m in good],
        facts=[Jsonb({k: v for k, v in m.facts.items() if k not in known[m.template].secret}) for m in good],
        now=now,
    )
    return results


async def note(tx: Tx, results: Sequence[Delivered], *, now: datetime) -> int:
    """Write what became of messages; how many rows changed.

    What was accepted or rejected stays so; an unknown one may become known later. Central: use `db.central()`.
    """
    rows = {(r.message.recipient, r.message.message_id): r for r in results}
    keys = sorted(rows)
    ordered = [rows[key] for key in keys]
    return await tx.run(
        """update messages.sent as s
           set status = w.status, provider = w.provider, reference = w.reference, reason = w.reason,
               settled_at = %(now)s
           from unnest(%(recipients)s::bytea[], %(ids)s::uuid[], %(statuses)s::text[], %(providers)s::text[],
                       %(references)s::text[], %(reasons)s::text[])
                as w (recipient, message_id, status, provider, reference, reason)
           where s.recipient = w.recipient and s.message_id = w.message_id and s.status in ('queued', 'unknown')""",
        recipients=[key[0] for key in keys],
        ids=[key[1] for key in keys],
        statuses=[type(r.outcome).__name__.lower() for r in ordered],
        providers=[r.provider for r in ordered],
        references=[r.outcome.reference if isinstance(r.outcome, Accepted) else None for r in ordered],
        reasons=[None if isinstance(r.outcome, Accepted) else r.outcome.reason for r in ordered],
        now=now,
    )
