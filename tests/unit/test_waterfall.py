"""Who got what, replayed: what was given is what was got and what is held; and all that is posted has words."""

import ast
import inspect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args
from uuid import UUID, uuid4

import hutong
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.ledger import Account, Book, Move, chart
from hutong.programmes.model import MovementKind
from hutong.settlement import PATHS, Chain, Component, Rule, Share, party_of, replay, words_of
from hutong.web.shared.words import catalogue

SOURCE = Path(hutong.__file__).parent
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
MEI, LIN = UUID(int=1), UUID(int=2)
CITY = Book.city(1)


def a_move(source: str, target: str, units: int, event: str = "x", minutes: int = 0, book: Book = CITY) -> Move:
    return Move(
        book=book, transfer_id=uuid4(), at=NOW + timedelta(minutes=minutes), amount=Amount(units, "CNY"),
        source=source, target=target, event=event, ref=MEI, rule="r/1",
    )  # fmt: skip


def example() -> list[Move]:
    """money.md: two units, a coupon of which the platform bears a part, one used, one given back."""
    escrow = f"escrow/{MEI}"
    return [
        a_move("provider/sandbox", escrow, 12_600, "capture"),
        a_move("expense/promotion/platform", escrow, 600, "promotion"),
        a_move(escrow, "revenue/commission", 396, "redemption", 5),
        a_move(escrow, f"payable/operator/{LIN}", 132, "redemption", 5),
        a_move(escrow, f"payable/merchant/{MEI}", 6_072, "redemption", 5),
        a_move(escrow, "provider/sandbox", 6_300, "refund", 9),
        a_move(escrow, "expense/promotion/platform", 300, "promotion_back", 9),
    ]


def test_the_worked_example_adds_up():
    flow = replay(reversed(example()))
    (one,) = flow.sums
    gave = {(p.party.kind, p.party.whose): p.amount.units for p in one.gave}
    got = {(p.party.kind, p.party.whose): p.amount.units for p in one.got}
    assert gave == {("buyer", "sandbox"): -6_300, ("promotion", "platform"): -300}
    assert got == {("merchant", str(MEI)): 6_072, ("platform", ""): 396, ("operator", str(LIN)): 132}
    assert (one.given.units, one.received.units, one.left.units, one.adds_up) == (6_600, 6_600, 0, True)
    assert {fall.event for fall in flow.falls[:2]} == {"capture", "promotion"}
    assert flow.rules == ("r/1",)


def test_what_is_not_used_is_held_and_what_was_held_before_is_said():
    (one,) = replay(example()[:2]).sums
    assert (one.left.units, len(one.got), one.adds_up) == (13_200, 0, True)
    (card,) = replay(example()[2:5]).sums
    assert (card.left.units, card.given.units, card.adds_up) == (-6_600, 0, True)


def test_a_path_that_nobody_named_is_shown_as_it_stands():
    (one,) = replay([a_move("provider/sandbox", "brand/new", 5)]).sums
    assert one.got[0].party == party_of("brand/new", CITY).__class__("other", "brand/new")
    assert one.adds_up


def accounts() -> Iterator[Account]:
    """Every account that the chart can name."""
    for name in chart.__all__:
        make = getattr(chart, name)
        given = [MEI if p.annotation is UUID else "platform" for p in inspect.signature(make).parameters.values()]
        yield make(CITY) if name == "clearing" else make("CNY") if name in ("wallet", "bonus") else make(*given)


def test_every_account_of_the_chart_is_somebodys():
    """A new account of the chart is in nobody's words until it stands in PATHS and in the words of the pages."""
    found = list(accounts())
    assert len(found) == len(chart.__all__)
    for account in found:
        kind = party_of(account.path, CITY).kind
        assert kind != "other", account.path
        assert f"waterfall.party.{kind}" in catalogue(), kind
    assert set(PATHS.values()) <= {key.removeprefix("waterfall.party.") for key in catalogue()}


def events() -> Iterator[tuple[str, str]]:
    """(file, event) of every transfer that the house makes: literals, and those made of a name."""
    for path in sorted(SOURCE.rglob("*.py")):
        if "cli" in path.relative_to(SOURCE).parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        words = {
            target.id: node.value
            for node in ast.walk(tree) if isinstance(node, ast.Assign)
            for target in node.targets if isinstance(target, ast.Name)
        }  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "event":
                for said in _said(node.value, words):
                    yield path.name, said


def _said(value: ast.expr, words: dict[str, ast.expr]) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _said(value.body, words)
        yield from _said(value.orelse, words)
    elif isinstance(value, ast.Name) and value.id in words:
        yield from _said(words[value.id], {})
    elif isinstance(value, ast.JoinedStr):
        head = "".join(part.value for part in value.values if isinstance(part, ast.Constant))
        if head == "programmes.":
            yield from (f"programmes.{kind}" for kind in get_args(MovementKind))


def test_every_event_that_the_house_posts_has_words():
    found = set(events())
    assert {"capture", "redemption", "redemption_undone", "payout", "programmes.earn"} <= {event for _, event in found}
    missing = {(file, event) for file, event in found if f"waterfall.event.{event}" not in catalogue()}
    assert not missing


def test_a_rule_is_told_in_words_in_both_languages():
    parts = (
        Component(key="payment", name=Text("手续费", "Payment fee"), bps=60, base="paid", most_units=500),
        Component(key="unit", name=Text("每次", "Each use"), units=50, categories=("dining",), instead_of="base"),
    )
    chain = Chain(merchant_id=MEI, version=2, shares=(Share(LIN, 10_000), Share(MEI, 4_000)), valid_from=NOW)
    rule = Rule(
        rule_id=MEI, version=1, merchant_id=None, commission_bps=850, operator_bps=2_500, valid_from=NOW, plan=parts,
        least_units=100, whole_most=9_900, chain=chain,
    )  # fmt: skip
    assert [one.en for one in words_of(rule, "CNY")] == [
        "8.5 % of what the merchant's side is due is commission",
        "Payment fee: 0.6 % of what was paid, at most ¥5 for each use",
        "Each use: ¥0.50 for each use (only dining), in place of base",
        "at least ¥1 for each use",
        "at most ¥99 for a redemption in all",
        "25 % of the commission are the operators', from the highest down 60 %, 40 %",
    ]
    assert all(one.zh and one.zh != one.en for one in words_of(rule, "CNY"))
    none = Rule(rule_id=MEI, version=1, merchant_id=None, commission_bps=0, valid_from=NOW)
    assert [one.en for one in words_of(none, "CNY")] == ["no commission is charged"]
