"""A chain in the alliance: what its head office sees of the shops that have let it in, and what it does for them.

Each shop keeps its own books, contract and staff. The head office reads how a shop stands with points and its clearing
statements, sets one rate for all, and pays money for points into a shop's funding out of what it has earned itself:
by hand, or as much as it promised to keep there, by the house's round. Who leaves is out of its sight at once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from hutong import clearing, ledger, merchants, programmes
from hutong.clearing import Statement
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Database, Tx
from hutong.infra.ids import new_id
from hutong.infra.logs import get_logger
from hutong.kit.access import Actor, Permission
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import NotAllowed, NotFound, Refusal
from hutong.kit.text import Text
from hutong.ledger import Book, chart
from hutong.merchants import Chain, ChainShop, FormChain, InChain, Keep, Merchant
from hutong.programmes import Block, Fund, Funding, Partner, PartnerSum, Programme, Rate

log = get_logger("hutong.chains")
PERIOD = timedelta(days=30)
Live = dict[UUID, tuple[Programme, Partner]]


class Shop(Struct, frozen=True, kw_only=True):
    """A shop as its head office sees it; what is about points is empty for one that gives none here, or has only been
    asked. `statements`: of its last clearings, newest first, on its own page only."""

    said: ChainShop
    merchant: Merchant
    cities: frozenset[int] = frozenset()
    programme: Programme | None = None
    partner: Partner | None = None
    funding: Funding | None = None
    sums: dict[str, PartnerSum] = {}
    missed: int = 0
    statements: tuple[Statement, ...] = ()


class Seen(Struct, frozen=True, kw_only=True):
    """A merchant and his chain: he heads it, is in it, or is asked. `shops`: for the head office only. `purse`: what
    it has earned in this city and can pay out of."""

    chain: Chain | None = None
    head: Merchant | None = None
    own: ChainShop | None = None
    shops: tuple[Shop, ...] = ()
    purse: Amount | None = None


def _may(actor: Actor, merchant_id: UUID) -> None:
    if not actor.can(Permission.EDIT_MERCHANT, merchant=merchant_id):
        raise NotAllowed()


async def seen(house: House, actor: Actor, city_id: int, merchant_id: UUID, *, asset: str) -> Seen:
    """A merchant's chain, for his owner. Raises not_allowed."""
    _may(actor, merchant_id)
    now = house.clock.now()
    async with house.db.reading(city_id) as tx:
        chain = (await merchants.chains_of(tx, [merchant_id])).get(merchant_id)
        if chain is None:
            return Seen()
        head = await merchants.merchant(tx, chain.head_id)
        rows = await merchants.chain_shops(tx, [chain.chain_id])
        if chain.head_id != merchant_id:
            own = next(one for one in rows if one.merchant_id == merchant_id)
            return Seen(chain=chain, head=head, own=own)
        rows = sorted(rows, key=lambda one: one.agreed_at is None)  # who is in comes first
        path = chart.payable_merchant(merchant_id).path
        found = await ledger.balances(tx, Book.city(city_id), paths=[path], asset=asset)
        purse = next((one.available for one in found), Amount(0, asset))
        return Seen(chain=chain, head=head, shops=tuple(await _shops(tx, rows, now)), purse=purse)


async def _shops(tx: Tx, rows: Sequence[ChainShop], now: datetime) -> list[Shop]:
    known = await merchants.merchants(tx, [one.merchant_id for one in rows])
    inside = [one.merchant_id for one in rows if one.agreed_at is not None]
    homes, live = await merchants.presence(tx, inside), await programmes.live(tx, inside, at=now)
    facts: dict[UUID, dict[str, Any]] = {}
    for programme_id in sorted({programme.programme_id for programme, _ in live.values()}):  # mostly one
        ids = [merchant_id for merchant_id, pair in live.items() if pair[0].programme_id == programme_id]
        money = await programmes.funding(tx, programme_id, ids)
        sums = await programmes.sums_of(tx, programme_id, ids, since=now - PERIOD, until=now)
        missed = await programmes.missed(tx, programme_id, ids, open_only=True, limit=1_000)
        for merchant_id in ids:
            facts[merchant_id] = {
                "programme": live[merchant_id][0], "partner": live[merchant_id][1], "funding": money[merchant_id],
                "sums": sums.get(merchant_id, {}), "missed": sum(one.partner_id == merchant_id for one in missed),
            }  # fmt: skip
    return [
        Shop(
            said=one, merchant=known[one.merchant_id], cities=homes.get(one.merchant_id, frozenset()),
            **facts.get(one.merchant_id, {}),
        )
        for one in rows
    ]  # fmt: skip


async def of_shop(house: House, actor: Actor, merchant_id: UUID, shop_id: UUID) -> Shop:
    """A shop that is in, for its head office, with its clearings. Raises not_allowed, not_found."""
    chain = await _led(house, actor, merchant_id)
    async with house.db.reading() as tx:
        rows = [one for one in await _in(tx, chain) if one.merchant_id == shop_id]
        if not rows:
            raise NotFound()
        (shop,) = await _shops(tx, rows, house.clock.now())
        cleared = await clearing.statements_of_party(tx, shop_id, limit=12)
    return structs.replace(shop, statements=tuple(cleared))


async def form(house: House, actor: Actor, merchant_id: UUID, name: str) -> Chain:
    """Make a merchant a head office. Raises not_allowed, bad_input, chain_elsewhere."""
    _may(actor, merchant_id)
    wanted = FormChain(chain_id=new_id(), head_id=merchant_id, name=Text.both(name.strip()), by=actor.member_id)
    async with house.db.central() as tx:
        return sure((await merchants.form_chains(tx, [wanted], now=house.clock.now()))[0])


async def ask(house: House, actor: Actor, merchant_id: UUID, shop_id: UUID) -> ChainShop:
    """The head office asks a merchant in. Raises not_allowed, not_found, chain_elsewhere."""
    chain = await _led(house, actor, merchant_id)
    wanted = InChain(chain_id=chain.chain_id, merchant_id=shop_id, by=actor.member_id)
    async with house.db.central() as tx:
        return sure((await merchants.ask_shops(tx, [wanted], now=house.clock.now()))[0])


async def answer(house: House, actor: Actor, merchant_id: UUID, *, yes: bool) -> None:
    """The shop's owner agrees; or says no, or leaves. Raises not_allowed, not_found."""
    _may(actor, merchant_id)
    async with house.db.central() as tx:
        chain = (await merchants.chains_of(tx, [merchant_id])).get(merchant_id)
        if chain is None or chain.head_id == merchant_id:
            raise NotFound()
        wanted = InChain(chain_id=chain.chain_id, merchant_id=merchant_id, by=actor.member_id)
        verb = merchants.join_chains if yes else merchants.end_shops
        sure((await verb(tx, [wanted], now=house.clock.now()))[0])


async def let_go(house: House, actor: Actor, merchant_id: UUID, shop_id: UUID) -> None:
    """The head office ends it, or takes its question back. Raises not_allowed, not_found."""
    chain = await _led(house, actor, merchant_id)
    wanted = InChain(chain_id=chain.chain_id, merchant_id=shop_id, by=actor.member_id)
    async with house.db.central() as tx:
        sure((await merchants.end_shops(tx, [wanted], now=house.clock.now()))[0])


async def keep(house: House, actor: Actor, merchant_id: UUID, shop_id: UUID, units: int) -> ChainShop:
    """Keep at least so much money for points at a shop; 0: no more. Raises not_allowed, not_found."""
    chain = await _led(house, actor, merchant_id)
    wanted = Keep(chain_id=chain.chain_id, merchant_id=shop_id, keep_units=units)
    async with house.db.central() as tx:
        return sure((await merchants.keep_shops(tx, [wanted]))[0])


async def set_rate(house: House, actor: Actor, merchant_id: UUID, rate: Rate | None) -> int:
    """One rate for the head office and all shops that are in (None: the programme's own); how many changed. What was
    bought before keeps its rate. Raises not_allowed, not_found, and what change_partners refuses."""
    chain = await _led(house, actor, merchant_id)
    now = house.clock.now()
    async with house.db.central() as tx:
        inside = [one.merchant_id for one in await _in(tx, chain)]
        live = await programmes.live(tx, [*inside, merchant_id], at=now)
        wanted = [structs.replace(one, rate=rate) for _, one in live.values() if one.rate != rate]
        done = await programmes.change_partners(tx, wanted, by=actor.member_id, reason="chain", now=now)
        return len([sure(one) for one in done])


async def pay_in(
    house: House, city_id: int, actor: Actor, merchant_id: UUID, shop_id: UUID, amount: Amount, *, key: str
) -> Block:
    """A block of money for a shop's points, out of what the head office has earned in this city; the same key is the
    same block. Raises not_allowed, not_found, not_a_partner, and those of programmes.fund."""
    chain = await _led(house, actor, merchant_id)
    now = house.clock.now()

    async def work(tx: Tx) -> Block | Refusal:
        if all(one.merchant_id != shop_id for one in await _in(tx, chain)):
            return NotFound()
        pair = (await programmes.live(tx, [shop_id], at=now)).get(shop_id)
        if pair is None or pair[1].mode != "prepaid":
            return programmes.NotAPartner()
        block = _fund(derive(merchant_id, f"chain/{shop_id}/{key}"), pair[0], merchant_id, shop_id, city_id, amount)
        return (await programmes.fund(tx, [block], now=now))[0]

    return sure(await house.db.run_city(city_id, work))


async def top_up(db: Database, city_id: int, now: datetime) -> None:
    """The round of a city: shops whose money for points fell below what their head office keeps there get the rest,
    out of what it has earned in this city, as far as that goes. Two rounds at once make the same blocks."""

    async def work(tx: Tx) -> None:
        kept = await merchants.kept_in(tx, city_id)
        live = await programmes.live(tx, [shop.merchant_id for _, shop in kept], at=now) if kept else {}
        wanted: list[Fund] = []
        for programme_id in sorted({pair[0].programme_id for pair in live.values()}):  # mostly one
            mine = [(head, shop) for head, shop in kept if _prepaid_in(live, shop) == programme_id]
            wanted += await _missing(tx, city_id, programme_id, mine, live) if mine else []
        for answered in await programmes.fund(tx, wanted, now=now):
            if isinstance(answered, Refusal):
                log.info("not_topped_up", city=city_id, reason=answered.code)

    await db.run_city(city_id, work)


def _prepaid_in(live: Live, shop: ChainShop) -> UUID | None:
    pair = live.get(shop.merchant_id)
    return pair[0].programme_id if pair is not None and pair[1].mode == "prepaid" else None


async def _missing(
    tx: Tx, city_id: int, programme_id: UUID, kept: Sequence[tuple[UUID, ChainShop]], live: Live
) -> list[Fund]:
    """The blocks that bring shops of a programme back to what is kept there, as far as the head offices' money goes."""
    money = await programmes.funding(tx, programme_id, [shop.merchant_id for _, shop in kept], blocks=True)
    paths = {chart.payable_merchant(head).path: head for head, _ in kept}
    asset = live[kept[0][1].merchant_id][0].currency
    stand = await ledger.balances(tx, Book.city(city_id), paths=sorted(paths), asset=asset)
    purses = {paths[one.path]: one.available.units for one in stand}
    found: list[Fund] = []
    for head, shop in kept:
        programme, has = live[shop.merchant_id][0], money[shop.merchant_id]
        units = min(shop.keep_units - has.left.units, purses.get(head, 0))
        if units > 0:
            purses[head] -= units
            block_id = derive(shop.merchant_id, f"chain/{head}/{len(has.blocks)}/{has.left.units}")
            found.append(_fund(block_id, programme, head, shop.merchant_id, city_id, Amount(units, asset)))
    return found


def _fund(block_id: UUID, programme: Programme, head: UUID, shop: UUID, city_id: int, amount: Amount) -> Fund:
    return Fund(
        block_id=block_id, programme_id=programme.programme_id, partner_id=shop, city_id=city_id, amount=amount,
        debit_path=chart.payable_merchant(head).path,
    )  # fmt: skip


async def _in(tx: Tx, chain: Chain) -> list[ChainShop]:
    """The shops that have agreed."""
    return await merchants.chain_shops(tx, [chain.chain_id], agreed=True)


async def _led(house: House, actor: Actor, merchant_id: UUID) -> Chain:
    """The chain that a merchant heads. Raises not_allowed, not_found."""
    _may(actor, merchant_id)
    async with house.db.reading() as tx:
        chain = (await merchants.chains_of(tx, [merchant_id])).get(merchant_id)
    if chain is None or chain.head_id != merchant_id:
        raise NotFound()
    return chain
