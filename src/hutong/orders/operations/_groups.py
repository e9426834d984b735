"""What orders owe to those who buy together: seats in teams. An order without a group costs no statement here."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from hutong import groups, vouchers
from hutong.catalog import Bargain, Ladder, Offer
from hutong.infra.db import Tx
from hutong.kit.masks import mask_name
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.orders.model import Bargained, Climb, Place, Promise, TeamUp, Wanted
from hutong.orders.refusals import GroupAlone, PriceChanged
from hutong.orders.scheme import Plan


class Wish(Struct, frozen=True):
    """Request number `index` of a set wants what this line promises."""

    index: int
    ask: Place
    offer: Offer
    promise: Promise


def why_not(plans: Sequence[Plan]) -> Refusal | None:
    """What is bought together with others stands alone in its order: so one seat is one order."""
    if len(plans) > 1 and any(plan.promise.group is not None for plan in plans):
        return GroupAlone()
    return None


async def take(tx: Tx, wishes: Sequence[Wish], *, city_id: int, now: datetime) -> dict[int, Refusal]:
    """Reserve the seats and bargains that these lines need; the requests that get none, with the reason."""
    teams = [wish for wish in wishes if isinstance(wish.promise.group, TeamUp)]
    refused: dict[int, Refusal] = {}
    if teams:
        taken = await groups.take(tx, [_take(wish) for wish in teams], city_id=city_id, now=now)
        refused = {w.index: no for w, no in zip(teams, taken, strict=True) if isinstance(no, Refusal)}
    return refused | await _take_bargains(tx, wishes, city_id=city_id, now=now)


async def _take_bargains(tx: Tx, wishes: Sequence[Wish], *, city_id: int, now: datetime) -> dict[int, Refusal]:
    asked = [(wish, wish.promise.group) for wish in wishes if isinstance(wish.promise.group, Bargained)]
    if not asked:
        return {}
    asks = [
        groups.TakeBargain(
            order_id=wish.ask.order_id, bargain_id=group.bargain_id, offer_id=wish.offer.offer_id,
            member_id=wish.ask.member_id, price_units=group.price_units,
        )
        for wish, group in asked
    ]  # fmt: skip
    refused: dict[int, Refusal] = {}
    found = await groups.take_bargains(tx, asks, city_id=city_id, now=now)
    for (wish, group), price in zip(asked, found, strict=True):
        if isinstance(price, Refusal):
            refused[wish.index] = price
        elif price != group.price_units:  # a friend has cut it in this moment: the member is told first
            asset = wish.offer.price.asset
            refused[wish.index] = PriceChanged(
                total=Amount(price, asset).words(), expected=Amount(group.price_units, asset).words()
            )
    return refused


def _take(wish: Wish) -> groups.Take:
    ask, group = wish.ask, wish.promise.group
    assert isinstance(group, TeamUp)
    return groups.Take(
        order_id=ask.order_id, team_id=group.team_id or groups.team_of(ask.order_id), offer_id=wish.offer.offer_id,
        merchant_id=wish.offer.merchant_id, member_id=ask.member_id, face=mask_name(ask.member_name),
        opens=group.team_id is None, size=group.size, hours=group.hours,
    )  # fmt: skip


async def give_up(tx: Tx, wishes: Sequence[Wish], *, city_id: int, now: datetime) -> None:
    """These requests did not come to stand: what they had reserved here is free again."""
    held = [wish.ask.order_id for wish in wishes if isinstance(wish.promise.group, TeamUp)]
    if held:
        await groups.release(tx, held, city_id=city_id, now=now)
    bargains = [wish.ask.order_id for wish in wishes if isinstance(wish.promise.group, Bargained)]
    if bargains:
        await groups.free_bargains(tx, bargains, city_id=city_id)


async def end_unpaid(tx: Tx, lines: Sequence[Mapping[str, Any]], *, city_id: int, now: datetime) -> None:
    """Orders ended unpaid; `lines` are rows with `order_id` and the name of their `group`."""
    held = [line["order_id"] for line in lines if line["group"] == "team"]
    if held:
        await groups.release(tx, held, city_id=city_id, now=now)
    bargains = [line["order_id"] for line in lines if line["group"] == "bargain"]
    if bargains:
        await groups.free_bargains(tx, bargains, city_id=city_id)


async def in_force(
    tx: Tx, known: dict[UUID, Offer], *, wanted: Collection[tuple[Wanted, ...]], city_id: int
) -> dict[UUID, Offer]:
    """The offers with the prices that hold now, where those move: the tier that a ladder has reached; and (by the id of
    the bargain) what a bargain has come to."""
    known = await _bargained(tx, known, wanted, city_id=city_id)
    moving = [offer.offer_id for offer in known.values() if isinstance(offer.form, Ladder)]
    if not moving:
        return known
    reached = await groups.ladders(tx, moving, city_id=city_id)
    return known | {
        offer_id: structs.replace(known[offer_id], form=structs.replace(known[offer_id].form, now_units=at.price_units))
        for offer_id, at in reached.items()
    }


async def _bargained(
    tx: Tx, known: dict[UUID, Offer], wanted: Collection[tuple[Wanted, ...]], *, city_id: int
) -> dict[UUID, Offer]:
    asked = {
        one.choice.id: known[one.offer_id]
        for wants in wanted
        for one in wants
        if one.choice is not None and one.choice.kind == "bargain" and one.choice.id and one.offer_id in known
    }
    if not asked:
        return known
    found = await groups.bargains(tx, list(asked), city_id=city_id)
    return known | {
        bargain_id: structs.replace(offer, form=structs.replace(offer.form, now_units=found[bargain_id].now_units))
        for bargain_id, offer in asked.items()
        if isinstance(offer.form, Bargain) and bargain_id in found
    }


def key_of(wanted: Wanted) -> UUID:
    """Under which id `in_force` has the offer of this wish."""
    bargained = wanted.choice is not None and wanted.choice.kind == "bargain" and wanted.choice.id
    return bargained or wanted.offer_id


class Bought(Struct, frozen=True, kw_only=True):
    """A line that is paid now and was bought together with others."""

    order_id: UUID
    offer_id: UUID
    merchant_id: UUID
    quantity: int
    promise: Promise


class Together(Struct, frozen=True):
    """What payments did to groups: orders whose vouchers need not wait, and earlier ones whose vouchers wake now."""

    awake: frozenset[UUID]
    earlier: tuple[UUID, ...]


NOBODY = Together(frozenset(), ())


async def confirm(
    tx: Tx, lines: Sequence[Bought], *, city_id: int, now: datetime
) -> Together:  # fmt: skip
    """Lines that are paid now: their seats are taken, teams may clinch, ladders climb."""
    if not lines:
        return NOBODY
    teams = sorted(line.order_id for line in lines if isinstance(line.promise.group, TeamUp))
    clinched, earlier = frozenset[UUID](), ()
    if teams:
        done = await groups.confirm(tx, teams, city_id=city_id, now=now)
        clinched, earlier = done.clinched, done.earlier
    climbing = [_climbing(line, line.promise.group, now) for line in lines if isinstance(line.promise.group, Climb)]
    final = await groups.climb(tx, climbing, city_id=city_id, now=now)
    bargains = [line.order_id for line in lines if isinstance(line.promise.group, Bargained)]
    if bargains:
        await groups.buy_bargains(tx, bargains, city_id=city_id, now=now)
    awake = {one.order_id for one, done in zip(climbing, final, strict=True) if done}
    return Together(clinched | awake, earlier)


def _climbing(line: Bought, group: Climb, now: datetime) -> groups.Climbing:
    return groups.Climbing(
        order_id=line.order_id, offer_id=line.offer_id, merchant_id=line.merchant_id, units=line.quantity,
        price_units=group.price_units, first_units=group.first_units, closes_at=line.promise.closes_at or now,
        tiers=tuple(groups.Step(from_units, price_units) for from_units, price_units in group.tiers),
    )  # fmt: skip


async def wake(tx: Tx, together: Together, *, city_id: int, now: datetime) -> None:
    """The vouchers of those who had waited for the others."""
    if together.earlier:
        await vouchers.wake(tx, together.earlier, city_id=city_id, now=now, reason="clinched")


class Held(Struct, frozen=True):
    """Teams and open ladders of orders, locked until the transaction ends."""

    seats: groups.Locked
    climbs: dict[UUID, UUID]


async def lock(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> Held:
    """The teams and ladders of these orders: locked before their vouchers are, as everywhere."""
    seats = await groups.lock(tx, order_ids, city_id=city_id)
    return Held(seats, await groups.lock_climbs(tx, order_ids, city_id=city_id))


async def leave(
    tx: Tx, units: Sequence[Any], *, gone: set[UUID], held: Held, city_id: int, now: datetime
) -> None:  # fmt: skip
    """Of the locked vouchers `units` those in `gone` go back: who keeps none leaves his team; a ladder counts less."""
    locked = held.seats
    down: dict[UUID, int] = {}
    for unit in units:
        if unit.voucher_id in gone and unit.order_id in held.climbs:
            down[unit.order_id] = down.get(unit.order_id, 0) + 1
    await groups.climb_down(tx, down, city_id=city_id)
    if not locked.of_order:
        return
    stays = {u.order_id for u in units if u.voucher_id not in gone and u.state not in ("refunding", "refunded", "void")}
    leaving = sorted({u.order_id for u in units if u.voucher_id in gone} & locked.of_order.keys() - stays)
    await groups.leave(tx, leaving, locked=locked, city_id=city_id, now=now)
