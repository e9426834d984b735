"""Offers as values: what is sold, under which terms, at which price, and in which state of its life."""

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from hutong.catalog.forms import PLAIN, Form
from hutong.kit.access import EVERYTHING, Scope
from hutong.kit.geo import Box, Point
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text

T = TypeVar("T")

Status = Literal["draft", "in_review", "published", "paused", "rejected", "ended"]
Sort = Literal["distance", "price", "new"]

NO_WORDS = Text(zh="", en="")


class Category(Struct, frozen=True, kw_only=True):
    """A shelf of the catalog. Slugs are for URLs; `position` orders siblings."""

    slug: str
    name: Text
    parent: str | None = None
    icon: str = ""
    position: int = 0


class Draft(Struct, frozen=True, kw_only=True):
    """A new offer as its merchant writes it. `by` is who writes; the sale is [sale_from, sale_to).

    `copied_from` is an offer of the same merchant that it began as.
    """

    offer_id: UUID
    merchant_id: UUID
    by: UUID | None
    scheme: str = "deals"
    category: str
    trade: str | None = None
    title: Text
    summary: Text = NO_WORDS
    included: tuple[Text, ...] = ()
    excluded: tuple[Text, ...] = ()
    price: Amount
    list_price: Amount
    terms: Terms = Terms()
    form: Form = PLAIN
    store_ids: tuple[UUID, ...]
    quota_id: UUID | None = None
    min_units: int = 1
    per_order_max: int = 20
    sale_from: datetime
    sale_to: datetime
    copied_from: UUID | None = None


class Mark(Struct, frozen=True, kw_only=True):
    """How an offer is known to be the same as before. `plain`: at one price, without shares of a day or an hour."""

    offer_id: UUID
    version: int
    status: str
    sale_from: datetime
    sale_to: datetime
    quota_id: UUID | None
    min_units: int
    plain: bool


class Offer(Struct, frozen=True, kw_only=True):
    """An offer as it stands. `version` counts its changes; `min_units` is the tipping point (1: none)."""

    city_id: int
    offer_id: UUID
    merchant_id: UUID
    scheme: str
    category: str
    trade: str | None
    title: Text
    summary: Text
    included: tuple[Text, ...]
    excluded: tuple[Text, ...]
    price: Amount
    list_price: Amount
    terms: Terms
    store_ids: tuple[UUID, ...]
    quota_id: UUID | None
    min_units: int
    per_order_max: int
    sale_from: datetime
    sale_to: datetime
    status: Status
    version: int
    created_at: datetime
    published_at: datetime | None
    ended_at: datetime | None
    copied_from: UUID | None = None
    form: Form = PLAIN


class Revise(Struct, frozen=True, kw_only=True):
    """A change of what is given. `version` is the one that was read; `within` is what the asker may edit."""

    offer_id: UUID
    by: UUID | None
    version: int | None = None
    within: Scope = EVERYTHING
    reason: str = ""
    category: str | UnsetType = UNSET
    trade: str | UnsetType | None = UNSET
    title: Text | UnsetType = UNSET
    summary: Text | UnsetType = UNSET
    included: tuple[Text, ...] | UnsetType = UNSET
    excluded: tuple[Text, ...] | UnsetType = UNSET
    price: Amount | UnsetType = UNSET
    list_price: Amount | UnsetType = UNSET
    terms: Terms | UnsetType = UNSET
    form: Form | UnsetType = UNSET
    store_ids: tuple[UUID, ...] | UnsetType = UNSET
    quota_id: UUID | UnsetType | None = UNSET
    min_units: int | UnsetType = UNSET
    per_order_max: int | UnsetType = UNSET
    sale_from: datetime | UnsetType = UNSET
    sale_to: datetime | UnsetType = UNSET


class Step(Struct, frozen=True, kw_only=True):
    """One step of an offer's life, from submit to end. Rejecting needs a reason."""

    offer_id: UUID
    by: UUID | None
    version: int | None = None
    within: Scope = EVERYTHING
    reason: str = ""


class Change(Struct, frozen=True, kw_only=True):
    """One entry of an offer's history: who did what when, and what was different before and after."""

    version: int
    what: str
    by: UUID | None
    at: datetime
    status: Status
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str


class OfferDeed(Struct, frozen=True, kw_only=True):
    """One change of one offer of a merchant, without its contents."""

    offer_id: UUID
    title: Text
    what: str
    by: UUID | None
    at: datetime
    reason: str


class Waiting(Struct, frozen=True, kw_only=True):
    """An offer that waits for review, and since when."""

    offer: Offer
    since: datetime


class PricePeriod(Struct, frozen=True, kw_only=True):
    """The price at which the offer was on the shelf during [valid_from, valid_to); None: still."""

    price: Amount
    list_price: Amount
    valid_from: datetime
    valid_to: datetime | None


class StoreDoc(Struct, frozen=True, kw_only=True):
    """What the catalog shows of a store. A store that is not `visible` is not shown and not found."""

    store_id: UUID
    merchant_id: UUID
    merchant_name: Text
    name: Text
    address: Text = NO_WORDS
    category: str = ""
    district_id: int | None = None
    point: Point
    hours: Any = None
    cover: str = ""
    visible: bool = True


class OfferBrief(Struct, frozen=True, kw_only=True):
    """An offer on a card: the price, the badges, nothing else."""

    offer_id: UUID
    title: Text
    category: str
    price: Amount
    list_price: Amount
    min_units: int
    sale_to: datetime
    refund_anytime: bool
    refund_on_expiry: bool
    booking_needed: bool
    form: str = "plain"  # the tag of how it is sold (catalog/forms.py)


class StoreCard(Struct, frozen=True, kw_only=True):
    """A store in a list with at most two of its offers. `merchants.Hours.of(hours)` reads its hours; `distance_m` is
    along the surface from the asked point, None when none was given."""

    store_id: UUID
    merchant_id: UUID
    merchant_name: Text
    name: Text
    address: Text
    district_id: int | None
    category: str
    point: Point
    distance_m: float | None
    hours: Any
    cover: str
    visible: bool
    offers: tuple[OfferBrief, ...]
    offer_count: int


class StorePage(Struct, frozen=True, kw_only=True):
    """A store with all its offers that are on sale, cheapest first."""

    card: StoreCard
    offers: tuple[Offer, ...]


class Suggestion(Struct, frozen=True, kw_only=True):
    """A completion of what is being typed. `id` is a slug for a category or district, else the id of a merchant or
    an offer; `store_id` is the shop of a merchant of whom only one was meant."""

    kind: Literal["category", "district", "merchant", "offer"]
    id: str | UUID
    title: Text
    store_id: UUID | None = None


class MapCell(Struct, frozen=True, kw_only=True):
    """One sign on a map: the middle of `count` stores, the lowest price among them in units of the city's currency,
    the box they stand in, and the store with its name when it is alone."""

    lat: float
    lon: float
    count: int
    price_units: int
    store_id: UUID | None
    name: Text | None
    box: Box


class TippingOffer(Struct, frozen=True, kw_only=True):
    """An offer on sale that holds when enough are bought, with whose it is and where it is shown."""

    brief: OfferBrief
    merchant_name: Text
    store_id: UUID


class FlashSlot(Struct, frozen=True, kw_only=True):
    """The slot of a flash sale that runs or comes next, with whose it is and where it is shown."""

    brief: OfferBrief
    merchant_name: Text
    store_id: UUID
    starts_at: datetime
    ends_at: datetime
    quota_id: UUID
    units: int


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """Some items and where the next page begins; `after` is None on the last page."""

    items: tuple[T, ...]
    after: str | None
