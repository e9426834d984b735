"""Commission plans: written in versions, offered by contracts, and made the rule of a merchant who signs."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.settlement.commission import Adopt, Plan, PlanUnknown, Rule, why_not
from hutong.settlement.operations.rules import add_rules
from hutong.settlement.queries import plans


async def add_plans(
    tx: Tx, made: Sequence[Plan], *, now: datetime, made_by: UUID | None = None
) -> list[Plan | Refusal]:
    """Write versions of plans; the same version twice is once. Refusal: rule_broken (commission.why_not)."""
    results: list[Plan | Refusal] = [
        why_not(one.rule(one.plan_id, one.version, one.plan_id, now)) or one for one in made
    ]
    good = [one for one in results if isinstance(one, Plan)]
    await tx.run(
        """insert into settlement.plans (plan_id, version, name, commission_bps, operator_bps, plan, least_units,
                                         most_units, whole_least, whole_most, made_by, made_at)
           select p.*, %(by)s::uuid, %(now)s
           from unnest(%(ids)s::uuid[], %(versions)s::int[], %(names)s::jsonb[], %(bps)s::int[], %(obps)s::int[],
                       %(plans)s::jsonb[], %(least)s::bigint[], %(most)s::bigint[], %(whole_least)s::bigint[],
                       %(whole_most)s::bigint[]) as p
           on conflict (plan_id, version) do nothing""",
        by=made_by, now=now, ids=[p.plan_id for p in good], versions=[p.version for p in good],
        names=[Jsonb(msgspec.to_builtins(p.name)) for p in good], bps=[p.commission_bps for p in good],
        obps=[p.operator_bps for p in good], plans=[Jsonb(msgspec.to_builtins(p.plan)) for p in good],
        least=[p.least_units for p in good], most=[p.most_units for p in good],
        whole_least=[p.whole_least for p in good], whole_most=[p.whole_most for p in good],
    )  # fmt: skip
    return results


async def adopt(tx: Tx, asks: Sequence[Adopt], *, now: datetime) -> list[Rule | Refusal]:
    """The plans of signed contracts become their merchants' own rules from `now` on, in the transaction of the
    signature. The same contract with the same version of a plan is one rule. Refusal: plan_not_found."""
    there = {(p.plan_id, p.version): p for p in await plans(tx, [a.plan_id for a in asks], every=True)}
    results: list[Rule | Refusal] = []
    for ask in asks:
        plan = there.get((ask.plan_id, ask.plan_version))
        if plan is None:
            results.append(PlanUnknown())
        else:
            rule_id = derive(ask.contract_id, f"rule/{ask.plan_id}/{ask.plan_version}")
            results.append(plan.rule(rule_id, 1, ask.merchant_id, now))
    for rule, ask in zip(results, asks, strict=True):  # each signed by its own owner; a signature is one at a time
        if isinstance(rule, Rule):
            await add_rules(tx, [rule], made_by=ask.by)
    return results
