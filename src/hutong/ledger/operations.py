"""Writing to the books: `post` decides and writes a list of transfers, `expire` frees reserves that were forgotten."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra import turns
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.ledger._family import FAMILIES, Family, family_of, scope, statement
from hutong.ledger.model import (
    AccountKey,
    Entry,
    Known,
    Result,
    Standing,
    State,
    decide,
    key_of,
    malformed,
)
from hutong.ledger.values import Account, Book, Transfer, chain

__all__ = ["expire", "post"]


async def post(tx: Tx, transfers: Sequence[Transfer], *, now: datetime) -> list[Result]:
    """Post the transfers in the order of the list; for each, Posted or the refusal.

    The books of at most one city, and any member and programme books. Amounts are whole units of their asset;
    `now` is the aware instant that the books will show. Three statements for each family of books at hand, however
    long the list; two more where an account is named for the first time. A transfer id that stands in the books is
    not posted again (Posted.replayed). Transfers chained by `linked` are posted together or not at all.

    Refusals, the first that applies: chain_open, (linked_failed for the others of a failed chain), id_taken,
    accounts_same, amount_not_positive, amount_too_large, asset_mismatch, twin_missing, account_conflict,
    pending_not_found, pending_other_accounts, already_posted, already_voided, pending_expired, exceeds_pending,
    pending_other_amount, insufficient_funds.
    """
    parts: dict[Family, list[Transfer]] = {
        family: [t for t in transfers if family_of(t.book) == family] for family in FAMILIES
    }
    present: list[Family] = [family for family in FAMILIES if parts[family]]
    state = State()
    for family in present:
        await _lock(tx, family, parts[family], state, now=now)
    for family in present:  # after all locks: whoever posted one of these ids before has committed by now
        await _recall(tx, family, parts[family], state)
    decision = decide(state, transfers, now=now)
    for family in present:
        await _write(tx, family, [e for e in decision.entries if family_of(e.transfer.book) == family], now=now)
    return decision.results


async def in_turn(tx: Tx, spenders: Sequence[tuple[str, str]], *, book: Book) -> None:
    """Whoever is about to spend all that accounts (path, asset) of a book hold, although the book would let them
    overdraw, waits here until who does so now has committed, and then reads the balance. In one order for everybody;
    before rows of accounts are locked."""
    await turns.in_turn(tx, "spend", [f"{book.name()}/{path}/{asset}" for path, asset in spenders])


async def expire(tx: Tx, *, book: Book, now: datetime, limit: int = 500) -> list[Result]:
    """Free up to `limit` reserves of a book whose time is over at `now`, the longest overdue first.

    A result for each reserve found; one that another sweep freed meanwhile is a replay. A reserve between two books
    is freed in both. Call again until the list is empty (a call stays with one city).
    """
    lapsed = await _due(tx, [book], now=now, limit=limit)
    cities = [t.twin for t in lapsed if t.twin is not None and t.twin.kind == "city"]
    lapsed = [t for t in lapsed if t.twin is None or t.twin.kind != "city" or t.twin == cities[0]]
    pairs = [t for t in lapsed if t.twin is not None]
    other = {t.id: t for t in await _due(tx, {t.twin for t in pairs if t.twin}, now=now, limit=limit, only=pairs)}
    plan = [t for mine in lapsed for t in chain([mine, other[mine.id]] if mine.id in other else [mine])]
    results = await post(tx, plan, now=now)
    return [result for t, result in zip(plan, results, strict=True) if t.book == book]


async def _due(
    tx: Tx, books: Collection[Book], *, now: datetime, limit: int, only: Sequence[Transfer] | None = None
) -> list[Transfer]:
    """The transfers that would free what is due in these books; of `only` these reserves."""
    found: list[Transfer] = []
    ids = None if only is None else [t.pending_id for t in only]
    for family in FAMILIES:
        mine = [book for book in books if family_of(book) == family]
        if mine:
            sql = statement(family, "due")
            rows = await tx.rows(sql, now=now, limit=limit, ids=ids, **scope(family, mine))
            found.extend(_lapse(row) for row in rows)
    return found


def _lapse(row: dict[str, Any]) -> Transfer:
    return Transfer(
        id=derive(row["transfer_id"], "expire"),
        book=Book(row["book_kind"], row["key"]),
        debit=Account(row["debit_path"], row["debit_side"], row["debit_overdraft"]),
        credit=Account(row["credit_path"], row["credit_side"], row["credit_overdraft"]),
        amount=Amount(row["amount"], row["asset"]),
        step="expire_pending",
        pending_id=row["transfer_id"],
        event=row["event"],
        ref=row["ref"],
        rule=row["rule"],
        twin=_twin(row),
    )


def _twin(row: dict[str, Any]) -> Book | None:
    """The other book of a movement between two; its kind stands in the path of the clearing account."""
    if row["twin_city"] is not None:
        return Book.city(row["twin_city"])
    if row["twin_book"] is None:
        return None
    path = row["debit_path"] if row["debit_path"].startswith("clearing/") else row["credit_path"]
    return Book(path.split("/")[1], row["twin_book"])


async def _lock(tx: Tx, family: Family, transfers: Sequence[Transfer], state: State, *, now: datetime) -> None:
    """Open what is new, lock all accounts in one sorted go, and take down what they hold."""
    declared: dict[AccountKey, Account] = {}
    for t in transfers:
        if malformed(t) is None:
            declared.setdefault(key_of(t, t.debit), t.debit)
            declared.setdefault(key_of(t, t.credit), t.credit)
    if not declared:
        return
    names = {
        "keys": [book.key for book, _, _ in declared],
        "paths": [path for _, path, _ in declared],
        "assets": [asset for _, _, asset in declared],
    }
    locking, books = statement(family, "lock"), scope(family, {book for book, _, _ in declared})
    rows = await tx.rows(locking, **names, **books)
    if not rows:  # some are named for the first time; nothing is locked yet, so that the order of locks is kept
        await tx.run(
            statement(family, "open"),
            **names,
            kinds=[book.kind for book, _, _ in declared],
            sides=[account.side for account in declared.values()],
            overdrafts=[account.may_overdraw for account in declared.values()],
            now=now,
        )
        rows = await tx.rows(locking, **names, **books)
    for row in rows:
        key = Book(row.pop("book_kind"), row.pop("key")), row.pop("path"), row.pop("asset")
        state.accounts[key] = Standing(**row)


async def _recall(tx: Tx, family: Family, transfers: Sequence[Transfer], state: State) -> None:
    """Take down the transfers and reserves that the list names and the books know already."""
    books = {t.book.key: t.book for t in transfers}
    pending_ids = sorted({t.pending_id for t in transfers if t.pending_id is not None})
    ids = sorted({t.id for t in transfers} | set(pending_ids))
    sql = statement(family, "recall")
    for row in await tx.rows(sql, ids=ids, pending_ids=pending_ids, **scope(family, books.values())):
        book = books[row["key"]]
        state.known[book, row["transfer_id"]] = Known(
            asset=row["asset"], units=row["amount"], debit_path=row["debit_path"], credit_path=row["credit_path"],
            step=row["step"], pending_id=row["pending_id"], event=row["event"], ref=row["ref"], rule=row["rule"],
            twin=_twin(row), expires_at=row["expires_at"],
        )  # fmt: skip
        if row["pending_id"] is not None:
            state.resolved[book, row["pending_id"]] = row["step"]


async def _write(tx: Tx, family: Family, entries: Sequence[Entry], *, now: datetime) -> None:
    if not entries:
        return
    before: dict[AccountKey, Standing] = {}
    after: dict[AccountKey, Standing] = {}
    for e in entries:
        for account, was, then in (
            (e.transfer.debit, e.debit_before, e.debit),
            (e.transfer.credit, e.credit_before, e.credit),
        ):
            key = key_of(e.transfer, account)
            before.setdefault(key, was)
            after[key] = then
    books = {e.transfer.book for e in entries}
    columns = {**_transfers(entries), **_reserves(entries), **_accounts(before, after)}
    written = await tx.run(statement(family, "write"), now=now, **columns, **scope(family, books))
    if written != len(after):
        raise RuntimeError("an account changed under its lock: nothing is posted")


def _transfers(entries: Sequence[Entry]) -> dict[str, list[Any]]:
    transfers = [e.transfer for e in entries]
    twins = [t.twin.key if t.twin is not None else None for t in transfers]
    return {
        "keys": [t.book.key for t in transfers],
        "ids": [t.id for t in transfers],
        "assets": [t.amount.asset for t in transfers],
        "debits": [t.debit.path for t in transfers],
        "credits": [t.credit.path for t in transfers],
        "amounts": [t.amount.units for t in transfers],
        "steps": [t.step for t in transfers],
        "pendings": [t.pending_id for t in transfers],
        "released": [e.released for e in entries],
        "expiries": [t.expires_at for t in transfers],
        "events": [t.event for t in transfers],
        "refs": [t.ref for t in transfers],
        "rules": [t.rule for t in transfers],
        "chains": [e.chain_id for e in entries],
        "twin_cities": [twin if isinstance(twin, int) else None for twin in twins],
        "twin_books": [twin if isinstance(twin, UUID) else None for twin in twins],
        "d_seqs": [e.debit.version for e in entries],
        "d_prevs": [e.debit_before.last_debit for e in entries],
        "d_posted": [e.debit.debits_posted for e in entries],
        "d_pending": [e.debit.debits_pending for e in entries],
        "c_seqs": [e.credit.version for e in entries],
        "c_prevs": [e.credit_before.last_credit for e in entries],
        "c_posted": [e.credit.credits_posted for e in entries],
        "c_pending": [e.credit.credits_pending for e in entries],
    }


def _reserves(entries: Sequence[Entry]) -> dict[str, list[Any]]:
    """Reserves that this list leaves open, and older ones that it resolves."""
    made = {(t.book, t.id): t for t in (e.transfer for e in entries) if t.step == "reserve"}
    resolved = {(t.book, t.pending_id) for t in (e.transfer for e in entries) if t.pending_id is not None}
    opened = [t for key, t in made.items() if key not in resolved]
    closed = [(book, pending_id) for book, pending_id in resolved if (book, pending_id) not in made]
    return {
        "open_keys": [t.book.key for t in opened],
        "open_ids": [t.id for t in opened],
        "open_expiries": [t.expires_at for t in opened],
        "closed_keys": [book.key for book, _ in closed],
        "closed_ids": [pending_id for _, pending_id in closed],
    }


def _accounts(before: dict[AccountKey, Standing], after: dict[AccountKey, Standing]) -> dict[str, list[Any]]:
    return {
        "a_keys": [book.key for book, _, _ in after],
        "a_paths": [path for _, path, _ in after],
        "a_assets": [asset for _, _, asset in after],
        "a_was": [standing.version for standing in before.values()],
        "a_versions": [standing.version for standing in after.values()],
        "a_d_posted": [standing.debits_posted for standing in after.values()],
        "a_d_pending": [standing.debits_pending for standing in after.values()],
        "a_last_debits": [standing.last_debit for standing in after.values()],
        "a_c_posted": [standing.credits_posted for standing in after.values()],
        "a_c_pending": [standing.credits_pending for standing in after.values()],
        "a_last_credits": [standing.last_credit for standing in after.values()],
    }
