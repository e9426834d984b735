"""Callbacks are stored first and understood afterwards: nothing a provider tells us is lost (K13, K14)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.payments.model import ASK_AGAIN, CALL_LEASE
from hutong.payments.port import ProviderEvent


class Received(Struct, frozen=True, kw_only=True):
    """The event is stored. `new`: it came for the first time."""

    event_id: str
    new: bool


async def receive(tx: Tx, events: Sequence[ProviderEvent], *, city_id: int, now: datetime) -> list[Received]:
    """Store callbacks whose signature holds, each once; then the provider may be answered with success.

    Storing is not understanding: settle does that, in this transaction or later, and only then is an event applied.
    """
    first = {(e.provider, e.event_id): e for e in reversed(events)}
    ordered = [first[key] for key in sorted(first)]
    rows = await tx.rows(
        """insert into payments.events (city_id, provider, event_id, kind, number, provider_no, units, asset, failure,
                                        at, body, received_at, next_at, tries)
           select %(city)s, e.provider, e.event_id, e.kind, e.number, e.provider_no, e.units, e.asset, e.failure, e.at,
                  e.body, %(now)s, %(next)s, 0
           from (select unnest(%(providers)s::text[]) as provider, unnest(%(ids)s::text[]) as event_id,
                        unnest(%(kinds)s::text[]) as kind, unnest(%(numbers)s::text[]) as number,
                        unnest(%(theirs)s::text[]) as provider_no, unnest(%(units)s::bigint[]) as units,
                        unnest(%(assets)s::text[]) as asset, unnest(%(failures)s::text[]) as failure,
                        unnest(%(ats)s::timestamptz[]) as at, unnest(%(bodies)s::bytea[]) as body) as e
           on conflict (city_id, provider, event_id) do nothing
           returning provider, event_id""",
        city=city_id,
        now=now,
        next=now + timedelta(seconds=ASK_AGAIN[0]),
        providers=[e.provider for e in ordered],
        ids=[e.event_id for e in ordered],
        kinds=[e.kind for e in ordered],
        numbers=[e.number for e in ordered],
        theirs=[e.provider_no for e in ordered],
        units=[e.amount.units for e in ordered],
        assets=[e.amount.asset for e in ordered],
        failures=[e.failure for e in ordered],
        ats=[e.at for e in ordered],
        bodies=[e.body for e in ordered],
    )
    new = {(row["provider"], row["event_id"]) for row in rows}
    results = []
    for event in events:
        key = (event.provider, event.event_id)
        results.append(Received(event_id=event.event_id, new=key in new))
        new.discard(key)
    return results


async def claim_events(tx: Tx, *, city_id: int, now: datetime, limit: int = 200) -> list[ProviderEvent]:
    """Stored events that nobody has applied yet and whose time has come, for this caller alone for a while.

    An event about a payment that is not committed yet comes again and again until it is (K14).
    """
    rows = await tx.rows(
        """with due as (
             select provider, event_id from payments.events
             where city_id = %(city)s and next_at <= %(now)s
             order by next_at limit %(limit)s for no key update skip locked
           )
           update payments.events e
           set tries = e.tries + 1,
               next_at = %(now)s + make_interval(secs => (%(steps)s::int[])[least(e.tries + 2, %(last)s)])
           from due where e.city_id = %(city)s and e.provider = due.provider and e.event_id = due.event_id
           returning e.*""",
        city=city_id,
        now=now,
        limit=limit,
        steps=[max(step, int(CALL_LEASE.total_seconds())) for step in ASK_AGAIN],
        last=len(ASK_AGAIN),
    )
    return [
        ProviderEvent(
            provider=row["provider"],
            event_id=row["event_id"],
            kind=row["kind"],
            number=row["number"],
            provider_no=row["provider_no"],
            amount=Amount(row["units"], row["asset"]),
            at=row["at"],
            body=row["body"],
            failure=row["failure"],
        )
        for row in sorted(rows, key=lambda row: (row["received_at"], row["event_id"]))
    ]
