"""Two devices, two vouchers, refunds, crashes and lost messages in any order: once in the books, bounded loss."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from hutong import orders, vouchers
from hutong.desk import offline
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.clock import ManualClock
from hutong.kit.refusals import Refusal
from hutong.orders import AskRefund
from tests.db.own_audit import sound
from tests.house import TestHouse, make_house
from tests.offline_play import Phone, Till, actor, bought, switch_on

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
_TILL = st.integers(0, 1)
_UNIT = st.integers(0, 1)


class Counters(RuleBasedStateMachine):
    """Tills that obey, guests that do not."""

    def __init__(self, runner: asyncio.Runner, house: TestHouse, who: str) -> None:
        super().__init__()
        self.runner, self.house, self.who = runner, house, who
        self.clock: ManualClock = house.clock  # type: ignore[assignment]
        self.accepted: dict[int, list[UUID]] = {0: [], 1: []}
        self.booked: dict[tuple[int, int], str] = {}

    @initialize()
    def begin(self) -> None:
        async def work() -> None:
            self.limits = await switch_on(self.house, max_count=2)
            self.tills = [await Till.enrol(self.house, name=f"till {n}") for n in range(2)]
            self.units = [unit for _ in range(2) for unit in await bought(self.house, who=self.who)]
            self.phone = Phone(self.house, self.who)
            for unit in self.units:
                await self.phone.fetch(unit.voucher_id)

        self.runner.run(work())

    @rule(which=_TILL, lose=st.booleans(), give_back=st.booleans())
    def pull(self, which: int, lose: bool, give_back: bool) -> None:
        self.runner.run(self.tills[which].pull(lose_answer=lose, wants=not give_back))

    @rule(which=_TILL, unit=_UNIT, crash=st.booleans())
    def scan(self, which: int, unit: int, crash: bool) -> None:
        till, voucher = self.tills[which], self.units[unit].voucher_id
        now = self.clock.now()
        if till.accept(self.phone.text(voucher, now), now) == "accepted":
            self.accepted[which].append(voucher)
        if crash:  # the page dies: the log, the used-set and the counters are on the disk; nothing else is needed
            fresh = Till(self.house, till.device, till.key)
            for name in ("number", "seq", "log", "used", "since", "told", "spent", "given"):
                setattr(fresh, name, getattr(till, name))
            self.tills[which] = fresh

    @rule(which=_TILL, lose=st.booleans(), backwards=st.booleans())
    def upload(self, which: int, lose: bool, backwards: bool) -> None:
        till = self.tills[which]
        rows = till.log[::-1] if backwards else None
        for answer in self.runner.run(till.upload(lose_answer=lose, rows=rows)):
            before = self.booked.setdefault((which, answer.seq), answer.outcome)
            assert before == answer.outcome, "an answer changed"
            assert answer.outcome in ("redeemed", "conflict", "refunded_meanwhile", "expired_at_scan")

    @rule(unit=_UNIT)
    def refund(self, unit: int) -> None:
        held = self.units[unit]

        async def work(tx: Any) -> Any:
            ask = AskRefund(
                refund_id=new_id(), order_id=held.order_id, by=held.member_id, reason="wish",
                voucher_ids=(held.voucher_id,),
            )  # fmt: skip
            return (await orders.ask_refunds(tx, [ask], city_id=held.city_id, now=self.clock.now()))[0]

        answer = self.runner.run(self.house.db.run_city(held.city_id, work))
        if isinstance(answer, Refusal):
            assert answer.code in ("offline_store_silent", "nothing_to_refund")

    @rule(minutes=st.sampled_from([1, 4, 6, 90, 60 * 13]))
    def later(self, minutes: int) -> None:
        self.clock.move(timedelta(minutes=minutes))

    @invariant()
    def holds(self) -> None:
        """What was given out and did not count stays below the number, once in the books, nothing lost."""
        if not hasattr(self, "tills"):
            return
        good = [o for o in self.booked.values() if o == "redeemed"]
        assert len(good) <= 2
        open_rows = sum(len(till.log) for till in self.tills)
        taken = sum(len(rows) for rows in self.accepted.values())
        seen = {(n, row[0]) for n, till in enumerate(self.tills) for row in till.log} | set(self.booked)
        assert len(seen) == taken, "a row is lost"
        for till in self.tills:  # of one allowance
            count, units = till.spent.get(till.holds, (0, 0))
            assert count <= self.limits.max_count
            assert units <= self.limits.max_units
        assert open_rows <= 2 * self.limits.max_count
        assert self._open_units() <= self.limits.worst(2), "more at stake than was declared"

    def _open_units(self) -> int:
        """What the rows that nobody has answered are worth: all that can still be lost."""
        worth = {unit.voucher_id: max(unit.paid_units, unit.due_units) for unit in self.units}
        rows = [row for till in self.tills for row in till.log]
        read = [vouchers.read_token((vouchers.read_payload(row[1]) or row).text) for row in rows]  # type: ignore[union-attr]
        return sum(worth[token.voucher_id] for token in read if token)

    def teardown(self) -> None:
        """The network is back: everything is told, and the books are sound."""
        if not hasattr(self, "tills"):
            return
        for till in self.tills:
            self.runner.run(till.upload())
            assert till.log == []
        states = self.runner.run(self._states())
        self.runner.run(self._revoke())
        assert all(state in ("valid", "used", "refunding", "refunded", "expired") for state in states)
        for package in ("vouchers", "merchants", "settlement", "ledger"):  # nobody sends the refunds here
            assert self.runner.run(sound(self.house.db, package))

    async def _revoke(self) -> None:
        self.clock.move(timedelta(minutes=1))
        mei = await actor(self.house, "mei")
        for till in self.tills:
            await offline.revoke(self.house, self.house.town.city_id, mei, till.device.device_id)

    async def _states(self) -> list[str]:
        async with self.house.db.reading() as tx:
            found = await vouchers.by_ids(tx, [u.voucher_id for u in self.units], city_id=self.units[0].city_id)
        return [v.state for v in found]


def test_any_order_of_scans_refunds_crashes_and_lost_messages(database_url: str):
    with asyncio.Runner() as runner:
        db = runner.run(Database(database_url).open())
        house = runner.run(make_house(db, ManualClock(NOON)))
        guests = cycle(("ann", "bo", "tao", "mei", "lin", "pat"))  # an offer is sold twenty times to one member
        try:
            run_state_machine_as_test(
                lambda: Counters(runner, house, next(guests)),
                settings=settings(
                    max_examples=12, stateful_step_count=14, deadline=None, database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
        finally:
            runner.run(house.batches.close())
            runner.run(db.close())
