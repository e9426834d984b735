"""The server's processes: launch, recognise, stop, and clear up after one that died."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
from msgspec import Struct

from hutong.infra.embedded import launch as launcher
from hutong.infra.embedded.cluster import Plan, environment

LOG_LIMIT = 8_000_000  # bytes; a bigger log is set aside at the next start


class PidFile(Struct, frozen=True):
    """What a running server says about itself in postmaster.pid."""

    pid: int
    port: int
    socket: str
    listens: bool
    ready: bool


def read_pid_file(cluster: Path) -> PidFile | None:
    """postmaster.pid, or None when it is absent or half written."""
    try:
        lines = [line.strip() for line in (cluster / "postmaster.pid").read_text().splitlines()]
        return PidFile(
            pid=abs(int(lines[0])),
            port=int(lines[3]),
            socket=lines[4],
            listens=bool(lines[5]),
            ready=len(lines) > 7 and lines[7] == "ready",
        )
    except (FileNotFoundError, ValueError, IndexError):
        return None


class Postmaster:
    """A running server: our child, or one that was found running."""

    def __init__(self, process: psutil.Process, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = process.pid
        self._process = process
        self._child = child

    def alive(self) -> bool:
        """Whether the process is there and not merely waiting to be reaped."""
        if self._child is not None:
            return self._child.poll() is None
        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def wait(self, seconds: float) -> bool:
        """Whether it ended within that time."""
        until = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() >= until:
                return False
            time.sleep(0.01)
        return True

    def end(self, seconds: float) -> bool:
        """Stop it: cleanly, then at once, then by force. True when the clean way was enough."""
        for number, patience in ((signal.SIGINT, seconds), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if self.alive():
                self._signal(number)
            if self.wait(patience):
                return number == signal.SIGINT
        return False

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


def _in_cluster(process: psutil.Process, cluster: str) -> bool:
    """Whether the process is one of the cluster's: each of them stands in its folder, and no other program does."""
    try:
        return process.cwd() == cluster and process.name().startswith("postgres")
    except psutil.Error:
        return False


def running(cluster: Path) -> Postmaster | None:
    """The server that runs on the cluster now. A number in postmaster.pid that another program got is not one."""
    found = read_pid_file(cluster)
    if found is None:
        return None
    try:
        process = psutil.Process(found.pid)
    except psutil.NoSuchProcess:
        return None
    postmaster = Postmaster(process)
    return postmaster if postmaster.alive() and _in_cluster(process, os.path.realpath(cluster)) else None


def clear_up(cluster: Path, socket: Path, *, patience: float = 0.1) -> None:
    """Make room after a server that died: call only when no postmaster runs on the cluster.

    Its backends may still hold the shared memory, and a new server refuses to start beside them. Idle ones leave by
    themselves; one that is busy, or whose client never pauses, is told to after `patience` seconds. What they leave
    undone is undone by recovery.
    """
    for number, seconds in ((None, patience), (signal.SIGQUIT, 1.0), (signal.SIGKILL, 5.0)):
        left = _orphans(cluster)
        if not left:
            break
        for process in left:
            if number is not None:
                _tell(process, number)
        psutil.wait_procs(left, timeout=seconds)
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    for lock in socket.glob(".s.PGSQL.*"):
        lock.unlink(missing_ok=True)


def _orphans(cluster: Path) -> list[psutil.Process]:
    where = os.path.realpath(cluster)
    return [p for p in psutil.process_iter() if _in_cluster(p, where)]


def _tell(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def launch(plan: Plan, log: Path) -> Postmaster:
    """Start the server. On Linux it ends with the calling thread, so call from one that lives as long as it should.

    It gets its own session, so that Ctrl-C in the terminal reaches Hutong alone, which stops it when its work is done.
    """
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_name(log.name + ".1"))
    uid, gid = (-1, -1) if plan.account is None else (plan.account.uid, plan.account.gid)
    command = [
        sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), str(uid), str(gid),
        str(plan.binaries / "postgres"), "-D", str(plan.cluster),
    ]  # fmt: skip
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        child = subprocess.Popen(  # noqa: S603 (our own script and binary)
            command, stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, env=environment(), start_new_session=True
        )
    finally:
        os.close(handle)
    return Postmaster(psutil.Process(child.pid), child)


def last_lines(log: Path, count: int = 12) -> str:
    """The end of the server's log."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8_000))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
