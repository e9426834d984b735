"""The PostgreSQL that a bench works on, and what it and the server's processes have used so far."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import psutil
from msgspec import Struct

from hutong.cli.base import Context, words
from hutong.infra import migrate
from hutong.infra.db import Database
from hutong.infra.embedded import EmbeddedPostgres, PostgresUnusable, temporary
from hutong.infra.embedded.host import binaries_for
from hutong.infra.gauges import gauges
from hutong.infra.settings import Settings

PRELOAD = ("pg_stat_statements",)


class Ground(Struct, frozen=True, kw_only=True):
    """Where a bench stands: settings with a migrated database, and the address from which its totals are read."""

    settings: Settings
    watch_url: str
    binaries: Path
    kept: bool

    @property
    def url(self) -> str:
        assert self.settings.database_url is not None
        return self.settings.database_url

    @property
    def database(self) -> str:
        return urlsplit(self.url).path.strip("/") or "postgres"

    def run(self, program: str, *arguments: str, stdin: str = "", admin: bool = False) -> str:
        """One of PostgreSQL's own programs on our database; what it said. Raises ClickException when it fails.

        admin: as the superuser, where the server is ours.
        """
        url = urlsplit(self.watch_url)._replace(path=f"/{self.database}").geturl() if admin else self.url
        given = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        command = [str(self.binaries / program), *arguments, url]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=given)  # noqa: S603 (our own binary)
        if done.returncode:
            raise click.ClickException(f"{program}: {done.stderr.strip()[-600:]}")
        return done.stdout

    def psql(
        self, *, file: Path | None = None, command: str = "", variables: Mapping[str, object] | None = None,
        stdin: str = "", admin: bool = False,
    ) -> str:  # fmt: skip
        """SQL of a file or a line, as the owner of the database."""
        what = ["--file", str(file)] if file else ["--command", command]
        given = [part for name, value in (variables or {}).items() for part in ("--set", f"{name}={value}")]
        quiet = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1")
        return self.run("psql", *quiet, *given, *what, "--dbname", stdin=stdin, admin=admin)


@contextmanager
def slow_flushes(place: Ground, ms: float) -> Iterator[None]:
    """As on a disk that takes `ms` longer to flush the log: for all who connect while the block runs, pgbench too.

    PostgreSQL's own commit_delay waits before each flush with the log's lock held, as a disk would let it wait. It is
    kinder than such a disk to commits of different rows, for those that come meanwhile are flushed with it. Raises
    ClickException where the server is not ours.
    """
    if not ms:
        yield
        return
    if place.watch_url == place.url:
        raise click.ClickException("--flush-ms works on a PostgreSQL of our own: leave out HUTONG_DATABASE_URL")
    on = f'alter database "{place.database}"'
    place.psql(command=f"{on} set commit_delay = {round(ms * 1000)}; {on} set commit_siblings = 0", admin=True)
    try:
        yield
    finally:
        place.psql(command=f"{on} reset commit_delay; {on} reset commit_siblings", admin=True)


class Used(Struct, frozen=True, kw_only=True):
    """What was used until now; None where it cannot be known from here."""

    server_s: float
    postgres_s: float | None
    wal_bytes: int
    statements: int | None
    commits: int | None


@contextmanager
def ground(ctx: Context, **given: Any) -> Iterator[Ground]:
    """The database of --data or HUTONG_DATABASE_URL, or a temporary one: on disk, nothing spared (fsync is on)."""
    if not ctx.stays():
        with temporary(fsync=True, memory_mb=ctx.settings().page_memory_mb, preload=PRELOAD) as server:
            data = str(Path(server.folder).parent / "data")
            yield _ready(server, ctx.settings(**given, database_url=server.url, data=data), kept=False)
        return
    settings = ctx.settings(**given)
    if settings.database_url is not None:
        migrate.migrate(settings.database_url)
        yield Ground(settings=settings, watch_url=settings.database_url, binaries=_binaries(), kept=True)
        return
    server = EmbeddedPostgres(
        settings.postgres_folder, port=settings.postgres_port, memory_mb=settings.page_memory_mb, preload=PRELOAD
    )
    try:
        server.start()
    except PostgresUnusable as error:
        raise click.ClickException(str(error)) from None
    try:
        yield _ready(server, settings.model_copy(update={"database_url": server.url}), kept=True)
    finally:
        server.stop()


def _binaries() -> Path:
    try:
        return binaries_for(None)
    except PostgresUnusable as error:
        raise click.ClickException(f"pgbench comes with it: {error}") from None


def _ready(server: EmbeddedPostgres, settings: Settings, *, kept: bool) -> Ground:
    if server.notice:
        words.print(server.notice, style="yellow")
    migrate.migrate(server.url)
    make = "create extension if not exists pg_stat_statements"
    command = [str(server.psql), "--no-psqlrc", "--quiet", "--command", make, server.admin_url]
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603 (our own binary)
    return Ground(settings=settings, watch_url=server.admin_url, binaries=server.binaries, kept=kept)


async def used(place: Ground, server_pid: int | None) -> Used:
    """The totals now: of the server's processes, of PostgreSQL's, of its log and its statements."""
    async with Database(place.watch_url).snapshot() as tx:
        seen = await gauges(tx, database=place.database)
        postmaster = _postmaster(seen.backend)  # while the backend is there
    return Used(
        server_s=cpu_of(server_pid) or 0.0, postgres_s=cpu_of(postmaster), wal_bytes=seen.wal_bytes,
        statements=seen.statements, commits=seen.commits,
    )  # fmt: skip


def _postmaster(backend: int) -> int | None:
    """The server that the backend belongs to, when it runs on this machine."""
    try:
        process = psutil.Process(backend)
        parent = process.parent()
    except psutil.NoSuchProcess:
        return None
    return parent.pid if parent is not None and process.name().startswith("postgres") else None


def cpu_of(pid: int | None) -> float | None:
    """Seconds of processor that a process and all that came of it have used, the ended ones included."""
    if pid is None:
        return None
    try:
        family = [psutil.Process(pid)]
        family += family[0].children(recursive=True)
    except psutil.NoSuchProcess:
        return None
    total = 0.0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


@contextmanager
def desk() -> Iterator[Path]:
    """A folder for plans and answers, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="hutong-bench-") as folder:
        yield Path(folder)
