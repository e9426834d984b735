"""What something would cost a member now, with every promotion that was considered: nothing is held.

The best combination, bounded and always the same:
1. all coupons of the member that could serve lie on the table (one of a kind, the one that ends first; at most MOST),
   and pricing plays them against the automatic promotions: within a lane the best set wins, lanes stack;
2. each coupon alone, and the first answer without each of its coupons, are tried as well;
3. the lowest total wins; among equals the fewest coupons, then those that end first, then the smaller ids. So a coupon
   that brings nothing stays in the wallet.
What a budget can no longer give is taken out, and the choice is made anew.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct, structs

from hutong import pricing, vouchers
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders.model import Pay, Wanted
from hutong.orders.operations import _baskets, _held, _savings, _tenders
from hutong.orders.operations._savings import Priced, Table, World
from hutong.orders.operations._tenders import BEST as BEST
from hutong.orders.operations._tenders import Payable as Payable
from hutong.orders.scheme import Schemes
from hutong.pricing import Quote, Verdict

MOST = 20  # coupons of one member that are weighed against each other
_NO_ORDER = UUID(int=0)


class AskQuote(Struct, frozen=True, kw_only=True):
    """What would these cost? `member_id` None: somebody who has not signed in. `coupons` None: the best of his wallet;
    otherwise just these. `tenders`: the cards and points that are to pay a part; BEST: the cards that the house would
    choose; None: not asked. `phone` and `device` as in `Place`."""

    wants: tuple[Wanted, ...]
    member_id: UUID | None = None
    coupons: tuple[UUID, ...] | None = None
    tenders: tuple[Pay, ...] | Literal["best"] | None = None
    channel: str = "web"
    phone: str = ""
    device: str = ""


class Considered(Struct, frozen=True, kw_only=True):
    """What became of one promotion. `amount` is what it takes off (of a coupon that was not chosen: would take off on
    top); `no` says why nothing, with what would make it a yes; `more` how it would take more."""

    promotion_id: UUID
    name: Text
    trigger: str
    voucher: vouchers.Voucher | None
    chosen: bool
    amount: Amount
    line_nos: tuple[int, ...]
    no: Refusal | None
    more: Refusal | None

    @property
    def applies(self) -> bool:
        """Whether it takes something off as things stand."""
        return self.chosen and bool(self.amount)


class Quoted(Struct, frozen=True, kw_only=True):
    """The price, the coupons that it needs (to be sent with the order), and every promotion that was considered: those
    that apply first, the greatest in front. `best`: nothing else in the wallet makes it cheaper. `pays`: every card and
    wallet of points that could pay a part of the price, `tenders` those that do (to be sent with the order, too)."""

    quote: Quote
    coupons: tuple[UUID, ...] = ()
    considered: tuple[Considered, ...] = ()
    best: bool = True
    pays: tuple[Payable, ...] = ()
    tenders: tuple[Pay, ...] = ()
    tendered_units: int = 0
    points: int = 0  # what the things themselves cost, besides

    @property
    def tendered(self) -> Amount:
        """What cards and points pay of the price."""
        return Amount(self.tendered_units, self.quote.total.asset)

    @property
    def to_pay(self) -> Amount:
        """What the provider would be asked for."""
        return self.quote.total - self.tendered

    @property
    def saved(self) -> Amount:
        """What promotions take off altogether."""
        zero = Amount(0, self.quote.total.asset)
        return sum((a.amount for a in self.quote.adjustments), zero)


async def quotes(
    tx: Tx, asks: Sequence[AskQuote], *, city_id: int, now: datetime, schemes: Schemes
) -> list[Quoted | Refusal]:
    """What each would cost now, or what ordering it would be refused for. Money in the currency of the offers.

    A bounded number of statements for the list, and none besides the offers where no promotion is near and nobody asks
    for tenders.
    """
    baskets = await _baskets.baskets(tx, {a.wants for a in asks}, city_id=city_id, now=now, schemes=schemes)
    wallets = await _wallets(tx, asks, city_id=city_id, now=now)
    tables: dict[int, Table] = {}
    for i, ask in enumerate(asks):
        basket = baskets[ask.wants]
        if not isinstance(basket, Refusal):
            tables[i] = Table(
                order_id=_NO_ORDER, member_id=ask.member_id, channel=ask.channel, plans=tuple(basket.plans),
                offers=tuple(basket.offers), phone=ask.phone, device=ask.device,
                coupons=tuple(dict.fromkeys([*(ask.coupons or ()), *wallets.get(ask.member_id, ())])),
            )  # fmt: skip
    world = await _savings.look(tx, list(tables.values()), city_id=city_id, now=now)
    if world is None:
        plain = [b if isinstance(b, Refusal) else Quoted(quote=b.quote) for b in (baskets[a.wants] for a in asks)]
        return await _tendered(tx, asks, plain, baskets, city_id=city_id, now=now)
    useful = {i: _useful(table, world, now) for i, table in tables.items()}

    def choose(i: int, barred: Mapping[UUID, Refusal]) -> Priced | Refusal:
        return _choose(tables[i], world, barred, asks[i].coupons, useful[i])

    found, barred = await _held.within_budgets(
        tx, {i: choose(i, {}) for i in tables}, again=choose, city_id=city_id, now=now, zone=world.zone
    )
    results: list[Quoted | Refusal] = []
    for i, ask in enumerate(asks):
        basket = baskets[ask.wants]
        one = basket if isinstance(basket, Refusal) else found[i]
        results.append(one if isinstance(one, Refusal) else _quoted(one, ask, world, barred[i], useful[i]))
    return await _tendered(tx, asks, results, baskets, city_id=city_id, now=now)


async def _tendered(
    tx: Tx, asks: Sequence[AskQuote], quoted: Sequence[Quoted | Refusal],
    baskets: Mapping[tuple[Wanted, ...], _baskets.Basket | Refusal], *, city_id: int, now: datetime,
) -> list[Quoted | Refusal]:  # fmt: skip
    """What cards and points would pay of these prices, for those who ask for it."""
    bills: dict[int, _tenders.Bill] = {}
    for i, (ask, one) in enumerate(zip(asks, quoted, strict=True)):
        basket = baskets[ask.wants]
        if isinstance(one, Quoted) and not isinstance(basket, Refusal):
            bill = structs.replace(basket.bill(ask.member_id, ask.tenders or ()), total=one.quote.total)
            if bill.gifts or (ask.tenders is not None and ask.member_id is not None):
                bills[i] = bill
    results = list(quoted)
    if not bills:
        return results
    stock = await _tenders.look(tx, list(bills.values()), city_id=city_id, now=now, wallets=True)
    for i, bill in bills.items():
        weighed, one = _tenders.weigh(bill, stock), results[i]
        if isinstance(weighed, Refusal) or isinstance(one, Refusal):
            results[i] = weighed if isinstance(weighed, Refusal) else one
            continue
        paying = tuple(
            Pay(kind=t.kind, id=t.ref, most=t.points or None) for t in weighed.taken if t.units
        )  # fmt: skip
        results[i] = structs.replace(
            one, pays=_tenders.payables(weighed), tenders=paying, tendered_units=weighed.units,
            points=sum(t.points for t in weighed.taken if not t.units),
        )  # fmt: skip
    return results


async def _wallets(
    tx: Tx, asks: Sequence[AskQuote], *, city_id: int, now: datetime
) -> dict[UUID | None, list[UUID]]:  # fmt: skip
    members = sorted({ask.member_id for ask in asks if ask.member_id is not None})
    found: dict[UUID | None, list[UUID]] = {}
    for coupon in await vouchers.coupons_of(tx, members, city_id=city_id, now=now) if members else []:
        found.setdefault(coupon.member_id, []).append(coupon.voucher_id)
    return found


def _quoted(one: Priced, ask: AskQuote, world: World, barred: Mapping[UUID, Refusal], wallet: Sequence[UUID]) -> Quoted:
    best = one if ask.coupons is None else _choose(one.table, world, barred, None, wallet)
    return Quoted(
        quote=one.quote, coupons=tuple(u.voucher_id for u in one.used if u.voucher_id is not None),
        considered=_considered(one, one.table, world, barred, wallet),
        best=not isinstance(best, Priced) or one.quote.total <= best.quote.total,
    )  # fmt: skip


def _useful(table: Table, world: World, now: datetime, *, locked: bool = False) -> list[UUID]:
    """The coupons on the table that are worth weighing: free, good now, of this merchant or of the city, one of a
    kind; those that end first. `locked`: those that are not free instead."""
    found: dict[UUID, vouchers.Voucher] = {}
    coupons = [world.coupons[i] for i in table.coupons if i in world.coupons]
    for coupon in sorted(coupons, key=lambda v: (v.valid_to, v.voucher_id)):
        live = world.promotions.get(coupon.offer_id)
        here = live is not None and _savings.honoured(table, coupon, live)
        good = coupon.state == "valid" and coupon.valid_from <= now < coupon.valid_to and coupon.kind == "coupon"
        if here and good and (vouchers.why_held(coupon, now) is not None) == locked:
            found.setdefault(coupon.offer_id, coupon)
    return [coupon.voucher_id for coupon in found.values()][:MOST]


def _choose(
    table: Table, world: World, barred: Mapping[UUID, Refusal], given: tuple[UUID, ...] | None, wallet: Sequence[UUID]
) -> Priced | Refusal:
    """The price with the given coupons, or with the best combination of the wallet (see above)."""
    if given is not None:
        return _savings.judge(table, world, coupons=given, barred=barred)
    first = _savings.judge(table, world, coupons=wallet, barred=barred)
    if not isinstance(first, Priced):
        return first
    used = [u.voucher_id for u in first.used if u.voucher_id is not None]
    tried = [used, [], *([one] for one in wallet), *([c for c in used if c != one] for one in used)]
    answers = [_savings.judge(table, world, coupons=coupons, barred=barred) for coupons in tried]
    able = [one for one in answers if isinstance(one, Priced)]
    return min(able, key=lambda one: _rank(one, world))


def _rank(one: Priced, world: World) -> tuple[int, int, list[datetime], list[UUID]]:
    mine = sorted(u.voucher_id for u in one.used if u.voucher_id is not None)
    return one.quote.total.units, len(mine), sorted(world.coupons[i].valid_to for i in mine), mine


def _considered(
    one: Priced, table: Table, world: World, barred: Mapping[UUID, Refusal], wallet: Sequence[UUID]
) -> tuple[Considered, ...]:
    """One entry for each promotion in force here and each coupon that is on the table or could be."""
    on_table = {laid.voucher.offer_id: laid for laid in one.laid}
    zero = Amount(0, one.quote.total.asset)
    found: list[Considered] = []
    for verdict in one.quote.verdicts:
        laid = on_table.get(UUID(verdict.promotion))
        found.append(_told(verdict, laid.voucher if laid else None, chosen=True))
    told = {entry.promotion_id for entry in found}
    for promotion_id, (name, no) in one.barred.items():
        laid = on_table.get(promotion_id)
        found.append(
            Considered(
                promotion_id=promotion_id, name=name, trigger="coupon" if laid else "auto", chosen=laid is not None,
                voucher=laid.voucher if laid else None, amount=zero, line_nos=(), no=no, more=None,
            )
        )  # fmt: skip
        told.add(promotion_id)
    chosen = [laid.voucher.voucher_id for laid in one.laid]
    for coupon_id in wallet:
        coupon = world.coupons[coupon_id]
        if coupon.offer_id in told:
            continue
        more = _savings.judge(table, world, coupons=[*chosen, coupon_id], barred=barred)
        if isinstance(more, Priced):
            found.append(_beside(coupon, more, one))
            told.add(coupon.offer_id)
    for coupon_id in _useful(table, world, world.now, locked=True):
        coupon = world.coupons[coupon_id]
        if coupon.offer_id not in told:
            found.append(_locked(coupon, world.now, zero))
    return tuple(sorted(found, key=lambda c: (not c.applies, c.no is not None, -c.amount.units, c.promotion_id)))


def _told(verdict: Verdict, voucher: vouchers.Voucher | None, *, chosen: bool) -> Considered:
    return Considered(
        promotion_id=UUID(verdict.promotion), name=verdict.name, trigger=verdict.trigger, voucher=voucher,
        chosen=chosen, amount=verdict.amount, line_nos=verdict.line_nos, no=verdict.no, more=verdict.more,
    )  # fmt: skip


def _beside(coupon: vouchers.Voucher, more: Priced, one: Priced) -> Considered:
    """A coupon of the wallet that was not chosen: what it would change, or why nothing."""
    verdict = next((v for v in more.quote.verdicts if v.promotion == str(coupon.offer_id)), None)
    if verdict is not None:
        return _told(verdict, coupon, chosen=False)
    name, no = more.barred.get(coupon.offer_id, (coupon.title, None))
    return Considered(
        promotion_id=coupon.offer_id, name=name, trigger="coupon", voucher=coupon, chosen=False,
        amount=Amount(0, one.quote.total.asset), line_nos=(), no=no or pricing.NothingToTake(), more=None,
    )  # fmt: skip


def _locked(coupon: vouchers.Voucher, now: datetime, zero: Amount) -> Considered:
    return Considered(
        promotion_id=coupon.offer_id, name=coupon.title, trigger="coupon", voucher=coupon, chosen=False, amount=zero,
        line_nos=(), no=vouchers.why_held(coupon, now), more=None,
    )  # fmt: skip
