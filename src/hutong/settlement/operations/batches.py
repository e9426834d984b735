"""Batches: what a city is paid out on a day, made once; above a limit a second person lets it go."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import ledger
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.ledger import Book
from hutong.settlement import _steps
from hutong.settlement.operations.pay_out import ask_payouts, let_go
from hutong.settlement.paying import AskPayout, Batch, BatchUnknown, MakeBatch, Payee, PayoutAsked, SecondPerson
from hutong.settlement.payouts import as_batch, standings

PAYEES = 1_000_000  # of one city in one batch: more than there are


async def make_batches(tx: Tx, asks: Sequence[MakeBatch], *, city_id: int, now: datetime) -> list[Batch]:
    """Reserve what is payable to everybody in the city: one batch for each day, provider and asset.

    A day that has its batch keeps it: that one is the answer. Left out, and kept for the next batch: balances below
    `least_units` (negative ones too), payees whose last payout is still open, whose new account still rests, and
    those without an account - these become a task.
    """
    return [await _make(tx, ask, city_id=city_id, now=now) for ask in asks]  # a city has one or two


async def _make(tx: Tx, ask: MakeBatch, *, city_id: int, now: datetime) -> Batch:
    rows = await tx.rows(
        """insert into settlement.batches (city_id, batch_id, day, provider, asset, state, count, units, made_by,
                                           made_at)
           values (%(city)s, %(id)s, %(day)s, %(provider)s, %(asset)s, 'sent', 0, 0, %(by)s, %(now)s)
           on conflict (city_id, day, provider, asset) do nothing returning *""",
        city=city_id, id=ask.batch_id, day=ask.day, provider=ask.provider, asset=ask.asset, by=ask.by, now=now,
    )  # fmt: skip
    if not rows:
        there = await tx.row(
            """select * from settlement.batches where city_id = %(city)s and day = %(day)s
               and provider = %(provider)s and asset = %(asset)s""",
            city=city_id, day=ask.day, provider=ask.provider, asset=ask.asset,
        )  # fmt: skip
        assert there is not None
        return as_batch(there)
    wanted = await _payable(tx, ask, city_id=city_id, now=now)
    total = sum(units for _, units, _ in wanted)
    waiting = ask.limit_units is not None and total > ask.limit_units
    asked = [
        r
        for r in await ask_payouts(
            tx, [_ask(ask, payee, account) for payee, _, account in wanted], city_id=city_id, now=now, waiting=waiting
        )
        if isinstance(r, PayoutAsked)
    ]
    row = await tx.row(
        """update settlement.batches set count = %(count)s, units = %(units)s, state = %(state)s
           where city_id = %(city)s and batch_id = %(id)s returning *""",
        city=city_id, id=ask.batch_id, count=len(asked), units=sum(r.amount.units for r in asked),
        state="waiting" if waiting and asked else "sent",
    )  # fmt: skip
    assert row is not None
    return as_batch(row)


def _ask(ask: MakeBatch, payee: Payee, account: str) -> AskPayout:
    return AskPayout(
        payout_id=derive(ask.batch_id, f"{payee.kind}/{payee.id}"), provider=ask.provider, asset=ask.asset,
        merchant_id=payee.id if payee.kind == "merchant" else None,
        operator_id=payee.id if payee.kind == "operator" else None, account=account, by=ask.by, batch_id=ask.batch_id,
    )  # fmt: skip


async def _payable(
    tx: Tx, ask: MakeBatch, *, city_id: int, now: datetime
) -> list[tuple[Payee, int, str]]:  # fmt: skip
    """Who has enough, has no payout on its way, and has an account that may be used: with the units and the account."""
    stands: dict[Payee, int] = {}
    for kind in ("merchant", "operator"):
        prefix = f"payable/{kind}/"
        book = Book.city(city_id)
        for one in await ledger.balances(tx, book, prefix=prefix, asset=ask.asset, limit=PAYEES):
            if one.available.units >= max(1, ask.least_units):
                stands[Payee(kind, UUID(one.path.removeprefix(prefix)))] = one.available.units
    busy = await tx.rows(
        """select payee_kind, payee_id from settlement.payouts
           where city_id = %(city)s and asset = %(asset)s and state in ('waiting', 'asked', 'unknown')""",
        city=city_id,
        asset=ask.asset,
    )
    free = stands.keys() - {Payee(row["payee_kind"], row["payee_id"]) for row in busy}
    accounts = await standings(tx, sorted(free), at=now)
    homeless = [p for p in sorted(free) if accounts[p].account is None and accounts[p].resting is None]
    tasks = [_steps.Open(kind="no_account", ref=p.id, payee_kind=p.kind, payee_id=p.id) for p in homeless]
    await _steps.open_tasks(tx, tasks, city_id=city_id, now=now)
    return [(p, stands[p], account) for p in sorted(free) if (account := accounts[p].account) is not None]


async def decide_batches(
    tx: Tx, ids: Sequence[UUID], *, by: UUID, approve: bool, why: str = "", city_id: int, now: datetime
) -> list[Batch | Refusal]:
    """A second person lets batches go, or declines them: then all of it is payable again.

    Refusals: batch_not_found (also one that does not wait), second_person_needed.
    """
    rows = await tx.rows(
        """select * from settlement.batches where city_id = %(city)s and batch_id = any(%(ids)s::uuid[])
           order by batch_id for no key update""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    known = {row["batch_id"]: row for row in rows}
    answers = [_judged(known.get(i), by) for i in ids]
    good = sorted({i for i, a in zip(ids, answers, strict=True) if a is None})
    members = await tx.rows(
        """select payout_id from settlement.payouts where city_id = %(city)s and batch_id = any(%(ids)s::uuid[])
           and state = 'waiting' order by payout_id for no key update""",
        city=city_id,
        ids=good,
    )
    payouts = [row["payout_id"] for row in members]
    await let_go(tx, payouts, by=by, approve=approve, why=why, city_id=city_id, now=now)
    decided = await tx.rows(
        """update settlement.batches set state = %(state)s, decided_by = %(by)s, decided_at = %(now)s, why = %(why)s
           where city_id = %(city)s and batch_id = any(%(ids)s::uuid[]) returning *""",
        city=city_id, ids=good, by=by, now=now, why=why, state="sent" if approve else "declined",
    )  # fmt: skip
    done: dict[UUID, Batch] = {row["batch_id"]: as_batch(row) for row in decided}
    return [a if a is not None else done[i] for i, a in zip(ids, answers, strict=True)]


def _judged(row: dict[str, Any] | None, by: UUID) -> Refusal | None:
    if row is None or row["state"] != "waiting":
        return BatchUnknown()
    return SecondPerson() if row["made_by"] == by else None
