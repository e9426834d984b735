"""Rules of the house: each benefit and condition by hand, and what holds for any of them together."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput
from hutong.kit.terms import Window
from hutong.kit.text import Text
from hutong.pricing import (
    AmountOff,
    BuyXGetY,
    Categories,
    Channels,
    DeliveryOff,
    Expression,
    FirstOrder,
    FixedPrice,
    FreeItem,
    Hours,
    Index,
    Merchants,
    MinQuantity,
    MinSpend,
    NthOrder,
    Offers,
    PercentOff,
    Quote,
    Rule,
    SpendHere,
    Step,
    Stores,
    Tags,
    Tiered,
    cel,
    decode,
    encode,
    flaws,
    in_words,
    quote,
)
from tests.promotions import MERCHANTS, a_line, a_rule, baskets, facts, offer, people, rules


def priced(lines, *promotions, **given) -> Quote:
    answer = quote(lines, promotions=promotions, facts=facts(**given))
    assert isinstance(answer, Quote)
    return answer


def off(lines, *promotions, **given) -> list[int]:
    """What is taken off each line, by line number."""
    answer = priced(lines, *promotions, **given)
    return [line.base.units - line.total.units for line in sorted(answer.lines, key=lambda q: q.line.line_no)]


TWO = [a_line(1, price=6_000), a_line(2, price=2_000, quantity=2)]


@pytest.mark.parametrize(
    ("benefit", "taken"),
    [
        (PercentOff(bps=1_250), [750, 500]),
        (PercentOff(bps=2_000, cap_units=1_000), [600, 400]),
        (PercentOff(bps=2_000, cap_units=2_000), [1_200, 800]),
        (AmountOff(units=1_000), [600, 400]),
        (AmountOff(units=999_999), [6_000, 4_000]),
        (AmountOff(units=300, per="unit"), [300, 600]),
        (FixedPrice(units=1_990), [4_010, 20]),
        (BuyXGetY(buy=2), [0, 2_000]),
        (BuyXGetY(buy=1, bps=5_000), [0, 1_000]),
        (BuyXGetY(buy=1, get=2), [0, 4_000]),
        (FreeItem(offer_id=offer(2), title=Text.both("tea")), [0, 2_000]),
        (Tiered(steps=(Step(at=5_000, units=500), Step(at=10_000, bps=1_000), Step(at=20_000, units=1))), [600, 400]),
        (Tiered(by="quantity", steps=(Step(at=3, units=100), Step(at=4, units=9_000))), [60, 40]),
    ],
)
def test_what_each_benefit_takes_off(benefit, taken):
    assert off(TWO, a_rule(benefit)) == taken
    words = in_words(benefit, "CNY")
    assert words.zh
    assert words.en


def test_a_delivery_fee_is_touched_by_its_own_benefit_only():
    lines = [a_line(1), a_line(2, price=600, kind="delivery")]
    assert off(lines, a_rule(AmountOff(units=1_000))) == [1_000, 0]
    assert off(lines, a_rule(DeliveryOff(), MinSpend(units=5_000))) == [0, 600]
    assert off(lines, a_rule(DeliveryOff(units=200))) == [0, 200]
    assert off(lines, a_rule(DeliveryOff(), MinSpend(units=5_100))) == [0, 0]


EVENING = Hours(windows=(Window(weekdays=(4,), start=17 * 60, end=21 * 60),))


@pytest.mark.parametrize(
    ("conditions", "given", "code", "yes_if"),
    [
        ((MinSpend(units=11_800),), {}, "spend_more", "¥18 more for ¥10 off."),
        ((MinQuantity(count=5),), {}, "buy_more", "2 more for ¥10 off."),
        ((EVENING,), {}, "rule_hours", "From Friday 17:00."),
        ((FirstOrder(),), {}, "rule_first_order", "For members who have not ordered yet."),
        ((FirstOrder(),), {"member_id": None}, "rule_sign_in", "Sign in first."),
        ((NthOrder(n=5, here=True),), {}, "rule_nth_order", "After 2 more orders."),
        ((NthOrder(n=2),), {}, "rule_nth_order_past", "Look at the other promotions."),
        ((SpendHere(units=25_000),), {}, "rule_spend_here", "Spend ¥50 more here."),
        ((Tags(any_of=("new", "staff")),), {}, "rule_members", "Become one of them to use it."),
        ((Channels(names=("till",)),), {}, "rule_channel", "Order there."),
        ((Offers(ids=(offer(9),)),), {}, "rule_other_goods", "Add something that takes part."),
        ((Offers(ids=(offer(1), offer(2)), excluded=True),), {}, "rule_other_goods", "Add something that takes part."),
        ((Stores(ids=(UUID(int=5),)),), {"store_id": UUID(int=6)}, "rule_other_place",
         "Use it at a shop that takes part."),
        ((Expression(source="basket.units > 99999", says=Text.both("a feast")),), {}, "rule_expression",
         "It applies when this holds: a feast."),
        ((Expression(source="1 / 0 == 1", says=Text.both("odd")),), {}, "rule_expression_broken",
         "The merchant has to mend the condition."),
    ],
)  # fmt: skip
def test_each_no_says_why_and_what_would_make_it_a_yes(conditions, given, code, yes_if):
    (reason,) = priced(TWO, a_rule(AmountOff(units=1_000), *conditions), **given).reasons
    assert (reason.code, reason.amount.units, reason.line_nos) == (code, 0, ())
    assert reason.yes_if is not None
    assert reason.yes_if.en == yes_if
    assert "{" not in reason.text.en + reason.text.zh + reason.yes_if.zh


@pytest.mark.parametrize(
    "conditions",
    [
        (MinSpend(units=10_000),), (MinQuantity(count=3),), (FirstOrder(),), (NthOrder(n=1),), (Tags(any_of=("vip",)),),
        (NthOrder(n=1, every=True),), (SpendHere(units=20_000),), (Channels(names=("web",)),),
        (Categories(slugs=("tea",), excluded=True),), (Hours(windows=(Window(start=720, end=721),)),),
        (Expression(source="now.weekday == 2 && now.hour == 12", says=Text.both("x")),),
    ],
)  # fmt: skip
def test_and_yes_when_it_holds(conditions):
    assert off(TWO, a_rule(AmountOff(units=1_000), *conditions), orders_count=0) == [600, 400]


def test_its_period_and_its_coupon():
    rule = a_rule(
        AmountOff(units=1_000), trigger="coupon", valid_from=datetime(2026, 11, 27, 9, tzinfo=UTC),
        valid_to=datetime(2026, 12, 1, tzinfo=UTC),
    )  # fmt: skip
    soon, closed = priced(TWO, rule).reasons[0], priced(TWO, rule, now=datetime(2026, 12, 1, tzinfo=UTC)).reasons[0]
    assert (soon.code, soon.yes_if and soon.yes_if.en) == ("rule_not_yet", "From Friday 17:00.")
    assert (closed.code, closed.text.en) == ("rule_over", "It ended on 2026-12-01.")
    then = datetime(2026, 11, 30, tzinfo=UTC)
    assert priced(TWO, rule, now=then).reasons[0].code == "coupon_missing"
    assert off(TWO, rule, now=then, coupons=(rule.promotion_id,)) == [600, 400]


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-11-01T04:30+00:00", True), ("2026-11-01T05:30+00:00", True), ("2026-11-01T06:30+00:00", True),
        ("2026-11-01T07:30+00:00", False), ("2026-03-08T06:59+00:00", True), ("2026-03-08T07:00+00:00", False),
    ],
)  # fmt: skip
def test_hours_are_those_of_the_clock_on_the_wall(at, holds):
    """New York, midnight to two: on the first of November the hour from one to two comes twice, on the eighth of
    March the clock goes from two to three."""
    night = a_rule(AmountOff(units=1_000), Hours(windows=(Window(start=0, end=120),)))
    assert bool(sum(off(TWO, night, now=datetime.fromisoformat(at), zone="America/New_York"))) is holds


def test_a_step_that_is_reached_tells_of_the_next():
    (reason,) = priced(TWO, a_rule(Tiered(steps=(Step(at=5_000, units=500), Step(at=12_000, units=2_000))))).reasons
    assert reason.code is None
    assert reason.yes_if is not None
    assert reason.yes_if.en == "¥20 more for ¥20 off."


def test_a_free_item_is_asked_for_and_does_not_earn_itself():
    gift = a_rule(FreeItem(offer_id=offer(3), title=Text.both("tea")), MinSpend(units=5_000))
    assert priced([a_line(1)], gift).reasons[0].code == "add_free_item"
    assert off([a_line(1), a_line(3, price=900)], gift) == [0, 900]
    assert off([a_line(3, price=9_000)], gift) == [0]
    assert off([a_line(1, price=4_900), a_line(3, price=900)], gift) == [0, 0]


def test_one_discount_never_takes_away_the_threshold_of_another():
    first = a_rule(AmountOff(units=3_000), n=1, lane="shop")
    second = a_rule(AmountOff(units=1_000), MinSpend(units=10_000), n=2, lane="coupon")
    assert sum(off(TWO, first, second)) == 4_000


def test_several_coupons_at_once_and_their_order_of_entry():
    """Percent, amount and a fixed price, as coupons in lanes of their own: one total, whatever the order."""
    percent = a_rule(PercentOff(bps=1_000), n=1, lane="shop", trigger="coupon")
    amount = a_rule(AmountOff(units=4_500), n=2, lane="coupon", trigger="coupon")
    fixed = a_rule(FixedPrice(units=1_500), Offers(ids=(offer(2),)), n=3, lane="price", trigger="coupon")
    found = {
        tuple(off(TWO, *(some[i] for i in order), coupons=tuple(some[i].promotion_id for i in order)))
        for some in [(percent, amount, fixed)]
        for order in permutations(range(3))
    }
    assert found == {(600 + 3_000, 1_000 + 300 + 1_500)}  # fixed first, then 10 %, then 45 off 54 + 27


@settings(max_examples=150, deadline=None)
@given(baskets(), rules(), people, st.randoms(use_true_random=False))
def test_any_rules_in_any_order_give_one_price_that_adds_up(lines, promotions, who, random):
    first = quote(lines, promotions=promotions, facts=who)
    assert isinstance(first, Quote)
    assert {v.promotion for v in first.verdicts} == {p.id for p in promotions}
    groups = [p.group for p in promotions if p.group and any(v.amount and v.promotion == p.id for v in first.verdicts)]
    assert len(groups) == len(set(groups))
    for line in first.lines:
        assert 0 <= line.total.units <= line.base.units
        paid = line.units()
        assert sum(unit.paid.units for unit in paid) == line.total.units
        shares = sum(d.amount.units for unit in paid for d in unit.discounts)
        assert shares == sum(a.amount.units for a in line.adjustments) == line.base.units - line.total.units
        assert all(unit.paid.units + sum(d.amount.units for d in unit.discounts) == unit.base.units for unit in paid)
    mixed, shuffled = list(lines), [decode(encode(rule)) for rule in promotions]
    random.shuffle(mixed)
    random.shuffle(shuffled)
    second = quote(mixed, promotions=shuffled, facts=who)
    assert isinstance(second, Quote)
    assert (first.adjustments, first.total, first.reasons) == (second.adjustments, second.total, second.reasons)


@settings(max_examples=200, deadline=None)
@given(baskets(), rules(), people)
def test_the_index_leaves_out_only_what_could_not_apply(lines, promotions, who):
    whole = quote(lines, promotions=promotions, facts=who)
    few = Index.of(promotions).candidates(lines, who)
    found = quote(lines, promotions=few, facts=who)
    assert isinstance(whole, Quote)
    assert isinstance(found, Quote)
    assert found.adjustments == whole.adjustments


def test_the_index_asks_few_of_many():
    many = [a_rule(AmountOff(units=n), Offers(ids=(offer(n),)), n=n) for n in range(1, 1_001)]
    many += [a_rule(AmountOff(units=1), n=2_000 + n, trigger="coupon") for n in range(1_000)]
    found = Index.of(many).candidates(TWO, facts(coupons=(UUID(int=2_007),)))
    assert [rule.promotion_id.int for rule in found] == [1, 2, 2_007]
    over = a_rule(AmountOff(units=1), valid_to=datetime(2026, 1, 1, tzinfo=UTC))
    assert Index.of([over]).candidates(TWO, facts()) == []


def test_a_rule_that_cannot_be_read_is_refused():
    assert isinstance(decode(b"{"), BadInput)
    assert isinstance(decode(b'{"promotion_id": 1}'), BadInput)
    naive = encode(a_rule(AmountOff(units=1), valid_to=datetime(2026, 1, 1, tzinfo=UTC))).replace(b"00Z", b"00")
    assert isinstance(decode(naive), BadInput)
    assert isinstance(decode(b"[" * 100_000), BadInput)
    assert isinstance(decode('"\ud800"'), BadInput)


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        (a_rule(AmountOff(units=1)), []),
        (a_rule(AmountOff(units=0), name=Text.both(" "), asset="XXX", group=""), ["name", "group", "asset", "units"]),
        (a_rule(PercentOff(bps=10_001, cap_units=0), payers=(("aunt", 1),)), ["payers", "bps", "cap_units"]),
        (a_rule(BuyXGetY(buy=0), payers=(("merchant", 0),)), ["payers", "buy"]),
        (a_rule(Tiered(steps=())), ["steps"]),
        (a_rule(Tiered(steps=(Step(at=1), Step(at=1, bps=0)))), ["steps", "steps", "steps.bps"]),
        (a_rule(AmountOff(units=1), MinSpend(units=0), MinSpend(units=1)), ["conditions", "units"]),
        (a_rule(AmountOff(units=1), Offers(ids=()), Tags(any_of=("",))), ["ids", "any_of"]),
        (a_rule(AmountOff(units=1), Hours(windows=(Window(weekdays=(7,)),))), ["windows"]),
        (a_rule(AmountOff(units=1), Expression(source="1 +", says=Text.both(""))), ["says", "source"]),
    ],
)
def test_what_an_editor_is_told(rule, fields):
    assert [flaw.facts["field"] for flaw in flaws(rule)] == fields


def test_the_rule_and_the_condition_of_the_how_to_are_sound():
    text = (Path(__file__).parents[2] / "docs" / "how-to" / "write-a-promotion.md").read_text(encoding="utf-8")
    rule = decode(text.split("```json\n")[1].split("```")[0])
    assert isinstance(rule, Rule)
    assert flaws(rule) == []
    assert isinstance(cel.compile(text.split("```cel\n")[1].split("```")[0]), cel.Program)
    for field in cel.FIELDS:
        assert f"`{field}`" in text
    lunch = [a_line(1, price=5_200, categories=("noodles", "food"))]
    assert off(lunch, rule) == [1_000]


def test_lines_outside_a_scope_are_left_alone():
    lines = [a_line(1), a_line(2, merchant_id=MERCHANTS[1]), a_line(3, categories=("tea",))]
    assert off(lines, a_rule(PercentOff(bps=1_000), Merchants(ids=MERCHANTS[:1]))) == [500, 0, 500]
    assert off(lines, a_rule(PercentOff(bps=1_000), Categories(slugs=("tea",), excluded=True))) == [500, 500, 0]


@pytest.mark.parametrize(
    ("units", "asset", "words"),
    [(5_000, "CNY", "¥50"), (990, "CNY", "¥9.90"), (120_000, "JPY", "¥120,000"), (1_250, "KWD", "KWD 1.250"),
     (1_200, "GRAIN", "1,200 GRAIN"), (-2_550, "EUR", "−€25.50")],
)  # fmt: skip
def test_amounts_in_sentences_have_the_sign_of_their_asset(units: int, asset: str, words: str):
    assert Amount(units, asset).words() == words
