"""What time does: points mature, end, and holds that nobody ended are free again. Each call does up to `limit`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.ledger import Book, Transfer, chart
from hutong.programmes import _store
from hutong.programmes._desk import Desk, Key
from hutong.programmes._ground import of_programmes
from hutong.programmes._rows import LotRow, MoveRow, partner_of
from hutong.programmes.operations.spend import free


async def mature(tx: Tx, *, programme_id: UUID, now: datetime, limit: int = 500) -> int:
    """Pending points whose day has come are available, after what is owed is paid from them; how many lots."""
    found = await tx.rows(
        """select l.member_id, l.lot_id from programmes.lots l
            where l.programme_id = %(programme)s and l.state = 'pending' and l.matures_at <= %(now)s
            order by l.matures_at, l.lot_id limit %(limit)s""",
        programme=programme_id, now=now, limit=limit,
    )  # fmt: skip
    desk, lots = await _locked(tx, programme_id, found, now)
    ripe = [lot for lot in lots if lot.state == "pending" and lot.matures_at <= now]
    if any(wallet.debt for wallet in desk.wallets.values()):
        await _store.load_debts(tx, desk, list(desk.wallets))
    by_wallet: dict[Key, list[LotRow]] = {}
    for lot in ripe:
        by_wallet.setdefault((lot.member_id, lot.programme_id), []).append(lot)
    for key, mine in by_wallet.items():
        _ripen(desk, key, mine)
    await _store.flush(tx, desk)
    return len(found)


def _ripen(desk: Desk, key: Key, lots: Sequence[LotRow]) -> None:
    points = sum(lot.rest for lot in lots)
    for lot in lots:
        desk.mature(lot)
    member_id, programme_id = key
    if points:
        desk.post(
            Transfer(
                id=derive(lots[0].lot_id, "mature"), book=Book.member(member_id),
                debit=chart.points_pending(programme_id), credit=chart.points_available(programme_id),
                amount=Amount(points, desk.programmes[programme_id].asset), event="programmes.mature",
                ref=lots[0].movement_id, rule=lots[0].rule,
            )
        )  # fmt: skip
    desk.pay_debts(key)


async def expire(tx: Tx, *, programme_id: UUID, now: datetime, limit: int = 500) -> int:
    """Available points whose last day is over end; the money behind them goes where their rules say; how many lots."""
    found = await tx.rows(
        """select l.member_id, l.lot_id from programmes.lots l
            where l.programme_id = %(programme)s and l.state = 'available' and l.rest > 0 and l.expires_at <= %(now)s
            order by l.expires_at, l.lot_id limit %(limit)s""",
        programme=programme_id, now=now, limit=limit,
    )  # fmt: skip
    desk, lots = await _locked(tx, programme_id, found, now)
    for lot in lots:
        if lot.rest and lot.state == "available" and lot.expires_at <= now:
            end(desk, lot)
    await _store.flush(tx, desk)
    return len(found)


def end(desk: Desk, lot: LotRow) -> None:
    """What is left of a lot is gone; the money behind it is the programme's, or its funder's again."""
    face = desk.programmes[lot.programme_id].face_units
    to_funder = lot.expiry_to == "partner" and lot.fund != "campaign"
    funder_id, mode = partner_of(lot)
    move = MoveRow(
        programme_id=lot.programme_id, movement_id=derive(lot.lot_id, f"expire/{lot.rest}/{desk.now.isoformat()}"),
        kind="expire", member_id=lot.member_id, partner_id=lot.partner_id, funder_id=funder_id, mode=mode,
        source_kind=lot.source_kind, source_ref=lot.source_ref, parent_id=lot.movement_id, points=lot.rest,
        units=lot.rest * face, funded_units=lot.rest * face if to_funder else 0, rule=lot.rule, at=desk.now,
    )  # fmt: skip
    desk.add_move(move)
    account = chart.points_available if lot.state == "available" else chart.points_pending
    desk.draw(lot, move.movement_id, "expire", move.points)
    target = desk.fund(lot) if to_funder else chart.programme_revenue()
    desk.post(
        *desk.points(move, "points", account(lot.programme_id), chart.expired(), move.points),
        desk.money(move, "money", chart.reserve(), target, move.units),
    )


async def release_due(tx: Tx, *, programme_id: UUID, now: datetime, limit: int = 500) -> int:
    """Holds past their time are released; how many."""
    found = await tx.rows(
        """select m.member_id, m.movement_id from programmes.movements m
            where m.programme_id = %(programme)s and m.state = 'held' and m.until <= %(now)s
            order by m.until, m.movement_id limit %(limit)s""",
        programme=programme_id, now=now, limit=limit,
    )  # fmt: skip
    if not found:
        return 0
    ids, members = [row["movement_id"] for row in found], [row["member_id"] for row in found]
    desk = Desk((await of_programmes(tx, [programme_id])).programmes, now)
    await _store.lock(tx, [(member_id, programme_id) for member_id in members], desk=desk)
    await _store.load_moves(tx, desk, [programme_id], ids)
    await _store.load_draws_of(tx, desk, ids, members)
    await _store.load_debts(tx, desk, list(desk.wallets))
    for movement_id in ids:
        move = desk.moves[programme_id, movement_id]
        if move.state == "held":
            free(desk, move)
    await _store.flush(tx, desk)
    return len(found)


async def forget_members(tx: Tx, members: Sequence[UUID], *, now: datetime) -> list[int]:
    """Members leave: all their points end at once, pending ones too, as if their last day were over; how many each.

    Holds are released by whoever made them. What is owed stays in the books: nobody pays it, and who waits has lost it.
    """
    rows = await tx.rows(
        "select m.member_id, m.programme_id from programmes.members m where m.member_id = any(%(members)s::uuid[])",
        members=sorted(set(members)),
    )
    keys = [(row["member_id"], row["programme_id"]) for row in rows]
    desk = Desk((await of_programmes(tx, [programme_id for _, programme_id in keys])).programmes, now)
    await _store.lock(tx, keys, desk=desk)
    await _store.load_open(tx, desk, keys)
    gone = dict.fromkeys(members, 0)
    for key in sorted(keys):
        for lot in [*desk.open_lots(key, "pending"), *desk.open_lots(key, "available")]:
            gone[lot.member_id] += lot.rest
            end(desk, lot)
    await _store.flush(tx, desk)
    return [gone[member_id] for member_id in members]


async def _locked(
    tx: Tx, programme_id: UUID, found: Sequence[dict[str, UUID]], now: datetime
) -> tuple[Desk, list[LotRow]]:
    """These lots as they are under the locks of their wallets, in the same order."""
    desk = Desk((await of_programmes(tx, [programme_id])).programmes if found else {}, now)
    if not found:
        return desk, []
    await _store.lock(tx, [(row["member_id"], programme_id) for row in found], desk=desk)
    await _store.load_lots(tx, desk, [row["lot_id"] for row in found], [row["member_id"] for row in found])
    return desk, [desk.lots[row["lot_id"]] for row in found]
