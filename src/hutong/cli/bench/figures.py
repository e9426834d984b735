"""From what was counted to what is told: rates, ratios, medians, goals. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from hutong.cli.bench.scene import Goals

CPU = ("server", "postgresql", "client")


def row_of(
    said: Mapping[str, Any], used: Mapping[str, float | None], batch: float | None, *, limit: float | None, noop: float,
    noop_used: Mapping[str, float | None],
) -> dict[str, Any]:  # fmt: skip
    """The figures of one round. rate: flows that ended well, a second; times in ms; ratios of rates of this round.

    The processor's time counts where others share the machine: a rate then says more about them.
    """
    seconds = max(said["seconds"], 0.001)
    rate = said["flows"] / seconds
    return {
        "rate": round(rate, 1), "p50_ms": said["p50_ms"], "p95_ms": said["p95_ms"], "p99_ms": said["p99_ms"],
        "refused": sum(said["refused"].values()), "errors": sum(said["errors"].values()), "busy": said["busy"],
        "cpu_s_per_1000": {name: _rounded(used[name], 3) for name in CPU},
        "statements_per_request": _rounded(used["statements"], 2),
        "transactions_per_request": _rounded(used["transactions"], 3),
        "wal_bytes_per_request": _rounded(used["wal_bytes"], 0), "batch_mean": _rounded(batch, 1),
        "noop_cpu_s_per_1000": {name: _rounded(noop_used[name], 3) for name in CPU},
        "limit_rate": _rounded(limit, 1), "noop_rate": round(noop, 1),
        "ratio_to_limit": _rounded(rate / limit, 2) if limit else None,
        "ratio_to_noop": round(said["requests"] / seconds / noop, 2) if noop else None,
        "requests": said["requests"], "flows": said["flows"], "seconds": said["seconds"],
    }  # fmt: skip


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def median(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figure by figure, the median of the rounds; a figure that is missing in a round is left out of its median."""
    return {name: _middle([row[name] for row in rows]) for name in rows[0]}


def _middle(values: Sequence[Any]) -> Any:
    if isinstance(values[0], Mapping):
        return {name: _middle([value[name] for value in values]) for name in values[0]}
    known = [value for value in values if value is not None]
    return round(statistics.median(known), 3) if known else None


def held(goals: Goals, figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each goal with what was reached, and whether that is enough."""
    asked = (
        ("ratio_to_limit", goals.to_limit, True), ("ratio_to_noop", goals.to_noop, True),
        ("p50_ms", goals.p50_ms, False), ("p99_ms", goals.p99_ms, False),
    )  # fmt: skip
    told = []
    for name, goal, more_is_better in asked:
        if goal is None:
            continue
        reached = figures[name]
        enough = reached is not None and (reached >= goal if more_is_better else reached <= goal)
        told.append({"what": name, "goal": goal, "at_least": more_is_better, "reached": reached, "held": enough})
    return told
