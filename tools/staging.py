"""A demo as real processes on a temporary database, and the Chromium in front of it: for pictures and figures."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from hutong.cli.demo.city_data import read_city
from hutong.cli.processes import free_port

ROOT = Path(__file__).parent.parent
QINGHE = read_city().city("qinghe")
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


def chromium() -> str:
    """The Chromium of this machine (tools/chromium.sh sees to it that there is one)."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), "")
    return found or sys.exit("no Chromium: run tools/chromium.sh")


def own_environment() -> dict[str, str]:
    """The environment without settings of another installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUTONG_")}


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary data folder in which PostgreSQL can live."""
    with tempfile.TemporaryDirectory(prefix="hutong-stage-") as made:
        if os.geteuid() == 0:
            Path(made).chmod(0o711)  # PostgreSQL does not run as root
        yield Path(made) / "data"


@contextmanager
def demo(data: Path, *more: str, wait_s: float = 300) -> Iterator[str]:
    """The address of a demo that keeps its things in `data`; it ends with the block. Messages: data/sms.jsonl."""
    port, provider = free_port(), free_port()
    command = [sys.executable, "-m", "hutong.app", "--data", str(data), "demo", *more]
    ports = ["--port", str(port), "--provider-port", str(provider)]
    process = subprocess.Popen(  # noqa: S603
        [*command, *ports], env=own_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(f"{address}/readyz", process, wait_s)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait(url: str, process: subprocess.Popen[bytes], wait_s: float) -> None:
    until = time.monotonic() + wait_s
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx2.get(url, timeout=2, trust_env=False).is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.3)
    sys.exit("the demo did not start")
