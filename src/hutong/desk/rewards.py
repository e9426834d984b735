"""A full stamp card becomes its reward: a coupon that is given to its holder, by a free order like every coupon."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong import catalog, orders, pricing, till, vouchers
from hutong.catalog import Stamp
from hutong.desk.house import House
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.logs import get_logger
from hutong.infra.relay import Handler
from hutong.kit.access import EVERYTHING
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.orders import Choice, Place, Wanted
from hutong.pricing import AddBatch, NewCode
from hutong.till import Bill, reward_order
from hutong.vouchers import Voucher

log = get_logger("hutong.rewards")


def handler(house: House) -> Handler:
    """What the relay gives us: bills that filled a stamp card. Each full card is rewarded once for the bill."""

    async def do(tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        full = [fact.subject for fact in facts if fact.payload.get("full")]
        if not full:
            return
        bills = await till.by_ids(tx, EVERYTHING, full, city_id=city_id)
        await reward(house, tx, list(bills.values()), city_id=city_id, now=now)

    return Handler(name="till.rewards", topics=frozenset({"till.settled"}), do=do)


async def reward(house: House, tx: Tx, bills: Sequence[Bill], *, city_id: int, now: datetime) -> None:
    """Give what these bills earned, unless they were undone or it is given already. A card becomes nothing but a coupon
    that its own merchant issues: whose form names another one's gets none of it."""
    stamped = {
        use.voucher_id: bill
        for bill in bills
        if bill.undone_at is None
        for use in bill.uses
        if use.role == "stamp" and not use.uses_left
    }
    held = await vouchers.by_ids(tx, sorted(stamped), city_id=city_id)
    offers = await catalog.offers(tx, [card.offer_id for card in held], city_id=city_id) if held else []
    asks = [
        (stamped[card.voucher_id], card, offer.form.reward)
        for card, offer in zip(held, offers, strict=True)
        if offer is not None and isinstance(offer.form, Stamp) and offer.form.reward is not None
    ]
    asks = await _own(tx, asks, city_id=city_id)
    there = await orders.concerns(
        tx, [reward_order(bill.bill_id, card.voucher_id) for bill, card, _ in asks], city_id=city_id
    )
    new = [one for one in asks if reward_order(one[0].bill_id, one[1].voucher_id) not in there]
    if not new:
        return
    await pricing.add_batches(tx, [_code(*one) for one in new], city_id=city_id, now=now)
    places = [_place(bill, card, reward_id) for bill, card, reward_id in new]
    answers = await orders.place(
        tx, places, city_id=city_id, now=now, schemes=house.schemes, hold_for=house.hold_for
    )  # fmt: skip
    for ask, answer in zip(places, answers, strict=True):
        if isinstance(answer, Refusal):  # the shop ended its reward: it owes one, and its staff can see it here
            log.warning("reward_refused", order=str(ask.order_id), reason=answer.code)


async def _own(
    tx: Tx, asks: Sequence[tuple[Bill, Voucher, UUID]], *, city_id: int
) -> list[tuple[Bill, Voucher, UUID]]:  # fmt: skip
    """Those of which the reward is the merchant's own to issue."""
    found = await catalog.offers(tx, [reward_id for _, _, reward_id in asks], city_id=city_id) if asks else []
    own = [one for one, reward in zip(asks, found, strict=True) if catalog.may_reward(reward, one[1].merchant_id)]
    for bill, card, reward_id in asks:
        if (bill, card, reward_id) not in own:
            log.warning("reward_not_own", card=str(card.voucher_id), reward=str(reward_id))
    return own


def _code(bill: Bill, card: Voucher, reward_id: UUID) -> AddBatch:
    """The leave to claim it, for this member alone."""
    code = NewCode(code_id=_code_id(bill, card), tail=card.code_tail, member_id=card.member_id)
    return AddBatch(
        batch_id=derive(bill.bill_id, f"reward/batch/{card.voucher_id}"), promotion_id=reward_id, kind="issued",
        label="stamps", by=None, codes=(code,),
    )  # fmt: skip


def _code_id(bill: Bill, card: Voucher) -> UUID:
    return derive(bill.bill_id, f"reward/code/{card.voucher_id}")


def _place(bill: Bill, card: Voucher, reward_id: UUID) -> Place:
    order_id = reward_order(bill.bill_id, card.voucher_id)
    return Place(
        order_id=order_id, payment_id=derive(order_id, "payment"), member_id=card.member_id,
        member_name=card.holder_name, phone_tail="", channel="reward",
        wants=(Wanted(reward_id, 1, Choice("coded", _code_id(bill, card))),),
    )  # fmt: skip
