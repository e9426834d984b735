"""Gifts for points: the mall of a city."""

from datetime import datetime
from uuid import UUID

from hutong.catalog.model import Offer
from hutong.catalog.queries.rows import OFFER, offer_of_row
from hutong.infra.db import Tx


async def gifts_on_offer(
    tx: Tx, *, city_id: int, programme_id: UUID, now: datetime, most_points: int | None = None,
    cash: bool | None = None, way: str | None = None, after: tuple[int, UUID] | None = None, limit: int = 24,
) -> list[Offer]:  # fmt: skip
    """Gifts of a programme that can be had now, those for the fewest points first.

    `most_points`: only up to so many; `cash`: only with (or only without) cash besides; `way`: only those that are
    fetched (pickup) or sent (delivery). `after`: points and id of the last one of the page before.
    """
    points, last = after or (None, None)
    rows = await tx.rows(
        f"""{OFFER} and o.scheme = 'alliance' and o.status = 'published'
            and o.sale_from <= %(now)s and o.sale_to > %(now)s
            and o.form ->> 'programme_id' = %(programme)s::text
            and (%(most)s::bigint is null or (o.form ->> 'points')::bigint <= %(most)s::bigint)
            and (%(cash)s::boolean is null or (o.price_units > 0) = %(cash)s::boolean)
            and (%(way)s::text is null or coalesce((o.form ->> %(way)s::text)::boolean, %(way)s::text = 'pickup'))
            and (%(points)s::bigint is null
                 or ((o.form ->> 'points')::bigint, o.offer_id) > (%(points)s::bigint, %(last)s::uuid))
            order by (o.form ->> 'points')::bigint, o.offer_id limit %(limit)s""",
        city=city_id, now=now, programme=str(programme_id), most=most_points, cash=cash, way=way, points=points,
        last=last, limit=limit,
    )  # fmt: skip
    return [offer_of_row(row) for row in rows]
