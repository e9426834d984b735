"""Writes of insight: what was visited, what is expected, the last verdicts, capacity, alerts and nudges."""

from hutong.insight.operations.come import come
from hutong.insight.operations.feed import feed, forget, rebuild, record
from hutong.insight.operations.nudge import nudge, told
from hutong.insight.operations.plan import plan, set_capacities
from hutong.insight.operations.write import write_alerts, write_sheets

__all__ = [
    "come", "feed", "forget", "nudge", "plan", "rebuild", "record", "set_capacities", "told",
    "write_alerts", "write_sheets",
]  # fmt: skip
