"""What orders want, planned and priced: everything about an order that needs no lock."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong import catalog, places, pricing
from hutong.catalog import Offer, SaleNotStarted, SaleOver
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.orders.model import Pay, Wanted
from hutong.orders.operations import _groups
from hutong.orders.operations._savings import unit_shares
from hutong.orders.operations._tenders import Bill, Taken, laid
from hutong.orders.refusals import MixedOrder, NothingOrdered, SchemeUnknown
from hutong.orders.scheme import Plan, Schemes

MOST_UNITS = 10_000


class Basket(Struct):
    """What a list of wants comes to, whoever asks: the plans of its lines and the quote. `stored` is their JSON."""

    offers: list[Offer]
    plans: list[Plan]
    quote: pricing.Quote
    stored: list["StoredLine"]

    def bill(self, member_id: UUID | None, pays: "tuple[Pay, ...] | Literal['best']") -> Bill:
        """The order as tenders look at it."""
        stores = [frozenset(offer.store_ids) for offer in self.offers if offer.store_ids]
        return Bill(
            member_id=member_id, merchant_id=self.offers[0].merchant_id, plans=tuple(self.plans), pays=pays,
            stores=frozenset[UUID]().union(*stores), total=self.quote.total,
        )  # fmt: skip

    def paid_with(self, taken: Collection[Taken]) -> "Basket":
        """The same with what these tenders pay on its units."""
        plain = [unit_shares(line, plan.promise) for plan, line in zip(self.plans, self.quote.lines, strict=True)]
        shares = laid(plain, taken)
        lines = [
            StoredLine(one.title, _text(units), one.promise) for one, units in zip(self.stored, shares, strict=True)
        ]
        return Basket(self.offers, self.plans, self.quote, lines)


class StoredLine(Struct):
    """The JSON columns of one line, encoded once for all orders of a set that want the same."""

    title: str
    breakdown: str
    promise: str


async def baskets(
    tx: Tx, wanted: Collection[tuple[Wanted, ...]], *, city_id: int, now: datetime, schemes: Schemes
) -> dict[tuple[Wanted, ...], Basket | Refusal]:
    """What these wants come to without promotions: each kind of basket is planned and priced once."""
    offers = await catalog.offers(tx, sorted({w.offer_id for wants in wanted for w in wants}), city_id=city_id)
    known = {offer.offer_id: offer for offer in offers if offer is not None}
    known = await _groups.in_force(tx, known, wanted=wanted, city_id=city_id)
    found = {wants: _basket(wants, known, schemes, now) for wants in wanted}
    late = [wants for wants, basket in found.items() if isinstance(basket, SaleNotStarted | SaleOver)]
    if late and (city := await places.city(tx, city_id)):  # these name a time, and times are told in the city's zone
        found |= {wants: _basket(wants, known, schemes, now, zone=city.zone) for wants in late}
    return found


def _basket(
    wants: tuple[Wanted, ...], known: dict[UUID, Offer], schemes: Schemes, now: datetime, *, zone: str = "UTC"
) -> Basket | Refusal:
    """Everything about an order that needs no lock and does not depend on who asks: pure."""
    if not wants or any(not 1 <= w.quantity <= MOST_UNITS for w in wants):
        return NothingOrdered(most=MOST_UNITS)
    offers: list[Offer] = []
    plans: list[Plan] = []
    for number, wanted in enumerate(wants, 1):
        offer = known.get(_groups.key_of(wanted)) or known.get(wanted.offer_id)
        refusal = catalog.why_not_on_sale(offer, now, quantity=wanted.quantity, zone=zone)
        if offer is None or refusal is not None:
            return refusal or catalog.OfferNotFound()
        scheme = schemes.get(offer.scheme)
        plan = scheme.plan(offer, wanted, line_no=number, now=now) if scheme else SchemeUnknown()
        if isinstance(plan, Refusal):
            return plan
        offers.append(offer)
        plans.append(plan)
    if len({(o.merchant_id, o.scheme, o.price.asset) for o in offers}) > 1:
        return MixedOrder()
    if refusal := _groups.why_not(plans):
        return refusal
    quote = pricing.quote([plan.line for plan in plans])
    if isinstance(quote, Refusal):
        return quote
    return Basket(offers, plans, quote, [stored(p, line) for p, line in zip(plans, quote.lines, strict=True)])


def stored(plan: Plan, line: pricing.QuotedLine) -> StoredLine:
    """The JSON columns of a line."""
    promise = msgspec.structs.replace(plan.promise, quota_ids=tuple(want.quota_id for want in plan.wants))
    return StoredLine(_text(plan.line.title), _text(unit_shares(line, plan.promise)), _text(promise))


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
