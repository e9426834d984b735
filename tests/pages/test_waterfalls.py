"""Who got what: each party opens what concerns him, and nobody else does. Payees ask for their money."""

import pytest
from litestar import Litestar

from hutong import people, settlement, till, vouchers
from hutong.desk import payouts
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Role
from hutong.kit.ids import BILL, OPERATOR, ORDER, REDEMPTION, VOUCHER
from hutong.kit.money import Amount
from hutong.people import GiveRole
from hutong.settlement import Chain, Payee, Share
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.pages.test_merchant_counter import at, held, mei, shown, tao

pytestmark = pytest.mark.anyio
__all__ = ["mei", "tao"]


@pytest.fixture
async def lin(app: Litestar, house: TestHouse) -> Reader:
    """Lin, who runs the city."""
    return await Reader(app, house, language="en").sign_in("lin")


@pytest.fixture
async def pat(app: Litestar, house: TestHouse) -> Reader:
    """Pat, who runs the platform."""
    return await Reader(app, house, language="en").sign_in("pat")


@pytest.fixture
async def used(ann: Reader, tao: Reader, house: TestHouse) -> tuple[str, str, str]:
    """Ann bought two, one is used: the numbers of the order, the voucher and the use."""
    units = await held(ann, quantity=2)
    await tao.send(await shown(tao, units[0].code), "/redemptions")
    async with house.db.reading(house.town.city_id) as tx:
        (use,) = await vouchers.uses_of(tx, [units[0].voucher_id], city_id=house.town.city_id)
    city = house.town.city_id
    return (
        ORDER.show(units[0].order_id, city), VOUCHER.show(units[0].voucher_id, city),
        REDEMPTION.show(use.redemption_id, city),
    )  # fmt: skip


async def test_the_buyer_sees_whom_his_money_went_to(ann: Reader, used: tuple[str, str, str], app, house: TestHouse):
    """136.00 for two: 62.56 to the shop, 5.44 for platform and city together, 68.00 held for the one that is left."""
    order = used[0]
    page = await ann.get(f"/c/qinghe/orders/{order}?lang=en")
    flow = await ann.get(page.link("/money"))
    for words in ("It adds up", "¥136 was paid, ¥136 is in the books", "¥62.56", "¥5.44", "Still held", "¥68"):
        assert words in flow.text
    for secret in ("commission", "8 %", "Rule ", "¥1.36"):
        assert secret not in flow.text, "what the others agreed on is theirs"
    bo = await Reader(app, house, language="en").sign_in("bo")
    assert (await bo.get(f"/c/qinghe/orders/{order}/money")).status == 404


async def test_a_voucher_tells_its_own_part_of_the_order(
    ann: Reader, mei: Reader, tao: Reader, pat: Reader, used: tuple[str, str, str], app: Litestar, house: TestHouse
):
    """Of two units one is used: its page tells what was held for it and who got that, and nothing of the other one."""
    _, voucher, use = used
    flow = await ann.get((await ann.get(f"/c/qinghe/vouchers/{voucher}?lang=en")).link("/money"))
    for words in ("It adds up", "¥62.56", "¥5.44", "From what was held before", "¥68"):
        assert words in flow.text
    for other in ("¥136", "8 %", "Rule "):
        assert other not in flow.text
    counter = await mei.get(at(mei, f"/redemptions/{use}"))
    assert "8 % of what the merchant's side is due" in (await mei.get(counter.link("/money"))).text
    assert not [link for link in (await tao.get(at(tao, f"/redemptions/{use}"))).links if link.endswith("/money")]
    assert "Version" not in (await pat.get(f"/platform/flow?number={voucher}")).text, "no points were earned"
    bo = await Reader(app, house, language="en").sign_in("bo")
    assert (await bo.get(f"/c/qinghe/vouchers/{voucher}/money")).status == 404
    [whole] = await held(ann)
    alone = VOUCHER.show(whole.voucher_id, house.town.city_id)
    assert "¥68 was paid, ¥68 is in the books" in (await ann.get(f"/c/qinghe/vouchers/{alone}/money?lang=en")).text


async def test_the_merchant_sees_the_rule_and_each_part(
    mei: Reader, tao: Reader, used: tuple[str, str, str], ann: Reader
):
    page = await mei.get(at(mei, f"/statement/{used[2]}"))
    flow = await mei.get(page.link("/money"))
    for words in ("It adds up", "¥62.56", "¥4.08", "¥1.36", "8 % of what the merchant's side is due is commission"):
        assert words in flow.text
    assert (await tao.get(at(tao, f"/statement/{used[2]}/money"))).status == 403
    assert (await ann.get(at(ann, f"/statement/{used[2]}/money"))).status in (403, 404)


async def test_the_operator_sees_his_part_down_to_the_use(lin: Reader, used: tuple[str, str, str]):
    page = await lin.get("/o/qinghe/earnings")
    assert "¥1.36" in page.text
    flow = await lin.get(page.link(f"/earnings/{used[2]}"))
    assert "It adds up" in flow.text
    assert "25 % of the commission are the operators'" in flow.text
    merchant = await lin.get(page.link("merchant=mer_"))
    assert "All merchants" in merchant.text
    assert (await lin.get("/o/qinghe/earnings?month=2026-10")).status == 200
    assert (await lin.get("/o/qinghe/earnings?month=none")).status == 422


async def test_who_only_has_a_share_sees_the_use_alone(
    app: Litestar, house: TestHouse, ann: Reader, tao: Reader
):  # fmt: skip
    """A recruiter with a part in it sees that use, and not what the buyer paid for the rest; without a part nothing."""
    town = house.town
    role = GiveRole(
        grant_id=new_id(), member_id=town.people["bo"], role=Role.CITY_RECRUITER, by=None, city_id=town.city_id
    )
    chain = Chain(
        merchant_id=town.noodle_bar, version=0, shares=(Share(town.people["bo"], 10_000),),
        valid_from=house.clock.now(),
    )  # fmt: skip
    units = await held(ann, quantity=2)
    await tao.send(await shown(tao, units[0].code), "/redemptions")
    async with house.db.central() as tx:
        await people.grant(tx, [role], now=house.clock.now())
        await settlement.set_chains(tx, [chain], now=house.clock.now())
    await tao.send(await shown(tao, units[1].code), "/redemptions")
    bo = await Reader(app, house, language="en").sign_in("bo")
    page = await bo.get("/o/qinghe/earnings")
    flow = await bo.get(page.link("/money"))
    assert "It adds up" in flow.text
    assert "¥136" not in flow.text
    async with house.db.reading(town.city_id) as tx:
        (first,) = await vouchers.uses_of(tx, [units[0].voucher_id], city_id=town.city_id)
    number = REDEMPTION.show(first.redemption_id, town.city_id)
    assert (await bo.get(f"/o/qinghe/earnings/{number}/money")).status == 404


async def test_the_platform_finds_anything_by_its_number(pat: Reader, lin: Reader, used: tuple[str, str, str]):
    for number in used:
        page = await pat.get(f"/platform/flow?number={number}")
        assert "It adds up" in page.text, number
    assert (await pat.get("/platform/flow?number=ord_1_00000000000000000000000000")).status == 404
    assert (await pat.get("/platform/flow?number=nothing")).status == 404
    assert (await lin.get("/platform/flow")).status == 403


async def test_an_operator_of_another_city_finds_nothing(app: Litestar, house: TestHouse, used: tuple[str, str, str]):
    """Whoever runs no city, or another one, asks in vain."""
    bo = await Reader(app, house, language="en").sign_in("bo")
    assert (await bo.get("/o/qinghe/earnings")).status in (403, 404)
    assert (await bo.get(f"/o/qinghe/earnings/{used[2]}/money")).status in (403, 404)


async def test_mei_names_an_account_and_asks_for_her_money(
    mei: Reader, tao: Reader, pat: Reader, used: tuple[str, str, str], house: TestHouse
):
    page = await mei.get(at(mei, "/payouts"))
    assert "¥62.56" in page.text
    sent = await mei.send_and_follow(page, "/payouts/account", account="bank:6222", holder="Mei")
    assert "Sent for approval" in sent.text
    again = await mei.send(page, "/payouts/account", account="bank:6223", holder="Mei")
    assert again.status == 409
    await payouts.decide_account(
        house, (await _actor(house, "pat")), Payee("merchant", house.town.noodle_bar), approve=True
    )
    asked = await mei.send_and_follow(await mei.get(at(mei, "/payouts")), at(mei, "/payouts"))
    assert "The money is set aside" in asked.text
    await payouts.carry(house, house.town.city_id)
    assert "Paid" in (await mei.get(at(mei, "/payouts"))).text
    assert (await tao.get(at(tao, "/payouts"))).status == 403
    assert await audit_clean(house.db)


async def test_a_house_without_money_says_so_and_the_platform_has_the_task(
    mei: Reader, pat: Reader, used: tuple[str, str, str], house: TestHouse
):
    """The provider refuses for want of our own balance: Mei is not told to look at her account, which is fine."""
    owner = await _actor(house, "mei")
    payee = Payee("merchant", house.town.noodle_bar)
    await payouts.propose(house, owner, payee, "bank:6222", "Mei")
    await payouts.decide_account(house, await _actor(house, "pat"), payee, approve=True)
    house.pay.poor = True
    await mei.send(await mei.get(at(mei, "/payouts")), at(mei, "/payouts"))
    await payouts.carry(house, house.town.city_id)
    page = await mei.get(at(mei, "/payouts"))
    assert "The reason is on our side and your account is fine" in page.text
    assert "Check the account" not in page.text
    assert "¥62.56" in page.text
    task = await pat.get("/platform/payouts/qinghe")
    assert "Our balance at the provider was too low" in task.text
    assert await audit_clean(house.db)


async def test_lin_asks_for_what_is_hers_and_nobody_elses(lin: Reader, house: TestHouse, used: tuple[str, str, str]):
    mine = OPERATOR.show(house.town.people["lin"])
    page = await lin.get(f"/o/qinghe/earnings/{mine}/payouts")
    assert "¥1.36" in page.text
    assert "from ¥10 on" in page.text  # the least amount of a payout
    other = OPERATOR.show(house.town.people["mei"])
    assert (await lin.get(f"/o/qinghe/earnings/{other}/payouts")).status == 404
    assert (await lin.get(f"/o/qinghe/earnings?of={other}")).status == 404


async def _actor(house: TestHouse, who: str) -> Actor:
    async with house.db.reading() as tx:
        return (await people.actors(tx, [house.town.people[who]]))[house.town.people[who]]


async def test_a_bill_is_told_to_its_member_and_its_merchant(
    app: Litestar, house: TestHouse, ann: Reader, mei: Reader, tao: Reader
):
    """Ann says her number at the till: she and the shop's owner see who got what of the bill, nobody else does."""
    town, code = house.town, "till-1/77"
    ask = till.Settle(
        bill_id=new_id(), event_id=code, merchant_id=town.noodle_bar, store_id=town.stores["noodle-bar-lantern"],
        store_name="Lantern", staff_id=town.people["tao"], staff_name="Tao", amount=Amount(5_000, "CNY"),
        guest=till.Guest(way="phone", member_id=town.people["ann"]),
    )  # fmt: skip
    bill = (await house.db.run_city(
        town.city_id, lambda tx: till.settle(tx, [ask], city_id=town.city_id, now=house.clock.now())
    ))[0]  # fmt: skip
    assert isinstance(bill, till.Bill), bill
    number = BILL.show(bill.bill_id, town.city_id)
    assert (await ann.get(f"/c/qinghe/bills/{number}/money?lang=en")).status == 200
    assert (await mei.get(at(mei, f"/bills/{number}/money"))).status == 200
    assert (await tao.get(at(tao, f"/bills/{number}/money"))).status == 403
    bo = await Reader(app, house, language="en").sign_in("bo")
    assert (await bo.get(f"/c/qinghe/bills/{number}/money")).status == 404
