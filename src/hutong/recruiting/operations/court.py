"""Who recruited whom: claims, the platform's decisions, transfers. Rows are added, never rewritten."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.merchants import merchants, presence
from hutong.recruiting.courting import Attribution, Case, Claim, ClaimIt, Decide, Transfer
from hutong.recruiting.model import LONGEST_REASON
from hutong.recruiting.operations import _evidence
from hutong.recruiting.queries.court import as_case, claims_on
from hutong.recruiting.queries.tree import holders, operators
from hutong.recruiting.refusals import (
    CaseDecided,
    CaseUnknown,
    ClaimEnded,
    NotAClaimant,
    OperatorUnknown,
)


async def admitted(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, datetime]:
    """When these merchants came in: until then evidence counts. Absent: not with us, or not in this city."""
    there = await merchants(tx, merchant_ids)
    homes = await presence(tx, list(there))
    return {key: one.created_at for key, one in there.items() if city_id in homes.get(key, frozenset())}


async def claim(tx: Tx, asks: Sequence[ClaimIt], *, city_id: int, now: datetime) -> list[Claim | Refusal]:
    """Say that an operator recruited a merchant. What our books know of it is its evidence: words alone are none.

    The rule decides at once where it can (`courting.judge`): without evidence the claim ends, with the only evidence
    it is granted, else a case is opened. Claimed twice is once. Refusals in this order: not_found (no merchant here),
    bad_input (words), claim_ended (the platform has refused it).
    """
    since = await admitted(tx, [a.merchant_id for a in asks], city_id=city_id)
    before = await claims_on(tx, list(since), city_id=city_id)
    refused = {(c.merchant_id, c.operator_id) for rows in before.values() for c in rows if c.outcome == "refused"}
    results: list[Refusal | None] = []
    good: list[ClaimIt] = []
    for ask in asks:
        if ask.merchant_id not in since:
            results.append(NotFound())
        elif len(ask.words.strip()) > LONGEST_REASON:
            results.append(BadInput(field="words", why=f"≤ {LONGEST_REASON}"))
        elif (ask.merchant_id, ask.operator_id) in refused:
            results.append(ClaimEnded())
        else:
            good.append(ask)
            results.append(None)
    await tx.run(
        """insert into recruiting.claims (city_id, claim_id, merchant_id, operator_id, by, words, at)
           select %(city)s, n.id, n.merchant, n.operator, n.by, n.words, %(now)s
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(operators)s::uuid[], %(bys)s::uuid[],
                       %(words)s::text[]) as n(id, merchant, operator, by, words)
           order by n.merchant, n.operator
           on conflict (city_id, merchant_id, operator_id) do update set by = excluded.by, words = excluded.words
             where claims.words = ''""",
        city=city_id, now=now, ids=[_evidence.claim_id(a.merchant_id, a.operator_id) for a in good],
        merchants=[a.merchant_id for a in good], operators=[a.operator_id for a in good], bys=[a.by for a in good],
        words=[a.words.strip() for a in good],
    )  # fmt: skip
    await _evidence.weigh(tx, {a.merchant_id: since[a.merchant_id] for a in good}, city_id=city_id, now=now)
    after = await claims_on(tx, [a.merchant_id for a in good], city_id=city_id)
    mine = {(c.merchant_id, c.operator_id): c for rows in after.values() for c in rows}
    return [why or mine[ask.merchant_id, ask.operator_id] for ask, why in zip(asks, results, strict=True)]


async def decide(tx: Tx, asks: Sequence[Decide], *, city_id: int, now: datetime) -> list[Case | Refusal]:
    """The platform's word about open cases: from now on the merchant is the winner's, what was earned stays where it
    went. The same decision again gives the same case.

    Refusals in this order: case_not_found, case_decided, bad_input (reason), not_a_claimant.
    """
    rows = await tx.rows(
        """select * from recruiting.cases where city_id = %(city)s and case_id = any(%(ids)s::uuid[])
           order by case_id for update""",
        city=city_id, ids=sorted({a.case_id for a in asks}),
    )  # fmt: skip
    there = {row["case_id"]: as_case(row) for row in rows}
    claims = await claims_on(tx, [one.merchant_id for one in there.values()], city_id=city_id)
    results: list[Case | Refusal] = []
    good: dict[UUID, Decide] = {}
    for ask in asks:
        one = there.get(ask.case_id)
        why = _undecidable(ask, one, claims)
        if why is None and one is not None and one.decided_at is None:
            good.setdefault(ask.case_id, ask)
        results.append(why or there[ask.case_id])
    decided = [(there[key], ask) for key, ask in good.items()]
    await tx.run(
        """update recruiting.cases as c
           set decided_at = %(now)s, decided_by = d.by, operator_id = d.operator, for_house = d.operator is null,
               reason = d.reason
           from unnest(%(ids)s::uuid[], %(operators)s::uuid[], %(reasons)s::text[], %(bys)s::uuid[])
                as d(id, operator, reason, by)
           where c.city_id = %(city)s and c.case_id = d.id""",
        city=city_id, now=now, ids=list(good), operators=[a.operator_id for a in good.values()],
        reasons=[a.reason.strip() for a in good.values()], bys=[a.by for a in good.values()],
    )  # fmt: skip
    await _follow(tx, decided, claims, city_id=city_id, now=now)
    after = await tx.rows(
        "select * from recruiting.cases where city_id = %(city)s and case_id = any(%(ids)s::uuid[])",
        city=city_id, ids=list(there),
    )  # fmt: skip
    cases = {row["case_id"]: as_case(row) for row in after}
    return [cases[one.case_id] if isinstance(one, Case) else one for one in results]


def _undecidable(ask: Decide, one: Case | None, claims: Mapping[UUID, Sequence[Claim]]) -> Refusal | None:
    if one is None:
        return CaseUnknown()
    if one.decided_at is not None:
        same = (one.operator_id, one.decided_by) == (ask.operator_id, ask.by)
        return None if same else CaseDecided()
    if not 1 <= len(ask.reason.strip()) <= LONGEST_REASON:
        return BadInput(field="reason", why=f"1-{LONGEST_REASON}")
    claimants = {claim.operator_id for claim in claims.get(one.merchant_id, []) if claim.outcome != "no_evidence"}
    return None if ask.operator_id is None or ask.operator_id in claimants else NotAClaimant()


async def _follow(
    tx: Tx, decided: Sequence[tuple[Case, Decide]], claims: Mapping[UUID, Sequence[Claim]], *, city_id: int,
    now: datetime,
) -> None:  # fmt: skip
    """The winner's row, unless the merchant is his already; the other claims are refused; the fact."""
    await _evidence.in_turn(tx, [case.merchant_id for case, _ in decided])
    held = await holders(tx, [case.merchant_id for case, _ in decided])
    rows = [
        Attribution(
            attribution_id=derive(case.case_id, "attribution"), merchant_id=case.merchant_id, city_id=city_id,
            operator_id=ask.operator_id, since=now, until=None, ends_at=None, why="case", about=case.case_id,
            reason=ask.reason.strip(), by=ask.by,
        )
        for case, ask in decided
        if case.merchant_id not in held or held[case.merchant_id].operator_id != ask.operator_id
    ]  # fmt: skip
    await _evidence.attribute(tx, rows, now=now)
    outcomes = [
        (one.claim_id, "granted" if one.operator_id == ask.operator_id else "refused")
        for case, ask in decided
        for one in claims.get(case.merchant_id, [])
        if one.outcome != "no_evidence"
    ]
    await _evidence.end_claims(tx, outcomes, city_id=city_id, now=now)
    facts = [
        Fact(fact_id=derive(case.case_id, "decided"), city_id=city_id, topic="recruiting.case_decided",
             subject=case.case_id, payload={"merchant_id": str(case.merchant_id)}, at=now)
        for case, _ in decided
    ]  # fmt: skip
    await tx.record(facts)


async def transfer(tx: Tx, asks: Sequence[Transfer], *, city_id: int, now: datetime) -> list[Attribution | Refusal]:
    """From now on another operator (None: the house) earns by these merchants; the rows before stay as they are.

    The same id again is the transfer that was made. Refusals in this order: not_found (no merchant here), bad_input
    (reason), operator_not_found.
    """
    since = await admitted(tx, [a.merchant_id for a in asks], city_id=city_id)
    there = await operators(tx, [a.operator_id for a in asks if a.operator_id], at=now)
    known = {key for key, one in there.items() if one.ended_at is None}
    await _evidence.in_turn(tx, since)
    held = await holders(tx, list(since))
    rows: dict[UUID, Attribution] = {}
    results: list[Attribution | Refusal] = []
    for ask in asks:
        one = Attribution(
            attribution_id=ask.attribution_id, merchant_id=ask.merchant_id, city_id=city_id,
            operator_id=ask.operator_id, since=now, until=None, ends_at=None, why="transfer", about=None,
            reason=ask.reason.strip(), by=ask.by,
        )  # fmt: skip
        if ask.merchant_id not in since:
            results.append(NotFound())
        elif not 1 <= len(one.reason) <= LONGEST_REASON:
            results.append(BadInput(field="reason", why=f"1-{LONGEST_REASON}"))
        elif ask.operator_id is not None and ask.operator_id not in known:
            results.append(OperatorUnknown())
        else:
            was = held.get(ask.merchant_id)
            if was is None or (was.attribution_id != one.attribution_id and was.operator_id != one.operator_id):
                rows[ask.merchant_id] = one
            results.append(rows.get(ask.merchant_id) or was or one)
    made = set(await _evidence.attribute(tx, list(rows.values()), now=now))
    late = await holders(tx, [key for key in rows if key not in made])  # another word of this very instant stands
    return [
        late.get(one.merchant_id, one) if isinstance(one, Attribution) and one is rows.get(one.merchant_id) else one
        for one in results
    ]
