"""Reads of payouts: of a payee, of a city, batches, accounts and tasks. Who may see is the caller's."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from hutong import merchants
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.settlement.paying import Batch, PayAccount, Payee, Payout, PayoutChange, Standing, Task


async def payouts_of(
    tx: Tx, payee: Payee, *, city_id: int, asset: str, limit: int = 50, after: tuple[datetime, UUID] | None = None
) -> list[Payout]:
    """The payouts of a payee in this city, newest first, behind `after`."""
    at, last = after or (None, None)
    rows = await tx.rows(
        """select * from settlement.payouts
           where city_id = %(city)s and payee_kind = %(kind)s and payee_id = %(id)s and asset = %(asset)s
             and (%(at)s::timestamptz is null or (asked_at, payout_id) < (%(at)s::timestamptz, %(last)s::uuid))
           order by asked_at desc, payout_id desc limit %(limit)s""",
        city=city_id, kind=payee.kind, id=payee.id, asset=asset, at=at, last=last, limit=limit,
    )  # fmt: skip
    return [as_payout(row) for row in rows]


async def payouts_in(
    tx: Tx, *, city_id: int, states: Sequence[str] = (), batch_id: UUID | None = None, limit: int = 200
) -> list[Payout]:
    """The payouts of a city, newest first; of these states, of this batch."""
    rows = await tx.rows(
        """select * from settlement.payouts
           where city_id = %(city)s and (cardinality(%(states)s::text[]) = 0 or state = any(%(states)s::text[]))
             and (%(batch)s::uuid is null or batch_id = %(batch)s::uuid)
           order by asked_at desc, payout_id desc limit %(limit)s""",
        city=city_id, states=list(states), batch=batch_id, limit=limit,
    )  # fmt: skip
    return [as_payout(row) for row in rows]


async def payout(tx: Tx, payout_id: UUID, *, city_id: int) -> tuple[Payout, list[PayoutChange]] | None:
    """A payout with its history, the oldest step first; None when there is none."""
    row = await tx.row(
        "select * from settlement.payouts where city_id = %(city)s and payout_id = %(id)s", city=city_id, id=payout_id
    )
    if row is None:
        return None
    steps = await tx.rows(
        """select seq, state, cause, by, note, at from settlement.payout_changes
           where city_id = %(city)s and payout_id = %(id)s order by seq""",
        city=city_id,
        id=payout_id,
    )
    return as_payout(row), [PayoutChange(**step) for step in steps]


async def batches(tx: Tx, *, city_id: int, limit: int = 60) -> list[Batch]:
    """The batches of a city, newest day first."""
    rows = await tx.rows(
        """select * from settlement.batches where city_id = %(city)s
           order by day desc, made_at desc, batch_id limit %(limit)s""",
        city=city_id,
        limit=limit,
    )
    return [as_batch(row) for row in rows]


async def batch(tx: Tx, batch_id: UUID, *, city_id: int) -> Batch | None:
    """A batch of this city."""
    row = await tx.row(
        "select * from settlement.batches where city_id = %(city)s and batch_id = %(id)s", city=city_id, id=batch_id
    )
    return as_batch(row) if row else None


async def standings(tx: Tx, payees: Sequence[Payee], *, at: datetime) -> dict[Payee, Standing]:
    """Where money for each payee goes at that instant: the last approved account once it may be used; for a merchant
    without one, what stands in his own record."""
    rows = await tx.rows(
        """select distinct on (a.payee_kind, a.payee_id) a.payee_kind, a.payee_id, a.account, a.usable_from
           from settlement.accounts a
           join unnest(%(kinds)s::text[], %(ids)s::uuid[]) as k(kind, id)
             on a.payee_kind = k.kind and a.payee_id = k.id
           where a.state = 'approved' order by a.payee_kind, a.payee_id, a.version desc""",
        kinds=[p.kind for p in payees],
        ids=[p.id for p in payees],
    )
    found = {Payee(row["payee_kind"], row["payee_id"]): row for row in rows}
    plain = [p.id for p in payees if p.kind == "merchant" and p not in found]
    records = await merchants.merchants(tx, plain) if plain else {}
    answers: dict[Payee, Standing] = {}
    for payee in payees:
        row, record = found.get(payee), records.get(payee.id) if payee.kind == "merchant" else None
        if row is None:
            answers[payee] = Standing(account=record.payout_account if record else None)
        elif row["usable_from"] > at:
            answers[payee] = Standing(account=None, resting=row["usable_from"])
        else:
            answers[payee] = Standing(account=row["account"])
    return answers


async def accounts_of(tx: Tx, payee: Payee) -> list[PayAccount]:
    """Every account that was ever proposed for a payee, the newest first."""
    rows = await tx.rows(
        """select * from settlement.accounts where payee_kind = %(kind)s and payee_id = %(id)s
           order by version desc limit 50""",
        kind=payee.kind,
        id=payee.id,
    )
    return [as_account(row) for row in rows]


async def accounts_waiting(tx: Tx, *, limit: int = 200) -> list[PayAccount]:
    """Changes of accounts that wait for a second person, the oldest first."""
    rows = await tx.rows(
        """select * from settlement.accounts where state = 'proposed'
           order by proposed_at, payee_kind, payee_id limit %(limit)s""",
        limit=limit,
    )
    return [as_account(row) for row in rows]


async def tasks_open(tx: Tx, *, city_id: int, payee: Payee | None = None, limit: int = 200) -> list[Task]:
    """What a person has to look at, of a city or of one payee in it, the oldest first."""
    rows = await tx.rows(
        """select * from settlement.tasks where city_id = %(city)s and closed_at is null
             and (%(kind)s::text is null or (payee_kind = %(kind)s::text and payee_id = %(id)s::uuid))
           order by opened_at, task_id limit %(limit)s""",
        city=city_id, kind=payee.kind if payee else None, id=payee.id if payee else None, limit=limit,
    )  # fmt: skip
    return [_as_task(row) for row in rows]


async def booked_days(tx: Tx, *, city_id: int, since: date) -> set[tuple[str, date]]:
    """The days from `since` on whose bill is booked in this city, with the name of the provider."""
    rows = await tx.rows(
        "select distinct provider, day from settlement.bills where city_id = %(city)s and day >= %(since)s",
        city=city_id,
        since=since,
    )
    return {(row["provider"], row["day"]) for row in rows}


def as_payout(row: dict[str, Any]) -> Payout:
    """A row of `settlement.payouts` as a value."""
    names = [n for n in Payout.__struct_fields__ if n not in ("payee", "amount")]
    return Payout(
        **{name: row[name] for name in names}, payee=Payee(row["payee_kind"], row["payee_id"]),
        amount=Amount(row["units"], row["asset"]),
    )  # fmt: skip


def as_batch(row: dict[str, Any]) -> Batch:
    """A row of `settlement.batches` as a value."""
    names = [n for n in Batch.__struct_fields__ if n != "amount"]
    return Batch(**{name: row[name] for name in names}, amount=Amount(row["units"], row["asset"]))


def as_account(row: dict[str, Any]) -> PayAccount:
    """A row of `settlement.accounts` as a value."""
    names = [n for n in PayAccount.__struct_fields__ if n != "payee"]
    return PayAccount(**{name: row[name] for name in names}, payee=Payee(row["payee_kind"], row["payee_id"]))


def _as_task(row: dict[str, Any]) -> Task:
    names = [n for n in Task.__struct_fields__ if n != "payee"]
    payee = Payee(row["payee_kind"], row["payee_id"]) if row["payee_id"] else None
    return Task(**{name: row[name] for name in names}, payee=payee)
