"""Becomes PostgreSQL: a script run by `postmaster.launch`, which drops root and asks the kernel for a clean end.

A script of its own because the same steps between fork and exec of a process with threads can deadlock, and because
the account that PostgreSQL runs under may not be able to reach our Python.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Exec `command` as (uid, gid), or as ourselves when uid is negative; on Linux it ends with its parent."""
    os.chdir("/")
    os.umask(0o077)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)  # before prctl: a change of user clears the wish
    if sys.platform == "linux":
        # SIGINT is PostgreSQL's fast shutdown: whoever kills Hutong does not leave a server behind.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:
            raise SystemExit("the parent is gone already")
    os.execv(command[0], command)  # noqa: S606 (no shell is what we want)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
