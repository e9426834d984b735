"""Merchants join a card for many shops, each with his own percents."""

from collections.abc import Sequence
from datetime import datetime

from hutong.cards.model import Join
from hutong.infra.db import Tx
from hutong.kit.refusals import BadInput, Refusal


async def join(tx: Tx, asks: Sequence[Join], *, city_id: int, now: datetime) -> list[Join | Refusal]:
    """Take part with so many percent off a bill for a tier, change that, or leave (`percent` None).

    The merchant alone bears what it takes off. Refusal: bad_input (percent 1-90, tier 1-40 letters).
    """
    results: list[Join | Refusal] = [
        ask if (ask.percent is None or 1 <= ask.percent <= 90) and 1 <= len(ask.tier) <= 40
        else BadInput(field="percent", why="1-90")
        for ask in asks
    ]  # fmt: skip
    last = {(r.offer_id, r.merchant_id, r.tier): r for r in results if isinstance(r, Join)}
    rows = [last[key] for key in sorted(last)]
    await tx.run(
        """insert into cards.tiers as t (city_id, offer_id, merchant_id, tier, percent, by, at, left_at)
           select %(city)s, j.offer, j.merchant, j.tier, coalesce(j.percent, 1), j.by, %(now)s,
                  case when j.percent is null then %(now)s::timestamptz end
           from unnest(%(offers)s::uuid[], %(merchants)s::uuid[], %(tiers)s::text[], %(percents)s::int[],
                       %(bys)s::uuid[]) as j(offer, merchant, tier, percent, by)
           on conflict (city_id, offer_id, merchant_id, tier) do update
           set percent = case when excluded.left_at is null then excluded.percent else t.percent end,
               by = excluded.by, at = excluded.at, left_at = excluded.left_at""",
        city=city_id, now=now, offers=[r.offer_id for r in rows], merchants=[r.merchant_id for r in rows],
        tiers=[r.tier for r in rows], percents=[r.percent for r in rows], bys=[r.by for r in rows],
    )  # fmt: skip
    return results
