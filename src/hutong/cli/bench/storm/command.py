"""`hutong bench storm`: claims while processes are killed, and the proof that nobody was told anything untrue."""

import asyncio
import sys
import time
from typing import Any

import click
from msgspec import Struct

from hutong.cli.base import Context, json_option, say, words
from hutong.cli.bench import crowd, town
from hutong.cli.bench.ground import Ground, desk, ground
from hutong.cli.bench.scene import answer_of
from hutong.cli.bench.storm.asking import Client
from hutong.cli.bench.storm.claims import OP, Claims, wishes
from hutong.cli.bench.storm.journal import Journal
from hutong.cli.bench.storm.judge import wrong_with
from hutong.cli.bench.storm.mixing import START_S, perform_mixed
from hutong.cli.bench.storm.trouble import Schedule, a_worker_of, evenly, kill_hard, postmaster_of
from hutong.cli.bench.town import Town
from hutong.cli.keep import audited
from hutong.cli.processes import Family, environment, free_port, server_command
from hutong.cli.sandboxpay.keys import Keys
from hutong.infra.db import Database
from hutong.kit.clock import SystemClock
from hutong.kit.ids import ORDER

SHOWN = (
    "granted", "done", "refused", "deadlocks", "retries", "requests", "lost_lines", "told_busy", "unknown_at_the_end",
    "seconds", "rate",
)  # fmt: skip


class Storm(Struct, frozen=True, kw_only=True):
    """What the command line chose."""

    claims: int = 100_000
    quota: int = 50_000
    members: int = 20_000
    connections: int = 64
    workers: int = 1
    kill_postgres: int = 1
    kill_server: int = 1
    seed: int = 1


@click.command("storm")
@click.option("--claims", type=click.IntRange(1, 1_000_000), default=100_000, show_default=True)
@click.option("--quota", type=click.IntRange(1), default=50_000, show_default=True, help="Units that there are.")
@click.option("--members", type=click.IntRange(1, 100_000), default=20_000, show_default=True, help="Signed in.")
@click.option("--connections", type=click.IntRange(1, 1024), default=64, show_default=True, help="Claims at one time.")
@click.option("--workers", type=click.IntRange(1, 16), default=1, show_default=True, help="Server processes.")
@click.option("--kill-postgres", type=click.IntRange(0, 100), default=1, show_default=True, help="So often, SIGKILL.")
@click.option("--kill-server", type=click.IntRange(0, 100), default=1, show_default=True, help="A serving process.")
@click.option("--mixed", is_flag=True, help="Instead: buy, pay, cancel, use, undo and refund, all at once.")
@click.option("--seconds", type=click.FloatRange(1, 36_000), default=30, show_default=True, help="Of a mixed storm.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same number sends the same claims.")
@json_option
@click.pass_obj
def storm(ctx: Context, as_json: bool, mixed: bool, seconds: float, **given: Any) -> None:
    """Too many claims for one quota, pressed twice and cut, while processes are killed: was anybody told an untruth?

    With --mixed nobody is killed, but everything is done to the same orders at once, and deadlocks are counted.
    Exit 1 when an acknowledged claim is missing, a unit is lost or sold twice, an invariant is broken, or there was a
    deadlock.
    """
    if mixed:
        names = ("connections", "workers", "members", "quota", "seed")
        result = perform_mixed(ctx, seconds=seconds, **{name: given[name] for name in names})
    else:
        result = perform(ctx, Storm(**given))
    for line in result["wrong"]:
        words.print(f"[red]wrong: {line}[/red]")
    for violation in result["audit"]:
        words.print(f"[red]{violation['code']}[/red] {violation['sentence']}")
    words.print(", ".join(f"{name} {result[name]}" for name in SHOWN if name in result))
    say(result, as_json)
    sys.exit(1 if result["wrong"] or result["audit"] else 0)


def perform(ctx: Context, asked: Storm) -> dict[str, Any]:
    """The whole storm; what came of it."""
    ports = {"port": free_port(), "provider_port": free_port(), "workers": asked.workers}
    with ground(ctx, **ports) as place, desk() as folder, Journal(folder / "journal") as journal:
        Keys(place.settings.data_folder() / "sandboxpay" / "keys")  # without a provider nothing can be ordered
        words.print("storm: loading")
        made, tokens = asyncio.run(_load(place, asked))
        with Family(environment(place.settings), quiet=True) as family:
            server = family.start("the server", server_command(place.settings, ctx.wiring.target))
            family.wait_for(f"{place.settings.address}/readyz", seconds=START_S)
            words.print(f"storm: {asked.claims:,} claims of {asked.quota:,} units")
            figures = asyncio.run(_send(place, asked, journal, made, tokens, server))
        ids = [ORDER.read_local(text)[1] for text in journal.made(OP)]
        found = answer_of(place, "buying", {"city": made.city_id}, ids)
        audit = asyncio.run(audited(place.url))
    wrong = wrong_with(journal, found, quota=asked.quota, claims=asked.claims)
    if figures["kills"] < asked.kill_postgres + asked.kill_server:
        wrong.append("not everybody was killed who was to be")
    return {
        "name": "storm", "granted": len(journal.made(OP)), "refused": dict(journal.refused(OP)), **figures,
        "wrong": wrong, "found": found, "audit": audit["violations"], "audit_queries": audit["queries"],
        **{name: getattr(asked, name) for name in asked.__struct_fields__},
    }  # fmt: skip


async def _load(place: Ground, asked: Storm) -> tuple[Town, list[str]]:
    db = await Database(place.url, statement_timeout_ms=600_000).open()
    now = SystemClock().now()
    try:
        made = await town.build(
            db, shops=1, offers=1, quota=asked.quota, price=0, now=now, settle=lambda: place.psql(command="analyze")
        )
        guests = await crowd.gather(db, place.settings, asked.members, now=now)
    finally:
        await db.close()
    place.psql(command="vacuum analyze")
    return made, [guest.token for guest in guests]


async def _send(
    place: Ground, asked: Storm, journal: Journal, made: Town, tokens: list[str], server: int
) -> dict[str, Any]:
    client = Client("127.0.0.1", place.settings.port, journal)
    killing: set[asyncio.Task[None]] = set()

    async def postgres() -> None:
        kill_hard(await postmaster_of(place))

    async def worker() -> None:
        pid = a_worker_of(server)
        if pid is not None:
            kill_hard(pid)

    def later(deed: Any) -> Any:
        return lambda: killing.add(asyncio.create_task(deed()))

    deeds = [(at, later(postgres)) for at in evenly(asked.kill_postgres, asked.claims)]
    deeds += [(at + asked.claims // 20, later(worker)) for at in evenly(asked.kill_server, asked.claims)]
    schedule = Schedule(deeds)
    claims = Claims(client, tokens, made.offer_names()[0], seed=asked.seed, passed=schedule.passed)
    began = time.monotonic()
    await claims.send(wishes(asked.claims, asked.members, seed=asked.seed), at_once=asked.connections)
    seconds = time.monotonic() - began
    unknown = await claims.resolve(at_once=min(8, asked.connections))
    await asyncio.gather(*killing)
    client.close()
    return {
        "requests": client.requests, "lost_lines": client.losses, "told_busy": client.busy,
        "unknown_at_the_end": unknown, "kills": schedule.done, "seconds": round(seconds, 1),
        "rate": round(asked.claims / seconds),
    }  # fmt: skip
