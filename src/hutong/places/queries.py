"""Reading cities and districts. Everybody may see them."""

from collections.abc import Sequence
from typing import Any

from hutong.infra.db import Tx
from hutong.kit.geo import Point, distance_m
from hutong.kit.text import Text
from hutong.places.model import City, District, Landmark

_CITY = """select city_id, slug, name, pinyin, zone, currency, languages, centre_lat, centre_lon, boundary, opened_at
           from places.cities"""
_DISTRICT = "select city_id, district_id, slug, name, pinyin, centre_lat, centre_lon from places.districts"


def _city(row: dict[str, Any]) -> City:
    return City(
        city_id=row["city_id"], slug=row["slug"], name=Text(**row["name"]), pinyin=row["pinyin"], zone=row["zone"],
        currency=row["currency"], languages=tuple(row["languages"]), opened_at=row["opened_at"],
        centre=Point(row["centre_lat"], row["centre_lon"]),
        boundary=tuple(Point(lat, lon) for lat, lon in row["boundary"]),
    )  # fmt: skip


def _district(row: dict[str, Any]) -> District:
    return District(
        city_id=row["city_id"], district_id=row["district_id"], slug=row["slug"], name=Text(**row["name"]),
        pinyin=row["pinyin"], centre=Point(row["centre_lat"], row["centre_lon"]),
    )  # fmt: skip


async def cities(tx: Tx) -> list[City]:
    """All cities, in the order of their pinyin."""
    return [_city(row) for row in await tx.rows(f"{_CITY} order by pinyin, city_id")]


async def city(tx: Tx, city_id: int) -> City | None:
    """The city with this number."""
    row = await tx.row(f"{_CITY} where city_id = %(city)s", city=city_id)
    return _city(row) if row else None


async def cities_of(tx: Tx, city_ids: Sequence[int]) -> dict[int, City]:
    """The cities with these numbers; unknown numbers are left out."""
    rows = await tx.rows(f"{_CITY} where city_id = any(%(ids)s::int[])", ids=sorted(set(city_ids)))
    return {row["city_id"]: _city(row) for row in rows}


async def city_by_slug(tx: Tx, slug: str) -> City | None:
    """The city with this short name (what its address in the browser begins with)."""
    row = await tx.row(f"{_CITY} where slug = %(slug)s", slug=slug)
    return _city(row) if row else None


async def city_at(tx: Tx, point: Point) -> City | None:
    """The city whose boundary contains the point; where two do, the one with the nearer centre."""
    rows = await tx.rows(
        f"{_CITY} where %(lat)s between south and north and %(lon)s between west and east",
        lat=point.lat,
        lon=point.lon,
    )
    around = [found for found in map(_city, rows) if found.contains(point)]
    return min(around, key=lambda found: distance_m(found.centre, point), default=None)


async def districts(tx: Tx, city_id: int) -> list[District]:
    """The districts of a city, in the order of their pinyin."""
    rows = await tx.rows(f"{_DISTRICT} where city_id = %(city)s order by pinyin, district_id", city=city_id)
    return [_district(row) for row in rows]


async def districts_by_number(tx: Tx, city_ids: Sequence[int], district_ids: Sequence[int]) -> list[District]:
    """The districts of these cities that have one of these numbers."""
    rows = await tx.rows(
        f"{_DISTRICT} where city_id = any(%(cities)s::int[]) and district_id = any(%(ids)s::int[])",
        cities=sorted(set(city_ids)),
        ids=sorted(set(district_ids)),
    )
    return [_district(row) for row in rows]


async def landmarks_of(tx: Tx, city_ids: Sequence[int]) -> list[Landmark]:
    """The landmarks of these cities, in the order of their short names."""
    rows = await tx.rows(
        """select city_id, slug, name, lat, lon from places.landmarks
           where city_id = any(%(cities)s::int[]) order by city_id, slug""",
        cities=sorted(set(city_ids)),
    )
    return [
        Landmark(city_id=r["city_id"], slug=r["slug"], name=Text(**r["name"]), place=Point(r["lat"], r["lon"]))
        for r in rows
    ]


async def next_number(tx: Tx) -> int:
    """The number that a new city may have: one above all. Whoever comes second with it is told that it is taken."""
    row = await tx.row("select coalesce(max(city_id), 0) + 1 as n from places.cities")
    return row["n"] if row else 1
