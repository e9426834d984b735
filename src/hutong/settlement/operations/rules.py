"""Commission rules and shares: a change is a new version, never an edit."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.infra.turns import in_turn
from hutong.kit.refusals import Refusal
from hutong.settlement.commission import Chain, Rule, why_not, why_not_chain

TICK = timedelta(microseconds=1)  # two versions of one merchant never begin at the same instant


async def add_rules(tx: Tx, rules: Sequence[Rule], *, made_by: object = None) -> list[datetime]:
    """Write versions of rules; each holds from its `valid_from`. The same version twice is once. Returns the starts.

    A rule that cannot be followed ends the transaction: raises rule_broken (commission.why_not). A rule's `chain` is
    not of the rule: set_chains writes it.
    """
    for rule in rules:
        if refusal := why_not(rule):
            raise refusal
    await tx.run(
        """insert into settlement.rules (rule_id, version, merchant_id, commission_bps, least_units, most_units,
                                         operator_id, operator_bps, valid_from, plan, whole_least, whole_most, made_by)
           select r.*, %(by)s::uuid
           from unnest(%(ids)s::uuid[], %(versions)s::int[], %(merchants)s::uuid[], %(bps)s::int[],
                       %(least)s::bigint[], %(most)s::bigint[], %(operators)s::uuid[], %(obps)s::int[],
                       %(starts)s::timestamptz[], %(plans)s::jsonb[], %(whole_least)s::bigint[],
                       %(whole_most)s::bigint[]) as r
           on conflict (rule_id, version) do nothing""",
        by=made_by, ids=[r.rule_id for r in rules], versions=[r.version for r in rules],
        merchants=[r.merchant_id for r in rules], bps=[r.commission_bps for r in rules],
        least=[r.least_units for r in rules], most=[r.most_units for r in rules],
        operators=[r.operator_id for r in rules], obps=[r.operator_bps for r in rules],
        starts=[r.valid_from for r in rules], plans=[Jsonb(msgspec.to_builtins(r.plan)) for r in rules],
        whole_least=[r.whole_least for r in rules], whole_most=[r.whole_most for r in rules],
    )  # fmt: skip
    return [rule.valid_from for rule in rules]


async def set_chains(
    tx: Tx, chains: Sequence[Chain], *, now: datetime, made_by: object = None
) -> list[Chain | Refusal]:
    """Write who shares in the commission of merchants from `valid_from` on; the version that each got stands in the
    answer (what is given as `version` does not count).

    Shares that stand already are not written again: the same chain twice is one version. What was earned before keeps
    the shares it followed: a further version never begins before the last one, nor before `now`. Refusal: rule_broken.
    """
    ids = sorted({chain.merchant_id for chain in chains})
    await in_turn(tx, "chains", ids)  # one writer for each merchant, also for one without a chain yet
    rows = await tx.rows(
        """select distinct on (c.merchant_id) c.merchant_id, c.version, c.shares, c.valid_from
           from settlement.chains c where c.merchant_id = any(%(ids)s::uuid[])
           order by c.merchant_id, c.valid_from desc""",
        ids=ids,
    )
    last = {row["merchant_id"]: row for row in rows}
    results: list[Chain | Refusal] = []
    fresh: list[Chain] = []
    for chain in chains:
        refusal, before = why_not_chain(chain), last.get(chain.merchant_id)
        told = msgspec.to_builtins(chain.shares)
        if refusal is not None:
            results.append(refusal)
        elif before is not None and before["shares"] == list(told):
            results.append(
                msgspec.structs.replace(chain, version=before["version"], valid_from=before["valid_from"])
            )  # fmt: skip
        else:
            starts = max(chain.valid_from, now, before["valid_from"] + TICK) if before else chain.valid_from
            made = msgspec.structs.replace(chain, version=(before["version"] if before else 0) + 1, valid_from=starts)
            last[chain.merchant_id] = {"version": made.version, "shares": list(told), "valid_from": starts}
            results.append(made)
            fresh.append(made)
    await _write(tx, fresh, now=now, made_by=made_by)
    return results


async def _write(tx: Tx, chains: Sequence[Chain], *, now: datetime, made_by: object) -> None:
    if not chains:
        return
    await tx.run(
        """insert into settlement.chains (merchant_id, version, shares, valid_from, source, made_by, made_at)
           select c.*, %(by)s::uuid, %(now)s
           from unnest(%(ids)s::uuid[], %(versions)s::int[], %(shares)s::jsonb[], %(starts)s::timestamptz[],
                       %(sources)s::uuid[]) as c""",
        by=made_by, now=now, ids=[c.merchant_id for c in chains], versions=[c.version for c in chains],
        shares=[Jsonb(msgspec.to_builtins(c.shares)) for c in chains], starts=[c.valid_from for c in chains],
        sources=[c.source for c in chains],
    )  # fmt: skip
