"""Callbacks: signed, asynchronous, at least once, in no order. An event stays in the state file until a 2xx came."""

import asyncio
import contextlib
import secrets
from datetime import datetime, timedelta

import httpx2
import msgspec

from hutong.cli.sandboxpay.keys import Keys
from hutong.cli.sandboxpay.script import Script
from hutong.cli.sandboxpay.store import Row, Store, stamp

RETRY_SECONDS = (0.2, 1, 3, 10, 30, 60, 300, 1800, 3600, 10800, 21600, 21600, 21600)
ANSWER_SECONDS = 5.0
AT_ONCE = 64


class Postman:
    """Writes events inside the transaction of their cause and delivers them afterwards."""

    def __init__(self, store: Store, script: Script, keys: Keys, *, merchant: str, scale: float) -> None:
        self._store, self._script, self._keys = store, script, keys
        self._merchant, self._scale = merchant, scale
        self._wake = asyncio.Event()
        self._out: dict[str, asyncio.Task[None]] = {}

    def post(self, kind: str, numbers: list[str], address: str, data: Row) -> None:
        """Puts an event into the out tray. Part of the caller's transaction."""
        now = self._store.clock.now()
        if self._script.take("lost", numbers, kind):
            due = None
        else:
            due = stamp(now + timedelta(seconds=self._delay(numbers, kind)))
        event_id = "ev_" + secrets.token_hex(16)
        body = {"event_id": event_id, "kind": kind, "merchant": self._merchant, "at": stamp(now), "data": data}
        self._store.run(
            """insert into event (event_id, kind, subject, notify_url, body, forged, due_at, created_at)
               values (:event_id, :kind, :subject, :address, :body, :forged, :due, :now)""",
            event_id=event_id,
            kind=kind,
            subject=numbers[0],
            address=address,
            body=msgspec.json.encode(body),
            forged=self._script.take("forged", numbers, kind) is not None,
            due=due,
            now=stamp(now),
        )
        self._wake.set()

    def _delay(self, numbers: list[str], kind: str) -> float:
        late = self._script.take("late", numbers, kind)
        first = self._script.take("reorder", numbers, kind)
        waits = self._store.row("select 1 from event where subject = :number", number=numbers[-1])
        return (late.seconds if late else 0.0) + (first.seconds if first and waits is None else 0.0)

    async def deliver(self) -> None:
        """Delivers for ever; cancelled when the server stops."""
        async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            try:
                while True:
                    self._wake.clear()
                    self._start_due(client)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), self._pause())
            finally:
                for task in self._out.values():
                    task.cancel()

    def _start_due(self, client: httpx2.AsyncClient) -> None:
        due = self._store.rows(
            "select * from event where due_at <= :now order by due_at limit :most", now=self._store.now(), most=AT_ONCE
        )
        for event in due:
            if event["event_id"] not in self._out and len(self._out) < AT_ONCE:
                self._out[event["event_id"]] = asyncio.create_task(self._bring(client, event))

    def _pause(self) -> float:
        """Seconds until the next event is due. Never long, because the clock can be turned by a test."""
        row = self._store.row("select min(due_at) as due from event where due_at is not null")
        if row is None or row["due"] is None or self._out:
            return 0.5
        wait = (datetime.fromisoformat(row["due"]) - self._store.clock.now()).total_seconds()
        return min(max(wait, 0.01), 0.5)

    async def _bring(self, client: httpx2.AsyncClient, event: Row) -> None:
        """One try (or several at once, when the script says so); books the outcome."""
        try:
            with self._store.writing():
                twice = self._script.take("duplicate", self._numbers(event), event["kind"])
            copies = twice.count if twice else 1
            came = await asyncio.gather(*(self._send(client, event) for _ in range(copies)))
            with self._store.writing():
                self._book(event, any(came))
        finally:
            self._out.pop(event["event_id"], None)
            self._wake.set()

    def _numbers(self, event: Row) -> list[str]:
        data = msgspec.json.decode(event["body"])["data"]
        return [data[name] for name in ("refund_no", "payout_no", "out_no") if name in data]

    async def _send(self, client: httpx2.AsyncClient, event: Row) -> bool:
        now, nonce = str(int(self._store.clock.now().timestamp())), secrets.token_hex(12)
        signer = self._keys.stranger if event["forged"] else self._keys.signer
        headers = {
            "content-type": "application/json",
            "sandboxpay-serial": self._keys.signer.serial,
            "sandboxpay-timestamp": now,
            "sandboxpay-nonce": nonce,
            "sandboxpay-signature": signer.sign(now, nonce, event["body"]),
        }
        try:
            answer = await client.post(event["notify_url"], content=event["body"], headers=headers)
        except httpx2.HTTPError:
            return False
        return answer.is_success

    def _book(self, event: Row, came: bool) -> None:
        now = self._store.clock.now()
        wait = RETRY_SECONDS[event["tries"]] * self._scale if event["tries"] < len(RETRY_SECONDS) else None
        again = None if came or wait is None else stamp(now + timedelta(seconds=wait))
        self._store.run(
            """update event set tries = tries + 1, due_at = :again, delivered_at = :delivered
               where event_id = :event_id""",
            again=again,
            delivered=stamp(now) if came else None,
            event_id=event["event_id"],
        )
