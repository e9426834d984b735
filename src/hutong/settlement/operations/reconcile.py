"""A provider's bill line by line against what we hold, and what we hold against the bill."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import payments
from hutong.infra.db import Tx
from hutong.kit.clock import day_start, local_day
from hutong.kit.money import Amount
from hutong.payments import Moved
from hutong.settlement import _steps
from hutong.settlement.reconciled import Line, What

Key = tuple[Line, UUID]


class BillEntry(Struct, frozen=True):
    """A capture or a refund as a provider's bill has it; `ref` is our payment or refund."""

    line: Line
    ref: UUID
    amount: Amount


class _Found(Struct, frozen=True, kw_only=True):
    """A difference to be kept: of which bill, what the bill says, what we say and since when."""

    key: Key
    what: What
    day: date
    bill: Amount | None = None
    ours: Amount | None = None
    our_day: date | None = None
    over: bool = False


async def compare_lines(
    tx: Tx, lines: Sequence[BillEntry], *, city_id: int, provider: str, day: date, zone: str, now: datetime
) -> list[bool]:
    """Whether each capture or refund on the bill of `day` is one of ours, of that amount. Each that is not is kept as a
    difference and is a task. Call it once for a bill, in the transaction that books it, the earlier days first.

    Near midnight the bill decides: what it has on another day of `zone` than the one on which we heard of it agrees
    and is kept as `other_day`. So what we hold and the bill does not have is kept as `ours_only` at once, but is
    nobody's task before the bill of the next day is booked and does not have it either. What agrees later (we heard
    of it at last, or the next bill has it) ends, and its task with it.
    """
    billed = _sums(lines)
    waiting = await _waiting(tx, city_id=city_id, provider=provider)
    wanted = {*billed, *((row["line"], row["ref"]) for row in waiting)}
    since, until = day_start(day, zone), day_start(day + timedelta(days=1), zone)
    held = await payments.moved(
        tx, provider, city_id=city_id, since=since, until=until,
        captures=sorted(ref for line, ref in wanted if line == "capture"),
        refunds=sorted(ref for line, ref in wanted if line == "refund"),
    )  # fmt: skip
    ours: dict[Key, Moved] = {(one.line, one.id): one for one in held}
    found = [one for key, amount in billed.items() if (one := _judge(key, amount, ours.get(key), day, zone))]
    late, over, missing = _again(waiting, billed, ours, zone)
    lone: list[Key] = [key for key, one in ours.items() if key not in billed and since <= one.at < until]
    elsewhere = {one.key for one in late} | await _elsewhere(tx, lone, city_id=city_id, provider=provider)
    unbilled = [
        _Found(key=key, what="ours_only", day=day, ours=ours[key].amount, our_day=day)
        for key in sorted(set(lone) - elsewhere)
    ]
    await _write(tx, [*found, *late, *unbilled], city_id=city_id, provider=provider, now=now)
    await _end(tx, over, city_id=city_id, provider=provider, now=now)
    odd = [one for one in found if one.what != "other_day"]
    new = [(one.key, day, one.bill, one.ours) for one in odd]
    await _open(tx, [*new, *missing], city_id=city_id, provider=provider, now=now)
    wrong = {one.key for one in odd}
    agreed: list[tuple[Line, Amount]] = [(key[0], amount) for key, amount in billed.items() if key not in wrong]
    await _matched(tx, agreed, city_id=city_id, provider=provider, day=day)
    return [(one.line, one.ref) not in wrong for one in lines]


def _sums(lines: Sequence[BillEntry]) -> dict[Key, Amount]:
    """A number that stands twice on a bill is one movement of both, so that it cannot agree by its first line.

    In two assets it cannot be one: then the first counts, and the audit says that the bill does not add up."""
    found: dict[Key, Amount] = {}
    for one in lines:
        key = (one.line, one.ref)
        before = found.setdefault(key, Amount(0, one.amount.asset))
        if before.asset == one.amount.asset:
            found[key] = before + one.amount
    return found


def _judge(key: Key, amount: Amount, mine: Moved | None, day: date, zone: str) -> _Found | None:
    """What is odd about a line of the bill; None when we heard of just that on just that day."""
    if mine is None:
        return _Found(key=key, what="bill_only", day=day, bill=amount)
    heard = local_day(mine.at, zone)
    if mine.amount != amount:
        return _Found(key=key, what="amount", day=day, bill=amount, ours=mine.amount, our_day=heard)
    if heard != day:
        return _Found(key=key, what="other_day", day=day, bill=amount, ours=amount, our_day=heard, over=True)
    return None


Missing = tuple[Key, date, Amount | None, Amount | None]


def _again(
    waiting: Sequence[dict[str, Any]], billed: Mapping[Key, Amount], ours: Mapping[Key, Moved], zone: str
) -> tuple[list[_Found], list[dict[str, Any]], list[Missing]]:
    """Differences of earlier bills seen again: those that we heard of since, those that are over, those that this bill
    does not have either and that are a task now."""
    late: list[_Found] = []
    over: list[dict[str, Any]] = []
    missing: list[Missing] = []
    for row in waiting:
        key: Key = (row["line"], row["ref"])
        mine = ours.get(key)
        if row["what"] == "ours_only":
            if key in billed:
                over.append(row)
            else:
                missing.append((key, row["day"], None, Amount(row["our_units"], row["our_asset"])))
        elif mine is not None and mine.amount == Amount(row["bill_units"], row["bill_asset"]):
            over.append(row)
            heard = local_day(mine.at, zone)
            if heard != row["day"]:
                late.append(_Found(key=key, what="other_day", day=row["day"], bill=mine.amount, ours=mine.amount,
                                   our_day=heard, over=True))  # fmt: skip
    return late, over, missing


async def _waiting(tx: Tx, *, city_id: int, provider: str) -> list[dict[str, Any]]:
    return await tx.rows(
        """select day, line, ref, what, bill_units, bill_asset, our_units, our_asset from settlement.bill_differences
           where city_id = %(city)s and provider = %(provider)s and ended_at is null
           order by day, line, ref, what for no key update""",
        city=city_id,
        provider=provider,
    )


async def _elsewhere(tx: Tx, keys: Sequence[Key], *, city_id: int, provider: str) -> set[Key]:
    """Those of them that stand on another bill already."""
    rows = await tx.rows(
        """select line, ref from settlement.bill_differences
           where city_id = %(city)s and provider = %(provider)s and ref = any(%(refs)s::uuid[])
             and what in ('other_day', 'amount')""",
        city=city_id, provider=provider, refs=sorted({ref for _, ref in keys}),
    )  # fmt: skip
    return {(row["line"], row["ref"]) for row in rows}


async def _write(tx: Tx, found: Sequence[_Found], *, city_id: int, provider: str, now: datetime) -> None:
    if not found:
        return
    await tx.run(
        """insert into settlement.bill_differences (city_id, provider, day, line, ref, what, bill_units, bill_asset,
                                                    our_units, our_asset, our_day, at, ended_at)
           select %(city)s, %(provider)s, d.day, d.line, d.ref, d.what, d.bill, d.bill_asset, d.ours, d.our_asset,
                  d.our_day, %(now)s, case when d.over then %(now)s::timestamptz end
           from unnest(%(days)s::date[], %(lines)s::text[], %(refs)s::uuid[], %(whats)s::text[], %(bills)s::bigint[],
                       %(bill_assets)s::text[], %(ours)s::bigint[], %(our_assets)s::text[], %(our_days)s::date[],
                       %(overs)s::boolean[])
             as d(day, line, ref, what, bill, bill_asset, ours, our_asset, our_day, over)
           on conflict do nothing""",
        city=city_id, provider=provider, now=now, days=[f.day for f in found], lines=[f.key[0] for f in found],
        refs=[f.key[1] for f in found], whats=[f.what for f in found],
        bills=[f.bill.units if f.bill else None for f in found],
        bill_assets=[f.bill.asset if f.bill else None for f in found],
        ours=[f.ours.units if f.ours else None for f in found],
        our_assets=[f.ours.asset if f.ours else None for f in found], our_days=[f.our_day for f in found],
        overs=[f.over for f in found],
    )  # fmt: skip


async def _end(tx: Tx, over: Sequence[dict[str, Any]], *, city_id: int, provider: str, now: datetime) -> None:
    """These agree now: nobody has to look at them any more."""
    if not over:
        return
    await tx.run(
        """update settlement.bill_differences d set ended_at = %(now)s
           from unnest(%(days)s::date[], %(lines)s::text[], %(refs)s::uuid[], %(whats)s::text[])
             as o(day, line, ref, what)
           where d.city_id = %(city)s and d.provider = %(provider)s and d.day = o.day and d.line = o.line
             and d.ref = o.ref and d.what = o.what""",
        city=city_id, provider=provider, now=now, days=[r["day"] for r in over], lines=[r["line"] for r in over],
        refs=[r["ref"] for r in over], whats=[r["what"] for r in over],
    )  # fmt: skip
    await tx.run(
        """update settlement.tasks set closed_at = %(now)s, outcome = 'ended'
           where city_id = %(city)s and kind = 'bill_differs' and ref = any(%(refs)s::uuid[]) and closed_at is null""",
        city=city_id, now=now, refs=[r["ref"] for r in over],
    )  # fmt: skip


async def _open(tx: Tx, odd: Sequence[Missing], *, city_id: int, provider: str, now: datetime) -> None:
    tasks = [
        _steps.Open(
            kind="bill_differs", ref=key[1],
            note=f"{provider} {day}: {bill.decimal() if bill else '—'} / {mine.decimal() if mine else '—'}",
        )
        for key, day, bill, mine in odd
    ]  # fmt: skip
    await _steps.open_tasks(tx, tasks, city_id=city_id, now=now)


async def _matched(
    tx: Tx, agreed: Sequence[tuple[Line, Amount]], *, city_id: int, provider: str, day: date
) -> None:  # fmt: skip
    """How much of each sum of this bill agrees."""
    await tx.run(
        """update settlement.bills b
           set captured_matched = m.captured, refunded_matched = m.refunded
           from (
             select k.asset, coalesce(sum(a.units) filter (where a.line = 'capture'), 0)::bigint as captured,
                    coalesce(sum(a.units) filter (where a.line = 'refund'), 0)::bigint as refunded
             from settlement.bills k
             left join unnest(%(lines)s::text[], %(assets)s::text[], %(units)s::bigint[]) as a(line, asset, units)
               on a.asset = k.asset
             where k.city_id = %(city)s and k.provider = %(provider)s and k.day = %(day)s
             group by k.asset
           ) m
           where b.city_id = %(city)s and b.provider = %(provider)s and b.day = %(day)s and b.asset = m.asset""",
        city=city_id, provider=provider, day=day, lines=[line for line, _ in agreed],
        assets=[amount.asset for _, amount in agreed], units=[amount.units for _, amount in agreed],
    )  # fmt: skip
