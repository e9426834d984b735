"""Bills into their tables, and back into values."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.till.deciding import Decided
from hutong.till.model import Bill, Earnt, Pay, burn_of, earn_of

CLAIM = """
insert into till.events (city_id, merchant_id, event_id, at)
select %(city)s, e.merchant_id, e.event_id, %(now)s
from unnest(%(merchants)s::uuid[], %(events)s::text[]) as e(merchant_id, event_id)
order by e.merchant_id, e.event_id on conflict do nothing"""


def bill_of(decided: Decided, *, city_id: int, now: datetime, window: timedelta) -> Bill:
    """The bill that stands now, in the order in which it is read again."""
    ask = decided.ask
    return Bill(
        city_id=city_id, bill_id=ask.bill_id, event_id=ask.event_id, merchant_id=ask.merchant_id,
        store_id=ask.store_id, store_name=ask.store_name, staff_id=ask.staff_id, staff_name=ask.staff_name,
        member_id=decided.member_id, holder=decided.holder, amount=ask.amount, discounted=decided.discounted,
        paid=decided.paid, collect=decided.collect, at=now, bought_at=ask.bought_at or now, undo_until=now + window,
        way=decided.way, source=ask.source, category=ask.category, points=decided.points,
        points_off=decided.points_off, programme_id=decided.programme_id,
        burn_id=burn_of(ask.bill_id) if decided.points else None, pay=_pay(decided, now),
        discounts=tuple(sorted(decided.discounts, key=lambda one: one.promotion_id)),
        uses=tuple(sorted((t.used(ask.amount.asset) for t in decided.takes), key=lambda one: one.redemption_id)),
    )  # fmt: skip


def _pay(decided: Decided, now: datetime) -> Pay | None:
    ask = decided.ask
    if ask.pay_by is None or ask.payment_id is None:
        return None
    return Pay(
        provider=ask.pay_by, amount=decided.collect, state="open", payment_id=ask.payment_id, tries=1, asked_at=now,
        changed_at=now,
    )  # fmt: skip


async def insert(tx: Tx, bills: Sequence[Bill], *, city_id: int) -> set[UUID]:
    """Write bills with their uses and discounts; the ids of those written. One is missing when its event was taken."""
    if not bills:
        return set()
    uses = [(bill.bill_id, use) for bill in bills for use in bill.uses]
    discounts = [(bill.bill_id, one) for bill in bills for one in bill.discounts]
    written = await tx.rows(
        load(__package__, "insert"), city=city_id,
        ids=[b.bill_id for b in bills], events=[b.event_id for b in bills], merchants=[b.merchant_id for b in bills],
        stores=[b.store_id for b in bills], store_names=[b.store_name for b in bills],
        staff=[b.staff_id for b in bills], staff_names=[b.staff_name for b in bills],
        members=[b.member_id for b in bills], holders=[b.holder for b in bills],
        ways=[b.way for b in bills], sources=[b.source for b in bills], categories=[b.category for b in bills],
        points_off=[b.points_off.units for b in bills], points=[b.points for b in bills],
        programmes=[b.programme_id for b in bills], burns=[b.burn_id for b in bills],
        boughts=[b.bought_at for b in bills],
        assets=[b.amount.asset for b in bills], amounts=[b.amount.units for b in bills],
        discounted=[b.discounted.units for b in bills], paid=[b.paid.units for b in bills],
        collects=[b.collect.units for b in bills], ats=[b.at for b in bills], untils=[b.undo_until for b in bills],
        use_bills=[bill for bill, _ in uses], use_ids=[u.redemption_id for _, u in uses],
        use_vouchers=[u.voucher_id for _, u in uses], use_offers=[u.offer_id for _, u in uses],
        use_roles=[u.role for _, u in uses], use_titles=[Jsonb(u.title) for _, u in uses],
        use_tails=[u.code_tail for _, u in uses], use_units=[u.amount.units for _, u in uses],
        use_counts=[u.count for _, u in uses], use_lefts=[u.uses_left for _, u in uses],
        off_bills=[bill for bill, _ in discounts], off_ids=[d.promotion_id for _, d in discounts],
        off_uses=[d.redemption_id for _, d in discounts], off_names=[Jsonb(d.name) for _, d in discounts],
        off_units=[d.amount.units for _, d in discounts], off_shares=[Jsonb(d.shares) for _, d in discounts],
        off_budgeted=[d.budgeted for _, d in discounts],
    )  # fmt: skip
    return {row["bill_id"] for row in written}


async def claim_events(tx: Tx, keys: Sequence[tuple[UUID, str]], *, city_id: int, now: datetime) -> None:
    """Claim the numbers of tills, sorted: who names one that another transaction is at waits for its end."""
    ordered = sorted(set(keys))
    await tx.run(
        CLAIM, city=city_id, now=now, merchants=[merchant for merchant, _ in ordered],
        events=[event for _, event in ordered],
    )  # fmt: skip


async def voids_of(
    tx: Tx, keys: Sequence[tuple[UUID, str]], *, city_id: int
) -> dict[tuple[UUID, str], datetime]:  # fmt: skip
    """Which of these events are void, and since when."""
    rows = await tx.rows(
        """select merchant_id, event_id, at from till.voids
           where city_id = %(city)s and (merchant_id, event_id) in (
             select k.merchant_id, k.event_id from unnest(%(merchants)s::uuid[], %(events)s::text[])
               as k(merchant_id, event_id))""",
        city=city_id, merchants=[merchant for merchant, _ in keys], events=[event for _, event in keys],
    )  # fmt: skip
    return {(row["merchant_id"], row["event_id"]): row["at"] for row in rows}


async def insert_earns(tx: Tx, given: Sequence[tuple[Bill, Earnt]], *, city_id: int) -> None:
    """What bills gave."""
    if not given:
        return
    await tx.run(
        """insert into till.earns (city_id, bill_id, movement_id, programme_id, member_id, amount_units, base, bonus,
                                   campaign, matures_at, expires_at, rule, why, at)
           select %(city)s, unnest(%(bills)s::uuid[]), unnest(%(moves)s::uuid[]), unnest(%(programmes)s::uuid[]),
                  unnest(%(members)s::uuid[]), unnest(%(units)s::bigint[]), unnest(%(bases)s::bigint[]),
                  unnest(%(bonuses)s::bigint[]), unnest(%(campaigns)s::bigint[]), unnest(%(matures)s::timestamptz[]),
                  unnest(%(expires)s::timestamptz[]), unnest(%(rules)s::text[]), unnest(%(whys)s::text[]),
                  unnest(%(ats)s::timestamptz[])""",
        city=city_id, bills=[b.bill_id for b, _ in given], moves=[earn_of(b.bill_id) for b, _ in given],
        programmes=[e.programme_id for _, e in given], members=[b.member_id for b, _ in given],
        units=[e.amount.units for _, e in given], bases=[e.base for _, e in given],
        bonuses=[e.bonus for _, e in given], campaigns=[e.campaign for _, e in given],
        matures=[e.matures_at for _, e in given], expires=[e.expires_at for _, e in given],
        rules=[e.rule for _, e in given], whys=[e.why for _, e in given], ats=[e.at for _, e in given],
    )  # fmt: skip


async def insert_pays(tx: Tx, bills: Sequence[Bill], *, city_id: int) -> None:
    """How bills are to be paid by phone."""
    pays = [(bill.bill_id, bill.pay) for bill in bills if bill.pay is not None]
    if not pays:
        return
    await tx.run(
        """insert into till.pays (city_id, bill_id, provider, asset, units, state, tries, payment_id, asked_at,
                                  changed_at)
           select %(city)s, p.* from unnest(
             %(bills)s::uuid[], %(providers)s::text[], %(assets)s::text[], %(units)s::bigint[], %(states)s::text[],
             %(tries)s::int[], %(payments)s::uuid[], %(ats)s::timestamptz[], %(ats)s::timestamptz[]) as p""",
        city=city_id, bills=[bill for bill, _ in pays], providers=[p.provider for _, p in pays],
        assets=[p.amount.asset for _, p in pays], units=[p.amount.units for _, p in pays],
        states=[p.state for _, p in pays], tries=[p.tries for _, p in pays],
        payments=[p.payment_id for _, p in pays], ats=[p.asked_at for _, p in pays],
    )  # fmt: skip
