"""The first administrator of a platform: named at the machine, because nobody is there who could give the role.

Later ones are named on the platform's page of access. Who can still reach the machine when nobody can sign in any more
names one again (`again`). The grant says who gave it: nobody, that is the house itself.
"""

from datetime import datetime

from hutong import people
from hutong.desk.keyed import sure
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import EVERYTHING, Role
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.people import AddMember, BadPhone, GiveRole, RoleGiven, StaffMember


class AdminsThere(Refusal):
    """Somebody can give the role on the platform's page, where it is known who did it."""

    code = "admins_there"
    say = Text(zh="平台已有 {count} 位管理员。", en="The platform has {count} administrator(s) already.")
    step = Text(
        zh="请在平台页面「权限」中授权；若无人能登录，请加 --again。",
        en="Give the role on the platform's page “Access”; when nobody can sign in any more, say --again.",
    )


async def name_admin(
    db: Database, *, phone: str, name: str, language: str, again: bool, now: datetime
) -> RoleGiven:  # fmt: skip
    """Give the platform to the member with this number; who has no account yet gets one. A second time it is the same.

    Raises bad_phone, bad_input (name), admins_there when others hold the role and it is not `again`.
    """
    number = people.normalise(phone)
    if number is None:
        raise BadPhone()
    async with db.central() as tx:
        ask = AddMember(member_id=new_id(), phone=number, name=name, language=language)
        member = sure((await people.add_members(tx, [ask], now=now))[0])
        held = await people.staff(tx, EVERYTHING, kinds=("platform",))
        if held and not again and member.member_id not in {one.member_id for one in held}:
            raise AdminsThere(count=len(held))
        give = GiveRole(grant_id=new_id(), member_id=member.member_id, role=Role.PLATFORM_ADMIN, by=None)
        return sure((await people.grant(tx, [give], now=now))[0])


async def admins(db: Database) -> list[StaffMember]:
    """Who runs the platform, the longest first."""
    async with db.reading() as tx:
        return await people.staff(tx, EVERYTHING, kinds=("platform",))
