"""Who looks after the server of a folder: one process at a time, for as long as it lives."""

import fcntl
import os
import weakref
from pathlib import Path


class FolderLock:
    """An exclusive lock on a file. The kernel lets go of it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        _ALL.add(self)

    @property
    def held(self) -> bool:
        return self._handle is not None

    def take(self) -> bool:
        """Whether it is ours now."""
        if self._handle is not None:
            return True
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        """Let another have it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


_ALL: "weakref.WeakSet[FolderLock]" = weakref.WeakSet()


def _forget_in_child() -> None:
    for lock in list(_ALL):
        lock.release()  # closes the child's copy only; the parent keeps the lock


os.register_at_fork(after_in_child=_forget_in_child)
