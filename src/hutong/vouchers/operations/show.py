"""Show: vouchers that a bill is to be paid with, locked and judged, before anything is decided about the bill."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.vouchers.codes import step_proven
from hutong.vouchers.model import Voucher
from hutong.vouchers.operations._rows import lock as lock_rows
from hutong.vouchers.operations._uses import last_uses
from hutong.vouchers.queries import by_ids
from hutong.vouchers.refusals import StaleQr, UnknownCode
from hutong.vouchers.rules import Here, why_not_usable
from hutong.vouchers.value import portions


class Show(Struct, frozen=True, kw_only=True):
    """A voucher with the proof of its preparation at this counter, by this member of the staff."""

    voucher_id: UUID
    proof: str
    merchant_id: UUID
    store_id: UUID
    staff_id: UUID


class Shown(Struct, frozen=True):
    """The voucher, and the half minute of the code that was shown for it (0: digits were read aloud)."""

    voucher: Voucher
    step: int


class Hand(Struct):
    """All vouchers that a list of bills shows, locked: asked again after each use that was decided, it answers as the
    tables will. Nothing is written."""

    city_id: int
    now: datetime
    zone: str
    stock: dict[UUID, Voucher]
    last: dict[UUID, object]

    def look(self, ask: Show) -> Shown | Refusal:
        """Whether it may be used here now, by the list of reasons that `redeem` asks.

        Refusals: unknown_code, stale_qr (the proof is none or too old), and those of vouchers.prepare.
        """
        voucher = self.stock.get(ask.voucher_id)
        if voucher is None or not accepts(voucher, ask.merchant_id):
            return UnknownCode()
        step = step_proven(voucher, ask.proof, store_id=ask.store_id, staff_id=ask.staff_id, now=self.now)
        if step is None:
            return StaleQr()
        here = Here(store_id=ask.store_id, now=self.now, zone=self.zone)
        last = self.last.get(voucher.voucher_id)
        refusal = why_not_usable(voucher, here, step=step, prepared=True, last=last)  # type: ignore[arg-type]
        return refusal or Shown(voucher, step)

    def use(self, voucher_id: UUID, count: int, step: int) -> None:
        """From now on so many uses of it are gone, as `redeem` will have it; 0: only its code is dead."""
        voucher = self.stock[voucher_id]
        paid, due = portions(voucher, count)
        left = voucher.uses_left - count
        self.stock[voucher_id] = msgspec.structs.replace(
            voucher, uses_left=left, paid_left=voucher.paid_left - paid, due_left=voucher.due_left - due,
            state="used" if left == 0 else voucher.state, last_step=max(voucher.last_step, step),
        )  # fmt: skip


def accepts(voucher: Voucher, merchant_id: UUID) -> bool:
    """Whether the voucher is one that this merchant takes at all."""
    return voucher.honoured_by(merchant_id)


async def show(
    tx: Tx, asks: Sequence[Show], *, city_id: int, now: datetime, zone: str, lock: bool = True
) -> Hand:  # fmt: skip
    """The vouchers of a list of bills, locked in sorted order until the transaction ends when they will be used."""
    ids = [ask.voucher_id for ask in asks]
    found = await by_ids(tx, ids, city_id=city_id) if not lock else ()
    stock = {v.voucher_id: v for v in found} or await lock_rows(tx, ids, city_id=city_id)
    gone = [v.voucher_id for v in stock.values() if v.state == "used"]
    return Hand(city_id, now, zone, stock, dict(await last_uses(tx, gone, city_id=city_id)))
