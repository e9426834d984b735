"""Reading the log of messages."""

from collections.abc import Sequence
from datetime import datetime

from hutong.infra.db import Tx
from hutong.messages.model import SentMessage, recipient_of


async def sent_to(
    tx: Tx, phone: str, *, secret: bytes, since: datetime, templates: Sequence[str] | None = None
) -> list[SentMessage]:
    """What was sent to a number since then, oldest first, at most 200. For the support and for proof."""
    rows = await tx.rows(
        """select message_id, tail, template, language, facts, queued_at, status, settled_at, provider, reference,
                  reason
           from messages.sent
           where recipient = %(recipient)s and queued_at >= %(since)s
             and (%(templates)s::text[] is null or template = any(%(templates)s::text[]))
           order by queued_at, message_id limit 200""",
        recipient=recipient_of(secret, phone),
        since=since,
        templates=None if templates is None else list(templates),
    )
    return [SentMessage(**row) for row in rows]
