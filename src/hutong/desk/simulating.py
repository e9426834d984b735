"""A draft promotion over past orders, before it is published (pricing.simulate)."""

import asyncio
from datetime import timedelta
from uuid import UUID

from hutong import catalog, orders, places, pricing
from hutong.desk.campaigns import may_write
from hutong.desk.house import House
from hutong.infra.db import Tx
from hutong.kit.access import Actor
from hutong.kit.refusals import NotAllowed
from hutong.orders import Bygone
from hutong.pricing import Facts, PastOrder, PriceLine, Rule, Simulation

DAYS, MOST_DAYS = 90, 366
MOST_ORDERS = 1000  # the newest of them: about a second of one core


async def simulate(
    house: House, city_id: int, actor: Actor, rule: Rule, *, merchant_id: UUID | None, days: int = DAYS
) -> Simulation:
    """What the draft would have cost over the newest thousand paid orders of the last `days` (at most 366): of the
    merchant, or without one of the whole city.

    The whole city is for whoever may write its campaigns. Raises not_allowed, promotion_unsound.
    """
    if not may_write(actor, city_id, merchant_id):
        raise NotAllowed()
    unsound = pricing.why_not_sound(rule)
    if unsound is not None:
        raise unsound
    since = house.clock.now() - timedelta(days=min(max(days, 1), MOST_DAYS))
    async with house.db.reading(city_id) as tx:
        bygone = await orders.bygone(tx, merchant_id, city_id=city_id, since=since, limit=MOST_ORDERS)
        past = await past_orders(tx, bygone, city_id=city_id)
    return await asyncio.to_thread(pricing.simulate, rule, past)  # pure arithmetic: others are served meanwhile


async def past_orders(tx: Tx, bygone: list[Bygone], *, city_id: int) -> list[PastOrder]:
    """The orders as the engine reads them: with their offers as they are today, and the rules that were used then."""
    ids = sorted({line.offer_id for one in bygone for line in one.order.lines})
    offers = {o.offer_id: o for o in await catalog.offers(tx, ids, city_id=city_id) if o is not None} if ids else {}
    used = sorted({promotion_id for one in bygone for promotion_id in one.promotion_ids})
    rules = {p.promotion_id: p.rule for p in await pricing.promotions(tx, used, city_id=city_id) if p is not None}
    parents = {shelf.slug: shelf.parent for shelf in await catalog.categories(tx)} if bygone else {}
    city = await places.city(tx, city_id)
    zone = city.zone if city else "UTC"
    return [
        PastOrder(
            order_id=one.order.order_id, lines=_lines(one, offers, parents), facts=_facts(one, zone),
            used=tuple(rules[promotion_id] for promotion_id in one.promotion_ids if promotion_id in rules),
        )
        for one in bygone
    ]  # fmt: skip


def _facts(one: Bygone, zone: str) -> Facts:
    order = one.order
    return Facts(
        now=order.placed_at, city_id=order.city_id, zone=zone, member_id=order.member_id, channel=order.channel,
        orders_count=one.orders_before, orders_here=one.here_before, spend_here=one.spent_before,
    )  # fmt: skip


def _lines(one: Bygone, offers: dict[UUID, catalog.Offer], parents: dict[str, str | None]) -> tuple[PriceLine, ...]:
    made = []
    for line in one.order.lines:
        offer = offers.get(line.offer_id)
        made.append(
            PriceLine(
                line_no=line.line_no, offer_id=line.offer_id, title=line.title, quantity=line.quantity,
                unit_price=line.unit_price, list_price=line.list_price, merchant_id=one.order.merchant_id,
                scheme=one.order.scheme, store_ids=offer.store_ids if offer else (),
                categories=_above(offer.category, parents) if offer else (),
            )
        )  # fmt: skip
    return tuple(made)


def _above(slug: str, parents: dict[str, str | None]) -> tuple[str, ...]:
    """The category and those above it; two levels."""
    above = parents.get(slug)
    return (slug,) if above is None else (slug, above)
