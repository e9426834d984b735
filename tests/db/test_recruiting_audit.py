"""Each invariant of recruiting fires when its violation is made on purpose."""

from datetime import timedelta
from typing import Any

import pytest

from hutong import recruiting
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.text import Text
from hutong.recruiting import Assign, Decide, Offer, Rank, Sign, Transfer
from tests.conftest import audit_clean, fires
from tests.db.breaking import break_it
from tests.db.own_audit import codes
from tests.recruiting_help import ALL, CITY, ZONE, a_field, a_visit, an_application, an_invitation, done

pytestmark = pytest.mark.anyio

R = "recruiting"
OTHER = "(select operator_id from recruiting.operators where operator_id <> {0} order by operator_id limit 1)"
BREAK = {
    "RC01": [
        [f"alter table {R}.territories drop constraint territories_one_operator_excl",
         f"update {R}.territories set district_id = null where until is null and district_id = 1"],
        [f"alter table {R}.ranks drop constraint ranks_above_check",
         f"update {R}.ranks set parent_id = (select operator_id from {R}.operators where kind = 'division' limit 1), "
         "parent_kind = 'division' where kind = 'division'"],
    ],
    "RC02": [
        [f"delete from {R}.ranks where kind = 'staff'"],
        [f"update {R}.ranks set version = 3 where version = 2"],
        [f"update {R}.ranks set valid_from = valid_from + interval '1 hour' where version = 1"],
        [f"update {R}.operators set kind = 'staff' where kind = 'division'"],
    ],
    "RC03": [
        [f"alter table {R}.attributions drop constraint attributions_one_operator_excl",
         f"update {R}.attributions set until = until + interval '1 hour' where until is not null"],
        [f"update {R}.attributions set until = until - interval '1 second' where until is not null"],
        [f"delete from {R}.attributions where why = 'transfer'"],
    ],
    "RC04": [
        [f"update {R}.attributions set operator_id = {OTHER.format('attributions.operator_id')} where why = 'rule'"],
        [f"update {R}.attributions set operator_id = {OTHER.format('attributions.operator_id')} where why = 'case'"],
        [f"update {R}.attributions set ends_at = ends_at + interval '1 day' where why = 'contract'"],
        [f"alter table {R}.attributions drop constraint attributions_reason_check",
         f"update {R}.attributions set reason = '' where why = 'transfer'"],
    ],
    "RC05": [
        [f"update {R}.applications set state = 'withdrawn' where state = 'submitted'"],
        [f"delete from {R}.steps where state = 'draft'"],
        [f"update {R}.applications set version = version + 1 where state = 'submitted'"],
    ],
    "RC06": [
        ["delete from people.grants where role = 'merchant_owner'"],
        ["delete from merchants.stores where city_id = 1"],
        ["delete from merchants.merchants"],
    ],
    "RC07": [
        [f"update {R}.verdicts set state = 'rejected', reason = 'x' where state = 'accepted'"],
        [f"update {R}.requirements set state = 'waived' where state = 'accepted'"],
        [f"delete from {R}.verdicts where number = 1"],
    ],
    "RC08": [
        [f"delete from {R}.documents"],
        [f"update {R}.documents set expires_on = date '2030-01-01'"],
    ],
    "RC09": [
        [f"delete from {R}.visits"],
        [f"delete from {R}.invitations where part = 'merchant'"],
        [f"update {R}.evidence set at = at - interval '1 day' where kind = 'visit'"],
        [f"update {R}.evidence set kind = 'upload' where kind = 'visit'"],
        [f"update {R}.evidence set kind = 'application' where kind = 'visit'"],
    ],
    "RC10": [
        [f"delete from {R}.attributions where why = 'case'"],
        [f"delete from {R}.claims where outcome is null"],
        [f"update {R}.claims set outcome = null, ended_at = null where outcome in ('granted', 'refused')"],
    ],
    "RC11": [
        [f"drop index {R}.contracts_force_key", f"update {R}.contracts set ended_at = null where ended_at is not null"],
        [f"delete from {R}.contracts where version = 1"],
        [f"update {R}.contracts set share_ends_at = signed_at where share_ends_at is not null"],
    ],
    "RC12": [
        [f"delete from {R}.seats where part = 'recruiter'"],
        [f"drop index {R}.seats_live_key",
         f"update {R}.seats set operator_id = (select operator_id from {R}.operators limit 1), "
         f"member_id = (select member_id from {R}.seats limit 1)"],
    ],
}  # fmt: skip


async def a_little_history(db: Database, now) -> None:
    """One was recruited and moved on, one was fought over and decided, one is being fought over, one waits; a contract
    was signed twice; somebody joined; the agent's part changed."""
    town = await a_field(db, now)
    later, pat = now + timedelta(hours=2), new_id()
    moved = await an_application(db, now, town, by=town.left)
    asks: dict[str, Any] = {"merchant_id": moved.merchant_id, "operator_id": town.left}
    contract = Offer(contract_id=new_id(), version=0, months=12, plan_words=Text(zh="8%", en="8 %"), by=pat, **asks)
    for version in (1, 2):
        at = now + timedelta(minutes=10 * version)
        await done(db, recruiting.offer, contract, reach=ALL, now=at)
        sign = Sign(contract_id=contract.contract_id, version=version, merchant_id=moved.merchant_id, by=town.owner)
        await done(db, recruiting.sign, sign, zone=ZONE, now=at + timedelta(minutes=5))
        contract = Offer(contract_id=contract.contract_id, version=1, months=24, plan_words=Text(zh="7%", en="7 %"),
                         by=pat, **asks)  # fmt: skip
    give = Transfer(
        attribution_id=new_id(), merchant_id=moved.merchant_id, operator_id=town.right, reason="moved", by=pat
    )
    await done(db, recruiting.transfer, give, now=later)
    for phone, decided in (("+8619900003001", True), ("+8619900003002", False)):
        await done(db, recruiting.log_visits, a_visit(town, town.right, now, phone=phone), now=now)
        one = await an_application(db, now + timedelta(hours=1), town, by=town.left, phone=phone)
        if decided:
            async with db.reading(CITY) as tx:
                case = (await recruiting.cases_on(tx, [one.merchant_id], city_id=CITY))[one.merchant_id]
            word = Decide(case_id=case.case_id, operator_id=town.right, reason="first", by=pat)
            await done(db, recruiting.decide, word, now=later)
    await an_application(db, now, town, until="submitted")
    joins = await an_invitation(db, now, town, town.left, "recruiter")
    await done(db, recruiting.accept_calls, (joins.invitation_id, joins.secret, new_id()), now=now)
    async with db.central() as tx:
        rank = Rank(operator_id=town.agent, version=1, parent_id=town.left, handed_bps=5_000, by=pat)
        await recruiting.rank_operators(tx, [rank], now=later)
        free = Assign(territory_id=new_id(), district_id=2, operator_id=town.left, by=pat)
        await recruiting.assign(tx, [free], city_id=CITY, now=later)


def test_every_invariant_has_its_test():
    assert codes("recruiting") == set(BREAK) | {"RC13"}  # RC13: tests/db/test_new_stores.py


@pytest.mark.parametrize(
    ("code", "steps"), [(code, steps) for code, ways in BREAK.items() for steps in ways], ids=str
)  # fmt: skip
async def test_it_fires(db: Database, now, code: str, steps: list[str]):
    await a_little_history(db, now)
    assert await audit_clean(db)
    break_it(db.url, steps)
    assert await fires(db, code)
