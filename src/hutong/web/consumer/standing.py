"""Whether a deal can be bought at this moment, and what to say when it cannot."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from hutong import catalog, inventory
from hutong.catalog import Offer
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.web.consumer.here import Here

FEW = 10  # from here on the page says how many are left

Kind = Literal["open", "soon", "over", "sold_out"]


class Standing(Struct, frozen=True):
    """`why` says it in words when it is not open. `left`: units, told only when they are few (None: plenty or no
    limit). `held`: sold out, but some of it is not paid for yet and may come back."""

    kind: Kind
    why: Refusal | None = None
    left: int | None = None
    held: bool = False

    @property
    def buyable(self) -> bool:
        return self.kind == "open"


async def standing_of(tx: Tx, offer: Offer, *, here: Here, now: datetime) -> Standing:
    """How it stands with the offer now: the catalog's word first, then the stock."""
    why = catalog.why_not_on_sale(offer, now, zone=here.city.zone)
    if isinstance(why, catalog.SaleNotStarted):
        return Standing("soon", why)
    if why is not None:
        return Standing("over", why)
    if offer.quota_id is None:
        return Standing("open")
    (quota,) = await inventory.quotas(tx, [offer.quota_id], city_id=here.city_id)
    if quota is None:
        return Standing("open")
    if quota.remaining <= 0 or quota.closed_at is not None:
        return Standing("sold_out", held=quota.held > 0 and quota.closed_at is None)
    return Standing("open", left=quota.remaining if quota.remaining <= FEW else None)
