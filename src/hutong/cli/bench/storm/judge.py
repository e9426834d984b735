"""Whether what clients were told and what the database holds are the same."""

from typing import Any

from hutong.cli.bench.storm.claims import OP
from hutong.cli.bench.storm.journal import Journal

HONEST = {"sold_out"}  # what a loser may be told


def wrong_with(journal: Journal, found: dict[str, Any], *, quota: int, claims: int) -> list[str]:
    """What is not as it must be, in words. `found`: what checks/buying.sql says after all keys are known."""
    wrong = []
    made, refused = len(journal.made(OP)), journal.refused(OP)
    taken = found["units_sold"] + found["units_held"]
    if made != min(quota, claims):
        wrong.append(f"{made} claims were granted, not {min(quota, claims)}")
    if made + sum(refused.values()) != claims:
        wrong.append(f"{claims - made - sum(refused.values())} claims have no answer")
    if set(refused) - HONEST:
        wrong.append(f"losers were told {dict(refused)}")
    if journal.torn(OP):
        wrong.append(f"{len(journal.torn(OP))} keys were told two things")
    if journal.strange:
        wrong.append(f"answers that are no answers: {dict(journal.strange)}")
    if found["quotas_unequal"] or taken + found["units_left"] != found["units_total"]:
        wrong.append("sold + held + left is not the quota")
    if taken != found["units_ordered"]:
        wrong.append("the units of the orders are not those that were taken")
    if found["acknowledged_missing"]:
        wrong.append(f"{found['acknowledged_missing']} acknowledged orders are not there")
    if found["acknowledged_twice"]:
        wrong.append(f"{found['acknowledged_twice']} orders were told to two keys")
    if found["orders"] != made:
        wrong.append(f"{found['orders']} orders are there, {made} were acknowledged")
    return wrong
