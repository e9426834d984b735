"""Redeem: the one place where a right is used."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong.infra.answers import KeyReused
from hutong.infra.db import Tx
from hutong.kit.refusals import Busy, Refusal
from hutong.vouchers.capacity import Key, limited, rooms, why_no_room
from hutong.vouchers.codes import Typed
from hutong.vouchers.model import Redeem, Redeemed, Voucher
from hutong.vouchers.operations import _capacity, _scan, _uses
from hutong.vouchers.operations._rows import FREE, Changed, save, step
from hutong.vouchers.rules import Here, LastUse, why_not_count, why_not_usable
from hutong.vouchers.value import portions

WINDOW = timedelta(minutes=60)
ROUNDS = 3  # more than one only when one request number comes for two vouchers at the same moment


class _Round(Struct):
    """What one pass over the list decided."""

    results: list[Redeemed | Refusal]
    founds: dict[int, _scan.Found]
    refusals: dict[int, Refusal]
    rows: list[dict[str, Any]]
    changed: list[Changed]
    guesses: _scan.Guesses
    taken: Counter[Key]
    offline: Counter[Key]  # of them, those that a counter without a network accepted


async def redeem(
    tx: Tx, requests: Sequence[Redeem], *, city_id: int, now: datetime, zone: str, window: timedelta = WINDOW
) -> list[Redeemed | Refusal]:
    """Use vouchers, in the order of the list; each can be undone until `now + window`. `zone` is the city's.

    The same request_no of a merchant with the same voucher, count and store is the same redemption (`replayed`),
    whatever has become of the voucher since. Parts of money are units of the voucher's asset; together they are
    exactly what was paid and what is due.

    Refusals: key_reused (the request_no with another voucher, count or store), then those of `prepare` in their
    order, then count_too_high, day_full, hour_full, places_left. Source of the rules: redemption contracts in docs,
    threats G1-G8. What a device accepted without a network counts in its day and hour, also when they are full.
    """
    assert len({r.redemption_id for r in requests}) == len(requests), "one id for two redemptions"
    if not requests:
        return []
    seen = _scan.see(requests)
    stock = await _scan.load_stock(tx, requests, seen=seen, city_id=city_id, lock=True)
    used = await _capacity.lock(tx, _places(requests, seen, stock, now), city_id=city_id, zone=zone)
    for _ in range(ROUNDS):
        known = await _uses.by_request(tx, [_key(r) for r in requests], city_id=city_id)
        guesses = await _scan.load_guesses(tx, requests, seen=seen, city_id=city_id, now=now)
        gone = [v.voucher_id for v in stock.by_id.values() if v.state == "used"]
        last = await _uses.last_uses(tx, gone, city_id=city_id)
        copy = _scan.Stock(dict(stock.by_id), stock.by_code, stock.phones)
        counter = _Counter(city_id, now, zone, window, copy, known, last, dict(used))
        done = counter.serve(requests, seen, guesses)
        written = await _uses.insert(tx, done.rows, city_id=city_id)
        if len(written) == len(done.rows):
            break
        await _uses.retract(tx, written, city_id=city_id)
    else:
        raise Busy(retry_after=1)
    await save(tx, done.changed, city_id=city_id, now=now)
    await _capacity.count(tx, done.taken, offline=done.offline, city_id=city_id)
    late = await _scan.count_guesses(tx, requests, guesses=done.guesses, city_id=city_id, now=now)
    for i, refusal in late.items():
        done.results[i] = done.refusals[i] = refusal
    await _scan.log_failures(tx, requests, founds=done.founds, refusals=done.refusals, city_id=city_id, now=now)
    return done.results


def _key(request: Redeem) -> _uses.Key:
    return request.merchant_id, request.request_no


def _places(
    requests: Sequence[Redeem], seen: Sequence[Any], stock: _scan.Stock, now: datetime
) -> list[_capacity.Place]:
    """Where and when those that have limits would be used, if nothing else speaks against it."""
    found: list[_capacity.Place] = []
    for request, what in zip(requests, seen, strict=True):
        voucher = stock.by_id.get(_scan.meant_id(request, what, stock))
        if voucher is not None and limited(voucher.terms):
            at = request.offline.at if request.offline else now
            found.append(_capacity.Place(voucher, request.store_id, at))
    return found


class _Counter(Struct):
    """Serves a list one by one, against locked vouchers. Touches no database."""

    city_id: int
    now: datetime
    zone: str
    window: timedelta
    stock: _scan.Stock
    known: dict[_uses.Key, dict[str, Any]]
    last: dict[UUID, LastUse]
    used: dict[Key, int]

    def serve(self, requests: Sequence[Redeem], seen: Sequence[Any], guesses: _scan.Guesses) -> _Round:
        done = _Round([], {}, {}, [], [], guesses, Counter(), Counter())
        for i, (request, what) in enumerate(zip(requests, seen, strict=True)):
            answer = self._answer(i, request, what, done)
            if isinstance(answer, Refusal):
                done.refusals[i] = answer
            done.results.append(answer)
        return done

    def _answer(self, i: int, request: Redeem, seen: Any, done: _Round) -> Redeemed | Refusal:
        before = self.known.get(_key(request))
        if before is not None:
            return self._again(i, request, seen, before, done)
        locked = done.guesses.locked(request, self.city_id) if isinstance(seen, Typed) else None
        if locked is not None:
            done.founds[i] = _scan.Found(way="code")
            return locked
        found = done.founds[i] = _scan.identify(request, seen, self.stock, city_id=self.city_id, now=self.now)
        if found.refusal is not None or found.voucher_id is None:
            if isinstance(seen, Typed):
                done.guesses.count(i, request, self.city_id)
            assert found.refusal is not None
            return found.refusal
        voucher = self.stock.by_id[found.voucher_id]
        here = Here(store_id=request.store_id, now=self._at(request), zone=self.zone)
        step = 0 if request.offline else found.step  # the judge of offline scans has looked at steps already
        refusal = None  # what was sent in time has arrived: days, hours and places bind those who come
        if request.delivery is None:
            refusal = why_not_usable(
                voucher, here, step=step, prepared=found.way == "proof", last=self.last.get(voucher.voucher_id)
            )
        refusal = refusal or why_not_count(voucher, request.count)
        if request.delivery is None:
            refusal = refusal or self._take_room(request, voucher, here, done)
        return refusal or self._use(request, voucher, found.step, done)

    def _take_room(self, request: Redeem, voucher: Voucher, here: Here, done: _Round) -> Refusal | None:
        """A place in the day and in the hour, where the terms limit them."""
        if not limited(voucher.terms):
            return None
        at = here.now
        found = rooms(
            voucher.terms, self.used, offer_id=voucher.offer_id, store_id=request.store_id, at=at, zone=self.zone
        )
        refusal = None if request.offline else why_no_room(voucher, found, request.count, at=at, zone=self.zone)
        for room in () if refusal else found:
            key = Key(voucher.offer_id, request.store_id, room.span, room.begins)
            self.used[key] = self.used.get(key, 0) + request.count
            done.taken[key] += request.count
            done.offline[key] += request.count if request.offline else 0
        return refusal

    def _at(self, request: Redeem) -> datetime:
        """When it is used: now, or when a device without a network scanned it."""
        return request.offline.at if request.offline else self.now

    def _use(self, request: Redeem, voucher: Voucher, qr_step: int, done: _Round) -> Redeemed:
        left = voucher.uses_left - request.count
        paid, due = portions(voucher, request.count)
        changed = step(
            voucher, by=request.staff_id, reason="redeemed", state="used" if left == 0 else "valid", uses_left=left,
            paid_left=voucher.paid_left - paid, due_left=voucher.due_left - due,
            last_step=max(voucher.last_step, qr_step), **FREE,
        )  # fmt: skip
        at = self._at(request)
        row = _uses.as_row(request, voucher, changed.voucher, qr_step, self.now + self.window) | {"at": at}
        done.rows.append(row)
        done.changed.append(changed)
        self.stock.by_id[voucher.voucher_id] = changed.voucher
        self._burn(request, voucher, qr_step, done)
        self.known[_key(request)] = row
        self.last[voucher.voucher_id] = _uses.as_last_use(row, self.city_id)
        return _uses.as_redeemed(row, voucher, at=at, replayed=False)

    def _burn(self, request: Redeem, voucher: Voucher, qr_step: int, done: _Round) -> None:
        """The code that was shown is dead for every lot that it stood for."""
        for other_id in request.burns:
            other = self.stock.by_id.get(other_id)
            if other is not None and other.member_id == voucher.member_id and other.last_step < qr_step:
                burnt = step(other, by=request.staff_id, reason="redeemed", last_step=qr_step)
                done.changed.append(burnt)
                self.stock.by_id[other_id] = burnt.voucher

    def _again(
        self, i: int, request: Redeem, seen: Any, before: dict[str, Any], done: _Round
    ) -> Redeemed | Refusal:  # fmt: skip
        """A request number that was used: the same answer, if it is about the same thing."""
        done.founds[i] = _scan.Found(way="qr" if request.voucher_id is None else "proof", reason="key_reused")
        meant = request.voucher_id or getattr(seen, "voucher_id", None)
        if isinstance(seen, Typed):
            meant = self.stock.by_code.get(seen.code)
        same = (before["voucher_id"], before["count"], before["store_id"])
        if same != (meant, request.count, request.store_id):
            return KeyReused(key=request.request_no)
        voucher = self.stock.by_id[before["voucher_id"]]
        return _uses.as_redeemed(before, voucher, at=before["at"], replayed=True)
