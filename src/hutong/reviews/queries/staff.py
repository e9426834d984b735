"""What merchants and operators read. Each query of theirs begins with the scope."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.reviews.model import Appealed, Change, Rating, Reported, Review, Standing, Waiting
from hutong.reviews.queries.find import COLUMNS
from hutong.reviews.queries.rows import as_review


async def for_staff(
    tx: Tx, scope: Scope, *, city_id: int, store_id: UUID | None = None, unanswered: bool = False,
    stars: int | None = None, after: UUID | None = None, limit: int = 20,
) -> list[Review]:  # fmt: skip
    """A page of the reviews within the scope that are shown, newest first. `stars`: at most so many."""
    allowed, params = scope.sql(city="r.city_id", merchant="r.merchant_id", store="r.store_id")
    rows = await tx.rows(
        f"""select {COLUMNS} from reviews.reviews r
            where r.city_id = %(city)s and {allowed} and r.state = 'shown'
              and (%(store)s::uuid is null or r.store_id = %(store)s)
              and (not %(unanswered)s::boolean or r.reply is null)
              and (%(stars)s::int is null or r.stars <= %(stars)s)
              and (%(after)s::uuid is null or (r.written_at, r.review_id) < (
                select a.written_at, a.review_id from reviews.reviews a
                where a.city_id = %(city)s and a.review_id = %(after)s))
            order by r.written_at desc, r.review_id desc limit %(limit)s""",
        city=city_id, store=store_id, unanswered=unanswered, stars=stars, after=after, limit=limit, **params,
    )  # fmt: skip
    return [as_review(row) for row in rows]


async def standing(tx: Tx, scope: Scope, *, city_id: int, store_id: UUID | None = None) -> Standing:
    """The rating over all shown reviews within the scope, and how many of them have no answer."""
    allowed, params = scope.sql(city="r.city_id", merchant="r.merchant_id", store="r.store_id")
    rows = await tx.rows(
        f"""select r.stars, count(*)::int as n, (count(*) filter (where r.reply is null))::int as unanswered
            from reviews.reviews r
            where r.city_id = %(city)s and {allowed} and r.state = 'shown'
              and (%(store)s::uuid is null or r.store_id = %(store)s)
            group by r.stars""",
        city=city_id, store=store_id, **params,
    )  # fmt: skip
    counts = {row["stars"]: row["n"] for row in rows}
    rating = Rating((counts.get(1, 0), counts.get(2, 0), counts.get(3, 0), counts.get(4, 0), counts.get(5, 0)))
    return Standing(rating=rating, unanswered=sum(row["unanswered"] for row in rows))


async def reported(
    tx: Tx, scope: Scope, *, city_id: int, after: tuple[datetime, UUID] | None = None, limit: int = 20
) -> list[Review]:
    """The reviews within the scope that have open reports, the longest waiting first.

    `after`: (when first reported, review_id) of the last of the page before.
    """
    at, last = after or (None, None)
    allowed, params = scope.sql(city="r.city_id")
    rows = await tx.rows(
        f"""select {COLUMNS} from reviews.reviews r
            where r.city_id = %(city)s and {allowed} and r.open_reports > 0
              and (%(at)s::timestamptz is null or (r.reported_at, r.review_id) > (%(at)s::timestamptz, %(last)s::uuid))
            order by r.reported_at, r.review_id limit %(limit)s""",
        city=city_id, limit=limit, at=at, last=last, **params,
    )  # fmt: skip
    return [as_review(row) for row in rows]


async def hidden(
    tx: Tx, scope: Scope, *, city_id: int, after: tuple[datetime, UUID] | None = None, limit: int = 20
) -> list[Review]:
    """The reviews within the scope that are hidden, the newest first.

    `after`: (written_at, review_id) of the last of the page before.
    """
    at, last = after or (None, None)
    allowed, params = scope.sql(city="r.city_id")
    rows = await tx.rows(
        f"""select {COLUMNS} from reviews.reviews r
            where r.city_id = %(city)s and {allowed} and r.state = 'hidden'
              and (%(at)s::timestamptz is null or (r.written_at, r.review_id) < (%(at)s::timestamptz, %(last)s::uuid))
            order by r.written_at desc, r.review_id desc limit %(limit)s""",
        city=city_id, limit=limit, at=at, last=last, **params,
    )  # fmt: skip
    return [as_review(row) for row in rows]


async def open_appeals(
    tx: Tx, scope: Scope, *, city_id: int, after: tuple[datetime, UUID] | None = None, limit: int = 20
) -> list[Appealed]:
    """The open appeals within the scope, the oldest first; those of reviews that were withdrawn are left out.

    `after`: (at, review_id) of the last of the page before.
    """
    at, last = after or (None, None)
    allowed, params = scope.sql(city="a.city_id")
    rows = await tx.rows(
        f"""select a.review_id, a.side, a.words, a.by, a.at, a.decided_at, a.granted, a.reason
            from reviews.appeals a
            join reviews.reviews r on r.city_id = %(city)s and r.review_id = a.review_id and r.state <> 'withdrawn'
            where a.city_id = %(city)s and {allowed} and a.decided_at is null
              and (%(at)s::timestamptz is null or (a.at, a.review_id) > (%(at)s::timestamptz, %(last)s::uuid))
            order by a.at, a.review_id limit %(limit)s""",
        city=city_id, limit=limit, at=at, last=last, **params,
    )  # fmt: skip
    return [msgspec.convert(row, Appealed) for row in rows]


async def waiting(tx: Tx, scope: Scope, *, city_id: int) -> Waiting:
    """How much waits for the operator within the scope."""
    allowed, params = scope.sql(city="r.city_id")
    row = await tx.row(
        f"""select (select count(*) from reviews.reviews r
                    where r.city_id = %(city)s and {allowed} and r.open_reports > 0)::int as reported,
                   (select count(*) from reviews.appeals a
                    join reviews.reviews r on r.city_id = %(city)s and r.review_id = a.review_id
                    where a.city_id = %(city)s and {allowed} and a.decided_at is null
                      and r.state <> 'withdrawn')::int as appeals""",
        city=city_id, **params,
    )  # fmt: skip
    assert row is not None
    return Waiting(**row)


async def reports_of(tx: Tx, review_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, list[Reported]]:
    """The open reports of these reviews, oldest first. For pages whose reviews were found within a scope."""
    rows = await tx.rows(
        """select review_id, by, reason, words, at, outcome from reviews.reports
           where city_id = %(city)s and review_id = any(%(ids)s::uuid[]) and closed_at is null order by at, by""",
        city=city_id, ids=list(review_ids),
    )  # fmt: skip
    found: dict[UUID, list[Reported]] = {}
    for row in rows:
        found.setdefault(row["review_id"], []).append(msgspec.convert(row, Reported))
    return found


async def appeals_of(tx: Tx, review_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Appealed]]:
    """The appeals of these reviews, by side. For pages whose reviews were found within a scope, and for authors."""
    rows = await tx.rows(
        """select review_id, side, words, by, at, decided_at, granted, reason from reviews.appeals
           where city_id = %(city)s and review_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=list(review_ids),
    )  # fmt: skip
    found: dict[UUID, dict[str, Appealed]] = {}
    for row in rows:
        found.setdefault(row["review_id"], {})[row["side"]] = msgspec.convert(row, Appealed)
    return found


async def changes_of(tx: Tx, review_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, list[Change]]:
    """What became of these reviews, oldest first. For pages whose reviews were found in a scope, and for authors."""
    rows = await tx.rows(
        """select review_id, was, state, at, by, reason from reviews.changes
           where city_id = %(city)s and review_id = any(%(ids)s::uuid[]) order by review_id, step""",
        city=city_id, ids=list(review_ids),
    )  # fmt: skip
    found: dict[UUID, list[Change]] = {}
    for row in rows:
        found.setdefault(row["review_id"], []).append(msgspec.convert(row, Change))
    return found
