"""The manager's shelf: deals are drafted, saved again and again, copied, changed while they are sold, and stepped."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import UNSET, structs

from hutong import catalog, inventory
from hutong.catalog import Draft, Offer, OfferChanged, OfferNotFound, OfferTaken, Revise, Step
from hutong.catalog.forms import Flash, Form, Slot, Stamp
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.inventory import OpenQuota, Resize
from hutong.kit.access import Actor, Permission
from hutong.kit.clock import day_start, local, local_day
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotAllowed, Refusal
from hutong.kit.terms import Terms

MOST_UNITS = 10_000_000
FORM = "form "  # how the history names a form that saves again and again
# What a draft and a change of it have in common.
CONTENT = tuple(field.name for field in structs.fields(Revise) if field.default is UNSET)


def _units(total: int) -> int:
    if not 1 <= total <= MOST_UNITS:
        raise BadInput(field="total", why=f"1-{MOST_UNITS}")
    return total


async def save_draft(
    house: House, city_id: int, actor: Actor, draft: Draft, *, total: int, version: int | None, form: str
) -> Offer:
    """Write a draft (`version` None: it is new) with `total` units; saving the same again changes nothing.

    `form` names the form that saves again and again: what it saved itself since that version is no conflict. The
    stock has the id of the draft unless it names another. Raises not_allowed, bad_input, the refusals of
    catalog.draft and catalog.revise, offer_changed when somebody else saved since that version, total_too_low.
    """
    if not actor.can(Permission.EDIT_OFFERS, city=city_id, merchant=draft.merchant_id):
        raise NotAllowed()
    total, now = _units(total), house.clock.now()
    await _own_reward(house, city_id, draft)
    ready = structs.replace(draft, by=actor.member_id, quota_id=draft.quota_id or draft.offer_id)

    async def work(tx: Tx) -> Offer:
        offer = None
        if version is None:
            result = (await catalog.draft(tx, [ready], city_id=city_id, now=now))[0]
            if not isinstance(result, OfferTaken):  # taken: this form has saved it before, and nobody answered
                offer = sure(result)
                offer = offer if offer.version == 1 else None
        if offer is None:
            offer = await _revised(tx, _change(ready, actor, version or 1, form), city_id=city_id, now=now)
        stock = OpenQuota(quota_id=offer.quota_id or offer.offer_id, label=draft.title.zh[:80], total=total)
        (there,) = await inventory.open_quotas(tx, [stock], city_id=city_id, now=now)
        if there.total != total:
            sure((await inventory.resize(tx, [Resize(stock.quota_id, total)], city_id=city_id))[0])
        await _open_slots(tx, offer, city_id=city_id, now=now)
        return offer

    return await house.db.run_city(city_id, work)


async def _own_reward(house: House, city_id: int, draft: Draft) -> None:
    """A stamp card becomes a coupon that its own merchant issues. Raises bad_input."""
    if isinstance(draft.form, Stamp) and draft.form.reward is not None:
        async with house.db.reading(city_id) as tx:
            (reward,) = await catalog.offers(tx, [draft.form.reward], city_id=city_id)
        if not catalog.may_reward(reward, draft.merchant_id):
            raise BadInput(field="reward", why="?")


async def _open_slots(tx: Tx, offer: Offer, *, city_id: int, now: datetime) -> None:
    """The stock of each slot of a flash sale, as its form says. Raises total_too_low."""
    slots = offer.form.slots if isinstance(offer.form, Flash) else ()
    made = [OpenQuota(quota_id=one.quota_id, label=offer.title.zh[:80], total=one.units) for one in slots]
    there = await inventory.open_quotas(tx, made, city_id=city_id, now=now)
    both = zip(made, there, strict=True)
    other = [Resize(one.quota_id, one.total) for one, stands in both if stands.total != one.total]
    for result in await inventory.resize(tx, other, city_id=city_id) if other else ():
        sure(result)


def _change(draft: Draft, actor: Actor, version: int, form: str) -> Revise:
    content: dict[str, Any] = {name: getattr(draft, name) for name in CONTENT}
    within = actor.scope(Permission.EDIT_OFFERS)
    return Revise(
        offer_id=draft.offer_id, by=actor.member_id, version=version, within=within, reason=f"{FORM}{form}", **content
    )


async def _revised(tx: Tx, change: Revise, *, city_id: int, now: datetime) -> Offer:
    """The offer after the change. What the same form saved before, with or without an answer, is no conflict."""
    result = (await catalog.revise(tx, [change], city_id=city_id, now=now))[0]
    if not isinstance(result, OfferChanged):
        return sure(result)
    (stands,) = await catalog.offers(tx, [change.offer_id], city_id=city_id)
    history = await catalog.history(tx, change.offer_id, city_id=city_id)
    since = [c for c in history if c.version > (change.version or 0)]
    own = all(c.by == change.by and c.what == "revised" and c.reason == change.reason for c in since)
    if stands is None or not (own and change.reason.startswith(FORM)):
        raise result
    again = structs.replace(change, version=stands.version)
    return sure((await catalog.revise(tx, [again], city_id=city_id, now=now))[0])


async def mine(tx: Tx, city_id: int, actor: Actor, offer_id: UUID, permission: Permission) -> Offer:
    """An offer that the actor may do this with. Raises offer_not_found for any other."""
    found = (await catalog.offers(tx, [offer_id], city_id=city_id))[0]
    if found is None or not any(
        actor.can(permission, city=city_id, merchant=found.merchant_id, store=store)
        for store in (None, *found.store_ids)
    ):
        raise OfferNotFound()
    return found


async def copy_offer(house: House, city_id: int, actor: Actor, offer_id: UUID, *, new_id: UUID, zone: str) -> Offer:
    """A draft with the words, price, form, terms and stock of an offer, to be sold from today on for as many days.

    `new_id` is the copy's: the same copy asked for twice is one. Fixed days of use move along with the sale, days
    that are past are left out. Raises offer_not_found and the refusals of catalog.draft.
    """
    now = house.clock.now()
    async with house.db.reading(city_id) as tx:
        source = await mine(tx, city_id, actor, offer_id, Permission.EDIT_OFFERS)
        (stock,) = await inventory.quotas(tx, [source.quota_id or source.offer_id], city_id=city_id)
    draft = copied(source, new_id=new_id, by=actor.member_id, now=now, zone=zone)
    made = [OpenQuota(quota_id=new_id, label=source.title.zh[:80], total=stock.total if stock else 100)]

    async def work(tx: Tx) -> Offer:
        offer = sure((await catalog.draft(tx, [draft], city_id=city_id, now=now))[0])
        await inventory.open_quotas(tx, made, city_id=city_id, now=now)
        await _open_slots(tx, offer, city_id=city_id, now=now)
        return offer

    return await house.db.run_city(city_id, work)


def form_again(source: Offer, *, new_id: UUID, days: int, now: datetime, zone: str) -> Form:
    """The form that a copy is sold in: the same; of a flash sale the slots that have not begun, each with a stock of
    its own. When none is left they come again so many days later at the same hours of the zone. Pure."""
    if not isinstance(source.form, Flash):
        return source.form
    coming = [one for one in source.form.slots if one.starts_at > now]
    again = coming or [_later(one, days, zone) for one in source.form.slots]
    ids = [derive(new_id, f"slot/{one.starts_at.isoformat()}") for one in again]
    return Flash(
        slots=tuple(
            structs.replace(one, slot_id=slot_id, quota_id=derive(slot_id, "quota"))
            for one, slot_id in zip(again, ids, strict=True)
        )
    )


def _later(slot: Slot, days: int, zone: str) -> Slot:
    start, end = (
        (local(at, zone) + timedelta(days=days)).astimezone(UTC) for at in (slot.starts_at, slot.ends_at)
    )  # fmt: skip
    return structs.replace(slot, starts_at=start, ends_at=end)


def _over(form: Form, now: datetime) -> bool:
    """A flash sale of which no slot is still to come."""
    return isinstance(form, Flash) and all(slot.starts_at <= now for slot in form.slots)


def copied(source: Offer, *, new_id: UUID, by: UUID, now: datetime, zone: str) -> Draft:
    """The draft that a copy begins as. Pure; days are those of `zone`."""
    today, began = local_day(now, zone), local_day(source.sale_from, zone)
    moved = max(timedelta(0), today - began)
    days = max(1, (local_day(source.sale_to - timedelta(microseconds=1), zone) - began).days + 1)
    first = max(today, began)
    if _over(source.form, now):
        first, moved = first + timedelta(days=1), moved + timedelta(days=1)  # its hours of today may be past
    terms = source.terms
    fixed = {
        name: value + moved
        for name in ("valid_from", "valid_until")
        if (value := getattr(terms, name)) is not None
    }  # fmt: skip
    terms: Terms = structs.replace(terms, **fixed, blackouts=tuple(b for b in terms.blackouts if b.last >= today))
    return Draft(
        offer_id=new_id, merchant_id=source.merchant_id, by=by, scheme=source.scheme, category=source.category,
        trade=source.trade, title=source.title, summary=source.summary, included=source.included,
        excluded=source.excluded, price=source.price, list_price=source.list_price, terms=terms,
        store_ids=source.store_ids, quota_id=new_id, min_units=source.min_units, per_order_max=source.per_order_max,
        sale_from=day_start(first, zone), sale_to=day_start(first + timedelta(days=days), zone),
        copied_from=source.offer_id, form=form_again(source, new_id=new_id, days=moved.days, now=now, zone=zone),
    )  # fmt: skip


async def change_live(house: House, city_id: int, actor: Actor, change: Revise, *, total: int | None) -> Offer:
    """Change a deal that is on sale or paused in what may change without review, and its stock; all or nothing.

    Raises offer_not_found, the refusals of catalog.revise (offer_changed, needs_review, bad_price ...) and
    total_too_low (what is sold and held stays).
    """
    now = house.clock.now()
    taken = structs.replace(change, by=actor.member_id, within=actor.scope(Permission.EDIT_OFFERS))

    async def work(tx: Tx) -> Offer:
        offer = await _revised(tx, taken, city_id=city_id, now=now)
        if total is not None:
            quota_id = offer.quota_id or offer.offer_id
            sure((await inventory.resize(tx, [Resize(quota_id, _units(total))], city_id=city_id))[0])
        return offer

    return await house.db.run_city(city_id, work)


VERBS = {
    "submit": catalog.submit, "withdraw": catalog.withdraw, "pause": catalog.pause, "resume": catalog.resume,
    "end": catalog.end, "approve": catalog.approve, "reject": catalog.reject,
}  # fmt: skip
REVIEWS = ("approve", "reject")


async def step(house: House, city_id: int, actor: Actor, what: str, asks: Sequence[Step]) -> list[Offer | Refusal]:
    """One step of the life of offers: by their merchant, or approve and reject by the operator of the city.

    What lies outside the actor's scope is not found. An unknown step is bad_input.
    """
    verb = VERBS.get(what)
    if verb is None:
        raise BadInput(field="what", why=what[:40])
    scope = actor.scope(Permission.REVIEW_OFFERS if what in REVIEWS else Permission.EDIT_OFFERS)
    taken = [structs.replace(ask, by=actor.member_id, within=scope) for ask in asks]

    async def work(tx: Tx) -> list[Offer | Refusal]:
        return await verb(tx, taken, city_id=city_id, now=house.clock.now())

    done = await house.db.run_city(city_id, work)
    house.nudge()
    return done
