"""Clearing at the edge: the round that closes what is due and books it, and what people do with a statement."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong import clearing, merchants, people, programmes
from hutong.clearing import (
    Case,
    Close,
    Closed,
    Decide,
    Dispute,
    Line,
    Month,
    Post,
    Run,
    Statement,
    StatementUnknown,
    Sum,
)
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.desk.telling import tell
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.infra.relay import Errand
from hutong.infra.tasks import Periodic
from hutong.kit.access import EVERYTHING, PERMISSIONS, Actor, Permission
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import NotAllowed, NotFound, Refusal
from hutong.kit.text import Text
from hutong.messages import Tell
from hutong.programmes import Movement, Programme

AT_ONCE = 200  # statements that are booked in one transaction


class Cleared(Struct, frozen=True):
    """What one turn of the round did."""

    closed: int
    booked: int


def month_end(after: datetime, zone: str, day: int) -> datetime:
    """The next local midnight that begins the `day` of a month, behind `after`."""
    here = local_day(after, zone)
    first = here.replace(day=1)
    for _ in range(3):
        end = day_start(first.replace(day=day), zone)
        if end > after:
            return end
        first = (first + timedelta(days=32)).replace(day=1)
    raise AssertionError("unreachable")


async def next_period(tx: Tx, programme: Programme, *, day: int) -> tuple[datetime, datetime] | None:
    """The period that is closed next: from the end of the last one, or from the day of the first point."""
    last = await clearing.run_of(tx, programme.programme_id)
    begin = last.until if last else await clearing.begins(tx, programme.programme_id, asset=programme.currency)
    if begin is None:
        return None
    since = begin if last else day_start(local_day(begin, programme.zone), programme.zone)
    return since, month_end(since, programme.zone, day)


async def clear_due(house: House, actor: Actor, programme_id: UUID | None = None) -> Cleared:
    """Close what is due (of one programme only, when it is named) and book it now, instead of at the next round. What
    is not over stays open. Raises not_allowed, not_found."""
    if not actor.can(Permission.RUN_PLATFORM):
        raise NotAllowed()
    now, settings = house.clock.now(), house.settings
    if programme_id is not None:
        async with house.db.reading() as tx:
            if await programmes.programme(tx, programme_id, at=now) is None:
                raise NotFound()
    grace = timedelta(minutes=settings.clearing_grace_minutes)
    return await clear(house.db, now, day=settings.clearing_day, grace=grace, only=programme_id)


async def clear(
    db: Database, now: datetime, *, day: int = 1, grace: timedelta = timedelta(0), only: UUID | None = None
) -> Cleared:
    """Book what is closed, then close every period that ended at least `grace` ago, and book that. `only`: the periods
    of one programme.

    `day`: on which day of a month periods begin. Interrupted anywhere, the next turn goes on; two turns at a time do
    everything once (a programme is closed under its lock, a statement is booked under its own).
    """
    closed, booked = 0, await book(db, now)
    async with db.reading() as tx:
        every = [
            one
            for one in await programmes.programmes(tx, at=now)
            if one.state != "draft" and only in (None, one.programme_id)
        ]
    for programme in every:
        while True:
            result = await _close_next(db, programme, now, day=day, grace=grace)
            if result is None:
                break
            closed += int(not result.replayed)
            booked += await book(db, now)
    return Cleared(closed, booked)


def periodic(house: House) -> Periodic:
    """The round of the house that clears what is due."""

    async def do(db: Database, now: datetime) -> None:
        grace = timedelta(minutes=house.settings.clearing_grace_minutes)
        await clear(db, now, day=house.settings.clearing_day, grace=grace)

    return Periodic(name="clearing.close", every_s=300, do=do)


async def _close_next(
    db: Database, programme: Programme, now: datetime, *, day: int, grace: timedelta
) -> Closed | None:
    async with db.reading() as tx:
        period = await next_period(tx, programme, day=day)
    if period is None or now < period[1] + grace:
        return None
    return await close(db, programme.programme_id, *period, now=now)


async def close(db: Database, programme_id: UUID, since: datetime, until: datetime, *, now: datetime) -> Closed | None:
    """Close one period now; None when another worker was faster (its run stands) or it may not be closed yet."""
    # The id follows from the period: two workers who close the same one ask for the same run.
    run_id = derive(programme_id, f"clearing/{since.isoformat()}/{until.isoformat()}")
    ask = Close(run_id=run_id, programme_id=programme_id, since=since, until=until)
    async with db.member(programme_id) as tx:
        result = (await clearing.close(tx, [ask], now=now))[0]
    return None if isinstance(result, Refusal) else result


async def book(db: Database, now: datetime) -> int:
    """Book every closed statement that is not: sets of one city, each a transaction of its own. How many."""
    booked = 0
    while True:
        async with db.reading() as tx:
            waiting = await clearing.waiting(tx)
        if not waiting:
            break
        key = waiting[0].programme_id, waiting[0].home_city
        some = [one for one in waiting if (one.programme_id, one.home_city) == key][:AT_ONCE]
        booked += await _book_set(db, key[1], [Post(**_key(one)) for one in some], now)
    async with db.reading() as tx:
        open_runs = await clearing.unfinished(tx)
    for programme_id in open_runs:
        async with db.member(programme_id) as tx:
            await clearing.finish(tx, [programme_id], now=now)
    return booked


def _key(one: clearing.Waiting) -> dict[str, UUID]:
    return {"programme_id": one.programme_id, "run_id": one.run_id, "party_id": one.party_id}


async def _book_set(db: Database, city_id: int, posts: Sequence[Post], now: datetime) -> int:
    async def work(tx: Tx) -> int:
        results = [sure(one) for one in await clearing.post(tx, posts, city_id=city_id, now=now)]
        return sum(not one.replayed for one in results)

    return await db.run_city(city_id, work)


class Sheet(Struct, frozen=True, kw_only=True):
    """A statement with all that a page, a workbook or a print of it says."""

    statement: Statement
    programme: Programme
    name: Text  # of the partner; the programme's own statement has the programme's
    stores: dict[UUID, Text]
    by_store: list[Sum]
    by_day: list[Sum]
    cases: list[Case]

    @property
    def run(self) -> Run:
        return self.statement.run

    def amount(self, units: int) -> Amount:
        return Amount(units, self.run.asset)


def may_see(actor: Actor, statement: Statement) -> bool:
    """The partner's owner, the operator of his home city, the platform; the programme's own is the platform's."""
    if statement.party == "programme":
        return actor.can(Permission.RUN_PLATFORM)
    return actor.can(Permission.VIEW_STATEMENT, city=statement.home_city, merchant=statement.party_id)


async def seen(tx: Tx, actor: Actor, run_id: UUID, party_id: UUID) -> Statement:
    """A statement that the actor may read. Raises clearing_not_found, also for what he may not see."""
    found = await clearing.statement_of(tx, party_id, run_id=run_id)
    if found is None or not may_see(actor, found):
        raise StatementUnknown()
    return found


async def sheet(tx: Tx, statement: Statement, *, now: datetime) -> Sheet:
    """The statement with names and sums by store and by day."""
    run, party = statement.run, statement.party_id
    programme = await programmes.programme(tx, run.programme_id, at=now)
    assert programme is not None, "a run outlives its programme"
    where = {"run_id": run.run_id, "party_id": party}
    by_store = await clearing.sums(tx, run.programme_id, by="store", **where)
    names = await merchants.merchants(tx, [party]) if statement.party == "partner" else {}
    return Sheet(
        statement=statement, programme=programme, name=names[party].name if party in names else programme.name,
        stores=await _stores(tx, {(one.city_id, one.store_id) for one in by_store}),
        by_store=by_store, by_day=await clearing.sums(tx, run.programme_id, by="day", **where),
        cases=[c for c in await clearing.disputes(tx, party_id=party, programme_id=run.programme_id, limit=500)
               if run.run_id in (c.run_id, c.settled_run)],
    )  # fmt: skip


async def _stores(tx: Tx, wanted: set[tuple[int | None, UUID | None]]) -> dict[UUID, Text]:
    """Names of stores; one statement for each city that they lie in."""
    found: dict[UUID, Text] = {}
    for city_id in sorted({city for city, _ in wanted if city is not None}):
        ids = sorted(store for city, store in wanted if city == city_id and store is not None)
        found |= {key: store.name for key, store in (await merchants.stores(tx, city_id, ids)).items()}
    return found


async def movements(tx: Tx, programme_id: UUID, lines: Sequence[Line]) -> dict[UUID, Movement]:
    """The movements of points behind lines."""
    return await programmes.movements_by_ids(tx, programme_id, sorted({one.entry.movement_id for one in lines}))


async def dispute(
    house: House, actor: Actor, *, run_id: UUID, party_id: UUID, transfer_id: UUID, reason: str
) -> Case | Refusal:
    """The partner's owner says that a line is wrong. Raises not_allowed, clearing_not_found; refusals of the case."""
    async with house.db.reading() as tx:
        statement = await seen(tx, actor, run_id, party_id)
    if statement.home_city is None or not actor.can(Permission.VIEW_STATEMENT, merchant=party_id):
        raise NotAllowed()
    city_id = statement.home_city
    ask = Dispute(
        dispute_id=new_id(), programme_id=statement.run.programme_id, party_id=party_id, transfer_id=transfer_id,
        reason=reason, by=actor.member_id,
    )  # fmt: skip

    async def work(tx: Tx) -> Case | Refusal:
        return (await clearing.dispute(tx, [ask], city_id=city_id, now=house.clock.now()))[0]

    result = await house.db.run_city(city_id, work)
    house.nudge()
    return result


async def decide(
    house: House, actor: Actor, *, programme_id: UUID, dispute_id: UUID, correct_units: int | None, note: str
) -> Case | Refusal:
    """The platform's word on a case: it stands (`correct_units` None), or it should have been that much.

    Raises not_allowed, dispute_not_found; the refusals of the decision come back.
    """
    if not actor.can(Permission.RUN_PLATFORM):
        raise NotAllowed()
    async with house.db.reading() as tx:
        case = await clearing.case(tx, programme_id, dispute_id)
    if case is None:
        raise clearing.DisputeUnknown()
    ask = Decide(
        dispute_id=dispute_id, programme_id=programme_id, state="upheld" if correct_units is None else "corrected",
        correct_units=correct_units, note=note, by=actor.member_id,
    )  # fmt: skip

    async def work(tx: Tx) -> Case | Refusal:
        return (await clearing.decide(tx, [ask], city_id=case.home_city, now=house.clock.now()))[0]

    result = await house.db.run_city(case.home_city, work)
    house.nudge()
    return result


async def months(tx: Tx, programme: Programme, *, limit: int = 24) -> list[Month]:
    """Liability, breakage and reserve of a programme by period, the running one first."""
    return await clearing.months(
        tx, programme.programme_id, asset=programme.currency, face_units=programme.face_units, limit=limit
    )


def whole_programme(actor: Actor, programme: Programme) -> bool:
    """Whether somebody may see a programme's own figures: the platform, and who runs all of its cities."""
    return all(actor.can(Permission.VIEW_STATEMENT, city=city) for city in programme.cities)


def teller(house: House) -> Errand:
    """Owners hear of their statement, of a debt above their limit, and how their dispute was decided."""
    kinds = {
        "clearing.posted": "clearing_ready", "clearing.over_limit": "clearing_over_limit",
        "clearing.decided": "clearing_decided",
    }  # fmt: skip

    async def do(db: Database, fact: Fact, /, *, city_id: int, now: datetime) -> None:
        merchant_id = UUID(fact.payload["merchant"])
        async with db.central() as tx:
            staff = await people.staff(tx, EVERYTHING, merchant_id=merchant_id)
        owners = sorted({one.member_id for one in staff if Permission.VIEW_STATEMENT in PERMISSIONS[one.role]})
        units = fact.payload["payable" if fact.topic.endswith("over_limit") else "net"]
        told = [
            Tell(
                member_id=member, message_id=derive(fact.fact_id, f"inbox/{member}"), kind=kinds[fact.topic],
                facts={"units": units, "asset": fact.payload["asset"]}, city_id=city_id,
            )
            for member in owners
        ]  # fmt: skip
        await tell(house, told, purpose="orders", now=now)

    return Errand(name="messages.clearing", topics=frozenset(kinds), do=do)
