"""Telling members what happened to them: facts become lines of their inboxes, and texts where they said yes.

An errand may run again: the id of a message follows from the fact, so it is told once and sent once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from babel.dates import format_date
from msgspec import to_builtins

from hutong import merchants, messages, orders, people, places, vouchers
from hutong.desk import signing
from hutong.desk.house import House
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.relay import Errand
from hutong.kit.access import EVERYTHING
from hutong.kit.clock import local_day
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.messages import Send, Tell
from hutong.orders import Concern
from hutong.people import Purpose

REMIND_BEFORE = timedelta(days=3)
ROUND = "expiring"
PAGE = 500
TOPICS = frozenset(
    {
        "orders.paid", "orders.refunded", "orders.refund_failed", "orders.refund_asked", "orders.tipped",
        "vouchers.redeemed", "vouchers.reversed",
    }
)  # fmt: skip
_OF_ORDERS = {
    "orders.paid": "order_paid", "orders.refunded": "refund_done", "orders.refund_failed": "refund_failed",
    "orders.refund_asked": "deal_failed",
}  # fmt: skip
# The texts that go to a number, by the kind of the message; kinds without one stay in the app.
_TEXTS = {
    "order_paid": "order_paid", "refund_done": "refund_done", "deal_failed": "deal_not_reached",
    "expiring": "voucher_expiring", "place_free": "place_free",
}  # fmt: skip


def errand(house: House) -> Errand:
    """What the relay gives us: one fact, outside any transaction."""

    async def do(db: Database, fact: Fact, /, *, city_id: int, now: datetime) -> None:
        if fact.topic == "orders.tipped":
            await _tipped(db, house, fact, city_id=city_id, now=now)
            return
        async with db.reading(city_id) as tx:
            told = await _about(tx, fact, city_id)
        await tell(house, told, purpose="orders", now=now)

    return Errand(name="messages.tell", topics=TOPICS, do=do)


async def _about(tx: Tx, fact: Fact, city_id: int) -> list[Tell]:
    """Whom the fact concerns, and what he is told."""
    if fact.topic.startswith("vouchers."):
        return await _used(tx, fact, city_id)
    kind = _kind(fact)
    if kind is None:
        return []
    concern = (await orders.concerns(tx, [fact.subject], city_id=city_id)).get(fact.subject)
    if concern is None:
        return []
    if concern.scheme == "coupons":
        return []  # a coupon that was claimed costs nothing: there is no receipt
    facts: dict[str, Any] = {"offer": to_builtins(concern.title), "n": concern.units}
    if fact.topic == "orders.paid":
        shop = (await merchants.merchants(tx, [concern.merchant_id])).get(concern.merchant_id)
        facts["store"] = to_builtins(shop.name if shop else Text("", ""))
    else:
        facts |= {"units": fact.payload["units"], "asset": fact.payload["asset"]}
    return [_line(concern.member_id, fact.fact_id, kind, facts, city_id, concern.order_id)]


def _kind(fact: Fact) -> str | None:
    """Which message a fact about an order is; None when nobody has to be told."""
    if fact.topic != "orders.refund_asked":
        return _OF_ORDERS[fact.topic]
    # Whoever asked for his money knows it; he hears when it is there.
    by_reason = {
        "not_tipped": "deal_failed", "team_failed": "deal_failed", "shop_closed": "shop_closed",
        "ladder": "ladder_back",
    }  # fmt: skip
    return by_reason.get(fact.payload.get("reason", ""))


# By whether it was used or undone, and whether it was stored value: of that the amount is told.
_USED = {
    (True, False): "voucher_used", (False, False): "use_undone", (True, True): "card_spent", (False, True): "card_back",
}  # fmt: skip


async def _used(tx: Tx, fact: Fact, city_id: int) -> list[Tell]:
    found = await vouchers.uses_by_ids(tx, EVERYTHING, [fact.subject], city_id=city_id)
    quiet = (vouchers.PARCEL, vouchers.TERM)  # told as a parcel that arrived; as a card that ends
    uses = [use for use in found if not use.request_no.startswith(quiet)]
    held = await vouchers.by_ids(tx, [use.voucher_id for use in uses], city_id=city_id)
    stores = await merchants.stores(tx, city_id, [use.store_id for use in uses])
    names = {store_id: store.name for store_id, store in stores.items()}
    used = fact.topic == "vouchers.redeemed"
    return [
        _line(
            voucher.member_id, fact.fact_id, _USED[used, use.value],
            {
                "offer": to_builtins(use.title), "n": use.times,
                "store": to_builtins(names.get(use.store_id, Text.both(use.store_name))),
            } | ({"units": use.count, "asset": use.asset} if use.value else {}),
            city_id, voucher.voucher_id,
        )
        for use, voucher in zip(uses, held, strict=True)
    ]  # fmt: skip


def _line(member: UUID, cause: UUID, kind: str, facts: dict[str, Any], city_id: int, subject: UUID) -> Tell:
    message_id = derive(cause, f"inbox/{member}")
    return Tell(member_id=member, message_id=message_id, kind=kind, facts=facts, city_id=city_id, subject=subject)


async def _tipped(db: Database, house: House, fact: Fact, *, city_id: int, now: datetime) -> None:
    """A deal has found its buyers: everybody who paid for it may use it now."""
    last: Concern | None = None
    while True:
        async with db.reading(city_id) as tx:
            found = await orders.buyers_of(
                tx, fact.subject, city_id=city_id, after=last.order_id if last else None, limit=PAGE
            )
        told = [
            _line(
                one.member_id, derive(fact.fact_id, str(one.order_id)), "deal_tipped",
                {"offer": to_builtins(one.title), "n": one.units}, city_id, one.order_id,
            )
            for one in found
        ]  # fmt: skip
        await tell(house, told, purpose="orders", now=now)
        if len(found) < PAGE:
            return
        last = found[-1]


async def tell(
    house: House, told: Sequence[Tell], *, purpose: Purpose, now: datetime,
    links: Mapping[UUID, dict[str, str]] = MappingProxyType({}),
) -> None:  # fmt: skip
    """Put the messages into the inboxes of those who want them there, and send texts to those who said yes to texts.

    `links`: by message, what only a text may carry, because whoever has it can act; no table keeps it.
    """
    if not told:
        return
    async with house.db.reading() as tx:
        ids = [one.member_id for one in told]
        wishes = await people.choices_of(tx, ids)
        there = await people.members(tx, ids)
        phones = await people.phones_of(tx, ids)
    living = [one for one in told if one.member_id in there and there[one.member_id].status == "active"]
    async with house.db.central() as tx:
        inboxes = [one for one in living if purpose == "orders" or wishes[one.member_id][purpose, "inbox"]]
        await messages.tell(tx, inboxes, now=now)
    texts = [
        Send(
            message_id=derive(one.message_id, "sms"), phone=phones[one.member_id], template=_TEXTS[one.kind],
            facts=_words(one.facts, there[one.member_id].language) | links.get(one.message_id, {}),
            language=there[one.member_id].language,
        )
        for one in living
        if one.kind in _TEXTS and one.member_id in phones and wishes[one.member_id][purpose, "sms"]
    ]  # fmt: skip
    if texts:
        await signing.send(house, texts)


def _words(facts: dict[str, Any], language: str) -> dict[str, str | int]:
    """The facts as a text message says them."""
    words: dict[str, str | int] = {"count": facts.get("n", 1)}
    for name in ("offer", "store"):
        if name in facts:
            words[name] = facts[name][language]
    words |= {"until": facts["until"]} if "until" in facts else {}
    if "units" in facts:
        amount = Amount(facts["units"], facts["asset"])
        words["amount"] = f"{amount.decimal()} {amount.asset}"
    if "day" in facts:
        day = datetime.fromisoformat(facts["day"]).date()
        pattern, locale = ("M月d日", "zh_CN") if language == "zh" else ("d MMMM", "en_GB")
        words["day"] = format_date(day, pattern, locale=locale)
    return words


async def remind(house: House, city_id: int, now: datetime) -> int:
    """A round: tell members of vouchers that end within three days, each once. How many lines of orders.

    The round remembers how far it came, so each end of validity is looked at once; the id of the message, which
    follows from the line of the order, is the net below.
    """
    async with house.db.reading(city_id) as tx:
        since = max(await messages.mark(tx, ROUND, city_id=city_id) or now, now)
        city = await places.city(tx, city_id)
    until, told, last = now + REMIND_BEFORE, 0, None
    if since >= until or city is None:
        return 0
    while True:
        async with house.db.reading(city_id) as tx:
            found = await vouchers.ending_soon(
                tx, city_id=city_id, since=since, until=until, after=last, limit=PAGE
            )  # fmt: skip
        lines = [
            _line(
                one.member_id, derive(one.line_id, ROUND), "expiring",
                {"offer": to_builtins(one.title), "n": one.units,
                 "day": local_day(one.valid_to - timedelta(seconds=1), city.zone).isoformat()},
                city_id, one.voucher_id,
            )
            for one in found
        ]  # fmt: skip
        await tell(house, lines, purpose="reminders", now=now)
        told += len(lines)
        if len(found) < PAGE:
            break
        last = found[-1]
    async with house.db.city(city_id) as tx:
        await messages.set_mark(tx, ROUND, until, city_id=city_id)
    return told
