"""What promotions take off orders: gathered in a bounded number of statements for the whole set, then priced one by one
by the pure rules of pricing. Nothing is locked here (_held.py does that).

An order that nobody promoted and that brings no coupon costs nothing here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from hutong import catalog, places, pricing, vouchers
from hutong.catalog.forms import Membership
from hutong.infra.db import Tx
from hutong.infra.turns import in_turn
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders.model import Borne, Climb, Promise, Tendered, UnitShare
from hutong.orders.past import Past, past
from hutong.orders.refusals import CouponElsewhere, CouponTwice, NotACoupon
from hutong.orders.scheme import Plan
from hutong.pricing import Facts, PriceLine, Quote


class Table(Struct, frozen=True, kw_only=True):
    """An order as promotions look at it: who buys what where, and the coupons that were laid on the table. `ahead`: how
    many orders of the member come before it in its set, and how many of them are of this merchant."""

    order_id: UUID
    member_id: UUID | None
    channel: str
    plans: tuple[Plan, ...]
    offers: tuple[catalog.Offer, ...]
    coupons: tuple[UUID, ...] = ()
    phone: str = ""
    device: str = ""
    ahead: tuple[int, int] = (0, 0)

    @property
    def merchant_id(self) -> UUID:
        return self.offers[0].merchant_id

    @property
    def open(self) -> bool:
        """Whether promotions touch it: money (coupons, stored value) is not sold at a discount, and on a ladder the
        price is still to come."""
        money = any(
            p.promise.kind == "coupon" or p.promise.value or isinstance(p.promise.group, Climb) for p in self.plans
        )
        return not money and any(p.line.unit_price for p in self.plans)


class Used(Struct, frozen=True, kw_only=True):
    """A promotion that takes something off an order: how much, who bears it, the coupon that it took (None: none)."""

    promotion_id: UUID
    voucher_id: UUID | None
    name: Text
    units: int
    shares: dict[str, int]


class Laid(Struct, frozen=True, kw_only=True):
    """A coupon on the table. `no`: why it cannot be used here; None: `verdict` of the quote says what became of it."""

    voucher: vouchers.Voucher
    no: Refusal | None


class Priced(Struct, frozen=True, kw_only=True):
    """The price of an order with everything that takes something off it. `barred`: promotions and why not they."""

    table: Table
    quote: Quote
    used: tuple[Used, ...]
    laid: tuple[Laid, ...]
    barred: Mapping[UUID, tuple[Text, Refusal]]
    rules: tuple[pricing.Rule, ...]
    facts: Facts

    def first_no(self) -> Refusal | None:
        """Why a coupon on the table takes nothing off; None when each does."""
        told = {verdict.promotion: verdict.no for verdict in self.quote.verdicts}
        for one in self.laid:
            promotion = one.voucher.offer_id
            barred = self.barred.get(promotion)
            no = one.no or (barred[1] if barred else told.get(str(promotion)))
            if no is not None:
                return no
        return None


class World(Struct, frozen=True, kw_only=True):
    """What is known about the promotions of a set of orders, read once."""

    live: Mapping[UUID | None, list[pricing.Live]]
    coupons: Mapping[UUID, vouchers.Voucher]
    promotions: Mapping[UUID, pricing.Live]
    facts: Mapping[tuple[UUID, UUID], Past]
    parents: Mapping[str, str | None]
    cards: Mapping[UUID | None, list[tuple[vouchers.Voucher, str]]]
    zone: str
    city_id: int
    now: datetime


async def price(
    tx: Tx, tables: Sequence[Table], *, city_id: int, now: datetime
) -> list[Priced | Refusal | None]:  # fmt: skip
    """The price of each order with promotions; None where none can apply, so that its plain price stands.

    Where a promotion asks which order of its member it is, members are locked first: of two orders at the same moment
    one is the first.
    Refusals: voucher_not_found (a coupon that is not the member's), not_a_coupon, coupon_twice.
    """
    world = await look(tx, tables, city_id=city_id, now=now, ordering=True)
    return [None if world is None or not _near(table, world) else judge(table, world) for table in tables]


def _near(table: Table, world: World) -> bool:
    """Whether anything could take something off this order."""
    return bool(table.coupons) or (table.open and bool(world.live.get(None) or world.live.get(table.merchant_id)))


async def look(
    tx: Tx, tables: Sequence[Table], *, city_id: int, now: datetime, ordering: bool = False
) -> World | None:  # fmt: skip
    """Everything that the prices of these orders depend on; None when no promotion is near. `ordering`: they are about
    to be ordered."""
    near = [table for table in tables if table.open or table.coupons]
    merchants = sorted({table.merchant_id for table in near})
    live = await pricing.live(tx, merchants, city_id=city_id, now=now) if merchants else []
    wanted = sorted({coupon for table in near for coupon in table.coupons})
    if not live and not wanted:
        return None
    coupons = {v.voucher_id: v for v in await vouchers.by_ids(tx, wanted, city_id=city_id)} if wanted else {}
    offers = sorted({coupon.offer_id for coupon in coupons.values()})
    found = await pricing.promotions(tx, offers, city_id=city_id)
    by_owner: dict[UUID | None, list[pricing.Live]] = {}
    for one in live:
        by_owner.setdefault(one.merchant_id, []).append(one)
    city = await places.city(tx, city_id)
    every = [*live, *(p for p in found if p is not None)]
    if ordering and any(_counts_orders(condition) for one in every for condition in one.rule.conditions):
        # Nobody else orders for these members by such a promotion: what is counted now is all that there is.
        await in_turn(tx, f"orders/{city_id}", [t.member_id for t in near if t.member_id is not None])
    return World(
        live=by_owner, coupons=coupons, promotions={p.promotion_id: p for p in found if p is not None},
        facts=await past(tx, _whose(near), city_id=city_id), zone=city.zone if city else "UTC", city_id=city_id,
        now=now, parents=await _parents(tx, every), cards=await _cards(tx, near, every, city_id=city_id, now=now),
    )  # fmt: skip


def _whose(tables: Sequence[Table]) -> list[tuple[UUID, UUID]]:
    return [(t.member_id, t.merchant_id) for t in tables if t.member_id is not None]


def _counts_orders(condition: pricing.Condition) -> bool:
    """Whether a condition asks which order of the member it is."""
    if isinstance(condition, pricing.Expression):
        return "orders" in condition.source
    return isinstance(condition, pricing.FirstOrder | pricing.NthOrder)


async def _cards(
    tx: Tx, tables: Sequence[Table], live: Sequence[pricing.Live], *, city_id: int, now: datetime
) -> dict[UUID | None, list[tuple[vouchers.Voucher, str]]]:
    """The memberships of these members with the tags that they give, when a condition may ask for tags."""
    members = sorted({table.member_id for table in tables if table.member_id is not None})
    asked = any(isinstance(c, pricing.Tags | pricing.Expression) for one in live for c in one.rule.conditions)
    if not asked or not members:
        return {}
    cards = await vouchers.coupons_of(tx, members, city_id=city_id, now=now, kind="card")
    offers = await catalog.offers(tx, sorted({card.offer_id for card in cards}), city_id=city_id) if cards else []
    tags = {o.offer_id: o.form.tag for o in offers if o is not None and isinstance(o.form, Membership)}
    found: dict[UUID | None, list[tuple[vouchers.Voucher, str]]] = {}
    for card in cards:
        if card.offer_id in tags:
            found.setdefault(card.member_id, []).append((card, tags[card.offer_id]))
    return found


async def _parents(tx: Tx, live: Sequence[pricing.Live]) -> dict[str, str | None]:
    """The category above each category, when a condition asks for categories."""
    if not any(isinstance(c, pricing.Categories) for one in live for c in one.rule.conditions):
        return {}
    return {shelf.slug: shelf.parent for shelf in await catalog.categories(tx)}


def judge(
    table: Table, world: World, *, coupons: Sequence[UUID] | None = None, barred: Mapping[UUID, Refusal] | None = None
) -> Priced | Refusal:
    """The price of one order: pure. `coupons` instead of the table's; `barred`: promotions that are not to be asked."""
    laid = _laid(table, world, table.coupons if coupons is None else coupons)
    if isinstance(laid, Refusal):
        return laid
    near = [*world.live.get(None, ()), *world.live.get(table.merchant_id, ())] if table.open else []
    nos: dict[UUID, tuple[Text, Refusal]] = {}
    rules: list[pricing.Rule] = []
    for one in [*near, *(world.promotions[c.voucher.offer_id] for c in laid if c.no is None)]:
        no = (barred or {}).get(one.promotion_id) or pricing.why_not_usable(one, world.now, zone=world.zone)
        if no is None:
            rules.append(one.rule)
        else:
            nos[one.promotion_id] = (one.rule.name, no)
    facts = _asked(table, world, tuple(c.voucher.offer_id for c in laid if c.no is None))
    quote = pricing.quote(_lines(table, world), promotions=rules, facts=facts)
    if isinstance(quote, Refusal):
        return quote
    return Priced(
        table=table, quote=quote, used=_used(quote, laid, rules), laid=tuple(laid), barred=nos, rules=tuple(rules),
        facts=facts,
    )  # fmt: skip


def _laid(table: Table, world: World, coupons: Sequence[UUID]) -> list[Laid] | Refusal:
    """The coupons on the table, one for each promotion; why one of them cannot lie there."""
    laid: list[Laid] = []
    for coupon_id in dict.fromkeys(coupons):
        voucher = world.coupons.get(coupon_id)
        if voucher is None or voucher.member_id != table.member_id:
            return vouchers.VoucherUnknown()
        if voucher.kind != "coupon" or voucher.offer_id not in world.promotions:
            return NotACoupon()
        if any(other.voucher.offer_id == voucher.offer_id for other in laid):
            return CouponTwice()
        laid.append(Laid(voucher=voucher, no=_why_not_here(table, voucher, world)))
    return laid


def _why_not_here(table: Table, voucher: vouchers.Voucher, world: World) -> Refusal | None:
    if not honoured(table, voucher, world.promotions[voucher.offer_id]):
        return CouponElsewhere()
    return None if table.open else pricing.NothingToTake()


def honoured(table: Table, coupon: vouchers.Voucher, live: pricing.Live) -> bool:
    """Whether the coupon may be used at this merchant: it is his, the city's, or all honour it."""
    return live.merchant_id in (None, table.merchant_id) or coupon.wide


def _asked(table: Table, world: World, coupons: tuple[UUID, ...]) -> Facts:
    known = world.facts.get((table.member_id, table.merchant_id)) if table.member_id is not None else None
    before, here = table.ahead
    return Facts(
        now=world.now, city_id=world.city_id, zone=world.zone, member_id=table.member_id, channel=table.channel,
        orders_count=known.orders + before if known else None, orders_here=known.here + here if known else None,
        spend_here=known.spent if known else None, coupons=coupons,
        tags=tuple(
            sorted({tag for card, tag in world.cards.get(table.member_id, ()) if card.honoured_by(table.merchant_id)})
        ),
    )  # fmt: skip


def _lines(table: Table, world: World) -> list[PriceLine]:
    """The lines with what conditions may ask of them."""
    return [
        structs.replace(
            plan.line, merchant_id=offer.merchant_id, store_ids=offer.store_ids, scheme=offer.scheme,
            categories=_above(offer.category, world.parents),
        )
        for plan, offer in zip(table.plans, table.offers, strict=True)
    ]  # fmt: skip


def _above(slug: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    found: list[str] = []
    here: str | None = slug
    while here is not None and here not in found:
        found.append(here)
        here = parents.get(here)
    return tuple(found)


def _used(quote: Quote, laid: Sequence[Laid], rules: Sequence[pricing.Rule]) -> tuple[Used, ...]:
    """The promotions that took something off, by id."""
    coupon_of = {str(one.voucher.offer_id): one.voucher.voucher_id for one in laid}
    rule_of = {rule.id: rule for rule in rules}
    shares: dict[str, dict[str, int]] = {}
    for adjustment in quote.adjustments:
        mine = shares.setdefault(adjustment.promotion, {})
        for payer, amount in adjustment.shares:
            if amount:
                mine[payer] = mine.get(payer, 0) + amount.units
    return tuple(
        Used(
            promotion_id=rule_of[key].promotion_id, name=rule_of[key].name, units=sum(mine.values()), shares=mine,
            voucher_id=coupon_of.get(key) if rule_of[key].trigger == "coupon" else None,
        )
        for key, mine in sorted(shares.items())
    )  # fmt: skip


def unit_shares(line: pricing.QuotedLine, promise: Promise) -> list[UnitShare]:
    """What each unit costs the buyer, who bears the rest of its price, and what is due to the merchant's side: what is
    paid, what others than the merchant bear, and what the points that a gift costs are worth to him. Source: money.md,
    example of two units."""
    price = promise.points
    points = (Tendered(ref=price.programme_id, units=0, due=price.worth_units, points=price.points),) if price else ()
    return [
        UnitShare(
            paid=unit.paid.units,
            due=unit.paid.units
            + sum(d.amount.units for d in unit.discounts if d.payer != "merchant")
            + sum(part.due for part in points),
            by=tuple(Borne(d.promotion, d.payer, d.amount.units) for d in unit.discounts),
            tenders=points,
        )
        for unit in line.units()
    ]
