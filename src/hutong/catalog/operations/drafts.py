"""New offers, and the short way for imports: draft, submit and approve in one go."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.catalog import rules
from hutong.catalog.model import Draft, Offer, Step
from hutong.catalog.operations.checks import unknown_categories, why_not_stores
from hutong.catalog.operations.life import approve, submit
from hutong.catalog.operations.writing import Entry, insert, keep_history, locked, zone_of
from hutong.catalog.refusals import OfferTaken
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.places import UnknownCity


async def draft(tx: Tx, requests: Sequence[Draft], *, city_id: int, now: datetime) -> list[Offer | Refusal]:
    """Write new offers that only their merchants see. The same draft again gives the offer as it stands now.

    Prices are whole units of one asset, the sale is [sale_from, sale_to). Refusals: UnknownCity, BadInput,
    NoStores, BadPrice, SaleWindowInverted, BadTerms, UnknownCategory, StoreOfAnother, OfferTaken (the id belongs
    to an offer of another merchant or with another beginning).
    """
    zone = await zone_of(tx, city_id)
    if zone is None:
        return [UnknownCity(city_id=city_id) for _ in requests]
    unknown = await unknown_categories(tx, [request.category for request in requests])
    foreign = await why_not_stores(tx, [(r.merchant_id, r.store_ids) for r in requests], city_id=city_id)
    results: list[Offer | Refusal] = [
        rules.why_not_sound(request, zone)
        or unknown.get(request.category)
        or no
        or rules.offer_of(request, city_id=city_id, now=now)
        for request, no in zip(requests, foreign, strict=True)
    ]
    wanted: dict[UUID, Offer] = {}
    for offer in results:
        if isinstance(offer, Offer):
            wanted.setdefault(offer.offer_id, offer)
    new = await insert(tx, [wanted[key] for key in sorted(wanted)], city_id=city_id)
    by = {request.offer_id: request.by for request in reversed(requests)}
    entries = [Entry("drafted", by[key], "", None, wanted[key]) for key in sorted(new)]
    await keep_history(tx, entries, city_id=city_id, now=now)
    return await _with_twins(tx, results, wanted, new, city_id=city_id)


async def _with_twins(
    tx: Tx, results: Sequence[Offer | Refusal], wanted: dict[UUID, Offer], new: set[UUID], *, city_id: int
) -> list[Offer | Refusal]:
    """Results in which an id that was taken is the offer that has it (the same draft) or a refusal."""
    old = await locked(tx, wanted.keys() - new, city_id=city_id) if wanted.keys() - new else {}
    answers: list[Offer | Refusal] = []
    for offer in results:
        if isinstance(offer, Offer):
            there = old.get(offer.offer_id, wanted[offer.offer_id])
            same = (there.merchant_id, there.scheme) == (offer.merchant_id, offer.scheme)
            same = same and (there.version > 1 or _content(there) == _content(offer))
            answers.append(there if same else OfferTaken())
        else:
            answers.append(offer)
    return answers


def _content(offer: Offer) -> list[object]:
    return [getattr(offer, name) for name in rules.CONTENT]


async def publish(tx: Tx, requests: Sequence[Draft], *, city_id: int, now: datetime) -> list[Offer | Refusal]:
    """Draft, submit and approve in one go, each step kept in the history: for imports, demos and replays.

    Whoever calls it vouches for the review. Safe to repeat. Refusals: those of `draft` and `approve`.
    """
    results = await draft(tx, requests, city_id=city_id, now=now)
    for status, step in (("draft", submit), ("in_review", approve)):
        steps = {
            result.offer_id: Step(offer_id=result.offer_id, by=request.by)
            for request, result in zip(requests, results, strict=True)
            if isinstance(result, Offer) and result.status == status
        }
        done = dict(zip(steps, await step(tx, list(steps.values()), city_id=city_id, now=now), strict=True))
        results = [done.get(result.offer_id, result) if isinstance(result, Offer) else result for result in results]
    return results
