"""Steps that several verbs share: locking reviews, moving them along their roads, keeping the ratings true."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.ids import derive
from hutong.reviews.model import ROADS, Content, Done, Review, State, ratings_moved
from hutong.reviews.queries.rows import as_review


class Locked(Struct):
    """A locked review as it is within this transaction; verbs that come one after another see what went before."""

    review: Review
    step: int

    def done(self) -> Done:
        return Done(review_id=self.review.review_id, state=self.review.state, version=self.review.version)


class Step(Struct, frozen=True, kw_only=True):
    """One change of state that is to be written."""

    review: Review
    step: int
    was: State
    state: State
    by: UUID | None
    reason: str


async def lock(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Locked]:
    """The reviews, locked in one sorted go; an unknown id is missing."""
    if not ids:
        return {}
    rows = await tx.rows(
        """select * from reviews.reviews where city_id = %(city)s and review_id = any(%(ids)s::uuid[])
           order by review_id for no key update""",
        city=city_id, ids=sorted(set(ids)),
    )  # fmt: skip
    return {row["review_id"]: Locked(as_review(row), row["step"]) for row in rows}


def to(locked: Locked, state: State, *, by: UUID | None, reason: str) -> Step:
    """The step of a locked review to a state; the road must be there."""
    was = locked.review.state
    assert state in ROADS[was], f"no road from {was} to {state}"
    locked.review, locked.step = _with(locked.review, state=state), locked.step + 1
    return Step(review=locked.review, step=locked.step, was=was, state=state, by=by, reason=reason)


def _with(review: Review, **changes: Any) -> Review:
    return Review(**{name: getattr(review, name) for name in Review.__struct_fields__} | changes)


async def move(tx: Tx, steps: Sequence[Step], *, city_id: int, now: datetime) -> None:
    """Write steps of locked reviews, their lines of history, and what they mean for the ratings; record the facts."""
    if not steps:
        return
    await tx.run(
        load(__package__, "move"), city=city_id, now=now, ids=[s.review.review_id for s in steps],
        steps=[s.step for s in steps], was=[s.was for s in steps], states=[s.state for s in steps],
        bys=[s.by for s in steps], reasons=[s.reason for s in steps],
    )  # fmt: skip
    moved = [(s.review, (s.state == "shown") - (s.was == "shown")) for s in steps]
    await rate(tx, [(review, review.content.stars, by) for review, by in moved if by], city_id=city_id)
    words = {"hidden": "reviews.hidden", "shown": "reviews.restored", "withdrawn": "reviews.withdrawn"}
    await tx.record([fact(s.review, words[s.state], f"step/{s.step}", city_id, now, reason=s.reason) for s in steps])


async def rate(tx: Tx, moves: Sequence[tuple[Review, int, int]], *, city_id: int) -> None:
    """Count (review, stars, +1 or -1) into the ratings of its store and of its offer.

    The rows are the hot ones, so they are locked last, in sorted order, and one set touches each of them once.
    """
    kinds = {review.store_id: "store" for review, _, _ in moves} | {review.offer_id: "offer" for review, _, _ in moves}
    changes = ratings_moved(
        [(subject, stars, by) for r, stars, by in moves for subject in (r.store_id, r.offer_id)]
    )  # fmt: skip
    if not changes:
        return
    subjects = sorted(changes)
    given = {"city": city_id, "ids": subjects, "kinds": [kinds[one] for one in subjects]}
    await tx.run(
        """insert into reviews.ratings (city_id, subject, kind, n1, n2, n3, n4, n5, count, total)
           select %(city)s, n.subject, n.kind, 0, 0, 0, 0, 0, 0, 0
           from unnest(%(ids)s::uuid[], %(kinds)s::text[]) as n (subject, kind) order by n.subject
           on conflict (city_id, subject) do nothing""",
        **given,
    )
    await tx.rows(
        """select subject from reviews.ratings where city_id = %(city)s and subject = any(%(ids)s::uuid[])
           order by subject for no key update""",
        city=city_id, ids=subjects,
    )  # fmt: skip
    columns = {f"n{n}": [changes[one][n - 1] for one in subjects] for n in range(1, 6)}
    await tx.run(load(__package__, "rate"), city=city_id, ids=subjects, **columns)


async def keep_versions(
    tx: Tx, made: Sequence[tuple[UUID, int, Content]], *, city_id: int, now: datetime
) -> None:  # fmt: skip
    """Write (review, version, content) into the history of what was said."""
    if not made:
        return
    await tx.run(
        load(__package__, "keep_versions"), city=city_id, now=now,
        ids=[review_id for review_id, _, _ in made], versions=[version for _, version, _ in made],
        **columns_of([content for _, _, content in made]),
    )  # fmt: skip


def columns_of(contents: Sequence[Content]) -> dict[str, list[Any]]:
    """Contents as parallel lists. Lists within lists travel as text, one name a line: no name has a line in it."""
    return {
        "stars": [c.stars for c in contents],
        "words": [c.words for c in contents],
        "tags": ["\n".join(c.tags) for c in contents],
        "photos": ["\n".join(p.name for p in c.photos) for c in contents],
        "small": ["\n".join(p.small for p in c.photos) for c in contents],
    }


def fact(review: Review, topic: str, label: str, city_id: int, now: datetime, **more: str | int) -> Fact:
    """What happened to a review. No word of anybody travels in it, only who is concerned."""
    payload = {
        "merchant": str(review.merchant_id), "store": str(review.store_id), "offer": str(review.offer_id),
        "member": str(review.member_id), "stars": review.content.stars, **more,
    }  # fmt: skip
    return Fact(
        fact_id=derive(review.review_id, f"fact/{topic}/{label}"), city_id=city_id, topic=topic,
        subject=review.review_id, payload=payload, at=now,
    )  # fmt: skip
