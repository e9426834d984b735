"""Numbered cards: printed, activated once, lost and replaced; one card for many shops."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hutong import cards, pricing, till, vouchers
from hutong.cards import Activate, Activated, Give, Join, Lose, Print, Printed, is_number, read_number
from hutong.catalog import Membership, Offer, QCard, Stored
from hutong.infra import limits
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.pricing import Budget, PercentOff, PromotionStep, Rule, SavePromotion, Tags
from hutong.till import Bill
from hutong.vouchers import Issue
from tests.catalog_town import a_merchant, a_store, yuan
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.lane import CITY, Lane, a_lane
from tests.till_help import ANN, a_bill, a_holder, an_offer, settle, settled, shown

pytestmark = pytest.mark.anyio


async def run(db: Database, do: Any) -> Any:
    (answer,) = await db.run_city(CITY, do)
    return answer


async def printed(db: Database, lane: Lane, offer: Offer, now, count: int = 3) -> Printed:
    ask = Print(
        batch_id=new_id(), offer_id=offer.offer_id, merchant_id=lane.merchant, label="May", count=count, by=None
    )
    return await run(db, lambda tx: cards.print_batches(tx, [ask], city_id=CITY, now=now))


async def activated(
    db: Database, offer: Offer, number: str, secret: str, now, member: UUID = ANN, voucher: UUID | None = None
) -> Any:
    """Activate it, and issue what it stands for."""
    ask = Activate(number=number, secret=secret, member_id=member, voucher_id=voucher or new_id())

    async def do(tx: Any) -> list[Any]:
        (answer,) = await cards.activate(tx, [ask], city_id=CITY, now=now)
        if isinstance(answer, Activated) and not answer.replayed:
            one = Issue(
                voucher_id=answer.voucher_id, kind="card", member_id=member, holder_name="Ann Lee",
                merchant_id=offer.merchant_id, order_id=new_id(), line_id=new_id(), offer_id=offer.offer_id,
                title=offer.title, unit_no=0, uses=100, valid_from=now, valid_to=now + timedelta(days=365),
                terms=Terms(valid_days=365), asset="CNY", paid_units=0, due_units=0, wide=True,
            )  # fmt: skip
            await vouchers.issue(tx, [one], city_id=CITY, now=now)
        return [answer]

    return await run(db, do)


async def test_a_printed_card_is_activated_once_by_who_has_its_secret(db: Database, now):
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, QCard(), 9_900)
    batch = await printed(db, lane, offer, now)
    (number, secret), *_ = batch.cards
    assert is_number(number)
    assert read_number(f" {number[:4]} {number[4:8]}-{number[8:]} ") == number
    done = await activated(db, offer, number, secret.lower(), now)
    assert isinstance(done, Activated)
    assert (await activated(db, offer, number, secret, now)).replayed
    assert (await activated(db, offer, number, secret, now, member=lane.lin)).code == "card_taken"
    async with db.reading(CITY) as tx:
        stored = await tx.rows("select * from cards.numbers where city_id = %(city)s", city=CITY)
        [one] = await cards.batches_of(tx, lane.merchant, city_id=CITY)
    assert not [row for row in stored if secret.encode() in bytes(row["digest"])]
    assert (one.count, one.active) == (3, 1)
    assert await audit_clean(db)


async def test_secrets_are_not_guessed(db: Database, now):
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, QCard(), 9_900)
    (number, secret), *_ = (await printed(db, lane, offer, now)).cards
    for _ in range(5):
        assert (await activated(db, offer, number, "0000000000", now)).code == "card_not_found"
    assert (await activated(db, offer, number, secret, now)).code == "too_many_secrets"
    assert isinstance(await activated(db, offer, number, secret, now + timedelta(hours=1)), Activated)
    assert await audit_clean(db)


async def test_twelve_guesses_at_once_are_five(db: Database, now):
    """From twelve phones of one member, at one number or at many."""
    await crowd(db)
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, QCard(), 9_900)
    cards = (await printed(db, lane, offer, now)).cards
    for many in (False, True):
        ann = new_id()
        numbers = [cards[n % len(cards) if many else 0][0] for n in range(12)]
        tries = [activated(db, offer, number, "0000000000", now, member=ann) for number in numbers]
        told = [one.code for one in await asyncio.gather(*tries)]
        assert sorted(told) == ["card_not_found"] * 5 + ["too_many_secrets"] * 7, many
    assert await audit_clean(db)


async def test_control_counted_after_the_look_twelve_guesses_are_twelve(db: Database, now):
    await crowd(db)

    async def naive() -> bool:
        async with db.city(CITY) as tx:
            before = await limits.spent(tx, "naive", 3_600, now=now)
            await asyncio.sleep(0.02)
            await limits.take(tx, [limits.Take("naive", 5, 3_600)], now=now)
            return before < 5

    assert sum(await asyncio.gather(*(naive() for _ in range(12)))) > 5


async def test_ten_phones_activate_one_card(db: Database, now):
    await crowd(db)
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, QCard(), 9_900)
    (number, secret), *_ = (await printed(db, lane, offer, now)).cards
    people = [new_id() for _ in range(10)]
    answers = await asyncio.gather(*(activated(db, offer, number, secret, now, member=one) for one in people))
    assert sum(isinstance(a, Activated) for a in answers) == 1
    assert {a.code for a in answers if not isinstance(a, Activated)} == {"card_taken"}
    assert await audit_clean(db)


async def test_control_without_the_lock_a_card_is_activated_by_many(db: Database, now):
    """A look first and a write after: two people hold one card, and each was told that it is his."""
    await crowd(db)
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, QCard(), 9_900)
    (number, _), *_ = (await printed(db, lane, offer, now)).cards

    async def naive() -> bool:
        async with db.city(CITY) as tx:
            found = await cards.number(tx, number, city_id=CITY)
            await asyncio.sleep(0.01)
            if found is None or found.state != "printed":
                return False
            await tx.run(
                """update cards.numbers set state = 'active', voucher_id = %(id)s, member_id = %(id)s
                   where city_id = %(city)s and number = %(number)s""",
                city=CITY, number=number, id=new_id(),
            )  # fmt: skip
            return True

    assert sum(await asyncio.gather(*(naive() for _ in range(8)))) > 1


async def test_a_lost_card_goes_on_under_a_new_number(db: Database, now):
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, Stored(), 5_000)
    card = await a_holder(db, lane, offer, now)
    give = Give(voucher_id=card.voucher_id, member_id=ANN, offer_id=offer.offer_id)
    old = await run(db, lambda tx: cards.give_numbers(tx, [give], city_id=CITY, now=now))
    assert await run(db, lambda tx: cards.give_numbers(tx, [give], city_id=CITY, now=now)) == old
    lose = Lose(voucher_id=card.voucher_id, member_id=ANN)
    blocked = await run(db, lambda tx: cards.lose(tx, [lose], city_id=CITY, now=now))
    assert (blocked.number, blocked.state) == (old.number, "blocked")
    again = Lose(voucher_id=card.voucher_id, member_id=ANN, replace=True)
    new = await run(db, lambda tx: cards.lose(tx, [again], city_id=CITY, now=now))
    assert new.number != old.number
    async with db.reading(CITY) as tx:
        gone = await cards.number(tx, old.number, city_id=CITY)
        there = await cards.numbers_of(tx, [card.voucher_id], city_id=CITY)
    assert gone is not None
    assert (gone.state, gone.replaced_by) == ("replaced", new.number)
    assert there[card.voucher_id].number == new.number
    assert await audit_clean(db)


async def test_one_card_takes_off_what_each_merchant_joined_with(db: Database, now):
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, QCard(tier="gold"), 9_900)
    card = await a_holder(db, lane, offer, now)
    tea = await a_merchant(db, "茶馆", "Tea House", now=now)
    room = Lane(
        merchant=tea, store=await a_store(db, tea, now=now), other_store=lane.other_store, lin=lane.lin, offer=offer
    )
    (no,) = await settle(db, [a_bill(room, 10_000, await shown(db, room, now, card))], now)
    assert getattr(no, "code", "") == "card_not_joined"
    joins = [
        Join(offer_id=offer.offer_id, merchant_id=tea, tier="gold", percent=12, by=None),
        Join(offer_id=offer.offer_id, merchant_id=lane.merchant, tier="gold", percent=5, by=None),
        Join(offer_id=offer.offer_id, merchant_id=lane.merchant, tier="base", percent=1, by=None),
    ]
    async with db.city(CITY) as tx:
        await cards.join(tx, joins, city_id=CITY, now=now)
    there = await settled(db, a_bill(room, 10_000, await shown(db, room, now, card, typed=True)), now)
    here = await settled(db, a_bill(lane, 10_000, await shown(db, lane, now, card, typed=True)), now)
    assert (there.discounted, here.discounted) == (yuan(1_200), yuan(500))
    assert there.discounts[0].shares == (("merchant", 1_200),)
    leave = Join(offer_id=offer.offer_id, merchant_id=tea, tier="gold", percent=None, by=None)
    async with db.city(CITY) as tx:
        await cards.join(tx, [leave], city_id=CITY, now=now)
    (out,) = await settle(db, [a_bill(room, 10_000, await shown(db, room, now, card, typed=True))], now)
    assert getattr(out, "code", "") == "card_not_joined"
    assert await audit_clean(db)


async def test_a_membership_opens_the_promotions_of_its_tag_and_counts_what_it_saved(db: Database, now):
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, Membership(days=365, tag="friend"), 19_900)
    card = await a_holder(db, lane, offer, now)
    rule = Rule(
        promotion_id=new_id(), name=Text(zh="会员九折", en="Friends pay 90 %"), benefit=PercentOff(bps=1_000),
        conditions=(Tags(any_of=("friend",)),),
    )  # fmt: skip
    save = SavePromotion(
        merchant_id=lane.merchant, by=None, rule=rule, starts_at=now - timedelta(days=1),
        budgets=(Budget(most_units=10_000),),
    )  # fmt: skip
    async with db.city(CITY) as tx:
        await pricing.save_promotions(tx, [save], city_id=CITY, now=now)
        await pricing.publish(tx, [PromotionStep(promotion_id=rule.promotion_id, by=None)], city_id=CITY, now=now)
    first = await settled(db, a_bill(lane, 8_000, await shown(db, lane, now, card)), now)
    second = await settled(db, a_bill(lane, 2_000, await shown(db, lane, now, card, typed=True)), now)
    assert isinstance(first, Bill)
    assert (first.discounted, second.collect) == (yuan(800), yuan(1_800))
    async with db.reading(CITY) as tx:
        saved = await till.saved_with(tx, [card.voucher_id], city_id=CITY)
    assert (saved[card.voucher_id].units, saved[card.voucher_id].bills) == (1_000, 2)
    assert await audit_clean(db)
