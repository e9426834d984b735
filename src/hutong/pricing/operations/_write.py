"""How promotions get into their tables: locked in one sorted go, then rows, history and facts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, to_builtins
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.pricing import shelf
from hutong.pricing.queries import LIVE, live_of_row
from hutong.pricing.stored import Live

TOPICS = {"published": "live", "resumed": "live", "paused": "paused", "ended": "ended"}


class Entry(Struct, frozen=True):
    """One step of one promotion: what was done by whom and why, and its row afterwards."""

    what: str
    by: UUID | None
    reason: str
    row: dict[str, Any]


async def locked(tx: Tx, ids: Iterable[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    """The rows of promotions, locked in the order of their ids until the transaction ends. Waits for the orders that
    hold something of them at this moment, and lets none begin."""
    rows = await tx.rows(
        f"{LIVE} and p.promotion_id = any(%(ids)s::uuid[]) order by p.promotion_id for no key update of p",
        city=city_id,
        ids=sorted(set(ids)),
    )
    return {row["promotion_id"]: row for row in rows}


async def write(tx: Tx, entries: Sequence[Entry], *, city_id: int, now: datetime) -> list[Live]:
    """Write the promotions as their entries say, their histories, and a fact for each change of state."""
    if not entries:
        return []
    shelf.forget(tx, city_id=city_id, now=now)
    rows = [entry.row for entry in entries]
    await tx.run(
        """insert into pricing.promotions as p
             (city_id, promotion_id, merchant_id, version, state, trigger, template, name, rule, starts_at, ends_at,
              use_until, forecast_units, stopped_why, made_by, made_at, changed_at)
           select %(city)s, n.*, %(now)s
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(versions)s::int[], %(states)s::text[],
                       %(triggers)s::text[], %(templates)s::text[], %(names)s::jsonb[], %(rules)s::jsonb[],
                       %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(untils)s::timestamptz[],
                       %(forecasts)s::bigint[], %(whys)s::text[], %(makers)s::uuid[], %(made)s::timestamptz[])
             as n(promotion_id, merchant_id, version, state, trigger, template, name, rule, starts_at, ends_at,
                  use_until, forecast_units, stopped_why, made_by, made_at)
           order by n.promotion_id
           on conflict (city_id, promotion_id) do update set
             version = excluded.version, state = excluded.state, trigger = excluded.trigger,
             template = excluded.template, name = excluded.name, rule = excluded.rule, starts_at = excluded.starts_at,
             ends_at = excluded.ends_at, use_until = excluded.use_until, forecast_units = excluded.forecast_units,
             stopped_why = excluded.stopped_why, changed_at = excluded.changed_at""",
        city=city_id, now=now, ids=[r["promotion_id"] for r in rows], merchants=[r["merchant_id"] for r in rows],
        versions=[r["version"] for r in rows], states=[r["state"] for r in rows],
        triggers=[r["trigger"] for r in rows], templates=[r["template"] for r in rows],
        names=[Jsonb(r["name"]) for r in rows], rules=[Jsonb(r["rule"]) for r in rows],
        starts=[r["starts_at"] for r in rows], ends=[r["ends_at"] for r in rows],
        untils=[r["use_until"] for r in rows], forecasts=[r["forecast_units"] for r in rows],
        whys=[r["stopped_why"] for r in rows], makers=[r["made_by"] for r in rows], made=[r["made_at"] for r in rows],
    )  # fmt: skip
    await _keep_history(tx, entries, city_id=city_id, now=now)
    return [live_of_row(row) for row in rows]


async def _keep_history(tx: Tx, entries: Sequence[Entry], *, city_id: int, now: datetime) -> None:
    rows = [entry.row for entry in entries]
    await tx.run(
        """insert into pricing.changes (city_id, promotion_id, version, what, state, by, at, reason, after)
           select %(city)s, n.promotion_id, n.version, n.what, n.state, n.by, %(now)s, n.reason, n.after
           from unnest(%(ids)s::uuid[], %(versions)s::int[], %(whats)s::text[], %(states)s::text[], %(bys)s::uuid[],
                       %(reasons)s::text[], %(afters)s::jsonb[])
             as n(promotion_id, version, what, state, by, reason, after)""",
        city=city_id, now=now, ids=[r["promotion_id"] for r in rows], versions=[r["version"] for r in rows],
        whats=[e.what for e in entries], states=[r["state"] for r in rows], bys=[e.by for e in entries],
        reasons=[e.reason for e in entries], afters=[Jsonb(_after(r)) for r in rows],
    )  # fmt: skip
    await tx.record([_fact(e, city_id, now) for e in entries if e.what in TOPICS])


def _after(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("name", "rule", "starts_at", "ends_at", "use_until", "forecast_units", "stopped_why", "budgets")
    return {name: to_builtins(row.get(name)) for name in kept}


def _fact(entry: Entry, city_id: int, now: datetime) -> Fact:
    row, topic = entry.row, f"pricing.promotion_{entry.what}"
    payload = {
        "merchant": None if row["merchant_id"] is None else str(row["merchant_id"]), "trigger": row["trigger"],
        "reason": entry.reason, "by": None if entry.by is None else str(entry.by), "name": row["name"],
    }  # fmt: skip
    return Fact(
        fact_id=derive(row["promotion_id"], f"{topic}/{row['version']}"), city_id=city_id, topic=topic,
        subject=row["promotion_id"], payload=payload, at=now,
    )  # fmt: skip
