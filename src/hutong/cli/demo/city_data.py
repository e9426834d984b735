"""The demo cities as data: what the TOML files of `city/` may say, and a strict reader for them.

Nothing here touches a database. Money is in fen of the city's currency, places are WGS-84, hours are the
store's wall clock, and what happens "in n days" counts from the day on which the city is loaded.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

import phonenumbers
from msgspec import Meta, Struct

from hutong.catalog import PLAIN, Form, GiftCard
from hutong.cli.demo.hours import Exceptional, WeekHours
from hutong.desk.opening import SHELVES, Shelf, read_shelves
from hutong.kit.geo import Point, inside
from hutong.kit.text import Text
from hutong.trades import BadData, Count, Slug, TermsPreset, Trade, decode
from hutong.trades import load as load_trades

FOLDER = Path(__file__).parent / "city"

Fen = Annotated[int, Meta(ge=1)]
Fen0 = Annotated[int, Meta(ge=0)]  # fen, or nothing: a stamp card is free
Phone = Annotated[str, Meta(pattern=r"^\+86\d{11}$")]
T = TypeVar("T")


class DistrictData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a city. The boundary is a ring of points, the last joined to the first."""

    slug: Slug
    name: Text
    centre: Point
    boundary: Annotated[tuple[Point, ...], Meta(min_length=3)]


class CityInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A city with its districts."""

    city_id: Count
    slug: Slug
    name: Text
    zone: str
    currency: str
    languages: tuple[Literal["zh", "en"], ...]
    centre: Point
    boundary: Annotated[tuple[Point, ...], Meta(min_length=3)]
    districts: tuple[DistrictData, ...]


class StoreData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place of a merchant, in the merchant's city of this file."""

    slug: Slug
    name: Text
    district: Slug
    address: Text
    phone: Phone
    at: Point
    hours: WeekHours
    exceptions: tuple[Exceptional, ...] = ()


class Included(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the buyer gets, line by line; both languages have the same lines."""

    zh: Annotated[tuple[str, ...], Meta(min_length=1)]
    en: Annotated[tuple[str, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        if len(self.zh) != len(self.en):
            raise ValueError("what is included has a different number of lines in zh and en")

    def lines(self) -> tuple[Text, ...]:
        return tuple(Text(zh=zh, en=en) for zh, en in zip(self.zh, self.en, strict=True))


class SaleWindow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On sale from the start of one local day to the start of another, counted from the day of loading."""

    from_days: int
    to_days: int

    def __post_init__(self) -> None:
        if self.from_days >= self.to_days:
            raise ValueError("the sale ends before it begins")


class SlotData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A slot of a flash sale: so many days after the data was loaded, between two hours of the day."""

    day: int
    start: Annotated[int, Meta(ge=0, le=23)]
    end: Annotated[int, Meta(ge=1, le=24)]
    units: Count


class OfferData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deal. `stores` empty means every store of the merchant; `terms` are said over those of the trade."""

    slug: Slug
    title: Text
    summary: Text
    included: Included
    price: Fen0
    list_price: Fen0
    quota: Count
    min_units: Count = 1
    """The deal tips at this many paid units; at 1 every buyer is served."""
    form: Form = PLAIN
    slots: tuple["SlotData", ...] = ()
    """A flash sale: its slots, and what each has."""
    sale: SaleWindow
    terms: TermsPreset = TermsPreset()
    details: dict[str, str | int | bool] = {}
    """Answers to the form of the trade."""
    stores: tuple[Slug, ...] = ()


class MerchantData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A business with its stores and offers, in one city."""

    slug: Slug
    name: Text
    city: Slug
    trade: Slug
    category: Slug
    about: Text
    per_head: Fen
    """What a guest usually spends."""
    tags: tuple[Text, ...] = ()
    owner: Slug | None = None
    """Key of a member of the cast."""
    stores: Annotated[tuple[StoreData, ...], Meta(min_length=1)]
    offers: Annotated[tuple[OfferData, ...], Meta(min_length=1)]


class Grant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role and what it reaches: a city, a merchant or a store by slug; nothing for the platform."""

    role: Literal["platform_admin", "city_operator", "merchant_owner", "store_manager", "store_cashier"]
    city: Slug | None = None
    merchant: Slug | None = None
    store: Slug | None = None


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the cast: everybody signs in with a made-up phone number."""

    key: Slug
    name: Text
    part: Text
    phone: Phone
    language: Literal["zh", "en"]
    grants: tuple[Grant, ...] = ()


class CommissionRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The platform's share of what is due for a redeemed unit, and the operator's share of that share.

    Both in basis points: 800 is 8 %.
    """

    version: Count
    commission_bps: Annotated[int, Meta(ge=0, le=10_000)]
    operator_bps: Annotated[int, Meta(ge=0, le=10_000)]


class Cast(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is who in the demo, and on what conditions the platform works."""

    commission: CommissionRule
    people: tuple[Person, ...]


class CityData(Struct, frozen=True, kw_only=True):
    """Everything `city/` says, checked against itself and against the trades."""

    cities: tuple[CityInfo, ...]
    categories: tuple[Shelf, ...]
    merchants: tuple[MerchantData, ...]
    cast: Cast
    trades: dict[str, Trade]

    def city(self, slug: str) -> CityInfo:
        return next(city for city in self.cities if city.slug == slug)

    def merchants_of(self, city: str) -> tuple[MerchantData, ...]:
        return tuple(merchant for merchant in self.merchants if merchant.city == city)

    def terms(self, merchant: MerchantData, offer: OfferData) -> TermsPreset:
        """The offer's terms, completed by its trade."""
        return offer.terms.over(self.trades[merchant.trade].terms)

    def stores_for(self, merchant: MerchantData, offer: OfferData) -> tuple[StoreData, ...]:
        """The stores that accept the offer."""
        return tuple(store for store in merchant.stores if not offer.stores or store.slug in offer.stores)


class _Cities(Struct, frozen=True, forbid_unknown_fields=True):
    cities: tuple[CityInfo, ...]


class _Merchants(Struct, frozen=True, forbid_unknown_fields=True):
    merchants: tuple[MerchantData, ...]


def read_city(folder: Path = FOLDER) -> CityData:
    """The demo cities from their files. Raises BadData with the file and field, or with all that does not fit."""
    merchant_files = sorted(folder.glob("merchants-*.toml"))
    data = CityData(
        cities=_read(folder / "cities.toml", _Cities).cities,
        categories=read_shelves((folder if (folder / SHELVES.name).exists() else SHELVES.parent) / SHELVES.name),
        merchants=tuple(m for path in merchant_files for m in _read(path, _Merchants).merchants),
        cast=_read(folder / "cast.toml", Cast),
        trades=load_trades(),
    )
    wrong = problems(data)
    if wrong:
        raise BadData(f"{folder.name}: " + "; ".join(wrong))
    return data


def _read(path: Path, kind: type[T]) -> T:
    return decode(path.read_bytes(), kind, source=path.name)


def problems(data: CityData) -> list[str]:
    """What does not fit together, one sentence each; empty when all is well."""
    stores = [store for merchant in data.merchants for store in merchant.stores]
    phones = [store.phone for store in stores] + [person.phone for person in data.cast.people]
    wrong = [
        f"{name} is there twice"
        for names in (
            [merchant.slug for merchant in data.merchants],
            [store.slug for store in stores],
            [category.slug for top in data.categories for category in (top, *top.children)],
            phones,
        )
        for name in _repeated(names)
    ]
    wrong += [f"{phone} is no phone number" for phone in phones if not valid_phone(phone)]
    for merchant in data.merchants:
        wrong += [f"{merchant.slug}: {why}" for why in _misfits(data, merchant)]
    return wrong + _misfits_of_cast(data)


def valid_phone(phone: str) -> bool:
    """Whether the number is a Chinese one that the sign-in would accept."""
    number = phonenumbers.parse(phone)
    return phonenumbers.is_valid_number_for_region(number, "CN")


def _repeated(values: list[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


def _misfits(data: CityData, merchant: MerchantData) -> list[str]:
    if merchant.city not in [city.slug for city in data.cities] or merchant.trade not in data.trades:
        return ["its city or its trade is unknown"]
    categories = {child.slug for top in data.categories for child in (top, *top.children)}
    districts = {district.slug: district for district in data.city(merchant.city).districts}
    wrong = [] if merchant.category in categories else [f"{merchant.category} is no category"]
    for store in merchant.stores:
        district = districts.get(store.district)
        if district is None or not inside(store.at, list(district.boundary)):
            wrong.append(f"{store.slug} does not lie in {store.district}")
    for offer in merchant.offers:
        wrong += [f"{offer.slug} names {s}, which is no store" for s in offer.stores if s not in _stores(merchant)]
        wrong += [f"{offer.slug}: {why}" for why in data.trades[merchant.trade].why_not(offer.details)]
        if offer.price >= offer.list_price > 0 and not isinstance(offer.form, GiftCard):  # worth what it costs
            wrong.append(f"{offer.slug} costs no less than its list price")
        if offer.min_units > offer.quota:
            wrong.append(f"{offer.slug} can never reach its minimum")
        ends = data.terms(merchant, offer).until_days
        if ends is not None and ends + 1 < offer.sale.to_days:
            wrong.append(f"{offer.slug} is still sold when it can no longer be used")
    return wrong + [f"{slug} is offered twice" for slug in _repeated([offer.slug for offer in merchant.offers])]


def _stores(merchant: MerchantData) -> set[str]:
    return {store.slug for store in merchant.stores}


def _misfits_of_cast(data: CityData) -> list[str]:
    known = {
        "city": {city.slug for city in data.cities},
        "merchant": {merchant.slug for merchant in data.merchants},
        "store": {store.slug for merchant in data.merchants for store in merchant.stores},
        "person": {person.key for person in data.cast.people},
    }
    asked = [("person", m.owner) for m in data.merchants]
    for grant in (grant for person in data.cast.people for grant in person.grants):
        asked += [("city", grant.city), ("merchant", grant.merchant), ("store", grant.store)]
    return [f"the cast speaks of the {kind} {slug}" for kind, slug in asked if slug and slug not in known[kind]]
