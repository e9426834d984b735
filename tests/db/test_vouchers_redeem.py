"""Tao redeems, once, whatever happens to the network."""

from datetime import timedelta

import pytest

from hutong import vouchers
from hutong.infra.answers import KeyReused
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Scope
from hutong.kit.terms import Terms
from hutong.vouchers import CountTooHigh, QrAlreadyUsed, Redeemed, StaleQr, UnknownCode, qr_text
from tests.db.own_audit import sound
from tests.db.vouchers_help import (
    ANN,
    BEEF,
    CITY,
    JIA,
    LANE,
    NOODLE_BAR,
    STATION,
    TAO,
    TEA_HOUSE,
    TEA_STORE,
    ZONE,
    a_redeem,
    an_issue,
    issue,
    look,
    one,
    prepared,
    read,
    use,
    used,
)

pytestmark = pytest.mark.anyio


async def test_once_by_typed_code(db: Database, now):
    voucher = await one(db, now)
    ask = a_redeem(presented=voucher.code)
    answer = await use(db, ask, now)
    assert answer == Redeemed(
        redemption_id=ask.redemption_id, request_no=ask.request_no, voucher_id=voucher.voucher_id, kind="deal",
        title=BEEF, holder="A** L**", member_id=ANN, order_id=voucher.order_id, line_id=voucher.line_id,
        offer_id=voucher.offer_id, merchant_id=NOODLE_BAR, issuer_id=NOODLE_BAR, store_id=LANE, staff_id=TAO,
        code_tail=voucher.code[-4:], unit_no=0, count=1, uses_total=1, uses_left=0, asset="CNY", paid_units=6300,
        due_units=6600, at=now,
        undo_until=now + timedelta(hours=1),
    )  # fmt: skip
    after = await read(db, voucher)
    assert (after.state, after.uses_left, after.paid_left, after.due_left, after.last_step) == ("used", 0, 0, 0, 0)
    again = await use(db, a_redeem(presented=voucher.code), now)
    assert again.code == "already_used"
    assert again.facts["staff"] == "Tao"
    async with db.reading() as tx:
        [step] = await vouchers.steps(tx, voucher.voucher_id, city_id=CITY)
        [failure] = await vouchers.failures(tx, Scope(everything=True), city_id=CITY)
    assert (step.was, step.state, step.by, step.reason) == ("valid", "used", TAO, "redeemed")
    assert (failure.reason, failure.voucher_id) == ("already_used", voucher.voucher_id)
    assert await sound(db, "vouchers")


async def test_the_same_request_again_is_the_same_answer(db: Database, now):
    voucher = await one(db, now)
    text = qr_text(voucher, now)
    ask = a_redeem(presented=text)
    first = await use(db, ask, now)
    retry = a_redeem(presented=text, request_no=ask.request_no)  # a new id, as a till that lost the answer sends it
    second = await use(db, retry, now + timedelta(hours=5))  # the QR is long stale by now
    assert second == Redeemed(**{f: getattr(first, f) for f in first.__struct_fields__} | {"replayed": True})
    by_code = await use(db, a_redeem(presented=voucher.code, request_no=ask.request_no), now)
    assert by_code.replayed
    async with db.reading() as tx:
        assert len(await vouchers.uses(tx, Scope(everything=True), city_id=CITY)) == 1
    assert await sound(db, "vouchers")


async def test_a_request_number_is_for_one_thing(db: Database, now):
    first, second = await issue(db, [an_issue(now, uses=5), an_issue(now)], now)
    ask = a_redeem(presented=first.code)
    await use(db, ask, now)
    number = ask.request_no
    others = [
        a_redeem(presented=second.code, request_no=number),
        a_redeem(presented=first.code, request_no=number, count=2),
        a_redeem(presented=first.code, request_no=number, store_id=STATION),
        a_redeem(presented="nonsense", request_no=number),
    ]
    assert [await use(db, other, now) for other in others] == [KeyReused(key=number)] * 4
    theirs = await one(db, now, merchant_id=TEA_HOUSE)  # another merchant counts its requests for itself
    at_tea = {"merchant_id": TEA_HOUSE, "store_id": TEA_STORE, "staff_id": JIA}
    assert isinstance(await use(db, a_redeem(presented=theirs.code, request_no=number, **at_tea), now), Redeemed)
    assert (await read(db, first)).uses_left == 4
    assert await sound(db, "vouchers")


async def test_a_number_that_was_refused_may_be_used_again(db: Database, now):
    voucher = await one(db, now, valid_from=now + timedelta(hours=1))
    ask = a_redeem(presented=voucher.code)
    assert (await use(db, ask, now)).code == "not_yet_valid"
    assert isinstance(await use(db, ask, now + timedelta(hours=1)), Redeemed)


async def test_a_qr_is_dead_after_its_use(db: Database, now):
    card = await one(db, now, kind="card", uses=10)
    text = qr_text(card, now)
    assert (await use(db, a_redeem(presented=text), now)).uses_left == 9
    assert await use(db, a_redeem(presented=text), now) == QrAlreadyUsed()
    assert await look(db, text, now) == QrAlreadyUsed()
    fresh = qr_text(await read(db, card), now)  # Ann's phone shows the next one at once
    assert fresh != text
    assert (await use(db, a_redeem(presented=fresh), now)).uses_left == 8
    assert (await use(db, a_redeem(presented=card.code), now)).uses_left == 7  # a typed code has no step
    later = now + timedelta(minutes=2)
    assert (await use(db, a_redeem(presented=qr_text(await read(db, card), later)), later)).uses_left == 6
    assert await sound(db, "vouchers")


async def test_stale_forged_and_strange(db: Database, now):
    voucher = await one(db, now)
    text = qr_text(voucher, now)
    assert await use(db, a_redeem(presented=text), now + timedelta(minutes=1)) == StaleQr()
    assert await use(db, a_redeem(presented=text[:-16] + "Z" * 16), now) == StaleQr()
    assert await use(db, a_redeem(presented=""), now) == UnknownCode()
    assert await use(db, a_redeem(presented="123456789012"), now) == UnknownCode()
    assert await use(db, a_redeem(voucher_id=new_id(), proof="x"), now) == UnknownCode()
    assert await use(db, a_redeem(voucher_id=voucher.voucher_id, proof="1.2.x"), now) == StaleQr()
    at_tea = {"merchant_id": TEA_HOUSE, "store_id": TEA_STORE}
    assert await use(db, a_redeem(presented=text, **at_tea), now) == UnknownCode()
    assert (await read(db, voucher)) == voucher


async def test_confirming_later_than_the_qr_lives(db: Database, now):
    """Tao scans, Ann looks for her glasses, Tao confirms after five minutes: the proof of the preparation counts."""
    voucher = await one(db, now)
    look_at = await prepared(db, qr_text(voucher, now), now)
    later = now + timedelta(minutes=5)
    by_proof = {"voucher_id": voucher.voucher_id, "proof": look_at.proof}
    assert await use(db, a_redeem(**by_proof, staff_id=JIA), later) == StaleQr()  # another's proof
    assert await use(db, a_redeem(**by_proof), now + timedelta(minutes=10)) == StaleQr()
    assert isinstance(await use(db, a_redeem(**by_proof), later), Redeemed)
    assert (await use(db, a_redeem(**by_proof), later)).code == "already_used"
    assert await sound(db, "vouchers")


async def test_a_proof_is_good_for_one_use_of_its_step(db: Database, now):
    card = await one(db, now, kind="card", uses=10)
    look_at = await prepared(db, qr_text(card, now), now)
    by_proof = {"voucher_id": card.voucher_id, "proof": look_at.proof}
    assert isinstance(await use(db, a_redeem(**by_proof, count=3), now), Redeemed)
    assert await use(db, a_redeem(**by_proof), now) == QrAlreadyUsed()


async def test_several_vouchers_of_one_order_at_once(db: Database, now):
    line = new_id()
    issued = await issue(db, [an_issue(now, line_id=line, unit_no=i) for i in range(3)], now)
    look_at = await prepared(db, qr_text(issued[0], now), now)
    asks = [a_redeem(voucher_id=look_at.voucher_id, proof=look_at.proof)]
    asks += [a_redeem(voucher_id=other.voucher_id, proof=other.proof) for other in look_at.others]
    async with db.city(CITY) as tx:
        answers = await vouchers.redeem(tx, asks, city_id=CITY, now=now, zone=ZONE)
    assert [a.voucher_id for a in answers] == [v.voucher_id for v in issued]
    assert await sound(db, "vouchers")


async def test_a_list_is_served_one_by_one(db: Database, now):
    card, single = await issue(db, [an_issue(now, uses=3), an_issue(now)], now)
    number = str(new_id())
    asks = [
        a_redeem(presented=card.code, count=2),
        a_redeem(presented=card.code, count=2),  # one is left
        a_redeem(presented=single.code, request_no=number),
        a_redeem(presented=single.code, request_no=number),  # the same request
        a_redeem(presented=single.code),
        a_redeem(presented=card.code, request_no=number),
        a_redeem(presented=card.code),
        a_redeem(presented=card.code),
    ]
    async with db.city(CITY) as tx:
        answers = await vouchers.redeem(tx, asks, city_id=CITY, now=now, zone=ZONE)
        assert await vouchers.redeem(tx, [], city_id=CITY, now=now, zone=ZONE) == []
    assert [getattr(a, "code", None) or (a.uses_left, a.replayed) for a in answers] == [
        (1, False), "count_too_high", (0, False), (0, True), "already_used", "key_reused", (0, False), "already_used",
    ]  # fmt: skip
    assert await sound(db, "vouchers")


async def test_counts(db: Database, now):
    card, visit = await issue(db, [an_issue(now, uses=5), an_issue(now, uses=5, terms=Terms(per_visit=2))], now)
    assert await use(db, a_redeem(presented=card.code, count=6), now) == CountTooHigh(most=5)
    assert await use(db, a_redeem(presented=visit.code, count=3), now) == CountTooHigh(most=2)
    assert (await use(db, a_redeem(presented=card.code, count=0), now)).code == "bad_input"
    assert (await use(db, a_redeem(presented=card.code, count=-1), now)).code == "bad_input"
    assert (await prepared(db, visit.code, now)).most == 2


@pytest.mark.parametrize(("paid", "due", "counts"), [(1000, 1001, [1] * 7), (999, 0, [3, 3, 1]), (1, 2, [2, 5])])
async def test_the_parts_of_a_card_close_the_sum(db: Database, now, paid, due, counts):
    card = await one(db, now, kind="card", uses=7, paid_units=paid, due_units=due)
    answers = [await used(db, card, now, count=count) for count in counts]
    assert sum(a.paid_units for a in answers) == paid
    assert sum(a.due_units for a in answers) == due
    assert await sound(db, "vouchers")


async def test_wrong_codes_at_the_till_count_as_guesses(db: Database, now):
    voucher = await one(db, now)
    for i in range(20):
        assert (await use(db, a_redeem(presented=f"{i:012d}"), now)).code == "unknown_code"
    assert (await use(db, a_redeem(presented=voucher.code), now)).code == "too_many_guesses"
    assert isinstance(await use(db, a_redeem(presented=qr_text(voucher, now)), now), Redeemed)


async def test_a_locked_counter_still_gets_its_own_answer_again(db: Database, now):
    """The limit is against guessing; a till that asks for what it did before guesses nothing."""
    voucher = await one(db, now)
    ask = a_redeem(presented=voucher.code)
    first = await use(db, ask, now)
    for i in range(21):
        await use(db, a_redeem(presented=f"{i:012d}"), now)
    again = await use(db, ask, now)
    assert (again.redemption_id, again.replayed) == (first.redemption_id, True)


async def test_the_history_of_a_counter(db: Database, now):
    issued = await issue(db, [an_issue(now) for _ in range(4)], now)
    for i, (voucher, store) in enumerate(zip(issued, [LANE, LANE, STATION, LANE], strict=True)):
        await used(db, voucher, now + timedelta(minutes=i), store_id=store)
    tea = await one(db, now, merchant_id=TEA_HOUSE)
    await used(db, tea, now, merchant_id=TEA_HOUSE, store_id=TEA_STORE)
    owner, cashier = Scope(merchants=frozenset({NOODLE_BAR})), Scope(stores=frozenset({LANE}))
    async with db.reading() as tx:
        page = await vouchers.uses(tx, owner, city_id=CITY, limit=3)
        rest = await vouchers.uses(tx, owner, city_id=CITY, limit=3, after=page[-1].redemption_id)
        at_lane = await vouchers.uses(tx, cashier, city_id=CITY)
        hour = await vouchers.uses(
            tx, owner, city_id=CITY, since=now + timedelta(minutes=1), until=now + timedelta(minutes=3)
        )
        station = await vouchers.uses(tx, owner, city_id=CITY, store_id=STATION)
        everything = await vouchers.uses(tx, Scope(cities=frozenset({CITY})), city_id=CITY)
        assert await vouchers.uses(tx, Scope(), city_id=CITY) == []
        assert await vouchers.use(tx, cashier, station[0].redemption_id, city_id=CITY) is None
        assert await vouchers.use(tx, owner, station[0].redemption_id, city_id=CITY) == station[0]
        of_one = await vouchers.uses_of(tx, [issued[0].voucher_id], city_id=CITY)
    order = [u.voucher_id for u in [*page, *rest]]
    assert order == [v.voucher_id for v in reversed(issued)]
    assert [u.voucher_id for u in at_lane] == [issued[3].voucher_id, issued[1].voucher_id, issued[0].voucher_id]
    assert [u.voucher_id for u in hour] == [issued[2].voucher_id, issued[1].voucher_id]
    assert len(everything) == 5
    assert [u.voucher_id for u in of_one] == [issued[0].voucher_id]
    assert (page[0].holder, page[0].staff_name, page[0].store_name) == ("A** L**", "Tao", "Noodle Bar, the lane")
    assert page[0].code_tail == issued[3].code[-4:]


@pytest.mark.parametrize("count", [1, 40])
async def test_the_number_of_statements_does_not_grow_with_the_list(database_url, now, count):
    seen: list[str] = []
    db = await Database(database_url, observer=lambda sql, params: seen.append(sql)).open()
    issued = await issue(db, [an_issue(now) for _ in range(count)], now)
    seen.clear()
    async with db.city(CITY) as tx:
        await vouchers.redeem(
            tx, [a_redeem(presented=qr_text(v, now)) for v in issued], city_id=CITY, now=now, zone=ZONE
        )
    assert len(seen) == 4  # lock, request numbers, redemptions, vouchers with history
    seen.clear()
    asks = [a_redeem(presented=v.code) for v in issued] + [a_redeem(presented="123456789012")] * 1
    async with db.city(CITY) as tx:
        await vouchers.redeem(tx, asks, city_id=CITY, now=now, zone=ZONE)
    assert len(seen) == 6  # lock, request numbers, guesses, last uses, guesses now, log
    await db.close()
