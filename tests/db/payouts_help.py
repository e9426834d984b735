"""A house with the real provider beside it, for tests of payouts: Ann has bought, Mei has earned, there is money."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import settlement
from hutong.desk import payouts
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Grant, Role
from hutong.kit.clock import SystemClock
from hutong.kit.money import Amount
from hutong.ledger import chart
from hutong.payments import OpenPayment, PaymentProvider
from hutong.settlement import Payee, Payout, PayoutAsked
from hutong.vouchers import Redeemed
from tests.house import TestHouse, Town, make_house
from tests.lane import CITY, Lane, a_lane, a_redeem, account, bought, redeem
from tests.provider import SandboxProcess

PATIENCE = 400  # rounds


class HurriedClock:
    """Real time, plus what a test does not want to wait for."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> Any:
        return SystemClock().now() + self.ahead


class Shop(Struct):
    """The house and its lane. `mei` owns the shop, `root` and `ruth` run the platform, `lin` the city."""

    house: TestHouse
    lane: Lane
    clock: HurriedClock
    mei: Actor
    root: Actor
    ruth: Actor
    lin: Actor

    @property
    def payee(self) -> Payee:
        return Payee("merchant", self.lane.merchant)

    @property
    def operator(self) -> Payee:
        return Payee("operator", self.lane.lin)


async def a_shop(db: Database, provider: PaymentProvider, *, uses: int = 1, **given: Any) -> Shop:
    """A lane in which so many uses were redeemed, and an account for the shop: 62.56 each for Mei, 1.36 for Lin."""
    clock = HurriedClock()
    now = clock.now()
    given = {"payout_least_units": 1} | given
    house = await make_house(db, clock, provider=provider, town=Town(), **given)
    lane = await a_lane(db, now, quota=1_000)
    shop = Shop(
        house=house, lane=lane, clock=clock, root=_platform("Root"), ruth=_platform("Ruth"),
        mei=_actor("Mei", role=Role.MERCHANT_OWNER, merchant_id=lane.merchant),
        lin=_actor("Lin", member_id=lane.lin, role=Role.CITY_OPERATOR, city_id=CITY),
    )  # fmt: skip
    await earn(db, shop, uses)
    await homed(shop, shop.payee, shop.mei)
    return shop


def _actor(name: str, *, member_id: UUID | None = None, role: Role, **where: Any) -> Actor:
    return Actor(member_id=member_id or new_id(), name=name, grants=(Grant(grant_id=new_id(), role=role, **where),))


def _platform(name: str) -> Actor:
    return _actor(name, role=Role.PLATFORM_ADMIN)


async def earn(db: Database, shop: Shop, uses: int) -> list[UUID]:
    """So many uses are bought and redeemed; the redemptions."""
    found = []
    for _ in range(uses):
        now = shop.clock.now()
        unit = (await bought(db, shop.lane, now))[0]
        done = (await redeem(db, [a_redeem(shop.lane, unit, now)], now))[0]
        assert isinstance(done, Redeemed), done
        found.append(done.redemption_id)
    return found


async def homed(shop: Shop, payee: Payee, by: Actor, account: str = "bank:6222000011112222") -> None:
    """An account for a payee: proposed by his own people, approved by the platform."""
    await payouts.propose(shop.house, by, payee, account, "Mei Chen")
    await payouts.decide_account(shop.house, shop.root, payee, approve=True)


async def funded(company: SandboxProcess, units: int = 10_000_000) -> None:
    """Somebody has paid us at the provider, so that it has something to pay out."""
    provider = company.adapter()
    opened = await provider.open_payment(
        OpenPayment(
            out_no=f"fund-{new_id().hex}", amount=Amount(units, "CNY"), description="fund", notify_url="http://127.0.0.1:9/none",
            return_url="http://127.0.0.1:9/", expires_at=SystemClock().now() + timedelta(minutes=15),
        )
    )  # fmt: skip
    assert (await company.pay(opened.pay_url)).status_code == 303


async def withdraw(shop: Shop, payee: Payee | None = None, by: Actor | None = None) -> PayoutAsked:
    return await payouts.withdraw(
        shop.house, by or shop.mei, payee or shop.payee, city_id=CITY, key=str(new_id())
    )  # fmt: skip


async def seen(db: Database, payout_id: UUID) -> Payout:
    async with db.reading(CITY) as tx:
        found = await settlement.payout(tx, payout_id, city_id=CITY)
    assert found is not None
    return found[0]


async def history(db: Database, payout_id: UUID) -> list[tuple[str, str]]:
    """The states and why, in order."""
    async with db.reading(CITY) as tx:
        found = await settlement.payout(tx, payout_id, city_id=CITY)
    assert found is not None
    return [(step.state, step.cause) for step in found[1]]


async def ended(db: Database, shop: Shop, ids: Sequence[UUID]) -> list[Payout]:
    """Rounds of the house until these have ended; the clock runs ahead so that every question is due."""
    found: list[Payout] = []
    for _ in range(PATIENCE):
        await payouts.carry(shop.house, CITY)
        found = [await seen(db, i) for i in ids]
        if all(one.ended_at for one in found):
            return found
        shop.clock.ahead += timedelta(seconds=31)
    raise AssertionError(f"not ended: {found}")


async def owed(db: Database, payee: Payee) -> int:
    """What is payable to him, reserved or not."""
    path = chart.payable_operator(payee.id) if payee.kind == "operator" else chart.payable_merchant(payee.id)
    return await account(db, path.path)
