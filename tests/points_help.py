"""What tests of points at the till share: Mei's shop in an alliance, Ann who shows her code, Tao who types the bill."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import people, programmes
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.text import Text
from hutong.people import AddMember, Badge, Present, TakeBadge, badge_text, fresh_badge_secret
from hutong.programmes import Partner, Wallet
from hutong.till import Guest
from tests.lane import CITY, Lane
from tests.programmes_help import Alliance, an_alliance
from tests.till_help import TAO

PHONE = "+8613800138001"


async def a_shop(db: Database, lane: Lane, now: datetime, *, block: int = 1_000_000, **rules: Any) -> Alliance:
    """Grains, one for each whole yuan, worth a fen each, that mature at once; Mei has paid a block in."""
    alliance = await an_alliance(db, **{"pending_days": 0} | rules)
    await joins(alliance, "noodle-bar", lane.merchant, now, block=block)
    return alliance


async def joins(alliance: Alliance, name: str, merchant: UUID, now: datetime, *, block: int, **terms: Any) -> None:
    """A merchant becomes a partner."""
    given: dict[str, Any] = {"mode": "prepaid", "home_city": CITY, "joined_at": now - timedelta(days=1)} | terms
    partner = Partner(programme_id=alliance.programme_id, partner_id=merchant, name=Text.both(name), **given)
    (joined,) = await alliance.run(lambda tx: programmes.join_partners(tx, [partner], by=None, now=now))
    assert isinstance(joined, Partner), joined
    alliance.partners[name], alliance.versions[name] = merchant, joined
    if block:
        await alliance.pay_in(name, block, now=now)


async def a_member(db: Database, name: str = "Ann Lee", phone: str = PHONE, now: datetime | None = None) -> UUID:
    """A member with a number."""
    member_id = new_id()
    async with db.central() as tx:
        await people.add_members(tx, [AddMember(member_id=member_id, phone=phone, name=name, language="zh")], now=now)
    return member_id


async def badge_of(db: Database, member_id: UUID, now: datetime) -> Badge:
    async with db.central() as tx:
        (badge,) = await people.take_badges(tx, [TakeBadge(member_id, fresh_badge_secret())], now=now)
    return badge


async def shows(db: Database, lane: Lane, member_id: UUID, now: datetime, *, staff: UUID = TAO) -> Guest:
    """The member shows the code of this moment, and the counter recognises her."""
    text = badge_text(await badge_of(db, member_id, now), now)
    ask = Present(presented=text, store_id=lane.store, staff_id=staff)
    async with db.reading(CITY) as tx:
        (found,) = await people.present_badges(tx, [ask], now=now)
    assert isinstance(found, people.Guest), found
    return Guest(way="code", member_id=member_id, proof=found.proof)


async def wallet_of(alliance: Alliance, member_id: UUID, now: datetime) -> Wallet:
    return await alliance.run(lambda tx: programmes.wallet(tx, member_id, alliance.programme_id, now=now))


async def matured(alliance: Alliance, now: datetime) -> None:
    """What is due becomes available."""
    while await alliance.run(lambda tx: programmes.mature(tx, programme_id=alliance.programme_id, now=now)):
        pass
