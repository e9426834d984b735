"""Deals that are bought together: which numbers hold together, and what a wish comes to. Pure."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec import structs

from hutong import catalog
from hutong.catalog import Bargain, Draft, Form, Ladder, Team, Tier
from hutong.groups.model import Step, price_at
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.orders import Choice, Climb, TeamUp, Wanted
from hutong.schemes.deals import Deals
from hutong.web.consumer.posters import poster_svg

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


def draft(form: Form, **changes) -> Draft:
    fields = {
        "offer_id": new_id(), "merchant_id": new_id(), "by": None, "category": "noodles", "title": Text.both("Noodles"),
        "price": Amount(6_800, "CNY"), "list_price": Amount(9_800, "CNY"), "terms": Terms(valid_days=30),
        "store_ids": (new_id(),), "form": form, "sale_from": NOW - timedelta(days=1),
        "sale_to": NOW + timedelta(days=9),
    } | changes  # fmt: skip
    return Draft(**fields)


def faults(form: Form, **changes) -> list[str]:
    return [name for name, _ in catalog.faults(draft(form, **changes), "Asia/Shanghai")]


LADDER = Ladder(tiers=(Tier(3, 5_800), Tier(6, 4_800)))


@pytest.mark.parametrize(
    "form",
    [Team(size=2), Team(size=100, hours=720, alone_units=9_800), LADDER,
     Bargain(floor_units=1, helpers=100, budget_units=6_799)],
)  # fmt: skip
def test_sound_forms(form: Form):
    assert faults(form) == []
    assert faults(form, min_units=5) == ["min_units"]


@pytest.mark.parametrize(
    "form",
    [
        Team(size=1), Team(size=101), Team(size=2, hours=0), Team(size=2, alone_units=6_800),
        Team(size=2, alone_units=9_900), Ladder(tiers=()), Ladder(tiers=(Tier(1, 5_000),)),
        Ladder(tiers=(Tier(3, 6_800),)), Ladder(tiers=(Tier(3, 5_000), Tier(3, 4_000))),
        Ladder(tiers=(Tier(3, 5_000), Tier(6, 5_000))), Ladder(tiers=(Tier(3, 0),)),
        Bargain(floor_units=6_800, helpers=2, budget_units=9_000),
        Bargain(floor_units=0, helpers=2, budget_units=9_000),
        Bargain(floor_units=4_000, helpers=0, budget_units=9_000),
        Bargain(floor_units=4_000, helpers=2, budget_units=2_799),
        Bargain(floor_units=6_795, helpers=2, budget_units=9_000),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_named(form: Form):
    assert "form" in faults(form)


def plan(form: Form, choice: Choice | None = None, quantity: int = 1):
    offer = structs.replace(catalog.preview(draft(form), city_id=1, now=NOW), status="published")
    return Deals().plan(offer, Wanted(offer.offer_id, quantity, choice), line_no=1, now=NOW)


def test_a_team_deal_is_sold_in_a_team_or_alone():
    form = Team(size=3, hours=5, alone_units=8_800)
    opened = plan(form, Choice("open_team"))
    assert (opened.line.unit_price.units, opened.promise.waiting) == (6_800, True)
    assert opened.promise.group == TeamUp(size=3, hours=5)
    team = new_id()
    assert plan(form, Choice("join_team", team)).promise.group == TeamUp(size=3, hours=5, team_id=team)
    alone = plan(form, Choice("alone"))
    assert (alone.line.unit_price.units, alone.promise.waiting, alone.promise.group) == (8_800, False, None)
    assert plan(form).code == "choose_team"
    assert plan(Team(size=3), Choice("alone")).code == "not_sold_alone"


def test_a_ladder_is_sold_at_the_tier_in_force():
    assert plan(LADDER).line.unit_price.units == 6_800
    lower = structs.replace(LADDER, now_units=5_800)
    found = plan(lower)
    assert found.line.unit_price.units == 5_800
    assert found.promise.group == Climb(first_units=6_800, price_units=5_800, tiers=((3, 5_800), (6, 4_800)))
    assert plan(LADDER, Choice("open_team")).code == "no_such_way"


def test_a_bargain_is_bought_one_at_a_time_at_its_price():
    form = Bargain(floor_units=4_000, helpers=4, budget_units=9_000, now_units=5_000)
    choice = Choice("bargain", UUID(int=7))
    assert plan(form, choice).line.unit_price.units == 5_000
    assert plan(form, choice, 2).code == "too_many_per_order"
    assert plan(structs.replace(form, now_units=None), choice).code == "no_such_way"
    assert plan(form).line.unit_price.units == 6_800


@pytest.mark.parametrize(("paid", "price"), [(0, 68), (2, 68), (3, 58), (5, 58), (6, 48), (999, 48)])
def test_the_price_falls_with_the_units(paid: int, price: int):
    assert price_at(68, (Step(3, 58), Step(6, 48)), paid) == price


def test_a_poster_escapes_what_it_is_given():
    drawn = poster_svg(
        link="https://x.example/c/a/groups/tem_1_x?from=poster", title="<script>alert(1)</script>" * 4, shop='"&',
        price="¥1", was="", call="<b>", until="", how="", site="Hutong",
    ).decode()  # fmt: skip
    assert "<script" not in drawn
    assert "&lt;script" in drawn
    assert drawn.startswith("<svg ")
