"""A city is opened from a small file, once; the first administrator is named at the machine."""

from datetime import timedelta
from pathlib import Path

import pytest

from hutong import catalog, people, places, settlement
from hutong.desk import founding, opening
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import PERMISSIONS, Permission
from hutong.kit.clock import ManualClock
from hutong.kit.refusals import BadInput, Refusal
from hutong.people import BadPhone
from tests.conftest import audit_clean, fires

pytestmark = pytest.mark.anyio
EXAMPLE = (Path(opening.__file__).parent.parent / "cli" / "city.toml").read_text(encoding="utf-8")
MORE = '\n[[landmarks]]\nslug = "gate"\nname = { zh = "南门", en = "South Gate" }\nat = [30.15, 120.2]\n'


async def test_a_city_opens_once_with_all_it_needs(db: Database, clock: ManualClock):
    now, said = clock.now(), opening.read_file(EXAMPLE)
    done = await opening.open_city(db, said, by=None, now=now)
    assert (done.fresh, done.districts, done.landmarks, done.added) == (True, 2, 2, 4)
    clock.move(timedelta(hours=1))
    again = await opening.open_city(db, said, by=new_id(), now=clock.now())
    assert (again.fresh, again.added, again.city) == (False, 0, done.city)
    more = EXAMPLE.replace("\n# Landmarks:", MORE + "\n# Landmarks:").replace('percent = "8"', 'percent = "9"')
    grown = await opening.open_city(db, opening.read_file(more), by=None, now=clock.now())
    assert (grown.landmarks, grown.added) == (3, 1)
    async with db.reading() as tx:
        assert {one.slug for one in await catalog.categories(tx)} >= {"food", "noodles"}
        [plan] = await settlement.plans(tx)
        assert (plan.version, plan.commission_bps, plan.operator_bps) == (2, 900, 2_500)
        shop = new_id()
        assert (await settlement.rules_for(tx, [shop], at=now))[shop].commission_bps == 800
        drawn = places.sketch(
            done.city, await places.districts(tx, 1), await places.landmarks_of(tx, [1]), invented=False
        )
        told = await tx.rows("select payload from infra.facts where city_id = 1 and topic = 'places.city_opened'")
    assert [f["properties"]["zh"] for f in drawn["features"] if f["properties"]["kind"] == "landmark"] == [
        "鼓楼", "东站", "南门",
    ]  # fmt: skip
    assert [(one["payload"]["by"], one["payload"]["fresh"]) for one in told] == [("machine", True), ("machine", False)]
    assert [(one.city.slug, one.stores) for one in await opening.standing(db)] == [("yunshui", 0)]
    assert await audit_clean(db)


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ('slug = "yunshui"', 'slug = "Yun Shui"', "bad_input", "city.slug"),
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Nowhere"', "bad_input", "city.zone"),
        ('currency = "CNY"', 'currency = "SHELLS"', "bad_input", "city.currency"),
        ("at = [30.26, 120.19]", "at = [31.26, 120.19]", "bad_input", "districts.north-bank.centre"),
        ("[[30.10, 120.10], [30.10, 120.30]", "[[30.10, 120.30], [30.10, 120.10]", "bad_input", "edge"),
        ("[30.30, 120.20]", "[38.30, 120.20]", "bad_input", "edge"),
        ("[30.30, 120.20]", "[130.30, 120.20]", "bad_input", "edge"),
        ("at = [30.201, 120.203]", "at = [31.201, 120.203]", "bad_input", "landmarks.drum-tower.place"),
        ('slug = "north-bank"', 'slug = "old-town"', "bad_input", "districts"),
        ('percent = "8"', 'percent = "108"', "bad_input", "commission.percent"),
        ('languages = ["zh", "en"]', 'languages = ["fr"]', "bad_input", "languages"),
        ('name = { zh = "云水", en = "Yunshui" }', 'name = { zh = "云水" }', "bad_input", "file"),
        ('slug = "yunshui"', 'slug = "yunshui"\ncolour = "red"', "bad_input", "file"),
    ],
)
async def test_nonsense_is_refused_by_its_field(
    db: Database, clock: ManualClock, old: str, new: str, code: str, field: str
):
    assert old in EXAMPLE
    with pytest.raises(BadInput) as refused:
        await opening.open_city(db, opening.read_file(EXAMPLE.replace(old, new, 1)), by=None, now=clock.now())
    assert (refused.value.code, refused.value.facts["field"]) == (code, field), refused.value
    async with db.reading() as tx:
        assert await places.cities(tx) == [], "a city that was refused is not half there"


async def test_what_holds_for_ever_is_not_changed(db: Database, clock: ManualClock):
    await opening.open_city(db, opening.read_file(EXAMPLE), by=None, now=clock.now())
    for old, new, code in (
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Tokyo"', "city_taken"),
        ("# number = 4201", "number = 7", "city_taken"),
        ("at = [30.26, 120.19]", "at = [30.27, 120.19]", "district_taken"),
        ("at = [30.192, 120.242]", "at = [30.193, 120.242]", "landmark_taken"),
    ):
        with pytest.raises(Refusal) as refused:
            await opening.open_city(db, opening.read_file(EXAMPLE.replace(old, new, 1)), by=None, now=clock.now())
        assert refused.value.code == code
    assert await audit_clean(db)
    async with db.central() as tx:
        await tx.run("update places.landmarks set lat = 50 where slug = 'drum-tower'")
    assert await fires(db, "PLC04")


async def test_the_first_administrator(db: Database, clock: ManualClock):
    now = clock.now()
    how = {"name": "Pat", "language": "en", "again": False, "now": now}
    with pytest.raises(BadPhone):
        await founding.name_admin(db, phone="12", **how)
    first = await founding.name_admin(db, phone="19900000006", **how)
    assert (await founding.name_admin(db, phone="+8619900000006", **how)).grant_id == first.grant_id
    with pytest.raises(founding.AdminsThere) as refused:
        await founding.name_admin(db, phone="19900000007", **how)
    assert "1 administrator" in refused.value.sentence().en
    async with db.reading() as tx:
        assert await people.members_of_phones(tx, ["+8619900000007"]) == {}, "who was refused left nothing behind"
        [held] = (await people.grants_of(tx, [first.member_id]))[first.member_id]
    assert Permission.RUN_PLATFORM in PERMISSIONS[held.role]
    await founding.name_admin(db, phone="19900000007", **{**how, "again": True})
    assert [one.name for one in await founding.admins(db)] == ["Pat", "Pat"]
    assert await audit_clean(db)
