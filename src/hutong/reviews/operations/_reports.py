"""Open reports of reviews: counted on the review, closed together by one decision."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx


async def close(
    tx: Tx, decided: Sequence[tuple[UUID, UUID | None, str]], *, city_id: int, now: datetime
) -> None:  # fmt: skip
    """Close the open reports of locked reviews: (review, by, outcome: kept, hidden or moot)."""
    if not decided:
        return
    await tx.run(
        """with decided as (
             select distinct on (id) * from unnest(%(ids)s::uuid[], %(bys)s::uuid[], %(outcomes)s::text[])
               as d (id, by, outcome)
           ), closed as (
             update reviews.reports p set closed_at = %(now)s, closed_by = d.by, outcome = d.outcome
             from decided d where p.city_id = %(city)s and p.review_id = d.id and p.closed_at is null
           )
           update reviews.reviews r set open_reports = 0, reported_at = null
           from decided d where r.city_id = %(city)s and r.review_id = d.id and r.open_reports > 0""",
        city=city_id, now=now, ids=[one for one, _, _ in decided], bys=[by for _, by, _ in decided],
        outcomes=[outcome for _, _, outcome in decided],
    )  # fmt: skip
