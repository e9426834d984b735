"""Payouts against the real SandboxPay on its worst days: asked before anything is repeated, paid at most once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from hutong import ledger, programmes, settlement
from hutong.desk import money, payouts
from hutong.infra.db import Database, Tx
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.refusals import NotAllowed, Refusal
from hutong.ledger import Book, chart
from hutong.programmes import Fund
from hutong.settlement import AskPayout, PayoutAsked, PayoutOpen
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.db.guard_off import Bare
from tests.db.payouts_help import (
    Shop,
    a_shop,
    earn,
    ended,
    funded,
    history,
    homed,
    owed,
    seen,
    withdraw,
)
from tests.db.test_settlement import undo
from tests.lane import CITY
from tests.pocket import PocketPay
from tests.points_help import a_shop as an_ally
from tests.provider import Mailbox, SandboxProcess

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    process = await SandboxProcess(tmp_path_factory.mktemp("sandboxpay")).start()
    await funded(process)
    yield process
    await process.stop()


@pytest.fixture
async def shop(db: Database, company: SandboxProcess) -> AsyncIterator[Shop]:
    made = await a_shop(db, company.adapter(answer_seconds=0.5))
    yield made
    await made.house.close()


async def refused(doing: Any) -> str:
    """The code of the refusal that it ends with."""
    with pytest.raises(Refusal) as caught:
        await doing
    return caught.value.code


async def test_what_is_payable_is_reserved_sent_and_posted(db: Database, shop: Shop, company: SandboxProcess):
    asked = await withdraw(shop)
    assert (asked.amount.units, await owed(db, shop.payee)) == (6_256, 6_256)
    (one,) = await ended(db, shop, [asked.payout_id])
    assert (one.state, await owed(db, shop.payee)) == ("done", 0)
    assert await company.effects(one.number) == {"payout": 1}
    assert one.provider_no is not None
    assert one.account == "bank:6222000011112222"
    steps = await history(db, one.payout_id)
    assert steps == [("asked", "asked"), ("unknown", "sent"), ("done", "answer")]
    assert await audit_clean(db)


@pytest.mark.parametrize(
    ("rules", "state", "calls"),
    [
        ([{"mode": "timeout_but_done", "times": 1}], "done", 1),
        ([{"mode": "done_then_500", "times": 1}], "done", 1),
        ([{"mode": "silent", "times": 1}], "done", 2),  # it never arrived: the same number is sent again
        ([{"mode": "silent", "times": 2, "only": ["payout_query"]}, {"mode": "slow", "seconds": 1}], "done", 1),
        ([{"mode": "payout_fails"}], "refused", 1),
        ([{"mode": "timeout_but_done", "times": 1}, {"mode": "payout_fails"}], "refused", 1),
    ],
    ids=["timed out", "answered 500", "never arrived", "slow and silent", "fails", "timed out and fails"],
)
async def test_a_payout_is_asked_about_and_never_repeated(
    db: Database, shop: Shop, company: SandboxProcess, rules: list[dict[str, Any]], state: str, calls: int
):
    asked = await withdraw(shop)
    number = (await seen(db, asked.payout_id)).number
    await company.script(number, *rules)
    (one,) = await ended(db, shop, [asked.payout_id])
    assert one.state == state
    assert (await company.calls(number))["payout"] == calls
    assert await company.effects(number) == ({"payout": 1} if state == "done" else {})
    assert await owed(db, shop.payee) == (0 if state == "done" else 6_256)
    assert await audit_clean(db)


async def test_who_dies_between_the_claim_and_the_call_leaves_a_question(
    db: Database, shop: Shop, company: SandboxProcess
):
    asked = await withdraw(shop)
    now = shop.clock.now()
    claimed = await db.run_city(CITY, lambda tx: settlement.claim_payouts(tx, city_id=CITY, now=now))
    assert [one.payout_id for one in claimed.sends] == [asked.payout_id]
    assert not await payouts.carry(shop.house, CITY)  # nobody asks about a call that may be under way
    (one,) = await ended(db, shop, [asked.payout_id])
    assert await company.effects(one.number) == {"payout": 1}
    steps = await history(db, one.payout_id)
    assert ("asked", "never_heard") in steps
    assert await audit_clean(db)


async def test_what_nobody_knows_after_half_a_day_is_for_a_person(db: Database, shop: Shop, company: SandboxProcess):
    """K11: providers forget numbers, so an old one is never sent again; a person says what became of it."""
    asked = await withdraw(shop)
    number = (await seen(db, asked.payout_id)).number
    await company.script(number, {"mode": "silent", "only": ["payout"]})
    await payouts.carry(shop.house, CITY)
    shop.clock.ahead += timedelta(hours=13)
    for _ in range(3):
        await payouts.carry(shop.house, CITY)
        shop.clock.ahead += timedelta(hours=2)
    assert (await seen(db, asked.payout_id)).state == "unknown"
    assert (await company.calls(number))["payout"] == 1
    async with db.reading(CITY) as tx:
        (task,) = await settlement.tasks_open(tx, city_id=CITY)
    assert (task.kind, task.ref, task.note) == ("stuck", asked.payout_id, "unknown_number")
    house, mark = shop.house, payouts.mark
    where: dict[str, Any] = {"city_id": CITY, "paid": False}
    assert await refused(mark(house, shop.root, asked.payout_id, evidence="no", **where)) == "evidence_missing"
    assert await refused(mark(house, shop.lin, asked.payout_id, evidence="bank says no", **where)) == "not_allowed"
    assert await mark(house, shop.root, asked.payout_id, evidence="bank says it was never sent", **where)
    one = await seen(db, asked.payout_id)
    assert (one.state, await owed(db, shop.payee)) == ("refused", 6_256)
    assert (await history(db, one.payout_id))[-1] == ("refused", "marked")
    assert await audit_clean(db)


async def test_money_that_comes_back_is_payable_again_and_somebodys_task(
    db: Database, shop: Shop, company: SandboxProcess
):
    asked = await withdraw(shop)
    await company.script((await seen(db, asked.payout_id)).number, {"mode": "payout_fails"})
    (one,) = await ended(db, shop, [asked.payout_id])
    async with db.reading(CITY) as tx:
        (task,) = await settlement.tasks_open(tx, city_id=CITY, payee=shop.payee)
    assert (one.failure, task.kind, task.note) == ("account_closed", "refused", "account_closed")
    close = payouts.close_task
    assert await refused(close(shop.house, shop.root, task.task_id, city_id=CITY, outcome="ok")) == "evidence_missing"
    assert await close(shop.house, shop.root, task.task_id, city_id=CITY, outcome="Mei gives a new account")
    again = await withdraw(shop)
    (two,) = await ended(db, shop, [again.payout_id])
    assert (two.state, two.payout_id != one.payout_id) == ("done", True)
    assert await audit_clean(db)


async def test_callbacks_are_hints_and_change_nothing_twice(db: Database, company: SandboxProcess):
    async with Mailbox() as mail:
        shop = await a_shop(db, company.adapter(), public_url=mail.origin)
        asked = await withdraw(shop)
        number = (await seen(db, asked.payout_id)).number
        await company.script(number, {"mode": "duplicate", "count": 2})
        await payouts.carry(shop.house, CITY)
        letters = await mail.wait(number, 2)
        for headers, body in letters:
            await money.callback(shop.house, "sandbox", headers, body)
        (one,) = await ended(db, shop, [asked.payout_id])
        assert one.state == "done"
        assert await company.effects(number) == {"payout": 1}
        assert await audit_clean(db)
        await shop.house.close()


async def test_a_balance_below_zero_is_carried_and_recovered(db: Database, shop: Shop):
    """F147: paid out, then undone: the next earnings pay it back before anything is paid out."""
    (redemption,) = await earn(db, shop, 1)
    asked = await withdraw(shop)
    assert asked.amount.units == 12_512
    await ended(db, shop, [asked.payout_id])
    await undo(db, shop.lane, redemption, shop.clock.now())
    assert await owed(db, shop.payee) == -6_256
    assert await refused(withdraw(shop)) == "nothing_to_pay"
    await earn(db, shop, 1)
    assert await refused(withdraw(shop)) == "nothing_to_pay"
    await earn(db, shop, 1)
    assert (await withdraw(shop)).amount.units == 6_256
    assert await audit_clean(db)


async def test_ten_askers_at_once_are_one_payout(db: Database, shop: Shop):
    await crowd(db)
    answers = await asyncio.gather(*(withdraw(shop) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(one, PayoutAsked) for one in answers) == 1
    assert {type(one) for one in answers if not isinstance(one, PayoutAsked)} == {PayoutOpen}
    assert await audit_clean(db)


class Ungated(Bare):
    """The real operation without its gate; the books keep their own locks."""

    async def _execute(self, sql: str, params: dict[str, Any]) -> Any:
        gate = "pg_advisory_xact_lock" in sql and any(name.startswith("spend/") for name in params.get("names", ()))
        return await Tx._execute(self, "select %(names)s::text[]" if gate else sql, params)


async def test_control_without_the_gate_a_balance_is_paid_out_twice(db: Database, shop: Shop):
    """Reading the balance first and reserving after: both see the same money. The unique index is off as well."""
    await crowd(db)
    async with db.central() as tx:
        await tx.run("drop index settlement.payouts_open_key")
    met = asyncio.Barrier(2)

    async def unguarded() -> None:
        ask = AskPayout(payout_id=new_id(), merchant_id=shop.lane.merchant, provider="sandbox", asset="CNY")
        async with db.city(CITY) as tx:
            off = Ungated(tx, after="from settlement.payouts", pause=met.wait)
            await settlement.ask_payouts(off, [ask], city_id=CITY, now=shop.clock.now())
            assert off.paused

    await asyncio.gather(unguarded(), unguarded())
    async with db.reading(CITY) as tx:
        found = await settlement.payouts_in(tx, city_id=CITY)
    assert sum(one.amount.units for one in found) == 2 * 6_256  # twice what there was


async def a_block(db: Database, shop: Shop) -> Fund:
    """Mei's shop in an alliance, and what it would pay in for points: all that it has earned."""
    alliance = await an_ally(db, shop.lane, shop.clock.now(), block=0)
    return Fund(
        block_id=new_id(), programme_id=alliance.programme_id, partner_id=shop.lane.merchant, city_id=CITY,
        amount=Amount(6_256, "CNY"), debit_path=chart.payable_merchant(shop.lane.merchant).path,
    )  # fmt: skip


@pytest.mark.parametrize("guarded", [True, False])
async def test_what_is_paid_out_pays_for_no_points(db: Database, shop: Shop, guarded: bool):
    """While one takes what the shop has earned, the other waits, and finds nothing left; the control without the gate
    pays out what stands behind points."""
    await crowd(db)
    block, now, owed_to = await a_block(db, shop), shop.clock.now(), chart.payable_merchant(shop.lane.merchant).path
    ask = AskPayout(payout_id=new_id(), merchant_id=shop.lane.merchant, provider="sandbox", asset="CNY")
    met = asyncio.Barrier(2)

    async def pay_in() -> Any:
        async with db.city(CITY) as tx:
            door = tx if guarded else Ungated(tx, after="from ledger.city_accounts as a", pause=met.wait)
            return (await programmes.fund(door, [block], now=now))[0]

    async def pay_out() -> Any:
        async with db.city(CITY) as tx:
            door = tx if guarded else Ungated(tx, after="from settlement.payouts", pause=met.wait)
            return (await settlement.ask_payouts(door, [ask], city_id=CITY, now=now))[0]

    answers = await asyncio.gather(pay_in(), pay_out())
    done = [one for one in answers if not isinstance(one, Refusal)]
    async with db.reading(CITY) as tx:
        (left,) = await ledger.balances(tx, Book.city(CITY), paths=[owed_to])
    assert (len(done), left.available.units) == ((1, 0) if guarded else (2, -6_256)), answers
    if guarded:
        assert await audit_clean(db)


async def test_only_his_own_people_ask_for_his_money(db: Database, shop: Shop):
    for stranger in (shop.lin, shop.root):
        assert await refused(withdraw(shop, by=stranger)) == "not_allowed"
    assert await refused(withdraw(shop, shop.operator, shop.mei)) == "not_allowed"
    with pytest.raises(NotAllowed):
        await payouts.propose(shop.house, shop.lin, shop.payee, "bank:1234", "Lin")
    assert await refused(withdraw(shop, shop.operator, shop.lin)) == "no_payout_account"
    await homed(shop, shop.operator, shop.lin)
    assert (await withdraw(shop, shop.operator, shop.lin)).amount.units == 136


async def test_a_changed_account_needs_another_person_and_rests(db: Database, shop: Shop):
    """F9, F10: nobody approves his own change, and the new account is not used for three days."""
    house = shop.house
    first = await payouts.propose(house, shop.mei, shop.payee, "bank:9999888877776666", "Mei Chen")
    assert (first.version, first.state) == (2, "proposed")
    assert await refused(payouts.propose(house, shop.mei, shop.payee, "bank:1", "x")) == "payout_account_open"
    assert await refused(payouts.decide_account(house, shop.mei, shop.payee, approve=True)) == "not_allowed"
    both = await payouts.propose(house, shop.lin, shop.operator, "bank:5555", "Lin")
    assert await refused(payouts.decide_account(house, shop.lin, shop.operator, approve=True)) == "not_allowed"
    done = await payouts.decide_account(house, shop.root, shop.payee, approve=True)
    assert done.usable_from == done.decided_at + timedelta(hours=72)  # type: ignore[operator]
    assert await refused(withdraw(shop)) == "payout_account_resting"
    assert both.tail == "5555"
    shop.clock.ahead += timedelta(hours=73)
    asked = await withdraw(shop)
    assert (await seen(db, asked.payout_id)).account == "bank:9999888877776666"
    assert await audit_clean(db)


async def test_who_runs_the_platform_cannot_approve_his_own_account(db: Database, shop: Shop):
    ask = settlement.Propose(payee=shop.operator, account="bank:5555", holder="Lin", by=shop.root.member_id)
    async with db.central() as tx:
        await settlement.propose_accounts(tx, [ask], now=shop.clock.now())
    decide = payouts.decide_account
    assert await refused(decide(shop.house, shop.root, shop.operator, approve=True)) == "second_person_needed"
    assert (await decide(shop.house, shop.ruth, shop.operator, approve=False, why="not known")).state == "declined"


async def test_a_large_withdrawal_waits_for_a_second_person(db: Database):
    shop = await a_shop(db, PocketPay(), payout_limit_units=6_000)
    asked = await withdraw(shop)
    assert asked.waiting
    await payouts.carry(shop.house, CITY)
    assert (await seen(db, asked.payout_id)).state == "waiting"
    decide = payouts.decide_payout
    assert await refused(decide(shop.house, shop.mei, asked.payout_id, city_id=CITY, approve=True)) == "not_allowed"
    assert await decide(shop.house, shop.root, asked.payout_id, city_id=CITY, approve=False, why="who is this")
    assert (await seen(db, asked.payout_id)).state == "refused"
    async with db.reading(CITY) as tx:
        assert await settlement.tasks_open(tx, city_id=CITY) == []
    again = await withdraw(shop)
    assert await decide(shop.house, shop.root, again.payout_id, city_id=CITY, approve=True)
    (one,) = await ended(db, shop, [again.payout_id])
    assert one.state == "done"
    assert await audit_clean(db)
