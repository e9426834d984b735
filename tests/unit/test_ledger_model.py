"""The ledger's rules without a database: scripts, and the small helpers that build transfers."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.ledger import Account, Book, Transfer, across, chain, chart, resolve, undo
from hutong.ledger.model import Standing, State, decide
from tests.ledger_play import ANN, NAMES, START, Paper, Script, account, named
from tests.ledger_scripts import SCRIPTS

CITY, MEMBER = Book.city(1), Book.member(ANN)


def transfer(name="T", debit="ext", credit="ann", units=100, **more) -> Transfer:
    return Transfer(
        id=named(name), book=CITY, debit=account(debit), credit=account(credit), amount=Amount(units, "CNY"),
        event="test", ref=NAMES, **more,
    )  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize("name", SCRIPTS)
async def test_script(name: str):
    await Script(Paper()).play(SCRIPTS[name])


def test_deciding_changes_nothing_that_was_passed_in():
    state = State(
        accounts={
            (CITY, "ext", "CNY"): Standing(side="debit", may_overdraw=True),
            (CITY, "ann", "CNY"): Standing(side="credit", may_overdraw=False),
        }
    )
    decision = decide(state, [transfer()], now=START)
    assert len(decision.entries) == 1
    assert state.known == {}
    assert state.accounts[CITY, "ann", "CNY"].credits_posted == 0


def test_a_later_retry_is_the_same_transfer():
    """Times are not content: the edge reads the clock again when it tries again."""
    paper = Paper()
    paper_state = paper.state
    paper_state.accounts[CITY, "ext", "CNY"] = Standing(side="debit", may_overdraw=True)
    paper_state.accounts[CITY, "ann", "CNY"] = Standing(side="credit", may_overdraw=False)
    first = transfer(step="reserve", expires_at=START + timedelta(minutes=15))
    second = replace(first, expires_at=START + timedelta(minutes=16))
    results = decide(paper_state, [first, second], now=START).results
    assert [getattr(r, "replayed", None) for r in results] == [False, True]


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Amount(101, "CNY")}, {"amount": Amount(100, "EUR")}, {"credit": account("bob")},
        {"debit": account("till")}, {"event": "other"}, {"rule": "other"}, {"ref": named("other")}, {"step": "reserve"},
    ],
)  # fmt: skip
def test_every_part_of_the_content_makes_another_transfer(change):
    accounts = {(CITY, n, a): Standing(side=account(n).side, may_overdraw=n == "ext")
                for n in ("ext", "ann", "bob", "till") for a in ("CNY", "EUR")}  # fmt: skip
    results = decide(State(accounts=accounts), [transfer(), replace(transfer(), **change)], now=START).results
    assert getattr(results[1], "code", None) == "id_taken"


def test_a_movement_between_books_is_two_linked_transfers_with_one_id():
    pair = across(
        id=named("T"), source=CITY, debit=account("ann"), target=MEMBER, credit=chart.wallet("CNY"),
        amount=Amount(5, "CNY"), event="top_up", ref=NAMES,
    )  # fmt: skip
    assert [t.id for t in pair] == [named("T")] * 2
    assert [t.linked for t in pair] == [True, False]
    assert [(t.debit.path, t.credit.path) for t in pair] == [
        ("ann", f"clearing/{MEMBER.name()}"),
        ("clearing/city/1", "wallet/CNY"),
    ]


@pytest.mark.parametrize("spoil", ["amount", "step", "id", "twin", "clearing"])
def test_the_halves_of_a_movement_must_match(spoil):
    first, second = across(
        id=named("T"), source=CITY, debit=account("ext"), target=MEMBER, credit=chart.wallet("CNY"),
        amount=Amount(5, "CNY"), event="top_up", ref=NAMES,
    )  # fmt: skip
    other = Book.member(named("Bo"))
    second = {
        "amount": replace(second, amount=Amount(6, "CNY")),
        "step": replace(second, step="reserve"),
        "id": replace(second, id=named("other")),
        "twin": replace(second, twin=Book.city(2)),
        "clearing": replace(second, debit=chart.clearing(other)),
    }[spoil]
    names = [(t.book, a.path, "CNY") for t in (first, second) for a in (t.debit, t.credit)]
    declared = [a for t in (first, second) for a in (t.debit, t.credit)]
    state = State(
        accounts={n: Standing(side=a.side, may_overdraw=a.may_overdraw) for n, a in zip(names, declared, strict=True)}
    )
    assert decide(state, [first, second], now=START).results[0].code == "twin_missing"  # type: ignore[union-attr]


def test_undo_turns_everything_round_in_the_opposite_order():
    done = chain([transfer("A", "ext", "ann"), transfer("B", "ann", "noodle")])
    back = undo(done, event="undone")
    assert [(t.id, t.debit.path, t.credit.path, t.linked, t.event) for t in back] == [
        (derive(named("B"), "undo"), "noodle", "ann", True, "undone"),
        (derive(named("A"), "undo"), "ann", "ext", False, "undone"),
    ]
    with pytest.raises(ValueError):
        undo([transfer(step="reserve")], event="undone")


def test_resolving_a_reserve_keeps_its_accounts():
    reserve = transfer(step="reserve", expires_at=START)
    posted = resolve(reserve, id=named("P"), step="post_pending", units=40)
    assert (posted.pending_id, posted.amount, posted.debit, posted.expires_at) == (
        reserve.id, Amount(40, "CNY"), reserve.debit, None,
    )  # fmt: skip
    assert resolve(reserve, id=named("V"), step="void_pending").amount == reserve.amount


def test_what_cannot_be_said_is_not_a_refusal_but_a_mistake():
    for nonsense in (
        {"step": "post_pending"},
        {"pending_id": NAMES},
        {"expires_at": START},
        {"step": "reserve", "expires_at": datetime(2026, 1, 1)},  # noqa: DTZ001 (naive on purpose)
    ):
        with pytest.raises(ValueError):
            transfer(**nonsense)
    for path in ("", "a//b", "/a", "a/", "a b", "麦", "x" * 161):
        with pytest.raises(ValueError):
            Account(path, "debit")


def test_books_have_names():
    assert [book.name() for book in (CITY, MEMBER, Book.programme(ANN))] == [
        "city/1", f"member/{ANN}", f"programme/{ANN}",
    ]  # fmt: skip


def test_the_chart_is_the_table_of_accounts():
    mei = lin = named("x")
    table = [
        (chart.provider("sandbox"), "provider/sandbox", "debit", True),
        (chart.escrow(mei), f"escrow/{mei}", "credit", False),
        (chart.payable_merchant(mei), f"payable/merchant/{mei}", "credit", True),
        (chart.payable_operator(lin), f"payable/operator/{lin}", "credit", True),
        (chart.payable_referrer(ANN), f"payable/referrer/{ANN}", "credit", True),
        (chart.payable_worker(lin), f"payable/worker/{lin}", "credit", True),
        (chart.custody_worker(lin), f"custody/worker/{lin}", "debit", False),
        (chart.deposit(lin), f"deposit/{lin}", "credit", False),
        (chart.revenue_commission(), "revenue/commission", "credit", True),
        (chart.revenue_breakage(), "revenue/breakage", "credit", True),
        (chart.expense_promotion("brand"), "expense/promotion/brand", "debit", True),
        (chart.expense_provider_fee(), "expense/provider-fee", "debit", True),
        (chart.wallet("CNY"), "wallet/CNY", "credit", False),
        (chart.bonus("CNY"), "wallet/CNY/bonus", "credit", False),
        (chart.points_pending(lin), f"points/{lin}/", "credit", False),
        (chart.points_available(lin), f"points/{lin}/", "credit", False),
        (chart.points_debt(lin), f"points/{lin}/", "debit", False),
        (chart.funding(mei), f"funding/{mei}", "credit", False),
        (chart.receivable(mei), f"funding/{mei}", "debit", True),
        (chart.reserve(), "reserve", "credit", False),
        (chart.programme_revenue(), "revenue/expired-points", "credit", True),
        (chart.issued(), "issued", "debit", False),
        (chart.redeemed(), "redeemed", "credit", False),
        (chart.expired(), "expired", "credit", False),
        (chart.clearing(Book.city(2)), "clearing/city/2", "debit", True),
    ]
    for made, path, side, may_overdraw in table:
        assert made.path.startswith(path)
        assert (made.side, made.may_overdraw) == (side, may_overdraw), path
    assert len({made.path for made, *_ in table}) == len(table)
