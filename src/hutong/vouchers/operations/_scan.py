"""From what was presented to a voucher: shared by looking (prepare) and using (redeem), so that both see the same."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.infra.limits import Take, spent_many, take, window_start
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.vouchers.capsules import Token, read_token, shown_by
from hutong.vouchers.codes import Qr, Typed, masked, read_presented, step_presented, step_proven
from hutong.vouchers.model import Prepare, Redeem, Voucher
from hutong.vouchers.queries import as_voucher
from hutong.vouchers.refusals import StaleQr, TooManyGuesses, UnknownCode, VoucherNotHeld

# Wrong typed codes only (threat G1): at these rates a hit is expected once in a thousand years of one merchant.
PER_STAFF = (20, 600)
PER_STORE = (120, 3600)

_Seen = Qr | Token | Typed | None


class Stock(Struct):
    """The vouchers that a list of requests speaks of, by id and by typed code."""

    by_id: dict[UUID, Voucher]
    by_code: dict[str, UUID]
    phones: dict[UUID, list[bytes]] = {}  # keys of phones that have capsules, where such codes were shown


class Found(Struct, frozen=True, kw_only=True):
    """What a request turned out to mean: a voucher of this merchant, or why not. `step` 0: no QR was shown."""

    voucher_id: UUID | None = None
    step: int = 0
    way: str = "unreadable"
    refusal: Refusal | None = None
    reason: str = ""  # for the log, when it differs from what the counter is told


class Guesses:
    """Wrong typed codes per staff member and per store: read once, counted in list order, written once."""

    def __init__(self, spent: dict[tuple[str, int], int], now: datetime) -> None:
        self._spent, self._now = spent, now
        self.wrong: list[int] = []  # positions in the list

    def locked(self, request: Prepare | Redeem, city_id: int) -> Refusal | None:
        for (bucket, window), limit in _buckets(request, city_id):
            if self._spent.get((bucket, window), 0) >= limit:
                left = window_start(self._now, window) + timedelta(seconds=window) - self._now
                return TooManyGuesses(wait_seconds=max(1, int(left.total_seconds())))
        return None

    def count(self, index: int, request: Prepare | Redeem, city_id: int) -> None:
        self.wrong.append(index)
        for key, _ in _buckets(request, city_id):
            self._spent[key] = self._spent.get(key, 0) + 1


def _buckets(request: Prepare | Redeem, city_id: int) -> list[tuple[tuple[str, int], int]]:
    """((bucket, window), limit) of the counter that asks."""
    staff = (f"voucher-guess/{city_id}/staff/{request.staff_id}", PER_STAFF[1])
    store = (f"voucher-guess/{city_id}/store/{request.store_id}", PER_STORE[1])
    return [(staff, PER_STAFF[0]), (store, PER_STORE[0])]


async def load_guesses(
    tx: Tx, requests: Sequence[Prepare | Redeem], *, seen: Sequence[_Seen], city_id: int, now: datetime
) -> Guesses:
    """The counters of those who typed a code; nobody else is asked about."""
    typed = [r for r, s in zip(requests, seen, strict=True) if isinstance(s, Typed)]
    keys = sorted({key for request in typed for key, _ in _buckets(request, city_id)})
    counts = await spent_many(tx, keys, now=now)
    return Guesses(dict(zip(keys, counts, strict=True)), now)


async def load_stock(
    tx: Tx, requests: Sequence[Prepare | Redeem], *, seen: Sequence[_Seen], city_id: int, lock: bool
) -> Stock:
    """All vouchers that the requests may mean, in one statement; locked in sorted order when they will be used."""
    ids = {s.voucher_id for s in seen if isinstance(s, Qr) and s.city_id == city_id}
    tokens = {s.voucher_id for s in seen if isinstance(s, Token) and s.capsule.city_id == city_id}
    ids |= tokens | {r.voucher_id for r in requests if isinstance(r, Redeem) and r.voucher_id is not None}
    ids |= {other for r in requests if isinstance(r, Redeem) for other in r.burns}
    codes = {s.code for s in seen if isinstance(s, Typed)}
    if not ids and not codes:
        return Stock({}, {})
    rows = await tx.rows(
        f"""select * from vouchers.vouchers
            where city_id = %(city)s and (voucher_id = any(%(ids)s::uuid[]) or code = any(%(codes)s::text[]))
            order by voucher_id {"for no key update" if lock else ""}""",
        city=city_id, ids=sorted(ids), codes=sorted(codes),
    )  # fmt: skip
    found = [as_voucher(row) for row in rows]
    phones = await _phones(tx, sorted(tokens), city_id=city_id) if tokens else {}
    return Stock({v.voucher_id: v for v in found}, {v.code: v.voucher_id for v in found}, phones)


async def _phones(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, list[bytes]]:
    rows = await tx.rows(
        """select voucher_id, phone_key from vouchers.capsules
           where city_id = %(city)s and voucher_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=voucher_ids,
    )  # fmt: skip
    found: dict[UUID, list[bytes]] = {}
    for row in rows:
        found.setdefault(row["voucher_id"], []).append(bytes(row["phone_key"]))
    return found


def see(requests: Sequence[Prepare | Redeem]) -> list[_Seen]:
    """What each request presents, taken apart; None for a proof or for something unreadable."""
    return [None if _has_proof(r) else read_token(r.presented.strip()) or read_presented(r.presented) for r in requests]


def _has_proof(request: Prepare | Redeem) -> bool:
    return isinstance(request, Redeem) and request.voucher_id is not None


def meant_id(request: Prepare | Redeem, seen: _Seen, stock: Stock) -> UUID:
    """The voucher that a request speaks of, before it is known whether it may; the nil UUID for none."""
    if isinstance(request, Redeem) and request.voucher_id is not None:
        return request.voucher_id
    if isinstance(seen, Typed):
        return stock.by_code.get(seen.code, UUID(int=0))
    return UUID(int=0) if seen is None else seen.voucher_id if isinstance(seen, Qr) else seen.capsule.voucher_id


def identify(request: Prepare | Redeem, seen: _Seen, stock: Stock, *, city_id: int, now: datetime) -> Found:
    """The voucher that is meant, if this merchant honours it (it is his, or `wide`) and what was shown is genuine.

    An unknown code and another merchant's look alike; only the log knows the difference.
    """
    if isinstance(request, Redeem) and request.voucher_id is not None:
        return _by_proof(request, stock.by_id.get(request.voucher_id), now)
    if seen is None:
        return Found(refusal=UnknownCode(), reason="unreadable")
    if isinstance(seen, Typed):
        return _of_merchant(request, stock.by_id.get(stock.by_code.get(seen.code, UUID(int=0))), "code")
    if (seen.capsule.city_id if isinstance(seen, Token) else seen.city_id) != city_id:
        return Found(way="qr", refusal=UnknownCode(), reason="other_city")
    voucher = stock.by_id.get(seen.voucher_id)
    found = _of_merchant(request, voucher, "qr")
    if voucher is None or found.refusal is not None:
        return found
    if isinstance(seen, Token):  # the code for counters without a network, at one that has it
        known = stock.phones.get(voucher.voucher_id, [])
        step = seen.step if any(shown_by(seen, key) for key in known) else None
    else:
        step = step_presented(voucher, seen.token, now)
    if step is None:
        return Found(voucher_id=voucher.voucher_id, way="qr", refusal=StaleQr())
    return Found(voucher_id=voucher.voucher_id, way="qr", step=step)


def _of_merchant(request: Prepare | Redeem, voucher: Voucher | None, way: str) -> Found:
    if voucher is None:
        return Found(way=way, refusal=UnknownCode())
    if not voucher.honoured_by(request.merchant_id):
        return Found(voucher_id=voucher.voucher_id, way=way, refusal=UnknownCode(), reason="wrong_merchant")
    return Found(voucher_id=voucher.voucher_id, way=way)


def _by_proof(request: Redeem, voucher: Voucher | None, now: datetime) -> Found:
    found = _of_merchant(request, voucher, "proof")
    if voucher is None or found.refusal is not None:
        return found
    if request.delivery is not None:
        ours = voucher.held_for == "delivery" and voucher.held_ref == request.delivery
        ours = ours or (voucher.order_id == request.delivery and voucher.pass_over(now))
        return Found(voucher_id=voucher.voucher_id, way="proof", refusal=None if ours else VoucherNotHeld())
    if request.offline is not None:
        return Found(voucher_id=voucher.voucher_id, way="proof", step=request.offline.step)
    step = step_proven(voucher, request.proof, store_id=request.store_id, staff_id=request.staff_id, now=now)
    if step is None:
        return Found(voucher_id=voucher.voucher_id, way="proof", refusal=StaleQr())
    return Found(voucher_id=voucher.voucher_id, way="proof", step=step)


async def count_guesses(
    tx: Tx, requests: Sequence[Prepare | Redeem], *, guesses: Guesses, city_id: int, now: datetime
) -> dict[int, Refusal]:
    """Write the wrong guesses down. Positions whose guess came too late: others had used the limit up meanwhile."""
    takes = [
        Take(bucket, limit, window)
        for i in guesses.wrong
        for (bucket, window), limit in _buckets(requests[i], city_id)
    ]  # fmt: skip
    refused: dict[int, Refusal] = {}
    if takes:
        answers = await take(tx, takes, now=now)
        for i, staff, store in zip(guesses.wrong, answers[::2], answers[1::2], strict=True):
            late = staff or store
            if late is not None:
                refused[i] = TooManyGuesses(**late.facts)
    return refused


async def log_failures(
    tx: Tx, requests: Sequence[Prepare | Redeem], *, founds: Mapping[int, Found], refusals: Mapping[int, Refusal],
    city_id: int, now: datetime,
) -> None:  # fmt: skip
    """Keep the scans that were refused: why, where, by whom; what was presented only in part."""
    if not refusals:
        return
    order = sorted(refusals)
    await tx.send(
        """insert into vouchers.scans (city_id, scan_id, at, merchant_id, store_id, staff_id, voucher_id, way, reason,
                                       presented)
           select %(city)s, s.id, %(now)s, s.merchant, s.store, s.staff, s.voucher, s.way, s.reason, s.presented
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(stores)s::uuid[], %(staff)s::uuid[],
                       %(vouchers)s::uuid[], %(ways)s::text[], %(reasons)s::text[], %(presented)s::text[])
             as s(id, merchant, store, staff, voucher, way, reason, presented)
           order by s.id
           on conflict (city_id, scan_id) do nothing""",
        city=city_id, now=now, ids=[_scan_id(requests[i], now, i) for i in order],
        merchants=[requests[i].merchant_id for i in order], stores=[requests[i].store_id for i in order],
        staff=[requests[i].staff_id for i in order], vouchers=[founds[i].voucher_id for i in order],
        ways=[founds[i].way for i in order], reasons=[founds[i].reason or refusals[i].code for i in order],
        presented=[masked(requests[i].presented) for i in order],
    )  # fmt: skip


def _scan_id(request: Prepare | Redeem, now: datetime, index: int) -> UUID:
    """One row for one look at one instant: it follows from the request, so no id has to be made here."""
    shown = sha256(request.presented.encode()).hexdigest()[:16]
    if isinstance(request, Redeem):
        return derive(request.redemption_id, "scan")
    return derive(request.store_id, f"scan/{request.staff_id}/{now.isoformat()}/{index}/{shown}")
