"""The adapter to SandboxPay: signs what we ask, believes only what the provider signed."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from msgspec import Struct

from hutong.kit.clock import Clock
from hutong.kit.money import Amount
from hutong.payments.port import (
    BadSignature,
    BillKind,
    BillLine,
    EventKind,
    MoneyOutState,
    OpenedPayment,
    OpenPayment,
    OpenPayout,
    OpenRefund,
    PaymentState,
    ProviderEvent,
    ProviderPayment,
    ProviderPayout,
    ProviderRefund,
    ProviderRefused,
    ProviderUnknown,
)

TOLERANCE_SECONDS = 300  # how far a callback's timestamp may be from now (reliability.md E3)
CALLBACK_MAX = 64 * 1024
ANSWER_SECONDS = 5.0
T = TypeVar("T")


class _Payment(Struct):
    out_no: str
    provider_no: str
    state: PaymentState
    amount: int
    asset: str
    pay_url: str
    settled_at: datetime | None


class _MoneyOut(Struct):
    provider_no: str
    state: MoneyOutState
    amount: int
    asset: str
    failure: str | None
    settled_at: datetime | None
    refund_no: str = ""
    payout_no: str = ""


class _BillLine(Struct):
    kind: BillKind
    number: str
    provider_no: str
    amount: int
    asset: str
    fee: int
    at: datetime


class _Bill(Struct):
    lines: list[_BillLine]


class _Trouble(Struct):
    code: str
    message: str = ""


class _Moved(Struct):
    """What the events of payments, refunds and payouts have in common."""

    provider_no: str
    amount: int
    asset: str
    out_no: str = ""
    refund_no: str = ""
    payout_no: str = ""
    failure: str | None = None


class _Event(Struct):
    event_id: str
    kind: EventKind
    merchant: str
    at: datetime
    data: _Moved


class SandboxKeys:
    """Our private key and the provider's public ones, from the folder that SandboxPay fills on its first start."""

    def __init__(self, folder: Path) -> None:
        loaded = serialization.load_pem_private_key((folder / "merchant_private.pem").read_bytes(), password=None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise ValueError("merchant_private.pem is no RSA key")
        self._private = loaded
        self.serial = _serial_of(loaded.public_key())
        # More than one while the provider changes its key: both count during the overlap.
        public = [
            serialization.load_pem_public_key(p.read_bytes()) for p in sorted(folder.glob("provider_public*.pem"))
        ]
        self._providers = {_serial_of(key): key for key in public if isinstance(key, rsa.RSAPublicKey)}
        if not self._providers:
            raise ValueError(f"{folder} has no public key of the provider")

    def sign(self, *parts: str | bytes) -> str:
        signature = self._private.sign(_message(parts), padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signature).decode()

    def check(self, headers: Mapping[str, str], *parts: str | bytes) -> None:
        """Raises BadSignature unless the provider signed these parts with a key we know."""
        key = self._providers.get(headers.get("sandboxpay-serial", ""))
        if key is None:
            raise BadSignature("unknown key serial")
        text = headers.get("sandboxpay-signature", "")
        try:
            raw = base64.b64decode(text, validate=True)
            key.verify(raw, _message(parts), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, binascii.Error, ValueError):
            raise BadSignature("the signature does not fit") from None
        if base64.b64encode(raw).decode() != text:  # base64 has spare bits: one signature, one spelling
            raise BadSignature("the signature is not in its canonical form")


class SandboxPay:
    """PaymentProvider over HTTP. Use as an async context manager, or call `close()` at the end."""

    name = "sandbox"

    def __init__(
        self,
        *,
        base_url: str,
        keys: SandboxKeys,
        clock: Clock,
        merchant: str = "M1000001",
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._keys, self._clock, self._merchant = keys, clock, merchant
        timeout = httpx2.Timeout(answer_seconds, connect=min(2.0, answer_seconds))
        self._client = httpx2.AsyncClient(base_url=base_url, timeout=timeout, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def open_payment(self, ask: OpenPayment) -> OpenedPayment:
        body = {
            "out_no": ask.out_no,
            "amount": ask.amount.units,
            "asset": ask.amount.asset,
            "description": ask.description[:200],
            "notify_url": ask.notify_url,
            "return_url": ask.return_url,
            "expires_at": ask.expires_at,
        }
        said = await self._ask("POST", "/v1/payments", _Payment, body)
        return OpenedPayment(out_no=ask.out_no, provider_no=said.provider_no, pay_url=said.pay_url)

    async def payment(self, out_no: str) -> ProviderPayment:
        try:
            return _payment(await self._ask("GET", f"/v1/payments/{out_no}", _Payment))
        except ProviderRefused as no:
            return ProviderPayment(out_no=out_no, state=_unknown_or_raise(no))

    async def close_payment(self, out_no: str) -> ProviderPayment:
        try:
            return _payment(await self._ask("POST", f"/v1/payments/{out_no}/close", _Payment))
        except ProviderRefused as no:
            if no.code == "already_captured":
                return await self.payment(out_no)
            return ProviderPayment(out_no=out_no, state=_unknown_or_raise(no))

    async def refund(self, ask: OpenRefund) -> ProviderRefund:
        body = {
            "refund_no": ask.refund_no,
            "out_no": ask.out_no,
            "amount": ask.amount.units,
            "reason": ask.reason[:200],
        }
        return _refund(await self._ask("POST", "/v1/refunds", _MoneyOut, body))

    async def refund_of(self, refund_no: str) -> ProviderRefund:
        try:
            return _refund(await self._ask("GET", f"/v1/refunds/{refund_no}", _MoneyOut))
        except ProviderRefused as no:
            return ProviderRefund(refund_no=refund_no, state=_unknown_or_raise(no))

    async def pay_out(self, ask: OpenPayout) -> ProviderPayout:
        body = {
            "payout_no": ask.payout_no,
            "account": ask.account,
            "amount": ask.amount.units,
            "asset": ask.amount.asset,
            "notify_url": ask.notify_url,
        }
        return _payout(await self._ask("POST", "/v1/payouts", _MoneyOut, body))

    async def payout(self, payout_no: str) -> ProviderPayout:
        try:
            return _payout(await self._ask("GET", f"/v1/payouts/{payout_no}", _MoneyOut))
        except ProviderRefused as no:
            return ProviderPayout(payout_no=payout_no, state=_unknown_or_raise(no))

    async def bill(self, day: date) -> list[BillLine]:
        said = await self._ask("GET", f"/v1/bills/{day.isoformat()}", _Bill)
        return [
            BillLine(
                kind=line.kind,
                number=line.number,
                provider_no=line.provider_no,
                amount=Amount(line.amount, line.asset),
                fee=Amount(line.fee, line.asset),
                at=line.at,
            )
            for line in said.lines
        ]

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        when, nonce = headers.get("sandboxpay-timestamp", ""), headers.get("sandboxpay-nonce", "")
        if len(body) > CALLBACK_MAX:
            raise BadSignature("the body is too large")
        self._keys.check(headers, when, nonce, body)
        if not (when.isascii() and when.isdigit()) or abs(now.timestamp() - int(when)) > TOLERANCE_SECONDS:
            raise BadSignature("the timestamp is too far from now")
        try:
            event = msgspec.json.decode(body, type=_Event)
        except (msgspec.ValidationError, msgspec.DecodeError):
            raise BadSignature("the body is no event") from None
        if event.merchant != self._merchant:
            raise BadSignature("the event is for another merchant")
        data = event.data
        number = {"payment": data.out_no, "refund": data.refund_no, "payout": data.payout_no}
        return ProviderEvent(
            provider=self.name,
            event_id=event.event_id,
            kind=event.kind,
            number=number[event.kind.partition(".")[0]],
            provider_no=data.provider_no,
            amount=Amount(data.amount, data.asset),
            at=event.at,
            body=body,
            failure=data.failure,
        )

    async def _ask(self, method: str, path: str, kind: type[T], data: dict[str, Any] | None = None) -> T:
        """One signed call. ProviderUnknown unless a signed answer to exactly this question came back."""
        body = b"" if data is None else msgspec.json.encode(data)
        when, nonce = str(int(self._clock.now().timestamp())), secrets.token_hex(16)
        headers = {
            "content-type": "application/json",
            "sandboxpay-merchant": self._merchant,
            "sandboxpay-serial": self._keys.serial,
            "sandboxpay-timestamp": when,
            "sandboxpay-nonce": nonce,
            "sandboxpay-signature": self._keys.sign(method, path, when, nonce, body),
        }
        try:
            answer = await self._client.request(method, path, content=body, headers=headers)
        except httpx2.HTTPError as error:
            raise ProviderUnknown(f"{method} {path}: {type(error).__name__}") from error
        self._believe(answer, nonce)
        try:
            if answer.status_code >= 500:
                raise ProviderUnknown(f"{method} {path}: {answer.status_code}")
            if answer.status_code >= 400:
                trouble = msgspec.json.decode(answer.content, type=_Trouble)
                raise ProviderRefused(trouble.code, trouble.message)
            return msgspec.json.decode(answer.content, type=kind)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise ProviderUnknown(f"{method} {path}: the answer cannot be read") from error

    def _believe(self, answer: httpx2.Response, nonce: str) -> None:
        try:
            if answer.headers.get("sandboxpay-nonce") != nonce:
                raise BadSignature("the answer belongs to another question")
            when = answer.headers.get("sandboxpay-timestamp", "")
            self._keys.check(answer.headers, str(answer.status_code), when, nonce, answer.content)
        except BadSignature as error:
            raise ProviderUnknown(f"the answer ({answer.status_code}) is not the provider's: {error}") from error


def _payment(said: _Payment) -> ProviderPayment:
    captured = said.state == "captured"
    return ProviderPayment(
        out_no=said.out_no,
        state=said.state,
        provider_no=said.provider_no,
        amount=Amount(said.amount, said.asset) if captured else None,
        at=said.settled_at,
    )


def _refund(said: _MoneyOut) -> ProviderRefund:
    return ProviderRefund(
        refund_no=said.refund_no,
        state=said.state,
        provider_no=said.provider_no,
        amount=Amount(said.amount, said.asset),
        failure=said.failure,
        at=said.settled_at,
    )


def _payout(said: _MoneyOut) -> ProviderPayout:
    return ProviderPayout(
        payout_no=said.payout_no,
        state=said.state,
        provider_no=said.provider_no,
        amount=Amount(said.amount, said.asset),
        failure=said.failure,
        at=said.settled_at,
    )


def _unknown_or_raise(no: ProviderRefused) -> Any:
    """A number the provider never met is a state, not a refusal: it makes asking again with it safe."""
    if no.code != "unknown_number":
        raise no
    return "unknown_number"


def _message(parts: tuple[str | bytes, ...]) -> bytes:
    return b"".join((p.encode() if isinstance(p, str) else p) + b"\n" for p in parts)


def _serial_of(key: rsa.RSAPublicKey) -> str:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:16]
