"""A database made large by copying its rows, and what the planner then thinks of a statement.

The copies are made inside PostgreSQL, as `hutong bench nearby` makes its cities: every id that names a row is new,
the shops they belong to are some hundreds, the members as many as the orders. Good for statistics, not for an audit.
"""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus

MANY, SHOPS = 50_000, 200
SHORT = 500  # rows of a walk
_CITY = re.compile(r"\([\w.]*city_id = [^)]*\)")
# What grows with the business: each in time so large that reading all of it would be a fault.
LARGE = (
    "orders.orders", "orders.lines", "orders.changes", "orders.refunds", "orders.bought", "payments.payments",
    "payments.refunds", "payments.events", "payments.changes", "inventory.holds", "inventory.wants",
    "inventory.returns", "inventory.quotas", "vouchers.vouchers", "vouchers.redemptions", "vouchers.reversals",
    "vouchers.changes", "vouchers.scans", "ledger.city_transfers", "ledger.city_accounts",
    "settlement.earnings", "infra.facts", "infra.handled", "infra.answers", "infra.limits", "people.members",
    "people.phones", "people.sessions", "people.codes", "merchants.stores", "catalog.offers",
    "catalog.offer_stores", "catalog.storefronts", "catalog.listings", "catalog.search_docs",
)  # fmt: skip
_SHOP = ("merchant_id", "store_id", "offer_id", "quota_id", "operator_id", "staff_id", "by")  # some hundreds of each
_TOLD = ("code", "key", "request_no", "provider_no", "event_id", "phone", "bucket", "number")  # texts that name a row
_PATHS = ("path", "debit_path", "credit_path")
_MOST = {
    "orders.orders", "vouchers.vouchers", "inventory.holds", "payments.payments", "infra.facts", "infra.answers",
    "ledger.city_transfers", "people.sessions",
}  # fmt: skip


def grow(url: str, many: int = MANY) -> None:
    """Copy every row of the large tables until each holds `many` (some less), with fresh statistics."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("set synchronous_commit = off")
        conn.execute("set session_replication_role = replica")  # a copy of a row that passed need not ask its parents
        for table in LARGE:
            _copy(conn, table, many if table in _MOST else many * 2 // 5)


def _count(conn: psycopg.Connection[Any], table: str) -> int:
    found = conn.execute(f"select count(*) from {table}".encode()).fetchone()
    return 0 if found is None else found[0]


def _copy(conn: psycopg.Connection[Any], table: str, many: int) -> None:
    columns = conn.execute(
        """select a.attname, format_type(a.atttypid, null), coalesce(a.attnum = any(p.conkey), false)
           from pg_attribute a left join pg_constraint p on p.conrelid = a.attrelid and p.contype = 'p'
           where a.attrelid = %(table)s::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
           order by a.attnum""",
        {"table": table},
    ).fetchall()
    there = _count(conn, table)
    assert there, f"{table} is empty: the journey does not write it"
    names = ", ".join(f'"{name}"' for name, _, _ in columns)
    values = ", ".join(_copied(name, kind, named) for name, kind, named in columns)
    copies = max(0, many - there) // there + 1
    conn.execute(
        f"""insert into {table} ({names}) select {values} from {table} t cross join generate_series(1, {copies}) n
            on conflict do nothing""".encode()
    )
    conn.execute(f"analyze {table}".encode())


def _copied(name: str, kind: str, named: bool) -> str:
    """The expression of one column in a copy: `t` is its model, `n` the number of the copy."""
    column = f't."{name}"'
    few = f"(n % {SHOPS})"
    match kind:
        case "uuid":
            mark = few if name in _SHOP and not named else "n"
            return f"md5({column}::text || {mark})::uuid"
        case "bytea" if named:
            return f"sha256({column} || n::text::bytea)"
        case "text" if name == "code":
            return f"lpad((abs(hashtextextended({column}, n)) % 1000000000000)::text, 12, '0')"
        case "text" if name == "phone":
            return "'+86' || (18000000000 + n)::text"
        case "text" if name in _PATHS:
            return f"{column} || '/' || {few if not named else 'n'}"
        case "text" if name in _TOLD:
            return f"{column} || '.' || n"
        case "tsvector":  # words of their own: not everything is noodles
            return "array_to_tsvector(array['1.filler' || n])"
        case "text" if name == "latin":
            return "'filler ' || n"
        case "timestamp with time zone":
            return f"{column} - (n % 8000) * interval '1 second'"
        case _:
            return column


class Planned:
    """What PostgreSQL would do for statements: with their own values, or knowing none of them."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self._conn = conn
        conn.execute("set plan_cache_mode = force_generic_plan")  # of what is prepared; a mere EXPLAIN has its values

    def read_whole(self, sql: str, params: dict[str, Any]) -> list[str]:
        """Of which large tables every row would be read, and by what.

        A plan for any values that costs much more than the one for these is never kept, so it may read what it likes.
        """
        own, generic = self._own(sql, params), self._generic(sql, params)
        found = [f"own: {one}" for one in _wide(own)]
        if generic["Total Cost"] <= 2 * own["Total Cost"] + 50:
            found += [f"generic: {one}" for one in _wide(generic)]
        return found

    def _own(self, sql: str, params: dict[str, Any]) -> dict[str, Any]:
        return _plan(self._conn.execute(f"explain (verbose, format json) {sql}".encode(), params).fetchone())

    def _generic(self, sql: str, params: dict[str, Any]) -> dict[str, Any]:
        order: list[str] = []
        text = re.sub(r"%\((\w+)\)s", lambda hit: _number(order, hit[1]), sql).replace("%%", "%")
        adapted = Transformer(self._conn)
        adapted.dump_sequence([params[name] for name in order], [PyFormat.AUTO] * len(order))
        prepared = self._conn.pgconn.prepare(b"watched", text.encode(), adapted.types or ())
        assert prepared.status == ExecStatus.COMMAND_OK, (prepared.error_message, text)
        call = f"watched({', '.join(['null'] * len(order))})" if order else "watched"
        plan = _plan(self._conn.execute(f"explain (verbose, format json) execute {call}".encode()).fetchone())
        self._conn.execute("deallocate watched")
        return plan


def _number(order: list[str], name: str) -> str:
    if name not in order:
        order.append(name)
    return f"${order.index(name) + 1}"


def _plan(row: Any) -> dict[str, Any]:
    assert row is not None
    return row[0][0]["Plan"]


def _wide(plan: dict[str, Any]) -> list[str]:
    """Sequential scans of large tables, and walks through an index that nothing but the city bounds: those that throw
    rows away on the way. Walks that are expected to be short go through indexes of what waits, which is little."""
    return [
        f"{node['Node Type']} of {name} by {node.get('Index Cond', 'nothing')}, {node.get('Filter', 'all')}"
        for node in _nodes(plan)
        if (name := f"{node.get('Schema')}.{node.get('Relation Name')}") in LARGE and _is_wide(node)
    ]


def _is_wide(node: dict[str, Any]) -> bool:
    if node["Node Type"] == "Seq Scan":
        return True
    bounds = _CITY.sub("", node.get("Index Cond", "")).strip("() ")
    walks = node["Node Type"] in ("Index Scan", "Index Only Scan") and not bounds
    return walks and "Filter" in node and node["Plan Rows"] > SHORT


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, dict):
        if "Node Type" in plan:
            yield plan
        plan = list(plan.values())
    if isinstance(plan, list):
        for part in plan:
            yield from _nodes(part)
