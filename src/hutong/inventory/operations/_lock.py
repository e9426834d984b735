"""Locking and moving counters: the only two places that touch a hot row."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.inventory.model import Quota
from hutong.inventory.queries import as_quota


class Move(Struct):
    """By how much `held` and `sold` of a quota change; `remaining` takes the difference."""

    held: int = 0
    sold: int = 0


async def lock(tx: Tx, quota_ids: Iterable[UUID], *, city_id: int) -> dict[UUID, Quota]:
    """The quotas, locked in sorted order until the transaction ends; an unknown id is missing."""
    rows = await tx.rows(
        """select quota_id, label, total, held, sold, remaining, closed_at, listed from inventory.quotas
           where city_id = %(city)s and quota_id = any(%(ids)s::uuid[])
           order by quota_id for no key update""",
        city=city_id, ids=sorted(set(quota_ids)),
    )  # fmt: skip
    return {row["quota_id"]: as_quota(row) for row in rows}


async def move(tx: Tx, moves: Mapping[UUID, Move], *, city_id: int) -> None:
    """Apply the moves, each quota once, locked in sorted order."""
    ids = sorted(moves)
    if not ids:
        return
    changed = await tx.run(
        load(__package__, "move"), city=city_id, ids=ids,
        held=[moves[i].held for i in ids], sold=[moves[i].sold for i in ids],
    )  # fmt: skip
    assert changed == len(ids), "a quota of a hold cannot vanish"


def gather(parts: Sequence[tuple[UUID, int, int]]) -> dict[UUID, Move]:
    """(quota_id, held, sold) summed by quota."""
    moves: dict[UUID, Move] = {}
    for quota_id, held, sold in parts:
        one = moves.setdefault(quota_id, Move())
        one.held += held
        one.sold += sold
    return moves
