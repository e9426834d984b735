"""Points for purchases: funded first, once for each source, by the rules in force when it was bought."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from hutong import programmes
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.programmes import Earned, EarnedAlready, FundingExhausted, Partner, Rate
from tests.db.own_audit import sound
from tests.programmes_help import an_alliance

pytestmark = pytest.mark.anyio


async def test_a_purchase_gives_its_points_once(db: Database, now):
    alliance = await an_alliance(db)
    await alliance.join("noodles", blocks=10_000)
    ann = new_id()
    ask = alliance.buy(ann, "noodles", 6_380, now)
    (earned,) = await alliance.earns(ask)
    assert isinstance(earned, Earned)
    assert (earned.base, earned.points, earned.replayed) == (63, 63, False)
    (again,) = await alliance.earns(ask, now=now + timedelta(days=1))
    assert again.replayed
    assert (again.points, again.matures_at, again.expires_at) == (63, earned.matures_at, earned.expires_at)
    (other,) = await alliance.earns(alliance.buy(ann, "noodles", 6_380, now, source=ask.source))
    assert isinstance(other, EarnedAlready)
    assert await sound(db, "ledger")


async def test_in_one_set_whoever_comes_first_gets_the_rest_of_the_block(db: Database, now):
    alliance = await an_alliance(db)
    await alliance.join("noodles", blocks=100)
    ann, bo = new_id(), new_id()
    asks = [alliance.buy(who, "noodles", units, now) for who, units in ((ann, 6_000), (bo, 5_000), (ann, 4_000))]
    results = await alliance.earns(*asks)
    assert [getattr(one, "points", one) for one in results] == [60, FundingExhausted(), 40]
    assert isinstance((await alliance.earns(asks[1]))[0], FundingExhausted)
    assert await sound(db, "ledger")


async def test_live_finds_the_programme_of_a_merchant(db: Database, now):
    async with db.reading() as tx:
        assert await programmes.live(tx, [new_id()], at=now) == {}
    alliance = await an_alliance(db)
    noodles = await alliance.join("noodles")
    async with db.reading() as tx:
        found = await programmes.live(tx, [noodles, new_id()], at=now)
    assert list(found) == [noodles]
    programme, partner = found[noodles]
    assert programme.policy is not None
    assert (programme.asset, programme.policy.version, partner.mode) == ("GRAIN", 1, "prepaid")


async def test_a_purchase_earns_by_its_partners_rate_of_its_own_time(db: Database, now):
    """Two points a yuan until noon, one since, none of his own in the evening: what tills bring later follows the hour
    of the purchase, in one set, and the version that is named is the one of that hour. So is what goes back."""
    alliance = await an_alliance(db)
    await alliance.join("noodles", blocks=10_000, now=now, rate=Rate(points=2))
    ann, hour = new_id(), timedelta(hours=1)
    for after, rate in ((4 * hour, Rate()), (8 * hour, None)):
        change = replace(alliance.versions["noodles"], rate=rate)
        (stands,) = await alliance.run(
            lambda tx, c=change, at=now + after: programmes.change_partners(tx, [c], by=None, reason="rate", now=at)
        )
        assert isinstance(stands, Partner), stands
        alliance.versions["noodles"] = stands
    bought = [now + n * hour for n in (-1, 1, 4, 7, 9)]  # before he joined he had promised nothing else
    asks = [alliance.buy(ann, "noodles", 1_000, at) for at in bought]
    given = await alliance.earns(*asks, now=now + 10 * hour)
    assert [one.points for one in given] == [20, 20, 10, 10, 10]
    rule = f"{alliance.programme_id}/1"
    assert [one.rule for one in given] == [f"{rule}+1", f"{rule}+1", f"{rule}+2", f"{rule}+2", rule]
    late = now + 11 * hour
    guessed = await alliance.run(lambda tx: programmes.guess_earn(tx, asks, now=late))
    assert [one.points for one in guessed] == [one.points for one in given]
    back = await alliance.claws(ann, asks[1].source, kept=Amount(500, "CNY"), now=late)
    assert (back.points, (await alliance.wallet(ann, late)).pending) == (10, 60)
    assert await sound(db, "ledger")
