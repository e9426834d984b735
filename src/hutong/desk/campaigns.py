"""Campaigns: promotions with their coupons, as a merchant or an operator runs them. Saved, published, stopped.

A coupon is two things with one id: an offer (how many, for whom, how long) and a promotion (what it takes off, its
budget, its kill switch). They are written in one transaction, so neither is ever there without the other.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from hutong import catalog, inventory, pricing
from hutong.catalog import CouponForm, Draft, Revise, Step
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.inventory import OpenQuota, Resize
from hutong.kit.access import EVERYTHING, Actor, Permission, Scope
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, NotAllowed
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.pricing import Budget, Kept, Live, Merchants, PromotionStep, PromotionUnknown, Rule, SavePromotion

MOST_COUPONS = 10_000_000
NO_WORDS = Text(zh="", en="")


class CouponPart(Struct, frozen=True, kw_only=True):
    """What makes a campaign one of coupons: how many there are, who may take how many, and how long each is valid."""

    category: str
    store_ids: tuple[UUID, ...]
    total: int
    terms: Terms
    form: CouponForm = CouponForm()
    summary: Text = NO_WORDS


class Campaign(Struct, frozen=True, kw_only=True):
    """A campaign as its author writes it. `version` None: it is new. Without a coupon its promotion applies by itself.

    The rule's `trigger` follows from whether there is a coupon. See pricing.SavePromotion for the window.
    """

    rule: Rule
    merchant_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    version: int | None = None
    template: str = "free"
    use_until: datetime | None = None
    forecast_units: int | None = None
    budgets: tuple[Budget, ...] = ()
    coupon: CouponPart | None = None

    @property
    def campaign_id(self) -> UUID:
        return self.rule.promotion_id


class Running(Struct, frozen=True, kw_only=True):
    """A campaign as its staff sees it: the promotion with what it has come to, and its offer when there are coupons."""

    kept: Kept
    offer: catalog.Offer | None
    claimed: int = 0
    total: int = 0


def may_write(actor: Actor, city_id: int, merchant_id: UUID | None) -> bool:
    """Whether the actor may write campaigns: his merchant's, or (without a merchant) the city's as its operator."""
    if merchant_id is None:
        return actor.can(Permission.REVIEW_OFFERS, city=city_id)
    return actor.can(Permission.EDIT_OFFERS, city=city_id, merchant=merchant_id) or may_share(actor, city_id)


def may_share(actor: Actor, city_id: int) -> bool:
    """Whether the actor may let others than the merchant pay: the operator of the city and the platform."""
    return actor.can(Permission.REVIEW_OFFERS, city=city_id)


def may_stop(actor: Actor, city_id: int, merchant_id: UUID | None, store_ids: Sequence[UUID] = ()) -> bool:
    """Whether the actor may pull the kill switch: whoever may write it, and a manager of one of its stores."""
    return may_write(actor, city_id, merchant_id) or any(
        actor.can(Permission.EDIT_STORE, city=city_id, merchant=merchant_id, store=store) for store in store_ids
    )


def seen_by(actor: Actor, city_id: int, merchant_id: UUID, store_id: UUID | None = None) -> Scope:
    """What the actor may see of a merchant's campaigns: all of them, with VIEW_OFFERS there or at that store of it."""
    if actor.can(Permission.VIEW_OFFERS, city=city_id, merchant=merchant_id, store=store_id):
        return Scope(merchants=frozenset({merchant_id}))
    return Scope()


def _ready(campaign: Campaign, actor: Actor, city_id: int) -> SavePromotion:
    """The promotion of the campaign, after a look at who may write what."""
    merchant = campaign.merchant_id
    if not may_write(actor, city_id, merchant):
        raise NotAllowed()
    payers = {name for name, weight in campaign.rule.payers if weight}
    if payers != {"merchant"} and not may_share(actor, city_id):
        raise NotAllowed()
    if merchant is None and "merchant" in payers:
        raise BadInput(field="payers", why="merchant")
    rule, coupon = campaign.rule, campaign.coupon
    wide = coupon is not None and coupon.form.wide
    if wide and not may_share(actor, city_id):
        raise NotAllowed()
    if wide and "merchant" in payers:  # it is used at merchants who never said that they pay
        raise BadInput(field="payers", why="merchant")
    if merchant is not None and not wide and not any(isinstance(c, Merchants) for c in rule.conditions):
        rule = structs.replace(rule, conditions=(*rule.conditions, Merchants(ids=(merchant,))))
    rule = structs.replace(rule, trigger="auto" if coupon is None else "coupon")
    return SavePromotion(
        rule=rule, merchant_id=merchant, by=actor.member_id, version=campaign.version, template=campaign.template,
        starts_at=campaign.starts_at, ends_at=campaign.ends_at, use_until=campaign.use_until,
        forecast_units=campaign.forecast_units, budgets=campaign.budgets,
    )  # fmt: skip


def _draft(campaign: Campaign, coupon: CouponPart, merchant_id: UUID, actor: Actor) -> Draft:
    nothing = Amount.zero(campaign.rule.asset)
    return Draft(
        offer_id=campaign.campaign_id, merchant_id=merchant_id, by=actor.member_id, scheme="coupons",
        category=coupon.category, title=campaign.rule.name, summary=coupon.summary, price=nothing, list_price=nothing,
        terms=structs.replace(coupon.terms, refund="none", refund_on_expiry=False), form=coupon.form,
        store_ids=coupon.store_ids, quota_id=campaign.campaign_id, per_order_max=1, sale_from=campaign.starts_at,
        sale_to=campaign.ends_at,
    )  # fmt: skip


def forecast_of(budgets: Sequence[Budget], rule: Rule, *, starts_at: datetime, ends_at: datetime) -> int | None:
    """What a campaign may be expected to cost in five minutes of its best hour, in units; None where its money has no
    bound that could be spread over its days.

    A fifth of a day's share of the budget falls into the best hour; and never less than five of its greatest uses, or
    a small campaign would stop itself.
    """
    whole = next((b for b in budgets if b.attribute == "all"), None)
    if whole is None:
        return None
    largest = _largest(rule)
    money = whole.most_units or (whole.most_uses * largest if whole.most_uses and largest else None)
    if money is None:
        return None
    days = max(1, (ends_at - starts_at).days)
    return max(1, money // days // 5 // 12, 5 * (largest or 0))


def _largest(rule: Rule) -> int | None:
    """The most that one use can take off, where the benefit itself says it."""
    for name in ("cap_units", "units"):
        found = getattr(rule.benefit, name, None)
        if found:
            return int(found)
    steps = getattr(rule.benefit, "steps", ())
    return max((step.units or 0 for step in steps), default=0) or None


async def save(house: House, city_id: int, actor: Actor, campaign: Campaign) -> Live:
    """Write a campaign with its coupon and stock; all or nothing.

    Raises not_allowed (not yours, or shares that you may not give), bad_input, the refusals of
    pricing.save_promotions, catalog.draft and catalog.revise (needs_review: what was published stays), total_too_low.
    """

    async def work(tx: Tx) -> Live:
        return await write(tx, campaign, actor, city_id=city_id, now=house.clock.now())

    return await house.db.run_city(city_id, work)


async def write(tx: Tx, campaign: Campaign, actor: Actor, *, city_id: int, now: datetime) -> Live:
    """`save` within a transaction of the caller."""
    ask, coupon = _ready(campaign, actor, city_id), campaign.coupon
    if coupon is not None and not 1 <= coupon.total <= MOST_COUPONS:
        raise BadInput(field="total", why=f"1-{MOST_COUPONS}")
    if coupon is not None and ask.merchant_id is None:
        raise BadInput(field="coupon", why="merchant")  # a coupon is an offer, and an offer is a merchant's
    live = sure((await pricing.save_promotions(tx, [ask], city_id=city_id, now=now))[0])
    if coupon is not None and ask.merchant_id is not None:
        draft = _draft(campaign, coupon, ask.merchant_id, actor)
        if live.version == 1:
            sure((await catalog.draft(tx, [draft], city_id=city_id, now=now))[0])
        else:
            sure((await catalog.revise(tx, [_change(draft, actor, live)], city_id=city_id, now=now))[0])
        await _stock(tx, draft, coupon.total, city_id=city_id, now=now)
    return live


def _change(draft: Draft, actor: Actor, live: Live) -> Revise:
    """What may change of the offer: everything while it is a draft, then its words and its end."""
    change = Revise(offer_id=draft.offer_id, by=actor.member_id, within=EVERYTHING, sale_to=draft.sale_to,
                    summary=draft.summary)  # fmt: skip
    if live.state != "draft":
        return change
    fields = ("category", "title", "price", "list_price", "terms", "form", "store_ids", "sale_from")
    return structs.replace(change, **{name: getattr(draft, name) for name in fields})


async def _stock(tx: Tx, draft: Draft, total: int, *, city_id: int, now: datetime) -> None:
    stock = OpenQuota(quota_id=draft.offer_id, label=draft.title.zh[:80], total=total)
    (there,) = await inventory.open_quotas(tx, [stock], city_id=city_id, now=now)
    if there.total != total:
        sure((await inventory.resize(tx, [Resize(stock.quota_id, total)], city_id=city_id))[0])


async def find(
    tx: Tx, city_id: int, *, scope: Scope, merchant_id: UUID | None = None, ids: Sequence[UUID] | None = None
) -> list[Running]:
    """The campaigns in the scope, newest first, each with its offer and how many of its coupons are claimed."""
    kept = await pricing.campaigns(tx, city_id=city_id, scope=scope, merchant_id=merchant_id, ids=ids)
    coupons = [one.live.promotion_id for one in kept if one.live.trigger == "coupon"]
    offers = dict(zip(coupons, await catalog.offers(tx, coupons, city_id=city_id), strict=True)) if coupons else {}
    stock = dict(zip(coupons, await inventory.quotas(tx, coupons, city_id=city_id), strict=True)) if coupons else {}
    found: list[Running] = []
    for one in kept:
        here = stock.get(one.live.promotion_id)
        found.append(
            Running(
                kept=one, offer=offers.get(one.live.promotion_id), claimed=here.sold + here.held if here else 0,
                total=here.total if here else 0,
            )
        )  # fmt: skip
    return found


async def mine(house: House, city_id: int, actor: Actor, campaign_id: UUID) -> Running:
    """A campaign that the actor may see. Raises promotion_not_found."""
    async with house.db.reading(city_id) as tx:
        found = await find(tx, city_id, scope=EVERYTHING, ids=[campaign_id])
    one = found[0] if found else None
    merchant = one.kept.live.merchant_id if one else None
    if one is None or not (
        may_write(actor, city_id, merchant)
        or (merchant is not None and _staff(actor, city_id, merchant, one.offer.store_ids if one.offer else ()))
    ):
        raise PromotionUnknown()
    return one


def _staff(actor: Actor, city_id: int, merchant_id: UUID, store_ids: Sequence[UUID]) -> bool:
    return any(
        actor.can(Permission.VIEW_OFFERS, city=city_id, merchant=merchant_id, store=store)
        for store in (None, *store_ids)
    )


VERBS = {"publish": pricing.publish, "pause": pricing.pause, "resume": pricing.resume, "end": pricing.end}


async def step(house: House, city_id: int, actor: Actor, campaign_id: UUID, what: str, *, reason: str = "") -> Live:
    """Publish, pause (the kill switch), resume or end a campaign; its offer goes with it, in the same transaction.

    What a merchant pays himself needs no review: it goes live at once, and the operator can stop it. Raises
    promotion_not_found, not_allowed, bad_input, the refusals of pricing's steps and of catalog's.
    """
    if what not in VERBS:
        raise BadInput(field="what", why=what[:40])
    here = await mine(house, city_id, actor, campaign_id)
    merchant, stores = here.kept.live.merchant_id, here.offer.store_ids if here.offer else ()
    allowed = may_stop(actor, city_id, merchant, stores) if what == "pause" else may_write(actor, city_id, merchant)
    if not allowed:
        raise NotAllowed()
    if (
        what == "publish"
        and {p for p, w in here.kept.live.rule.payers if w} != {"merchant"}
        and not may_share(actor, city_id)
    ):
        raise NotAllowed()

    async def work(tx: Tx) -> Live:
        return await advance(tx, campaign_id, what, actor.member_id, reason, city_id=city_id, now=house.clock.now())

    done = await house.db.run_city(city_id, work)
    house.nudge()
    return done


async def advance(
    tx: Tx, campaign_id: UUID, what: str, by: UUID | None, reason: str = "", *, city_id: int, now: datetime
) -> Live:
    """`step` within a transaction of the caller, who has looked who may: the promotion first, its offer follows."""
    asks = [PromotionStep(promotion_id=campaign_id, by=by, reason=reason[:200])]
    live = sure((await VERBS[what](tx, asks, city_id=city_id, now=now))[0])
    if live.trigger == "coupon":
        await _offer_follows(tx, campaign_id, what, by, city_id=city_id, now=now)
    return live


async def _offer_follows(
    tx: Tx, campaign_id: UUID, what: str, by: UUID | None, *, city_id: int, now: datetime
) -> None:  # fmt: skip
    """The offer of a coupon takes the step that its promotion took."""
    asks = [Step(offer_id=campaign_id, by=by, reason="campaign")]
    if what == "publish":
        sure((await catalog.submit(tx, asks, city_id=city_id, now=now))[0])
        house_says = [Step(offer_id=campaign_id, by=None, reason="paid_by_merchant")]
        sure((await catalog.approve(tx, house_says, city_id=city_id, now=now))[0])
        return
    verb = {"pause": catalog.pause, "resume": catalog.resume, "end": catalog.end}[what]
    sure((await verb(tx, asks, city_id=city_id, now=now))[0])


async def watch(house: House, city_id: int, now: datetime) -> list[pricing.Burnt]:
    """One round of the alarm: what burns too fast is stopped with its offer; those that were stopped."""

    async def work(tx: Tx) -> list[pricing.Burnt]:
        burnt = await pricing.alarm(tx, city_id=city_id, now=now)
        offers = await catalog.offers(tx, [b.promotion_id for b in burnt], city_id=city_id)
        steps = [
            Step(offer_id=offer.offer_id, by=None, reason="burn_alarm")
            for offer in offers
            if offer is not None and offer.status == "published"
        ]
        if steps:
            await catalog.pause(tx, steps, city_id=city_id, now=now)
        return burnt

    return await house.db.run_city(city_id, work)
