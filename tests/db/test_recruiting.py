"""Operators, territories, applications and who recruited whom, on a real database."""

from datetime import timedelta
from typing import Any

import pytest

from hutong import merchants, people, recruiting
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Role
from hutong.kit.clock import local_day
from hutong.kit.refusals import BadInput, NotFound
from hutong.kit.text import Text
from hutong.recruiting import (
    ApplicationChanged,
    ApplicationNotOpen,
    ApplicationUnknown,
    Apply,
    Assign,
    CallingOver,
    CaseDecided,
    ClaimEnded,
    ClaimIt,
    ContractChanged,
    Decide,
    DocumentExpired,
    DocumentsMissing,
    Offer,
    Rank,
    RankChanged,
    RankWrong,
    Reach,
    Rework,
    Sign,
    TerritoryNeeded,
    TerritoryTaken,
    Transfer,
    Verdict,
)
from tests.conftest import audit_clean
from tests.recruiting_help import (
    ALL,
    CITY,
    DEMANDS,
    ZONE,
    a_field,
    a_move,
    a_paper,
    a_visit,
    an_application,
    an_invitation,
    approved,
    done,
    words,
)

pytestmark = pytest.mark.anyio


async def test_ranks_are_versions_and_shares_follow_the_one_of_their_time(db: Database, now):
    town = await a_field(db, now)
    one = await an_application(db, now, town, by=town.staff)
    later = now + timedelta(days=2)
    ask = Rank(operator_id=town.agent, version=1, parent_id=town.left, handed_bps=5_000, by=new_id())
    async with db.central() as tx:
        (ranked,) = await recruiting.rank_operators(tx, [ask], now=later)
        assert (ranked.version, ranked.handed_bps) == (2, 5_000)
        assert await recruiting.rank_operators(tx, [ask], now=later) == [RankChanged()]
        ring = Rank(operator_id=town.left, version=1, parent_id=town.agent, handed_bps=1, by=None)
        assert await recruiting.rank_operators(tx, [ring], now=later) == [RankWrong()]
        under = Rank(operator_id=town.agent, version=2, parent_id=town.right, handed_bps=5_000, by=None)
        (moved,) = await recruiting.rank_operators(tx, [under], now=later + timedelta(days=1))
        assert moved.parent_id == town.right
        for at, shares in (
            (now, [(town.left, 4_000), (town.agent, 4_001), (town.staff, 1_999)]),
            (later, [(town.left, 5_000), (town.agent, 3_334), (town.staff, 1_666)]),
            (later + timedelta(days=1), [(town.right, 5_000), (town.agent, 3_334), (town.staff, 1_666)]),
        ):
            found = (await recruiting.shares_for(tx, [one.merchant_id, new_id()], at=at))[one.merchant_id]
            assert [(s.operator_id, s.bps) for s in found.shares] == shares, at
            assert (found.operator_id, found.ends_at) == (town.staff, None)
    assert await audit_clean(db)


async def test_a_district_has_one_operator_and_the_past_stays(db: Database, now):
    town = await a_field(db, now)
    later = now + timedelta(days=1)

    def area(district: int | None, operator) -> Assign:
        return Assign(territory_id=new_id(), district_id=district, operator_id=operator, by=None)

    async with db.central() as tx:
        asks = [area(None, town.left), area(9, town.left), area(1, town.agent), area(2, town.left), area(1, None)]
        results = await recruiting.assign(tx, asks, city_id=CITY, now=later)
    assert isinstance(results[0], TerritoryTaken)
    assert isinstance(results[1], BadInput)
    assert isinstance(results[2], TerritoryNeeded)
    assert results[3].operator_id == town.left
    assert results[4].until == later
    async with db.reading() as tx:
        rows = await recruiting.territories(tx, city_id=CITY, history=True)
        assert {(one.district_id, one.operator_id, one.until is None) for one in rows} == {
            (1, town.left, False), (2, town.right, False), (2, town.left, True),
        }  # fmt: skip
    assert await audit_clean(db)


async def test_what_a_person_reaches(db: Database, now):
    town = await a_field(db, now)
    async with db.central() as tx:
        gives = [
            people.GiveRole(grant_id=new_id(), member_id=one, role=Role.CITY_RECRUITER, city_id=CITY, by=None)
            for one in town.managers.values()
        ]
        await people.grant(tx, gives, now=now)
        actors = await people.actors(tx, list(town.managers.values()))
        seen = {
            key: await recruiting.reach(tx, actors[one], city_id=CITY, at=now) for key, one in town.managers.items()
        }
        away = await recruiting.reach(tx, actors[town.managers[town.left]], city_id=2, at=now)
    assert seen[town.left] == Reach(districts=frozenset({1}), operators=frozenset({town.left, town.agent, town.staff}))
    assert seen[town.right] == Reach(districts=frozenset({2}), operators=frozenset({town.right}))
    assert seen[town.agent] == Reach(operators=frozenset({town.agent, town.staff}))
    assert not away
    one = await an_application(db, now, town, by=town.staff, until="submitted", district_id=2)
    async with db.reading(CITY) as tx:
        for key, sees in ((town.left, True), (town.right, True), (town.agent, True), (town.staff, True)):
            found = await recruiting.application(tx, one.application_id, city_id=CITY, reach=seen[key])
            assert (found is not None) is sees
        other = Reach(districts=frozenset({1}))
        assert await recruiting.application(tx, one.application_id, city_id=CITY, reach=other) is None
        assert await recruiting.queue(tx, other, city_id=CITY) == []
        assert await recruiting.count_waiting(tx, seen[town.right], city_id=CITY) == 1
    today = local_day(now, ZONE)
    move = a_move(one, town.managers[town.agent])
    with pytest.raises(ApplicationUnknown):  # he recruited it; the district is not his to decide
        await done(db, recruiting.approve, move, reach=seen[town.agent], today=today, now=now)
    await done(db, recruiting.approve, move, reach=seen[town.right], today=today, now=now)
    assert await audit_clean(db)


async def test_an_application_goes_its_rounds_and_opens_a_shop(db: Database, now):
    town = await a_field(db, now)
    today, reviewer = local_day(now, ZONE), new_id()
    one = await an_application(db, now, town, by=town.left, until="draft")
    with pytest.raises(DocumentsMissing):
        await done(db, recruiting.submit, a_move(one, town.owner), now=now)
    with pytest.raises(ApplicationUnknown):
        await done(db, recruiting.submit, a_move(one, new_id()), now=now)
    with pytest.raises(DocumentExpired):
        old = a_paper(one, DEMANDS[0], town.owner, expires_on=today - timedelta(days=1))
        await done(db, recruiting.bring, old, today=today, now=now)
    for kind in DEMANDS:
        paper = a_paper(one, kind, town.owner, expires_on=today + timedelta(days=90))
        await done(db, recruiting.bring, paper, today=today, now=now)
    sent = await done(db, recruiting.submit, a_move(one, town.owner), now=now)
    assert (sent.state, sent.round) == ("submitted", 1)
    assert await done(db, recruiting.submit, a_move(one, town.owner), now=now) == sent
    no = Verdict(application_id=one.application_id, kind=DEMANDS[1], state="rejected", by=reviewer)
    with pytest.raises(BadInput):
        await done(db, recruiting.judge_documents, no, reach=ALL, now=now)
    said = Verdict(application_id=one.application_id, kind=DEMANDS[1], state="rejected", reason="看不清", by=reviewer)
    await done(db, recruiting.judge_documents, said, reach=ALL, now=now)
    with pytest.raises(DocumentsMissing):
        await done(db, recruiting.approve, a_move(sent, reviewer), reach=ALL, today=today, now=now)
    back = await done(db, recruiting.send_back, a_move(sent, reviewer, "请重拍许可证"), reach=ALL, now=now)
    assert back.state == "returned"
    with pytest.raises(ApplicationNotOpen):
        await done(db, recruiting.reject, a_move(back, reviewer, "no"), reach=ALL, now=now)
    new = words(name=Text(zh="河边面馆", en="River Noodles"))
    change = Rework(application_id=one.application_id, member_id=town.owner, version=back.version, words=new)
    with pytest.raises(ApplicationChanged):
        await done(db, recruiting.rework, Rework(**{**_plain(change), "version": 1}), now=now)
    await done(db, recruiting.rework, change, now=now)
    paper = a_paper(one, DEMANDS[1], town.owner, expires_on=today + timedelta(days=30))
    await done(db, recruiting.bring, paper, today=today, now=now)
    again = await done(db, recruiting.submit, a_move(back, town.owner), now=now + timedelta(hours=1))
    async with db.reading(CITY) as tx:
        rounds = [s.words for s in (await recruiting.steps(tx, [one.application_id], city_id=CITY))[one.application_id]]
    first, second = [w for w in rounds if w]
    assert recruiting.differences(first, second) == [("name", first.name, new.name)]
    yes = await done(db, recruiting.approve, a_move(again, reviewer), reach=ALL, today=today, now=now)
    assert await done(db, recruiting.approve, a_move(again, reviewer), reach=ALL, today=today, now=now) == yes
    with pytest.raises(ApplicationNotOpen):
        await done(db, recruiting.approve, a_move(again, new_id()), reach=ALL, today=today, now=now)
    async with db.reading(CITY) as tx:
        shop = await merchants.merchant(tx, yes.merchant_id)
        stores = await merchants.stores_of(tx, CITY, yes.merchant_id)
        owner = (await people.actors(tx, [town.owner]))[town.owner]
        due = await recruiting.expiring(tx, ALL, city_id=CITY, before=today + timedelta(days=40))
    assert shop is not None
    assert shop.name == new.name
    assert [one.store_id for one in stores] == [yes.store_id]
    assert [(g.role, g.merchant_id) for g in owner.grants] == [(Role.MERCHANT_OWNER, yes.merchant_id)]
    assert [(a.application_id, kind) for a, kind, _ in due] == [(one.application_id, DEMANDS[1])]
    assert await audit_clean(db)


def _plain(ask: Rework) -> dict[str, Any]:
    return {name: getattr(ask, name) for name in Rework.__struct_fields__}


async def test_a_waived_requirement_has_a_reason_and_a_withdrawn_application_is_over(db: Database, now):
    town = await a_field(db, now)
    one = await an_application(db, now, town, until="submitted")
    gone = await done(db, recruiting.withdraw, a_move(one, town.owner), now=now)
    assert gone.state == "withdrawn"
    assert await done(db, recruiting.withdraw, a_move(one, town.owner), now=now) == gone
    with pytest.raises(ApplicationNotOpen):
        await approved(db, now, one)
    two = await an_application(db, now, town, until="submitted")
    waive = Verdict(application_id=two.application_id, kind=DEMANDS[1], state="waived", reason="只卖饮料", by=new_id())
    await done(db, recruiting.judge_documents, waive, reach=ALL, now=now)
    await approved(db, now, two)
    assert await audit_clean(db)


async def test_links_end_and_people_join_once(db: Database, now):
    town = await a_field(db, now)
    called = await an_invitation(db, now, town, town.left, "recruiter")
    stranger, other = new_id(), new_id()
    seat = await done(db, recruiting.accept_calls, (called.invitation_id, called.secret, stranger), now=now)
    assert await done(db, recruiting.accept_calls, (called.invitation_id, called.secret, stranger), now=now) == seat
    with pytest.raises(CallingOver):
        await done(db, recruiting.accept_calls, (called.invitation_id, called.secret, other), now=now)
    shops = await an_invitation(db, now, town, town.left)
    for secret, at in (("wrong", now), (shops.secret, now)):
        if secret == shops.secret:
            boss = town.managers[town.left]
            own = frozenset({town.left})
            await done(db, recruiting.uncall, shops.invitation_id, operators=own, by=boss, now=now)
        ask = Apply(
            application_id=new_id(), member_id=town.owner, words=words(), demands=DEMANDS, secret=secret,
            invitation_id=shops.invitation_id,
        )  # fmt: skip
        with pytest.raises(CallingOver):
            await done(db, recruiting.apply, ask, now=at)
    async with db.central() as tx:
        nobody = await recruiting.leave_seats(tx, [seat.seat_id], operators=frozenset({town.right}), by=other, now=now)
        assert [one.code for one in nobody] == ["operator_not_found"]
        await recruiting.leave_seats(tx, [seat.seat_id], operators=frozenset({town.left}), by=other, now=now)
        assert await recruiting.seats_of(tx, [stranger]) == []
    assert await audit_clean(db)


async def test_the_only_evidence_decides_and_words_alone_do_not(db: Database, now):
    town = await a_field(db, now)
    one = await an_application(db, now, town, by=town.agent)
    async with db.reading() as tx:
        held = (await recruiting.holders(tx, [one.merchant_id]))[one.merchant_id]
    assert (held.operator_id, held.why) == (town.agent, "rule")
    later = now + timedelta(days=3)
    late = a_visit(town, town.right, later, merchant_id=one.merchant_id)
    await done(db, recruiting.log_visits, late, now=later)
    ask = ClaimIt(claim_id=new_id(), merchant_id=one.merchant_id, operator_id=town.right, by=new_id(), words="是我")
    claim = await done(db, recruiting.claim, ask, now=later)
    assert (claim.outcome, claim.evidence) == ("no_evidence", ())
    with pytest.raises(NotFound):
        await done(db, recruiting.claim, ClaimIt(**{**_dict(ask), "merchant_id": new_id()}), now=later)
    assert await audit_clean(db)


def _dict(ask: ClaimIt) -> dict[str, Any]:
    return {name: getattr(ask, name) for name in ClaimIt.__struct_fields__}


async def a_conflict(db: Database, now):
    """The right one was there first, the shop came by the left one's code."""
    town = await a_field(db, now)
    await done(db, recruiting.log_visits, a_visit(town, town.right, now, phone="+8619900002001"), now=now)
    one = await an_application(db, now + timedelta(hours=1), town, by=town.left)
    async with db.reading(CITY) as tx:
        case = (await recruiting.cases_on(tx, [one.merchant_id], city_id=CITY))[one.merchant_id]
        assert await recruiting.shares_for(tx, [one.merchant_id], at=now + timedelta(hours=2)) == {}
    return town, one, case


async def test_two_with_evidence_are_a_case_that_the_platform_decides_once(db: Database, now):
    town, one, case = await a_conflict(db, now)
    assert case.decided_at is None
    later, pat = now + timedelta(hours=3), new_id()
    wrong = Decide(case_id=case.case_id, operator_id=town.agent, reason="?", by=pat)
    with pytest.raises(recruiting.NotAClaimant):
        await done(db, recruiting.decide, wrong, now=later)
    ask = Decide(case_id=case.case_id, operator_id=town.right, reason="先拜访，有照片", by=pat)
    decided = await done(db, recruiting.decide, ask, now=later)
    assert decided.operator_id == town.right
    assert await done(db, recruiting.decide, ask, now=later) == decided
    with pytest.raises(CaseDecided):
        await done(db, recruiting.decide, Decide(**{**_fields(ask), "operator_id": town.left}), now=later)
    again = ClaimIt(claim_id=new_id(), merchant_id=one.merchant_id, operator_id=town.left, by=new_id())
    with pytest.raises(ClaimEnded):
        await done(db, recruiting.claim, again, now=later)
    async with db.reading(CITY) as tx:
        claims = (await recruiting.claims_on(tx, [one.merchant_id], city_id=CITY))[one.merchant_id]
    assert {(c.operator_id, c.outcome) for c in claims} == {(town.left, "refused"), (town.right, "granted")}
    assert await audit_clean(db)


def _fields(ask: Decide) -> dict[str, Any]:
    return {name: getattr(ask, name) for name in Decide.__struct_fields__}


async def test_a_transfer_adds_a_row_and_the_past_says_what_it_said(db: Database, now):
    town = await a_field(db, now)
    one = await an_application(db, now, town, by=town.left)
    later = now + timedelta(days=10)
    ask = Transfer(
        attribution_id=new_id(), merchant_id=one.merchant_id, operator_id=town.right, reason="搬到港湾", by=new_id()
    )
    for _ in range(2):
        row = await done(db, recruiting.transfer, ask, now=later)
        assert row.operator_id == town.right
    async with db.reading() as tx:
        rows = await recruiting.attributions_of(tx, one.merchant_id)
        before = await recruiting.shares_for(tx, [one.merchant_id], at=later - timedelta(seconds=1))
        after = await recruiting.shares_for(tx, [one.merchant_id], at=later)
    assert [(r.operator_id, r.until) for r in rows] == [(town.right, None), (town.left, later)]
    assert before[one.merchant_id].operator_id == town.left
    assert after[one.merchant_id].operator_id == town.right
    assert await audit_clean(db)


async def test_a_contract_is_signed_as_read_and_its_term_ends(db: Database, now):
    town = await a_field(db, now)
    one = await an_application(db, now, town, by=town.left)
    own = Reach(operators=frozenset({town.left}))
    first = Offer(
        contract_id=new_id(), version=0, merchant_id=one.merchant_id, operator_id=town.left, months=12,
        plan_words=Text(zh="8%", en="8 %"), by=town.managers[town.left],
    )  # fmt: skip
    with pytest.raises(NotFound):
        others = Reach(operators=frozenset({town.right}))
        await done(db, recruiting.offer, first, reach=others, now=now)
    offered = await done(db, recruiting.offer, first, reach=own, now=now)
    second = Offer(**{name: getattr(first, name) for name in Offer.__struct_fields__} | {"version": 1, "months": 6})
    newer = await done(db, recruiting.offer, second, reach=own, now=now)

    def sign(version: int) -> Sign:
        return Sign(contract_id=first.contract_id, version=version, merchant_id=one.merchant_id, by=town.owner)

    later = now + timedelta(minutes=5)
    with pytest.raises(ContractChanged):
        await done(db, recruiting.sign, sign(offered.version), zone=ZONE, now=later)
    signed = await done(db, recruiting.sign, sign(newer.version), zone=ZONE, now=later)
    assert await done(db, recruiting.sign, sign(newer.version), zone=ZONE, now=later) == signed
    assert signed.share_ends_at is not None
    async with db.reading() as tx:
        while_it_runs = await recruiting.shares_for(tx, [one.merchant_id], at=later)
        over = await recruiting.shares_for(tx, [one.merchant_id], at=signed.share_ends_at)
    assert while_it_runs[one.merchant_id].ends_at == signed.share_ends_at
    assert over == {}
    assert await audit_clean(db)
