"""The slots of a flash sale as its page shows them: what runs, what is left of it, what comes."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from hutong import inventory
from hutong.catalog import Offer
from hutong.catalog.forms import Flash, Slot
from hutong.infra.db import Tx
from hutong.web.consumer.here import Here

SHOWN = 6  # slots on the page: those that are over fall off first


class SlotLine(Struct, frozen=True):
    """A slot on the page; `left` of `total` units."""

    slot: Slot
    state: Literal["past", "now", "coming"]
    left: int
    total: int


async def slots_of(tx: Tx, offer: Offer, here: Here, now: datetime) -> list[SlotLine]:
    """The slots of the offer in the order of time; empty, without a statement, when it has none."""
    if not isinstance(offer.form, Flash):
        return []
    order = sorted(offer.form.slots, key=lambda slot: slot.starts_at)
    alive = [slot for slot in order if slot.ends_at > now]
    past = [slot for slot in order if slot.ends_at <= now]
    shown = [*past[-max(1, SHOWN - len(alive)) :], *alive][:SHOWN] if past else alive[:SHOWN]
    stock = await inventory.quotas(tx, [slot.quota_id for slot in shown], city_id=here.city_id)
    return [
        SlotLine(slot, _state(slot, now), quota.on_sale if quota else 0, quota.total if quota else slot.units)
        for slot, quota in zip(shown, stock, strict=True)
    ]


def _state(slot: Slot, now: datetime) -> Literal["past", "now", "coming"]:
    if slot.ends_at <= now:
        return "past"
    return "now" if slot.starts_at <= now else "coming"


def next_start(slots: list[SlotLine]) -> datetime | None:
    """When the next slot begins, if none runs."""
    if any(line.state == "now" for line in slots):
        return None
    return next((line.slot.starts_at for line in slots if line.state == "coming"), None)
