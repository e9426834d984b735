"""The round of clearing as a process of its own, to be killed: python -m tests.faults.clearing_process URL NOW WORDS N.

It books statement by statement. About to run the N-th statement of SQL with WORDS in it, it says "inside" and
sits in its open transaction.
"""

import asyncio
import sys
import time
from datetime import datetime
from typing import Any

from hutong.desk import clearings
from hutong.infra.db import Database


def halting(words: str, number: int) -> Any:
    """An observer that stops at the N-th statement with these words."""
    seen = 0

    def observe(sql: str, params: dict[str, Any]) -> None:
        nonlocal seen
        del params
        seen += words in sql
        if seen == number and words in sql:
            print("inside", flush=True)
            time.sleep(300)

    return observe


async def main(url: str, now: str, words: str, number: int) -> None:
    clearings.AT_ONCE = 1
    db = await Database(url, observer=halting(words, number)).open()
    print("ready", flush=True)
    await clearings.clear(db, datetime.fromisoformat(now))
    print("done", flush=True)
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
