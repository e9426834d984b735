"""What the merchant's side does to an order: gives money back, and writes down why, or anything else it should know."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.orders.model import AskRefund, Noted, RefundAsked, RefundByMerchant, WriteNote
from hutong.orders.operations.refund import ask_refunds
from hutong.orders.refusals import NoteWords, NothingChosen, OrderUnknown

LONGEST = 500  # letters of a note


async def write_notes(tx: Tx, asks: Sequence[WriteNote], *, city_id: int, now: datetime) -> list[Noted | Refusal]:
    """Write to orders what their staff should know; buyers never see it. The same note_id twice is one note.

    Refusals: note_words (empty, or too long), order_not_found (or another merchant's).
    """
    wrongs = [_why_not(ask.words) for ask in asks]
    there = await _of_merchants(tx, [(ask.order_id, ask.merchant_id) for ask in asks], city_id=city_id)
    results = [wrong or (None if ok else OrderUnknown()) for wrong, ok in zip(wrongs, there, strict=True)]
    good = [ask for ask, refused in zip(asks, results, strict=True) if refused is None]
    rows = [(a.note_id, a.order_id, a.by, a.author, a.words.strip(), None, None) for a in good]
    await _insert(tx, rows, city_id=city_id, now=now)
    return [refused or Noted(note_id=ask.note_id) for ask, refused in zip(asks, results, strict=True)]


async def refund_by_merchant(
    tx: Tx, asks: Sequence[RefundByMerchant], *, city_id: int, now: datetime
) -> list[RefundAsked | Refusal]:
    """The merchant gives the money of unused units back, also where the terms leave the buyer no right to it.

    The amount is what was paid for these units, in the order's currency; it goes back as every refund does. Who gave
    it and why stands in a note to the order, written in the same transaction.
    Refusals: nothing_chosen, note_words (too long), order_not_found (or another merchant's), and those of ask_refunds
    but for the terms.
    """
    there = await _of_merchants(tx, [(ask.order_id, ask.merchant_id) for ask in asks], city_id=city_id)
    results: list[RefundAsked | Refusal | None] = [_refused(ask, known) for ask, known in zip(asks, there, strict=True)]
    good = [i for i, refused in enumerate(results) if refused is None]
    wanted = [
        AskRefund(
            refund_id=asks[i].refund_id, order_id=asks[i].order_id, by=asks[i].by, reason="merchant",
            voucher_ids=asks[i].voucher_ids, by_merchant=True,
        )
        for i in good
    ]  # fmt: skip
    asked = await ask_refunds(tx, wanted, city_id=city_id, now=now)
    rows = []
    for i, result in zip(good, asked, strict=True):
        results[i], ask = result, asks[i]
        if isinstance(result, RefundAsked):
            note = derive(ask.refund_id, "note")
            rows.append((note, ask.order_id, ask.by, ask.author, ask.words.strip(), ask.refund_id, ask.why))
    await _insert(tx, rows, city_id=city_id, now=now)
    return [result for result in results if result is not None]


def _refused(ask: RefundByMerchant, known: bool) -> Refusal | None:
    if not known:
        return OrderUnknown()
    if not ask.voucher_ids:
        return NothingChosen()
    return NoteWords(most=LONGEST) if len(ask.words.strip()) > LONGEST else None


def _why_not(words: str) -> Refusal | None:
    return None if 0 < len(words.strip()) <= LONGEST else NoteWords(most=LONGEST)


async def _of_merchants(tx: Tx, pairs: Sequence[tuple[UUID, UUID]], *, city_id: int) -> list[bool]:
    """For each (order, merchant) whether the order is that merchant's."""
    rows = await tx.rows(
        """select order_id, merchant_id from orders.orders
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[])""",
        city=city_id,
        ids=sorted({order_id for order_id, _ in pairs}),
    )
    found = {(row["order_id"], row["merchant_id"]) for row in rows}
    return [pair in found for pair in pairs]


async def _insert(
    tx: Tx, rows: Sequence[tuple[UUID, UUID, UUID, str, str, UUID | None, str | None]], *, city_id: int, now: datetime
) -> None:
    if not rows:
        return
    notes, orders, authors, names, words, refunds, whys = (list(column) for column in zip(*rows, strict=True))
    await tx.run(
        """insert into orders.notes (city_id, note_id, order_id, by, author, words, refund_id, why, at)
           select %(city)s, k.note, k.ord, k.by, k.author, k.words, k.refund, k.why, %(now)s
           from unnest(%(notes)s::uuid[], %(orders)s::uuid[], %(authors)s::uuid[], %(names)s::text[],
                       %(words)s::text[], %(refunds)s::uuid[], %(whys)s::text[])
                as k (note, ord, by, author, words, refund, why)
           on conflict (city_id, note_id) do nothing""",
        city=city_id, now=now, notes=notes, orders=orders, authors=authors, names=names, words=words,
        refunds=refunds, whys=whys,
    )  # fmt: skip
