"""The audit after a test, without the questions that can find nothing there.

A test touches few of the packages, so most tables of its database are empty: not a page of them was ever written. An
invariant that reads nothing but such tables finds what it finds in an empty database: nothing, as
tests/db/test_auditing.py shows for all of them. To plan and run such queries was half of what an audit cost.
"""

import re
from functools import cache

from hutong.infra.audit import AuditQuery, Violation, ask, queries
from hutong.infra.db import Tx

# What may be the name of a table: also `alias.column`, which is no table and so only ever adds a question.
_NAME = re.compile(r"\b[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*\b")


@cache
def reads(query: AuditQuery) -> frozenset[str]:
    """Every table that the query reads ("orders.lines"), by its text; other words with a point in them may be here."""
    return frozenset(_NAME.findall(query.sql.lower()))


async def tables(tx: Tx) -> dict[str, bool]:
    """Everything in this database that has rows, by name, and whether it is known to have none: no page of it was ever
    written. A partitioned table keeps its rows elsewhere and a view reads others, so nothing is known of them."""
    rows = await tx.rows(
        """select n.nspname || '.' || c.relname as name,
                  c.relkind = 'r' and not c.relhassubclass and pg_relation_size(c.oid) = 0 as empty
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^(pg_|information_schema$)'"""
    )
    return {row["name"]: row["empty"] for row in rows}


def worth_asking(known: dict[str, bool]) -> list[AuditQuery]:
    """The invariants that may find something in a database with these tables."""
    return [query for query in queries() if not _nothing_to_read(query, known)]


def _nothing_to_read(query: AuditQuery, known: dict[str, bool]) -> bool:
    """Whether all tables that the query reads are empty. Never of one that asks the server about itself."""
    read = reads(query) & known.keys()
    return bool(read) and all(known[name] for name in read) and "pg_" not in query.sql


async def audit_touched(tx: Tx) -> list[Violation]:
    """The audit, in the caller's snapshot; the violations found."""
    return await ask(tx, worth_asking(await tables(tx)))
