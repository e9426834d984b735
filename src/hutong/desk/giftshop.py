"""The shelf of the gift mall: gifts with their stock, what the member has had of them and what he lacks."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong import catalog, inventory, mall, programmes
from hutong.catalog import Gift, Offer
from hutong.desk.pointing import Purse, lives_in
from hutong.infra.db import Tx
from hutong.inventory import Quota
from hutong.kit.refusals import NotFound
from hutong.mall import Had
from hutong.places import City
from hutong.programmes import Programme

SHOWN = ("published", "paused", "ended")  # drafts and rejected gifts do not exist for members


class OnShelf(Struct, frozen=True, kw_only=True):
    """A gift as it stands. `missing`: points that the member lacks for one (None: nobody asks). `had`: units he has
    had in the period that runs. `quota` None: no stock is kept."""

    offer: Offer
    form: Gift
    quota: Quota | None
    had: int = 0
    missing: int | None = None

    @property
    def left(self) -> int | None:
        """How many the member may still have in this period; None: no limit."""
        return None if self.form.most is None else max(0, self.form.most - self.had)


async def on_shelf(
    tx: Tx, offers: Sequence[Offer], purse: Purse | None, *, city: City, now: datetime, member_id: UUID | None
) -> list[OnShelf]:
    """These gifts as they stand for a member (None: for anybody); what is no gift is left out. Two statements."""
    quotas = await inventory.quotas(tx, [o.quota_id for o in offers if o.quota_id], city_id=city.city_id)
    stock: dict[UUID | None, Quota] = {one.quota_id: one for one in quotas if one is not None}
    had: dict[UUID, Had] = {}
    if member_id is not None:
        had = await mall.counts_of(tx, member_id, offers, city_id=city.city_id, now=now, zone=city.zone)
    return [
        OnShelf(
            offer=offer, form=offer.form, quota=stock.get(offer.quota_id),
            had=had[offer.offer_id].units if offer.offer_id in had else 0,
            missing=None if purse is None else max(0, offer.form.points - purse.wallet.available),
        )
        for offer in offers if isinstance(offer.form, Gift)
    ]  # fmt: skip


async def gift_of(tx: Tx, offer_id: UUID, *, city: City, now: datetime) -> tuple[Offer, Programme]:
    """A gift that members may know of, of an alliance of this city. Raises not_found."""
    (offer,) = await catalog.offers(tx, [offer_id], city_id=city.city_id)
    if offer is None or offer.status not in SHOWN or not isinstance(offer.form, Gift):
        raise NotFound()
    programme = await programmes.programme(tx, offer.form.programme_id, at=now)
    if programme is None or not lives_in(programme, city.city_id):
        raise NotFound()
    return offer, programme
