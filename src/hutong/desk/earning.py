"""Points for rights that were used: given after the redemption and taken back after its undo, never in its hot path.

At the till points are part of the bill's own transaction; this is for everything else.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from hutong import catalog, orders, programmes, vouchers
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.logs import get_logger
from hutong.infra.relay import Handler
from hutong.kit.access import EVERYTHING
from hutong.kit.clock import local_day
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.programmes import ClawBack, Earn, Partner, Programme, Source
from hutong.vouchers import Use, Voucher

log = get_logger("hutong.earning")
REDEEMED, REVERSED = "vouchers.redeemed", "vouchers.reversed"
ROUNDS = 50


def handler() -> Handler:
    """What the relay gives us: uses and their undos, in order."""

    async def do(tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        await reward(tx, [f.subject for f in facts if f.topic == REDEEMED], city_id=city_id, now=now)
        await take_back(tx, [f.subject for f in facts if f.topic == REVERSED], now=now)

    return Handler(name="programmes.earn", topics=frozenset({REDEEMED, REVERSED}), do=do)


async def reward(tx: Tx, redemption_ids: Sequence[UUID], *, city_id: int, now: datetime) -> None:
    """Give the points of these uses, unless they were undone meanwhile: for what the buyer paid, at whoever honoured
    the right. Who works for the merchant earns nothing at his own shop."""
    if not redemption_ids:
        return
    uses = await vouchers.uses_by_ids(tx, EVERYTHING, redemption_ids, city_id=city_id)
    live = await programmes.live(tx, sorted({use.merchant_id for use in uses}), at=now)
    able = [use for use in uses if use.merchant_id in live and use.paid_units and not use.own and not use.reversed_at]
    if not able:
        return
    held = {v.voucher_id: v for v in await vouchers.by_ids(tx, sorted({u.voucher_id for u in able}), city_id=city_id)}
    categories = await _categories(tx, live, list(held.values()), city_id)
    by_points = await orders.paid_without_money(tx, list(held), city_id=city_id)
    asks = [
        _ask(use, held[use.voucher_id], live[use.merchant_id][0], categories, by_points, city_id) for use in able
    ]  # fmt: skip
    for ask, answer in zip(asks, await programmes.earn(tx, asks, now=now), strict=True):
        if isinstance(answer, Refusal):  # who ran out of funding or into a cap is in `missed`
            log.info("no_points", source=str(ask.source.ref), reason=answer.code)


def _movement(use: Use) -> UUID:
    return derive(use.redemption_id, "earn")


class Earned(Struct, frozen=True):
    """What an order's uses earned its member: `points` in all; of them `pending`, the days from which so many can be
    used, the first first."""

    points: int
    pending: tuple[tuple[date, int], ...]


async def earned_by(tx: Tx, member_id: UUID, held: Sequence[Voucher], *, city_id: int, zone: str) -> Earned | None:
    """The points of the uses of these vouchers that the member held himself; None when they gave none. What was undone
    gave nothing. `zone`: the city's, for the days. No statement when nothing was used."""
    used = [v.voucher_id for v in held if v.member_id == member_id and v.uses_left < v.uses_total]
    if not used:
        return None
    uses = await vouchers.uses_of(tx, used, city_id=city_id)
    lots = await programmes.lots_of(tx, member_id, [_movement(use) for use in uses if use.reversed_at is None])
    days: Counter[date] = Counter()
    for lot in lots:
        if lot.state == "pending":
            days[local_day(lot.matures_at, zone)] += lot.points
    return Earned(sum(lot.points for lot in lots), tuple(sorted(days.items()))) if lots else None


def _ask(
    use: Use, held: Voucher, programme: Programme, categories: dict[UUID, str], by_points: dict[UUID, int],
    city_id: int,
) -> Earn:  # fmt: skip
    """What points and bonuses paid of the unit gives no points: this use's share of it, rounded up, is left out."""
    free = -(-by_points.get(held.voucher_id, 0) * use.paid_units // held.paid_units)
    return Earn(
        movement_id=_movement(use), programme_id=programme.programme_id, member_id=held.member_id,
        partner_id=use.merchant_id, city_id=city_id, store_id=use.store_id,
        source=Source("redemption", use.redemption_id), at=use.at,
        amount=Amount(max(0, use.paid_units - free), use.asset),
        category=categories.get(held.offer_id), staff_id=use.staff_id,
    )  # fmt: skip


async def _categories(
    tx: Tx, live: dict[UUID, tuple[Programme, Partner]], held: Sequence[Voucher], city_id: int
) -> dict[UUID, str]:
    """The categories of what was used, where rules or campaigns ask for them."""
    running = await programmes.campaigns(tx, [programme.programme_id for programme, _ in live.values()])
    asked = any(p.policy is not None and p.policy.categories for p, _ in live.values())
    if not asked and not any(campaign.categories for campaign in running):
        return {}
    offers = await catalog.offers(tx, sorted({voucher.offer_id for voucher in held}), city_id=city_id)
    return {offer.offer_id: offer.category for offer in offers if offer is not None}


async def take_back(tx: Tx, redemption_ids: Sequence[UUID], *, now: datetime) -> None:
    """The points of uses that were undone."""
    if not redemption_ids:
        return
    asks = [
        ClawBack(back_id=derive(source.ref, "claw_back"), programme_id=programme_id, member_id=member_id, source=source)
        for programme_id, member_id, source in await programmes.sources(tx, redemption_ids)
        if source.kind == "redemption"
    ]
    await programmes.claw_back(tx, asks, now=now)


async def sweep(db: Database, now: datetime) -> int:
    """What time does to points: they mature, they end, and holds that nobody ended are free again."""
    async with db.reading() as tx:
        found = await programmes.programmes(tx, at=now)
    done = 0
    for programme in found:
        city_id, programme_id = min(programme.cities), programme.programme_id
        for work in (programmes.release_due, programmes.mature, programmes.expire):
            for _ in range(ROUNDS):
                took = await db.run_city(city_id, lambda tx: work(tx, programme_id=programme_id, now=now))  # noqa: B023
                done += took
                if not took:
                    break
    return done
