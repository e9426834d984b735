"""Any order of steps, compared with a plain-Python stock after each one."""

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

from hutong import inventory
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.inventory import GiveBack, Held, Hold, OpenQuota, Resize, Want
from tests.db.own_audit import sound

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
LIFE = timedelta(minutes=15)


class Stock(RuleBasedStateMachine):
    """Three quotas in a city of their own; the model is counters and a dict of holds."""

    def __init__(self, runner: asyncio.Runner, db: Database, city: int) -> None:
        super().__init__()
        self.runner, self.db, self.city = runner, db, city
        self.now = NOON
        self.left: dict[UUID, int] = {}
        self.total: dict[UUID, int] = {}
        self.holds: list[dict[str, Any]] = []

    def do(self, work: Any) -> Any:
        return self.runner.run(self.db.run_city(self.city, work))

    @initialize(totals=st.tuples(*[st.integers(0, 6)] * 3))
    def open(self, totals: tuple[int, ...]) -> None:
        for total in totals:
            quota_id = new_id()
            self.left[quota_id] = self.total[quota_id] = total
        asks = [OpenQuota(quota_id=q, label="m", total=t) for q, t in self.total.items()]
        self.do(lambda tx: inventory.open_quotas(tx, asks, city_id=self.city, now=self.now))

    @rule(baskets=st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), max_size=3), max_size=4))
    def hold(self, baskets: list[list[tuple[int, int]]]) -> None:
        quotas = list(self.left)
        asks = [
            Hold(hold_id=new_id(), wants=tuple(Want(quotas[q], n) for q, n in basket), expires_at=self.now + LIFE,
                 ref=new_id())
            for basket in baskets
        ]  # fmt: skip
        answers = self.do(lambda tx: inventory.hold(tx, asks, city_id=self.city, now=self.now))
        for ask, answer in zip(asks, answers, strict=True):
            need: dict[UUID, int] = {}
            for want in ask.wants:
                need[want.quota_id] = need.get(want.quota_id, 0) + want.units
            fits = all(self.left[q] >= n for q, n in need.items())
            assert isinstance(answer, Held) == fits
            if fits:
                for q, n in need.items():
                    self.left[q] -= n
                self.holds.append(
                    {"ask": ask, "need": need, "state": "held", "back": dict.fromkeys(need, 0), "until": ask.expires_at}
                )

    @precondition(lambda self: self.holds)
    @rule(which=st.integers(0, 50))
    def again(self, which: int) -> None:
        one = self.holds[which % len(self.holds)]
        [answer] = self.do(lambda tx: inventory.hold(tx, [one["ask"]], city_id=self.city, now=self.now))
        assert isinstance(answer, Held) == (one["state"] in ("held", "confirmed"))

    @precondition(lambda self: self.holds)
    @rule(which=st.integers(0, 50), verb=st.sampled_from(["confirm", "release"]))
    def finish(self, which: int, verb: str) -> None:
        one = self.holds[which % len(self.holds)]
        operation = getattr(inventory, verb)
        [answer] = self.do(lambda tx: operation(tx, [one["ask"].hold_id], city_id=self.city, now=self.now))
        expected = {
            ("confirm", "held"): "Confirmed", ("confirm", "confirmed"): "Confirmed", ("confirm", "free"): "HoldOver",
            ("release", "held"): "Released", ("release", "confirmed"): "HoldConfirmed", ("release", "free"): "Released",
        }  # fmt: skip
        assert type(answer).__name__ == expected[verb, one["state"]]
        if one["state"] == "held":
            self._end(one, "confirmed" if verb == "confirm" else "free")

    def _end(self, one: dict[str, Any], state: str) -> None:
        one["state"] = state
        if state == "free":
            for q, n in one["need"].items():
                self.left[q] += n

    @rule(minutes=st.integers(1, 20))
    def sweep(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        lapsed = self.do(lambda tx: inventory.expire(tx, city_id=self.city, now=self.now))
        due = [one for one in self.holds if one["state"] == "held" and one["until"] <= self.now]
        assert {x.hold_id for x in lapsed} == {one["ask"].hold_id for one in due}
        for one in due:
            self._end(one, "free")

    def sold(self) -> list[dict[str, Any]]:
        return [one for one in self.holds if one["state"] == "confirmed" and one["need"]]

    @precondition(lambda self: self.sold())
    @rule(which=st.integers(0, 50), units=st.integers(1, 3))
    def give_back(self, which: int, units: int) -> None:
        sold = self.sold()
        one = sold[which % len(sold)]
        ask = GiveBack(ref=new_id(), hold_id=one["ask"].hold_id, units=units)
        answers = self.do(lambda tx: inventory.give_back(tx, [ask, ask], city_id=self.city, now=self.now))
        fits = all(one["back"][q] + units <= n for q, n in one["need"].items())
        assert isinstance(answers[0], inventory.GivenBack) == fits
        if fits:
            assert answers[1].replayed
            for q in one["need"]:
                one["back"][q] += units
                self.left[q] += units

    @rule(which=st.integers(0, 2), total=st.integers(0, 9))
    def resize(self, which: int, total: int) -> None:
        quota_id = list(self.left)[which]
        taken = self.total[quota_id] - self.left[quota_id]
        [answer] = self.do(lambda tx: inventory.resize(tx, [Resize(quota_id, total)], city_id=self.city))
        assert isinstance(answer, inventory.Quota) == (total >= taken)
        if total >= taken:
            self.total[quota_id], self.left[quota_id] = total, total - taken

    @invariant()
    def agrees(self) -> None:
        if not self.left:
            return
        quotas = self.do(lambda tx: inventory.quotas(tx, list(self.left), city_id=self.city))
        for quota in quotas:
            held = sum(o["need"].get(quota.quota_id, 0) for o in self.holds if o["state"] == "held")
            assert (quota.total, quota.remaining, quota.held) == (
                self.total[quota.quota_id], self.left[quota.quota_id], held,
            )  # fmt: skip


def test_any_order_of_steps_agrees_with_a_plain_stock(database_url: str):
    with asyncio.Runner() as runner:
        db = runner.run(Database(database_url).open())
        cities = iter(range(1, 10_000))
        try:
            run_state_machine_as_test(
                lambda: Stock(runner, db, next(cities)),
                settings=settings(
                    max_examples=60, stateful_step_count=30, deadline=None, database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
            assert runner.run(sound(db, "inventory"))
        finally:
            runner.run(db.close())
