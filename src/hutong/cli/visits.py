"""Making the read model of insight again, after a loss or before it was fed."""

import asyncio
from typing import Any

import click

from hutong.cli.base import Context, json_option, say, words
from hutong.desk import insights, repeating, waves
from hutong.desk.rounds import cities
from hutong.infra.db import Database
from hutong.kit.clock import SystemClock


async def _all(url: str) -> dict[str, Any]:
    db = await Database(url).open()
    pages = 0
    try:
        now, found = SystemClock().now(), await cities(db)
        for city_id in found:
            pages += await insights.rebuild(db, city_id, now)
            pages += await repeating.rebuild(db, city_id)
            while await insights.judge_deals(db, city_id, now):
                pass
            await waves.watch(db, city_id, now)
    finally:
        await db.close()
    return {"cities": len(found), "pages": pages}


@click.command("rebuild")
@json_option
@click.pass_obj
def rebuild_visits(ctx: Context, as_json: bool) -> None:
    """Read all redemptions and bills again into insight, judge the deals, look ahead. What is right stays."""
    with ctx.database(ctx.settings()) as ready:
        assert ready.database_url is not None
        result = asyncio.run(_all(ready.database_url))
    words.print(f"{result['cities']} cities, {result['pages']} pages of redemptions and bills read")
    say(result, as_json)
