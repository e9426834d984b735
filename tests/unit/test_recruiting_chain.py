"""Percentages that are handed down: the sum is kept, and what is not handed down stays above."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hutong.recruiting import BASIS, Claim, Evidence, Link, chain, judge, term_end

IDS = [UUID(int=n) for n in range(1, 4)]
A, B = UUID(int=10), UUID(int=11)
AT = datetime(2026, 11, 20, 4, tzinfo=UTC)


def test_an_agent_gets_his_part_and_the_division_keeps_the_rest():
    """60 % of what the division has goes to the agent, a third of that to his staff, rounded down."""
    shares = chain([Link(IDS[0], 10_000, 1), Link(IDS[1], 6_000, 4), Link(IDS[2], 3_333, 2)])
    assert [one.bps for one in shares] == [4_000, 4_001, 1_999]
    assert [one.rule for one in shares] == [f"{IDS[0]}/1", f"{IDS[1]}/4", f"{IDS[2]}/2"]


def test_who_has_nothing_hands_down_nothing():
    assert [one.bps for one in chain([Link(IDS[0], 0, 1), Link(IDS[1], 10_000, 1)])] == [0, 0]
    assert chain([]) == ()


@given(st.lists(st.integers(0, BASIS), min_size=1, max_size=3))
def test_the_sum_is_what_the_highest_has(parts: list[int]):
    shares = chain([Link(IDS[n], bps, 1) for n, bps in enumerate(parts)])
    assert sum(one.bps for one in shares) == parts[0] <= BASIS
    assert all(one.bps >= 0 for one in shares)
    for n in range(1, len(parts)):  # what goes below a level never exceeds its part of what was above
        assert sum(one.bps for one in shares[n:]) <= parts[0] * parts[1 if n == 1 else n] // BASIS


def a_claim(operator: UUID, *, proven: bool) -> Claim:
    proof = Evidence(operator_id=operator, kind="visit", ref=UUID(int=5), by=UUID(int=6), at=AT)
    return Claim(
        claim_id=operator, merchant_id=UUID(int=1), operator_id=operator, by=None, words="", at=AT, outcome=None,
        ended_at=None, evidence=(proof,) if proven else (),
    )  # fmt: skip


def test_the_rule_decides_only_what_is_plain():
    mine, theirs, words = a_claim(A, proven=True), a_claim(B, proven=True), a_claim(B, proven=False)
    assert judge([], None) == ("no_evidence", None)
    assert judge([words], A) == ("no_evidence", None)
    assert judge([mine, words], None) == ("only_evidence", A)
    assert judge([mine], A) == ("holder", A)
    assert judge([mine, theirs], None) == ("conflict", None)
    assert judge([theirs], A) == ("conflict", None)


def test_a_term_ends_at_the_midnight_that_ends_its_last_day():
    noon = datetime(2026, 8, 31, 4, tzinfo=UTC)  # 31 August in Shanghai; February is shorter
    assert term_end(noon, 6, "Asia/Shanghai") == datetime(2027, 2, 28, 16, tzinfo=UTC)
    night = datetime(2026, 11, 20, 20, tzinfo=UTC)  # the 21st there
    assert term_end(night, 1, "Asia/Shanghai") == datetime(2026, 12, 21, 16, tzinfo=UTC)
