"""Issue vouchers: one right for each unit that was paid."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.vouchers.codes import fresh_codes, fresh_secrets
from hutong.vouchers.model import Issue, Issued

ROUNDS = 6  # a code of twelve digits is taken once in millions of draws; six times in a row means something is broken


async def issue(
    tx: Tx, requests: Sequence[Issue], *, city_id: int, now: datetime, draw: Callable[[int], list[str]] = fresh_codes
) -> list[Issued]:
    """Make the rights, each with a secret and a typed code of its own. The same voucher_id again is the same voucher.

    Units are those of each request's asset. A code that is taken is drawn anew, for all of them at once. One unit of
    a line has one voucher: another id for it is a defect of the caller and ends the transaction.
    """
    pending = {request.voucher_id: request for request in requests}
    codes: dict[UUID, str] = {}
    fresh: set[UUID] = set()
    for _ in range(ROUNDS):
        if not pending:
            break
        made = await _insert(tx, list(pending.values()), draw(len(pending)), city_id=city_id, now=now)
        fresh |= made.keys()
        codes |= made
        pending = {i: request for i, request in pending.items() if i not in made}
        before = await _existing(tx, list(pending), city_id=city_id)
        codes |= before
        pending = {i: request for i, request in pending.items() if i not in before}
    if pending:
        raise RuntimeError(f"{len(pending)} vouchers could not be issued: their unit has another voucher")
    answers: list[Issued] = []
    for request in requests:
        voucher_id = request.voucher_id
        answers.append(Issued(voucher_id=voucher_id, code=codes[voucher_id], replayed=voucher_id not in fresh))
        fresh.discard(voucher_id)
    return answers


async def _existing(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, str]:
    if not ids:
        return {}
    rows = await tx.rows(
        "select voucher_id, code from vouchers.vouchers where city_id = %(city)s and voucher_id = any(%(ids)s::uuid[])",
        city=city_id, ids=list(ids),
    )  # fmt: skip
    return {row["voucher_id"]: row["code"] for row in rows}


async def _insert(
    tx: Tx, requests: Sequence[Issue], codes: Sequence[str], *, city_id: int, now: datetime
) -> dict[UUID, str]:
    """Insert what can be inserted; voucher_id -> code of those that were."""
    rights, of = _rights(requests)
    rows = await tx.rows(
        load(__package__, "issue"), city=city_id, now=now, codes=list(codes), secrets=fresh_secrets(len(requests)),
        of=of, ids=[r.voucher_id for r in requests], members=[r.member_id for r in requests],
        holders=[r.holder_name for r in requests], orders=[r.order_id for r in requests],
        lines=[r.line_id for r in requests], units=[r.unit_no for r in requests],
        states=["waiting" if r.waiting else "valid" for r in requests],
        paids=[r.paid_units for r in requests], dues=[r.due_units for r in requests],
        kinds=[r.kind for r in rights], merchants=[r.merchant_id for r in rights], offers=[r.offer_id for r in rights],
        titles=[Jsonb(r.title) for r in rights], uses=[r.uses for r in rights],
        froms=[r.valid_from for r in rights], tos=[r.valid_to for r in rights], terms=[Jsonb(r.terms) for r in rights],
        stores=[Jsonb([str(store) for store in r.store_ids]) for r in rights], assets=[r.asset for r in rights],
        values=[r.value for r in rights], wides=[r.wide for r in rights],
    )  # fmt: skip
    return {row["voucher_id"]: row["code"] for row in rows}


def _rights(requests: Sequence[Issue]) -> tuple[list[Issue], list[int]]:
    """What is the same for many vouchers, by one request each; and the number (from 1) of it for each request.

    Terms, titles and stores are compared by identity: a caller who gives each voucher a copy only sends more.
    """
    numbers: dict[tuple[object, ...], int] = {}
    rights: list[Issue] = []
    of: list[int] = []
    for r in requests:
        shared = id(r.terms), id(r.title), id(r.store_ids), r.offer_id.int, r.merchant_id.int, r.valid_from, r.valid_to
        key = *shared, r.kind, r.uses, r.asset, r.value, r.wide
        number = numbers.get(key)
        if number is None:
            rights.append(r)
            number = numbers[key] = len(rights)
        of.append(number)
    return rights, of
