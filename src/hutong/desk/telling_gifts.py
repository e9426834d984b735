"""Telling giver and friend what became of a gift."""

from datetime import datetime
from typing import Any

from msgspec import to_builtins

from hutong import vouchers
from hutong.desk import telling
from hutong.desk.house import House
from hutong.infra.db import Database
from hutong.infra.facts import Fact
from hutong.infra.relay import Errand
from hutong.kit.ids import derive
from hutong.messages import Tell
from hutong.vouchers import GiftSeen

TOPICS = frozenset({"vouchers.gift_claimed", "vouchers.gift_returned"})


def errand(house: House) -> Errand:
    """What the relay gives us: one fact, outside any transaction."""

    async def do(db: Database, fact: Fact, /, *, city_id: int, now: datetime) -> None:
        async with db.reading(city_id) as tx:
            found = (await vouchers.gifts_by_ids(tx, [fact.subject], city_id=city_id)).get(fact.subject)
        if found is not None:
            await telling.tell(house, told_of(fact, found), purpose="orders", now=now)

    return Errand(name="messages.tell_gifts", topics=TOPICS, do=do)


def told_of(fact: Fact, seen: GiftSeen) -> list[Tell]:
    """Of an accepted gift both hear; of one that came back the giver. The giver's page is the tab of what he gave."""
    gift, offer = seen.gift, to_builtins(seen.title)

    def line(member: Any, kind: str, subject: Any, **facts: Any) -> Tell:
        return Tell(
            member_id=member, message_id=derive(fact.fact_id, f"inbox/{member}"), kind=kind,
            facts={"offer": offer, **facts}, city_id=gift.city_id, subject=subject,
        )  # fmt: skip

    if fact.topic == "vouchers.gift_returned":
        return [line(gift.giver_id, "gift_returned", gift.voucher_id)]
    return [
        line(gift.giver_id, "gift_accepted", None, name=gift.taker_name),
        line(gift.taker_id, "gift_received", gift.voucher_id, name=gift.giver_name),
    ]
