"""Clearing statements on the pages: the owner's, the operator's, as files; a line that is disputed."""

import hashlib
import io
from uuid import UUID

import pytest
from python_calamine import CalamineWorkbook

from hutong import clearing, people, programmes, till
from hutong.desk import clearings
from hutong.infra.ids import new_id
from hutong.kit.ids import BILL, CLEARING, MERCHANT, PROGRAMME
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.programmes import Partner, Policy, Rate, Source, join_partners
from hutong.web.shared.printing import fonts
from hutong.web.shared.words import Words
from tests.clearing_help import at, bought, burnt, payable, sweep
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.pages.test_merchant_counter import at as counter
from tests.pages.test_merchant_counter import mei, tao
from tests.programmes_help import Alliance, an_alliance

pytestmark = pytest.mark.anyio
__all__ = ["mei", "tao"]

OCTOBER, NOVEMBER = at("2026-10-01", 0), at("2026-11-01", 0)


@pytest.fixture
async def lin(app, house: TestHouse) -> Reader:
    """Lin, who runs Qinghe."""
    return await Reader(app, house, language="en").sign_in("lin")


async def joined(it: Alliance, name: str, merchant: UUID, blocks: int = 0, **terms) -> None:
    """A merchant of the town is a partner."""
    partner = Partner(
        programme_id=it.programme_id, partner_id=merchant, name=Text.both(name), home_city=1, joined_at=OCTOBER,
        **{"mode": "prepaid"} | terms,
    )  # fmt: skip
    (result,) = await it.run(lambda tx: join_partners(tx, [partner], by=None, now=OCTOBER))
    assert isinstance(result, Partner), result
    it.partners[name] = merchant
    if blocks:
        await it.pay_in(name, blocks, now=OCTOBER)


async def an_october(house: TestHouse) -> tuple[Alliance, UUID]:
    """Four Joys gave points and pays afterwards, Noodle Bar took them in two stores: (the alliance, the run)."""
    it = await an_alliance(house.db, pending_days=1, life_days=60, redemption_bps=9_000)
    town = house.town
    await joined(it, "noodles", town.noodle_bar, blocks=5_000)
    await joined(it, "joys", town.merchants["four-joys"], mode="postpaid", limit_units=300)
    guest = new_id()
    await bought(it, guest, "joys", 30_000, at("2026-10-02"))
    await bought(it, guest, "noodles", 9_000, at("2026-10-02"), store_id=town.stores["noodle-bar-lantern"])
    await sweep(it, at("2026-10-05"))
    for day, points in (("2026-10-05", 100), ("2026-10-06", 50)):
        await burnt(it, guest, "noodles", points, at(day))
    done = await clearings.clear(house.db, NOVEMBER)
    assert (done.closed, done.booked) == (1, 2)
    async with house.db.reading() as tx:
        run = await clearing.run_of(tx, it.programme_id)
    assert run is not None
    return it, run.run_id


async def test_nobody_but_partners_has_statements(mei: Reader, tao: Reader, house: TestHouse):
    page = await mei.get(counter(mei, "/clearings"))
    assert page.status == 200
    assert "No statement yet" in page.text
    assert (await tao.get(counter(tao, "/clearings"))).status == 403
    gone = CLEARING.show(new_id())
    assert (await mei.get(counter(mei, f"/clearings/{gone}"))).status == 404
    assert (await mei.get(counter(mei, "/clearings?after=yesterday"))).status == 422


async def test_the_owner_reads_the_statement_in_every_view(mei: Reader, house: TestHouse):
    it, run_id = await an_october(house)
    listed = await mei.get(counter(mei, "/clearings"))
    assert "+¥1.35" in listed.text
    base = counter(mei, f"/clearings/{CLEARING.show(run_id)}")
    assert base in listed.html
    page = await mei.get(base)
    for words in ("You get", "¥1.35", "Points taken", "150", "Points given", "−¥0.90"):
        assert words in page.text, words
    assert page.inline == []
    assert "No store" in (await mei.get(f"{base}?view=stores")).text
    days = await mei.get(f"{base}?view=days")
    assert "day=2026-10-05" in days.html
    lines = await mei.get(f"{base}?view=lines")
    assert lines.html.count("/lines/") == 3
    assert (await mei.get(f"{base}?view=lines&kind=burnt&day=2026-10-06")).html.count("/lines/") == 1
    store = mei.store("noodle-bar-lantern")
    assert (await mei.get(f"{base}?view=lines&of={store}")).html.count("/lines/") == 1
    assert "No lines" in (await mei.get(f"{base}?view=lines&day=2026-10-30")).text
    assert (await mei.get(f"{base}?view=lines&day=never")).status == 422
    assert await payable(it, "noodles") == 135
    assert await audit_clean(house.db)


async def test_the_files_are_the_same_bytes_and_add_up(mei: Reader, house: TestHouse):
    _, run_id = await an_october(house)
    base = counter(mei, f"/clearings/{CLEARING.show(run_id)}/files")
    async with house.db.reading() as tx:
        found = await clearing.statement_of(tx, house.town.noodle_bar, run_id=run_id)
    assert found is not None
    kinds = ["xlsx", "txt", *(["pdf"] if fonts(house.settings.font) else [])]
    for kind in kinds:
        first, again = [await mei.web.get(f"{base}/{kind}") for _ in range(2)]
        assert first.status_code == 200
        assert "attachment" in first.headers["content-disposition"]
        assert first.content == again.content, kind
    text = (await mei.web.get(f"{base}/txt")).content
    assert hashlib.sha256(text).hexdigest() == found.digest
    assert found.digest in (await mei.get(base.removesuffix("/files"))).text
    book = CalamineWorkbook.from_filelike(io.BytesIO((await mei.web.get(f"{base}/xlsx")).content))
    lines = book.get_sheet_by_name(book.sheet_names[3]).to_python()
    assert round(sum(row[4] for row in lines[1:]) * 100) == found.units == 45
    days = book.get_sheet_by_name(book.sheet_names[2]).to_python()
    assert round(sum(row[5] for row in days[1:]) * 100) == 45
    summary = book.get_sheet_by_name(book.sheet_names[0]).to_python()
    assert round(float(summary[-1][3]) * 100) == 135
    assert (await mei.get(f"{base}/docx")).status == 404


async def test_the_owner_disputes_a_line_and_reads_how_it_was_decided(mei: Reader, house: TestHouse):
    it, run_id = await an_october(house)
    async with house.db.reading() as tx:
        lines = await clearing.lines(
            tx, it.programme_id, run_id=run_id, party_id=house.town.noodle_bar, kind="burnt", limit=1
        )
    path = counter(mei, f"/clearings/{CLEARING.show(run_id)}/lines/{lines[0].entry.transfer_id}")
    page = await mei.get(path)
    wrong = await mei.send(page, "/lines/", reason="?")
    assert wrong.status == 422
    assert "Say why." in wrong.text
    sent = await mei.send_and_follow(page, "/lines/", reason="当天没有这一笔")
    for words in ("Your dispute is with the platform", "当天没有这一笔", "+¥0.45", "Open"):
        assert words in sent.text, words
    assert await payable(it, "noodles") == 90
    assert "1 open dispute" in (await mei.get(counter(mei, "/clearings"))).text
    async with house.db.reading() as tx:
        (case,) = await clearing.disputes(tx, party_id=house.town.noodle_bar)
    actor = await _actor(house, "pat")
    decided = await clearings.decide(
        house, actor, programme_id=it.programme_id, dispute_id=case.dispute_id, correct_units=None, note="收银记录在案"
    )
    assert decided.state == "upheld"  # type: ignore[union-attr]
    page = await mei.get(path)
    assert "It stands" in page.text
    assert "收银记录在案" in page.text
    assert await audit_clean(house.db)


async def _actor(house: TestHouse, who: str):
    async with house.db.reading() as tx:
        return (await people.actors(tx, [house.town.people[who]]))[house.town.people[who]]


async def test_the_operator_reads_what_is_his_and_nothing_else(lin: Reader, mei: Reader, house: TestHouse):
    it, run_id = await an_october(house)
    page = await lin.get("/o/qinghe/clearings")
    for words in ("Oct 2 – 31, 2026", "Reserve and liability", "¥2.40"):
        assert words in page.text, words
    run = f"/o/qinghe/clearings/{PROGRAMME.show(it.programme_id)}/{CLEARING.show(run_id)}"
    assert run in page.html
    listed = await lin.get(run)
    assert "+¥1.35" in listed.text
    assert "−¥3" in listed.text
    one = await lin.get(f"{run}/{MERCHANT.show(house.town.noodle_bar)}")
    assert "You get" in one.text
    assert (await lin.web.get(f"{run}/{MERCHANT.show(house.town.noodle_bar)}/txt")).status_code == 200
    for path in (run, f"{run}/{MERCHANT.show(house.town.noodle_bar)}"):
        assert (await lin.get(path.replace("qinghe", "linzhou"))).status == 404
        assert (await mei.get(path)).status in (403, 404)
    other = await it.join("far away", mode="postpaid", limit_units=900, home_city=2)
    assert (await lin.get(f"{run}/{MERCHANT.show(other)}")).status == 404
    assert (await lin.get(f"/o/qinghe/clearings/{PROGRAMME.show(new_id())}/{CLEARING.show(run_id)}")).status == 404


def test_the_words_of_each_kind_and_way_are_there():
    for t in (Words("zh"), Words("en")):
        for kind in clearing.KINDS:
            assert t(f"clearing.kind.{kind}")
        for way in ("due", "postpaid", "prepaid", "escrow", "programme", "dispute"):
            assert t(f"clearing.via.{way}")


async def a_hundred(house: TestHouse, day: str) -> UUID:
    """Ann says her number for a bill of 100 yuan; it has earned."""
    town, now = house.town, at(day)
    ask = till.Settle(
        bill_id=new_id(), event_id=day, merchant_id=town.noodle_bar, store_id=town.stores["noodle-bar-lantern"],
        store_name="Lantern", staff_id=town.people["tao"], staff_name="Tao", amount=Amount(10_000, "CNY"),
        guest=till.Guest(way="phone", member_id=town.people["ann"]),
    )  # fmt: skip
    await house.db.run_city(town.city_id, lambda tx: till.settle(tx, [ask], city_id=town.city_id, now=now))
    earned = await house.db.run_city(
        town.city_id, lambda tx: till.earn_due(tx, [ask.bill_id], city_id=town.city_id, now=now)
    )
    assert earned == 1
    return ask.bill_id


async def test_a_rate_that_changes_while_points_are_pending(mei: Reader, house: TestHouse, app):
    """One point a yuan with five pending days; two points and one day since the 23rd. Ann bought before and after: what
    is pending keeps its number and its day, half of the first that comes back is reckoned by its own rate; statement
    and waterfall name the version that each followed."""
    it = await an_alliance(house.db, pending_days=5, life_days=60)
    ann = house.town.people["ann"]
    await joined(it, "noodles", house.town.noodle_bar, blocks=5_000)
    first = await a_hundred(house, "2026-11-21")
    new = Policy(
        programme_id=it.programme_id, version=0, rate=Rate(points=2), pending_days=1, life_days=60,
        valid_from=at("2026-11-23", 0),
    )  # fmt: skip
    (set_,) = await it.run(lambda tx: programmes.set_policies(tx, [new], now=at("2026-11-22")))
    assert isinstance(set_, Policy), set_
    second = await a_hundred(house, "2026-11-24")
    wallet = await it.wallet(ann, at("2026-11-25"))
    assert (wallet.pending, wallet.available) == (300, 0)
    assert [(lot.points, lot.matures_at) for lot in await it.lots(ann, at("2026-11-25"))] == [
        (100, at("2026-11-27", 0)), (200, at("2026-11-26", 0)),
    ]  # fmt: skip
    await sweep(it, at("2026-11-26"))
    wallet = await it.wallet(ann, at("2026-11-26"))
    assert (wallet.pending, wallet.available) == (100, 200), "the newer ones are there first"
    back = await it.claws(ann, Source("bill", first), kept=Amount(5_000, "CNY"), now=at("2026-11-26"))
    assert (back.pending, back.available, back.debt) == (50, 0, 0)
    await sweep(it, at("2026-11-28"))
    assert (await it.wallet(ann, at("2026-11-28"))).available == 250

    await clearings.clear(house.db, at("2026-12-01", 0))
    async with house.db.reading() as tx:
        run = await clearing.run_of(tx, it.programme_id)
        assert run is not None
        lines = await clearing.lines(
            tx, it.programme_id, run_id=run.run_id, party_id=house.town.noodle_bar
        )  # fmt: skip
    old, later = f"{it.programme_id}/1", f"{it.programme_id}/2"
    assert [(one.entry.kind, one.entry.units, one.entry.rule) for one in reversed(lines)] == [
        ("issued", -100, old), ("issued", -200, later), ("clawed_back", 50, old),
    ]  # fmt: skip
    base = counter(mei, f"/clearings/{CLEARING.show(run.run_id)}/lines")
    for line in lines:
        page = await mei.get(f"{base}/{line.entry.transfer_id}")
        assert line.entry.rule in page.text
        flow = await mei.get(page.link("/money"))
        assert f"Version {line.entry.rule[-12:]}" in flow.text
    reader = await Reader(app, house, language="en").sign_in("ann")
    for bill, rule, other in ((first, old, later), (second, later, old)):
        number = BILL.show(bill, house.town.city_id)
        told = (await mei.get(counter(mei, f"/bills/{number}/money"))).text
        assert f"Version {rule[-12:]}" in told
        assert f"Version {other[-12:]}" not in told
        assert (await reader.get(f"/c/qinghe/bills/{number}/money")).status == 200
    assert await audit_clean(house.db)
