"""Giving vouchers away, in sets for `infra.batches`: what the offers and the counters without a network say first."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs

from hutong import catalog, places, vouchers
from hutong.catalog.forms import Bargain, CouponForm, Flash, Form, GiftCard, Ladder, Plain, Team, Times
from hutong.infra.db import Tx
from hutong.infra.limits import Take, take
from hutong.kit.refusals import Refusal
from hutong.vouchers import PER_DAY, Gift, Give, Voucher

_DAY = 24 * 3600
GIVEN = (Plain, Team, Ladder, Flash, Bargain, Times, GiftCard)  # what was bought for somebody may be given to him


def may_be_given(form: Form) -> bool:
    """Whether a right of this form may change hands: deals and visits, coupons only when they say so. What speaks of
    its member (memberships, stamps, stored value, the Q card) stays with him."""
    return form.transferable if isinstance(form, CouponForm) else isinstance(form, GIVEN)


async def give(tx: Tx, asks: Sequence[Give], *, city_id: int, now: datetime) -> list[Gift | Refusal]:
    """As vouchers.give, with what only those above know: the form of the offer, silent counters, tries of a day.

    Refusals: too_many_tries (PER_DAY gifts of one member), offline_store_silent, and those of vouchers.give.
    """
    city = await places.city(tx, city_id)
    zone = city.zone if city else "UTC"
    late = await take(tx, [Take(f"gift/{city_id}/{ask.giver_id}", PER_DAY, _DAY) for ask in asks], now=now)
    held = {v.voucher_id: v for v in await vouchers.by_ids(tx, [ask.voucher_id for ask in asks], city_id=city_id)}
    waits = await vouchers.refunds_wait(tx, list(held.values()), city_id=city_id, now=now, zone=zone)
    forms = await _forms(tx, list(held.values()), city_id=city_id)
    wrong = {n: why for n, ask in enumerate(asks) if (why := late[n] or _mine(waits.get(ask.voucher_id), ask, held))}
    able = [(n, structs.replace(ask, allowed=forms.get(ask.voucher_id, False))) for n, ask in enumerate(asks)]
    given = iter(
        await vouchers.give(tx, [ask for n, ask in able if n not in wrong], city_id=city_id, now=now, zone=zone)
    )
    return [wrong[n] if n in wrong else next(given) for n in range(len(asks))]


def _mine(wait: Refusal | None, ask: Give, held: dict[UUID, Voucher]) -> Refusal | None:
    """Only the holder hears that a counter is silent; for others there is no such voucher."""
    return wait if wait is not None and held[ask.voucher_id].member_id == ask.giver_id else None


async def _forms(tx: Tx, held: Sequence[Voucher], *, city_id: int) -> dict[UUID, bool]:
    offers = await catalog.offers(tx, [voucher.offer_id for voucher in held], city_id=city_id)
    return {
        voucher.voucher_id: offer is not None and may_be_given(offer.form)
        for voucher, offer in zip(held, offers, strict=True)
    }
