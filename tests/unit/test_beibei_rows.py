"""Lines of recorded groups: what they say, and why a line says nothing."""

import pytest

from hutong.cli.replay.beibei import AT_ONCE, days
from hutong.cli.replay.beibei_rows import read


def test_a_line_is_initiator_item_and_participants():
    rows, wrong = read(["\ufeff1\t10\t2\r", "3\t11\t4\t5", "6\t12\t7,8", "", ""], clinched=True)
    assert [(r.initiator, r.item, r.joined, r.size) for r in rows] == [
        (1, 10, (2,), 2), (3, 11, (4, 5), 3), (6, 12, (7, 8), 3),
    ]  # fmt: skip
    assert not wrong


def test_a_failed_one_has_nobody_else():
    rows, wrong = read(["1\t10", "2\t10\t", "3\t11\r"], clinched=False)
    assert [(r.initiator, r.item, r.size) for r in rows] == [(1, 10, 2), (2, 10, 2), (3, 11, 2)]
    assert not wrong


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1", "separated by a tab"),
        ("1,2,3", "separated by a tab"),
        ("a\t10\t2", "no number"),
        ("1\t10\t-2", "no number"),
        ("1\t\t2", "no number"),
        ("1\t10\t２", "no number"),
        ("1\t10", "no participant"),
        ("1\t10\t1", "twice"),
        ("1\t10\t2\t2", "twice"),
        ("1\t10\t" + "\t".join(str(n) for n in range(2, 102)), "more than 100"),
        ("\ufffd\t10\t2", "no number"),
    ],
)
def test_a_line_that_says_nothing_is_named_with_its_reason(line: str, why: str):
    rows, wrong = read(["1\t10\t2", line, "3\t10\t4"], clinched=True)
    assert [r.line for r in rows] == [1, 3]
    assert [w.line for w in wrong] == [2]
    assert why in wrong[0].why


def test_a_participant_of_a_failed_group_is_a_contradiction():
    assert "participant" in read(["1\t10\t2"], clinched=False)[1][0].why


def test_all_rows_come_once_and_nobody_is_in_two_running_teams_of_a_deal():
    good, _ = read([f"{n % 7}\t{n % 3}\t{100 + n % 5}" for n in range(900)], clinched=True)
    bad, _ = read([f"{n % 7}\t{n % 3}" for n in range(60)], clinched=False)
    lived = list(days(good, bad))
    rows = [(some.clinched, row.line) for day in lived for some in day for row in some.rows]
    assert sorted(rows) == sorted([(True, r.line) for r in good] + [(False, r.line) for r in bad])
    for day in lived:
        running = [(r.initiator, r.item) for some in day if not some.clinched for r in some.rows]
        assert len(running) == len(set(running))
        for some in day:
            assert len(some.rows) <= AT_ONCE
            people = [(p, r.item) for r in some.rows for p in (r.initiator, *r.joined)]
            assert len(people) == len(set(people))
            assert some.clinched is False or not {
                (p, r.item) for r in some.rows for p in (r.initiator, *r.joined)
            } & set(running)


def test_nothing_is_nothing():
    assert list(days([], [])) == []
