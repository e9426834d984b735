"""Locking vouchers and writing what they became: the only place that updates a voucher one by one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.vouchers.model import ROADS, State, Voucher
from hutong.vouchers.queries import as_voucher

FREE: dict[str, Any] = {"held_for": None, "held_ref": None, "held_until": None}  # of a voucher that is not locked


class Changed(Struct, frozen=True, kw_only=True):
    """One step of a voucher: what it was, what it is, by whom and why."""

    was: Voucher
    voucher: Voucher
    by: UUID | None
    reason: str


async def lock(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Voucher]:
    """The vouchers, locked in sorted order until the transaction ends; an unknown id is missing."""
    if not voucher_ids:
        return {}
    rows = await tx.rows(
        """select * from vouchers.vouchers where city_id = %(city)s and voucher_id = any(%(ids)s::uuid[])
           order by voucher_id for no key update""",
        city=city_id, ids=sorted(set(voucher_ids)),
    )  # fmt: skip
    return {row["voucher_id"]: as_voucher(row) for row in rows}


def step(voucher: Voucher, *, by: UUID | None, reason: str, **changes: Any) -> Changed:
    """The voucher after a change, one version on. A change of state must follow a road (model.ROADS)."""
    state: State = changes.get("state", voucher.state)
    assert state == voucher.state or state in ROADS[voucher.state], f"no road from {voucher.state} to {state}"
    after = msgspec.structs.replace(voucher, version=voucher.version + 1, **changes)
    return Changed(was=voucher, voucher=after, by=by, reason=reason)


async def save(tx: Tx, changed: Sequence[Changed], *, city_id: int, now: datetime) -> None:
    """Write locked vouchers as they are after their last step, and a line of history for each change of state.

    Each update names the version it started from, so a voucher that was not locked could not be overwritten.
    """
    if not changed:
        return
    first: dict[UUID, int] = {}
    last: dict[UUID, Voucher] = {}
    for one in changed:
        first.setdefault(one.was.voucher_id, one.was.version)
        last[one.voucher.voucher_id] = one.voucher
    vouchers = list(last.values())
    roads = [one for one in changed if one.was.state != one.voucher.state]
    rows = await tx.rows(
        load(__package__, "save"), city=city_id, now=now,
        ids=[v.voucher_id for v in vouchers], versions_before=[first[v.voucher_id] for v in vouchers],
        versions=[v.version for v in vouchers], states=[v.state for v in vouchers],
        refund_froms=[v.refund_from for v in vouchers], uses=[v.uses_left for v in vouchers],
        paids=[v.paid_left for v in vouchers], dues=[v.due_left for v in vouchers],
        last_steps=[v.last_step for v in vouchers], cycles=[v.cycles for v in vouchers],
        held_fors=[v.held_for for v in vouchers], held_refs=[v.held_ref for v in vouchers],
        held_untils=[v.held_until for v in vouchers],
        road_ids=[c.voucher.voucher_id for c in roads], road_versions=[c.voucher.version for c in roads],
        road_was=[c.was.state for c in roads], road_states=[c.voucher.state for c in roads],
        road_bys=[c.by for c in roads], road_reasons=[c.reason for c in roads],
    )  # fmt: skip
    assert len(rows) == len(vouchers), "a voucher changed although it was locked"
