"""Counters without a network: what a device accepts alone, what the server makes of it, who bears what is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from hutong import merchants, orders, settlement, vouchers
from hutong.desk import counter, offline
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Permission
from hutong.kit.refusals import Refusal
from hutong.merchants import LossNotDeclared
from hutong.orders import AskRefund, RefundAsked
from hutong.vouchers import Scan, ScanAnswer
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.house import TestHouse, make_house
from tests.offline_play import STORE, Key, Phone, Till, actor, bought, switch_on

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(db: Database, clock) -> AsyncIterator[TestHouse]:
    made = await make_house(db, clock)
    yield made
    await made.batches.close()


def said(answers: list[ScanAnswer]) -> list[str]:
    return [one.outcome for one in answers]


async def ready(house: TestHouse, tills: int = 1, **limits: Any) -> list[Till]:
    await switch_on(house, **limits)
    made = [await Till.enrol(house, name=f"till {n}") for n in range(tills)]
    for till in made:
        await till.pull()
    return made


async def shown(house: TestHouse, **more: Any) -> tuple[Phone, Any]:
    [unit] = await bought(house, **more)
    phone = Phone(house)
    await phone.fetch(unit.voucher_id)
    return phone, unit.voucher_id


async def state(house: TestHouse, voucher_id: Any) -> str:
    async with house.db.reading() as tx:
        return (await vouchers.by_ids(tx, [voucher_id], city_id=house.town.city_id))[0].state


async def refund(house: TestHouse, voucher_id: Any, reason: str = "wish") -> Any:
    async def work(tx: Any) -> Any:
        [unit] = await vouchers.by_ids(tx, [voucher_id], city_id=house.town.city_id)
        ask = AskRefund(
            refund_id=new_id(), order_id=unit.order_id, by=unit.member_id, reason=reason, voucher_ids=(voucher_id,)
        )
        return (await orders.ask_refunds(tx, [ask], city_id=house.town.city_id, now=house.clock.now()))[0]

    return await house.db.run_city(house.town.city_id, work)


async def test_a_scan_without_a_network_is_redeemed_when_it_arrives(house: TestHouse, clock):
    [till] = await ready(house)
    phone, voucher = await shown(house)
    scanned = clock.move(timedelta(hours=1))
    assert till.accept(phone.text(voucher, scanned), scanned) == "accepted"
    assert till.accept(phone.text(voucher, scanned), scanned) == "used_here"
    clock.move(timedelta(hours=2))
    first = await till.upload(lose_answer=True)
    again = await till.upload()
    assert said(first) == said(again) == ["redeemed"]
    assert (first[0].redemption_id, again[0].replayed) == (again[0].redemption_id, True)
    assert await state(house, voucher) == "used"
    async with house.db.reading() as tx:
        [use] = await vouchers.uses_of(tx, [voucher], city_id=house.town.city_id)
    assert (use.at, use.staff_name) == (scanned, "小涛")
    assert await audit_clean(house.db)


async def test_two_tills_one_voucher_is_one_redemption_and_one_conflict(house: TestHouse, clock):
    """The earliest half minute that the phone signed wins within a message; what was booked before stays."""
    left, right = await ready(house, 2)
    phone, voucher = await shown(house)
    first = clock.move(timedelta(minutes=10))
    assert right.accept(phone.text(voucher, first), first) == "accepted"
    second = clock.move(timedelta(minutes=2))
    assert left.accept(phone.text(voucher, second), second) == "accepted"
    assert said(await right.upload()) == ["redeemed"]
    assert said(await left.upload()) == ["conflict"]
    mei = await actor(house, "mei")
    async with house.db.reading() as tx:
        scope = mei.scope(Permission.EDIT_STORE)
        [conflict] = await vouchers.conflicts(tx, scope, city_id=house.town.city_id)
    assert (conflict.bearer, conflict.owner_id, conflict.reason) == ("merchant", mei.member_id, "already_used")
    assert 6600 <= conflict.loss.units <= 6800
    await offline.resolve(house, house.town.city_id, mei, conflict.device_id, conflict.seq, "talked to the guest")
    assert await audit_clean(house.db)


async def test_in_one_message_the_oldest_token_wins(house: TestHouse, clock):
    left, right = await ready(house, 2)
    phone, voucher = await shown(house)
    early = clock.move(timedelta(minutes=5))
    late = clock.move(timedelta(minutes=5))
    assert left.accept(phone.text(voucher, late), late) == "accepted"
    assert right.accept(phone.text(voucher, early), early) == "accepted"
    scans = [
        Scan(device_id=t.device.device_id, seq=s, payload=p, signature=g, staff_id=house.town.people["tao"])
        for t in (left, right) for s, p, g in t.log
    ]  # fmt: skip

    async def work(tx: Any) -> Any:
        return await settlement.upload(
            tx, scans, city_id=house.town.city_id, now=clock.now(), keys=offline.public_keys(house)
        )

    assert said(await house.db.run_city(house.town.city_id, work)) == ["conflict", "redeemed"]
    assert await audit_clean(house.db)


async def test_a_token_that_two_tills_saw_at_the_same_moment(house: TestHouse, clock):
    left, right = await ready(house, 2)
    phone, voucher = await shown(house)
    text = phone.text(voucher, clock.now())
    for till in (left, right):
        assert till.accept(text, clock.now()) == "accepted"
    answers = await asyncio.gather(left.upload(), right.upload())
    assert sorted(said(answers[0]) + said(answers[1])) == ["conflict", "redeemed"]
    left.write(text, clock.now())
    right.write(text, clock.now())
    assert "duplicate_of_self" in said(await left.upload()) + said(await right.upload())
    assert await audit_clean(house.db)


async def test_forged_scans_are_never_accepted(house: TestHouse, clock):
    """A merchant makes up two hundred redemptions in seven ways; not one is accepted, all are booked."""
    [till] = await ready(house, 1, max_count=1000)
    phone, voucher = await shown(house)
    now, made_up = clock.now(), Key()
    house_key = offline.house_key(house)
    good = phone.text(voucher, now)
    token = vouchers.read_token(good)
    assert token is not None
    capsule, fake = token.capsule, vouchers.HouseKey(b"not the house" * 3)
    step = int(now.timestamp()) // 30

    def signed_by(key: Key, signed: bytes, step: int) -> str:
        return vouchers.token_text(signed, step, key.sign(vouchers.capsules.token_message(capsule.voucher_id, step)))

    def altered(i: int) -> bytes:
        body = bytearray(token.signed)
        body[45 + i % 30] ^= 1 + i % 200
        return bytes(body)

    from msgspec import structs

    ways = [
        lambda i: signed_by(made_up, token.signed, step + i % 3),
        lambda i: signed_by(made_up, fake.sign(structs.replace(capsule, phone_key=made_up.public)), step),
        lambda i: vouchers.token_text(token.signed, step + 1 + i, token.signature),
        lambda i: signed_by(phone.key, altered(i), step),
        lambda i: "HT2." + "0" * (200 + i) + ".",
        lambda i: f"HT1.1.{i}",
        lambda i: signed_by(
            made_up,
            house_key.sign(structs.replace(capsule, phone_key=made_up.public))[:-64] + token.signed[-64:],
            step,
        ),
    ]
    for i in range(200):
        till.write(ways[i % len(ways)](i), now)
    answers = await till.upload()
    assert len(answers) == 200
    assert Counter(said(answers)) == {"refused": 200}
    assert await state(house, voucher) == "valid"
    assert await audit_clean(house.db)


async def test_an_old_screenshot_and_a_turned_clock_are_refused(house: TestHouse, clock):
    [till] = await ready(house)
    phone, voucher = await shown(house)
    old = phone.text(voucher, clock.now())
    later = clock.move(timedelta(minutes=4))
    assert till.accept(old, later) == "stale_token"
    till.write(old, later)
    till.write(old, later - timedelta(days=2))  # back-dated beyond its allowance
    till.write(phone.text(voucher, later + timedelta(days=1)), later + timedelta(days=1))
    reasons = [one.reason for one in await till.upload()]
    assert reasons == ["stale_token", "after_allowance", "from_the_future"]
    assert await state(house, voucher) == "valid"
    assert await audit_clean(house.db)


async def test_limits_hold_at_the_till_and_at_the_server(house: TestHouse, clock):
    [till] = await ready(house, 1, max_count=2, max_face_units=10_000)
    dear = (await bought(house, offer="family-four"))[0]
    with pytest.raises(vouchers.OnlineOnly):
        await Phone(house).fetch(dear.voucher_id)
    phone = Phone(house)
    units = [unit for _ in range(3) for unit in await bought(house)]
    now = clock.now()
    for unit in units:
        await phone.fetch(unit.voucher_id)
    texts = [phone.text(unit.voucher_id, now) for unit in units]
    assert [till.accept(text, now) for text in texts] == ["accepted", "accepted", "over_allowance"]
    till.write(texts[2], now)  # a till that does not obey
    assert [(one.outcome, one.reason) for one in await till.upload()][2] == ("refused", "over_allowance")
    first = till.holds
    await till.pull()
    assert till.holds == first + 1  # all its rows are here, so it gets a fresh one
    assert await audit_clean(house.db)


async def test_a_fork_is_seen_and_the_device_marked(house: TestHouse, clock):
    [till] = await ready(house)
    phone, voucher = await shown(house)
    other, second = await shown(house)
    assert till.accept(phone.text(voucher, clock.now()), clock.now()) == "accepted"
    await till.upload()
    till.write(other.text(second, clock.now()), clock.now(), seq=1)  # a copy of the device goes its own way
    assert [one.reason for one in await till.upload()] == ["fork"]
    till.write(other.text(second, clock.now()), clock.now(), seq=2)
    assert [one.reason for one in await till.upload()] == ["device_flagged"]
    answer = await till.pull()
    assert answer is not None
    assert answer.pulled.allowance is None
    assert await state(house, second) == "valid"
    assert await audit_clean(house.db)


async def test_a_gap_is_seen_and_no_new_allowance_given_over_it(house: TestHouse, clock):
    [till] = await ready(house)
    phone, voucher = await shown(house)
    assert till.accept(phone.text(voucher, clock.now()), clock.now()) == "accepted"
    lost, till.log = till.log, []
    other, second = await shown(house)
    assert till.accept(other.text(second, clock.now()), clock.now()) == "accepted"
    await till.upload()
    held = till.holds
    answer = await till.pull()
    assert answer is not None
    assert (answer.pulled.missing, till.holds) == (1, held)
    async with house.db.reading() as tx:
        found = await vouchers.device_states(
            tx, [till.device.device_id], city_id=house.town.city_id, now=clock.now()
        )  # fmt: skip
    assert found[till.device.device_id].waiting == 1
    assert said(await till.upload(rows=lost)) == ["redeemed"]  # it was found after all
    answer = await till.pull()
    assert answer is not None
    assert (answer.pulled.missing, till.holds) == (0, held + 1)
    assert await audit_clean(house.db)


async def test_a_revoked_device_brings_nothing_more(house: TestHouse, clock):
    [till] = await ready(house)
    phone, voucher = await shown(house)
    assert till.accept(phone.text(voucher, clock.now()), clock.now()) == "accepted"
    clock.move(timedelta(seconds=1))
    await offline.revoke(house, house.town.city_id, await actor(house, "mei"), till.device.device_id)
    clock.move(timedelta(seconds=1))
    assert [(one.outcome, one.reason) for one in await till.upload()] == [("refused", "device_revoked")]
    answer = await till.pull()
    assert answer is not None
    assert (answer.device.active, answer.pulled.allowance) == (False, None)
    assert await audit_clean(house.db)


async def test_messages_of_strangers_and_replays_are_refused(house: TestHouse, clock):
    [till] = await ready(house)
    thief = Till(house, till.device, Key())
    with pytest.raises(merchants.DeviceNotRecognised):
        await thief.pull()
    till.number -= 1
    with pytest.raises(merchants.MessageReplayed):
        await till.pull()


async def test_a_refund_waits_only_while_a_till_is_silent(house: TestHouse, clock):
    [till] = await ready(house, 1, hours=3)
    phone, voucher = await shown(house)
    [plain] = await bought(house)  # no phone has a capsule of it: no counter can take it
    clock.move(timedelta(minutes=6))
    wait = await refund(house, voucher)
    assert isinstance(wait, Refusal)
    assert wait.code == "offline_store_silent"
    assert isinstance(await refund(house, plain.voucher_id), RefundAsked)
    assert till.accept(phone.text(voucher, clock.now()), clock.now()) == "accepted"
    assert said(await till.upload()) == ["redeemed"]
    await till.pull()
    other, second = await shown(house)
    assert isinstance(await refund(house, second), RefundAsked)  # the till was heard of a moment ago
    third, last = await shown(house)
    clock.move(timedelta(minutes=20))
    assert till.accept(third.text(last, clock.now()), clock.now()) == "accepted"
    clock.move(timedelta(hours=3))
    assert isinstance(await refund(house, last), RefundAsked)  # its allowance is over: the guest waits no longer
    assert said(await till.upload()) == ["refunded_meanwhile"]
    del other
    assert await audit_clean(house.db)


async def test_refund_against_upload_has_one_winner(house: TestHouse, clock):
    await crowd(house.db)
    [till] = await ready(house)
    for _ in range(12):
        phone, voucher = await shown(house)
        assert till.accept(phone.text(voucher, clock.now()), clock.now()) == "accepted"
        answers, asked = await asyncio.gather(till.upload(), refund(house, voucher))
        pair = (said(answers)[0], "refunded" if isinstance(asked, RefundAsked) else asked.code)
        assert pair in {("redeemed", "nothing_to_refund"), ("refunded_meanwhile", "refunded")}
        await till.pull()
    assert await audit_clean(house.db)


async def test_the_same_rows_in_ten_messages_at_once_are_one_effect(house: TestHouse, clock):
    await crowd(house.db)
    [till] = await ready(house)
    phone = Phone(house)
    for unit in [u for _ in range(3) for u in await bought(house)]:
        await phone.fetch(unit.voucher_id)
        assert till.accept(phone.text(unit.voucher_id, clock.now()), clock.now()) == "accepted"
    rows = list(till.log)

    async def send() -> list[ScanAnswer]:
        try:
            return await till.upload(rows=rows)
        except merchants.MessageReplayed:  # a later number came first
            return []

    answers = [one for part in await asyncio.gather(*(send() for _ in range(10))) for one in part]
    fresh = [one for one in answers if not one.replayed]
    assert said(fresh) == ["redeemed"] * 3
    assert {one.outcome for one in answers} == {"redeemed"}
    assert await audit_clean(house.db)


async def test_the_sweep_waits_for_what_a_till_may_bring(house: TestHouse, clock):
    """Taken a minute before the end of its validity, told after it: it counts."""
    [till] = await ready(house)
    [unit] = await bought(house)
    clock.set(unit.valid_to - timedelta(hours=2))
    await till.pull()
    phone = Phone(house)
    await phone.fetch(unit.voucher_id)
    windows = vouchers.read_token(phone.text(unit.voucher_id, clock.now()))
    assert windows is not None
    at = windows.capsule.windows[-1][1] - timedelta(minutes=1)
    assert till.accept(phone.text(unit.voucher_id, at), at) == "accepted"
    clock.set(unit.valid_to + timedelta(minutes=1))
    city = house.town.city_id
    await house.db.run_city(city, lambda tx: orders.expire_vouchers(tx, city_id=city, now=clock.now()))
    assert await state(house, unit.voucher_id) == "valid"
    assert said(await till.upload()) == ["redeemed"]
    assert await audit_clean(house.db)


async def test_the_declared_maximum_is_shown_before_and_cannot_grow_unseen(house: TestHouse, clock):
    mei, city = await actor(house, "mei"), house.town.city_id
    limits = merchants.default_limits("CNY")
    from msgspec import structs

    await Till.enrol(house)
    with pytest.raises(LossNotDeclared):
        await offline.set_limits(house, city, mei, house.town.noodle_bar, structs.replace(limits, mode="capped"))
    exact = structs.replace(limits, mode="capped", declared_units=limits.worst(1))
    on = await offline.set_limits(house, city, mei, house.town.noodle_bar, exact)
    assert (on.declared_units, on.worst(1)) == (200_000, 200_000)
    with pytest.raises(LossNotDeclared):
        await Till.enrol(house, name="second")
    assert await audit_clean(house.db)


async def test_a_till_with_a_network_reads_the_same_code(house: TestHouse, clock):
    await switch_on(house)
    phone, voucher = await shown(house)
    tao, city = await actor(house, "tao"), house.town.city_id
    store = house.town.stores[STORE]
    text = phone.text(voucher, clock.now())
    found = await counter.prepare(house, city, tao, store, text)
    assert found.voucher_id == voucher
    stranger = Phone(house)
    stranger.capsules = phone.capsules
    with pytest.raises(vouchers.StaleQr):
        await counter.prepare(house, city, tao, store, stranger.text(voucher, clock.now()))
    await counter.redeem(house, city, tao, store, request_no="r1", presented=text)
    with pytest.raises(vouchers.AlreadyUsed):
        await counter.redeem(house, city, tao, store, request_no="r2", presented=text)
    assert await audit_clean(house.db)
