"""Telling a member where his parcel is: on its way, arrived."""

from datetime import datetime
from uuid import UUID

from msgspec import to_builtins

from hutong import mall, orders
from hutong.desk.house import House
from hutong.desk.telling import tell
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.relay import Errand
from hutong.kit.ids import derive
from hutong.messages import Tell

KINDS = {"sent": "parcel_sent", "delivered": "parcel_arrived"}  # of what came back he hears with his points


def errand(house: House) -> Errand:
    """What the relay gives us: one step of a parcel, outside any transaction."""

    async def do(db: Database, fact: Fact, /, *, city_id: int, now: datetime) -> None:
        async with db.reading(city_id) as tx:
            told = await told_of(tx, fact, city_id)
        await tell(house, told, purpose="orders", now=now)

    return Errand(name="messages.parcels", topics=frozenset({"mall.moved"}), do=do)


async def told_of(tx: Tx, fact: Fact, city_id: int) -> list[Tell]:
    """The message: who carries it under which number, or that it is there. Who said so himself knows it."""
    kind, member = KINDS.get(fact.payload["state"]), UUID(fact.payload["member_id"])
    if kind is None or fact.payload["by"] == str(member):
        return []
    concern = (await orders.concerns(tx, [fact.subject], city_id=city_id)).get(fact.subject)
    parcel = (await mall.deliveries_of(tx, [fact.subject], city_id=city_id)).get(fact.subject)
    if concern is None or parcel is None:
        return []
    facts = {"offer": to_builtins(concern.title), "carrier": parcel.carrier, "number": parcel.number}
    return [
        Tell(
            member_id=member, message_id=derive(fact.fact_id, f"inbox/{member}"), kind=kind, facts=facts,
            city_id=city_id, subject=fact.subject,
        )
    ]  # fmt: skip
