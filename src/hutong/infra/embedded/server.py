"""The embedded server as the rest of Hutong sees it: start, address, databases, stop.

A thread looks after it: it launches the server, sees it die (whatever the cause), clears up and brings it back. The
process that holds the folder's lock is the one that looks after it; another that starts on the same folder is a guest
of the running server and takes over when the first one goes.
"""

import logging
import os
import secrets
import shutil
import threading
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from msgspec.structs import replace

from hutong.infra.embedded import cluster, databases, host
from hutong.infra.embedded.cluster import OWNER, SUPERUSER, Plan
from hutong.infra.embedded.errors import PostgresUnusable, StartFailed
from hutong.infra.embedded.lock import FolderLock
from hutong.infra.embedded.postmaster import Postmaster, clear_up, last_lines, launch, read_pid_file, running

log = logging.getLogger("hutong.postgres")  # silent, and never failing, where nobody set up logging

ELSEWHERE = "elsewhere"  # a link from the folder to its home, when that is another
TICK = 0.05  # seconds between two looks at the server
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0  # seconds; the pause doubles with each start in vain


class EmbeddedPostgres:
    """A PostgreSQL of our own in `folder`.

    port: listen on 127.0.0.1 too, by password. fsync=False: faster, for data that may be lost with the machine.
    memory_mb: shared page memory. connections: most at one time. database: made at the first start. preload: libraries
    of the server, such as pg_stat_statements.
    """

    def __init__(
        self, folder: Path, *, port: int | None = None, fsync: bool = True, memory_mb: int = 256,
        connections: int = 200, database: str = "hutong", preload: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.folder = Path(os.path.abspath(folder))
        self.database = database
        self.restarts = 0
        self.notice: str | None = None
        self._port, self._fsync, self._memory_mb, self._connections = port, fsync, memory_mb, connections
        self._preload = preload
        self._plan: Plan | None = None
        self._lock = FolderLock(self.folder / "owner.lock")
        self._pid = os.getpid()
        self._lives = 0
        self._adopted = False
        self._postmaster: Postmaster | None = None
        self._stopping, self._settled, self._ready = threading.Event(), threading.Event(), threading.Event()
        self._failure: Exception | None = None
        self._thread: threading.Thread | None = None

    # What others use

    def start(self, timeout: float = 120.0) -> "EmbeddedPostgres":
        """Start, or join, the server; returns when it answers. Raises PostgresUnusable or StartFailed, saying why."""
        if self._thread is not None:
            raise RuntimeError("already started")
        for event in (self._stopping, self._settled, self._ready):
            event.clear()
        self._failure, self._pid, self._lives, self.restarts = None, os.getpid(), 0, 0
        self._prepare()
        self._thread = threading.Thread(target=self._look_after, name="postgres", daemon=True)
        self._thread.start()
        if not self._settled.wait(timeout):
            self._failure = StartFailed(f"PostgreSQL was not ready in {timeout:.0f} s: {last_lines(self.log_file)}")
        if self._failure is not None:
            failure = self._failure
            self.stop()
            raise failure
        return self

    def stop(self, timeout: float = 60.0) -> None:
        """Stop the server cleanly if it is ours to stop; a guest only leaves. Safe to call twice, and after a fork."""
        if self._thread is None or os.getpid() != self._pid:
            return
        self._stopping.set()
        self._thread.join(timeout)
        self._thread = None

    def alive(self) -> bool:
        """Whether the server runs and takes connections."""
        return self._ready.is_set() and self._postmaster is not None and self._postmaster.alive()

    def wait_ready(self, timeout: float, *, restarts: int = 0) -> bool:
        """Whether, within that time, the server takes connections and was brought back at least `restarts` times."""
        until = time.monotonic() + timeout
        while not (self.alive() and self.restarts >= restarts):
            if time.monotonic() >= until:
                return False
            time.sleep(0.01)
        return True

    def create_database(self, name: str, template: str | None = None) -> str:
        """A new database, empty or a copy of `template`; its address."""
        databases.create(self.admin_url, name=name, template=template)
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Remove a database and whoever is connected to it; nothing happens when it is not there."""
        databases.drop(self.admin_url, name=name)

    def url_of(self, database: str, user: str = OWNER) -> str:
        """The address of a database, over the socket."""
        plan = self._planned
        return f"postgresql://{user}@/{database}?host={quote(str(plan.socket), safe='')}&port={plan.socket_port}"

    @property
    def url(self) -> str:
        """The address for Hutong: its role owns its databases and is no superuser."""
        return self.url_of(self.database)

    @property
    def admin_url(self) -> str:
        """The superuser's address: only over the socket, only for the account that can enter its folder."""
        return self.url_of("postgres", SUPERUSER)

    @property
    def tcp_url(self) -> str | None:
        """The address over TCP with its password, when a port was asked for."""
        port = self._planned.port
        return None if port is None else f"postgresql://{OWNER}:{self._password()}@127.0.0.1:{port}/{self.database}"

    @property
    def pid(self) -> int | None:
        """The server's process, while there is one."""
        return self._postmaster.pid if self._postmaster is not None else None

    @property
    def is_owner(self) -> bool:
        """Whether this process looks after the server (a guest does not)."""
        return self._lock.held

    @property
    def home(self) -> Path:
        """Where the data lies: `folder`, unless the server's account cannot reach it (then `notice` says so)."""
        return self._planned.cluster.parent

    def remove(self) -> None:
        """Stop the server and delete all it had: for one that was only temporary."""
        self.stop()
        elsewhere = self.folder / ELSEWHERE
        if elsewhere.is_symlink():
            shutil.rmtree(elsewhere.resolve(), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def binaries(self) -> Path:
        """The folder with `postgres`, `psql`, `pgbench`, `pg_dump`, `pg_restore`."""
        return self._planned.binaries

    @property
    def psql(self) -> Path:
        return self.binaries / "psql"

    @property
    def pgbench(self) -> Path:
        return self.binaries / "pgbench"

    @property
    def log_file(self) -> Path:
        return self.folder / "postgres.log"

    def __enter__(self) -> "EmbeddedPostgres":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # The caller's part of a start

    @property
    def _planned(self) -> Plan:
        if self._plan is None:
            raise RuntimeError("not started yet")
        return self._plan

    def _prepare(self) -> None:
        self._make_folder()
        account = host.account_for(self.folder / "cluster")
        home, self.notice = host.home_for(self.folder, account)
        if self.notice:
            log.warning("postgres_elsewhere", extra={"notice": self.notice})
            account = host.account_for(home / "cluster")
            if not (self.folder / ELSEWHERE).is_symlink():
                (self.folder / ELSEWHERE).symlink_to(home)
        self._plan = Plan(
            cluster=home / "cluster",
            socket=host.socket_folder(home, account),
            binaries=host.binaries_for(account),
            account=account,
            port=self._port,
            fsync=self._fsync,
            memory_mb=self._memory_mb,
            connections=self._connections,
            preload=self._preload,
        )

    def _make_folder(self) -> None:
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            if not self.folder.exists():  # root's: the server's account passes through; it cannot list or read
                host.make_folder(self.folder, 0o711 if os.geteuid() == 0 else 0o700)
            if not os.access(self.folder, os.W_OK | os.X_OK):
                raise PermissionError(13, "no right to write")
        except OSError as error:
            raise PostgresUnusable(f"cannot use {self.folder}: {error.strerror}; choose other --data") from error

    def _password(self) -> str:
        """The password for TCP, kept in the folder."""
        path = self.folder / "password"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text().strip()

    # The thread's part

    def _look_after(self) -> None:
        pause = FIRST_PAUSE
        try:
            while not self._stopping.is_set():
                lives = self._lives
                try:
                    self._one_life()
                except Exception as error:  # whatever it is, the data must come back: try again, or tell start()
                    if not self._settled.is_set() and not self._another_runs():
                        self._failure = error
                        return
                    log.error("postgres_not_back_yet", extra={"reason": str(error), "pause_s": pause})
                pause = FIRST_PAUSE if self._lives > lives else min(pause * 2, LONGEST_PAUSE)
                self._stopping.wait(pause)
        finally:
            self._lock.release()
            self._settled.set()

    def _one_life(self) -> None:
        """From launch (or finding it running) to its end, or until we are to stop."""
        if not self._lock.take():
            self._be_guest()
            if self._stopping.is_set():
                return
        plan = self._planned
        postmaster = self._found_running(plan) or self._launched(plan)
        self._postmaster = postmaster
        try:
            self._await_ready(postmaster)
            databases.ensure(self.admin_url, name=self.database, password=self._password())
            host.hand_over(self.folder)
            self._now_ready()
            while postmaster.alive() and not self._stopping.wait(TICK):
                pass
        finally:
            self._ready.clear()
            died = not postmaster.alive()
            if not postmaster.end(30.0):
                clear_up(plan.cluster, plan.socket)
            if plan.socket.parent != plan.cluster.parent:
                shutil.rmtree(plan.socket, ignore_errors=True)
            self._postmaster = None
        if died and not self._stopping.is_set():
            log.warning("postgres_died", extra={"pid": postmaster.pid, "restarts": self.restarts})

    def _another_runs(self) -> bool:
        """Whether a start failed only because a server of a killed process was still there; it leaves or is adopted."""
        return self._adopted or running(self._planned.cluster) is not None

    def _found_running(self, plan: Plan) -> Postmaster | None:
        """A server that its owner left behind: kept when it runs as planned, else stopped.

        It may be on its way out, because it ends with its owner: then it is waited for.
        """
        left = running(plan.cluster)
        self._adopted = left is not None
        while left is not None and left.alive() and not self._stopping.wait(0.01):
            found = read_pid_file(plan.cluster)
            if found is None or not found.ready:
                continue
            if found.port == plan.socket_port and found.socket == str(plan.socket):
                log.info("postgres_adopted", extra={"pid": left.pid})
                return left
            left.end(30.0)
        self._adopted = False
        return None

    def _launched(self, plan: Plan) -> Postmaster:
        clear_up(plan.cluster, plan.socket)
        if plan.port is not None and host.port_taken(plan.port):
            raise PostgresUnusable(f"port {plan.port} of 127.0.0.1 is taken: choose another HUTONG_POSTGRES_PORT")
        if self._lives and not plan.cluster.exists():
            raise PostgresUnusable(f"{plan.cluster} has gone while we ran: an empty one in its place would hide that")
        host.private_folder(plan.socket, plan.account)
        cluster.make(plan)
        cluster.configure(plan)
        return launch(plan, self.log_file)

    def _await_ready(self, postmaster: Postmaster) -> None:
        """Until it takes connections, however long its recovery takes."""
        while not self._stopping.wait(0.01):
            found = read_pid_file(self._planned.cluster)
            if found is not None and found.pid == postmaster.pid and found.ready:
                return
            if not postmaster.alive():
                raise StartFailed(f"PostgreSQL did not start. {last_lines(self.log_file)}")
        raise StartFailed("asked to stop while starting")

    def _now_ready(self) -> None:
        self.restarts = self._lives
        self._lives += 1
        self._ready.set()
        self._settled.set()
        log.info("postgres_ready", extra={"pid": self.pid, "restarts": self.restarts})

    def _be_guest(self) -> None:
        """Use the server that another process looks after, until we are to stop or it is ours to look after."""
        while not self._stopping.wait(TICK):
            if self._lock.take():
                self._ready.clear()
                log.info("postgres_taken_over")
                return
            found, server = read_pid_file(self._planned.cluster), running(self._planned.cluster)
            if found is None or server is None or not found.ready:
                self._ready.clear()
                continue
            self._postmaster = server
            if not self._ready.is_set():  # its owner chose the port
                self._plan = replace(self._planned, port=found.port if found.listens else None)
                self._now_ready()
        self._ready.clear()
        self._postmaster = None
