"""Place orders: plan, price, hold, promise - and open the payment. Nothing is paid yet."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong import catalog, inventory, payments, places, pricing
from hutong.catalog import Offer, SaleNotStarted, SaleOver
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.orders.model import Place, Placed, UnitShare, Wanted, hold_id, line_id
from hutong.orders.operations import _caps, _history
from hutong.orders.refusals import MixedOrder, NothingOrdered, PriceChanged, SchemeUnknown
from hutong.orders.scheme import Plan, Schemes

MOST_UNITS = 10_000


class _Basket(Struct):
    """What a list of wants comes to, whoever asks: the plans of its lines and the quote. `stored` is their JSON."""

    offers: list[Offer]
    plans: list[Plan]
    quote: pricing.Quote
    stored: list["_StoredLine"]


class _StoredLine(Struct):
    """The JSON columns of one line, encoded once for all orders of a set that want the same."""

    title: str
    breakdown: str
    promise: str


class _Draft(Struct):
    """An order on its way: what was asked, and what it comes to."""

    ask: Place
    basket: _Basket

    @property
    def total(self) -> Amount:
        return self.basket.quote.total


async def place(
    tx: Tx, asks: Sequence[Place], *, city_id: int, now: datetime, schemes: Schemes, hold_for: timedelta
) -> list[Placed | Refusal]:
    """Place each order or refuse it, in the order of the list; all in one city.

    An order that stands holds its stock until `now + hold_for` and has a payment intent over its total (in the
    currency of its offers). An order that costs nothing is paid at once. Doing it twice with one order_id is
    prevented by the primary key; callers bring an idempotency key (infra.answers).

    Refusals: nothing_ordered, those of catalog.why_not_on_sale, scheme_unknown and the scheme's own, mixed_order,
    price_changed, over_member_cap, sold_out.
    """
    results: list[Placed | Refusal | None] = [None] * len(asks)
    drafts: dict[int, _Draft] = {}
    baskets = await _baskets(tx, asks, city_id=city_id, now=now, schemes=schemes)
    for i, ask in enumerate(asks):
        basket = baskets[ask.wants]
        if isinstance(basket, Refusal):
            results[i] = basket
        elif ask.expect is not None and ask.expect != basket.quote.total:
            results[i] = PriceChanged(total=basket.quote.total.decimal(), expected=ask.expect.decimal())
        else:
            drafts[i] = _Draft(ask, basket)
    for i, refusal in (await _caps.take(tx, _caps_wanted(drafts), city_id=city_id)).items():
        results[i] = refusal
        del drafts[i]
    expires_at = now + hold_for
    reserved = await inventory.reserve(tx, [_hold(d, expires_at) for d in drafts.values()], city_id=city_id)
    refused_late: dict[int, _Draft] = {}
    for (i, draft), refusal in zip(list(drafts.items()), reserved.answers, strict=True):
        if refusal is not None:
            results[i] = refusal
            refused_late[i] = drafts.pop(i, draft)
    await _caps.give_back(tx, _caps_wanted(refused_late), city_id=city_id)
    await _write(tx, list(drafts.values()), city_id=city_id, now=now, expires_at=expires_at)
    await inventory.claim(tx, reserved, city_id=city_id, now=now)
    free = {i for i, d in drafts.items() if not d.total}
    await _pay_nothing(tx, [drafts[i] for i in sorted(free)], city_id=city_id, now=now)
    for i, draft in drafts.items():
        results[i] = Placed(
            order_id=draft.ask.order_id, payment_id=draft.ask.payment_id, total=draft.total,
            expires_at=expires_at, state="paid" if i in free else "placed",
        )  # fmt: skip
    return [_sure(result) for result in results]


def _sure(result: Placed | Refusal | None) -> Placed | Refusal:
    assert result is not None
    return result


async def _baskets(
    tx: Tx, asks: Sequence[Place], *, city_id: int, now: datetime, schemes: Schemes
) -> dict[tuple[Wanted, ...], _Basket | Refusal]:
    """What the wants of these orders come to: each kind of basket is planned and priced once."""
    wanted = {ask.wants for ask in asks}
    offers = await catalog.offers(tx, sorted({w.offer_id for wants in wanted for w in wants}), city_id=city_id)
    known = {offer.offer_id: offer for offer in offers if offer is not None}
    baskets = {wants: _basket(wants, known, schemes, now) for wants in wanted}
    late = [wants for wants, basket in baskets.items() if isinstance(basket, SaleNotStarted | SaleOver)]
    if late and (city := await places.city(tx, city_id)):  # these name a time, and times are told in the city's zone
        baskets |= {wants: _basket(wants, known, schemes, now, zone=city.zone) for wants in late}
    return baskets


def _basket(
    wants: tuple[Wanted, ...], known: dict[UUID, Offer], schemes: Schemes, now: datetime, *, zone: str = "UTC"
) -> _Basket | Refusal:
    """Everything about an order that needs no lock and does not depend on who asks: pure."""
    if not wants or any(not 1 <= w.quantity <= MOST_UNITS for w in wants):
        return NothingOrdered(most=MOST_UNITS)
    offers: list[Offer] = []
    plans: list[Plan] = []
    for number, wanted in enumerate(wants, 1):
        offer = known.get(wanted.offer_id)
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
    quote = pricing.quote([plan.line for plan in plans])
    if isinstance(quote, Refusal):
        return quote
    return _Basket(offers, plans, quote, [_stored(p, line) for p, line in zip(plans, quote.lines, strict=True)])


def _stored(plan: Plan, line: pricing.QuotedLine) -> _StoredLine:
    promise = msgspec.structs.replace(plan.promise, quota_ids=tuple(want.quota_id for want in plan.wants))
    return _StoredLine(_text(plan.line.title), _text(shares(line)), _text(promise))


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _caps_wanted(drafts: dict[int, _Draft]) -> list[_caps.Claim]:
    return [
        _caps.Claim(i, draft.ask.member_id, offer.offer_id, plan.line.quantity, offer.terms.per_member)
        for i, draft in drafts.items()
        for offer, plan in zip(draft.basket.offers, draft.basket.plans, strict=True)
        if offer.terms.per_member is not None
    ]


def _hold(draft: _Draft, expires_at: datetime) -> inventory.Hold:
    wants = tuple(want for plan in draft.basket.plans for want in plan.wants)
    order = draft.ask.order_id
    return inventory.Hold(hold_id=hold_id(order), wants=wants, expires_at=expires_at, ref=order)


def shares(quoted: pricing.QuotedLine) -> list[UnitShare]:
    """What each unit costs the buyer and is due to the merchant's side: with the discounts that others bear."""
    return [
        UnitShare(
            unit.paid.units, unit.paid.units + sum(d.amount.units for d in unit.discounts if d.payer != "merchant")
        )
        for unit in quoted.units()
    ]


async def _write(tx: Tx, drafts: list[_Draft], *, city_id: int, now: datetime, expires_at: datetime) -> None:
    """The rows of the orders that stand: orders and lines in one statement, payment intents, facts."""
    if not drafts:
        return
    first = [d.basket.offers[0] for d in drafts]
    rows = [
        (d.ask.order_id, plan.line, line.total.units, stored)
        for d in drafts
        for plan, line, stored in zip(d.basket.plans, d.basket.quote.lines, d.basket.stored, strict=True)
    ]
    await tx.send(
        load(__package__, "insert_orders"),
        city=city_id, now=now, expires=expires_at,
        ids=[d.ask.order_id for d in drafts], members=[d.ask.member_id for d in drafts],
        names=[d.ask.member_name for d in drafts], tails=[d.ask.phone_tail for d in drafts],
        merchants=[offer.merchant_id for offer in first], schemes=[offer.scheme for offer in first],
        channels=[d.ask.channel for d in drafts], totals=[d.total.units for d in drafts],
        assets=[d.total.asset for d in drafts], payments=[d.ask.payment_id for d in drafts],
        providers=[d.ask.provider for d in drafts],
        holds=[hold_id(d.ask.order_id) for d in drafts],
        line_ids=[line_id(order, line.line_no) for order, line, _, _ in rows],
        line_orders=[order for order, _, _, _ in rows], line_nos=[line.line_no for _, line, _, _ in rows],
        line_offers=[line.offer_id for _, line, _, _ in rows],
        quantities=[line.quantity for _, line, _, _ in rows],
        prices=[line.unit_price.units for _, line, _, _ in rows],
        lists=[line.list_price.units for _, line, _, _ in rows],
        line_totals=[total for _, _, total, _ in rows],
        titles=[stored.title for _, _, _, stored in rows], breakdowns=[stored.breakdown for _, _, _, stored in rows],
        promises=[stored.promise for _, _, _, stored in rows],
    )  # fmt: skip
    to_pay = [d for d in drafts if d.total]
    await payments.open(tx, [_intent(d, expires_at) for d in to_pay], city_id=city_id, now=now)
    await tx.record([_fact(d, city_id, now) for d in drafts])


def _intent(draft: _Draft, expires_at: datetime) -> payments.OpenIntent:
    ask = draft.ask
    return payments.OpenIntent(
        payment_id=ask.payment_id, order_id=ask.order_id, provider=ask.provider, amount=draft.total,
        description=draft.basket.plans[0].line.title.zh, expires_at=expires_at,
    )  # fmt: skip


def _fact(draft: _Draft, city_id: int, now: datetime) -> Fact:
    ask, total = draft.ask, draft.total
    payload = {"merchant": str(draft.basket.offers[0].merchant_id), "units": total.units, "asset": total.asset}
    return Fact(
        fact_id=derive(ask.order_id, "fact/placed"), city_id=city_id, topic="orders.placed", subject=ask.order_id,
        payload=payload, at=now,
    )  # fmt: skip


async def _pay_nothing(tx: Tx, drafts: list[_Draft], *, city_id: int, now: datetime) -> None:
    """Orders that cost nothing are fulfilled at once, on the same path as paid ones."""
    if drafts:
        await _history.fulfil(tx, [d.ask.order_id for d in drafts], transfers=[], city_id=city_id, now=now)
