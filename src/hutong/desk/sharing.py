"""Who shares in a merchant's commission: what recruiting decided becomes the next version of his chain."""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from uuid import UUID

from hutong import recruiting, settlement
from hutong.desk.house import House
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.relay import Handler
from hutong.settlement import Chain, Share

TOPICS = frozenset({"recruiting.moved", "recruiting.case_decided", "recruiting.attributed"})


async def sweep(house: House, city_id: int, now: datetime) -> None:
    """The round of one city: every recruited merchant's chain is as recruiting says. Nothing is written where it is."""
    await house.db.run_city(city_id, lambda tx: follow_all(tx, city_id=city_id, now=now))


async def follow_all(tx: Tx, *, city_id: int, now: datetime) -> int:
    """Follow recruiting for all merchants of a city that somebody recruited, and all that have a chain; how many."""
    operators = [one.operator_id for one in await recruiting.all_operators(tx, at=now)]
    merchants = await recruiting.recruited(tx, operators, city_id=city_id) if operators else []
    merchants = sorted({*merchants, *await settlement.chained(tx)})
    await follow(tx, merchants, now=now)
    return len(merchants)


async def follow(tx: Tx, merchant_ids: Sequence[UUID], *, now: datetime) -> list[Chain]:
    """The chains of these merchants as recruiting says now. Where nobody holds a merchant any more, his chain ends: an
    empty version, by which nobody earns. Who never had one gets none."""
    if not merchant_ids:
        return []
    found = await recruiting.shares_for(tx, merchant_ids, at=now)
    chains = [
        Chain(
            merchant_id=one.merchant_id, version=0, shares=handed(one), valid_from=one.since, source=one.attribution_id
        )
        for one in found.values()
    ]
    gone = sorted(set(merchant_ids) - found.keys())
    ended = await settlement.chained(tx, gone) if gone else []
    chains += [Chain(merchant_id=one, version=0, shares=(), valid_from=now) for one in ended]
    made = await settlement.set_chains(tx, chains, now=now)
    return [one for one in made if isinstance(one, Chain)]


def handed(one: recruiting.Attributed) -> tuple[Share, ...]:
    """What each is handed, from what each keeps: his own part and everything below him. Who keeps nothing and hands
    nothing on has no share."""
    keeping = [share for share in one.shares if share.bps]
    sums = list(accumulate(share.bps for share in reversed(keeping)))[::-1]
    return tuple(Share(share.operator_id, bps, one.ends_at) for share, bps in zip(keeping, sums, strict=True))


def handler() -> Handler:
    """Follows recruiting as soon as something was decided."""

    async def do(tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        del facts
        await follow_all(tx, city_id=city_id, now=now)

    return Handler(name="settlement.shares", topics=TOPICS, do=do)
