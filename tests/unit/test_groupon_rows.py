"""Rows of recorded deals: what can be read becomes a deal in cents, what cannot is named with its line."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.cli.replay.crowd import is_used, purchases, spoken
from hutong.cli.replay.rows import COLUMNS, NotTheFile, Row, read

HEADER = ",".join(COLUMNS)
GOOD = {
    "deal_id": "noodle-bar", "start_date": "9/23/2011", "min_req": "15", "treatment": "1", "prom_length": "3",
    "price": "50", "discount_pct": "50", "coupon_duration": "369", "featured": "0", "limited_supply": "1",
    "fb_likes": "16", "quantity_sold": "90", "revenue": "4500",
}  # fmt: skip


def line(**changes: str) -> str:
    return ",".join({**GOOD, **changes}[name] for name in COLUMNS)


def a_row(**changes: int) -> Row:
    fields = {"min_units": 1, "days": 3, "price": 5_000, "list_price": 10_000, "duration": 30, "quantity": 90}
    return Row(line=2, deal_id="noodle-bar", start=date(2011, 9, 23), **{**fields, **changes})


def test_a_row_becomes_a_deal_in_cents():
    rows, wrong = read([HEADER + "\r", line() + "\r", ""])
    assert wrong == []
    assert rows == [
        Row(
            line=2, deal_id="noodle-bar", start=date(2011, 9, 23), min_units=15, days=3, price=5_000,
            list_price=10_000, duration=369, quantity=90,
        )
    ]  # fmt: skip
    (row,) = rows
    assert (row.revenue, row.end, row.last_use) == (450_000, date(2011, 9, 26), date(2012, 9, 29))
    assert row.tips
    assert not a_row(min_units=91).tips


@pytest.mark.parametrize(
    ("changes", "price", "list_price"),
    [
        ({"price": "12.5", "revenue": "1125"}, 1_250, 2_500),
        ({"price": "7.99", "revenue": "719.10", "discount_pct": "33"}, 799, 1_193),  # 11.925..., half up
        ({"price": "50.00", "quantity_sold": "90.0", "revenue": "4500.0"}, 5_000, 10_000),
        ({"discount_pct": "0"}, 5_000, 5_000),
        ({"discount_pct": "99"}, 5_000, 500_000),
        ({"quantity_sold": "0", "revenue": "0"}, 5_000, 10_000),  # nobody bought it: sad, and possible
    ],
)
def test_prices_may_have_cents_and_give_the_price_before(changes, price, list_price):
    rows, wrong = read([HEADER, line(**changes)])
    assert wrong == []
    assert [(row.price, row.list_price) for row in rows] == [(price, list_price)]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (line() + ",more", "14 columns instead of 13"),
        ("noodle-bar,9/23/2011", "2 columns instead of 13"),
        ('"' + line(), "not comma-separated"),
        (line(deal_id=" "), "deal_id"),
        (line(deal_id="noodle\ufffdbar"), "deal_id"),
        (line(start_date="2011-09-23"), "no date"),
        (line(start_date="2/30/2012"), "no date"),
        (line(start_date="1/1/1066"), "too far"),
        (line(start_date="1/1/1970"), "too far"),  # the town is built on the day before
        (line(price="90000000000", revenue="8100000000000"), "more than a deal can cost"),
        (line(discount_pct="99.99999999999"), "more than a deal can cost"),
        (line(min_req="0"), "min_req must lie between 1"),
        (line(min_req="many"), "no number"),
        (line(min_req="1.5"), "no whole number"),
        (line(prom_length="0"), "prom_length must lie between 1"),
        (line(price="-5", revenue="-450"), "price must not be negative"),
        (line(price="0", revenue="0"), "price must be above zero"),
        (line(price="0.001", revenue="0.09"), "parts of a cent"),
        (line(price="1e3", revenue="90000"), "no number"),
        (line(price="NaN"), "no number"),
        (line(price="٥٠"), "no number"),
        (line(quantity_sold="-1", revenue="-50"), "quantity_sold must not be negative"),
        (line(quantity_sold="99999999999", revenue="4999999999950"), "quantity_sold must lie"),
        (line(discount_pct="100"), "below 100"),
        (line(coupon_duration=""), "no number"),
        (line(treatment="2"), "treatment must lie"),
        (line(revenue="4501"), "revenue is 4501, but price x quantity_sold is 4500.00"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_costs_the_others_nothing(bad: str, why: str):
    rows, wrong = read([HEADER, line(deal_id="before"), bad, line(deal_id="after")])
    assert [row.deal_id for row in rows] == ["before", "after"]
    assert [found.line for found in wrong] == [3]
    assert why in wrong[0].why


def test_a_deal_is_there_once_and_blank_lines_do_not_count():
    rows, wrong = read([HEADER, "", line(), "   ", line(price="10", revenue="900")])
    assert [row.price for row in rows] == [5_000]
    assert [(found.line, found.why) for found in wrong] == [(5, "the deal noodle-bar was there before")]


@pytest.mark.parametrize("lines", [[], [""], ["a,b,c"], [line()]])
def test_without_its_header_it_is_not_the_file(lines):
    with pytest.raises(NotTheFile):
        read(lines)


def test_a_mark_of_the_byte_order_is_no_part_of_the_header():
    assert len(read(["\ufeff" + HEADER, line()])[0]) == 1


def test_columns_are_found_by_their_names():
    """In any order, quoted, with what we do not know, and without what is not needed: the same deal."""
    as_written = read([HEADER, line()])[0]
    names = ["note", *sorted(set(COLUMNS) - {"fb_likes", "treatment"})]
    cells = ["a, b" if name == "note" else GOOD[name] for name in names]
    quoted = [",".join(f'"{cell}"' for cell in row) + "\r" for row in (names, cells)]
    assert read(["\ufeff" + quoted[0], quoted[1]]) == (as_written, [])


@pytest.mark.parametrize(
    ("header", "why"), [(HEADER.replace("price", "cost"), "price missing"), (f"{HEADER},price", "price there twice")]
)
def test_a_column_that_is_missing_or_there_twice_is_named(header: str, why: str):
    with pytest.raises(NotTheFile, match=why):
        read([header, line()])


@given(st.text())
def test_no_line_is_too_strange(text: str):
    read([HEADER, *text.split("\n")])


@given(st.integers(0, 3_000), st.integers(1, 9), st.integers(0, 400))
def test_the_crowd_buys_exactly_what_was_bought_within_the_sale(quantity: int, days: int, duration: int):
    row = a_row(quantity=quantity, days=days, duration=duration)
    orders = list(purchases(row))
    assert orders == list(purchases(row))  # the same crowd every time
    assert sum(order.quantity for order in orders) == quantity
    assert [order.number for order in orders] == list(range(len(orders)))
    units = [order.first_unit + n for order in orders for n in range(order.quantity)]
    assert units == list(range(quantity))
    assert [order.first_unit + n for order in orders for n in order.used()] == [u for u in units if is_used(u)]
    for order in orders:
        assert 1 <= order.quantity <= 5
        assert row.start <= order.day < row.end <= order.visit <= row.last_use


def test_three_of_any_five_units_are_used():
    assert all(sum(is_used(first + n) for n in range(5)) == 3 for first in range(50))


def test_a_name_is_spoken():
    assert spoken("newport-gourmet-2") == "Newport Gourmet 2"
    assert spoken("---") == "---"
    assert len(spoken("a" * 200)) == 120
