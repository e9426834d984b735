"""Coupons that are claimed: whether their promotions allow it, and the codes they take. Nothing where none is claimed.

What a code is for and whether a promotion still runs is decided by pricing, under its locks (after coupons in use, with
the budgets: README).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from hutong import pricing
from hutong.catalog import CouponForm, Offer
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.orders.model import Place

Claiming = tuple[Place, Sequence[Offer]]


def _asked(ask: Place, offers: Sequence[Offer]) -> list[tuple[pricing.ClaimCoupon, str]]:
    """The coupons of one order, with how each is claimed."""
    return [
        (
            pricing.ClaimCoupon(
                promotion_id=offer.offer_id, ref=ask.order_id, member_id=ask.member_id,
                code_id=wanted.choice.id if wanted.choice is not None and wanted.choice.kind == "coded" else None,
            ),
            offer.form.claim,
        )
        for wanted, offer in zip(ask.wants, offers, strict=True)
        if isinstance(offer.form, CouponForm)
    ]  # fmt: skip


async def take(
    tx: Tx, orders: Mapping[int, Claiming], *, city_id: int, now: datetime
) -> dict[int, Refusal]:  # fmt: skip
    """Take what the claims of these orders need; the requests that cannot claim, with the reason. All of an order or
    nothing."""
    asked = [(i, claim, how) for i, (ask, offers) in orders.items() for claim, how in _asked(ask, offers)]
    if not asked:
        return {}
    pools = sorted({claim.promotion_id for _, claim, how in asked if how == "pool"})
    answers = await pricing.claim_coupons(
        tx, [claim for _, claim, _ in asked], city_id=city_id, now=now, pools=pools
    )  # fmt: skip
    refused: dict[int, Refusal] = {}
    for (i, _, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, Refusal):
            refused.setdefault(i, answer)
    await _free(tx, [claim for i, claim, _ in asked if i in refused], city_id=city_id)
    return refused


async def give_up(tx: Tx, orders: Mapping[int, Claiming], *, city_id: int) -> None:
    """These orders did not come to stand: the codes they took are free again."""
    await _free(tx, [claim for ask, offers in orders.values() for claim, _ in _asked(ask, offers)], city_id=city_id)


async def _free(tx: Tx, claims: Sequence[pricing.ClaimCoupon], *, city_id: int) -> None:
    refs: set[UUID] = {claim.ref for claim in claims}
    if refs:
        await pricing.unclaim(tx, sorted(refs), city_id=city_id)
