"""The alliance over the API: points, mall and parcels, statements, programmes, who got what, repeat business."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from hutong import insight, mall, people, places
from hutong.infra.ids import new_id
from hutong.insight import Coming
from hutong.kit.clock import local_day
from hutong.kit.geo import Point
from hutong.kit.ids import MERCHANT, MOVEMENT, OFFER, ORDER, PROGRAMME
from hutong.kit.text import Text
from hutong.people import EditMember
from tests.api.conftest import Shop
from tests.conftest import audit_clean
from tests.lane import CITY
from tests.mall_help import a_gift
from tests.points_help import a_shop
from tests.programmes_help import Alliance

pytestmark = pytest.mark.anyio
ZONE = "Asia/Shanghai"


async def grains(shop: Shop, *, at: datetime | None = None) -> Alliance:
    """Mei's shop in an alliance: a grain for each whole yuan, worth a fen."""
    return await a_shop(shop.house.db, shop.lane, at or shop.house.clock.now())


async def rich(shop: Shop, it: Alliance, points: int, *, at: datetime | None = None, who: str = "ann") -> UUID:
    """So many points for somebody of the cast, from one purchase at Mei's; its movement."""
    when = at or shop.house.clock.now()
    ask = it.buy(shop.cast.members[who], "noodle-bar", points * 100, when)
    (earned,) = await it.earns(ask, now=when)
    assert not isinstance(earned, Exception), earned
    await it.mature(when)
    return ask.movement_id


async def a_key(shop: Shop) -> dict[str, str]:
    """Headers of a key of Mei's that reads statements and orders."""
    body = {"label": "books", "permissions": ["statement:view", "orders:view"]}
    made = await shop.call("mei", "POST", f"/merchants/{shop.merchant}/keys", **body)
    return {"authorization": f"Bearer {made.json()['key']}"}


async def test_points_are_read_by_their_member_and_the_programme_by_its_partner(shop: Shop):
    it = await grains(shop)
    moved = MOVEMENT.show(await rich(shop, it, 300))
    await rich(shop, it, 200)
    shown = PROGRAMME.show(it.programme_id)
    (wallet,) = (await shop.call("ann", "GET", "/points")).json()["items"]
    assert (wallet["programme"], wallet["available"], wallet["worth"]["units"]) == (shown, 500, 500)
    assert (await shop.call("bo", "GET", "/points")).json()["items"] == []
    first = (await shop.call("ann", "GET", f"/points/{shown}/lots?limit=1")).json()
    rest = (await shop.call("ann", "GET", f"/points/{shown}/lots?limit=1&after={first['after']}")).json()
    assert sorted(one["left"] for one in first["items"] + rest["items"]) == [200, 300]
    assert rest["after"] is None
    history = (await shop.call("ann", "GET", f"/points/{shown}/history")).json()["items"]
    assert {one["kind"] for one in history} == {"earn"}
    assert not any("funded" in one or "worth" in one for one in history), "what partners agreed is theirs"
    code = (await shop.call("ann", "GET", "/points/code")).json()
    assert code["text"].startswith("HM1.")
    assert 0 < code["seconds"] <= 30

    key = await a_key(shop)
    path = f"/api/v1/merchants/{shop.merchant}/programme?city={CITY}"
    mine, by_key = (await shop.call("mei", "GET", path.removeprefix("/api/v1"))), await shop.web.get(path, headers=key)
    assert mine.status_code == 200, mine.text
    assert mine.json() == by_key.json()
    told = mine.json()
    assert (told["sums"]["earn"]["points"], told["sums"]["earn"]["funded"]["units"]) == (500, 500)
    assert (told["funding"]["left"]["units"], told["missed"]) == (999_500, [])
    lines = (
        await shop.call("mei", "GET", f"/merchants/{shop.merchant}/programme/movements?city={CITY}&kind=earn")
    ).json()
    assert moved in [one["id"] for one in lines["items"]]
    assert (await shop.call("bo", "GET", path.removeprefix("/api/v1"))).status_code == 404
    assert (await shop.web.get("/api/v1/points", headers=key)).status_code == 403, "a key has no wallet"

    hers, theirs = [(await shop.call(who, "GET", f"/money/{moved}")).json() for who in ("ann", "mei")]
    assert hers["adds_up"]
    assert theirs["adds_up"]
    assert (await shop.web.get(f"/api/v1/money/{moved}", headers=key)).json() == theirs
    assert (await shop.call("bo", "GET", f"/money/{moved}")).json()["code"] == "not_found"
    assert (await shop.call("ann", "GET", "/money/rubbish")).status_code == 404


async def test_points_are_sent_and_given_away_once(shop: Shop):
    """Twice with one key, and twice at the same time: once. The key for somebody else, or for more, is refused."""
    it = await grains(shop)
    await rich(shop, it, 300)
    town = shop.lane
    async with shop.house.db.central() as tx:
        await tx.run(
            "update programmes.partners set charity = true where programme_id = %(id)s and partner_id = %(who)s",
            id=it.programme_id, who=town.merchant,
        )  # fmt: skip
        await people.edit_members(tx, [EditMember(member_id=shop.cast.members["bo"], name="Bo Wu")])
    its = f"/points/{PROGRAMME.show(it.programme_id)}"
    to_bo: dict[str, Any] = {"city": CITY, "phone": "19900000002", "name": "b", "points": 120}
    assert (await shop.call("ann", "POST", f"{its}/sends", **to_bo)).json()["code"] == "key_missing"
    sent = await asyncio.gather(*[shop.call("ann", "POST", f"{its}/sends", key="a", **to_bo) for _ in range(3)])
    assert {one.status_code for one in sent} == {201}, [one.text for one in sent]
    assert len({one.text for one in sent}) == 1
    assert sent[0].json()["to"] == {"name": "B** W**", "phone": "199****0002"}
    for other in (to_bo | {"points": 1}, to_bo | {"phone": "19900000003", "name": "Mei"}):
        said = (await shop.call("ann", "POST", f"{its}/sends", key="a", **other)).json()
        assert said["code"] in ("key_reused", "no_such_friend"), said
    for wrong, code in (({"name": "x"}, "no_such_friend"), ({"points": 181}, "points_short"),
                        ({"phone": "19900000001", "name": "Ann"}, "send_to_self"), ({"city": 99}, "unknown_city"),
                        ({"points": -5}, "bad_input"), ({"points": 10**18}, "bad_input")):  # fmt: skip
        said = await shop.call("ann", "POST", f"{its}/sends", key=code + str(wrong), **(to_bo | wrong))
        assert said.json()["code"] == code, said.text
    away = f"/points/{PROGRAMME.show(UUID(int=1))}/sends"
    assert (await shop.call("ann", "POST", away, key="n", **to_bo)).status_code == 404

    (charity,) = (await shop.call("ann", "GET", f"{its}/charities")).json()["items"]
    assert charity["id"] == shop.merchant
    gift: dict[str, Any] = {"city": CITY, "charity": shop.merchant, "points": 80}
    for _ in range(2):
        given = await shop.call("ann", "POST", f"{its}/donations", key="g", **gift)
        assert (given.status_code, given.json()["worth"]["units"]) == (201, 80), given.text
    more = (await shop.call("ann", "POST", f"{its}/donations", key="g", **(gift | {"points": 81}))).json()
    assert more["code"] == "key_reused"
    nobody = gift | {"charity": MERCHANT.show(UUID(int=1))}
    assert (await shop.call("ann", "POST", f"{its}/donations", key="h", **nobody)).json()["code"] == "not_a_partner"
    key = await a_key(shop)
    for way, body in (("sends", to_bo), ("donations", gift)):
        said = await shop.web.post(f"/api/v1{its}/{way}", headers=key | {"idempotency-key": "k"}, json=body)
        assert said.status_code == 403, "a key has no points"
        assert (await shop.call(None, "POST", f"{its}/{way}", key="k", **body)).status_code == 401
    left = {who: (await shop.call(who, "GET", "/points")).json()["items"][0]["available"] for who in ("ann", "bo")}
    assert left == {"ann": 100, "bo": 120}
    assert await audit_clean(shop.house.db)


async def test_gifts_are_those_of_the_alliance_that_is_asked_for(shop: Shop):
    it = await grains(shop)
    gift = await a_gift(shop.house.db, shop.lane, it, shop.house.clock.now())
    for who in (None, "ann"):
        here = await shop.call(who, "GET", f"/mall?city={CITY}&programme={PROGRAMME.show(it.programme_id)}")
        assert [one["id"] for one in here.json()["items"]] == [OFFER.show(gift.offer_id, CITY)]
        nowhere = await shop.call(who, "GET", f"/mall?city={CITY}&programme={PROGRAMME.show(UUID(int=1))}")
        assert nowhere.json()["code"] == "not_found"


async def test_a_gift_is_exchanged_sent_and_delivered(shop: Shop):
    it = await grains(shop)
    house, now = shop.house, shop.house.clock.now()
    gift = OFFER.show((await a_gift(house.db, shop.lane, it, now, delivery=True)).offer_id, CITY)
    (seen,) = (await shop.call(None, "GET", f"/mall?city={CITY}")).json()["items"]
    assert (seen["id"], seen["yours"], seen["stock"]) == (gift, None, 50)
    points = seen["points"]
    await rich(shop, it, points)
    assert (await shop.call("ann", "GET", f"/mall/{gift}")).json()["yours"]["missing_points"] == 0
    assert (await shop.call("bo", "GET", f"/mall/{gift}")).json()["yours"]["missing_points"] == points

    home = {"name": "Ann Lee", "phone": "19900000001", "line": "3 Lantern Lane"}
    body: dict[str, Any] = {"way": "delivery", "address": home}
    path = f"/mall/{gift}/exchanges"
    assert (await shop.call("ann", "POST", path, **body)).json()["code"] == "key_missing"
    assert (await shop.call("ann", "POST", path, key="a", way="delivery")).json()["code"] == "address_needed"
    placed = await shop.call("ann", "POST", path, key="b", **body)
    assert placed.status_code == 201, placed.text
    assert (placed.json()["state"], placed.json()["total"]["units"]) == ("paid", 0)
    assert (await shop.call("ann", "POST", path, key="b", **body)).json()["id"] == placed.json()["id"]
    assert (await shop.call("bo", "POST", path, key="c", **body)).status_code == 409, "he has no points"
    order = placed.json()["id"]
    order_id = ORDER.read_local(order)[1]
    await house.db.run_city(CITY, lambda tx: mall.follow(tx, [order_id], city_id=CITY, now=now))

    mine = f"/merchants/{shop.merchant}/parcels"
    (parcel,) = (await shop.call("mei", "GET", f"{mine}?city={CITY}")).json()["items"]
    assert (parcel["order"], parcel["address"]["line"]) == (order, "3 Lantern Lane")
    assert (await shop.call("bo", "GET", f"{mine}?city={CITY}")).json()["items"] == []
    other = ORDER.show(new_id(), CITY)
    sent: dict[str, Any] = {"store": shop.store, "parcels": [
        {"order": other, "carrier": "SF", "number": "1"}, {"order": order, "carrier": "SF", "number": "2"},
    ]}  # fmt: skip
    key = await a_key(shop)
    told = await shop.web.post(f"/api/v1{mine}/sent", headers=key, json=sent)
    assert told.status_code == 200, told.text
    assert [one["code"] for one in told.json()["answers"]] == ["delivery_not_found", None]
    again = (await shop.call("mei", "POST", f"{mine}/sent", **sent)).json()["answers"][1]
    assert (again["done"], again["replayed"]) == (True, True)
    twice: dict[str, Any] = sent | {"parcels": [sent["parcels"][1]] * 2}
    assert (await shop.call("mei", "POST", f"{mine}/sent", **twice)).json()["code"] == "bad_input"
    assert (await shop.call("bo", "POST", f"{mine}/sent", **sent)).status_code in (403, 404)

    done = await shop.call("mei", "POST", f"{mine}/delivered", city=CITY, orders=[order, other])
    assert [one["code"] for one in done.json()["answers"]] == [None, "delivery_not_found"]
    stranger = await shop.call("bo", "POST", f"{mine}/delivered", city=CITY, orders=[order])
    assert [one["code"] for one in stranger.json()["answers"]] == ["delivery_not_found"]
    assert (await shop.call("ann", "POST", f"/exchanges/{order}/arrival")).status_code == 204, "it is here already"
    assert (await shop.call("bo", "POST", f"/exchanges/{order}/arrival")).json()["code"] == "delivery_not_found"
    (had,) = (await shop.call("ann", "GET", f"/exchanges?city={CITY}")).json()["items"]
    assert (had["order"], had["points"], had["parcel"]["state"]) == (order, points, "delivered")
    for who in ("ann", "mei", "lin", "pat"):
        flow = (await shop.call(who, "GET", f"/money/{order}")).json()
        assert flow["adds_up"], who
        assert flow["rows"], who
        assert shop.cast.members["ann"].hex not in str(flow).replace("-", ""), "no member is named"
        assert shop.merchant in str(flow), "but a merchant is"
    assert (await shop.call("bo", "GET", f"/money/{order}")).status_code == 404
    assert await audit_clean(house.db)


async def test_periods_are_cleared_read_and_disputed(shop: Shop):
    """Earned forty days ago, so its month is over: the platform clears it, Mei reads it and argues about a line."""
    now = shop.house.clock.now()
    past = now - timedelta(days=40)
    it = await grains(shop, at=past)
    await rich(shop, it, 700, at=past)
    (burnt,) = [await it.burns(shop.cast.members["ann"], "noodle-bar", 400, now=past)]
    assert not isinstance(burnt, Exception), burnt
    its = f"/programmes/{PROGRAMME.show(it.programme_id)}"
    assert (await shop.call("mei", "POST", f"{its}/clearings")).json()["code"] == "not_allowed"
    assert (await shop.call("lin", "GET", its)).json()["code"] == "not_allowed"
    done = (await shop.call("pat", "POST", f"{its}/clearings")).json()
    assert done["closed"] >= 1
    assert done["booked"] >= 1
    again = (await shop.call("pat", "POST", f"{its}/clearings")).json()
    assert (again["closed"], again["booked"], again["next"]) == (0, 0, done["next"])
    runs = (await shop.call("pat", "GET", f"{its}/clearings")).json()["items"]
    assert len(runs) == done["closed"]
    run = (await shop.call("pat", "GET", f"{its}/clearings/{runs[-1]['id']}")).json()
    assert run["posted_at"]
    assert len(run["digest"]) == 64
    partner = next(one for one in run["statements"] if one["kind"] == "partner")
    assert (partner["party"], partner["net"]["units"]) == (shop.merchant, run["partners_net"]["units"])
    [whole] = [one for one in (await shop.call("pat", "GET", "/programmes")).json()["items"] if its.endswith(one["id"])]
    assert whole["covered"]
    assert (await shop.call("pat", "GET", its)).json()["months"]

    (mine,) = (await shop.call("mei", "GET", f"/merchants/{shop.merchant}/clearings?limit=50")).json()["items"][-1:]
    path = f"/clearings/{mine['clearing']}/{shop.merchant}"
    one = (await shop.call("mei", "GET", path)).json()
    assert (one["digest"], one["net"]) == (partner["digest"], partner["net"])
    lines = (await shop.call("mei", "GET", f"{path}/lines")).json()["items"]
    assert sum(line["amount"]["units"] for line in lines) == sum(part["amount"]["units"] for part in one["parts"])
    burn = next(line for line in lines if line["kind"] == "burnt")
    key = await a_key(shop)
    assert (await shop.web.get(f"/api/v1{path}", headers=key)).json() == one
    said = {"line": burn["id"], "reason": "never came to us"}
    by_key = await shop.web.post(f"/api/v1{path}/disputes", headers=key, json=said)
    assert by_key.json()["code"] == "not_allowed", "a key reads, a person argues"
    opened = await shop.call("mei", "POST", f"{path}/disputes", **said)
    assert (opened.status_code, opened.json()["state"], opened.json()["line"]) == (201, "open", burn["id"])
    twice = await shop.call("mei", "POST", f"{path}/disputes", **said)
    assert twice.json()["code"] == "disputed_already"
    unknown = await shop.call("mei", "POST", f"{path}/disputes", line=str(new_id()), reason="what is this")
    assert unknown.json()["code"] == "clearing_line_not_found"
    for who in ("bo", "tao"):
        assert (await shop.call(who, "GET", path)).json()["code"] == "clearing_not_found"
        assert (await shop.call(who, "GET", f"/merchants/{shop.merchant}/clearings")).status_code == 404
    assert (await shop.call("lin", "GET", path)).status_code == 200, "the operator of his home city"
    assert await audit_clean(shop.house.db)


async def test_repeat_business_as_data_over_one_city_and_over_all(shop: Shop):
    """Twelve are met in the other city by another shop and then come to Mei's here; eight know only her."""
    house, now = shop.house, shop.house.clock.now()
    city = places.AddCity(
        city_id=7, slug="baishan", name=Text(zh="白山", en="Baishan"), zone=ZONE, currency="CNY",
        centre=Point(41.9, 126.4),
    )  # fmt: skip
    async with house.db.central() as tx:
        await places.add_cities(tx, [city])
        await tx.run(
            "insert into merchants.presence (merchant_id, city_id) values (%(merchant)s, 7)",
            merchant=shop.lane.merchant,
        )
    guests, other = [new_id() for _ in range(20)], new_id()

    async def came(city_id: int, members: list[UUID], merchant: UUID, days: int) -> None:
        at = now - timedelta(days=days)
        asks = [
            Coming(
                coming_id=new_id(), kind="purchase", merchant_id=merchant, store_id=merchant, member_id=member,
                day=local_day(at, ZONE), at=at, asset="CNY", units=1_000,
            )
            for member in members
        ]  # fmt: skip
        async with house.db.city(city_id) as tx:
            assert all(await insight.come(tx, asks, city_id=city_id))

    await came(7, guests[:12], other, 20)
    await came(CITY, guests, shop.lane.merchant, 10)
    path = f"/merchants/{shop.merchant}/repeat?city={CITY}"
    alone, both = [(await shop.call("mei", "GET", f"{path}{more}")).json() for more in ("", "&over=all")]
    assert (alone["cities"], alone["now"]["members"], alone["now"]["first_met_elsewhere"]["hits"]) == ([CITY], 20, 0)
    assert (sorted(both["cities"]), both["now"]["members"]) == ([CITY, 7], 20)
    assert (both["now"]["first_met_elsewhere"]["hits"], both["now"]["share_bps"]) == (12, 6_000)
    (flow,) = [one for one in both["flows"] if one["to"] == shop.merchant]
    assert (flow["from"], flow["members"], flow["money"]["units"]) == (MERCHANT.show(other), 12, 12_000)
    key = await a_key(shop)
    assert (await shop.web.get(f"/api/v1{path}", headers=key)).json() == alone

    here = (await shop.call("lin", "GET", f"/repeat?city={CITY}")).json()
    assert (here["members"], here["at_two_shops_or_more"]["hits"]) == (20, 0)
    assert (await shop.call("lin", "GET", "/repeat?over=all")).json()["cities"] == [CITY], "he runs one city"
    whole = (await shop.call("pat", "GET", "/repeat?over=all")).json()
    assert (whole["members"], whole["at_two_shops_or_more"]["hits"], whole["visits_from_shop_to_shop"]) == (20, 12, 12)
    for who, asked in (("bo", path), ("bo", f"/repeat?city={CITY}"), ("bo", "/repeat?over=all"), ("tao", path),
                       ("lin", "/repeat?city=7"), ("pat", "/repeat")):  # fmt: skip
        assert (await shop.call(who, "GET", asked)).status_code == 404, (who, asked)
    assert (await shop.call("mei", "GET", f"{path}&days=31")).status_code == 422
