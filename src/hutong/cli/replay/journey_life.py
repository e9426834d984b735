"""The recorded coupon use lived through the house: campaigns, coupons in wallets, orders, payments, redemptions, books.

Each shop becomes a merchant with a store, each coupon that was used a promotion of the city with an offer to claim it
by; on the first day of the campaign the households that will use it claim it. A basket becomes an order of the lines
that its coupons are for, at the prices of that day; the coupon is locked, spent and booked as any other. What the
engine said of the basket is what the order must come to.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from hutong import catalog, ledger, merchants, orders, places, pricing, settlement, vouchers
from hutong.catalog import Category, CouponForm, Draft
from hutong.cli.replay.groupon import PAYS_AFTER, captured, sure
from hutong.cli.replay.journey import ASSET, Booked, Reading, Replay
from hutong.cli.replay.journey_rows import Line
from hutong.infra.db import Database, Tx
from hutong.infra.delivery import first_id_at
from hutong.kit.access import EVERYTHING
from hutong.kit.clock import day_start, local_day
from hutong.kit.geo import Point
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.ledger import Book
from hutong.merchants import AddMerchant, AddStore, Hours
from hutong.orders import Place, Placed, Schemes, Wanted
from hutong.pricing import Budget, Offers, PromotionStep, Rule, SavePromotion, Tags
from hutong.vouchers import Redeem, Voucher

CENTRE = Point(40.7128, -74.0060)
CATEGORY = Category(slug="replayed-goods", name=Text(zh="历史商品", en="Replayed goods"))
FIRST_CITY = 9_501
COMMISSION = 800
AT_ONCE = 500
PLENTY = Budget(most_units=10**12)
SERVED_AFTER = timedelta(minutes=5)


class Lived(Struct, frozen=True, kw_only=True):
    """What the books say. Money in cents; `wrong`: where an order is not what the engine said."""

    merchants: int
    offers: int
    promotions: int
    coupons: int
    orders: int
    paid: int
    saved: int
    redeemed: int
    wrong: tuple[str, ...]


class _Errand(Struct, frozen=True, kw_only=True):
    """One basket as an order: an offer for each line, the coupons for it, what it must cost."""

    order_id: UUID
    booked: Booked
    wants: tuple[UUID, ...]
    total: int

    @property
    def household(self) -> int:
        return self.booked.till.household_id


_Claim = tuple[int, tuple[int, int]]  # a household and a coupon


def _sets(everything: Sequence[Any]) -> Iterator[Any]:
    return (everything[start : start + AT_ONCE] for start in range(0, len(everything), AT_ONCE))


class Life:
    """One life of a reading, on a database of any city."""

    def __init__(self, db: Database, *, schemes: Schemes, hold_for: timedelta) -> None:
        self._db, self._schemes, self._hold_for = db, schemes, hold_for
        self._offers: dict[UUID, Draft] = {}
        self._for: dict[tuple[int, int], set[UUID]] = defaultdict(set)
        self._wrong: list[str] = []
        self._redeemed = 0
        self._wallet: dict[_Claim, UUID] = {}

    async def live(self, replay: Replay, reading: Reading) -> Lived:
        """Build the town, then every day: orders, payments, redemptions. Raises ReplayBroken."""
        self._zone = reading.zone
        windows = replay.journey.windows.values()
        self._from = day_start(min((first for first, _ in windows), default=date(2017, 1, 1)), reading.zone)
        self._from -= timedelta(days=1)
        self._to = day_start(max((last for _, last in windows), default=date(2017, 1, 1)), reading.zone)
        self._to += timedelta(days=2)
        city_id = await self._open_city()
        self._city_id, self._root = city_id, derive(first_id_at(self._from), f"replay/{city_id}")
        errands = [self._errand(booked, replay) for booked in reading.booked]
        await self._build(replay, errands)
        days: dict[date, list[_Errand]] = defaultdict(list)
        claims: dict[date, list[_Claim]] = defaultdict(list)
        for errand in errands:
            days[local_day(errand.booked.till.at, self._zone)].append(errand)
            for coupon in sorted(errand.booked.taken):
                claims[replay.journey.windows[coupon[0]][0]].append((errand.household, coupon))
        placed = 0
        for day in sorted(days.keys() | claims.keys()):
            for some in _sets(claims[day]):
                await self._claim(some, day_start(day, self._zone) + timedelta(minutes=1))
            for some in _sets(days[day]):
                placed += await self._day(some)
        return await self._lived(reading, errands, placed)

    async def _open_city(self) -> int:
        async with self._db.central() as tx:
            taken = {city.city_id for city in await places.cities(tx)}
            city_id = next(n for n in range(FIRST_CITY, FIRST_CITY + len(taken) + 1) if n not in taken)
            city = places.AddCity(
                city_id=city_id, slug=f"replay-{city_id}", name=Text.both(f"Replay Town {city_id}"), zone=self._zone,
                currency=ASSET, languages=("en", "zh"), centre=CENTRE, opened_at=self._from,
            )  # fmt: skip
            sure(await places.add_cities(tx, [city]))
            sure(await catalog.add_categories(tx, [CATEGORY]))
        return city_id

    def _errand(self, booked: Booked, replay: Replay) -> _Errand:
        """The lines that one of the basket's coupons is for; those that cost nothing are left out."""
        till, base = booked.till, 0
        wants: list[UUID] = []
        for line in till.lines:
            mine = [coupon for coupon in booked.taken if line.product_id in replay.journey.products[coupon]]
            if mine and line.price:
                offer_id = self._offer(till.store_id, line)
                wants.append(offer_id)
                base += line.price
                for coupon in mine:
                    self._for[coupon].add(offer_id)
        order_id = derive(first_id_at(till.at), f"{self._root}/{till.household_id}/{till.basket_id}/{till.store_id}")
        total = base - sum(booked.taken.values())
        return _Errand(order_id=order_id, booked=booked, wants=tuple(wants), total=total)

    def _offer(self, store: int, line: Line) -> UUID:
        """An offer for each price at which a shop sold the product."""
        offer_id = derive(self._root, f"offer/{store}/{line.product_id}/{line.price}")
        if offer_id not in self._offers:
            self._offers[offer_id] = Draft(
                offer_id=offer_id, merchant_id=self._shop(store), by=None, category=CATEGORY.slug,
                title=Text.both(f"product {line.product_id}"), price=Amount(line.price, ASSET),
                list_price=Amount(max(line.list_price, line.price), ASSET), terms=Terms(valid_days=30),
                store_ids=(self._store(store),), per_order_max=100, sale_from=self._from, sale_to=self._to,
            )  # fmt: skip
        return offer_id

    def _shop(self, store: int) -> UUID:
        return derive(self._root, f"merchant/{store}")

    def _store(self, store: int) -> UUID:
        return derive(self._root, f"store/{store}")

    def _member(self, household: int) -> UUID:
        return derive(self._root, f"member/{household}")

    def _promotion(self, coupon: tuple[int, int]) -> UUID:
        return derive(self._root, f"promotion/{coupon[0]}/{coupon[1]}")

    async def _build(self, replay: Replay, errands: Sequence[_Errand]) -> None:
        """Merchants, stores, offers, promotions in force, and the coupons in the wallets of those who use them."""
        city, now = self._city_id, self._from
        stores = sorted({errand.booked.till.store_id for errand in errands})
        async with self._db.central() as tx:
            admitted = [
                AddMerchant(merchant_id=self._shop(n), city_id=city, name=Text.both(f"Shop {n}"), trade="restaurant")
                for n in stores
            ]
            sure(await merchants.add_merchants(tx, admitted, now=now))
            fees = [
                settlement.Rule(
                    rule_id=derive(self._shop(n), "commission"), version=1, merchant_id=self._shop(n),
                    commission_bps=COMMISSION, valid_from=now,
                )
                for n in stores
            ]  # fmt: skip
            await settlement.add_rules(tx, fees)
        async with self._db.city(city) as tx:
            added = [
                AddStore(
                    store_id=self._store(n), merchant_id=self._shop(n), name=Text.both(f"Shop {n}"), place=CENTRE,
                    address=Text.both("not recorded"), category=CATEGORY.slug, hours=Hours.parse("24h"),
                )
                for n in stores
            ]  # fmt: skip
            sure(await merchants.add_stores(tx, added, city_id=city, scope=EVERYTHING, now=now))
            sure(await catalog.publish(tx, list(self._offers.values()), city_id=city, now=now))
            saves = [self._save(coupon, replay.rules[coupon]) for coupon in sorted(self._for)]
            sure(await pricing.save_promotions(tx, saves, city_id=city, now=now))
            steps = [PromotionStep(promotion_id=save.promotion_id, by=None) for save in saves]
            sure(await pricing.publish(tx, steps, city_id=city, now=now))
            coupons = [self._coupon(coupon, replay) for coupon in sorted(self._for)]
            sure(await catalog.publish(tx, coupons, city_id=city, now=now))

    def _save(self, coupon: tuple[int, int], rule: Rule) -> SavePromotion:
        """The rule with the town's own offers. Who it was sent to is who holds its coupon."""
        conditions = tuple(c for c in rule.conditions if not isinstance(c, Offers | Tags))
        mine = Offers(ids=tuple(sorted(self._for[coupon])))
        stored = structs.replace(rule, promotion_id=self._promotion(coupon), conditions=(*conditions, mine))
        return SavePromotion(
            rule=stored, merchant_id=None, by=None, starts_at=self._from, ends_at=rule.valid_to,
            use_until=rule.valid_to, budgets=(PLENTY,),
        )  # fmt: skip

    def _coupon(self, coupon: tuple[int, int], replay: Replay) -> Draft:
        """What is claimed, once by each household; valid in the campaign's days, taken by every shop."""
        first, last = replay.journey.windows[coupon[0]]
        shop = self._offers[min(self._for[coupon])]
        nothing = Amount.zero(ASSET)
        return Draft(
            offer_id=self._promotion(coupon), merchant_id=shop.merchant_id, by=None, scheme="coupons",
            category=CATEGORY.slug, title=replay.rules[coupon].name, price=nothing, list_price=nothing,
            terms=Terms(valid_from=first, valid_until=last, per_member=1, refund="none", refund_on_expiry=False),
            form=CouponForm(wide=True), store_ids=shop.store_ids, per_order_max=1, sale_from=self._from,
            sale_to=day_start(last + timedelta(days=1), self._zone),
        )  # fmt: skip

    async def _claim(self, claims: Sequence[_Claim], now: datetime) -> None:
        """The coupons of a set come into their wallets."""
        asked = {
            derive(first_id_at(now), f"{self._root}/claim/{household}/{coupon}"): (household, coupon)
            for household, coupon in claims
        }
        asks = [
            self._place(order_id, household, (self._promotion(coupon),), 0)
            for order_id, (household, coupon) in asked.items()
        ]
        await self._order(asks, now)
        async with self._db.reading(self._city_id) as tx:
            for voucher in await vouchers.of_orders(tx, list(asked), city_id=self._city_id):
                self._wallet[asked[voucher.order_id]] = voucher.voucher_id

    async def _order(self, asks: Sequence[Place], now: datetime) -> list[Place]:
        """The orders that were placed; what was refused is told."""

        async def place(tx: Tx) -> Any:
            return await orders.place(
                tx, asks, city_id=self._city_id, now=now, schemes=self._schemes, hold_for=self._hold_for
            )

        good = []
        for ask, answer in zip(asks, await self._db.run_city(self._city_id, place), strict=True):
            if isinstance(answer, Placed):
                good.append(ask)
            else:
                self._wrong.append(f"order {ask.order_id}: {answer!r}")
        return good

    async def _day(self, errands: list[_Errand]) -> int:
        """The orders of a day, paid and used at once; how many were placed."""
        now = max(errand.booked.till.at for errand in errands)
        good = await self._order([self._ask(errand) for errand in errands], now)
        later = now + PAYS_AFTER
        findings = [captured(ask, self._city_id, later) for ask in good if ask.expect]

        async def receive(tx: Tx) -> Any:
            return await orders.receive(tx, findings, city_id=self._city_id, now=later)

        await self._db.run_city(self._city_id, receive)
        await self._use(good, {errand.order_id: errand for errand in errands}, later + SERVED_AFTER)
        return len(good)

    def _ask(self, errand: _Errand) -> Place:
        coupons = [self._wallet.get((errand.household, coupon)) for coupon in sorted(errand.booked.taken)]
        return self._place(
            errand.order_id, errand.household, errand.wants, errand.total, tuple(c for c in coupons if c is not None)
        )

    def _place(
        self, order_id: UUID, household: int, wants: Sequence[UUID], total: int, coupons: tuple[UUID, ...] = ()
    ) -> Place:
        return Place(
            order_id=order_id, payment_id=derive(order_id, "payment"), member_id=self._member(household),
            member_name=f"Household {household}", phone_tail=f"{household:04d}"[-4:],
            wants=tuple(Wanted(offer_id, 1) for offer_id in wants), expect=Amount(total, ASSET), channel="replay",
            coupons=coupons,
        )  # fmt: skip

    async def _use(self, asks: Sequence[Place], errands: dict[UUID, _Errand], now: datetime) -> None:
        """Everything is handed over at the till."""
        async with self._db.reading(self._city_id) as tx:
            units = await vouchers.of_orders(tx, [ask.order_id for ask in asks], city_id=self._city_id)
        uses = [self._redeem(unit, errands[unit.order_id].booked.till.store_id, now) for unit in units]

        async def redeem(tx: Tx) -> Any:
            return await settlement.redeem(tx, uses, city_id=self._city_id, now=now)

        if uses:
            self._redeemed += len(sure(await self._db.run_city(self._city_id, redeem)))

    def _redeem(self, unit: Voucher, store: int, now: datetime) -> Redeem:
        return Redeem(
            redemption_id=derive(first_id_at(now), f"{unit.voucher_id}/use"), request_no=str(unit.voucher_id),
            presented=unit.code, merchant_id=self._shop(store), store_id=self._store(store), store_name=f"Shop {store}",
            staff_id=derive(self._store(store), "till"), staff_name="Till",
        )  # fmt: skip

    async def _lived(self, reading: Reading, errands: Sequence[_Errand], placed: int) -> Lived:
        """The books at the end: what brands bore of coupons is what the engine said, to the cent."""
        async with self._db.reading(self._city_id) as tx:
            brand = await ledger.balances(tx, Book.city(self._city_id), prefix="expense/promotion/brand")
        bore = sum(balance.posted.units for balance in brand)
        said = sum(booked.borne.get("brand", 0) for booked in reading.booked)
        if bore != said and not self._wrong:
            self._wrong.append(f"the brands bore {bore} cents in the books, {said} by the engine")
        return Lived(
            merchants=len({errand.booked.till.store_id for errand in errands}), offers=len(self._offers),
            promotions=len(self._for), coupons=len(self._wallet), orders=placed,
            paid=sum(errand.total for errand in errands), redeemed=self._redeemed,
            saved=sum(sum(errand.booked.taken.values()) for errand in errands), wrong=tuple(self._wrong),
        )  # fmt: skip
