"""Reply and report: what others say to a review."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from hutong.infra.db import Tx
from hutong.kit.refusals import BadInput, Refusal
from hutong.reviews.model import MOST_REPLY, MOST_REPORT, REPORT_REASONS, Done, Reply, Report, clean
from hutong.reviews.operations import _rows
from hutong.reviews.refusals import NoWords, ReviewHidden, ReviewUnknown, TooManyWords


async def reply(tx: Tx, asks: Sequence[Reply], *, city_id: int, now: datetime) -> list[Done | Refusal]:
    """Answer reviews, or word an answer anew; what it said before stays in the history.

    Refusals: review_not_found, review_hidden, no_words, too_many_words.
    """
    locked = await _rows.lock(tx, [a.review_id for a in asks], city_id=city_id)
    results: list[Done | Refusal] = []
    made: list[tuple[Reply, int, str]] = []
    for ask in asks:
        one, words = locked.get(ask.review_id), clean(ask.words)
        if one is None or one.review.state == "withdrawn":
            results.append(ReviewUnknown())
        elif one.review.state == "hidden":
            results.append(ReviewHidden())
        elif not words:
            results.append(NoWords())
        elif len(words) > MOST_REPLY:
            results.append(TooManyWords(length=len(words), most=MOST_REPLY))
        else:
            if words != one.review.reply:
                version = one.review.reply_version + 1
                one.review = msgspec.structs.replace(one.review, reply=words, reply_version=version)
                made.append((ask, version, words))
            results.append(one.done())
    if made:
        await _save(tx, made, city_id=city_id, now=now)
        facts = [
            _rows.fact(locked[a.review_id].review, "reviews.replied", str(version), city_id, now)
            for a, version, _ in made
        ]
        await tx.record(facts)
    return results


async def _save(tx: Tx, made: Sequence[tuple[Reply, int, str]], *, city_id: int, now: datetime) -> None:
    await tx.run(
        """with made as (
             select * from unnest(%(ids)s::uuid[], %(versions)s::int[], %(words)s::text[], %(bys)s::uuid[])
               as m (id, version, words, by)
           ), last as (
             select distinct on (id) * from made order by id, version desc
           ), saved as (
             update reviews.reviews r set reply = l.words, replied_at = %(now)s, reply_version = l.version
             from last l where r.city_id = %(city)s and r.review_id = l.id
           )
           insert into reviews.replies (city_id, review_id, version, words, by, at)
           select %(city)s, m.id, m.version, m.words, m.by, %(now)s from made m""",
        city=city_id, now=now, ids=[a.review_id for a, _, _ in made], versions=[v for _, v, _ in made],
        words=[words for _, _, words in made], bys=[a.by for a, _, _ in made],
    )  # fmt: skip


async def report(tx: Tx, asks: Sequence[Report], *, city_id: int, now: datetime) -> list[Done | Refusal]:
    """Tell the operator of a review that breaks the rules; each member once for each review, again is the same.

    The review stays as it is until somebody has looked. Refusals: review_not_found (also one that is not shown),
    bad_input (reason), too_many_words.
    """
    locked = await _rows.lock(tx, [a.review_id for a in asks], city_id=city_id)
    results: list[Done | Refusal] = []
    made: list[tuple[Report, str]] = []
    for ask in asks:
        one, words = locked.get(ask.review_id), clean(ask.words)
        if one is None or one.review.state != "shown":
            results.append(ReviewUnknown())
        elif ask.reason not in REPORT_REASONS:
            results.append(BadInput(field="reason", why=", ".join(REPORT_REASONS)))
        elif len(words) > MOST_REPORT:
            results.append(TooManyWords(length=len(words), most=MOST_REPORT))
        else:
            made.append((ask, words))
            results.append(one.done())
    if made:
        await _count(tx, made, locked, city_id=city_id, now=now)
    return results


async def _count(
    tx: Tx, made: Sequence[tuple[Report, str]], locked: dict, *, city_id: int, now: datetime
) -> None:  # fmt: skip
    """Write the reports that are new, and how many of them are open on their reviews."""
    written = await tx.rows(
        """with new as (
             insert into reviews.reports (city_id, review_id, by, reason, words, at)
             select %(city)s, n.id, n.by, n.reason, n.words, %(now)s
             from unnest(%(ids)s::uuid[], %(bys)s::uuid[], %(reasons)s::text[], %(words)s::text[])
                  as n (id, by, reason, words)
             order by n.id, n.by
             on conflict (city_id, review_id, by) do nothing
             returning review_id, by
           ), counted as (
             select review_id, count(*) as n from new group by review_id
           ), saved as (
             update reviews.reviews r
             set open_reports = r.open_reports + c.n, reported_at = coalesce(r.reported_at, %(now)s)
             from counted c where r.city_id = %(city)s and r.review_id = c.review_id
           )
           select review_id, by from new""",
        city=city_id, now=now, ids=[a.review_id for a, _ in made], bys=[a.by for a, _ in made],
        reasons=[a.reason for a, _ in made], words=[words for _, words in made],
    )  # fmt: skip
    await tx.record(
        [
            _rows.fact(locked[row["review_id"]].review, "reviews.reported", str(row["by"]), city_id, now)
            for row in written
        ]
    )
