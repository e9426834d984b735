"""Adding cities and districts. Rare, central, and safe to repeat."""

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.places.model import (
    AddCity,
    AddDistrict,
    City,
    CityTaken,
    District,
    DistrictTaken,
    Landmark,
    LandmarkTaken,
    box,
    why_not_city,
    why_not_district,
    why_not_landmark,
)
from hutong.places.queries import cities_of, districts_by_number, landmarks_of
from hutong.places.spelling import pinyin


def _words(text: Text) -> Jsonb:
    return Jsonb({"zh": text.zh, "en": text.en})


def _city_of(request: AddCity) -> City:
    return City(
        city_id=request.city_id, slug=request.slug, name=request.name, zone=request.zone, currency=request.currency,
        pinyin=request.pinyin or pinyin(request.name.zh), languages=request.languages, centre=request.centre,
        boundary=request.boundary, opened_at=request.opened_at,
    )  # fmt: skip


async def add_cities(tx: Tx, requests: Sequence[AddCity]) -> list[City | Refusal]:
    """Add cities; the same request again gives the same city.

    Central: use `db.central()`. Refusals: BadInput (number, slug, zone, currency, boundary), CityTaken when the
    number or the slug belongs to a city with other words. Zones are IANA names, points WGS-84.
    """
    results: list[City | Refusal] = [why_not_city(request) or _city_of(request) for request in requests]
    wanted = [found for found in results if isinstance(found, City)]
    boxes = [box(found.boundary) or (None, None, None, None) for found in wanted]
    await tx.run(
        """insert into places.cities (city_id, slug, name, pinyin, zone, currency, languages, centre_lat, centre_lon,
                                      boundary, south, west, north, east, opened_at)
           select city_id, slug, name, pinyin, zone, currency, string_to_array(languages, ','), lat, lon,
                  boundary, south, west, north, east, opened_at
           from unnest(%(ids)s::int[], %(slugs)s::text[], %(names)s::jsonb[], %(pinyins)s::text[], %(zones)s::text[],
                       %(currencies)s::text[], %(languages)s::text[], %(lats)s::float8[], %(lons)s::float8[],
                       %(rings)s::jsonb[], %(souths)s::float8[], %(wests)s::float8[], %(norths)s::float8[],
                       %(easts)s::float8[], %(opened)s::timestamptz[])
                as w (city_id, slug, name, pinyin, zone, currency, languages, lat, lon, boundary,
                      south, west, north, east, opened_at)
           order by city_id
           on conflict do nothing""",
        ids=[c.city_id for c in wanted],
        slugs=[c.slug for c in wanted],
        names=[_words(c.name) for c in wanted],
        pinyins=[c.pinyin for c in wanted],
        zones=[c.zone for c in wanted],
        currencies=[c.currency for c in wanted],
        languages=[",".join(c.languages) for c in wanted],
        lats=[c.centre.lat for c in wanted],
        lons=[c.centre.lon for c in wanted],
        rings=[Jsonb([[p.lat, p.lon] for p in c.boundary]) for c in wanted],
        souths=[b[0] for b in boxes],
        wests=[b[1] for b in boxes],
        norths=[b[2] for b in boxes],
        easts=[b[3] for b in boxes],
        opened=[c.opened_at for c in wanted],
    )
    there = await cities_of(tx, [c.city_id for c in wanted])
    return [
        CityTaken(city_id=r.city_id, slug=r.slug) if isinstance(r, City) and there.get(r.city_id) != r else r
        for r in results
    ]


def _district_of(request: AddDistrict) -> District:
    return District(
        city_id=request.city_id, district_id=request.district_id, slug=request.slug, name=request.name,
        pinyin=request.pinyin or pinyin(request.name.zh), centre=request.centre,
    )  # fmt: skip


async def add_districts(tx: Tx, requests: Sequence[AddDistrict]) -> list[District | Refusal]:
    """Add districts to their cities; the same request again gives the same district.

    Central: use `db.central()`. Refusals: UnknownCity, BadInput (number, slug, centre outside the city),
    DistrictTaken when the number or the slug belongs to a district with other words.
    """
    homes = await cities_of(tx, [request.city_id for request in requests])
    results: list[District | Refusal] = [
        why_not_district(request, homes.get(request.city_id)) or _district_of(request) for request in requests
    ]
    wanted = [found for found in results if isinstance(found, District)]
    await tx.run(
        """insert into places.districts (city_id, district_id, slug, name, pinyin, centre_lat, centre_lon)
           select * from unnest(%(cities)s::int[], %(ids)s::int[], %(slugs)s::text[], %(names)s::jsonb[],
                                %(pinyins)s::text[], %(lats)s::float8[], %(lons)s::float8[])
           order by 1, 2
           on conflict do nothing""",
        cities=[d.city_id for d in wanted],
        ids=[d.district_id for d in wanted],
        slugs=[d.slug for d in wanted],
        names=[_words(d.name) for d in wanted],
        pinyins=[d.pinyin for d in wanted],
        lats=[d.centre.lat for d in wanted],
        lons=[d.centre.lon for d in wanted],
    )
    found = await districts_by_number(tx, [d.city_id for d in wanted], [d.district_id for d in wanted])
    there = {(d.city_id, d.district_id): d for d in found}
    return [
        DistrictTaken(district_id=r.district_id, slug=r.slug)
        if isinstance(r, District) and there.get((r.city_id, r.district_id)) != r
        else r
        for r in results
    ]


async def add_landmarks(tx: Tx, requests: Sequence[Landmark]) -> list[Landmark | Refusal]:
    """Add landmarks to their cities; the same request again gives the same landmark.

    Central: use `db.central()`. Refusals: UnknownCity, BadInput (slug, place outside the city), LandmarkTaken when the
    short name belongs to a landmark with other words or at another place.
    """
    homes = await cities_of(tx, [request.city_id for request in requests])
    results: list[Landmark | Refusal] = [
        why_not_landmark(request, homes.get(request.city_id)) or request for request in requests
    ]
    wanted = [found for found in results if isinstance(found, Landmark)]
    await tx.run(
        """insert into places.landmarks (city_id, slug, name, lat, lon)
           select * from unnest(%(cities)s::int[], %(slugs)s::text[], %(names)s::jsonb[], %(lats)s::float8[],
                                %(lons)s::float8[])
           order by 1, 2
           on conflict do nothing""",
        cities=[one.city_id for one in wanted],
        slugs=[one.slug for one in wanted],
        names=[_words(one.name) for one in wanted],
        lats=[one.place.lat for one in wanted],
        lons=[one.place.lon for one in wanted],
    )
    there = {(one.city_id, one.slug): one for one in await landmarks_of(tx, [one.city_id for one in wanted])}
    return [
        LandmarkTaken(slug=r.slug) if isinstance(r, Landmark) and there.get((r.city_id, r.slug)) != r else r
        for r in results
    ]
