"""The provider's own memory: one SQLite file. `effects` is its log of money moved; a row is never changed."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hutong.kit.clock import Clock

SCHEMA = """
create table if not exists payment (
    out_no text primary key, provider_no text not null unique, token text not null unique,
    amount integer not null check (amount > 0), asset text not null, description text not null,
    notify_url text not null, return_url text not null, expires_at text not null, created_at text not null,
    state text not null check (state in ('unpaid', 'captured', 'closed')),
    captured integer not null default 0, refunding integer not null default 0, settled_at text,
    check (refunding between 0 and captured));
create table if not exists refund (
    refund_no text primary key, provider_no text not null unique, out_no text not null references payment,
    amount integer not null check (amount > 0), asset text not null, reason text not null,
    created_at text not null, state text not null check (state in ('processing', 'done', 'failed')),
    failure text, settle_at text not null, settled_at text);
create table if not exists payout (
    payout_no text primary key, provider_no text not null unique, account text not null,
    amount integer not null check (amount > 0), asset text not null, notify_url text not null,
    created_at text not null, state text not null check (state in ('processing', 'done', 'failed')),
    failure text, settle_at text not null, settled_at text);
create table if not exists effect (
    id integer primary key, kind text not null, number text not null, out_no text not null,
    provider_no text not null, amount integer not null, asset text not null, fee integer not null, at text not null);
create table if not exists event (
    event_id text primary key, kind text not null, subject text not null, notify_url text not null,
    body blob not null, forged integer not null, tries integer not null default 0, due_at text,
    delivered_at text, created_at text not null);
create table if not exists call (id integer primary key, op text not null, number text not null, at text not null);
create table if not exists rule (id integer primary key, number text, body blob not null, used integer not null);
create index if not exists event_due on event (due_at) where due_at is not null;
create index if not exists refund_open on refund (settle_at) where state = 'processing';
create index if not exists payout_open on payout (settle_at) where state = 'processing';
create index if not exists payment_open on payment (expires_at) where state = 'unpaid';
create index if not exists effect_number on effect (kind, number);
"""

Row = dict[str, Any]


class SkewedClock:
    """The system's clock plus an offset, so that a story which lives in another month finds a provider there."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset = timedelta(0)

    def now(self) -> datetime:
        return self._clock.now() + self.offset

    def turn_to(self, instant: datetime) -> None:
        self.offset = instant - self._clock.now()


def stamp(instant: datetime) -> str:
    """An instant as sortable text (UTC, microseconds)."""
    return instant.isoformat(timespec="microseconds")


class Store:
    """One connection, one thread: the server runs in a single event loop and each transaction is short."""

    def __init__(self, path: Path, clock: SkewedClock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.clock = clock
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # WAL without fsync per transaction: survives a killed process, which is what the tests do to it.
        for pragma in ("journal_mode = wal", "synchronous = normal", "foreign_keys = on", "busy_timeout = 5000"):
            self._db.execute(f"pragma {pragma}")
        self._db.executescript(SCHEMA)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction; nothing of it stays when the block raises."""
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def rows(self, sql: str, **params: Any) -> list[Row]:
        return [dict(row) for row in self._db.execute(sql, params).fetchall()]

    def row(self, sql: str, **params: Any) -> Row | None:
        found = self._db.execute(sql, params).fetchone()
        return dict(found) if found else None

    def run(self, sql: str, **params: Any) -> int:
        """Number of rows changed."""
        return self._db.execute(sql, params).rowcount

    def now(self) -> str:
        return stamp(self.clock.now())

    def close(self) -> None:
        self._db.close()
