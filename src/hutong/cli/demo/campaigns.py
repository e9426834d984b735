"""What the shops of the demo are giving away: three coupons that can be claimed."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from hutong import people
from hutong.cli.demo.city_data import CityData
from hutong.cli.demo.load import member_id, merchant_id, offer_id, store_id
from hutong.desk import campaigns
from hutong.desk.campaigns import Campaign, CouponPart, forecast_of
from hutong.infra.db import Database
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import derive
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.pricing import AmountOff, Budget, FirstOrder, MinSpend, PercentOff, Rule

DAYS = 30


class Given(Struct, frozen=True, kw_only=True):
    """A coupon of a merchant: what it takes off and asks for, how many there are, and what they may cost in all."""

    merchant: str
    slug: str
    template: str
    name: Text
    benefit: Any
    conditions: tuple[Any, ...] = ()
    total: int
    days: int
    budget: int


GIVEN = (
    Given(
        merchant="noodle-bar", slug="come-back", template="spend_get", name=Text(zh="满50减8", en="8 off from 50"),
        benefit=AmountOff(units=800), conditions=(MinSpend(units=5000),), total=300, days=13, budget=160_000,
    ),
    Given(
        merchant="four-joys", slug="first-time", template="new_customer",
        name=Text(zh="新客立减6元", en="6 off your first order"), benefit=AmountOff(units=600),
        conditions=(FirstOrder(here=True),), total=200, days=6, budget=100_000,
    ),
    Given(
        merchant="under-eaves", slug="rainy-day", template="percent",
        name=Text(zh="下雨天8折", en="20 % off on a rainy day"),
        benefit=PercentOff(bps=2000, cap_units=1500), total=100, days=6, budget=80_000,
    ),
)  # fmt: skip


async def give_coupons(db: Database, data: CityData, *, now: datetime) -> int:
    """Run the demo's campaigns in the name of its platform; how many. Call it once, after the cities are loaded."""
    async with db.central() as tx:
        pat = (await people.actors(tx, [member_id("pat")]))[member_id("pat")]
    for given in GIVEN:
        campaign = _campaign(data, given, now)
        city = data.city(next(m.city for m in data.merchants if m.slug == given.merchant))
        async with db.city(city.city_id) as tx:
            await campaigns.write(tx, campaign, pat, city_id=city.city_id, now=now)
            await campaigns.advance(tx, campaign.campaign_id, "publish", None, city_id=city.city_id, now=now)
    return len(GIVEN)


def _campaign(data: CityData, given: Given, now: datetime) -> Campaign:
    merchant = next(m for m in data.merchants if m.slug == given.merchant)
    zone = data.city(merchant.city).zone
    today = local_day(now, zone)
    rule = Rule(
        promotion_id=derive(offer_id(given.merchant, given.slug), "coupon"), name=given.name, benefit=given.benefit,
        conditions=given.conditions,
    )  # fmt: skip
    budgets = (Budget(most_units=given.budget), Budget(attribute="member", most_uses=1))
    begin, end = day_start(today, zone), day_start(today + timedelta(days=DAYS), zone)
    return Campaign(
        rule=rule, merchant_id=merchant_id(given.merchant), starts_at=begin, ends_at=end, template=given.template,
        budgets=budgets, forecast_units=forecast_of(budgets, rule, starts_at=begin, ends_at=end),
        coupon=CouponPart(
            category=merchant.category, store_ids=tuple(store_id(store.slug) for store in merchant.stores),
            total=given.total, terms=Terms(valid_days=given.days, per_member=1),
        ),
    )  # fmt: skip
