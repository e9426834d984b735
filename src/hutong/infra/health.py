"""Health: is this process alive, and can it serve? What the answers say may be read by anybody."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from hutong import __version__
from hutong.infra import metrics
from hutong.infra.db import Database, Tx
from hutong.infra.relay import backlog

Migrated = Callable[[Tx], Awaitable[bool]]


async def live() -> dict[str, Any]:
    """This process runs and answers; it asks nobody, so that a database away does not get us restarted."""
    return {"ok": True, "version": __version__}


async def ready(
    db: Database, *, migrated: Migrated, now: datetime, relay_lag_s: float, timeout_s: float = 3.0
) -> dict[str, Any]:
    """Whether requests can be served: the database answers and has our schema.

    A relay that lags more than `relay_lag_s` seconds is told and does not turn `ok` off: orders can still be taken, and
    taking every server out would help nobody. Each check has `name`, `ok`, `needed`, `ms` and, when not ok, `detail`.
    """

    async def answers(tx: Tx) -> str | None:
        return None if await tx.value("select 1") == 1 else "no answer"

    async def schema(tx: Tx) -> str | None:
        return None if await migrated(tx) else "not at the newest migration: run `hutong migrate`"

    async def relay(tx: Tx) -> str | None:
        found = await backlog(tx, now=now)
        metrics.backlog(found)
        lags = f"{found.waiting} facts wait, the oldest for {found.oldest_s:.0f} s: does `hutong worker` run?"
        return lags if found.oldest_s > relay_lag_s else None

    checks = [await _check(db, "database", answers, timeout_s)]
    if checks[0]["ok"]:
        checks.append(await _check(db, "schema", schema, timeout_s))
    if len(checks) == 2 and checks[1]["ok"]:
        checks.append(await _check(db, "relay", relay, timeout_s, needed=False))
    return {"ok": all(check["ok"] for check in checks if check["needed"]), "checks": checks}


async def _check(
    db: Database, name: str, ask: Callable[[Tx], Awaitable[str | None]], timeout_s: float, *, needed: bool = True
) -> dict[str, Any]:
    """One question, bounded in time. Of an error only its kind is told: its words may name hosts and users."""
    began = asyncio.get_running_loop().time()

    async def question() -> str | None:
        async with db.reading() as tx:
            return await ask(tx)

    try:
        detail = await asyncio.wait_for(question(), timeout_s)
    except TimeoutError:
        detail = f"no answer in {timeout_s:g} s"
    except Exception as error:
        detail = type(error).__name__
    took = round((asyncio.get_running_loop().time() - began) * 1000, 1)
    return {"name": name, "ok": detail is None, "needed": needed, "ms": took} | ({"detail": detail} if detail else {})
