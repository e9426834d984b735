"""The demo cities hold what they promise: enough of everything, in both languages, and nothing out of place."""

import re
import shutil
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from hutong.catalog import GiftCard, Stamp
from hutong.cli.demo.city_data import FOLDER, CityData, read_city
from hutong.cli.demo.hours import Exceptional, WeekHours
from hutong.desk.opening import SHELVES
from hutong.kit.geo import Point, distance_m, inside
from hutong.kit.terms import Terms, why_not_now
from hutong.kit.text import Text
from hutong.trades import BadData

MONDAY = date(2026, 11, 2)


@pytest.fixture(scope="module")
def data() -> CityData:
    return read_city()


def texts(value: Any, path: str = "") -> list[tuple[str, Text]]:
    """Every Text in the data, with the way to it."""
    if isinstance(value, Text):
        return [(path, value)]
    if isinstance(value, msgspec.Struct):
        return [t for name in value.__struct_fields__ for t in texts(getattr(value, name), f"{path}.{name}")]
    if isinstance(value, tuple):
        return [t for i, item in enumerate(value) for t in texts(item, f"{path}[{i}]")]
    return []


def test_there_is_enough_of_everything(data: CityData):
    qinghe = data.merchants_of("qinghe")
    assert len({merchant.trade for merchant in qinghe}) >= 14
    assert sum(len(merchant.stores) for merchant in qinghe) >= 60
    assert sum(len(merchant.stores) for merchant in data.merchants) >= 64
    assert sum(len(merchant.stores) for merchant in data.merchants_of("linjiang")) == 4
    assert sum(len(merchant.offers) for merchant in data.merchants) >= 130
    assert all(1 <= len(merchant.offers) <= 4 for merchant in data.merchants)
    assert len(data.categories) == 10
    assert sum(1 for merchant in qinghe if len(merchant.stores) > 1) >= 10


def test_every_trade_has_a_merchant(data: CityData):
    """So that no trade pack is data that nobody has ever tried."""
    assert {merchant.trade for merchant in data.merchants} == set(data.trades)
    categories = {child.slug for top in data.categories for child in (top, *top.children)}
    assert {trade.category for trade in data.trades.values()} <= categories


def test_the_variety_that_screens_need(data: CityData):
    offers = [offer for merchant in data.merchants for offer in merchant.offers]
    hours = [day for m in data.merchants for s in m.stores for day in s.hours.table()]
    assert sum(1 for offer in offers if offer.min_units > 1) >= 10
    assert sum(1 for offer in offers if offer.stores) >= 8
    assert sum(1 for offer in offers if offer.terms.blackout) >= 10
    assert sum(1 for offer in offers if offer.terms.weekdays) >= 20
    assert sum(1 for offer in offers if offer.terms.hours) >= 20
    assert sum(1 for offer in offers if offer.terms.party) >= 20
    assert any(offer.terms.until_days for offer in offers)
    assert any(offer.terms.refund == "none" for offer in offers)
    assert any(offer.sale.from_days > 0 for offer in offers)
    assert sum(1 for m in data.merchants for s in m.stores if s.exceptions) >= 8
    assert any(len(day) == 2 for day in hours), "somebody closes for lunch"
    assert any(day and day[-1][1] > 24 * 60 for day in hours), "somebody is open past midnight"
    assert () in [s.hours.table()[0] for m in data.merchants for s in m.stores], "somebody closes on Mondays"


def test_zh_and_en_everywhere(data: CityData):
    offers = [offer for merchant in data.merchants for offer in merchant.offers]
    found = texts(data.cities, "cities") + texts(data.categories, "categories")
    found += texts(data.merchants, "merchants") + texts(data.cast, "cast")
    found += [(offer.slug, line) for offer in offers for line in offer.included.lines()]
    assert [path for path, text in found if not (text.zh.strip() and text.en.strip())] == []
    assert [path for path, text in found if re.search(r"[\u3400-\u9fff，。！？：；（）]", text.en)] == []
    chinese = [(path, text) for path, text in found if not re.search(r"[\u3400-\u9fff]", text.zh)]
    assert {text.zh for _, text in chinese} <= {"KTV"}, chinese


def test_descriptions_are_two_sentences(data: CityData):
    for merchant in data.merchants:
        assert len(re.findall(r"[。！？]", merchant.about.zh)) == 2, merchant.slug
        assert len(re.findall(r"[.!?](?= |$)", merchant.about.en)) == 2, merchant.slug


def test_titles_do_not_repeat_inside_a_city(data: CityData):
    """Two shops may sell a haircut; a list of deals with the same words twice helps nobody."""
    for city in data.cities:
        titles = [offer.title.zh for merchant in data.merchants_of(city.slug) for offer in merchant.offers]
        assert [title for title, count in Counter(titles).items() if count > 1] == []


def test_stores_lie_in_exactly_their_district_and_not_on_top_of_each_other(data: CityData):
    for city in data.cities:
        stores = [store for merchant in data.merchants_of(city.slug) for store in merchant.stores]
        for store in stores:
            assert inside(store.at, list(city.boundary)), store.slug
            found = [d.slug for d in city.districts if inside(store.at, list(d.boundary))]
            assert found == [store.district], store.slug
        for i, store in enumerate(stores):
            assert all(distance_m(store.at, other.at) > 10 for other in stores[:i]), store.slug


def test_districts_tile_their_city(data: CityData):
    """A point of the city lies in one district, a point outside in none."""
    for city in data.cities:
        rings = {district.slug: list(district.boundary) for district in city.districts}
        assert all(inside(d.centre, rings[d.slug]) for d in city.districts)
        assert inside(city.centre, list(city.boundary))
        for i in range(-30, 31):
            for j in range(-30, 31):
                point = Point(city.centre.lat + i * 0.0031, city.centre.lon + j * 0.0037)
                found = [slug for slug, ring in rings.items() if inside(point, ring)]
                assert len(found) == inside(point, list(city.boundary)), (city.slug, i, j, found)
    qinghe = data.city("qinghe")
    assert (qinghe.city_id, len(qinghe.districts), len(qinghe.boundary)) == (1, 6, 20)
    assert data.city("linjiang").city_id == 2


def test_prices_are_below_list_prices(data: CityData):
    for offer in (offer for merchant in data.merchants for offer in merchant.offers):
        assert 0 < offer.price < offer.list_price or isinstance(offer.form, Stamp | GiftCard), offer.slug


def test_phones_are_valid_and_ours(data: CityData):
    """read_city has asked the library; here: all from the one made-up block, and no two alike."""
    stores = [store.phone for merchant in data.merchants for store in merchant.stores]
    people = [person.phone for person in data.cast.people]
    assert all(re.fullmatch(r"\+861990000\d{4}", phone) for phone in stores + people)
    assert len(set(stores + people)) == len(stores) + len(people)


def test_noodle_bar_and_the_cast_are_first(data: CityData):
    bar = data.merchants[0]
    assert (bar.slug, bar.owner, bar.name) == ("noodle-bar", "mei", Text(zh="巷口面吧", en="Noodle Bar"))
    two = bar.offers[0]
    assert (two.title.en, two.price, two.list_price, two.stores) == ("Two bowls set", 6800, 9800, ())
    terms = data.terms(bar, two).dated(MONDAY)
    assert terms == Terms(valid_days=90, per_member=20, per_visit=4), "usable at every hour, so a demo never waits"
    assert [person.key for person in data.cast.people] == ["ann", "bo", "mei", "tao", "lin", "pat"]
    grants = {person.key: person.grants for person in data.cast.people}
    assert grants["tao"][0].store == bar.stores[0].slug
    assert grants["lin"][0].city == "qinghe"
    assert (data.cast.commission.commission_bps, data.cast.commission.operator_bps) == (800, 2500)


def test_every_offer_can_be_used_in_some_store_within_a_fortnight(data: CityData):
    """Terms and opening hours that never meet would sell a right that cannot be used."""
    zone = ZoneInfo("Asia/Shanghai")
    begin = datetime(MONDAY.year, MONDAY.month, MONDAY.day, tzinfo=zone)
    for merchant in data.merchants:
        for offer in merchant.offers:
            terms = data.terms(merchant, offer).dated(MONDAY)
            instants = [
                begin + timedelta(days=day, minutes=minute)
                for store in data.stores_for(merchant, offer)
                for day in range(14)
                for opens, closes in store.hours.table()[day % 7]
                for minute in range(opens, closes, 30)
            ]
            usable = any(why_not_now(terms, at=at.astimezone(UTC), zone="Asia/Shanghai") is None for at in instants)
            assert usable, offer.slug


def test_files_stay_small_enough_to_read():
    for path in FOLDER.glob("*.toml"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path.name


def test_hours_say_a_week():
    week = WeekHours(daily=("10:30-14:00", "16:30-21:30"), weekend=("10:00-22:00",), mon=(), fri=("18:00-26:00",))
    assert week.table() == (
        (),
        ((630, 840), (990, 1290)),
        ((630, 840), (990, 1290)),
        ((630, 840), (990, 1290)),
        ((1080, 1560),),
        ((600, 1320),),
        ((600, 1320),),
    )


def test_hours_that_cannot_be():
    with pytest.raises(ValueError, match="do not speak of tue"):
        WeekHours(mon=("10:00-12:00",))
    with pytest.raises(ValueError, match="overlap"):
        WeekHours(daily=("10:00-12:00", "11:00-13:00"))
    with pytest.raises(ValueError, match="night of mon"):
        WeekHours(daily=("02:00-27:00",))


def test_an_exception_counts_from_the_day_of_loading():
    closed = Exceptional(in_days=3, hours=(), note=Text(zh="盘点", en="Stocktaking"))
    assert (closed.day(MONDAY), closed.table()) == (date(2026, 11, 5), ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copied = Path(shutil.copytree(FOLDER, tmp_path / "city"))
    shutil.copy(SHELVES, copied)
    return copied


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("merchants-01-noodles-and-rice.toml", "price = 6800", "prize = 6800", ["`prize`", "$.merchants[0].offers[0]"]),
        ("merchants-01-noodles-and-rice.toml", "price = 6800", "price = 68.5", ["$.merchants[0].offers[0].price"]),
        ("merchants-01-noodles-and-rice.toml", "price = 6800", "price = 9800", ["two-bowls costs no less"]),
        ("merchants-01-noodles-and-rice.toml", "10:30-14:30", "10:30-1430", ["$.merchants[0].stores[0].hours"]),
        ("merchants-01-noodles-and-rice.toml", 'district = "old-town"', 'district = "xiguan"', ["does not lie in"]),
        ("merchants-01-noodles-and-rice.toml", 'trade = "restaurant"', 'trade = "circus"', ["trade is unknown"]),
        ("merchants-01-noodles-and-rice.toml", "serves = 2", "seats = 2", ["`seats` is no field", "`serves` is req"]),
        ("merchants-01-noodles-and-rice.toml", '"noodle-bar-college"', '"noodle-bar-lantern"', ["is there twice"]),
        ("cast.toml", "+8619900000001", "+8610000000001", ["no phone number"]),
        ("cast.toml", 'merchant = "noodle-bar"', 'merchant = "soup-bar"', ["speaks of the merchant soup-bar"]),
        ("cast.toml", "platform_admin", "king", ["cast.toml", "'king'"]),
        ("shelves.toml", 'slug = "noodles"', 'slug = "pasta"', ["noodles is no category"]),
    ],
)
def test_what_does_not_fit_is_refused_by_name(folder: Path, file: str, old: str, new: str, words: list[str]):
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadData) as refused:
        read_city(folder)
    assert [word for word in words if word not in str(refused.value)] == [], str(refused.value)
