"""Rows of the mall: written with their order, locked before anything is decided about them, moved along their roads."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from hutong.catalog import Span
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.mall.model import ROADS, Delivery, Exchange, State
from hutong.mall.queries import COLUMNS, as_delivery


class Row(Struct, frozen=True, kw_only=True):
    """An exchange whose order stands; `paid`: nothing is left to pay."""

    ask: Exchange
    merchant_id: UUID
    programme_id: UUID
    points: int
    cost_units: int
    cash: Amount
    most: int | None
    span: Span
    begins: date
    paid: bool


class Move(Struct, frozen=True, kw_only=True):
    """One step of a locked parcel."""

    was: Delivery
    state: State
    by: UUID | None = None
    words: str = ""
    carrier: str = ""
    number: str = ""
    store_id: UUID | None = None


async def insert(tx: Tx, rows: Sequence[Row], *, city_id: int, now: datetime) -> None:
    """The exchanges, and a parcel for each that is to be sent, with its first step."""
    if not rows:
        return
    await tx.run(
        """insert into mall.exchanges (city_id, order_id, member_id, offer_id, merchant_id, programme_id, points,
                                       cost_units, cash_units, asset, units, ended_units, most, span, begins, way, at)
           select %(city)s, e.id, e.member, e.offer, e.merchant, e.programme, e.points, e.cost, e.cash, e.asset,
                  e.units, 0, e.most, e.span, e.begins, e.way, %(now)s
           from unnest(%(ids)s::uuid[], %(members)s::uuid[], %(offers)s::uuid[], %(merchants)s::uuid[],
                       %(programmes)s::uuid[], %(points)s::bigint[], %(costs)s::bigint[], %(cashes)s::bigint[],
                       %(assets)s::text[], %(units)s::int[], %(mosts)s::int[], %(spans)s::text[], %(begins)s::date[],
                       %(ways)s::text[])
             as e(id, member, offer, merchant, programme, points, cost, cash, asset, units, most, span, begins, way)
           order by e.id""",
        city=city_id, now=now, ids=[r.ask.place.order_id for r in rows],
        members=[r.ask.place.member_id for r in rows], offers=[r.ask.offer_id for r in rows],
        merchants=[r.merchant_id for r in rows], programmes=[r.programme_id for r in rows],
        points=[r.points for r in rows], costs=[r.cost_units for r in rows], cashes=[r.cash.units for r in rows],
        assets=[r.cash.asset for r in rows], units=[r.ask.units for r in rows], mosts=[r.most for r in rows],
        spans=[r.span for r in rows], begins=[r.begins for r in rows], ways=[r.ask.way for r in rows],
    )  # fmt: skip
    sent = [r for r in rows if r.ask.way == "delivery"]
    await tx.run(
        """with made as (
             insert into mall.deliveries (city_id, order_id, merchant_id, member_id, offer_id, units, state, sealed,
                                          carrier, number, asked_at, version)
             select %(city)s, d.id, d.merchant, d.member, d.offer, d.units, d.state, d.sealed, '', '', %(now)s, 1
             from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(members)s::uuid[], %(offers)s::uuid[],
                         %(units)s::int[], %(states)s::text[], %(sealed)s::bytea[])
               as d(id, merchant, member, offer, units, state, sealed)
             order by d.id returning order_id, state, member_id
           )
           insert into mall.steps (city_id, order_id, seq, state, at, by, words)
           select %(city)s, m.order_id, 1, m.state, %(now)s, m.member_id, '' from made m""",
        city=city_id, now=now, ids=[r.ask.place.order_id for r in sent], merchants=[r.merchant_id for r in sent],
        members=[r.ask.place.member_id for r in sent], offers=[r.ask.offer_id for r in sent],
        units=[r.ask.units for r in sent], states=["asked" if r.paid else "waiting" for r in sent],
        sealed=[r.ask.sealed for r in sent],
    )  # fmt: skip


async def lock(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Delivery]:
    """The parcels of these orders, locked in sorted order. They come before orders and vouchers."""
    rows = await tx.rows(
        f"""select {COLUMNS} from mall.deliveries d where d.city_id = %(city)s and d.order_id = any(%(ids)s::uuid[])
            order by d.order_id for no key update""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip
    return {row["order_id"]: as_delivery(row) for row in rows}


async def move(tx: Tx, moves: Sequence[Move], *, city_id: int, now: datetime) -> None:
    """Write steps of locked parcels. A parcel that is cancelled has no address any more: nobody sends it."""
    if not moves:
        return
    for one in moves:
        assert one.state in ROADS[one.was.state], f"no road from {one.was.state} to {one.state}"
    await tx.run(
        """with k as (
             select * from unnest(%(ids)s::uuid[], %(states)s::text[], %(bys)s::uuid[], %(words)s::text[],
                                  %(carriers)s::text[], %(numbers)s::text[], %(stores)s::uuid[])
                             as k(id, state, by, words, carrier, number, store)
           ), moved as (
             update mall.deliveries d
             set state = k.state, version = d.version + 1,
                 carrier = case when k.state = 'sent' then k.carrier else d.carrier end,
                 number = case when k.state = 'sent' then k.number else d.number end,
                 store_id = case when k.state = 'sent' then k.store else d.store_id end,
                 sent_at = case when k.state = 'sent' then %(now)s else d.sent_at end,
                 ended_at = case when k.state in ('delivered', 'returned', 'cancelled') then %(now)s end,
                 sealed = case when k.state = 'cancelled' then null else d.sealed end
             from k where d.city_id = %(city)s and d.order_id = k.id
             returning d.order_id, d.version
           )
           insert into mall.steps (city_id, order_id, seq, state, at, by, words)
           select %(city)s, k.id, m.version, k.state, %(now)s, k.by, k.words
           from k join moved m on m.order_id = k.id""",
        city=city_id, now=now, ids=[m.was.order_id for m in moves], states=[m.state for m in moves],
        bys=[m.by for m in moves], words=[m.words for m in moves], carriers=[m.carrier for m in moves],
        numbers=[m.number for m in moves], stores=[m.store_id for m in moves],
    )  # fmt: skip
    await tx.record([_fact(one, city_id, now) for one in moves])


def _fact(one: Move, city_id: int, now: datetime) -> Fact:
    """What happened to a parcel, for whoever tells its member: nothing of where it goes."""
    payload = {"state": one.state, "member_id": str(one.was.member_id), "by": str(one.by) if one.by else None}
    return Fact(
        fact_id=derive(one.was.order_id, f"parcel/{one.was.version + 1}"), city_id=city_id, topic="mall.moved",
        subject=one.was.order_id, payload=payload, at=now,
    )  # fmt: skip
