"""Clearing: statements of a partner, lines, digests, disputes; programmes and their runs for the platform."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from hutong import clearing, programmes
from hutong.api.browse import Limit
from hutong.api.counter import cursor
from hutong.api.glue import Home, Who, with_token
from hutong.api.points import Short, programme_out
from hutong.api.shapes import In, Money, PageOut
from hutong.clearing import Case, Line, LineUnknown, Month, Run, Statement, StatementUnknown, Sum
from hutong.desk import alliances, clearings
from hutong.desk.clearings import Sheet
from hutong.kit.access import Actor, Permission
from hutong.kit.ids import CLEARING, DISPUTE, MERCHANT, MOVEMENT, PROGRAMME, STORE, BadId
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, NotAllowed, NotFound, Refusal
from hutong.programmes import Programme

Day = Annotated[date | None, QueryParameter(name="day", description="Lines of one day of the programme's zone")]
Before = Annotated[datetime | None, QueryParameter(name="after", description="As the page before said")]


class DisputeIn(In, frozen=True):
    """What is wrong with a line."""

    line: str
    reason: Annotated[str, Meta(min_length=1, max_length=1_000)]


def run_out(one: Run) -> dict[str, Any]:
    """A closed period; `digest`: SHA-256 over all its statements, the same whenever it is asked for."""

    def money(units: int) -> Money:
        return Money.of(Amount(units, one.asset))

    return {
        "id": CLEARING.show(one.run_id), "programme": PROGRAMME.show(one.programme_id), "number": one.number,
        "since": one.since, "until": one.until, "zone": one.zone, "entries": one.entries, "digest": one.digest,
        "reserve": money(one.reserve_units), "partners_net": money(one.partners_net), "closed_at": one.closed_at,
        "posted_at": one.posted_at,
    }  # fmt: skip


def statement_out(one: Statement) -> dict[str, Any]:
    """What a party gets (or owes, below zero) for a period: `net` is booked; `carried` was owed before."""

    def money(units: int) -> Money:
        return Money.of(Amount(units, one.run.asset))

    return {
        "clearing": CLEARING.show(one.run.run_id), "party": MERCHANT.show(one.party_id), "kind": one.party,
        "since": one.run.since, "until": one.run.until, "net": money(one.net_units),
        "carried": money(one.carried_units), "prepaid": money(one.prepaid_units), "escrow": money(one.escrow_units),
        "payable": None if one.payable_units is None else money(one.payable_units), "digest": one.digest,
        "posted_at": one.posted_at,
        "parts": [
            {"kind": p.kind, "via": p.via, "count": p.count, "points": p.points, "amount": money(p.units)}
            for p in one.parts
        ],
    }  # fmt: skip


def sum_out(one: Sum, it: Sheet) -> dict[str, Any]:
    """What one store or one day came to."""
    return {
        "store": STORE.show(one.store_id, one.city_id) if one.store_id and one.city_id else None, "day": one.day,
        "name": it.stores.get(one.store_id) if one.store_id else None, "count": one.count,
        "issued_points": one.issued_points, "burnt_points": one.burnt_points, "issued": Money.of(it.amount(one.issued)),
        "burnt": Money.of(it.amount(one.burnt)), "other": Money.of(it.amount(one.other)),
        "amount": Money.of(it.amount(one.units)),
    }  # fmt: skip


def case_out(one: Case) -> dict[str, Any]:
    """A disputed line; `held`: left out of the net until it is decided and cleared."""
    correct = one.correct_units
    return {
        "id": DISPUTE.show(one.dispute_id), "line": str(one.transfer_id), "kind": one.kind, "state": one.state,
        "amount": Money.of(Amount(one.units, one.asset)), "held": Money.of(Amount(one.held_units, one.asset)),
        "reason": one.reason, "opened_at": one.opened_at, "note": one.note, "decided_at": one.decided_at,
        "correct": None if correct is None else Money.of(Amount(correct, one.asset)),
        "settled": CLEARING.show(one.settled_run) if one.settled_run else None,
    }  # fmt: skip


def line_out(one: Line, asset: str) -> dict[str, Any]:
    """One line: what moved, where, by which rule, and the case about it."""
    entry = one.entry
    return {
        "id": str(entry.transfer_id), "kind": entry.kind, "via": entry.via, "points": entry.points,
        "amount": Money.of(Amount(entry.units, asset)), "movement": MOVEMENT.show(entry.movement_id),
        "store": STORE.show(entry.store_id, entry.city_id) if entry.store_id and entry.city_id else None,
        "rule": entry.rule, "at": entry.at, "dispute": case_out(one.case) if one.case else None,
    }  # fmt: skip


def _owned(actor: Actor, merchant: str) -> UUID:
    """The merchant, when the actor may read his books wherever he is. Raises not_found."""
    merchant_id = MERCHANT.read(merchant)
    if not actor.can(Permission.VIEW_STATEMENT, merchant=merchant_id):
        raise NotFound()
    return merchant_id


@get("/merchants/{merchant:str}/clearings", guards=[with_token], summary="Clearing statements of a partner")
async def of_partner(
    merchant: FromPath[str], actor: Who, house: Home, after: Before = None, limit: Limit = 24
) -> PageOut:
    """Newest period first. Needs statement:view of the whole merchant."""
    merchant_id = _owned(actor, merchant)
    if after is not None and after.tzinfo is None:
        raise BadInput(field="after", why="2026-11-01T00:00:00Z")
    async with house.db.reading() as tx:
        found = await clearing.statements_of_party(tx, merchant_id, before=after, limit=limit + 1)
    more = found[limit - 1].run.until.isoformat() if len(found) > limit else None
    return PageOut([statement_out(one) for one in found[:limit]], more)


@get("/clearings/{run:str}/{merchant:str}", guards=[with_token], summary="One statement")
async def one(run: FromPath[str], merchant: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """With its sums by store and by day and its disputes. For the partner's owner or key (statement:view), the operator
    of his home city and the platform; for others it is not there (clearing_not_found)."""
    async with house.db.reading() as tx:
        found = await clearings.seen(tx, actor, CLEARING.read(run), MERCHANT.read(merchant))
        it = await clearings.sheet(tx, found, now=house.clock.now())
    return statement_out(found) | {
        "name": it.name, "programme": PROGRAMME.show(it.programme.programme_id),
        "stores": [sum_out(one, it) for one in it.by_store], "days": [sum_out(one, it) for one in it.by_day],
        "disputes": [case_out(one) for one in it.cases],
    }  # fmt: skip


@get("/clearings/{run:str}/{merchant:str}/lines", guards=[with_token], summary="The lines of a statement")
async def lines(
    run: FromPath[str], merchant: FromPath[str], actor: Who, house: Home, kind: FromQuery[str | None] = None,
    store: FromQuery[str | None] = None, day: Day = None, after: Short = None, limit: Limit = 50,
) -> PageOut:  # fmt: skip
    """All of them add up to the statement. `kind`, `store`, `day` leave out others."""
    async with house.db.reading() as tx:
        found = await clearings.seen(tx, actor, CLEARING.read(run), MERCHANT.read(merchant))
        its = await clearing.lines(
            tx, found.run.programme_id, run_id=found.run.run_id, party_id=found.party_id, kind=kind, day=day,
            store_id=STORE.read_local(store)[1] if store else None, after=cursor(after), limit=limit + 1,
        )  # fmt: skip
    last = its[limit - 1].entry if len(its) > limit else None
    return PageOut(
        [line_out(one, found.run.asset) for one in its[:limit]],
        f"{last.at.isoformat()}~{last.transfer_id}" if last else None,
    )


@post("/clearings/{run:str}/{merchant:str}/disputes", guards=[with_token], summary="A line is wrong")
async def dispute(
    run: FromPath[str], merchant: FromPath[str], data: JSONBody[DisputeIn], actor: Who, house: Home
) -> dict[str, Any]:
    """The partner says that a line is wrong; until it is decided it is left out of what is paid or charged. A line has
    one case, so sending it twice opens one. Needs statement:view at the partner, and a person: a key cannot argue.
    Refusals: not_allowed, clearing_not_found, those of the case."""
    if not actor.is_member:
        raise NotAllowed()
    run_id, party_id = CLEARING.read(run), MERCHANT.read(merchant)
    transfer_id = _line_id(data.line)
    async with house.db.reading() as tx:
        found = await clearings.seen(tx, actor, run_id, party_id)
        known = await clearing.line(tx, found.run.programme_id, transfer_id, party_id=party_id)
    if known is None or known[0] != run_id:
        raise LineUnknown()
    done = await clearings.dispute(
        house, actor, run_id=run_id, party_id=party_id, transfer_id=transfer_id, reason=data.reason
    )
    if isinstance(done, Refusal):
        raise done
    return case_out(done)


def _line_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadId(text=text[:60]) from None


def month_out(one: Month, asset: str) -> dict[str, Any]:
    """Liability, breakage and reserve of a period; `run` null: the one that still runs."""
    money = ("opening", "issued", "campaign", "burnt", "given_back", "clawed_back", "expired", "breakage", "margin",
             "reserve", "liability")  # fmt: skip
    points = ("issued_points", "burnt_points", "expired_points")
    return (
        {"clearing": CLEARING.show(one.run.run_id) if one.run else None, "since": one.since}
        | {name: Money.of(Amount(getattr(one, name), asset)) for name in money}
        | {name: getattr(one, name) for name in points}
    )


@get("/programmes", guards=[with_token], summary="All programmes")
async def every(actor: Who, house: Home) -> PageOut:
    """With what stands behind the points. Needs platform:run (a member's token; keys have it never)."""
    return PageOut([programme_out(one) | _cover(cover) for one, cover in await alliances.every(house, actor)], None)


def _cover(one: alliances.Cover) -> dict[str, Any]:
    return {
        "outstanding": one.outstanding.units, "liability": Money.of(one.face), "reserve": Money.of(one.reserve),
        "covered": one.holds,
    }  # fmt: skip


@get("/programmes/{programme:str}", guards=[with_token], summary="One programme")
async def programme(programme: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """Rules by version, partners, the report by period. Needs platform:run."""
    seen = await alliances.one(house, actor, PROGRAMME.read(programme))
    its = seen.programme
    async with house.db.reading() as tx:
        months = await clearings.months(tx, its)
    return programme_out(its) | _cover(seen.cover) | {
        "versions": [{"version": p.version, "valid_from": p.valid_from} for p in seen.rules],
        "partners": [
            {"merchant": MERCHANT.show(p.partner_id), "name": p.name, "mode": p.mode, "state": p.state,
             "home_city": p.home_city, "joined_at": p.joined_at, "left_at": p.left_at}
            for p in seen.partners
        ],
        "months": [month_out(one, its.currency) for one in months],
    }  # fmt: skip


async def _whole(house: Any, actor: Actor, shown: str) -> Programme:
    """A programme of the platform. Raises not_allowed, not_found."""
    if not actor.can(Permission.RUN_PLATFORM):
        raise NotAllowed()
    async with house.db.reading() as tx:
        found = await programmes.programme(tx, PROGRAMME.read(shown), at=house.clock.now())
    if found is None:
        raise NotFound()
    return found


@get("/programmes/{programme:str}/clearings", guards=[with_token], summary="Clearing runs of a programme")
async def runs(
    programme: FromPath[str], actor: Who, house: Home, after: FromQuery[int | None] = None, limit: Limit = 24
) -> PageOut:
    """Closed periods, newest first. Needs platform:run."""
    its = await _whole(house, actor, programme)
    async with house.db.reading() as tx:
        found = await clearing.runs(tx, its.programme_id, before=after, limit=limit + 1)
    more = str(found[limit - 1].number) if len(found) > limit else None
    return PageOut([run_out(one) for one in found[:limit]], more)


@post("/programmes/{programme:str}/clearings", guards=[with_token], status_code=200, summary="Clear what is due")
async def close(programme: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """Closes every period of the programme that has ended and books its statements now, instead of at the next round;
    again it does nothing. `next`: the period that closes next. Needs platform:run."""
    its = await _whole(house, actor, programme)
    done = await clearings.clear_due(house, actor, its.programme_id)
    async with house.db.reading() as tx:
        period = await clearings.next_period(tx, its, day=house.settings.clearing_day)
    following = {"since": period[0], "until": period[1]} if period else None
    return {"closed": done.closed, "booked": done.booked, "next": following}


@get("/programmes/{programme:str}/clearings/{run:str}", guards=[with_token], summary="One run")
async def one_run(
    programme: FromPath[str], run: FromPath[str], actor: Who, house: Home, after: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> dict[str, Any]:  # fmt: skip
    """A closed period with the statements of all partners and the programme's own, whose nets sum to zero. Needs
    platform:run."""
    its = await _whole(house, actor, programme)
    async with house.db.reading() as tx:
        found = await clearing.run_of(tx, its.programme_id, run_id=CLEARING.read(run))
        if found is None:
            raise StatementUnknown()
        statements = await clearing.statements_of_run(
            tx, its.programme_id, run_id=found.run_id, limit=limit + 1, after=MERCHANT.read(after) if after else None
        )
    more = MERCHANT.show(statements[limit - 1].party_id) if len(statements) > limit else None
    return run_out(found) | {"statements": [statement_out(one) for one in statements[:limit]], "after": more}


router = Router(
    "/", route_handlers=[of_partner, one, lines, dispute, every, programme, runs, close, one_run], tags=["clearing"]
)
