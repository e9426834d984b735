"""The judge of a storm: it must find what is wrong, or finding nothing means nothing."""

import json
from collections import Counter
from pathlib import Path

import pytest

from hutong.cli.bench.client.wire import Answer
from hutong.cli.bench.storm.asking import understand
from hutong.cli.bench.storm.claims import OP, wishes
from hutong.cli.bench.storm.journal import Journal
from hutong.cli.bench.storm.judge import wrong_with
from hutong.cli.bench.storm.trouble import Schedule, evenly

RIGHT = {
    "units_total": 2, "units_sold": 1, "units_held": 1, "units_left": 0, "units_ordered": 2, "quotas_unequal": 0,
    "orders": 2, "acknowledged": 2, "acknowledged_missing": 0, "acknowledged_twice": 0,
}  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path):
    """Three claims of two units: two were granted, one of them told twice; one was refused after a silence."""
    with Journal(tmp_path / "journal") as journal:
        journal.note(OP, "a", "ok", "1")
        journal.note(OP, "a", "ok", "1")
        journal.note(OP, "b", "unknown", "cut")
        journal.note(OP, "b", "ok", "2")
        journal.note(OP, "c", "busy", "busy")
        journal.note(OP, "c", "refused", "sold_out")
        yield journal


def test_a_sound_storm(journal: Journal):
    assert wrong_with(journal, RIGHT, quota=2, claims=3) == []


@pytest.mark.parametrize(
    "found",
    [
        {"acknowledged_missing": 1},
        {"acknowledged_twice": 1},
        {"orders": 3},
        {"units_sold": 2},
        {"units_left": 1},
        {"quotas_unequal": 1},
        {"units_ordered": 3},
    ],
    ids=str,
)
def test_what_is_wrong_in_the_database_is_found(journal: Journal, found: dict[str, int]):
    assert wrong_with(journal, RIGHT | found, quota=2, claims=3)


@pytest.mark.parametrize(
    ("key", "outcome", "said"),
    [("d", "ok", "3"), ("a", "ok", "other"), ("a", "refused", "sold_out"), ("d", "refused", "busy_or_so"),
     ("d", "unknown", "cut")],
)  # fmt: skip
def test_what_is_wrong_in_the_journal_is_found(journal: Journal, key: str, outcome, said: str):
    journal.note(OP, key, outcome, said)
    assert wrong_with(journal, RIGHT, quota=2, claims=4 if key == "d" else 3)


def test_an_oversell_is_found(journal: Journal):
    assert wrong_with(journal, RIGHT | {"units_total": 1}, quota=1, claims=3)


def test_who_was_left_in_the_dark_is_asked_again(journal: Journal):
    journal.note(OP, "d", "unknown", "cut")
    journal.note(OP, "e", "busy", "busy")
    assert journal.unknown(OP) == ["d", "e"]


def answer(status: int, body: object, head: bytes = b"") -> Answer:
    return Answer(status=status, head=b"HTTP/1.1 x\r\n" + head, body=json.dumps(body).encode(), end=0)


def test_answers_are_understood():
    assert understand(answer(201, {"id": "ord_1"})).outcome == "ok"
    assert understand(answer(409, {"code": "sold_out"})).outcome == "refused"
    busy = understand(answer(503, {"code": "busy"}, b"retry-after: 1"))
    assert (busy.outcome, busy.wait_s) == ("busy", 1.0)
    assert understand(answer(503, {"code": "outcome_unknown"})).outcome == "unknown"
    assert understand(answer(500, {})).code == "fault 500"
    assert understand(answer(404, "nothing")).code == "fault 404"


def test_wishes_are_the_same_for_the_same_seed_and_spread_over_members():
    some = wishes(1_000, 200, seed=3)
    assert some == wishes(1_000, 200, seed=3)
    assert some != wishes(1_000, 200, seed=4)
    assert set(Counter(wish.member for wish in some).values()) == {5}
    assert len({wish.key for wish in some}) == 1_000
    ways = Counter(wish.way for wish in some)
    assert 100 < ways["twice"] < 300
    assert ways["cut"] > 10
    assert ways["cut_and_again"] > 10


def test_deeds_are_done_once_and_in_the_middle():
    done: list[int] = []
    schedule = Schedule([(at, lambda at=at: done.append(at)) for at in evenly(3, 100)])
    for through in (10, 30, 30, 60, 100):
        schedule.passed(through)
    assert done == [25, 50, 75]
    assert schedule.done == 3
