"""From rows to values."""

from typing import Any

from msgspec import convert

from hutong.catalog.forms import Form
from hutong.catalog.model import Category, Change, Offer, OfferBrief, PricePeriod, StoreCard
from hutong.kit.geo import Point, chord_to_metres
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text

# Every column of an offer and its stores in order; the caller adds where, order and lock.
OFFER = """select o.*, array(select s.store_id from catalog.offer_stores s
                             where s.city_id = %(city)s and s.offer_id = o.offer_id order by s.store_id) as store_ids
           from catalog.offers o where o.city_id = %(city)s"""


def offer_of_row(row: dict[str, Any]) -> Offer:
    """An offer from a row of OFFER."""
    asset = row["asset"]
    return Offer(
        city_id=row["city_id"], offer_id=row["offer_id"], merchant_id=row["merchant_id"], scheme=row["scheme"],
        category=row["category"], trade=row["trade"], title=Text(**row["title"]), summary=Text(**row["summary"]),
        included=convert(row["included"], tuple[Text, ...]), excluded=convert(row["excluded"], tuple[Text, ...]),
        price=Amount(row["price_units"], asset), list_price=Amount(row["list_units"], asset),
        terms=convert(row["terms"], Terms), form=convert(row["form"], Form, strict=False),
        store_ids=tuple(row["store_ids"]), quota_id=row["quota_id"],
        min_units=row["min_units"], per_order_max=row["per_order_max"], sale_from=row["sale_from"],
        sale_to=row["sale_to"], status=row["status"], version=row["version"], created_at=row["created_at"],
        published_at=row["published_at"], ended_at=row["ended_at"], copied_from=row["copied_from"],
    )  # fmt: skip


def category_of_row(row: dict[str, Any]) -> Category:
    """A category from its row."""
    return Category(
        slug=row["slug"], name=Text(**row["name"]), parent=row["parent"], icon=row["icon"], position=row["position"]
    )


def change_of_row(row: dict[str, Any]) -> Change:
    """A step of an offer's life from its row."""
    return convert({name: row[name] for name in Change.__struct_fields__}, Change)


def period_of_row(row: dict[str, Any]) -> PricePeriod:
    """A time at one price from its row; amounts in the offer's currency."""
    return PricePeriod(
        price=Amount(row["price_units"], row["asset"]), list_price=Amount(row["list_units"], row["asset"]),
        valid_from=row["valid_from"], valid_to=row["valid_to"],
    )  # fmt: skip


def brief_of_row(row: dict[str, Any]) -> OfferBrief:
    """A brief from a row with the columns of an offer."""
    terms, asset = row["terms"], row["asset"]
    return OfferBrief(
        offer_id=row["offer_id"], title=Text(**row["title"]), category=row["category"],
        price=Amount(row["price_units"], asset), list_price=Amount(row["list_units"], asset),
        min_units=row["min_units"], sale_to=row["sale_to"], refund_anytime=terms.get("refund") == "anytime",
        refund_on_expiry=bool(terms.get("refund_on_expiry")), booking_needed=bool(terms.get("booking_needed")),
        form=row["form"]["form"],
    )  # fmt: skip


def card_of_row(row: dict[str, Any]) -> StoreCard:
    """A card from a row of a storefront with `chord`, `briefs` (JSON) and `offer_count`."""
    chord = row["chord"]
    return StoreCard(
        store_id=row["store_id"], merchant_id=row["merchant_id"], merchant_name=Text(**row["merchant_name"]),
        name=Text(**row["name"]), address=Text(**row["address"]), district_id=row["district_id"],
        category=row["category"], point=Point(row["lat"], row["lon"]), hours=row["hours"], cover=row["cover"],
        visible=row["visible"], distance_m=None if chord is None else chord_to_metres(chord),
        offers=tuple(convert(row["briefs"] or (), tuple[OfferBrief, ...])), offer_count=row["offer_count"],
    )  # fmt: skip
