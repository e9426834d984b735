"""A worker as a process of its own, for tests that kill it: python -m tests.db.worker_process URL [SECONDS].

With SECONDS the handler writes its effect, says so on standard output, and then sits in its open transaction.
"""

import asyncio
import signal
import sys

from hutong.infra.db import Database
from hutong.infra.relay import Handler, Registry
from hutong.infra.worker import Worker
from hutong.kit.clock import SystemClock


def handler(seconds: float = 0) -> Handler:
    async def do(tx, facts, *, city_id, now):
        for fact in facts:
            await tx.run("insert into proof (n) values (%(n)s)", n=fact.payload["n"])
        if seconds:
            print("inside", flush=True)
            await asyncio.sleep(seconds)

    return Handler(name="keep", topics=frozenset({"order.paid"}), do=do)


def worker(db: Database, handler: Handler) -> Worker:
    return Worker(
        db, Registry([handler]), SystemClock(), poll_s=0.1, heartbeat_s=0.3, stalled_s=1.0, grace_s=5, concurrency=2
    )


async def main(url: str, seconds: float) -> None:
    db = await Database(url).open()
    one = worker(db, handler(seconds))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, one.stop)
    print("ready", flush=True)
    await one.run()
    await db.close()
    print("stopped", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0))
