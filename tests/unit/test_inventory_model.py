"""Who comes first is served first, whole or not at all."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from hutong.inventory import Hold, QuotaClosed, QuotaUnknown, SoldOut, Want
from hutong.inventory.model import Left, serve, wanted, why_not

A, B = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def a_hold(number: int, *wants: Want) -> Hold:
    return Hold(hold_id=UUID(int=100 + number), wants=wants, expires_at=NOON, ref=UUID(int=200 + number))


def test_two_wants_of_one_quota_are_one():
    assert wanted(a_hold(1, Want(A, 2), Want(B, 1), Want(A, 3))) == {A: 5, B: 1}


def test_a_want_is_at_least_one_unit():
    with pytest.raises(ValueError):
        Want(A, 0)
    with pytest.raises(ValueError):
        Want(A, -1)


def test_the_reasons():
    left = {A: Left(3, False), B: Left(3, True)}
    assert why_not(a_hold(1, Want(A, 3)), left) is None
    assert why_not(a_hold(1, Want(A, 4)), left) == SoldOut(left=3, quota=str(A))
    assert why_not(a_hold(1, Want(B, 1)), left) == QuotaClosed(quota=str(B))
    assert why_not(a_hold(1, Want(UUID(int=9), 1)), left) == QuotaUnknown(quota=str(UUID(int=9)))
    assert why_not(a_hold(1), left) is None


def test_in_the_order_of_the_list_and_whole_or_not_at_all():
    left = {A: Left(5, False), B: Left(1, False)}
    holds = [
        a_hold(1, Want(A, 3), Want(B, 1)),
        a_hold(2, Want(A, 1), Want(B, 1)),  # B is gone, so A is not touched either
        a_hold(3, Want(A, 3)),  # too many
        a_hold(4, Want(A, 2)),  # the rest
    ]
    answers = serve(holds, left)
    assert [a.code if a else None for a in answers] == [None, "sold_out", "sold_out", None]
    assert answers[2] == SoldOut(left=2, quota=str(A))


def test_the_sentence_says_how_many_are_left():
    assert SoldOut(left=2).sentence().zh == "库存不足，还剩 2 份。"
    assert SoldOut(left=2).sentence().en == "Not enough left: 2 to be had."
