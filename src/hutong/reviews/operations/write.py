"""Write and edit: what a guest says of a visit."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from hutong import vouchers
from hutong.infra.db import Tx
from hutong.infra.pictures import TooManyPictures
from hutong.infra.sql import load
from hutong.kit.refusals import BadInput, Refusal
from hutong.reviews.model import (
    EDIT_DAYS,
    MOST_PHOTOS,
    MOST_TAGS,
    MOST_WORDS,
    WRITE_DAYS,
    WRITE_WITHIN,
    Content,
    Done,
    Edit,
    Review,
    Write,
    clean,
    worth,
)
from hutong.reviews.operations import _rows
from hutong.reviews.queries.find import of_lines
from hutong.reviews.refusals import (
    NoStars,
    NotUsedYet,
    ReviewExists,
    ReviewHidden,
    ReviewUnknown,
    TooLateToEdit,
    TooLateToReview,
    TooManyWords,
)
from hutong.reviews.tags import tags
from hutong.vouchers import Use, Voucher, VoucherUnknown


def tidy(content: Content) -> Content | Refusal:
    """The content as it is kept, or why it cannot be: no_stars, too_many_words, too_many_pictures, bad_input."""
    words = clean(content.words)
    if not 1 <= content.stars <= 5:
        return NoStars()
    if len(words) > MOST_WORDS:
        return TooManyWords(length=len(words), most=MOST_WORDS)
    if len(content.photos) > MOST_PHOTOS:
        return TooManyPictures(most=MOST_PHOTOS)
    chosen = tuple(dict.fromkeys(content.tags))
    if len(chosen) > MOST_TAGS or not tags().keys() >= set(chosen):
        return BadInput(field="tags", why=f"at most {MOST_TAGS} of the list")
    return Content(stars=content.stars, tags=chosen, words=words, photos=tuple(dict.fromkeys(content.photos)))


async def write(tx: Tx, asks: Sequence[Write], *, city_id: int, now: datetime) -> list[Done | Refusal]:
    """Write reviews, in the order of the list. They are shown at once and count in the ratings.

    The voucher must have been used, by a redemption that stands, at most WRITE_DAYS days ago; the units of one order
    line share one review. The vouchers are locked, so a redemption cannot be undone at the same moment.
    Refusals: voucher_not_found (also another's), not_used_yet, too_late_to_review, review_exists, and those of `tidy`.
    """
    known = {v.voucher_id: v for v in await vouchers.by_ids(tx, [a.voucher_id for a in asks], city_id=city_id)}
    if known:
        held = await vouchers.lock_orders(tx, [v.order_id for v in known.values()], city_id=city_id)
        known = {v.voucher_id: v for v in held}
    uses = await _standing(tx, [a.voucher_id for a in asks if a.voucher_id in known], city_id=city_id)
    taken = set(await of_lines(tx, [v.line_id for v in known.values()], city_id=city_id))
    results: list[Done | Refusal] = []
    made: list[tuple[Write, Voucher, Use, Content]] = []
    for ask in asks:
        voucher = known.get(ask.voucher_id)
        refusal = _why_not(ask, voucher, uses.get(ask.voucher_id), taken, now)
        content = refusal or tidy(ask.content)
        if isinstance(content, Refusal):
            results.append(content)
            continue
        assert voucher is not None
        taken.add(voucher.line_id)
        made.append((ask, voucher, uses[ask.voucher_id], content))
        results.append(Done(review_id=ask.review_id, state="shown", version=1))
    await _insert(tx, made, city_id=city_id, now=now)
    return results


def _why_not(
    ask: Write, voucher: Voucher | None, use: Use | None, taken: set[UUID], now: datetime
) -> Refusal | None:  # fmt: skip
    if voucher is None or voucher.member_id != ask.member_id:
        return VoucherUnknown()
    if voucher.line_id in taken:
        return ReviewExists()
    if use is None:
        return NotUsedYet()
    if now >= use.at + WRITE_WITHIN:
        return TooLateToReview(days=WRITE_DAYS)
    return None


async def _standing(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Use]:
    """The last redemption of each voucher that was not undone; read under the locks."""
    uses = await vouchers.uses_of(tx, voucher_ids, city_id=city_id) if voucher_ids else []
    return {use.voucher_id: use for use in uses if use.reversed_at is None}


async def _insert(
    tx: Tx, made: Sequence[tuple[Write, Voucher, Use, Content]], *, city_id: int, now: datetime
) -> None:  # fmt: skip
    if not made:
        return
    await tx.run(
        load(__package__, "insert_reviews"), city=city_id, now=now,
        ids=[a.review_id for a, _, _, _ in made], members=[a.member_id for a, _, _, _ in made],
        authors=[a.author for a, _, _, _ in made], languages=[a.language for a, _, _, _ in made],
        merchants=[u.merchant_id for _, _, u, _ in made], stores=[u.store_id for _, _, u, _ in made],
        offers=[v.offer_id for _, v, _, _ in made], lines=[v.line_id for _, v, _, _ in made],
        vouchers=[v.voucher_id for _, v, _, _ in made], redemptions=[u.redemption_id for _, _, u, _ in made],
        titles=[Jsonb(v.title) for _, v, _, _ in made], worths=[worth(c) for _, _, _, c in made],
        used_ats=[u.at for _, _, u, _ in made], **_rows.columns_of([c for _, _, _, c in made]),
    )  # fmt: skip
    await _rows.keep_versions(tx, [(a.review_id, 1, c) for a, _, _, c in made], city_id=city_id, now=now)
    reviews = [
        one.review for one in (await _rows.lock(tx, [a.review_id for a, _, _, _ in made], city_id=city_id)).values()
    ]
    await _rows.rate(tx, [(review, review.content.stars, 1) for review in reviews], city_id=city_id)
    await tx.record([_rows.fact(review, "reviews.written", "1", city_id, now) for review in reviews])


async def edit(tx: Tx, asks: Sequence[Edit], *, city_id: int, now: datetime) -> list[Done | Refusal]:
    """Say it differently, within EDIT_DAYS days; what was said before stays in the history. The same words change
    nothing.

    Refusals: review_not_found (also another's), review_hidden, too_late_to_edit, and those of `tidy`.
    """
    locked = await _rows.lock(tx, [a.review_id for a in asks], city_id=city_id)
    before = {review_id: one.review.content.stars for review_id, one in locked.items()}
    results: list[Done | Refusal] = []
    made: list[tuple[UUID, int, Content]] = []
    for ask in asks:
        one = locked.get(ask.review_id)
        refusal = _why_not_edit(ask, one, now)
        content = refusal or tidy(ask.content)
        if isinstance(content, Refusal):
            results.append(content)
            continue
        assert one is not None
        if content != one.review.content:
            one.review = msgspec.structs.replace(one.review, content=content, version=one.review.version + 1)
            made.append((ask.review_id, one.review.version, content))
        results.append(one.done())
    await _save(tx, made, city_id=city_id, now=now)
    changed = [locked[review_id].review for review_id in {review_id for review_id, _, _ in made}]
    moves = [(r, stars, by) for r in changed for stars, by in ((before[r.review_id], -1), (r.content.stars, 1))]
    await _rows.rate(tx, moves, city_id=city_id)
    await tx.record([_rows.fact(r, "reviews.edited", str(r.version), city_id, now) for r in changed])
    return results


def _why_not_edit(ask: Edit, one: _rows.Locked | None, now: datetime) -> Refusal | None:
    review: Review | None = one.review if one else None
    if review is None or review.member_id != ask.member_id or review.state == "withdrawn":
        return ReviewUnknown()
    if review.state == "hidden":
        return ReviewHidden()
    if now >= review.edit_until:
        return TooLateToEdit(days=EDIT_DAYS)
    return None


async def _save(tx: Tx, made: Sequence[tuple[UUID, int, Content]], *, city_id: int, now: datetime) -> None:
    if not made:
        return
    last = {review_id: (version, content) for review_id, version, content in made}
    await tx.run(
        load(__package__, "save_content"), city=city_id, now=now, ids=list(last),
        versions=[version for version, _ in last.values()], worths=[worth(content) for _, content in last.values()],
        **_rows.columns_of([content for _, content in last.values()]),
    )  # fmt: skip
    await _rows.keep_versions(tx, made, city_id=city_id, now=now)
