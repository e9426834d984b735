"""Noodle Bar runs a campaign: coupons of ten yuan off, in a house with a town."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import catalog, people
from hutong.catalog import CouponForm
from hutong.desk import campaigns
from hutong.desk.campaigns import Campaign, CouponPart
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.people import AddMember
from hutong.pricing import AmountOff, Budget, MinSpend, Rule
from tests.house import TestHouse


async def actor(house: TestHouse, name: str) -> Actor:
    """One of the cast, as who he is."""
    return (await actors(house, [house.town.people[name]]))[0]


async def actors(house: TestHouse, ids: Sequence[UUID]) -> list[Actor]:
    async with house.db.central() as tx:
        found = await people.actors(tx, ids)
    return [found[i] for i in ids]


async def a_crowd(house: TestHouse, size: int, first: int = 13_900_000_000) -> list[Actor]:
    """So many members with numbers of their own."""
    ids = [new_id() for _ in range(size)]
    asks = [AddMember(member_id=i, phone=f"+86{first + n}", name=f"m{n}", language="zh") for n, i in enumerate(ids)]
    async with house.db.central() as tx:
        await people.add_members(tx, asks, now=house.clock.now())
    return await actors(house, ids)


async def a_campaign(house: TestHouse, now: datetime, **change: Any) -> Campaign:
    """Ten yuan off from fifty on; a hundred coupons, one for each member, valid for seven days after the claim."""
    town = house.town
    async with house.db.reading(town.city_id) as tx:
        [offer] = await catalog.offers(tx, [town.offers["two-bowls"]], city_id=town.city_id)
    assert offer is not None
    coupon = {
        "category": offer.category, "store_ids": offer.store_ids, "total": 100,
        "terms": Terms(valid_days=7, per_member=1), "form": CouponForm(),
    } | change.pop("coupon", {})  # fmt: skip
    rule = {
        "promotion_id": new_id(), "name": Text(zh="满50减10", en="10 off from 50"), "benefit": AmountOff(units=1000),
        "conditions": (MinSpend(units=5000),),
    } | change.pop("rule", {})  # fmt: skip
    given = {
        "merchant_id": town.noodle_bar, "starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(days=10),
        "budgets": (Budget(most_units=100_000),), "coupon": CouponPart(**coupon),
    } | change  # fmt: skip
    return Campaign(rule=Rule(**rule), **given)


async def running(house: TestHouse, **change: Any) -> UUID:
    """A campaign of Mei's that is live; its id."""
    mei = await actor(house, "mei")
    campaign = await a_campaign(house, house.clock.now(), **change)
    await campaigns.save(house, house.town.city_id, mei, campaign)
    await campaigns.step(house, house.town.city_id, mei, campaign.campaign_id, "publish")
    return campaign.campaign_id
