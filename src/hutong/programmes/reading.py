"""Reads of wallets: what a member has, where it came from, what happened to it, what a purchase would give."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong import ledger
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.programmes import arithmetic, queries
from hutong.programmes._rows import MoveRow, WalletRow
from hutong.programmes._wallets import as_wallet
from hutong.programmes.model import How, LotState, Partner, Policy, Source
from hutong.programmes.shown import Lot, Movement, Wallet

MOVE = ", ".join(f"m.{name}" for name in MoveRow.__struct_fields__)
EXPIRING = 5  # ends of lots that a wallet tells


async def wallets(tx: Tx, member_id: UUID, *, now: datetime, also: Collection[UUID] = ()) -> list[Wallet]:
    """All wallets of a member, by programme; `also`: one of zeros in each of these programmes in which he has none."""
    rows = await tx.rows(
        """select m.member_id, m.programme_id, m.pending, m.available, m.held, m.debt, m.growth
             from programmes.members m where m.member_id = %(member)s order by m.programme_id""",
        member=member_id,
    )
    held = [WalletRow(**row) for row in rows]
    missing = set(also) - {one.programme_id for one in held}
    held += [WalletRow(member_id=member_id, programme_id=programme_id) for programme_id in sorted(missing)]
    if not held:
        return []
    ids = [one.programme_id for one in held]
    ends = await tx.rows(
        """select l.programme_id, l.expires_at, sum(l.rest)::bigint as points from programmes.lots l
            where l.member_id = %(member)s and l.programme_id = any(%(ids)s::uuid[]) and l.state = 'available'
              and l.rest > 0 and l.expires_at > %(now)s
            group by l.programme_id, l.expires_at order by l.expires_at""",
        member=member_id, ids=ids, now=now,
    )  # fmt: skip
    rules = await queries.policies(tx, ids)
    found = []
    for one in held:
        policy = arithmetic.policy_at(rules[one.programme_id], now)
        mine = [(e["expires_at"], e["points"]) for e in ends if e["programme_id"] == one.programme_id]
        found.append(as_wallet(one, policy.tiers if policy else (), tuple(mine[:EXPIRING])))
    return found


async def wallet(tx: Tx, member_id: UUID, programme_id: UUID, *, now: datetime) -> Wallet:
    """A member's wallet in one programme; all zeros for who has none."""
    found = await wallets(tx, member_id, now=now, also=[programme_id])
    return next(one for one in found if one.programme_id == programme_id)


async def usable(tx: Tx, programme_id: UUID, member_ids: Collection[UUID], *, at: datetime) -> dict[UUID, int]:
    """Points that members can spend at an instant: available, and not over. Who has none is not in it."""
    rows = await tx.rows(
        """select l.member_id, sum(l.rest)::bigint as points from programmes.lots l
            where l.member_id = any(%(members)s::uuid[]) and l.programme_id = %(programme)s and l.state = 'available'
              and l.rest > 0 and l.expires_at > %(at)s
            group by l.member_id""",
        members=sorted(set(member_ids)), programme=programme_id, at=at,
    )  # fmt: skip
    return {row["member_id"]: row["points"] for row in rows}


LOTS = """select l.lot_id, l.programme_id, l.partner_id, l.points, l.rest, l.state, l.source_kind, l.source_ref,
  l.earned_at, l.matures_at, l.expires_at,
  (select d.kind from programmes.draws d where d.member_id = l.member_id and d.lot_id = l.lot_id and d.back < d.points
    order by d.at desc, d.movement_id desc limit 1) as last_draw
  from programmes.lots l"""


async def lots(
    tx: Tx, member_id: UUID, programme_id: UUID, *, open_only: bool = False, after: UUID | None = None, limit: int = 20
) -> list[Lot]:
    """The lots of a wallet, newest first; `open_only`: those with points in them, the first to end first."""
    order = "l.expires_at, l.lot_id" if open_only else "l.earned_at desc, l.lot_id desc"
    rows = await tx.rows(
        f"""{LOTS} where l.member_id = %(member)s and l.programme_id = %(programme)s
              and (not %(open)s or l.rest > 0) and (%(after)s::uuid is null or (l.earned_at, l.lot_id) < (
                select a.earned_at, a.lot_id from programmes.lots a
                where a.member_id = %(member)s and a.programme_id = %(programme)s and a.lot_id = %(after)s))
            order by {order} limit %(limit)s""",
        member=member_id, programme=programme_id, open=open_only, after=after, limit=limit,
    )  # fmt: skip
    names = {one.partner_id: one.name for one in await _named(tx, programme_id, [row["partner_id"] for row in rows])}
    return [_lot(row, names.get(row["partner_id"], Text.both(""))) for row in rows]


async def lots_of(tx: Tx, member_id: UUID, movement_ids: Collection[UUID]) -> list[Lot]:
    """The member's lots that these movements brought, in any programme, the first to be usable first; without the
    names of their partners. For whoever shows what something earned."""
    rows = await tx.rows(
        f"""{LOTS} where l.member_id = %(member)s and l.movement_id = any(%(ids)s::uuid[])
            order by l.matures_at, l.lot_id""",
        member=member_id, ids=sorted(set(movement_ids)),
    )  # fmt: skip
    return [_lot(row, Text.both("")) for row in rows]


async def _named(tx: Tx, programme_id: UUID, ids: Collection[UUID]) -> list[Partner]:
    return await queries.partners(tx, programme_id, ids=ids, left=True) if ids else []


def _lot(row: dict[str, Any], name: Text) -> Lot:
    ended: dict[str, LotState] = {"expire": "expired", "claw_back": "clawed_back"}
    state: LotState = row["state"] if row["rest"] else ended.get(row["last_draw"], "spent")
    return Lot(
        lot_id=row["lot_id"], programme_id=row["programme_id"], partner_id=row["partner_id"], partner_name=name,
        points=row["points"], left=row["rest"], state=state, source=Source(row["source_kind"], row["source_ref"]),
        earned_at=row["earned_at"], matures_at=row["matures_at"], expires_at=row["expires_at"],
    )  # fmt: skip


def movement_of(row: dict[str, Any], currency: str) -> Movement:
    """A row of movements as a value."""
    amount = row["amount_units"]
    return Movement(
        movement_id=row["movement_id"], programme_id=row["programme_id"], kind=row["kind"],
        member_id=row["member_id"], partner_id=row["partner_id"], funder_id=row["funder_id"],
        city_id=row["city_id"], store_id=row["store_id"], source=Source(row["source_kind"], row["source_ref"]),
        points=row["points"], base=row["base"], bonus=row["bonus"], campaign=row["campaign"],
        money=Amount(row["units"], currency), rule=row["rule"], at=row["at"], bought_at=row["bought_at"],
        mode=row["mode"], target=row["target"], worth=Amount(row["worth_units"], currency),
        funded=Amount(row["funded_units"], currency), amount=None if amount is None else Amount(amount, currency),
        parent_id=row["parent_id"], state=row["state"], undone=row["undone"],
        how=None if row["how"] is None else msgspec.convert(row["how"], How),
    )  # fmt: skip


async def history(
    tx: Tx, member_id: UUID, programme_id: UUID, *, after: UUID | None = None, limit: int = 20
) -> list[Movement]:
    """What happened to a wallet, newest first; `after`: the last movement of the page before."""
    rows = await tx.rows(
        f"""select {MOVE}, p.currency from programmes.movements m
              join programmes.programmes p on p.programme_id = m.programme_id
             where m.programme_id = %(programme)s and m.member_id = %(member)s and m.state <> 'released'
               and (%(after)s::uuid is null or (m.at, m.movement_id) < (
                 select x.at, x.movement_id from programmes.movements x
                  where x.programme_id = %(programme)s and x.movement_id = %(after)s))
             order by m.at desc, m.movement_id desc limit %(limit)s""",
        programme=programme_id, member=member_id, after=after, limit=limit,
    )  # fmt: skip
    return [movement_of(row, row["currency"]) for row in rows]


async def movements(
    tx: Tx, programme_id: UUID, partner_ids: Sequence[UUID] | None = None, *, since: datetime, until: datetime,
    kinds: Sequence[str] | None = None, after: tuple[datetime, UUID] | None = None, limit: int = 1_000,
    newest: bool = False,
) -> list[Movement]:  # fmt: skip
    """Movements booked in [since, until) at these partners (None: all), oldest first (`newest`: newest first);
    `after`: (at, id) of the last."""
    beyond, order = ("<", "m.at desc, m.movement_id desc") if newest else (">", "m.at, m.movement_id")
    rows = await tx.rows(
        f"""select {MOVE}, p.currency from programmes.movements m
              join programmes.programmes p on p.programme_id = m.programme_id
             where m.programme_id = %(programme)s and m.at >= %(since)s and m.at < %(until)s
               and (%(partners)s::uuid[] is null or m.partner_id = any(%(partners)s::uuid[]))
               and (%(kinds)s::text[] is null or m.kind = any(%(kinds)s::text[]))
               and (%(at)s::timestamptz is null or (m.at, m.movement_id) {beyond} (%(at)s, %(id)s))
             order by {order} limit %(limit)s""",
        programme=programme_id, since=since, until=until, limit=limit,
        partners=None if partner_ids is None else list(partner_ids), kinds=None if kinds is None else list(kinds),
        at=after and after[0], id=after and after[1],
    )  # fmt: skip
    return [movement_of(row, row["currency"]) for row in rows]


async def movements_by_ids(tx: Tx, programme_id: UUID, ids: Collection[UUID]) -> dict[UUID, Movement]:
    """Certain movements."""
    return await _movements(tx, programme_id, "m.movement_id = any(%(ids)s::uuid[])", ids)


class Where(Struct, frozen=True):
    """At which partner a movement happened, and where; what it was not about is None."""

    partner_id: UUID | None
    city_id: int | None
    store_id: UUID | None


async def places_of_movements(tx: Tx, programme_id: UUID, ids: Collection[UUID]) -> dict[UUID, Where]:
    """Where certain movements happened, without the rest of them: for whoever sums up a whole period."""
    rows = await tx.rows(
        """select m.movement_id, m.partner_id, m.city_id, m.store_id from programmes.movements m
            where m.programme_id = %(programme)s and m.movement_id = any(%(ids)s::uuid[])""",
        programme=programme_id, ids=sorted(set(ids)),
    )  # fmt: skip
    return {row["movement_id"]: Where(row["partner_id"], row["city_id"], row["store_id"]) for row in rows}


async def movements_of(tx: Tx, refs: Collection[UUID]) -> list[Movement]:
    """All movements of any programme whose source is one of these orders, redemptions or bills, and those that paid
    later what a claw-back among them had left owed; oldest first."""
    rows = await tx.rows(
        f"""with mine as (
              select {MOVE} from programmes.movements m
               where m.programme_id in (select p.programme_id from programmes.programmes p)
                 and m.source_ref = any(%(refs)s::uuid[])
            ), paid as (
              select {MOVE} from programmes.movements m
               where m.kind = 'debt_paid' and (m.programme_id, m.parent_id) in (
                 select c.programme_id, c.movement_id from mine c where c.kind = 'claw_back' and c.debt_part > 0)
            )
            select x.*, p.currency from (select * from mine union select * from paid) x
              join programmes.programmes p on p.programme_id = x.programme_id
             order by x.at, x.movement_id""",
        refs=sorted(set(refs)),
    )
    return [movement_of(row, row["currency"]) for row in rows]


async def movement(tx: Tx, movement_id: UUID) -> list[Movement]:
    """One movement of whatever programme; of points that were sent both halves, the sender's first. Empty: none."""
    rows = await tx.rows(
        f"""with asked as (
              select m.programme_id, m.movement_id, m.kind, m.parent_id from programmes.movements m
               where m.programme_id in (select p.programme_id from programmes.programmes p)
                 and m.movement_id = %(id)s
            )
            select {MOVE}, p.currency from asked a
              join programmes.movements m on m.programme_id = a.programme_id and (
                m.movement_id = a.movement_id or (a.kind = 'receive' and m.movement_id = a.parent_id)
                or (a.kind = 'send' and m.kind = 'receive' and m.parent_id = a.movement_id))
              join programmes.programmes p on p.programme_id = m.programme_id
             order by (m.kind = 'receive'), m.movement_id""",
        id=movement_id,
    )
    return [movement_of(row, row["currency"]) for row in rows]


async def sources(tx: Tx, refs: Collection[UUID]) -> list[tuple[UUID, UUID, Source]]:
    """(programme, member, source) of orders, redemptions or bills that earned, or missed their points."""
    rows = await tx.rows(
        """select m.programme_id, m.member_id, m.source_kind, m.source_ref from programmes.movements m
            where m.programme_id in (select p.programme_id from programmes.programmes p)
              and m.source_ref = any(%(refs)s::uuid[]) and m.kind = 'earn'
           union all
           select m.programme_id, m.member_id, m.source_kind, m.source_ref from programmes.missed m
            where m.programme_id in (select p.programme_id from programmes.programmes p)
              and m.source_ref = any(%(refs)s::uuid[]) and m.why <> 'undone' and m.granted_at is null""",
        refs=sorted(set(refs)),
    )
    return [(row["programme_id"], row["member_id"], Source(row["source_kind"], row["source_ref"])) for row in rows]


async def _movements(tx: Tx, programme_id: UUID, which: str, ids: Collection[UUID]) -> dict[UUID, Movement]:
    rows = await tx.rows(
        f"""select {MOVE}, p.currency from programmes.movements m
              join programmes.programmes p on p.programme_id = m.programme_id
             where m.programme_id = %(programme)s and {which}""",
        programme=programme_id, ids=sorted(set(ids)),
    )  # fmt: skip
    return {row["movement_id"]: movement_of(row, row["currency"]) for row in rows}


class BalanceAt(Struct, frozen=True, kw_only=True):
    """Points of a wallet at an instant in the past. What was held counts as available until it was burnt."""

    pending: int
    available: int
    debt: int


async def balance_at(tx: Tx, member_id: UUID, programme_id: UUID, *, at: datetime) -> BalanceAt:
    """What a wallet held before `at`, from the books."""
    book = ledger.Book.member(member_id)
    rows = await queries.programmes(tx, [programme_id], at=at)
    found = {"pending": 0, "available": 0, "debt": 0}
    for name in found if rows else ():
        path = f"points/{programme_id}/{name}"
        statement = await ledger.statement(tx, book, path=path, asset=rows[0].asset, as_of=at, limit=1)
        found[name] = 0 if statement is None else statement.closing.units
    return BalanceAt(**found)


def points_for(policy: Policy, partner: Partner, amount_units: int, category: str | None = None) -> int:
    """Base points of a purchase, without tiers and campaigns: what can be said before the member is known."""
    how = arithmetic.how_of(policy, partner, category=category, growth=0, campaign=None)
    return arithmetic.parts(amount_units, how).base
