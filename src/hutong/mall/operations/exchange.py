"""Exchange: points, and perhaps cash, for a gift."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, structs

from hutong import catalog, orders, places
from hutong.catalog import Gift, Offer, OfferNotFound
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.mall.model import Exchange
from hutong.mall.operations import _limits, _rows
from hutong.mall.refusals import AddressNeeded, WayNotOffered
from hutong.orders import Choice, Placed, Schemes, Wanted


class _Draft(Struct):
    """An exchange on its way: what was asked, the gift, and what counts against its limit."""

    ask: Exchange
    offer: Offer
    form: Gift
    claim: _limits.Claim


async def exchange(
    tx: Tx, asks: Sequence[Exchange], *, city_id: int, now: datetime, schemes: Schemes, hold_for: timedelta
) -> list[Placed | Refusal]:
    """Order gifts, in list order; all in one city. What costs points only is paid at once; where cash is asked besides,
    the points are set aside until `now + hold_for` and the order is to be paid like any other.

    A gift is counted for its member and period before it is ordered, under the counter's lock, and given back when the
    order is refused. `place.expect` is the cash that the member saw.
    Refusals: offer_not_found, way_not_offered, address_needed, exchange_limit, and those of orders.place (among them
    points_short and sold_out).
    """
    city = await places.city(tx, city_id)
    zone = city.zone if city else "UTC"
    found = await catalog.offers(tx, sorted({ask.offer_id for ask in asks}), city_id=city_id)
    offers = {offer.offer_id: offer for offer in found if offer is not None}
    results: list[Placed | Refusal | None] = [None] * len(asks)
    drafts: dict[int, _Draft] = {}
    for i, ask in enumerate(asks):
        draft = _draft(i, ask, offers, now, zone)
        if isinstance(draft, Refusal):
            results[i] = draft
        else:
            drafts[i] = draft
    late = await _limits.take(tx, [d.claim for d in drafts.values()], city_id=city_id, now=now, zone=zone)
    for i, refusal in late.items():
        results[i] = refusal
        del drafts[i]
    placed = await orders.place(
        tx, [_place(d.ask) for d in drafts.values()], city_id=city_id, now=now, schemes=schemes, hold_for=hold_for
    )
    stand: list[tuple[_Draft, Placed]] = []
    back: dict[_limits.Key, int] = {}
    for (i, draft), answer in zip(drafts.items(), placed, strict=True):
        results[i] = answer
        if isinstance(answer, Placed):
            stand.append((draft, answer))
        else:
            back[draft.claim.key] = back.get(draft.claim.key, 0) - draft.claim.units
    await _limits.add(tx, back, city_id=city_id)
    await _rows.insert(tx, [_row(draft, answer) for draft, answer in stand], city_id=city_id, now=now)
    return [_sure(result) for result in results]


def _sure(result: Placed | Refusal | None) -> Placed | Refusal:
    assert result is not None
    return result


def _place(ask: Exchange) -> orders.Place:
    wants = (Wanted(ask.offer_id, ask.units, Choice("exchange")),)
    return structs.replace(ask.place, wants=wants, coupons=())


def _draft(i: int, ask: Exchange, offers: Mapping[UUID, Offer], now: datetime, zone: str) -> _Draft | Refusal:
    offer = offers.get(ask.offer_id)
    if offer is None or not isinstance(offer.form, Gift):
        return OfferNotFound()
    form = offer.form
    if not (form.pickup if ask.way == "pickup" else form.delivery):
        return WayNotOffered()
    if ask.way == "delivery" and ask.sealed is None:
        return AddressNeeded()
    claim = _limits.Claim(
        i, offer.offer_id, ask.place.member_id, max(1, ask.units), form.most, form.span,
        _limits.period(form.span, now, zone),
    )  # fmt: skip
    return _Draft(ask, offer, form, claim)


def _row(draft: _Draft, placed: Placed) -> _rows.Row:
    return _rows.Row(
        ask=draft.ask, merchant_id=draft.offer.merchant_id, programme_id=draft.form.programme_id,
        points=draft.form.points, cost_units=draft.form.cost_units, cash=draft.offer.price, most=draft.form.most,
        span=draft.form.span, begins=draft.claim.begins, paid=placed.state == "paid",
    )  # fmt: skip
