"""Points are spent: set aside and then burnt or released, or burnt at once; and given back when that is undone."""

from collections.abc import Sequence
from datetime import datetime

from hutong import ledger
from hutong.infra.db import Tx
from hutong.kit.clock import local
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Book, Transfer, across, chart
from hutong.programmes import _store
from hutong.programmes import refusals as no
from hutong.programmes._desk import Desk, Key
from hutong.programmes._ground import Ground, of_partners, of_programmes
from hutong.programmes._rows import MoveRow
from hutong.programmes._wallets import as_wallet
from hutong.programmes.arithmetic import policy_at, rule_of, worth
from hutong.programmes.model import Burned, GiveBack, GivenBack, Held, Hold, Resolve
from hutong.programmes.shown import Wallet


async def lock(tx: Tx, keys: Sequence[Key], *, now: datetime) -> dict[Key, Wallet]:
    """Lock wallets (member, programme), and their programmes, for several operations of one transaction; as they stand.

    A wallet that is new is opened. Unknown programmes are left out.
    """
    ground = await of_programmes(tx, [programme_id for _, programme_id in keys])
    desk = Desk(ground.programmes, now)
    await _store.lock(tx, [key for key in keys if key[1] in ground.programmes], desk=desk)
    return {key: as_wallet(row, (), ()) for key, row in desk.wallets.items()}


async def hold(tx: Tx, wanted: Sequence[Hold], *, now: datetime) -> list[Held | Refusal]:
    """Set points aside, the lots that end first first; nobody else can spend them until `confirm` or `release`.

    The same `movement_id` again is a replay. Refusals, the first that applies: programme_not_found,
    programme_closed, points_count, movement_taken, burn_resolved (it was released), not_a_partner, partner_paused,
    not_redeeming, worth_too_much, points_pending, points_short.
    """
    results = await _spend(tx, wanted, now=now, state="held")
    return [one if isinstance(one, Refusal) else _held(*one) for one in results]


async def burn(tx: Tx, wanted: Sequence[Hold], *, now: datetime) -> list[Burned | Refusal]:
    """Spend points at once: hold and confirm in one. Refusals as of `hold`."""
    results = await _spend(tx, wanted, now=now, state="done")
    return [one if isinstance(one, Refusal) else _burned(one[0], one[1], replayed=one[2]) for one in results]


def _held(desk: Desk, move: MoveRow, replayed: bool) -> Held:
    currency = desk.programmes[move.programme_id].currency
    lots = tuple((draw.lot_id, draw.points) for draw in desk.draws_of(move.movement_id))
    return Held(
        movement_id=move.movement_id, points=move.points, face=Amount(move.units, currency),
        worth=Amount(move.worth_units, currency), lots=lots, rule=move.rule, replayed=replayed,
    )  # fmt: skip


def _burned(desk: Desk, move: MoveRow, *, replayed: bool) -> Burned:
    currency = desk.programmes[move.programme_id].currency
    return Burned(
        movement_id=move.movement_id, points=move.points, face=Amount(move.units, currency),
        worth=Amount(move.worth_units, currency), replayed=replayed,
    )  # fmt: skip


Spent = tuple[Desk, MoveRow, bool]


async def _spend(tx: Tx, wanted: Sequence[Hold], *, now: datetime, state: str) -> list[Spent | Refusal]:
    if not wanted:
        return []
    ground = await of_programmes(tx, [one.programme_id for one in wanted])
    desk = Desk(ground.programmes, now)
    known = [one for one in wanted if one.programme_id in ground.programmes]
    keys = [(one.member_id, one.programme_id) for one in known]
    await _store.lock(tx, keys, desk=desk)
    await of_partners(tx, ground, [one.partner_id for one in known])
    await _store.load_moves(tx, desk, ground.programmes, [one.movement_id for one in known])
    replays = [one for one in known if (one.programme_id, one.movement_id) in desk.moves]
    await _store.load_draws_of(tx, desk, [one.movement_id for one in replays], [one.member_id for one in replays])
    await _store.load_open(tx, desk, keys)
    results = [_one(desk, ground, one, state) for one in wanted]
    await _store.flush(tx, desk)
    return results


def _one(desk: Desk, ground: Ground, one: Hold, state: str) -> Spent | Refusal:
    programme = ground.programmes.get(one.programme_id)
    if programme is None:
        return no.ProgrammeUnknown()
    policy = policy_at(ground.policies[one.programme_id], desk.now)
    if programme.state == "draft" or policy is None:
        return no.ProgrammeClosed()
    if one.points <= 0:
        return no.PointsCount()
    move = desk.moves.get((one.programme_id, one.movement_id))
    if move is not None:
        return _again(desk, move, one, state)
    partner = ground.partners.get((one.programme_id, one.partner_id))
    if partner is None or partner.state == "left":
        return no.NotAPartner()
    if partner.state == "paused":
        return no.PartnerPaused()
    if not partner.redeems or (one.source.kind == "donation" and not partner.charity):
        return no.NotRedeeming()
    face = one.points * programme.face_units
    paid = worth(one.points, programme.face_units, policy, partner) if one.worth_units is None else one.worth_units
    if not 0 <= paid <= face:
        return no.WorthTooMuch(face=Amount(face, programme.currency).words())
    short = _short(desk, one)
    if short is not None:
        return short
    move = MoveRow(
        programme_id=one.programme_id, movement_id=one.movement_id, kind="burn", state=state, member_id=one.member_id,
        partner_id=one.partner_id, city_id=one.city_id, store_id=one.store_id, staff_id=one.staff_id,
        source_kind=one.source.kind, source_ref=one.source.ref, points=one.points, units=face, worth_units=paid,
        target=one.target, rule=rule_of(policy, partner), until=one.until, at=desk.now,
    )  # fmt: skip
    _take(desk, move)
    return desk, move, False


def _again(desk: Desk, move: MoveRow, one: Hold, state: str) -> Spent | Refusal:
    same = (move.kind, move.member_id, move.partner_id, move.points, move.source_ref) == (
        "burn", one.member_id, one.partner_id, one.points, one.source.ref,
    )  # fmt: skip
    if not same:
        return no.MovementTaken()
    if move.state == "released" or (state == "done" and move.state == "held"):
        return no.BurnResolved()
    return desk, move, True


def _short(desk: Desk, one: Hold) -> Refusal | None:
    key = one.member_id, one.programme_id
    usable = sum(lot.rest for lot in desk.open_lots(key, "available") if lot.expires_at > desk.now)
    if usable >= one.points:
        return None
    missing = one.points - usable
    for lot in sorted(desk.open_lots(key, "pending"), key=lambda lot: (lot.matures_at, lot.lot_id)):
        missing -= lot.rest
        if missing <= 0:
            then = local(lot.matures_at, desk.programmes[one.programme_id].zone)
            return no.PointsPending(available=usable, matures=then.strftime("%Y-%m-%d %H:%M"))
    return no.PointsShort(available=usable, wanted=one.points)


def _take(desk: Desk, move: MoveRow) -> None:
    """Out of the lots, and into the books."""
    desk.add_move(move)
    wanted, key = move.points, (move.member_id, move.programme_id)
    for lot in desk.open_lots(key, "available"):
        if wanted and lot.expires_at > desk.now:
            points = min(lot.rest, wanted)
            desk.draw(lot, move.movement_id, "burn", points)
            wanted -= points
    held = move.state == "held"
    if held:
        desk.wallet(*key).held += move.points
    available = chart.points_available(move.programme_id)
    out = desk.points(
        move, "points", available, chart.redeemed(), move.points, step="reserve" if held else "post"
    )  # fmt: skip
    if held:
        desk.post(*out)
    else:
        desk.post(*out, *_paid(desk, move))


def _paid(desk: Desk, move: MoveRow) -> list[Transfer | None]:
    """The backing goes to who takes the points; what he does not get is the programme's."""
    rest = desk.money(move, "margin", chart.reserve(), chart.programme_revenue(), move.units - move.worth_units)
    assert move.partner_id is not None
    if move.target == "due":
        return [desk.money(move, "money", chart.reserve(), chart.due(move.partner_id), move.worth_units), rest]
    return [*_to_city(desk, move, "money", move.worth_units), rest]


def _to_city(desk: Desk, move: MoveRow, label: str, units: int, *, back: bool = False) -> list[Transfer | None]:
    """Between the reserve and the escrow of the partner in a city's book."""
    assert move.partner_id is not None
    assert move.city_id is not None
    if not units:
        return []
    programme, city = Book.programme(move.programme_id), Book.city(move.city_id)
    escrow, reserve = chart.escrow(move.partner_id), chart.reserve()
    return list(
        across(
            id=derive(move.movement_id, label), source=city if back else programme,
            debit=escrow if back else reserve, target=programme if back else city,
            credit=reserve if back else escrow, amount=Amount(units, desk.programmes[move.programme_id].currency),
            event=f"programmes.{move.kind}", ref=move.movement_id, rule=move.rule,
        )
    )  # fmt: skip


async def confirm(tx: Tx, wanted: Sequence[Resolve], *, now: datetime) -> list[Burned | Refusal]:
    """What was held is burnt, also after its time as long as nobody released it. Once: again is a replay.

    Refusals: burn_not_found, burn_resolved (released).
    """
    desk, _ = await _resolving(tx, wanted, now)
    results: list[Burned | Refusal] = []
    for one in wanted:
        move = _found(desk, one)
        if move is None:
            results.append(no.BurnUnknown())
        elif move.state == "released":
            results.append(no.BurnResolved())
        else:
            replayed = move.state == "done"
            if not replayed:
                _confirm(desk, move)
            results.append(_burned(desk, move, replayed=replayed))
    await _store.flush(tx, desk)
    return results


def _confirm(desk: Desk, move: MoveRow) -> None:
    move.state, move.ended_at = "done", desk.now
    desk.change_move(move)
    desk.wallet(move.member_id, move.programme_id).held -= move.points
    available = chart.points_available(move.programme_id)
    out = desk.points(move, "points", available, chart.redeemed(), move.points, step="post_pending")
    desk.post(*out, *_paid(desk, move))


async def release(tx: Tx, wanted: Sequence[Resolve], *, now: datetime) -> list[bool | Refusal]:
    """What was held is free again, in the lots it came from; True, or False when it was released before.

    Lots that have ended meanwhile end with the next sweep. Refusals: burn_not_found, burn_resolved (burnt).
    """
    desk, _ = await _resolving(tx, wanted, now)
    await _store.load_debts(tx, desk, list(desk.wallets))
    results: list[bool | Refusal] = []
    for one in wanted:
        move = _found(desk, one)
        if move is None:
            results.append(no.BurnUnknown())
        elif move.state == "done":
            results.append(no.BurnResolved())
        else:
            results.append(move.state == "held")
            if move.state == "held":
                free(desk, move)
    await _store.flush(tx, desk)
    return results


def free(desk: Desk, move: MoveRow) -> None:
    """Held points return to their lots; what is owed is paid from them first."""
    move.state, move.ended_at = "released", desk.now
    desk.change_move(move)
    desk.wallet(move.member_id, move.programme_id).held -= move.points
    for draw in desk.draws_of(move.movement_id):
        desk.put_back(draw, draw.points - draw.back)
    available = chart.points_available(move.programme_id)
    desk.post(*desk.points(move, "points", available, chart.redeemed(), move.points, step="void_pending"))
    desk.pay_debts((move.member_id, move.programme_id), move.rule)


async def _resolving(tx: Tx, wanted: Sequence[Resolve], now: datetime) -> tuple[Desk, Ground]:
    ground = await of_programmes(tx, [one.programme_id for one in wanted])
    desk = Desk(ground.programmes, now)
    known = [one for one in wanted if one.programme_id in ground.programmes]
    await _store.lock(tx, [(one.member_id, one.programme_id) for one in known], desk=desk)
    await _store.load_moves(tx, desk, ground.programmes, [one.movement_id for one in known])
    await _store.load_draws_of(tx, desk, [one.movement_id for one in known], [one.member_id for one in known])
    return desk, ground


def _found(desk: Desk, one: Resolve) -> MoveRow | None:
    move = desk.moves.get((one.programme_id, one.movement_id))
    return None if move is None or move.kind != "burn" or move.member_id != one.member_id else move


async def give_back(tx: Tx, wanted: Sequence[GiveBack], *, now: datetime) -> list[GivenBack | Refusal]:
    """Undo burns, whole or in part: points to the very lots, the last to end first, money from where it went.

    What a member owes is paid from them first. Refusals: burn_not_found, movement_taken, burn_resolved (not burnt,
    or not as much is left), worth_too_much, insufficient_funds (the escrow of an order holds it no longer).
    """
    asks = [Resolve(programme_id=o.programme_id, member_id=o.member_id, movement_id=o.burn_id) for o in wanted]
    desk, _ = await _resolving(tx, asks, now)
    await _store.load_moves(tx, desk, desk.programmes, [one.back_id for one in wanted])
    await _store.load_debts(tx, desk, list(desk.wallets))
    escrows = await _escrows(tx, desk, wanted)
    results = [_back(desk, one, escrows) for one in wanted]
    await _store.flush(tx, desk)
    return results


async def _escrows(tx: Tx, desk: Desk, wanted: Sequence[GiveBack]) -> dict[tuple[int, str], int]:
    """What the escrows hold from which orders' points come back: (city, path) -> units."""
    moves = [desk.moves.get((one.programme_id, one.burn_id)) for one in wanted]
    found = {
        (move.city_id, chart.escrow(move.partner_id).path)
        for move in moves
        if move is not None and move.target == "escrow" and move.city_id is not None and move.partner_id is not None
    }
    if not found:
        return {}
    city_id = min(city for city, _ in found)
    paths = sorted(path for city, path in found if city == city_id)
    balances = await ledger.balances(tx, Book.city(city_id), paths=paths)
    return {(city_id, one.path): one.available.units for one in balances}


def _back(desk: Desk, one: GiveBack, escrows: dict[tuple[int, str], int]) -> GivenBack | Refusal:
    ask = Resolve(programme_id=one.programme_id, member_id=one.member_id, movement_id=one.burn_id)
    burnt = _found(desk, ask)
    if burnt is None:
        return no.BurnUnknown()
    was = desk.moves.get((one.programme_id, one.back_id))
    if was is not None:
        if (was.kind, was.parent_id) != ("unburn", one.burn_id):
            return no.MovementTaken()
        return _given(desk, was, replayed=True)
    left = burnt.points - burnt.undone
    points = left if one.points is None else one.points
    if burnt.state != "done" or not 0 < points <= left:
        return no.BurnResolved()
    face = desk.programmes[one.programme_id].face_units
    owed = burnt.worth_units - burnt.worth_back  # the whole of it goes back with the last point
    paid = owed * points // left if one.worth_units is None else one.worth_units
    if not 0 <= paid <= min(owed, points * face) or owed - paid > (left - points) * face:
        return no.WorthTooMuch(face=Amount(points * face, desk.programmes[one.programme_id].currency).words())
    if burnt.target == "escrow":
        assert burnt.city_id is not None
        assert burnt.partner_id is not None
        key = burnt.city_id, chart.escrow(burnt.partner_id).path
        if escrows.get(key, 0) < paid:
            return ledger.InsufficientFunds(path=key[1], available=escrows.get(key, 0), wanted=paid)
        escrows[key] -= paid
    move = MoveRow(
        programme_id=burnt.programme_id, movement_id=one.back_id, kind="unburn", member_id=burnt.member_id,
        partner_id=burnt.partner_id, city_id=burnt.city_id, store_id=burnt.store_id, source_kind=burnt.source_kind,
        source_ref=burnt.source_ref, parent_id=burnt.movement_id, points=points, units=points * face,
        worth_units=paid, target=burnt.target, rule=burnt.rule, at=desk.now,
    )  # fmt: skip
    _undo(desk, burnt, move)
    return _given(desk, move, replayed=False)


def _undo(desk: Desk, burnt: MoveRow, move: MoveRow) -> None:
    desk.add_move(move)
    burnt.undone += move.points
    burnt.worth_back += move.worth_units
    desk.change_move(burnt)
    wanted = move.points
    for draw in reversed(desk.draws_of(burnt.movement_id)):
        points = min(wanted, draw.points - draw.back)
        if points:
            desk.put_back(draw, points)
            wanted -= points
    assert move.partner_id is not None
    rest = desk.money(move, "margin", chart.programme_revenue(), chart.reserve(), move.units - move.worth_units)
    if move.target == "due":
        paid = [desk.money(move, "money", chart.due(move.partner_id), chart.reserve(), move.worth_units)]
    else:
        paid = _to_city(desk, move, "money", move.worth_units, back=True)
    available = chart.points_available(move.programme_id)
    points_back = desk.points(move, "points", available, chart.redeemed(), move.points, to_member=True)
    desk.post(*paid, rest, *points_back)
    desk.pay_debts((move.member_id, move.programme_id), move.rule)


def _given(desk: Desk, move: MoveRow, *, replayed: bool) -> GivenBack:
    currency = desk.programmes[move.programme_id].currency
    return GivenBack(
        back_id=move.movement_id, points=move.points, face=Amount(move.units, currency),
        worth=Amount(move.worth_units, currency), replayed=replayed,
    )  # fmt: skip
