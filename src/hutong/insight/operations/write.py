"""What rounds found out: verdicts on deals, and days on which more may come than can be served."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.insight.model import Sheet, rank
from hutong.insight.waves import Alert


async def write_sheets(tx: Tx, sheets: Sequence[Sheet], *, city_id: int, now: datetime) -> list[bool]:
    """Keep the verdicts of these sheets in place of older ones; an older day never replaces a newer one."""
    rows = await tx.rows(
        """insert into insight.sheets as s (city_id, offer_id, merchant_id, verdict, rank, guests, new, known, back,
                                            days, day, made_at)
           select %(city)s, g.*, %(now)s
           from unnest(%(offers)s::uuid[], %(merchants)s::uuid[], %(verdicts)s::text[], %(ranks)s::int[],
                       %(guests)s::int[], %(new)s::int[], %(known)s::int[], %(back)s::int[], %(days)s::int[],
                       %(day)s::date[]) as g (offer_id, merchant_id, verdict, rank, guests, new, known, back, days, day)
           order by g.offer_id
           on conflict (city_id, offer_id) do update
           set verdict = excluded.verdict, rank = excluded.rank, guests = excluded.guests, new = excluded.new,
               known = excluded.known, back = excluded.back, days = excluded.days, day = excluded.day,
               made_at = excluded.made_at
           where s.made_at <= excluded.made_at returning offer_id""",
        city=city_id, now=now, offers=[s.offer_id for s in sheets], merchants=[s.merchant_id for s in sheets],
        verdicts=[s.verdict for s in sheets], ranks=[rank(s) for s in sheets], guests=[s.guests for s in sheets],
        new=[s.new for s in sheets], known=[s.judged.rate.of for s in sheets],
        back=[s.judged.rate.hits for s in sheets], days=[s.judged.days for s in sheets], day=[s.day for s in sheets],
    )  # fmt: skip
    there = {row["offer_id"] for row in rows}
    return [sheet.offer_id in there for sheet in sheets]


async def write_alerts(
    tx: Tx, alerts: Sequence[Alert | None], *, merchants: Sequence[UUID], city_id: int, now: datetime
) -> list[bool]:
    """The alert of each merchant, or None where there is no danger (any more): for each whether one stands now."""
    calm = [merchant for merchant, alert in zip(merchants, alerts, strict=True) if alert is None]
    await tx.run(
        "delete from insight.alerts where city_id = %(city)s and merchant_id = any(%(calm)s::uuid[])",
        city=city_id,
        calm=sorted(calm),
    )
    loud = [alert for alert in alerts if alert is not None]
    await tx.run(
        """insert into insight.alerts as a (city_id, merchant_id, level, day, excess, outstanding, at)
           select %(city)s, g.*, %(now)s
           from unnest(%(merchants)s::uuid[], %(levels)s::int[], %(days)s::date[], %(excess)s::int[],
                       %(out)s::int[]) as g (merchant_id, level, day, excess, outstanding)
           order by g.merchant_id
           on conflict (city_id, merchant_id) do update
           set level = excluded.level, day = excluded.day, excess = excluded.excess,
               outstanding = excluded.outstanding, at = excluded.at""",
        city=city_id, now=now, merchants=[a.merchant_id for a in loud], levels=[a.level for a in loud],
        days=[a.day for a in loud], excess=[a.excess for a in loud], out=[a.outstanding for a in loud],
    )  # fmt: skip
    return [alert is not None for alert in alerts]
