"""Waiting lists, presents and result sheets by the API: whole lives, guards, keys, and their description."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from hutong.catalog import Bargain, Team
from hutong.desk import insights
from hutong.desk.bargaining import DAY, HELPS_A_DAY
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.infra.limits import Take, take
from hutong.kit.clock import ManualClock
from hutong.kit.ids import TEAM, VOUCHER
from hutong.orders import Choice, Wanted
from tests.api.conftest import Shop
from tests.api.house import a_cast, make_application, make_house, web_client
from tests.conftest import audit_clean
from tests.db.teams_help import opened
from tests.db.waitlist_help import freed, turn
from tests.lane import CITY, a_lane, a_redeem, bought, redeem
from tests.provider import SandboxProcess

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(
    db: Database, tmp_path: Path, company: SandboxProcess, now, request: pytest.FixtureRequest
) -> AsyncIterator[Shop]:
    """Noodle Bar at noon, whatever the time of this machine: nobody is called at night."""
    clock = ManualClock(now)
    lane = await a_lane(db, now, **getattr(request, "param", {}))
    async with company.adapter() as provider:
        house = make_house(db, clock, tmp_path, {"sandbox": provider})
        cast = await a_cast(house, lane)
        async with web_client(make_application(house)) as web:
            yield Shop(house, lane, cast, web, company)
        await house.batches.close()


@pytest.mark.parametrize("shop", [{"quota": 2}], indirect=True)
async def test_from_the_line_to_an_order(shop: Shop):
    now = shop.house.clock.now()
    sold = await bought(shop.house.db, shop.lane, now, 2, member_id=shop.cast.members["bo"])
    line = f"/offers/{shop.offer}/line"
    assert (await shop.call(None, "GET", line)).json() == {"offer": shop.offer, "entries": 0, "units": 0, "called": 0}
    assert (await shop.call(None, "POST", "/waiting", key="w", offers=[shop.offer])).status_code == 401
    assert (await shop.call("ann", "POST", "/waiting", offers=[shop.offer])).json()["code"] == "key_missing"
    joined = await shop.call("ann", "POST", "/waiting", key="w-1", offers=[shop.offer], units=2)
    assert joined.status_code == 201, joined.text
    entry = joined.json()["id"]
    assert (await shop.call("ann", "POST", "/waiting", key="w-1", offers=[shop.offer], units=2)).json() == joined.json()
    again = await shop.call("ann", "POST", "/waiting", key="w-2", offers=[shop.offer], units=2)
    assert (again.status_code, again.json()["code"]) == (409, "already_waiting")
    other = await shop.call("ann", "POST", "/waiting", key="w-1", offers=[shop.offer], units=3)
    assert other.json()["code"] == "key_reused"
    assert (await shop.call(None, "GET", line)).json()["units"] == 2
    one = (await shop.call("ann", "GET", f"/waiting/{entry}")).json()
    assert (one["state"], one["offers"][0]["number"], one["kept"]) == ("waiting", 1, None)
    assert (await shop.call("bo", "GET", f"/waiting/{entry}")).json()["code"] == "entry_not_found"
    none = await shop.call("ann", "POST", f"/waiting/{entry}/orders", key="t-0", way="")
    assert none.json()["code"] == "entry_not_found", "nothing is kept yet"
    await freed(shop.house.db, shop.lane, now, sold[0].order_id, 2)
    await turn(shop.house.db, now)
    [mine] = (await shop.call("ann", "GET", "/waiting?city=1")).json()["items"]
    [way] = mine["kept"]["ways"]
    assert (mine["state"], mine["kept"]["units"], way["way"], way["total"]["units"]) == ("called", 2, "", 13_600)
    theirs = await shop.call("bo", "POST", f"/waiting/{entry}/orders", key="t-1", way="")
    assert theirs.json()["code"] == "entry_not_found"
    wrong = await shop.call("ann", "POST", f"/waiting/{entry}/orders", key="t-2", expect={"units": 1, "asset": "CNY"})
    assert wrong.json()["code"] == "price_changed"
    body = {"expect": {"units": 13_600, "asset": "CNY"}, "coupons": way["coupons"]}
    placed = await shop.call("ann", "POST", f"/waiting/{entry}/orders", key="t-3", **body)
    assert (placed.status_code, placed.json()["state"]) == (201, "placed"), placed.text
    await turn(shop.house.db, now)
    twice = await shop.call("ann", "POST", f"/waiting/{entry}/orders", key="t-3", **body)
    assert twice.json() == placed.json(), "the same key finds its order, also when the call is over"
    assert (await shop.call("ann", "GET", f"/waiting/{entry}")).json()["state"] == "served"
    left = await shop.call("ann", "DELETE", f"/waiting/{entry}")
    assert (left.status_code, left.json()["state"]) == (200, "served"), "what is over stays as it ended"
    assert await audit_clean(shop.house.db)


TEAMS = {"quota": 3, "form": Team(size=2, hours=24, alone_units=8_800)}


@pytest.mark.parametrize("shop", [TEAMS], indirect=True)
async def test_the_ways_of_a_team_deal(shop: Shop):
    """Who waited sees the team that lacks him, a new one, and the price alone; and joins."""
    now, db = shop.house.clock.now(), shop.house.db
    team, _ = await opened(db, shop.lane, now)
    wanted = (Wanted(shop.lane.offer.offer_id, 2, Choice("alone")),)
    sold = await bought(db, shop.lane, now, 2, wants=wanted)
    entry = (await shop.call("ann", "POST", "/waiting", key="w-1", offers=[shop.offer])).json()["id"]
    await freed(db, shop.lane, now, sold[0].order_id, 1)
    await turn(db, now)
    ways = (await shop.call("ann", "GET", f"/waiting/{entry}")).json()["kept"]["ways"]
    shown = TEAM.show(team, CITY)
    assert [(way["way"], way["total"]["units"], way["missing"]) for way in ways] == [
        (f"join_team.{shown}", 6_800, 1), ("open_team", 6_800, None), ("alone", 8_800, None),
    ]  # fmt: skip
    silent = await shop.call("ann", "POST", f"/waiting/{entry}/orders", key="t-1", way="")
    assert silent.json()["code"] == "choose_team"
    away = await shop.call("ann", "POST", f"/waiting/{entry}/orders", key="t-2", way=f"join_team.{shown}x")
    assert away.json()["code"] == "bad_id"
    joined = await shop.call("ann", "POST", f"/waiting/{entry}/orders", key="t-3", way=f"join_team.{shown}")
    assert joined.status_code == 201, joined.text
    assert await audit_clean(db)


@pytest.mark.parametrize("shop", [TEAMS], indirect=True)
async def test_teams_of_a_deal_and_one_by_its_id(shop: Shop):
    now, db = shop.house.clock.now(), shop.house.db
    path = f"/offers/{shop.offer}"
    form = (await shop.call(None, "GET", path)).json()["form"]
    assert (form["kind"], form["size"], form["hours"], form["alone"]["units"]) == ("team", 2, 24, 8_800)
    assert (await shop.call(None, "GET", f"{path}/together")).json() == {
        "offer": shop.offer, "teams": [], "ladder": None,
    }  # fmt: skip
    team, _ = await opened(db, shop.lane, now)
    [seen] = (await shop.call(None, "GET", f"{path}/together")).json()["teams"]
    assert (seen["id"], seen["missing"], seen["state"]) == (TEAM.show(team, CITY), 1, "open")
    assert (await shop.call(None, "GET", f"/teams/{seen['id']}")).json() == seen
    assert (await shop.call(None, "GET", f"/teams/{TEAM.show(new_id(), CITY)}")).json()["code"] == "team_not_found"
    assert (await shop.call("ann", "POST", f"{path}/bargain")).status_code == 404, "it is sold to teams"


BARGAIN_DEAL = {"form": Bargain(floor_units=4_000, helpers=2, hours=24, budget_units=5_000)}


@pytest.mark.parametrize("shop", [BARGAIN_DEAL], indirect=True)
async def test_a_bargain_is_begun_cut_by_friends_and_ordered(shop: Shop):
    now, db = shop.house.clock.now(), shop.house.db
    path = f"/offers/{shop.offer}/bargain"
    form = (await shop.call(None, "GET", f"/offers/{shop.offer}")).json()["form"]
    assert form == {"kind": "bargain", "floor": {"units": 4_000, "asset": "CNY", "decimal": "40.00"}, "helpers": 2,
                    "hours": 24}, "the budget is the merchant's"  # fmt: skip
    for verb in ("GET", "POST"):
        assert (await shop.call(None, verb, path)).status_code == 401
    assert (await shop.call("ann", "GET", path)).json()["code"] == "bargain_not_found"
    begun = await shop.call("ann", "POST", path)
    assert (begun.status_code, begun.json()["mine"], begun.json()["now"]["units"]) == (201, True, 6_800), begun.text
    assert (await shop.call("ann", "POST", path)).json() == begun.json() == (await shop.call("ann", "GET", path)).json()
    one = f"/bargains/{begun.json()['id']}"
    seen = (await shop.call(None, "GET", one)).json()
    assert (seen["mine"], seen["way"], seen["owner"]) == (False, None, "A**"), "a stranger sees no name and no way"
    assert (await shop.call(None, "POST", f"{one}/cuts")).status_code == 401
    assert (await shop.call("ann", "POST", f"{one}/cuts")).json()["code"] == "own_bargain"
    helped = await shop.call("bo", "POST", f"{one}/cuts")
    assert (helped.status_code, helped.json()["helped"]) == (201, True), helped.text
    assert (await shop.call("bo", "POST", f"{one}/cuts")).json() == helped.json(), "an answer was lost: the same again"
    other = (await shop.call("tao", "POST", path)).json()["id"]
    twice = await shop.call("bo", "POST", f"/bargains/{other}/cuts")
    assert twice.json()["code"] == "already_helped", "once for each deal"
    line = {"offer": shop.offer, "quantity": 1, "way": begun.json()["way"]}
    price = helped.json()["now"]
    assert price["units"] == 6_800 - helped.json()["cuts"][0]["amount"]["units"]
    theirs = await shop.call("bo", "POST", "/orders", key="o-0", lines=[line])
    assert theirs.json()["code"] == "bargain_not_yours"
    placed = await shop.call(
        "ann", "POST", "/orders", key="o-1", lines=[line], expect={"units": price["units"], "asset": "CNY"}
    )
    assert (placed.status_code, placed.json()["total"]) == (201, price), placed.text
    assert (await shop.call("mei", "POST", f"{one}/cuts")).json()["code"] == "bargain_over"
    async with db.city(CITY) as tx:  # who has helped all day
        bucket = f"helps/{CITY}/{shop.cast.members['lin']}"
        await take(tx, [Take(bucket, HELPS_A_DAY, DAY, units=HELPS_A_DAY)], now=now)
    tired = await shop.call("lin", "POST", f"/bargains/{other}/cuts")
    assert (tired.status_code, tired.json()["code"]) == (429, "too_many_tries")
    assert await audit_clean(db)


async def test_a_present_is_given_taken_back_and_accepted_once(shop: Shop):
    now, db = shop.house.clock.now(), shop.house.db
    [held] = await bought(db, shop.lane, now, member_id=shop.cast.members["ann"])
    voucher = VOUCHER.show(held.voucher_id, CITY)
    path = f"/vouchers/{voucher}/gift"
    assert (await shop.call("ann", "GET", path)).json() == {"may": True, "gift": None, "link": None}
    assert (await shop.call("bo", "GET", path)).status_code == 404
    assert (await shop.call("bo", "POST", path, key="g-0", days=3)).json()["code"] == "voucher_not_found"
    assert (await shop.call("ann", "POST", path, key="g-1", days=2)).json()["code"] == "bad_input"
    assert (await shop.call("ann", "POST", f"{path}/return", key="r-0")).json()["code"] == "gift_not_found"
    given = await shop.call("ann", "POST", path, key="g-2", note="Happy birthday", days=3)
    assert given.status_code == 201, given.text
    assert (await shop.call("ann", "POST", path, key="g-2", note="Happy birthday", days=3)).json() == given.json()
    first = given.json()["link"].rpartition("/")[2]
    seen = (await shop.call(None, "GET", f"/gifts/{first}")).json()
    assert (seen["from"], seen["note"], seen["state"]) == ("Ann", "Happy birthday", "open")
    assert "code" not in str(seen)
    back = await shop.call("ann", "POST", f"{path}/return", key="r-1")
    assert back.json()["state"] == "taken_back", back.text
    assert (await shop.call("ann", "POST", f"{path}/return", key="r-1")).json() == back.json()
    late = await shop.call("bo", "POST", f"/gifts/{first}/claims", key="c-0")
    assert late.json()["code"] in ("gift_over", "gift_not_found")
    token = (await shop.call("ann", "POST", path, key="g-3", note="again")).json()["link"].rpartition("/")[2]
    assert (await shop.call("ann", "POST", f"/gifts/{token}/claims", key="c-1")).json()["code"] == "gift_is_yours"
    assert (await shop.call(None, "POST", f"/gifts/{token}/claims", key="c-2")).status_code == 401
    done = await shop.call("bo", "POST", f"/gifts/{token}/claims", key="c-3")
    assert (done.status_code, done.json()["voucher"]["id"]) == (201, voucher), done.text
    assert done.json()["voucher"]["code"] != held.code
    assert (await shop.call("bo", "POST", f"/gifts/{token}/claims", key="c-3")).json() == done.json()
    third = await shop.call("tao", "POST", f"/gifts/{token}/claims", key="c-4")
    assert third.status_code in (404, 409)
    [listed] = (await shop.call("ann", "GET", "/gifts?city=1")).json()["items"]
    assert (listed["state"], listed["voucher"]) == ("claimed", voucher)
    assert (await shop.call("ann", "GET", f"/vouchers/{voucher}")).status_code == 404
    assert (await shop.call("ann", "GET", "/gifts/1-zzzz")).status_code == 404
    assert await audit_clean(db)


async def test_merchant_and_city_read_one_sheet(shop: Shop):
    now, db = shop.house.clock.now(), shop.house.db
    held = await bought(db, shop.lane, now, 2, member_id=shop.cast.members["ann"])
    await redeem(db, [a_redeem(shop.lane, held[0], now)], now)
    path = f"/offers/{shop.offer}/result"
    for nobody in (None, "bo", "tao"):
        assert (await shop.call(nobody, "GET", path)).status_code == (404 if nobody else 401)
    said = await shop.call("mei", "PUT", f"/offers/{shop.offer}/plan", cost_units=3_000, expected_bps=2_500)
    assert said.json() == {"offer": shop.offer, "cost_units": 3_000, "expected_bps": 2_500}, said.text
    assert (await shop.call("bo", "PUT", f"/offers/{shop.offer}/plan", cost_units=1)).status_code == 404
    await insights.rebuild(db, CITY, now)
    await insights.judge_deals(db, CITY, now)
    sheet = (await shop.call("mei", "GET", path)).json()
    assert sheet == (await shop.call("lin", "GET", path)).json()
    assert sheet["counts"] == {"sold": 2, "used": 1, "open": 1, "refunded": 0, "expired": 0}
    assert (sheet["guests"]["all"], sheet["guests"]["new"], sheet["verdict"]) == (1, 1, "early")
    assert sheet["money"]["merchant"]["units"] == 6_256  # 8 % of 6,800 is the commission
    assert (sheet["before"]["cost"]["units"], sheet["before"]["promised_bps"]) == (3_000, 2_500)
    assert [back["days"] for back in sheet["backs"]] == [30, 60, 90]
    assert sheet["backs"][0]["low_bps"] is None, "nothing is said where nothing is known"
    assert (await shop.call("mei", "GET", f"/merchants/{shop.merchant}/results?city=1")).json()["items"] == [sheet]
    assert (await shop.call("lin", "GET", "/results?city=1")).json()["items"] == [sheet]
    assert (await shop.call("mei", "GET", "/results?city=1")).json()["code"] == "not_allowed"
    assert (await shop.call("bo", "GET", f"/merchants/{shop.merchant}/results?city=1")).json()["code"] == "not_allowed"
    assert (await shop.call("lin", "GET", "/results?city=1&after=x")).json()["code"] == "bad_input"
    shop.house.clock.move(timedelta(days=1))  # type: ignore[attr-defined]
    assert (await shop.call("mei", "GET", path)).json()["day"] > sheet["day"]
    await _described(shop)


async def _described(shop: Shop) -> None:
    schema = (await shop.web.get("/schema/openapi.json")).json()["paths"]
    for path, verbs in {
        "/offers/{offer}/line": "get", "/waiting": "get post", "/waiting/{entry}": "get delete",
        "/waiting/{entry}/orders": "post", "/vouchers/{voucher}/gift": "get post",
        "/vouchers/{voucher}/gift/return": "post", "/gifts": "get", "/gifts/{link}": "get",
        "/gifts/{link}/claims": "post", "/offers/{offer}/result": "get", "/offers/{offer}/plan": "put",
        "/merchants/{merchant}/results": "get", "/results": "get", "/offers/{offer}/together": "get",
        "/teams/{team}": "get", "/offers/{offer}/bargain": "get post", "/bargains/{bargain}": "get",
        "/bargains/{bargain}/cuts": "post",
    }.items():  # fmt: skip
        assert set(schema[f"/api/v1{path}"]) == set(verbs.split()), path
