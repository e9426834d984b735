"""The alarm: what spends three times what was expected within five minutes is stopped, recorded, and told (K2)."""

from datetime import datetime, timedelta

from hutong.infra.db import Tx
from hutong.pricing.operations.steps import pause
from hutong.pricing.queries import burn_key
from hutong.pricing.stored import ALARM_TIMES, BURN, Burnt, Live, PromotionStep

ALARM = "burn_alarm"  # why it is stopped; people read it as a sentence of the pages' words


async def alarm(tx: Tx, *, city_id: int, now: datetime, limit: int = 100) -> list[Burnt]:
    """Pause what burns too fast in this or the last five minutes; those that were paused.

    Until the alarm comes round, `hold` itself refuses what is over the line: what is lost is bounded by three times the
    forecast and one order. A promotion without a forecast is bounded by its budget alone.
    """
    keys = [burn_key(now), burn_key(now - timedelta(minutes=5))]
    rows = await tx.rows(
        """select p.promotion_id, p.forecast_units, max(c.held_units + c.spent_units) as units
           from pricing.promotions p
           join pricing.counters c on c.city_id = %(city)s and c.promotion_id = p.promotion_id
             and c.attribute = %(burn)s and c.key = any(%(keys)s::text[])
           where p.city_id = %(city)s and p.state = 'live' and p.forecast_units is not null
             and c.held_units + c.spent_units > %(times)s * p.forecast_units
             and not exists (select 1 from pricing.changes h
                             where h.city_id = %(city)s and h.promotion_id = p.promotion_id and h.what = 'resumed'
                               and h.at >= c.key::timestamptz)
           group by p.promotion_id, p.forecast_units order by p.promotion_id limit %(limit)s""",
        city=city_id, burn=BURN, keys=keys, times=ALARM_TIMES, limit=limit,
    )  # fmt: skip
    if not rows:
        return []
    units = {row["promotion_id"]: (row["units"], row["forecast_units"]) for row in rows}
    steps = [PromotionStep(promotion_id=i, by=None, reason=ALARM) for i in units]
    done = await pause(tx, steps, city_id=city_id, now=now)
    return [
        Burnt(
            promotion_id=one.promotion_id, merchant_id=one.merchant_id, name=one.name,
            units=units[one.promotion_id][0], forecast_units=units[one.promotion_id][1],
        )
        for one in done
        if isinstance(one, Live)
    ]  # fmt: skip
