"""A phone (or a till) of the cast: it knows the address of the house and nothing of its inside."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx2

from hutong.infra.ids import new_id
from hutong.messages import last_code_in

T = TypeVar("T")
PATIENCE = 60.0  # seconds


class Stuck(Exception):
    """The house did not do what it should; the words say where it went wrong."""


class Phone:
    """Speaks the API as one person. Every answer that is not a success is the end of the play."""

    def __init__(self, address: str, *, name: str) -> None:
        self._http = httpx2.Client(base_url=f"{address}/api/v1", timeout=20, trust_env=False)
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        return self._said(self._http.get(path, params=query))

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """A write, under a key of its own unless one is given."""
        return self._said(self._http.post(path, json=body, headers={"idempotency-key": key or str(new_id())}))

    def _said(self, answer: httpx2.Response) -> Any:
        if answer.is_success:
            return answer.json() if answer.content else None
        raise Stuck(
            f"{self.name}: {answer.request.method} {answer.url.path} was answered {answer.status_code} {answer.text}"
        )

    def sign_in(self, phone: str, inbox: Path) -> None:
        """By the code in the file where a demo keeps its messages. Waits when a code was asked for just now."""
        until = time.monotonic() + PATIENCE
        while True:
            answer = self._http.post("/auth/codes", json={"phone": phone})
            if answer.status_code != 429 or time.monotonic() > until:
                break
            time.sleep(min(float(answer.headers.get("retry-after", 1)), PATIENCE))
        self._said(answer)
        code = last_code_in(inbox, phone)
        if code is None:
            raise Stuck(f"{self.name}: no code came to {inbox}")
        token = self.post("/auth/sessions", {"phone": phone, "code": code})["token"]
        self._http.headers["authorization"] = f"Bearer {token}"


def pay_at(pay_url: str) -> None:
    """What a payer does on the provider's page: look at it, press Pay."""
    with httpx2.Client(timeout=20, trust_env=False) as browser:
        page = browser.get(pay_url)
        if not page.is_success or 'name="choice" value="pay"' not in page.text:
            raise Stuck(f"the pay page cannot be paid: {page.status_code}")
        done = browser.post(pay_url, data={"choice": "pay"})
        if done.status_code != 303:
            raise Stuck(f"paying was answered {done.status_code}")


def until(what: str, look: Callable[[], T], good: Callable[[T], bool], *, seconds: float = PATIENCE / 2) -> T:
    """Look again and again until it is good."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if good(seen):
            return seen
        if time.monotonic() > end:
            raise Stuck(f"{what} did not happen within {seconds:.0f} s; last seen: {seen}")
        time.sleep(0.1)
