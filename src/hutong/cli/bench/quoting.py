"""`hutong bench quote`: what pricing a basket costs as promotions grow; one core, no server, no database."""

import gc
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from msgspec import Struct
from rich.table import Table

from hutong.cli.base import json_option, say, words
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.terms import Window
from hutong.kit.text import Text
from hutong.pricing import (
    LANES,
    AmountOff,
    Benefit,
    BuyXGetY,
    Categories,
    Condition,
    Expression,
    Facts,
    FirstOrder,
    FixedPrice,
    Hours,
    Index,
    Merchants,
    MinSpend,
    Offers,
    PercentOff,
    PriceLine,
    Quote,
    Rule,
    Schemes,
    Step,
    Tags,
    Tiered,
    quote,
)

ROOT = UUID("6f3dd6f0-6f3d-4f3d-8f3d-6f3dd6f06f3d")
NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
GROWTH = (10, 100, 1_000)
CITY_WIDE, OWN = 6, 4  # of the first ten promotions; what comes then is for other merchants
BASKETS = 200  # different ones, so that no answer is simply remembered
GOALS = (("quotes_per_second", 1_000.0, True), ("cost_1000_to_10", 5.0, False))


class Figures(Struct, frozen=True, kw_only=True):
    """One run: how many quotes in a second of the core's time, how long one takes (microseconds of that time), how many
    quotes in a second of the clock on the wall, how many promotions were asked."""

    promotions: int
    candidates: float
    quotes_per_second: float
    by_the_wall: float
    p50_us: float
    p99_us: float


@click.command("quote")
@click.option("--seconds", type=click.FloatRange(0.1, 60), default=2.0, show_default=True, help="Length of each run.")
@click.option("--lines", type=click.IntRange(1, 50), default=5, show_default=True, help="Lines of a basket.")
@click.option(
    "--live", type=click.IntRange(1, 1_000), default=50, show_default=True, help="Promotions that concern it."
)
@click.option("--repeat", type=click.IntRange(1, 9), default=1, show_default=True, help="Tell medians of so many.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Keep the JSON here.")
@json_option
def quoting(seconds: float, lines: int, live: int, repeat: int, out: Path | None, as_json: bool) -> None:
    """Price baskets of five lines against fifty live promotions, every one of which concerns them.

    Then the same basket in a city with 10, 100 and 1,000 live promotions: once all the others are for other
    merchants, once every twentieth of them is for the whole city. Each quote asks the index, prices every unit's
    share and says why not in words. Exit 1 when a quote does not add up.
    """
    core = max(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        result = measure(seconds=seconds, lines=lines, live=live, repeat=repeat)
    finally:
        os.sched_setaffinity(0, before)
    _show(result)
    if out is not None:
        out.write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")
    say(result, as_json)
    sys.exit(1 if result["wrong"] else 0)


def measure(*, seconds: float, lines: int, live: int, repeat: int) -> dict[str, Any]:
    """All runs, `repeat` times; the object on standard output."""
    baskets = [a_basket(n, lines) for n in range(BASKETS)]
    concerned = [a_rule(n, OWN) for n in range(live)]
    plans: dict[str, Sequence[Rule]] = {"live": concerned}
    for count in GROWTH:
        plans[f"city_{count}"] = city_of(count, every=0)
        plans[f"wide_{count}"] = city_of(count, every=20)
    found: dict[str, list[Figures]] = {name: [] for name in plans}
    wrong = [why for basket, facts in baskets for why in why_wrong(basket, facts, concerned)]
    for _ in range(repeat):
        for name, rules in plans.items():
            found[name].append(_run(baskets, rules, seconds))
    told = {name: median(runs) for name, runs in found.items()}
    first, last = GROWTH[0], GROWTH[-1]
    ratios = {
        f"{kind}_{count}_to_{first}": round(told[f"{kind}_{count}"]["p50_us"] / told[f"{kind}_{first}"]["p50_us"], 2)
        for kind in ("city", "wide")
        for count in GROWTH[1:]
    }
    head = told["live"]
    reached = {"quotes_per_second": head["quotes_per_second"], "cost_1000_to_10": ratios[f"city_{last}_to_{first}"]}
    goals = [
        {"what": what, "goal": goal, "at_least": more, "reached": reached[what],
         "held": reached[what] >= goal if more else reached[what] <= goal}
        for what, goal, more in GOALS
    ]  # fmt: skip
    return {
        "lines": lines, "live": live, "repeat": repeat, "quotes_per_second": head["quotes_per_second"],
        "by_the_wall": head["by_the_wall"],
        "p50_us": head["p50_us"], "p99_us": head["p99_us"], "growth": ratios, "runs": told, "goals": goals,
        "wrong": sorted(set(wrong)),
    }  # fmt: skip


def median(runs: Sequence[Figures]) -> dict[str, Any]:
    """Figure by figure, the median of the runs."""
    return {name: round(statistics.median(getattr(run, name) for run in runs), 1) for name in Figures.__struct_fields__}


def _run(baskets: Sequence[tuple[list[PriceLine], Facts]], rules: Sequence[Rule], seconds: float) -> Figures:
    """Quote after quote on this core; warm before. Times are the core's own, so that neighbours do not count."""
    index = Index.of(rules)
    asked = [len(index.candidates(lines, facts)) for lines, facts in baskets]
    took: list[int] = []
    gc.collect()
    gc.freeze()
    for lines, facts in baskets:
        price(index, lines, facts)
    end = time.perf_counter() + seconds
    began, at_first = time.perf_counter(), time.thread_time()
    while time.perf_counter() < end:
        for lines, facts in baskets:
            start = time.thread_time_ns()
            price(index, lines, facts)
            took.append(time.thread_time_ns() - start)
    spent, used = time.perf_counter() - began, time.thread_time() - at_first
    gc.unfreeze()
    took.sort()
    return Figures(
        promotions=len(rules), candidates=statistics.mean(asked), quotes_per_second=len(took) / used,
        by_the_wall=len(took) / spent,
        p50_us=took[len(took) // 2] / 1_000, p99_us=took[int(len(took) * 0.99)] / 1_000,
    )  # fmt: skip


def price(index: Index, lines: Sequence[PriceLine], facts: Facts) -> Quote:
    """What a checkout does: candidates, quote, the reasons in words."""
    answer = quote(lines, promotions=index.candidates(lines, facts), facts=facts)
    assert isinstance(answer, Quote)
    assert answer.reasons is not None
    return answer


def why_wrong(lines: Sequence[PriceLine], facts: Facts, rules: Sequence[Rule]) -> list[str]:
    """What does not add up in one quote; the same with the index and without, forwards and backwards."""
    whole = price(Index.of(rules), lines, facts)
    back = quote(lines[::-1], promotions=rules[::-1], facts=facts)
    wrong = []
    if not isinstance(back, Quote) or back.total != whole.total or back.adjustments != whole.adjustments:
        wrong.append("another order of entry gave another price")
    for line in whole.lines:
        units = line.units()
        if sum(unit.paid.units for unit in units) != line.total.units or line.total.units < 0:
            wrong.append("the units of a line do not add up to it")
    return wrong


def merchant(n: int) -> UUID:
    return derive(ROOT, f"merchant/{n}")


def offer(shop: int, n: int) -> UUID:
    return derive(merchant(shop), f"offer/{n}")


def a_basket(n: int, lines: int) -> tuple[list[PriceLine], Facts]:
    """Basket n of the first merchant: `lines` of his twelve offers, one to four of each, and who buys."""
    dice = random.Random(n)  # noqa: S311
    chosen = [dice.randrange(12) for _ in range(lines)]
    made = [
        PriceLine(
            line_no=number, offer_id=offer(0, of), title=Text.both(f"offer {of}"), quantity=dice.randint(1, 4),
            unit_price=Amount(800 + 700 * of, "CNY"), list_price=Amount(1_000 + 900 * of, "CNY"),
            merchant_id=merchant(0), scheme="deals", categories=("noodles" if of % 2 else "tea", "food"),
        )
        for number, of in enumerate(chosen, 1)
    ]  # fmt: skip
    facts = Facts(
        now=NOW, city_id=1, zone="Asia/Shanghai", member_id=derive(ROOT, f"member/{n}"),
        tags=("vip",) if n % 3 else ("new",), orders_count=n % 4, orders_here=n % 3, spend_here=n * 500,
        channel="web", coupons=tuple(derive(ROOT, f"rule/{c}") for c in range(0, 50, 5)),
    )  # fmt: skip
    return made, facts


def city_of(count: int, *, every: int) -> list[Rule]:
    """The first ten concern the basket (six the whole city, four its merchant); of those that come then every so-manyth
    does (0: none), the others are for other merchants."""
    made = []
    for n in range(count):
        city_wide = n < CITY_WIDE or (every and n >= CITY_WIDE + OWN and n % every == 1)
        shop = 0 if n < CITY_WIDE + OWN else 1 + n // 4
        made.append(a_rule(n, OWN if not city_wide else 0, shop=shop))
    return made


def a_rule(n: int, own: int, *, shop: int = 0) -> Rule:
    """Promotion n: kinds, lanes and conditions in turn. `own` 0: for the whole city; otherwise for that merchant."""
    dice = random.Random(n * 7 + 1)  # noqa: S311
    benefits: list[Benefit] = [
        PercentOff(bps=dice.randint(3, 20) * 100), AmountOff(units=dice.randint(2, 20) * 100),
        PercentOff(bps=dice.randint(10, 30) * 100, cap_units=2_000), BuyXGetY(buy=2, get=1, bps=5_000),
        Tiered(steps=(Step(at=3_000, units=300), Step(at=8_000, units=1_000))), FixedPrice(units=1_990),
    ]  # fmt: skip
    circumstances: list[tuple[Condition, ...]] = [
        (MinSpend(units=dice.randint(10, 150) * 100),), (), (Tags(any_of=("vip",)),), (FirstOrder(),),
        (Hours(windows=(Window(start=10 * 60, end=14 * 60), Window(weekdays=(4, 5), start=17 * 60))),),
        (Expression(source='"vip" in member.tags && basket.units >= 5000', says=Text.both("VIP")),),
        (Schemes(names=("deals",)),),
    ]  # fmt: skip
    scopes: list[tuple[Condition, ...]] = [
        (Merchants(ids=(merchant(shop),)),), (Offers(ids=tuple(offer(shop, of) for of in dice.sample(range(12), 9))),),
        (Merchants(ids=(merchant(shop),)), Categories(slugs=("noodles",))),
    ]  # fmt: skip
    scope = scopes[n % len(scopes)] if own else ()
    return Rule(
        promotion_id=derive(ROOT, f"rule/{n}"), name=Text.both(f"promotion {n}"), benefit=benefits[n % len(benefits)],
        conditions=(*scope, *circumstances[n % len(circumstances)]), lane=list(LANES.values())[n % 4],
        trigger="coupon" if n % 5 == 0 else "auto", group="season" if n % 11 == 0 else None,
        payers=(("platform", 60), ("merchant", 40)) if n % 2 else (("merchant", 1),),
    )  # fmt: skip


def _show(result: dict[str, Any]) -> None:
    table = Table("", "promotions", "asked", "quotes/s", "p50 µs", "p99 µs")
    for name, run in result["runs"].items():
        table.add_row(
            name, f"{run['promotions']:.0f}", f"{run['candidates']:.1f}", f"{run['quotes_per_second']:,.0f}",
            f"{run['p50_us']:.0f}", f"{run['p99_us']:.0f}",
        )  # fmt: skip
    words.print(table)
    for goal in result["goals"]:
        words.print(f"{goal['what']}: {goal['reached']} (goal {'>=' if goal['at_least'] else '<='} {goal['goal']:g})")
    for line in result["wrong"]:
        words.print(f"[red]wrong: {line}[/red]")
