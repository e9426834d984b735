"""The door of the merchant API: every request is signed and fresh, every answer is signed and bound to it."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response

from hutong.cli.sandboxpay.keys import Keys
from hutong.cli.sandboxpay.script import WRITES, Mode, Script
from hutong.cli.sandboxpay.store import Row, Store
from hutong.cli.sandboxpay.trouble import Trouble, bad_input

TOLERANCE_SECONDS = 300
HANG_SECONDS = 3600
T = TypeVar("T")
Numbers = Callable[[bytes], list[str]]  # the numbers in a request, for the script


class Gate:
    """Checks who calls, lets the script interfere, and signs what goes back."""

    def __init__(self, store: Store, script: Script, keys: Keys, *, merchant: str, journal: bool) -> None:
        self._store, self._script, self._keys = store, script, keys
        self._merchant, self._journal = merchant, journal
        self._nonces: dict[str, int] = {}

    async def answer(
        self,
        request: Request[Any, Any, Any],
        op: str,
        numbers: Callable[[bytes], list[str]],
        do: Callable[[bytes], Row],
    ) -> Response[bytes]:
        """Runs `do` for a signed request and answers with its result or with the trouble it had."""
        body = await request.body()
        status, answer = 200, b""
        try:
            self._admit(request, body)
            named = numbers(body)
            late = await self._interfere(op, named)
            answer = msgspec.json.encode(do(body))
            if late == "timeout_but_done":
                await asyncio.sleep(HANG_SECONDS)
            if late == "done_then_500":
                raise Trouble(500, "internal_error", "the script said so")
        except Trouble as trouble:
            status = trouble.status
            answer = msgspec.json.encode({"code": trouble.code, "message": trouble.words})
        return self._sign(request, status, answer)

    def _admit(self, request: Request[Any, Any, Any], body: bytes) -> None:
        """Raises unless the merchant himself sent exactly this, just now and for the first time."""
        header = request.headers.get
        when, nonce = header("sandboxpay-timestamp", ""), header("sandboxpay-nonce", "")
        path = request.scope["path"]
        signed = (request.method, path, when, nonce, body)
        if header("sandboxpay-merchant") != self._merchant or header("sandboxpay-serial") != self._keys.merchant.serial:
            raise Trouble(401, "unknown_merchant", "merchant or key serial is not known")
        if not self._keys.merchant.holds(header("sandboxpay-signature", ""), *signed):
            raise Trouble(401, "bad_signature", "the signature does not fit the request")
        now = int(self._store.clock.now().timestamp())
        if not when.isdigit() or abs(now - int(when)) > TOLERANCE_SECONDS:
            raise Trouble(401, "stale", "the timestamp is too far from now")
        self._nonces = {n: t for n, t in self._nonces.items() if t >= now - 2 * TOLERANCE_SECONDS}
        if not 8 <= len(nonce) <= 64 or nonce in self._nonces:
            raise Trouble(401, "replayed", "the nonce was used before")
        self._nonces[nonce] = now

    async def _interfere(self, op: str, numbers: list[str]) -> Mode | None:
        with self._store.writing():
            if self._journal:
                self._store.run(
                    "insert into call (op, number, at) values (:op, :number, :at)",
                    op=op,
                    number=numbers[0] if numbers else "",
                    at=self._store.now(),
                )
            silent = self._script.take("silent", numbers, op)
            late = self._take_late(numbers, op) if op in WRITES and not silent else None
        if silent:
            await asyncio.sleep(HANG_SECONDS)
        return late

    def _take_late(self, numbers: list[str], op: str) -> Mode | None:
        if self._script.take("timeout_but_done", numbers, op):
            return "timeout_but_done"
        return "done_then_500" if self._script.take("done_then_500", numbers, op) else None

    def _sign(self, request: Request[Any, Any, Any], status: int, body: bytes) -> Response[bytes]:
        when = str(int(self._store.clock.now().timestamp()))
        nonce = request.headers.get("sandboxpay-nonce", "")
        headers = {
            "sandboxpay-serial": self._keys.signer.serial,
            "sandboxpay-timestamp": when,
            "sandboxpay-nonce": nonce,
            "sandboxpay-signature": self._keys.signer.sign(str(status), when, nonce, body),
        }
        return Response(body, status_code=status, media_type="application/json", headers=headers)


def parsed(body: bytes, kind: type[T]) -> T:
    """The body as `kind`; Trouble when it is something else."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise bad_input(str(error)) from None
