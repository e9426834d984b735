"""A programme of points over the shops of a bench's town, funded for a long time, with tills and members who earn."""

import os
import random
import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import perf_counter
from uuid import UUID

from msgspec import Struct

from hutong import people, programmes
from hutong.cli.bench.crowd import Guest
from hutong.cli.bench.town import ASSET, ZONE, Shop, Town
from hutong.infra.db import Database, Tx
from hutong.infra.ids import new_id
from hutong.kit.access import EVERYTHING, KEY_PERMISSIONS
from hutong.kit.ids import STORE, derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.people import KeyMade, MakeKey, TakeBadge, fresh_badge_secret, new_secret
from hutong.programmes import Earn, Fund, Partner, Policy, Programme, Rate, Source

PARTNERS = 20
SKEW = 1.1  # of Zipf's law, as in limits/earn.sql: the first partner has three of ten purchases, the last one of eighty
SHARES = tuple(n**-SKEW for n in range(1, PARTNERS + 1))
AMOUNTS = (900, 1_850, 2_400, 3_600, 5_000, 8_850, 12_000, 29_900)  # fen
FACE = 5  # fen behind a point
PLENTY = 100_000_000_000  # fen of a block, or of a limit: nobody runs out
WARM = 5  # sets before measuring: the wallets are opened in them


class Till(Struct, frozen=True, kw_only=True):
    """The key of a shop's till, and the store it stands in, as the API names it."""

    key: str
    store: str


class Alliance(Struct, frozen=True, kw_only=True):
    """The programme and the tills of its partners, in the order of their share."""

    programme_id: UUID
    town: Town
    tills: tuple[Till, ...]


async def form(db: Database, town: Town, *, by: UUID, now: datetime) -> Alliance:
    """Every shop of the town is a partner: one after the other prepaid with a block, or postpaid with a limit."""
    programme_id, opened = new_id(), now - timedelta(days=1)
    programme = Programme(
        programme_id=programme_id, asset="GRAIN", currency=ASSET, face_units=FACE, name=_both("测速麦粒"), zone=ZONE,
        cities=frozenset({town.city_id}), state="draft",
    )  # fmt: skip
    policy = Policy(programme_id=programme_id, version=1, rate=Rate(points=1, per_units=100), valid_from=opened)
    partners = [
        Partner(
            programme_id=programme_id, partner_id=shop.merchant_id, name=_both(f"测速小店 {n}"),
            home_city=town.city_id, joined_at=opened, mode="postpaid" if n % 2 else "prepaid",
            limit_units=PLENTY if n % 2 else 0,
        )
        for n, shop in enumerate(town.shops)
    ]  # fmt: skip
    blocks = [
        Fund(
            block_id=derive(programme_id, f"block/{shop.merchant_id}"), programme_id=programme_id,
            partner_id=shop.merchant_id, city_id=town.city_id, amount=Amount(PLENTY, ASSET),
            debit_path="provider/bench",
        )
        for shop in town.shops[::2]
    ]  # fmt: skip

    async def work(tx: Tx) -> None:
        _sure(await programmes.save_programmes(tx, [programme], by=None, now=opened))
        _sure(await programmes.set_policies(tx, [policy], now=opened))
        _sure(await programmes.open_programmes(tx, [programme_id], by=None, now=opened))
        _sure(await programmes.join_partners(tx, partners, by=None, now=opened))
        _sure(await programmes.fund(tx, blocks, now=opened))

    await db.run_city(town.city_id, work)
    return Alliance(programme_id=programme_id, town=town, tills=await _tills(db, town, by=by, now=now))


async def _tills(db: Database, town: Town, *, by: UUID, now: datetime) -> tuple[Till, ...]:
    """A key for the till of each shop, for its store alone."""
    asks = [
        MakeKey(
            key_id=new_id(), secret=new_secret(), merchant_id=shop.merchant_id, city_id=town.city_id,
            store_id=shop.store_id, label="till", permissions=KEY_PERMISSIONS, made_by=by,
        )
        for shop in town.shops
    ]  # fmt: skip
    async with db.central() as tx:
        made = await people.make_keys(tx, asks, scope=EVERYTHING, now=now)
    _sure(made)
    keys = [one.text for one in made if isinstance(one, KeyMade)]
    names = [STORE.show(shop.store_id, town.city_id) for shop in town.shops]
    return tuple(Till(key=key, store=name) for key, name in zip(keys, names, strict=True))


async def give_codes(db: Database, guests: Sequence[Guest], *, now: datetime) -> list[list[str]]:
    """A code for each member, as rows of the load: his id, and its secret in hexadecimal."""
    async with db.central() as tx:
        asks = [TakeBadge(guest.member_id, fresh_badge_secret()) for guest in guests]
        badges = await people.take_badges(tx, asks, now=now)
    return [[str(badge.member_id), badge.secret.hex()] for badge in badges]


async def earn_in_sets(
    db: Database, alliance: Alliance, guests: Sequence[Guest], *, size: int, seconds: float, now: datetime
) -> tuple[float, int]:
    """(earns per second, how many were made): one set after the other, each a transaction, this process on one core.

    The rate is the median set's, so that a neighbour's moment does not count. Raises the first refusal.
    """
    dice, took = random.Random(3), []  # noqa: S311 (who buys where, no secret)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        until = None
        while until is None or perf_counter() < until or len(took) <= WARM:
            asks = [_purchase(alliance, dice.choice(guests), dice, now) for _ in range(size)]
            began = perf_counter()
            _sure(await db.run_city(alliance.town.city_id, lambda tx, asks=asks: programmes.earn(tx, asks, now=now)))
            took.append(perf_counter() - began)
            if len(took) == WARM:
                until = perf_counter() + seconds
    finally:
        os.sched_setaffinity(0, before)
    return size / statistics.median(took[WARM:]), size * len(took)


def _purchase(alliance: Alliance, guest: Guest, dice: random.Random, now: datetime) -> Earn:
    shop: Shop = dice.choices(alliance.town.shops, SHARES)[0]
    return Earn(
        movement_id=new_id(), programme_id=alliance.programme_id, member_id=guest.member_id,
        partner_id=shop.merchant_id, city_id=alliance.town.city_id, store_id=shop.store_id,
        source=Source("receipt", new_id()), amount=Amount(dice.choice(AMOUNTS), ASSET), at=now,
    )  # fmt: skip


def _both(said: str) -> Text:
    return Text(zh=said, en=said)


def _sure(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            raise result
