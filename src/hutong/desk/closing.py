"""A shop closes: its shelf is emptied, its doors are shut, and what nobody used goes back by itself."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

from hutong import cards, catalog, merchants, orders
from hutong.cards import Close, Closing
from hutong.catalog import Offer, Step
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.infra.relay import Handler
from hutong.infra.turns import in_turn
from hutong.kit.access import EVERYTHING, Actor, Permission, Scope
from hutong.kit.refusals import NotAllowed, NotFound
from hutong.merchants import CloseStore, LastStore, Store

PAGE = 100
UNDONE = "vouchers.reversed"
LET_GO = ("orders.refunded", "orders.given_back", "orders.cancelled", "orders.expired")


async def close_merchant(house: House, actor: Actor, merchant_id: UUID, *, reason: str) -> list[Closing]:
    """Close a merchant in every city where he is at home: by its owner, or by whoever admits merchants there.

    Doing it again changes nothing. Raises not_found, not_allowed, bad_input (reason).
    """
    async with house.db.reading() as tx:
        at = (await merchants.presence(tx, [merchant_id])).get(merchant_id, frozenset())
    if not at:
        raise NotFound()
    for city_id in at:
        may = (Permission.EDIT_MERCHANT, Permission.ADMIT_MERCHANT)
        if not any(actor.can(permission, city=city_id, merchant=merchant_id) for permission in may):
            raise NotAllowed()
    return await shut(house, merchant_id, sorted(at), by=actor.member_id, reason=reason)


async def shut(house: House, merchant_id: UUID, cities: list[int], *, by: UUID, reason: str) -> list[Closing]:
    """City by city, and then the merchant himself. For the house: nobody is asked whether he may."""
    found: list[Closing] = []
    for city_id in cities:

        async def work(tx: Tx, city_id: int = city_id) -> Closing:
            now = house.clock.now()
            stores = [store.store_id for store in await merchants.stores_of(tx, city_id, merchant_id)]
            await _empty(tx, merchant_id, None, city_id=city_id, by=by, now=now)
            await _doors(tx, stores, EVERYTHING, city_id=city_id, by=by, reason=reason, now=now)
            ask = Close(closing_id=new_id(), merchant_id=merchant_id, by=by, reason=reason)
            return sure((await cards.open_closings(tx, [ask], city_id=city_id, now=now))[0])

        found.append(await house.db.run_city(city_id, work))
    async with house.db.central() as tx:
        sure((await merchants.close_merchants(tx, [merchant_id]))[0])
    return found


async def close_store(house: House, city_id: int, actor: Actor, store_id: UUID, *, reason: str) -> Closing:
    """Close one store: what only it honoured is given back. Doing it again changes nothing.

    Raises not_found (also outside EDIT_STORE), last_store (then the merchant closes), bad_input (reason).
    """

    async def work(tx: Tx) -> Closing:
        now = house.clock.now()
        store = (await merchants.stores(tx, city_id, [store_id])).get(store_id)
        scope = actor.scope(Permission.EDIT_STORE)
        if store is None or not scope.covers(city=city_id, merchant=store.merchant_id, store=store_id):
            raise NotFound()
        # One after the other: of two who close the last two stores, the second sees that his is the last.
        await in_turn(tx, f"closing/{city_id}", [store.merchant_id])
        there = await _open(tx, store)
        if there == {store_id}:
            raise LastStore()
        if store_id in there:
            await _empty(tx, store.merchant_id, there - {store_id}, city_id=city_id, by=actor.member_id, now=now)
            await _doors(tx, [store_id], scope, city_id=city_id, by=actor.member_id, reason=reason, now=now)
        ask = Close(
            closing_id=new_id(), merchant_id=store.merchant_id, store_id=store_id, by=actor.member_id, reason=reason
        )
        return sure((await cards.open_closings(tx, [ask], city_id=city_id, now=now))[0])

    return await house.db.run_city(city_id, work)


async def ends_with(tx: Tx, store: Store) -> list[Offer]:
    """What is on the shelf and good in no other open store: it ends when this one closes. No scope."""
    elsewhere = await _open(tx, store) - {store.store_id}
    pages = _shelf(tx, store.merchant_id, elsewhere, city_id=store.city_id)
    return [offer async for page in pages for offer in page]


async def shut_stores(tx: Tx, merchant_id: UUID, *, city_id: int) -> list[tuple[Closing, Store]]:
    """The stores that the merchant closed one by one, the latest first, and how far each has come. No scope."""
    found = [one for one in await cards.closings(tx, [merchant_id], city_id=city_id) if one.store_id]
    known = await merchants.stores(tx, city_id, [one.store_id for one in found if one.store_id])
    return [(one, known[one.store_id]) for one in reversed(found) if one.store_id]


async def _open(tx: Tx, store: Store) -> frozenset[UUID]:
    """The open stores of its merchant in its city."""
    return frozenset(one.store_id for one in await merchants.stores_of(tx, store.city_id, store.merchant_id))


async def _doors(
    tx: Tx, store_ids: list[UUID], scope: Scope, *, city_id: int, by: UUID, reason: str, now: datetime
) -> None:
    asks = [CloseStore(store_id=store_id, by=by, reason=reason) for store_id in store_ids]
    for answer in await merchants.close_stores(tx, asks, city_id=city_id, scope=scope, now=now) if asks else []:
        sure(answer)
    await catalog.refresh_stores(tx, store_ids, city_id=city_id, now=now)


async def _shelf(
    tx: Tx, merchant_id: UUID, elsewhere: frozenset[UUID] | None, *, city_id: int
) -> AsyncIterator[list[Offer]]:  # fmt: skip
    """What is on the shelf of the merchant, page by page; of it what none of the stores `elsewhere` honours."""
    after: str | None = None
    while True:
        page = await catalog.offers_in_scope(
            tx, EVERYTHING, city_id=city_id, merchant_id=merchant_id, after=after, limit=PAGE
        )
        yield [
            offer
            for offer in page.items
            if offer.status in ("published", "paused")
            and (elsewhere is None or (offer.store_ids and elsewhere.isdisjoint(offer.store_ids)))
        ]
        after = page.after
        if after is None:
            return


async def _empty(
    tx: Tx, merchant_id: UUID, elsewhere: frozenset[UUID] | None, *, city_id: int, by: UUID, now: datetime
) -> None:  # fmt: skip
    """What is on the shelf ends: all of the merchant, or what no store `elsewhere` honours."""
    async for ours in _shelf(tx, merchant_id, elsewhere, city_id=city_id):
        steps = [Step(offer_id=offer.offer_id, by=by, reason="shop_closed") for offer in ours]
        for answer in await catalog.end(tx, steps, city_id=city_id, now=now) if steps else []:
            sure(answer)


def handler() -> Handler:
    """What is live again after its shop has closed is nobody's to use, and goes back, too: a use that was undone, a
    card that got money back from what it had paid for, or that an order let go."""

    async def do(tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        undone = [UUID(fact.payload["voucher"]) for fact in facts if fact.topic == UNDONE and "voucher" in fact.payload]
        behind = await orders.cards_behind(tx, [f.subject for f in facts if f.topic != UNDONE], city_id=city_id)
        await cards.owed_now(tx, [*undone, *behind], city_id=city_id, now=now)

    return Handler(name="cards.owed_now", topics=frozenset({UNDONE, *LET_GO}), do=do)


async def asked(house: House, merchant_id: UUID, cities: list[int]) -> int:
    """How many refunds the closing of a merchant came to so far. For the house: no scope."""
    total = 0
    for city_id in cities:
        async with house.db.reading(city_id) as tx:
            total += sum(one.refunds for one in await cards.closings(tx, [merchant_id], city_id=city_id))
    return total
