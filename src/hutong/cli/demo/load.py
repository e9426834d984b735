"""Fills an empty house with the demo cities, through the operations of the packages and nothing else.

Every id follows from a slug, so loading twice on one day changes nothing.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong import catalog, inventory, merchants, people, places, settlement
from hutong.catalog import Draft, Flash, Form, Slot
from hutong.cli.demo.city_data import CityData, CityInfo, MerchantData, OfferData, StoreData
from hutong.desk.opening import categories_of
from hutong.infra.db import Database
from hutong.inventory import OpenQuota
from hutong.kit.access import EVERYTHING, Role
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.merchants import AddMerchant, AddStore, Hours, SetException, Span
from hutong.people import AddMember, GiveRole, Member
from hutong.schemes.cards import FORMS
from hutong.settlement import Rule

ROOT = UUID("01890a5d-ac96-7000-8000-68757466e701")  # what all ids of the demo are derived from
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)  # when the cities opened and the commission began: always before now


class Loaded(Struct, frozen=True, kw_only=True):
    """What the demo brought."""

    cities: int
    merchants: int
    stores: int
    offers: int
    people: int


def member_id(key: str) -> UUID:
    return derive(ROOT, f"member/{key}")


def merchant_id(slug: str) -> UUID:
    return derive(ROOT, f"merchant/{slug}")


def store_id(slug: str) -> UUID:
    return derive(ROOT, f"store/{slug}")


def offer_id(merchant: str, slug: str) -> UUID:
    return derive(ROOT, f"offer/{merchant}/{slug}")


async def is_loaded(db: Database, data: CityData) -> bool:
    """Whether the demo cities are there."""
    async with db.reading() as tx:
        there = {city.slug for city in await places.cities(tx)}
    return there.issuperset(city.slug for city in data.cities)


async def load_city(db: Database, data: CityData, *, now: datetime) -> Loaded:
    """Write everything that the data says: first what all cities share, then city by city."""
    async with db.central() as tx:
        _sure(await places.add_cities(tx, [_city(city) for city in data.cities]))
        _sure(await places.add_districts(tx, [d for city in data.cities for d in _districts(city)]))
        _sure(await catalog.add_categories(tx, categories_of(data.categories)))
        _sure(await merchants.add_merchants(tx, [_merchant(data, m) for m in data.merchants], now=now))
        cast = [
            AddMember(member_id=member_id(p.key), phone=p.phone, name=p.name.in_(p.language), language=p.language)
            for p in data.cast.people
        ]
        there = await people.add_members(tx, cast, now=now)
        _sure(there)
        members = {p.key: m.member_id for p, m in zip(data.cast.people, there, strict=True) if isinstance(m, Member)}
        _sure(await people.grant(tx, list(_roles(data, members)), now=now))
        await settlement.add_rules(tx, _rules(data, members))
    for city in data.cities:
        await _fill(db, data, city, now)
    return Loaded(
        cities=len(data.cities), merchants=len(data.merchants), stores=sum(len(m.stores) for m in data.merchants),
        offers=sum(len(m.offers) for m in data.merchants), people=len(data.cast.people),
    )  # fmt: skip


async def _fill(db: Database, data: CityData, city: CityInfo, now: datetime) -> None:
    """The stores, quotas and offers of one city, in one transaction of it."""
    today = local_day(now, city.zone)
    mine = data.merchants_of(city.slug)
    numbers = {district.slug: n for n, district in enumerate(city.districts, 1)}
    stores = [_store(m, s, numbers[s.district]) for m in mine for s in m.stores]
    doors = [_exception(s, n, today) for m in mine for s in m.stores for n in range(len(s.exceptions))]
    quotas = [
        OpenQuota(quota_id=derive(offer_id(m.slug, o.slug), "quota"), label=o.title.zh, total=o.quota)
        for m in mine
        for o in m.offers
    ]
    drafts = [_draft(data, city, m, o, today) for m in mine for o in m.offers]
    slots = [(d, slot) for d in drafts if isinstance(d.form, Flash) for slot in d.form.slots]
    quotas += [OpenQuota(quota_id=slot.quota_id, label=d.title.zh, total=slot.units) for d, slot in slots]
    async with db.city(city.city_id) as tx:
        where = {"city_id": city.city_id}
        _sure(await merchants.add_stores(tx, stores, scope=EVERYTHING, now=now, **where))
        _sure(await merchants.set_exceptions(tx, doors, scope=EVERYTHING, **where))
        await inventory.open_quotas(tx, quotas, now=now, **where)
        _sure(await catalog.publish(tx, drafts, now=now, **where))


def _city(city: CityInfo) -> places.AddCity:
    return places.AddCity(
        city_id=city.city_id, slug=city.slug, name=city.name, zone=city.zone, currency=city.currency,
        languages=city.languages, centre=city.centre, boundary=city.boundary, opened_at=BEGINNING,
    )  # fmt: skip


def _districts(city: CityInfo) -> list[places.AddDistrict]:
    return [
        places.AddDistrict(city_id=city.city_id, district_id=n, slug=d.slug, name=d.name, centre=d.centre)
        for n, d in enumerate(city.districts, 1)
    ]


def _merchant(data: CityData, merchant: MerchantData) -> AddMerchant:
    return AddMerchant(
        merchant_id=merchant_id(merchant.slug), city_id=data.city(merchant.city).city_id, name=merchant.name,
        trade=merchant.trade, payout_account=f"sandbox:{merchant.slug}",
    )  # fmt: skip


def _roles(data: CityData, members: dict[str, UUID]) -> list[GiveRole]:
    homes = {s.slug: m for m in data.merchants for s in m.stores}
    roles = []
    for person in data.cast.people:
        for grant in person.grants:
            merchant = grant.merchant or (homes[grant.store].slug if grant.store else None)
            city = grant.city or next((m.city for m in data.merchants if m.slug == merchant), None)
            place = f"{grant.role}/{grant.city}/{grant.merchant}/{grant.store}"
            roles.append(
                GiveRole(
                    grant_id=derive(member_id(person.key), place),
                    member_id=members[person.key],
                    role=Role(grant.role),
                    city_id=data.city(city).city_id if city else None,
                    merchant_id=merchant_id(merchant) if merchant else None,
                    store_id=store_id(grant.store) if grant.store else None,
                    by=None,
                )
            )
    return roles


def _rules(data: CityData, members: dict[str, UUID]) -> list[Rule]:
    """The platform's rule for everybody; in a city with an operator, the same with his share of it."""
    said = data.cast.commission
    everybody = Rule(
        rule_id=derive(ROOT, "commission"), version=said.version, merchant_id=None, commission_bps=said.commission_bps,
        valid_from=BEGINNING,
    )  # fmt: skip
    operators = {g.city: p.key for p in data.cast.people for g in p.grants if g.role == "city_operator"}
    shared = [
        Rule(
            rule_id=derive(merchant_id(m.slug), "commission"),
            version=said.version,
            merchant_id=merchant_id(m.slug),
            commission_bps=said.commission_bps,
            operator_id=members[operators[m.city]],
            operator_bps=said.operator_bps,
            valid_from=BEGINNING,
        )
        for m in data.merchants
        if m.city in operators
    ]
    return [everybody, *shared]


def _store(merchant: MerchantData, store: StoreData, district: int) -> AddStore:
    return AddStore(
        store_id=store_id(store.slug), merchant_id=merchant_id(merchant.slug), name=store.name, place=store.at,
        address=store.address, category=merchant.category, hours=Hours.of(store.hours.table()), district_id=district,
        phone=store.phone,
    )  # fmt: skip


def _exception(store: StoreData, number: int, today: date) -> SetException:
    said = store.exceptions[number]
    spans = tuple(Span(start, end) for start, end in said.table())
    return SetException(store_id=store_id(store.slug), day=said.day(today), spans=spans, note=said.note)


def _draft(data: CityData, city: CityInfo, merchant: MerchantData, offer: OfferData, today: date) -> Draft:
    own = offer_id(merchant.slug, offer.slug)
    return Draft(
        offer_id=own, merchant_id=merchant_id(merchant.slug), by=None, scheme=_scheme(data, merchant, offer),
        category=merchant.category, trade=merchant.trade, title=offer.title, summary=offer.summary,
        included=offer.included.lines(), price=Amount(offer.price, city.currency),
        list_price=Amount(offer.list_price, city.currency), terms=data.terms(merchant, offer).dated(today),
        store_ids=tuple(store_id(store.slug) for store in data.stores_for(merchant, offer)),
        quota_id=derive(own, "quota"), min_units=offer.min_units, form=_form(offer, own, city.zone, today),
        sale_from=day_start(today + timedelta(days=offer.sale.from_days), city.zone),
        sale_to=day_start(today + timedelta(days=offer.sale.to_days), city.zone),
    )  # fmt: skip


def _form(offer: OfferData, own: UUID, zone: str, today: date) -> Form:
    """The form as the data says it; slots are days and hours of the city, told from the day of loading."""
    if not offer.slots:
        return offer.form
    found: list[Slot] = []
    for number, slot in enumerate(offer.slots):
        midnight = day_start(today + timedelta(days=slot.day), zone)
        slot_id = derive(own, f"slot/{number}")
        found.append(
            Slot(
                slot_id=slot_id, starts_at=midnight + timedelta(hours=slot.start),
                ends_at=midnight + timedelta(hours=slot.end), quota_id=derive(slot_id, "quota"), units=slot.units,
            )
        )  # fmt: skip
    return Flash(slots=tuple(found))


def _scheme(data: CityData, merchant: MerchantData, offer: OfferData) -> str:
    """A card is sold as a card, whatever the trade sells otherwise."""
    return "cards" if isinstance(offer.form, FORMS) else data.trades[merchant.trade].scheme


def _sure(results: Sequence[object]) -> None:
    """The data was checked before; a refusal here is a defect, and nothing of its transaction is kept."""
    for result in results:
        if isinstance(result, Refusal):
            raise result
