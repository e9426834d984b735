"""What an order in checkout holds for its price: coupons and cards are locked, budgets kept, points set aside; all of
it or nothing.

Locks: vouchers first, then budgets, then wallets of points, each in one sorted go for the whole set (README).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg.types.json import Jsonb

from hutong import places, pricing, vouchers
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.kit.refusals import Busy, Refusal
from hutong.orders.operations import _points, _savings
from hutong.orders.operations._savings import Priced
from hutong.orders.operations._tenders import Taken, Weighed
from hutong.orders.refusals import PriceChanged

ROUNDS = 4  # how often a price is decided anew because budgets refused a part of it


class Wish(Struct, frozen=True, kw_only=True):
    """An order that something is held for: `priced` where promotions take something off, `weighed` where cards or
    points pay a part."""

    order_id: UUID
    member_id: UUID
    total: Amount
    priced: Priced | None = None
    weighed: Weighed | None = None

    @property
    def vouchers(self) -> list[UUID]:
        """The coupons and cards that it locks."""
        coupons = [u.voucher_id for u in self.priced.used if u.voucher_id is not None] if self.priced else []
        return [*coupons, *(card.ref for card in (self.weighed.cards if self.weighed else ()))]

    @property
    def points(self) -> _points.Holding | None:
        """The points that it sets aside."""
        return self.weighed.holding(self.order_id) if self.weighed is not None else None


async def take(
    tx: Tx, wishes: Mapping[int, Wish], *, city_id: int, now: datetime, until: datetime
) -> dict[int, Refusal]:
    """Lock the coupons and cards, keep the budgets and set the points of these orders aside; the requests that cannot
    have theirs, with the reason.

    A request keeps all or nothing. Where a promotion can no longer be had (its budget went while the member looked), or
    a card has less on it, the refusal names the new price: price_changed.
    """
    refused = await _lock(tx, wishes, city_id=city_id, now=now, until=until)
    left = {i: w.priced for i, w in wishes.items() if i not in refused and w.priced is not None}
    claims = [claim for one in left.values() for claim in claims_of(one)]
    answers = await pricing.hold(tx, claims, city_id=city_id, now=now, until=until)
    gone = {claim.ref for claim, answer in zip(claims, answers, strict=True) if isinstance(answer, Refusal)}
    lost = {i: one for i, one in left.items() if one.table.order_id in gone}
    if lost:
        refused |= await _new_prices(tx, wishes, lost, city_id=city_id, now=now)
        await _unlock(tx, [wishes[i] for i in lost], city_id=city_id, now=now)
    points = {i: one for i, wish in wishes.items() if i not in refused and (one := wish.points) is not None}
    late = await _points.hold(tx, points, city_id=city_id, now=now)
    if late:
        await _free(tx, [wishes[i] for i in late], city_id=city_id, now=now)
    return refused | late


async def without_spent(
    tx: Tx, priced: Mapping[int, Priced], *, city_id: int, now: datetime
) -> dict[int, Priced | Refusal]:
    """The prices of these orders without promotions whose budgets have nothing left for them: what a quote tells. For
    orders whose price is not the one that was seen; the same rounds as there, each for the whole set."""
    world = await _savings.look(tx, [one.table for one in priced.values()], city_id=city_id, now=now)
    if world is None:
        return dict(priced)

    def again(i: int, barred: Mapping[UUID, Refusal]) -> Priced | Refusal:
        return _savings.judge(priced[i].table, world, barred=barred)

    found, _ = await within_budgets(tx, priced, again=again, city_id=city_id, now=now, zone=world.zone)
    return found


async def within_budgets(
    tx: Tx, priced: Mapping[int, Priced | Refusal], *, again: Callable[[int, Mapping[UUID, Refusal]], Priced | Refusal],
    city_id: int, now: datetime, zone: str,
) -> tuple[dict[int, Priced | Refusal], dict[int, dict[UUID, Refusal]]]:  # fmt: skip
    """Prices for which the budgets have room, and what each had to do without, with the reason.

    Each is judged as if it came alone, and decided anew by `again` without what was refused. A round asks for the whole
    set at once, and there are at most ROUNDS of them.
    """
    found: dict[int, Priced | Refusal] = dict(priced)
    barred: dict[int, dict[UUID, Refusal]] = {i: {} for i in priced}
    for _ in range(ROUNDS):
        asked = [
            (i, claim) for i, one in found.items() if not isinstance(one, Refusal) for claim in claims_of(one)
        ]  # fmt: skip
        claims = [claim for _, claim in asked]
        nos = await pricing.would_hold(tx, claims, city_id=city_id, now=now, zone=zone) if claims else []
        gone = {(i, claim.promotion_id): no for (i, claim), no in zip(asked, nos, strict=True) if no is not None}
        if not gone:
            break
        for (i, promotion), no in gone.items():
            barred[i][promotion] = no
        found |= {i: again(i, barred[i]) for i in {i for i, _ in gone}}
    return found, barred


def claims_of(one: Priced) -> list[pricing.Claim]:
    """What the order takes of budgets. Of a promotion with a coupon, too."""
    table = one.table
    if table.member_id is None:
        return []
    return [
        pricing.Claim(
            promotion_id=use.promotion_id, ref=table.order_id, member_id=table.member_id, units=use.units,
            phone=table.phone, device=table.device,
        )
        for use in one.used
    ]  # fmt: skip


async def _lock(
    tx: Tx, wishes: Mapping[int, Wish], *, city_id: int, now: datetime, until: datetime
) -> dict[int, Refusal]:
    wanted = [
        (
            i,
            vouchers.Lock(
                voucher_id=voucher_id, member_id=wish.member_id, held_for="order", ref=wish.order_id, until=until
            ),
        )
        for i, wish in wishes.items()
        for voucher_id in wish.vouchers
    ]
    if not wanted:
        return {}
    city = await places.city(tx, city_id)
    zone = city.zone if city else "UTC"
    answers = await vouchers.lock(tx, [ask for _, ask in wanted], city_id=city_id, now=now, zone=zone)
    refused: dict[int, Refusal] = {}
    for (i, _), answer in zip(wanted, answers, strict=True):
        if isinstance(answer, Refusal):
            refused.setdefault(i, answer)
    seen = {v.voucher_id: v for v in answers if isinstance(v, vouchers.Voucher)}
    for i, wish in wishes.items():
        if i not in refused and (no := _why_other(wish, seen)) is not None:
            refused[i] = no
    await _unlock(tx, [wishes[i] for i in refused], city_id=city_id, now=now)
    return refused


def _why_other(wish: Wish, seen: Mapping[UUID, vouchers.Voucher]) -> Refusal | None:
    """What was weighed without a lock is looked at again under it: a counter may have used a card in this moment."""
    if wish.weighed is None or not wish.weighed.cards:
        return None
    free = {i: msgspec.structs.replace(v, held_for=None, held_ref=None, held_until=None) for i, v in seen.items()}
    again = wish.weighed.again(seen=free)
    if isinstance(again, Refusal):
        return again
    if [_sizes(one) for one in again.taken] == [_sizes(one) for one in wish.weighed.taken]:
        return None
    if again.units == wish.weighed.units:
        return Busy(retry_after=1)
    asset = wish.total.asset
    return PriceChanged(
        total=(wish.total - Amount(again.units, asset)).words(),
        expected=(wish.total - Amount(wish.weighed.units, asset)).words(),
    )


def _sizes(one: Taken) -> tuple[UUID, int, int, int]:
    return one.ref, one.units, one.due, one.points


async def _new_prices(
    tx: Tx, wishes: Mapping[int, Wish], lost: Mapping[int, Priced], *, city_id: int, now: datetime
) -> dict[int, Refusal]:
    """What would be paid for these orders without the promotions that can no longer be had."""
    claims = [claim for one in lost.values() for claim in claims_of(one)]
    nos = await pricing.would_hold(tx, claims, city_id=city_id, now=now)
    gone = {(c.ref, str(c.promotion_id)) for c, no in zip(claims, nos, strict=True) if no is not None}
    refused: dict[int, Refusal] = {}
    for i, one in lost.items():
        rules = [rule for rule in one.rules if (one.table.order_id, rule.id) not in gone]
        again = pricing.quote([line.line for line in one.quote.lines], promotions=rules, facts=one.facts)
        total = one.quote.total if isinstance(again, Refusal) else again.total
        weighed = wishes[i].weighed
        before, after = one.quote.total, total
        if weighed is not None:
            before, after = before - Amount(weighed.units, before.asset), weighed.to_pay(total)
        refused[i] = PriceChanged(total=after.words(), expected=before.words())
    return refused


async def give_up(tx: Tx, wishes: Sequence[Wish], *, city_id: int, now: datetime) -> None:
    """These requests did not come to stand: what was held for them is free again."""
    await _free(tx, wishes, city_id=city_id, now=now)
    await _points.give_up(tx, [one for wish in wishes if (one := wish.points) is not None], now=now)


async def _free(tx: Tx, wishes: Sequence[Wish], *, city_id: int, now: datetime) -> None:
    """Vouchers and budgets."""
    await _unlock(tx, wishes, city_id=city_id, now=now)
    refs = [wish.order_id for wish in wishes if wish.priced is not None]
    if refs:
        await pricing.release(tx, refs, city_id=city_id, now=now)


async def _unlock(tx: Tx, wishes: Sequence[Wish], *, city_id: int, now: datetime) -> None:
    holds = [vouchers.Hold(voucher_id, wish.order_id) for wish in wishes for voucher_id in wish.vouchers]
    if holds:
        await vouchers.unlock(tx, holds, city_id=city_id, now=now)


async def write(tx: Tx, priced: Sequence[Priced], *, city_id: int, now: datetime) -> None:
    """The rows of what promotions take off orders that stand."""
    rows = [(one.table, use) for one in priced for use in one.used]
    if not rows:
        return
    await tx.send(
        """insert into orders.uses (city_id, order_id, promotion_id, voucher_id, member_id, title, units, given_units,
                                    shares, given, state, held_at)
           select %(city)s, u.ord, u.promotion, u.voucher, u.member, u.title, u.units, 0, u.shares, '{}', 'held',
                  %(now)s
           from unnest(%(orders)s::uuid[], %(promotions)s::uuid[], %(vouchers)s::uuid[], %(members)s::uuid[],
                       %(titles)s::jsonb[], %(units)s::bigint[], %(shares)s::jsonb[])
                as u(ord, promotion, voucher, member, title, units, shares)""",
        city=city_id, now=now, orders=[t.order_id for t, _ in rows], promotions=[u.promotion_id for _, u in rows],
        vouchers=[u.voucher_id for _, u in rows], members=[t.member_id for t, _ in rows],
        titles=[Jsonb(msgspec.to_builtins(u.name)) for _, u in rows], units=[u.units for _, u in rows],
        shares=[Jsonb(u.shares) for _, u in rows],
    )  # fmt: skip
