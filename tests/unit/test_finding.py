"""What may be kept of a search, boxes of maps, and the drawn streets of an invented city."""

import json
import random

import pytest

from hutong import places
from hutong.catalog import term_of
from hutong.catalog.queries.map import grid_of
from hutong.cli.demo.city_data import read_city
from hutong.cli.demo.scale import CITY_ID, pieces
from hutong.kit.geo import Box, Point, earth_vector, inside
from hutong.places.model import City, District
from hutong.places.near import cube_of_box


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("火锅", "火锅"), ("  Noodle   BAR ", "noodle bar"), ("ＫＴＶ", "ktv"), ("24小时", "24小时"),
        ("面", None), ("", None), ("13800138000", None), ("张三 138 0013", None), ("京A12345", None), ("٣٤٥ bar", None),
        ("a@b.example", None), ("<script>", None), ("我" * 21, None), ("我" * 20, "我" * 20), ("mei's", "mei's"),
    ],
)  # fmt: skip
def test_a_term_is_short_and_names_nobody(typed: str, kept: str | None):
    """Phones, plates, addresses and markup never become something that others see."""
    assert term_of(typed) == kept


def test_a_term_stays_itself():
    """Counting a term again counts the same term."""
    for typed in ("Noodle Bar", "ＫＴＶ  唱歌", "İstanbul"):
        term = term_of(typed)
        assert term is None or term_of(term) == term


def test_a_box_in_space_holds_every_place_of_the_box_of_degrees():
    """The index may find too much, never too little: also far north, and for a box of degrees across."""
    dice = random.Random(3)
    for _ in range(300):
        south, west = dice.uniform(-80, 75), dice.uniform(-179, 175)
        box = Box(south=south, west=west, north=south + dice.uniform(0, 3), east=west + dice.uniform(0, 3))
        low, high = (
            [float(n) for n in part.strip("() ").split(",")] for part in cube_of_box(box).split("), (")
        )  # fmt: skip
        for _ in range(20):
            place = earth_vector(Point(dice.uniform(box.south, box.north), dice.uniform(box.west, box.east)))
            assert all(a <= x <= b for a, x, b in zip(low, place, high, strict=True)), box


def test_cells_get_smaller_with_the_zoom_and_are_square_on_the_screen():
    for zoom in range(20):
        assert grid_of(zoom + 1, 30)[1] == grid_of(zoom, 30)[1] / 2
    high, wide = grid_of(12, 60)
    assert high == pytest.approx(wide / 2)


def _qinghe() -> tuple[City, list[District]]:
    info = read_city().city("qinghe")
    city = City(
        city_id=1, slug=info.slug, name=info.name, pinyin="qinghe", zone=info.zone, currency="CNY",
        languages=("zh", "en"), centre=info.centre, boundary=info.boundary, opened_at=None,
    )  # fmt: skip
    districts = [
        District(city_id=1, district_id=n, slug=d.slug, name=d.name, pinyin=d.slug, centre=d.centre)
        for n, d in enumerate(info.districts, 1)
    ]
    return city, districts


def test_an_invented_city_always_has_the_same_streets_and_they_lie_in_it():
    """The demo's map needs nobody outside; drawn twice it is drawn alike."""
    city, districts = _qinghe()
    drawn = places.sketch(city, districts, invented=True)
    assert drawn == places.sketch(city, districts, invented=True)
    kinds = {feature["properties"]["kind"] for feature in drawn["features"]}
    assert kinds == {"city", "water", "park", "lane", "ring", "avenue", "district"}
    for feature in drawn["features"]:
        if feature["properties"]["kind"] == "lane":
            for line in feature["geometry"]["coordinates"]:
                assert all(inside(Point(lat, lon), list(city.boundary)) for lon, lat in line)
    assert len(json.dumps(drawn)) < 60_000


def test_a_real_city_gets_no_invented_streets():
    """What is not known is not drawn."""
    city, districts = _qinghe()
    kinds = {f["properties"]["kind"] for f in places.sketch(city, districts, invented=False)["features"]}
    assert kinds == {"city", "district"}


def test_the_big_city_is_the_same_each_time_and_as_large_as_asked():
    """Figures that are measured on it can be compared."""
    data = read_city()
    first = next(pieces(data, 300))
    assert first == next(pieces(data, 300))
    loads = list(pieces(data, 300))
    stores = [store for piece in loads for merchant in piece.merchants for store in merchant.stores]
    offers = [offer for piece in loads for merchant in piece.merchants for offer in merchant.offers]
    assert 300 <= len(stores) < 306
    assert len(offers) == 5 * len(stores)
    assert len({store.slug for store in stores}) == len(stores)
    (city,) = first.cities
    assert city.city_id == CITY_ID
    assert all(inside(store.at, list(city.boundary)) for store in stores)
    assert all(offer.price < offer.list_price for offer in offers)
