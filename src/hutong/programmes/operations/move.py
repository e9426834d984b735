"""Points from friend to friend, money for points from partners, and points that were missed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from hutong import ledger
from hutong.infra.db import Tx
from hutong.kit.clock import local_day
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Account, Book, InsufficientFunds, Posted, Transfer, across, chart
from hutong.programmes import _missed, _store
from hutong.programmes import refusals as no
from hutong.programmes._desk import Desk
from hutong.programmes._ground import Ground, of_partners, of_programmes
from hutong.programmes._rows import LotRow, MoveRow
from hutong.programmes.arithmetic import policy_at
from hutong.programmes.model import Caps, Earn, Earned, Fund, Policy, Send, Sent, Source
from hutong.programmes.operations import _counters
from hutong.programmes.operations._counters import Counters
from hutong.programmes.operations.earn import give
from hutong.programmes.shown import Block


async def send(tx: Tx, wanted: Sequence[Send], *, now: datetime) -> list[Sent | Refusal]:
    """Points from one member to another, the lots that end first first; they keep their end and their backing.

    What the receiver owes is paid from them first. The same `movement_id` again is a replay. Refusals, the first that
    applies: programme_not_found, programme_closed, points_count, send_to_self, movement_taken, send_limit,
    points_short.
    """
    ground = await of_programmes(tx, [one.programme_id for one in wanted])
    desk = Desk(ground.programmes, now)
    known = [one for one in wanted if one.programme_id in ground.programmes]
    keys = [(who, one.programme_id) for one in known for who in (one.member_id, one.to)]
    await _store.lock(tx, keys, desk=desk)
    moves = [found for one in known for found in (one.movement_id, _received(one))]
    await _store.load_moves(tx, desk, ground.programmes, moves)
    await _store.load_open(tx, desk, keys)
    counters = await _counters.lock(tx, [key for one in known for key, _, _ in _limits(desk, ground, one)])
    results = [_send(desk, ground, counters, one) for one in wanted]
    await _counters.write(tx, counters)
    await _store.flush(tx, desk)
    return results


def _received(one: Send) -> UUID:
    """The movement of who gets them."""
    return derive(one.movement_id, "receive")


def _limits(desk: Desk, ground: Ground, one: Send) -> list[tuple[_counters.Key, str, int]]:
    policy = policy_at(ground.policies[one.programme_id], desk.now)
    caps = policy.caps if policy is not None else Caps()
    day: date = local_day(desk.now, desk.programmes[one.programme_id].zone)
    key = (one.programme_id, day, "send", str(one.member_id))
    limits = (("points", caps.send_points_a_day), ("times", caps.sends_a_day))
    return [(key, what, most) for what, most in limits if most is not None]


def _send(desk: Desk, ground: Ground, counters: Counters, one: Send) -> Sent | Refusal:
    programme = desk.programmes.get(one.programme_id)
    if programme is None:
        return no.ProgrammeUnknown()
    policy = policy_at(ground.policies[one.programme_id], desk.now)
    if programme.state == "draft" or policy is None:
        return no.ProgrammeClosed()
    if one.points <= 0:
        return no.PointsCount()
    if one.member_id == one.to:
        return no.SendToSelf()
    was = desk.moves.get((one.programme_id, one.movement_id))
    if was is not None:
        got = desk.moves.get((one.programme_id, _received(one)))
        same = (was.kind, was.member_id, was.points) == ("send", one.member_id, one.points)
        same = same and got is not None and got.member_id == one.to
        return Sent(movement_id=one.movement_id, points=was.points, replayed=True) if same else no.MovementTaken()
    limits = _limits(desk, ground, one)
    for key, what, most in limits:
        times, points = counters.get(key)
        if (points + one.points if what == "points" else times + 1) > most:
            return no.SendLimit(which=what)
    key = one.member_id, one.programme_id
    lots = [lot for lot in desk.open_lots(key, "available") if lot.expires_at > desk.now]
    usable = sum(lot.rest for lot in lots)
    if usable < one.points:
        return no.PointsShort(available=usable, wanted=one.points)
    for counter in {key: None for key, _, _ in limits}:
        counters.add(counter, one.points)
    _hand_over(desk, one, lots, policy)
    return Sent(movement_id=one.movement_id, points=one.points)


def _hand_over(desk: Desk, one: Send, lots: Sequence[LotRow], policy: Policy) -> None:
    source: dict[str, Any] = {"source_kind": "friend", "source_ref": one.movement_id, "rule": policy.name()}
    common: dict[str, Any] = source | {"programme_id": one.programme_id, "points": one.points, "at": desk.now}
    sent = MoveRow(movement_id=one.movement_id, kind="send", member_id=one.member_id, **common)
    received = MoveRow(
        movement_id=_received(one), kind="receive", member_id=one.to,
        parent_id=one.movement_id, **common,
    )  # fmt: skip
    desk.add_move(sent)
    desk.add_move(received)
    wanted = one.points
    for lot in lots:
        points = min(lot.rest, wanted)
        if points:
            desk.draw(lot, one.movement_id, "send", points)
            desk.add_lot(
                LotRow(
                    member_id=one.to, lot_id=derive(one.movement_id, f"lot/{lot.lot_id}"),
                    programme_id=one.programme_id, movement_id=received.movement_id, partner_id=lot.partner_id,
                    fund=lot.fund, campaign_id=lot.campaign_id, source_kind="friend", source_ref=one.movement_id,
                    state="available", points=points, rest=points, rule=lot.rule, expiry_to=lot.expiry_to,
                    earned_at=lot.earned_at, matures_at=lot.matures_at, expires_at=lot.expires_at,
                )
            )  # fmt: skip
            wanted -= points
    available = chart.points_available(one.programme_id)
    desk.post(
        *across(
            id=derive(one.movement_id, "points"), source=Book.member(one.member_id), debit=available,
            target=Book.member(one.to), credit=available, event="programmes.send", ref=one.movement_id,
            amount=Amount(one.points, desk.programmes[one.programme_id].asset), rule=policy.name(),
        )
    )  # fmt: skip
    desk.pay_debts((one.to, one.programme_id), policy.name())


async def fund(tx: Tx, wanted: Sequence[Fund], *, now: datetime) -> list[Block | Refusal]:
    """Blocks of money that partners (or the programme itself) pay in; from then on points can be given against them.

    The list stays with one city. Out of a payable never more is taken than it holds. The same `block_id` again is
    answered with the block. Refusals: programme_not_found, amount_currency, not_a_partner, movement_taken,
    programme_unsound (money from elsewhere), insufficient_funds.
    """
    if not wanted:
        return []
    ground = await of_programmes(tx, [one.programme_id for one in wanted])
    await tx.rows(
        """select p.programme_id from programmes.programmes p where p.programme_id = any(%(ids)s::uuid[])
            order by p.programme_id for no key update""",
        ids=sorted(ground.programmes),
    )
    await of_partners(tx, ground, [one.partner_id for one in wanted if one.partner_id is not None])
    there = await _blocks(tx, wanted)
    owned = await _payables(tx, wanted)
    results: list[Block | Refusal] = []
    moves: list[Transfer] = []
    new: dict[UUID, Fund] = {}
    for one in wanted:
        answer = _funded(one, ground, there, owned)
        if answer is None:
            new[one.block_id] = one
            moves += _pay_in(one)
            answer = there[one.block_id] = Block(block_id=one.block_id, amount=one.amount, left=one.amount, at=now)
        results.append(answer)
    await _write_blocks(tx, list(new.values()), now)
    for transfer, posted in zip(moves, await ledger.post(tx, moves, now=now), strict=True):
        if not isinstance(posted, Posted):
            raise RuntimeError(f"the books refuse the block {transfer.ref}: {posted!r}")
    return results


def source_of(path: str) -> Account | None:
    """The account of a city's book from which a block is paid; None: none that may pay."""
    match path.split("/"):
        case ["provider", psp]:
            return chart.provider(psp)
        case ["payable", "merchant", merchant]:
            return chart.payable_merchant(UUID(merchant))
        case ["expense", "promotion", ("platform" | "operator" | "brand") as who]:
            return chart.expense_promotion(who)
        case _:
            return None


def _funded(
    one: Fund, ground: Ground, there: dict[UUID, Block], owned: dict[str, int]
) -> Block | Refusal | None:  # fmt: skip
    programme = ground.programmes.get(one.programme_id)
    if programme is None:
        return no.ProgrammeUnknown()
    if one.amount.asset != programme.currency or one.amount.units <= 0:
        return no.AmountCurrency(currency=programme.currency)
    if one.partner_id is not None and (one.programme_id, one.partner_id) not in ground.partners:
        return no.NotAPartner()
    stands = there.get(one.block_id)
    if stands is not None:
        return stands if stands.amount == one.amount else no.MovementTaken()
    if source_of(one.debit_path) is None:
        return no.ProgrammeUnsound(field="debit_path", why=one.debit_path)
    if one.debit_path.startswith("payable/"):
        holds = owned.get(one.debit_path, 0)
        if holds < one.amount.units:
            return InsufficientFunds(path=one.debit_path, available=holds, wanted=one.amount.units)
        owned[one.debit_path] = holds - one.amount.units
    return None


def _pay_in(one: Fund) -> list[Transfer]:
    source = source_of(one.debit_path)
    assert source is not None
    account = chart.own_purse() if one.partner_id is None else chart.funding(one.partner_id)
    return across(
        id=derive(one.block_id, "block"), source=Book.city(one.city_id), debit=source,
        target=Book.programme(one.programme_id), credit=account, amount=one.amount, event="fund", ref=one.block_id,
    )  # fmt: skip


async def _blocks(tx: Tx, wanted: Sequence[Fund]) -> dict[UUID, Block]:
    rows = await tx.rows(
        """select b.block_id, b.units, b.at, p.currency
             from programmes.blocks b join programmes.programmes p on p.programme_id = b.programme_id
            where b.programme_id = any(%(programmes)s::uuid[]) and b.block_id = any(%(ids)s::uuid[])""",
        programmes=sorted({one.programme_id for one in wanted}), ids=sorted({one.block_id for one in wanted}),
    )  # fmt: skip
    made = [(row["block_id"], Amount(row["units"], row["currency"]), row["at"]) for row in rows]
    return {block_id: Block(block_id=block_id, amount=amount, left=amount, at=at) for block_id, amount, at in made}


async def _payables(tx: Tx, wanted: Sequence[Fund]) -> dict[str, int]:
    paths = sorted({one.debit_path for one in wanted if one.debit_path.startswith("payable/")})
    if not paths:
        return {}
    book, asset = Book.city(wanted[0].city_id), wanted[0].amount.asset
    await ledger.in_turn(tx, [(path, asset) for path in paths], book=book)  # a payout takes the same money
    balances = await ledger.balances(tx, book, paths=paths, asset=asset)
    return {one.path: one.available.units for one in balances}


async def _write_blocks(tx: Tx, rows: Sequence[Fund], now: datetime) -> None:
    if rows:
        await tx.send(
            """insert into programmes.blocks (programme_id, block_id, partner_id, city_id, units, debit_path, at)
               select n.*, %(now)s from unnest(%(programmes)s::uuid[], %(ids)s::uuid[], %(partners)s::uuid[],
                                               %(cities)s::int[], %(units)s::bigint[], %(paths)s::text[])
                 as n(programme_id, block_id, partner_id, city_id, units, debit_path)""",
            now=now, programmes=[r.programme_id for r in rows], ids=[r.block_id for r in rows],
            partners=[r.partner_id for r in rows], cities=[r.city_id for r in rows],
            units=[r.amount.units for r in rows], paths=[r.debit_path for r in rows],
        )  # fmt: skip


async def grant_missed(tx: Tx, movement_ids: Sequence[UUID], *, now: datetime) -> list[Earned | Refusal]:
    """Give points that were missed, by the rules of then: for what is left of the purchase, and whatever the caps say.

    Given already: a replay. Refusals: burn_not_found (nothing was missed under this id) and those of `earn`.
    """
    found = await _missed.by_ids(tx, movement_ids)
    asks = {row.movement_id: _ask(row, currency) for row, currency in found if row.movement_id is not None}
    wanted = list(dict.fromkeys(one for one in movement_ids if one in asks))
    granted = frozenset(wanted)
    answers = dict(zip(wanted, await give(tx, [asks[one] for one in wanted], now=now, granted=granted), strict=True))
    done: list[_missed.MissedRow] = []
    for row, _ in found:
        given = row.movement_id is not None and isinstance(answers.get(row.movement_id), Earned)
        if given and row.granted_at is None:
            row.granted_at = now
            done.append(row)
    await _missed.write(tx, done, now)
    return [answers.get(one, no.BurnUnknown()) for one in movement_ids]


def _ask(row: _missed.MissedRow, currency: str) -> Earn:
    assert row.movement_id is not None
    assert row.partner_id is not None
    assert row.city_id is not None
    assert row.bought_at is not None
    return Earn(
        movement_id=row.movement_id, programme_id=row.programme_id, member_id=row.member_id,
        partner_id=row.partner_id, city_id=row.city_id, store_id=row.store_id, staff_id=row.staff_id,
        source=Source(row.source_kind, row.source_ref), amount=Amount(row.amount_units, currency),  # type: ignore[arg-type]
        at=row.bought_at, category=row.category,
    )  # fmt: skip
