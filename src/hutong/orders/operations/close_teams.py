"""Teams whose time is over: everybody in them gets the money back without asking."""

from datetime import datetime

from msgspec import Struct

from hutong import groups
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.orders.model import AskRefund
from hutong.orders.operations.refund import ask_refunds


class TeamsClosed(Struct, frozen=True, kw_only=True):
    """What a round did: how many teams failed, how many refunds were asked."""

    failed: int
    refunds: int


async def close_teams(tx: Tx, *, city_id: int, now: datetime, limit: int = 500) -> TeamsClosed:
    """Fail teams whose time is over, and refund their members whole; at most `limit` of either.

    Call it until it does nothing: one call judges, the next ones refund (orders are locked before teams elsewhere, so
    one transaction must not do both). The last payment and the end meet at the row of the team: one of them wins.
    Refund reason: team_failed.
    """
    failed = await groups.fail_due(tx, city_id=city_id, now=now, limit=limit)
    if failed:
        return TeamsClosed(failed=len(failed), refunds=0)
    owed = await groups.owed(tx, city_id=city_id, limit=limit)
    asks = [
        AskRefund(refund_id=derive(order, "team_failed"), order_id=order, by=None, reason="team_failed")
        for order in owed
    ]
    results = await ask_refunds(tx, asks, city_id=city_id, now=now) if asks else []
    nothing = [ask.order_id for ask, result in zip(asks, results, strict=True) if isinstance(result, Refusal)]
    if nothing:  # voided by the staff, say: there is no money left to send
        locked = await groups.lock(tx, nothing, city_id=city_id)
        await groups.leave(tx, nothing, locked=locked, city_id=city_id, now=now)
    return TeamsClosed(failed=0, refunds=len(asks))
