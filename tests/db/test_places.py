"""Cities and districts: added once, found by number, name and place; nearness is exact and uses the index."""

import pytest

from hutong.infra.db import Database
from hutong.kit.geo import Point, chord_to_metres, distance_m
from hutong.kit.refusals import BadInput
from hutong.kit.text import Text
from hutong.places import (
    AddCity,
    AddDistrict,
    City,
    CityTaken,
    District,
    DistrictTaken,
    UnknownCity,
    add_cities,
    add_districts,
    cities,
    city,
    city_at,
    city_by_slug,
    districts,
    near,
)
from tests.conftest import audit_clean, fires

pytestmark = pytest.mark.anyio

CENTRE = Point(31.2304, 121.4737)
RING = (Point(30.7, 120.8), Point(30.7, 122.2), Point(31.9, 122.2), Point(31.9, 120.8))
SHANGHAI = AddCity(city_id=1, slug="shanghai", name=Text(zh="上海", en="Shanghai"), centre=CENTRE, boundary=RING)
LYON = AddCity(
    city_id=2, slug="lyon", name=Text(zh="里昂", en="Lyon"), zone="Europe/Paris", currency="EUR",
    languages=("fr", "en"), centre=Point(45.764, 4.8357),
)  # fmt: skip


async def test_a_city_is_added_once_and_found_by_everything(db: Database):
    async with db.central() as tx:
        added = await add_cities(tx, [SHANGHAI, LYON])
        again = await add_cities(tx, [SHANGHAI])
    async with db.reading() as tx:
        assert [c.slug for c in await cities(tx)] == ["lyon", "shanghai"]
        assert await city(tx, 1) == added[0] == again[0]
        assert await city_by_slug(tx, "lyon") == added[1]
        assert await city(tx, 3) is None
        assert await city_at(tx, CENTRE) == added[0]
        assert await city_at(tx, Point(45.7, 4.8)) is None, "a city without a boundary is not found by place"
    assert isinstance(added[0], City)
    assert added[0].pinyin == "shanghai"
    assert await audit_clean(db)


async def test_the_nearer_centre_wins_where_two_boundaries_overlap(db: Database):
    other = AddCity(
        city_id=7, slug="pudong", name=Text.both("浦东"), centre=Point(31.22, 121.9),
        boundary=(Point(30.9, 121.4), Point(30.9, 122.1), Point(31.5, 122.1), Point(31.5, 121.4)),
    )  # fmt: skip
    async with db.central() as tx:
        await add_cities(tx, [SHANGHAI, other])
        east, west = await city_at(tx, Point(31.2, 121.85)), await city_at(tx, Point(31.2, 121.5))
    assert east is not None
    assert west is not None
    assert (east.slug, west.slug) == ("pudong", "shanghai")


async def test_what_is_wrong_with_a_city_is_said_and_the_others_go_on(db: Database):
    wrong = [
        AddCity(city_id=0, slug="x", name=Text.both("x"), centre=CENTRE),
        AddCity(city_id=3, slug="X Y", name=Text.both("x"), centre=CENTRE),
        AddCity(city_id=3, slug="x", name=Text.both("x"), centre=CENTRE, zone="Moon/Base"),
        AddCity(city_id=3, slug="x", name=Text.both("x"), centre=CENTRE, currency="GRAIN"),
        AddCity(city_id=3, slug="x", name=Text.both("x"), centre=Point(0, 0), boundary=RING),
    ]
    async with db.central() as tx:
        results = await add_cities(tx, [*wrong, SHANGHAI])
        fields = [r.facts["field"] for r in results if isinstance(r, BadInput)]
        taken = await add_cities(
            tx,
            [
                AddCity(city_id=1, slug="other", name=Text.both("x"), centre=CENTRE),
                AddCity(city_id=9, slug="shanghai", name=Text.both("x"), centre=CENTRE),
            ],
        )
    assert fields == ["city_id", "slug", "zone", "currency", "boundary"]
    assert isinstance(results[-1], City)
    assert [type(r) for r in taken] == [CityTaken, CityTaken]


async def test_districts_lie_in_their_city(db: Database):
    huangpu = AddDistrict(
        city_id=1, district_id=310101, slug="huangpu", name=Text(zh="黄浦区", en="Huangpu"), centre=CENTRE
    )
    far = AddDistrict(city_id=1, district_id=5, slug="far", name=Text.both("远"), centre=Point(0, 0))
    nowhere = AddDistrict(city_id=8, district_id=5, slug="far", name=Text.both("远"), centre=CENTRE)
    twin = AddDistrict(city_id=1, district_id=310101, slug="twin", name=Text.both("双"), centre=CENTRE)
    async with db.central() as tx:
        await add_cities(tx, [SHANGHAI])
        results = await add_districts(tx, [huangpu, far, nowhere])
        assert await add_districts(tx, [huangpu, twin]) == [results[0], DistrictTaken(district_id=310101, slug="twin")]
        assert await districts(tx, 1) == [results[0]]
    assert isinstance(results[0], District)
    assert [type(r) for r in results[1:]] == [BadInput, UnknownCity]
    assert await audit_clean(db)


async def test_nearness_in_sql_is_exact(db: Database):
    there = Point(31.2989, 121.5015)
    async with db.reading() as tx:
        row = await tx.row(
            f"""select {near.metres("s.at")} as metres, s.at <-> %(here)s::cube as chord,
                       {near.within("s.at")} as inside
                from (select %(there)s::cube as at) as s""",
            here=near.cube_of(CENTRE),
            there=near.cube_of(there),
            chord=near.chord_of(distance_m(CENTRE, there) + 1),
        )
        antipode = await tx.value(
            f"select {near.metres('s.at')} from (select %(there)s::cube as at) as s",
            here=near.cube_of(Point(0, 0)),
            there=near.cube_of(Point(0, 180)),
        )
    assert row is not None
    assert row["metres"] == pytest.approx(distance_m(CENTRE, there), abs=0.001)
    assert chord_to_metres(row["chord"]) == pytest.approx(row["metres"], abs=0.001)
    assert row["inside"] is True
    assert antipode == pytest.approx(20_015_114, abs=10)


@pytest.mark.parametrize(
    ("code", "damage"),
    [
        ("PLC01", "update places.cities set centre_lat = 10"),
        ("PLC02", "update places.cities set north = 40"),
        ("PLC03", "update places.districts set centre_lon = 10"),
    ],
)
async def test_the_audit_sees(db: Database, code: str, damage: str):
    async with db.central() as tx:
        await add_cities(tx, [SHANGHAI])
        await add_districts(tx, [AddDistrict(city_id=1, district_id=1, slug="a", name=Text.both("黄"), centre=CENTRE)])
    assert await audit_clean(db)
    async with db.central() as tx:
        await tx.run(damage)
    assert await fires(db, code)
