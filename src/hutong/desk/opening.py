"""Opening a city: from a small file, or from the platform's page, that says what it is. The same file twice is once.

With its first city the house gets its shelves (`shelves.toml`) and a commission for everybody who has no contract.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from hutong import catalog, merchants, places, settlement
from hutong.catalog import Category
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.kit.geo import Point
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, Refusal
from hutong.kit.text import Text
from hutong.places import AddCity, AddDistrict, City, Landmark
from hutong.settlement import Plan, Rule

OPENING = UUID("01890a5d-ac96-7000-8000-6f70656e0001")  # what the ids of commissions and openings are derived from
SHELVES = Path(str(files("hutong.desk") / "shelves.toml"))
WIDEST = 3.0  # degrees: what a map asks for at most; a wider place is not one city
MOST = 200  # districts, landmarks, corners of the edge
Pair = tuple[float, float]
Word = Annotated[str, Meta(min_length=1, max_length=60)]
T = TypeVar("T")


class Named(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name in both languages."""

    zh: Word
    en: Word

    @property
    def text(self) -> Text:
        return Text(zh=self.zh.strip(), en=self.en.strip())


class Spot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A district (its middle) or a landmark: short name, names, [latitude, longitude] in WGS-84."""

    slug: str
    name: Named
    at: Pair


class Fees(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The city's first commission plan, which its contracts offer: percent of what a merchant is due at a redemption,
    and percent of that for the operators. As text with at most two decimals: "8", "7.5"."""

    name: Named = Named(zh="标准方案", en="Standard plan")
    percent: str = "0"
    operators_percent: str = "0"


class CityFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a city is. `edge` is a ring of corners, [latitude, longitude] each; `number` only where it must be a given
    one; `centre` is where the map begins: without one the middle of the edge."""

    slug: str
    name: Named
    zone: str
    currency: str
    languages: tuple[str, ...] = ("zh", "en")
    number: int | None = None
    centre: Pair | None = None
    edge: tuple[Pair, ...]
    districts: tuple[Spot, ...]
    landmarks: tuple[Spot, ...] = ()
    commission: Fees = Fees()


class Shelf(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A branch of the category tree; two levels are used."""

    slug: str
    name: Text
    icon: str
    children: tuple["Shelf", ...] = ()


class _Shelves(Struct, frozen=True, forbid_unknown_fields=True):
    categories: tuple[Shelf, ...]


class Opened(Struct, frozen=True, kw_only=True):
    """The city as it stands; `fresh` when it was not there before, `added` what this file brought to it."""

    city: City
    fresh: bool
    districts: int
    landmarks: int
    added: int


class Standing(Struct, frozen=True, kw_only=True):
    """A city in the list, with how much is in it."""

    city: City
    districts: int
    landmarks: int
    stores: int


def read_file(data: bytes | str) -> CityFile:
    """The city that a TOML file describes. Raises bad_input with the field."""
    try:
        return msgspec.toml.decode(data, type=CityFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise BadInput(field="file", why=str(wrong)) from None


def read_shelves(path: Path = SHELVES) -> tuple[Shelf, ...]:
    """The category tree of a file. Raises bad_input."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_Shelves).categories
    except msgspec.DecodeError as wrong:
        raise BadInput(field=path.name, why=str(wrong)) from None


def categories_of(shelves: Sequence[Shelf]) -> list[Category]:
    """The shelves as the catalog takes them, parents first."""
    tops = [Category(slug=c.slug, name=c.name, icon=c.icon, position=n) for n, c in enumerate(shelves, 1)]
    children = [
        Category(slug=c.slug, name=c.name, icon=c.icon, position=n, parent=top.slug)
        for top in shelves
        for n, c in enumerate(top.children, 1)
    ]
    return [*tops, *children]


def bps_of(percent: str, field: str) -> int:
    """Basis points of a percentage: at most 100, at most two decimals. Raises bad_input."""
    try:
        found = Decimal(percent.strip().removesuffix("%")) * 100
    except InvalidOperation:
        found = Decimal(-1)
    if not (found.is_finite() and 0 <= found <= 10_000 and found == int(found)):
        raise BadInput(field=field, why="0-100, 2 decimals")
    return int(found)


def _point(pair: Pair, field: str) -> Point:
    try:
        return Point(*pair)
    except ValueError:
        raise BadInput(field=field, why="[latitude, longitude]") from None


def _ring(said: CityFile) -> tuple[Point, ...]:
    ring = tuple(_point(pair, "edge") for pair in said.edge)
    if not 3 <= len(ring) <= MOST:
        raise BadInput(field="edge", why=f"3-{MOST}")
    south, north = min(p.lat for p in ring), max(p.lat for p in ring)
    west, east = min(p.lon for p in ring), max(p.lon for p in ring)
    if max(north - south, east - west) > WIDEST:
        raise BadInput(field="edge", why=f"≤ {WIDEST:g}°")
    if places.crosses(ring):
        raise BadInput(field="edge", why="two sides cross")
    return ring


def _sound(said: CityFile) -> None:
    """What a city of people needs besides what `places` asks for. Raises bad_input."""
    if set(said.languages) - {"zh", "en"}:
        raise BadInput(field="languages", why="zh, en")
    for field, spots in (("districts", said.districts), ("landmarks", said.landmarks)):
        slugs = [spot.slug for spot in spots]
        if len(slugs) > MOST or len(set(slugs)) < len(slugs) or (field == "districts" and not slugs):
            raise BadInput(field=field, why=f"1-{MOST}, each short name once")


def _named(result: T | Refusal, field: str) -> T:
    """The result; a refusal about a field of a part says which part it was."""
    if isinstance(result, BadInput):
        raise BadInput(field=f"{field}.{result.facts['field']}", why=result.facts["why"])
    if isinstance(result, Refusal):
        raise result
    return result


async def open_city(db: Database, said: CityFile, *, by: UUID | None, now: datetime) -> Opened:
    """Open a city, or add to one that is open what its file says more. `by`: the member of the platform who does it;
    None at the machine itself. What happened stays as the fact `places.city_opened`.

    Raises bad_input with the field, city_taken, district_taken, landmark_taken where words differ from those that hold.
    """
    _sound(said)
    ring = _ring(said)
    middle = places.near.middle_of(ring) if said.centre is None else _point(said.centre, "centre")
    fees = (bps_of(said.commission.percent, "commission.percent"),
            bps_of(said.commission.operators_percent, "commission.operators_percent"))  # fmt: skip
    async with db.reading() as tx:
        there = await places.city_by_slug(tx, said.slug)
        number = there.city_id if there else said.number or await places.next_number(tx)
    ask = AddCity(
        city_id=number, slug=said.slug, name=said.name.text, zone=said.zone, currency=said.currency,
        languages=said.languages, centre=middle, boundary=ring, opened_at=there.opened_at if there else now,
    )  # fmt: skip
    if said.number is not None and said.number != number:
        raise places.CityTaken(city_id=said.number, slug=said.slug)

    async def work(tx: Tx) -> Opened:
        city = _named((await places.add_cities(tx, [ask]))[0], "city")
        added = await _parts(tx, city, said)
        await _fees(tx, city, said.commission.name.text, fees, by=by, now=now)
        await _shelve(tx)
        opened = Opened(
            city=city, fresh=there is None, districts=len(await places.districts(tx, number)),
            landmarks=len(await places.landmarks_of(tx, [number])), added=added,
        )  # fmt: skip
        if opened.fresh or added:
            await tx.record([_fact(said, opened, by=by, now=now)])
        return opened

    return await db.run_city(number, work)


async def _parts(tx: Tx, city: City, said: CityFile) -> int:
    """Districts and landmarks that were not there yet; a district keeps its number for ever, new ones come after."""
    before = await places.districts(tx, city.city_id)
    known = {one.slug: one.district_id for one in before}
    new = [spot.slug for spot in said.districts if spot.slug not in known]
    numbers = known | {slug: n for n, slug in enumerate(new, max(known.values(), default=0) + 1)}
    districts = [
        AddDistrict(city_id=city.city_id, district_id=numbers[s.slug], slug=s.slug, name=s.name.text,
                    centre=_point(s.at, f"districts.{s.slug}"))
        for s in said.districts
    ]  # fmt: skip
    for spot, result in zip(said.districts, await places.add_districts(tx, districts), strict=True):
        _named(result, f"districts.{spot.slug}")
    marks = len(await places.landmarks_of(tx, [city.city_id]))
    landmarks = [
        Landmark(city_id=city.city_id, slug=s.slug, name=s.name.text, place=_point(s.at, f"landmarks.{s.slug}"))
        for s in said.landmarks
    ]
    for spot, result in zip(said.landmarks, await places.add_landmarks(tx, landmarks), strict=True):
        _named(result, f"landmarks.{spot.slug}")
    return len(new) + len(await places.landmarks_of(tx, [city.city_id])) - marks


async def _fees(
    tx: Tx, city: City, name: Text, fees: tuple[int, int], *, by: UUID | None, now: datetime
) -> None:  # fmt: skip
    """The city's plan (a new version when the file says another percentage), and the house's rule if it has none."""
    plan_id = derive(OPENING, f"plan/{city.slug}")
    held = next(iter(await settlement.plans(tx, [plan_id])), None)
    if held is None or (held.commission_bps, held.operator_bps, held.name) != (*fees, name):
        plan = Plan(
            plan_id=plan_id, version=held.version + 1 if held else 1, name=name, commission_bps=fees[0],
            operator_bps=fees[1], made_at=now,
        )  # fmt: skip
        _named((await settlement.add_plans(tx, [plan], now=now, made_by=by))[0], "commission")
    if not await settlement.rules_for(tx, [OPENING], at=now):
        rule = Rule(
            rule_id=derive(OPENING, "commission"), version=1, merchant_id=None, commission_bps=fees[0],
            operator_bps=fees[1], valid_from=now,
        )  # fmt: skip
        await settlement.add_rules(tx, [rule], made_by=by)


async def _shelve(tx: Tx) -> None:
    """The shelves of the house that are not there yet; those that somebody named otherwise stay as they are."""
    there = {one.slug for one in await catalog.categories(tx)}
    for result in await catalog.add_categories(
        tx, [one for one in categories_of(read_shelves()) if one.slug not in there]
    ):
        _named(result, "shelves")


def _fact(said: CityFile, opened: Opened, *, by: UUID | None, now: datetime) -> Fact:
    told = hashlib.sha256(msgspec.json.encode(said)).hexdigest()
    payload: dict[str, Any] = {
        "by": str(by) if by else "machine", "slug": said.slug, "fresh": opened.fresh, "file": told,
    }  # fmt: skip
    return Fact(
        fact_id=new_id(), city_id=opened.city.city_id, topic="places.city_opened",
        subject=derive(OPENING, f"city/{said.slug}"), payload=payload, at=now,
    )  # fmt: skip


async def standing(db: Database) -> list[Standing]:
    """All cities, with how much is in each."""
    async with db.reading() as tx:
        cities = await places.cities(tx)
        marks = await places.landmarks_of(tx, [one.city_id for one in cities])
    found = []
    for city in cities:  # a handful, each a shard of its own
        async with db.reading(city.city_id) as tx:
            found.append(
                Standing(
                    city=city, districts=len(await places.districts(tx, city.city_id)),
                    landmarks=sum(one.city_id == city.city_id for one in marks),
                    stores=await merchants.count_stores(tx, city.city_id),
                )
            )  # fmt: skip
    return found
