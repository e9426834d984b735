"""Figures of a bench: medians of rounds, ratios within a round, goals."""

from typing import Any

from hutong.cli.bench.figures import held, median, row_of
from hutong.cli.bench.scene import Goals
from hutong.cli.bench.scenes.earn import wrong_with as wrong_with_bills
from hutong.cli.bench.scenes.flash import wrong_with

SAID = {
    "seconds": 2.0, "flows": 400, "requests": 800, "p50_ms": 10.0, "p95_ms": 20.0, "p99_ms": 30.0,
    "refused": {"sold_out": 3}, "errors": {}, "busy": 1,
}  # fmt: skip
USED = {"server": 1.5, "postgresql": None, "client": 0.03, "statements": 3.25, "transactions": None, "wal_bytes": 512.4}


def test_rates_are_flows_and_doing_nothing_is_compared_by_requests():
    row = row_of(SAID, USED, 25.04, limit=100.0, noop=1_000.0, noop_used=USED)
    assert (row["rate"], row["ratio_to_limit"], row["ratio_to_noop"]) == (200.0, 2.0, 0.4)
    assert (row["refused"], row["batch_mean"], row["wal_bytes_per_request"]) == (3, 25.0, 512)
    assert row["cpu_s_per_1000"] == {"server": 1.5, "postgresql": None, "client": 0.03}
    assert row_of(SAID, USED, None, limit=None, noop=1_000.0, noop_used=USED)["ratio_to_limit"] is None


def test_the_median_is_figure_by_figure_and_leaves_out_what_is_not_known():
    rows: list[dict[str, Any]] = [{"a": 3, "b": None, "c": {"d": 1}}, {"a": 1, "b": 5, "c": {"d": None}},
                                  {"a": 2, "b": 7, "c": {"d": 9}}]  # fmt: skip
    assert median(rows) == {"a": 2, "b": 6, "c": {"d": 5}}


def test_goals_say_what_was_reached():
    told = held(Goals(to_limit=2.0, p99_ms=150), {"ratio_to_limit": 1.9, "p99_ms": 150.0})
    assert [(one["what"], one["held"]) for one in told] == [("ratio_to_limit", False), ("p99_ms", True)]
    assert held(Goals(to_limit=2.0), {"ratio_to_limit": None})[0]["held"] is False


def test_what_is_wrong_after_a_sale_is_said():
    right = {
        "units_total": 10, "units_sold": 2, "units_held": 3, "units_left": 5, "quotas_unequal": 0, "orders": 5,
        "units_ordered": 5, "acknowledged": 5, "acknowledged_twice": 0, "acknowledged_missing": 0,
    }  # fmt: skip
    assert wrong_with(right, 0) == []
    assert wrong_with(right | {"acknowledged": 4}, 1) == [], "an answer that was lost may have left an order"
    for broken in (
        {"units_left": 6}, {"quotas_unequal": 1}, {"units_ordered": 6}, {"acknowledged_missing": 1},
        {"acknowledged": 4},
    ):  # fmt: skip
        assert len(wrong_with(right | broken, 0)) == 1, broken


def test_what_is_wrong_after_bills_that_earn_is_said():
    right = {
        "bills": 6, "bills_that_earned": 6, "earned_in_sets": 40, "points_earned": 900, "points_in_wallets": 900,
        "points_in_lots": 900, "acknowledged": 5, "acknowledged_twice": 0, "acknowledged_missing": 0,
    }  # fmt: skip
    assert wrong_with_bills(right, in_sets=40, errors=1) == []
    assert len(wrong_with_bills(right, in_sets=40, errors=0)) == 1, "a bill that nobody was told of"
    for broken in (
        {"acknowledged_missing": 1}, {"acknowledged_twice": 1}, {"bills": 4, "bills_that_earned": 4},
        {"bills_that_earned": 5}, {"earned_in_sets": 39}, {"points_in_wallets": 899}, {"points_in_lots": 901},
    ):  # fmt: skip
        assert len(wrong_with_bills(right | broken, in_sets=40, errors=1)) == 1, broken
