"""A race needs all its connections from the start; a pool opens them only while they are asked for."""

import asyncio

from hutong.infra.db import Database


async def crowd(db: Database, size: int = 8) -> None:
    """Hold `size` connections at once until all are there."""
    together = asyncio.Barrier(size)

    async def one() -> None:
        async with db.city(1):
            await together.wait()

    await asyncio.wait_for(asyncio.gather(*(one() for _ in range(size))), 60)
