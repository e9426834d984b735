"""The cluster on disk: made once, its configuration written anew at every start."""

import os
import shutil
import subprocess
from pathlib import Path

from msgspec import Struct

from hutong.infra.embedded.errors import PostgresUnusable
from hutong.infra.embedded.host import Account, private_folder

SUPERUSER = "postgres"
OWNER = "hutong"
# Text sorts and compares by the builtin C.UTF-8 everywhere. pg_trgm however asks the system's locale what a letter is,
# and in plain C no Chinese character is one: names for a locale that knows better, as systems spell them.
LETTERS = ("C.UTF-8", "en_US.UTF-8", "UTF-8")

CONFIGURATION = """\
# Written by Hutong at every start. Your own choices go into local.conf beside this file; they win.
listen_addresses = '{listen}'
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = {connections}
max_locks_per_transaction = 128  # a set of orders holds a lock for each of its keys
password_encryption = 'scram-sha-256'

# A small machine
shared_buffers = {memory_mb}MB
effective_cache_size = {cache_mb}MB
work_mem = 8MB
maintenance_work_mem = 64MB
random_page_cost = 1.1
jit = off
shared_preload_libraries = '{preload}'

# What was acknowledged is on the disk
fsync = {fsync}
full_page_writes = {fsync}
synchronous_commit = on
wal_level = replica
max_wal_size = 1GB
checkpoint_timeout = 5min

# A table that was empty before a sale is large after it: statistics and vacuum come soon and in small pieces
autovacuum_naptime = 10s
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_scale_factor = 0.1
autovacuum_vacuum_insert_scale_factor = 0.1
autovacuum_vacuum_cost_limit = 1000

# Nobody waits for someone who has left
client_connection_check_interval = 10s
idle_in_transaction_session_timeout = 5min

# The log tells of the server, not of the data: statements and values stay out of it
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_checkpoints = off
log_lock_waits = on
log_timezone = 'UTC'
timezone = 'UTC'
lc_messages = 'C'
cluster_name = 'hutong'
"""

ACCESS = f"""\
# Written by Hutong at every start. The socket lies in a folder that only its owner can enter.
local all all trust
host all {OWNER} 127.0.0.1/32 scram-sha-256
"""


class Plan(Struct, frozen=True, kw_only=True):
    """How the server is to run."""

    cluster: Path
    socket: Path
    binaries: Path
    account: Account | None
    port: int | None
    fsync: bool
    memory_mb: int
    connections: int
    preload: tuple[str, ...] = ()

    @property
    def socket_port(self) -> int:
        """The number in the socket's name; PostgreSQL has one for both, also where it does not listen on TCP."""
        return self.port or 5432


def environment() -> dict[str, str]:
    """A plain environment: none of the caller's PG* variables, messages in English."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}


def make(plan: Plan) -> None:
    """Make the cluster when it is not there: whole or not at all. Refuses one of another major version."""
    if (plan.cluster / "PG_VERSION").exists():
        _check_version(plan)
        return
    draft = plan.cluster.with_name("cluster.new")
    problem = ""
    for letters in LETTERS:
        shutil.rmtree(draft, ignore_errors=True)
        private_folder(draft, plan.account)
        problem = _run(_initdb(plan, draft, letters), plan.account)
        if not problem:
            break
    if problem:
        raise PostgresUnusable(f"initdb failed: {problem}")
    with (draft / "postgresql.conf").open("a") as file:
        file.write("\ninclude_if_exists = 'hutong.conf'\ninclude_if_exists = 'local.conf'\n")
    _write(draft / "local.conf", "# Your own choices; they win over hutong.conf.\n", plan.account)
    draft.rename(plan.cluster)


def configure(plan: Plan) -> None:
    """Write the configuration for this start."""
    text = CONFIGURATION.format(
        listen="127.0.0.1" if plan.port else "",
        port=plan.socket_port,
        socket=str(plan.socket).replace("'", "''"),
        connections=plan.connections,
        memory_mb=plan.memory_mb,
        cache_mb=plan.memory_mb * 4,
        fsync="on" if plan.fsync else "off",
        preload=", ".join(plan.preload),
    )
    _write(plan.cluster / "hutong.conf", text, plan.account)
    _write(plan.cluster / "pg_hba.conf", ACCESS, plan.account)


def _check_version(plan: Plan) -> None:
    made_by = (plan.cluster / "PG_VERSION").read_text().strip()
    shown = subprocess.run(  # noqa: S603 (our own binary)
        [plan.binaries / "postgres", "--version"], capture_output=True, text=True, check=True, env=environment()
    ).stdout
    ours = shown.split()[2].split(".")[0]
    if made_by != ours:
        raise PostgresUnusable(
            f"{plan.cluster} was made by PostgreSQL {made_by}, this is {ours}: dump it with the older one "
            "(pg_dumpall) and load it into a new --data folder"
        )


def _initdb(plan: Plan, draft: Path, letters: str) -> list[str]:
    command = [
        str(plan.binaries / "initdb"), "--pgdata", str(draft), "--username", SUPERUSER, "--encoding", "UTF8",
        "--locale", "C", "--lc-ctype", letters, "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
        "--auth-local", "trust", "--auth-host", "scram-sha-256", "--no-instructions",
    ]  # fmt: skip
    return command if plan.fsync else [*command, "--no-sync"]


def _run(command: list[str], account: Account | None) -> str:
    """Run as the account; what it complained about when it failed, else nothing."""
    who = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    done = subprocess.run(command, cwd="/", env=environment(), capture_output=True, text=True, check=False, **who)  # noqa: S603 (our own binary)
    return done.stderr.strip()[-800:] or f"exit {done.returncode}" if done.returncode else ""


def _write(path: Path, text: str, account: Account | None) -> None:
    """Replace a file of the cluster: never through a link that the cluster's account may have put there."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        if account is not None:
            os.fchown(file.fileno(), account.uid, account.gid)
    draft.replace(path)
