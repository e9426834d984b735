"""What the platform's people look after: how the house does, its books, its audits, who may do what."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong import __version__, ledger, payments, people, places
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra import audits, tasks
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.infra.relay import Backlog, backlog
from hutong.kit.access import Actor, Permission, Role, Scope
from hutong.kit.refusals import BadInput, NotAllowed, NotFound, Refusal
from hutong.kit.text import Text
from hutong.ledger import Book, Place, Statement, TrialRow
from hutong.people import GiveRole, RevokeRole, RoleGiven, StaffMember
from hutong.places import City

DOUBT = timedelta(minutes=10)  # a payment without an end for longer is told
MOST_DOUBTS = 100
GIVEN = (Role.CITY_OPERATOR, Role.PLATFORM_ADMIN)


class LastOfPlatform(Refusal):
    """Somebody must be left who can give roles."""

    code = "last_platform_admin"
    say = Text(zh="这是最后一位平台管理员。", en="This is the last administrator of the platform.")
    step = Text(zh="请先授权另一位管理员。", en="Give the role to somebody else first.")


class Health(Struct, frozen=True, kw_only=True):
    """How the house does now. `doubts`: payments without a definite end, by city, at most 100 of each are counted."""

    version: str
    backlog: Backlog
    ailing: list[tasks.Turn]
    doubts: dict[int, int]
    cities: list[City]
    last_audit: audits.AuditRun | None

    @property
    def well(self) -> bool:
        return not (self.backlog.dead or self.ailing or any(self.doubts.values()))


def must(actor: Actor) -> None:
    """Raises not_allowed unless the actor runs the platform."""
    if not actor.can(Permission.RUN_PLATFORM):
        raise NotAllowed()


async def health(house: House, actor: Actor) -> Health:
    """How the house does: what waits, what failed, what is in doubt. Raises not_allowed."""
    must(actor)
    now = house.clock.now()
    async with house.db.reading() as tx:
        known = await places.cities(tx)
        behind = await backlog(tx, now=now)
        ailing = await tasks.ailing(tx, now=now)
        runs = await audits.audit_runs(tx, limit=1)
        doubts = {
            city.city_id: len(
                await payments.in_doubt(tx, city_id=city.city_id, now=now, longer_than=DOUBT, limit=MOST_DOUBTS)
            )
            for city in known
        }
    return Health(
        version=__version__, backlog=behind, ailing=ailing, doubts=doubts, cities=known,
        last_audit=runs[0] if runs else None,
    )  # fmt: skip


async def ask_audit(house: House, actor: Actor) -> UUID:
    """Ask for an audit of the whole house; the one that is open, if one is. Raises not_allowed."""
    must(actor)
    async with house.db.central() as tx:
        return await audits.ask_audit(tx, audit_id=new_id(), by=actor.member_id, now=house.clock.now())


async def run_audits(house: House) -> None:
    """Run the audit that was asked for, if one was: a worker's turn."""
    await audits.run_audits(house.db, house.clock.now(), clock=house.clock)


class Sheet(Struct, frozen=True, kw_only=True):
    """A book's trial balance, by asset, and whether each asset balances: debits and credits are equal."""

    book: Book
    rows: dict[str, list[TrialRow]]

    def sums(self, asset: str) -> tuple[int, int]:
        """(debits, credits) of an asset, in its smallest unit."""
        rows = self.rows[asset]
        return sum(row.debits for row in rows), sum(row.credits for row in rows)


async def trial(tx: Tx, book: Book) -> Sheet:
    """The trial balance of a book. Who may see it is the caller's question."""
    rows: dict[str, list[TrialRow]] = {}
    for row in await ledger.trial_balance(tx, book):
        rows.setdefault(row.asset, []).append(row)
    return Sheet(book=book, rows=rows)


async def account(
    tx: Tx, book: Book, *, path: str, asset: str, since: datetime | None, until: datetime | None, after: Place | None
) -> Statement:
    """An account's legs in [since, until). Raises not_found for one that was never used."""
    found = await ledger.statement(
        tx, book, path=path, asset=asset, since=since, as_of=until, after=after, limit=100
    )  # fmt: skip
    if found is None:
        raise NotFound()
    return found


async def people_of(house: House, actor: Actor) -> list[StaffMember]:
    """Who runs the platform and its cities. Raises not_allowed."""
    must(actor)
    async with house.db.reading() as tx:
        return await people.staff(tx, Scope(everything=True), kinds=("platform", "city"))


async def give_role(house: House, actor: Actor, *, phone: str, role: Role, city_id: int | None) -> RoleGiven:
    """Give a role of the platform or of a city to the member with this number (E.164).

    Raises not_allowed, bad_input (no member has the number; the role is not one of these), role_not_there.
    """
    must(actor)
    if role not in GIVEN:
        raise BadInput(field="role", why=" | ".join(GIVEN))
    async with house.db.central() as tx:
        member = (await people.members_of_phones(tx, [phone])).get(phone)
        if member is None:
            raise BadInput(field="phone", why="?")
        give = GiveRole(
            grant_id=new_id(), member_id=member, role=role, city_id=city_id, merchant_id=None, store_id=None,
            by=actor.member_id,
        )  # fmt: skip
        given = sure((await people.grant(tx, [give], now=house.clock.now()))[0])
    return given


async def take_role(house: House, actor: Actor, grant_id: UUID) -> RoleGiven:
    """Take a role of the platform or of a city away. Raises not_allowed, not_found, last_platform_admin."""
    must(actor)
    async with house.db.central() as tx:
        held = await people.lock_platform(tx)
        if held == [grant_id]:
            raise LastOfPlatform()
        take = RevokeRole(grant_id=grant_id, by=actor.member_id)
        return sure((await people.revoke(tx, [take], now=house.clock.now()))[0])
