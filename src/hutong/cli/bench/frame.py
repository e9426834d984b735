"""The frame of every bench: a database, a server with its production settings, a load from another process, the limits
of the same machine in the same run, and the proof that nothing was lost.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from hutong.cli.base import Context, words
from hutong.cli.bench.driver import Driven, drive
from hutong.cli.bench.figures import held, median, row_of
from hutong.cli.bench.ground import Ground, desk, ground, slow_flushes
from hutong.cli.bench.limit import limit_rate, scratch
from hutong.cli.bench.scene import Hands, Options, Scene, request
from hutong.cli.keep import audited
from hutong.cli.processes import Family, environment, free_port, server_command, worker_command
from hutong.cli.sandboxpay.keys import Keys
from hutong.infra.db import Database
from hutong.kit.clock import SystemClock

NOOP = {
    "sources": {},
    "flows": [{"name": "nothing", "steps": [{"kind": "noop", "head": request("GET", "/healthz")}]}],
}


class Round(Struct, frozen=True, kw_only=True):
    """One measurement: the load, and the limits beside it."""

    load: Driven
    limit: float | None
    noop: float
    noop_used: dict[str, float | None]


def run(ctx: Context, scene: Scene, options: Options) -> dict[str, Any]:
    """The whole bench; its result as the object that --json prints, with `held` telling whether the goals were met."""
    given = {"port": free_port(), "provider_port": free_port(), "workers": options.workers}
    with ground(ctx, **given) as place, desk() as folder:
        Keys(place.settings.data_folder() / "sandboxpay" / "keys")  # without a provider nothing can be ordered
        words.print(f"{scene.name}: loading")
        asyncio.run(_load(place, scene, options))
        slower = slow_flushes(place, options.flush_ms)
        with slower, Family(environment(place.settings), quiet=True) as family, scratch(place):
            server = family.start("the server", server_command(place.settings, ctx.wiring.target))
            if options.worker:
                family.start("the worker", worker_command(place.settings))
            family.wait_for(f"{place.settings.address}/readyz")
            plans = [scene.load_plan(turn) for turn in range(options.repeat)]
            rounds = [_round(place, folder, scene, plan, options, server) for plan in plans]
        kept = [name for one in rounds for name in one.load.kept]
        errors = sum(sum(one.load.said["errors"].values()) for one in rounds)
        found, wrong = scene.check(place, kept, errors)
        audit = asyncio.run(audited(place.url))
    return _result(scene, options, rounds, found=found, wrong=wrong, audit=audit)


async def _load(place: Ground, scene: Scene, options: Options) -> None:
    db = await Database(place.url, statement_timeout_ms=600_000).open()
    try:
        await scene.load(Hands(place=place, db=db, now=SystemClock().now(), options=options))
    finally:
        await db.close()
    place.psql(command="vacuum analyze")


def _round(
    place: Ground, folder: Path, scene: Scene, plan: dict[str, Any], options: Options, server: int
) -> Round:  # fmt: skip
    limit = None
    if scene.limit is not None:
        limit = limit_rate(place, scene.limit, seconds=options.limit_seconds)
        words.print(f"{scene.name}: pgbench {scene.limit} {limit:,.0f}/s")
    load = drive(
        place, folder, plan, options, server=server, seconds=options.seconds, warm_s=options.warm_s, most=options.most,
        operation=scene.operation,
    )  # fmt: skip
    nothing = drive(place, folder, NOOP, options, server=server, seconds=options.noop_seconds, warm_s=0.3)
    noop = nothing.said["ok"] / max(nothing.said["seconds"], 0.001)
    rate = load.said["flows"] / max(load.said["seconds"], 0.001)
    words.print(f"{scene.name}: {rate:,.0f}/s, doing nothing {noop:,.0f}/s")
    return Round(load=load, limit=limit, noop=noop, noop_used=nothing.used)


def _result(
    scene: Scene, options: Options, rounds: Sequence[Round], *, found: dict[str, Any], wrong: list[str],
    audit: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    rows = [
        row_of(
            one.load.said, one.load.used, one.load.batch, limit=one.limit, noop=one.noop, noop_used=one.noop_used
        )
        for one in rounds
    ]  # fmt: skip
    middle = median(rows)
    goals = held(scene.goals, middle)
    last = rounds[-1].load.said
    return {
        "name": scene.name, **middle, "errors": sum(row["errors"] for row in rows),
        "audit_violations": len(audit["violations"]), "wrong": wrong, "goals": goals,
        "held": all(goal["held"] for goal in goals) and not wrong, "checked": found, "connections": options.connections,
        "workers": options.workers, "flush_ms": options.flush_ms, "repeat": options.repeat, "rounds": rows,
        "error_kinds": _added([one.load.said["errors"] for one in rounds]),
        "refused_kinds": _added([one.load.said["refused"] for one in rounds]), "kinds": last["kinds"],
        "timeline": last["timeline"], "histogram": last["histogram"],
        **({"audit": audit["violations"]} if audit["violations"] else {}),
    }  # fmt: skip


def _added(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    return {name: sum(one.get(name, 0) for one in counts) for name in sorted({name for one in counts for name in one})}
