"""What the city and the platform do in the town: a campaign of the city, a batch of payouts, a bill that differs."""

from datetime import timedelta
from typing import Any

from hutong import payments, places
from hutong.desk import bills, campaigns, payouts
from hutong.desk.campaigns import Campaign
from hutong.infra.ids import new_id
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import PAYMENT
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.payments import BillLine
from hutong.pricing import LANES, AmountOff, Budget, MinSpend, Rule


async def run_the_house(world: Any) -> None:
    """Lin draws up a campaign (still a draft: nobody's price changes), and Pat pays out the city."""
    now = world.clock.now()
    rule = Rule(
        promotion_id=new_id(), name=Text(zh="全城立减", en="City treat"), asset="CNY", benefit=AmountOff(units=500),
        conditions=(MinSpend(units=5_000),), trigger="auto", payers=(("operator", 60), ("platform", 40)),
        lane=LANES["platform"],
    )  # fmt: skip
    treat = Campaign(
        rule=rule, merchant_id=None, starts_at=now, ends_at=now + timedelta(days=30),
        budgets=(Budget(most_units=50_000), Budget(attribute="member", most_uses=1)),
    )  # fmt: skip
    await campaigns.save(world.house, world.city, world.actors["lin"], treat)
    await payouts.make_batch(world.house, world.actors["pat"], world.city)
    await get_the_bill(world)


async def get_the_bill(world: Any) -> None:
    """The provider's bill of yesterday: what was paid then, the last of it in another amount, and a stranger."""
    async with world.house.db.reading(world.city) as tx:
        city = await places.city(tx, world.city)
        assert city is not None
        until = day_start(local_day(world.clock.now(), city.zone), city.zone)
        since = until - timedelta(days=1)
        held = await payments.moved(
            tx, "sandbox", city_id=world.city, since=since, until=until, captures=[], refunds=[]
        )
    taken = [one for one in held if one.line == "capture"]
    said = [(one.id, one.amount) for one in taken[:-1]]
    said += [(one.id, one.amount + Amount(100, one.amount.asset)) for one in taken[-1:]]
    lines = [
        BillLine(
            kind="capture", number=PAYMENT.show(ref, world.city), provider_no=f"P{ref}", amount=amount,
            fee=Amount(0, amount.asset), at=since,
        )
        for ref, amount in [*said, (new_id(), Amount(500, city.currency))]
    ]  # fmt: skip
    await bills.book(world.house, city, "sandbox", local_day(since, city.zone), lines)
