"""Payouts: reserved when asked, posted when the provider confirms, given back when refused, unknown until asked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import ledger
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Account, Book, Transfer
from hutong.settlement import _steps
from hutong.settlement.paying import (
    EVIDENCE_LETTERS,
    AskPayout,
    EvidenceMissing,
    NothingToPay,
    Payee,
    PayoutAsked,
    PayoutOpen,
    PayoutResult,
    PayoutTooSmall,
    PayoutUnknown,
    SecondPerson,
)


def payable(payee: Payee) -> Account:
    """The account of what a payee has earned and was not paid yet."""
    chart = ledger.chart
    return chart.payable_operator(payee.id) if payee.kind == "operator" else chart.payable_merchant(payee.id)


async def ask_payouts(
    tx: Tx, asks: Sequence[AskPayout], *, city_id: int, now: datetime, least_units: int = 1,
    limit_units: int | None = None, waiting: bool = False,
) -> list[PayoutAsked | Refusal]:  # fmt: skip
    """Reserve everything payable to each payee (in the smallest unit of the asset) for one payout.

    The provider is called after the commit (`claim_payouts`); `payout_results` ends it. One payee has one open payout
    at a time. Above `limit_units`, or when all are `waiting`, a second person lets it go (`decide_payouts`).
    Refusals: nothing_to_pay (also a negative balance: it is recovered from the next earnings), payout_too_small,
    payout_open.
    """
    book = Book.city(city_id)
    await ledger.in_turn(tx, [(payable(a.payee).path, a.asset) for a in asks], book=book)
    paths = sorted({payable(a.payee).path for a in asks})
    stands = {(b.path, b.posted.asset): b.available.units for b in await ledger.balances(tx, book, paths=paths)}
    open_now = await tx.rows(
        """select payee_kind, payee_id, asset from settlement.payouts
           where city_id = %(city)s and payee_id = any(%(ids)s::uuid[]) and state in ('waiting', 'asked', 'unknown')""",
        city=city_id,
        ids=sorted({a.payee.id for a in asks}),
    )
    busy = {(Payee(row["payee_kind"], row["payee_id"]), row["asset"]) for row in open_now}
    results: list[PayoutAsked | Refusal] = []
    for ask in asks:
        units = stands.get((payable(ask.payee).path, ask.asset), 0)
        if (ask.payee, ask.asset) in busy:
            results.append(PayoutOpen())
        elif units <= 0:
            results.append(NothingToPay())
        elif units < least_units:
            results.append(PayoutTooSmall(least=Amount(least_units, ask.asset).words()))
        else:
            busy.add((ask.payee, ask.asset))
            held = waiting or (limit_units is not None and units > limit_units)
            results.append(
                PayoutAsked(
                    payout_id=ask.payout_id, payee=ask.payee, amount=Amount(units, ask.asset), provider=ask.provider,
                    waiting=held,
                )
            )  # fmt: skip
    asked = [(a, r) for a, r in zip(asks, results, strict=True) if isinstance(r, PayoutAsked)]
    await _insert(tx, asked, city_id=city_id, now=now)
    must(await ledger.post(tx, [_reserve(r, city_id) for _, r in asked], now=now))
    return results


async def _insert(
    tx: Tx, asked: Sequence[tuple[AskPayout, PayoutAsked]], *, city_id: int, now: datetime
) -> None:  # fmt: skip
    states = ["waiting" if r.waiting else "asked" for _, r in asked]
    await tx.run(
        """insert into settlement.payouts (city_id, payout_id, payee_kind, payee_id, provider, units, asset, account,
                                           batch_id, asked_by, state, asked_at, next_at)
           select %(city)s, p.*, %(now)s, %(now)s
           from unnest(%(ids)s::uuid[], %(kinds)s::text[], %(payees)s::uuid[], %(providers)s::text[],
                       %(units)s::bigint[], %(assets)s::text[], %(accounts)s::text[], %(batches)s::uuid[],
                       %(bys)s::uuid[], %(states)s::text[]) as p""",
        city=city_id, now=now, ids=[r.payout_id for _, r in asked], kinds=[r.payee.kind for _, r in asked],
        payees=[r.payee.id for _, r in asked], providers=[r.provider for _, r in asked],
        units=[r.amount.units for _, r in asked], assets=[r.amount.asset for _, r in asked],
        accounts=[a.account for a, _ in asked], batches=[a.batch_id for a, _ in asked],
        bys=[a.by for a, _ in asked], states=states,
    )  # fmt: skip
    steps = [_steps.Step(r.payout_id, state, "asked", a.by) for (a, r), state in zip(asked, states, strict=True)]
    await _steps.write(tx, steps, city_id=city_id, now=now)


def _reserve(asked: PayoutAsked, city_id: int) -> Transfer:
    return Transfer(
        id=derive(asked.payout_id, "reserve"), book=Book.city(city_id),
        debit=payable(asked.payee), credit=ledger.chart.provider(asked.provider),
        amount=asked.amount, step="reserve", event="payout", ref=asked.payout_id,
    )  # fmt: skip


async def payout_results(
    tx: Tx, results: Sequence[PayoutResult], *, city_id: int, now: datetime
) -> list[bool | Refusal]:
    """What the provider said: done posts the reserve, refused gives it back and leaves a task, unknown keeps it and is
    asked about again later.

    True where this call changed something; a result that is known already is False. Refusal: payout_not_found (also
    where the payout ended otherwise before, or waits for its approval and so was never sent).
    """
    known = await _lock(tx, [r.payout_id for r in results], city_id=city_id)
    answers: list[bool | Refusal] = []
    steps: dict[UUID, PayoutResult] = {}
    for result in results:
        row = known.get(result.payout_id)
        before = steps.get(result.payout_id)
        state = before.state if before else (row["state"] if row else None)
        ended = state in ("done", "refused")
        early = state == "waiting" and result.cause != "declined"
        if row is None or early or (ended and state != result.state and result.state != "unknown"):
            answers.append(PayoutUnknown())
        elif ended or state == result.state:
            answers.append(False)
        else:
            steps[result.payout_id] = result
            answers.append(True)
    await _finish(tx, {i: known[i] for i in steps}, steps, city_id=city_id, now=now)
    return answers


async def mark_payouts(
    tx: Tx, results: Sequence[PayoutResult], *, city_id: int, now: datetime
) -> list[bool | Refusal]:  # fmt: skip
    """What a person of the platform says of payouts that the provider cannot tell about, with the evidence in `note`.

    Answers as payout_results. Refusals: evidence_missing, second_person_needed (who asked for the payout cannot say
    that it was paid), payout_not_found (also one that was never sent).
    """
    known = await _lock(tx, [r.payout_id for r in results], city_id=city_id)
    answers: list[bool | Refusal | None] = []
    for result in results:
        row = known.get(result.payout_id)
        if len(result.note.strip()) < EVIDENCE_LETTERS or result.by is None:
            answers.append(EvidenceMissing())
        elif row is None or row["state"] in ("waiting", "asked"):
            answers.append(PayoutUnknown())
        elif row["asked_by"] == result.by:
            answers.append(SecondPerson())
        else:
            answers.append(None)
    good = [r for r, a in zip(results, answers, strict=True) if a is None]
    done = iter(await payout_results(tx, good, city_id=city_id, now=now))
    return [next(done) if a is None else a for a in answers]


async def decide_payouts(
    tx: Tx, ids: Sequence[UUID], *, by: UUID, approve: bool, why: str = "", city_id: int, now: datetime
) -> list[bool | Refusal]:
    """A second person lets waiting payouts go, or declines them (the money is payable again, without a task).

    True where it was decided now. Refusals: payout_not_found (also one that does not wait), second_person_needed.
    """
    known = await _lock(tx, ids, city_id=city_id)
    answers: list[bool | Refusal] = []
    for i in ids:
        row = known.get(i)
        if row is None or row["state"] != "waiting":
            answers.append(PayoutUnknown())
        else:
            answers.append(SecondPerson() if row["asked_by"] == by else True)
    good = sorted({i for i, a in zip(ids, answers, strict=True) if a is True})
    await let_go(tx, good, by=by, approve=approve, why=why, city_id=city_id, now=now)
    return answers


async def let_go(
    tx: Tx, ids: Sequence[UUID], *, by: UUID | None, approve: bool, why: str, city_id: int, now: datetime
) -> None:
    """Waiting payouts (locked by the caller) are sent at the next round, or given back."""
    if not approve:
        declined = [
            PayoutResult(payout_id=i, state="refused", failure="declined", cause="declined", by=by, note=why)
            for i in ids
        ]
        await payout_results(tx, declined, city_id=city_id, now=now)
        return
    await tx.run(
        """update settlement.payouts set state = 'asked', next_at = %(now)s, seq = seq + 1
           where city_id = %(city)s and payout_id = any(%(ids)s::uuid[])""",
        city=city_id,
        now=now,
        ids=list(ids),
    )
    await _steps.write(tx, [_steps.Step(i, "asked", "approved", by, why) for i in ids], city_id=city_id, now=now)


async def _lock(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    rows = await tx.rows(
        """select * from settlement.payouts where city_id = %(city)s and payout_id = any(%(ids)s::uuid[])
           order by payout_id for no key update""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    return {row["payout_id"]: row for row in rows}


async def _finish(
    tx: Tx, rows: dict[UUID, dict[str, Any]], steps: dict[UUID, PayoutResult], *, city_id: int, now: datetime
) -> None:
    if not steps:
        return
    said = [steps[i] for i in sorted(steps)]
    await tx.run(
        """update settlement.payouts p
           set state = k.state, ended_at = case when k.state = 'unknown' then null else %(now)s::timestamptz end,
               next_at = case when k.state = 'unknown' then %(now)s::timestamptz end, failure = k.failure,
               provider_no = coalesce(k.provider_no, p.provider_no), seq = p.seq + 1
           from unnest(%(ids)s::uuid[], %(states)s::text[], %(failures)s::text[], %(numbers)s::text[])
             as k(id, state, failure, provider_no)
           where p.city_id = %(city)s and p.payout_id = k.id""",
        city=city_id, now=now, ids=[r.payout_id for r in said], states=[r.state for r in said],
        failures=[r.failure for r in said], numbers=[r.provider_no for r in said],
    )  # fmt: skip
    changes = [
        _steps.Step(r.payout_id, r.state, r.cause, r.by, (r.note or r.failure or "").strip())
        for r in said
    ]  # fmt: skip
    await _steps.write(tx, changes, city_id=city_id, now=now)
    must(await ledger.post(tx, _resolutions(rows, said, city_id), now=now))
    await _steps.settle_tasks(tx, rows, said, city_id=city_id, now=now)
    await tx.record(
        [
            Fact(
                fact_id=derive(r.payout_id, f"fact/{r.state}"), city_id=city_id, topic=f"settlement.payout_{r.state}",
                subject=r.payout_id, at=now,
            )
            for r in said
        ]
    )  # fmt: skip


def _resolutions(
    rows: dict[UUID, dict[str, Any]], said: Sequence[PayoutResult], city_id: int
) -> list[Transfer]:  # fmt: skip
    return [
        Transfer(
            id=derive(r.payout_id, r.state),
            book=Book.city(city_id),
            debit=payable(Payee(row["payee_kind"], row["payee_id"])),
            credit=ledger.chart.provider(row["provider"]),
            amount=Amount(row["units"], row["asset"]),
            step="post_pending" if r.state == "done" else "void_pending",
            pending_id=derive(r.payout_id, "reserve"),
            event="payout",
            ref=r.payout_id,
        )
        for r in said
        if r.state != "unknown"
        for row in [rows[r.payout_id]]
    ]


def must(results: Sequence[object]) -> None:
    """The books cannot refuse what was locked and counted before: a refusal is a defect, and nothing is kept."""
    for result in results:
        if isinstance(result, Refusal):
            raise RuntimeError(f"the books refused: {result!r}")
