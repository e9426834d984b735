"""Clearing and payouts on the platform's pages: closed, decided, approved by a second person, asked about."""

from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar

from hutong import clearing, settlement
from hutong.desk import clearings, payouts
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.clock import ManualClock
from hutong.people import actors
from hutong.settlement import Payee
from tests.clearing_help import FEBRUARY, JANUARY, a_month, at
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import tao
from tests.pages.test_merchant_past import redeemed

pytestmark = pytest.mark.anyio
__all__ = ["tao"]


@pytest.fixture
async def pat(app: Litestar, house: TestHouse) -> Reader:
    return await Reader(app, house, language="en").sign_in("pat")


async def actor(house: TestHouse, who: str) -> Actor:
    member = house.town.people[who]
    async with house.db.reading() as tx:
        return (await actors(tx, [member]))[member]


@pytest.fixture
async def cleared(house: TestHouse) -> Any:
    """An alliance of noodles and tea whose January is closed and booked."""
    it, _, _ = await a_month(house.db)
    await clearings.close(house.db, it.programme_id, JANUARY, FEBRUARY, now=at("2026-02-01"))
    await clearings.book(house.db, at("2026-02-01"))
    return it


async def test_a_period_down_to_each_statement(pat: Reader, cleared: Any):
    page = await pat.get("/platform/clearings")
    run = await pat.get(page.link("/clearings/prg_"))
    assert "Net paid to all partners" in run.text
    parties = [link for link in run.links if link.count("/") == 5 and "/clearings/prg_" in link]
    assert len(parties) == 3  # two partners and the programme itself
    for link in parties:
        statement = await pat.get(link)
        assert statement.status == 200
        assert "SHA-256" in statement.text
        assert (await pat.get(f"{link}/xlsx")).headers["content-type"].startswith("application/vnd.")
    own = next(link for link in parties if cleared.programme_id.hex and "The programme itself" in run.text)
    assert own


async def test_closing_now_closes_what_is_over_and_nothing_else(pat: Reader, house: TestHouse):
    it, _, _ = await a_month(house.db)
    page = await pat.get("/platform/clearings")
    assert "is closed and booked" in (await pat.send_and_follow(page, "/clearings")).text
    async with house.db.reading() as tx:
        runs = await clearing.runs(tx, it.programme_id)
    assert all(run.until <= house.clock.now() for run in runs)
    assert runs
    before = len(runs)
    await pat.send(page, "/clearings")
    async with house.db.reading() as tx:
        assert len(await clearing.runs(tx, it.programme_id)) == before


async def test_a_dispute_is_decided_with_a_reason(pat: Reader, house: TestHouse, cleared: Any):
    """Who disputes is the partner; the platform says what the line should have been, and may not say nothing."""
    async with house.db.reading() as tx:
        run = await clearing.run_of(tx, cleared.programme_id)
        assert run is not None
        lines = await clearing.lines(tx, cleared.programme_id, run_id=run.run_id, party_id=cleared.partners["tea"])
    entry = next(one.entry for one in lines if one.entry.via in ("due", "postpaid"))
    ask = clearing.Dispute(
        dispute_id=new_id(), programme_id=cleared.programme_id, party_id=cleared.partners["tea"],
        transfer_id=entry.transfer_id, reason="That guest never came", by=new_id(),
    )  # fmt: skip
    async with house.db.city(house.town.city_id) as tx:
        (case,) = await clearing.dispute(tx, [ask], city_id=house.town.city_id, now=at("2026-02-02"))
    assert isinstance(case, clearing.Case), case
    page = await pat.get("/platform/clearings")
    assert "That guest never came" in page.text
    party = next(link for link in page.links if link.count("/") == 5 and "/clearings/prg_" in link)
    statement = await pat.get(party)
    for wrong in ({"decision": "corrected", "amount": "x", "note": "no"}, {"decision": "perhaps", "note": "no"}):
        assert (await pat.send(statement, "/cases/", **wrong)).status == 422
    done = await pat.send_and_follow(statement, "/cases/", decision="stands", note="The till says otherwise")
    assert "Decided" in done.text
    assert "The till says otherwise" in (await pat.get(party)).text


async def proposed(house: TestHouse) -> Payee:
    payee = Payee("merchant", house.town.noodle_bar)
    await payouts.propose(house, await actor(house, "mei"), payee, "bank:6222000011112222", "Mei Chen")
    return payee


async def test_from_a_changed_account_to_a_batch(
    pat: Reader, ann: Reader, tao: Reader, house: TestHouse, clock: ManualClock
):
    await redeemed(tao, ann)
    await proposed(house)
    city = await pat.get("/platform/payouts/qinghe")
    assert "·· 2222" in city.text
    assert "6222000011112222" not in city.html
    assert "Decided" in (await pat.send_and_follow(city, "/accounts/merchant/", decision="yes")).text
    clock.move(timedelta(hours=house.settings.payout_rest_hours + 1))
    batch = await pat.send_and_follow(await pat.get("/platform/payouts/qinghe"), "/batches")
    assert "is made" in batch.text
    async with house.db.reading() as tx:
        [one] = await settlement.batches(tx, city_id=house.town.city_id)
        [payout] = await settlement.payouts_in(tx, city_id=house.town.city_id)
    shown = await pat.get(f"/platform/payouts/qinghe/batches/{one.batch_id.hex}")
    assert "¥62.56" in shown.text
    detail = await pat.get(shown.link("/payouts/qinghe/pyo_"))
    assert detail.status == 200
    await payouts.carry(house, house.town.city_id)
    assert payout.amount.units == 6_256
    assert "paid" in (await pat.get(detail.path)).text
    assert await audit_clean(house.db)


@pytest.mark.parametrize(
    "path", ["/payouts/nowhere", "/payouts/qinghe/pyo_1_0", "/payouts/qinghe/batches/x", "/clearings/prg_0/x"]
)
async def test_what_is_not_there_is_not_found(pat: Reader, path: str):
    assert (await pat.get(f"/platform{path}")).status in (400, 404)


async def test_a_decision_that_says_neither_is_refused(pat: Reader, house: TestHouse):
    await proposed(house)
    page = await pat.get("/platform/payouts/qinghe")
    refused: Page = await pat.send(page, "/accounts/merchant/", decision="perhaps")
    assert refused.status == 422
    assert "decision" in refused.text


@pytest.mark.parametrize("who", ["ann", "tao", "mei", "lin"])
async def test_nobody_else_sees_the_money_of_all(app: Litestar, house: TestHouse, who: str):
    reader = await Reader(app, house).sign_in(who)
    for path in ("/clearings", "/payouts", "/payouts/qinghe"):
        assert (await reader.get(f"/platform{path}")).status == 403
