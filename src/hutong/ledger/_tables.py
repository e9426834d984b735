"""Two families of tables with the same columns: the books of cities, and the books of members and programmes.

What the database itself holds, without triggers and without trusting the code:

- A transfer is one row: one amount, one asset, one book, a debit and a credit account that exist in that book
  and asset. So it cannot be unbalanced, cross assets or books, or lack a leg.
- Each transfer states the totals that its two accounts have after it, and refers to the transfer that stated the
  totals before it; the account's totals refer to its last transfer on each side. So totals that no chain of
  transfers explains cannot be written, and an amount in the chain can neither be changed nor deleted.
- An account that may not overdraw has a CHECK that counts what is reserved.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from hutong.infra.tables import city_table, other_table

_POSTS = "step in ('post', 'post_pending')"
_POSTED = f"case when {_POSTS} then amount else 0 end"
_HELD = "case when step = 'reserve' then amount else -released end"


def _name(name: str, *, key: bool = False) -> Column[Any]:
    """A text that is compared byte by byte: the same order on every machine, and prefixes use the index."""
    return Column(name, Text(collation="C"), nullable=False, primary_key=key)


def _check(name: str, condition: str) -> CheckConstraint:
    return CheckConstraint(condition, name=name)


def _units(name: str) -> Column[Any]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _accounts(family: str, key: str) -> list[Any]:
    kinds = "('city')" if key == "city_id" else "('member', 'programme')"
    totals = [
        _check(f"{side}_{kind}_not_negative", f"{side}_{kind} >= 0")
        for side in ("debits", "credits")
        for kind in ("posted", "pending")
    ]
    return [
        _name("path", key=True),
        _name("asset", key=True),
        Column("book_kind", Text, nullable=False),
        Column("side", Text, nullable=False),
        Column("may_overdraw", Boolean, nullable=False),
        Column("version", BigInteger, nullable=False, server_default="0"),
        _units("debits_posted"),
        _units("debits_pending"),
        Column("last_debit", UUID),
        _units("credits_posted"),
        _units("credits_pending"),
        Column("last_credit", UUID),
        Column("opened_at", DateTime(timezone=True), nullable=False),
        *totals,
        _check("side", "side in ('debit', 'credit')"),
        _check("path", "path ~ '^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$' and length(path) <= 160"),
        _check("asset", "asset ~ '^[A-Z][A-Z0-9_]*$'"),
        _check("book_kind", f"book_kind in {kinds}"),
        _check(
            "no_overdraft",
            "may_overdraw or case side when 'credit' then debits_posted + debits_pending <= credits_posted"
            " else credits_posted + credits_pending <= debits_posted end",
        ),
        _check("debits_explained", "last_debit is not null or (debits_posted = 0 and debits_pending = 0)"),
        _check("credits_explained", "last_credit is not null or (credits_posted = 0 and credits_pending = 0)"),
        _check("version", "version >= 0 and (version = 0) = (last_debit is null and last_credit is null)"),
        *[_head(family, key, side) for side in ("debit", "credit")],
    ]


def _head(family: str, key: str, side: str) -> ForeignKeyConstraint:
    """The account's totals on one side are those that its last transfer on that side stated."""
    there = [key, "transfer_id", f"{side}_path", "asset", f"{side}s_posted", f"{side}s_pending"]
    return ForeignKeyConstraint(
        [key, f"last_{side}", "path", "asset", f"{side}s_posted", f"{side}s_pending"],
        [f"ledger.{family}_transfers.{column}" for column in there],
        name=f"{family}_accounts_last_{side}_fkey",
        use_alter=True,
    )


def _leg(family: str, key: str, side: str) -> list[Any]:
    """One side of a transfer: the account, the leg's number in its history, and the totals before and after.

    A young table has no statistics, and the planner then takes every index that starts with the book for equally
    good; its choice is kept for the foreign keys of a session. So each index that it may take has the transfer's
    id in second place, and the one that has not is partial.
    """
    table, s = f"{family}_transfers", side
    stated = [key, "transfer_id", f"{s}_path", "asset", f"{s}s_posted", f"{s}s_pending"]
    before = [key, f"{s}_prev", f"{s}_path", "asset", f"{s}s_posted_before", f"{s}s_pending_before"]
    return [
        _name(f"{s}_path"),
        Column(f"{s}_seq", BigInteger, nullable=False),
        Column(f"{s}_prev", UUID),
        Column(f"{s}s_posted", BigInteger, nullable=False),
        Column(f"{s}s_pending", BigInteger, nullable=False),
        Column(f"{s}s_posted_before", BigInteger, Computed(f"{s}s_posted - {_POSTED}", persisted=True)),
        Column(f"{s}s_pending_before", BigInteger, Computed(f"{s}s_pending - ({_HELD})", persisted=True)),
        UniqueConstraint(*stated, name=f"{table}_{s}_stated_key"),
        ForeignKeyConstraint(
            [key, f"{s}_path", "asset"],
            [f"ledger.{family}_accounts.{column}" for column in (key, "path", "asset")],
            name=f"{table}_{s}_account_fkey",
        ),
        ForeignKeyConstraint(before, [f"ledger.{table}.{c}" for c in stated], name=f"{table}_{s}_before_fkey"),
        _check(
            f"{s}_follows",
            f"{s}_prev is not null or ({s}s_posted = {_POSTED} and {s}s_pending = {_HELD})",
        ),
        _check(f"{s}_totals", f"{s}s_pending >= 0 and {s}_seq > 0"),
        Index(f"{table}_{s}_at_idx", key, f"{s}_path", "at", postgresql_where=text(_POSTS)),
    ]


def _transfers(family: str, key: str) -> list[Any]:
    table = f"{family}_transfers"
    return [
        Column("transfer_id", UUID, primary_key=True),
        _name("asset"),
        Column("amount", BigInteger, nullable=False),
        Column("step", Text, nullable=False),
        Column("pending_id", UUID),
        Column("released", BigInteger, nullable=False),
        Column("expires_at", DateTime(timezone=True)),
        Column("event", Text, nullable=False),
        Column("ref", UUID, nullable=False),
        Column("rule", Text, nullable=False),
        Column("chain_id", UUID),
        Column("twin_city", Integer),
        Column("twin_book", UUID),
        Column("at", DateTime(timezone=True), nullable=False),
        *_leg(family, key, "debit"),
        *_leg(family, key, "credit"),
        _check("amount_positive", "amount > 0"),
        _check("two_accounts", "debit_path <> credit_path"),
        _check("step", "step in ('post', 'reserve', 'post_pending', 'void_pending', 'expire_pending')"),
        _check("resolution", "(step in ('post', 'reserve')) = (pending_id is null)"),
        _check(
            "released",
            "case step when 'post_pending' then released >= amount when 'void_pending' then released = amount"
            " when 'expire_pending' then released = amount else released = 0 end",
        ),
        _check("expires", "expires_at is null or step = 'reserve'"),
        _check("one_twin", "num_nonnulls(twin_city, twin_book) <= 1"),
        _check(
            "clearing_has_twin",
            "(num_nonnulls(twin_city, twin_book) = 1)"
            " = (debit_path like 'clearing/%' or credit_path like 'clearing/%')",
        ),
        ForeignKeyConstraint(
            [key, "pending_id"], [f"ledger.{table}.{key}", f"ledger.{table}.transfer_id"], name=f"{table}_pending_fkey"
        ),
        # What was posted about a thing: for whoever asks who got what. Partial, see _leg.
        Index(f"{table}_ref_idx", key, "ref", postgresql_where=text(_POSTS)),
        # A reserve is resolved once. Partial, because most transfers resolve none.
        Index(
            f"{table}_resolved_once_key",
            key,
            "pending_id",
            unique=True,
            postgresql_where=text("pending_id is not null"),
        ),
    ]


def _reserves(family: str, key: str) -> list[Any]:
    """The reserves that are still open: a small table, so that the sweep does not walk all history."""
    transfers = f"ledger.{family}_transfers"
    return [
        Column("transfer_id", UUID, primary_key=True),
        Column("expires_at", DateTime(timezone=True)),
        ForeignKeyConstraint(
            [key, "transfer_id"],
            [f"{transfers}.{key}", f"{transfers}.transfer_id"],
            name=f"{family}_reserves_transfer_fkey",
        ),
        Index(f"{family}_reserves_expires_at_idx", key, "expires_at"),
    ]


def _keyed(name: str, *parts: Any) -> Table:
    return other_table(name, Column("book_id", UUID, primary_key=True), *parts)


city_accounts = city_table("ledger.city_accounts", *_accounts("city", "city_id"))
city_transfers = city_table("ledger.city_transfers", *_transfers("city", "city_id"))
city_reserves = city_table("ledger.city_reserves", *_reserves("city", "city_id"))

book_accounts = _keyed("ledger.book_accounts", *_accounts("book", "book_id"))
book_transfers = _keyed("ledger.book_transfers", *_transfers("book", "book_id"))
book_reserves = _keyed("ledger.book_reserves", *_reserves("book", "book_id"))
