"""Coupons to claim, for members; campaigns, for whoever may run them: written, stepped, stopped, tried on the past."""

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import field

from hutong import merchants, pricing
from hutong.api.browse import City, Limit
from hutong.api.glue import Home, Key, Who, local_id, open_to_all, with_token
from hutong.api.shapes import In, Money, MoneyIn, PageOut
from hutong.catalog import CouponForm
from hutong.desk import campaigns, coupons, selling, simulating
from hutong.desk.buying import member_of
from hutong.desk.campaigns import Campaign, CouponPart, Running, forecast_of, seen_by
from hutong.desk.coupons import OnOffer
from hutong.desk.house import House
from hutong.infra.ids import new_id
from hutong.kit.ids import MERCHANT, OFFER, ORDER, PROMOTION, STORE
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.pricing import LANES, Attribute, Benefit, Budget, Condition, Rule, Simulation

AtStore = Annotated[str | None, QueryParameter(name="store", description="Only what this store gives away")]


class CodeIn(In, frozen=True):
    """A code as it was typed, in a city."""

    city: int
    code: str


class BudgetIn(In, frozen=True):
    """A limit in money, in uses or in both; `per` says for what each: in all, a member, a number, a device, a day."""

    per: Attribute = "all"
    units: int | None = None
    uses: int | None = None


class CouponIn(In, frozen=True):
    """What makes it a campaign of coupons. `valid_days` count the day of the claim. `wide`: all merchants of the city
    take it, whoever gives it out; the operator or the platform pays then (needs offers:review)."""

    total: int
    per_member: int = 1
    valid_days: int | None = None
    claim: Literal["open", "code", "issued", "pool"] = "open"
    transferable: bool = False
    wide: bool = False


class CampaignIn(In, frozen=True):
    """A campaign. `id` and `version` of one that is there; without them it is new. Without `coupon` it applies by
    itself."""

    name: Text
    benefit: Benefit
    starts_at: datetime
    ends_at: datetime
    conditions: list[Condition] = field(default_factory=list)
    budgets: list[BudgetIn] = field(default_factory=list)
    payers: dict[str, int] = field(default_factory=lambda: {"merchant": 100})
    coupon: CouponIn | None = None
    forecast: MoneyIn | None = None
    id: str | None = None
    version: int | None = None


class StepIn(In, frozen=True):
    """publish, pause (stops claim and use at once), resume or end."""

    what: Literal["publish", "pause", "resume", "end"]
    reason: str = ""


def coupon_out(one: OnOffer, city_id: int) -> dict[str, Any]:
    offer, rule = one.offer, one.live.rule
    return {
        "id": OFFER.show(offer.offer_id, city_id), "title": offer.title, "summary": offer.summary,
        "merchant": {"id": MERCHANT.show(offer.merchant_id), "name": one.merchant}, "standing": one.standing,
        "benefit": pricing.in_words(rule.benefit, rule.asset), "asks": pricing.conditions_in_words(rule),
        "left": one.left, "mine": one.mine, "wide": one.wide, "claim_until": offer.sale_to,
        "terms": offer.terms,
        "stores": [STORE.show(store, city_id) for store in offer.store_ids],
        "why": None if one.why is None else one.why.code,
    }  # fmt: skip


@get("/coupons", guards=[open_to_all], summary="Coupons of a city that may be claimed")
async def on_offer(house: Home, city_id: City, store: AtStore = None, limit: Limit = 50) -> PageOut:
    """Those that can be claimed now first. What is claimed with a code or issued is not shown."""
    store_id = local_id(STORE, store)[1] if store else None
    async with house.db.reading(city_id) as tx:
        found = await coupons.on_offer(tx, city_id, house.clock.now(), store_id=store_id, limit=limit)
    return PageOut([coupon_out(one, city_id) for one in found], None)


@post("/coupons/{coupon:str}/claims", guards=[with_token], summary="Claim a coupon")
async def claim(coupon: FromPath[str], key: Key, actor: Who, house: Home) -> dict[str, Any]:
    """Into the wallet of the member who asks (a till's key cannot). Needs an Idempotency-Key."""
    city_id, offer_id = local_id(OFFER, coupon)
    done = await coupons.claim(house, city_id, actor, offer_id, key=key, channel="api")
    return {"order": ORDER.show(done.order_id, city_id), "state": done.state}


@post("/coupons/codes", guards=[with_token], summary="Claim the coupon that a code is for")
async def claim_by_code(data: JSONBody[CodeIn], key: Key, actor: Who, house: Home) -> dict[str, Any]:
    """Ten wrong codes an hour for each member. Needs an Idempotency-Key."""
    caller = f"api/{member_of(actor)}"
    done = await coupons.claim_by_code(house, data.city, actor, data.code, key=key, address=caller, channel="api")
    return {"order": ORDER.show(done.order_id, data.city), "state": done.state}


def campaign_out(one: Running, city_id: int) -> dict[str, Any]:
    kept, live = one.kept, one.kept.live
    asset = live.rule.asset
    return {
        "id": PROMOTION.show(live.promotion_id, city_id), "version": live.version, "state": live.state,
        "name": live.name, "trigger": live.trigger, "stopped": kept.stopped_why, "rule": live.rule,
        "starts_at": live.starts_at, "ends_at": live.ends_at, "uses": kept.spent_uses,
        "spent": Money.of(Amount(kept.spent_units, asset)), "held": Money.of(Amount(kept.held_units, asset)),
        "claimed": one.claimed, "total": one.total,
        "budgets": [{"per": b.attribute, "units": b.most_units, "uses": b.most_uses} for b in kept.budgets],
        "forecast_units": kept.forecast_units,
        "coupon": OFFER.show(live.promotion_id, city_id) if one.offer else None,
    }  # fmt: skip


@get("/merchants/{merchant:str}/campaigns", guards=[with_token], summary="Campaigns of a merchant")
async def mine(merchant: FromPath[str], actor: Who, house: Home, city_id: City) -> PageOut:
    """For who may see its offers (offers:view); others see an empty list."""
    merchant_id = MERCHANT.read(merchant)
    async with house.db.reading(city_id) as tx:
        found = await campaigns.find(
            tx, city_id, scope=seen_by(actor, city_id, merchant_id), merchant_id=merchant_id
        )  # fmt: skip
    return PageOut([campaign_out(one, city_id) for one in found], None)


@post("/merchants/{merchant:str}/campaigns", guards=[with_token], summary="Write a campaign")
async def write(
    merchant: FromPath[str], data: JSONBody[CampaignIn], actor: Who, house: Home, city_id: City
) -> dict[str, Any]:
    """A draft until it is published. Needs offers:edit; other payers than the merchant need offers:review."""
    campaign = await _campaign(house, city_id, merchant, data)
    await campaigns.save(house, city_id, actor, campaign)
    return campaign_out(await campaigns.mine(house, city_id, actor, campaign.campaign_id), city_id)


@post("/merchants/{merchant:str}/campaigns/simulation", guards=[with_token], summary="Try a campaign on the past")
async def simulate(
    merchant: FromPath[str], data: JSONBody[CampaignIn], actor: Who, house: Home, city_id: City
) -> dict[str, Any]:
    """What it would have cost over the newest thousand paid orders of ninety days. Needs offers:edit."""
    campaign = await _campaign(house, city_id, merchant, data)
    found = await simulating.simulate(house, city_id, actor, campaign.rule, merchant_id=campaign.merchant_id)
    return simulation_out(found, city_id)


def simulation_out(found: Simulation, city_id: int) -> dict[str, Any]:
    return {
        "orders": found.orders, "touched": found.touched, "members": found.members, "unpriced": found.unpriced,
        "taken": Money.of(found.taken), "net": Money.of(found.net), "spend": Money.of(found.spend),
        "cost": {payer: Money.of(amount) for payer, amount in found.cost}, "refusals": dict(found.refusals),
        "overlap": [
            {"promotion": o.promotion, "name": o.name, "together": o.together, "displaced": o.displaced,
             "less": Money.of(o.less)}
            for o in found.overlap
        ],
        "surprises": [
            {"order": ORDER.show(s.order_id, city_id), "paid": Money.of(s.paid), "taken": Money.of(s.taken),
             "share_bps": s.share_bps, "why": s.why}
            for s in found.surprises
        ],
    }  # fmt: skip


@post("/campaigns/{campaign:str}/steps", guards=[with_token], summary="Publish, stop, resume or end a campaign")
async def step(campaign: FromPath[str], data: JSONBody[StepIn], actor: Who, house: Home) -> dict[str, Any]:
    """Needs offers:edit; to pause, store:edit at one of its stores is enough. A pause stops claim and use at once."""
    city_id, campaign_id = local_id(PROMOTION, campaign)
    await campaigns.step(house, city_id, actor, campaign_id, data.what, reason=data.reason)
    return campaign_out(await campaigns.mine(house, city_id, actor, campaign_id), city_id)


async def _campaign(house: House, city_id: int, merchant: str, data: CampaignIn) -> Campaign:
    """The campaign of the body, with what the house knows of the merchant. Raises bad_input, bad_id."""
    merchant_id = MERCHANT.read(merchant)
    campaign_id = new_id()
    if data.id is not None:
        at, campaign_id = local_id(PROMOTION, data.id)
        if at != city_id or data.version is None:
            raise BadInput(field="id", why="of this city, with its version")
    async with house.db.reading(city_id) as tx:
        stores = await merchants.stores_of(tx, city_id, merchant_id)
        asset = await selling.currency(tx, city_id)
    auto = data.coupon is None
    rule = Rule(
        promotion_id=campaign_id, name=data.name, benefit=data.benefit, conditions=tuple(data.conditions), asset=asset,
        payers=tuple(data.payers.items()), trigger="auto" if auto else "coupon",
        lane=LANES["shop" if auto else "coupon"],
    )  # fmt: skip
    budgets = tuple(Budget(attribute=b.per, most_units=b.units, most_uses=b.uses) for b in data.budgets)
    return Campaign(
        rule=rule, merchant_id=merchant_id, starts_at=data.starts_at, ends_at=data.ends_at, budgets=budgets,
        version=data.version if data.id is not None else None, coupon=_coupon(data, stores),
        forecast_units=data.forecast.units if data.forecast else forecast_of(
            budgets, rule, starts_at=data.starts_at, ends_at=data.ends_at
        ),
    )  # fmt: skip


def _coupon(data: CampaignIn, stores: list[merchants.Store]) -> CouponPart | None:
    asked = data.coupon
    if asked is None:
        return None
    if not stores:
        raise BadInput(field="coupon", why="no store in this city")
    if asked.valid_days is not None and asked.valid_days < 1:
        raise BadInput(field="valid_days", why="1+")
    days = None if asked.valid_days is None else asked.valid_days - 1
    return CouponPart(
        category=stores[0].category, store_ids=tuple(store.store_id for store in stores), total=asked.total,
        terms=Terms(valid_days=days, per_member=asked.per_member),
        form=CouponForm(claim=asked.claim, transferable=asked.transferable, wide=asked.wide),
    )  # fmt: skip


router = Router("/", route_handlers=[on_offer, claim, claim_by_code, mine, write, simulate, step])
