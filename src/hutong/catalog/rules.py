"""Pure rules of offers: what makes one sound, which step may follow which, and why one is not on sale."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import UNSET, structs, to_builtins

from hutong.catalog.form_rules import form_faults
from hutong.catalog.forms import CouponForm
from hutong.catalog.model import Draft, Offer, Revise, Step
from hutong.catalog.refusals import (
    BadPrice,
    BadTerms,
    NeedsReview,
    NoStores,
    NotOnSale,
    OfferChanged,
    OfferNotFound,
    SaleNotStarted,
    SaleOver,
    SaleWindowInverted,
    TooManyPerOrder,
    WrongStatus,
)
from hutong.kit.access import Scope
from hutong.kit.clock import day_start, local
from hutong.kit.refusals import BadInput, Refusal
from hutong.kit.terms import DAY_MINUTES, Terms, Window

MAX_PER_ORDER = 10_000
MAX_TITLE = 120
MAX_VALID_DAYS = 3650

# What may change on the shelf: how much it costs and how long it is sold, not what was reviewed and promised.
LIVE_FIELDS = frozenset({"price", "list_price", "summary", "included", "excluded", "per_order_max", "sale_to"})
CONTENT = tuple(f.name for f in structs.fields(Revise) if f.default is UNSET)


def why_not_on_sale(offer: Offer | None, now: datetime, *, quantity: int = 1, zone: str = "UTC") -> Refusal | None:
    """Why so many units of the offer cannot be bought now; None when they can. Times are shown in `zone`.

    In this order: OfferNotFound, NotOnSale, SaleNotStarted, SaleOver, TooManyPerOrder.
    """
    if offer is None:
        return OfferNotFound()
    if offer.status != "published":
        return NotOnSale(status=offer.status)
    if now < offer.sale_from:
        return SaleNotStarted(sale_from=local(offer.sale_from, zone).strftime("%Y-%m-%d %H:%M"))
    if now >= offer.sale_to:
        return sale_over(offer, zone)
    if quantity > offer.per_order_max:
        return TooManyPerOrder(most=offer.per_order_max)
    return None


def may_reward(reward: Offer | None, merchant_id: UUID) -> bool:
    """Whether a full stamp card of this merchant may become that offer: a coupon that he issues himself. Who could name
    another one's would give away what somebody else pays for."""
    if reward is None or reward.merchant_id != merchant_id:
        return False
    return isinstance(reward.form, CouponForm) and reward.form.claim == "issued"


def sale_over(offer: Offer, zone: str = "UTC") -> SaleOver:
    """That the sale has ended, and when, in `zone`."""
    return SaleOver(sale_to=local(offer.sale_to, zone).strftime("%Y-%m-%d %H:%M"))


def why_not_sound(offer: Draft | Offer, zone: str) -> Refusal | None:
    """The first thing that is wrong with an offer's content; None when it is sound."""
    return next((wrong for _, wrong in faults(offer, zone)), None)


def faults(offer: Draft | Offer, zone: str) -> Iterator[tuple[str, Refusal]]:
    """Everything that is wrong with an offer's content, each with the name of the field that it is about."""
    if any(not words.strip() or len(words) > MAX_TITLE for words in (offer.title.zh, offer.title.en)):
        yield "title", BadInput(field="title", why=f"1-{MAX_TITLE}")
    if not offer.store_ids:
        yield "store_ids", NoStores()
    price, listed = offer.price, offer.list_price
    if price.asset != listed.asset or not 0 <= price.units <= listed.units:
        yield "price", BadPrice(price=price.words(), list_price=listed.words())
    if offer.sale_to <= offer.sale_from:
        yield "sale_to", SaleWindowInverted()
    if not 1 <= offer.per_order_max <= MAX_PER_ORDER:
        yield "per_order_max", BadInput(field="per_order_max", why=f"1-{MAX_PER_ORDER}")
    if offer.min_units < 1:
        yield "min_units", BadInput(field="min_units", why="≥ 1")
    yield from form_faults(offer)
    yield from _term_faults(offer.terms, sale_to=offer.sale_to, zone=zone)


def _term_faults(terms: Terms, *, sale_to: datetime, zone: str) -> Iterator[tuple[str, BadTerms]]:
    begin, end = terms.valid_from, terms.valid_until
    if begin is not None and end is not None and end < begin:
        yield "valid_until", BadTerms(why_zh="有效期结束早于开始", why_en="the validity ends before it begins")
    elif end is not None and day_start(end + timedelta(days=1), zone) < sale_to:
        yield "valid_until", BadTerms(why_zh="有效期早于停售时间结束", why_en="the validity ends before the sale does")
    if terms.valid_days is not None and not 0 <= terms.valid_days <= MAX_VALID_DAYS:
        yield (
            "valid_days",
            BadTerms(why_zh="有效天数须在 0 到 3650 之间", why_en="valid days must lie between 0 and 3650"),
        )
    if not all(_window_sound(window) for window in terms.windows):
        yield "windows", BadTerms(why_zh="可用时段有误", why_en="a window of usable hours is empty or inverted")
    if any(blackout.last < blackout.first for blackout in terms.blackouts):
        yield "blackouts", BadTerms(why_zh="不可用日期颠倒", why_en="a blackout ends before it begins")
    for name in ("party_min", "party_max", "per_member", "per_visit", "per_day", "per_hour"):
        count = getattr(terms, name)
        if count is not None and count < 1:
            yield (
                name,
                BadTerms(why_zh="人数和限购数量至少为 1", why_en="counts of people and limits must be at least 1"),
            )
    if terms.party_min is not None and terms.party_max is not None and terms.party_max < terms.party_min:
        yield "party_max", BadTerms(why_zh="用餐人数上限小于下限", why_en="the party's most is below its least")


def _window_sound(window: Window) -> bool:
    days_good = window.weekdays and all(0 <= day <= 6 for day in window.weekdays)
    hours_good = 0 <= window.start < window.end <= 2 * DAY_MINUTES and window.start < DAY_MINUTES
    return bool(days_good) and hours_good


def preview(draft: Draft, *, city_id: int, now: datetime) -> Offer:
    """The offer that a draft would become, sound or not: for showing it to whoever writes it."""
    return offer_of(draft, city_id=city_id, now=now)


def offer_of(draft: Draft, *, city_id: int, now: datetime) -> Offer:
    """The offer that a draft becomes: version 1, seen by its merchant only."""
    fields = {name: getattr(draft, name) for name in CONTENT}
    fields["store_ids"] = tuple(sorted(set(draft.store_ids)))
    return Offer(
        **fields, city_id=city_id, offer_id=draft.offer_id, merchant_id=draft.merchant_id, scheme=draft.scheme,
        status="draft", version=1, created_at=now, published_at=None, ended_at=None,
        copied_from=draft.copied_from,
    )  # fmt: skip


def why_not_yours(offer: Offer | None, request: Revise | Step) -> Refusal | None:
    """OfferNotFound for an offer outside the asker's scope, OfferChanged for another version than was read."""
    if offer is None or not _within(offer, request.within):
        return OfferNotFound()
    if request.version not in (None, offer.version):
        return OfferChanged(version=offer.version)
    return None


def revised(offer: Offer, request: Revise, *, zone: str) -> Offer | Refusal:
    """The offer with the changes; the same offer when nothing is different. A rejected one is a draft again."""
    asked = {name: getattr(request, name) for name in CONTENT if getattr(request, name) is not UNSET}
    if "store_ids" in asked:
        asked["store_ids"] = tuple(sorted(set(asked["store_ids"])))
    new = {name: value for name, value in asked.items() if value != getattr(offer, name)}
    if offer.status not in ("draft", "rejected", "published", "paused"):
        return WrongStatus(status=offer.status)
    reviewed = offer.status in ("published", "paused")
    if reviewed and not LIVE_FIELDS.issuperset(new):
        return NeedsReview(fields=sorted(new.keys() - LIVE_FIELDS))
    if not new:
        return offer
    status = offer.status if reviewed else "draft"
    changed = structs.replace(offer, **new, status=status, version=offer.version + 1)
    return why_not_sound(changed, zone) or changed


def submitted(offer: Offer, request: Step, now: datetime) -> Offer | Refusal:
    """A draft (or a rejected offer, again) waits for review."""
    return _moved(offer, ("draft", "rejected"), status="in_review")


def withdrawn(offer: Offer, request: Step, now: datetime) -> Offer | Refusal:
    """What waits for review is a draft again."""
    return _moved(offer, ("in_review",), status="draft")


def approved(offer: Offer, request: Step, now: datetime) -> Offer | Refusal:
    """What waits for review is published, unless its sale is over already."""
    if offer.status == "in_review" and offer.sale_to <= now:
        return sale_over(offer)
    return _moved(offer, ("in_review",), status="published", published_at=now)


def rejected(offer: Offer, request: Step, now: datetime) -> Offer | Refusal:
    """What waits for review is sent back with a reason."""
    if not request.reason.strip():
        return BadInput(field="reason", why="1-")
    return _moved(offer, ("in_review",), status="rejected")


def paused(offer: Offer, request: Step, now: datetime) -> Offer | Refusal:
    """What is on the shelf is taken off it for a while."""
    return _moved(offer, ("published",), status="paused")


def resumed(offer: Offer, request: Step, now: datetime) -> Offer | Refusal:
    """What was paused is on the shelf again, unless its sale is over."""
    if offer.status == "paused" and offer.sale_to <= now:
        return sale_over(offer)
    return _moved(offer, ("paused",), status="published")


def ended(offer: Offer, request: Step, now: datetime) -> Offer | Refusal:
    """Nobody can buy it any more; what was sold stays valid. Ending an ended offer changes nothing."""
    if offer.status == "ended":
        return offer
    return _moved(offer, ("draft", "in_review", "rejected", "published", "paused"), status="ended", ended_at=now)


Mover = Callable[[Offer, Step, datetime], Offer | Refusal]


def _moved(offer: Offer, sources: tuple[str, ...], **fields: Any) -> Offer | Refusal:
    if offer.status not in sources:
        return WrongStatus(status=offer.status)
    return structs.replace(offer, **fields, version=offer.version + 1)


def difference(before: Offer | None, after: Offer) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was different before and after, as plain JSON. Of a new offer, everything is new."""
    new = to_builtins(after, builtin_types=())
    old = to_builtins(before) if before is not None else {}
    fields = [*CONTENT, "status"]
    changed = [name for name in fields if before is None or old[name] != new[name]]
    return {name: old[name] for name in changed if before is not None}, {name: new[name] for name in changed}


def _within(offer: Offer, scope: Scope) -> bool:
    here = scope.covers(city=offer.city_id, merchant=offer.merchant_id)
    return here or any(scope.covers(store=store_id) for store_id in offer.store_ids)
