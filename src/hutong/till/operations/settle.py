"""Settle: what is shown is used, money and budgets move, and the bill stands - in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import structs

from hutong import cards, catalog, payments, people, places, pricing, settlement, vouchers
from hutong.infra.answers import KeyReused
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.clock import local
from hutong.kit.ids import derive
from hutong.kit.refusals import Busy, Refusal
from hutong.payments import OpenIntent
from hutong.people import Proven, UseBadge
from hutong.pricing import LANES, Claim, PercentOff, Rule
from hutong.settlement import NoRule
from hutong.till.deciding import Decided, Table
from hutong.till.model import BILL_WORDS, Bill, Guess, Settle
from hutong.till.operations import _past, _points, _rows
from hutong.till.queries import by_events
from hutong.till.refusals import BillVoid, NothingToCollect, TimeWrong
from hutong.vouchers import Redeem, Show

WINDOW = timedelta(minutes=60)
PAY_FOR = timedelta(minutes=10)  # how long a guest may take to pay by phone
OLDEST = timedelta(days=30)  # how far back a bill may lie that a till uploads
FAST = timedelta(minutes=5)  # how much faster than ours a clock of a till may go
ROUNDS = 4  # how often a set is decided anew because budgets refused a part of it
_Key = tuple[UUID, str]


async def settle(
    tx: Tx, asks: Sequence[Settle], *, city_id: int, now: datetime, window: timedelta = WINDOW
) -> list[Bill | Refusal]:
    """Settle bills, in the order of the list; each can be undone until `now + window`. Amounts in the city's currency.

    The same event of a merchant with the same amount, store, vouchers and guest is the same bill (`replayed`); one
    that was declared void before it came is never settled. A guest's points take off what is left, and what he is
    asked for then earns, in the programme of the merchant; one known by a number earns a moment later
    (`earn_due`), so that nothing here tells whether the number is a member's. With `pay_by` a payment is opened, and
    the bill earns when it is paid.
    Refusals: key_reused, bill_void, bill_time, no_commission_rule, points_need_code, points_offline, points_not_here,
    those of Table.decide, nothing_to_collect, and of pricing.hold (budgets). What only the use itself finds out (a day
    that is full, points_short) ends the transaction with its refusal; a set is then run one by one.
    """
    assert len({ask.bill_id for ask in asks}) == len(asks), "one id for two bills"
    await _rows.claim_events(tx, [_key(ask) for ask in asks], city_id=city_id, now=now)
    table = await look(tx, asks, city_id=city_id, now=now, lock=True)
    lives = await _points.lives_of(tx, asks, city_id=city_id, asset=table.asset, now=now)
    fixed = await _answered(tx, asks, table, lives, city_id=city_id, now=now)
    agreed = await _agreed(tx, asks, table, fixed, city_id=city_id, now=now)
    decided = await _points.spend(tx, agreed, lives=lives, now=now)
    _must_collect(decided.values())
    await _use_codes(tx, list(decided.values()), now=now)
    await _points.burn(tx, list(decided.values()), city_id=city_id, now=now)
    bills = {i: _rows.bill_of(one, city_id=city_id, now=now, window=window) for i, one in decided.items()}
    at_once = [bill for bill in bills.values() if bill.way != "phone" and bill.pay is None]
    earned = await _points.earn(tx, at_once, lives=lives, now=now)
    await _use(tx, list(decided.values()), city_id=city_id, now=now, window=window)
    bills = {i: structs.replace(bill, earned=earned.get(bill.bill_id)) for i, bill in bills.items()}
    await _write(tx, list(bills.values()), city_id=city_id, now=now)
    return [fixed.get(i) or bills[i] for i in range(len(asks))]


async def _answered(
    tx: Tx, asks: Sequence[Settle], table: Table, lives: _points.Lives, *, city_id: int, now: datetime
) -> dict[int, Bill | Refusal]:
    """The answers that need no settling: of bills that stand, are void, or may not be."""
    keys = [_key(ask) for ask in asks]
    known = await by_events(tx, keys, city_id=city_id)  # read under the locks
    voids = await _rows.voids_of(tx, [key for key in keys if key not in known], city_id=city_id)
    rules = await settlement.rules_for(tx, [ask.merchant_id for ask in asks], at=now)
    fixed: dict[int, Bill | Refusal] = {}
    for i, ask in enumerate(asks):
        before, void = known.get(keys[i]), voids.get(keys[i])
        refusal = _points.why_not(ask, lives) or _why_not_then(ask, now)
        if before is not None:
            fixed[i] = again(ask, before)
        elif void is not None:
            fixed[i] = BillVoid(at=local(void, table.zone).strftime("%Y-%m-%d %H:%M"))
        elif ask.merchant_id not in rules:
            fixed[i] = NoRule()
        elif refusal is not None:
            fixed[i] = refusal
    return fixed


def _why_not_then(ask: Settle, now: datetime) -> Refusal | None:
    """A clock that goes a little fast is no reason to lose a bill; another day is."""
    at = ask.bought_at or now
    return None if now - OLDEST <= at <= now else TimeWrong(days=OLDEST.days)


def _must_collect(bills: Iterable[Decided]) -> None:
    for one in bills:
        if one.ask.pay_by is not None and not one.collect:
            raise NothingToCollect()


async def _use_codes(tx: Tx, bills: Sequence[Decided], *, now: datetime) -> None:
    """Use up the codes by which guests were recognised. Two bills with one code: ends the transaction."""
    asks = [badge for badge in (_badge(one.ask) for one in bills) if badge is not None]
    for result in await people.use_badges(tx, asks, now=now) if asks else ():
        if isinstance(result, Refusal):
            raise result


def _badge(ask: Settle) -> UseBadge | None:
    guest = ask.guest
    if guest is None or guest.way != "code" or guest.member_id is None or ask.source == "upload":
        return None
    return UseBadge(member_id=guest.member_id, proof=guest.proof, store_id=ask.store_id, staff_id=ask.staff_id)


async def _write(tx: Tx, bills: Sequence[Bill], *, city_id: int, now: datetime) -> None:
    """The bills with all that belongs to them, their payments, and the facts."""
    if len(await _rows.insert(tx, bills, city_id=city_id)) < len(bills):
        raise Busy(retry_after=1)  # the same event at the same moment with other vouchers: the other one stands
    await _rows.insert_earns(tx, [(b, b.earned) for b in bills if b.earned is not None], city_id=city_id)
    await _rows.insert_pays(tx, bills, city_id=city_id)
    intents = [intent_of(bill, now) for bill in bills if bill.pay is not None]
    for opened in await payments.open(tx, intents, city_id=city_id, now=now):
        if isinstance(opened, Refusal):
            raise opened
    await tx.record([_fact(bill, now) for bill in bills])


def intent_of(bill: Bill, now: datetime) -> OpenIntent:
    """The payment of what is to be collected: to us, at the provider, for so many minutes."""
    assert bill.pay is not None
    return OpenIntent(
        payment_id=bill.pay.payment_id, order_id=bill.bill_id, purpose="bill", provider=bill.pay.provider,
        amount=bill.pay.amount, description=f"{bill.store_name} {BILL_WORDS.zh}".strip(), expires_at=now + PAY_FOR,
    )  # fmt: skip


async def guess(tx: Tx, asks: Sequence[Settle], *, city_id: int, now: datetime) -> list[Guess | Refusal]:
    """What these bills would come to, each for itself; nothing is locked, used or kept. Refusals: as `settle`, but for
    those of budgets."""
    results: list[Guess | Refusal] = []
    table = await look(tx, asks, city_id=city_id, now=now, lock=False)
    lives = await _points.lives_of(tx, asks, city_id=city_id, asset=table.asset, now=now)
    stock, past = table.hand.stock, table.past
    for ask in asks:
        table.hand.stock, table.past = dict(stock), dict(past)
        one = _points.why_not(ask, lives) or table.decide(ask)
        results.append(one if isinstance(one, Refusal) else _guess(one, lives))
    return results


def _guess(one: Decided, lives: _points.Lives) -> Guess:
    face = lives[one.ask.merchant_id][0].face_units if one.ask.points else 1
    points = min(one.ask.points, one.collect.units // face)
    one = structs.replace(one, points=points, points_units=points * face)
    return Guess(
        amount=one.ask.amount, discounted=one.discounted, paid=one.paid, points=points, points_off=one.points_off,
        collect=one.collect, earns=_points.guessed(lives, one.ask.merchant_id, one.collect),
    )  # fmt: skip


async def look(tx: Tx, asks: Sequence[Settle], *, city_id: int, now: datetime, lock: bool) -> Table:
    """Everything that these bills are decided by; their vouchers and codes are locked when they are to be used."""
    city = await places.city(tx, city_id)
    zone, asset = (city.zone, city.currency) if city else ("UTC", "")
    shows = [
        Show(
            voucher_id=one.voucher_id, proof=one.proof, merchant_id=ask.merchant_id, store_id=ask.store_id,
            staff_id=ask.staff_id,
        )
        for ask in asks
        for one in ask.shown
    ]  # fmt: skip
    hand = await vouchers.show(tx, shows, city_id=city_id, now=now, zone=zone, lock=lock)
    ids = sorted({v.offer_id for v in hand.stock.values()})
    offers = {o.offer_id: o for o in await catalog.offers(tx, ids, city_id=city_id) if o} if ids else {}
    lives = {p.promotion_id: p for p in await pricing.promotions(tx, ids, city_id=city_id) if p}
    members = any(o.form.__class__ is catalog.Membership for o in offers.values())
    merchants = sorted({ask.merchant_id for ask in asks}) if members else []
    autos: dict[UUID, list[pricing.Live]] = {merchant: [] for merchant in merchants}
    for live in await pricing.live(tx, merchants, city_id=city_id, now=now) if merchants else ():
        for merchant in merchants if live.merchant_id is None else [live.merchant_id]:
            autos[merchant].append(live)
    tiers = await _tiers(tx, offers, [ask.merchant_id for ask in asks], city_id=city_id)
    every = [*lives.values(), *(live for some in autos.values() for live in some)]
    guests = await _guests(tx, asks, now=now, lock=lock)
    past = {}
    if _past.asked(every):
        past = await _past.of(tx, asks, hand=hand, guests=guests, city_id=city_id, lock=lock)
    return Table(
        city_id=city_id, now=now, zone=zone, asset=asset, hand=hand, offers=offers, lives=lives, autos=autos,
        tiers=tiers, guests=guests, past=past,
    )  # fmt: skip


async def _guests(tx: Tx, asks: Sequence[Settle], *, now: datetime, lock: bool) -> dict[UUID, Proven | Refusal]:
    """Whom the counters of these bills have recognised by his code."""
    coded = [(ask, badge) for ask in asks if (badge := _badge(ask)) is not None]
    if not coded:
        return {}
    results = await people.proven(tx, [badge for _, badge in coded], now=now, lock=lock)
    return {ask.bill_id: result for (ask, _), result in zip(coded, results, strict=True)}


async def _tiers(
    tx: Tx, offers: Mapping[UUID, catalog.Offer], merchants: Sequence[UUID], *, city_id: int
) -> dict[tuple[UUID, UUID], Rule | Refusal]:
    """What shown cards for many shops take off at these merchants; each merchant bears his own."""
    forms = {i: offer.form for i, offer in offers.items() if isinstance(offer.form, catalog.QCard)}
    found = await cards.tiers_at(tx, sorted(forms), merchants, city_id=city_id) if forms else {}
    return {
        (i, merchant): tier_rule(offers[i], tier)
        if (tier := found.get((i, merchant, form.tier)))
        else cards.NotJoined()
        for i, form in forms.items()
        for merchant in set(merchants)
    }


def tier_rule(offer: catalog.Offer, tier: cards.Tier) -> Rule:
    """A tier of a card at a merchant as a promotion of its own lane."""
    return Rule(
        promotion_id=derive(offer.offer_id, f"tier/{tier.merchant_id}/{tier.tier}"), name=offer.title,
        benefit=PercentOff(bps=tier.percent * 100), lane=LANES["card"], asset=offer.price.asset,
        payers=(("merchant", 1),),
    )  # fmt: skip


async def _agreed(
    tx: Tx, asks: Sequence[Settle], table: Table, fixed: dict[int, Bill | Refusal], *, city_id: int, now: datetime
) -> dict[int, Decided]:
    """The bills that stand, by their place in the list; `fixed` gets the answers of the others.

    A bill whose budgets say no is left out, and the others are decided anew: what it showed is still there for them.
    """
    stock, past, held = dict(table.hand.stock), dict(table.past), {}
    for _ in range(ROUNDS):
        table.hand.stock, table.past = dict(stock), dict(past)
        decided: dict[int, Decided] = {}
        refused: dict[int, Refusal] = {}
        twice: set[_Key] = set()
        for i, ask in enumerate(asks):
            if i in fixed:
                continue
            one: Decided | Refusal = Busy(retry_after=1) if _key(ask) in twice else table.decide(ask)
            if isinstance(one, Refusal):
                refused[i] = one
            else:
                decided[i] = one
                twice.add(_key(ask))
        missing = {i: one for i, one in decided.items() if one.kept and i not in held}
        late = await _hold(tx, missing, city_id=city_id, now=now)
        held |= {i: one for i, one in missing.items() if i not in late}
        fixed |= late
        if not late:
            fixed |= refused
            gone = [held[i].ask.bill_id for i in held if i not in decided]
            await pricing.release(tx, gone, city_id=city_id, now=now)
            await pricing.confirm(tx, [d.ask.bill_id for d in decided.values() if d.kept], city_id=city_id, now=now)
            return decided
    raise Busy(retry_after=1)


async def _hold(tx: Tx, bills: Mapping[int, Decided], *, city_id: int, now: datetime) -> dict[int, Refusal]:
    """Keep the budgets of these bills; the refusals of those that have none left."""
    claims = [
        (i, Claim(promotion_id=d.promotion_id, ref=one.ask.bill_id, member_id=one.member_id, units=d.amount.units))
        for i, one in bills.items()
        if one.member_id is not None
        for d in one.kept
    ]
    if not claims:
        return {}
    answers = await pricing.hold(tx, [claim for _, claim in claims], city_id=city_id, now=now, until=now + WINDOW)
    return {i: answer for (i, _), answer in zip(claims, answers, strict=True) if isinstance(answer, Refusal)}


async def _use(tx: Tx, bills: Sequence[Decided], *, city_id: int, now: datetime, window: timedelta) -> None:
    """Redeem what these bills take, with what others bear of them."""
    requests: list[Redeem] = []
    outside: dict[UUID, dict[str, int]] = {}
    proofs = {(b.ask.bill_id, one.voucher_id): one.proof for b in bills for one in b.ask.shown}
    for bill in bills:
        ask = bill.ask
        requests += [
            Redeem(
                redemption_id=take.redemption_id, request_no=take.request_no, merchant_id=ask.merchant_id,
                store_id=ask.store_id, staff_id=ask.staff_id, staff_name=ask.staff_name, store_name=ask.store_name,
                voucher_id=take.seen.voucher.voucher_id, count=take.count, burns=take.burns,
                proof=proofs[ask.bill_id, take.seen.voucher.voucher_id],
            )
            for take in bill.takes
        ]  # fmt: skip
        for discount in bill.discounts:
            borne = outside.setdefault(discount.redemption_id, {})
            for payer, units in discount.outside:
                borne[payer] = borne.get(payer, 0) + units
    if not requests:
        return
    told = {redemption: tuple(sorted(borne.items())) for redemption, borne in outside.items() if borne}
    results = await settlement.redeem(
        tx, requests, city_id=city_id, now=now, window=window, outside=told, channel="till"
    )
    for result in results:
        if isinstance(result, Refusal):
            raise result


def again(ask: Settle, before: Bill) -> Bill | Refusal:
    """A bill that stands under this event: the same answer, if it is asked about the same thing."""
    taken = {use.voucher_id for use in before.uses}
    member = ask.guest.member_id if ask.guest is not None else before.member_id
    same = (before.amount, before.store_id) == (ask.amount, ask.store_id) and member in (None, before.member_id)
    if not same or not taken <= {one.voucher_id for one in ask.shown}:
        return KeyReused(key=ask.event_id)
    return before


def _key(ask: Settle) -> _Key:
    return ask.merchant_id, ask.event_id


def _fact(bill: Bill, now: datetime) -> Fact:
    payload: dict[str, Any] = {
        "merchant": str(bill.merchant_id), "store": str(bill.store_id), "amount": bill.amount.units,
        "discounted": bill.discounted.units, "paid": bill.paid.units, "points": bill.points, "way": bill.way,
        "own": bill.member_id == bill.staff_id,
        "full": [str(use.voucher_id) for use in bill.uses if use.role == "stamp" and not use.uses_left],
    }  # fmt: skip
    return Fact(
        fact_id=derive(bill.bill_id, "fact/settled"), city_id=bill.city_id, topic="till.settled", subject=bill.bill_id,
        payload=payload, at=now,
    )  # fmt: skip
