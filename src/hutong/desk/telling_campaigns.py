"""Telling the people of a merchant that the house has stopped their campaign."""

from datetime import datetime
from uuid import UUID

from hutong import people
from hutong.desk.house import House
from hutong.desk.telling import tell
from hutong.infra.db import Database
from hutong.infra.facts import Fact
from hutong.infra.relay import Errand
from hutong.kit.access import EVERYTHING, PERMISSIONS, Permission
from hutong.kit.ids import derive
from hutong.messages import Tell
from hutong.people import StaffMember


def errand(house: House) -> Errand:
    """The alarm has paused a promotion: whoever may write the merchant's offers hears of it, once."""

    async def do(db: Database, fact: Fact, /, *, city_id: int, now: datetime) -> None:
        if fact.payload["by"] is not None or fact.payload["merchant"] is None:
            return  # whoever pulled the switch knows it
        async with db.central() as tx:
            staff = await people.staff(tx, EVERYTHING, merchant_id=UUID(fact.payload["merchant"]))
        told = [
            Tell(
                member_id=member, message_id=derive(fact.fact_id, f"inbox/{member}"), kind="campaign_stopped",
                facts={"offer": fact.payload["name"]}, city_id=city_id,
            )
            for member in sorted({one.member_id for one in staff if _cares(one)})
        ]  # fmt: skip
        await tell(house, told, purpose="orders", now=now)

    return Errand(name="messages.campaigns", topics=frozenset({"pricing.promotion_paused"}), do=do)


def _cares(one: StaffMember) -> bool:
    return Permission.EDIT_OFFERS in PERMISSIONS[one.role] or Permission.EDIT_STORE in PERMISSIONS[one.role]
