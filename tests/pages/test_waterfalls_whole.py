"""Nothing is missing from a story: what it tells of each party is what the books changed by, all of them together.

The books are read before and after, account by account; the page's rows are summed; both must be the same. Then each
party of it opens it, and a stranger finds nothing.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from litestar import Litestar

from hutong import people, programmes, till, vouchers
from hutong.desk import pointing, rounds, tracing, waterfalls
from hutong.desk.waterfalls import Cascade
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.clock import ManualClock
from hutong.kit.ids import BILL, MOVEMENT, ORDER, PAYMENT, VOUCHER
from hutong.kit.money import Amount
from hutong.ledger import Book
from hutong.people import TakeBadge, fresh_badge_secret
from hutong.people.badges import proof_of
from hutong.settlement.waterfall import party_of
from hutong.till import Bill, Guest, Settle, Undo
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.pages.test_merchant_counter import at, held, mei, shown, tao
from tests.pages.test_waterfalls import lin, pat
from tests.pages.test_waterfalls_of_gifts import exchanged, grains, tells, told, unit_of

pytestmark = pytest.mark.anyio
__all__ = ["grains", "lin", "mei", "pat", "tao"]
Parties = Counter[tuple[str, str, str]]  # kind, whose, asset

_BOOKS = """select 'city' as kind, null::uuid as key, city_id, path, asset, credits_posted - debits_posted as units
              from ledger.city_accounts
            union all
            select book_kind, book_id, null, path, asset, credits_posted - debits_posted from ledger.book_accounts"""


async def stands(house: TestHouse) -> Parties:
    """What every party has in all books together."""
    async with house.db.snapshot() as tx:
        rows = await tx.rows(_BOOKS)
    found: Parties = Counter()
    for row in rows:
        book = Book.city(row["city_id"]) if row["kind"] == "city" else Book(row["kind"], row["key"])
        party = party_of(row["path"], book)
        found[party.kind, party.whose, row["asset"]] += row["units"]
    return found


def tale(*stories: Cascade) -> Parties:
    """What stories say of every party; a row that two of them tell is one row."""
    found: Parties = Counter()
    rows = {
        (f.at, f.event, f.ref, f.source, f.target, f.amount, str(f.book)): f for it in stories for f in it.flow.falls
    }
    for fall in rows.values():
        for party, units in ((fall.source, -fall.amount.units), (fall.target, fall.amount.units)):
            found[party.kind, party.whose, fall.amount.asset] += units
    return found


@asynccontextmanager
async def nothing_else(house: TestHouse, stories: list[Cascade]) -> AsyncIterator[None]:
    """What happens inside is told whole by `stories`, which are gathered inside."""
    before = await stands(house)
    yield
    after = await stands(house)
    changed = {key: after[key] - before[key] for key in {*after, *before} if after[key] != before[key]}
    assert changed == {key: units for key, units in tale(*stories).items() if units}
    assert all(it.flow.adds_up and it.flow.falls for it in stories)
    assert await audit_clean(house.db)


async def everybody(app: Litestar, house: TestHouse) -> list[Reader]:
    """Ann, Lin, Mei, Pat and Bo, signed in today."""
    return [await Reader(app, house, language="en").sign_in(who) for who in ("ann", "lin", "mei", "pat", "bo")]


async def a_bill(house: TestHouse, units: int, *, points: int = 0, pay: str | None = None, step: int = 1) -> Bill:
    """Tao types Ann's bill; she shows her code."""
    town, now = house.town, house.clock.now()
    store, ann, staff = town.stores["noodle-bar-lantern"], town.people["ann"], town.people["tao"]
    async with house.db.central() as tx:
        (badge,) = await people.take_badges(tx, [TakeBadge(ann, fresh_badge_secret())], now=now)
    proof = proof_of(
        badge, store_id=store, staff_id=staff, step=badge.last_step + step, until=now + timedelta(minutes=5)
    )
    ask = Settle(
        bill_id=new_id(), event_id=str(new_id()), merchant_id=town.noodle_bar, store_id=store, store_name="Lantern",
        staff_id=staff, staff_name="Tao", amount=Amount(units, "CNY"), points=points, pay_by=pay,
        payment_id=new_id() if pay else None, guest=Guest(way="code", member_id=ann, proof=proof),
    )  # fmt: skip
    (bill,) = await house.db.run_city(town.city_id, lambda tx: till.settle(tx, [ask], city_id=town.city_id, now=now))
    assert isinstance(bill, Bill), bill
    return bill


async def undone(house: TestHouse, bill: Bill) -> None:
    ask = Undo(
        bill_id=bill.bill_id, merchant_id=bill.merchant_id, store_id=bill.store_id, by=bill.staff_id, reason="wrong",
        manager=True,
    )  # fmt: skip
    (done,) = await house.db.run_city(
        bill.city_id, lambda tx: till.undo(tx, [ask], city_id=bill.city_id, now=house.clock.now())
    )
    assert isinstance(done, till.Undone), done
    await house.courier.round(bill.city_id)
    await told(house)


async def test_a_gift_that_nobody_fetched(
    ann: Reader, clock: ManualClock, app: Litestar, house: TestHouse, grains: UUID
):
    """Points and cash for a bag that nobody fetched: it ends by itself, everything goes back, and the city's operator
    opens it by its number although there is no use of it."""
    city, stories = house.town.city_id, []
    async with nothing_else(house, stories):
        order_id = await exchanged(ann, "gift-bag")
        unit = await unit_of(house, order_id)
        clock.set(unit.valid_to + timedelta(minutes=1))
        await rounds.expire_vouchers(house.db, city, clock.now())
        await house.courier.round(city)
        await told(house)
        stories.append(await waterfalls.of_order(house, city, order_id))
    assert [one.given.units for one in stories[0].flow.sums] == [0, 0]
    ann, lin, mei, pat, bo = await everybody(app, house)
    order, voucher = ORDER.show(order_id, city), VOUCHER.show(unit.voucher_id, city)
    (payment,) = [f.ref for f in stories[0].flow.falls if f.event == "capture"]
    for number in (order, voucher, PAYMENT.show(payment, city)):
        for who, path in ((lin, f"/o/qinghe/flow?number={number}"), (pat, f"/platform/flow?number={number}")):
            tells(await who.get(path), "200 Points", "¥5", "Version")
    tells(await mei.get(at(mei, f"/orders/{order}/money")), "200 Points")
    tells(await ann.get(f"/c/qinghe/vouchers/{voucher}/money?lang=en"), "200 Points", "¥5")
    assert (await lin.get("/o/qinghe/flow?number=ord_2_00000000000000000000000000")).status == 404
    assert (await lin.get("/o/qinghe/flow")).status == 200
    assert (await bo.get(f"/o/qinghe/flow?number={order}")).status in (403, 404)
    assert (await bo.get(f"/c/qinghe/vouchers/{voucher}/money")).status == 404


async def test_a_bill_that_was_void_after_its_points_were_spent(
    ann: Reader, lin: Reader, mei: Reader, pat: Reader, app: Litestar, house: TestHouse, grains: UUID
):
    """A bill used sixty points and gave a hundred, which the next bill spends; then it is void: points and money go
    back,
    what is spent is owed, and the points of a third bill pay it. The three tell every row of it, and the void one that
    its hundred points' money came home in the end."""
    city, stories = house.town.city_id, []
    async with nothing_else(house, stories):
        first = await a_bill(house, 10_300, points=60)
        had = await _available(house, grains)
        bills = [first, await a_bill(house, had * 5, points=had, step=2)]
        await undone(house, first)
        bills.append(await a_bill(house, 20_000, step=3))
        await _ripe(house, grains)
        stories += [await waterfalls.of_bill(house, city, bill.bill_id) for bill in bills]
    assert [(f.event, f.amount.units) for f in stories[0].flow.falls if f.event.endswith("debt_paid")] != []
    assert {f.rule for f in stories[0].flow.falls if f.event.startswith("programmes.")} == {f"{grains}/1"}
    money = stories[0].flow.of("CNY")
    assert money is not None
    assert (money.given.units, money.received.units) == (0, 0)
    number = BILL.show(first.bill_id, city)
    for who, path in (
        (ann, f"/c/qinghe/bills/{number}/money?lang=en"), (mei, at(mei, f"/bills/{number}/money")),
        (lin, f"/o/qinghe/flow?number={number}"), (pat, f"/platform/flow?number={number}"),
    ):  # fmt: skip
        tells(await who.get(path), "100 Points", "60 Points", "Points taken back")
    bo = await Reader(app, house, language="en").sign_in("bo")
    assert (await bo.get(f"/c/qinghe/bills/{number}/money")).status == 404


async def test_a_bill_that_was_paid_by_phone_and_void(ann: Reader, lin: Reader, house: TestHouse, grains: UUID):
    """What was paid at once goes back where it came from; the number of its payment leads to the bill."""
    city, stories = house.town.city_id, []
    async with nothing_else(house, stories):
        bill = await a_bill(house, 5_000, pay="sandbox")
        await house.courier.round(city)
        await ann.pay_all()
        await told(house)
        await undone(house, await _bill(house, bill))
        assert bill.pay is not None
        payment = PAYMENT.show(bill.pay.payment_id, city)
        stories.append(await tracing.for_city(house, await _actor(house, "lin"), city, payment))
    assert (stories[0].kind, stories[0].subject) == ("bill", bill.bill_id)
    assert stories[0].told is not None
    assert stories[0].told.agrees
    assert "bill_refunded" in {f.event for f in stories[0].flow.falls}


async def test_points_that_were_sent_donated_and_ended(
    clock: ManualClock, app: Litestar, house: TestHouse, grains: UUID
):
    """Each line of the wallet opens: sent points for both friends, a donation for the charity too, ended ones for the
    programme. All lines together are what the books changed by."""
    town, actor, stories = house.town, await _actor(house, "ann"), []
    async with nothing_else(house, stories):
        await pointing.send(house, town.city_id, actor, grains, town.people["bo"], 120, key="a" * 20)
        joys = town.merchants["four-joys"]
        await pointing.donate(house, town.city_id, actor, grains, joys, 80, key="b" * 20)
        clock.move(timedelta(days=60))
        await house.db.run_city(town.city_id, lambda tx: programmes.expire(tx, programme_id=grains, now=clock.now()))
        async with house.db.reading() as tx:
            moves = {
                move.movement_id: move
                for who in ("ann", "bo")
                for move in await programmes.history(tx, town.people[who], grains)
                if move.kind != "earn"
            }
        stories += [await waterfalls.of_movement(house, one) for one in moves]
    ann, lin, mei, pat, bo = await everybody(app, house)
    other = await Reader(app, house, language="en").sign_in("tao")
    by_kind = {move.kind: MOVEMENT.show(i) for i, move in moves.items() if move.member_id == town.people["ann"]}
    assert set(by_kind) == {"send", "burn", "expire"}
    listed = (await ann.get("/c/qinghe/points/history")).html
    for kind, number in by_kind.items():
        path = f"/c/qinghe/points/history/{number}/money"
        assert path in listed
        tells(await ann.get(f"{path}?lang=en"), "Your points")
        assert (await bo.get(path)).status == (200 if kind == "send" else 404)
        assert (await other.get(path)).status == 404
        tells(await pat.get(f"/platform/flow?number={number}"), "The member's points")
        assert (await lin.get(f"/o/qinghe/flow?number={number}")).status == (404 if kind == "send" else 200)
    tells(await bo.get(f"/c/qinghe/points/history/{by_kind['send']}/money?lang=en"), "120 Points", "Another member's")
    tells(await ann.get(f"/c/qinghe/points/history/{by_kind['burn']}/money?lang=en"), "80 Points", "¥4")
    ended = at(mei, f"/points/lines/{by_kind['expire']}/money")
    tells(await mei.get(ended), "The programme")
    lines = await mei.get(at(mei, "/points/lines?period=month&kind=expire"))
    assert ended in lines.html or (await mei.get(ended)).status == 200
    assert (await mei.get(at(mei, f"/points/lines/{by_kind['burn']}/money"))).status == 404, "given to Four Joys"
    assert (await mei.get(at(mei, f"/points/lines/{by_kind['send']}/money"))).status == 404


async def test_a_present_tells_its_taker_his_points_and_not_its_price(
    ann: Reader, tao: Reader, app: Litestar, house: TestHouse, grains: UUID
):
    city, bo = house.town.city_id, await Reader(app, house, language="en").sign_in("bo")
    (unit,) = await held(ann)
    form = await ann.get(f"/c/qinghe/vouchers/{VOUCHER.show(unit.voucher_id, city)}/gift")
    made = await ann.send_and_follow(form, "/gift", note="", days="1")
    link = next(part for part in made.html.split('"') if "/gifts/1-" in part)
    await bo.send_and_follow(await bo.get("/gifts/" + link.rpartition("/")[2]), "/gifts/")
    async with house.db.reading(city) as tx:
        (unit,) = await vouchers.by_ids(tx, [unit.voucher_id], city_id=city)
    assert unit.member_id == house.town.people["bo"]
    await tao.send(await shown(tao, unit.code), "/redemptions")
    await told(house)
    page = await bo.get(f"/c/qinghe/vouchers/{VOUCHER.show(unit.voucher_id, city)}?lang=en")
    mine = await bo.get(page.link("/money"))
    tells(mine, "68 Points", "Money for points")
    for price in ("¥68", "¥62.56", "Paid"):
        assert price not in mine.text, price
    assert (await ann.get(f"/c/qinghe/vouchers/{VOUCHER.show(unit.voucher_id, city)}/money?lang=en")).status == 200
    other = await Reader(app, house, language="en").sign_in("mei")
    assert (await other.get(f"/c/qinghe/vouchers/{VOUCHER.show(unit.voucher_id, city)}/money")).status == 404


async def _available(house: TestHouse, grains: UUID) -> int:
    await _ripe(house, grains)
    async with house.db.reading() as tx:
        return (await programmes.wallet(tx, house.town.people["ann"], grains, now=house.clock.now())).available


async def _ripe(house: TestHouse, grains: UUID) -> None:
    while await house.db.run_city(
        house.town.city_id, lambda tx: programmes.mature(tx, programme_id=grains, now=house.clock.now())
    ):
        pass


async def _bill(house: TestHouse, bill: Bill) -> Bill:
    async with house.db.reading(bill.city_id) as tx:
        return (await till.in_full(tx, [bill.bill_id], city_id=bill.city_id))[bill.bill_id]


async def _actor(house: TestHouse, who: str) -> Actor:
    async with house.db.reading() as tx:
        return (await people.actors(tx, [house.town.people[who]]))[house.town.people[who]]
