"""Rows written past the ledger, as a mistaken script or a curious hand would write them."""

from typing import Any

import psycopg
from msgspec.structs import replace
from psycopg.types.json import Jsonb

from hutong.infra.db import Database, Tx
from hutong.kit.money import Amount
from hutong.ledger import Book, Transfer, across, chain, chart, post, resolve
from tests.ledger_play import ANN, NAMES, START, account, named

CITY, MEMBER = Book.city(1), Book.member(ANN)


def plain(name: str, debit: str, credit: str, units: int, **more: Any) -> Transfer:
    return Transfer(
        id=named(name), book=CITY, debit=account(debit), credit=account(credit), amount=Amount(units, "CNY"),
        event="test", ref=NAMES, **more,
    )  # fmt: skip


async def some_books(db: Database) -> None:
    """City 1: ext/ann/noodle with a chain, an open reserve R and one, Q, of which a part was posted; 20 moved to
    Ann's own book, with an open reserve S and a posted one T.
    """
    move = across(
        id=named("M"), source=CITY, debit=account("ann"), target=MEMBER, credit=chart.wallet("CNY"),
        amount=Amount(20, "CNY"), event="test", ref=NAMES,
    )  # fmt: skip
    hold_q = plain("Q", "ann", "noodle", 40, step="reserve")
    take_q = plain("P", "ann", "noodle", 30, step="post_pending", pending_id=named("Q"))
    open_r = plain("R", "ann", "noodle", 50, step="reserve", expires_at=START)
    hold_t = replace(hold_q, id=named("T"), book=MEMBER, debit=chart.wallet("CNY"), amount=Amount(7, "CNY"))
    take_t = resolve(hold_t, id=named("U"), step="post_pending", units=5)
    open_s = replace(hold_t, id=named("S"), expires_at=START)
    async with db.city(1) as tx:
        linked = chain([plain("A", "ext", "ann", 500), plain("B", "ann", "noodle", 100)])
        results = await post(tx, [*linked, hold_q, take_q, open_r, *move, hold_t, take_t, open_s], now=START)
    assert all(type(result).__name__ == "Posted" for result in results), results


async def run(db: Database, *statements: str) -> None:
    """Statements in one transaction, past the ledger."""
    async with db.city(1) as tx:
        for sql in statements:
            await tx.run(sql)


async def next_row(tx: Tx, debit: str, credit: str, units: int, **changes: Any) -> dict[str, Any]:
    """A row that would continue both accounts' histories correctly, but for `changes`."""
    row: dict[str, Any] = {
        "city_id": 1, "transfer_id": str(named("new")), "asset": "CNY", "debit_path": debit, "credit_path": credit,
        "amount": units, "step": "post", "pending_id": None, "released": 0, "expires_at": None, "event": "by hand",
        "ref": str(NAMES), "rule": "", "chain_id": None, "twin_city": None, "twin_book": None, "at": START.isoformat(),
    }  # fmt: skip
    for side, path in (("debit", debit), ("credit", credit)):
        found = await tx.row(
            f"""select version + 1 as seq, last_{side} as prev, {side}s_posted as posted, {side}s_pending as pending
                  from ledger.city_accounts where city_id = 1 and asset = 'CNY' and path = %(path)s""",
            path=path,
        ) or {"seq": 1, "prev": None, "posted": 0, "pending": 0}
        row |= {f"{side}_seq": found["seq"], f"{side}_prev": found["prev"], f"{side}s_pending": found["pending"]}
        row[f"{side}s_posted"] = found["posted"] + units
    return row | changes


async def insert(tx: Tx, row: dict[str, Any], table: str = "ledger.city_transfers") -> None:
    names = ", ".join(row)
    sql = f"insert into {table} ({names}) select {names} from jsonb_populate_record(null::{table}, %(row)s)"
    await tx.run(sql, row=Jsonb(row))


def refused_by(error: psycopg.Error) -> str:
    """The constraint that said no; nothing for a NOT NULL."""
    return error.diag.constraint_name or ""
