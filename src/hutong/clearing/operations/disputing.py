"""A partner says that a line is wrong; the platform decides; what it changes stands on the next statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import ledger
from hutong.clearing.model import DISPUTE_DAYS, Case, Decide, Dispute
from hutong.clearing.operations.post import EVENT
from hutong.clearing.queries import as_case
from hutong.clearing.refusals import (
    CorrectionBad,
    DisputeDecided,
    DisputeEmpty,
    DisputeLate,
    DisputeUnknown,
    LineDisputed,
    LineUnknown,
    RunUnposted,
)
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Book, Transfer, across
from hutong.ledger.values import UNITS_MAX

HELD = frozenset({"due", "postpaid"})  # what a clearing pays or charges; other lines are money that moved elsewhere
SOME = 3  # letters, at least, of a reason


async def dispute(tx: Tx, disputes: Sequence[Dispute], *, city_id: int, now: datetime) -> list[Case | Refusal]:
    """Open a case for each line; `city_id` is the partners' home. The same dispute again is the case that it opened.

    What was netted for the line is taken out of the partner's payable (a charge: given back to it) and stands on
    disputed/<partner> in the programme's book until the decision is cleared: nobody is paid or charged meanwhile.
    Fact: clearing.disputed. Refusals: dispute_reason, clearing_line_not_found, disputed_already, run_unposted,
    dispute_late.
    """
    rows = await tx.rows(
        """select e.*, s.home_city, s.posted_at, r.closed_at, r.asset from clearing.entries e
           join clearing.statements s
             on s.programme_id = e.programme_id and s.run_id = e.run_id and s.party_id = e.party_id
           join clearing.runs r on r.programme_id = e.programme_id and r.run_id = e.run_id
           where e.programme_id = any(%(programmes)s::uuid[]) and e.transfer_id = any(%(ids)s::uuid[])
             and s.home_city = %(city)s
           order by e.programme_id, e.transfer_id for no key update of e""",
        programmes=sorted({d.programme_id for d in disputes}), ids=sorted({d.transfer_id for d in disputes}),
        city=city_id,
    )  # fmt: skip
    lines = {(row["programme_id"], row["transfer_id"]): row for row in rows}
    known = await _known(tx, disputes)
    answers: list[Case | Refusal] = []
    opened: list[Case] = []
    for one in disputes:
        line, before = lines.get((one.programme_id, one.transfer_id)), known.get((one.programme_id, one.transfer_id))
        answer = before if before and before.dispute_id == one.dispute_id else _judge(one, line, before, now)
        if isinstance(answer, Case) and answer is not before:
            opened.append(answer)
            known[one.programme_id, one.transfer_id] = answer
        answers.append(answer)
    await _open(tx, opened, city_id=city_id, now=now)
    return answers


async def _known(tx: Tx, disputes: Sequence[Dispute]) -> dict[tuple[UUID, UUID], Case]:
    rows = await tx.rows(
        """select * from clearing.disputes
           where programme_id = any(%(programmes)s::uuid[]) and transfer_id = any(%(ids)s::uuid[])""",
        programmes=sorted({d.programme_id for d in disputes}), ids=sorted({d.transfer_id for d in disputes}),
    )  # fmt: skip
    return {(row["programme_id"], row["transfer_id"]): as_case(row) for row in rows}


def _judge(ask: Dispute, line: Mapping[str, Any] | None, before: Case | None, now: datetime) -> Case | Refusal:
    if len(ask.reason.strip()) < SOME:
        return DisputeEmpty()
    if line is None or line["party_id"] != ask.party_id or line["via"] == "dispute":
        return LineUnknown()
    if before is not None:
        return LineDisputed()
    if line["posted_at"] is None:
        return RunUnposted()
    if now > line["closed_at"] + timedelta(days=DISPUTE_DAYS):
        return DisputeLate(days=DISPUTE_DAYS)
    return Case(
        dispute_id=ask.dispute_id, programme_id=ask.programme_id, run_id=line["run_id"], party_id=ask.party_id,
        transfer_id=ask.transfer_id, home_city=line["home_city"], kind=line["kind"], via=line["via"],
        units=line["units"], held_units=line["units"] if line["via"] in HELD else 0, asset=line["asset"],
        reason=ask.reason.strip(), opened_by=ask.by, opened_at=now, state="open", correct_units=None, note=None,
        decided_by=None, decided_at=None, settled_run=None,
    )  # fmt: skip


async def _open(tx: Tx, cases: Sequence[Case], *, city_id: int, now: datetime) -> None:
    if not cases:
        return
    await tx.run(
        """insert into clearing.disputes (home_city, opened_at, state, programme_id, dispute_id, transfer_id, run_id,
             party_id, kind, via, units, held_units, asset, reason, opened_by)
           select %(city)s, %(now)s, 'open', d.*
           from unnest(%(programmes)s::uuid[], %(ids)s::uuid[], %(transfers)s::uuid[], %(runs)s::uuid[],
             %(parties)s::uuid[], %(kinds)s::text[], %(vias)s::text[], %(units)s::bigint[], %(held)s::bigint[],
             %(assets)s::text[], %(reasons)s::text[], %(by)s::uuid[]) as d""",
        city=city_id, now=now, programmes=[c.programme_id for c in cases], ids=[c.dispute_id for c in cases],
        transfers=[c.transfer_id for c in cases], runs=[c.run_id for c in cases], parties=[c.party_id for c in cases],
        kinds=[c.kind for c in cases], vias=[c.via for c in cases], units=[c.units for c in cases],
        held=[c.held_units for c in cases], assets=[c.asset for c in cases], reasons=[c.reason for c in cases],
        by=[c.opened_by for c in cases],
    )  # fmt: skip
    for result in await ledger.post(tx, [t for case in cases for t in _hold(case, city_id)], now=now):
        if isinstance(result, Refusal):
            raise RuntimeError(f"the books refused a dispute: {result!r}")
    await tx.record([_fact(case, "clearing.disputed", now) for case in cases])


def _hold(case: Case, city_id: int) -> list[Transfer]:
    """What the clearing paid for the line goes from his payable to disputed/<partner>; what it charged comes back."""
    if not case.held_units:
        return []
    book, held = Book.programme(case.programme_id), ledger.chart.disputed(case.party_id)
    city, payable = Book.city(city_id), ledger.chart.payable_merchant(case.party_id)
    ways = (city, payable, book, held) if case.held_units > 0 else (book, held, city, payable)
    return across(
        id=derive(case.dispute_id, "hold"), source=ways[0], debit=ways[1], target=ways[2], credit=ways[3],
        amount=Amount(abs(case.held_units), case.asset), event=EVENT, ref=case.dispute_id,
    )  # fmt: skip


async def decide(tx: Tx, decisions: Sequence[Decide], *, city_id: int, now: datetime) -> list[Case | Refusal]:
    """The platform's word on cases of partners of this city, with its reason; the same word again is the same case.

    Nothing is booked now: the next run gives back what was held and makes good what was wrong. Fact: clearing.decided.
    Refusals: dispute_reason, dispute_not_found, dispute_decided, correction_bad.
    """
    rows = await tx.rows(
        """select * from clearing.disputes
           where programme_id = any(%(programmes)s::uuid[]) and dispute_id = any(%(ids)s::uuid[])
             and home_city = %(city)s
           order by programme_id, dispute_id for no key update""",
        programmes=sorted({d.programme_id for d in decisions}), ids=sorted({d.dispute_id for d in decisions}),
        city=city_id,
    )  # fmt: skip
    known = {(row["programme_id"], row["dispute_id"]): row for row in rows}
    answers: list[Case | Refusal] = []
    fresh: list[dict[str, Any]] = []
    for ask in decisions:
        row = known.get((ask.programme_id, ask.dispute_id))
        refusal = _why_not(ask, row)
        if refusal is None and row is not None and row["state"] == "open":
            row |= {
                "state": ask.state, "correct_units": ask.correct_units, "note": ask.note.strip(),
                "decided_by": ask.by, "decided_at": now,
            }  # fmt: skip
            fresh.append(row)
        if refusal is not None:
            answers.append(refusal)
        else:
            answers.append(DisputeUnknown() if row is None else as_case(row))
    await _write(tx, fresh, now=now)
    return answers


def _why_not(ask: Decide, row: Mapping[str, Any] | None) -> Refusal | None:
    if row is None:
        return DisputeUnknown()
    if row["state"] != "open":
        same = row["state"] == ask.state and row["correct_units"] == ask.correct_units
        return None if same else DisputeDecided()
    if len(ask.note.strip()) < SOME:
        return DisputeEmpty()
    right = ask.correct_units
    if (ask.state == "corrected") != (right is not None):
        return CorrectionBad()
    if right is not None and (right == row["units"] or abs(right) > min(UNITS_MAX, 100 * abs(row["units"]))):
        return CorrectionBad()
    return None


async def _write(tx: Tx, fresh: Sequence[Mapping[str, Any]], *, now: datetime) -> None:
    if not fresh:
        return
    await tx.run(
        """update clearing.disputes d
           set state = k.state, correct_units = k.correct, note = k.note, decided_by = k.by, decided_at = %(now)s
           from unnest(%(programmes)s::uuid[], %(ids)s::uuid[], %(states)s::text[], %(correct)s::bigint[],
             %(notes)s::text[], %(by)s::uuid[]) as k(programme, id, state, correct, note, by)
           where d.programme_id = k.programme and d.dispute_id = k.id""",
        now=now, programmes=[r["programme_id"] for r in fresh], ids=[r["dispute_id"] for r in fresh],
        states=[r["state"] for r in fresh], correct=[r["correct_units"] for r in fresh],
        notes=[r["note"] for r in fresh], by=[r["decided_by"] for r in fresh],
    )  # fmt: skip
    await tx.record([_fact(as_case(row), "clearing.decided", now) for row in fresh])


def _fact(case: Case, topic: str, now: datetime) -> Fact:
    payload = {
        "programme": str(case.programme_id), "run": str(case.run_id), "merchant": str(case.party_id),
        "dispute": str(case.dispute_id), "state": case.state, "net": case.units, "asset": case.asset,
    }  # fmt: skip
    return Fact(
        fact_id=derive(case.dispute_id, f"fact/{topic}"), city_id=case.home_city, topic=topic, subject=case.party_id,
        payload=payload, at=now,
    )  # fmt: skip
