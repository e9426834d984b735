"""Whether a deal can be bought at this moment, and what to say when it cannot."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from hutong import catalog, inventory
from hutong.catalog import Offer
from hutong.catalog.forms import Flash
from hutong.infra.db import Tx
from hutong.inventory import Quota
from hutong.kit.refusals import Refusal
from hutong.schemes.deals.slots import SlotNotOpen, slot_now
from hutong.waitlist import waitable
from hutong.web.consumer.here import Here

FEW = 10  # from here on the page says how many are left

Kind = Literal["open", "soon", "over", "sold_out"]


class Standing(Struct, frozen=True):
    """`why` says it in words when it is not open. `left`: units, told only when they are few (None: plenty or no
    limit). `held`: sold out, but some of it is not paid for yet and may come back. `list`: one can
    wait for it."""

    kind: Kind
    why: Refusal | None = None
    left: int | None = None
    held: bool = False
    list: bool = False

    @property
    def buyable(self) -> bool:
        return self.kind == "open"


async def standing_of(tx: Tx, offer: Offer, *, here: Here, now: datetime) -> Standing:
    """How it stands with the offer now."""
    quota, quota_id = None, offer.quota_id
    if isinstance(offer.form, Flash):
        slot = slot_now(offer.form, now)
        quota_id = None if isinstance(slot, Refusal) else slot.quota_id
    if quota_id is not None:
        (quota,) = await inventory.quotas(tx, [quota_id], city_id=here.city_id)
    return standing_with(quota, offer, here=here, now=now)


def standing_with(quota: Quota | None, offer: Offer, *, here: Here, now: datetime) -> Standing:
    """The catalog's word first, then the stock."""
    why = catalog.why_not_on_sale(offer, now, zone=here.city.zone)
    if isinstance(why, catalog.SaleNotStarted):
        return Standing("soon", why)
    if why is not None:
        return Standing("over", why)
    if isinstance(offer.form, Flash) and isinstance(slot := slot_now(offer.form, now), Refusal):
        return Standing("soon" if isinstance(slot, SlotNotOpen) else "over", slot)
    if quota is None:
        return Standing("open")
    if quota.on_sale <= 0:
        held = quota.closed_at is None and (quota.held > 0 or quota.listed)
        return Standing("sold_out", held=held, list=quota.closed_at is None and waitable(offer))
    return Standing("open", left=quota.on_sale if quota.on_sale <= FEW else None)
