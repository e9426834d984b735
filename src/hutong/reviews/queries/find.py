"""What everybody may read: ratings and shown reviews; and what authors and packages above read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import vouchers
from hutong.infra.db import Tx
from hutong.reviews.model import WRITE_WITHIN, Content, Order, Rating, Review, ToWrite
from hutong.reviews.queries.rows import as_content, as_rating, as_review

COLUMNS = """r.city_id, r.review_id, r.member_id, r.author, r.language, r.merchant_id, r.store_id, r.offer_id,
       r.line_id, r.voucher_id, r.redemption_id, r.title, r.stars, r.tags, r.words, r.photos, r.small, r.version,
       r.state, r.used_at, r.written_at, r.edited_at, r.reply, r.replied_at, r.reply_version, r.open_reports"""


async def ratings(tx: Tx, *, city_id: int, store_ids: Sequence[UUID]) -> dict[UUID, Rating]:
    """The ratings of these stores, for cards; a store without a review is left out."""
    return await _ratings(tx, city_id, store_ids)


async def offer_ratings(tx: Tx, *, city_id: int, offer_ids: Sequence[UUID]) -> dict[UUID, Rating]:
    """The ratings of these offers; an offer without a review is left out."""
    return await _ratings(tx, city_id, offer_ids)


async def _ratings(tx: Tx, city_id: int, subjects: Sequence[UUID]) -> dict[UUID, Rating]:
    if not subjects:
        return {}
    rows = await tx.rows(
        """select subject, n1, n2, n3, n4, n5 from reviews.ratings
           where city_id = %(city)s and subject = any(%(ids)s::uuid[]) and count > 0""",
        city=city_id, ids=sorted(set(subjects)),
    )  # fmt: skip
    return {row["subject"]: as_rating(row) for row in rows}


async def of_store(
    tx: Tx, store_id: UUID, *, city_id: int, order: Order = "newest", stars: int | None = None, photos: bool = False,
    after: UUID | None = None, limit: int = 20,
) -> list[Review]:  # fmt: skip
    """A page of the shown reviews of a store. `order`: newest, or best (most to learn from) first.

    `stars`: only those with so many; `photos`: only those with pictures; `after`: the last review of the page before.
    """
    return await _page(tx, "r.store_id", store_id, city_id, order, stars, photos, after, limit)


async def of_offer(
    tx: Tx, offer_id: UUID, *, city_id: int, order: Order = "newest", stars: int | None = None, photos: bool = False,
    after: UUID | None = None, limit: int = 20,
) -> list[Review]:  # fmt: skip
    """A page of the shown reviews of an offer, as `of_store`."""
    return await _page(tx, "r.offer_id", offer_id, city_id, order, stars, photos, after, limit)


async def _page(
    tx: Tx, column: str, subject: UUID, city_id: int, order: Order, stars: int | None, photos: bool,
    after: UUID | None, limit: int,
) -> list[Review]:  # fmt: skip
    keys = ("written_at", "review_id") if order == "newest" else ("worth", "written_at", "review_id")
    mine, last = (", ".join(f"{alias}.{key}" for key in keys) for alias in ("r", "a"))
    rows = await tx.rows(
        f"""select {COLUMNS} from reviews.reviews r
            where r.city_id = %(city)s and {column} = %(subject)s and r.state = 'shown'
              and (%(stars)s::int is null or r.stars = %(stars)s)
              and (not %(photos)s::boolean or cardinality(r.photos) > 0)
              and (%(after)s::uuid is null or ({mine}) < (
                select {last} from reviews.reviews a where a.city_id = %(city)s and a.review_id = %(after)s))
            order by {", ".join(f"r.{key} desc" for key in keys)} limit %(limit)s""",
        city=city_id, subject=subject, stars=stars, photos=photos, after=after, limit=limit,
    )  # fmt: skip
    return [as_review(row) for row in rows]


async def by_ids(tx: Tx, review_ids: Sequence[UUID], *, city_id: int) -> list[Review | None]:
    """The reviews with these ids, of any state, in their order; None for an unknown one. For the desk: no scope."""
    rows = await tx.rows(
        f"""select {COLUMNS} from reviews.reviews r
            where r.city_id = %(city)s and r.review_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted(set(review_ids)),
    )  # fmt: skip
    found = {row["review_id"]: as_review(row) for row in rows}
    return [found.get(review_id) for review_id in review_ids]


async def of_lines(tx: Tx, line_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Review]:
    """The review of each order line that has one, shown or hidden."""
    if not line_ids:
        return {}
    rows = await tx.rows(
        f"""select {COLUMNS} from reviews.reviews r
            where r.city_id = %(city)s and r.line_id = any(%(ids)s::uuid[]) and r.state <> 'withdrawn'""",
        city=city_id, ids=sorted(set(line_ids)),
    )  # fmt: skip
    return {row["line_id"]: as_review(row) for row in rows}


async def unreviewed(tx: Tx, line_ids: Sequence[UUID], *, city_id: int) -> set[UUID]:
    """Those of these order lines that have no review yet. Whether they were used is for vouchers to say."""
    return set(line_ids) - set(await of_lines(tx, line_ids, city_id=city_id))


async def to_write(
    tx: Tx, member_id: UUID, *, city_id: int, now: datetime, limit: int = 50
) -> list[ToWrite]:  # fmt: skip
    """The member's own visits that can still be reviewed, the last visit first: of his `limit` newest used vouchers,
    one for each order line."""
    held = await vouchers.wallet(tx, member_id, city_id=city_id, tab="used", limit=limit)
    if not held:
        return []
    open_lines = await unreviewed(tx, [voucher.line_id for voucher in held], city_id=city_id)
    uses = await vouchers.uses_of(tx, [v.voucher_id for v in held if v.line_id in open_lines], city_id=city_id)
    last = {use.voucher_id: use for use in uses if use.reversed_at is None and now < use.at + WRITE_WITHIN}
    found: dict[UUID, ToWrite] = {}
    for voucher in held:
        use = last.get(voucher.voucher_id)
        if use is not None:
            found.setdefault(
                voucher.line_id,
                ToWrite(
                    voucher_id=voucher.voucher_id, line_id=voucher.line_id, merchant_id=voucher.merchant_id,
                    store_id=use.store_id, store_name=use.store_name, offer_id=voucher.offer_id, title=voucher.title,
                    used_at=use.at, until=use.at + WRITE_WITHIN,
                ),
            )  # fmt: skip
    return sorted(found.values(), key=lambda one: one.used_at, reverse=True)


async def of_member(
    tx: Tx, member_id: UUID, *, city_id: int, after: UUID | None = None, limit: int = 20
) -> list[Review]:
    """A page of the member's own reviews in a city, newest first, hidden ones too; `after` as in `of_store`."""
    rows = await tx.rows(
        f"""select {COLUMNS} from reviews.reviews r
            where r.city_id = %(city)s and r.member_id = %(member)s and r.state <> 'withdrawn'
              and (%(after)s::uuid is null or (r.written_at, r.review_id) < (
                select a.written_at, a.review_id from reviews.reviews a
                where a.city_id = %(city)s and a.review_id = %(after)s))
            order by r.written_at desc, r.review_id desc limit %(limit)s""",
        city=city_id, member=member_id, after=after, limit=limit,
    )  # fmt: skip
    return [as_review(row) for row in rows]


async def versions(tx: Tx, review_id: UUID, *, city_id: int) -> list[tuple[Any, Content]]:
    """(when, what) of everything a review has said, the first first. No scope: for its author and the operator."""
    rows = await tx.rows(
        """select stars, tags, words, photos, small, at from reviews.versions
           where city_id = %(city)s and review_id = %(id)s order by version""",
        city=city_id, id=review_id,
    )  # fmt: skip
    return [(row["at"], as_content(row)) for row in rows]
