"""The purchase behind points is undone: they go back, and what is spent already is owed."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.ledger import Transfer, chart
from hutong.programmes import _missed, _store
from hutong.programmes import refusals as no
from hutong.programmes._desk import Desk
from hutong.programmes._ground import of_programmes
from hutong.programmes._missed import MissedRow, SourceKey
from hutong.programmes._rows import DebtRow, LotRow, MoveRow, partner_of
from hutong.programmes.arithmetic import beyond
from hutong.programmes.model import ClawBack, ClawedBack, How, Parts


async def claw_back(tx: Tx, wanted: Sequence[ClawBack], *, now: datetime) -> list[ClawedBack | Refusal]:
    """Take back the points of purchases, or of what is beyond `kept`: base, bonus and campaign points alike.

    In this order: the purchase's own lot (pending or available), the member's other available lots, the first to end
    first; the rest is a debt, paid by the next points that mature. The money behind what was taken goes back to who
    had funded the purchase; he waits for the rest. A source that has not earned is answered with zeros, and will not
    earn (or for what is kept only). The same `back_id` again is a replay. Refusals: programme_not_found,
    amount_currency, movement_taken.
    """
    if not wanted:
        return []
    ground = await of_programmes(tx, [one.programme_id for one in wanted])
    desk = Desk(ground.programmes, now)
    known = [one for one in wanted if one.programme_id in ground.programmes]
    keys = [(one.member_id, one.programme_id) for one in known]
    await _store.lock(tx, keys, desk=desk)
    earned = await _store.load_earns(tx, desk, ground.programmes, [one.source.ref for one in known])
    await _store.load_moves(tx, desk, ground.programmes, [one.back_id for one in known])
    missed = await _missed.load(tx, ground.programmes, refs=[one.source.ref for one in known])
    earns = [move for move in earned.values() if move.points]
    await _store.load_lots_of(tx, desk, [e.movement_id for e in earns], [e.member_id for e in earns])
    if earns:
        await _store.load_open(tx, desk, keys)
    marks: list[MissedRow] = []
    results = [_one(desk, one, earned, missed, marks) for one in wanted]
    await _missed.write(tx, marks, now)
    await _store.flush(tx, desk)
    return results


def _one(
    desk: Desk, one: ClawBack, earned: dict[SourceKey, MoveRow], missed: dict[SourceKey, MissedRow],
    marks: list[MissedRow],
) -> ClawedBack | Refusal:  # fmt: skip
    programme = desk.programmes.get(one.programme_id)
    if programme is None:
        return no.ProgrammeUnknown()
    if one.kept is not None and (one.kept.asset != programme.currency or one.kept.units < 0):
        return no.AmountCurrency(currency=programme.currency)
    was = desk.moves.get((one.programme_id, one.back_id))
    key = (one.programme_id, one.source.kind, one.source.ref)
    if was is not None:
        same = was.kind == "claw_back" and (was.source_kind, was.source_ref) == key[1:]
        return _answer(was, replayed=True) if same else no.MovementTaken()
    given = earned.get(key)
    if given is None:
        _mark(one, key, missed, marks)
        return ClawedBack(back_id=one.back_id, pending=0, available=0, debt=0)
    if given.member_id != one.member_id:
        return ClawedBack(back_id=one.back_id, pending=0, available=0, debt=0)
    back = _beyond(given, 0 if one.kept is None else one.kept.units)
    if not back.points:
        return ClawedBack(back_id=one.back_id, pending=0, available=0, debt=0)
    return _answer(_take(desk, one, given, back), replayed=False)


def _mark(one: ClawBack, key: SourceKey, missed: dict[SourceKey, MissedRow], marks: list[MissedRow]) -> None:
    """A purchase that has not earned: what is left of it, whenever points are given for it."""
    row, new = missed.get(key), MissedRow.undone(one)
    if row is None:
        row = new
    elif row.granted_at is None:
        row.amount_units = min(row.amount_units, new.amount_units)
    missed[key] = row
    marks.append(row)


def _beyond(given: MoveRow, kept_units: int) -> Parts:
    """What goes back now: beyond what is kept, less what went back before."""
    all_ = beyond(Parts(given.base, given.bonus, given.campaign), kept_units, how_of(given))
    return Parts(
        max(0, all_.base - given.base_back), max(0, all_.bonus - given.bonus_back),
        max(0, all_.campaign - given.campaign_back),
    )  # fmt: skip


def how_of(given: MoveRow) -> How:
    """The rules by which an earn was given."""
    return given.how if isinstance(given.how, How) else msgspec.convert(given.how, How)


def _take(desk: Desk, one: ClawBack, given: MoveRow, back: Parts) -> MoveRow:
    move = MoveRow(
        programme_id=one.programme_id, movement_id=one.back_id, kind="claw_back", member_id=given.member_id,
        partner_id=given.partner_id, funder_id=given.funder_id, mode=given.mode, city_id=given.city_id,
        store_id=given.store_id, source_kind=given.source_kind, source_ref=given.source_ref,
        parent_id=given.movement_id, points=back.points, base=back.base, bonus=back.bonus, campaign=back.campaign,
        amount_units=0 if one.kept is None else one.kept.units, rule=given.rule, at=desk.now,
    )  # fmt: skip
    desk.add_move(move)
    desk.change_move(given)
    given.base_back += back.base
    given.bonus_back += back.bonus
    given.campaign_back += back.campaign
    given.undone += back.points
    desk.wallet(given.member_id, given.programme_id).growth -= back.base
    how, posts = how_of(given), []
    gift = back.campaign if how.payer == "programme" else 0
    if how.campaign is not None and how.payer == "partner":
        desk.use_campaign(given.programme_id, how.campaign, -back.campaign)
    for lot_id, points in ((given.movement_id, back.points - gift), (derive(given.movement_id, "campaign"), gift)):
        if points:
            posts += _from_lots(desk, move, desk.lots[lot_id], points)
    pid, issued = move.programme_id, chart.issued()
    for label, account, points in (
        ("pending", chart.points_pending(pid), move.pending_part),
        ("available", chart.points_available(pid), move.available_part),
        ("debt", chart.points_debt(pid), move.debt_part),
    ):
        posts += desk.points(move, label, account, issued, points)
    desk.post(*posts)
    return move


def _from_lots(desk: Desk, move: MoveRow, lot: LotRow, points: int) -> list[Transfer | None]:
    """Points of one funder: from the lot of the purchase, from others, and as a debt. The money that comes back."""
    key, wanted = (move.member_id, move.programme_id), points
    own = min(lot.rest, wanted)
    if own:
        if lot.state == "pending":
            move.pending_part += own
        else:
            move.available_part += own
        desk.draw(lot, move.movement_id, "claw_back", own)
        wanted -= own
    for other in desk.open_lots(key, "available") if wanted else ():
        taken = min(other.rest, wanted)
        if taken:
            desk.draw(other, move.movement_id, "claw_back", taken)
            move.available_part += taken
            wanted -= taken
    if wanted:
        _owe(desk, move, lot, wanted)
    face = desk.programmes[move.programme_id].face_units
    freed = points - wanted
    move.units += freed * face
    if partner_of(lot)[0] is not None:
        move.funded_units += freed * face
    account = desk.fund(lot, back=freed)
    return [desk.money(move, f"money/{lot.fund}", chart.reserve(), account, freed * face)]


def _owe(desk: Desk, move: MoveRow, lot: LotRow, points: int) -> None:
    debt = DebtRow(
        member_id=move.member_id, debt_id=derive(move.movement_id, f"debt/{lot.fund}"), movement_id=move.movement_id,
        programme_id=move.programme_id, partner_id=lot.partner_id, fund=lot.fund, campaign_id=lot.campaign_id,
        points=points, rest=points, at=desk.now,
    )  # fmt: skip
    desk.know_debts([debt])
    desk.changed_debts.add(debt.debt_id)
    desk.wallet(move.member_id, move.programme_id).debt += points
    move.debt_part += points


def _answer(move: MoveRow, *, replayed: bool) -> ClawedBack:
    return ClawedBack(
        back_id=move.movement_id, pending=move.pending_part, available=move.available_part, debt=move.debt_part,
        replayed=replayed,
    )  # fmt: skip
