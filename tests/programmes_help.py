"""An alliance to play with: a programme, partners with funding, members who buy."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from hutong import ledger, programmes
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.ledger import Account, Book, Transfer, chart
from hutong.programmes import (
    ClawBack,
    Earn,
    GiveBack,
    Hold,
    Lot,
    Partner,
    Policy,
    Programme,
    Resolve,
    Send,
    Source,
    Wallet,
)

CITY, ZONE = 1, "Asia/Shanghai"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
FACE = 1


class Alliance(Struct, kw_only=True):
    """What a test plays with. `partners` by name."""

    db: Database
    programme_id: UUID
    partners: dict[str, UUID] = field(default_factory=dict)
    versions: dict[str, Partner] = field(default_factory=dict)
    last: dict[UUID, Earn] = field(default_factory=dict)  # what a member bought last

    async def run(self, work: Any) -> Any:
        return await self.db.run_city(CITY, work)

    async def join(self, name: str, *, blocks: int = 0, now: datetime = BEGIN, **terms: Any) -> UUID:
        """A merchant joins; a prepaid one pays in a block."""
        partner_id = derive(self.programme_id, name)
        given: dict[str, Any] = {"mode": "prepaid", "home_city": CITY} | terms
        partner = Partner(
            programme_id=self.programme_id, partner_id=partner_id, name=Text.both(name), joined_at=now, **given
        )
        (joined,) = await self.run(lambda tx: programmes.join_partners(tx, [partner], by=None, now=now))
        assert isinstance(joined, Partner), joined
        self.partners[name], self.versions[name] = partner_id, joined
        if blocks:
            await self.pay_in(name, blocks, now=now)
        return partner_id

    async def pay_in(self, name: str, units: int, *, now: datetime) -> None:
        """Money for points, straight into the programme's book."""
        block = Transfer(
            id=new_id(), book=Book.programme(self.programme_id), debit=Account("test/till", "debit", may_overdraw=True),
            credit=chart.funding(self.partners[name]), amount=Amount(units, "CNY"), event="test", ref=new_id(),
        )  # fmt: skip
        await self.run(lambda tx: ledger.post(tx, [block], now=now))

    def buy(self, member: UUID, name: str, units: int, at: datetime, **given: Any) -> Earn:
        """A purchase that should earn."""
        defaults: dict[str, Any] = {"source": Source("receipt", new_id()), "movement_id": new_id(), "store_id": None}
        return Earn(
            programme_id=self.programme_id, member_id=member, partner_id=self.partners[name], city_id=CITY,
            amount=Amount(units, "CNY"), at=at, **defaults | given,
        )  # fmt: skip

    async def rich(self, points: int, at: datetime, member: UUID | None = None) -> UUID:
        """A member with points that can be spent, from a purchase at the first partner (no pending days)."""
        who = member or new_id()
        ask = self.buy(who, next(iter(self.partners)), points * 100, at)
        (earned,) = await self.earns(ask)
        assert not isinstance(earned, Refusal), earned
        self.last[who] = ask
        await self.mature(at)
        return who

    async def mature(self, now: datetime) -> int:
        return await self.run(lambda tx: programmes.mature(tx, programme_id=self.programme_id, now=now))

    async def expire(self, now: datetime) -> int:
        return await self.run(lambda tx: programmes.expire(tx, programme_id=self.programme_id, now=now))

    def hold(self, member: UUID, name: str, points: int, **given: Any) -> Hold:
        defaults: dict[str, Any] = {"source": Source("receipt", new_id()), "movement_id": new_id(), "store_id": None}
        return Hold(
            programme_id=self.programme_id, member_id=member, partner_id=self.partners[name], city_id=CITY,
            points=points, **defaults | given,
        )  # fmt: skip

    def resolve(self, hold: Hold) -> Resolve:
        return Resolve(programme_id=self.programme_id, member_id=hold.member_id, movement_id=hold.movement_id)

    def back(self, hold: Hold, points: int | None) -> GiveBack:
        return GiveBack(
            back_id=new_id(), programme_id=self.programme_id, member_id=hold.member_id, burn_id=hold.movement_id,
            points=points,
        )  # fmt: skip

    def send(self, member: UUID, to: UUID, points: int) -> Send:
        return Send(movement_id=new_id(), programme_id=self.programme_id, member_id=member, to=to, points=points)

    async def burns(self, member: UUID, name: str, points: int, *, now: datetime, **given: Any) -> Any:
        (result,) = await self.run(lambda tx: programmes.burn(tx, [self.hold(member, name, points, **given)], now=now))
        return result

    async def claws(self, member: UUID, source: Source, *, now: datetime, kept: Amount | None = None) -> Any:
        ask = ClawBack(
            back_id=new_id(), programme_id=self.programme_id, member_id=member, source=source, kept=kept
        )  # fmt: skip
        (result,) = await self.run(lambda tx: programmes.claw_back(tx, [ask], now=now))
        return result

    async def wallet(self, member: UUID, now: datetime) -> Wallet:
        async with self.db.reading() as tx:
            return await programmes.wallet(tx, member, self.programme_id, now=now)

    async def lots(self, member: UUID, now: datetime, *, open_only: bool = False) -> list[Lot]:
        """Oldest first."""
        async with self.db.reading() as tx:
            found = await programmes.lots(tx, member, self.programme_id, open_only=open_only)
        return sorted(found, key=lambda lot: lot.earned_at)

    async def money(self, path: str) -> int:
        """What an account of the programme's book holds."""
        async with self.db.reading() as tx:
            found = await ledger.balances(tx, Book.programme(self.programme_id), paths=[path])
        return sum(one.posted.units for one in found)

    async def city(self, path: str) -> int:
        async with self.db.reading() as tx:
            found = await ledger.balances(tx, Book.city(CITY), paths=[path])
        return sum(one.posted.units for one in found)

    async def left(self, name: str) -> int:
        return await self.money(chart.funding(self.partners[name]).path)

    async def owes(self, name: str) -> int:
        return await self.money(chart.receivable(self.partners[name]).path)

    async def due(self, name: str) -> int:
        return await self.money(chart.due(self.partners[name]).path)

    async def earns(self, *wanted: Earn, now: datetime | None = None) -> list[Any]:
        return await self.run(lambda tx: programmes.earn(tx, list(wanted), now=now or wanted[0].at))


async def an_alliance(db: Database, **rules: Any) -> Alliance:
    """A live programme of grains: one for each whole yuan, worth a fen; `rules` as of Policy."""
    programme = Programme(
        programme_id=new_id(), asset="GRAIN", currency="CNY", face_units=FACE, name=Text(zh="麦粒", en="Grains"),
        zone=ZONE, cities=frozenset({CITY}), state="draft",
    )  # fmt: skip
    policy = Policy(programme_id=programme.programme_id, version=1, **{"valid_from": BEGIN} | rules)

    async def work(tx: Any) -> None:
        (saved,) = await programmes.save_programmes(tx, [programme], by=None, now=BEGIN)
        assert isinstance(saved, Programme), saved
        (set_,) = await programmes.set_policies(tx, [policy], now=BEGIN)
        assert isinstance(set_, Policy), set_
        (opened,) = await programmes.open_programmes(tx, [programme.programme_id], now=BEGIN)
        assert isinstance(opened, Programme), opened

    await db.run_city(CITY, work)
    return Alliance(db=db, programme_id=programme.programme_id)
