"""The steps of a promotion's life. To pause is the kill switch: it waits for nobody and stops claim and use at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.pricing.budget_refusals import NoBudget, NoSuchStep, PromotionOver, PromotionUnknown
from hutong.pricing.operations._write import Entry, locked, write
from hutong.pricing.stored import STEPS, Live, PromotionStep


async def publish(tx: Tx, steps: Sequence[PromotionStep], *, city_id: int, now: datetime) -> list[Live | Refusal]:
    """Put drafts into force. Refusals: promotion_not_found, promotion_step, promotion_over (its time is past),
    promotion_without_budget (it has no limit in all)."""
    return await _step(tx, steps, "published", "live", ("draft",), city_id=city_id, now=now)


async def pause(tx: Tx, steps: Sequence[PromotionStep], *, city_id: int, now: datetime) -> list[Live | Refusal]:
    """Stop claim and use at once; what open orders hold already is theirs. Refusals: promotion_not_found,
    promotion_step."""
    return await _step(tx, steps, "paused", "paused", ("live",), city_id=city_id, now=now)


async def resume(tx: Tx, steps: Sequence[PromotionStep], *, city_id: int, now: datetime) -> list[Live | Refusal]:
    """Put paused ones into force again. Refusals: as of publish."""
    return await _step(tx, steps, "resumed", "live", ("paused",), city_id=city_id, now=now)


async def end(tx: Tx, steps: Sequence[PromotionStep], *, city_id: int, now: datetime) -> list[Live | Refusal]:
    """End promotions for good: no more claims; coupons that were claimed live on until their own validity ends.
    Refusals: promotion_not_found, promotion_step."""
    return await _step(tx, steps, "ended", "ended", ("draft", "live", "paused"), city_id=city_id, now=now)


async def _step(
    tx: Tx, steps: Sequence[PromotionStep], what: str, to: str, came: tuple[str, ...], *, city_id: int, now: datetime
) -> list[Live | Refusal]:
    rows = await locked(tx, [step.promotion_id for step in steps], city_id=city_id)
    limited = await _limited(tx, list(rows), city_id=city_id) if to == "live" else set(rows)
    refused: dict[int, Refusal] = {}
    entries: list[Entry] = []
    for i, step in enumerate(steps):
        row = rows.get(step.promotion_id)
        refusal = _why_not(row, to, came, limited, now)
        if row is None or refusal is not None:
            refused[i] = refusal or PromotionUnknown()
            continue
        why = (step.reason or "stopped") if to == "paused" else None
        after = row | {"state": to, "version": row["version"] + 1, "stopped_why": why}
        rows[step.promotion_id] = after  # a second step of the list finds what the first has made
        entries.append(Entry(what, step.by, step.reason, after))
    done = {one.promotion_id: one for one in await write(tx, entries, city_id=city_id, now=now)}
    return [refused.get(i) or done[step.promotion_id] for i, step in enumerate(steps)]


def _why_not(
    row: dict[str, Any] | None, to: str, came: tuple[str, ...], limited: set[UUID], now: datetime
) -> Refusal | None:
    if row is None:
        return PromotionUnknown()
    if row["state"] not in came or to not in STEPS[row["state"]]:
        return NoSuchStep(state=row["state"])
    if to == "live":
        if row["promotion_id"] not in limited:
            return NoBudget()
        if (row["ends_at"] is not None and row["ends_at"] <= now) or (
            row["use_until"] is not None and row["use_until"] <= now
        ):
            return PromotionOver()
    return None


async def _limited(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> set[UUID]:
    rows = await tx.rows(
        """select promotion_id from pricing.budgets
           where city_id = %(city)s and promotion_id = any(%(ids)s::uuid[]) and attribute = 'all'""",
        city=city_id,
        ids=list(ids),
    )
    return {row["promotion_id"] for row in rows}
