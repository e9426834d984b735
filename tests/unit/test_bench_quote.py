"""`hutong bench quote`: what it measures is a checkout's own quote, and it sees when one does not add up."""

import json

from click.testing import CliRunner

from hutong.cli.bench.quoting import GROWTH, OWN, a_basket, a_rule, city_of, price, quoting, why_wrong
from hutong.pricing import Index


def test_it_prices_and_tells(tmp_path):
    kept = tmp_path / "quote.json"
    ran = CliRunner().invoke(quoting, ["--seconds", "0.1", "--json", "--out", str(kept)])
    assert ran.exit_code == 0
    told = json.loads(kept.read_text())
    assert told["wrong"] == []
    assert (told["lines"], told["live"]) == (5, 50)
    assert told["quotes_per_second"] > 0
    assert 0 < told["p50_us"] <= told["p99_us"]
    assert [told["runs"][f"city_{n}"]["promotions"] for n in GROWTH] == list(GROWTH)
    assert told["growth"]["city_1000_to_10"] < 100


def test_the_promotions_of_the_basket_concern_it():
    """Most of the fifty are asked, several apply, and there is a reason for each that does not."""
    rules = [a_rule(n, OWN) for n in range(50)]
    lines, facts = a_basket(1, 5)
    assert len(Index.of(rules).candidates(lines, facts)) == 50
    answer = price(Index.of(rules), lines, facts)
    applied = [verdict for verdict in answer.verdicts if verdict.no is None]
    assert 3 <= len(applied) < len(answer.verdicts)
    assert all(reason.text.en for reason in answer.reasons)
    assert why_wrong(lines, facts, rules) == []


def test_a_larger_city_asks_no_more():
    lines, facts = a_basket(1, 5)
    asked = [len(Index.of(city_of(n, every=0)).candidates(lines, facts)) for n in (100, 1_000)]
    assert asked[0] == asked[1] < 25
