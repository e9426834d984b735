"""Any order of steps in the life of vouchers, compared with a plain-Python model after each one."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import Struct

from hutong import vouchers
from hutong.infra.db import Database
from hutong.vouchers import Redeem, Redeemed, Reverse, Reversed, Voucher, qr_text
from tests.db.own_audit import sound
from tests.db.vouchers_help import NOODLE_BAR, TAO, a_redeem, an_issue

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
ZONE = "Asia/Shanghai"
USABLE = ("valid",)


class Model(Struct):
    """What a voucher should be."""

    voucher: Voucher
    state: str
    left: int
    before: str = ""
    uses: dict[Any, int] = {}
    undone: int = 0


class Life(RuleBasedStateMachine):
    """A single voucher, a card and a waiting voucher in a city of their own."""

    def __init__(self, runner: asyncio.Runner, db: Database, city: int) -> None:
        super().__init__()
        self.runner, self.db, self.city, self.now = runner, db, city, NOON
        self.all: list[Model] = []
        self.asked: list[tuple[Redeem, Redeemed]] = []

    def do(self, operation: Any, requests: Any, **more: Any) -> Any:
        work = lambda tx: operation(tx, requests, city_id=self.city, now=self.now, **more)  # noqa: E731
        return self.runner.run(self.db.run_city(self.city, work))

    def read(self, ids: list[UUID]) -> list[Voucher]:
        return self.runner.run(self.db.run_city(self.city, lambda tx: vouchers.by_ids(tx, ids, city_id=self.city)))

    @initialize()
    def issue(self) -> None:
        end = NOON + timedelta(hours=6)
        asks = [an_issue(NOON, valid_to=end), an_issue(NOON, uses=4, valid_to=end, paid_units=1003, due_units=77),
                an_issue(NOON, waiting=True, valid_to=end)]  # fmt: skip
        self.do(vouchers.issue, asks)
        issued = self.read([ask.voucher_id for ask in asks])
        self.all = [Model(voucher, voucher.state, voucher.uses_total) for voucher in issued]

    @rule(which=st.integers(0, 2), count=st.integers(1, 3), by_qr=st.booleans())
    def redeem(self, which: int, count: int, by_qr: bool) -> None:
        one = self.all[which]
        [now] = self.read([one.voucher.voucher_id])
        text = qr_text(now, self.now) if by_qr else one.voucher.code
        ask = a_redeem(presented=text, count=count)
        [answer] = self.do(vouchers.redeem, [ask], zone=ZONE)
        fits = one.state in USABLE and count <= one.left and self.now < one.voucher.valid_to
        assert isinstance(answer, Redeemed) == fits, answer
        if fits:
            one.left -= count
            one.state = "used" if one.left == 0 else "valid"
            one.uses[answer.redemption_id] = count
            self.asked.append((ask, answer))

    @precondition(lambda self: self.asked)
    @rule(which=st.integers(0, 50))
    def ask_again(self, which: int) -> None:
        ask, first = self.asked[which % len(self.asked)]
        [answer] = self.do(vouchers.redeem, [ask], zone=ZONE)
        assert (answer.redemption_id, answer.uses_left, answer.replayed) == (first.redemption_id, first.uses_left, True)

    @precondition(lambda self: self.asked)
    @rule(which=st.integers(0, 50))
    def undo(self, which: int) -> None:
        _, use = self.asked[which % len(self.asked)]
        one = next(m for m in self.all if m.voucher.voucher_id == use.voucher_id)
        ask = Reverse(redemption_id=use.redemption_id, merchant_id=NOODLE_BAR, by=TAO, reason="x")
        [answer] = self.do(vouchers.reverse, [ask])
        live = use.redemption_id in one.uses
        fits = one.state in ("valid", "used") and self.now < use.undo_until and one.undone < 10
        assert isinstance(answer, Reversed) == (fits or not live), answer
        if live and fits:
            one.left += one.uses.pop(use.redemption_id)
            one.state, one.undone = "valid", one.undone + 1

    @rule(which=st.integers(0, 2))
    def start_refund(self, which: int) -> None:
        one = self.all[which]
        [answer] = self.do(vouchers.start_refund, [one.voucher.voucher_id])
        fits = one.state in ("valid", "waiting", "expired")
        assert isinstance(answer, Voucher) == fits
        if fits:
            one.before, one.state = one.state, "refunding"

    @precondition(lambda self: any(m.state == "refunding" for m in self.all))
    @rule(which=st.integers(0, 2), good=st.integers(0, 3))
    def end_refund(self, which: int, good: int) -> None:
        one = [m for m in self.all if m.state == "refunding"][which % sum(m.state == "refunding" for m in self.all)]
        operation = vouchers.refunded if good == 0 else vouchers.refund_failed
        self.do(operation, [one.voucher.voucher_id])
        one.state = "refunded" if good == 0 else one.before

    @rule()
    def tip(self) -> None:
        self.do(vouchers.activate, [self.all[2].voucher.offer_id])
        if self.all[2].state == "waiting":
            self.all[2].state = "valid"

    @rule(minutes=st.sampled_from([0, 1, 5, 40, 90]), sweep=st.booleans())
    def later(self, minutes: int, sweep: bool) -> None:
        self.now += timedelta(minutes=minutes)
        if sweep:
            work = lambda tx: vouchers.expire(tx, city_id=self.city, now=self.now)  # noqa: E731
            gone = self.runner.run(self.db.run_city(self.city, work))
            due = [m for m in self.all if m.state == "valid" and m.voucher.valid_to <= self.now]
            assert {v.voucher_id for v in gone} == {m.voucher.voucher_id for m in due}
            for one in due:
                one.state = "expired"

    @invariant()
    def agrees(self) -> None:
        for one, found in zip(self.all, self.read([m.voucher.voucher_id for m in self.all]), strict=True):
            assert (found.state, found.uses_left) == (one.state, one.left)
            assert found.uses_total - found.uses_left == sum(one.uses.values())
            assert found.cycles == one.undone


def test_any_order_of_steps_agrees_with_a_plain_model(database_url: str):
    with asyncio.Runner() as runner:
        db = runner.run(Database(database_url).open())
        cities = iter(range(1, 10_000))
        try:
            run_state_machine_as_test(
                lambda: Life(runner, db, next(cities)),
                settings=settings(
                    max_examples=25, stateful_step_count=25, deadline=None, database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
            assert runner.run(sound(db, "vouchers"))
        finally:
            runner.run(db.close())
