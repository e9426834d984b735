"""A merchant closes: the command of whoever runs the platform."""

import asyncio
from typing import Any

import click

from hutong import merchants
from hutong.cli.base import Context, json_option, say, words
from hutong.desk import closing, rounds
from hutong.kit.ids import MEMBER, MERCHANT
from hutong.kit.refusals import Refusal


@click.command("close-merchant")
@click.argument("merchant")
@click.option("--by", required=True, help="The member (mem_...) of the platform who decides it.")
@click.option("--reason", required=True, help="Why; members are told that the shop has closed.")
@json_option
@click.pass_obj
def close_merchant(ctx: Context, merchant: str, by: str, reason: str, as_json: bool) -> None:
    """Close a merchant for good: nothing more is sold, and what nobody used is asked back for everybody."""
    with ctx.database(ctx.settings()) as ready:
        try:
            result = asyncio.run(_close(ctx, ready, merchant, by, reason))
        except Refusal as refusal:
            raise click.ClickException(refusal.sentence().en) from None
    words.print(f"closed; {result['refunds']} refunds were asked, a worker sends them")
    say(result, as_json)


async def _close(ctx: Context, settings: Any, merchant: str, by: str, reason: str) -> dict[str, Any]:
    merchant_id, member_id = MERCHANT.read(merchant), MEMBER.read(by)
    house = await ctx.house(settings).open()
    try:
        async with house.db.reading() as tx:
            at = (await merchants.presence(tx, [merchant_id])).get(merchant_id, frozenset())
        found = await closing.shut(house, merchant_id, sorted(at), by=member_id, reason=reason)
        for city_id in sorted(at):
            await rounds.give_back(house.db, city_id, house.clock.now())
        refunds = await closing.asked(house, merchant_id, sorted(at))
        return {"merchant": merchant, "cities": sorted(at), "closings": len(found), "refunds": refunds}
    finally:
        await house.close()
