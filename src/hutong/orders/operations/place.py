"""Place orders: plan, price, hold, promise - and open the payment. Nothing is paid yet."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg.types.json import Jsonb

from hutong import catalog, inventory, payments, places, pricing
from hutong.catalog import Offer
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.orders.model import Place, Placed, UnitShare, hold_id, line_id
from hutong.orders.operations import _caps, _history
from hutong.orders.refusals import MixedOrder, NothingOrdered, PriceChanged, SchemeUnknown
from hutong.orders.scheme import Plan, Schemes

MOST_UNITS = 10_000


class _Draft(Struct):
    """An order on its way: what was asked, the plans of its lines, the quote."""

    ask: Place
    offers: list[Offer]
    plans: list[Plan]
    quote: pricing.Quote


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
    offers = await catalog.offers(tx, sorted({w.offer_id for a in asks for w in a.wants}), city_id=city_id)
    known = {offer.offer_id: offer for offer in offers if offer is not None}
    city = await places.city(tx, city_id)
    zone = city.zone if city else "UTC"
    results: list[Placed | Refusal | None] = [None] * len(asks)
    drafts: dict[int, _Draft] = {}
    for i, ask in enumerate(asks):
        draft = _draft(ask, known, schemes, now, zone)
        if isinstance(draft, Refusal):
            results[i] = draft
        else:
            drafts[i] = draft
    for i, refusal in (await _caps.take(tx, _caps_wanted(drafts), city_id=city_id)).items():
        results[i] = refusal
        del drafts[i]
    expires_at = now + hold_for
    held = await inventory.hold(tx, [_hold(d, expires_at) for d in drafts.values()], city_id=city_id, now=now)
    refused_late: dict[int, _Draft] = {}
    for (i, draft), answer in zip(list(drafts.items()), held, strict=True):
        if isinstance(answer, Refusal):
            results[i] = answer
            refused_late[i] = drafts.pop(i, draft)
    await _caps.give_back(tx, _caps_wanted(refused_late), city_id=city_id)
    await _write(tx, list(drafts.values()), city_id=city_id, now=now, expires_at=expires_at)
    free = {i for i, d in drafts.items() if not d.quote.total}
    await _pay_nothing(tx, [drafts[i] for i in sorted(free)], city_id=city_id, now=now)
    for i, draft in drafts.items():
        results[i] = Placed(
            order_id=draft.ask.order_id, payment_id=draft.ask.payment_id, total=draft.quote.total,
            expires_at=expires_at, state="paid" if i in free else "placed",
        )  # fmt: skip
    return [_sure(result) for result in results]


def _sure(result: Placed | Refusal | None) -> Placed | Refusal:
    assert result is not None
    return result


def _draft(ask: Place, known: dict[UUID, Offer], schemes: Schemes, now: datetime, zone: str) -> _Draft | Refusal:
    """Everything about one order that needs no lock: pure."""
    if not ask.wants or any(not 1 <= w.quantity <= MOST_UNITS for w in ask.wants):
        return NothingOrdered(most=MOST_UNITS)
    offers: list[Offer] = []
    plans: list[Plan] = []
    for number, wanted in enumerate(ask.wants, 1):
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
    if ask.expect is not None and ask.expect != quote.total:
        return PriceChanged(total=quote.total.decimal(), expected=ask.expect.decimal())
    return _Draft(ask, offers, plans, quote)


def _caps_wanted(drafts: dict[int, _Draft]) -> list[_caps.Claim]:
    return [
        _caps.Claim(i, draft.ask.member_id, offer.offer_id, plan.line.quantity, offer.terms.per_member)
        for i, draft in drafts.items()
        for offer, plan in zip(draft.offers, draft.plans, strict=True)
        if offer.terms.per_member is not None
    ]


def _hold(draft: _Draft, expires_at: datetime) -> inventory.Hold:
    wants = tuple(want for plan in draft.plans for want in plan.wants)
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
    rows = [(d, plan, line) for d in drafts for plan, line in zip(d.plans, d.quote.lines, strict=True)]
    await tx.run(
        load(__package__, "insert_orders"),
        city=city_id, now=now, expires=expires_at,
        ids=[d.ask.order_id for d in drafts], members=[d.ask.member_id for d in drafts],
        names=[d.ask.member_name for d in drafts], tails=[d.ask.phone_tail for d in drafts],
        merchants=[d.offers[0].merchant_id for d in drafts], schemes=[d.offers[0].scheme for d in drafts],
        channels=[d.ask.channel for d in drafts], totals=[d.quote.total.units for d in drafts],
        assets=[d.quote.total.asset for d in drafts], payments=[d.ask.payment_id for d in drafts],
        providers=[d.ask.provider for d in drafts],
        holds=[hold_id(d.ask.order_id) for d in drafts],
        line_ids=[line_id(d.ask.order_id, plan.line.line_no) for d, plan, _ in rows],
        line_orders=[d.ask.order_id for d, _, _ in rows], line_nos=[plan.line.line_no for _, plan, _ in rows],
        line_offers=[plan.line.offer_id for _, plan, _ in rows],
        titles=[Jsonb(plan.line.title) for _, plan, _ in rows],
        quantities=[plan.line.quantity for _, plan, _ in rows],
        prices=[plan.line.unit_price.units for _, plan, _ in rows],
        lists=[plan.line.list_price.units for _, plan, _ in rows],
        line_totals=[line.total.units for _, _, line in rows],
        breakdowns=[Jsonb(shares(line)) for _, _, line in rows],
        promises=[Jsonb(_as_stored(plan)) for _, plan, _ in rows],
    )  # fmt: skip
    to_pay = [d for d in drafts if d.quote.total]
    await payments.open(tx, [_intent(d, expires_at) for d in to_pay], city_id=city_id, now=now)
    await tx.record([_fact(d, city_id, now) for d in drafts])


def _as_stored(plan: Plan) -> object:
    quotas = tuple(want.quota_id for want in plan.wants)
    return msgspec.to_builtins(msgspec.structs.replace(plan.promise, quota_ids=quotas))


def _intent(draft: _Draft, expires_at: datetime) -> payments.OpenIntent:
    ask = draft.ask
    return payments.OpenIntent(
        payment_id=ask.payment_id, order_id=ask.order_id, provider=ask.provider, amount=draft.quote.total,
        description=draft.plans[0].line.title.zh, expires_at=expires_at,
    )  # fmt: skip


def _fact(draft: _Draft, city_id: int, now: datetime) -> Fact:
    ask, total = draft.ask, draft.quote.total
    payload = {"merchant": str(draft.offers[0].merchant_id), "units": total.units, "asset": total.asset}
    return Fact(
        fact_id=derive(ask.order_id, "fact/placed"), city_id=city_id, topic="orders.placed", subject=ask.order_id,
        payload=payload, at=now,
    )  # fmt: skip


async def _pay_nothing(tx: Tx, drafts: list[_Draft], *, city_id: int, now: datetime) -> None:
    """Orders that cost nothing are fulfilled at once, on the same path as paid ones."""
    if drafts:
        await _history.fulfil(tx, [d.ask.order_id for d in drafts], transfers=[], city_id=city_id, now=now)
