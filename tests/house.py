"""A house with a small city in it: the demo's own data, cut down, with the cast. Shared by pages, API and stories.

house = await make_house(db, clock)
house.town.noodle_bar, house.town.people["ann"], house.town.offers["two-bowls"]
"""

import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import catalog, inventory, merchants, people, places, settlement
from hutong.app import SCHEMES
from hutong.catalog import Category, Draft, Offer
from hutong.cli.demo.city_data import CityData, MerchantData, Person, read_city
from hutong.desk.house import House
from hutong.infra.db import Database, Tx
from hutong.infra.files import MemoryFiles
from hutong.infra.ids import new_id
from hutong.infra.settings import Settings
from hutong.inventory import OpenQuota
from hutong.kit.access import EVERYTHING, Role
from hutong.kit.clock import Clock, day_start, local_day
from hutong.kit.money import Amount
from hutong.merchants import AddMerchant, AddStore, Hours, SetException, Span
from hutong.messages import ConsoleSms
from hutong.payments import PaymentProvider
from hutong.people import AddMember, GiveRole
from hutong.places import AddCity, AddDistrict
from hutong.settlement import Rule
from tests.pocket import PocketPay

SOME = ("noodle-bar", "four-joys")
CITY = "qinghe"
SECRET = "a secret for tests only, forty letters long"


class Town(Struct):
    """Ids by the short names of the demo data."""

    city_id: int = 0
    slug: str = CITY
    merchants: dict[str, UUID] = {}
    stores: dict[str, UUID] = {}
    offers: dict[str, UUID] = {}
    people: dict[str, UUID] = {}
    phones: dict[str, str] = {}

    @property
    def noodle_bar(self) -> UUID:
        return self.merchants["noodle-bar"]


class TestHouse(House):
    """A house that knows its town and its pocket provider."""

    __test__ = False
    town: Town
    pay: PocketPay
    messages: ConsoleSms


async def make_house(
    db: Database, clock: Clock, *, slugs: Sequence[str] | None = SOME, provider: PaymentProvider | None = None,
    town: Town | None = None, **settings: Any,
) -> TestHouse:  # fmt: skip
    """A house on `db`, open, with the cast and these merchants (None: all of the city). The caller closes it.
    `town`: what is in the database already (tests/towns.py); else it is filled."""
    pocket, sms = PocketPay(), ConsoleSms(out=io.StringIO())
    given = {"secret": SECRET, "database_url": db.url, "otp_gap_seconds": 1} | settings
    house = TestHouse(
        settings=Settings(**given), db=db, clock=clock, schemes=SCHEMES,
        providers={"sandbox": provider or pocket}, sms=sms, files=MemoryFiles(),
    )  # fmt: skip
    house.pay, house.messages = pocket, sms
    house.town = town or await fill(db, clock.now(), slugs)
    return house


async def fill(db: Database, now: datetime, slugs: Sequence[str] | None = SOME) -> Town:
    """Load the demo's city with these merchants (None: all), and the cast with what roles fit."""
    data, town = read_city(), Town()
    city = data.city(CITY)
    town.city_id = city.city_id
    async with db.central() as tx:
        await _places(tx, data, now)
        chosen = [m for m in data.merchants_of(CITY) if slugs is None or m.slug in slugs]
        for merchant in chosen:
            town.merchants[merchant.slug] = new_id()
        await merchants.add_merchants(tx, [_merchant(town, m) for m in chosen], now=now)
        await _cast(tx, data, town, now)
    async with db.city(town.city_id) as tx:
        await _stores(tx, data, chosen, town, now)
        await _offers(tx, data, chosen, town, now)
    async with db.central() as tx:
        await people.grant(tx, [g for p in data.cast.people for g in _grants(p, town)], now=now)
    return town


async def _places(tx: Tx, data: CityData, now: datetime) -> None:
    opened = now - timedelta(days=30)
    await places.add_cities(
        tx,
        [
            AddCity(
                city_id=c.city_id, slug=c.slug, name=c.name, zone=c.zone, currency=c.currency, centre=c.centre,
                languages=c.languages, boundary=c.boundary, opened_at=opened,
            )
            for c in data.cities
        ],
    )  # fmt: skip
    await places.add_districts(
        tx,
        [
            AddDistrict(city_id=c.city_id, district_id=n, slug=d.slug, name=d.name, centre=d.centre)
            for c in data.cities for n, d in enumerate(c.districts, 1)
        ],
    )  # fmt: skip
    tops = [Category(slug=c.slug, name=c.name, icon=c.icon, position=n) for n, c in enumerate(data.categories)]
    below = [
        Category(slug=c.slug, name=c.name, icon=c.icon, parent=top.slug, position=n)
        for top in data.categories for n, c in enumerate(top.children)
    ]  # fmt: skip
    await catalog.add_categories(tx, tops + below)


def _merchant(town: Town, merchant: MerchantData) -> AddMerchant:
    return AddMerchant(
        merchant_id=town.merchants[merchant.slug], city_id=town.city_id, name=merchant.name, trade=merchant.trade,
        payout_account=f"acct-{merchant.slug}",
    )  # fmt: skip


async def _cast(tx: Tx, data: CityData, town: Town, now: datetime) -> None:
    for person in data.cast.people:
        town.people[person.key], town.phones[person.key] = new_id(), person.phone
    asks = [
        AddMember(member_id=town.people[p.key], phone=p.phone, name=p.name.in_(p.language), language=p.language)
        for p in data.cast.people
    ]
    await people.add_members(tx, asks, now=now)
    rule = Rule(
        rule_id=new_id(), version=data.cast.commission.version, merchant_id=None,
        commission_bps=data.cast.commission.commission_bps, operator_id=town.people["lin"],
        operator_bps=data.cast.commission.operator_bps, valid_from=now - timedelta(days=30),
    )  # fmt: skip
    await settlement.add_rules(tx, [rule])


async def _stores(tx: Tx, data: CityData, chosen: Sequence[MerchantData], town: Town, now: datetime) -> None:
    city = data.city(CITY)
    numbers = {district.slug: n for n, district in enumerate(city.districts, 1)}
    asks, exceptions = [], []
    for merchant in chosen:
        for store in merchant.stores:
            town.stores[store.slug] = new_id()
            week = tuple(tuple(Span(a, b) for a, b in day) for day in store.hours.table())
            asks.append(
                AddStore(
                    store_id=town.stores[store.slug], merchant_id=town.merchants[merchant.slug], name=store.name,
                    place=store.at, address=store.address, category=merchant.category, hours=Hours(week),
                    district_id=numbers[store.district], phone=store.phone,
                )
            )  # fmt: skip
            exceptions += [
                SetException(
                    store_id=town.stores[store.slug], day=e.day(local_day(now, city.zone)),
                    spans=tuple(Span(a, b) for a, b in e.table()), note=e.note,
                )
                for e in store.exceptions
            ]  # fmt: skip
    added = await merchants.add_stores(tx, asks, city_id=town.city_id, scope=EVERYTHING, now=now)
    assert all(isinstance(store, merchants.Store) for store in added), added
    await merchants.set_exceptions(tx, exceptions, city_id=town.city_id, scope=EVERYTHING)


async def _offers(tx: Tx, data: CityData, chosen: Sequence[MerchantData], town: Town, now: datetime) -> None:
    city = data.city(CITY)
    today = local_day(now, city.zone)
    quotas, drafts = [], []
    for merchant in chosen:
        for offer in merchant.offers:
            offer_id, quota_id = new_id(), new_id()
            town.offers[offer.slug] = offer_id
            quotas.append(OpenQuota(quota_id=quota_id, label=offer.slug, total=offer.quota))
            drafts.append(
                Draft(
                    offer_id=offer_id, merchant_id=town.merchants[merchant.slug], by=None, category=merchant.category,
                    trade=merchant.trade, title=offer.title, summary=offer.summary, included=offer.included.lines(),
                    price=Amount(offer.price, city.currency), list_price=Amount(offer.list_price, city.currency),
                    terms=data.terms(merchant, offer).dated(today), quota_id=quota_id, min_units=offer.min_units,
                    store_ids=tuple(town.stores[s.slug] for s in data.stores_for(merchant, offer)),
                    sale_from=day_start(today + timedelta(days=offer.sale.from_days), city.zone),
                    sale_to=day_start(today + timedelta(days=offer.sale.to_days), city.zone),
                )
            )  # fmt: skip
    await inventory.open_quotas(tx, quotas, city_id=town.city_id, now=now)
    made = await catalog.publish(tx, drafts, city_id=town.city_id, now=now)
    refused = [
        (draft.title.en, offer) for draft, offer in zip(drafts, made, strict=True) if not isinstance(offer, Offer)
    ]
    assert not refused, refused


def _grants(person: Person, town: Town) -> list[GiveRole]:
    """The roles of a person, where the place was loaded."""
    found = []
    for grant in person.grants:
        merchant = town.merchants.get(grant.merchant or "")
        store = town.stores.get(grant.store or "")
        if (grant.merchant and not merchant) or (grant.store and not store):
            continue
        role = Role(grant.role)
        place: dict[str, Any] = {"city_id": town.city_id} if grant.city or grant.store else {}
        if store:
            place |= {"store_id": store, "merchant_id": town.noodle_bar}
        if merchant:
            place |= {"merchant_id": merchant}
        found.append(GiveRole(grant_id=new_id(), member_id=town.people[person.key], role=role, by=None, **place))
    return found
