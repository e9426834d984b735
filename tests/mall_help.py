"""What tests of the gift mall share: Noodle Bar offers a gift of its alliance, members have points, parcels travel."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import inventory, mall, programmes, settlement, vouchers
from hutong.catalog import Gift, Offer
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.inventory import OpenQuota
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.mall import Exchange, Send
from hutong.orders import Place, Placed
from hutong.programmes import Wallet
from hutong.vouchers import PARCEL, Redeem, Redeemed, Voucher
from tests.catalog_town import a_draft, published
from tests.lane import CITY, HOLD, SCHEMES, Lane, a_lane, units
from tests.points_help import a_shop, matured, wallet_of
from tests.programmes_help import Alliance

ZONE = "Asia/Shanghai"
POINTS, COST = 300, 250
SEALED = b"sealed"


class Mall(Struct, kw_only=True):
    """The lane, its alliance, and a gift of Noodle Bar: 300 points, of which 250 fen go to its supplier."""

    db: Database
    lane: Lane
    alliance: Alliance
    gift: Offer

    async def wallet(self, member: UUID, now: datetime) -> Wallet:
        return await wallet_of(self.alliance, member, now)

    async def rich(self, points: int, now: datetime, *, member: UUID | None = None) -> UUID:
        """A member with so many points that can be used."""
        who = member or new_id()
        (earned,) = await self.alliance.earns(self.alliance.buy(who, "noodle-bar", points * 100, now))
        assert isinstance(earned, programmes.Earned), earned
        await matured(self.alliance, now)
        return who


async def a_mall(db: Database, now: datetime, *, stock: int = 50, cash: int = 0, **form: Any) -> Mall:
    lane = await a_lane(db, now)
    alliance = await a_shop(db, lane, now)
    gift = await a_gift(db, lane, alliance, now, stock=stock, cash=cash, **form)
    return Mall(db=db, lane=lane, alliance=alliance, gift=gift)


async def a_gift(
    db: Database, lane: Lane, alliance: Alliance, now: datetime, *, stock: int = 50, cash: int = 0,
    terms: Terms | None = None, **form: Any,
) -> Offer:  # fmt: skip
    """A gift of Noodle Bar on the shelf."""
    quota_id = new_id()
    async with db.city(CITY) as tx:
        await inventory.open_quotas(
            tx, [OpenQuota(quota_id=quota_id, label="gift", total=stock)], city_id=CITY, now=now
        )
    gift = Gift(**{"programme_id": alliance.programme_id, "points": POINTS, "cost_units": COST} | form)
    draft = a_draft(
        lane.merchant, lane.store, now=now, quota_id=quota_id, terms=terms or Terms(valid_days=30), scheme="alliance",
        form=gift, price=Amount(cash, "CNY"), list_price=Amount(max(cash, 500), "CNY"),
    )  # fmt: skip
    return (await published(db, draft, now=now))[0]


def wish(play: Mall, member: UUID, count: int = 1, *, sent: bool = False, gift: Offer | None = None) -> Exchange:
    place = Place(
        order_id=new_id(), payment_id=new_id(), member_id=member, member_name="Ann", phone_tail="0001", wants=()
    )
    return Exchange(
        place=place, offer_id=(gift or play.gift).offer_id, units=count, way="delivery" if sent else "pickup",
        sealed=SEALED if sent else None,
    )  # fmt: skip


async def exchanges(play: Mall, asks: Sequence[Exchange], now: datetime) -> list[Any]:
    return await play.db.run_city(
        CITY, lambda tx: mall.exchange(tx, asks, city_id=CITY, now=now, schemes=SCHEMES, hold_for=HOLD)
    )


def code(answer: Any) -> str:
    """The code of a refusal; "" of anything else."""
    return getattr(answer, "code", "")


async def had(play: Mall, member: UUID, now: datetime, count: int = 1, **how: Any) -> list[Voucher]:
    """Exchanged with points only; the vouchers."""
    ask = wish(play, member, count, **how)
    (placed,) = await exchanges(play, [ask], now)
    assert isinstance(placed, Placed), placed
    assert placed.state == "paid"
    return await units(play.db, ask.place.order_id)


async def follows(play: Mall, order_id: UUID, now: datetime) -> int:
    """What the relay does with the facts of an order."""
    return await play.db.run_city(CITY, lambda tx: mall.follow(tx, [order_id], city_id=CITY, now=now))


async def sends(play: Mall, order_id: UUID, now: datetime, number: str = "SF1001") -> Any:
    ask = Send(
        order_id=order_id, merchant_id=play.lane.merchant, store_id=play.lane.store, by=play.lane.lin,
        carrier="SF", number=number,
    )  # fmt: skip
    work = lambda tx: mall.send_out(tx, [ask], city_id=CITY, now=now, zone=ZONE)  # noqa: E731
    return (await play.db.run_city(CITY, work))[0]


async def arrives(play: Mall, order_id: UUID, now: datetime) -> list[Any]:
    """As the desk does it: used and marked in one transaction."""

    async def work(tx: Any) -> list[Any]:
        (found,) = await mall.lock_sent(tx, [order_id], city_id=CITY)
        if not isinstance(found, mall.Delivered) or found.replayed:
            return [found]
        asks = [
            Redeem(
                redemption_id=derive(one, "parcel"), request_no=f"{PARCEL}{one}", merchant_id=found.merchant_id,
                store_id=found.store_id, staff_id=play.lane.lin, voucher_id=one, delivery=order_id,
            )
            for one in found.voucher_ids
        ]  # fmt: skip
        done = await settlement.redeem(tx, asks, city_id=CITY, now=now)
        assert all(isinstance(one, Redeemed) for one in done), done
        await mall.mark_delivered(tx, [order_id], by=None, city_id=CITY, now=now)
        return list(done)

    return await play.db.run_city(CITY, work)


async def comes_back(play: Mall, order_id: UUID, now: datetime) -> Any:
    work = lambda tx: mall.return_to_sender(  # noqa: E731
        tx, [order_id], merchant_id=play.lane.merchant, by=play.lane.lin, words="nobody home", city_id=CITY, now=now
    )
    return (await play.db.run_city(CITY, work))[0]


async def parcel_of(play: Mall, order_id: UUID) -> mall.Delivery:
    async with play.db.reading(CITY) as tx:
        return (await mall.deliveries_of(tx, [order_id], city_id=CITY))[order_id]


async def voucher_now(play: Mall, voucher_id: UUID) -> Voucher:
    async with play.db.reading(CITY) as tx:
        return (await vouchers.by_ids(tx, [voucher_id], city_id=CITY))[0]
