"""Counters with their cashiers, and vouchers to be used at them: paid for in sets, before anything is measured."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from hutong import orders, people, vouchers
from hutong.cli.bench.crowd import Guest
from hutong.cli.bench.town import ASSET, Shop, Town
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Role
from hutong.kit.ids import PAYMENT, STORE, derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.orders import Place, Wanted
from hutong.payments import ProviderPayment
from hutong.people import GiveRole
from hutong.schemes.deals import Deals

PIECE = 1_000  # orders in one transaction
HOLD = timedelta(minutes=15)


class Unit(Struct, frozen=True, kw_only=True):
    """A voucher that can be used: the code that is read aloud, the store that takes it, and its cashier's token."""

    code: str
    store: str
    token: str


async def hire(db: Database, town: Town, cashiers: Sequence[Guest], *, now: datetime) -> None:
    """One cashier for each shop of the town, in order."""
    roles = [
        GiveRole(
            grant_id=derive(shop.store_id, "cashier"), member_id=guest.member_id, role=Role.STORE_CASHIER,
            city_id=town.city_id, merchant_id=shop.merchant_id, store_id=shop.store_id, by=None,
        )
        for shop, guest in zip(town.shops, cashiers, strict=True)
    ]  # fmt: skip
    async with db.central() as tx:
        _sure(await people.grant(tx, roles, now=now))


async def sell(
    db: Database, town: Town, guests: Sequence[Guest], cashiers: Sequence[Guest], *, count: int, price: int,
    now: datetime,
) -> list[Unit]:  # fmt: skip
    """So many vouchers, ordered and paid as everywhere, for all shops alike; in a mixed order."""
    till = {shop.merchant_id: (shop, guest.token) for shop, guest in zip(town.shops, cashiers, strict=True)}
    units: list[Unit] = []
    for first in range(0, count, PIECE):
        asks = [_ask(town, guests, n, price) for n in range(first, min(first + PIECE, count))]
        units += [
            _unit(voucher, *till[voucher.merchant_id], town.city_id) for voucher in await _buy(db, town, asks, now)
        ]
    random.Random(1).shuffle(units)  # noqa: S311 (who comes when, no secret)
    return units


def _ask(town: Town, guests: Sequence[Guest], number: int, price: int) -> Place:
    shop, guest = town.shops[number % len(town.shops)], guests[number % len(guests)]
    return Place(
        order_id=new_id(), payment_id=new_id(), member_id=guest.member_id, member_name="Guest",
        phone_tail=f"{number % 10_000:04d}", wants=(Wanted(shop.offers[number % len(shop.offers)], 1),),
        channel="bench", expect=Amount(price, ASSET),
    )  # fmt: skip


async def _buy(db: Database, town: Town, asks: Sequence[Place], now: datetime) -> list[vouchers.Voucher]:
    schemes, city_id = {"deals": Deals()}, town.city_id
    async with db.city(city_id) as tx:
        _sure(await orders.place(tx, asks, city_id=city_id, now=now, schemes=schemes, hold_for=HOLD))
    captured = [
        ProviderPayment(out_no=PAYMENT.show(ask.payment_id, city_id), state="captured", amount=ask.expect, at=now)
        for ask in asks
    ]
    async with db.city(city_id) as tx:
        await orders.receive(tx, captured, city_id=city_id, now=now)
    async with db.reading(city_id) as tx:
        return await vouchers.of_orders(tx, [ask.order_id for ask in asks], city_id=city_id)


def _unit(voucher: vouchers.Voucher, shop: Shop, token: str, city_id: int) -> Unit:
    return Unit(code=voucher.code, store=STORE.show(shop.store_id, city_id), token=token)


def _sure(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            raise result
