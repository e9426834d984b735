"""Lists as parameters: what goes in comes out, whatever it looks like; and numbers have one type."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.array import ListDumper
from psycopg.types.json import Jsonb

from hutong.infra.arrays import FastListDumper
from hutong.infra.db import Database

pytestmark = pytest.mark.anyio
BIG = 2**63

words = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


def date_time(year: int) -> datetime:
    return datetime(year, 1, 1)  # noqa: DTZ001 (hypothesis adds the zone)


scalars = st.none() | st.booleans() | st.integers(-BIG, BIG - 1) | words
json_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(words, inner))
KINDS = {
    "text": words, "uuid": st.uuids(), "int8": st.integers(-BIG, BIG - 1), "int4": st.integers(-9, 9),
    "bool": st.booleans(), "date": st.dates(), "bytea": st.binary(),
    "timestamptz": st.datetimes(date_time(2), date_time(9998), timezones=st.just(UTC)),
    "timestamp": st.datetimes(date_time(2), date_time(9998)),
}  # fmt: skip
lists = st.one_of(
    *(st.tuples(st.just(kind), st.lists(values | st.none(), max_size=8)) for kind, values in KINDS.items())
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lists)
def test_what_goes_in_comes_out(database_url: str, case: tuple[str, list[Any]]):
    kind, values = case
    with psycopg.connect(database_url, autocommit=True, options="-c timezone=UTC") as conn:
        row = conn.execute(f"select %s::{kind}[]".encode(), [values]).fetchone()
    assert row is not None
    assert row[0] == values


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(json_values, min_size=1, max_size=4))
def test_json_comes_out_as_it_went_in(database_url: str, values: list[Any]):
    with psycopg.connect(database_url, autocommit=True) as conn:
        rows = conn.execute("select * from unnest(%s::jsonb[])", [[Jsonb(value) for value in values]]).fetchall()
    assert [row[0] for row in rows] == values


@pytest.mark.parametrize(
    "values",
    [
        ["NULL", "null", "", " ", "a,b", "{}", '"', "\\", '\\"', "面\u3000吧", "\n", None],
        [[1, 2], [3, 4]],
        [["a", None], ['"', ""]],
        [2**40, -1, None, 0],
        [],
        [None],
    ],
)
def test_it_means_the_same_as_the_list_of_psycopg(database_url: str, values: list[Any]):
    answers = []
    with psycopg.connect(database_url, autocommit=True) as conn:
        for dumper in (ListDumper, FastListDumper):
            conn.adapters.register_dumper(list, dumper)
            answers.append(conn.execute("select %s::text[]::text", [values]).fetchone())
            answers.append(conn.execute("select %s::text[]", [values]).fetchone())
    assert answers[:2] == answers[2:]


def test_one_json_value_for_many_rows_is_written_once_and_read_by_each(database_url: str):
    terms = {"weekdays": [1, 2], "note": '面"'}
    values = [Jsonb(terms), None, Jsonb([1]), Jsonb(terms), Jsonb({"weekdays": [1, 2], "note": '面"'})]
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.adapters.register_dumper(list, FastListDumper)
        rows = conn.execute("select * from unnest(%s::jsonb[])", [values]).fetchall()
    assert [row[0] for row in rows] == [terms, None, [1], terms, terms]


async def test_the_doors_use_it_and_numbers_are_bigint_whatever_their_size(db: Database):
    async with db.reading() as tx:
        for numbers in ([1], [70_000], [2**40, None], [-1]):
            assert await tx.value("select pg_typeof(%(numbers)s)::text", numbers=numbers) == "bigint[]"
        assert await tx.value("select pg_typeof(%(ids)s)::text", ids=[UUID(int=1)]) == "uuid[]"
        assert await tx.value("select %(days)s::date[]", days=[date(2026, 11, 20)]) == [date(2026, 11, 20)]
        assert await tx.value("select %(none)s::int[]", none=[]) == []


def test_what_does_not_fit_is_refused_as_before(database_url: str):
    with psycopg.connect(database_url, autocommit=True) as conn:
        with pytest.raises(psycopg.errors.NumericValueOutOfRange):
            conn.execute("select %s::bigint[]", [[BIG]])
        with pytest.raises(psycopg.DataError):
            conn.execute("select %s::text[]", [["a\x00b"]])
        with pytest.raises(psycopg.DataError):
            conn.execute("select %s::text[]", [["a", 1]])
