"""Moderate, appeal, decide: the operator's word about a review, and the one word against it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import BadInput, Refusal
from hutong.reviews.model import (
    APPEAL_REASONS,
    HIDE_REASONS,
    MOST_APPEAL,
    Appeal,
    Decide,
    Done,
    Moderate,
    State,
    clean,
)
from hutong.reviews.operations import _rows
from hutong.reviews.operations._reports import close
from hutong.reviews.refusals import (
    AppealedAlready,
    NoAppeal,
    NothingToAppeal,
    NoWords,
    ReviewUnknown,
    TooManyWords,
)


async def moderate(tx: Tx, asks: Sequence[Moderate], *, city_id: int, now: datetime) -> list[Done | Refusal]:
    """Keep a review (its reports are answered), hide it for a reason (HIDE_REASONS), or show it again.

    One that is so already stays so. Refusals: review_not_found, bad_input (reason).
    """
    locked = await _rows.lock(tx, [a.review_id for a in asks], city_id=city_id)
    results: list[Done | Refusal] = []
    steps: list[_rows.Step] = []
    closed: list[tuple[UUID, UUID | None, str]] = []
    for ask in asks:
        one = locked.get(ask.review_id)
        if one is None or one.review.state == "withdrawn":
            results.append(ReviewUnknown())
            continue
        if ask.verb == "hide" and ask.reason not in HIDE_REASONS:
            results.append(BadInput(field="reason", why=", ".join(HIDE_REASONS)))
            continue
        goal: State = {"hide": "hidden", "restore": "shown", "keep": one.review.state}[ask.verb]  # type: ignore[assignment]
        if goal != one.review.state:
            steps.append(_rows.to(one, goal, by=ask.by, reason=ask.reason or ask.verb))
        closed.append((ask.review_id, ask.by, "hidden" if goal == "hidden" else "kept"))
        results.append(one.done())
    await _rows.move(tx, steps, city_id=city_id, now=now)
    await close(tx, closed, city_id=city_id, now=now)
    return results


async def appeal(tx: Tx, asks: Sequence[Appeal], *, city_id: int, now: datetime) -> list[Done | Refusal]:
    """Ask the operator to look again: the author of a hidden review, or the merchant about one that is shown; once.

    Refusals: review_not_found (also another author's), nothing_to_appeal, appealed_already, no_words, too_many_words.
    """
    locked = await _rows.lock(tx, [a.review_id for a in asks], city_id=city_id)
    before = await _appeals(tx, list(locked), city_id=city_id)
    results: list[Done | Refusal] = []
    made: list[tuple[Appeal, str]] = []
    for ask in asks:
        one, words = locked.get(ask.review_id), clean(ask.words)
        refusal = _why_no_appeal(ask, one, words, before)
        if refusal is not None or one is None:
            results.append(refusal or ReviewUnknown())
            continue
        before[ask.review_id, ask.side] = {"decided_at": None}
        made.append((ask, words))
        results.append(one.done())
    if made:
        await tx.run(
            """insert into reviews.appeals (city_id, review_id, side, words, by, at)
               select %(city)s, n.id, n.side, n.words, n.by, %(now)s
               from unnest(%(ids)s::uuid[], %(sides)s::text[], %(words)s::text[], %(bys)s::uuid[])
                    as n (id, side, words, by)""",
            city=city_id, now=now, ids=[a.review_id for a, _ in made], sides=[a.side for a, _ in made],
            words=[words for _, words in made], bys=[a.by for a, _ in made],
        )  # fmt: skip
        await tx.record(
            [
                _rows.fact(locked[a.review_id].review, "reviews.appealed", a.side, city_id, now, side=a.side)
                for a, _ in made
            ]
        )
    return results


def _why_no_appeal(
    ask: Appeal, one: _rows.Locked | None, words: str, before: dict[tuple[UUID, str], Any]
) -> Refusal | None:
    if one is None or one.review.state == "withdrawn" or (ask.side == "author" and one.review.member_id != ask.by):
        return ReviewUnknown()
    if (ask.review_id, ask.side) in before:
        return AppealedAlready()
    if one.review.state != ("hidden" if ask.side == "author" else "shown"):
        return NothingToAppeal()
    if not words:
        return NoWords()
    return TooManyWords(length=len(words), most=MOST_APPEAL) if len(words) > MOST_APPEAL else None


async def _appeals(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[tuple[UUID, str], dict[str, Any]]:
    """The appeals of locked reviews, by review and side."""
    rows = await tx.rows(
        """select review_id, side, decided_at from reviews.appeals
           where city_id = %(city)s and review_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=list(ids),
    )  # fmt: skip
    return {(row["review_id"], row["side"]): row for row in rows}


async def decide(tx: Tx, asks: Sequence[Decide], *, city_id: int, now: datetime) -> list[Done | Refusal]:
    """End appeals. A granted one of the author shows the review again, one of the merchant hides it.

    Refusals: no_appeal (none that is open), bad_input (reason: APPEAL_REASONS or HIDE_REASONS).
    """
    locked = await _rows.lock(tx, [a.review_id for a in asks], city_id=city_id)
    before = await _appeals(tx, list(locked), city_id=city_id)
    results: list[Done | Refusal] = []
    steps: list[_rows.Step] = []
    made: list[Decide] = []
    for ask in asks:
        one, found = locked.get(ask.review_id), before.get((ask.review_id, ask.side))
        if one is None or found is None or found["decided_at"] is not None:
            results.append(NoAppeal())
            continue
        if ask.reason not in (*APPEAL_REASONS, *HIDE_REASONS):
            results.append(BadInput(field="reason", why=", ".join(APPEAL_REASONS)))
            continue
        found["decided_at"] = now
        made.append(ask)
        goal: State = "shown" if ask.side == "author" else "hidden"
        if ask.granted and one.review.state not in (goal, "withdrawn"):
            steps.append(_rows.to(one, goal, by=ask.by, reason=ask.reason))
        results.append(one.done())
    await _end(tx, made, locked, city_id=city_id, now=now)
    await _rows.move(tx, steps, city_id=city_id, now=now)
    hidden = [(s.review.review_id, s.by, "hidden") for s in steps if s.state == "hidden"]
    await close(tx, hidden, city_id=city_id, now=now)
    return results


async def _end(
    tx: Tx, made: Sequence[Decide], locked: dict[UUID, _rows.Locked], *, city_id: int, now: datetime
) -> None:
    if not made:
        return
    await tx.run(
        """update reviews.appeals a
           set decided_at = %(now)s, decided_by = n.by, granted = n.granted, reason = n.reason
           from unnest(%(ids)s::uuid[], %(sides)s::text[], %(bys)s::uuid[], %(granted)s::boolean[], %(reasons)s::text[])
                as n (id, side, by, granted, reason)
           where a.city_id = %(city)s and a.review_id = n.id and a.side = n.side""",
        city=city_id, now=now, ids=[d.review_id for d in made], sides=[d.side for d in made],
        bys=[d.by for d in made], granted=[d.granted for d in made], reasons=[d.reason for d in made],
    )  # fmt: skip
    await tx.record(
        [
            _rows.fact(locked[d.review_id].review, "reviews.decided", d.side, city_id, now, side=d.side,
                       outcome="granted" if d.granted else "refused")
            for d in made
        ]
    )  # fmt: skip
