"""Withdraw: the author takes it back, or the visit it came from is undone. And a member who leaves."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.reviews.model import Done, Withdraw
from hutong.reviews.operations import _rows
from hutong.reviews.operations._reports import close
from hutong.reviews.refusals import ReviewUnknown


async def withdraw(tx: Tx, asks: Sequence[Withdraw], *, city_id: int, now: datetime) -> list[Done | Refusal]:
    """Take one's own review back, shown or hidden, at any time. Its visit may be reviewed anew within its time.

    Twice is once. Refusals: review_not_found (also another's).
    """
    locked = await _rows.lock(tx, [a.review_id for a in asks], city_id=city_id)
    results: list[Done | Refusal] = []
    steps: list[_rows.Step] = []
    for ask in asks:
        one = locked.get(ask.review_id)
        if one is None or one.review.member_id != ask.member_id:
            results.append(ReviewUnknown())
            continue
        if one.review.state != "withdrawn":
            steps.append(_rows.to(one, "withdrawn", by=ask.member_id, reason="author"))
        results.append(one.done())
    await _rows.move(tx, steps, city_id=city_id, now=now)
    await close(tx, [(s.review.review_id, s.by, "moot") for s in steps], city_id=city_id, now=now)
    return results


async def withdraw_reversed(tx: Tx, redemption_ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[int]:
    """The redemptions were undone, so no visit is left to be reviewed: their reviews go. How many, for each.

    Called on the fact `vouchers.reversed`; until then, a moment, the review is still there. Twice is once.
    """
    rows = await tx.rows(
        """select review_id, redemption_id from reviews.reviews
           where city_id = %(city)s and redemption_id = any(%(ids)s::uuid[]) and state <> 'withdrawn'""",
        city=city_id, ids=sorted(set(redemption_ids)),
    )  # fmt: skip
    locked = await _rows.lock(tx, [row["review_id"] for row in rows], city_id=city_id)
    live = [one for one in locked.values() if one.review.state != "withdrawn"]
    steps = [_rows.to(one, "withdrawn", by=None, reason="redemption_undone") for one in live]
    await _rows.move(tx, steps, city_id=city_id, now=now)
    await close(tx, [(s.review.review_id, None, "moot") for s in steps], city_id=city_id, now=now)
    gone = [step.review.redemption_id for step in steps]
    return [gone.count(one) for one in redemption_ids]


async def forget(tx: Tx, member_ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[int]:
    """Take the names of members who left off their reviews; what they said of shops stays. How many, for each."""
    del now
    rows = await tx.rows(
        """update reviews.reviews set author = '' where city_id = %(city)s and member_id = any(%(ids)s::uuid[])
           returning member_id""",
        city=city_id, ids=sorted(set(member_ids)),
    )  # fmt: skip
    found = [row["member_id"] for row in rows]
    return [found.count(one) for one in member_ids]
