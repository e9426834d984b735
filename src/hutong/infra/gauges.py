"""What the server of PostgreSQL has done so far: two looks around a piece of work tell what the work cost."""

from msgspec import Struct

from hutong.infra.db import Tx


class Gauges(Struct, frozen=True, kw_only=True):
    """Totals since some moment of the past. `statements` and `commits` are None where nobody counts them.

    statements: all that clients sent but BEGIN, COMMIT and ROLLBACK. wal_bytes: what all databases wrote ahead.
    """

    backend: int
    wal_bytes: int
    statements: int | None
    commits: int | None


async def gauges(tx: Tx, *, database: str) -> Gauges:
    """The totals of a database now. Statements are counted where pg_stat_statements is loaded and may be read here.

    `backend` is the process that answers, whose parent is the server.
    """
    row = await tx.row(
        """select pg_backend_pid() as backend, (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint as wal_bytes,
                  to_regclass('pg_stat_statements') is not null
                      and current_setting('pg_stat_statements.max', true) is not null as counted"""
    )
    assert row is not None
    statements = commits = None
    if row.pop("counted"):
        counts = await tx.row(
            """select coalesce(sum(s.calls) filter (where s.query !~* '^(begin|commit|rollback)'), 0)::bigint as all,
                      coalesce(sum(s.calls) filter (where s.query ~* '^commit'), 0)::bigint as commits
               from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = %(name)s""",
            name=database,
        )
        assert counts is not None
        statements, commits = counts["all"], counts["commits"]
    return Gauges(statements=statements, commits=commits, **row)
