"""`hutong bench storm --mixed`: the mixed storm on servers, a worker and the provider; deadlocks are counted."""

import asyncio
import time
import urllib.request
from typing import Any

from hutong.cli.base import Context, words
from hutong.cli.bench import counters, crowd, town
from hutong.cli.bench.ground import Ground, desk, ground
from hutong.cli.bench.scene import answer_of
from hutong.cli.bench.storm.asking import Client
from hutong.cli.bench.storm.crowding import Mixed, Shop, World, unseen
from hutong.cli.bench.storm.journal import Journal
from hutong.cli.bench.town import Town
from hutong.cli.keep import audited
from hutong.cli.processes import Family, environment, free_port, provider_command, server_command, worker_command
from hutong.infra.db import Database
from hutong.kit.clock import SystemClock

PRICED, FREE = 3, 2  # shops
OFFERS = 4  # of each shop
PRICE = 9_900
MOST_AT_ONCE = 64
START_S = 180  # four processes, a worker and the provider, on a busy machine
RETRIES = "hutong_db_retries_total"
EXPECTED = ("order", "cancel", "pay", "redeem", "reverse", "refund")


def perform_mixed(
    ctx: Context, *, seconds: float, connections: int, workers: int, members: int, quota: int, seed: int
) -> dict[str, Any]:
    """The whole mixed storm; what came of it."""
    ports = {"port": free_port(), "provider_port": free_port(), "workers": workers}
    with ground(ctx, **ports) as place, desk() as folder, Journal(folder / "journal") as journal:
        words.print("mixed storm: loading")
        settings = place.settings
        with Family(environment(settings) | {"HUTONG_HOLD_MINUTES": "1"}, quiet=True) as family:
            family.start("the provider", provider_command(settings))
            family.wait_for(f"http://127.0.0.1:{settings.provider_port}/healthz")
            world = asyncio.run(_load(place, members=members, quota=quota))
            family.start("the server", server_command(settings, ctx.wiring.target))
            family.start("the worker", worker_command(settings))
            family.wait_for(f"{settings.address}/readyz", seconds=START_S)
            words.print(f"mixed storm: {seconds:.0f} s, {connections} visits at one time, {workers} server processes")
            began = time.monotonic()
            client = Client("127.0.0.1", settings.port, journal)
            mixed = Mixed(client, world, seed=seed)
            asyncio.run(_run(mixed, client, seconds, connections))
            took = time.monotonic() - began
            again = retries(settings.address)
            time.sleep(1.5)  # the processes of PostgreSQL report what they saw once a second
            deadlocks = answer_of(place, "deadlocks", {}, [])["deadlocks"]
        audit = asyncio.run(audited(place.url))
    wrong = wrong_with(mixed, journal, deadlocks=deadlocks)
    return {
        "name": "storm --mixed", "seconds": round(took, 1), "connections": connections, "workers": workers,
        "seed": seed, "requests": client.requests, "rate": round(client.requests / took), "told_busy": client.busy,
        "lost_lines": client.losses, "deadlocks": deadlocks, "retries": again, "done": dict(mixed.seen),
        "refused": dict(mixed.refused), "wrong": wrong, "audit": audit["violations"],
        "audit_queries": audit["queries"],
    }  # fmt: skip


def wrong_with(mixed: Mixed, journal: Journal, *, deadlocks: int) -> list[str]:
    """What must not be: deadlocks, faults, keys with two answers, deeds that never happened."""
    wrong = []
    if deadlocks:
        wrong.append(f"{deadlocks} deadlocks")
    if journal.strange:
        wrong.append(f"answers that are no answers: {dict(journal.strange)}")
    if journal.torn("order"):
        wrong.append(f"{len(journal.torn('order'))} orders were told two things")
    if missing := unseen(mixed.seen, EXPECTED):
        wrong.append(f"it never came to {', '.join(missing)}")
    return wrong


def retries(address: str) -> dict[str, int]:
    """Transactions that the batches tried again so far, by the reason, of all processes."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:  # noqa: S310 (our own server)
        lines = [line for line in answer.read().decode().splitlines() if line.startswith(RETRIES)]
    return {line.split('"')[1]: int(float(line.rsplit(" ", 1)[1])) for line in lines}


async def _run(mixed: Mixed, client: Client, seconds: float, connections: int) -> None:
    await mixed.run(seconds, at_once=min(connections, MOST_AT_ONCE))
    client.close()


async def _load(place: Ground, *, members: int, quota: int) -> World:
    db = await Database(place.url, statement_timeout_ms=600_000).open()
    now = SystemClock().now()

    def settle() -> None:
        place.psql(command="analyze")

    try:
        guests = await crowd.gather(db, place.settings, members + PRICED + FREE, now=now)
        cashiers, visitors = guests[: PRICED + FREE], guests[PRICED + FREE :]
        shops: list[Shop] = []
        for price, count in ((PRICE, PRICED), (0, FREE)):
            made = await town.build(db, shops=count, offers=OFFERS, quota=quota, price=price, now=now, settle=settle)
            staff, cashiers = cashiers[:count], cashiers[count:]
            await counters.hire(db, made, staff, now=now)
            shops += _shops(made, [guest.token for guest in staff], priced=price > 0)
    finally:
        await db.close()
    return World(shops=tuple(shops), tokens=tuple(guest.token for guest in visitors))


def _shops(made: Town, tills: list[str], *, priced: bool) -> list[Shop]:
    offers, stores = made.offer_names(), made.store_names()
    return [
        Shop(offers=tuple(offers[n * OFFERS : (n + 1) * OFFERS]), store=stores[n], till=till, priced=priced)
        for n, till in enumerate(tills)
    ]
