"""Commission rules: a change is a new version, never an edit."""

from collections.abc import Sequence
from datetime import datetime

from hutong.infra.db import Tx
from hutong.settlement.model import Rule


async def add_rules(tx: Tx, rules: Sequence[Rule], *, made_by: object = None) -> list[datetime]:
    """Write versions of rules; each holds from its `valid_from`. The same version twice is once. Returns the starts."""
    await tx.run(
        """insert into settlement.rules (rule_id, version, merchant_id, commission_bps, least_units, most_units,
                                         operator_id, operator_bps, valid_from, made_by)
           select r.*, %(by)s::uuid
           from unnest(%(ids)s::uuid[], %(versions)s::int[], %(merchants)s::uuid[], %(bps)s::int[],
                       %(least)s::bigint[], %(most)s::bigint[], %(operators)s::uuid[], %(obps)s::int[],
                       %(starts)s::timestamptz[]) as r
           on conflict (rule_id, version) do nothing""",
        by=made_by, ids=[r.rule_id for r in rules], versions=[r.version for r in rules],
        merchants=[r.merchant_id for r in rules], bps=[r.commission_bps for r in rules],
        least=[r.least_units for r in rules], most=[r.most_units for r in rules],
        operators=[r.operator_id for r in rules], obps=[r.operator_bps for r in rules],
        starts=[r.valid_from for r in rules],
    )  # fmt: skip
    return [rule.valid_from for rule in rules]
