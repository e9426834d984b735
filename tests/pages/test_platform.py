"""The platform's pages: health, books that balance, the audit at a button, roles that hold at once."""

from datetime import timedelta

import pytest
from litestar import Litestar

from hutong import people
from hutong.desk import overseeing
from hutong.infra import audits
from hutong.infra.ids import new_id
from hutong.kit.access import EVERYTHING
from hutong.kit.clock import ManualClock
from tests.house import TestHouse
from tests.pages.reader import Reader

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pat(app: Litestar, house: TestHouse) -> Reader:
    return await Reader(app, house, language="en").sign_in("pat")


@pytest.mark.parametrize("who", ["ann", "tao", "mei", "lin"])
@pytest.mark.parametrize("path", ["/", "/cities", "/cities/new", "/books", "/books/city/qinghe", "/audit", "/access"])
async def test_nobody_else_comes_in(app: Litestar, house: TestHouse, who: str, path: str):
    reader = await Reader(app, house).sign_in(who)
    assert (await reader.get(f"/platform{path}")).status == 403


async def test_the_overview_says_that_all_is_well(pat: Reader):
    assert "All is well" in (await pat.get("/platform/")).text


async def test_a_payment_in_doubt_is_told(pat: Reader, house: TestHouse, clock: ManualClock, app: Litestar):
    """The overview must not say that all is well while money hangs."""
    ann = await Reader(app, house).sign_in("ann")
    await ann.order()
    clock.move(timedelta(minutes=11))
    assert "Something needs a look" in (await pat.get("/platform/")).text


async def test_books_balance_down_to_each_leg(pat: Reader, house: TestHouse, app: Litestar):
    ann = await Reader(app, house).sign_in("ann")
    await ann.buy()
    assert "uneven" not in (await pat.get("/platform/books")).text
    book = await pat.get("/platform/books/city/qinghe")
    assert "even" in book.text
    assert "uneven" not in book.text
    accounts = await pat.get(book.link("heading=escrow"))
    account = await pat.get(accounts.link("path=escrow"))
    assert account.status == 200
    assert "¥" in account.text
    assert "capture provider/sandbox" in account.text


@pytest.mark.parametrize("path", ["/books/city/nowhere", "/books/city/qinghe/account?path=escrow/x&asset=CNY"])
async def test_a_book_that_is_not_there(pat: Reader, path: str):
    assert (await pat.get(f"/platform{path}")).status == 404


async def test_a_cursor_of_nobody_is_refused(pat: Reader):
    assert (await pat.get("/platform/books/city/qinghe/account?path=escrow&asset=CNY&after=x")).status == 422


async def test_the_audit_runs_when_asked(pat: Reader, house: TestHouse):
    """One is open at a time, whoever taps how often."""
    page = await pat.get("/platform/audit")
    await pat.send(page, "/platform/audit")
    await pat.send(page, "/platform/audit")
    assert "running" in (await pat.get("/platform/audit")).text
    await overseeing.run_audits(house)
    async with house.db.reading() as tx:
        runs = await audits.audit_runs(tx)
    assert len(runs) == 1
    assert runs[0].clean
    assert runs[0].checked > 200
    assert f"all {runs[0].checked} hold" in (await pat.get("/platform/audit")).text


async def test_the_audit_shows_what_is_broken(pat: Reader, house: TestHouse):
    """A version without its history: the page names the invariant and shows the row."""
    await pat.send(await pat.get("/platform/audit"), "/platform/audit")
    async with house.db.city(house.town.city_id) as tx:
        await tx.run(
            """update catalog.offers set version = version + 1 where city_id = %(city)s and offer_id = %(offer)s""",
            city=house.town.city_id, offer=house.town.offers["two-bowls"],
        )  # fmt: skip
    await overseeing.run_audits(house)
    page = await pat.get("/platform/audit")
    assert "1 broken" in page.text
    assert "C13" in page.text
    assert f"offer_id={house.town.offers['two-bowls']}" in page.text


async def test_a_lost_audit_begins_again(house: TestHouse, clock: ManualClock):
    """Its worker died: nobody is left with an audit that never ends."""
    async with house.db.central() as tx:
        await audits.ask_audit(tx, audit_id=new_id(), by=house.town.people["pat"], now=clock.now())
        await tx.run("update infra.audits set started_at = %(now)s", now=clock.now())
    await overseeing.run_audits(house)
    async with house.db.reading() as tx:
        assert (await audits.audit_runs(tx))[0].done_at is None
    clock.move(audits.LOST + timedelta(seconds=1))
    await overseeing.run_audits(house)
    async with house.db.reading() as tx:
        assert (await audits.audit_runs(tx))[0].clean


async def test_roles_hold_at_once_and_the_last_one_stays(pat: Reader, app: Litestar, house: TestHouse):
    """Bo becomes an operator and stops being one; Pat cannot lock everybody out."""
    page = await pat.get("/platform/access")
    phone = house.town.phones["bo"]
    assert (await pat.send(page, "/access/give", phone=phone, role="city_operator", city="qinghe")).status == 303
    bo = await Reader(app, house, language="en").sign_in("bo")
    assert (await bo.get("/o/qinghe/")).status == 200
    page = await pat.get("/platform/access?done=given")
    async with house.db.reading() as tx:
        held = await people.staff(tx, EVERYTHING, kinds=("platform", "city"))
    of_bo = next(one.grant_id for one in held if one.member_id == house.town.people["bo"])
    assert (await pat.send(page, f"/access/{of_bo.hex}/end")).status == 303
    assert (await bo.get("/o/qinghe/")).status in (403, 404)
    own = next(one.grant_id for one in held if one.member_id == house.town.people["pat"])
    refused = await pat.send(await pat.get("/platform/access"), f"/access/{own.hex}/end")
    assert refused.status == 409
    assert "last administrator" in refused.text


@pytest.mark.parametrize(
    "fields",
    [
        {"phone": "13900009999", "role": "platform_admin"},
        {"phone": "nobody", "role": "platform_admin"},
        {"phone": "13900009999", "role": "store_cashier"},
        {"phone": "13900009999", "role": "city_operator", "city": "nowhere"},
    ],
)
async def test_what_makes_no_sense_gives_no_role(pat: Reader, fields: dict[str, str]):
    answer = await pat.send(await pat.get("/platform/access"), "/access/give", **fields)
    assert answer.status in (400, 422)
    assert answer.forms
