"""What the programme's manager decides: what a point is, the rules, who takes part, campaigns. For the platform."""

from uuid import UUID

from msgspec import Struct

from hutong import ledger, programmes
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.desk.overseeing import must
from hutong.infra.db import Tx
from hutong.kit.access import Actor
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound
from hutong.ledger import Book, chart
from hutong.programmes import Campaign, Partner, Policy, Programme

MOST_PARTNERS = 200


class Cover(Struct, frozen=True, kw_only=True):
    """What stands behind a programme's points: the reserve, and the face of all points outstanding."""

    outstanding: Amount
    face: Amount
    reserve: Amount

    @property
    def holds(self) -> bool:
        return self.reserve.units >= self.face.units


class Seen(Struct, frozen=True, kw_only=True):
    """A programme as its manager sees it. `rules`: all versions, newest first. `partners`: also those that left."""

    programme: Programme
    cover: Cover
    rules: list[Policy]
    partners: list[Partner]
    campaigns: list[Campaign]


async def cover(tx: Tx, programme: Programme) -> Cover:
    """The reserve against the points that members have, by the programme's own book."""
    book, one = Book.programme(programme.programme_id), programme
    paths = [account.path for account in (chart.reserve(), chart.issued(), chart.redeemed(), chart.expired())]
    found = {(b.path, b.posted.asset): b.posted.units for b in await ledger.balances(tx, book, paths=paths)}
    used = sum(found.get((account.path, one.asset), 0) for account in (chart.redeemed(), chart.expired()))
    points = found.get((chart.issued().path, one.asset), 0) - used
    return Cover(
        outstanding=Amount(points, one.asset), face=Amount(points * one.face_units, one.currency),
        reserve=Amount(found.get((chart.reserve().path, one.currency), 0), one.currency),
    )  # fmt: skip


async def every(house: House, actor: Actor) -> list[tuple[Programme, Cover]]:
    """All programmes with what stands behind them. Raises not_allowed."""
    must(actor)
    async with house.db.reading() as tx:
        return [(one, await cover(tx, one)) for one in await programmes.programmes(tx, at=house.clock.now())]


async def one(house: House, actor: Actor, programme_id: UUID) -> Seen:
    """A programme with everything that was decided about it. Raises not_allowed, not_found."""
    must(actor)
    async with house.db.reading() as tx:
        found = await programmes.programme(tx, programme_id, at=house.clock.now())
        if found is None:
            raise NotFound()
        rules = (await programmes.policies(tx, [programme_id])).get(programme_id, [])
        return Seen(
            programme=found, cover=await cover(tx, found), rules=list(reversed(rules)),
            partners=await programmes.partners(tx, programme_id, left=True, limit=MOST_PARTNERS),
            campaigns=await programmes.campaigns(tx, [programme_id]),
        )  # fmt: skip


async def save(house: House, actor: Actor, programme: Programme) -> Programme:
    """Make a programme, or change its name and cities. Raises not_allowed and what save_programmes refuses."""
    must(actor)
    async with house.db.central() as tx:
        done = await programmes.save_programmes(tx, [programme], by=actor.member_id, now=house.clock.now())
        return sure(done[0])


async def rule(house: House, actor: Actor, policy: Policy) -> Policy:
    """Add a version of the rules; it holds from its time on. Raises not_allowed and what set_policies refuses."""
    must(actor)
    async with house.db.central() as tx:
        return sure((await programmes.set_policies(tx, [policy], now=house.clock.now()))[0])


async def turn(house: House, actor: Actor, programme_id: UUID, what: str) -> Programme:
    """Open or close a programme. Raises not_allowed, not_found and what open_programmes refuses."""
    must(actor)
    verb = {"open": programmes.open_programmes, "close": programmes.close_programmes}.get(what)
    if verb is None:
        raise NotFound()
    async with house.db.central() as tx:
        return sure((await verb(tx, [programme_id], by=actor.member_id, now=house.clock.now()))[0])


async def partner(house: House, actor: Actor, wanted: Partner, *, reason: str) -> Partner:
    """Let a merchant join (`version` 0), or change how he stands. Raises not_allowed and what programmes refuses."""
    must(actor)
    by, now = actor.member_id, house.clock.now()
    async with house.db.central() as tx:
        if wanted.version == 0:
            return sure((await programmes.join_partners(tx, [wanted], by=by, now=now))[0])
        return sure((await programmes.change_partners(tx, [wanted], by=by, reason=reason[:200], now=now))[0])


async def campaign(house: House, actor: Actor, wanted: Campaign) -> Campaign:
    """Make a campaign. Raises not_allowed and what save_campaigns refuses."""
    must(actor)
    async with house.db.central() as tx:
        done = await programmes.save_campaigns(tx, [wanted], by=actor.member_id, now=house.clock.now())
        return sure(done[0])
