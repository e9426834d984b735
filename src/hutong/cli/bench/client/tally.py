"""What became of the requests, and the figures made of it. Pure."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil, log2
from typing import Any

OK, REFUSED, FAILED = 0, 1, 2
STEPS = 8  # buckets of the histogram for each doubling of the time


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of the ordered values do not exceed; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, ceil(share * len(ordered)) - 1))]


def latencies(seconds: Iterable[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    ordered = sorted(seconds)
    named = (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99), ("max_ms", 1.0))
    return {name: round(percentile(ordered, share) * 1000, 2) for name, share in named}


def histogram(seconds: Iterable[float]) -> list[tuple[float, int]]:
    """(upper bound in ms, how many) for each bucket that is not empty; each bound is 2^(1/8) times the one before."""
    found = Counter(ceil(log2(max(s * 1000, 0.001)) * STEPS) for s in seconds)
    return [(round(2 ** (bucket / STEPS), 4), found[bucket]) for bucket in sorted(found)]


class Tally:
    """Counts while the load runs: cheap to add to, shown at the end."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self.kinds = list(kinds)
        self.ends, self.took = array("d"), array("d")
        self.kind, self.outcome = array("B"), array("B")
        self.refused: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.busy = self.again = self.flows = self.begun = 0
        self.kept: list[bytes] = []

    def add(self, kind: int, outcome: int, end: float, took: float) -> None:
        """One request that has its answer."""
        self.ends.append(end)
        self.took.append(took)
        self.kind.append(kind)
        self.outcome.append(outcome)

    def shown(self, began: float, cpu_s: float) -> dict[str, Any]:
        """All figures; times in seconds of the clock that gave `began`."""
        seconds = max(self.ends, default=began) - began
        return {
            "seconds": round(seconds, 3), "requests": len(self.ends), "begun": self.begun, "flows": self.flows,
            "ok": self.outcome.count(OK), "refused": dict(self.refused), "busy": self.busy, "sent_again": self.again,
            "errors": dict(self.errors), "cpu_s": round(cpu_s, 3), **latencies(self.took),
            "kinds": {name: self._of(number) for number, name in enumerate(self.kinds)},
            "timeline": self._timeline(began), "histogram": histogram(self.took),
        }  # fmt: skip

    def _of(self, kind: int) -> dict[str, float]:
        took = [t for t, k in zip(self.took, self.kind, strict=True) if k == kind]
        return {"requests": len(took), **latencies(took)}

    def _timeline(self, began: float) -> list[list[int]]:
        """[done, refused, failed] for each second."""
        if not self.ends:
            return []
        rows = [[0, 0, 0] for _ in range(int(max(self.ends) - began) + 1)]
        for end, outcome in zip(self.ends, self.outcome, strict=True):
            rows[int(end - began)][outcome] += 1
        return rows
