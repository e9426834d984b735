"""Figures of programmes: partners' money for points, what was missed, and what points are owed and backed by."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import ledger
from hutong.infra.db import Tx
from hutong.kit.clock import day_start
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Book, chart
from hutong.programmes import queries
from hutong.programmes import refusals as no
from hutong.programmes._ground import of_programmes, plan, read_partners
from hutong.programmes.model import Earn, Parts
from hutong.programmes.shown import Block, Funding, Missed


async def funding(
    tx: Tx, programme_id: UUID, partner_ids: Collection[UUID], *, blocks: bool = False
) -> dict[UUID, Funding]:
    """Each partner's money for points; `blocks`: with his blocks, oldest first, and what is left of each."""
    found = await queries.partners(tx, programme_id, ids=partner_ids, left=True, limit=len(partner_ids) or 1)
    if not found:
        return {}
    currency = await tx.value(
        "select p.currency from programmes.programmes p where p.programme_id = %(id)s", id=programme_id
    )
    paths = [account(one.partner_id).path for one in found for account in (chart.funding, chart.receivable, chart.due)]
    balances = await ledger.balances_of(tx, [Book.programme(programme_id)], paths=paths)
    units = {one.path: one.posted.units for one in balances if one.posted.asset == currency}
    own = await _blocks(tx, programme_id, [one.partner_id for one in found], currency) if blocks else {}
    funded: dict[UUID, Funding] = {}
    for one in found:
        paid, owed = (units.get(account(one.partner_id).path, 0) for account in (chart.funding, chart.receivable))
        left = paid if one.mode == "prepaid" else one.limit_units - owed
        funded[one.partner_id] = Funding(
            partner_id=one.partner_id, mode=one.mode, left=Amount(left, currency), owed=Amount(owed, currency),
            due=Amount(units.get(chart.due(one.partner_id).path, 0), currency), low=left < one.alert_units,
            blocks=_left_of(own.get(one.partner_id, []), paid),
        )  # fmt: skip
    return funded


async def _blocks(
    tx: Tx, programme_id: UUID, partner_ids: Sequence[UUID], currency: str
) -> dict[UUID, list[Block]]:  # fmt: skip
    rows = await tx.rows(
        """select b.partner_id, b.block_id, b.units, b.at from programmes.blocks b
            where b.programme_id = %(programme)s and b.partner_id = any(%(partners)s::uuid[])
            order by b.at, b.block_id""",
        programme=programme_id, partners=list(partner_ids),
    )  # fmt: skip
    found: dict[UUID, list[Block]] = {}
    for row in rows:
        amount = Amount(row["units"], currency)
        block = Block(block_id=row["block_id"], amount=amount, left=amount, at=row["at"])
        found.setdefault(row["partner_id"], []).append(block)
    return found


def _left_of(blocks: Sequence[Block], left: int) -> tuple[Block, ...]:
    """The oldest block is used first, so what is left lies in the newest."""
    shown: list[Block] = []
    for block in reversed(blocks):
        part = max(0, min(left, block.amount.units))
        left -= part
        shown.append(
            Block(block_id=block.block_id, amount=block.amount, left=Amount(part, block.amount.asset), at=block.at)
        )
    return tuple(reversed(shown))


async def missed(
    tx: Tx, programme_id: UUID, partner_ids: Sequence[UUID] | None = None, *, since: datetime | None = None,
    until: datetime | None = None, open_only: bool = False, limit: int = 100,
) -> list[Missed]:  # fmt: skip
    """Purchases without points, newest first; `open_only`: whose points were not given later."""
    rows = await tx.rows(
        """select m.movement_id, m.partner_id, m.amount_units, m.points, m.why, m.at, m.granted_at, p.currency
             from programmes.missed m join programmes.programmes p on p.programme_id = m.programme_id
            where m.programme_id = %(programme)s and m.why <> 'undone'
              and (%(partners)s::uuid[] is null or m.partner_id = any(%(partners)s::uuid[]))
              and (%(since)s::timestamptz is null or m.at >= %(since)s)
              and (%(until)s::timestamptz is null or m.at < %(until)s)
              and (not %(open)s or (m.granted_at is null and m.amount_units > 0))
            order by m.at desc, m.movement_id desc limit %(limit)s""",
        programme=programme_id, partners=None if partner_ids is None else list(partner_ids), since=since, until=until,
        open=open_only, limit=limit,
    )  # fmt: skip
    return [
        Missed(
            movement_id=row["movement_id"], partner_id=row["partner_id"], points=row["points"], why=row["why"],
            amount=Amount(row["amount_units"], row["currency"]), at=row["at"], granted_at=row["granted_at"],
        )
        for row in rows
    ]  # fmt: skip


async def guess_earn(tx: Tx, wanted: Sequence[Earn], *, now: datetime) -> list[Parts | Refusal]:
    """What purchases would give as things stand; nothing is written, no cap and no funding is looked at."""
    if not wanted:
        return []
    ground = await of_programmes(tx, [one.programme_id for one in wanted])
    await read_partners(tx, ground, wanted, now=now)
    rows = await tx.rows(
        """select m.member_id, m.programme_id, m.growth from programmes.members m
            where m.member_id = any(%(members)s::uuid[])""",
        members=sorted({one.member_id for one in wanted}),
    )
    growth = {(row["member_id"], row["programme_id"]): row["growth"] for row in rows}
    results: list[Parts | Refusal] = []
    for one in wanted:
        if one.programme_id not in ground.programmes:
            results.append(no.ProgrammeUnknown())
            continue
        planned = plan(ground, one, growth.get((one.member_id, one.programme_id), 0), one.amount.units)
        results.append(planned if isinstance(planned, Refusal) else planned.parts)
    return results


class Month(Struct, frozen=True, kw_only=True):
    """A month of a programme, in its zone: points that moved, and what stood at its end.

    `liability`: face of the points outstanding; `reserve`: the money behind them; `breakage`: money of points that
    ended and stays with the programme; `margin`: what redeeming partners were not paid of the face.
    """

    month: date
    earned: int
    burnt: int
    clawed_back: int
    expired: int
    debt_made: int
    debt_paid: int
    liability: Amount
    reserve: Amount
    breakage: Amount
    margin: Amount


MONTHS = """select date_trunc('month', m.at at time zone %(zone)s)::date as month,
  coalesce(sum(m.points) filter (where m.kind = 'earn'), 0)::bigint as earned,
  coalesce(sum(m.points) filter (where m.kind = 'burn' and m.state = 'done'), 0)::bigint
    - coalesce(sum(m.points) filter (where m.kind = 'unburn'), 0)::bigint as burnt,
  coalesce(sum(m.points) filter (where m.kind = 'claw_back'), 0)::bigint as clawed_back,
  coalesce(sum(m.points) filter (where m.kind = 'expire'), 0)::bigint as expired,
  coalesce(sum(m.debt_part), 0)::bigint as debt_made,
  coalesce(sum(m.points) filter (where m.kind = 'debt_paid'), 0)::bigint as debt_paid,
  coalesce(sum(m.units - m.funded_units) filter (where m.kind = 'expire'), 0)::bigint as breakage,
  coalesce(sum(m.units - m.worth_units) filter (where m.kind = 'burn' and m.state = 'done'), 0)::bigint
    - coalesce(sum(m.units - m.worth_units) filter (where m.kind = 'unburn'), 0)::bigint as margin,
  coalesce(sum(case when m.kind = 'earn' then m.units when m.kind = 'unburn' then m.units
                    when m.kind in ('send', 'receive') or m.state <> 'done' then 0
                    else -m.units end), 0)::bigint as moved
  from programmes.movements m where m.programme_id = %(programme)s and m.at < %(until)s group by 1 order by 1"""


async def report(tx: Tx, programme_id: UUID, *, until: date) -> list[Month]:
    """Liability, breakage and reserve by month, up to the end of the day before `until` (in the programme's zone).

    Both sides are reckoned apart: the liability from points, the reserve from money. A burn that was held in one
    month and confirmed in another counts where it was held.
    """
    row = await tx.row(
        "select p.zone, p.currency, p.face_units from programmes.programmes p where p.programme_id = %(id)s",
        id=programme_id,
    )
    if row is None:
        return []
    end = day_start(until, row["zone"])
    rows = await tx.rows(MONTHS, programme=programme_id, zone=row["zone"], until=end)
    months: list[Month] = []
    points = reserve = 0
    for one in rows:
        net = one["earned"] - one["burnt"] - one["expired"]
        points += net - (one["clawed_back"] - one["debt_made"]) - one["debt_paid"]
        reserve += one["moved"]
        money: dict[str, Any] = {name: Amount(one[name], row["currency"]) for name in ("breakage", "margin")}
        counts: dict[str, Any] = {
            name: one[name] for name in Month.__struct_fields__ if name in one and name not in money
        }
        months.append(
            Month(
                **counts, **money, liability=Amount(points * row["face_units"], row["currency"]),
                reserve=Amount(reserve, row["currency"]),
            )
        )  # fmt: skip
    return months
