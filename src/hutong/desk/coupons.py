"""Coupons as members take them: one tap, a code that was typed, or a list of numbers that a shop brings."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong import catalog, inventory, merchants, orders, places, pricing
from hutong.catalog import CouponForm, Offer
from hutong.desk.buying import member_of
from hutong.desk.house import House
from hutong.desk.keyed import good, submit
from hutong.infra import limits
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.infra.limits import Take
from hutong.kit.access import Actor
from hutong.kit.ids import to_crockford
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders import Choice, Place, Placed, Wanted
from hutong.pricing import CodeUnknown

WRONG_AN_HOUR, HOUR = 10, 3_600  # casebook D9: by member and by address
CODE_BYTES = 10  # 80 bits: sixteen letters
LEAST_LETTERS = 13  # of a code that somebody else made: 64 bits, if it was made at random
_FILLING = re.compile(r"[\s\-_.]+")


Standing = Literal["claim", "claimed", "gone", "not_yet", "over"]


class OnOffer(Struct, frozen=True, kw_only=True):
    """A coupon as a reader finds it: what he may do with it, how many are left, how many he has had."""

    offer: Offer
    live: pricing.Live
    merchant: Text
    standing: Standing
    left: int | None
    total: int | None
    mine: int = 0
    why: Refusal | None = None

    @property
    def wide(self) -> bool:
        """Whether all merchants of the city take it."""
        return isinstance(self.offer.form, CouponForm) and self.offer.form.wide


async def on_offer(
    tx: Tx, city_id: int, now: datetime, *, member_id: UUID | None = None, merchant_id: UUID | None = None,
    store_id: UUID | None = None, limit: int = 50,
) -> list[OnOffer]:  # fmt: skip
    """The coupons of the city (of a merchant, of a store) that may be claimed, those that can be claimed now first.

    Five statements however many there are (six when one has not begun); one when there is none.
    """
    found = await catalog.coupons_on_offer(
        tx, city_id=city_id, now=now, merchant_id=merchant_id, store_id=store_id, limit=limit
    )
    if not found:
        return []
    ids = [offer.offer_id for offer in found]
    lives = await pricing.promotions(tx, ids, city_id=city_id)
    stock = await inventory.quotas(tx, [offer.quota_id or offer.offer_id for offer in found], city_id=city_id)
    names = await merchants.merchants(tx, [offer.merchant_id for offer in found])
    mine = await orders.bought_of(tx, member_id, ids, city_id=city_id) if member_id else {}
    early = any(live is not None and live.starts_at > now for live in lives)  # told with its hour: the city's
    city = await places.city(tx, city_id) if early else None
    zone = city.zone if city else "UTC"
    shown = [
        _standing(offer, live, quota, names, mine.get(offer.offer_id, 0), now, zone)
        for offer, live, quota in zip(found, lives, stock, strict=True)
        if live is not None
    ]
    order = {"claim": 0, "not_yet": 1, "claimed": 2, "gone": 3, "over": 4}
    return sorted(shown, key=lambda one: order[one.standing])  # stable: the newest first


def _standing(
    offer: Offer, live: pricing.Live, quota: inventory.Quota | None, names: Mapping[UUID, merchants.Merchant],
    mine: int, now: datetime, zone: str,
) -> OnOffer:  # fmt: skip
    cap = offer.terms.per_member
    why = pricing.why_not_claimed(live, now, zone=zone)
    standing: Standing = "claim"
    if cap is not None and mine >= cap:
        standing = "claimed"
    elif isinstance(why, pricing.PromotionNotBegun) or now < offer.sale_from:
        standing = "not_yet"
    elif isinstance(why, pricing.BudgetExhausted) or (quota is not None and quota.remaining < 1):
        standing = "gone"
    elif why is not None:
        standing = "over"
    shop = names.get(offer.merchant_id)
    return OnOffer(
        offer=offer, live=live, merchant=shop.name if shop else Text(zh="", en=""), standing=standing, mine=mine,
        left=quota.remaining if quota else None, total=quota.total if quota else None, why=why,
    )  # fmt: skip


def normal(code: str) -> str:
    """The code as it is compared: without blanks and dashes, in capitals."""
    return _FILLING.sub("", code).upper()[:64]


def code_id(house: House, code: str) -> UUID:
    """The keyed digest under which a code is kept: whoever reads the table cannot claim with what stands there."""
    key = house.settings.key("coupon codes")
    return UUID(bytes=hmac.digest(key, normal(code).encode(), hashlib.sha256)[:16])


def made_code(house: House, batch_id: UUID, number: int) -> str:
    """Code `number` of a batch that the house makes: sixteen letters in groups of four, the same whenever asked."""
    words = batch_id.bytes + number.to_bytes(4, "big")
    made = hmac.digest(house.settings.key("coupon batches"), words, hashlib.sha256)
    letters = to_crockford(made[:CODE_BYTES]).upper()
    return "-".join(letters[i : i + 4] for i in range(0, len(letters), 4))


async def claim(
    house: House, city_id: int, actor: Actor, offer_id: UUID, *, key: str, code: UUID | None = None,
    channel: str = "web", device: str = "",
) -> Placed:  # fmt: skip
    """Take a coupon into the member's wallet; the same key is the same claim.

    Raises the refusals of orders.place: sold_out, over_member_cap, promotion_paused, budget_exhausted ...
    """
    member = member_of(actor)
    choice = None if code is None else Choice("coded", code)
    ask = Place(
        order_id=new_id(), payment_id=new_id(), member_id=member, member_name=actor.name, phone_tail=actor.phone_tail,
        wants=(Wanted(offer_id, 1, choice),), channel=channel, device=device,
    )  # fmt: skip
    done = good(await submit(house, "orders.place", city_id, actor=member, key=key, given=ask.wants, request=ask))
    house.nudge()
    return done


async def claim_by_code(
    house: House, city_id: int, actor: Actor, typed: str, *, key: str, address: str, channel: str = "web",
    device: str = "",
) -> Placed:  # fmt: skip
    """Take the coupon that a typed code is for. Ten wrong ones an hour, by member and by address.

    Raises coupon_code_unknown, too_many_tries, and what `claim` raises.
    """
    member, now = member_of(actor), house.clock.now()
    buckets = [f"coupon-code/member/{member}", f"coupon-code/address/{address}"]
    found = code_id(house, typed)
    async with house.db.central() as tx:  # counted before it is looked up: fifty guesses at once are ten
        no = await limits.take(tx, [Take(bucket, WRONG_AN_HOUR, HOUR) for bucket in buckets], now=now)
        tired = next((refusal for refusal in no if refusal is not None), None)
        promotion = None if tired else await pricing.promotion_of_code(tx, found, city_id=city_id)
        if promotion is not None:  # a right one is no guess
            await limits.take(tx, [Take(bucket, WRONG_AN_HOUR, HOUR, units=-1) for bucket in buckets], now=now)
    if tired is not None:
        raise tired
    if promotion is None:
        raise CodeUnknown()
    return await claim(house, city_id, actor, promotion, key=key, code=found, channel=channel, device=device)
