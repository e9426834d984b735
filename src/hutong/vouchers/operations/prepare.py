"""Prepare: explain a code before anything happens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.vouchers import queries
from hutong.vouchers.capacity import Room, rooms, why_no_room
from hutong.vouchers.codes import PROOF_LIFE, Typed, proof, read_presented
from hutong.vouchers.holding import coupons_of
from hutong.vouchers.lots import Holder, lots
from hutong.vouchers.model import Prepare, Prepared, Sibling, Voucher
from hutong.vouchers.operations import _capacity, _scan
from hutong.vouchers.operations._uses import last_uses
from hutong.vouchers.rules import Here, most_now, notices, why_not_usable


class _Look(Struct, frozen=True):
    """What a list of requests came to, before anything is written."""

    results: list[Prepared | Refusal]
    founds: dict[int, _scan.Found]
    guesses: _scan.Guesses


async def prepare(
    tx: Tx, requests: Sequence[Prepare], *, city_id: int, now: datetime, zone: str
) -> list[Prepared | Refusal]:
    """What each code is, and whether it may be used at that counter now. Changes nothing but the count of wrong guesses
    and the log of refused scans. `zone` is the city's: days and hours of the terms count there.

    Refusals, in this order: too_many_guesses, unknown_code (also another merchant's), stale_qr (not a token of it),
    voucher_void, voucher_refunded, voucher_refunding, waiting_for_buyers, already_used, expired, qr_already_used,
    stale_qr (too old), wrong_store, not_yet_valid, expired, blackout, outside_hours,
    day_full, hour_full.
    """
    done = await _look(tx, requests, city_id=city_id, now=now, zone=zone)
    late = await _scan.count_guesses(tx, requests, guesses=done.guesses, city_id=city_id, now=now)
    results = [late.get(i, result) for i, result in enumerate(done.results)]
    refusals = {i: result for i, result in enumerate(results) if isinstance(result, Refusal)}
    await _scan.log_failures(tx, requests, founds=done.founds, refusals=refusals, city_id=city_id, now=now)
    return results


async def look(
    tx: Tx, requests: Sequence[Prepare], *, city_id: int, now: datetime, zone: str
) -> list[Prepared | Refusal | None]:
    """As `prepare`, without writing: so that a door for reading is enough, and many counters share its statements.

    None for a typed code, whose guesses must be counted; ask `prepare` about it, and about a refusal to have it kept.
    """
    seen = [i for i, request in enumerate(requests) if not isinstance(read_presented(request.presented), Typed)]
    done = await _look(tx, [requests[i] for i in seen], city_id=city_id, now=now, zone=zone)
    found = dict(zip(seen, done.results, strict=True))
    return [found.get(i) for i in range(len(requests))]


async def _look(tx: Tx, requests: Sequence[Prepare], *, city_id: int, now: datetime, zone: str) -> _Look:
    seen = _scan.see(requests)
    stock = await _scan.load_stock(tx, requests, seen=seen, city_id=city_id, lock=False)
    guesses = await _scan.load_guesses(tx, requests, seen=seen, city_id=city_id, now=now)
    founds: dict[int, _scan.Found] = {}
    refusals: dict[int, Refusal] = {}
    for i, (request, what) in enumerate(zip(requests, seen, strict=True)):
        locked = guesses.locked(request, city_id) if isinstance(what, Typed) else None
        if locked is not None:
            founds[i], refusals[i] = _scan.Found(way="code"), locked
            continue
        founds[i] = _scan.identify(request, what, stock, city_id=city_id, now=now)
        refusal = founds[i].refusal
        if refusal is not None:
            refusals[i] = refusal
            if isinstance(what, Typed):
                guesses.count(i, request, city_id)
    meant = {i: _meant(founds[i], stock) for i in range(len(requests)) if i not in refusals}
    last = await last_uses(tx, [v.voucher_id for v in meant.values() if v.state == "used"], city_id=city_id)
    for i, voucher in meant.items():
        here = Here(store_id=requests[i].store_id, now=now, zone=zone)
        refusal = why_not_usable(voucher, here, step=founds[i].step, last=last.get(voucher.voucher_id))
        if refusal is not None:
            refusals[i] = refusal
    good = {i: voucher for i, voucher in meant.items() if i not in refusals}
    room = await _rooms(tx, requests, good, city_id=city_id, now=now, zone=zone)
    for i, found in room.items():
        refusal = why_no_room(good[i], found, 1, at=now, zone=zone)
        if refusal is not None:
            refusals[i] = refusal
            del good[i]
    family = await _families(tx, [v for v in good.values() if not v.value], city_id=city_id)
    values = await lots(tx, sorted({_holder(v) for v in good.values() if v.value}), city_id=city_id)
    results = [
        refusals[i]
        if i in refusals
        else _prepared(request, good[i], founds[i].step, _kin(good[i], family, values), room.get(i, ()), now, zone)
        for i, request in enumerate(requests)
    ]
    return _Look(results, founds, guesses)


async def beside(
    tx: Tx, request: Prepare, *, voucher_id: UUID, city_id: int, now: datetime, zone: str
) -> list[Prepared]:
    """The coupons of whoever holds this voucher that could be used with it at this counter now, one of a kind (the one
    that ends first), each with a proof as if its digits had been read aloud. For a counter that has just prepared the
    voucher: what was presented is not asked again. Empty when the voucher is unknown or another merchant's."""
    held = next(iter(await queries.by_ids(tx, [voucher_id], city_id=city_id)), None)
    if held is None or not held.honoured_by(request.merchant_id):
        return []
    return await _coupons(tx, request, held.member_id, held, city_id=city_id, now=now, zone=zone)


async def beside_member(
    tx: Tx, request: Prepare, *, member_id: UUID, city_id: int, now: datetime, zone: str
) -> list[Prepared]:
    """The same of a member whom this counter has recognised by his own code."""
    return await _coupons(tx, request, member_id, None, city_id=city_id, now=now, zone=zone)


async def _coupons(
    tx: Tx, request: Prepare, member_id: UUID, held: Voucher | None, *, city_id: int, now: datetime, zone: str
) -> list[Prepared]:
    here = Here(store_id=request.store_id, now=now, zone=zone)
    kinds: dict[UUID, Voucher] = {held.offer_id: held} if held is not None else {}
    for one in await coupons_of(tx, [member_id], city_id=city_id, now=now):
        if one.honoured_by(request.merchant_id) and why_not_usable(one, here) is None:
            kinds.setdefault(one.offer_id, one)
    good = {i: one for i, one in enumerate(kinds.values()) if one is not held}
    room = await _rooms(tx, dict.fromkeys(good, request), good, city_id=city_id, now=now, zone=zone)
    return [
        _prepared(request, one, 0, (), room.get(i, ()), now, zone)
        for i, one in good.items()
        if why_no_room(one, room.get(i, ()), 1, at=now, zone=zone) is None
    ]


async def _rooms(
    tx: Tx,
    requests: Sequence[Prepare] | dict[int, Prepare],
    good: dict[int, Voucher],
    *,
    city_id: int,
    now: datetime,
    zone: str,
) -> dict[int, tuple[Room, ...]]:
    """How full the day and the hour are, of those whose terms limit them."""
    places = {i: _capacity.Place(voucher, requests[i].store_id, now) for i, voucher in good.items()}
    keys = _capacity.keys_of(places.values(), zone=zone)
    used = await _capacity.read(tx, sorted(keys), city_id=city_id)
    found = {
        i: rooms(v.terms, used, offer_id=v.offer_id, store_id=requests[i].store_id, at=now, zone=zone)
        for i, v in good.items()
    }
    return {i: some for i, some in found.items() if some}


async def _families(tx: Tx, vouchers: Sequence[Voucher], *, city_id: int) -> dict[UUID, list[Voucher]]:
    """The valid vouchers of the orders of these, by order, in the order of line and unit."""
    if not vouchers:
        return {}
    hand = {v.voucher_id: v for v in vouchers}
    rest = await queries.valid_besides(tx, sorted({v.order_id for v in vouchers}), sorted(hand), city_id=city_id)
    found: dict[UUID, list[Voucher]] = {}
    for one in sorted([*hand.values(), *rest], key=lambda v: (v.line_id, v.unit_no)):
        found.setdefault(one.order_id, []).append(one)
    return found


def _holder(voucher: Voucher) -> Holder:
    return voucher.member_id, voucher.merchant_id


def _kin(
    voucher: Voucher, family: dict[UUID, list[Voucher]], values: dict[Holder, list[Voucher]]
) -> list[Voucher]:  # fmt: skip
    """What the same code stands for: units of the same order and offer; of stored value every lot of its holder."""
    if voucher.value:
        return values.get(_holder(voucher), [])
    return [one for one in family.get(voucher.order_id, ()) if one.offer_id == voucher.offer_id]


def _meant(found: _scan.Found, stock: _scan.Stock) -> Voucher:
    assert found.voucher_id is not None
    return stock.by_id[found.voucher_id]


def _prepared(
    request: Prepare, voucher: Voucher, step: int, family: Sequence[Voucher], room: tuple[Room, ...], now: datetime,
    zone: str,
) -> Prepared:  # fmt: skip
    here = Here(store_id=request.store_id, now=now, zone=zone)
    until = now + PROOF_LIFE

    def prove(one: Voucher) -> str:
        return proof(one, store_id=request.store_id, staff_id=request.staff_id, step=step, until=until)

    others = tuple(
        Sibling(voucher_id=one.voucher_id, unit_no=one.unit_no, uses_left=one.uses_left, proof=prove(one))
        for one in family
        if one.voucher_id != voucher.voucher_id
        and one.member_id == voucher.member_id  # not those given to a friend
        and why_not_usable(one, here) is None
    )
    left = min((one.left for one in room), default=None)
    others = others if left is None else others[: max(0, left - 1)]
    return Prepared(
        voucher_id=voucher.voucher_id, kind=voucher.kind, title=voucher.title, holder=voucher.holder,
        merchant_id=voucher.merchant_id, order_id=voucher.order_id, offer_id=voucher.offer_id,
        unit_no=voucher.unit_no, uses_total=voucher.uses_total, uses_left=voucher.uses_left,
        most=most_now(voucher, left), paid=voucher.paid, valid_from=voucher.valid_from, valid_to=voucher.valid_to,
        terms=voucher.terms,
        store_ids=voucher.store_ids, code_tail=voucher.code_tail, proof=prove(voucher), proof_until=until,
        others=others, notices=notices(voucher, here, room, own=request.staff_id == voucher.member_id),
        value=voucher.value,
    )  # fmt: skip
