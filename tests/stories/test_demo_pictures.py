"""Every shop of the demo has a picture over its door, and the pages show it."""

import io
from datetime import UTC, datetime

import pytest
from PIL import Image

from hutong import merchants
from hutong.cli.demo.city_data import read_city
from hutong.cli.demo.hang import hang_pictures
from hutong.cli.demo.load import load_city, store_id
from hutong.cli.demo.paint import SIZE, TONES, shop
from hutong.infra.db import Database
from hutong.infra.files import MemoryFiles
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("branch", [*TONES, "something-new"])
def test_a_picture_is_small_and_always_the_same(branch: str):
    """Ids of files follow from their content: a demo that is loaded twice must not fill the disk."""
    made = shop("noodle-bar-lantern", branch)
    assert made == shop("noodle-bar-lantern", branch)
    assert len(made) < 40_000
    with Image.open(io.BytesIO(made)) as image:
        assert image.size == SIZE
        assert image.format == "WEBP"


async def test_every_shop_gets_one_and_keeps_it(db: Database):
    data, files, now = read_city(), MemoryFiles(), datetime.now(UTC)
    await load_city(db, data, now=now)
    stores = [(data.city(m.city).city_id, store_id(s.slug)) for m in data.merchants for s in m.stores]
    assert await hang_pictures(db, files, data, now=now) == len(stores)
    for city in data.cities:
        mine = [store for city_id, store in stores if city_id == city.city_id]
        async with db.reading(city.city_id) as tx:
            there = await merchants.photos(tx, city.city_id, mine)
        assert sorted(there) == sorted(mine)
        for [photo] in there.values():
            assert (await files.open(photo.file)).content_type == "image/webp"
            assert photo.alt.zh
    assert await hang_pictures(db, files, data, now=now) == 0
    assert await audit_clean(db)
