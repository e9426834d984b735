"""A server that is gone afterwards: for tests, replays, benchmarks and a look around."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hutong.infra.embedded.lock import FolderLock
from hutong.infra.embedded.postmaster import running
from hutong.infra.embedded.server import EmbeddedPostgres

log = logging.getLogger("hutong.postgres")

PREFIX = "hutong-tmp-"
MEMORY = Path("/dev/shm")  # noqa: S108 (a place, not a file name)
ROOM = 512 * 1024 * 1024  # bytes; containers often give /dev/shm 64 MB only


@contextmanager
def temporary(
    *, in_memory: bool = False, fsync: bool = False, port: int | None = None, memory_mb: int = 128,
    preload: tuple[str, ...] = (),
) -> Iterator[EmbeddedPostgres]:  # fmt: skip
    """A fresh server, stopped and removed at the end. in_memory: on /dev/shm when there is room.

    Leftovers of processes that were killed before they could clear up are removed too.
    """
    base = _memory() if in_memory else None
    base = base or Path(tempfile.gettempdir())
    _sweep(base)
    folder, lock = _folder(base)
    server = EmbeddedPostgres(folder / "postgres", port=port, fsync=fsync, memory_mb=memory_mb, preload=preload)
    try:
        yield server.start()
    finally:
        server.stop()
        _remove(folder)
        lock.release()


def _memory() -> Path | None:
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        return MEMORY
    log.info("postgres_on_disk", extra={"reason": f"{MEMORY} is absent or small"})
    return None


def _folder(base: Path) -> tuple[Path, FolderLock]:
    """A new folder and the lock that marks it as in use; it gets its lasting name only when the lock is held."""
    draft = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=base))
    if os.geteuid() == 0:
        draft.chmod(0o711)
    lock = FolderLock(draft / "in-use.lock")
    lock.take()
    folder = draft.with_name(draft.name[1:])
    draft.rename(folder)
    return folder, lock


def _remove(folder: Path) -> None:
    left = running(folder / "postgres" / "cluster")
    if left is not None:
        left.end(10.0)
    EmbeddedPostgres(folder / "postgres").remove()
    shutil.rmtree(folder, ignore_errors=True)


def _sweep(base: Path) -> None:
    """Remove our own folders whose process is gone."""
    for folder in base.glob(f"{PREFIX}*"):
        try:
            if folder.lstat().st_uid != os.geteuid() or not (folder / "in-use.lock").exists():
                continue
            lock = FolderLock(folder / "in-use.lock")
            if lock.take():
                _remove(folder)
                lock.release()
        except OSError:
            continue
