"""Bargains: opened by one, cut by friends, bought once at the price they came to, or over.

Bargains are locked sorted, then the budgets of their offers; a cut is decided under both.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong.groups.model import Cut, cut_of
from hutong.groups.refusals import (
    AlreadyHelped,
    BargainBudget,
    BargainNotYours,
    BargainOnce,
    BargainOver,
    BargainUnknown,
    NothingToCut,
    OwnBargain,
)
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal


class OpenBargain(Struct, frozen=True, kw_only=True):
    """A member begins a bargain. The numbers are those of the offer now; `face` is his name as others may see it."""

    bargain_id: UUID
    offer_id: UUID
    merchant_id: UUID
    member_id: UUID
    face: str
    price_units: int
    floor_units: int
    helpers: int
    hours: int
    budget_units: int


class HelpCut(Struct, frozen=True, kw_only=True):
    """A friend cuts the price of a bargain."""

    bargain_id: UUID
    member_id: UUID
    face: str


class TakeBargain(Struct, frozen=True, kw_only=True):
    """An order at the price that a bargain has come to."""

    order_id: UUID
    bargain_id: UUID
    offer_id: UUID
    member_id: UUID
    price_units: int


async def open_bargains(
    tx: Tx, asks: Sequence[OpenBargain], *, city_id: int, now: datetime
) -> list[UUID | Refusal]:  # fmt: skip
    """Begin each bargain; its hours run from `now`. One for each member and offer. Refusal: bargain_once."""
    first = {ask.offer_id: ask for ask in asks}
    offers = sorted(first)
    await tx.run(
        """insert into groups.budgets as b (city_id, offer_id, budget_units, spent_units)
           select %(city)s, k.offer, k.units, 0 from unnest(%(offers)s::uuid[], %(units)s::bigint[]) as k(offer, units)
           order by k.offer
           on conflict (city_id, offer_id) do update
             set budget_units = greatest(excluded.budget_units, b.spent_units)""",
        city=city_id, offers=offers, units=[first[o].budget_units for o in offers],
    )  # fmt: skip
    rows = await tx.rows(
        """insert into groups.bargains (city_id, bargain_id, offer_id, merchant_id, member_id, face, price_units,
                                        floor_units, cut_units, helpers, cuts, state, opened_at, closes_at)
           select %(city)s, b.id, b.offer, b.merchant, b.member, b.face, b.price, b.floor, 0, b.helpers, 0, 'open',
                  %(now)s, b.closes
           from unnest(%(ids)s::uuid[], %(offers)s::uuid[], %(merchants)s::uuid[], %(members)s::uuid[],
                       %(faces)s::text[], %(prices)s::bigint[], %(floors)s::bigint[], %(helpers)s::int[],
                       %(closes)s::timestamptz[])
                as b(id, offer, merchant, member, face, price, floor, helpers, closes)
           order by b.offer, b.member
           on conflict (city_id, offer_id, member_id) do nothing returning bargain_id""",
        city=city_id, now=now, ids=[a.bargain_id for a in asks], offers=[a.offer_id for a in asks],
        merchants=[a.merchant_id for a in asks], members=[a.member_id for a in asks], faces=[a.face for a in asks],
        prices=[a.price_units for a in asks], floors=[a.floor_units for a in asks], helpers=[a.helpers for a in asks],
        closes=[now + timedelta(hours=a.hours) for a in asks],
    )  # fmt: skip
    new = {row["bargain_id"] for row in rows}
    return [ask.bargain_id if ask.bargain_id in new else BargainOnce() for ask in asks]


async def _lock(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    rows = await tx.rows(
        """select * from groups.bargains where city_id = %(city)s and bargain_id = any(%(ids)s::uuid[])
           order by bargain_id for no key update""",
        city=city_id, ids=sorted(set(ids)),
    )  # fmt: skip
    return {row["bargain_id"]: row for row in rows}


async def help_cut(tx: Tx, asks: Sequence[HelpCut], *, city_id: int, now: datetime) -> list[Cut | Refusal]:
    """Each friend cuts, in the order of the list; what he cuts follows from the bargain's id and his place.

    A friend helps once for each offer (a unique key; who was faster elsewhere wins). Refusals: bargain_not_found,
    bargain_over, own_bargain, already_helped, nothing_to_cut, bargain_budget.
    """
    bargains = await _lock(tx, [ask.bargain_id for ask in asks], city_id=city_id)
    offers = sorted({row["offer_id"] for row in bargains.values()})
    if not offers:
        return [BargainUnknown() for _ in asks]
    left = await _left(tx, offers, city_id=city_id)
    helped = await _helped(tx, offers, [ask.member_id for ask in asks], city_id=city_id)
    results: list[Cut | Refusal] = []
    made: list[tuple[dict[str, Any], Cut]] = []
    for ask in asks:
        row = bargains.get(ask.bargain_id)
        result = _decide(ask, row, left, helped, now)
        results.append(result)
        if isinstance(result, Cut) and row is not None:
            row["cuts"], row["cut_units"] = row["cuts"] + 1, row["cut_units"] + result.units
            left[row["offer_id"]] -= result.units
            helped.add((row["offer_id"], ask.member_id))
            made.append((row, result))
    await _write(tx, made, city_id=city_id, now=now)
    return results


async def _left(tx: Tx, offers: Sequence[UUID], *, city_id: int) -> dict[UUID, int]:
    """What may still be cut off these offers, their budgets locked."""
    rows = await tx.rows(
        """select offer_id, budget_units - spent_units as units from groups.budgets
           where city_id = %(city)s and offer_id = any(%(offers)s::uuid[]) order by offer_id for no key update""",
        city=city_id, offers=list(offers),
    )  # fmt: skip
    return {row["offer_id"]: row["units"] for row in rows}


async def _helped(tx: Tx, offers: Sequence[UUID], members: Sequence[UUID], *, city_id: int) -> set[tuple[UUID, UUID]]:
    rows = await tx.rows(
        """select offer_id, member_id from groups.cuts where city_id = %(city)s
             and offer_id = any(%(offers)s::uuid[]) and member_id = any(%(members)s::uuid[])""",
        city=city_id, offers=list(offers), members=sorted(set(members)),
    )  # fmt: skip
    return {(row["offer_id"], row["member_id"]) for row in rows}


def _decide(
    ask: HelpCut, row: dict[str, Any] | None, left: dict[UUID, int], helped: set[tuple[UUID, UUID]], now: datetime
) -> Cut | Refusal:
    if row is None:
        return BargainUnknown()
    if row["state"] != "open" or now >= row["closes_at"]:
        return BargainOver()
    if row["member_id"] == ask.member_id:
        return OwnBargain()
    if (row["offer_id"], ask.member_id) in helped:
        return AlreadyHelped()
    if row["cuts"] >= row["helpers"]:
        return NothingToCut()
    seq = row["cuts"] + 1
    units = cut_of(
        row["bargain_id"], seq, price_units=row["price_units"], floor_units=row["floor_units"], helpers=row["helpers"]
    )
    if units > left.get(row["offer_id"], 0):
        return BargainBudget()
    return Cut(member_id=ask.member_id, face=ask.face, units=units, seq=seq)


async def _write(tx: Tx, made: Sequence[tuple[dict[str, Any], Cut]], *, city_id: int, now: datetime) -> None:
    if not made:
        return
    await tx.send(
        """with cut as (
             insert into groups.cuts (city_id, bargain_id, member_id, offer_id, seq, face, units, at)
             select %(city)s, c.bargain, c.member, c.offer, c.seq, c.face, c.units, %(now)s
             from unnest(%(bargains)s::uuid[], %(members)s::uuid[], %(offers)s::uuid[], %(seqs)s::int[],
                         %(faces)s::text[], %(units)s::bigint[]) as c(bargain, member, offer, seq, face, units)
             order by c.offer, c.member
             returning bargain_id, offer_id, units
           ), spent as (
             update groups.budgets b set spent_units = b.spent_units + k.units
             from (select offer_id, sum(units) as units from cut group by offer_id) k
             where b.city_id = %(city)s and b.offer_id = k.offer_id
           )
           update groups.bargains b set cuts = b.cuts + k.n, cut_units = b.cut_units + k.units
           from (select bargain_id, count(*)::int as n, sum(units) as units from cut group by bargain_id) k
           where b.city_id = %(city)s and b.bargain_id = k.bargain_id""",
        rival="groups.cuts", city=city_id, now=now, bargains=[row["bargain_id"] for row, _ in made],
        members=[cut.member_id for _, cut in made], offers=[row["offer_id"] for row, _ in made],
        seqs=[cut.seq for _, cut in made], faces=[cut.face for _, cut in made], units=[cut.units for _, cut in made],
    )  # fmt: skip


async def take_bargains(
    tx: Tx, asks: Sequence[TakeBargain], *, city_id: int, now: datetime
) -> list[Refusal | int]:  # fmt: skip
    """An order takes each bargain: until it is paid or ends, nobody cuts it and it is bought once. The price it stands
    at, which the caller compares with his. Refusals: bargain_not_found, bargain_not_yours, bargain_over."""
    bargains = await _lock(tx, [ask.bargain_id for ask in asks], city_id=city_id)
    results: list[Refusal | int] = []
    taken: list[TakeBargain] = []
    for ask in asks:
        row = bargains.get(ask.bargain_id)
        if row is None or row["offer_id"] != ask.offer_id:
            results.append(BargainUnknown())
        elif row["member_id"] != ask.member_id:
            results.append(BargainNotYours())
        elif row["state"] != "open" or now >= row["closes_at"]:
            results.append(BargainOver())
        else:
            price = row["price_units"] - row["cut_units"]
            results.append(price)
            if price == ask.price_units:
                row["state"] = "ordered"
                taken.append(ask)
    if taken:
        await tx.run(
            """update groups.bargains b set state = 'ordered', order_id = k.ord
               from unnest(%(ids)s::uuid[], %(orders)s::uuid[]) as k(id, ord)
               where b.city_id = %(city)s and b.bargain_id = k.id""",
            city=city_id, ids=[a.bargain_id for a in taken], orders=[a.order_id for a in taken],
        )  # fmt: skip
    return results


async def free_bargains(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> int:
    """These orders ended unpaid: their bargains are open again, as long as their time lasts. How many."""
    return await tx.run(
        """update groups.bargains set state = 'open', order_id = null
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and state = 'ordered'""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip


async def buy_bargains(tx: Tx, order_ids: Sequence[UUID], *, city_id: int, now: datetime) -> int:
    """These orders are paid: their bargains are bought. How many."""
    return await tx.run(
        """update groups.bargains set state = 'bought', ended_at = %(now)s
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and state = 'ordered'""",
        city=city_id, now=now, ids=sorted(set(order_ids)),
    )  # fmt: skip


async def end_bargains(tx: Tx, *, city_id: int, now: datetime, limit: int = 500) -> int:
    """End bargains whose time is over and that nobody is paying; what they had cut is in the budget again. How many."""
    return await tx.value(
        """with due as (
             select bargain_id from groups.bargains
             where city_id = %(city)s and state = 'open' and closes_at <= %(now)s
             order by bargain_id limit %(limit)s for no key update skip locked
           ), over as (
             update groups.bargains b set state = 'over', ended_at = %(now)s from due d
             where b.city_id = %(city)s and b.bargain_id = d.bargain_id returning b.offer_id, b.cut_units
           ), back as (
             update groups.budgets g set spent_units = g.spent_units - k.units
             from (select offer_id, sum(cut_units) as units from over group by offer_id) k
             where g.city_id = %(city)s and g.offer_id = k.offer_id
           )
           select count(*)::int from over""",
        city=city_id, now=now, limit=limit,
    )  # fmt: skip
