"""Place orders: plan, price, hold, promise - and open the payment. Nothing is paid yet."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import inventory, payments
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.orders.model import Place, Placed, hold_id, line_id
from hutong.orders.operations import (
    _baskets,
    _caps,
    _claims,
    _groups,
    _held,
    _history,
    _invited,
    _savings,
    _tendering,
    _tenders,
)
from hutong.orders.refusals import PriceChanged
from hutong.orders.scheme import Schemes


class _Draft:
    """An order on its way: what was asked, and what it comes to. All of it is asked for many times, so it is worked
    out once: `total`, `tendered` (what cards and points pay of it), `to_pay` (what the provider is asked for), `hold`
    (the id of its hold)."""

    __slots__ = ("ask", "basket", "hold", "savings", "taken", "tendered", "to_pay", "total", "weighed")

    def __init__(
        self, ask: Place, basket: _baskets.Basket, savings: _savings.Priced | None = None,
        weighed: _tenders.Weighed | None = None,
    ) -> None:  # fmt: skip
        self.ask, self.basket, self.savings, self.weighed = ask, basket, savings, weighed
        self.total = total = basket.quote.total
        self.taken = weighed.taken if weighed is not None else ()
        self.tendered = sum(one.units for one in self.taken)
        self.to_pay = Amount(total.units - self.tendered, total.asset)
        self.hold = hold_id(ask.order_id)


async def place(
    tx: Tx, asks: Sequence[Place], *, city_id: int, now: datetime, schemes: Schemes, hold_for: timedelta
) -> list[Placed | Refusal]:
    """Place each order or refuse it, in the order of the list; all in one city.

    An order that stands holds its stock until `now + hold_for` and has a payment intent over what is to be paid (in the
    currency of its offers). An order of which nothing is left to pay is paid at once. Doing it twice with one order_id
    is prevented by the primary key; callers bring an idempotency key (infra.answers).

    Promotions take off what they take by themselves; `coupons` are locked until the order is paid or ends, budgets are
    held (docs/decisions/0011). Cards and points (`tenders`) pay a part of what is left (docs/decisions/0015). What the
    member did not see is never charged: price_changed says the new price.

    Refusals: nothing_ordered, those of catalog.why_not_on_sale, scheme_unknown and the scheme's own, mixed_order,
    voucher_not_found, not_a_coupon, coupon_twice, a coupon's own, no_tender_here, not_a_tender, card_elsewhere,
    card_empty, those of programmes.hold, price_changed, over_member_cap, voucher_in_checkout,
    those of pricing.claim_coupons, hold_unknown, hold_over (what a waiting list kept), sold_out.
    """
    results: list[Placed | Refusal | None] = [None] * len(asks)
    drafts: dict[int, _Draft] = {}
    baskets = await _baskets.baskets(tx, {ask.wants for ask in asks}, city_id=city_id, now=now, schemes=schemes)
    for i, ask in enumerate(asks):
        basket = baskets[ask.wants]
        if isinstance(basket, Refusal):
            results[i] = basket
        else:
            drafts[i] = _Draft(ask, basket)
    for i, refusal in (await _price(tx, drafts, city_id=city_id, now=now)).items():
        results[i] = refusal
        del drafts[i]
    expires_at = now + hold_for
    invited, not_invited = await _invited.look(tx, _inviting(drafts, expires_at), city_id=city_id)
    for i, refusal in (not_invited | await _caps.take(tx, _caps_wanted(drafts, not_invited), city_id=city_id)).items():
        results[i] = refusal
        del drafts[i]
    refused_late: dict[int, _Draft] = {}
    for i, refusal in (await _groups.take(tx, _together(drafts), city_id=city_id, now=now)).items():
        results[i] = refusal
        refused_late[i] = drafts.pop(i)
    held = await _held.take(tx, _wishes(drafts), city_id=city_id, now=now, until=expires_at)
    held |= await _claims.take(tx, _claiming(drafts), city_id=city_id, now=now)
    no_savings = {i: drafts.pop(i) for i in held}
    results = [held.get(i, result) for i, result in enumerate(results)]
    anybody = {i: draft for i, draft in drafts.items() if i not in invited}
    reserved = await inventory.reserve(tx, [_hold(d, expires_at) for d in anybody.values()], city_id=city_id)
    no_stock: dict[int, _Draft] = {}
    for (i, draft), refusal in zip(anybody.items(), reserved.answers, strict=True):
        if refusal is not None:
            results[i] = refusal
            no_stock[i] = drafts.pop(i, draft)
    await _caps.give_back(tx, _caps_wanted(refused_late | no_savings | no_stock), city_id=city_id)
    await _groups.give_up(tx, _together(no_savings | no_stock), city_id=city_id, now=now)
    await _held.give_up(tx, list(_wishes(no_stock).values()), city_id=city_id, now=now)
    await _claims.give_up(tx, _claiming(no_stock), city_id=city_id)
    paid = await _write(tx, list(drafts.values()), city_id=city_id, now=now, expires_at=expires_at)
    await inventory.claim(tx, reserved, city_id=city_id, now=now)
    await inventory.take_over(tx, [over for i, over in invited.items() if i in drafts], city_id=city_id, now=now)
    await _history.sell(tx, paid, city_id=city_id, now=now)
    stand = {i: _placed(draft, expires_at) for i, draft in drafts.items()}
    return [_sure(stand.get(i, result)) for i, result in enumerate(results)]


def _placed(draft: _Draft, expires_at: datetime) -> Placed:
    return Placed(
        order_id=draft.ask.order_id, payment_id=draft.ask.payment_id, total=draft.to_pay, expires_at=expires_at,
        state="placed" if draft.to_pay else "paid",
    )  # fmt: skip


def _sure(result: Placed | Refusal | None) -> Placed | Refusal:
    assert result is not None
    return result


async def _price(tx: Tx, drafts: dict[int, _Draft], *, city_id: int, now: datetime) -> dict[int, Refusal]:
    """Give each draft its price with promotions; those whose price is not what the member saw, with the reason.

    A coupon that takes nothing off is refused with its reason, unless the member saw a price and it is that. Where the
    price is not what he saw, promotions whose budgets are spent for him are left out first: the quote did so, too, and
    he would be told two prices for ever.
    """
    asked = list(drafts.items())
    priced = await _savings.price(tx, _tables([draft for _, draft in asked]), city_id=city_id, now=now)
    refused: dict[int, Refusal] = {}
    unlike = {
        n: one
        for n, ((_, draft), one) in enumerate(zip(asked, priced, strict=True))
        if isinstance(one, _savings.Priced) and one.used and draft.ask.expect not in (None, one.quote.total)
    }
    if unlike:
        anew = await _held.without_spent(tx, unlike, city_id=city_id, now=now)
        priced = [anew.get(n, one) for n, one in enumerate(priced)]
    for (i, draft), one in zip(asked, priced, strict=True):
        if isinstance(one, Refusal):
            refused[i] = one
            continue
        if one is not None and one.used:
            lines = zip(draft.basket.plans, one.quote.lines, strict=True)
            stored = [_baskets.stored(plan, line) for plan, line in lines]
            basket = _baskets.Basket(draft.basket.offers, draft.basket.plans, one.quote, stored)
            drafts[i] = _Draft(draft.ask, basket, one)
    refused |= await _tender(
        tx, {i: d for i, d in drafts.items() if i not in refused}, drafts, city_id=city_id, now=now
    )
    for (i, draft), one in zip(asked, priced, strict=True):
        expect, total = draft.ask.expect, drafts[i].to_pay
        if i in refused or isinstance(one, Refusal):
            continue
        if expect is not None and expect != total:
            refused[i] = PriceChanged(total=total.words(), expected=expect.words())
        elif expect is None and one is not None and (no := one.first_no()) is not None:
            refused[i] = no
        elif expect is None and (weighed := drafts[i].weighed) is not None and weighed.nos:
            refused[i] = weighed.nos[0]
    return refused


async def _tender(
    tx: Tx, priced: dict[int, _Draft], drafts: dict[int, _Draft], *, city_id: int, now: datetime
) -> dict[int, Refusal]:
    """Lay what cards and points pay on the units of each draft; those that cannot be paid like this, with the reason.
    Drafts that bring none, and of which nothing costs points, are not looked at."""
    bills = {i: d.basket.bill(d.ask.member_id, d.ask.tenders) for i, d in priced.items() if _brings(d)}
    if not bills:
        return {}
    stock = await _tenders.look(tx, list(bills.values()), city_id=city_id, now=now)
    refused: dict[int, Refusal] = {}
    for i, bill in bills.items():
        weighed = _tenders.weigh(bill, stock)
        if isinstance(weighed, Refusal):
            refused[i] = weighed
        else:
            one = priced[i]
            drafts[i] = _Draft(one.ask, one.basket.paid_with(weighed.taken), one.savings, weighed)
    return refused


def _brings(draft: _Draft) -> bool:
    return bool(draft.ask.tenders) or any(plan.promise.points is not None for plan in draft.basket.plans)


def _tables(drafts: Sequence[_Draft]) -> list[_savings.Table]:
    """The orders as promotions look at them: each knows how many of its member come before it in the list, as if those
    stood already."""
    tables: list[_savings.Table] = []
    ahead: Counter[tuple[UUID, UUID | None]] = Counter()
    once = len({draft.ask.member_id for draft in drafts}) == len(drafts)  # nobody is behind himself
    for draft in drafts:
        ask, merchant = draft.ask, draft.basket.offers[0].merchant_id
        table = _savings.Table(
            order_id=ask.order_id, member_id=ask.member_id, channel=ask.channel, plans=tuple(draft.basket.plans),
            offers=tuple(draft.basket.offers), coupons=ask.coupons, phone=ask.phone, device=ask.device,
            ahead=(0, 0) if once else (ahead[ask.member_id, None], ahead[ask.member_id, merchant]),
        )  # fmt: skip
        tables.append(table)
        if draft.total and not once:
            ahead.update([(ask.member_id, None), (ask.member_id, merchant)])
    return tables


def _saving(drafts: Sequence[_Draft]) -> list[_savings.Priced]:
    """What promotions take off those orders from which they do."""
    return [draft.savings for draft in drafts if draft.savings is not None and draft.savings.used]


def _wishes(drafts: dict[int, _Draft]) -> dict[int, _held.Wish]:
    """The orders that something is held for: promotions take something off, or cards or points pay a part."""
    return {
        i: _held.Wish(
            order_id=draft.ask.order_id, member_id=draft.ask.member_id, total=draft.total, priced=saving,
            weighed=draft.weighed,
        )
        for i, draft in drafts.items()
        for saving in [draft.savings if draft.savings is not None and draft.savings.used else None]
        if saving is not None or draft.taken
    }  # fmt: skip


def _claiming(drafts: dict[int, _Draft]) -> dict[int, _claims.Claiming]:
    """The orders as claims of coupons are found in them."""
    return {i: (draft.ask, draft.basket.offers) for i, draft in drafts.items()}


def _caps_wanted(drafts: dict[int, _Draft], but: Collection[int] = ()) -> list[_caps.Claim]:
    return [
        _caps.Claim(i, draft.ask.member_id, offer.offer_id, plan.line.quantity, offer.terms.per_member)
        for i, draft in drafts.items()
        for offer, plan in zip(draft.basket.offers, draft.basket.plans, strict=True)
        if offer.terms.per_member is not None and i not in but
    ]


def _together(drafts: dict[int, _Draft]) -> list[_groups.Wish]:
    """The orders that are bought together with others."""
    return [
        _groups.Wish(i, draft.ask, offer, plan.promise)
        for i, draft in drafts.items()
        for offer, plan in zip(draft.basket.offers, draft.basket.plans, strict=True)
        if plan.promise.group is not None
    ]


def _inviting(drafts: dict[int, _Draft], expires_at: datetime) -> dict[int, _invited.Inviting]:
    """The orders that take over what a waiting list keeps for their members."""
    return {
        i: _invited.Inviting(draft.ask, _hold(draft, expires_at))
        for i, draft in drafts.items()
        if _invited.asked(draft.ask)
    }


def _hold(draft: _Draft, expires_at: datetime) -> inventory.Hold:
    wants = tuple(want for plan in draft.basket.plans for want in plan.wants)
    return inventory.Hold(hold_id=draft.hold, wants=wants, expires_at=expires_at, ref=draft.ask.order_id)


async def _write(
    tx: Tx, drafts: list[_Draft], *, city_id: int, now: datetime, expires_at: datetime
) -> list[dict[str, Any]]:
    """The rows of the orders that stand: orders and lines in one statement, payment intents, facts. The orders of which
    nothing is left to pay, with all but their stock done."""
    if not drafts:
        return []
    first = [d.basket.offers[0] for d in drafts]
    rows = [
        (d.ask.order_id, plan.line, line.total.units, stored)
        for d in drafts
        for plan, line, stored in zip(d.basket.plans, d.basket.quote.lines, d.basket.stored, strict=True)
    ]
    sheets = list({id(sheet): sheet for _, _, _, sheet in rows}.values())  # orders that want the same share theirs
    number = {id(sheet): n for n, sheet in enumerate(sheets, start=1)}
    await tx.send(
        load(__package__, "insert_orders"),
        city=city_id, now=now, expires=expires_at,
        ids=[d.ask.order_id for d in drafts], members=[d.ask.member_id for d in drafts],
        names=[d.ask.member_name for d in drafts], tails=[d.ask.phone_tail for d in drafts],
        merchants=[offer.merchant_id for offer in first], schemes=[offer.scheme for offer in first],
        channels=[d.ask.channel for d in drafts], totals=[d.total.units for d in drafts],
        saved=[sum(a.amount.units for a in d.basket.quote.adjustments) for d in drafts],
        tendered=[d.tendered for d in drafts], tenders=[len(d.taken) for d in drafts],
        assets=[d.total.asset for d in drafts], payments=[d.ask.payment_id for d in drafts],
        providers=[d.ask.provider for d in drafts],
        holds=[d.hold for d in drafts],
        line_ids=[line_id(order, line.line_no) for order, line, _, _ in rows],
        line_orders=[order for order, _, _, _ in rows], line_nos=[line.line_no for _, line, _, _ in rows],
        line_offers=[line.offer_id for _, line, _, _ in rows],
        quantities=[line.quantity for _, line, _, _ in rows],
        prices=[line.unit_price.units for _, line, _, _ in rows],
        lists=[line.list_price.units for _, line, _, _ in rows],
        line_totals=[total for _, _, total, _ in rows],
        titles=[sheet.title for sheet in sheets], breakdowns=[sheet.breakdown for sheet in sheets],
        promises=[sheet.promise for sheet in sheets], sheet_nos=[number[id(sheet)] for _, _, _, sheet in rows],
    )  # fmt: skip
    await _held.write(tx, _saving(drafts), city_id=city_id, now=now)
    given = [(d.ask.order_id, d.ask.member_id, one) for d in drafts for one in d.taken]
    await _tendering.write(tx, given, city_id=city_id, now=now)
    to_pay = [d for d in drafts if d.to_pay]
    await payments.begin(tx, [_intent(d, expires_at) for d in to_pay], city_id=city_id, now=now)
    await tx.record(_facts(drafts, city_id, now))
    return await _pay_nothing(tx, [d for d in drafts if not d.to_pay], city_id=city_id, now=now)


def _intent(draft: _Draft, expires_at: datetime) -> payments.OpenIntent:
    ask = draft.ask
    return payments.OpenIntent(
        payment_id=ask.payment_id, order_id=ask.order_id, provider=ask.provider, amount=draft.to_pay,
        description=draft.basket.plans[0].line.title.zh, expires_at=expires_at,
    )  # fmt: skip


def _facts(drafts: list[_Draft], city_id: int, now: datetime) -> list[Fact]:
    """That they were placed. Orders of one basket share one payload: it is written once (infra.arrays)."""
    payloads: dict[int, dict[str, Any]] = {}  # by the identity of baskets, which live as long as the drafts
    for draft in drafts:
        if id(draft.basket) not in payloads:
            merchant, total = draft.basket.offers[0].merchant_id, draft.total
            payloads[id(draft.basket)] = {"merchant": str(merchant), "units": total.units, "asset": total.asset}
    return [
        Fact(
            fact_id=derive(d.ask.order_id, "fact/placed"), city_id=city_id, topic="orders.placed",
            subject=d.ask.order_id, payload=payloads[id(d.basket)], at=now,
        )
        for d in drafts
    ]  # fmt: skip


async def _pay_nothing(
    tx: Tx, drafts: list[_Draft], *, city_id: int, now: datetime
) -> list[dict[str, Any]]:  # fmt: skip
    """Orders of which nothing is left to pay are fulfilled at once, on the same path as paid ones: all but the stock,
    which is the last lock here as well. Their rows."""
    if not drafts:
        return []
    found = await _history.book(tx, [d.ask.order_id for d in drafts], transfers=[], city_id=city_id, now=now)
    return list(found.values())
