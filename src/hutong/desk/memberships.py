"""What a card that is shown has saved its holder: on bills in shops, and on orders that its tag made cheaper. And what
its shop has earned when its time is over."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong import catalog, merchants, orders, pricing, settlement, till, vouchers
from hutong.catalog import Membership
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.orders import KeptSaving
from hutong.pricing import Live, Tags
from hutong.vouchers import TERM, Redeem, Voucher


class CardSaved(Struct, frozen=True, kw_only=True):
    """`units` in the smallest unit of the card's asset, on so many bills and orders."""

    units: int = 0
    bills: int = 0
    orders: int = 0


async def earn_passes(tx: Tx, *, city_id: int, now: datetime) -> int:
    """What is left of the price of passes whose time is over is the merchant's, less his commission, as with any use:
    their holders had them for that time, shown or not. How many. Where a shop has no counter any more nothing is
    earned: what is left goes back (orders.expire_vouchers)."""
    over = await vouchers.passes_over(tx, city_id=city_id, now=now)
    offers = await catalog.offers(tx, sorted({one.offer_id for one in over}), city_id=city_id) if over else []
    homes = {offer.offer_id: offer.store_ids for offer in offers if offer is not None}
    stores = await merchants.stores(tx, city_id, sorted({store for ids in homes.values() for store in ids}))
    asks: list[Redeem] = []
    for one in over:
        here = next(
            (stores[i] for i in homes.get(one.offer_id, ()) if i in stores and stores[i].status == "open"), None
        )
        if here is not None:
            asks.append(
                Redeem(
                    redemption_id=derive(one.voucher_id, "term"), request_no=f"{TERM}{one.voucher_id}",
                    merchant_id=one.merchant_id, store_id=here.store_id, staff_id=one.merchant_id,
                    store_name=here.name.zh, voucher_id=one.voucher_id, count=one.uses_left, delivery=one.order_id,
                )
            )  # fmt: skip
    for done in await settlement.redeem(tx, asks, city_id=city_id, now=now, channel="term") if asks else ():
        sure(done)
    return len(asks)


async def saved(tx: Tx, held: Sequence[Voucher], *, city_id: int) -> list[CardSaved]:
    """What each of these cards has saved, in their order: at tills, where it was shown, and on paid orders what
    automatic promotions took off that ask for the tag of the membership, within its days. What was undone or refunded
    is not saved.

    A promotion that asks for tags in an expression (CEL) is not counted: it does not say which tag opened it.
    Two memberships with one tag both count an order of the days that they share.
    """
    if not held:
        return []
    shown = await till.saved_with(tx, [one.voucher_id for one in held], city_id=city_id)
    ids = sorted({one.offer_id for one in held})
    offers = await catalog.offers(tx, ids, city_id=city_id)
    tags = {o.offer_id: o.form.tag for o in offers if o and isinstance(o.form, Membership)}
    members = sorted({one.member_id for one in held if one.offer_id in tags})
    kept = await orders.kept_savings(tx, members, city_id=city_id) if members else []
    promotions = sorted({one.promotion_id for one in kept})
    lives = {p.promotion_id: p for p in await pricing.promotions(tx, promotions, city_id=city_id) if p}
    return [_sum(one, shown.get(one.voucher_id, till.Saved()), tags.get(one.offer_id), kept, lives) for one in held]


def _sum(
    card: Voucher, shown: till.Saved, tag: str | None, kept: Sequence[KeptSaving], lives: dict[UUID, Live]
) -> CardSaved:
    mine = [
        one
        for one in kept
        if tag is not None
        and one.member_id == card.member_id
        and one.asset == card.asset
        and card.valid_from <= one.at < card.valid_to
        and card.honoured_by(one.merchant_id)
        and one.promotion_id in lives
        and _asks_for(lives[one.promotion_id], tag)
    ]
    return CardSaved(
        units=shown.units + sum(one.units for one in mine), bills=shown.bills,
        orders=len({one.order_id for one in mine}),
    )  # fmt: skip


def _asks_for(live: Live, tag: str) -> bool:
    return any(isinstance(c, Tags) and tag in c.any_of for c in live.rule.conditions)
