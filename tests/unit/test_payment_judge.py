"""What a provider's word does, whatever the order in which it comes (E5, E12, E13)."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from msgspec import structs

from hutong.infra.ids import new_id
from hutong.kit.ids import ORDER, PAYMENT, REFUND
from hutong.kit.money import Amount
from hutong.payments.judge import Judge
from hutong.payments.model import (
    ASK_AGAIN,
    AlreadyCaptured,
    Captured,
    Closed,
    Found,
    NotSettled,
    Payment,
    Quarantined,
    Refund,
    RefundDone,
    RefundFailed,
    ask_again,
    city_of,
    read_number,
)

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
PRICE = Amount(6800, "CNY")


def a_payment(**more: Any) -> Payment:
    given: dict[str, Any] = {
        "city_id": 1, "payment_id": new_id(), "order_id": new_id(), "provider": "sandbox", "amount": PRICE,
        "description": "Noodle Bar", "state": "opened", "seq": 3, "provider_no": None, "pay_url": "http://pay/1",
        "failure": None, "captured": None, "captured_at": None, "refunding": 0, "created_at": NOON,
        "expires_at": NOON + timedelta(minutes=15), "close_asked_at": None, "tries": 1,
    }  # fmt: skip
    return Payment(**(given | more))


def a_refund(payment: Payment, **more: Any) -> Refund:
    given: dict[str, Any] = {
        "city_id": 1, "refund_id": new_id(), "payment_id": payment.payment_id, "provider": "sandbox",
        "amount": Amount(100, "CNY"), "reason": "buyer", "state": "unknown", "seq": 2, "provider_no": None,
        "failure": None, "asked_at": NOON, "ended_at": None, "tries": 1,
    }  # fmt: skip
    return Refund(**(given | more))


def said(thing: Payment | Refund, state: str, amount: Amount | None = None, **more: Any) -> Found:
    kind = "payment" if isinstance(thing, Payment) else "refund"
    one = thing.payment_id if isinstance(thing, Payment) else thing.refund_id
    given: dict[str, Any] = {
        "kind": kind, "id": one, "state": state, "amount": amount, "provider_no": None, "failure": None, "at": NOON,
        "provider": None, "event_id": None,
    }  # fmt: skip
    return Found(**(given | more))


def judge(thing: Payment, found: Found, now: datetime = NOON):
    bench = Judge([thing], [], now)
    return bench.judge(found), bench.payments[thing.payment_id].state


def test_all_orders_of_six_messages_come_to_the_same_end():
    """Two payments of one order, both paid and both closed somewhere on the way: one captured, one surplus."""
    first = a_payment()
    second = a_payment(order_id=first.order_id)
    messages = [
        said(first, "captured", PRICE),
        said(first, "captured", PRICE),
        said(first, "closed"),
        said(first, "unpaid"),
        said(second, "captured", PRICE),
        said(second, "closed"),
    ]
    for order in permutations(messages):
        bench = Judge([first, second], [], NOON)
        outcomes = [bench.judge(message) for message in order]
        assert sorted(p.state for p in bench.payments.values()) == ["captured", "surplus"]
        assert sum(isinstance(o, Captured) and not o.surplus for o in outcomes) == 1
        assert sum(isinstance(o, Captured) and o.surplus for o in outcomes) == 1


@pytest.mark.parametrize("state", ["created", "unknown", "opened", "refused", "closed"])
def test_money_that_came_counts_whatever_we_thought(state: str):
    outcome, after = judge(a_payment(state=state), said(a_payment(), "captured", PRICE))
    assert outcome is None
    assert after == state  # it was about another payment
    payment = a_payment(state=state)
    outcome, after = judge(payment, said(payment, "captured", PRICE))
    assert isinstance(outcome, Captured)
    assert after == "captured"


@pytest.mark.parametrize("state", ["captured", "surplus", "quarantined"])
def test_what_was_taken_stays_taken(state: str):
    payment = a_payment(state=state, captured=PRICE, captured_at=NOON)
    for news in ("captured", "closed", "unpaid", "unknown_number"):
        outcome, after = judge(payment, said(payment, news, PRICE))
        assert isinstance(outcome, AlreadyCaptured)
        assert after == state


@pytest.mark.parametrize("got", [Amount(6799, "CNY"), Amount(6801, "CNY"), Amount(6800, "USD"), Amount(1, "CNY")])
def test_another_amount_is_quarantined_and_goes_back(got: Amount):
    payment = a_payment()
    bench = Judge([payment], [], NOON)
    outcome = bench.judge(said(payment, "captured", got))
    assert isinstance(outcome, Quarantined)
    assert (outcome.asked, outcome.got) == (PRICE, got)
    assert [(q.amount, q.refund_id) for q in bench.quarantines] == [(got, outcome.refund_id)]
    assert bench.payments[payment.payment_id].refunding == got.units


def test_a_capture_of_nothing_is_no_capture():
    payment = a_payment()
    outcome, after = judge(payment, said(payment, "captured", Amount(0, "CNY")))
    assert isinstance(outcome, NotSettled)
    assert after == "opened"


@pytest.mark.parametrize(
    ("state", "url", "news", "after"),
    [
        ("unknown", None, "unknown_number", "created"),  # it never arrived: calling again is safe
        ("unknown", None, "unpaid", "created"),  # it arrived, the address did not: same number, same payment
        ("unknown", "http://pay/1", "unpaid", "opened"),
        ("unknown", None, "closed", "closed"),
        ("opened", "http://pay/1", "unpaid", "opened"),
        ("opened", "http://pay/1", "unknown_number", "opened"),
        ("opened", "http://pay/1", "closed", "closed"),
        ("refused", None, "closed", "refused"),
    ],
)
def test_what_an_answer_makes_of_a_payment(state: str, url: str | None, news: str, after: str):
    payment = a_payment(state=state, pay_url=url)
    assert judge(payment, said(payment, news))[1] == after


@pytest.mark.parametrize("state", ["created", "unknown", "opened"])
def test_unknown_there_and_over_here_is_closed(state: str):
    gone = a_payment(state=state, close_asked_at=NOON)
    assert isinstance(judge(gone, said(gone, "unknown_number"))[0], Closed)
    late = a_payment(state=state)
    assert isinstance(judge(late, said(late, "unknown_number"), NOON + timedelta(minutes=15))[0], Closed)


def test_another_provider_cannot_speak_for_this_one():
    payment = a_payment()
    assert judge(payment, said(payment, "captured", PRICE, provider="other", event_id="e1"))[0] is None
    refund = a_refund(payment)
    bench = Judge([payment], [refund], NOON)
    assert bench.judge(said(refund, "done", refund.amount, provider="other", event_id="e2")) is None
    assert bench.refunds[refund.refund_id].state == "unknown"


def refunded(state: str, *news: tuple[str, dict[str, Any]]):
    payment = a_payment(state="captured", captured=PRICE, captured_at=NOON, refunding=100)
    refund = a_refund(payment, state=state)
    bench = Judge([payment], [refund], NOON)
    outcomes = [bench.judge(said(refund, what, **more)) for what, more in news]
    return outcomes, bench.refunds[refund.refund_id].state, bench.payments[payment.payment_id].refunding


def test_a_refund_ends_once():
    right = {"amount": Amount(100, "CNY")}
    outcomes, state, refunding = refunded("unknown", ("done", right), ("done", right), ("failed", {}))
    assert [type(o) for o in outcomes] == [RefundDone, NotSettled, NotSettled]
    assert (state, refunding) == ("done", 100)


def test_a_failed_refund_frees_its_amount_once():
    no = {"failure": "account_closed"}
    outcomes, state, refunding = refunded("processing", ("failed", no), ("failed", no), ("done", {}))
    assert [type(o) for o in outcomes] == [RefundFailed, NotSettled, NotSettled]
    assert (state, refunding) == ("failed", 0)


def test_a_refund_of_another_amount_is_not_believed():
    outcomes, state, _ = refunded("processing", ("done", {"amount": Amount(99, "CNY")}))
    assert [type(o) for o in outcomes] == [NotSettled]
    assert state == "processing"


def test_a_refund_that_never_arrived_is_sent_again():
    assert refunded("unknown", ("unknown_number", {}))[1] == "asked"
    assert refunded("processing", ("unknown_number", {}))[1] == "processing"
    assert refunded("unknown", ("processing", {}))[1] == "processing"


def test_history_has_no_gap():
    payment = a_payment(state="unknown", pay_url=None, seq=2)
    bench = Judge([payment], [], NOON)
    for found in (said(payment, "unpaid"), said(payment, "closed"), said(payment, "captured", PRICE)):
        bench.judge(found)
    assert [(c.seq, c.state) for c in bench.changes] == [(3, "created"), (4, "closed"), (5, "captured")]


def test_questions_grow_rarer_and_never_end():
    pauses = [(ask_again(tries, NOON) - NOON).total_seconds() for tries in range(20)]
    assert pauses[: len(ASK_AGAIN)] == list(ASK_AGAIN)
    assert set(pauses[len(ASK_AGAIN) :]) == {ASK_AGAIN[-1]}
    assert sum(pauses[:5]) >= 60  # a payment found by asking alone is found within a minute or two
    assert ask_again(9, NOON, NOON + timedelta(minutes=3)) == NOON + timedelta(minutes=3, seconds=5)


def test_a_number_finds_its_city_and_nothing_else_does():
    one = new_id()
    assert city_of(PAYMENT.show(one, 7)) == city_of(REFUND.show(one, 7)) == 7
    assert city_of(ORDER.show(one, 7)) is None
    assert city_of("pay_x") is None
    assert read_number(PAYMENT.show(one, 7), 7) == ("payment", one)
    assert read_number(REFUND.show(one, 7), 7) == ("refund", one)
    assert read_number(PAYMENT.show(one, 7), 8) is None


def test_a_payment_knows_its_number():
    payment = a_payment()
    assert read_number(payment.out_no, 1) == ("payment", payment.payment_id)
    assert structs.replace(payment, city_id=2).out_no != payment.out_no
