"""How partners are locked, and get into their tables with their history."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import to_builtins
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.programmes import queries
from hutong.programmes.model import Partner


async def where_they_are(
    tx: Tx, partner_ids: Sequence[UUID]
) -> tuple[dict[tuple[UUID, UUID], Partner], dict[UUID, UUID]]:
    """The rows of these merchants, locked, by (programme, merchant), and the programme in which each is now."""
    queries.forget(tx)
    rows = await tx.rows(
        f"""{queries.PARTNERS} where p.partner_id = any(%(ids)s::uuid[])
            order by p.programme_id, p.partner_id for no key update""",
        ids=sorted(set(partner_ids)),
    )
    there = {(row["programme_id"], row["partner_id"]): queries.partner_row(row) for row in rows}
    return there, {key[1]: key[0] for key, one in there.items() if one.state != "left"}


async def write_partners(
    tx: Tx, rows: Sequence[Partner], *, by: UUID | None, reason: str, now: datetime
) -> None:  # fmt: skip
    """The last state of each, and a line of history for each."""
    if not rows:
        return
    last = {(one.programme_id, one.partner_id): one for one in rows}
    values = [last[key] for key in sorted(last)]
    await tx.run(
        """insert into programmes.partners as p (programme_id, partner_id, name, home_city, mode, accrues, redeems,
             rate, redemption_bps, limit_units, alert_units, charity, state, joined_at, left_at, version)
           select n.* from unnest(%(programmes)s::uuid[], %(ids)s::uuid[], %(names)s::jsonb[], %(cities)s::int[],
             %(modes)s::text[], %(accrues)s::boolean[], %(redeems)s::boolean[], %(rates)s::jsonb[], %(bps)s::int[],
             %(limits)s::bigint[], %(alerts)s::bigint[], %(charity)s::boolean[], %(states)s::text[],
             %(joined)s::timestamptz[],
             %(gone)s::timestamptz[], %(versions)s::int[])
             as n(programme_id, partner_id, name, home_city, mode, accrues, redeems, rate, redemption_bps, limit_units,
                  alert_units, charity, state, joined_at, left_at, version)
           on conflict (programme_id, partner_id) do update set name = excluded.name, home_city = excluded.home_city,
             mode = excluded.mode, accrues = excluded.accrues, redeems = excluded.redeems, rate = excluded.rate,
             redemption_bps = excluded.redemption_bps, limit_units = excluded.limit_units,
             alert_units = excluded.alert_units, charity = excluded.charity, state = excluded.state,
             joined_at = excluded.joined_at,
             left_at = excluded.left_at, version = excluded.version""",
        programmes=[p.programme_id for p in values], ids=[p.partner_id for p in values],
        names=[Jsonb(p.name) for p in values], cities=[p.home_city for p in values], modes=[p.mode for p in values],
        accrues=[p.accrues for p in values], redeems=[p.redeems for p in values],
        rates=[None if p.rate is None else Jsonb(p.rate) for p in values], bps=[p.redemption_bps for p in values],
        limits=[p.limit_units for p in values], alerts=[p.alert_units for p in values],
        charity=[p.charity for p in values],
        states=[p.state for p in values], joined=[p.joined_at for p in values], gone=[p.left_at for p in values],
        versions=[p.version for p in values],
    )  # fmt: skip
    await tx.run(
        """insert into programmes.partner_changes (programme_id, partner_id, version, at, by, reason, after)
           select n.programme_id, n.partner_id, n.version, %(now)s, %(by)s, %(reason)s, n.after
             from unnest(%(programmes)s::uuid[], %(ids)s::uuid[], %(versions)s::int[], %(afters)s::jsonb[])
               as n(programme_id, partner_id, version, after)
           on conflict (programme_id, partner_id, version) do nothing""",
        now=now, by=by, reason=reason, programmes=[p.programme_id for p in rows], ids=[p.partner_id for p in rows],
        versions=[p.version for p in rows], afters=[Jsonb(to_builtins(p)) for p in rows],
    )  # fmt: skip
