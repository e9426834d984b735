"""The result of a bench as a table for people."""

from typing import Any

from rich.table import Table

from hutong.cli.base import words

ROWS = (
    ("rate", "done, per second", "{:,.0f}"), ("p50_ms", "p50 ms", "{:.1f}"), ("p95_ms", "p95 ms", "{:.1f}"),
    ("p99_ms", "p99 ms", "{:.1f}"), ("requests", "requests", "{:,.0f}"), ("refused", "refused", "{:,.0f}"),
    ("errors", "errors", "{:,.0f}"), ("busy", "told to wait", "{:,.0f}"), ("batch_mean", "batch, mean", "{:.1f}"),
    ("statements_per_request", "statements for each request", "{:.2f}"),
    ("transactions_per_request", "transactions for each request", "{:.3f}"),
    ("wal_bytes_per_request", "log bytes for each request", "{:,.0f}"),
    ("limit_rate", "limit by pgbench, per second", "{:,.0f}"), ("noop_rate", "doing nothing, per second", "{:,.0f}"),
    ("ratio_to_limit", "of the limit", "{:.2f}"), ("ratio_to_noop", "of doing nothing", "{:.2f}"),
    ("set_rate", "in sets, per second", "{:,.0f}"), ("set_size", "size of a set", "{:,.0f}"),
    ("set_ratio_to_limit", "in sets, of the limit", "{:.2f}"),
    ("audit_violations", "audit violations", "{:.0f}"),
)  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """The figures, the goals, and what is wrong."""
    title = f"{result['name']}: {result['connections']} connections, {result['workers']} server process(es)"
    if result["repeat"] > 1:
        title += f", medians of {result['repeat']}"
    table = Table("what", "figure", title=title, title_justify="left")
    for name, said, shape in ROWS:
        if name.startswith("set_") and name not in result:
            continue
        value = result.get(name)
        table.add_row(said, "-" if value is None else shape.format(value))
    for what, key in (("", "cpu_s_per_1000"), (" (doing nothing)", "noop_cpu_s_per_1000")):
        for name, value in result[key].items():
            table.add_row(f"processor s for 1000, {name}{what}", "-" if value is None else f"{value:.2f}")
    words.print(table)
    for goal in result["goals"]:
        sign, colour = (">=", "<=")[not goal["at_least"]], ("red", "green")[goal["held"]]
        words.print(f"[{colour}]{goal['what']} {goal['reached']} (goal {sign} {goal['goal']})[/{colour}]")
    for line in result["wrong"]:
        words.print(f"[red]wrong: {line}[/red] {result['checked']}")
    for kind, count in result["error_kinds"].items():
        words.print(f"[red]{count} x {kind}[/red]")
    for violation in result.get("audit", []):
        words.print(f"[red]{violation['code']}[/red] {violation['sentence']}")
