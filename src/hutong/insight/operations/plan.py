"""What a manager says: his cost of a deal and whom he expects back; how many guests a store can serve on a weekday."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.insight.model import BASIS, Plan
from hutong.insight.refusals import BadPlan
from hutong.kit.refusals import Refusal

MOST_GUESTS = 100_000


class Capacity(Struct, frozen=True, kw_only=True):
    """So many guests (uses of vouchers) a store can serve on each such weekday, Monday being 0."""

    store_id: UUID
    merchant_id: UUID
    weekday: int
    guests: int
    by: UUID


async def plan(tx: Tx, plans: Sequence[Plan], *, city_id: int, now: datetime) -> list[Plan | Refusal]:
    """Keep what was said of deals, each as a further row; the same as before is no further row.

    Cost of one unit in the city's smallest money; the expected share in basis points. Refusals: bad_plan.
    """
    results: list[Plan | Refusal] = [
        BadPlan()
        if one.by is None
        or (one.cost_units is not None and one.cost_units < 0)
        or (one.expected_bps is not None and not 0 <= one.expected_bps <= BASIS)
        else one
        for one in plans
    ]
    good = {one.offer_id: one for one in results if isinstance(one, Plan)}  # of two in one set the last counts
    if good:
        await tx.rows(
            """insert into insight.plans (city_id, offer_id, seq, merchant_id, cost_units, expected_bps, by, at)
               select %(city)s, g.offer_id, coalesce(p.seq, 0) + 1, g.merchant_id, g.cost, g.expected, g.by, %(now)s
               from unnest(%(offers)s::uuid[], %(merchants)s::uuid[], %(costs)s::bigint[], %(shares)s::int[],
                           %(bys)s::uuid[]) as g (offer_id, merchant_id, cost, expected, by)
               left join lateral (
                 select seq, cost_units, expected_bps from insight.plans p
                 where p.city_id = %(city)s and p.offer_id = g.offer_id order by seq desc limit 1) p on true
               where p.seq is null or (p.cost_units, p.expected_bps) is distinct from (g.cost, g.expected)
               order by g.offer_id
               on conflict (city_id, offer_id, seq) do nothing returning offer_id""",
            city=city_id, now=now, offers=list(good), merchants=[one.merchant_id for one in good.values()],
            costs=[one.cost_units for one in good.values()], shares=[one.expected_bps for one in good.values()],
            bys=[one.by for one in good.values()],
        )  # fmt: skip
    return results


async def set_capacities(
    tx: Tx, capacities: Sequence[Capacity], *, city_id: int, now: datetime
) -> list[Capacity | Refusal]:
    """How many guests stores can serve on a weekday, from now on. Refusals: bad_plan."""
    results: list[Capacity | Refusal] = [
        one if 0 <= one.weekday <= 6 and 0 <= one.guests <= MOST_GUESTS else BadPlan() for one in capacities
    ]
    good = {(one.store_id, one.weekday): one for one in results if isinstance(one, Capacity)}
    if good:
        await tx.run(
            """insert into insight.capacities as c (city_id, store_id, weekday, merchant_id, guests, by, at)
               select %(city)s, g.*, %(now)s
               from unnest(%(stores)s::uuid[], %(days)s::int[], %(merchants)s::uuid[], %(guests)s::int[],
                           %(bys)s::uuid[]) as g (store_id, weekday, merchant_id, guests, by)
               order by g.store_id, g.weekday
               on conflict (city_id, store_id, weekday) do update
               set guests = excluded.guests, by = excluded.by, at = excluded.at where c.guests <> excluded.guests""",
            city=city_id, now=now, stores=[store for store, _ in good], days=[day for _, day in good],
            merchants=[one.merchant_id for one in good.values()], guests=[one.guests for one in good.values()],
            bys=[one.by for one in good.values()],
        )  # fmt: skip
    return results
