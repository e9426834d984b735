"""How a business comes in: the applicant's side and the reviewer's, with the documents stored before the transaction.

The id of what a form makes follows from its key and its member, so a form that is sent twice writes once.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from hutong import catalog, places, recruiting, trades
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.infra.files import MOST_BYTES, StoredFile
from hutong.infra.limits import Take, take
from hutong.infra.pictures import PictureTooLarge
from hutong.kit.access import Actor
from hutong.kit.clock import local_day
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotAllowed, NotFound, Refusal
from hutong.people import BadPhone, normalise
from hutong.recruiting import (
    Application,
    ApplicationUnknown,
    Apply,
    Bring,
    Document,
    Move,
    Reach,
    Requirement,
    Rework,
    Step,
    Verdict,
    Words,
)

UPLOADS_PER_HOUR, HOUR = 60, 3600
SOON = timedelta(days=30)
Steps = Sequence[Step]


@cache
def known_trades() -> dict[str, trades.Trade]:
    """The kinds of business that the house knows; read once."""
    return trades.load()


def made_by(actor: Actor, key: str, what: str) -> UUID:
    """The id of what this member makes with this key."""
    return derive(actor.member_id, f"{what}/{key}")


def soon(today: date) -> date:
    """Papers that end before this day are asked for anew."""
    return today + SOON


async def today_in(tx: Tx, city_id: int, now: datetime) -> date:
    """The day of a city. Raises unknown_city."""
    city = await places.city(tx, city_id)
    if city is None:
        raise places.UnknownCity()
    return local_day(now, city.zone)


def phone_of(typed: str) -> str:
    """A number in international form. Raises bad_phone."""
    phone = normalise(typed)
    if phone is None:
        raise BadPhone()
    return phone


async def apply(
    house: House, city_id: int, actor: Actor, words: Words, *, key: str, call: tuple[UUID, str] | None = None,
    operator_id: UUID | None = None,
) -> Application:  # fmt: skip
    """Begin an application. Raises the refusals of recruiting.apply, not_allowed for a key."""
    if not actor.is_member:
        raise NotAllowed()
    trade = known_trades().get(words.trade)
    if trade is None:
        raise BadInput(field="trade", why=words.trade[:40])
    ask = Apply(
        application_id=made_by(actor, key, "application"), member_id=actor.member_id, words=words,
        demands=trade.documents, invitation_id=call[0] if call else None, secret=call[1] if call else "",
        operator_id=operator_id if call is None else None,
    )  # fmt: skip

    async def work(tx: Tx) -> Any:
        return await recruiting.apply(tx, [ask], city_id=city_id, now=house.clock.now())

    return sure((await house.db.run_city(city_id, work))[0])


async def rework(
    house: House, city_id: int, actor: Actor, application_id: UUID, words: Words, *, version: int
) -> Application:
    """Change what the own application says. Raises the refusals of recruiting.rework."""
    ask = Rework(application_id=application_id, member_id=actor.member_id, version=version, words=words)

    async def work(tx: Tx) -> Any:
        return await recruiting.rework(tx, [ask], city_id=city_id, now=house.clock.now())

    return sure((await house.db.run_city(city_id, work))[0])


async def store(house: House, actor: Actor, data: bytes) -> str:
    """Keep a document: a picture is written anew as the house does with all of them, a PDF as it is, and only as a
    download. Gives its name. Raises bad_input, bad_picture, picture_too_large, too_many_tries."""
    async with house.db.central() as tx:
        bucket = f"documents/{actor.member_id}"
        refused = await take(tx, [Take(bucket, UPLOADS_PER_HOUR, HOUR)], now=house.clock.now())
    if refused[0] is not None:
        raise refused[0]
    if not data:
        raise BadInput(field="file", why="1-")
    if len(data) > MOST_BYTES:
        raise PictureTooLarge(number=1, most_mb=MOST_BYTES // (1024 * 1024), most_megapixels=50)
    if data.startswith(b"%PDF-"):
        return await house.files.put(data, "application/pdf")
    return sure((await house.pictures.take([data]))[0]).name


async def bring(
    house: House, city_id: int, actor: Actor, application_id: UUID, kind: str, data: bytes, *, key: str,
    expires_on: date | None = None,
) -> Document:  # fmt: skip
    """Bring a document for an application: one's own, or as one of an operator's people for a shop in his reach.

    Raises application_not_found for anybody else, and the refusals of `store` and recruiting.bring.
    """
    async with house.db.reading(city_id) as tx:
        now = house.clock.now()
        one, operator_id = await _for_whom(tx, actor, application_id, city_id=city_id, now=now)
    name = await store(house, actor, data)
    ask = Bring(
        document_id=made_by(actor, key, f"document/{kind}"), application_id=one.application_id, kind=kind, file=name,
        by=actor.member_id, operator_id=operator_id, expires_on=expires_on,
    )  # fmt: skip

    async def work(tx: Tx) -> Any:
        done = await recruiting.documents(tx, [application_id], city_id=city_id)
        if ask.document_id in done:
            return [done[ask.document_id]]
        now = house.clock.now()
        today = await today_in(tx, city_id, now)
        return await recruiting.bring(tx, [ask], city_id=city_id, today=today, now=now)

    return sure((await house.db.run_city(city_id, work))[0])


async def _for_whom(
    tx: Tx, actor: Actor, application_id: UUID, *, city_id: int, now: datetime
) -> tuple[Application, UUID | None]:
    """The application, and the operator in whose name the actor brings something; None for his own."""
    own = await recruiting.application(tx, application_id, city_id=city_id, member_id=actor.member_id)
    if own is not None:
        return own, None
    reach = await recruiting.reach(tx, actor, city_id=city_id, at=now)
    seen = await recruiting.application(tx, application_id, city_id=city_id, reach=reach) if reach else None
    seats = await recruiting.seats_of(tx, [actor.member_id])
    if seen is None or not seats:
        raise ApplicationUnknown()
    return seen, seats[0].operator_id


async def submit(house: House, city_id: int, actor: Actor, application_id: UUID, *, version: int) -> Application:
    """Send the own application in. Raises the refusals of recruiting.submit."""
    return await _move(house, city_id, actor, recruiting.submit, application_id, version)


async def withdraw(house: House, city_id: int, actor: Actor, application_id: UUID, *, reason: str = "") -> Application:
    """Take the own application back. Raises the refusals of recruiting.withdraw."""
    return await _move(house, city_id, actor, recruiting.withdraw, application_id, 0, reason[:400])


async def _move(
    house: House, city_id: int, actor: Actor, verb: Callable[..., Awaitable[list[Application | Refusal]]],
    application_id: UUID, version: int, reason: str = "",
) -> Application:  # fmt: skip
    ask = Move(application_id=application_id, by=actor.member_id, version=version, reason=reason)

    async def work(tx: Tx) -> Any:
        return await verb(tx, [ask], city_id=city_id, now=house.clock.now())

    done = sure((await house.db.run_city(city_id, work))[0])
    house.nudge()
    return done


async def judge(
    house: House, city_id: int, actor: Actor, application_id: UUID, kind: str, state: Any, *, reason: str = ""
) -> Application:
    """A word about a document. Raises the refusals of recruiting.judge."""
    ask = Verdict(application_id=application_id, kind=kind, state=state, reason=reason, by=actor.member_id)

    async def work(tx: Tx) -> Any:
        now = house.clock.now()
        reach = await recruiting.reach(tx, actor, city_id=city_id, at=now)
        return await recruiting.judge_documents(tx, [ask], city_id=city_id, reach=reach, now=now)

    return sure((await house.db.run_city(city_id, work))[0])


async def decide(
    house: House, city_id: int, actor: Actor, application_id: UUID, what: str, *, version: int, reason: str = ""
) -> Application:
    """Let a business in (`approve`), send it back for another round (`return`) or say no (`reject`).

    With the approval everything that consumers read of the store is made in the same transaction. Raises the refusals
    of recruiting.approve, send_back and reject.
    """
    ask = Move(application_id=application_id, by=actor.member_id, version=version, reason=reason)

    async def work(tx: Tx) -> Application:
        now = house.clock.now()
        how: dict[str, Any] = {
            "city_id": city_id, "reach": await recruiting.reach(tx, actor, city_id=city_id, at=now), "now": now,
        }  # fmt: skip
        if what == "approve":
            today = await today_in(tx, city_id, now)
            done = sure((await recruiting.approve(tx, [ask], today=today, **how))[0])
            await catalog.refresh_stores(tx, [done.store_id], city_id=city_id, now=now)
            return done
        verb = {"return": recruiting.send_back, "reject": recruiting.reject}.get(what)
        if verb is None:
            raise BadInput(field="decision", why=what[:40])
        return sure((await verb(tx, [ask], **how))[0])

    done = await house.db.run_city(city_id, work)
    house.nudge()
    return done


async def document(
    house: House, city_id: int, actor: Actor, application_id: UUID, document_id: UUID
) -> StoredFile:  # fmt: skip
    """A paper, for its applicant or for who has the application in his reach. Raises not_found for all others."""
    async with house.db.reading(city_id) as tx:
        reach = await recruiting.reach(tx, actor, city_id=city_id, at=house.clock.now())
        one = await recruiting.application(tx, application_id, city_id=city_id, member_id=actor.member_id, reach=reach)
        found = (await recruiting.documents(tx, [application_id], city_id=city_id)).get(document_id) if one else None
    if found is None:
        raise NotFound()
    return await house.files.open(found.file)


async def seen(
    house: House, city_id: int, actor: Actor, application_id: UUID, *, own: bool
) -> tuple[Application, list[Requirement], Steps, Reach]:
    """An application with its requirements and steps, as its applicant (`own`) or in the actor's reach. Raises
    application_not_found."""
    async with house.db.reading(city_id) as tx:
        reach = Reach() if own else await recruiting.reach(tx, actor, city_id=city_id, at=house.clock.now())
        one = await recruiting.application(
            tx, application_id, city_id=city_id, member_id=actor.member_id if own else None, reach=reach
        )
        if one is None:
            raise ApplicationUnknown()
        asked = await recruiting.requirements(tx, [application_id], city_id=city_id)
        steps = await recruiting.steps(tx, [application_id], city_id=city_id)
    return one, asked[application_id], steps[application_id], reach
