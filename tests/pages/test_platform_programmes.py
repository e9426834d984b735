"""A programme by its manager: made as a draft, ruled, opened, joined by merchants, with campaigns."""

import pytest
from litestar import Litestar

from hutong import programmes
from hutong.kit.ids import MERCHANT
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio

NEW = {"name_zh": "街坊麦粒", "name_en": "Lane grains", "asset": "grain", "face": "0.01", "city": "qinghe"}
RULES = {"tier0_zh": "街坊", "tier0_growth": "0", "tier0_times": "1", "tier1_zh": "老友", "tier1_growth": "500",
         "tier1_times": "1.25", "categories": "hot-pot = 1.5", "member_points_a_day": "5000"}  # fmt: skip


@pytest.fixture
async def pat(app: Litestar, house: TestHouse) -> Reader:
    return await Reader(app, house, language="en").sign_in("pat")


async def made(pat: Reader, **changes: str) -> Page:
    """The page of a new programme's rules."""
    return await pat.send_and_follow(await pat.get("/platform/programmes/new"), "/programmes/new", **(NEW | changes))


async def ruled(pat: Reader, **changes: str) -> Page:
    """The page of a programme with its first rules."""
    return await pat.send_and_follow(await made(pat), "/rules", **(RULES | changes))


async def opened(pat: Reader) -> Page:
    return await pat.send_and_follow(await ruled(pat), "/state", what="open")


async def test_from_a_draft_to_a_live_programme(pat: Reader, house: TestHouse):
    page = await opened(pat)
    assert "It is open" in page.text
    assert "×1.25" in page.html
    async with house.db.reading() as tx:
        [one] = await programmes.programmes(tx, at=house.clock.now())
    assert (one.asset, one.face_units, one.state) == ("GRAIN", 1, "live")
    assert one.policy is not None
    assert one.policy.tiers[1].earn_bps == 12_500
    assert one.policy.categories == {"hot-pot": 15_000}
    assert one.policy.caps.member_points_a_day == 5_000
    assert "covered" in (await pat.get("/platform/programmes")).text


async def test_a_draft_without_rules_does_not_open(pat: Reader):
    rules = await made(pat)
    page = await pat.get(rules.path.removesuffix("/rules"))
    refused = await pat.send(page, "/state", what="open")
    assert refused.status == 422
    assert "it has no rules" in refused.text


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [("asset", "CNY", "a currency"), ("asset", "CHF", "a currency"), ("face", "0", "above zero"),
     ("name_zh", "", "name"), ("city", "nowhere", "Choose a city")],
)  # fmt: skip
async def test_what_a_point_cannot_be(pat: Reader, field: str, typed: str, says: str):
    changes = {field: typed} | ({"name_en": ""} if field == "name_zh" else {})
    page = await pat.send(await pat.get("/platform/programmes/new"), "/programmes/new", **(NEW | changes))
    assert page.status == 422
    assert says in page.text


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [("per", "0", "above zero"), ("categories", "hot pot", "category = multiplier"),
     ("tier1_growth", "0", "more growth"), ("tier1_times", "0.5", "From 1 to 999"), ("life_days", "0", "")],
)  # fmt: skip
async def test_rules_that_make_no_sense_stand_beside_their_field(pat: Reader, field: str, typed: str, says: str):
    page = await pat.send(await made(pat), "/rules", **(RULES | {field: typed}))
    assert page.status == 422
    assert f'name="{field}"' in page.html
    assert says in page.text


async def test_a_form_that_is_sent_twice_makes_one(pat: Reader, house: TestHouse):
    page = await pat.get("/platform/programmes/new")
    await pat.send(page, "/programmes/new", **NEW)
    again = await pat.send(page, "/programmes/new", **NEW)
    assert again.status in (303, 409), again.text
    async with house.db.reading() as tx:
        assert len(await programmes.programmes(tx, at=house.clock.now())) == 1


async def test_a_merchant_joins_changes_and_leaves(pat: Reader, house: TestHouse):
    """Each step is a line of his history; one who left may be asked again."""
    page = await opened(pat)
    choose = await pat.get(page.link("/partners") + "?q=noodle")
    shown = MERCHANT.show(house.town.noodle_bar)
    form = await pat.get(choose.link(shown))
    joined = await pat.send_and_follow(form, shown, mode="prepaid", accrues="yes", redeems="yes", alert="50")
    assert "gives and takes points" in joined.text
    form = await pat.get(joined.link(shown))
    wrong = await pat.send(form, shown, mode="postpaid", limit="")
    assert wrong.status == 422
    assert "needs a limit" in wrong.text
    changed = await pat.send_and_follow(form, shown, mode="postpaid", limit="500", reason="trusted by now")
    assert "Billed later" in changed.text
    stale = await pat.send(form, shown, mode="prepaid")
    assert stale.status == 409
    form = await pat.get(changed.link(shown))
    assert "trusted by now" in form.text
    left = await pat.send_and_follow(form, shown, state="left", limit="500")
    assert "left" in left.text


async def test_who_is_not_at_home_there_does_not_join(pat: Reader):
    page = await opened(pat)
    nobody = MERCHANT.show(MERCHANT.read("mer_" + "0" * 26))
    assert (await pat.get(f"{page.path.split('?')[0]}/partners/{nobody}")).status == 404


async def test_campaigns_of_partners_and_of_a_purse_that_is_empty(pat: Reader):
    page = await opened(pat)
    form = await pat.get(page.link("/campaigns/new"))
    fields = {"name_zh": "双倍周", "times": "2", "until": "2030-01-01T00:00"}
    done = await pat.send_and_follow(form, "/campaigns/new", **fields)
    assert "×2" in done.text
    form = await pat.get(page.link("/campaigns/new"))
    short = await pat.send(form, "/campaigns/new", **fields, payer="programme", budget="1000")
    assert short.status == 409
    for changes in ({"until": "2020-01-01T00:00"}, {"times": "1"}, {"payer": "programme"}):
        assert (await pat.send(form, "/campaigns/new", **(fields | changes))).status == 422


@pytest.mark.parametrize("who", ["ann", "mei", "lin"])
async def test_nobody_else_rules(app: Litestar, house: TestHouse, who: str):
    reader = await Reader(app, house).sign_in(who)
    for path in ("", "/new"):
        assert (await reader.get(f"/platform/programmes{path}")).status == 403
