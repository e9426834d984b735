"""The steps of an offer's life after its draft. Each is one sorted lock and a bounded number of statements."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import TypeVar
from uuid import UUID

from msgspec import UNSET

from hutong.catalog import rules
from hutong.catalog.model import Offer, Revise, Step
from hutong.catalog.operations.checks import unknown_categories, why_not_stores
from hutong.catalog.operations.index import index_offers
from hutong.catalog.operations.writing import Entry, keep_history, keep_prices, locked, update, zone_of
from hutong.catalog.refusals import OfferNotFound, SaleOver
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.places import UnknownCity

R = TypeVar("R", Revise, Step)


async def revise(tx: Tx, requests: Sequence[Revise], *, city_id: int, now: datetime) -> list[Offer | Refusal]:
    """Change what is given. A draft may change in everything, a rejected offer becomes a draft again, a published
    (or paused) one may change its price, summary, what is included, the limit per order and the end of its sale.

    Refusals: OfferNotFound (or outside `within`), OfferChanged, WrongStatus, NeedsReview, UnknownCategory,
    StoreOfAnother, and those of unsound content (BadInput, NoStores, BadPrice, SaleWindowInverted, BadTerms).
    """
    zone = await zone_of(tx, city_id)
    if zone is None:
        return [UnknownCity(city_id=city_id) for _ in requests]
    unknown = await unknown_categories(tx, [r.category for r in requests if r.category is not UNSET])
    held = await locked(tx, [r.offer_id for r in requests], city_id=city_id)
    owners = {offer_id: offer.merchant_id for offer_id, offer in held.items()}
    foreign = await why_not_stores(
        tx,
        [(owners.get(r.offer_id), () if r.store_ids is UNSET else r.store_ids) for r in requests],
        city_id=city_id,
    )
    early = [
        (None if request.category is UNSET else unknown.get(request.category)) or no
        for request, no in zip(requests, foreign, strict=True)
    ]
    return await _fold(
        tx, held, requests, "revised", lambda offer, request: rules.revised(offer, request, zone=zone),
        early=early, city_id=city_id, now=now,
    )  # fmt: skip


async def submit(tx: Tx, requests: Sequence[Step], *, city_id: int, now: datetime) -> list[Offer | Refusal]:
    """Drafts and rejected offers wait for review. Refusals: OfferNotFound, OfferChanged, WrongStatus."""
    return await _step(tx, requests, "submitted", rules.submitted, city_id=city_id, now=now)


async def withdraw(tx: Tx, requests: Sequence[Step], *, city_id: int, now: datetime) -> list[Offer | Refusal]:
    """What waits for review is a draft again. Refusals: OfferNotFound, OfferChanged, WrongStatus."""
    return await _step(tx, requests, "withdrawn", rules.withdrawn, city_id=city_id, now=now)


async def approve(tx: Tx, requests: Sequence[Step], *, city_id: int, now: datetime) -> list[Offer | Refusal]:
    """What waits for review is published and found from this transaction on; its first price period begins.

    Refusals: OfferNotFound, OfferChanged, WrongStatus, SaleOver.
    """
    return await _step(tx, requests, "approved", rules.approved, city_id=city_id, now=now)


async def reject(tx: Tx, requests: Sequence[Step], *, city_id: int, now: datetime) -> list[Offer | Refusal]:
    """What waits for review goes back with a reason. Refusals: BadInput, OfferNotFound, OfferChanged, WrongStatus."""
    return await _step(tx, requests, "rejected", rules.rejected, city_id=city_id, now=now)


async def pause(tx: Tx, requests: Sequence[Step], *, city_id: int, now: datetime) -> list[Offer | Refusal]:
    """Off the shelf for a while; what was sold stays valid. Refusals: OfferNotFound, OfferChanged, WrongStatus."""
    return await _step(tx, requests, "paused", rules.paused, city_id=city_id, now=now)


async def resume(tx: Tx, requests: Sequence[Step], *, city_id: int, now: datetime) -> list[Offer | Refusal]:
    """What was paused is on the shelf again. Refusals: OfferNotFound, OfferChanged, WrongStatus, SaleOver."""
    return await _step(tx, requests, "resumed", rules.resumed, city_id=city_id, now=now)


async def end(tx: Tx, requests: Sequence[Step], *, city_id: int, now: datetime) -> list[Offer | Refusal]:
    """Nobody can buy it any more; what was sold stays valid. Ending twice is once.

    Refusals: OfferNotFound, OfferChanged.
    """
    return await _step(tx, requests, "ended", rules.ended, city_id=city_id, now=now)


async def _step(
    tx: Tx, requests: Sequence[Step], what: str, move: rules.Mover, *, city_id: int, now: datetime
) -> list[Offer | Refusal]:
    held = await locked(tx, [request.offer_id for request in requests], city_id=city_id)
    late = any(offer.sale_to <= now for offer in held.values())  # told with its hour: the city's
    zone = (await zone_of(tx, city_id) if late else None) or "UTC"

    def decide(offer: Offer, request: Step) -> Offer | Refusal:
        result = move(offer, request, now)
        return rules.sale_over(offer, zone) if isinstance(result, SaleOver) else result

    return await _fold(tx, held, requests, what, decide, city_id=city_id, now=now)


async def _fold(
    tx: Tx, held: dict[UUID, Offer], requests: Sequence[R], what: str, decide: Callable[[Offer, R], Offer | Refusal],
    *, early: Sequence[Refusal | None] = (), city_id: int, now: datetime,
) -> list[Offer | Refusal]:  # fmt: skip
    """Decide each request on what the ones before it left, then write what changed, once for all.

    `early` has a refusal for a request whose new content refers to what is not there.
    """
    state = dict(held)
    entries: list[Entry] = []
    results: list[Offer | Refusal] = []
    for request, no in zip_longest(requests, early):
        offer = state.get(request.offer_id)
        result = rules.why_not_yours(offer, request) or no
        if result is None and offer is not None:
            result = decide(offer, request)
        if isinstance(result, Offer) and result is not offer:
            entries.append(Entry(what, request.by, request.reason, offer, result))
            state[request.offer_id] = result
        results.append(result or OfferNotFound())
    pairs = [(held[key], state[key]) for key in sorted(held) if state[key] is not held[key]]
    if pairs:
        await update(tx, pairs, city_id=city_id)
        await keep_history(tx, entries, city_id=city_id, now=now)
        await keep_prices(tx, pairs, city_id=city_id, now=now)
        shown = [a.offer_id for b, a in pairs if "published" in (b.status, a.status)]
        await index_offers(tx, shown, city_id=city_id, now=now)
    return results
