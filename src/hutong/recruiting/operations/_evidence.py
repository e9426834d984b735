"""Evidence and the claims it makes; and what follows from claims by rule, without anybody."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from hutong.infra import turns
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.recruiting.courting import CONFLICT, NO_EVIDENCE, ONLY_EVIDENCE, Attribution, Claim, Proof, judge
from hutong.recruiting.queries.court import claims_on
from hutong.recruiting.queries.tree import holders


class Found(Struct, frozen=True, kw_only=True):
    """Something by which it can be seen that an operator was at a merchant; `at`: when our books learned of it."""

    merchant_id: UUID
    operator_id: UUID
    kind: Proof
    ref: UUID
    by: UUID
    at: datetime


def claim_id(merchant_id: UUID, operator_id: UUID) -> UUID:
    """An operator claims a merchant once."""
    return derive(merchant_id, f"claim/{operator_id}")


async def visited(tx: Tx, phones: Mapping[str, UUID], *, city_id: int) -> list[Found]:
    """Visits to shops with these numbers that were logged before they applied: now they are about that merchant."""
    rows = await tx.rows(
        """update recruiting.visits as v set merchant_id = p.merchant
           from unnest(%(phones)s::text[], %(merchants)s::uuid[]) as p(phone, merchant)
           where v.city_id = %(city)s and v.phone = p.phone and v.merchant_id is null
           returning v.visit_id, v.operator_id, v.merchant_id, v.by, v.logged_at""",
        city=city_id, phones=list(phones), merchants=list(phones.values()),
    )  # fmt: skip
    return [
        Found(
            merchant_id=row["merchant_id"], operator_id=row["operator_id"], kind="visit", ref=row["visit_id"],
            by=row["by"], at=row["logged_at"],
        )
        for row in rows
    ]  # fmt: skip


async def add(tx: Tx, found: Sequence[Found], *, city_id: int, now: datetime) -> None:
    """Keep evidence, each piece once; whose it is claims by it. A claim that fell for want of it stands again."""
    if not found:
        return
    pairs = sorted({(one.merchant_id, one.operator_id) for one in found})
    await tx.run(
        """insert into recruiting.claims as c (city_id, claim_id, merchant_id, operator_id, by, words, at)
           select %(city)s, n.id, n.merchant, n.operator, null, '', %(now)s
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(operators)s::uuid[]) as n(id, merchant, operator)
           on conflict (city_id, merchant_id, operator_id) do update set outcome = null, ended_at = null
             where c.outcome = 'no_evidence'""",
        city=city_id, now=now, ids=[claim_id(*pair) for pair in pairs], merchants=[pair[0] for pair in pairs],
        operators=[pair[1] for pair in pairs],
    )  # fmt: skip
    rows = sorted(found, key=lambda one: (one.merchant_id, one.operator_id, one.kind, one.ref))
    await tx.run(
        """insert into recruiting.evidence (city_id, evidence_id, merchant_id, operator_id, kind, ref, by, at)
           select %(city)s, e.* from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(operators)s::uuid[],
             %(kinds)s::text[], %(refs)s::uuid[], %(bys)s::uuid[], %(ats)s::timestamptz[])
             as e(id, merchant, operator, kind, ref, by, at)
           on conflict do nothing""",
        city=city_id, ids=[derive(one.ref, f"{one.kind}/{one.operator_id}/{one.merchant_id}") for one in rows],
        merchants=[one.merchant_id for one in rows], operators=[one.operator_id for one in rows],
        kinds=[one.kind for one in rows], refs=[one.ref for one in rows], bys=[one.by for one in rows],
        ats=[one.at for one in rows],
    )  # fmt: skip


async def weigh(
    tx: Tx, admitted: Mapping[UUID, datetime], *, city_id: int, now: datetime
) -> dict[UUID, tuple[str, UUID | None]]:
    """What follows for these merchants by the stated rule (`courting.judge`), and let it follow.

    `admitted`: when each came in; only evidence that our books had before counts, so that nobody claims a shop by
    visiting it afterwards. A claim that the platform refused stays refused.
    """
    claims = await claims_on(tx, list(admitted), city_id=city_id)
    held = await holders(tx, list(admitted))
    results: dict[UUID, tuple[str, UUID | None]] = {}
    outcomes: list[tuple[UUID, str]] = []
    for merchant_id, since in admitted.items():
        live = [_counted(one, since) for one in claims.get(merchant_id, []) if one.outcome != "refused"]
        holder = held[merchant_id].operator_id if merchant_id in held else None
        said, whose = judge(live, holder)
        results[merchant_id] = said, whose
        outcomes += [(one.claim_id, NO_EVIDENCE) for one in live if not one.evidence and one.outcome is None]
        if said != CONFLICT:
            outcomes += [(one.claim_id, "granted") for one in live if one.evidence and one.outcome is None]
    await _by_rule(tx, results, held, city_id=city_id, now=now)
    await end_claims(tx, outcomes, city_id=city_id, now=now)
    await _open_cases(tx, [key for key, (said, _) in results.items() if said == CONFLICT], city_id=city_id, now=now)
    return results


def _counted(claim: Claim, admitted: datetime) -> Claim:
    return structs.replace(claim, evidence=tuple(one for one in claim.evidence if one.at <= admitted))


async def _by_rule(
    tx: Tx, results: Mapping[UUID, tuple[str, UUID | None]], held: Mapping[UUID, Attribution], *, city_id: int,
    now: datetime,
) -> None:  # fmt: skip
    rows = [
        Attribution(
            attribution_id=derive(merchant_id, f"rule/{whose}"), merchant_id=merchant_id, city_id=city_id,
            operator_id=whose, since=now, until=None, ends_at=None, why="rule", about=None, reason=said, by=None,
        )
        for merchant_id, (said, whose) in results.items()
        if said == ONLY_EVIDENCE and merchant_id not in held
    ]  # fmt: skip
    await attribute(tx, rows, now=now)


async def in_turn(tx: Tx, merchant_ids: Iterable[UUID]) -> None:
    """Whoever is about to say whose these merchants are waits for who does so already; then reads who holds them."""
    await turns.in_turn(tx, "attribution", merchant_ids)


async def attribute(tx: Tx, rows: Sequence[Attribution], *, now: datetime) -> list[UUID]:
    """Write who recruited merchants from now on; the row before ends here and says for ever what it said.

    Gives the merchants for which it was written: where another was faster, the exclusion constraint keeps the first.
    Records `recruiting.attributed`.
    """
    ordered = sorted(rows, key=lambda one: one.merchant_id)
    await tx.run(
        """update recruiting.attributions set until = %(now)s
           where merchant_id = any(%(ids)s::uuid[]) and until is null and since < %(now)s""",
        ids=[one.merchant_id for one in ordered],
        now=now,
    )
    made = await tx.rows(
        """insert into recruiting.attributions
             (attribution_id, merchant_id, city_id, operator_id, since, until, ends_at, why, about, reason, by)
           select a.id, a.merchant, a.city, a.operator, %(now)s, null, a.ends, a.why, a.about, a.reason, a.by
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(cities)s::int[], %(operators)s::uuid[],
                       %(ends)s::timestamptz[], %(whys)s::text[], %(abouts)s::uuid[], %(reasons)s::text[],
                       %(bys)s::uuid[]) as a(id, merchant, city, operator, ends, why, about, reason, by)
           on conflict do nothing returning merchant_id""",
        now=now, ids=[a.attribution_id for a in ordered], merchants=[a.merchant_id for a in ordered],
        cities=[a.city_id for a in ordered], operators=[a.operator_id for a in ordered],
        ends=[a.ends_at for a in ordered], whys=[a.why for a in ordered], abouts=[a.about for a in ordered],
        reasons=[a.reason for a in ordered], bys=[a.by for a in ordered],
    )  # fmt: skip
    new = {row["merchant_id"] for row in made}
    facts = [
        Fact(fact_id=derive(one.attribution_id, "fact"), city_id=one.city_id, topic="recruiting.attributed",
             subject=one.attribution_id, payload={"merchant": str(one.merchant_id)}, at=now)
        for one in ordered if one.merchant_id in new
    ]  # fmt: skip
    await tx.record(facts)
    return sorted(new)


async def end_claims(tx: Tx, outcomes: Iterable[tuple[UUID, str]], *, city_id: int, now: datetime) -> None:
    """(claim, outcome) each: what became of open claims."""
    rows = sorted(outcomes)
    await tx.run(
        """update recruiting.claims as c set outcome = o.outcome, ended_at = %(now)s
           from unnest(%(ids)s::uuid[], %(outcomes)s::text[]) as o(id, outcome)
           where c.city_id = %(city)s and c.claim_id = o.id and c.outcome is distinct from o.outcome""",
        city=city_id, now=now, ids=[row[0] for row in rows], outcomes=[row[1] for row in rows],
    )  # fmt: skip


async def _open_cases(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int, now: datetime) -> None:
    """A case for each merchant that has none open."""
    if not merchant_ids:
        return
    counted = await tx.rows(
        """select merchant_id, count(*) as n, count(*) filter (where decided_at is null) as open
           from recruiting.cases where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[])
           group by merchant_id""",
        city=city_id,
        ids=list(merchant_ids),
    )
    known = {row["merchant_id"]: row for row in counted}
    new = [one for one in sorted(merchant_ids) if one not in known or not known[one]["open"]]
    numbers = [known[one]["n"] + 1 if one in known else 1 for one in new]
    ids = [derive(one, f"case/{number}") for one, number in zip(new, numbers, strict=True)]
    await tx.run(
        """insert into recruiting.cases (city_id, case_id, merchant_id, number, opened_at, reason)
           select %(city)s, c.id, c.merchant, c.number, %(now)s, ''
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(numbers)s::bigint[]) as c(id, merchant, number)
           on conflict do nothing""",
        city=city_id, now=now, ids=ids, merchants=new, numbers=numbers,
    )  # fmt: skip
    facts = [
        Fact(fact_id=derive(case_id, "opened"), city_id=city_id, topic="recruiting.case_opened", subject=case_id,
             payload={"merchant_id": str(merchant_id)}, at=now)
        for case_id, merchant_id in zip(ids, new, strict=True)
    ]  # fmt: skip
    await tx.record(facts)
