"""Telling an applicant how far he has come: a business let in, sent back, refused; a store open or sent back."""

from datetime import datetime
from uuid import UUID

from hutong.desk.house import House
from hutong.desk.telling import tell
from hutong.infra.db import Database
from hutong.infra.facts import Fact
from hutong.infra.relay import Errand
from hutong.kit.ids import derive
from hutong.messages import Tell

# What he did himself - sending it in, taking it back - he knows.
KINDS = {
    "recruiting.moved": {
        "approved": "application_approved", "returned": "application_returned", "rejected": "application_rejected",
    },
    "recruiting.store_moved": {"open": "new_store_open", "returned": "new_store_returned"},
}  # fmt: skip


def errand(house: House) -> Errand:
    """What the relay gives us: one step of an application, outside any transaction."""

    async def do(db: Database, fact: Fact, /, *, city_id: int, now: datetime) -> None:
        del db
        await tell(house, told_of(fact, city_id), purpose="orders", now=now)

    return Errand(name="messages.applications", topics=frozenset(KINDS), do=do)


def told_of(fact: Fact, city_id: int) -> list[Tell]:
    """The message, without the reason: that stands on the page of the application, for whoever may see it."""
    kind = KINDS[fact.topic].get(fact.payload["state"])
    if kind is None:
        return []
    member = UUID(fact.payload["member_id"])
    return [
        Tell(
            member_id=member, message_id=derive(fact.fact_id, f"inbox/{member}"), kind=kind,
            facts={"name": fact.payload["name"]}, city_id=city_id, subject=fact.subject,
        )
    ]  # fmt: skip
